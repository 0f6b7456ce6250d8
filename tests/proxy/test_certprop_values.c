/*
 * The acceptance tests of certificate propagation that are about policy, 1 to
 * 8: the values that a session gets.  What it does with them is shown by the
 * tests of the machine and end to end.  "certprop_0N" as an argument runs that
 * one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "poldir.h"
#include "ruling.h"

static struct event_base *base;
static struct config *config;
static struct ruling *ruling;
static const struct policy *changed;
static unsigned changes;

static void
on_changed(void *arg, const struct policy *policy)
{
	(void)arg;
	changed = policy;
	changes++;
}

static void
on_settled(void *arg)
{
	(void)arg;
}

static const struct ruling_ops ops = {on_changed, on_settled};

static int
begin(void **state)
{
	(void)state;
	poldir_begin();
	base = event_base_new();
	config = NULL;
	ruling = NULL;
	changes = 0;
	return base == NULL;
}

static int
end(void **state)
{
	(void)state;
	ruling_free(ruling);
	config_free(config);
	event_base_free(base);
	poldir_end();
	return 0;
}

/* A session under these sections and what the machine has. */
static const struct policy *
session(const char *sections)
{
	struct ruling_start start = {
	    .base = base, .client_addr = "192.0.2.7", .client_name = "PC"};

	ruling_free(ruling);
	config_free(config);
	config = poldir_config(sections);
	gpo_free(config_load_policies(config, NULL));
	start.config = config;
	start.target = config_target(config, "desk");
	ruling = ruling_new(&start, &ops, NULL);
	assert_non_null(ruling);
	ruling_identify(ruling, "alice");
	return ruling_policy(ruling);
}

static void
expect(const struct policy *policy, bool user, bool roots,
       enum keep_cleanup cleanup)
{
	assert_int_equal(policy->certprop.propagate, user);
	assert_int_equal(policy->certprop.propagate_roots, roots);
	assert_int_equal(policy->certprop.cleanup, cleanup);
}

static void
certprop_01(void **state)
{
	const struct policy *policy = session("");

	(void)state;
	expect(policy, true, true, KEEP_CLEANUP_LOGOFF);
	assert_true(policy->certprop.redirect && policy->filter.redirect);
}

static void
certprop_02(void **state)
{
	const struct policy *policy;

	(void)state;
	poldir_number("a.pol", "CertPropEnabled", 0);
	policy = session("");
	expect(policy, false, true, KEEP_CLEANUP_LOGOFF);
	assert_false(resolver_ineffective(&policy->resolved));
	poldir_number("b.pol", "EnableRootCertificatePropagation", 1);
	policy = session("");
	expect(policy, false, true, KEEP_CLEANUP_LOGOFF);
	assert_true(resolver_ineffective(&policy->resolved));
}

static void
certprop_03(void **state)
{
	(void)state;
	poldir_number("a.pol", "EnableRootCertificatePropagation", 0);
	expect(session(""), true, false, KEEP_CLEANUP_LOGOFF);
}

static void
certprop_04(void **state)
{
	static const enum keep_cleanup want[] = {
	    KEEP_CLEANUP_NONE, KEEP_CLEANUP_REMOVAL, KEEP_CLEANUP_LOGOFF,
	    KEEP_CLEANUP_LOGOFF};
	uint8_t data[512];
	struct wire_out out = wire_out(data, sizeof(data));

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		poldir_number("a.pol", "RootCertificateCleanupOption", i);
		expect(session(""), true, true, want[i]);
		assert_int_equal(config->gpos->note_count, i == 3);
	}
	polfile_begin(&out);
	polfile_put_text(&out, polfile_certprop, "RootCertificateCleanupOption",
	                 "1");
	poldir_write("a.pol", data, out.len);
	expect(session(""), true, true, KEEP_CLEANUP_LOGOFF);
	assert_int_equal(config->gpos->note_count, 1);
	poldir_remove("a.pol");
	expect(session(""), true, true, KEEP_CLEANUP_LOGOFF);
	assert_int_equal(config->gpos->note_count, 0);
}

/* The file's first entry, with each byte of each delimiter flipped. */
static void
certprop_05(void **state)
{
	static const size_t at[] = {8,   9,   100, 101, 160, 161,
	                            166, 167, 172, 173, 178, 179};
	uint8_t data[256];
	struct wire_out out = wire_out(data, sizeof(data));

	(void)state;
	polfile_begin(&out);
	polfile_put_number(&out, polfile_certprop,
	                   "RootCertificateCleanupOption", 1);
	assert_int_equal(out.len, 180);
	poldir_write("a.pol", data, out.len);
	expect(session(""), true, true, KEEP_CLEANUP_REMOVAL);
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		data[at[i]] ^= 0xff;
		poldir_write("a.pol", data, out.len);
		data[at[i]] ^= 0xff;
		ruling_refresh(ruling, (uint32_t)i + 2);
		expect(ruling_policy(ruling), true, true, KEEP_CLEANUP_REMOVAL);
		assert_true(config->gpos->items[0].stale);
		assert_int_equal(config->gpos->note_count, 1);
	}
}

static void
certprop_06(void **state)
{
	uint8_t data[512];
	struct wire_out out = wire_out(data, sizeof(data));

	(void)state;
	poldir_number("domain.pol", "RootCertificateCleanupOption", 1);
	expect(session(""), true, true, KEEP_CLEANUP_REMOVAL);
	polfile_begin(&out);
	polfile_put_text(&out, polfile_certprop,
	                 "**Del.RootCertificateCleanupOption", " ");
	poldir_write("ou.pol", data, out.len);
	expect(session(""), true, true, KEEP_CLEANUP_LOGOFF);
	poldir_order("domain.pol enforced\nou.pol\n");
	expect(session(""), true, true, KEEP_CLEANUP_REMOVAL);
	poldir_number("ou.pol", "RootCertificateCleanupOption", 0);
	expect(session("[policy default]\nRootCertificateCleanupOption = 2\n"),
	       true, true, KEEP_CLEANUP_REMOVAL);
}

/* The session goes on; the machine of the session is given the new values. */
static void
certprop_07(void **state)
{
	(void)state;
	(void)session("[policy alice]\nmatch_user = alice\n"
	              "RootCertificateCleanupOption = 1\n");
	changes = 0;
	poldir_number("a.pol", "EnableRootCertificatePropagation", 0);
	ruling_refresh(ruling, 2);
	assert_int_equal(changes, 1);
	assert_string_equal(changed->certprop.name, "alice");
	expect(changed, true, false, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(config->policies.generation, 2);
	poldir_number("a.pol", "EnableRootCertificatePropagation", 1);
	ruling_refresh(ruling, 3);
	assert_int_equal(changes, 2);
	expect(changed, true, true, KEEP_CLEANUP_REMOVAL);
	/* The file of the configuration may change with it. */
	poldir_number("a.pol", "RootCertificateCleanupOption", 2);
	ruling_reload(ruling, poldir_config("[policy default]\n"), 4);
	expect(changed, true, true, KEEP_CLEANUP_LOGOFF);
	assert_string_equal(changed->certprop.name, "default");
}

static void
certprop_08(void **state)
{
	const struct policy *policy;

	(void)state;
	poldir_number("a.pol", "fEnableSmartCard", 0);
	policy = session("[policy default]\nredirect = yes\n");
	assert_false(policy->certprop.redirect);
	assert_false(policy->filter.redirect);
	poldir_number("b.pol", "AllowSessionLoosening", 1);
	policy = session("[policy default]\nredirect = yes\n");
	assert_true(policy->filter.redirect);
	poldir_order("b.pol\na.pol enforced\n");
	policy = session("[policy default]\nredirect = yes\n");
	assert_false(policy->filter.redirect);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(certprop_01, begin, end),
	    cmocka_unit_test_setup_teardown(certprop_02, begin, end),
	    cmocka_unit_test_setup_teardown(certprop_03, begin, end),
	    cmocka_unit_test_setup_teardown(certprop_04, begin, end),
	    cmocka_unit_test_setup_teardown(certprop_05, begin, end),
	    cmocka_unit_test_setup_teardown(certprop_06, begin, end),
	    cmocka_unit_test_setup_teardown(certprop_07, begin, end),
	    cmocka_unit_test_setup_teardown(certprop_08, begin, end),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
