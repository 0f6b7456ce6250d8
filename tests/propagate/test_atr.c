/* What an ATR says of a card, for every truncation of one. */
#include "atr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A YubiKey 5: 80, capabilities 73 C0 21 C0, 57 "YubiKey". */
static const uint8_t yubikey[] = {
    0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73, 0xc0,
    0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79, 0x40};

static void
test_historical_bytes(void **state)
{
	struct wire_view atr = {yubikey, sizeof(yubikey)};
	struct wire_view historical = atr_historical(atr);

	(void)state;
	assert_int_equal(historical.len, 13);
	assert_int_equal(historical.data[0], 0x80);
	assert_true(atr_holds_text(historical, "Yubi"));
	assert_true(atr_holds_text(historical, "Key"));
	assert_false(atr_holds_text(historical, "Keys"));
	assert_false(atr_holds_text(historical, ""));
}

static void
test_extended(void **state)
{
	static const uint8_t plain[] = {0x3b, 0x80, 0x80, 0x01, 0x01};
	uint8_t without[sizeof(yubikey)];

	(void)state;
	memcpy(without, yubikey, sizeof(yubikey));
	without[13] = 0x80; /* chaining only */
	assert_int_equal(atr_extended((struct wire_view){yubikey, 23}),
	                 ATR_EXTENDED_YES);
	assert_int_equal(atr_extended((struct wire_view){without, 23}),
	                 ATR_EXTENDED_NO);
	assert_int_equal(atr_extended((struct wire_view){plain, 5}),
	                 ATR_EXTENDED_UNKNOWN);
}

static void
test_every_truncation(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(yubikey) - 1; len++) {
		uint8_t *part = malloc(len + (len == 0));
		struct wire_view atr = {part, len};

		memcpy(part, yubikey, len);
		assert_int_equal(atr_historical(atr).len, 0);
		assert_int_equal(atr_extended(atr), ATR_EXTENDED_UNKNOWN);
		free(part);
	}
}

static void
test_limits(void **state)
{
	uint8_t atr[ATR_MAX + 1] = {0x3b, 0x01, 0x80};

	(void)state;
	assert_int_equal(atr_historical((struct wire_view){atr, ATR_MAX}).len,
	                 1);
	assert_int_equal(
	    atr_historical((struct wire_view){atr, ATR_MAX + 1}).len, 0);
	/* Every TD announces one more. */
	memset(atr, 0x80, sizeof(atr));
	assert_int_equal(atr_historical((struct wire_view){atr, ATR_MAX}).len,
	                 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_historical_bytes),
	    cmocka_unit_test(test_extended),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
