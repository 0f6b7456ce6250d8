/*
 * Policies of several sources: which value is in force, whose it is, and what a
 * section may loosen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resolver.h"

enum { GPOS_MAX = 4 };

/* The scene of one case. */
static struct setting_changes changes[GPOS_MAX];
static struct resolver_gpo gpos[GPOS_MAX];
static struct certprop_policy own;
static unsigned lines[SETTINGS_IN_FORCE];
static struct resolver_input input;
static struct resolved resolved;
static struct certprop_policy policy;

static int
begin(void **state)
{
	(void)state;
	memset(changes, 0, sizeof(changes));
	memset(lines, 0, sizeof(lines));
	certprop_policy_defaults(&own);
	input =
	    (struct resolver_input){.gpos = gpos, .own = &own, .lines = lines};
	return 0;
}

static struct setting_changes *
add_gpo(const char *name, bool enforced)
{
	size_t i = input.gpo_count++;

	gpos[i] = (struct resolver_gpo){name, enforced, &changes[i]};
	return &changes[i];
}

static void
give(struct setting_changes *gpo, enum setting setting, uint32_t number)
{
	gpo->of[setting] =
	    (struct setting_change){.state = SETTING_GIVEN, .number = number};
}

static void
section(enum setting setting, uint32_t number, unsigned line)
{
	setting_put(&own, setting, number);
	lines[setting] = line;
}

/* What is in force, and from where. */
static void
expect(enum setting setting, uint32_t number, const char *origin)
{
	char text[128];

	resolver_run(&input, &resolved, &policy);
	assert_int_equal(resolved.of[setting].number, number);
	assert_int_equal(setting_get(&policy, setting), number);
	assert_string_equal(resolver_origin_text(text, sizeof(text),
	                                         &resolved.of[setting], "desk"),
	                    origin);
}

static void
test_defaults(void **state)
{
	(void)state;
	expect(SETTING_PROPAGATE, 1, "default");
	expect(SETTING_PROPAGATE_ROOTS, 1, "default");
	expect(SETTING_CLEANUP, 2, "default");
	expect(SETTING_REDIRECT, 1, "default");
	expect(SETTING_USER_CLEANUP, 0, "default");
	expect(SETTING_FILTER_DUPLICATES, 1, "default");
	assert_int_equal(policy.max_age_s, own.max_age_s);
}

/* What the machine does not set is the section's to choose, either way. */
static void
test_section(void **state)
{
	(void)state;
	section(SETTING_CLEANUP, 0, 12);
	section(SETTING_PROPAGATE, 0, 13);
	expect(SETTING_CLEANUP, 0, "section desk, line 12");
	expect(SETTING_PROPAGATE, 0, "section desk, line 13");
}

static void
test_later_wins(void **state)
{
	(void)state;
	give(add_gpo("domain", false), SETTING_CLEANUP, 1);
	give(add_gpo("ou", false), SETTING_CLEANUP, 0);
	expect(SETTING_CLEANUP, 0, "ou");
	add_gpo("ou2", false)->of[SETTING_CLEANUP].state = SETTING_DELETED;
	expect(SETTING_CLEANUP, 2, "default, deleted by ou2");
	add_gpo("ou3", false)->of[SETTING_CLEANUP].state = SETTING_MALFORMED;
	expect(SETTING_CLEANUP, 2, "default, not understood by ou3");
	section(SETTING_CLEANUP, 0, 9);
	expect(SETTING_CLEANUP, 0, "section desk, line 9");
}

static void
test_tighten(void **state)
{
	struct setting_changes *gpo = add_gpo("gpo", false);

	(void)state;
	give(gpo, SETTING_CLEANUP, 2);
	give(gpo, SETTING_PROPAGATE, 0);
	section(SETTING_CLEANUP, 1, 4);
	section(SETTING_PROPAGATE, 1, 5);
	expect(SETTING_CLEANUP, 1, "section desk, line 4");
	expect(SETTING_PROPAGATE, 0, "gpo");
	assert_int_equal(resolved.of[SETTING_PROPAGATE].refused, 5);
	section(SETTING_CLEANUP, 0, 4);
	expect(SETTING_CLEANUP, 2, "gpo");
	assert_int_equal(resolved.of[SETTING_CLEANUP].refused, 4);
}

static void
test_loosening(void **state)
{
	struct setting_changes *gpo = add_gpo("gpo", false);

	(void)state;
	give(gpo, SETTING_CLEANUP, 1);
	section(SETTING_CLEANUP, 0, 4);
	expect(SETTING_CLEANUP, 1, "gpo");
	input.allow_loosening = true;
	expect(SETTING_CLEANUP, 0, "section desk, line 4");
	input.allow_loosening = false;
	give(gpo, SETTING_LOOSENING, 1);
	expect(SETTING_CLEANUP, 0, "section desk, line 4");
	assert_int_equal(resolved.of[SETTING_CLEANUP].refused, 0);
}

/* Not even the permission to loosen reaches what is enforced. */
static void
test_enforced(void **state)
{
	struct setting_changes *domain = add_gpo("domain", true);

	(void)state;
	give(domain, SETTING_CLEANUP, 2);
	give(add_gpo("ou", false), SETTING_CLEANUP, 1);
	section(SETTING_CLEANUP, 1, 4);
	input.allow_loosening = true;
	expect(SETTING_CLEANUP, 2, "domain, enforced");
	domain->of[SETTING_CLEANUP].state = SETTING_DELETED;
	expect(SETTING_CLEANUP, 2, "domain, enforced, not configured");
	give(add_gpo("forest", true), SETTING_CLEANUP, 0);
	expect(SETTING_CLEANUP, 0, "forest, enforced");
}

static void
test_ineffective(void **state)
{
	struct setting_changes *gpo = add_gpo("gpo", false);

	(void)state;
	give(gpo, SETTING_PROPAGATE, 0);
	resolver_run(&input, &resolved, &policy);
	assert_false(resolver_ineffective(&resolved));
	give(gpo, SETTING_PROPAGATE_ROOTS, 1);
	resolver_run(&input, &resolved, &policy);
	assert_true(resolver_ineffective(&resolved));
	give(gpo, SETTING_PROPAGATE, 1);
	resolver_run(&input, &resolved, &policy);
	assert_false(resolver_ineffective(&resolved));
}

static void
test_changed(void **state)
{
	struct setting_changes *gpo = add_gpo("gpo", false);
	struct resolved before;

	(void)state;
	resolver_run(&input, &before, &policy);
	give(gpo, SETTING_CLEANUP, 2);
	resolver_run(&input, &resolved, &policy);
	/* The same value from elsewhere is a change: it binds a section now. */
	assert_true(resolver_changed(&before, &resolved, SETTING_CLEANUP));
	assert_false(resolver_changed(&before, &resolved, SETTING_PROPAGATE));
	assert_false(resolver_changed(&resolved, &resolved, SETTING_CLEANUP));
}

/* What steers nothing is seen all the same. */
static void
test_no_effect(void **state)
{
	(void)state;
	give(add_gpo("gpo", false), SETTING_UNBLOCK, 1);
	resolver_run(&input, &resolved, &policy);
	assert_true(resolved.of[SETTING_UNBLOCK].given);
	assert_string_equal(resolved.of[SETTING_UNBLOCK].gpo, "gpo");
	assert_false(resolved.of[SETTING_PNP].given);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_defaults, begin),
	    cmocka_unit_test_setup(test_section, begin),
	    cmocka_unit_test_setup(test_later_wins, begin),
	    cmocka_unit_test_setup(test_tighten, begin),
	    cmocka_unit_test_setup(test_loosening, begin),
	    cmocka_unit_test_setup(test_enforced, begin),
	    cmocka_unit_test_setup(test_ineffective, begin),
	    cmocka_unit_test_setup(test_changed, begin),
	    cmocka_unit_test_setup(test_no_effect, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
