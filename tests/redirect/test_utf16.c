/* UTF-16 and UTF-8: each becomes the other, and broken ones are faults. */
#include "utf16.h"

#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* One text in both forms: a letter of each length of UTF-8, and NUL. */
static const uint8_t wide[] = {
    'A',  0x00,             /* A */
    0xE9, 0x00,             /* e with acute */
    0xAC, 0x20,             /* euro sign */
    0x3D, 0xD8, 0x00, 0xDE, /* U+1F600, a pair */
    0xFF, 0xFF,             /* the last of the first plane */
    0x00, 0x00,             /* NUL */
    0xFF, 0xD7,             /* just below the surrogates */
    0x00, 0xE0              /* just above them */
};
static const uint8_t utf8[] = {'A',  0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0,
                               0x9F, 0x98, 0x80, 0xEF, 0xBF, 0xBF, 0x00,
                               0xED, 0x9F, 0xBF, 0xEE, 0x80, 0x80};

static enum wire_fault
to_utf8(const void *data, size_t len, struct wire_out *out)
{
	struct wire_view copy = exact_dup(data, len);
	struct wire_in in = wire_in_view(copy);
	bool ok = utf16_to_utf8(&in, out);

	exact_free(copy);
	assert_int_equal(ok, wire_ok(&in) && wire_out_ok(out));
	return in.fault != WIRE_OK ? in.fault : out->fault;
}

static enum wire_fault
from_utf8(const void *data, size_t len, struct wire_out *out)
{
	struct wire_view copy = exact_dup(data, len);
	struct wire_in in = wire_in_view(copy);
	bool ok = utf16_from_utf8(&in, out);

	exact_free(copy);
	assert_int_equal(ok, wire_ok(&in) && wire_out_ok(out));
	return in.fault != WIRE_OK ? in.fault : out->fault;
}

static void
each_form_becomes_the_other(void **state)
{
	uint8_t room[64];
	struct wire_out out = wire_out(room, sizeof(room));

	(void)state;
	assert_int_equal(to_utf8(wide, sizeof(wide), &out), WIRE_OK);
	assert_int_equal(out.len, sizeof(utf8));
	assert_memory_equal(room, utf8, sizeof(utf8));
	out = wire_out(room, sizeof(room));
	assert_int_equal(from_utf8(utf8, sizeof(utf8), &out), WIRE_OK);
	assert_int_equal(out.len, sizeof(wide));
	assert_memory_equal(room, wide, sizeof(wide));
}

/* All characters there are survive both ways. */
static void
every_character_round_trips(void **state)
{
	(void)state;
	for (uint32_t code = 0; code <= 0x10FFFF; code++) {
		uint8_t a[4], b[4], c[4];
		struct wire_out first = wire_out(a, sizeof(a));
		struct wire_out text = wire_out(b, sizeof(b));
		struct wire_out back = wire_out(c, sizeof(c));
		struct wire_in in;

		if (code >= 0xD800 && code < 0xE000)
			continue;
		if (code >= 0x10000) {
			wire_put_u16(
			    &first,
			    (uint16_t)(0xD800 + ((code - 0x10000) >> 10)));
			wire_put_u16(&first,
			             (uint16_t)(0xDC00 + (code & 0x3FF)));
		} else {
			wire_put_u16(&first, (uint16_t)code);
		}
		in = wire_in_view(wire_written(&first));
		assert_true(utf16_to_utf8(&in, &text));
		in = wire_in_view(wire_written(&text));
		assert_true(utf16_from_utf8(&in, &back));
		assert_true(
		    wire_view_equal(wire_written(&first), wire_written(&back)));
		assert_int_equal(utf16_units(wire_written(&text)),
		                 first.len / 2);
	}
}

static void
broken_utf16_is_a_fault(void **state)
{
	static const uint8_t high[] = {0x3D, 0xD8};
	static const uint8_t low[] = {0x00, 0xDE};
	static const uint8_t swapped[] = {0x00, 0xDE, 0x3D, 0xD8};
	static const uint8_t high_letter[] = {0x3D, 0xD8, 'A', 0};
	static const uint8_t high_high[] = {0x3D, 0xD8, 0x3D, 0xD8};
	uint8_t room[64];
	struct wire_out out = wire_out(room, sizeof(room));

	(void)state;
	assert_int_equal(to_utf8(high, 2, &out), WIRE_VALUE);
	assert_int_equal(to_utf8(low, 2, &out), WIRE_VALUE);
	assert_int_equal(to_utf8(swapped, 4, &out), WIRE_VALUE);
	assert_int_equal(to_utf8(high_letter, 4, &out), WIRE_VALUE);
	assert_int_equal(to_utf8(high_high, 4, &out), WIRE_VALUE);
	assert_int_equal(to_utf8(high_high, 3, &out), WIRE_VALUE);
	assert_int_equal(out.len, 0);
	assert_int_equal(to_utf8("A", 1, &out), WIRE_SHORT);
	assert_int_equal(out.len, 0);
}

static void
broken_utf8_is_a_fault(void **state)
{
	static const char *const broken[] = {
	    "\x80",             /* a tail alone */
	    "\xC3",             /* cut */
	    "\xC3(",            /* no tail at all */
	    "\xC0\x80",         /* NUL, overlong */
	    "\xC1\xBF",         /* overlong */
	    "\xE2\x82",         /* cut */
	    "\xE0\x9F\xBF",     /* overlong */
	    "\xED\xA0\x80",     /* a surrogate */
	    "\xED\xBF\xBF",     /* the other one */
	    "\xF0\x8F\xBF\xBF", /* overlong */
	    "\xF0\x9F\x98",     /* cut */
	    "\xF4\x90\x80\x80", /* above U+10FFFF */
	    "\xF8\x88\x80\x80", /* five bytes */
	    "\xFF"};
	uint8_t room[64];

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct wire_out out = wire_out(room, sizeof(room));

		assert_int_not_equal(
		    from_utf8(broken[i], strlen(broken[i]), &out), WIRE_OK);
		assert_int_equal(out.len, 0);
		assert_true(utf16_units(wire_view_text(broken[i])) == SIZE_MAX);
	}
}

/* A cut is a fault, or the text that ends there. */
static void
truncations_are_read_to_their_end_only(void **state)
{
	uint8_t room[64];

	(void)state;
	for (size_t n = 0; n < sizeof(wide); n++) {
		struct wire_out out = wire_out(room, sizeof(room));
		bool whole = n % 2 == 0 && n != 8;

		assert_int_equal(to_utf8(wide, n, &out) == WIRE_OK, whole);
	}
	for (size_t n = 0; n < sizeof(utf8); n++) {
		struct wire_out out = wire_out(room, sizeof(room));

		(void)from_utf8(utf8, n, &out);
		assert_true(out.len <= 2 * n);
	}
}

static void
a_small_room_is_a_fault(void **state)
{
	(void)state;
	for (size_t n = 0; n <= sizeof(utf8); n++) {
		uint8_t *room = malloc(n + 1);
		struct wire_out out = wire_out(room, n);

		assert_int_equal(to_utf8(wide, sizeof(wide), &out),
		                 n < sizeof(utf8) ? WIRE_FULL : WIRE_OK);
		free(room);
	}
}

static void
bytes_of_no_code_page_are_utf8_or_latin1(void **state)
{
	uint8_t room[8];
	struct wire_out out = wire_out(room, sizeof(room));

	(void)state;
	assert_true(utf16_bytes_to_utf8(wire_view_text("\xC3\xA9"), &out));
	assert_int_equal(out.len, 2);
	assert_memory_equal(room, "\xC3\xA9", 2);
	out = wire_out(room, sizeof(room));
	assert_true(utf16_bytes_to_utf8(wire_view_text("A\xE9\xFF"), &out));
	assert_int_equal(out.len, 5);
	assert_memory_equal(room, "A\xC3\xA9\xC3\xBF", 5);
	assert_true(utf16_bytes_to_utf8(wire_view_text(NULL), &out));
	assert_false(utf16_bytes_to_utf8(wire_view_text("\xE9\xE9"), &out));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_form_becomes_the_other),
	    cmocka_unit_test(every_character_round_trips),
	    cmocka_unit_test(broken_utf16_is_a_fault),
	    cmocka_unit_test(broken_utf8_is_a_fault),
	    cmocka_unit_test(truncations_are_read_to_their_end_only),
	    cmocka_unit_test(a_small_room_is_a_fault),
	    cmocka_unit_test(bytes_of_no_code_page_are_utf8_or_latin1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
