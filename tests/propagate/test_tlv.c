/* TLV objects: tags, lengths, depth, and every truncation. */
#include "pki.h"
#include "tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TLV(...)                                                               \
	(struct wire_view)                                                     \
	{                                                                      \
		(const uint8_t[]){__VA_ARGS__},                                \
		    sizeof((const uint8_t[]){__VA_ARGS__})                     \
	}

static enum wire_fault
fault_of(struct wire_view bytes, enum tlv_rules rules)
{
	struct wire_in in = wire_in_view(bytes);
	struct tlv tlv = tlv_next(&in, rules);

	if (!wire_ok(&in)) {
		assert_int_equal(tlv.tag, 0);
		assert_int_equal(tlv.value.len, 0);
		assert_int_equal(tlv.whole.len, 0);
	}
	return in.fault;
}

static void
test_tags(void **state)
{
	struct wire_in in = wire_in_view(
	    TLV(0x53, 0x01, 0xaa, 0xdf, 0x1f, 0x00, 0x5f, 0xff, 0x11, 0x00));
	struct tlv tlv = tlv_next(&in, TLV_DER);

	(void)state;
	assert_int_equal(tlv.tag, 0x53);
	assert_int_equal(tlv.value.len, 1);
	assert_int_equal(tlv.value.data[0], 0xaa);
	assert_int_equal(tlv.whole.len, 3);
	assert_int_equal(tlv_next(&in, TLV_DER).tag, 0xdf1f);
	assert_int_equal(tlv_next(&in, TLV_DER).tag, 0x5fff11);
	assert_true(wire_done(&in));
	assert_int_equal(fault_of(TLV(0x5f, 0xff, 0xff, 0x01, 0x00), TLV_BER),
	                 WIRE_VALUE);
}

static void
test_lengths(void **state)
{
	(void)state;
	assert_int_equal(fault_of(TLV(0x30, 0x80, 0, 0), TLV_BER), WIRE_VALUE);
	assert_int_equal(fault_of(TLV(0x30, 0x84, 0, 0, 0, 0), TLV_BER),
	                 WIRE_LIMIT);
	assert_int_equal(fault_of(TLV(0x30, 0x85, 0, 0, 0, 0, 0), TLV_BER),
	                 WIRE_LIMIT);
	assert_int_equal(fault_of(TLV(0x30, 0x02, 0), TLV_BER), WIRE_SHORT);
	assert_int_equal(fault_of(TLV(0x30, 0x83, 0xff, 0xff, 0xff), TLV_BER),
	                 WIRE_SHORT);
	assert_int_equal(fault_of(TLV(0x30, 0xff), TLV_BER), WIRE_LIMIT);
}

/* A card may spend more bytes on a length than it needs, DER may not. */
static void
test_shortest_form(void **state)
{
	uint8_t long_enough[3 + 128] = {0x30, 0x81, 128};
	struct wire_view der = {long_enough, sizeof(long_enough)};

	(void)state;
	assert_int_equal(fault_of(TLV(0x53, 0x81, 0x01, 0), TLV_BER), WIRE_OK);
	assert_int_equal(fault_of(TLV(0x53, 0x82, 0, 1, 0), TLV_BER), WIRE_OK);
	assert_int_equal(fault_of(TLV(0x53, 0x81, 0x01, 0), TLV_DER),
	                 WIRE_VALUE);
	assert_int_equal(fault_of(TLV(0x53, 0x82, 0, 1, 0), TLV_DER),
	                 WIRE_VALUE);
	assert_int_equal(fault_of(der, TLV_DER), WIRE_OK);
}

static void
test_find(void **state)
{
	struct wire_view value;
	struct wire_view bytes = TLV(0x70, 0x02, 1, 2, 0x71, 0x01, 3, 0xfe, 0);

	(void)state;
	assert_true(tlv_find(bytes, 0x71, &value));
	assert_int_equal(value.len, 1);
	assert_int_equal(value.data[0], 3);
	assert_true(tlv_find(bytes, 0xfe, &value));
	assert_int_equal(value.len, 0);
	assert_false(tlv_find(bytes, 0x72, &value));
	bytes.len = 5; /* what stands before the break is still found */
	assert_true(tlv_find(bytes, 0x70, &value));
	assert_false(tlv_find(bytes, 0x71, &value));
}

static void
test_expect(void **state)
{
	struct wire_in in = wire_in_view(TLV(0x30, 0x01, 7));

	(void)state;
	assert_int_equal(tlv_expect(&in, TLV_SET, TLV_DER).len, 0);
	assert_int_equal(in.fault, WIRE_VALUE);
	in = wire_in_view(TLV(0x30, 0x01, 7));
	assert_int_equal(tlv_expect(&in, TLV_SEQUENCE, TLV_DER).len, 1);
	assert_true(wire_done(&in));
}

static void
test_total(void **state)
{
	(void)state;
	assert_int_equal(tlv_total(TLV(0x53, 0x82, 0x01, 0x00)), 260);
	assert_int_equal(tlv_head(TLV(0x53, 0x82, 0x01, 0x00)), 4);
	assert_int_equal(tlv_total(TLV(0xdf, 0x1f, 0x05)), 8);
	assert_int_equal(tlv_total(TLV(0x53, 0x82, 0x01)), 0);
	assert_int_equal(tlv_total(TLV(0x53)), 0);
	assert_int_equal(tlv_total(TLV(0x53, 0x80)), 0);
	assert_int_equal(tlv_total((struct wire_view){NULL, 0}), 0);
}

/* depth sequences inside each other, the innermost empty. */
static struct wire_view
nested(uint8_t *bytes, size_t depth)
{
	for (size_t i = 0; i < depth; i++) {
		bytes[2 * i] = 0x30;
		bytes[2 * i + 1] = (uint8_t)(2 * (depth - i - 1));
	}
	return (struct wire_view){bytes, 2 * depth};
}

static void
test_depth(void **state)
{
	uint8_t bytes[128];

	(void)state;
	for (size_t depth = 1; depth <= TLV_DEPTH_MAX; depth++)
		assert_true(tlv_is_der(nested(bytes, depth)));
	for (size_t depth = TLV_DEPTH_MAX + 1; depth <= 64; depth++)
		assert_false(tlv_is_der(nested(bytes, depth)));
}

/* A real certificate: the whole is DER, no part of it is. */
static void
test_every_truncation(void **state)
{
	struct pki_cert *cert = pki_user_new("Truncated", NULL);
	struct wire_view der = pki_der(cert);

	(void)state;
	assert_true(tlv_is_der(der));
	for (size_t len = 0; len < der.len; len++) {
		uint8_t *part = malloc(len + (len == 0));

		memcpy(part, der.data, len);
		assert_false(tlv_is_der((struct wire_view){part, len}));
		free(part);
	}
	pki_cert_free(cert);
}

static void
test_trailing_byte_is_not_der(void **state)
{
	(void)state;
	assert_true(tlv_is_der(TLV(0x30, 0x03, 0x02, 0x01, 0x05)));
	assert_false(tlv_is_der(TLV(0x30, 0x03, 0x02, 0x01, 0x05, 0x00)));
	assert_false(tlv_is_der(TLV(0x30, 0x03, 0x02, 0x02, 0x05)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tags),
	    cmocka_unit_test(test_lengths),
	    cmocka_unit_test(test_shortest_form),
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_expect),
	    cmocka_unit_test(test_total),
	    cmocka_unit_test(test_depth),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_trailing_byte_is_not_der),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
