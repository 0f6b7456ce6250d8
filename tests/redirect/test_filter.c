/*
 * The rules of a policy on readers, cards, calls and commands, and no way
 * around them.
 */
#include "filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static bool
allows_ins(struct filter_policy *policy, uint8_t cla, uint8_t ins)
{
	const uint8_t apdu[] = {cla, ins, 0, 0};
	struct filter_decision decision = filter_apdu(
	    policy, (struct wire_view){apdu, sizeof(apdu)}, NULL, NULL);

	assert_non_null(decision.rule);
	if (decision.verdict == FILTER_REFUSE)
		assert_int_equal(decision.code, ESC_E_NO_ACCESS);
	return decision.verdict == FILTER_ALLOW;
}

static bool
is_in(uint8_t ins, const uint8_t *list, size_t count)
{
	return memchr(list, ins, count) != NULL;
}

/* All 256 instructions, in the modes, in every class of ISO. */
static void
every_instruction(void **state)
{
	static const uint8_t reads[] = {
	    0x33, 0x34, 0x35, 0x70, 0x84, 0xA0, 0xA1, 0xA2, 0xA4, 0xA5,
	    0xB0, 0xB1, 0xB2, 0xB3, 0xC0, 0xCA, 0xCB, 0xCC, 0xCD};
	static const uint8_t uses[] = {0x20, 0x21, 0x22, 0x2A, 0x2B,
	                               0x2E, 0x2F, 0x82, 0x86, 0x88};
	static const uint8_t classes[] = {0x00, 0x03, 0x10, 0x0C, 0x40, 0x7F};
	struct filter_policy policy;

	(void)state;
	filter_policy_init(&policy);
	for (size_t c = 0; c < sizeof(classes); c++) {
		for (unsigned i = 0; i < 256; i++) {
			uint8_t ins = (uint8_t)i;
			bool read = is_in(ins, reads, sizeof(reads));
			bool use = is_in(ins, uses, sizeof(uses));

			/* Where data cannot be read, it is the worse. */
			if (ins == 0x22 && classes[c] != 0)
				use = true;
			policy.commands = FILTER_FULL;
			assert_true(allows_ins(&policy, classes[c], ins));
			policy.commands = FILTER_USE;
			assert_int_equal(allows_ins(&policy, classes[c], ins),
			                 read || use);
			policy.commands = FILTER_READ_ONLY;
			assert_int_equal(allows_ins(&policy, classes[c], ins),
			                 read);
			policy.commands = FILTER_CUSTOM;
			assert_false(allows_ins(&policy, classes[c], ins));
		}
	}
}

static bool
allows(const struct filter_policy *policy, const void *bytes, size_t len,
       const struct command_app *app)
{
	return filter_apdu(policy, (struct wire_view){bytes, len}, app, NULL)
	           .verdict == FILTER_ALLOW;
}

#define ALLOWS(policy, app, ...)                                               \
	allows(policy, (const uint8_t[]){__VA_ARGS__},                         \
	       sizeof((const uint8_t[]){__VA_ARGS__}), app)

/* Chaining, extended length and logical channels do not get around it. */
static void
no_way_around(void **state)
{
	struct filter_policy policy;

	(void)state;
	filter_policy_init(&policy);
	policy.commands = FILTER_USE;
	assert_false(ALLOWS(&policy, NULL, 0x10, 0xDB, 0x3F, 0xFF, 1, 0));
	assert_false(ALLOWS(&policy, NULL, 0x02, 0xDB, 0x3F, 0xFF, 1, 0));
	assert_false(ALLOWS(&policy, NULL, 0x50, 0xDB, 0x3F, 0xFF, 1, 0));
	assert_false(ALLOWS(&policy, NULL, 0x00, 0xDB, 0x3F, 0xFF, 0, 0, 1, 0));
	assert_false(ALLOWS(&policy, NULL, 0x80, 0xE6, 0, 0));
	assert_false(ALLOWS(&policy, NULL, 0x83, 0xE8, 0, 0));
	assert_false(ALLOWS(&policy, NULL, 0xC0, 0xE4, 0, 0));
	assert_false(ALLOWS(&policy, NULL, 0x90, 0xCA, 0, 0));
	assert_false(ALLOWS(&policy, NULL, 0xFF, 0x00, 0, 0));
	/* not an APDU */
	assert_false(ALLOWS(&policy, NULL, 0x00, 0xA4, 4));
	assert_false(ALLOWS(&policy, NULL, 0x00, 0xA4, 4, 0, 2, 0xA0));
}

static void
secure_messaging(void **state)
{
	struct filter_policy policy;
	struct filter_decision decision;
	const uint8_t envelope[] = {0x00, 0xC2, 0, 0};

	(void)state;
	filter_policy_init(&policy);
	policy.commands = FILTER_USE;
	assert_true(ALLOWS(&policy, NULL, 0x0C, 0xA4, 4, 0));
	assert_false(ALLOWS(&policy, NULL, 0x0C, 0xDB, 4, 0));
	assert_false(ALLOWS(&policy, NULL, 0x04, 0xA4, 4, 0));
	assert_false(ALLOWS(&policy, NULL, 0x84, 0xCA, 4, 0));
	decision =
	    filter_apdu(&policy, (struct wire_view){envelope, 4}, NULL, NULL);
	assert_int_equal(decision.verdict, FILTER_REFUSE);
	assert_string_equal(decision.rule, "secure_messaging: refuse");
	assert_null(filter_parse_secure_messaging(&policy, "allow"));
	assert_true(ALLOWS(&policy, NULL, 0x04, 0xA4, 4, 0));
	assert_true(ALLOWS(&policy, NULL, 0x00, 0xC2, 0, 0));
	assert_false(ALLOWS(&policy, NULL, 0x84, 0x82, 0, 0));
	assert_false(ALLOWS(&policy, NULL, 0x04, 0xDB, 0, 0));
}

static void
custom_rules(void **state)
{
	const struct command_app piv = {
	    true, {0xA0, 0, 0, 3, 8, 0, 0, 0x10}, 8};
	const struct command_app cut = {true, {0xA0, 0, 0}, 3};
	const struct command_app pgp = {true, {0xD2, 0x76}, 2};
	struct filter_policy policy;
	struct filter_decision decision;
	const uint8_t put[] = {0x00, 0xDB, 0x3F, 0xFF};

	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_commands(&policy, "custom"));
	assert_non_null(filter_policy_check(&policy));
	assert_null(filter_parse_command_rules(
	    &policy, "deny 00 DB .. .. aid=A000000308 | allow 00 DB 3F xF"));
	assert_null(filter_parse_command_rules(
	    &policy, "allow 00 CB aid=A000000308 | allow 0x A4 04"));
	assert_null(filter_policy_check(&policy));
	decision = filter_apdu(&policy, (struct wire_view){put, 4}, &piv, NULL);
	assert_int_equal(decision.verdict, FILTER_REFUSE);
	assert_string_equal(decision.rule,
	                    "commands: deny 00 DB .. .. aid=A000000308");
	assert_true(allows(&policy, put, 4, &pgp));
	/* In doubt a deny matches and an allow does not. */
	assert_false(allows(&policy, put, 4, NULL));
	assert_false(allows(&policy, put, 4, &cut));
	assert_true(ALLOWS(&policy, &piv, 0x00, 0xCB, 0x3F, 0xFF));
	assert_true(ALLOWS(&policy, &piv, 0x12, 0xCB, 0x3F, 0xFF));
	assert_false(ALLOWS(&policy, NULL, 0x00, 0xCB, 0x3F, 0xFF));
	assert_false(ALLOWS(&policy, &cut, 0x00, 0xCB, 0x3F, 0xFF));
	assert_false(ALLOWS(&policy, &pgp, 0x00, 0xDB, 0x3F, 0xFE));
	assert_true(ALLOWS(&policy, NULL, 0x00, 0xA4, 4, 0));
	assert_false(ALLOWS(&policy, NULL, 0x00, 0xA4, 0, 0));
	policy.commands = FILTER_USE;
	assert_non_null(filter_policy_check(&policy));
	filter_policy_clear(&policy);
}

static void
readers(void **state)
{
	struct filter_policy policy;

	(void)state;
	filter_policy_init(&policy);
	assert_int_equal(filter_reader(&policy, "any").verdict, FILTER_ALLOW);
	assert_false(filter_needs_reader(&policy));
	assert_null(
	    filter_parse_readers(&policy, "deny * SAM* | allow  yubico* "));
	assert_true(filter_needs_reader(&policy));
	assert_int_equal(filter_reader(&policy, "Yubico 00 00").verdict,
	                 FILTER_ALLOW);
	assert_string_equal(filter_reader(&policy, "Yubico SAM 1").rule,
	                    "readers: deny * SAM*");
	assert_int_equal(filter_reader(&policy, "Yubico SAM 1").code,
	                 ESC_E_UNKNOWN_READER);
	assert_string_equal(filter_reader(&policy, "Other").rule,
	                    "readers: no rule matches");
	filter_policy_clear(&policy);
	/* Denies alone: the rest is allowed. */
	assert_null(filter_parse_readers(&policy, "deny Gem?lto*"));
	assert_int_equal(filter_reader(&policy, "Gemalto X").verdict,
	                 FILTER_REFUSE);
	assert_int_equal(filter_reader(&policy, "Other").verdict, FILTER_ALLOW);
	assert_non_null(filter_parse_readers(&policy, "deny * | "));
	assert_non_null(filter_parse_readers(&policy, "deny ********* "));
	filter_policy_clear(&policy);
}

static bool
allows_card(const char *rules, const void *atr, size_t len)
{
	struct filter_policy policy;
	struct filter_decision decision;

	filter_policy_init(&policy);
	assert_null(filter_parse_cards(&policy, rules));
	decision = filter_card(&policy, (struct wire_view){atr, len});
	filter_policy_clear(&policy);
	return decision.verdict == FILTER_ALLOW;
}

static void
cards(void **state)
{
	static const uint8_t atr[] = {0x3B, 0x7F, 0x96, 0x00};
	struct filter_policy policy;

	(void)state;
	assert_true(allows_card("allow 3B7F9600", atr, 4));
	assert_false(allows_card("allow 3B 7F 96", atr, 4));
	assert_true(allows_card("allow 3B 7F 96*", atr, 4));
	assert_true(allows_card("allow 3B xF .. 0.", atr, 4));
	assert_false(allows_card("allow 3B x0 .. 0.", atr, 4));
	assert_true(allows_card("allow 3B709000/FFF0F000", atr, 4));
	assert_false(allows_card("allow 3B7F9600FF", atr, 4));
	assert_false(allows_card("deny 3B7F* | allow *", atr, 4));
	assert_true(allows_card("deny 3F*", atr, 4));
	/* no card is no refused card */
	assert_true(allows_card("deny *", atr, 0));
	filter_policy_init(&policy);
	assert_non_null(filter_parse_cards(&policy, "allow 3B7"));
	assert_non_null(filter_parse_cards(&policy, "allow 3B7F/FF"));
	assert_non_null(filter_parse_cards(&policy, "allow 3B*7F"));
	assert_non_null(filter_parse_cards(
	    &policy, "allow 00112233445566778899AABBCCDDEEFF0011223344556677"
		     "8899AABBCCDDEEFF0011223344"));
	filter_policy_clear(&policy);
}

static void
calls(void **state)
{
	struct filter_policy policy;

	(void)state;
	filter_policy_init(&policy);
	assert_int_equal(filter_call(&policy, NULL).verdict, FILTER_ALLOW);
	assert_null(
	    filter_parse_calls(&policy, "deny *Transmit* | deny connect"));
	assert_string_equal(
	    filter_call(&policy, ioctl_find(IOCTL_TRANSMIT)).rule,
	    "calls: deny *Transmit*");
	assert_int_equal(
	    filter_call(&policy, ioctl_find(IOCTL_CONNECT_A)).verdict,
	    FILTER_REFUSE);
	assert_int_equal(
	    filter_call(&policy, ioctl_find(IOCTL_CONNECT_W)).verdict,
	    FILTER_REFUSE);
	assert_int_equal(
	    filter_call(&policy, ioctl_find(IOCTL_RECONNECT)).verdict,
	    FILTER_ALLOW);
	/* what has no name cannot be judged */
	assert_int_equal(filter_call(&policy, NULL).verdict, FILTER_REFUSE);
	filter_policy_clear(&policy);
}

static void
control(void **state)
{
	struct filter_policy policy;

	(void)state;
	filter_policy_init(&policy);
	assert_int_equal(filter_control(&policy, 1).verdict, FILTER_ALLOW);
	assert_int_equal(filter_set_attrib(&policy).verdict, FILTER_ALLOW);
	policy.commands = FILTER_USE;
	assert_int_equal(filter_control(&policy, 1).verdict, FILTER_REFUSE);
	assert_int_equal(filter_control(&policy, 0x313520).verdict,
	                 FILTER_ALLOW);
	assert_int_equal(filter_set_attrib(&policy).verdict, FILTER_REFUSE);
	assert_null(filter_parse_reader_control(&policy, "allow"));
	assert_int_equal(filter_control(&policy, 1).verdict, FILTER_ALLOW);
}

static void
other_doors(void **state)
{
	struct filter_policy policy;

	(void)state;
	filter_policy_init(&policy);
	assert_int_equal(filter_channel(&policy, "URBDRC").verdict,
	                 FILTER_ALLOW);
	assert_null(filter_parse_redirect(&policy, "no"));
	assert_int_equal(filter_channel(&policy, "URBDRC").verdict,
	                 FILTER_REFUSE);
	assert_int_equal(filter_channel(&policy, "PNPDR").verdict,
	                 FILTER_REFUSE);
	assert_int_equal(filter_channel(&policy, "WebAuthN_Channel").verdict,
	                 FILTER_REFUSE);
	assert_int_equal(
	    filter_channel(&policy, "FileRedirectorChannel").verdict,
	    FILTER_REFUSE);
	assert_int_equal(filter_channel(&policy, "ECHO").verdict, FILTER_ALLOW);
	assert_null(filter_parse_other_card_channels(&policy, "yes"));
	assert_int_equal(filter_channel(&policy, "URBDRC").verdict,
	                 FILTER_ALLOW);
	assert_null(filter_parse_redirect(&policy, "yes"));
	assert_null(filter_parse_other_card_channels(&policy, "no"));
	assert_null(filter_parse_channels(&policy, "deny X*"));
	assert_int_equal(filter_channel(&policy, "URBDRC").verdict,
	                 FILTER_ALLOW);
	assert_int_equal(filter_channel(&policy, "xyz").verdict, FILTER_REFUSE);
	filter_policy_clear(&policy);
}

static void
words(void **state)
{
	struct filter_policy policy;

	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_commands(&policy, "read-only"));
	assert_int_equal(policy.commands, FILTER_READ_ONLY);
	assert_non_null(filter_parse_commands(&policy, "readonly"));
	assert_int_equal(policy.commands, FILTER_READ_ONLY);
	assert_null(filter_parse_refusal(&policy, "status-word"));
	assert_int_equal(policy.refusal, FILTER_REFUSE_STATUS_WORD);
	assert_null(filter_parse_refusal(&policy, "security-violation"));
	assert_int_equal(policy.refusal, FILTER_REFUSE_CODE);
	assert_int_equal(policy.refusal_code, ESC_W_SECURITY_VIOLATION);
	assert_null(filter_parse_refusal(&policy, "no-access"));
	assert_int_equal(policy.refusal_code, ESC_E_NO_ACCESS);
	assert_non_null(filter_parse_refusal(&policy, ""));
	assert_non_null(filter_parse_redirect(&policy, "1"));
	assert_non_null(filter_parse_other_card_channels(&policy, "maybe"));
	assert_non_null(filter_parse_secure_messaging(&policy, "yes"));
	assert_non_null(filter_parse_reader_control(&policy, "yes"));
}

static void
globs_matching(void **state)
{
	(void)state;
	assert_true(globs_match("", ""));
	assert_false(globs_match("", "a"));
	assert_true(globs_match("*", ""));
	assert_true(globs_match("a*b*c", "aXbYbZc"));
	assert_false(globs_match("a*b*c", "aXbYbZ"));
	assert_true(globs_match("?b", "ab"));
	assert_false(globs_match("?", ""));
	assert_true(globs_match("[x]*", "[X] y"));
	assert_true(globs_match("*aab", "aaaaaab"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_instruction),
	    cmocka_unit_test(no_way_around),
	    cmocka_unit_test(secure_messaging),
	    cmocka_unit_test(custom_rules),
	    cmocka_unit_test(readers),
	    cmocka_unit_test(cards),
	    cmocka_unit_test(calls),
	    cmocka_unit_test(control),
	    cmocka_unit_test(other_doors),
	    cmocka_unit_test(words),
	    cmocka_unit_test(globs_matching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
