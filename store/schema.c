#include "schema.h"

#include "sql.h"

#include <sqlite3.h>
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

/*
 * The tables that are large.  A certificate has a number, which grows: what
 * refers to it goes to the end of an index, where its SHA-256 would go to a
 * page of its own.  fields are those that version 3 had, too.
 */
// clang-format off
#define CERT_FIELDS \
	"sha256, sha1, der, subject, issuer, serial, not_before, not_after," \
	" ski, aki, key_alg, key_bits, subject_hash, is_ca, self_issued," \
	" upn, email, first_seen"
#define CERT(name) \
	"CREATE TABLE " name " (" \
	" no INTEGER PRIMARY KEY," \
	" sha256 BLOB NOT NULL," \
	" sha1 BLOB NOT NULL, der BLOB NOT NULL," \
	" subject TEXT, issuer TEXT, serial TEXT," \
	" not_before INTEGER NOT NULL, not_after INTEGER NOT NULL," \
	" ski BLOB, aki BLOB, key_alg TEXT, key_bits INTEGER NOT NULL," \
	" subject_hash INTEGER NOT NULL," \
	" is_ca INTEGER NOT NULL, self_issued INTEGER NOT NULL," \
	" upn TEXT, email TEXT, first_seen INTEGER NOT NULL" \
	") STRICT;"
#define CERT_INDEXES "CREATE UNIQUE INDEX cert_sha256 ON cert (sha256);"

#define ENTRY_FIELDS \
	"store, owner, sha256, friendly_name, description, archived," \
	" enhkey_usage, prov_name, prov_type, prov_flags, key_spec," \
	" container, pkcs11_uri, reader_name, card_id, family," \
	" logon_eligible, enrollment, revision, created_at, updated_at," \
	" last_session, kept, reader_removable, smart_card_data," \
	" card_serial, chuid, pin_id, pin_info, request_originator, cep," \
	" auto_enroll, date_stamp, policy, extra_properties"
#define ENTRY(name) \
	"CREATE TABLE " name " (" \
	" store INTEGER NOT NULL, owner TEXT NOT NULL," \
	" sha256 BLOB NOT NULL," \
	" cert_no INTEGER NOT NULL REFERENCES cert (no)," \
	/* what a user or an administrator set: never lost */ \
	" friendly_name TEXT, description TEXT," \
	" archived INTEGER NOT NULL DEFAULT 0," /* enum engine_archived */ \
	" enhkey_usage TEXT," \
	/* what the card and the session say: the last word counts */ \
	" prov_name TEXT, prov_type INTEGER, prov_flags INTEGER," \
	" key_spec INTEGER, container TEXT, pkcs11_uri TEXT," \
	" reader_name TEXT, card_id BLOB, family TEXT," \
	" logon_eligible INTEGER NOT NULL, enrollment BLOB," \
	" revision INTEGER NOT NULL," \
	" created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL," \
	" last_session TEXT NOT NULL," \
	" kept INTEGER NOT NULL DEFAULT 0," /* stays without claims */ \
	/* the rest of the properties, where somebody says them */ \
	" reader_removable INTEGER, smart_card_data BLOB," \
	" card_serial TEXT, chuid BLOB, pin_id INTEGER, pin_info BLOB," \
	" request_originator TEXT, cep BLOB, auto_enroll TEXT," \
	" date_stamp INTEGER, policy TEXT," \
	" extra_properties TEXT," /* JSON, by number: property, base64 */ \
	" PRIMARY KEY (store, owner, sha256)" \
	") STRICT;"
#define ENTRY_INDEXES "CREATE INDEX entry_cert ON entry (cert_no);"

#define CLAIM_FIELDS \
	"scope, sha256, session_id, reader, card_id, reader_name, family," \
	" proxy_id, epoch, kind, ends_on, kept, created_at, connection," \
	" present, inserted, prov_name, prov_type, prov_flags, key_spec," \
	" container, pkcs11_uri, smart_card_data, pin_id, pin_info," \
	" card_serial, chuid, reader_removable, policy_generation," \
	" cleanup_at_insert"
#define CLAIM(name) \
	"CREATE TABLE " name " (" \
	" scope TEXT NOT NULL," \
	" sha256 BLOB NOT NULL," \
	" cert_no INTEGER NOT NULL REFERENCES cert (no)," \
	" session_id TEXT NOT NULL REFERENCES session," \
	" reader INTEGER NOT NULL, card_id BLOB NOT NULL," \
	" reader_name TEXT, family TEXT," \
	" proxy_id TEXT NOT NULL REFERENCES proxy, epoch INTEGER NOT NULL," \
	" kind INTEGER NOT NULL, ends_on INTEGER NOT NULL," \
	" kept INTEGER NOT NULL DEFAULT 0," /* its session is over */ \
	" created_at INTEGER NOT NULL," \
	" connection TEXT NOT NULL DEFAULT ''," /* that asserted it last */ \
	" present INTEGER NOT NULL DEFAULT 0," /* the card is in the reader */ \
	" inserted INTEGER NOT NULL DEFAULT 0," /* grows with insertions */ \
	/* where this card keeps the key of a user's certificate */ \
	" prov_name TEXT, prov_type INTEGER, prov_flags INTEGER," \
	" key_spec INTEGER, container TEXT, pkcs11_uri TEXT," \
	" smart_card_data BLOB, pin_id INTEGER, pin_info BLOB," \
	" card_serial TEXT, chuid BLOB, reader_removable INTEGER," \
	/* of the insertion: what was in force, and what it said */ \
	" policy_generation INTEGER, cleanup_at_insert INTEGER," \
	" PRIMARY KEY (scope, sha256, session_id, reader, card_id)" \
	") STRICT;"
#define CLAIM_INDEXES \
	"CREATE INDEX claim_session ON claim (session_id, reader, card_id);" \
	"CREATE INDEX claim_cert ON claim (cert_no);"
// clang-format on

static const char tables[] =
    "CREATE TABLE proxy ("
    " proxy_id TEXT PRIMARY KEY NOT NULL,"
    " epoch INTEGER NOT NULL,"
    " host TEXT,"
    " started_at INTEGER NOT NULL,"
    " lease_until INTEGER," /* NULL: alone with its store, needs no lease */
    " version TEXT NOT NULL,"
    " boot_id TEXT" /* of the gate that started the keeper */
    ") STRICT;"

    /* A log-on: it may outlive the connection that brought it. */
    "CREATE TABLE session ("
    " session_id TEXT PRIMARY KEY NOT NULL,"
    " proxy_id TEXT NOT NULL REFERENCES proxy,"
    " epoch INTEGER NOT NULL,"
    " user_key TEXT, identity_source TEXT,"
    " target TEXT, client_name TEXT, client_addr TEXT, policy TEXT,"
    " started_at INTEGER NOT NULL,"
    " ended_at INTEGER, end_reason TEXT,"
    " end_kind INTEGER,"    /* enum engine_end */
    " connection TEXT,"     /* NULL: nobody is connected */
    " host_session TEXT,"   /* the server's or the host's name for it */
    " detached_at INTEGER," /* NULL: connected, or never was a user */
    " grace_until INTEGER," /* then its cards count as removed */
    " expires_at INTEGER,"  /* then it counts as logged off; NULL: never */
    " purpose INTEGER NOT NULL DEFAULT 0" /* enum keep_purpose, of its view */
    ") STRICT;"

    // clang-format off
    CERT("cert") CERT_INDEXES
    ENTRY("entry") ENTRY_INDEXES
    CLAIM("claim") CLAIM_INDEXES
    // clang-format on

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
    ") STRICT;";

/*
 * What the migrations have to make, too.  Owners that are accounts of this
 * host: each once logged on here and had this user id in the host's own files.
 */
static const char additions[] =
    "CREATE TABLE account ("
    " owner TEXT PRIMARY KEY NOT NULL,"
    " uid INTEGER NOT NULL,"
    " known_at INTEGER NOT NULL,"
    " missing_at INTEGER" /* since then it is not found; NULL: it is */
    ") STRICT;"
    "CREATE INDEX session_user ON session (user_key)"
    " WHERE user_key IS NOT NULL;"
    "CREATE INDEX session_ended ON session (ended_at, epoch);"
    "CREATE INDEX session_connection ON session (connection)"
    " WHERE connection IS NOT NULL;";

/*
 * Indexes are no part of a version: whoever has the file makes those it needs.
 * The audit is read in pages of this order, however much is of one second.
 */
static const char newer_indexes[] =
    "CREATE INDEX IF NOT EXISTS audit_order"
    " ON audit (at, epoch, seq, session_id);"
    "DROP INDEX IF EXISTS audit_at;";

/*
 * Version 1 knew no log-ons and no claims of users: its sessions are over with
 * the daemon that made them, and the certificates of its users stay, as they
 * were promised to.
 */
static const char from_version_1[] =
    "ALTER TABLE proxy ADD COLUMN boot_id TEXT;"
    "ALTER TABLE session ADD COLUMN end_kind INTEGER;"
    "ALTER TABLE session ADD COLUMN connection TEXT;"
    "ALTER TABLE session ADD COLUMN host_session TEXT;"
    "ALTER TABLE session ADD COLUMN detached_at INTEGER;"
    "ALTER TABLE session ADD COLUMN grace_until INTEGER;"
    "ALTER TABLE session ADD COLUMN expires_at INTEGER;"
    "ALTER TABLE session ADD COLUMN purpose INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE entry ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE entry ADD COLUMN reader_removable INTEGER;"
    "ALTER TABLE entry ADD COLUMN smart_card_data BLOB;"
    "ALTER TABLE entry ADD COLUMN card_serial TEXT;"
    "ALTER TABLE entry ADD COLUMN chuid BLOB;"
    "ALTER TABLE entry ADD COLUMN pin_id INTEGER;"
    "ALTER TABLE entry ADD COLUMN pin_info BLOB;"
    "ALTER TABLE entry ADD COLUMN request_originator TEXT;"
    "ALTER TABLE entry ADD COLUMN cep BLOB;"
    "ALTER TABLE entry ADD COLUMN auto_enroll TEXT;"
    "ALTER TABLE entry ADD COLUMN date_stamp INTEGER;"
    "ALTER TABLE entry ADD COLUMN policy TEXT;"
    "ALTER TABLE entry ADD COLUMN extra_properties TEXT;"
    "ALTER TABLE claim ADD COLUMN connection TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE claim ADD COLUMN present INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE claim ADD COLUMN inserted INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE claim ADD COLUMN prov_name TEXT;"
    "ALTER TABLE claim ADD COLUMN prov_type INTEGER;"
    "ALTER TABLE claim ADD COLUMN prov_flags INTEGER;"
    "ALTER TABLE claim ADD COLUMN key_spec INTEGER;"
    "ALTER TABLE claim ADD COLUMN container TEXT;"
    "ALTER TABLE claim ADD COLUMN pkcs11_uri TEXT;"
    "DROP INDEX session_ended;"
    "DROP INDEX entry_owner;" /* the primary key begins with it */
    "DROP INDEX claim_epoch;"
    "UPDATE entry SET kept = 1 WHERE store <> 3;"
    "UPDATE entry SET date_stamp = updated_at;";

/*
 * Version 2 knew no accounts, and of a claim neither the policy nor who guards
 * the key; what it had as the clean-up is what a policy said last.
 */
static const char from_version_2[] =
    "ALTER TABLE claim ADD COLUMN smart_card_data BLOB;"
    "ALTER TABLE claim ADD COLUMN pin_id INTEGER;"
    "ALTER TABLE claim ADD COLUMN pin_info BLOB;"
    "ALTER TABLE claim ADD COLUMN card_serial TEXT;"
    "ALTER TABLE claim ADD COLUMN chuid BLOB;"
    "ALTER TABLE claim ADD COLUMN reader_removable INTEGER;"
    "ALTER TABLE claim ADD COLUMN policy_generation INTEGER;"
    "ALTER TABLE claim ADD COLUMN cleanup_at_insert INTEGER;"
    "DROP INDEX IF EXISTS session_ended;"
    "DROP INDEX IF EXISTS session_connection;";

/*
 * Version 3 knew certificates by their SHA-256 alone.  A table that another one
 * is to refer to otherwise is made anew, as SQLite's documentation of ALTER
 * TABLE has it: the new one, its rows, then it takes the old one's name.
 */
#define NUMBER(table)                                                          \
	" (SELECT c.rowid FROM cert c WHERE c.sha256 = " table ".sha256)"

// clang-format off
static const char *const from_version_3[] = {
    ENTRY("new_entry")
    "INSERT INTO new_entry (" ENTRY_FIELDS ", cert_no)"
    " SELECT " ENTRY_FIELDS "," NUMBER("entry") " FROM entry;"
    "DROP TABLE entry;"
    "ALTER TABLE new_entry RENAME TO entry;"
    ENTRY_INDEXES,

    CLAIM("new_claim")
    "INSERT INTO new_claim (" CLAIM_FIELDS ", cert_no)"
    " SELECT " CLAIM_FIELDS "," NUMBER("claim") " FROM claim;"
    "DROP TABLE claim;"
    "ALTER TABLE new_claim RENAME TO claim;"
    CLAIM_INDEXES,

    CERT("new_cert")
    "INSERT INTO new_cert (no, " CERT_FIELDS ")"
    " SELECT rowid, " CERT_FIELDS " FROM cert;"
    "DROP TABLE cert;"
    "ALTER TABLE new_cert RENAME TO cert;"
    CERT_INDEXES,
};
// clang-format on

static uint32_t
header_number(const uint8_t *header, size_t offset)
{
	struct wire_in in = wire_in(header, HEADER_LEN);

	wire_skip(&in, offset);
	return wire_u32_be(&in);
}

/*
 * What is left where the power went before the first sector was there: SQLite's
 * journal undoes it, or SQLite says that it is no database.
 */
static bool
is_blank(const uint8_t *header)
{
	static const uint8_t blank[HEADER_LEN];

	return memcmp(header, blank, sizeof(blank)) == 0;
}

enum schema_file
schema_inspect(int fd)
{
	static const char magic[HEADER_MAGIC_LEN] = "SQLite format 3";
	uint8_t header[HEADER_LEN];
	ssize_t len = pread(fd, header, sizeof(header), 0);

	if (len < 0)
		return SCHEMA_FILE_FAILED;
	if (len == 0 || (len == HEADER_LEN && is_blank(header)))
		return SCHEMA_FILE_NEW;
	if (len < HEADER_LEN || memcmp(header, magic, sizeof(magic)) != 0)
		return SCHEMA_FILE_FOREIGN;
	if (header_number(header, HEADER_APPLICATION_ID) !=
	    SCHEMA_APPLICATION_ID)
		return SCHEMA_FILE_FOREIGN;
	uint32_t version = header_number(header, HEADER_USER_VERSION);

	if (version > SCHEMA_VERSION)
		return SCHEMA_FILE_NEWER;
	return version < SCHEMA_VERSION ? SCHEMA_FILE_OLDER : SCHEMA_FILE_OURS;
}

/* The number that a question answers with; -1: no answer. */
static int
ask(struct sql *sql, const char *question)
{
	struct sqlite3_stmt *statement = NULL;
	int answer = -1;

	if (sqlite3_prepare_v2(sql->db, question, -1, &statement, NULL) ==
	        SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		answer = sqlite3_column_int(statement, 0);
	(void)sqlite3_finalize(statement);
	return answer;
}

static bool
mark(struct sql *sql)
{
	char marks[96];

	(void)snprintf(marks, sizeof(marks),
	               "PRAGMA application_id=%d; PRAGMA user_version=%d;",
	               SCHEMA_APPLICATION_ID, SCHEMA_VERSION);
	return sql_exec(sql, marks);
}

static bool
create(struct sql *sql)
{
	return mark(sql) && sql_exec(sql, tables) && sql_exec(sql, additions);
}

/* Foreign keys are off while tables are made anew: what came of it? */
static bool
refers_well(struct sql *sql)
{
	if (ask(sql, "SELECT count(*) FROM pragma_foreign_key_check") == 0)
		return true;
	(void)snprintf(sql->reason, sizeof(sql->reason),
	               "migration: a row refers to nothing");
	return false;
}

static bool
number_certs(struct sql *sql)
{
	size_t count = sizeof(from_version_3) / sizeof(*from_version_3);
	bool ok = true;

	for (size_t i = 0; ok && i < count; i++)
		ok = sql_exec(sql, from_version_3[i]);
	return ok && refers_well(sql);
}

static bool
migrate(struct sql *sql, int version)
{
	return (version > 1 || sql_exec(sql, from_version_1)) &&
	       (version > 2 ||
	        (sql_exec(sql, from_version_2) && sql_exec(sql, additions))) &&
	       number_certs(sql) && mark(sql);
}

static bool
bring_up(struct sql *sql)
{
	int version = ask(sql, "PRAGMA user_version");

	switch (version) {
	case SCHEMA_VERSION:
		return true;
	case 3:
	case 2:
	case 1:
		return migrate(sql, version);
	case 0:
		return create(sql);
	default:
		return false;
	}
}

/*
 * A migration writes most of the file: a journal of what was there before takes
 * a fraction of the time and the room that one of what is new would.
 */
static bool
choose_journal(struct sql *sql)
{
	int version = ask(sql, "PRAGMA user_version");
	bool older = version > 0 && version < SCHEMA_VERSION;

	return !older || sql_exec(sql, "PRAGMA journal_mode=DELETE");
}

bool
schema_ready(struct sql *sql)
{
	bool ok = choose_journal(sql) && sql_exec(sql, "BEGIN IMMEDIATE") &&
	          bring_up(sql) && sql_exec(sql, newer_indexes) &&
	          sql_exec(sql, "COMMIT");

	if (!ok && sql_in_transaction(sql))
		(void)sql_exec(sql, "ROLLBACK");
	return ok;
}
