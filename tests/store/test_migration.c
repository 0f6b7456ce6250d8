/*
 * A file of an earlier version is brought to this one: nothing that was there
 * is lost, whenever the power goes, and what cannot be migrated whole is left
 * as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "enginebed.h"
#include "losingdisk.h"

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
make_store(const char *path, const char *const *sql, size_t count)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	for (size_t i = 0; i < count; i++)
		if (sqlite3_exec(db, sql[i], NULL, NULL, NULL) != SQLITE_OK)
			fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void
make_version_1(const char *path)
{
	make_store(path, version_1, sizeof(version_1) / sizeof(*version_1));
}

/* Nothing tells the file from a new one, which takes its place. */
static void
assert_described_as_new(struct enginebed *bed)
{
	static char migrated[16384];
	static char made[16384];

	enginebed_close(bed);
	describe(bed->path, migrated, sizeof(migrated));
	assert_int_equal(unlink(bed->path), 0);
	enginebed_reopen(bed);
	enginebed_close(bed);
	describe(bed->path, made, sizeof(made));
	assert_string_equal(migrated, made);
}

static void
test_version_1_is_migrated(void **state)
{
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
	assert_described_as_new(bed);
}

/*
 * What version 3 made, word for word, and a row or two of each table in which
 * every column has a value; the certificates' rows are not counted without a
 * gap.
 */
static const char *const version_3[] = {
    "PRAGMA journal_mode=WAL",
    "CREATE TABLE proxy (proxy_id TEXT PRIMARY KEY NOT NULL, epoch"
    " INTEGER NOT NULL, host TEXT, started_at INTEGER NOT NULL,"
    " lease_until INTEGER, version TEXT NOT NULL, boot_id TEXT) STRICT",
    "CREATE TABLE session (session_id TEXT PRIMARY KEY NOT NULL,"
    " proxy_id TEXT NOT NULL REFERENCES proxy, epoch INTEGER NOT NULL,"
    " user_key TEXT, identity_source TEXT, target TEXT, client_name"
    " TEXT, client_addr TEXT, policy TEXT, started_at INTEGER NOT NULL,"
    " ended_at INTEGER, end_reason TEXT, end_kind INTEGER, connection"
    " TEXT, host_session TEXT, detached_at INTEGER, grace_until INTEGER,"
    " expires_at INTEGER, purpose INTEGER NOT NULL DEFAULT 0) STRICT",
    "CREATE TABLE cert (sha256 BLOB PRIMARY KEY NOT NULL, sha1 BLOB NOT"
    " NULL, der BLOB NOT NULL, subject TEXT, issuer TEXT, serial TEXT,"
    " not_before INTEGER NOT NULL, not_after INTEGER NOT NULL, ski BLOB,"
    " aki BLOB, key_alg TEXT, key_bits INTEGER NOT NULL, subject_hash"
    " INTEGER NOT NULL, is_ca INTEGER NOT NULL, self_issued INTEGER NOT"
    " NULL, upn TEXT, email TEXT, first_seen INTEGER NOT NULL) STRICT",
    "CREATE TABLE entry (store INTEGER NOT NULL, owner TEXT NOT NULL,"
    " sha256 BLOB NOT NULL REFERENCES cert, friendly_name TEXT,"
    " description TEXT, archived INTEGER NOT NULL DEFAULT 0,"
    " enhkey_usage TEXT, prov_name TEXT, prov_type INTEGER, prov_flags"
    " INTEGER, key_spec INTEGER, container TEXT, pkcs11_uri TEXT,"
    " reader_name TEXT, card_id BLOB, family TEXT, logon_eligible"
    " INTEGER NOT NULL, enrollment BLOB, revision INTEGER NOT NULL,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    " last_session TEXT NOT NULL, kept INTEGER NOT NULL DEFAULT 0,"
    " reader_removable INTEGER, smart_card_data BLOB, card_serial TEXT,"
    " chuid BLOB, pin_id INTEGER, pin_info BLOB, request_originator"
    " TEXT, cep BLOB, auto_enroll TEXT, date_stamp INTEGER, policy TEXT,"
    " extra_properties TEXT, PRIMARY KEY (store, owner, sha256)) STRICT",
    "CREATE INDEX entry_sha256 ON entry (sha256)",
    "CREATE TABLE claim (scope TEXT NOT NULL, sha256 BLOB NOT NULL"
    " REFERENCES cert, session_id TEXT NOT NULL REFERENCES session,"
    " reader INTEGER NOT NULL, card_id BLOB NOT NULL, reader_name TEXT,"
    " family TEXT, proxy_id TEXT NOT NULL REFERENCES proxy, epoch"
    " INTEGER NOT NULL, kind INTEGER NOT NULL, ends_on INTEGER NOT NULL,"
    " kept INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL,"
    " connection TEXT NOT NULL DEFAULT '', present INTEGER NOT NULL"
    " DEFAULT 0, inserted INTEGER NOT NULL DEFAULT 0, prov_name TEXT,"
    " prov_type INTEGER, prov_flags INTEGER, key_spec INTEGER, container"
    " TEXT, pkcs11_uri TEXT, smart_card_data BLOB, pin_id INTEGER,"
    " pin_info BLOB, card_serial TEXT, chuid BLOB, reader_removable"
    " INTEGER, policy_generation INTEGER, cleanup_at_insert INTEGER,"
    " PRIMARY KEY (scope, sha256, session_id, reader, card_id)) STRICT",
    "CREATE INDEX claim_session ON claim (session_id, reader, card_id)",
    "CREATE INDEX claim_sha256 ON claim (sha256)",
    "CREATE TABLE root_pin (scope TEXT NOT NULL, sha256 BLOB NOT NULL,"
    " pinned_by TEXT NOT NULL, reason TEXT, pinned_at INTEGER NOT NULL,"
    " PRIMARY KEY (scope, sha256)) STRICT",
    "CREATE INDEX root_pin_sha256 ON root_pin (sha256)",
    "CREATE TABLE audit (proxy_id TEXT NOT NULL REFERENCES proxy, epoch"
    " INTEGER NOT NULL, session_id TEXT NOT NULL, seq INTEGER NOT NULL,"
    " at INTEGER NOT NULL, event TEXT NOT NULL, sha256 BLOB, detail"
    " TEXT, PRIMARY KEY (proxy_id, epoch, session_id, seq)) STRICT",
    "CREATE TABLE account (owner TEXT PRIMARY KEY NOT NULL, uid INTEGER"
    " NOT NULL, known_at INTEGER NOT NULL, missing_at INTEGER) STRICT",
    "CREATE INDEX session_user ON session (user_key) WHERE user_key IS"
    " NOT NULL",
    "CREATE INDEX session_ended ON session (ended_at, epoch)",
    "CREATE INDEX session_connection ON session (connection) WHERE"
    " connection IS NOT NULL",
    "CREATE INDEX audit_order ON audit (at, epoch, seq, session_id)",
    "PRAGMA application_id=0x63647078; PRAGMA user_version=3",
    "INSERT INTO proxy VALUES ('00112233445566778899aabbccddeeff', 4, 'h', 1,"
    " 2, '0.1.0', 'boot')",
    "INSERT INTO session VALUES ('0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a',"
    " '00112233445566778899aabbccddeeff', 4, 'alice', 'sent', 'target',"
    " 'client', 'address', 'policy', 1, NULL, 'reason', 3, 'connection',"
    " 'host', 4, 5, 6, 1)",
    "WITH n(i) AS (VALUES (9), (3), (7), (5)) INSERT INTO cert"
    " SELECT CAST('sha256 of a certificate, number ' || i AS BLOB),"
    " zeroblob(20), CAST('der' || i AS BLOB), 'subject' || i, 'issuer',"
    " 'serial', 1, 2, x'03', x'04', 'RSA', 2048, 5, i = 5, 1, 'upn',"
    " 'email', 6 FROM n",
    "DELETE FROM cert WHERE subject = 'subject3'",
    "INSERT INTO entry SELECT 1, 'alice', sha256, 'name of ' || subject,"
    " 'description', 2, 'usage', 'provider', 3, 4, 5, 'container', 'uri',"
    " 'reader', x'06', 'family', 7, x'08', 9, 10, 11, 'session', 1, 12,"
    " x'0d', 'card', x'0e', 15, x'10', 'originator', x'11', 'enroll', 18,"
    " 'policy', '{}' FROM cert ORDER BY sha256",
    "INSERT INTO entry SELECT 3, 'host', sha256, 'root', NULL, 0, NULL, NULL,"
    " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 1, 1, 1, 's',"
    " 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
    " NULL FROM cert WHERE is_ca = 1",
    "INSERT INTO claim SELECT CASE WHEN is_ca THEN 'host' ELSE 'user:alice'"
    " END, sha256, '0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 1, zeroblob(16),"
    " 'reader', 'family', '00112233445566778899aabbccddeeff', 4,"
    " CASE WHEN is_ca THEN 3 ELSE 1 END, 2, 0, 3, 'connection', 1, 4,"
    " 'provider', 5, 6, 7, 'container of ' || subject, 'uri', x'08', 9,"
    " x'0a', 'card', x'0b', 1, 12, 13 FROM cert ORDER BY sha256 DESC",
    "INSERT INTO root_pin SELECT 'host', sha256, 'root', 'reason', 1"
    " FROM cert WHERE is_ca = 1",
    "INSERT INTO audit VALUES ('00112233445566778899aabbccddeeff', 4,"
    " '0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a', 1, 2, 'event', x'03', 'detail')",
    "INSERT INTO account VALUES ('alice', 1000, 1, 2)",
};

static void
make_version_3(const char *path)
{
	make_store(path, version_3, sizeof(version_3) / sizeof(*version_3));
}

/* What version 2 had not. */
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
	struct enginebed *bed = *state;
	static const char *const less[] = {to_version_2};
	struct engine_stats stats;

	make_version_3(bed->path);
	make_store(bed->path, less, 1);
	enginebed_reopen(bed);
	assert_true(engine_stats(bed->engine, &stats));
	assert_int_equal(stats.certs, 3);
	assert_int_equal(stats.entries, 4);
	assert_int_equal(stats.claims, 3);
	assert_described_as_new(bed);
}

/* The first number that a question is answered with. */
static int
ask(sqlite3 *db, const char *question)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(db, question, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sqlite3_errmsg(db), question);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int answer = sqlite3_column_int(statement, 0);

	(void)sqlite3_finalize(statement);
	return answer;
}

/* The same rows in all columns that the table had in the file "before". */
static void
assert_same_rows(sqlite3 *db, const char *table)
{
	static const char columns[] = "SELECT group_concat(name, ', ') FROM "
				      "pragma_table_info(?1, 'before')";
	static const char *const sides[] = {"before", "main"};
	sqlite3_stmt *statement = NULL;

	assert_int_equal(sqlite3_prepare_v2(db, columns, -1, &statement, NULL),
	                 SQLITE_OK);
	(void)sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	const char *names = (const char *)sqlite3_column_text(statement, 0);

	assert_non_null(names);
	for (size_t i = 0; i < 2; i++) {
		char *question = sqlite3_mprintf(
		    "SELECT count(*) FROM (SELECT %s FROM %s.%s"
		    " EXCEPT SELECT %s FROM %s.%s)",
		    names, sides[i], table, names, sides[1 - i], table);

		assert_int_equal(ask(db, question), 0);
		sqlite3_free(question);
	}
	(void)sqlite3_finalize(statement);
}

/* The proxy's row is another: it has been started once more. */
static void
assert_nothing_lost(const char *path, const char *before)
{
	static const char *const tables[] = {
	    "session", "cert", "entry", "claim", "root_pin", "audit", "account",
	};
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	char *attach = sqlite3_mprintf("ATTACH '%q' AS before", before);

	assert_int_equal(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_free(attach);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		assert_same_rows(db, tables[i]);
	assert_int_equal(ask(db, "SELECT count(*) FROM main.entry e JOIN"
	                         " main.cert c ON c.no = e.cert_no"
	                         " AND c.sha256 = e.sha256"),
	                 4);
	assert_int_equal(ask(db, "SELECT count(*) FROM main.claim m JOIN"
	                         " main.cert c ON c.no = m.cert_no"
	                         " AND c.sha256 = m.sha256"),
	                 3);
	(void)sqlite3_close(db);
}

static void
test_version_3_is_migrated(void **state)
{
	struct enginebed *bed = *state;
	char before[sizeof(bed->path) + 8];
	struct engine_stats stats;
	bool more = false;

	(void)snprintf(before, sizeof(before), "%s.before", bed->path);
	make_version_3(bed->path);
	make_version_3(before);
	enginebed_reopen(bed);
	assert_int_equal(enginebed_look(bed).count, 3);
	enginebed_begin(bed);
	assert_true(engine_sweep(bed->engine, &more));
	assert_true(engine_stats(bed->engine, &stats));
	assert_int_equal(stats.certs, 3); /* each is referred to, as before */
	engine_rollback(bed->engine);
	enginebed_close(bed);
	assert_nothing_lost(bed->path, before);
	assert_int_equal(unlink(before), 0);
	enginebed_reopen(bed); /* and again, as any other */
	assert_int_equal(enginebed_look(bed).count, 3);
	assert_described_as_new(bed);
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

/* Foreign keys are off meanwhile, and what refers to nothing is told after. */
static void
refuse_dangling(struct enginebed *bed, const char *damage)
{
	const char *const less[] = {damage};
	char reason[ENGINE_REASON_SIZE] = "";
	static char before[16384];
	static char after[16384];
	enum engine_error error;

	make_version_3(bed->path);
	make_store(bed->path, less, 1);
	describe(bed->path, before, sizeof(before));
	assert_null(
	    engine_open(bed->path, false, ENGINEBED_NOW, &error, reason));
	assert_int_equal(error, ENGINE_BROKEN);
	assert_string_not_equal(reason, "");
	describe(bed->path, after, sizeof(after));
	assert_string_equal(before, after);
	assert_int_equal(unlink(bed->path), 0);
}

static void
test_dangling_version_3_is_left(void **state)
{
	refuse_dangling(*state, "DELETE FROM cert WHERE is_ca = 1");
	refuse_dangling(*state, "DELETE FROM session");
}

/* A process that migrates is killed at this call of the disk; was it? */
static bool
die_migrating(struct enginebed *bed, struct losingdisk *disk, uint32_t call)
{
	int status = 0;

	losingdisk_reset(disk);
	losingdisk_kill_at(disk, call);
	pid_t pid = fork();

	if (pid == 0) {
		losingdisk_install(disk);
		enginebed_try_open(bed);
		_exit(bed->engine != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

static void
remove_store(const struct enginebed *bed)
{
	static const char *const suffixes[] = {"", "-wal", "-journal"};
	char path[128];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", bed->path,
		               suffixes[i]);
		(void)unlink(path);
	}
}

static void
test_power_goes_meanwhile(void **state)
{
	enum { STRIDE = 5 };
	struct enginebed *bed = *state;
	struct losingdisk *disk = losingdisk_new(bed->path);
	char before[sizeof(bed->path) + 8];
	uint32_t call = 1;
	bool died = true;

	(void)snprintf(before, sizeof(before), "%s.before", bed->path);
	make_version_3(before);
	for (; died; call += STRIDE) {
		make_version_3(bed->path);
		died = die_migrating(bed, disk, call);
		(void)losingdisk_cut(disk, call);
		enginebed_reopen(bed);
		enginebed_close(bed);
		assert_nothing_lost(bed->path, before);
		remove_store(bed);
	}
	assert_true(call > 20 * STRIDE);
	assert_int_equal(unlink(before), 0);
	losingdisk_free(disk);
}

static void
on_fault(void *arg, const char *what, const char *detail)
{
	(void)detail;
	*(int *)arg += strstr(what, "under the number of another") != NULL;
}

/* What the store's own check says of the numbers. */
static int
check_numbers(const char *path)
{
	char reason[CHECK_REASON_SIZE];
	struct check_summary summary;
	int faults = 0;

	if (!check_file(path, &summary, on_fault, &faults, reason))
		fail_msg("%s", reason);
	return faults;
}

static void
test_another_number_is_told(void **state)
{
	static const char *const swapped[] = {
	    "UPDATE entry SET cert_no = 4 WHERE cert_no = 3",
	    "UPDATE claim SET cert_no = 4 WHERE cert_no = 3",
	};
	struct enginebed *bed = *state;

	make_version_3(bed->path);
	enginebed_reopen(bed);
	enginebed_close(bed);
	for (int faults = 0; faults <= 2; faults++) {
		assert_int_equal(check_numbers(bed->path), faults);
		if (faults < 2)
			make_store(bed->path, swapped + faults, 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ENGINEBED_CLOSED(test_version_1_is_migrated),
	    ENGINEBED_CLOSED(test_version_2_is_migrated),
	    ENGINEBED_CLOSED(test_version_3_is_migrated),
	    ENGINEBED_CLOSED(test_failed_migration_changes_nothing),
	    ENGINEBED_CLOSED(test_dangling_version_3_is_left),
	    ENGINEBED_CLOSED(test_power_goes_meanwhile),
	    ENGINEBED_CLOSED(test_another_number_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
