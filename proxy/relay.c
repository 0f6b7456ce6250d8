#include "relay.h"

#include "gcc.h"
#include "mcs.h"
#include "share.h"

#include <stdlib.h>
#include <string.h>

/* RFC 1006 section 6, X.224 13.7, [MS-RDPBCGR] 2.2.9.1.2. */
enum {
	TPKT_VERSION = 3,
	TPKT_LEN = 4,
	X224_DATA_LEN = 3,
	X224_DATA = 0xf0,
	X224_DISCONNECT = 0x80,
	X224_ERROR = 0x70,
	X224_LAST = 0x80,
	FASTPATH_MASK = 3,
	CHANNEL_HEAD = 8,
	CHUNK_SIZE_MIN = 1600,
	CHUNK_SIZE_MAX = 16256
};

struct relay {
	struct relay_negotiation negotiation;
	struct relay_facts facts;
	struct gcc_client
	    client; /* its views are void once the frame is gone */
	bool initial_seen;
	bool response_seen;
	bool dynamic; /* drdynvc is looked at */
	const char *fault;
};

/* What a frame is to us. */
enum frame_kind {
	FRAME_OTHER,
	FRAME_BROKEN, /* a header we must understand is not whole */
	FRAME_NOT_DATA,
	FRAME_INITIAL,
	FRAME_RESPONSE,
	FRAME_ATTACH,
	FRAME_CHUNK,
	FRAME_DYNAMIC, /* a chunk of drdynvc */
	FRAME_INFO,
	FRAME_SHARE
};

struct relay *
relay_new(const struct relay_negotiation *negotiation)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->negotiation = *negotiation;
	r->facts.chunk_size = CHUNK_SIZE_MIN;
	return r;
}

void
relay_free(struct relay *r)
{
	free(r);
}

const struct relay_facts *
relay_facts(const struct relay *r)
{
	return &r->facts;
}

void
relay_look_at_dynamic(struct relay *r)
{
	r->dynamic = true;
}

const char *
relay_fault(const struct relay *r)
{
	return r->fault == NULL ? "none" : r->fault;
}

/*
 * Frames with Demand or Confirm Active in them, and until then those with a
 * Font Map.  Several share PDUs may stand in one frame: then look at them all.
 */
static bool
share_matters(const struct relay *r, enum relay_side from, struct wire_in in,
              size_t len)
{
	struct share_head head;

	if (!share_head_decode(&in, &head) || head.len != len)
		return true;
	if (from == RELAY_CLIENT)
		return head.type == SHARE_CONFIRM_ACTIVE;
	return head.type == SHARE_DEMAND_ACTIVE ||
	       (!r->facts.activated && head.data_type == SHARE_DATA_FONT_MAP);
}

static enum frame_kind
data_kind(const struct relay *r, enum relay_side from, struct wire_in in,
          const struct mcs_head *mcs)
{
	if (mcs->channel == 0)
		return FRAME_OTHER;
	if (mcs->channel == r->facts.rdpdr_channel)
		return FRAME_CHUNK;
	if (r->dynamic && mcs->channel == r->facts.drdynvc_channel)
		return FRAME_DYNAMIC;
	if (mcs->channel != r->facts.io_channel)
		return FRAME_OTHER;
	if (from == RELAY_CLIENT && !r->facts.info_seen)
		return FRAME_INFO;
	return share_matters(r, from, in, mcs->len) ? FRAME_SHARE : FRAME_OTHER;
}

static enum frame_kind
mcs_kind(const struct relay *r, enum relay_side from, struct wire_in *in)
{
	struct mcs_head mcs;

	if (!mcs_head_decode(in, &mcs))
		return FRAME_BROKEN;
	switch (mcs.kind) {
	case MCS_CONNECT_INITIAL:
		return from == RELAY_CLIENT ? FRAME_INITIAL : FRAME_BROKEN;
	case MCS_CONNECT_RESPONSE:
		return from == RELAY_SERVER ? FRAME_RESPONSE : FRAME_BROKEN;
	case MCS_ATTACH_CONFIRM:
		return from == RELAY_SERVER ? FRAME_ATTACH : FRAME_OTHER;
	case MCS_DATA:
		return data_kind(r, from, *in, &mcs);
	case MCS_OTHER:
		break;
	}
	return FRAME_OTHER;
}

/* Decide from the first RELAY_HEAD bytes of a frame, TPKT included. */
static enum frame_kind
frame_kind(const struct relay *r, enum relay_side from, struct wire_view head)
{
	struct wire_in in = wire_in_view(head);
	uint8_t indicator, code, last;

	wire_skip(&in, TPKT_LEN);
	indicator = wire_u8(&in);
	code = wire_u8(&in);
	if (code == X224_DISCONNECT || code == X224_ERROR)
		return FRAME_OTHER;
	last = wire_u8(&in);
	if (indicator != X224_DATA_LEN - 1 || code != X224_DATA ||
	    last != X224_LAST)
		return FRAME_NOT_DATA;
	return mcs_kind(r, from, &in);
}

/* The first RELAY_HEAD bytes, or all when there are fewer. */
static struct wire_view
start_of(struct wire_view bytes)
{
	if (bytes.len > RELAY_HEAD)
		bytes.len = RELAY_HEAD;
	return bytes;
}

/* [MS-RDPBCGR] 2.2.8.1.2 and 2.2.9.1.2: one or two bytes of length. */
static enum relay_peek
peek_fastpath(struct wire_in *in, size_t *len)
{
	size_t first = wire_u8(in);
	size_t head = first & 0x80 ? 3 : 2;

	*len = first & 0x80 ? (first & 0x7f) << 8 | wire_u8(in) : first;
	if (!wire_ok(in))
		return RELAY_MORE;
	return *len < head ? RELAY_UNFRAMED : RELAY_PASS;
}

static enum relay_peek
peek_tpkt(struct wire_in *in, size_t *len)
{
	wire_skip(in, 1);
	*len = wire_u16_be(in);
	if (!wire_ok(in))
		return RELAY_MORE;
	return *len < TPKT_LEN + X224_DATA_LEN ? RELAY_UNFRAMED : RELAY_PASS;
}

enum relay_peek
relay_peek(const struct relay *r, enum relay_side from, struct wire_view head,
           size_t *len)
{
	struct wire_in in = wire_in_view(head);
	uint8_t first = wire_u8(&in);
	struct wire_view start = start_of(head);
	enum relay_peek peek;

	*len = 0;
	if (!wire_ok(&in))
		return RELAY_MORE;
	if ((first & FASTPATH_MASK) == 0)
		return peek_fastpath(&in, len);
	if (first != TPKT_VERSION)
		return RELAY_UNFRAMED;
	peek = peek_tpkt(&in, len);
	if (peek != RELAY_PASS)
		return peek;
	if (start.len > *len)
		start.len = *len;
	if (start.len < RELAY_HEAD && start.len < *len)
		return RELAY_MORE;
	return frame_kind(r, from, start) == FRAME_OTHER ? RELAY_PASS
	                                                 : RELAY_LOOK;
}

static enum relay_verdict
refuse(struct relay *r, const char *fault)
{
	r->fault = fault;
	return RELAY_REFUSE;
}

/* The one way in which a frame is changed: 32 bits for 32 bits. */
static void
edit_u32(struct wire_out *frame, size_t offset, uint32_t value)
{
	wire_set_u32(frame, offset, value);
}

/* Behind TPKT and X.224. */
static struct wire_in
mcs_part(const struct wire_out *frame)
{
	struct wire_in in = wire_in_view(wire_written(frame));

	wire_skip(&in, TPKT_LEN + X224_DATA_LEN);
	return in;
}

/*
 * An echo is set right only where the legs differ and the peer repeats what
 * it was told: what is wrong stays wrong, for the other side to judge.
 */
static void
edit_client(struct relay *r, struct wire_out *frame, size_t base,
            const struct gcc_client *client)
{
	const struct relay_negotiation *n = &r->negotiation;

	if (client->selected_offset != 0 &&
	    client->selected_protocol == n->client_selected)
		edit_u32(frame, base + client->selected_offset,
		         n->server_selected);
	if (client->multitransport_offset != 0)
		edit_u32(frame, base + client->multitransport_offset, 0);
	if (client->rdpdr_offset != 0)
		edit_u32(frame, base + client->rdpdr_offset,
		         client->rdpdr_options &
		             ~(GCC_OPTION_COMPRESS | GCC_OPTION_COMPRESS_RDP));
}

static enum relay_verdict
on_initial(struct relay *r, struct wire_out *frame)
{
	struct wire_in in = mcs_part(frame);
	struct share_text name = {true, {NULL, 0}};
	struct mcs_connect connect;
	const char *fault;
	size_t base;

	if (r->initial_seen)
		return refuse(r, "MCS: a second Connect Initial");
	wire_skip(&in, 2); /* tag */
	base = frame->len - in.left;
	fault = mcs_connect_initial_decode(&in, &connect);
	if (fault == NULL)
		fault = gcc_client_decode(connect.user_data, &r->client);
	if (fault != NULL)
		return refuse(r, fault);
	r->initial_seen = true;
	name.bytes = r->client.client_name;
	(void)share_text_utf8(&name, r->facts.client_name, RELAY_TEXT_MAX);
	r->facts.show_protocol =
	    r->client.rdpdr_offset != 0 &&
	    r->client.rdpdr_options & GCC_OPTION_SHOW_PROTOCOL;
	edit_client(r, frame, base + connect.user_data_offset, &r->client);
	return RELAY_FORWARD;
}

/* The id is of this one channel, or 0. */
static bool
is_unique(const struct gcc_server *server, uint16_t id)
{
	unsigned same = 0;

	for (uint32_t i = 0; i < server->channel_count; i++)
		same += server->channels[i] == id;
	return id == 0 || (same == 1 && id != server->io_channel &&
	                   id != server->message_channel);
}

/* The ids of rdpdr and drdynvc, which nothing else may have. */
static const char *
learn_channels(struct relay *r, const struct gcc_server *server)
{
	uint16_t rdpdr = 0;
	uint16_t drdynvc = 0;

	if (server->channel_count > r->client.channel_count)
		return "GCC: SC_NET has more channels than CS_NET";
	if (r->client.rdpdr_offset != 0 &&
	    r->client.rdpdr_index < server->channel_count)
		rdpdr = server->channels[r->client.rdpdr_index];
	if (r->client.has_drdynvc &&
	    r->client.drdynvc_index < server->channel_count)
		drdynvc = server->channels[r->client.drdynvc_index];
	if (!is_unique(server, rdpdr))
		return "GCC: SC_NET gives rdpdr's id twice";
	if (!is_unique(server, drdynvc))
		return "GCC: SC_NET gives drdynvc's id twice";
	r->facts.io_channel = server->io_channel;
	r->facts.message_channel = server->message_channel;
	r->facts.rdpdr_channel = rdpdr;
	r->facts.drdynvc_channel = drdynvc;
	return NULL;
}

static void
edit_server(struct relay *r, struct wire_out *frame, size_t base,
            const struct gcc_server *server)
{
	const struct relay_negotiation *n = &r->negotiation;

	if (server->requested_offset != 0 &&
	    server->requested_protocols == n->server_requested)
		edit_u32(frame, base + server->requested_offset,
		         n->client_requested);
	if (server->multitransport_offset != 0)
		edit_u32(frame, base + server->multitransport_offset, 0);
}

static enum relay_verdict
on_response(struct relay *r, struct wire_out *frame)
{
	struct wire_in in = mcs_part(frame);
	struct mcs_connect connect;
	struct gcc_server server;
	const char *fault;
	size_t base;

	if (!r->initial_seen)
		return refuse(r, "MCS: Connect Response before Initial");
	if (r->response_seen)
		return refuse(r, "MCS: a second Connect Response");
	wire_skip(&in, 2); /* tag */
	base = frame->len - in.left;
	fault = mcs_connect_response_decode(&in, &connect);
	if (fault == NULL && connect.result != 0)
		return RELAY_FORWARD; /* the server refuses: the client's news
		                       */
	if (fault == NULL)
		fault = gcc_server_decode(connect.user_data, &server);
	if (fault == NULL)
		fault = learn_channels(r, &server);
	if (fault != NULL)
		return refuse(r, fault);
	r->response_seen = true;
	edit_server(r, frame, base + connect.user_data_offset, &server);
	return RELAY_FORWARD;
}

static enum relay_verdict
on_attach(struct relay *r, struct wire_out *frame)
{
	struct wire_in in = mcs_part(frame);
	const char *fault;

	wire_skip(&in, 1); /* choice */
	fault = mcs_attach_confirm_decode(&in, &r->facts.user_channel);
	return fault == NULL ? RELAY_FORWARD : refuse(r, fault);
}

/* A cursor over the user data of a frame, and the offset at which it ends. */
struct user_data {
	struct wire_in in;
	size_t end;
};

static bool
take_data(const struct wire_out *frame, struct user_data *data)
{
	struct wire_in in = mcs_part(frame);
	struct mcs_head mcs;

	if (!mcs_head_decode(&in, &mcs))
		return false;
	data->in = wire_sub(&in, mcs.len);
	data->end = frame->len - in.left;
	return wire_ok(&in);
}

/*
 * A chunk ends where its frame ends: the policy must see all of it, whatever
 * a receiver makes of two lengths that differ.
 */
static enum relay_verdict
on_chunk(struct relay *r, enum frame_kind kind, struct wire_out *frame,
         struct relay_chunk *chunk)
{
	struct user_data data;

	if (!take_data(frame, &data) || data.end != frame->len)
		return refuse(r, "MCS: user data length of an rdpdr frame");
	chunk->total = wire_u32(&data.in);
	chunk->flags = wire_u32(&data.in);
	chunk->data = wire_rest(&data.in);
	chunk->dynamic = kind == FRAME_DYNAMIC;
	if (!wire_ok(&data.in))
		return refuse(r, "rdpdr: channel header");
	return RELAY_CHUNK;
}

/* A text that is too long is refused: half a user name is another user's. */
static enum relay_verdict
on_info(struct relay *r, struct wire_out *frame)
{
	struct share_info info;
	struct user_data data;
	struct wire_view view;
	const char *fault;

	if (!take_data(frame, &data))
		return refuse(r, "MCS: user data length before Client Info");
	view = wire_rest(&data.in);
	if (!share_is_info(view))
		return RELAY_FORWARD;
	fault = share_info_decode(view, &info);
	if (fault != NULL)
		return refuse(r, fault);
	if (!share_text_utf8(&info.user, r->facts.user, RELAY_TEXT_MAX))
		return refuse(r,
		              "Client Info: user name is too long or no text");
	if (!share_text_utf8(&info.domain, r->facts.domain, RELAY_TEXT_MAX))
		return refuse(r, "Client Info: domain is too long or no text");
	if (!share_text_utf8(&info.client_address, r->facts.client_address,
	                     RELAY_TEXT_MAX))
		return refuse(r, "Client Info: address is too long or no text");
	r->facts.info_seen = true;
	return RELAY_FORWARD;
}

/* 1600 where the server states none, or one that is not allowed. */
static void
learn_chunk_size(struct relay *r, uint32_t size)
{
	bool allowed = size >= CHUNK_SIZE_MIN && size <= CHUNK_SIZE_MAX;

	r->facts.chunk_size = allowed ? size : CHUNK_SIZE_MIN;
}

/*
 * Compression of static channels would need the history that other PDUs
 * share, so neither side may learn that the other can do it.
 */
static const char *
on_active(struct relay *r, enum relay_side from, struct wire_out *frame,
          size_t base, struct wire_view pdu)
{
	bool server = from == RELAY_SERVER;
	struct share_vc vc;
	const char *fault = server ? share_demand_decode(pdu, &vc)
	                           : share_confirm_decode(pdu, &vc);

	if (fault != NULL)
		return fault;
	if (server)
		learn_chunk_size(r, vc.chunk_size);
	if (vc.flags_offset != 0)
		edit_u32(frame, base + vc.flags_offset,
		         vc.flags & ~(server ? SHARE_VC_COMPRESSED_FROM_CLIENT
		                             : SHARE_VC_COMPRESSED_TO_CLIENT));
	return NULL;
}

static enum relay_verdict
on_share(struct relay *r, enum relay_side from, struct wire_out *frame)
{
	bool server = from == RELAY_SERVER;
	uint8_t active = server ? SHARE_DEMAND_ACTIVE : SHARE_CONFIRM_ACTIVE;
	struct share_head head;
	struct user_data data;
	struct wire_in all;
	struct wire_view pdu;
	const char *fault = NULL;

	if (!take_data(frame, &data))
		return refuse(r, "MCS: user data length of a share PDU");
	all = data.in;
	if (share_is_license(wire_rest(&all)))
		return RELAY_FORWARD;
	while (fault == NULL && share_next(&data.in, &head, &pdu)) {
		size_t base = data.end - data.in.left - pdu.len;

		if (head.type == active)
			fault = on_active(r, from, frame, base, pdu);
		if (server && head.data_type == SHARE_DATA_FONT_MAP)
			r->facts.activated = true;
	}
	return fault == NULL ? RELAY_FORWARD : refuse(r, fault);
}

/* Is this one TPKT, of exactly these bytes? */
static bool
is_whole(struct wire_view frame)
{
	struct wire_in in = wire_in_view(frame);
	size_t len;

	return wire_u8(&in) == TPKT_VERSION &&
	       peek_tpkt(&in, &len) == RELAY_PASS && len == frame.len;
}

enum relay_verdict
relay_frame(struct relay *r, enum relay_side from, uint8_t *bytes, size_t len,
            struct relay_chunk *chunk)
{
	struct wire_out frame = {bytes, len, len, WIRE_OK};
	struct wire_view view = wire_written(&frame);
	enum frame_kind kind;

	if (!is_whole(view))
		return refuse(r, "TPKT: length of a frame");
	kind = frame_kind(r, from, start_of(view));
	switch (kind) {
	case FRAME_OTHER:
		break;
	case FRAME_BROKEN:
		return refuse(r, "MCS: head of a PDU");
	case FRAME_NOT_DATA:
		return refuse(r, "X.224: not a whole data TPDU");
	case FRAME_INITIAL:
		return on_initial(r, &frame);
	case FRAME_RESPONSE:
		return on_response(r, &frame);
	case FRAME_ATTACH:
		return on_attach(r, &frame);
	case FRAME_CHUNK:
	case FRAME_DYNAMIC:
		return on_chunk(r, kind, &frame, chunk);
	case FRAME_INFO:
		return on_info(r, &frame);
	case FRAME_SHARE:
		return on_share(r, from, &frame);
	}
	return RELAY_FORWARD;
}

static void
put_frame_head(struct wire_out *out, size_t mcs_len)
{
	wire_put_u8(out, TPKT_VERSION);
	wire_put_u8(out, 0);
	wire_put_u16_be(out, (uint16_t)(TPKT_LEN + X224_DATA_LEN + mcs_len));
	wire_put_u8(out, X224_DATA_LEN - 1);
	wire_put_u8(out, X224_DATA);
	wire_put_u8(out, X224_LAST);
}

/* How many bytes a data PDU has in front of so much user data. */
static size_t
data_head(size_t len)
{
	return len < 0x80 ? MCS_DATA_HEAD - 1 : MCS_DATA_HEAD;
}

void
relay_wrap(const struct relay *r, enum relay_side to,
           const struct relay_chunk *chunk, struct wire_out *out)
{
	size_t len = CHANNEL_HEAD + chunk->data.len;
	bool client = to == RELAY_CLIENT;

	put_frame_head(out, data_head(len) + len);
	mcs_data_encode(out, client ? MCS_DATA_INDICATION : MCS_DATA_REQUEST,
	                client ? MCS_SERVER_CHANNEL : r->facts.user_channel,
	                chunk->dynamic ? r->facts.drdynvc_channel
	                               : r->facts.rdpdr_channel,
	                len);
	wire_put_u32(out, chunk->total);
	wire_put_u32(out, chunk->flags);
	wire_put_view(out, chunk->data);
}

void
relay_ultimatum(struct wire_out *out)
{
	put_frame_head(out, 2);
	mcs_ultimatum_encode(out);
}
