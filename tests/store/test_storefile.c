/*
 * What becomes of a file that is opened: one of an older version is migrated,
 * and one that is newer, foreign, short or in use is refused and left as it
 * was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enginebed.h"

/* Which columns a table has, and of which kind; their order is no matter. */
static void
describe(const char *path, char *text, size_t size)
{
	static const char sql[] =
	    "SELECT m.name || ' ' || c.name || ' ' || c.type || ' ' || "
	    "c.\"notnull\" || ' ' || c.pk || ' ' || coalesce(c.dflt_value, '') "
	    "FROM sqlite_schema m JOIN pragma_table_info(m.name) c "
	    "WHERE m.type = 'table' UNION ALL "
	    "SELECT name || ' ' || sql FROM sqlite_schema "
	    "WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1";
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
	                 SQLITE_OK);
	text[0] = '\0';
	while (sqlite3_step(statement) == SQLITE_ROW) {
		size_t len = strlen(text);

		(void)snprintf(text + len, size - len, "%s\n",
		               sqlite3_column_text(statement, 0));
	}
	assert_true(strlen(text) > 1000 && strlen(text) + 1 < size);
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(db);
}

/* What version 1 made, word for word but for the comments, and some rows. */
static const char *const version_1[] = {
    "CREATE TABLE proxy (proxy_id TEXT PRIMARY KEY NOT NULL,"
    " epoch INTEGER NOT NULL, host TEXT, started_at INTEGER NOT NULL,"
    " lease_until INTEGER, version TEXT NOT NULL) STRICT",
    "CREATE TABLE session (session_id TEXT PRIMARY KEY NOT NULL,"
    " proxy_id TEXT NOT NULL REFERENCES proxy, epoch INTEGER NOT NULL,"
    " user_key TEXT, identity_source TEXT, target TEXT, client_name TEXT,"
    " client_addr TEXT, policy TEXT, started_at INTEGER NOT NULL,"
    " ended_at INTEGER, end_reason TEXT) STRICT",
    "CREATE INDEX session_ended ON session (ended_at)",
    "CREATE TABLE cert (sha256 BLOB PRIMARY KEY NOT NULL,"
    " sha1 BLOB NOT NULL, der BLOB NOT NULL, subject TEXT, issuer TEXT,"
    " serial TEXT, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
    " ski BLOB, aki BLOB, key_alg TEXT, key_bits INTEGER NOT NULL,"
    " subject_hash INTEGER NOT NULL, is_ca INTEGER NOT NULL,"
    " self_issued INTEGER NOT NULL, upn TEXT, email TEXT,"
    " first_seen INTEGER NOT NULL) STRICT",
    "CREATE TABLE entry (store INTEGER NOT NULL, owner TEXT NOT NULL,"
    " sha256 BLOB NOT NULL REFERENCES cert, friendly_name TEXT,"
    " description TEXT, archived INTEGER NOT NULL DEFAULT 0,"
    " enhkey_usage TEXT, prov_name TEXT, prov_type INTEGER,"
    " prov_flags INTEGER, key_spec INTEGER, container TEXT, pkcs11_uri TEXT,"
    " reader_name TEXT, card_id BLOB, family TEXT,"
    " logon_eligible INTEGER NOT NULL, enrollment BLOB,"
    " revision INTEGER NOT NULL, created_at INTEGER NOT NULL,"
    " updated_at INTEGER NOT NULL, last_session TEXT NOT NULL,"
    " PRIMARY KEY (store, owner, sha256)) STRICT",
    "CREATE INDEX entry_sha256 ON entry (sha256)",
    "CREATE INDEX entry_owner ON entry (owner)",
    "CREATE TABLE claim (scope TEXT NOT NULL,"
    " sha256 BLOB NOT NULL REFERENCES cert,"
    " session_id TEXT NOT NULL REFERENCES session, reader INTEGER NOT NULL,"
    " card_id BLOB NOT NULL, reader_name TEXT, family TEXT,"
    " proxy_id TEXT NOT NULL REFERENCES proxy, epoch INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, ends_on INTEGER NOT NULL,"
    " kept INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"
    " PRIMARY KEY (scope, sha256, session_id, reader, card_id)) STRICT",
    "CREATE INDEX claim_epoch ON claim (proxy_id, epoch)",
    "CREATE INDEX claim_session ON claim (session_id, reader, card_id)",
    "CREATE INDEX claim_sha256 ON claim (sha256)",
    "CREATE TABLE root_pin (scope TEXT NOT NULL, sha256 BLOB NOT NULL,"
    " pinned_by TEXT NOT NULL, reason TEXT, pinned_at INTEGER NOT NULL,"
    " PRIMARY KEY (scope, sha256)) STRICT",
    "CREATE INDEX root_pin_sha256 ON root_pin (sha256)",
    "CREATE TABLE audit (proxy_id TEXT NOT NULL REFERENCES proxy,"
    " epoch INTEGER NOT NULL, session_id TEXT NOT NULL,"
    " seq INTEGER NOT NULL, at INTEGER NOT NULL, event TEXT NOT NULL,"
    " sha256 BLOB, detail TEXT,"
    " PRIMARY KEY (proxy_id, epoch, session_id, seq)) STRICT",
    "CREATE INDEX audit_at ON audit (at)",
    "PRAGMA application_id=0x63647078; PRAGMA user_version=1",
    "INSERT INTO proxy VALUES ('00112233445566778899aabbccddeeff', 4, 'h', 1,"
    " NULL, '0.1.0')",
    "INSERT INTO session (session_id, proxy_id, epoch, started_at) VALUES"
    " ('0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a',"
    " '00112233445566778899aabbccddeeff', 4, 1)",
    "INSERT INTO cert (sha256, sha1, der, not_before, not_after, key_bits,"
    " subject_hash, is_ca, self_issued, first_seen) VALUES"
    " (zeroblob(32), zeroblob(20), x'30', 0, 0, 0, 0, 0, 0, 0)",
    "INSERT INTO entry (store, owner, sha256, container, logon_eligible,"
    " revision, created_at, updated_at, last_session) VALUES"
    " (1, 'alice', zeroblob(32), 'old', 0, 1, 1, 1, 's')",
    "INSERT INTO claim (scope, sha256, session_id, reader, card_id, proxy_id,"
    " epoch, kind, ends_on, created_at) VALUES"
    " ('session:0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', zeroblob(32),"
    " '0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 1, zeroblob(16),"
    " '00112233445566778899aabbccddeeff', 4, 3, 2, 1)",
};

static void
make_version_1(const char *path)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < sizeof(version_1) / sizeof(*version_1); i++)
		if (sqlite3_exec(db, version_1[i], NULL, NULL, NULL) !=
		    SQLITE_OK)
			fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
test_version_1_is_migrated(void **state)
{
	static char migrated[16384];
	static char made[16384];
	struct enginebed *bed = *state;
	struct engine_stats stats;
	uint32_t ended = 0;

	make_version_1(bed->path);
	enginebed_reopen(bed);
	assert_int_equal(engine_epoch(bed->engine), 5);
	assert_int_equal(enginebed_look(bed).count, 1);
	assert_true(enginebed_look(bed).kept);
	assert_string_equal(enginebed_look(bed).container, "old");
	enginebed_begin(bed);
	assert_true(
	    engine_end_others(bed->engine, "gone", &ended, &bed->change));
	enginebed_commit(bed);
	assert_int_equal(ended, 1);
	assert_true(engine_stats(bed->engine, &stats));
	assert_int_equal(stats.claims, 0);
	assert_int_equal(stats.entries, 1);
	enginebed_reopen(bed); /* and again, as any other */
	enginebed_close(bed);
	describe(bed->path, migrated, sizeof(migrated));
	assert_int_equal(unlink(bed->path), 0);
	enginebed_reopen(bed);
	enginebed_close(bed);
	describe(bed->path, made, sizeof(made));
	assert_string_equal(migrated, made);
}

/* What version 2 had not, taken out of a store of now. */
static const char to_version_2[] =
    "ALTER TABLE claim DROP COLUMN smart_card_data;"
    "ALTER TABLE claim DROP COLUMN pin_id;"
    "ALTER TABLE claim DROP COLUMN pin_info;"
    "ALTER TABLE claim DROP COLUMN card_serial;"
    "ALTER TABLE claim DROP COLUMN chuid;"
    "ALTER TABLE claim DROP COLUMN reader_removable;"
    "ALTER TABLE claim DROP COLUMN policy_generation;"
    "ALTER TABLE claim DROP COLUMN cleanup_at_insert;"
    "DROP TABLE account;"
    "DROP INDEX session_user;"
    "PRAGMA user_version=2;";

static void
test_version_2_is_migrated(void **state)
{
	static char migrated[16384];
	static char made[16384];
	struct enginebed *bed = *state;
	sqlite3 *db = NULL;

	make_version_1(bed->path);
	enginebed_reopen(bed);
	enginebed_close(bed);
	describe(bed->path, made, sizeof(made));
	assert_int_equal(sqlite3_open(bed->path, &db), SQLITE_OK);
	if (sqlite3_exec(db, to_version_2, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	describe(bed->path, migrated, sizeof(migrated));
	assert_string_not_equal(migrated, made);
	enginebed_reopen(bed);
	assert_int_equal(enginebed_look(bed).count, 1);
	assert_string_equal(enginebed_look(bed).container, "old");
	enginebed_close(bed);
	describe(bed->path, migrated, sizeof(migrated));
	assert_string_equal(migrated, made);
}

/* What cannot be migrated whole is as it was. */
static void
test_failed_migration_changes_nothing(void **state)
{
	struct enginebed *bed = *state;
	char reason[ENGINE_REASON_SIZE];
	static char before[16384];
	static char after[16384];
	enum engine_error error;
	sqlite3 *db = NULL;

	make_version_1(bed->path);
	assert_int_equal(sqlite3_open(bed->path, &db), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(db, "DROP INDEX claim_epoch", NULL, NULL, NULL),
	    SQLITE_OK);
	(void)sqlite3_close(db);
	describe(bed->path, before, sizeof(before));
	assert_null(
	    engine_open(bed->path, false, ENGINEBED_NOW, &error, reason));
	describe(bed->path, after, sizeof(after));
	assert_string_equal(before, after);
}

static void
test_second_opening_is_refused(void **state)
{
	struct enginebed *bed = *state;
	char reason[ENGINE_REASON_SIZE];
	enum engine_error error;
	sqlite3 *other = NULL;

	assert_null(
	    engine_open(bed->path, false, ENGINEBED_NOW, &error, reason));
	assert_int_equal(error, ENGINE_IN_USE);

	/* Also who does not know of the lock file cannot write. */
	assert_int_equal(sqlite3_open(bed->path, &other), SQLITE_OK);
	assert_int_equal(
	    sqlite3_exec(other, "DELETE FROM session", NULL, NULL, NULL),
	    SQLITE_BUSY);
	(void)sqlite3_close(other);
}

/* A database with these marks, made by somebody. */
static void
make_database(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static size_t
read_all(const char *path, uint8_t *bytes, size_t size)
{
	FILE *file = fopen(path, "rb");

	assert_non_null(file);
	size_t len = fread(bytes, 1, size, file);

	assert_int_equal(fclose(file), 0);
	return len;
}

static void
refuse_untouched(struct enginebed *bed)
{
	static uint8_t before[65536];
	static uint8_t after[65536];
	size_t len = read_all(bed->path, before, sizeof(before));

	enginebed_try_open(bed);
	assert_null(bed->engine);
	assert_int_equal(bed->error, ENGINE_FOREIGN);
	assert_int_equal(read_all(bed->path, after, sizeof(after)), len);
	assert_memory_equal(before, after, len);
}

static void
test_foreign_database_is_refused(void **state)
{
	struct enginebed *bed = *state;

	make_database(bed->path, "CREATE TABLE letters (body TEXT);"
	                         "PRAGMA application_id=4711;");
	refuse_untouched(bed);
}

static void
test_newer_version_is_refused(void **state)
{
	struct enginebed *bed = *state;

	make_database(bed->path, "CREATE TABLE proxy (future TEXT);"
	                         "PRAGMA application_id=0x63647078;"
	                         "PRAGMA user_version=4;");
	refuse_untouched(bed);
}

static void
test_short_file_is_refused(void **state)
{
	struct enginebed *bed = *state;
	FILE *file = fopen(bed->path, "wb");

	assert_non_null(file);
	assert_true(fputs("SQLite format 3", file) >= 0);
	assert_int_equal(fclose(file), 0);
	refuse_untouched(bed);
}

static void
test_missing_folder_is_an_error(void **state)
{
	struct enginebed *bed = *state;
	char reason[ENGINE_REASON_SIZE] = "";
	enum engine_error error;

	(void)bed;
	assert_null(engine_open("/nonexistent/store.db", false, ENGINEBED_NOW,
	                        &error, reason));
	assert_int_equal(error, ENGINE_BROKEN);
	assert_string_not_equal(reason, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ENGINEBED_CLOSED(test_version_1_is_migrated),
	    ENGINEBED_CLOSED(test_version_2_is_migrated),
	    ENGINEBED_CLOSED(test_failed_migration_changes_nothing),
	    ENGINEBED_OPEN(test_second_opening_is_refused),
	    ENGINEBED_CLOSED(test_foreign_database_is_refused),
	    ENGINEBED_CLOSED(test_newer_version_is_refused),
	    ENGINEBED_CLOSED(test_short_file_is_refused),
	    ENGINEBED_CLOSED(test_missing_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
