/* The table: what was put is found until it is dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "table.h"

/* More than there are slots: some share one. */
enum { THINGS = 3 * TABLE_SLOTS };

struct thing {
	char text[16];
	struct table_link link;
};

static struct thing things[THINGS];
static struct table table;

static void
put_all(void)
{
	memset(&table, 0, sizeof(table));
	memset(things, 0, sizeof(things));
	for (int i = 0; i < THINGS; i++) {
		(void)snprintf(things[i].text, sizeof(things[i].text), "%d", i);
		table_put(&table, &things[i].link, things[i].text, &things[i]);
	}
}

static void
test_each_is_found(void **state)
{
	(void)state;
	put_all();
	for (int i = 0; i < THINGS; i++) {
		struct table_link *link = table_find(&table, things[i].text);

		assert_ptr_equal(link, &things[i].link);
		assert_ptr_equal(link->thing, &things[i]);
		assert_null(table_next(link));
	}
	assert_null(table_find(&table, ""));
	assert_null(table_find(&table, "x"));
}

static void
test_dropped_is_gone(void **state)
{
	(void)state;
	put_all();
	for (int i = 0; i < THINGS; i += 2)
		table_drop(&things[i].link);
	for (int i = 0; i < THINGS; i++)
		assert_int_equal(table_find(&table, things[i].text) != NULL,
		                 i % 2);
	table_drop(&things[0].link); /* again */
	table_put(&table, &things[0].link, things[0].text, &things[0]);
	assert_non_null(table_find(&table, things[0].text));
}

static void
test_all_of_one_text(void **state)
{
	struct table_link links[3] = {0};
	struct table_link *link;
	(void)state;

	put_all();
	for (int i = 0; i < 3; i++)
		table_put(&table, &links[i], "same", NULL);
	table_drop(&links[1]);
	link = table_find(&table, "same");
	assert_ptr_equal(link, &links[2]);
	link = table_next(link);
	assert_ptr_equal(link, &links[0]);
	assert_null(table_next(link));
}

static void
test_empty(void **state)
{
	static struct table empty;
	struct table_link link = {0};
	(void)state;

	assert_null(table_find(&empty, ""));
	table_drop(&link);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_is_found),
	    cmocka_unit_test(test_dropped_is_gone),
	    cmocka_unit_test(test_all_of_one_text),
	    cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
