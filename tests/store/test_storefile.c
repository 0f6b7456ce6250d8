/*
 * What becomes of a file that is opened and is not ours: one that is newer,
 * foreign, short or in use is refused and left as it was.
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
	                         "PRAGMA user_version=5;");
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
	    ENGINEBED_OPEN(test_second_opening_is_refused),
	    ENGINEBED_CLOSED(test_foreign_database_is_refused),
	    ENGINEBED_CLOSED(test_newer_version_is_refused),
	    ENGINEBED_CLOSED(test_short_file_is_refused),
	    ENGINEBED_CLOSED(test_missing_folder_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
