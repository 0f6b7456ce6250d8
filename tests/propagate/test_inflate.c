/* Compressed certificates: both forms, and those that are broken or a bomb. */
#include "inflate.h"
#include "script_card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Text that packs to about a third, well below the ratio. */
static uint8_t *
text_new(size_t len)
{
	uint8_t *text = malloc(len);
	uint32_t seed = 1;

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1103515245 + 12345;
		text[i] = (uint8_t)('a' + (seed >> 16) % 8);
	}
	return text;
}

static enum inflate_error
inflate_all(struct wire_view packed, size_t max)
{
	uint8_t *out;
	size_t len;
	enum inflate_error error = inflate_member(packed, max, &out, &len);

	assert_int_equal(out != NULL, error == INFLATE_OK);
	if (error != INFLATE_OK)
		assert_int_equal(len, 0);
	free(out);
	return error;
}

/* The example of the file form of GIDS: 300 times 'A'. */
static void
test_known_bytes(void **state)
{
	static const uint8_t packed[] = {0x78, 0x9c, 0x73, 0x74, 0x1c,
	                                 0x05, 0xc4, 0x02, 0x00, 0xcb,
	                                 0x9e, 0x4c, 0x2d};
	struct wire_view view = {packed, sizeof(packed)};
	uint8_t *out;
	size_t len;

	(void)state;
	assert_int_equal(inflate_member(view, 300, &out, &len), INFLATE_OK);
	assert_int_equal(len, 300);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(out[i], 'A');
	free(out);
	assert_int_equal(inflate_all(view, 299), INFLATE_LARGE);
}

static void
check_form(enum script_wrap wrap)
{
	uint8_t *text = text_new(4000);
	size_t len;
	size_t got;
	uint8_t *packed =
	    script_deflate((struct wire_view){text, 4000}, wrap, &len);
	struct wire_view view = {packed, len};
	uint8_t *out;

	assert_int_equal(inflate_member(view, 4000, &out, &got), INFLATE_OK);
	assert_int_equal(got, 4000);
	assert_memory_equal(out, text, 4000);
	free(out);
	assert_int_equal(inflate_all(view, 4001), INFLATE_OK);
	assert_int_equal(inflate_all(view, 3999), INFLATE_LARGE);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *part = malloc(cut + (cut == 0));

		memcpy(part, packed, cut);
		assert_int_equal(
		    inflate_all((struct wire_view){part, cut}, 4000),
		    INFLATE_BROKEN);
		free(part);
	}
	free(packed);
	free(text);
}

static void
test_both_forms(void **state)
{
	(void)state;
	check_form(SCRIPT_GZIP);
	check_form(SCRIPT_ZLIB);
}

static void
test_trailing_bytes_and_second_member(void **state)
{
	uint8_t *text = text_new(200);
	uint8_t twice[1024] = {0};
	size_t len;
	uint8_t *packed =
	    script_deflate((struct wire_view){text, 200}, SCRIPT_GZIP, &len);

	(void)state;
	memcpy(twice, packed, len);
	assert_int_equal(inflate_all((struct wire_view){twice, len + 1}, 4000),
	                 INFLATE_TRAILING);
	memcpy(&twice[len], packed, len);
	assert_int_equal(inflate_all((struct wire_view){twice, 2 * len}, 4000),
	                 INFLATE_TRAILING);
	free(packed);
	free(text);
}

static void
test_wrong_check_sum(void **state)
{
	uint8_t *text = text_new(200);
	size_t len;
	uint8_t *packed =
	    script_deflate((struct wire_view){text, 200}, SCRIPT_GZIP, &len);

	(void)state;
	packed[len - 5] ^= 1;
	assert_int_equal(inflate_all((struct wire_view){packed, len}, 4000),
	                 INFLATE_BROKEN);
	free(packed);
	free(text);
}

/* Zeros pack 1:1000; whatever the limit is, 64 for one is the end. */
static void
test_bomb(void **state)
{
	uint8_t *zeros = calloc(1, 1 << 20);
	size_t len;
	uint8_t *packed = script_deflate((struct wire_view){zeros, 1 << 20},
	                                 SCRIPT_GZIP, &len);

	(void)state;
	assert_true((1 << 20) / len > 900);
	assert_int_equal(inflate_all((struct wire_view){packed, len}, 1 << 20),
	                 INFLATE_LARGE);
	assert_int_equal(
	    inflate_all((struct wire_view){packed, len}, 16 * 1024),
	    INFLATE_LARGE);
	free(packed);
	free(zeros);
}

static void
test_not_packed(void **state)
{
	static const uint8_t der[] = {0x30, 0x82, 0x01, 0x00, 0x30, 0x00};

	(void)state;
	assert_int_equal(inflate_all((struct wire_view){der, sizeof(der)}, 99),
	                 INFLATE_BROKEN);
	assert_int_equal(inflate_all((struct wire_view){NULL, 0}, 99),
	                 INFLATE_BROKEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known_bytes),
	    cmocka_unit_test(test_both_forms),
	    cmocka_unit_test(test_trailing_bytes_and_second_member),
	    cmocka_unit_test(test_wrong_check_sum),
	    cmocka_unit_test(test_bomb),
	    cmocka_unit_test(test_not_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
