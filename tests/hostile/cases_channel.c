/*
 * The rdpdr channel from the client: chunks, lists of devices, completions and
 * floods.
 */
#include "adversary.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"

enum { BOTH = CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST };

static const uint8_t zeros[2048];

static struct wire_view
some(size_t len)
{
	return (struct wire_view){zeros, len};
}

/* The head of a completion of the card, so that it is looked at. */
static struct wire_view
head(void)
{
	static const uint8_t bytes[32] = {0x44, 0x72, 0x43, 0x49, 1, 0, 0, 0};

	return (struct wire_view){bytes, sizeof(bytes)};
}

static struct wire_view
tail(size_t len)
{
	return some(len);
}

static void
chunk_up(struct client *c)
{
	end_chunk(&c->end, 4000, CHANNEL_FLAG_FIRST, head());
	end_chunk(&c->end, 4000, CHANNEL_FLAG_LAST, tail(100));
}

static void
chunk_down(struct client *c)
{
	end_chunk(&c->end, 40, CHANNEL_FLAG_FIRST, head());
	end_chunk(&c->end, 40, CHANNEL_FLAG_LAST, tail(100));
}

/* 4 GiB announced, 64 KiB sent; the memory is looked at meanwhile. */
static void
chunk_huge(struct client *c)
{
	unsigned long before = adversary_memory();

	end_chunk(&c->end, 0xffffffff, CHANNEL_FLAG_FIRST, head());
	for (int i = 0; i < 40; i++)
		end_chunk(&c->end, 0xffffffff, 0, tail(1600));
	client_run(c, 50, 500);
	if (adversary_memory() > before + 4096)
		adversary_complain(c, "memory for what was only announced");
}

/* Above the limit of what is joined, announced honestly. */
static void
chunk_long(struct client *c)
{
	end_chunk(&c->end, 128 * 1024 + 1, CHANNEL_FLAG_FIRST, head());
}

static void
chunk_no_first(struct client *c)
{
	end_chunk(&c->end, 32, CHANNEL_FLAG_LAST, head());
}

static void
chunk_two_first(struct client *c)
{
	end_chunk(&c->end, 4000, CHANNEL_FLAG_FIRST, head());
	end_chunk(&c->end, 4000, CHANNEL_FLAG_FIRST, head());
}

static void
chunk_empty(struct client *c)
{
	end_chunk(&c->end, 0, BOTH, some(0));
}

static void
chunk_compressed(struct client *c)
{
	end_chunk(&c->end, 32, BOTH | CHANNEL_FLAG_COMPRESSED, head());
}

static void
chunk_no_last(struct client *c)
{
	end_chunk(&c->end, 32, CHANNEL_FLAG_FIRST, head());
}

static void
chunk_tiny(struct client *c)
{
	end_chunk(&c->end, 1, BOTH, head());
}

/* A message of one byte in each chunk, 20,000 of them: slow, never whole. */
static void
chunk_bytes(struct client *c)
{
	end_chunk(&c->end, 100000, CHANNEL_FLAG_FIRST, head());
	for (int i = 0; i < 5000 && !c->end.closed; i++)
		end_chunk(&c->end, 100000, 0, tail(1));
	end_chunk(&c->end, 100000, CHANNEL_FLAG_LAST, tail(1));
}

/* ---- lists of devices */

static void
put_device(struct wire_out *out, uint32_t type, uint32_t id, uint32_t len)
{
	wire_put_u32(out, type);
	wire_put_u32(out, id);
	wire_put_bytes(out, "SCARD\0\0", 8);
	wire_put_u32(out, len);
}

static void
say_devices(struct client *c, uint32_t count, unsigned real, uint32_t len)
{
	uint8_t data[4096];
	struct wire_out out = wire_out(data, sizeof(data));

	wire_put_u32(&out, count);
	for (unsigned i = 0; i < real; i++)
		put_device(&out, 0x20, i + 1, len);
	client_core(c, RDPEFS_DEVICE_LIST_ANNOUNCE, wire_written(&out));
}

static void
devices_count(struct client *c)
{
	say_devices(c, 0xffffffff, 1, 0);
}

static void
devices_more(struct client *c)
{
	say_devices(c, 2, 1, 0);
}

static void
devices_data(struct client *c)
{
	say_devices(c, 1, 1, 0xfffffff0);
}

static void
devices_many(struct client *c)
{
	say_devices(c, c->at->n, c->at->n, 0);
}

static void
devices_none(struct client *c)
{
	client_core(c, RDPEFS_DEVICE_LIST_ANNOUNCE, some(0));
}

static void
removal_count(struct client *c)
{
	static const uint8_t body[8] = {0xff, 0xff, 0xff, 0xff, 1};

	client_core(c, RDPEFS_DEVICE_LIST_REMOVE,
	            (struct wire_view){body, sizeof(body)});
}

/* As fast as it goes; the card is announced last. */
static void
announce_remove(struct client *c)
{
	for (int i = 0; i < 1000 && !c->end.closed; i++) {
		fake_client_remove(&c->fake, 1);
		fake_client_announce(&c->fake);
		client_run(c, 0, 0);
	}
}

/* ---- out of order, and bodies that lie */

static void
caps_lie(struct client *c)
{
	static const uint8_t bodies[][12] = {
	    {0xff, 0xff, 0, 0},                   /* sets that are not there */
	    {1, 0, 0, 0, 1, 0, 4, 0, 2, 0, 0, 0}, /* shorter than its head */
	    {1, 0, 0, 0, 1, 0, 0xff, 0xff, 2, 0, 0, 0}, /* longer than all */
	};

	client_core(c, RDPEFS_CLIENT_CAPABILITY,
	            (struct wire_view){bodies[c->at->n], 12});
}

static void
name_lies(struct client *c)
{
	static const uint8_t body[16] = {1, 0,    0,    0,    0,    0,  0,
	                                 0, 0xf0, 0xff, 0xff, 0xff, 'A'};

	client_core(c, RDPEFS_CLIENT_NAME,
	            (struct wire_view){body, sizeof(body)});
}

static void
reply_again(struct client *c)
{
	static const uint8_t body[8] = {1, 0, 12, 0, 1, 2, 3, 4};

	client_core(c, RDPEFS_CLIENT_ID_CONFIRM,
	            (struct wire_view){body, sizeof(body)});
}

static void
packets_unknown(struct client *c)
{
	for (uint16_t i = 0; i < 100; i++)
		client_core(c, (uint16_t)(0x1000 + i), some(i));
}

static void
message_short(struct client *c)
{
	end_chunk(&c->end, 2, BOTH, some(2));
}

/* ---- completions */

static void
completion_unknown(struct client *c)
{
	for (unsigned i = 0; i < c->at->n; i++)
		client_complete(c, 1, 0x7fff0000 + i, 0, some(4));
}

static void
completion_device(struct client *c)
{
	for (unsigned i = 0; i < 64; i++)
		client_complete(c, 7, 0x40000000 + i, 0, some(4));
}

static void
completion_short(struct client *c)
{
	client_core(c, RDPEFS_DEVICE_COMPLETION, head());
	client_core(c, RDPEFS_DEVICE_COMPLETION,
	            (struct wire_view){(const uint8_t *)"\1\0\0", 4});
}

/* ---- who does not read, or does not stop */

enum { POUR_BYTES = 24 << 20, POUR_FRAME = 8000 };

/* Writes until nobody takes any more, for as long as a write may last. */
static void
pour(struct end *e)
{
	static const uint8_t data[POUR_FRAME];

	for (size_t at = 0; at < POUR_BYTES && !e->closed; at += POUR_FRAME)
		end_data(e, END_IO, (struct wire_view){data, POUR_FRAME});
}

static void
server_deaf(struct server *s)
{
	uint64_t until = end_now_ms() + 2500;

	while (end_now_ms() < until)
		(void)usleep(10000);
	s->end.closed = true;
}

static void
look_at_memory(struct client *c, unsigned long before)
{
	unsigned long now = adversary_memory();

	/* Two queues of 256 KiB, what libevent reads at once, and ASan's. */
	if (now > before + 6 * 1024) {
		(void)printf("    %lu KiB more\n", now - before);
		adversary_complain(c, "memory for what nobody reads");
	}
}

static void
pour_at_deaf(struct client *c)
{
	unsigned long before = adversary_memory();

	pour(&c->end);
	look_at_memory(c, before);
}

static void
server_pours(struct server *s)
{
	pour(&s->end);
}

static void
deaf_client(struct client *c)
{
	unsigned long before = adversary_memory();

	(void)usleep(1500 * 1000);
	look_at_memory(c, before);
}

static const char fault[] = "rdpdr-fault";

/* clang-format off */
#define CARD(name, what, run, n) {name, STAGE_CARD, FATE_LIVES, fault, what, run, NULL, n, NULL, NULL, 0}
#define QUIET(name, run, n) {name, STAGE_CARD, FATE_LIVES, NULL, NULL, run, NULL, n, NULL, NULL, 0}

const struct adversary_case cases_channel[] = {
	CARD("chunk-up", "fewer bytes than announced", chunk_up, 0),
	CARD("chunk-down", "more bytes than announced", chunk_down, 0),
	CARD("chunk-4-gib", "a message above its limit", chunk_huge, 0),
	CARD("chunk-long", "a message above its limit", chunk_long, 0),
	CARD("chunk-no-first", "a chunk without FIRST", chunk_no_first, 0),
	CARD("chunk-two-first", "FIRST within a message", chunk_two_first, 0),
	CARD("chunk-empty", "an empty chunk", chunk_empty, 0),
	CARD("chunk-compressed", "a compressed chunk", chunk_compressed, 0),
	CARD("chunk-no-last", "all bytes but no LAST", chunk_no_last, 0),
	CARD("chunk-tiny", "more bytes than announced", chunk_tiny, 0),
	CARD("chunk-bytes", "fewer bytes than announced", chunk_bytes, 0),
	CARD("devices-count", "malformed device list", devices_count, 0),
	CARD("devices-more", "malformed device list", devices_more, 0),
	CARD("devices-data", "malformed device list", devices_data, 0),
	CARD("devices-65", "malformed device list", devices_many, 65),
	CARD("devices-none", "malformed device list", devices_none, 0),
	QUIET("devices-64", devices_many, 64),
	CARD("removal-count", "malformed device removal", removal_count, 0),
	CARD("announce-remove", "announces without end", announce_remove, 0),
	CARD("caps-count", "malformed capabilities", caps_lie, 0),
	CARD("caps-short", "malformed capabilities", caps_lie, 1),
	CARD("caps-long", "malformed capabilities", caps_lie, 2),
	CARD("name-lies", "malformed client name", name_lies, 0),
	CARD("reply-again", "announce reply out of order", reply_again, 0),
	QUIET("packets-unknown", packets_unknown, 0),
	CARD("message-short", "message without a header", message_short, 0),
	{"completion-1", STAGE_CARD, FATE_LIVES, "completion-dropped", "count=1", completion_unknown, NULL, 1, NULL, NULL, 0},
	QUIET("completion-15", completion_unknown, 15),
	CARD("completion-16", "answers to nothing", completion_unknown, 16),
	CARD("completion-17", "answers to nothing", completion_unknown, 17),
	QUIET("completion-other-device", completion_device, 0),
	CARD("completion-short", "malformed completion", completion_short, 0),
	{"server-deaf", STAGE_ACTIVE, FATE_ENDS, "server-closed", "", pour_at_deaf, NULL, 0, NULL, server_deaf, 0},
	{"client-deaf", STAGE_ACTIVE, FATE_LIVES, NULL, NULL, deaf_client, NULL, 0, NULL, server_pours, 0},
	{.name = NULL},
};
/* clang-format on */
