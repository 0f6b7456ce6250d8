/*
 * The relay at work: chunks of its channels, all the rest that passes, what is
 * framed how, and what is wrapped for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relaybed.h"

static void
test_chunk(void **state)
{
	static const size_t lengths[] = {0, 1, 119, 120, 1600, 16256};
	struct relay *r = relaybed_informed();
	struct relay_chunk chunk;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		relaybed_build_chunk(RELAY_SERVER, 0x200003, lengths[i]);
		assert_int_equal(relaybed_look(r, RELAY_SERVER, &chunk),
		                 RELAY_CHUNK);
		assert_int_equal(chunk.total, lengths[i] + 7);
		assert_int_equal(chunk.flags, 0x200003);
		assert_int_equal(chunk.data.len, lengths[i]);
	}
	relaybed_build_chunk(RELAY_CLIENT, 3, 20);
	relaybed_message.bytes[3]++; /* a byte behind the user data */
	relaybed_message.len++;
	relaybed_refused(r, RELAY_CLIENT,
	                 "MCS: user data length of an rdpdr frame");
	relay_free(r);
}

/* A chunk in the wrong direction's PDU is a chunk all the same. */
static void
test_chunk_wrong_choice(void **state)
{
	struct relay *r = relaybed_informed();
	struct relay_chunk chunk;

	(void)state;
	relaybed_build_chunk(RELAY_CLIENT, 3, 20);
	relaybed_message.bytes[7] = 0x68;
	assert_int_equal(relaybed_look(r, RELAY_CLIENT, &chunk), RELAY_CHUNK);
	relay_free(r);
}

static void
test_other_channels(void **state)
{
	static const uint16_t channels[] = {1004, 1006, 1007, 1002, 1};
	struct relay *r = relaybed_informed();
	uint8_t data[40] = {40, 0, 0x11, 0};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		relaybed_build_data(RELAY_SERVER, channels[i],
		                    (struct wire_view){data, sizeof(data)});
		relaybed_passed(r, RELAY_SERVER);
		relaybed_build_data(RELAY_CLIENT, channels[i],
		                    (struct wire_view){data, sizeof(data)});
		relaybed_passed(r, RELAY_CLIENT);
	}
	relay_free(r);
}

/* drdynvc is looked at where it is asked for, and wrapped under its id. */
static void
test_dynamic(void **state)
{
	static const uint8_t data[] = {9, 0, 0, 0, 3, 0, 0, 0, 0x10, 5, 'X'};
	struct relay *r = relaybed_informed();
	uint8_t frame[64];
	struct wire_out out = wire_out(frame, sizeof(frame));
	struct relay_chunk chunk;

	(void)state;
	assert_int_equal(relay_facts(r)->drdynvc_channel, 1006);
	relay_look_at_dynamic(r);
	relaybed_build_chunk(RELAY_SERVER, 3, 20);
	assert_int_equal(relaybed_look(r, RELAY_SERVER, &chunk), RELAY_CHUNK);
	assert_false(chunk.dynamic);
	relaybed_build_data(RELAY_SERVER, 1006,
	                    (struct wire_view){data, sizeof(data)});
	assert_int_equal(relaybed_look(r, RELAY_SERVER, &chunk), RELAY_CHUNK);
	assert_true(chunk.dynamic);
	assert_int_equal(chunk.total, 9);
	assert_int_equal(chunk.data.len, 3);
	relay_wrap(r, RELAY_CLIENT, &chunk, &out);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, relaybed_message.len);
	assert_memory_equal(frame, relaybed_message.bytes, out.len);
	relay_free(r);
}

static void
test_peek_framing(void **state)
{
	static const struct {
		uint8_t bytes[4];
		size_t len;
		enum relay_peek want;
		size_t frame;
	} cases[] = {
	    {{0}, 0, RELAY_MORE, 0},
	    {{3}, 1, RELAY_MORE, 0},
	    {{3, 0, 1}, 3, RELAY_MORE, 0},
	    {{3, 0, 0, 6}, 4, RELAY_UNFRAMED, 6},
	    {{3, 0, 0, 7}, 4, RELAY_MORE, 7},
	    {{3, 0, 0xff, 0xff}, 4, RELAY_MORE, 65535},
	    {{0}, 1, RELAY_MORE, 0},
	    {{0, 2}, 2, RELAY_PASS, 2},
	    {{0, 1}, 2, RELAY_UNFRAMED, 1},
	    {{0, 0}, 2, RELAY_UNFRAMED, 0},
	    {{0, 0x7f}, 2, RELAY_PASS, 127},
	    {{0, 0x80}, 2, RELAY_MORE, 0},
	    {{0, 0x80, 2}, 3, RELAY_UNFRAMED, 2},
	    {{0, 0x80, 3}, 3, RELAY_PASS, 3},
	    {{0xc4, 0xff, 0xff}, 3, RELAY_PASS, 0x7fff},
	    {{1, 0, 0, 9}, 4, RELAY_UNFRAMED, 0},
	    {{2, 0, 0, 9}, 4, RELAY_UNFRAMED, 0},
	    {{0x30, 3, 0, 9}, 4, RELAY_PASS, 3},
	    {{7, 0, 0, 9}, 4, RELAY_UNFRAMED, 0},
	};
	struct relay *r = relaybed_start();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_view head = {cases[i].bytes, cases[i].len};
		size_t len = 1;

		assert_int_equal(relay_peek(r, RELAY_CLIENT, head, &len),
		                 cases[i].want);
		if (cases[i].want != RELAY_MORE || cases[i].frame != 0)
			assert_int_equal(len, cases[i].frame);
	}
	relay_free(r);
}

/* No decision takes more than RELAY_HEAD bytes, nor one byte less. */
static void
test_peek_head(void **state)
{
	struct relay *r = relaybed_informed();
	size_t len;

	(void)state;
	relaybed_build_chunk(RELAY_CLIENT, 3, 1600);
	for (size_t have = 0; have <= RELAY_HEAD; have++) {
		uint8_t *copy = message_copy(relaybed_message.bytes, have);
		struct wire_view head = {copy, have};

		assert_int_equal(relay_peek(r, RELAY_CLIENT, head, &len),
		                 have < RELAY_HEAD ? RELAY_MORE : RELAY_LOOK);
		free(copy);
	}
	/* The longest way to a Font Map: two bytes of PER length. */
	relaybed_build_share_data(RELAY_SERVER, 0x28);
	relaybed_message.bytes[3]++;
	memmove(relaybed_message.bytes + 15, relaybed_message.bytes + 14,
	        relaybed_message.len - 14);
	relaybed_message.bytes[13] = 0x80;
	relaybed_message.bytes[14] = 26;
	relaybed_message.len++;
	relaybed_forward(r, RELAY_SERVER);
	assert_true(relay_facts(r)->activated);
	relay_free(r);
}

static void
test_x224(void **state)
{
	struct relay *r = relaybed_informed();

	(void)state;
	relaybed_build_chunk(RELAY_CLIENT, 3, 20);
	relaybed_message.bytes[5] = 0x80; /* disconnect request */
	relaybed_passed(r, RELAY_CLIENT);
	relaybed_message.bytes[5] = 0xf1; /* data, with a number */
	relaybed_refused(r, RELAY_CLIENT, "X.224: not a whole data TPDU");
	relaybed_message.bytes[5] = 0xf0;
	relaybed_message.bytes[6] = 0; /* not the last part */
	relaybed_refused(r, RELAY_CLIENT, "X.224: not a whole data TPDU");
	relaybed_message.bytes[6] = 0x80;
	relaybed_message.bytes[4] = 3;
	relaybed_refused(r, RELAY_CLIENT, "X.224: not a whole data TPDU");
	relaybed_message.bytes[4] = 2;
	relaybed_message.bytes[7] =
	    0x21; /* ultimatum, and nobody wants to know */
	relaybed_forward(r, RELAY_CLIENT);
	relay_free(r);
}

static void
test_frame_len(void **state)
{
	struct relay *r = relaybed_informed();
	struct relay_chunk chunk;

	(void)state;
	relaybed_build_chunk(RELAY_CLIENT, 3, 20);
	assert_int_equal(relay_frame(r, RELAY_CLIENT, relaybed_message.bytes,
	                             relaybed_message.len - 1, &chunk),
	                 RELAY_REFUSE);
	assert_string_equal(relay_fault(r), "TPKT: length of a frame");
	relay_free(r);
}

/* What is wrapped comes back as the same chunk, from the other side. */
static void
test_wrap(void **state)
{
	static const size_t lengths[] = {0, 119, 120, 1600, 16256};
	static uint8_t data[16256];
	struct relay *r = relaybed_informed();

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct relay_chunk chunk = {99, 3, {data, lengths[i]}, false};
		struct relay_chunk back;
		struct wire_out out = wire_out(
		    relaybed_message.bytes, lengths[i] + RELAY_CHUNK_OVERHEAD);

		relay_wrap(r, RELAY_CLIENT, &chunk, &out);
		assert_true(wire_out_ok(&out));
		relaybed_message.len = out.len;
		assert_int_equal(relaybed_look(r, RELAY_SERVER, &back),
		                 RELAY_CHUNK);
		assert_int_equal(back.data.len, lengths[i]);
		assert_int_equal(back.total, 99);
	}
	relay_free(r);
}

static void
test_wrap_bytes(void **state)
{
	static const uint8_t to_server[] = {
	    3,    0,  0, 24, 2, 0xf0, 0x80, 0x64, 0, 7, 3,   0xed,
	    0x70, 10, 2, 0,  0, 0,    3,    0,    0, 0, 'h', 'i'};
	static const uint8_t to_client[] = {
	    3,    0,  0, 24, 2, 0xf0, 0x80, 0x68, 0, 1, 3,   0xed,
	    0x70, 10, 2, 0,  0, 0,    3,    0,    0, 0, 'h', 'i'};
	struct relay_chunk chunk = {2, 3, wire_view_text("hi"), false};
	struct relay *r = relaybed_informed();
	uint8_t bytes[24];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	relay_wrap(r, RELAY_SERVER, &chunk, &out);
	assert_true(wire_out_ok(&out));
	assert_memory_equal(bytes, to_server, sizeof(to_server));
	out = wire_out(bytes, sizeof(bytes));
	relay_wrap(r, RELAY_CLIENT, &chunk, &out);
	assert_true(wire_out_ok(&out));
	assert_memory_equal(bytes, to_client, sizeof(to_client));
	out = wire_out(bytes, sizeof(bytes) - 1);
	relay_wrap(r, RELAY_CLIENT, &chunk, &out);
	assert_false(wire_out_ok(&out));
	relay_free(r);
}

static void
test_ultimatum(void **state)
{
	static const uint8_t want[] = {3, 0, 0, 9, 2, 0xf0, 0x80, 0x21, 0x80};
	uint8_t bytes[sizeof(want)];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	relay_ultimatum(&out, MCS_USER_REQUESTED);
	assert_true(wire_out_ok(&out));
	assert_memory_equal(bytes, want, sizeof(want));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chunk),
	    cmocka_unit_test(test_chunk_wrong_choice),
	    cmocka_unit_test(test_other_channels),
	    cmocka_unit_test(test_peek_framing),
	    cmocka_unit_test(test_peek_head),
	    cmocka_unit_test(test_x224),
	    cmocka_unit_test(test_frame_len),
	    cmocka_unit_test(test_wrap),
	    cmocka_unit_test(test_dynamic),
	    cmocka_unit_test(test_wrap_bytes),
	    cmocka_unit_test(test_ultimatum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
