/*
 * The two roles of the channel, what passes it untouched, and that it starts
 * anew whenever the server announces: at every step of a read, none is lost.
 */
#include "bed.h"
#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bed bed;

static void
own_role_reads_a_card(void **state)
{
	(void)state;
	bed_init(&bed);
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed.client.pcsc, 0, &bed_card);
	bed_start(&bed);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "own");
	assert_int_equal(bed.client.announces, 1);
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.logged_on, 1);
	assert_int_equal(bed.begins, 1);
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.commits, 1);
	bed_assert_at_rest(&bed);
	channel_end(bed.ch, KEEP_END_LOGOFF, "test", bed.now_ms);
	bed_run(&bed);
	assert_int_equal(fake_pcsc_contexts(&bed.client.pcsc), 0);
	assert_int_equal(fake_pcsc_parked(&bed.client.pcsc), 0);
	assert_int_equal(bed.ends, 1);
	bed_clear(&bed);
}

/* ---- relay role */

static void
silence_is_waited_for(void **state)
{
	(void)state;
	bed_init(&bed);
	bed.config.role = CHANNEL_AUTO;
	bed_start(&bed);
	bed_advance(&bed, 9999);
	assert_int_equal(bed.client.announces, 0);
	bed_advance(&bed, 1);
	assert_int_equal(bed.client.announces, 1);
	assert_string_equal(bed.role, "own");
	bed_clear(&bed);
}

static void
relay_setting_never_plays(void **state)
{
	(void)state;
	bed_init(&bed);
	bed.config.role = CHANNEL_RELAY;
	bed_start(&bed);
	bed_advance(&bed, 3600 * 1000);
	assert_int_equal(bed.client.announces, 0);
	bed_clear(&bed);
}

static void
relay_role_reads_a_card(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_int_equal(bed.client.announces, 1);
	assert_int_equal(bed.server.replies, 1);
	assert_int_equal(bed.server.devices, 2);
	assert_int_equal(bed.client.accepted, 2);
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.server.answer_count, 0);
	bed_assert_at_rest(&bed);
	channel_end(bed.ch, KEEP_END_LOGOFF, "test", bed.now_ms);
	bed_run(&bed);
	assert_int_equal(fake_pcsc_contexts(&bed.client.pcsc), 0);
	assert_int_equal(bed.server.answer_count, 0);
	bed_clear(&bed);
}

static void
nothing_before_the_reply(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed.server.silent = true;
	bed_advance(&bed, 60000);
	assert_int_equal(bed.server.cards, 1);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
	bed_start_relay(&bed);
	bed.server.refuses = true;
	bed_advance(&bed, 60000);
	assert_int_equal(bed.client.refused, 2);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
}

/* The server's calls and ours at the same time; each gets its own answers. */
static void
the_server_calls_too(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed_run(&bed);
	for (uint32_t id = 1; id <= 100; id++) {
		fake_server_establish(&bed.server, 1, id);
		bed.now_ms += 10;
		bed_run(&bed);
	}
	bed_advance(&bed, 5000);
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.server.answer_count, 100);
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(bed.server.answers[i].id, i + 1);
		assert_int_equal(bed.server.answers[i].device, 1);
	}
	bed_clear(&bed);
}

/* Windows has used an id that was still parked, [MS-RDPEFS] or not. */
static void
duplicate_ids_are_survived(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 1000);
	fake_server_establish(&bed.server, 1, 1);
	bed_run(&bed);
	fake_server_park(&bed.server, 1, 2);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, 2), 0);
	fake_server_establish(&bed.server, 1, 2);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, 2), 1);
	fake_pcsc_unplug(&bed.client.pcsc, 0);
	bed_advance(&bed, 1000);
	assert_int_equal(fake_server_answers(&bed.server, 2), 1);
	bed_clear(&bed);
}

/* Give a message in two chunks, cut at any place. */
static void
in_two(enum channel_side from, struct wire_view message, size_t at)
{
	struct wire_in in = wire_in_view(message);
	struct wire_view head = wire_bytes(&in, at);

	(void)bed_chunk(&bed, from, (uint32_t)message.len, CHANNEL_FLAG_FIRST,
	                head);
	(void)bed_chunk(&bed, from, (uint32_t)message.len, CHANNEL_FLAG_LAST,
	                wire_rest(&in));
}

static void
drives_pass_byte_for_byte(void **state)
{
	uint8_t data[600];
	struct wire_out out;
	struct wire_view got;

	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	bed_drive_request(data, sizeof(data), &out);
	for (size_t at = 1; at < out.len; at++) {
		in_two(CHANNEL_SERVER, wire_written(&out), at);
		assert_true(fake_queue_get(&bed.client.others, &got));
		assert_true(wire_view_equal(got, wire_written(&out)));
		exact_free(got);
	}
	for (uint32_t id = 0x3fffffff; id < 0x40000003; id++) {
		fake_client_complete(&bed.client, FAKE_DRIVE, id);
		bed_run(&bed);
		assert_int_equal(fake_server_answers(&bed.server, id), 1);
	}
	bed_assert_at_rest(&bed);
	assert_string_equal(bed.role, "relay");
	bed_clear(&bed);
}

/* All that is not of the drive family, either: other components, new types. */
static void
strangers_pass(void **state)
{
	static const uint8_t printer[] = {0x52, 0x50, 0x43, 0x50, 1, 2, 3, 4};
	static const uint8_t unknown[] = {0x72, 0x44, 0xee, 0xee, 9};
	static const uint8_t tiny[] = {0x72};
	struct wire_view list[] = {
	    {printer, sizeof(printer)},
	    {unknown, sizeof(unknown)},
	    {tiny, sizeof(tiny)},
	};

	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	for (size_t i = 0; i < 3; i++) {
		enum channel_side side =
		    i % 2 == 0 ? CHANNEL_CLIENT : CHANNEL_SERVER;

		assert_int_equal(
		    bed_chunk(&bed, side, (uint32_t)list[i].len,
		              CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST, list[i]),
		    CHANNEL_PASS);
	}
	assert_string_equal(bed.role, "relay");
	bed_clear(&bed);
}

/* A long message to the client is half through when a card wants a call. */
static void
ours_wait_for_the_end_of_theirs(void **state)
{
	uint8_t data[600];
	struct wire_out out;
	struct wire_in in;
	struct wire_view got;
	unsigned calls;

	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	bed_drive_request(data, sizeof(data), &out);
	in = wire_in_view(wire_written(&out));
	assert_int_equal(bed_chunk(&bed, CHANNEL_SERVER, (uint32_t)out.len,
	                           CHANNEL_FLAG_FIRST, wire_bytes(&in, 100)),
	                 CHANNEL_PASS);
	calls = bed.client.pcsc.calls;
	fake_pcsc_remove(&bed.client.pcsc, 0);
	bed_advance(&bed, 100);
	assert_int_equal(bed.client.pcsc.calls, calls);
	assert_int_equal(bed_chunk(&bed, CHANNEL_SERVER, (uint32_t)out.len, 0,
	                           wire_bytes(&in, 100)),
	                 CHANNEL_PASS);
	assert_int_equal(bed_chunk(&bed, CHANNEL_SERVER, (uint32_t)out.len,
	                           CHANNEL_FLAG_LAST, wire_rest(&in)),
	                 CHANNEL_TAKE);
	assert_true(bed.client.pcsc.calls > calls);
	assert_true(fake_queue_get(&bed.client.others, &got));
	assert_true(wire_view_equal(got, wire_written(&out)));
	exact_free(got);
	bed_run(&bed);
	bed_assert_at_rest(&bed);
	bed_clear(&bed);
}

/* ---- the channel starts anew */

/* The whole of a start and a read, in messages. */
static unsigned
steps_of(void (*start)(struct bed *bed))
{
	unsigned steps;

	start(&bed);
	bed_advance(&bed, 5000);
	steps = bed.steps;
	bed_clear(&bed);
	return steps;
}

static void
assert_relayed(void)
{
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason, "");
	assert_int_equal(bed.server.replies, 1);
	assert_int_equal(bed.server.names, 1);
	assert_int_equal(bed.server.lists, 1);
	assert_int_equal(bed.server.cards, 1);
	assert_int_equal(bed.server.answer_count, 0);
	assert_int_equal(bed.server.others.count, 0);
	assert_int_equal(bed.client.accepted, 2);
	assert_true(bed.certs >= 1);
	bed_assert_at_rest(&bed);
}

/* The server announces at any moment of our own start, watch and read. */
static void
hand_over_at_every_step(void **state)
{
	unsigned steps = steps_of(bed_start_own);

	(void)state;
	assert_true(steps > 20);
	for (unsigned at = 1; at <= steps + 1; at++) {
		for (unsigned keeps = 0; keeps <= 1; keeps++) {
			bed_start_own(&bed);
			bed.client.keeps_client_id = keeps > 0;
			bed.stop_at = at;
			bed_advance(&bed, 5000);
			bed.stop_at = 0;
			fake_server_announce(&bed.server);
			bed_advance(&bed, 10000);
			assert_int_equal(bed.client.announces, 2);
			assert_relayed();
			bed_clear(&bed);
		}
	}
}

/* The client's messages arrive in the middle of the hand-over, too. */
static void
hand_over_inside_a_message(void **state)
{
	struct wire_view message;
	struct wire_in in;

	(void)state;
	bed_start_own(&bed);
	assert_true(fake_queue_get(&bed.client.out, &message)); /* the reply */
	in = wire_in_view(message);
	(void)bed_chunk(&bed, CHANNEL_CLIENT, (uint32_t)message.len,
	                CHANNEL_FLAG_FIRST, wire_bytes(&in, 5));
	fake_server_announce(&bed.server);
	{
		struct wire_view announce;

		assert_true(fake_queue_get(&bed.server.out, &announce));
		bed_message(&bed, CHANNEL_SERVER, announce);
		exact_free(announce);
	}
	(void)bed_chunk(&bed, CHANNEL_CLIENT, (uint32_t)message.len,
	                CHANNEL_FLAG_LAST, wire_rest(&in));
	exact_free(message);
	bed_advance(&bed, 10000);
	assert_relayed();
	bed_clear(&bed);
}

/* Windows announces again after logon: all ids are void, calls end here. */
static void
announced_again_at_every_step(void **state)
{
	unsigned steps = steps_of(bed_start_relay);

	(void)state;
	for (unsigned at = 6; at <= steps + 1; at++) {
		bed_start_relay(&bed);
		bed.stop_at = at;
		bed_advance(&bed, 5000);
		bed.stop_at = 0;
		bed.server.lists = 0;
		bed.server.cards = 0;
		fake_server_announce(&bed.server);
		bed_advance(&bed, 10000);
		assert_int_equal(bed.client.announces, 2);
		assert_string_equal(bed.role, "relay");
		assert_string_equal(bed.reason, "");
		assert_int_equal(bed.server.answer_count, 0);
		assert_int_equal(bed.server.others.count, 0);
		assert_true(bed.certs >= 1);
		bed_assert_at_rest(&bed);
		bed_clear(&bed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(own_role_reads_a_card),
	    cmocka_unit_test(silence_is_waited_for),
	    cmocka_unit_test(relay_setting_never_plays),
	    cmocka_unit_test(relay_role_reads_a_card),
	    cmocka_unit_test(nothing_before_the_reply),
	    cmocka_unit_test(the_server_calls_too),
	    cmocka_unit_test(duplicate_ids_are_survived),
	    cmocka_unit_test(drives_pass_byte_for_byte),
	    cmocka_unit_test(strangers_pass),
	    cmocka_unit_test(ours_wait_for_the_end_of_theirs),
	    cmocka_unit_test(hand_over_at_every_step),
	    cmocka_unit_test(hand_over_inside_a_message),
	    cmocka_unit_test(announced_again_at_every_step),
	};

	return cmocka_run_group_tests(tests, bed_make_card, bed_free_card);
}
