/*
 * Certificate properties: as text, as time, as keys, and which may be changed.
 */
#include "property.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* CRYPT_KEY_PROV_INFO as it is serialised: offsets stand for pointers. */
static const uint8_t key_bytes[] = {
    28,  0, 0,   0, 34, 0, 0, 0, /* container, provider */
    1,   0, 0,   0, 32, 0, 0, 0, /* type, flags: machine keyset */
    0,   0, 0,   0, 0,  0, 0, 0, /* no parameters */
    2,   0, 0,   0,              /* AT_SIGNATURE */
    'k', 0, '1', 0, 0,  0,       /* container "k1" */
    'P', 0, 0,   0               /* provider "P" */
};

/* CERT_ENROLLMENT_PROP_ID: counts with the NUL, then the characters. */
static const uint8_t enrollment_bytes[] = {
    0x39, 0x05, 0, 0,                       /* request 1337 */
    3,    0,    0, 0, 'c', 0, 'a', 0, 0, 0, /* DNS name */
    2,    0,    0, 0, 'N', 0, 0,   0,       /* CA name */
    1,    0,    0, 0, 0,   0                /* no display name */
};

static struct wire_view
dup(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	return (struct wire_view){copy, len};
}

static void
drop(struct wire_view copy)
{
	free((void *)(uintptr_t)copy.data);
}

static void
test_text(void **state)
{
	static const uint8_t wide[] = {'A', 0, 0xE9, 0, 0, 0};
	uint8_t bytes[16];
	uint8_t back[16];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_out utf8 = wire_out(back, sizeof(back));

	(void)state;
	property_put_text(&out, wire_view_text("A\xc3\xa9"));
	assert_int_equal(out.len, sizeof(wide));
	assert_memory_equal(bytes, wide, sizeof(wide));
	assert_true(property_get_text(wire_written(&out), &utf8));
	assert_int_equal(utf8.len, 3);
	assert_memory_equal(back, "A\xc3\xa9", 3);
	for (size_t len = 0; len < sizeof(wide); len++) {
		struct wire_view part = dup(wide, len);

		utf8 = wire_out(back, sizeof(back));
		assert_false(property_get_text(part, &utf8));
		drop(part);
	}
}

static void
test_time(void **state)
{
	/* 2000-01-01 00:00:00 is 0x01BF53EB256D4000 in FILETIME. */
	static const uint8_t y2k[] = {0x00, 0x40, 0x6D, 0x25,
	                              0xEB, 0x53, 0xBF, 0x01};
	uint8_t bytes[8];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	int64_t seconds = 0;

	(void)state;
	property_put_time(&out, 946684800);
	assert_memory_equal(bytes, y2k, sizeof(y2k));
	assert_true(property_get_time(wire_written(&out), &seconds));
	assert_int_equal(seconds, 946684800);
	assert_false(property_get_time((struct wire_view){y2k, 7}, &seconds));
}

static void
test_key(void **state)
{
	struct property_key key = {
	    .container = wire_view_text("k1"),
	    .provider = wire_view_text("P"),
	    .type = 1,
	    .flags = 32,
	    .key_spec = 2,
	};
	uint8_t bytes[sizeof(key_bytes)];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	property_put_key(&out, &key);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, sizeof(key_bytes));
	assert_memory_equal(bytes, key_bytes, sizeof(key_bytes));
	assert_true(property_get_key(wire_written(&out), &key));
	assert_int_equal(key.container.len, 4);
	assert_memory_equal(key.container.data, "k\0001\0", 4);
	assert_int_equal(key.provider.len, 2);
	assert_int_equal(key.flags, 32);
	assert_int_equal(key.key_spec, 2);
}

static void
test_key_refusals(void **state)
{
	struct property_key key;

	(void)state;
	for (size_t len = 0; len < sizeof(key_bytes); len++) {
		struct wire_view part = dup(key_bytes, len);

		assert_false(property_get_key(part, &key));
		drop(part);
	}
	static const struct {
		size_t at;
		uint8_t value;
	} faults[] = {
	    {0, 27},   /* a text inside the numbers */
	    {3, 0xff}, /* far outside */
	    {16, 1},   /* a parameter */
	    {4, sizeof(key_bytes) - 1},
	};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct wire_view whole = dup(key_bytes, sizeof(key_bytes));
		uint8_t bytes[sizeof(key_bytes)];

		memcpy(bytes, whole.data, whole.len);
		drop(whole);
		bytes[faults[i].at] = faults[i].value;
		whole = dup(bytes, sizeof(bytes));
		assert_false(property_get_key(whole, &key));
		drop(whole);
	}
}

static void
test_enrollment(void **state)
{
	struct property_enrollment e = {
	    .request_id = 1337,
	    .ca_dns = wire_view_text("ca"),
	    .ca_name = wire_view_text("N"),
	};
	uint8_t bytes[sizeof(enrollment_bytes)];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	property_put_enrollment(&out, &e);
	assert_true(wire_out_ok(&out));
	assert_memory_equal(bytes, enrollment_bytes, sizeof(bytes));
	assert_true(property_get_enrollment(wire_written(&out), &e));
	assert_int_equal(e.request_id, 1337);
	assert_int_equal(e.ca_dns.len, 4);
	assert_int_equal(e.display.len, 0);
	for (size_t len = 0; len < sizeof(enrollment_bytes); len++) {
		struct wire_view part = dup(enrollment_bytes, len);

		assert_false(property_get_enrollment(part, &e));
		drop(part);
	}
}

/* PIN_INFO: version, type, purpose, two sets, the cache's three, flags. */
static const uint8_t pin_bytes[] = {
    6, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0, 0, 4, 0,
    0, 0, 6, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
};

static void
test_pin(void **state)
{
	const struct property_pin said = {.purpose = PROPERTY_PIN_PRIMARY,
	                                  .may_change = 2,
	                                  .may_unblock = 4,
	                                  .cache = PROPERTY_PIN_ALWAYS_ASKED,
	                                  .flags = 1};
	uint8_t bytes[PROPERTY_PIN_LEN];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct property_pin pin;

	(void)state;
	property_put_pin(&out, &said);
	assert_int_equal(out.len, sizeof(pin_bytes));
	assert_memory_equal(bytes, pin_bytes, sizeof(pin_bytes));
	assert_true(property_get_pin(wire_written(&out), &pin));
	assert_memory_equal(&pin, &said, sizeof(pin));
	for (size_t len = 0; len < sizeof(pin_bytes); len++) {
		struct wire_view cut = dup(pin_bytes, len);

		assert_false(property_get_pin(cut, &pin));
		drop(cut);
	}
	bytes[0] = 7;
	assert_false(property_get_pin(wire_written(&out), &pin));
	bytes[0] = 6;
	bytes[20] = 5;
	assert_false(property_get_pin(wire_written(&out), &pin));
}

static void
test_holders(void **state)
{
	static const uint8_t card[PROPERTY_CARD_LEN] = {1, 2, 3};
	static const uint8_t luid[PROPERTY_LUID_LEN] = {9, 8};
	uint8_t bytes[48];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_view view;
	struct wire_view id;

	(void)state;
	property_put_holder(&out, card, luid);
	property_put_holder(&out, card, card);
	assert_int_equal(out.len, 48);
	struct wire_in in = wire_in_view(wire_written(&out));

	assert_true(property_get_holder(&in, &view, &id));
	assert_memory_equal(view.data, card, sizeof(card));
	assert_memory_equal(id.data, luid, sizeof(luid));
	assert_true(property_get_holder(&in, &view, &id));
	assert_true(wire_done(&in));
	assert_false(property_get_holder(&in, &view, &id));
}

static const uint8_t hash[32] = {0xab, 0xcd};

static struct property_change
full_change(void)
{
	return (struct property_change){
	    .hash = {hash, sizeof(hash)},
	    .set = PROPERTY_SET_ALL,
	    .friendly_name = wire_view_text("My card \xc3\xa4"),
	    .description = wire_view_text("described"),
	    .enhkey_usage = wire_view_text("1.3.6.1.5.5.7.3.2"),
	    .archived = true,
	    .extras = {{87, wire_view_text("cep")}, {64, {NULL, 0}}},
	    .extra_count = 2,
	};
}

static void
test_change(void **state)
{
	struct property_change change = full_change();
	struct property_change back;
	uint8_t bytes[512];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	property_put_change(&out, &change);
	assert_true(wire_out_ok(&out));
	struct wire_in in = wire_in_view(wire_written(&out));

	assert_true(property_get_change(&in, &back));
	assert_true(wire_done(&in));
	assert_true(wire_view_equal(back.hash, change.hash));
	assert_true(wire_view_equal(back.friendly_name, change.friendly_name));
	assert_true(wire_view_equal(back.description, change.description));
	assert_true(wire_view_equal(back.enhkey_usage, change.enhkey_usage));
	assert_true(back.archived);
	assert_int_equal(back.extra_count, 2);
	assert_int_equal(back.extras[0].number, 87);
	assert_int_equal(back.extras[1].value.len, 0);
	for (size_t len = 0; len < out.len; len++) {
		struct wire_view part = dup(bytes, len);

		in = wire_in_view(part);
		assert_false(property_get_change(&in, &back));
		drop(part);
	}
}

/* Does what was put come back? */
static bool
passes(const struct property_change *change)
{
	static uint8_t bytes[256 * 1024];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct property_change back;

	property_put_change(&out, change);
	struct wire_in in = wire_in_view(wire_written(&out));

	return wire_out_ok(&out) && property_get_change(&in, &back) &&
	       wire_done(&in);
}

static void
test_change_limits(void **state)
{
	static char text[PROPERTY_TEXT_MAX + 2];
	static uint8_t value[PROPERTY_EXTRA_MAX + 1];
	struct property_change change = full_change();

	(void)state;
	memset(text, 'x', PROPERTY_TEXT_MAX);
	change.friendly_name = wire_view_text(text);
	assert_true(passes(&change));
	text[PROPERTY_TEXT_MAX] = 'x';
	change.friendly_name = wire_view_text(text);
	assert_false(passes(&change));

	change = full_change();
	change.extras[0].value = (struct wire_view){value, sizeof(value) - 1};
	assert_true(passes(&change));
	change.extras[0].value.len++;
	assert_false(passes(&change));
	change = full_change();
	change.hash.len = 31;
	assert_false(passes(&change));
	change.hash.len = 20;
	assert_true(passes(&change));
	change.set = 16;
	assert_false(passes(&change));
	change = full_change();
	change.friendly_name = wire_view_text("\xff");
	assert_false(passes(&change));
	change.friendly_name = (struct wire_view){(const uint8_t *)"a\0b", 3};
	assert_false(passes(&change));
}

/* A pointer to a key, or what is computed, is nobody's to import. */
static void
test_what_may_be_changed(void **state)
{
	static const uint32_t never[] = {2, 3, 5, 16, 26, 27, 76, 90, 101, 107};
	struct property_change change = full_change();

	(void)state;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		change.extras[0].number = never[i];
		assert_false(passes(&change));
	}
	/* Those with a column of their own are no extras either. */
	change.extras[0].number = PROPERTY_FRIENDLY_NAME;
	assert_false(passes(&change));
	change.extras[0].number = 40000;
	assert_true(passes(&change));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_time),
	    cmocka_unit_test(test_key),
	    cmocka_unit_test(test_key_refusals),
	    cmocka_unit_test(test_enrollment),
	    cmocka_unit_test(test_pin),
	    cmocka_unit_test(test_holders),
	    cmocka_unit_test(test_change),
	    cmocka_unit_test(test_change_limits),
	    cmocka_unit_test(test_what_may_be_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
