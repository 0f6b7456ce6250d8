/* Questions and answers about passwords, byte by byte, and every truncation. */
#include "vouchwire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MESSAGES = 9 };

/* One of each shape; the reasons of an answer are ATTACH + 2 and on. */
static struct vouch_msg
message(unsigned i)
{
	struct vouch_msg msg = {.type = VOUCH_ANSWER};

	if (i == 0) {
		msg.type = VOUCH_ATTACH;
		msg.client = wire_view_text("2001:db8::7");
	} else if (i == 1) {
		msg.type = VOUCH_QUESTION;
		msg.question.user = wire_view_text("EXAMPLE\\alice");
		msg.question.password = wire_view_text("s\xc3\xa9"
		                                       "cret");
	} else {
		msg.answer.reason = (enum vouch_reason)(i - 2);
		msg.answer.account = wire_view_text(i == 2 ? "alice" : NULL);
	}
	return msg;
}

static struct wire_view
encoded(uint8_t bytes[VOUCH_MESSAGE_MAX], const struct vouch_msg *msg)
{
	struct wire_out out = wire_out(bytes, VOUCH_MESSAGE_MAX);

	vouch_encode(&out, msg);
	assert_true(wire_out_ok(&out));
	return wire_written(&out);
}

static void
test_question_bytes(void **state)
{
	static const uint8_t wanted[] = {
	    2,                             /* QUESTION */
	    5, 0, 'a', 'l', 'i', 'c', 'e', /* user */
	    3, 0, 'p', 'w', '1',           /* password */
	};
	uint8_t bytes[VOUCH_MESSAGE_MAX];
	struct vouch_msg msg = {
	    .type = VOUCH_QUESTION,
	    .question = {wire_view_text("alice"), wire_view_text("pw1")}};
	struct wire_view got = encoded(bytes, &msg);

	(void)state;
	assert_int_equal(got.len, sizeof(wanted));
	assert_memory_equal(got.data, wanted, sizeof(wanted));
}

static void
test_round_trip(void **state)
{
	uint8_t bytes[VOUCH_MESSAGE_MAX], again[VOUCH_MESSAGE_MAX];
	struct vouch_msg msg, got;
	struct wire_view first;
	struct wire_in in;

	(void)state;
	for (unsigned i = 0; i < MESSAGES; i++) {
		msg = message(i);
		first = encoded(bytes, &msg);
		in = wire_in_view(first);
		assert_true(vouch_decode(&in, &got));
		assert_int_equal(got.type, msg.type);
		assert_true(wire_view_equal(encoded(again, &got), first));
	}
	msg = message(1);
	in = wire_in_view(encoded(bytes, &msg));
	assert_true(vouch_decode(&in, &got));
	assert_true(wire_view_equal(got.question.user, msg.question.user));
	assert_true(
	    wire_view_equal(got.question.password, msg.question.password));
}

/* Each shorter one, and one byte more, is refused and not read beyond. */
static void
test_truncated(void **state)
{
	uint8_t bytes[VOUCH_MESSAGE_MAX];
	struct vouch_msg msg, got;

	(void)state;
	for (unsigned i = 0; i < MESSAGES; i++) {
		struct wire_view whole;

		msg = message(i);
		whole = encoded(bytes, &msg);
		for (size_t len = 0; len <= whole.len + 1; len++) {
			uint8_t *exact = calloc(1, len > 0 ? len : 1);
			struct wire_in in = wire_in(exact, len);

			assert_non_null(exact);
			memcpy(exact, whole.data,
			       len < whole.len ? len : whole.len);
			assert_int_equal(vouch_decode(&in, &got),
			                 len == whole.len);
			free(exact);
		}
	}
}

/* A text of len bytes; the others of the message are good. */
static bool
fits(enum vouch_type type, bool password, size_t len, bool nul)
{
	static char text[VOUCH_MESSAGE_MAX];
	uint8_t bytes[2 * VOUCH_MESSAGE_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct vouch_msg msg = {.type = type}, got;
	struct wire_view view = {(const uint8_t *)text, len};
	bool encodes;
	struct wire_in in;

	memset(text, 'a', sizeof(text));
	if (nul)
		text[len / 2] = '\0';
	if (type == VOUCH_ATTACH)
		msg.client = view;
	else if (type == VOUCH_ANSWER)
		msg.answer.account = view;
	else
		msg.question.user = msg.question.password = wire_view_text("x");
	if (type == VOUCH_QUESTION && password)
		msg.question.password = view;
	else if (type == VOUCH_QUESTION)
		msg.question.user = view;
	vouch_encode(&out, &msg);
	encodes = wire_out_ok(&out);

	/* the same by hand: who encodes is not trusted */
	out = wire_out(bytes, sizeof(bytes));
	wire_put_u8(&out, (uint8_t)type);
	if (type == VOUCH_ANSWER)
		wire_put_u8(&out, VOUCH_ACCEPTED);
	if (type == VOUCH_QUESTION && password) {
		wire_put_u16(&out, 1);
		wire_put_u8(&out, 'x');
	}
	wire_put_u16(&out, (uint16_t)len);
	wire_put_view(&out, view);
	if (type == VOUCH_QUESTION && !password) {
		wire_put_u16(&out, 1);
		wire_put_u8(&out, 'x');
	}
	in = wire_in_view(wire_written(&out));
	assert_int_equal(vouch_decode(&in, &got), encodes);
	return encodes;
}

static void
test_limits(void **state)
{
	(void)state;
	assert_true(fits(VOUCH_QUESTION, false, VOUCH_USER_MAX, false));
	assert_false(fits(VOUCH_QUESTION, false, VOUCH_USER_MAX + 1, false));
	assert_true(fits(VOUCH_QUESTION, true, VOUCH_PASSWORD_MAX, false));
	assert_false(fits(VOUCH_QUESTION, true, VOUCH_PASSWORD_MAX + 1, false));
	assert_true(fits(VOUCH_ATTACH, false, VOUCH_CLIENT_MAX, false));
	assert_false(fits(VOUCH_ATTACH, false, VOUCH_CLIENT_MAX + 1, false));
	assert_true(fits(VOUCH_ANSWER, false, VOUCH_USER_MAX, false));
	assert_false(fits(VOUCH_ANSWER, false, VOUCH_USER_MAX + 1, false));
	for (int password = 0; password < 2; password++) {
		assert_true(fits(VOUCH_QUESTION, password, 1, false));
		assert_false(fits(VOUCH_QUESTION, password, 0, false));
		assert_false(fits(VOUCH_QUESTION, password, 7, true));
	}
	assert_false(fits(VOUCH_ANSWER, false, 0, false));
	assert_false(fits(VOUCH_ATTACH, false, 5, true));
}

/* "Absent" is what a session says to itself, and there is no type 0 or 4. */
static void
test_unknown(void **state)
{
	struct vouch_msg got;

	(void)state;
	for (unsigned value = 0; value < 256; value++) {
		const uint8_t reason[] = {VOUCH_ANSWER, (uint8_t)value};
		const uint8_t type[] = {(uint8_t)value};
		struct wire_in in = wire_in(reason, sizeof(reason));

		assert_int_equal(vouch_decode(&in, &got),
		                 value > VOUCH_ACCEPTED &&
		                     value < VOUCH_ABSENT);
		in = wire_in(type, sizeof(type));
		assert_false(vouch_decode(&in, &got));
	}
}

static void
test_names(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= VOUCH_ABSENT; i++)
		assert_non_null(vouch_reason_name((enum vouch_reason)i));
	assert_string_equal(vouch_reason_name(VOUCH_ACCEPTED), "accepted");
	assert_string_equal(vouch_reason_name(VOUCH_ABSENT), "absent");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_question_bytes),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
