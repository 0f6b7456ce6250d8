/* NDR: headers, referents, counts, and every truncation. */
#include "ndr.h"

#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* An object with one of everything. */
static const uint8_t message[] = {
    0x01,
    0x10,
    U16(8),
    U32(0xCCCCCCCC), /* common header */
    U32(64),
    U32(0),          /* private: length, filler */
    U32(7),          /* a number */
    U32(0x00020000), /* a pointer to bytes */
    U32(0),          /* a null pointer */
    U32(0x00020004), /* a pointer to a string */
    U32(0x00020008), /* a pointer to an array */
    U32(5),
    1,
    2,
    3,
    4,
    5, /* the bytes */
    0,
    0,
    0, /* aligned */
    U32(3),
    U32(0),
    U32(3), /* the string's three counts */
    'a',
    0,
    'b',
    0,
    0,
    0, /* its characters */
    0,
    0, /* aligned */
    U32(1),
    U32(9), /* an array of one number */
    0,
    0,
    0,
    0 /* to a multiple of eight */
};

/* Read it all; what was read is compared only if all was there. */
static enum wire_fault
read_message(struct wire_view view)
{
	struct ndr_in in;
	uint32_t number;
	struct wire_view bytes;
	struct wire_view text;
	bool first, second, third, fourth;

	ndr_open(&in, view);
	number = ndr_u32(&in, "number");
	first = ndr_pointer(&in, "pointer");
	second = ndr_pointer(&in, "pointer");
	third = ndr_pointer(&in, "pointer");
	fourth = ndr_pointer(&in, "pointer");
	bytes = ndr_bytes(&in, "bytes", 5);
	text = ndr_string(&in, "text", 2, 3);
	ndr_array(&in, "array", 1);
	if (ndr_count(&in, "count", 9) == 9 && ndr_close(&in)) {
		assert_int_equal(number, 7);
		assert_true(first && !second && third && fourth);
		assert_int_equal(bytes.len, 5);
		assert_memory_equal(bytes.data, "\1\2\3\4\5", 5);
		assert_int_equal(text.len, 6);
	}
	return in.wire.fault;
}

static void
an_object_is_read(void **state)
{
	struct wire_view copy = exact_dup(message, sizeof(message));

	(void)state;
	assert_int_equal(read_message(copy), WIRE_OK);
	exact_free(copy);
}

static void
an_object_is_written(void **state)
{
	uint8_t room[sizeof(message)];
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);
	struct wire_view bytes = {(const uint8_t *)"\1\2\3\4\5", 5};

	(void)state;
	ndr_put_u32(&out, 7);
	ndr_put_pointer(&out, true);
	ndr_put_pointer(&out, false);
	ndr_put_pointer(&out, true);
	ndr_put_pointer(&out, true);
	ndr_put_bytes(&out, bytes);
	ndr_put_string(&out, 3);
	wire_put_bytes(&wire, "a\0b\0\0", 6);
	ndr_put_array(&out, 1);
	ndr_put_u32(&out, 9);
	ndr_end(&out);
	assert_true(wire_out_ok(&wire));
	assert_int_equal(wire.len, sizeof(message));
	assert_memory_equal(room, message, sizeof(message));
	ndr_put_fail(&out, WIRE_VALUE);
	ndr_put_fail(&out, WIRE_LIMIT);
	assert_int_equal(wire.fault, WIRE_VALUE);
}

/* As it is, and with the object's length made to fit. */
static void
every_truncation_is_a_fault(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(message); n++) {
		uint8_t cut[sizeof(message)];
		struct wire_view copy = exact_dup(message, n);

		assert_int_not_equal(read_message(copy), WIRE_OK);
		exact_free(copy);
		if (n < NDR_HEADERS_LEN)
			continue;
		memcpy(cut, message, n);
		cut[8] = (uint8_t)(n - NDR_HEADERS_LEN);
		copy = exact_dup(cut, n);
		assert_int_equal(read_message(copy) == WIRE_OK,
		                 n >= sizeof(message) - 4);
		exact_free(copy);
	}
}

static enum wire_fault
read_changed(size_t at, uint8_t value)
{
	uint8_t changed[sizeof(message)];
	struct wire_view copy;
	enum wire_fault fault;

	memcpy(changed, message, sizeof(message));
	changed[at] = value;
	copy = exact_dup(changed, sizeof(changed));
	fault = read_message(copy);
	exact_free(copy);
	return fault;
}

static void
headers_are_checked(void **state)
{
	(void)state;
	assert_int_equal(read_changed(0, 2), WIRE_VALUE);
	assert_int_equal(read_changed(1, 0), WIRE_VALUE);
	assert_int_equal(read_changed(2, 9), WIRE_VALUE);
	assert_int_equal(read_changed(4, 0), WIRE_OK);
	assert_int_equal(read_changed(8, 65), WIRE_SHORT);
	assert_int_equal(read_changed(8, 63), WIRE_OK);
	assert_int_equal(read_changed(8, 48), WIRE_OK);
	assert_int_equal(read_changed(8, 47), WIRE_VALUE);
	assert_int_equal(read_changed(11, 0x80), WIRE_LIMIT);
	assert_int_equal(read_changed(12, 1), WIRE_OK);
}

static void
referents_are_free_but_not_shared(void **state)
{
	(void)state;
	assert_int_equal(read_changed(20, 1), WIRE_OK);
	assert_int_equal(read_changed(28, 0), WIRE_VALUE);
	assert_int_equal(read_changed(32, 4), WIRE_VALUE);
	assert_int_equal(read_changed(32, 0), WIRE_VALUE);
}

static void
referents_have_a_limit(void **state)
{
	uint8_t room[1024];
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);
	struct ndr_in in;

	(void)state;
	for (int i = 0; i <= NDR_REFERENTS_MAX; i++)
		ndr_put_pointer(&out, true);
	ndr_end(&out);
	ndr_open(&in, wire_written(&wire));
	for (int i = 0; i < NDR_REFERENTS_MAX; i++)
		assert_true(ndr_pointer(&in, "pointer"));
	assert_true(wire_ok(&in.wire));
	assert_false(ndr_pointer(&in, "pointer"));
	assert_int_equal(in.wire.fault, WIRE_LIMIT);
}

static void
counts_must_agree(void **state)
{
	(void)state;
	assert_int_equal(read_changed(36, 4), WIRE_VALUE); /* bytes */
	assert_int_equal(read_changed(36, 6), WIRE_VALUE);
	assert_int_equal(read_changed(48, 2), WIRE_VALUE); /* maximum */
	assert_int_equal(read_changed(48, 4), WIRE_OK);
	assert_int_equal(read_changed(52, 1), WIRE_VALUE);  /* offset */
	assert_int_equal(read_changed(56, 4), WIRE_LIMIT);  /* actual */
	assert_int_equal(read_changed(68, 2), WIRE_VALUE);  /* array */
	assert_int_equal(read_changed(72, 10), WIRE_LIMIT); /* number */
}

/* The message has four bytes of padding; FreeRDP's may have fifteen. */
static void
what_is_left_over_is_a_fault(void **state)
{
	(void)state;
	for (uint8_t extra = 0; extra < 20; extra++) {
		uint8_t long_one[sizeof(message) + 20] = {0};
		struct wire_view copy;

		memcpy(long_one, message, sizeof(message));
		long_one[8] = (uint8_t)(64 + extra);
		copy = exact_dup(long_one, sizeof(message) + extra);
		assert_int_equal(read_message(copy) == WIRE_OK, extra < 12);
		exact_free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_object_is_read),
	    cmocka_unit_test(an_object_is_written),
	    cmocka_unit_test(every_truncation_is_a_fault),
	    cmocka_unit_test(headers_are_checked),
	    cmocka_unit_test(referents_are_free_but_not_shared),
	    cmocka_unit_test(referents_have_a_limit),
	    cmocka_unit_test(counts_must_agree),
	    cmocka_unit_test(what_is_left_over_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
