/*
 * How SQLite goes about each statement of the engine: by an index or a key,
 * never through a whole table, so that a large store answers as a small one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "enginebed.h"
#include "statements.h"

/* Scans that are meant, and how the name begins of what is scanned. */
static const struct {
	enum statement statement;
	const char *scanned;
} meant[] = {
    {STATEMENT_PROXY_FIND, "proxy "},
    /* a slice, a page or a log-on's own, found by an index before */
    {STATEMENT_SWEEP_SLICE, "w"},
    {STATEMENT_PRESENCE, "w"},
    {STATEMENT_LIST_AUDIT, "a"},
    /* counting all is costly, and seldom: engine_stats */
    {STATEMENT_STATS, "cert USING COVERING INDEX"},
    {STATEMENT_STATS, "entry USING COVERING INDEX"},
    {STATEMENT_STATS, "claim USING COVERING INDEX"},
    {STATEMENT_STATS, "root_pin USING COVERING INDEX"},
    {STATEMENT_STATS, "audit USING COVERING INDEX"},
    /* there are few pins */
    {STATEMENT_CENSUS_SMALL, "root_pin USING COVERING INDEX"},
    {STATEMENT_CENSUS_SMALL, "pragma_"},
};

static bool
is_meant(size_t statement, const char *step)
{
	for (size_t i = 0; i < sizeof(meant) / sizeof(*meant); i++)
		if (meant[i].statement == statement &&
		    strncmp(step, meant[i].scanned, strlen(meant[i].scanned)) ==
		        0)
			return true;
	return false;
}

/* Does a step of a plan go through all rows of something? */
static bool
scans(const char *step)
{
	return strncmp(step, "SCAN ", 5) == 0 &&
	       strcmp(step, "SCAN CONSTANT ROW") != 0;
}

static size_t
count_scans(sqlite3 *db, size_t statement)
{
	char *question = sqlite3_mprintf("EXPLAIN QUERY PLAN %s",
	                                 statement_texts[statement]);
	sqlite3_stmt *plan = NULL;
	size_t found = 0;

	assert_non_null(question);
	if (sqlite3_prepare_v2(db, question, -1, &plan, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sqlite3_errmsg(db), question);
	while (sqlite3_step(plan) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(plan, 3);

		assert_non_null(step);
		if (!scans(step) || is_meant(statement, step + 5))
			continue;
		print_error("%s: %s\n", step, statement_texts[statement]);
		found++;
	}
	(void)sqlite3_finalize(plan);
	sqlite3_free(question);
	return found;
}

static void
test_no_statement_scans_a_table(void **state)
{
	struct enginebed *bed = *state;
	sqlite3 *db = NULL;
	size_t found = 0;

	enginebed_close(bed);
	assert_int_equal(sqlite3_open(bed->path, &db), SQLITE_OK);
	for (size_t i = 0; i < STATEMENTS; i++)
		found += count_scans(db, i);
	(void)sqlite3_close(db);
	assert_int_equal(found, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ENGINEBED_OPEN(test_no_statement_scans_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
