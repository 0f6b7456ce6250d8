/*
 * Group policies on disk: layouts, their order, and files that are malformed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "poldir.h"

static const char guid_a[] = "EXAMPLE.ORG/POLICIES/{AAAA}/MACHINE/REGISTRY.POL";
static const char guid_b[] = "example.org/policies/{bbbb}/Machine/Registry.pol";

static struct gpo_set *set;

static int
begin(void **state)
{
	(void)state;
	poldir_begin();
	set = NULL;
	return 0;
}

static int
end(void **state)
{
	(void)state;
	gpo_free(set);
	poldir_end();
	return 0;
}

static void
look(void)
{
	struct gpo_set *before = set;

	set = gpo_load(poldir_path, before);
	assert_non_null(set);
	gpo_free(before);
}

/* Names and states, in order: "a.pol {AAAA}! ", with '!' enforced. */
static void
expect(const char *want)
{
	char got[256] = "";

	for (size_t i = 0; i < set->count; i++) {
		const struct gpo *gpo = &set->items[i];

		(void)strcat(got, gpo->name);
		(void)strcat(got, gpo->enforced ? "!" : "");
		(void)strcat(got, !gpo->good ? "?" : gpo->stale ? "~" : "");
		(void)strcat(got, " ");
	}
	assert_string_equal(got, want);
}

static bool
notes(const char *what)
{
	for (size_t i = 0; i < set->note_count; i++)
		if (strstr(set->notes[i], what) != NULL)
			return true;
	return false;
}

static void
test_layouts(void **state)
{
	(void)state;
	look();
	expect("");
	poldir_number(guid_a, "CertPropEnabled", 0);
	poldir_number(guid_b, "CertPropEnabled", 0);
	poldir_number("20-more.pol", "CertPropEnabled", 0);
	poldir_number("10-base.POL", "CertPropEnabled", 0);
	poldir_number("notes.txt", "CertPropEnabled", 0);
	poldir_number("EXAMPLE.ORG/POLICIES/{CCCC}/USER/REGISTRY.POL",
	              "CertPropEnabled", 0);
	poldir_number("a/b/c/{DDDD}/MACHINE/REGISTRY.POL", "CertPropEnabled",
	              0);
	look();
	expect("10-base.POL 20-more.pol {AAAA} {bbbb} ");
	assert_int_equal(set->note_count, 0);
	assert_int_equal(set->input_count, 4);
	assert_true(set->dir_count >= 8);
}

static void
test_order(void **state)
{
	(void)state;
	poldir_number(guid_a, "CertPropEnabled", 0);
	poldir_number(guid_b, "CertPropEnabled", 0);
	poldir_number("x.pol", "CertPropEnabled", 0);
	poldir_order("# domain, then OU\r\n{aaaa}\tenforced\r\n\n{BBBB}\n"
	             "gone.pol\n");
	look();
	expect("{bbbb} {AAAA}! x.pol? ");
	assert_int_equal(set->input_count, 2);
	assert_true(notes("gone.pol: the order names it"));
	assert_true(notes("x.pol: the order does not name it"));
	/* A bad order leaves the last good one. */
	poldir_order("{AAAA} forced\n");
	look();
	expect("{bbbb} {AAAA}! x.pol? ");
	assert_true(notes("gpo.order: line 1: want a name"));
	poldir_order("x.pol\n{AAAA} enforced more\n");
	look();
	assert_true(notes("gpo.order: line 2: want a name"));
	poldir_remove("gpo.order");
	look();
	expect("x.pol {AAAA} {bbbb} ");
}

static void
test_bad_file(void **state)
{
	(void)state;
	poldir_number("a.pol", "CertPropEnabled", 0);
	poldir_write("b.pol", "PReg", 4);
	look();
	expect("a.pol b.pol? ");
	assert_true(notes("b.pol: byte 4: want version 1: it is left out"));
	poldir_write("a.pol", "PReg\1\0\0\0[", 9);
	look();
	expect("a.pol~ b.pol? ");
	assert_true(notes("a.pol: byte 8: want '[': the last good version "
	                  "stays"));
	/* Also the time after. */
	struct gpo_set *again = gpo_load(poldir_path, set);

	assert_true(gpo_same(set, again));
	gpo_free(again);
	assert_false(gpo_same(set, NULL));
	look();
	expect("a.pol~ b.pol? ");
	assert_int_equal(set->inputs[0].changes->of[SETTING_PROPAGATE].state,
	                 SETTING_GIVEN);
	poldir_number("a.pol", "CertPropEnabled", 1);
	look();
	expect("a.pol b.pol? ");
	poldir_remove("a.pol");
	look();
	expect("b.pol? ");
}

static void
test_malformed(void **state)
{
	(void)state;
	poldir_number("a.pol", "RootCertificateCleanupOption", 3);
	look();
	expect("a.pol ");
	assert_int_equal(set->note_count, 1);
	assert_true(notes("a.pol: byte 8: RootCertificateCleanupOption has "
	                  "another type, size or range"));
}

/* A directory that is not there takes nothing away. */
static void
test_no_directory(void **state)
{
	struct gpo_set *gone;

	(void)state;
	poldir_number("a.pol", "CertPropEnabled", 0);
	poldir_order("a.pol enforced\n");
	look();
	gone = gpo_load("/nonexistent/policies", set);
	assert_non_null(gone);
	assert_int_equal(gone->input_count, 1);
	assert_true(gone->inputs[0].enforced);
	assert_int_equal(gone->dir_count, 0);
	assert_int_equal(gone->note_count, 1);
	gpo_free(gone);
}

/* In the place of this one, what cannot be looked into, not even by root. */
static void
hide(const char *path)
{
	char whole[256], aside[256];

	(void)snprintf(whole, sizeof(whole), "%s/%s", poldir_path, path);
	(void)snprintf(aside, sizeof(aside), "%s/.aside", poldir_path);
	assert_int_equal(rename(whole, aside), 0);
	assert_int_equal(symlink(strrchr(whole, '/') + 1, whole), 0);
}

static void
show(const char *path)
{
	char whole[256], aside[256];

	(void)snprintf(whole, sizeof(whole), "%s/%s", poldir_path, path);
	(void)snprintf(aside, sizeof(aside), "%s/.aside", poldir_path);
	assert_int_equal(unlink(whole), 0);
	assert_int_equal(rename(aside, whole), 0);
}

/* What is hidden stays as it was; what is gone is gone. */
static void
test_hidden(void **state)
{
	static const char *const above[] = {
	    "EXAMPLE.ORG/POLICIES/{AAAA}/MACHINE",
	    "EXAMPLE.ORG/POLICIES/{AAAA}", "EXAMPLE.ORG/POLICIES",
	    "EXAMPLE.ORG"};

	(void)state;
	poldir_number(guid_a, "CertPropEnabled", 0);
	poldir_number("a.pol", "CertPropEnabled", 0);
	look();
	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		hide(above[i]);
		for (int again = 0; again < 2; again++) {
			look();
			expect("a.pol {AAAA}~ ");
			assert_int_equal(set->input_count, 2);
			assert_true(notes(above[i]));
		}
		show(above[i]);
		look();
		expect("a.pol {AAAA} ");
		assert_int_equal(set->note_count, 0);
	}
	poldir_remove(guid_a);
	look();
	expect("a.pol ");
}

static void
test_unordered(void **state)
{
	(void)state;
	assert_false(gpo_unordered(NULL));
	poldir_number("a.pol", "CertPropEnabled", 0);
	poldir_number("b.pol", "CertPropEnabled", 0);
	poldir_number(guid_a, "CertPropEnabled", 0);
	look();
	assert_false(gpo_unordered(set));
	poldir_number(guid_b, "CertPropEnabled", 0);
	look();
	assert_true(gpo_unordered(set));
	poldir_order("{AAAA}\n{BBBB}\n");
	look();
	assert_false(gpo_unordered(set));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_layouts, begin, end),
	    cmocka_unit_test_setup_teardown(test_order, begin, end),
	    cmocka_unit_test_setup_teardown(test_bad_file, begin, end),
	    cmocka_unit_test_setup_teardown(test_malformed, begin, end),
	    cmocka_unit_test_setup_teardown(test_no_directory, begin, end),
	    cmocka_unit_test_setup_teardown(test_hidden, begin, end),
	    cmocka_unit_test_setup_teardown(test_unordered, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
