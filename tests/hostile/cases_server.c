/*
 * The server's side: a connection sequence that lies, and rdpdr spoken badly,
 * too often, or without end.
 */
#include "adversary.h"

#include <string.h>
#include <sys/socket.h>

#include "channel.h"

enum { BOTH = CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST, SETTLE_MS = 400 };

static const uint8_t zeros[256];

/* ---- instead of the sequence */

static void
early_garbage(struct server *s)
{
	uint8_t bytes[] = {3,    0,    0,    20,   2,    0xf0,
	                   0x80, 0x7f, 0x66, 0x82, 0xff, 0xff};

	(void)end_read(&s->end, 5000);
	end_write(&s->end, bytes, sizeof(bytes));
	end_write(&s->end, zeros, 8);
}

static void
early_unframed(struct server *s)
{
	(void)end_read(&s->end, 5000);
	end_write(&s->end, "\xff\xff\xff\xff garbage", 12);
}

static void
early_channels(struct server *s)
{
	static struct message m;
	struct message_sides sides = message_sides;

	sides.channel_count = 20;
	(void)end_read(&s->end, 5000);
	message_connect_response(&m, &sides);
	end_write(&s->end, m.bytes, m.len);
}

static void
early_twins(struct server *s)
{
	static struct message m;
	struct message_sides sides = message_sides;

	sides.channels[0].id = END_RDPDR;
	(void)end_read(&s->end, 5000);
	message_connect_response(&m, &sides);
	end_write(&s->end, m.bytes, m.len);
}

static void
say_initial(struct client *c)
{
	static struct message m;

	message_connect_initial(&m, &message_sides);
	end_write(&c->end, m.bytes, m.len);
}

/* ---- after it */

static void
part_garbage(struct server *s)
{
	end_write(&s->end, "\x03\x00\x00\x02 garbage", 12);
}

static void
part_half_close(struct server *s)
{
	(void)shutdown(s->end.fd, SHUT_WR);
}

static void
part_announces(struct server *s)
{
	for (int i = 0; i < 1000 && !s->end.closed; i++) {
		fake_server_announce(&s->fake);
		server_run(s, i % 20 == 0 ? 1 : 0);
	}
}

static void
say(struct server *s, uint16_t packet, size_t len)
{
	uint8_t data[sizeof(zeros) + 4];
	struct wire_out out = wire_out(data, sizeof(data));

	wire_put_u16(&out, RDPEFS_CORE);
	wire_put_u16(&out, packet);
	wire_put_bytes(&out, zeros, len);
	end_say(&s->end, wire_written(&out));
}

static void
part_announce_short(struct server *s)
{
	say(s, RDPEFS_SERVER_ANNOUNCE, 3);
}

static void
part_reply_short(struct server *s)
{
	say(s, RDPEFS_DEVICE_REPLY, 5);
}

static void
part_compressed(struct server *s)
{
	end_chunk(&s->end, 64, BOTH | CHANNEL_FLAG_COMPRESSED,
	          (struct wire_view){zeros, 64});
}

/* Lists of capabilities and packets that nobody knows are the client's. */
static void
part_caps(struct server *s)
{
	fake_server_announce(&s->fake);
	server_run(s, SETTLE_MS);
	for (size_t i = 0; i < 16; i++) {
		say(s, RDPEFS_SERVER_CAPABILITY, i);
		say(s, (uint16_t)(0x7000 + i), i);
	}
}

/* Up to here all by the book. */
static void
speak(struct server *s)
{
	fake_server_announce(&s->fake);
	server_run(s, SETTLE_MS);
}

static void
part_request_short(struct server *s)
{
	uint8_t data[12];
	struct wire_out out = wire_out(data, sizeof(data));

	speak(s);
	wire_put_u16(&out, RDPEFS_CORE);
	wire_put_u16(&out, RDPEFS_DEVICE_REQUEST);
	wire_put_u32(&out, 1);
	wire_put_u32(&out, 0);
	end_say(&s->end, wire_written(&out));
}

static void
part_flood(struct server *s)
{
	speak(s);
	for (uint32_t id = 1; id <= 5000 && !s->end.closed; id++) {
		fake_server_establish(&s->fake, 1, id);
		if (id % 100 == 0)
			server_run(s, 1);
	}
	server_run(s, SETTLE_MS);
}

static void
part_same_ids(struct server *s)
{
	speak(s);
	for (int i = 0; i < 200 && !s->end.closed; i++)
		fake_server_establish(&s->fake, 1, 2);
	server_run(s, SETTLE_MS);
}

static void
part_no_device(struct server *s)
{
	speak(s);
	for (uint32_t id = 1; id <= 200 && !s->end.closed; id++)
		fake_server_establish(&s->fake, 1000 + id, id);
	server_run(s, SETTLE_MS);
}

static void
part_speak(struct server *s)
{
	speak(s);
}

/* A log-on of nobody: a proxy died of such names. */
static void
build_nobody(struct wire_out *out)
{
	static const struct message_logon logons[] = {{0, NULL, NULL, 7, 0},
	                                              {1, NULL, NULL, 7, 0},
	                                              {2, NULL, NULL, 7, 0},
	                                              {3, NULL, NULL, 7, 3}};

	for (size_t i = 0; i < sizeof(logons) / sizeof(logons[0]); i++)
		message_logon(out, &logons[i]);
}

static void
part_nobody(struct server *s)
{
	end_io(&s->end, build_nobody);
	server_run(s, SETTLE_MS);
}

/* A name that says it is longer than all there is. */
static void
build_long_name(struct wire_out *out)
{
	static const struct message_logon logon = {1, "", "bob", 7, 0};
	size_t start = out->len;

	message_logon(out, &logon);
	wire_set_u32(out, start + 18 + 4 + 14, 0x7ffffffe); /* cbUserName */
}

static void
part_long_name(struct server *s)
{
	for (int i = 0; i < 100; i++)
		end_io(&s->end, build_long_name);
	server_run(s, SETTLE_MS);
}

/* ---- what the client does meanwhile */

static void
listen_on(struct client *c)
{
	client_run(c, 600, 6000);
}

/* Once our own watch is parked: the rest is the server's. */
static bool
swallow_late(struct client *c, uint32_t id, const struct ioctl *row,
             struct esc_return *ret)
{
	(void)id;
	(void)ret;
	return row->code == IOCTL_ESTABLISH_CONTEXT && c->count++ > 0;
}

static void
never_answers(struct client *c)
{
	c->on_call = swallow_late;
}

/* What a client says whose card the server holds in a transaction. */
static bool
in_transaction(struct client *c, uint32_t id, const struct ioctl *row,
               struct esc_return *ret)
{
	(void)c;
	(void)id;
	if (row->code == IOCTL_BEGIN_TRANSACTION)
		ret->code = ESC_E_SHARING_VIOLATION;
	return false;
}

static void
held(struct client *c)
{
	fake_pcsc_insert(&c->fake.pcsc, 0, &c->card);
	c->on_call = in_transaction;
}

static const char protocol[] = "protocol-fault";
static const char fault[] = "rdpdr-fault";

/* clang-format off */
#define EARLY(name, what, early) {name, STAGE_TLS, FATE_ENDS, protocol, what, say_initial, NULL, 0, early, NULL, 0}
#define FAULT(name, what, part) {name, STAGE_ACTIVE, FATE_LIVES, fault, what, listen_on, NULL, 0, NULL, part, 0}
#define QUIET(name, part) {name, STAGE_ACTIVE, FATE_LIVES, NULL, NULL, listen_on, NULL, 0, NULL, part, 0}

const struct adversary_case cases_server[] = {
	EARLY("server-response", "MCS: result of Connect Response", early_garbage),
	EARLY("server-unframed", "from=server what=\"neither", early_unframed),
	EARLY("server-channels", "SC_NET has more channels than CS_NET", early_channels),
	EARLY("server-rdpdr-twice", "gives rdpdr's id twice", early_twins),
	{"server-garbage", STAGE_ACTIVE, FATE_ENDS, protocol, "from=server what=\"neither", NULL, NULL, 0, NULL, part_garbage, 0},
	{"server-half-close", STAGE_ACTIVE, FATE_ENDS, "server-closed", "", NULL, NULL, 0, NULL, part_half_close, 0},
	FAULT("server-announces", "announces without end", part_announces),
	FAULT("server-announce-short", "malformed server announce", part_announce_short),
	FAULT("server-reply-short", "malformed device reply", part_reply_short),
	FAULT("server-request-short", "malformed device request", part_request_short),
	FAULT("server-compressed", "from=server what=\"a compressed chunk", part_compressed),
	QUIET("server-caps", part_caps),
	QUIET("server-same-ids", part_same_ids),
	QUIET("server-no-device", part_no_device),
	QUIET("server-logon-nobody", part_nobody),
	{"server-logon-long", STAGE_ACTIVE, FATE_LIVES, "logon-hidden", "Save Session Info", listen_on, NULL, 0, NULL, part_long_name, 0},
	{"server-flood", STAGE_ACTIVE, FATE_LIVES, "request-refused", "too many outstanding", listen_on, never_answers, 0, NULL, part_flood, 0},
	{"server-holds", STAGE_ACTIVE, FATE_LIVES, "card-read-retry", "card in use", listen_on, held, 0, NULL, part_speak, 0},
	{.name = NULL},
};
/* clang-format on */
