/* The cursor: faults stay, counts are bounded, nothing is read past the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire.h"

/* An exactly sized copy on the heap: an over-read is the sanitizer's. */
static uint8_t *
copy(const void *data, size_t len)
{
	uint8_t *heap = malloc(len + (len == 0));

	assert_non_null(heap);
	if (len > 0)
		memcpy(heap, data, len);
	return heap;
}

static void
test_numbers_both_orders(void **state)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_in in;

	(void)state;
	wire_put_u8(&out, 0xfe);
	wire_put_u16(&out, 0x1234);
	wire_put_u32(&out, 0x89abcdef);
	wire_put_u64(&out, 0xfedcba9876543210);
	wire_put_u16_be(&out, 0x1234);
	wire_put_u32_be(&out, 0x89abcdef);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, 21);
	assert_int_equal(bytes[1], 0x34);
	assert_int_equal(bytes[15], 0x12);

	in = wire_in_view(wire_written(&out));
	assert_int_equal(wire_u8(&in), 0xfe);
	assert_int_equal(wire_u16(&in), 0x1234);
	assert_int_equal(wire_u32(&in), 0x89abcdef);
	assert_true(wire_u64(&in) == 0xfedcba9876543210);
	assert_int_equal(wire_u16_be(&in), 0x1234);
	assert_int_equal(wire_u32_be(&in), 0x89abcdef);
	assert_true(wire_done(&in));
}

/* Every read, on every input that is one byte too short for it. */
static void
test_short_input_is_a_sticky_fault(void **state)
{
	static const size_t sizes[] = {1, 2, 4, 8, 2, 4};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		uint8_t *data =
		    copy("\xff\xff\xff\xff\xff\xff\xff\xff", sizes[i] - 1);
		struct wire_in in = wire_in(data, sizes[i] - 1);
		uint64_t got = i == 0   ? wire_u8(&in)
		               : i == 1 ? wire_u16(&in)
		               : i == 2 ? wire_u32(&in)
		               : i == 3 ? wire_u64(&in)
		               : i == 4 ? wire_u16_be(&in)
		                        : wire_u32_be(&in);

		if (i != 3)
			assert_true(got == 0);
		assert_int_equal(in.fault, WIRE_SHORT);
		assert_int_equal(wire_u8(&in), 0);
		assert_int_equal(in.fault, WIRE_SHORT);
		free(data);
	}
}

static void
test_count_is_bounded(void **state)
{
	static const uint8_t counts[] = {4, 0, 0, 0, 5, 0, 0, 0, 9};
	struct wire_in in = wire_in(counts, sizeof(counts));

	(void)state;
	assert_int_equal(wire_count(&in, 4), 4);
	assert_true(wire_ok(&in));
	assert_int_equal(wire_count(&in, 4), 0);
	assert_int_equal(in.fault, WIRE_LIMIT);
	assert_int_equal(wire_u8(&in), 0); /* sticky */
	assert_int_equal(wire_rest(&in).len, 0);
}

static void
test_views_are_cut_at_the_end(void **state)
{
	uint8_t *data = copy("abcdef", 6);
	struct wire_in in = wire_in(data, 6);
	struct wire_view view = wire_bytes(&in, 2);

	(void)state;
	assert_true(wire_view_equal(view, wire_view_text("ab")));
	wire_skip(&in, 1);
	view = wire_bytes(&in, SIZE_MAX);
	assert_int_equal(view.len, 0);
	assert_int_equal(in.fault, WIRE_SHORT);
	in = wire_in(data, 6);
	wire_skip(&in, 7);
	assert_int_equal(in.fault, WIRE_SHORT);
	in = wire_in(data, 6);
	view = wire_rest(&in);
	assert_int_equal(view.len, 6);
	assert_true(wire_done(&in));
	free(data);
}

static void
test_sub_cursor(void **state)
{
	struct wire_in in = wire_in("abcdef", 6);
	struct wire_in sub = wire_sub(&in, 4);

	(void)state;
	assert_int_equal(in.left, 2);
	assert_int_equal(wire_u32_be(&sub), 0x61626364);
	assert_true(wire_done(&sub));
	assert_int_equal(wire_u8(&sub), 0);
	assert_true(wire_ok(&in)); /* a fault inside stays inside */
	sub = wire_sub(&in, 3);
	assert_int_equal(in.fault, WIRE_SHORT);
	assert_int_equal(sub.fault, WIRE_SHORT);
}

static void
test_first_fault_stays(void **state)
{
	struct wire_in in = wire_in("a", 1);

	(void)state;
	wire_fail(&in, WIRE_VALUE);
	(void)wire_u32(&in);
	wire_fail(&in, WIRE_LIMIT);
	assert_int_equal(in.fault, WIRE_VALUE);
	assert_false(wire_done(&in));
}

static void
test_full_output_is_a_sticky_fault(void **state)
{
	uint8_t *data = copy("\0\0\0", 3);
	struct wire_out out = wire_out(data, 3);

	(void)state;
	wire_put_u16(&out, 1);
	wire_put_u16(&out, 2);
	assert_int_equal(out.fault, WIRE_FULL);
	wire_put_u8(&out, 3); /* would fit: but a hole is no message */
	assert_int_equal(out.len, 2);
	assert_false(wire_out_ok(&out));
	out = wire_out(data, 3);
	wire_put_bytes(&out, "abcd", SIZE_MAX);
	assert_int_equal(out.fault, WIRE_FULL);
	out = wire_out(data, 3);
	wire_put_zeros(&out, 3);
	assert_true(wire_out_ok(&out));
	wire_put_zeros(&out, 1);
	assert_int_equal(out.fault, WIRE_FULL);
	free(data);
}

static void
test_reserved_lengths_are_filled_in(void **state)
{
	uint8_t data[8];
	struct wire_out out = wire_out(data, sizeof(data));
	size_t big = wire_reserve(&out, 4);
	size_t small = wire_reserve(&out, 2);

	(void)state;
	wire_put_u16(&out, 0x4444);
	wire_set_u32(&out, big, 0x01020304);
	wire_set_u16(&out, small, 0x0506);
	assert_memory_equal(data, "\x04\x03\x02\x01\x06\x05\x44\x44", 8);
	wire_set_u16_be(&out, small, 0x0506);
	assert_memory_equal(&data[4], "\x05\x06", 2);
	wire_set_u32(&out, 6, 0xffffffff); /* not inside: nothing happens */
	wire_set_u32(&out, SIZE_MAX, 0xffffffff);
	assert_memory_equal(&data[6], "\x44\x44", 2);
}

static void
test_texts_and_names(void **state)
{
	(void)state;
	assert_int_equal(wire_view_text(NULL).len, 0);
	assert_int_equal(wire_view_text("abc").len, 3);
	assert_true(wire_view_equal(wire_view_text(NULL), wire_view_text("")));
	assert_false(wire_view_equal(wire_view_text("a"), wire_view_text("b")));
	assert_false(
	    wire_view_equal(wire_view_text("a"), wire_view_text("aa")));
	for (int fault = WIRE_OK; fault <= WIRE_FULL; fault++)
		assert_string_not_equal(wire_fault_name((enum wire_fault)fault),
		                        "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_numbers_both_orders),
	    cmocka_unit_test(test_short_input_is_a_sticky_fault),
	    cmocka_unit_test(test_count_is_bounded),
	    cmocka_unit_test(test_views_are_cut_at_the_end),
	    cmocka_unit_test(test_sub_cursor),
	    cmocka_unit_test(test_first_fault_stays),
	    cmocka_unit_test(test_full_output_is_a_sticky_fault),
	    cmocka_unit_test(test_reserved_lengths_are_filled_in),
	    cmocka_unit_test(test_texts_and_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
