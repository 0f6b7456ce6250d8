#include "gcc.h"

#include "mcs.h"

#include <string.h>
#include <strings.h>

/* Types of the blocks, [MS-RDPBCGR] 2.2.1.3.1. */
enum {
	CS_CORE = 0xc001,
	CS_NET = 0xc003,
	CS_MULTITRANSPORT = 0xc00a,
	SC_CORE = 0x0c01,
	SC_NET = 0x0c03,
	SC_MSGCHANNEL = 0x0c04,
	SC_MULTITRANSPORT = 0x0c08
};

enum {
	BLOCK_HEAD = 4,
	CHANNEL_NAME_LEN = 8,
	CORE_BEFORE_NAME = 20, /* version ... clientBuild */
	CORE_NAME_LEN = 32,
	CORE_AFTER_NAME = 76,     /* keyboardType ... imeFileName */
	CORE_BEFORE_SELECTED = 80 /* postBeta2ColorDepth ... pad1octet */
};

/* One block: its fields, and the offset at which they end. */
struct block {
	uint16_t type;
	struct wire_in in;
	size_t end;
};

/* A cursor over the blocks, and the offset at which they end. */
struct blocks {
	struct wire_in in;
	size_t end;
};

static size_t
block_offset(const struct block *block)
{
	return block->end - block->in.left;
}

static bool
next_block(struct blocks *blocks, struct block *block)
{
	size_t len;

	block->type = wire_u16(&blocks->in);
	len = wire_u16(&blocks->in);
	if (len < BLOCK_HEAD)
		wire_fail(&blocks->in, WIRE_VALUE);
	block->in = wire_sub(&blocks->in, len - BLOCK_HEAD);
	block->end = blocks->end - blocks->in.left;
	return wire_ok(&blocks->in);
}

/*
 * The key { itu-t recommendation t 124 version 1 } and the length of the
 * connect PDU.  Servers put any length there and clients must ignore it.
 */
static void
take_key(struct wire_in *in)
{
	static const uint8_t key[] = {0, 5, 0, 0x14, 0x7c, 0, 1};
	struct wire_view want = {key, sizeof(key)};

	if (!wire_view_equal(wire_bytes(in, sizeof(key)), want))
		wire_fail(in, WIRE_VALUE);
	(void)mcs_per_length(in);
}

/* One set of user data under a non-standard H.221 key. */
static bool
take_blocks(struct wire_in *in, const char *h221, size_t whole,
            struct blocks *blocks)
{
	if (wire_u8(in) != 1) /* number of sets */
		wire_fail(in, WIRE_VALUE);
	if (wire_u16_be(in) != 0xc000) /* H.221 with a value, key of 4 bytes */
		wire_fail(in, WIRE_VALUE);
	if (!wire_view_equal(wire_bytes(in, 4), wire_view_text(h221)))
		wire_fail(in, WIRE_VALUE);
	blocks->in = wire_sub(in, mcs_per_length(in));
	blocks->end = whole - in->left;
	return wire_ok(in);
}

/* The name is not asked about: FreeRDP and mstsc send "1". */
static bool
open_request(struct wire_view data, struct blocks *blocks)
{
	struct wire_in in = wire_in_view(data);

	take_key(&in);
	if (wire_u16_be(&in) != 0x0008) /* request, with user data */
		wire_fail(&in, WIRE_VALUE);
	wire_skip(&in, 3); /* conference name of one digit, padding */
	return take_blocks(&in, "Duca", data.len, blocks);
}

static bool
open_response(struct wire_view data, struct blocks *blocks)
{
	struct wire_in in = wire_in_view(data);

	take_key(&in);
	wire_skip(&in, 3);                   /* choice, node id */
	wire_skip(&in, mcs_per_length(&in)); /* tag */
	wire_skip(&in, 1);                   /* result */
	return take_blocks(&in, "McDn", data.len, blocks);
}

/* [MS-RDPBCGR] 2.2.1.3.2; all after imeFileName is optional. */
static const char *
client_core(struct block *block, struct gcc_client *client)
{
	struct wire_in *in = &block->in;

	if (client->has_core)
		return "GCC: a second CS_CORE";
	client->has_core = true;
	wire_skip(in, CORE_BEFORE_NAME);
	client->client_name = wire_bytes(in, CORE_NAME_LEN);
	wire_skip(in, CORE_AFTER_NAME);
	if (!wire_ok(in))
		return "GCC: CS_CORE is too short";
	if (in->left < CORE_BEFORE_SELECTED + 4)
		return NULL;
	wire_skip(in, CORE_BEFORE_SELECTED);
	client->selected_offset = block_offset(block);
	client->selected_protocol = wire_u32(in);
	return NULL;
}

/* Clients write the name in either case; it need not end in a zero. */
static bool
is_named(struct wire_view name, const char *wanted)
{
	char text[CHANNEL_NAME_LEN + 1] = {0};

	if (name.len > 0 && name.len <= CHANNEL_NAME_LEN)
		memcpy(text, name.data, name.len);
	return strcasecmp(text, wanted) == 0;
}

static const char *
note_channel(struct gcc_client *client, struct wire_view name, uint32_t index,
             size_t offset, uint32_t options)
{
	if (is_named(name, "drdynvc")) {
		if (client->has_drdynvc)
			return "GCC: CS_NET names drdynvc twice";
		client->has_drdynvc = true;
		client->drdynvc_index = index;
	}
	if (!is_named(name, "rdpdr"))
		return NULL;
	if (client->rdpdr_offset != 0)
		return "GCC: CS_NET names rdpdr twice";
	client->rdpdr_offset = offset;
	client->rdpdr_options = options;
	client->rdpdr_index = index;
	return NULL;
}

/* [MS-RDPBCGR] 2.2.1.3.4. */
static const char *
client_net(struct block *block, struct gcc_client *client)
{
	struct wire_in *in = &block->in;

	if (client->has_net)
		return "GCC: a second CS_NET";
	client->has_net = true;
	client->channel_count = wire_count(in, GCC_CHANNELS_MAX);
	if (in->fault == WIRE_LIMIT)
		return "GCC: channel count of CS_NET above 31";
	for (uint32_t i = 0; i < client->channel_count; i++) {
		struct wire_view name = wire_bytes(in, CHANNEL_NAME_LEN);
		size_t offset = block_offset(block);
		uint32_t options = wire_u32(in);
		const char *wrong =
		    note_channel(client, name, i, offset, options);

		if (wrong != NULL)
			return wrong;
	}
	return wire_ok(in) ? NULL : "GCC: CS_NET is too short";
}

/* [MS-RDPBCGR] 2.2.1.3.8 and 2.2.1.4.6: the flags are all there is. */
static size_t
multitransport_flags(const struct block *block)
{
	return block->in.left < 4 ? 0 : block_offset(block);
}

static const char *
client_block(struct block *block, struct gcc_client *client)
{
	if (block->type == CS_CORE)
		return client_core(block, client);
	if (block->type == CS_NET)
		return client_net(block, client);
	if (block->type != CS_MULTITRANSPORT)
		return NULL;
	if (client->multitransport_offset != 0)
		return "GCC: a second CS_MULTITRANSPORT";
	client->multitransport_offset = multitransport_flags(block);
	return NULL;
}

const char *
gcc_client_decode(struct wire_view data, struct gcc_client *client)
{
	static const struct gcc_client empty;
	struct blocks blocks;
	const char *fault = NULL;

	*client = empty;
	if (!open_request(data, &blocks))
		return "GCC: Conference Create Request";
	while (fault == NULL && blocks.in.left > 0) {
		struct block block;

		if (!next_block(&blocks, &block))
			return "GCC: length of a client's block";
		fault = client_block(&block, client);
	}
	if (fault == NULL && !client->has_core)
		fault = "GCC: no CS_CORE";
	return fault;
}

/* [MS-RDPBCGR] 2.2.1.4.2; all after the version is optional. */
static const char *
server_core(struct block *block, struct gcc_server *server)
{
	wire_skip(&block->in, 4);
	if (!wire_ok(&block->in))
		return "GCC: SC_CORE is too short";
	if (server->requested_offset != 0)
		return "GCC: a second SC_CORE";
	if (block->in.left < 4)
		return NULL;
	server->requested_offset = block_offset(block);
	server->requested_protocols = wire_u32(&block->in);
	return NULL;
}

/* [MS-RDPBCGR] 2.2.1.4.4; the padding after an odd count is not asked for. */
static const char *
server_net(struct block *block, struct gcc_server *server)
{
	struct wire_in *in = &block->in;

	if (server->io_channel != 0)
		return "GCC: a second SC_NET";
	server->io_channel = wire_u16(in);
	server->channel_count = wire_u16(in);
	if (server->channel_count > GCC_CHANNELS_MAX)
		return "GCC: channel count of SC_NET above 31";
	for (uint32_t i = 0; i < server->channel_count; i++)
		server->channels[i] = wire_u16(in);
	if (!wire_ok(in))
		return "GCC: SC_NET is too short";
	return server->io_channel != 0 ? NULL : "GCC: I/O channel is 0";
}

static const char *
server_block(struct block *block, struct gcc_server *server)
{
	if (block->type == SC_CORE)
		return server_core(block, server);
	if (block->type == SC_NET)
		return server_net(block, server);
	if (block->type == SC_MSGCHANNEL) {
		server->message_channel = wire_u16(&block->in);
		return wire_ok(&block->in)
		           ? NULL
		           : "GCC: SC_MCS_MSGCHANNEL is too short";
	}
	if (block->type != SC_MULTITRANSPORT)
		return NULL;
	if (server->multitransport_offset != 0)
		return "GCC: a second SC_MULTITRANSPORT";
	server->multitransport_offset = multitransport_flags(block);
	return NULL;
}

const char *
gcc_server_decode(struct wire_view data, struct gcc_server *server)
{
	static const struct gcc_server empty;
	struct blocks blocks;
	const char *fault = NULL;

	*server = empty;
	if (!open_response(data, &blocks))
		return "GCC: Conference Create Response";
	while (fault == NULL && blocks.in.left > 0) {
		struct block block;

		if (!next_block(&blocks, &block))
			return "GCC: length of a server's block";
		fault = server_block(&block, server);
	}
	if (fault == NULL && server->io_channel == 0)
		fault = "GCC: no SC_NET";
	return fault;
}
