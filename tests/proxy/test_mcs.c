/* MCS: connect PDUs, heads, ultimatums, and lengths that lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcs.h"
#include "messages.h"

enum { MCS_AT = 7 }; /* behind TPKT and X.224 */

static struct message message;

static const char *
decode_initial(const uint8_t *bytes, size_t len, struct mcs_connect *connect)
{
	struct wire_in in = wire_in(bytes, len);
	struct mcs_head head;

	if (!mcs_head_decode(&in, &head) || head.kind != MCS_CONNECT_INITIAL)
		return "not a Connect Initial";
	return mcs_connect_initial_decode(&in, connect);
}

static const char *
decode_response(const uint8_t *bytes, size_t len, struct mcs_connect *connect)
{
	struct wire_in in = wire_in(bytes, len);
	struct mcs_head head;

	if (!mcs_head_decode(&in, &head) || head.kind != MCS_CONNECT_RESPONSE)
		return "not a Connect Response";
	return mcs_connect_response_decode(&in, connect);
}

static void
each_truncation(const char *(*decode)(const uint8_t *, size_t,
                                      struct mcs_connect *))
{
	struct mcs_connect connect;
	size_t len = message.len - MCS_AT;

	assert_null(decode(message.bytes + MCS_AT, len, &connect));
	assert_int_equal(connect.user_data.len + connect.user_data_offset + 2,
	                 len);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = message_copy(message.bytes + MCS_AT, cut);

		assert_non_null(decode(copy, cut, &connect));
		free(copy);
	}
}

static void
test_connect(void **state)
{
	struct mcs_connect connect;

	(void)state;
	message_connect_initial(&message, &message_sides);
	each_truncation(decode_initial);
	assert_non_null(decode_initial(message.bytes + MCS_AT,
	                               message.len - MCS_AT + 1,
	                               &connect)); /* a byte more */
	message_connect_response(&message, &message_sides);
	each_truncation(decode_response);
	message.bytes[MCS_AT + 5 + 2] = 14; /* result: rt-user-rejected */
	assert_null(decode_response(message.bytes + MCS_AT,
	                            message.len - MCS_AT, &connect));
	assert_int_equal(connect.result, 14);
}

/* Indefinite lengths, and lengths of three bytes and more. */
static void
test_connect_lengths(void **state)
{
	static const uint8_t firsts[] = {0x80, 0x83, 0x84, 0xff};
	struct mcs_connect connect;

	(void)state;
	for (size_t i = 0; i < sizeof(firsts); i++) {
		message_connect_initial(&message, &message_sides);
		message.bytes[MCS_AT + 2] = firsts[i];
		assert_string_equal(decode_initial(message.bytes + MCS_AT,
		                                   message.len - MCS_AT,
		                                   &connect),
		                    "MCS: length of Connect Initial");
	}
}

/* xrdp's outer length is 2 short where the user data has 128 bytes. */
static void
test_connect_outer_length(void **state)
{
	struct mcs_connect connect;

	(void)state;
	message_connect_response(&message, &message_sides);
	message.bytes[MCS_AT + 4] = (uint8_t)(message.bytes[MCS_AT + 4] - 2);
	assert_null(decode_response(message.bytes + MCS_AT,
	                            message.len - MCS_AT, &connect));
}

static void
check_head(const uint8_t *bytes, size_t len, enum mcs_kind kind, size_t data)
{
	struct wire_in in = wire_in(bytes, len);
	struct mcs_head head;

	assert_true(mcs_head_decode(&in, &head));
	assert_int_equal(head.kind, kind);
	assert_int_equal(head.len, data);
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = message_copy(bytes, cut);

		in = wire_in(copy, cut);
		assert_false(mcs_head_decode(&in, &head));
		free(copy);
	}
}

static void
test_head(void **state)
{
	static const uint8_t one[] = {0x64, 0, 7, 3, 0xeb, 0x70, 0x7f};
	static const uint8_t two[] = {0x68, 0, 1, 3, 0xeb, 0x70, 0x81, 0x02};
	static const uint8_t most[] = {0x68, 0, 1, 3, 0xeb, 0x70, 0xff, 0xff};
	static const uint8_t initial[] = {0x7f, 0x65};
	static const uint8_t tagged[] = {0x7f, 0x67};
	static const uint8_t ultimatum[] = {0x21};
	static const uint8_t attach[] = {0x2e};

	(void)state;
	check_head(one, sizeof(one), MCS_DATA, 0x7f);
	check_head(two, sizeof(two), MCS_DATA, 0x102);
	check_head(most, sizeof(most), MCS_DATA, 0x7fff);
	check_head(initial, sizeof(initial), MCS_CONNECT_INITIAL, 0);
	check_head(tagged, sizeof(tagged), MCS_OTHER, 0);
	check_head(ultimatum, sizeof(ultimatum), MCS_ULTIMATUM, 0);
	check_head(attach, sizeof(attach), MCS_ATTACH_CONFIRM, 0);
}

static void
test_per_length(void **state)
{
	static const size_t lengths[] = {0, 1, 0x7f, 0x80, 0x3fff};
	uint8_t bytes[2];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct wire_out out = wire_out(bytes, sizeof(bytes));
		struct wire_in in;

		mcs_put_per_length(&out, lengths[i]);
		assert_true(wire_out_ok(&out));
		assert_int_equal(out.len, lengths[i] < 0x80 ? 1 : 2);
		in = wire_in_view(wire_written(&out));
		assert_int_equal(mcs_per_length(&in), lengths[i]);
		assert_true(wire_done(&in));
	}
}

static void
test_per_length_limit(void **state)
{
	uint8_t bytes[2];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	mcs_put_per_length(&out, MCS_DATA_MAX + 1);
	assert_int_equal(out.fault, WIRE_LIMIT);
}

static void
test_attach(void **state)
{
	static const uint8_t good[] = {0, 0, 7};
	static const uint8_t last[] = {0, 0xfc, 0x16};  /* 65535 */
	static const uint8_t above[] = {0, 0xfc, 0x17}; /* 65536 */
	static const uint8_t refused[] = {14};
	struct wire_in in = wire_in(good, sizeof(good));
	uint16_t user;

	(void)state;
	assert_null(mcs_attach_confirm_decode(&in, &user));
	assert_int_equal(user, 1008);
	in = wire_in(last, sizeof(last));
	assert_null(mcs_attach_confirm_decode(&in, &user));
	assert_int_equal(user, 65535);
	in = wire_in(above, sizeof(above));
	assert_non_null(mcs_attach_confirm_decode(&in, &user));
	in = wire_in(refused, sizeof(refused));
	assert_null(mcs_attach_confirm_decode(&in, &user));
	assert_int_equal(user, 0);
	for (size_t cut = 0; cut < sizeof(good); cut++) {
		in = wire_in(good, cut);
		assert_non_null(mcs_attach_confirm_decode(&in, &user));
	}
}

static void
test_encode(void **state)
{
	static const uint8_t want[] = {0x64, 0,    7,    3,    0xed,
	                               0x70, 0x80, 0x80, 0x21, 0x80};
	uint8_t bytes[sizeof(want)];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	mcs_data_encode(&out, MCS_DATA_REQUEST, 1008, 1005, 0x80);
	mcs_ultimatum_encode(&out, MCS_USER_REQUESTED);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, sizeof(want));
	assert_memory_equal(bytes, want, sizeof(want));
	out = wire_out(bytes, sizeof(bytes));
	mcs_data_encode(&out, MCS_DATA_REQUEST, 0, 1005, 8); /* no user yet */
	assert_int_equal(out.fault, WIRE_VALUE);
}

/* The reason is three bits across two bytes. */
static void
test_ultimatum(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		uint8_t bytes[2];
		struct wire_out out = wire_out(bytes, sizeof(bytes));
		struct wire_in in = wire_in(bytes, sizeof(bytes));
		struct wire_in half = wire_in(bytes, 1);
		enum mcs_reason reason;

		mcs_ultimatum_encode(&out, (enum mcs_reason)i);
		assert_false(mcs_ultimatum_decode(&half, &reason));
		assert_int_equal(mcs_ultimatum_decode(&in, &reason),
		                 i <= MCS_CHANNEL_PURGED);
		assert_int_equal(reason, i <= MCS_CHANNEL_PURGED ? i : 0);
		assert_true(*mcs_reason_name(reason) != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_connect),
	    cmocka_unit_test(test_connect_lengths),
	    cmocka_unit_test(test_connect_outer_length),
	    cmocka_unit_test(test_ultimatum),
	    cmocka_unit_test(test_head),
	    cmocka_unit_test(test_per_length),
	    cmocka_unit_test(test_per_length_limit),
	    cmocka_unit_test(test_attach),
	    cmocka_unit_test(test_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
