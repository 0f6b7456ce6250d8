/*
 * Registry.pol files: records, their limits, every truncation, and which record
 * wins.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "polfile.h"
#include "setting.h"

static uint8_t data[128 * 1024];
static struct wire_out out;

static int
begin(void **state)
{
	(void)state;
	out = wire_out(data, sizeof(data));
	polfile_begin(&out);
	return 0;
}

/* The example of the format's description, byte by byte. */
static const uint8_t example[180] = {
    0x50, 0x52, 0x65, 0x67,                                     /* PReg */
    0x01, 0x00, 0x00, 0x00,                                     /* version */
    0x5b, 0x00,                                                 /* [ */
    0x53, 0x00, 0x6f, 0x00, 0x66, 0x00, 0x74, 0x00, 0x77, 0x00, /* Softw */
    0x61, 0x00, 0x72, 0x00, 0x65, 0x00, 0x5c, 0x00, 0x50, 0x00, /* are\P */
    0x6f, 0x00, 0x6c, 0x00, 0x69, 0x00, 0x63, 0x00, 0x69, 0x00, /* olici */
    0x65, 0x00, 0x73, 0x00, 0x5c, 0x00, 0x4d, 0x00, 0x69, 0x00, /* es\Mi */
    0x63, 0x00, 0x72, 0x00, 0x6f, 0x00, 0x73, 0x00, 0x6f, 0x00, /* croso */
    0x66, 0x00, 0x74, 0x00, 0x5c, 0x00, 0x57, 0x00, 0x69, 0x00, /* ft\Wi */
    0x6e, 0x00, 0x64, 0x00, 0x6f, 0x00, 0x77, 0x00, 0x73, 0x00, /* ndows */
    0x5c, 0x00, 0x43, 0x00, 0x65, 0x00, 0x72, 0x00, 0x74, 0x00, /* \Cert */
    0x50, 0x00, 0x72, 0x00, 0x6f, 0x00, 0x70, 0x00, 0x00, 0x00, /* Prop */
    0x3b, 0x00,                                                 /* ; */
    0x52, 0x00, 0x6f, 0x00, 0x6f, 0x00, 0x74, 0x00, 0x43, 0x00, /* RootC */
    0x65, 0x00, 0x72, 0x00, 0x74, 0x00, 0x69, 0x00, 0x66, 0x00, /* ertif */
    0x69, 0x00, 0x63, 0x00, 0x61, 0x00, 0x74, 0x00, 0x65, 0x00, /* icate */
    0x43, 0x00, 0x6c, 0x00, 0x65, 0x00, 0x61, 0x00, 0x6e, 0x00, /* Clean */
    0x75, 0x00, 0x70, 0x00, 0x4f, 0x00, 0x70, 0x00, 0x74, 0x00, /* upOpt */
    0x69, 0x00, 0x6f, 0x00, 0x6e, 0x00, 0x00, 0x00,             /* ion */
    0x3b, 0x00,                                                 /* ; */
    0x04, 0x00, 0x00, 0x00,                                     /* DWORD */
    0x3b, 0x00,                                                 /* ; */
    0x04, 0x00, 0x00, 0x00,                                     /* 4 bytes */
    0x3b, 0x00,                                                 /* ; */
    0x01, 0x00, 0x00, 0x00,                                     /* 1 */
    0x5d, 0x00,                                                 /* ] */
};

/* The bytes in a buffer of exactly their size. */
static const char *
read_exact(const void *bytes, size_t len, struct setting_changes *changes,
           size_t *offset)
{
	void *copy = malloc(len == 0 ? 1 : len);
	const char *fault;

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	fault = setting_read((struct wire_view){copy, len}, changes, offset);
	free(copy);
	return fault;
}

static struct setting_changes
good(void)
{
	struct setting_changes changes = {0};
	size_t offset;

	assert_true(wire_out_ok(&out));
	assert_null(read_exact(data, out.len, &changes, &offset));
	return changes;
}

static size_t
count_touched(const struct setting_changes *changes)
{
	size_t count = 0;

	for (size_t i = 0; i < SETTINGS; i++)
		count += changes->of[i].state != SETTING_UNTOUCHED;
	return count;
}

static void
test_example(void **state)
{
	struct setting_changes changes = {0};
	struct regpol pol =
	    regpol_begin((struct wire_view){example, sizeof(example)});
	struct regpol_entry entry;
	uint32_t number = 0;
	size_t offset;

	(void)state;
	assert_true(regpol_next(&pol, &entry));
	assert_int_equal(entry.action, REGPOL_SET);
	assert_true(regpol_text_is(entry.key, polfile_certprop));
	assert_true(regpol_text_is(entry.name, "RootCertificateCleanupOption"));
	assert_int_equal(entry.type, REGPOL_DWORD);
	assert_true(regpol_number(&entry, &number));
	assert_int_equal(number, 1);
	assert_int_equal(entry.offset, 8);
	assert_false(regpol_next(&pol, &entry));
	assert_null(pol.fault);
	assert_null(read_exact(example, sizeof(example), &changes, &offset));
	assert_int_equal(count_touched(&changes), 1);
	assert_int_equal(changes.of[SETTING_CLEANUP].number, 1);
	/* What the other tests write is written alike. */
	polfile_put_number(&out, polfile_certprop,
	                   "RootCertificateCleanupOption", 1);
	assert_int_equal(out.len, sizeof(example));
	assert_memory_equal(data, example, sizeof(example));
}

/* Each bit of signature, version and delimiters; the file is refused there. */
static void
test_delimiters(void **state)
{
	static const size_t at[] = {0,   1,   2,   3,   4,   5,   6,
	                            7,   8,   9,   100, 101, 160, 161,
	                            166, 167, 172, 173, 178, 179};
	struct setting_changes changes = {0};
	uint8_t copy[sizeof(example)];
	size_t offset;

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			memcpy(copy, example, sizeof(copy));
			copy[at[i]] = (uint8_t)(copy[at[i]] ^ 1u << bit);
			assert_non_null(
			    read_exact(copy, sizeof(copy), &changes, &offset));
			assert_true(offset <= at[i] && at[i] - offset < 4);
			assert_int_equal(count_touched(&changes), 0);
		}
}

/* Cut anywhere but between entries. */
static void
test_truncated(void **state)
{
	struct setting_changes changes = {0};
	size_t first, offset;

	(void)state;
	polfile_put_text(&out, polfile_certprop, "**DeleteValues", "a;b");
	first = out.len;
	polfile_put_number(&out, polfile_certprop, "CertPropEnabled", 0);
	for (size_t len = 0; len < out.len; len++) {
		const char *fault = read_exact(data, len, &changes, &offset);

		if (len == 8 || len == first)
			assert_null(fault);
		else
			assert_non_null(fault);
		assert_true(fault == NULL || offset <= len);
	}
	(void)good();
}

/* Delimiters in the data are data. */
static void
test_data(void **state)
{
	static const uint8_t nasty[] = {']', 0, '[', 0, ';', 0, 0, 0, ']', 0};
	struct setting_changes changes;

	(void)state;
	polfile_put(&out, "Software\\Other", "Blob", REGPOL_BINARY, nasty,
	            sizeof(nasty));
	polfile_put(&out, "Software\\Other", "Odd", 4711, nasty, 3);
	polfile_put(&out, "Software\\Other\\Keys", "", 0, NULL, 0);
	polfile_put_number(&out, polfile_certprop, "certPROPenabled", 0);
	polfile_put_number(&out,
	                   "SOFTWARE\\policies\\microsoft\\windows NT"
	                   "\\TERMINAL services",
	                   "FENABLESMARTCARD", 0);
	changes = good();
	assert_int_equal(count_touched(&changes), 2);
	assert_int_equal(changes.of[SETTING_PROPAGATE].state, SETTING_GIVEN);
	assert_int_equal(changes.of[SETTING_REDIRECT].state, SETTING_GIVEN);
}

static void
test_limits(void **state)
{
	static uint8_t big[REGPOL_DATA_MAX + 1];
	struct setting_changes changes = {0};
	char name[REGPOL_NAME_MAX + 2];
	size_t offset, before;
	uint8_t *large;

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[REGPOL_NAME_MAX] = '\0';
	polfile_put(&out, "K", name, REGPOL_BINARY, big, REGPOL_DATA_MAX);
	(void)good();
	before = out.len;
	name[REGPOL_NAME_MAX] = 'n';
	name[REGPOL_NAME_MAX + 1] = '\0';
	polfile_put(&out, "K", name, REGPOL_BINARY, big, 1);
	assert_string_equal(read_exact(data, out.len, &changes, &offset),
	                    "the name does not end");
	assert_int_equal(offset, before + 2 + 4 + 2);
	(void)begin(NULL);
	polfile_put(&out, "K", "n", REGPOL_BINARY, big, sizeof(big));
	assert_string_equal(read_exact(data, out.len, &changes, &offset),
	                    "want a size of at most 65535 bytes");
	large = calloc(1, REGPOL_FILE_MAX + 1);
	assert_non_null(large);
	memcpy(large, example, 8);
	assert_string_equal(
	    setting_read((struct wire_view){large, REGPOL_FILE_MAX + 1},
	                 &changes, &offset),
	    "the file is above 16 MiB");
	free(large);
}

/* What has the wrong type, size or range is no value. */
static void
test_malformed(void **state)
{
	static const uint8_t eight[8] = {1};
	struct setting_changes changes;

	(void)state;
	polfile_put_text(&out, polfile_certprop, "CertPropEnabled", "1");
	polfile_put(&out, polfile_certprop, "EnableRootCertificatePropagation",
	            REGPOL_DWORD, eight, 8);
	polfile_put_number(&out, polfile_certprop,
	                   "RootCertificateCleanupOption", 3);
	polfile_put_number(&out, polfile_terminal, "fEnableSmartCard", 7);
	polfile_put_text(&out,
	                 "Software\\Microsoft\\Windows NT\\CurrentVersion\\"
	                 "Winlogon",
	                 "ScRemoveOption", "1");
	changes = good();
	assert_int_equal(changes.of[SETTING_PROPAGATE].state,
	                 SETTING_MALFORMED);
	assert_int_equal(changes.of[SETTING_PROPAGATE].offset, 8);
	assert_int_equal(changes.of[SETTING_PROPAGATE_ROOTS].state,
	                 SETTING_MALFORMED);
	assert_int_equal(changes.of[SETTING_CLEANUP].state, SETTING_MALFORMED);
	assert_int_equal(changes.of[SETTING_REDIRECT].number, 1);
	assert_int_equal(changes.of[SETTING_REMOVAL].state, SETTING_GIVEN);
	assert_false(setting_has_effect(SETTING_REMOVAL));
}

/* One name below two keys, both recognised. */
static void
test_two_keys(void **state)
{
	static const char *const keys[] = {
	    "SYSTEM\\CurrentControlSet\\Services\\Kdc",
	    "SYSTEM\\CurrentControlSet\\Control\\Lsa\\Kerberos\\Parameters"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct setting_changes changes;

		(void)begin(NULL);
		polfile_put_number(
		    &out, keys[i],
		    "UseCachedCRLOnlyAndIgnoreRevocationUnknownErrors", 1);
		changes = good();
		assert_int_equal(changes.of[SETTING_CACHED_CRL].state,
		                 SETTING_GIVEN);
	}
	assert_false(setting_has_effect(SETTING_CACHED_CRL));
	assert_false(setting_has_effect(SETTING_TRANSACTION));
}

/* What is not known is said, where it would touch a value of ours. */
static void
test_unknown_instruction(void **state)
{
	struct setting_changes changes;

	(void)state;
	polfile_put_number(&out, "Software\\Other", "**Soft.Value", 1);
	polfile_put_number(&out, polfile_certprop, "**SecureKey", 1);
	assert_int_equal(good().passed_over, 0);
	(void)begin(NULL);
	polfile_put_number(&out, polfile_certprop, "**Soft.CertPropEnabled", 0);
	changes = good();
	assert_int_equal(changes.passed_over, 8);
	assert_int_equal(changes.of[SETTING_PROPAGATE].state,
	                 SETTING_UNTOUCHED);
}

/* Sets both CertProp values, gives the instruction, and looks what is left. */
static void
expect_deleted(const char *key, const char *name, const char *list,
               bool propagate, bool cleanup)
{
	struct setting_changes changes;

	(void)begin(NULL);
	polfile_put_number(&out, polfile_certprop, "CertPropEnabled", 0);
	polfile_put_number(&out, polfile_certprop,
	                   "RootCertificateCleanupOption", 1);
	polfile_put_number(&out, polfile_terminal, "fEnableSmartCard", 0);
	polfile_put_text(&out, key, name, list);
	changes = good();
	assert_int_equal(changes.of[SETTING_PROPAGATE].state,
	                 propagate ? SETTING_DELETED : SETTING_GIVEN);
	assert_int_equal(changes.of[SETTING_CLEANUP].state,
	                 cleanup ? SETTING_DELETED : SETTING_GIVEN);
	assert_int_equal(changes.of[SETTING_REDIRECT].state, SETTING_GIVEN);
}

static void
test_instructions(void **state)
{
	const char *key = polfile_certprop;

	(void)state;
	expect_deleted(key, "**Del.RootCertificateCleanupOption", " ", false,
	               true);
	expect_deleted(key, "**del.CERTPROPENABLED", " ", true, false);
	expect_deleted("K", "**Del.CertPropEnabled", " ", false, false);
	expect_deleted(key, "**DelVals", " ", true, true);
	expect_deleted(key, "**DELVALS.", " ", true, true);
	expect_deleted(key, "**DelVals.x", " ", false, false);
	expect_deleted(key, "**DeleteValues", "x;CertPropEnabled", true, false);
	expect_deleted(key, "**DeleteValues",
	               "rootcertificatecleanupoption;CertPropEnabled", true,
	               true);
	expect_deleted(key, "**DeleteValues", "CertProp", false, false);
	expect_deleted(key, "**DeleteKeys", polfile_certprop, true, true);
	expect_deleted("Software\\Policies\\Microsoft\\Windows", "**DeleteKeys",
	               "x;certprop;y", true, true);
	expect_deleted("Software\\Policies", "**DeleteKeys",
	               "Microsoft\\Windows", true, true);
	expect_deleted("Software\\Policies", "**DeleteKeys", "Microsoft\\Win",
	               false, false);
	expect_deleted("Software\\Policies", "**DeleteKeys", "", false, false);
	expect_deleted(key, "**DeleteKeys", "Below", false, false);
	expect_deleted(key, "**SecureKey", "1", false, false);
	expect_deleted(key, "**soft.CertPropEnabled", "1", false, false);
}

/* What comes later counts. */
static void
test_order(void **state)
{
	struct setting_changes changes;

	(void)state;
	polfile_put_text(&out, polfile_certprop, "**DelVals.", " ");
	polfile_put_number(&out, polfile_certprop, "CertPropEnabled", 0);
	polfile_put_number(&out, polfile_certprop, "CertPropEnabled", 1);
	changes = good();
	assert_int_equal(changes.of[SETTING_PROPAGATE].state, SETTING_GIVEN);
	assert_int_equal(changes.of[SETTING_PROPAGATE].number, 1);
	assert_int_equal(changes.of[SETTING_CLEANUP].state, SETTING_DELETED);
}

/* The table: names find themselves, and fields keep what is put there. */
static void
test_table(void **state)
{
	struct certprop_policy policy;

	(void)state;
	certprop_policy_defaults(&policy);
	for (unsigned i = 0; i < SETTINGS; i++)
		assert_int_equal(setting_find(setting_name((enum setting)i)),
		                 i);
	assert_int_equal(setting_find("nothing"), SETTINGS);
	for (unsigned i = 0; i < SETTINGS_IN_FORCE; i++) {
		enum setting s = (enum setting)i;
		uint32_t before = setting_get(&policy, s);

		setting_put(&policy, s, !before);
		assert_int_equal(setting_get(&policy, s), !before);
		assert_true(setting_looser(s, 0, 1) != setting_looser(s, 1, 0));
	}
	assert_false(policy.propagate || policy.redirect);
	assert_true(policy.require_match && policy.logon.ecc);
	assert_int_equal(policy.max_age_s, 24 * 60 * 60);
	assert_true(setting_looser(SETTING_CLEANUP, 0, 2));
	assert_true(setting_looser(SETTING_CLEANUP, 2, 1));
	assert_false(setting_looser(SETTING_CLEANUP, 1, 2));
	assert_true(setting_looser(SETTING_REDIRECT, 1, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_example, begin),
	    cmocka_unit_test_setup(test_delimiters, begin),
	    cmocka_unit_test_setup(test_truncated, begin),
	    cmocka_unit_test_setup(test_data, begin),
	    cmocka_unit_test_setup(test_limits, begin),
	    cmocka_unit_test_setup(test_malformed, begin),
	    cmocka_unit_test_setup(test_two_keys, begin),
	    cmocka_unit_test_setup(test_unknown_instruction, begin),
	    cmocka_unit_test_setup(test_instructions, begin),
	    cmocka_unit_test_setup(test_order, begin),
	    cmocka_unit_test_setup(test_table, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
