/* The keeper's messages: each limit and one over, each value out of range. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keepbed.h"

static uint8_t buffer[KEEPBED_BIG];
static uint8_t filler[KEEP_MESSAGE_MAX + 1];

static void
test_rules_lists_have_a_limit(void **state)
{
	static const uint8_t hashes[(KEEP_HASHES_MAX + 1) * KEEP_HASH_LEN];
	struct keep_msg msg = keepbed_rules();
	size_t len;

	(void)state;
	msg.rules.allowed =
	    (struct wire_view){hashes, (size_t)KEEP_HASHES_MAX * KEEP_HASH_LEN};
	msg.rules.host = msg.rules.allowed;
	len = keepbed_encode(buffer, &msg, WIRE_OK);
	assert_true(len < KEEP_MESSAGE_MAX);
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_OK);
	buffer[20]++; /* one more than the limit */
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_LIMIT);
	msg.rules.host.len += KEEP_HASH_LEN;
	(void)keepbed_encode(buffer, &msg, WIRE_LIMIT);
	msg.rules.host.len = KEEP_HASH_LEN + 1;
	(void)keepbed_encode(buffer, &msg, WIRE_LIMIT);
}

static void
test_text_limit(void **state)
{
	struct wire_view view = {filler, KEEP_TEXT_MAX};
	struct keep_msg msg = keepbed_event(KEEP_EVENT);
	size_t len;

	(void)state;
	memset(filler, 'a', sizeof(filler));
	for (size_t less = 2; less-- > 0;) {
		view.len = KEEP_TEXT_MAX - less;
		msg.event.text = view;
		len = keepbed_encode(buffer, &msg, WIRE_OK);
		assert_int_equal(keepbed_verdict(buffer, len), WIRE_OK);
	}
	/* One over, by hand: the text is the last field. */
	buffer[len] = 'a';
	assert_int_equal(buffer[len - KEEP_TEXT_MAX - 2], 0x00);
	assert_int_equal(buffer[len - KEEP_TEXT_MAX - 1], 0x04);
	buffer[len - KEEP_TEXT_MAX - 2] = 0x01;
	assert_int_equal(keepbed_verdict(buffer, len + 1), WIRE_LIMIT);
	view.len = KEEP_TEXT_MAX + 1;
	msg.event.text = view;
	(void)keepbed_encode(buffer, &msg, WIRE_LIMIT);
	view.len = KEEP_MESSAGE_MAX + 1; /* 1 in 16 bits */
	msg.event.text = view;
	(void)keepbed_encode(buffer, &msg, WIRE_LIMIT);
}

static void
test_der_limit(void **state)
{
	struct keep_msg msg = keepbed_cert();
	size_t len;

	(void)state;
	msg.cert.der.data = filler;
	msg.cert.der.len = KEEP_DER_MAX;
	len = keepbed_encode(buffer, &msg, WIRE_OK);
	assert_true(len <= KEEP_MESSAGE_MAX);
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_OK);
	buffer[7] = 0x01; /* version, type, seq, kind: then the u32 length */
	assert_int_equal(keepbed_verdict(buffer, len + 1), WIRE_LIMIT);
	msg.cert.der.len = KEEP_DER_MAX + 1;
	(void)keepbed_encode(buffer, &msg, WIRE_LIMIT);
	msg.cert.der.len = 0;
	(void)keepbed_encode(buffer, &msg, WIRE_LIMIT);
}

static void
test_atr_limit(void **state)
{
	struct keep_msg msg = keepbed_reader(KEEP_READER);

	(void)state;
	msg.reader.atr.data = filler;
	msg.reader.atr.len = 36;
	assert_int_equal(
	    keepbed_verdict(buffer, keepbed_encode(buffer, &msg, WIRE_OK)),
	    WIRE_OK);
	msg.reader.atr.len = 37;
	(void)keepbed_encode(buffer, &msg, WIRE_LIMIT);
}

/* Each column as long as it may be still makes one datagram. */
static void
test_largest_message_fits(void **state)
{
	struct wire_view most = {filler, KEEP_TEXT_MAX};
	struct keep_msg msg = keepbed_cert();
	struct wire_view *texts[] = {
	    &msg.cert.subject,    &msg.cert.issuer,    &msg.cert.serial,
	    &msg.cert.ski,        &msg.cert.aki,       &msg.cert.key_alg,
	    &msg.cert.upn,        &msg.cert.email,     &msg.cert.friendly_name,
	    &msg.cert.prov_name,  &msg.cert.container, &msg.cert.pkcs11_uri,
	    &msg.cert.enrollment, &msg.cert.card_data, &msg.cert.pin_info,
	};
	size_t len;

	(void)state;
	memset(filler, 'a', sizeof(filler));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		*texts[i] = most;
	msg.cert.der.data = filler;
	msg.cert.der.len = KEEP_DER_MAX;
	len = keepbed_encode(buffer, &msg, WIRE_OK);
	assert_true(len <= KEEP_MESSAGE_MAX);
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_OK);
	assert_int_equal(keepbed_verdict(buffer, KEEP_MESSAGE_MAX + 1),
	                 WIRE_LIMIT);
}

static void
test_values_out_of_range(void **state)
{
	struct keep_msg msg = keepbed_release();
	size_t len = keepbed_encode(buffer, &msg, WIRE_OK);

	(void)state;
	buffer[len - 1] = 2; /* a bool */
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_VALUE);
	msg = keepbed_begin();
	len = keepbed_encode(buffer, &msg, WIRE_OK);
	buffer[len - 1] = KEEP_REMOVABLE_YES + 1;
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_VALUE);
	msg = keepbed_state_news();
	len = keepbed_encode(buffer, &msg, WIRE_OK);
	buffer[6] = KEEP_ENDING + 1;
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_VALUE);
	msg = keepbed_cert();
	len = keepbed_encode(buffer, &msg, WIRE_OK);
	buffer[6] = 0;
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_VALUE);
	buffer[6] = KEEP_PREEXISTING + 1;
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_VALUE);
	msg = keepbed_hello(KEEP_HELLO);
	len = keepbed_encode(buffer, &msg, WIRE_OK);
	buffer[6 + KEEP_ID_LEN + 3] = 0x80; /* a pid below zero */
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_LIMIT);
}

/* The GUID of a CHUID is whole, or it is not there. */
static void
test_chuid_length(void **state)
{
	struct keep_msg msg = keepbed_begin();
	struct wire_out out = wire_out(buffer, KEEPBED_BIG);
	size_t len;

	(void)state;
	msg.begin.chuid.len--;
	(void)keepbed_encode(buffer, &msg, WIRE_VALUE);
	msg.begin.chuid.len = 0;
	len = keepbed_encode(buffer, &msg, WIRE_OK);
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_OK);
	/* And read, where the writer was not ours: one byte, then the reader.
	 */
	keep_encode(&out, &msg);
	wire_set_u16(&out, out.len - 3, 1);
	wire_put_u8(&out, 0);
	assert_int_equal(keepbed_verdict(buffer, out.len), WIRE_VALUE);
	/* One more than it may have. */
	msg.begin.chuid = wire_view_text(KEEPBED_ID);
	out = wire_out(buffer, KEEPBED_BIG);
	keep_encode(&out, &msg);
	wire_set_u16(&out, out.len - 3 - KEEP_CARD_ID_LEN,
	             KEEP_CARD_ID_LEN + 1);
	wire_put_u8(&out, 0);
	assert_int_equal(keepbed_verdict(buffer, out.len), WIRE_LIMIT);
}

static void
test_text_is_utf8(void **state)
{
	static const char *const good[] = {"",
	                                   "a\x7f",
	                                   "\xc2\x80",
	                                   "\xe0\xa0\x80",
	                                   "\xed\x9f\xbf",
	                                   "\xef\xbf\xbf",
	                                   "\xf0\x90\x80\x80",
	                                   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {
	    "\x80",     /* a tail alone */
	    "\xc0\xaf", /* overlong */
	    "\xc1\xbf",
	    "\xe0\x9f\xbf",
	    "\xf0\x8f\xbf\xbf",
	    "\xed\xa0\x80",     /* a surrogate */
	    "\xf4\x90\x80\x80", /* above U+10FFFF */
	    "\xf5\x80\x80\x80",
	    "\xff",
	    "a\xc3", /* cut */
	    "\xe2\x82",
	    "\xe2\x82!",
	};
	struct wire_view nul = {(const uint8_t *)"a\0b", 3};
	struct keep_msg msg = keepbed_event(KEEP_EVENT);
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		msg.event.text = wire_view_text(good[i]);
		len = keepbed_encode(buffer, &msg, WIRE_OK);
		assert_int_equal(keepbed_verdict(buffer, len), WIRE_OK);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct wire_out out = wire_out(buffer, KEEPBED_BIG);

		msg.event.text = wire_view_text(bad[i]);
		(void)keepbed_encode(buffer, &msg, WIRE_VALUE);
		/* And read, where the writer was not ours. */
		msg.event.text = wire_view_text("");
		keep_encode(&out, &msg);
		wire_set_u16(&out, out.len - 2, (uint16_t)strlen(bad[i]));
		wire_put_view(&out, wire_view_text(bad[i]));
		assert_int_equal(keepbed_verdict(buffer, out.len), WIRE_VALUE);
	}
	msg.event.text = nul;
	(void)keepbed_encode(buffer, &msg, WIRE_VALUE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rules_lists_have_a_limit),
	    cmocka_unit_test(test_text_limit),
	    cmocka_unit_test(test_chuid_length),
	    cmocka_unit_test(test_der_limit),
	    cmocka_unit_test(test_atr_limit),
	    cmocka_unit_test(test_largest_message_fits),
	    cmocka_unit_test(test_values_out_of_range),
	    cmocka_unit_test(test_text_is_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
