#include "bed.h"
#include "exact.h"
#include "inside.h"
#include "pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PIV_9A = 0x5fc105 };

static struct script_card card;
static struct pki_cert *ca;
static struct pki_cert *user;

static int
setup(void **state)
{
	(void)state;
	ca = pki_ca_new("root", NULL);
	user = pki_user_new("user", ca);
	script_card_init(&card, script_piv_aid);
	(void)script_add_piv(&card, PIV_9A, pki_der(user), SCRIPT_PLAIN);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	script_card_clear(&card);
	pki_cert_free(user);
	pki_cert_free(ca);
	return 0;
}

static struct bed bed;

/* Nothing of ours is left at the client but the watch. */
static void
assert_at_rest(const struct bed *b)
{
	assert_int_equal(fake_pcsc_contexts(&b->client.pcsc), 1);
	assert_int_equal(fake_pcsc_handles(&b->client.pcsc), 0);
	assert_int_equal(fake_pcsc_transactions(&b->client.pcsc), 0);
	assert_int_equal(fake_pcsc_parked(&b->client.pcsc), 1);
	assert_int_equal(b->client.calls_early, 0);
	assert_int_equal(b->client.faults, 0);
	assert_int_equal(b->server.faults, 0);
}

static void
own_role_reads_a_card(void **state)
{
	(void)state;
	bed_init(&bed);
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed.client.pcsc, 0, &card);
	bed_start(&bed);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "own");
	assert_int_equal(bed.client.announces, 1);
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.logged_on, 1);
	assert_int_equal(bed.begins, 1);
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.commits, 1);
	assert_at_rest(&bed);
	channel_end(bed.ch, KEEP_END_LOGOFF, "test", bed.now_ms);
	bed_run(&bed);
	assert_int_equal(fake_pcsc_contexts(&bed.client.pcsc), 0);
	assert_int_equal(fake_pcsc_parked(&bed.client.pcsc), 0);
	assert_int_equal(bed.ends, 1);
	bed_clear(&bed);
}

/* ---- relay role */

static void
start_relay(void)
{
	bed_init(&bed);
	bed.config.role = CHANNEL_AUTO;
	bed.client.has_drive = true;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed.client.pcsc, 0, &card);
	bed_start(&bed);
	fake_server_announce(&bed.server);
}

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
	start_relay();
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_int_equal(bed.client.announces, 1);
	assert_int_equal(bed.server.replies, 1);
	assert_int_equal(bed.server.devices, 2);
	assert_int_equal(bed.client.accepted, 2);
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.server.answer_count, 0);
	assert_at_rest(&bed);
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
	start_relay();
	bed.server.silent = true;
	bed_advance(&bed, 60000);
	assert_int_equal(bed.server.cards, 1);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
	start_relay();
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
	start_relay();
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
	start_relay();
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

static void
a_drive_request(uint8_t *data, size_t size, struct wire_out *out)
{
	struct rdpefs_request request = {
	    .device_id = FAKE_DRIVE,
	    .file_id = 3,
	    .completion_id = 0x40000000, /* of the range of ours */
	    .major = RDPEFS_IRP_WRITE,
	};
	static const uint8_t body[500] = {1, 2, 3};

	request.body = (struct wire_view){body, sizeof(body)};
	*out = wire_out(data, size);
	rdpefs_request_encode(out, &request);
	assert_true(wire_out_ok(out));
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
	start_relay();
	bed_advance(&bed, 5000);
	a_drive_request(data, sizeof(data), &out);
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
	assert_at_rest(&bed);
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
	start_relay();
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
	start_relay();
	bed_advance(&bed, 5000);
	a_drive_request(data, sizeof(data), &out);
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
	assert_at_rest(&bed);
	bed_clear(&bed);
}

/* ---- the channel starts anew */

/* The whole of a start and a read, in messages. */
static unsigned
steps_of(void (*start)(void))
{
	unsigned steps;

	start();
	bed_advance(&bed, 5000);
	steps = bed.steps;
	bed_clear(&bed);
	return steps;
}

static void
start_own(void)
{
	bed_init(&bed);
	bed.client.has_drive = true;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed.client.pcsc, 0, &card);
	bed_start(&bed);
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
	assert_at_rest(&bed);
}

/* The server announces at any moment of our own start, watch and read. */
static void
hand_over_at_every_step(void **state)
{
	unsigned steps = steps_of(start_own);

	(void)state;
	assert_true(steps > 20);
	for (unsigned at = 1; at <= steps + 1; at++) {
		for (unsigned keeps = 0; keeps <= 1; keeps++) {
			start_own();
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
	start_own();
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
	unsigned steps = steps_of(start_relay);

	(void)state;
	for (unsigned at = 6; at <= steps + 1; at++) {
		start_relay();
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
		assert_at_rest(&bed);
		bed_clear(&bed);
	}
}

/* ---- devices come and go */

static void
a_device_is_removed_and_comes_again(void **state)
{
	(void)state;
	start_relay();
	bed_advance(&bed, 5000);
	fake_client_remove(&bed.client, 1);
	fake_pcsc_reset(&bed.client.pcsc);
	bed_advance(&bed, 1000);
	assert_int_equal(bed.server.removals, 1);
	assert_int_equal(bed.readers_gone, 1);
	bed.client.has_drive = false;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.certs, 2);
	assert_at_rest(&bed);
	bed_clear(&bed);
}

/* FreeRDP says it again after USER_LOGGEDON; xrdp ignores that. */
static void
a_device_is_announced_twice(void **state)
{
	(void)state;
	bed_init(&bed);
	bed.client.announces_twice = true;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed.client.pcsc, 0, &card);
	bed_start(&bed);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.client.accepted, 2);
	assert_int_equal(bed.certs, 1);
	assert_at_rest(&bed);
	bed_clear(&bed);
	start_relay();
	bed_advance(&bed, 5000);
	bed.server.silent = true;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.server.cards, 2);
	assert_int_equal(bed.readers_gone, 0);
	assert_at_rest(&bed);
	bed_clear(&bed);
}

/* A flood of announces ends in a fault, after as many as are allowed. */
static void
announces_without_end(void **state)
{
	(void)state;
	start_relay();
	bed_advance(&bed, 5000);
	for (unsigned i = 1; i < CHANNEL_CHURN_BURST; i++)
		fake_client_announce(&bed.client);
	bed_run(&bed);
	assert_string_equal(bed.role, "relay");
	fake_client_announce(&bed.client);
	fake_client_announce(&bed.client);
	bed_run(&bed);
	assert_string_equal(bed.role, "none");
	assert_string_equal(bed.reason, "announces without end");
	bed_clear(&bed);
}

static void
the_first_of_several_devices_is_used(void **state)
{
	(void)state;
	start_relay();
	bed.client.cards[1] = bed.client.cards[0];
	bed.client.cards[1].id = 2;
	bed.client.card_count = 2;
	bed_advance(&bed, 5000);
	assert_int_equal(bed.server.cards, 2);
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.client.others.count, 0);
	/* The first goes: the second takes its place. */
	fake_client_remove(&bed.client, 1);
	bed_advance(&bed, 1000);
	assert_true(bed.client.others.count > 0);
	bed_clear(&bed);
}

static void
policy_hides_the_device(void **state)
{
	(void)state;
	bed_init(&bed);
	bed.config.role = CHANNEL_AUTO;
	bed.policy.redirect = false;
	bed.client.has_drive = true;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	bed_start(&bed);
	fake_server_announce(&bed.server);
	bed_advance(&bed, 60000);
	assert_string_equal(bed.role, "none");
	assert_non_null(strstr(bed.reason, "policy"));
	assert_int_equal(bed.server.lists, 1);
	assert_int_equal(bed.server.devices, 1);
	assert_int_equal(bed.server.cards, 0);
	assert_int_equal(bed.server.faults, 0);
	assert_int_equal(bed.client.accepted, 2);
	fake_client_remove(&bed.client, 1);
	bed_run(&bed);
	assert_int_equal(bed.server.removals, 0);
	fake_client_remove(&bed.client, FAKE_DRIVE);
	bed_run(&bed);
	assert_int_equal(bed.server.removals, 1);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
}

static void
policy_holds_in_the_own_role(void **state)
{
	(void)state;
	bed_init(&bed);
	bed.policy.redirect = false;
	bed_start(&bed);
	bed_advance(&bed, 60000);
	assert_string_equal(bed.role, "none");
	assert_non_null(strstr(bed.reason, "policy"));
	assert_int_equal(bed.client.refused, 0);
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
}

static const char no_card[] = "the client announced no card device";

/* The client has a drive only, and plugs the card device in later. */
static void
assert_told_of_no_card(const char *role)
{
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, role);
	assert_string_equal(bed.reason, no_card);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed.client.card_count = 1;
	bed.client.has_drive = false;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, role);
	assert_string_equal(bed.reason, "");
	assert_int_equal(bed.certs, 1);
	/* A list of other devices takes no card away. */
	bed.client.card_count = 0;
	bed.client.has_drive = true;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.reason, "");
	assert_at_rest(&bed);
}

static void
no_card_device_is_told(void **state)
{
	(void)state;
	start_relay();
	bed.client.card_count = 0;
	assert_told_of_no_card("relay");
	bed_clear(&bed);
	start_own();
	bed.client.card_count = 0;
	assert_told_of_no_card("own");
	/* The server takes over, and the client has a drive only once more. */
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason, no_card);
	bed_clear(&bed);
}

static void
a_refused_device_is_told(void **state)
{
	(void)state;
	start_relay();
	bed.server.refuses = true;
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason,
	                    "the server refused the device (status c0000001)");
	assert_int_equal(bed.client.pcsc.calls, 0);
	/* Said once more, and taken. */
	bed.server.refuses = false;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.reason, "");
	assert_int_equal(bed.certs, 1);
	bed_clear(&bed);
	/* The channel starts anew: the refusal is of the past. */
	start_relay();
	bed.server.refuses = true;
	bed_advance(&bed, 5000);
	assert_int_not_equal(bed.reason[0], 0);
	bed.server.silent = true;
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason, "");
	bed_clear(&bed);
}

static void
the_own_role_refuses_drives(void **state)
{
	(void)state;
	start_own();
	bed.client.extended_pdu = 0;
	bed_advance(&bed, 5000);
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.refused, 1);
	assert_int_equal(bed.client.logged_on, 0);
	assert_int_equal(bed.server.lists, 0);
	assert_at_rest(&bed);
	bed_clear(&bed);
}

/* ---- peers that break the rules */

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
	a_drive_request(data, sizeof(data), &out);
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
	start_relay();
	bed_advance(&bed, 5000);
	for (uint32_t i = 0; i < MUX_UNKNOWN_MAX - 1; i++)
		fake_client_complete(&bed.client, 1, i);
	bed_run(&bed);
	assert_string_equal(bed.role, "relay");
	assert_at_rest(&bed);
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
	start_relay();
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

		start_relay();
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
		start_relay();
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
	start_relay();
	bed_advance(&bed, 5000);
	(void)bed_chunk(&bed, CHANNEL_CLIENT, CHUNK_MESSAGE_MAX,
	                CHANNEL_FLAG_FIRST, view);
	assert_string_equal(bed.role, "relay");
	bed_clear(&bed);
	start_relay();
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
	start_relay();
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
	start_relay();
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
	    cmocka_unit_test(a_device_is_removed_and_comes_again),
	    cmocka_unit_test(a_device_is_announced_twice),
	    cmocka_unit_test(announces_without_end),
	    cmocka_unit_test(the_first_of_several_devices_is_used),
	    cmocka_unit_test(policy_hides_the_device),
	    cmocka_unit_test(policy_holds_in_the_own_role),
	    cmocka_unit_test(no_card_device_is_told),
	    cmocka_unit_test(a_refused_device_is_told),
	    cmocka_unit_test(the_own_role_refuses_drives),
	    cmocka_unit_test(answers_to_nothing),
	    cmocka_unit_test(a_fault_answers_what_is_outstanding),
	    cmocka_unit_test(malformed_messages_drop_the_card),
	    cmocka_unit_test(lying_chunks_drop_the_card),
	    cmocka_unit_test(a_message_above_its_limit),
	    cmocka_unit_test(one_id_for_two_devices),
	    cmocka_unit_test(the_own_role_out_of_order),
	    cmocka_unit_test(requests_have_a_limit),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
