#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "messages.h"
#include "relay.h"

/* The client asked for NLA, the server was asked for TLS only. */
static const struct relay_negotiation negotiation = {
    .client_requested = 0x0b,
    .server_requested = 3,
    .client_selected = 1,
    .server_selected = 2,
};

static const struct message_info info_message = {
    .flags = 0x10,
    .domain = "CONTOSO",
    .user = "alice",
    .password = "s3cret",
    .address = "192.0.2.7",
};

static struct message message;

/* Look as a session does: peek at the head, then hand over an exact copy. */
static enum relay_verdict
look(struct relay *r, enum relay_side from, struct relay_chunk *chunk)
{
	uint8_t *copy = message_copy(message.bytes, message.len);
	struct wire_view head = {copy, message.len};
	enum relay_verdict verdict;
	size_t len;

	assert_int_equal(relay_peek(r, from, head, &len), RELAY_LOOK);
	assert_int_equal(len, message.len);
	verdict = relay_frame(r, from, copy, message.len, chunk);
	if (verdict == RELAY_FORWARD)
		memcpy(message.bytes, copy, message.len);
	if (verdict == RELAY_CHUNK) /* the frame stays: views into message */
		chunk->data.data =
		    message.bytes + message.len - chunk->data.len;
	free(copy);
	return verdict;
}

static void
forward(struct relay *r, enum relay_side from)
{
	struct relay_chunk chunk;

	assert_int_equal(look(r, from, &chunk), RELAY_FORWARD);
}

static void
refused(struct relay *r, enum relay_side from, const char *fault)
{
	struct relay_chunk chunk;

	assert_int_equal(look(r, from, &chunk), RELAY_REFUSE);
	assert_string_equal(relay_fault(r), fault);
}

static void
passed(const struct relay *r, enum relay_side from)
{
	struct wire_view head = {message.bytes, message.len};
	size_t len;

	assert_int_equal(relay_peek(r, from, head, &len), RELAY_PASS);
	assert_int_equal(len, message.len);
}

/* A data PDU of one side on a channel. */
static void
build_data(enum relay_side from, uint16_t channel, struct wire_view data)
{
	bool client = from == RELAY_CLIENT;

	message_data(&message, client ? 0x64 : 0x68, client ? 1008 : 1002,
	             channel, data);
}

static void
build_info(const struct message_info *info)
{
	uint8_t bytes[4096];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_info(&out, info);
	build_data(RELAY_CLIENT, 1003, wire_written(&out));
}

static void
build_active(enum relay_side from, uint32_t flags, uint32_t chunk_size)
{
	uint8_t bytes[256];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_active(&out, from == RELAY_SERVER ? 1 : 3, flags, chunk_size);
	build_data(from, 1003, wire_written(&out));
}

static void
build_share_data(enum relay_side from, uint8_t type)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_share_data(&out, type);
	build_data(from, 1003, wire_written(&out));
}

/* A chunk of rdpdr with this much data. */
static void
build_chunk(enum relay_side from, uint32_t flags, size_t data_len)
{
	uint8_t bytes[20000];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	wire_put_u32(&out, (uint32_t)data_len + 7);
	wire_put_u32(&out, flags);
	for (size_t i = 0; i < data_len; i++)
		wire_put_u8(&out, (uint8_t)i);
	build_data(from, 1005, wire_written(&out));
}

static struct relay *
start(void)
{
	struct relay *r = relay_new(&negotiation);

	assert_non_null(r);
	return r;
}

/* As far as the channel ids. */
static struct relay *
connected(const struct message_sides *sides)
{
	struct relay *r = start();

	message_connect_initial(&message, sides);
	forward(r, RELAY_CLIENT);
	message_connect_response(&message, sides);
	forward(r, RELAY_SERVER);
	return r;
}

/* As far as the first share PDU. */
static struct relay *
informed(void)
{
	struct relay *r = connected(&message_sides);

	message_attach_confirm(&message, 1008);
	forward(r, RELAY_SERVER);
	build_info(&info_message);
	forward(r, RELAY_CLIENT);
	return r;
}

/* message is now what it would be, had the sides said this. */
static void
assert_same(const struct message *want)
{
	assert_int_equal(message.len, want->len);
	assert_memory_equal(message.bytes, want->bytes, want->len);
}

static void
test_edit_initial(void **state)
{
	struct message_sides edited = message_sides;
	static struct message want;
	struct relay *r = start();

	(void)state;
	edited.selected = 2;
	edited.client_transports = 0;
	edited.channels[1].options = 0x80200000;
	message_connect_initial(&want, &edited);
	message_connect_initial(&message, &message_sides);
	forward(r, RELAY_CLIENT);
	assert_same(&want);
	assert_string_equal(relay_facts(r)->client_name, "WORKSTATION");
	assert_true(relay_facts(r)->show_protocol);
	relay_free(r);
}

static void
test_edit_response(void **state)
{
	struct message_sides edited = message_sides;
	static struct message want;
	struct relay *r = connected(&message_sides);

	(void)state;
	edited.requested = 0x0b;
	edited.server_transports = 0;
	message_connect_response(&want, &edited);
	assert_same(&want);
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
	r = connected(&sides);
	assert_same(&want);
	message_connect_initial(&want, &sides);
	relay_free(r);
	r = start();
	message_connect_initial(&message, &sides);
	forward(r, RELAY_CLIENT);
	assert_same(&want);
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
	r = connected(&sides);
	assert_int_equal(relay_facts(r)->rdpdr_channel, 0);
	build_chunk(RELAY_CLIENT, 3, 20);
	passed(r, RELAY_CLIENT);
	relay_free(r);
	sides = message_sides;
	sides.channels[1].id = 0; /* the server does not give it */
	r = connected(&sides);
	assert_int_equal(relay_facts(r)->rdpdr_channel, 0);
	relay_free(r);
}

/* SC_NET may have fewer channels than were asked for, and not more. */
static void
test_channel_counts(void **state)
{
	struct message_sides fewer = message_sides;
	struct relay *r = start();

	(void)state;
	fewer.channel_count = 1;
	message_connect_initial(&message, &message_sides);
	forward(r, RELAY_CLIENT);
	message_connect_response(&message, &fewer);
	forward(r, RELAY_SERVER);
	assert_int_equal(relay_facts(r)->rdpdr_channel, 0);
	relay_free(r);
	r = start();
	message_connect_initial(&message, &fewer);
	forward(r, RELAY_CLIENT);
	message_connect_response(&message, &message_sides);
	refused(r, RELAY_SERVER, "GCC: SC_NET has more channels than CS_NET");
	relay_free(r);
}

static void
test_equal_ids(void **state)
{
	static const uint16_t taken[] = {1003, 1004, 1006, 1007};
	struct message_sides sides = message_sides;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct relay *r = start();

		sides.channels[1].id = taken[i];
		message_connect_initial(&message, &sides);
		forward(r, RELAY_CLIENT);
		message_connect_response(&message, &sides);
		refused(r, RELAY_SERVER, "GCC: SC_NET gives rdpdr's id twice");
		relay_free(r);
	}
}

static void
test_connect_order(void **state)
{
	struct relay *r = start();

	(void)state;
	message_connect_response(&message, &message_sides);
	refused(r, RELAY_SERVER, "MCS: Connect Response before Initial");
	refused(r, RELAY_CLIENT, "MCS: head of a PDU"); /* wrong direction */
	relay_free(r);
	r = connected(&message_sides);
	refused(r, RELAY_SERVER, "MCS: a second Connect Response");
	message_connect_initial(&message, &message_sides);
	refused(r, RELAY_CLIENT, "MCS: a second Connect Initial");
	relay_free(r);
}

/* A server that refuses is the client's to hear. */
static void
test_connect_refused(void **state)
{
	struct relay *r = start();

	(void)state;
	message_connect_initial(&message, &message_sides);
	forward(r, RELAY_CLIENT);
	message_connect_response(&message, &message_sides);
	message.bytes[7 + 5 + 2] = 14;
	forward(r, RELAY_SERVER);
	assert_int_equal(relay_facts(r)->io_channel, 0);
	relay_free(r);
}

/* Each frame, cut anywhere and framed anew, is refused or harmless. */
static void
truncate_frames(struct relay *(*prepare)(void), enum relay_side from)
{
	static struct message whole;

	whole = message;
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
	struct relay *r = start();

	message_connect_initial(&message, &message_sides);
	forward(r, RELAY_CLIENT);
	return r;
}

static struct relay *
prepare_attach(void)
{
	return connected(&message_sides);
}

static void
test_truncated(void **state)
{
	(void)state;
	message_connect_initial(&message, &message_sides);
	truncate_frames(start, RELAY_CLIENT);
	message_connect_response(&message, &message_sides);
	truncate_frames(prepare_response, RELAY_SERVER);
	message_attach_confirm(&message, 1008);
	truncate_frames(prepare_attach, RELAY_SERVER);
	build_info(&info_message);
	truncate_frames(prepare_attach, RELAY_CLIENT);
	build_active(RELAY_SERVER, 3, 0);
	truncate_frames(informed, RELAY_SERVER);
	build_active(RELAY_CLIENT, 3, 0);
	truncate_frames(informed, RELAY_CLIENT);
	build_chunk(RELAY_CLIENT, 3, 20);
	truncate_frames(informed, RELAY_CLIENT);
}

static void
test_info(void **state)
{
	struct relay *r = connected(&message_sides);
	const struct relay_facts *facts = relay_facts(r);
	struct message_info second = info_message;
	uint8_t exchange[] = {1, 0, 0, 0, 9, 9}; /* SEC_EXCHANGE_PKT */

	(void)state;
	build_data(RELAY_CLIENT, 1003, (struct wire_view){exchange, 6});
	forward(r, RELAY_CLIENT);
	assert_false(facts->info_seen);
	build_info(&info_message);
	forward(r, RELAY_CLIENT);
	assert_true(facts->info_seen);
	assert_string_equal(facts->user, "alice");
	assert_string_equal(facts->domain, "CONTOSO");
	assert_string_equal(facts->client_address, "192.0.2.7");
	second.user = "mallory";
	build_info(&second);
	forward(r, RELAY_CLIENT);
	assert_string_equal(facts->user, "alice"); /* the first one counts */
	relay_free(r);
}

static void
test_info_limit(void **state)
{
	char name[RELAY_TEXT_MAX + 1];
	struct message_info info = info_message;
	struct relay *r = connected(&message_sides);

	(void)state;
	info.flags = 0;
	info.user = name;
	memset(name, 'n', sizeof(name));
	name[RELAY_TEXT_MAX] = '\0';
	build_info(&info);
	refused(r, RELAY_CLIENT,
	        "Client Info: user name is too long or no text");
	assert_false(relay_facts(r)->info_seen);
	name[RELAY_TEXT_MAX - 1] = '\0';
	build_info(&info);
	forward(r, RELAY_CLIENT);
	assert_string_equal(relay_facts(r)->user, name);
	relay_free(r);
}

static void
test_license(void **state)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct relay *r = informed();
	static struct message want;

	(void)state;
	message_license(&out);
	build_data(RELAY_SERVER, 1003, wire_written(&out));
	want = message;
	forward(r, RELAY_SERVER);
	assert_same(&want);
	relay_free(r);
}

/* Both bits are the other side's to have, every time the set comes. */
static void
test_active(void **state)
{
	struct relay *r = informed();
	static struct message want;

	(void)state;
	for (int round = 0; round < 2; round++) {
		build_active(RELAY_SERVER, 1, 16256);
		want = message;
		build_active(RELAY_SERVER, 3, 16256);
		forward(r, RELAY_SERVER);
		assert_same(&want);
		assert_int_equal(relay_facts(r)->chunk_size, 16256);
		build_active(RELAY_CLIENT, 2, 1600);
		want = message;
		build_active(RELAY_CLIENT, 3, 1600);
		forward(r, RELAY_CLIENT);
		assert_same(&want);
		assert_int_equal(relay_facts(r)->chunk_size, 16256);
		build_share_data(RELAY_SERVER, 0x28);
		if (round == 0)
			forward(r, RELAY_SERVER);
		else
			passed(r, RELAY_SERVER);
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
	struct relay *r = informed();

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		build_active(RELAY_SERVER, 0, sizes[i][0]);
		forward(r, RELAY_SERVER);
		assert_int_equal(relay_facts(r)->chunk_size, sizes[i][1]);
	}
	relay_free(r);
}

/* Share data is looked at for one thing only, and after it not at all. */
static void
test_share_data(void **state)
{
	struct relay *r = informed();

	(void)state;
	build_share_data(RELAY_SERVER, 0x1f); /* synchronize */
	passed(r, RELAY_SERVER);
	build_share_data(RELAY_CLIENT, 0x28);
	passed(r, RELAY_CLIENT);
	assert_false(relay_facts(r)->activated);
	build_share_data(RELAY_SERVER, 0x28);
	forward(r, RELAY_SERVER);
	assert_true(relay_facts(r)->activated);
	passed(r, RELAY_SERVER);
	relay_free(r);
}

/* Several share PDUs in one frame: the second is a Demand Active. */
static void
test_share_joined(void **state)
{
	static const uint8_t deactivate[] = {6, 0, 0x16, 0, 0xea, 3};
	uint8_t bytes[256];
	struct relay *r = informed();
	static struct message want;

	(void)state;
	for (int round = 0; round < 2; round++) {
		struct wire_out out = wire_out(bytes, sizeof(bytes));

		wire_put_bytes(&out, deactivate, sizeof(deactivate));
		message_active(&out, 1, round == 0 ? 1 : 3, 16256);
		build_data(RELAY_SERVER, 1003, wire_written(&out));
		if (round == 0)
			want = message;
	}
	forward(r, RELAY_SERVER);
	assert_same(&want);
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
	struct relay *r = informed();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_view data = {cases[i], 6};
		struct relay_chunk chunk;

		build_data(RELAY_SERVER, 1003, data);
		assert_int_equal(relay_frame(r, RELAY_SERVER, message.bytes,
		                             message.len, &chunk),
		                 RELAY_FORWARD);
	}
	relay_free(r);
}

static void
test_chunk(void **state)
{
	static const size_t lengths[] = {0, 1, 119, 120, 1600, 16256};
	struct relay *r = informed();
	struct relay_chunk chunk;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		build_chunk(RELAY_SERVER, 0x200003, lengths[i]);
		assert_int_equal(look(r, RELAY_SERVER, &chunk), RELAY_CHUNK);
		assert_int_equal(chunk.total, lengths[i] + 7);
		assert_int_equal(chunk.flags, 0x200003);
		assert_int_equal(chunk.data.len, lengths[i]);
	}
	build_chunk(RELAY_CLIENT, 3, 20);
	message.bytes[3]++; /* a byte behind the user data */
	message.len++;
	refused(r, RELAY_CLIENT, "MCS: user data length of an rdpdr frame");
	relay_free(r);
}

/* A chunk in the wrong direction's PDU is a chunk all the same. */
static void
test_chunk_wrong_choice(void **state)
{
	struct relay *r = informed();
	struct relay_chunk chunk;

	(void)state;
	build_chunk(RELAY_CLIENT, 3, 20);
	message.bytes[7] = 0x68;
	assert_int_equal(look(r, RELAY_CLIENT, &chunk), RELAY_CHUNK);
	relay_free(r);
}

static void
test_other_channels(void **state)
{
	static const uint16_t channels[] = {1004, 1006, 1007, 1002, 1};
	struct relay *r = informed();
	uint8_t data[40] = {40, 0, 0x11, 0};

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		build_data(RELAY_SERVER, channels[i],
		           (struct wire_view){data, sizeof(data)});
		passed(r, RELAY_SERVER);
		build_data(RELAY_CLIENT, channels[i],
		           (struct wire_view){data, sizeof(data)});
		passed(r, RELAY_CLIENT);
	}
	relay_free(r);
}

/* drdynvc is looked at where it is asked for, and wrapped under its id. */
static void
test_dynamic(void **state)
{
	static const uint8_t data[] = {9, 0, 0, 0, 3, 0, 0, 0, 0x10, 5, 'X'};
	struct relay *r = informed();
	uint8_t frame[64];
	struct wire_out out = wire_out(frame, sizeof(frame));
	struct relay_chunk chunk;

	(void)state;
	assert_int_equal(relay_facts(r)->drdynvc_channel, 1006);
	relay_look_at_dynamic(r);
	build_chunk(RELAY_SERVER, 3, 20);
	assert_int_equal(look(r, RELAY_SERVER, &chunk), RELAY_CHUNK);
	assert_false(chunk.dynamic);
	build_data(RELAY_SERVER, 1006, (struct wire_view){data, sizeof(data)});
	assert_int_equal(look(r, RELAY_SERVER, &chunk), RELAY_CHUNK);
	assert_true(chunk.dynamic);
	assert_int_equal(chunk.total, 9);
	assert_int_equal(chunk.data.len, 3);
	relay_wrap(r, RELAY_CLIENT, &chunk, &out);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, message.len);
	assert_memory_equal(frame, message.bytes, out.len);
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
	struct relay *r = start();

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
	struct relay *r = informed();
	size_t len;

	(void)state;
	build_chunk(RELAY_CLIENT, 3, 1600);
	for (size_t have = 0; have <= RELAY_HEAD; have++) {
		uint8_t *copy = message_copy(message.bytes, have);
		struct wire_view head = {copy, have};

		assert_int_equal(relay_peek(r, RELAY_CLIENT, head, &len),
		                 have < RELAY_HEAD ? RELAY_MORE : RELAY_LOOK);
		free(copy);
	}
	/* The longest way to a Font Map: two bytes of PER length. */
	build_share_data(RELAY_SERVER, 0x28);
	message.bytes[3]++;
	memmove(message.bytes + 15, message.bytes + 14, message.len - 14);
	message.bytes[13] = 0x80;
	message.bytes[14] = 26;
	message.len++;
	forward(r, RELAY_SERVER);
	assert_true(relay_facts(r)->activated);
	relay_free(r);
}

static void
test_x224(void **state)
{
	struct relay *r = informed();

	(void)state;
	build_chunk(RELAY_CLIENT, 3, 20);
	message.bytes[5] = 0x80; /* disconnect request */
	passed(r, RELAY_CLIENT);
	message.bytes[5] = 0xf1; /* data, with a number */
	refused(r, RELAY_CLIENT, "X.224: not a whole data TPDU");
	message.bytes[5] = 0xf0;
	message.bytes[6] = 0; /* not the last part */
	refused(r, RELAY_CLIENT, "X.224: not a whole data TPDU");
	message.bytes[6] = 0x80;
	message.bytes[4] = 3;
	refused(r, RELAY_CLIENT, "X.224: not a whole data TPDU");
	message.bytes[4] = 2;
	message.bytes[7] = 0x21; /* ultimatum, and nobody wants to know */
	forward(r, RELAY_CLIENT);
	relay_free(r);
}

static void
test_frame_len(void **state)
{
	struct relay *r = informed();
	struct relay_chunk chunk;

	(void)state;
	build_chunk(RELAY_CLIENT, 3, 20);
	assert_int_equal(relay_frame(r, RELAY_CLIENT, message.bytes,
	                             message.len - 1, &chunk),
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
	struct relay *r = informed();

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct relay_chunk chunk = {99, 3, {data, lengths[i]}, false};
		struct relay_chunk back;
		struct wire_out out =
		    wire_out(message.bytes, lengths[i] + RELAY_CHUNK_OVERHEAD);

		relay_wrap(r, RELAY_CLIENT, &chunk, &out);
		assert_true(wire_out_ok(&out));
		message.len = out.len;
		assert_int_equal(look(r, RELAY_SERVER, &back), RELAY_CHUNK);
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
	struct relay *r = informed();
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
