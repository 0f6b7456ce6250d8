/* Changes of group policies are seen, many at once and in a new directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "gpowatch.h"
#include "poldir.h"

static struct event_base *base;
static struct gpowatch *watch;
static unsigned called;

static void
on_change(void *arg)
{
	assert_ptr_equal(arg, &called);
	called++;
	(void)event_base_loopbreak(base);
}

static void
look(void)
{
	struct gpo_set *set = gpo_load(poldir_path, NULL);

	assert_non_null(set);
	assert_true(gpowatch_look(watch, set->dirs, set->dir_count));
	gpo_free(set);
}

static int
begin(void **state)
{
	(void)state;
	poldir_begin();
	called = 0;
	base = event_base_new();
	watch = gpowatch_new(base, on_change, &called);
	assert_non_null(watch);
	look();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	gpowatch_free(watch);
	event_base_free(base);
	poldir_end();
	return 0;
}

/* Many files come as one change. */
static void
test_many(void **state)
{
	(void)state;
	poldir_number("a.pol", "CertPropEnabled", 0);
	poldir_number("b.pol", "CertPropEnabled", 0);
	poldir_number("a.pol", "CertPropEnabled", 1);
	(void)event_base_dispatch(base);
	assert_int_equal(called, 1);
	poldir_remove("b.pol");
	(void)event_base_dispatch(base);
	assert_int_equal(called, 2);
}

/* A directory that is new is watched after the next look. */
static void
test_new_directory(void **state)
{
	static const char file[] = "{A}/MACHINE/REGISTRY.POL";

	(void)state;
	poldir_number(file, "CertPropEnabled", 0);
	(void)event_base_dispatch(base);
	assert_int_equal(called, 1);
	look();
	poldir_number(file, "CertPropEnabled", 1);
	(void)event_base_dispatch(base);
	assert_int_equal(called, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_many, begin, end),
	    cmocka_unit_test_setup_teardown(test_new_directory, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
