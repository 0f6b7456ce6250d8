#include "schema.h"

#include "sql.h"

#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Offsets in the header of an SQLite file, all numbers big-endian. */
enum {
	HEADER_LEN = 100,
	HEADER_MAGIC_LEN = 16,
	HEADER_USER_VERSION = 60,
	HEADER_APPLICATION_ID = 68
};

static const char tables[] =
    "CREATE TABLE proxy ("
    " proxy_id TEXT PRIMARY KEY NOT NULL,"
    " epoch INTEGER NOT NULL,"
    " host TEXT,"
    " started_at INTEGER NOT NULL,"
    " lease_until INTEGER," /* NULL: alone with its store, needs no lease */
    " version TEXT NOT NULL"
    ") STRICT;"

    "CREATE TABLE session ("
    " session_id TEXT PRIMARY KEY NOT NULL,"
    " proxy_id TEXT NOT NULL REFERENCES proxy,"
    " epoch INTEGER NOT NULL,"
    " user_key TEXT, identity_source TEXT,"
    " target TEXT, client_name TEXT, client_addr TEXT, policy TEXT,"
    " started_at INTEGER NOT NULL,"
    " ended_at INTEGER, end_reason TEXT"
    ") STRICT;"
    "CREATE INDEX session_ended ON session (ended_at);"

    "CREATE TABLE cert ("
    " sha256 BLOB PRIMARY KEY NOT NULL,"
    " sha1 BLOB NOT NULL, der BLOB NOT NULL,"
    " subject TEXT, issuer TEXT, serial TEXT,"
    " not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
    " ski BLOB, aki BLOB, key_alg TEXT, key_bits INTEGER NOT NULL,"
    " subject_hash INTEGER NOT NULL,"
    " is_ca INTEGER NOT NULL, self_issued INTEGER NOT NULL,"
    " upn TEXT, email TEXT, first_seen INTEGER NOT NULL"
    ") STRICT;"

    "CREATE TABLE entry ("
    " store INTEGER NOT NULL, owner TEXT NOT NULL,"
    " sha256 BLOB NOT NULL REFERENCES cert,"
    /* what a user or an administrator set: never lost */
    " friendly_name TEXT, description TEXT,"
    " archived INTEGER NOT NULL DEFAULT 0, enhkey_usage TEXT,"
    /* what the card and the session say: the last word counts */
    " prov_name TEXT, prov_type INTEGER, prov_flags INTEGER,"
    " key_spec INTEGER, container TEXT, pkcs11_uri TEXT,"
    " reader_name TEXT, card_id BLOB, family TEXT,"
    " logon_eligible INTEGER NOT NULL, enrollment BLOB,"
    " revision INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    " last_session TEXT NOT NULL,"
    " PRIMARY KEY (store, owner, sha256)"
    ") STRICT;"
    "CREATE INDEX entry_sha256 ON entry (sha256);"
    "CREATE INDEX entry_owner ON entry (owner);"

    "CREATE TABLE claim ("
    " scope TEXT NOT NULL,"
    " sha256 BLOB NOT NULL REFERENCES cert,"
    " session_id TEXT NOT NULL REFERENCES session,"
    " reader INTEGER NOT NULL, card_id BLOB NOT NULL,"
    " reader_name TEXT, family TEXT,"
    " proxy_id TEXT NOT NULL REFERENCES proxy, epoch INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, ends_on INTEGER NOT NULL,"
    " kept INTEGER NOT NULL DEFAULT 0," /* its session is over */
    " created_at INTEGER NOT NULL,"
    " PRIMARY KEY (scope, sha256, session_id, reader, card_id)"
    ") STRICT;"
    "CREATE INDEX claim_epoch ON claim (proxy_id, epoch);"
    "CREATE INDEX claim_session ON claim (session_id, reader, card_id);"
    "CREATE INDEX claim_sha256 ON claim (sha256);"

    "CREATE TABLE root_pin ("
    " scope TEXT NOT NULL, sha256 BLOB NOT NULL,"
    " pinned_by TEXT NOT NULL, reason TEXT, pinned_at INTEGER NOT NULL,"
    " PRIMARY KEY (scope, sha256)"
    ") STRICT;"
    "CREATE INDEX root_pin_sha256 ON root_pin (sha256);"

    "CREATE TABLE audit ("
    " proxy_id TEXT NOT NULL REFERENCES proxy, epoch INTEGER NOT NULL,"
    " session_id TEXT NOT NULL, seq INTEGER NOT NULL,"
    " at INTEGER NOT NULL, event TEXT NOT NULL, sha256 BLOB, detail TEXT,"
    " PRIMARY KEY (proxy_id, epoch, session_id, seq)"
    ") STRICT;"
    "CREATE INDEX audit_at ON audit (at);";

static uint32_t
header_number(const uint8_t *header, size_t offset)
{
	struct wire_in in = wire_in(header, HEADER_LEN);

	wire_skip(&in, offset);
	return wire_u32_be(&in);
}

enum schema_file
schema_inspect(int fd)
{
	static const char magic[HEADER_MAGIC_LEN] = "SQLite format 3";
	uint8_t header[HEADER_LEN];
	ssize_t len = pread(fd, header, sizeof(header), 0);

	if (len < 0)
		return SCHEMA_FILE_FAILED;
	if (len == 0)
		return SCHEMA_FILE_NEW;
	if (len < HEADER_LEN || memcmp(header, magic, sizeof(magic)) != 0)
		return SCHEMA_FILE_FOREIGN;
	if (header_number(header, HEADER_APPLICATION_ID) !=
	    SCHEMA_APPLICATION_ID)
		return SCHEMA_FILE_FOREIGN;
	if (header_number(header, HEADER_USER_VERSION) > SCHEMA_VERSION)
		return SCHEMA_FILE_NEWER;
	return SCHEMA_FILE_OURS;
}

bool
schema_create(struct sql *sql)
{
	char marks[96];

	(void)snprintf(marks, sizeof(marks),
	               "PRAGMA application_id=%d; PRAGMA user_version=%d;",
	               SCHEMA_APPLICATION_ID, SCHEMA_VERSION);
	return sql_exec(sql, "BEGIN IMMEDIATE") && sql_exec(sql, marks) &&
	       sql_exec(sql, tables) && sql_exec(sql, "COMMIT");
}
