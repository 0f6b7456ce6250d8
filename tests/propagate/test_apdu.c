/*
 * Commands byte by byte, and that only the four reading instructions can be
 * made at all.
 */
#include "apdu.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const uint8_t aid_bytes[] = {0xa0, 0x00, 0x00, 0x03, 0x08,
                                    0x00, 0x00, 0x10, 0x00};
static const struct wire_view aid = {aid_bytes, sizeof(aid_bytes)};
static const uint8_t tag_bytes[] = {0x5f, 0xc1, 0x05};
static const struct wire_view tag = {tag_bytes, sizeof(tag_bytes)};

#define assert_apdu(made, ...)                                                 \
	do {                                                                   \
		const uint8_t want[] = {__VA_ARGS__};                          \
		struct apdu got = (made);                                      \
                                                                               \
		assert_int_equal(got.len, sizeof(want));                       \
		assert_memory_equal(got.bytes, want, sizeof(want));            \
	} while (0)

static void
test_select(void **state)
{
	(void)state;
	assert_apdu(apdu_select(aid, APDU_SHORT), 0x00, 0xa4, 0x04, 0x00, 0x09,
	            0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x00);
	/* T=0 has no room for Le behind data. */
	assert_apdu(apdu_select(aid, APDU_SHORT_T0), 0x00, 0xa4, 0x04, 0x00,
	            0x09, 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00);
}

static void
test_get_data(void **state)
{
	(void)state;
	assert_apdu(apdu_get_data(0x3fff, tag, APDU_SHORT), 0x00, 0xcb, 0x3f,
	            0xff, 0x05, 0x5c, 0x03, 0x5f, 0xc1, 0x05, 0x00);
	assert_apdu(apdu_get_data(0x3fff, tag, APDU_SHORT_T0), 0x00, 0xcb, 0x3f,
	            0xff, 0x05, 0x5c, 0x03, 0x5f, 0xc1, 0x05);
	assert_apdu(apdu_get_data(0x3fff, tag, APDU_EXTENDED), 0x00, 0xcb, 0x3f,
	            0xff, 0x00, 0x00, 0x05, 0x5c, 0x03, 0x5f, 0xc1, 0x05, 0x0c,
	            0x00);
	assert_int_equal(apdu_get_data(0, tag, APDU_SHORT).ne, 256);
	assert_int_equal(apdu_get_data(0, tag, APDU_EXTENDED).ne, 0x0c00);
}

static void
test_get_response(void **state)
{
	struct apdu apdu = apdu_get_response(0x23);

	(void)state;
	assert_apdu(apdu, 0x00, 0xc0, 0x00, 0x00, 0x23);
	assert_int_equal(apdu.ne, 0x23);
	assert_apdu(apdu_get_response(0), 0x00, 0xc0, 0x00, 0x00, 0x00);
	assert_int_equal(apdu_get_response(0).ne, 256);
}

static void
test_read_binary(void **state)
{
	(void)state;
	assert_apdu(apdu_read_binary(0x0102, APDU_SHORT), 0x00, 0xb0, 0x01,
	            0x02, 0x00);
	assert_apdu(apdu_read_binary(0x8002, APDU_SHORT_T0), 0x00, 0xb0, 0x00,
	            0x02, 0x00);
	assert_apdu(apdu_read_binary(0, APDU_EXTENDED), 0x00, 0xb0, 0x00, 0x00,
	            0x00, 0x0c, 0x00);
}

static void
test_le_is_corrected(void **state)
{
	struct apdu apdu = apdu_get_data(0x3fff, tag, APDU_SHORT);

	(void)state;
	apdu_set_le(&apdu, 0x42);
	assert_apdu(apdu, 0x00, 0xcb, 0x3f, 0xff, 0x05, 0x5c, 0x03, 0x5f, 0xc1,
	            0x05, 0x42);
	assert_int_equal(apdu.ne, 0x42);
	apdu = apdu_get_data(0x3fff, tag, APDU_EXTENDED);
	apdu_set_le(&apdu, 0x42);
	assert_int_equal(apdu.len, 14);
	assert_int_equal(apdu.bytes[12], 0x0c);
}

/* No instruction but the four can be built or would be let through. */
static void
test_only_four_instructions(void **state)
{
	static const enum apdu_form forms[] = {APDU_SHORT, APDU_SHORT_T0,
	                                       APDU_EXTENDED};
	unsigned built = 0;

	(void)state;
	for (unsigned ins = 0; ins < 256; ins++) {
		bool read =
		    ins == 0xa4 || ins == 0xb0 || ins == 0xc0 || ins == 0xcb;
		const uint8_t command[] = {0, (uint8_t)ins, 0, 0, 0};
		const struct wire_view view = {command, sizeof(command)};

		assert_int_equal(apdu_allowed(view), read);
		for (size_t i = 0; i < 3; i++) {
			struct apdu apdu;

			assert_int_equal(
			    apdu_build(&apdu, (uint8_t)ins, 0, aid, forms[i]),
			    read);
			assert_int_equal(apdu.len > 0, read);
			built += apdu.len > 0;
		}
	}
	assert_int_equal(built, 12);
}

static void
test_only_class_zero(void **state)
{
	(void)state;
	for (unsigned cla = 1; cla < 256; cla++) {
		const uint8_t command[] = {(uint8_t)cla, 0xa4, 0, 0};
		const struct wire_view view = {command, sizeof(command)};

		assert_false(apdu_allowed(view));
	}
}

static void
test_command_without_header(void **state)
{
	static const uint8_t command[] = {0x00, 0xa4, 0x04, 0x00};

	(void)state;
	for (size_t len = 0; len < sizeof(command); len++)
		assert_false(apdu_allowed((struct wire_view){command, len}));
	assert_true(apdu_allowed((struct wire_view){command, 4}));
}

static void
test_data_limit(void **state)
{
	static const uint8_t bytes[APDU_DATA_MAX + 1];
	struct wire_view data = {bytes, APDU_DATA_MAX};
	struct apdu apdu;

	(void)state;
	assert_true(apdu_build(&apdu, APDU_SELECT, 0, data, APDU_EXTENDED));
	data.len++;
	assert_false(apdu_build(&apdu, APDU_SELECT, 0, data, APDU_SHORT));
	assert_int_equal(apdu.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_select),
	    cmocka_unit_test(test_get_data),
	    cmocka_unit_test(test_get_response),
	    cmocka_unit_test(test_read_binary),
	    cmocka_unit_test(test_le_is_corrected),
	    cmocka_unit_test(test_only_four_instructions),
	    cmocka_unit_test(test_only_class_zero),
	    cmocka_unit_test(test_command_without_header),
	    cmocka_unit_test(test_data_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
