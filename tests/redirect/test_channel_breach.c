/*
 * Peers that break the rules: the card is dropped and said to be, and all else
 * goes on.
 */
#include "bed.h"
#include "exact.h"
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bed bed;

/* The card is gone for good, and said so; drives still work. */
static void
assert_dropped(void)
{
	uint8_t data[600];
	struct wire_out out;
	struct wire_view got;
	size_t answers;
	unsigned calls = bed.client.pcsc.calls;

	bed_advance(&bed, 60000);
	assert_string_equal(bed.role, "none");
	assert_int_not_equal(bed.reason[0], 0);
	assert_int_equal(bed.client.pcsc.calls, calls);
	bed_drive_request(data, sizeof(data), &out);
	bed_message(&bed, CHANNEL_SERVER, wire_written(&out));
	assert_true(fake_queue_get(&bed.client.others, &got));
	assert_true(wire_view_equal(got, wire_written(&out)));
	exact_free(got);
	/* A smart card call is refused at once. */
	answers = bed.server.answer_count;
	fake_server_establish(&bed.server, 1, 99);
	bed_run(&bed);
	assert_int_equal(bed.server.answer_count, answers + 1);
	assert_int_equal(bed.server.answers[answers].status, 0xC0000001);
	assert_int_equal(bed.client.pcsc.calls, calls);
}

static void
answers_to_nothing(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	for (uint32_t i = 0; i < MUX_UNKNOWN_MAX - 1; i++)
		fake_client_complete(&bed.client, 1, i);
	bed_run(&bed);
	assert_string_equal(bed.role, "relay");
	bed_assert_at_rest(&bed);
	fake_client_complete(&bed.client, 1, 500);
	bed_run(&bed);
	assert_int_equal(bed.server.answer_count, 0);
	assert_string_equal(bed.reason, "answers to nothing");
	assert_dropped();
	bed_clear(&bed);
}

/* What the server waits for is answered when the card is dropped. */
static void
a_fault_answers_what_is_outstanding(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	fake_server_establish(&bed.server, 1, 1);
	bed_run(&bed);
	fake_server_park(&bed.server, 1, 2);
	fake_server_park(&bed.server, 1, 3);
	bed_run(&bed);
	(void)bed_chunk(&bed, CHANNEL_CLIENT, 10, CHANNEL_FLAG_LAST,
	                wire_view_text("no first"));
	assert_int_equal(fake_server_answers(&bed.server, 2), 1);
	assert_int_equal(fake_server_answers(&bed.server, 3), 1);
	assert_dropped();
	bed_clear(&bed);
}

static void
give(enum channel_side from, uint16_t packet, uint32_t first, size_t len)
{
	uint8_t data[64];
	struct wire_out out = wire_out(data, sizeof(data));

	wire_put_u16(&out, RDPEFS_CORE);
	wire_put_u16(&out, packet);
	wire_put_u32(&out, first);
	wire_put_zeros(&out, len);
	bed_message(&bed, from, wire_written(&out));
}

static void
malformed_messages_drop_the_card(void **state)
{
	static const struct {
		enum channel_side from;
		uint16_t packet;
		uint32_t first;
		size_t len;
	} rows[] = {
	    {CHANNEL_CLIENT, RDPEFS_DEVICE_LIST_ANNOUNCE, 0xffffffff, 8},
	    {CHANNEL_CLIENT, RDPEFS_DEVICE_LIST_ANNOUNCE, 1, 8},
	    {CHANNEL_CLIENT, RDPEFS_DEVICE_LIST_REMOVE, 65, 0},
	    {CHANNEL_CLIENT, RDPEFS_DEVICE_LIST_REMOVE, 2, 4},
	    {CHANNEL_CLIENT, RDPEFS_DEVICE_COMPLETION, 1, 4},
	    {CHANNEL_SERVER, RDPEFS_DEVICE_REQUEST, 1, 4},
	    {CHANNEL_SERVER, RDPEFS_DEVICE_REPLY, 1, 2},
	    {CHANNEL_SERVER, RDPEFS_SERVER_ANNOUNCE, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned lists;

		bed_start_relay(&bed);
		bed_advance(&bed, 5000);
		lists = bed.server.lists + bed.server.removals;
		give(rows[i].from, rows[i].packet, rows[i].first, rows[i].len);
		assert_int_equal(bed.commits, 1);
		assert_int_equal(bed.server.lists + bed.server.removals, lists);
		assert_int_equal(bed.server.answer_count, 0);
		assert_dropped();
		bed_clear(&bed);
	}
}

static void
lying_chunks_drop_the_card(void **state)
{
	static const struct {
		uint32_t total;
		uint32_t flags;
	} rows[] = {
	    {100, CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST},
	    {3, CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST},
	    {8, 0},
	    {8, CHANNEL_FLAG_LAST},
	    {8, CHANNEL_FLAG_FIRST},
	    {8,
	     CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST | CHANNEL_FLAG_COMPRESSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bed_start_relay(&bed);
		bed_advance(&bed, 5000);
		assert_int_equal(bed_chunk(&bed, CHANNEL_CLIENT, rows[i].total,
		                           rows[i].flags,
		                           wire_view_text("rDIC1234")),
		                 CHANNEL_TAKE);
		assert_dropped();
		bed_clear(&bed);
	}
}

/* A message of a smart card above 128 KiB; one of a drive is no matter. */
static void
a_message_above_its_limit(void **state)
{
	static const uint8_t head[] = {0x72, 0x44, 0x43, 0x49, 1, 0, 0, 0,
	                               1,    0,    0,    0,    0, 0, 0, 0,
	                               0,    0,    0,    0,    0, 0, 0, 0};
	struct wire_view view = {head, sizeof(head)};

	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	(void)bed_chunk(&bed, CHANNEL_CLIENT, CHUNK_MESSAGE_MAX,
	                CHANNEL_FLAG_FIRST, view);
	assert_string_equal(bed.role, "relay");
	bed_clear(&bed);
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	(void)bed_chunk(&bed, CHANNEL_CLIENT, CHUNK_MESSAGE_MAX + 1,
	                CHANNEL_FLAG_FIRST, view);
	assert_dropped();
	bed_clear(&bed);
}

static void
one_id_for_two_devices(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed.client.cards[1] = bed.client.cards[0];
	bed.client.cards[1].type = RDPEFS_DEVICE_DRIVE;
	bed.client.card_count = 2;
	bed_advance(&bed, 5000);
	assert_int_equal(bed.server.lists, 0);
	assert_string_equal(bed.role, "none");
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
}

static void
the_own_role_out_of_order(void **state)
{
	static const uint16_t packets[] = {
	    RDPEFS_CLIENT_NAME,
	    RDPEFS_CLIENT_CAPABILITY,
	    RDPEFS_DEVICE_LIST_ANNOUNCE,
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		bed_init(&bed);
		bed_start(&bed);
		give(CHANNEL_CLIENT, packets[i], 0, 8);
		bed_advance(&bed, 60000);
		assert_string_equal(bed.role, "none");
		assert_int_equal(bed.client.pcsc.calls, 0);
		/* The server may still speak; the card stays dropped. */
		fake_server_announce(&bed.server);
		bed_advance(&bed, 60000);
		assert_string_equal(bed.role, "none");
		assert_int_equal(bed.server.cards, 0);
		assert_int_equal(bed.server.lists, 1);
		bed_clear(&bed);
	}
}

/* Up to its limit each request is relayed, above it refused. */
static void
requests_have_a_limit(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	bed.client.pcsc.hook_at = 0;
	for (uint32_t i = 0; i <= MUX_SERVER_MAX; i++) {
		uint8_t data[64];
		struct wire_out out = wire_out(data, sizeof(data));
		struct rdpefs_request request = {
		    .device_id = 1,
		    .completion_id = i,
		    .major = RDPEFS_IRP_CREATE,
		};

		rdpefs_request_encode(&out, &request);
		bed_message(&bed, CHANNEL_SERVER, wire_written(&out));
	}
	assert_int_equal(bed.client.faults, MUX_SERVER_MAX);
	assert_int_equal(bed.server.answer_count, 1);
	assert_int_equal(bed.server.answers[0].id, MUX_SERVER_MAX);
	assert_int_equal(bed.server.answers[0].status, 0xC0000001);
	assert_string_equal(bed.role, "relay");
	bed_clear(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers_to_nothing),
	    cmocka_unit_test(a_fault_answers_what_is_outstanding),
	    cmocka_unit_test(malformed_messages_drop_the_card),
	    cmocka_unit_test(lying_chunks_drop_the_card),
	    cmocka_unit_test(a_message_above_its_limit),
	    cmocka_unit_test(one_id_for_two_devices),
	    cmocka_unit_test(the_own_role_out_of_order),
	    cmocka_unit_test(requests_have_a_limit),
	};

	return cmocka_run_group_tests(tests, bed_make_card, bed_free_card);
}
