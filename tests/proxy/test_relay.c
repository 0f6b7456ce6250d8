/*
 * The relay through the connection sequence: what it edits, what it learns,
 * what it refuses, and every frame cut anywhere.
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
test_edit_initial(void **state)
{
	struct message_sides edited = message_sides;
	static struct message want;
	struct relay *r = relaybed_start();

	(void)state;
	edited.selected = 2;
	edited.client_transports = 0;
	edited.channels[1].options = 0x80200000;
	message_connect_initial(&want, &edited);
	message_connect_initial(&relaybed_message, &message_sides);
	relaybed_forward(r, RELAY_CLIENT);
	relaybed_assert_same(&want);
	assert_string_equal(relay_facts(r)->client_name, "WORKSTATION");
	assert_true(relay_facts(r)->show_protocol);
	relay_free(r);
}

static void
test_edit_response(void **state)
{
	struct message_sides edited = message_sides;
	static struct message want;
	struct relay *r = relaybed_connected(&message_sides);

	(void)state;
	edited.requested = 0x0b;
	edited.server_transports = 0;
	message_connect_response(&want, &edited);
	relaybed_assert_same(&want);
	assert_int_equal(relay_facts(r)->io_channel, 1003);
	assert_int_equal(relay_facts(r)->message_channel, 1007);
	assert_int_equal(relay_facts(r)->rdpdr_channel, 1005);
	assert_int_equal(relay_facts(r)->chunk_size, 1600);
	relay_free(r);
}

/* A wrong echo stays wrong: the server must find out. */
static void
test_wrong_echo(void **state)
{
	struct message_sides sides = message_sides;
	static struct message want;
	struct relay *r;

	(void)state;
	sides.selected = 8;
	sides.requested = 1;
	sides.client_transports = 0;
	sides.server_transports = 0;
	sides.channels[1].options = 0;
	message_connect_response(&want, &sides);
	r = relaybed_connected(&sides);
	relaybed_assert_same(&want);
	message_connect_initial(&want, &sides);
	relay_free(r);
	r = relaybed_start();
	message_connect_initial(&relaybed_message, &sides);
	relaybed_forward(r, RELAY_CLIENT);
	relaybed_assert_same(&want);
	assert_false(relay_facts(r)->show_protocol);
	relay_free(r);
}

static void
test_without_rdpdr(void **state)
{
	struct message_sides sides = message_sides;
	struct relay *r;

	(void)state;
	sides.channels[1].name = "rdpsnd";
	r = relaybed_connected(&sides);
	assert_int_equal(relay_facts(r)->rdpdr_channel, 0);
	relaybed_build_chunk(RELAY_CLIENT, 3, 20);
	relaybed_passed(r, RELAY_CLIENT);
	relay_free(r);
	sides = message_sides;
	sides.channels[1].id = 0; /* the server does not give it */
	r = relaybed_connected(&sides);
	assert_int_equal(relay_facts(r)->rdpdr_channel, 0);
	relay_free(r);
}

/* SC_NET may have fewer channels than were asked for, and not more. */
static void
test_channel_counts(void **state)
{
	struct message_sides fewer = message_sides;
	struct relay *r = relaybed_start();

	(void)state;
	fewer.channel_count = 1;
	message_connect_initial(&relaybed_message, &message_sides);
	relaybed_forward(r, RELAY_CLIENT);
	message_connect_response(&relaybed_message, &fewer);
	relaybed_forward(r, RELAY_SERVER);
	assert_int_equal(relay_facts(r)->rdpdr_channel, 0);
	relay_free(r);
	r = relaybed_start();
	message_connect_initial(&relaybed_message, &fewer);
	relaybed_forward(r, RELAY_CLIENT);
	message_connect_response(&relaybed_message, &message_sides);
	relaybed_refused(r, RELAY_SERVER,
	                 "GCC: SC_NET has more channels than CS_NET");
	relay_free(r);
}

static void
test_equal_ids(void **state)
{
	static const uint16_t taken[] = {1003, 1004, 1006, 1007};
	struct message_sides sides = message_sides;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct relay *r = relaybed_start();

		sides.channels[1].id = taken[i];
		message_connect_initial(&relaybed_message, &sides);
		relaybed_forward(r, RELAY_CLIENT);
		message_connect_response(&relaybed_message, &sides);
		relaybed_refused(r, RELAY_SERVER,
		                 "GCC: SC_NET gives rdpdr's id twice");
		relay_free(r);
	}
}

static void
test_connect_order(void **state)
{
	struct relay *r = relaybed_start();

	(void)state;
	message_connect_response(&relaybed_message, &message_sides);
	relaybed_refused(r, RELAY_SERVER,
	                 "MCS: Connect Response before Initial");
	relaybed_refused(r, RELAY_CLIENT,
	                 "MCS: head of a PDU"); /* wrong direction */
	relay_free(r);
	r = relaybed_connected(&message_sides);
	relaybed_refused(r, RELAY_SERVER, "MCS: a second Connect Response");
	message_connect_initial(&relaybed_message, &message_sides);
	relaybed_refused(r, RELAY_CLIENT, "MCS: a second Connect Initial");
	relay_free(r);
}

/* A server that refuses is the client's to hear. */
static void
test_connect_refused(void **state)
{
	struct relay *r = relaybed_start();

	(void)state;
	message_connect_initial(&relaybed_message, &message_sides);
	relaybed_forward(r, RELAY_CLIENT);
	message_connect_response(&relaybed_message, &message_sides);
	relaybed_message.bytes[7 + 5 + 2] = 14;
	relaybed_forward(r, RELAY_SERVER);
	assert_int_equal(relay_facts(r)->io_channel, 0);
	relay_free(r);
}

/* Each frame, cut anywhere and framed anew, is refused or harmless. */
static void
truncate_frames(struct relay *(*prepare)(void), enum relay_side from)
{
	static struct message whole;

	whole = relaybed_message;
	for (size_t cut = 7; cut < whole.len; cut++) {
		struct relay *r = prepare();
		struct relay_chunk chunk;
		uint8_t *copy = message_copy(whole.bytes, cut);
		struct wire_view head = {copy, cut};
		size_t len;

		copy[2] = (uint8_t)(cut >> 8);
		copy[3] = (uint8_t)cut;
		assert_int_equal(relay_peek(r, from, head, &len), RELAY_LOOK);
		assert_int_equal(relay_frame(r, from, copy, cut, &chunk),
		                 RELAY_REFUSE);
		assert_string_not_equal(relay_fault(r), "none");
		free(copy);
		relay_free(r);
	}
}

static struct relay *
prepare_response(void)
{
	struct relay *r = relaybed_start();

	message_connect_initial(&relaybed_message, &message_sides);
	relaybed_forward(r, RELAY_CLIENT);
	return r;
}

static struct relay *
prepare_attach(void)
{
	return relaybed_connected(&message_sides);
}

static void
test_truncated(void **state)
{
	(void)state;
	message_connect_initial(&relaybed_message, &message_sides);
	truncate_frames(relaybed_start, RELAY_CLIENT);
	message_connect_response(&relaybed_message, &message_sides);
	truncate_frames(prepare_response, RELAY_SERVER);
	message_attach_confirm(&relaybed_message, 1008);
	truncate_frames(prepare_attach, RELAY_SERVER);
	relaybed_build_info(&relaybed_info);
	truncate_frames(prepare_attach, RELAY_CLIENT);
	relaybed_build_active(RELAY_SERVER, 3, 0);
	truncate_frames(relaybed_informed, RELAY_SERVER);
	relaybed_build_active(RELAY_CLIENT, 3, 0);
	truncate_frames(relaybed_informed, RELAY_CLIENT);
	relaybed_build_chunk(RELAY_CLIENT, 3, 20);
	truncate_frames(relaybed_informed, RELAY_CLIENT);
}

static void
test_info(void **state)
{
	struct relay *r = relaybed_connected(&message_sides);
	const struct relay_facts *facts = relay_facts(r);
	struct message_info second = relaybed_info;
	uint8_t exchange[] = {1, 0, 0, 0, 9, 9}; /* SEC_EXCHANGE_PKT */

	(void)state;
	relaybed_build_data(RELAY_CLIENT, 1003,
	                    (struct wire_view){exchange, 6});
	relaybed_forward(r, RELAY_CLIENT);
	assert_false(facts->info_seen);
	relaybed_build_info(&relaybed_info);
	relaybed_forward(r, RELAY_CLIENT);
	assert_true(facts->info_seen);
	assert_string_equal(facts->user, "alice");
	assert_string_equal(facts->domain, "CONTOSO");
	assert_string_equal(facts->client_address, "192.0.2.7");
	second.user = "mallory";
	relaybed_build_info(&second);
	relaybed_forward(r, RELAY_CLIENT);
	assert_string_equal(facts->user, "alice"); /* the first one counts */
	relay_free(r);
}

static void
test_info_limit(void **state)
{
	char name[RELAY_TEXT_MAX + 1];
	struct message_info info = relaybed_info;
	struct relay *r = relaybed_connected(&message_sides);

	(void)state;
	info.flags = 0;
	info.user = name;
	memset(name, 'n', sizeof(name));
	name[RELAY_TEXT_MAX] = '\0';
	relaybed_build_info(&info);
	relaybed_refused(r, RELAY_CLIENT,
	                 "Client Info: user name is too long or no text");
	assert_false(relay_facts(r)->info_seen);
	name[RELAY_TEXT_MAX - 1] = '\0';
	relaybed_build_info(&info);
	relaybed_forward(r, RELAY_CLIENT);
	assert_string_equal(relay_facts(r)->user, name);
	relay_free(r);
}

static void
test_license(void **state)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct relay *r = relaybed_informed();
	static struct message want;

	(void)state;
	message_license(&out);
	relaybed_build_data(RELAY_SERVER, 1003, wire_written(&out));
	want = relaybed_message;
	relaybed_forward(r, RELAY_SERVER);
	relaybed_assert_same(&want);
	relay_free(r);
}

/* Both bits are the other side's to have, every time the set comes. */
static void
test_active(void **state)
{
	struct relay *r = relaybed_informed();
	static struct message want;

	(void)state;
	for (int round = 0; round < 2; round++) {
		relaybed_build_active(RELAY_SERVER, 1, 16256);
		want = relaybed_message;
		relaybed_build_active(RELAY_SERVER, 3, 16256);
		relaybed_forward(r, RELAY_SERVER);
		relaybed_assert_same(&want);
		assert_int_equal(relay_facts(r)->chunk_size, 16256);
		relaybed_build_active(RELAY_CLIENT, 2, 1600);
		want = relaybed_message;
		relaybed_build_active(RELAY_CLIENT, 3, 1600);
		relaybed_forward(r, RELAY_CLIENT);
		relaybed_assert_same(&want);
		assert_int_equal(relay_facts(r)->chunk_size, 16256);
		relaybed_build_share_data(RELAY_SERVER, 0x28);
		if (round == 0)
			relaybed_forward(r, RELAY_SERVER);
		else
			relaybed_passed(r, RELAY_SERVER);
		assert_true(relay_facts(r)->activated);
	}
	relay_free(r);
}

static void
test_chunk_size(void **state)
{
	static const uint32_t sizes[][2] = {{0, 1600},     {1599, 1600},
	                                    {1600, 1600},  {16256, 16256},
	                                    {16257, 1600}, {UINT32_MAX, 1600}};
	struct relay *r = relaybed_informed();

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		relaybed_build_active(RELAY_SERVER, 0, sizes[i][0]);
		relaybed_forward(r, RELAY_SERVER);
		assert_int_equal(relay_facts(r)->chunk_size, sizes[i][1]);
	}
	relay_free(r);
}

/* Share data is looked at for one thing only, and after it not at all. */
static void
test_share_data(void **state)
{
	struct relay *r = relaybed_informed();

	(void)state;
	relaybed_build_share_data(RELAY_SERVER, 0x1f); /* synchronize */
	relaybed_passed(r, RELAY_SERVER);
	relaybed_build_share_data(RELAY_CLIENT, 0x28);
	relaybed_passed(r, RELAY_CLIENT);
	assert_false(relay_facts(r)->activated);
	relaybed_build_share_data(RELAY_SERVER, 0x28);
	relaybed_forward(r, RELAY_SERVER);
	assert_true(relay_facts(r)->activated);
	relaybed_passed(r, RELAY_SERVER);
	relay_free(r);
}

/* Several share PDUs in one frame: the second is a Demand Active. */
static void
test_share_joined(void **state)
{
	static const uint8_t deactivate[] = {6, 0, 0x16, 0, 0xea, 3};
	uint8_t bytes[256];
	struct relay *r = relaybed_informed();
	static struct message want;

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct wire_out out = wire_out(bytes, sizeof(bytes));

		wire_put_bytes(&out, deactivate, sizeof(deactivate));
		message_active(&out, 1, round == 0 ? 1 : 3, 16256);
		relaybed_build_data(RELAY_SERVER, 1003, wire_written(&out));
		if (round == 0)
			want = relaybed_message;
	}
	relaybed_forward(r, RELAY_SERVER);
	relaybed_assert_same(&want);
	relay_free(r);
}

/* What we need not understand is never refused. */
static void
test_share_unknown(void **state)
{
	static const uint8_t cases[][6] = {
	    {6, 0, 0x1a, 0, 0xea, 3},    /* redirection */
	    {6, 0, 0x1f, 0, 0xea, 3},    /* no such type */
	    {0xff, 0x7f, 0x16, 0, 0, 0}, /* longer than its frame */
	    {2, 0, 0, 0, 0, 0},          /* too short a length */
	    {0, 0x80, 0x41, 0, 0, 0},    /* flow, cut off */
	};
	struct relay *r = relaybed_informed();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_view data = {cases[i], 6};
		struct relay_chunk chunk;

		relaybed_build_data(RELAY_SERVER, 1003, data);
		assert_int_equal(relay_frame(r, RELAY_SERVER,
		                             relaybed_message.bytes,
		                             relaybed_message.len, &chunk),
		                 RELAY_FORWARD);
	}
	relay_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_edit_initial),
	    cmocka_unit_test(test_edit_response),
	    cmocka_unit_test(test_wrong_echo),
	    cmocka_unit_test(test_without_rdpdr),
	    cmocka_unit_test(test_channel_counts),
	    cmocka_unit_test(test_equal_ids),
	    cmocka_unit_test(test_connect_order),
	    cmocka_unit_test(test_connect_refused),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_info),
	    cmocka_unit_test(test_info_limit),
	    cmocka_unit_test(test_license),
	    cmocka_unit_test(test_active),
	    cmocka_unit_test(test_chunk_size),
	    cmocka_unit_test(test_share_data),
	    cmocka_unit_test(test_share_joined),
	    cmocka_unit_test(test_share_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
