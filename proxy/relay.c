#include "relay_inside.h"

#include <stdlib.h>

/* X.224 13.7, [MS-RDPBCGR] 2.2.9.1.2. */
enum {
	TPKT_VERSION = 3,
	X224_DATA = 0xf0,
	X224_DISCONNECT = 0x80,
	X224_ERROR = 0x70,
	X224_LAST = 0x80,
	FASTPATH_MASK = 3,
	CHANNEL_HEAD = 8
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
	FRAME_SHARE,
	FRAME_ULTIMATUM
};

struct relay *
relay_new(const struct relay_negotiation *negotiation)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->negotiation = *negotiation;
	r->facts.chunk_size = RELAY_CHUNK_SIZE_MIN;
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

void
relay_tell(struct relay *r, const struct relay_news *news, void *arg)
{
	r->news = news;
	r->arg = arg;
}

void
relay_want_plain_share(struct relay *r)
{
	r->plain = true;
}

const char *
relay_fault(const struct relay *r)
{
	return r->fault == NULL ? "none" : r->fault;
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
	return relay_share_matters(r, from, in, mcs->len) ? FRAME_SHARE
	                                                  : FRAME_OTHER;
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
	case MCS_ULTIMATUM:
		return FRAME_ULTIMATUM;
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

	wire_skip(&in, RELAY_TPKT_LEN);
	indicator = wire_u8(&in);
	code = wire_u8(&in);
	if (code == X224_DISCONNECT || code == X224_ERROR)
		return FRAME_OTHER;
	last = wire_u8(&in);
	if (indicator != RELAY_X224_LEN - 1 || code != X224_DATA ||
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
	return *len < RELAY_TPKT_LEN + RELAY_X224_LEN ? RELAY_UNFRAMED
	                                              : RELAY_PASS;
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

enum relay_verdict
relay_refuse(struct relay *r, const char *fault)
{
	r->fault = fault;
	return RELAY_REFUSE;
}

void
relay_edit_u32(struct wire_out *frame, size_t offset, uint32_t value)
{
	wire_set_u32(frame, offset, value);
}

struct wire_in
relay_mcs_part(const struct wire_out *frame)
{
	struct wire_in in = wire_in_view(wire_written(frame));

	wire_skip(&in, RELAY_TPKT_LEN + RELAY_X224_LEN);
	return in;
}

bool
relay_take_data(const struct wire_out *frame, struct relay_data *data)
{
	struct wire_in in = relay_mcs_part(frame);
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
	struct relay_data data;

	if (!relay_take_data(frame, &data) || data.end != frame->len)
		return relay_refuse(r,
		                    "MCS: user data length of an rdpdr frame");
	chunk->total = wire_u32(&data.in);
	chunk->flags = wire_u32(&data.in);
	chunk->data = wire_rest(&data.in);
	chunk->dynamic = kind == FRAME_DYNAMIC;
	if (!wire_ok(&data.in))
		return relay_refuse(r, "rdpdr: channel header");
	return RELAY_CHUNK;
}

/* The side that says it ends the connection; the reason is its own. */
static void
on_ultimatum(struct relay *r, enum relay_side from,
             const struct wire_out *frame)
{
	struct wire_in in = relay_mcs_part(frame);
	enum mcs_reason reason;

	if (mcs_ultimatum_decode(&in, &reason) && r->news != NULL)
		r->news->on_ultimatum(r->arg, from, reason);
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
		return relay_refuse(r, "TPKT: length of a frame");
	kind = frame_kind(r, from, start_of(view));
	switch (kind) {
	case FRAME_OTHER:
		break;
	case FRAME_BROKEN:
		return relay_refuse(r, "MCS: head of a PDU");
	case FRAME_NOT_DATA:
		return relay_refuse(r, "X.224: not a whole data TPDU");
	case FRAME_INITIAL:
		return relay_on_initial(r, &frame);
	case FRAME_RESPONSE:
		return relay_on_response(r, &frame);
	case FRAME_ATTACH:
		return relay_on_attach(r, &frame);
	case FRAME_CHUNK:
	case FRAME_DYNAMIC:
		return on_chunk(r, kind, &frame, chunk);
	case FRAME_INFO:
		return relay_on_info(r, &frame);
	case FRAME_SHARE:
		return relay_on_share(r, from, &frame);
	case FRAME_ULTIMATUM:
		on_ultimatum(r, from, &frame);
		break;
	}
	return RELAY_FORWARD;
}

static void
put_frame_head(struct wire_out *out, size_t mcs_len)
{
	wire_put_u8(out, TPKT_VERSION);
	wire_put_u8(out, 0);
	wire_put_u16_be(out,
	                (uint16_t)(RELAY_TPKT_LEN + RELAY_X224_LEN + mcs_len));
	wire_put_u8(out, RELAY_X224_LEN - 1);
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
relay_ultimatum(struct wire_out *out, enum mcs_reason reason)
{
	put_frame_head(out, 2);
	mcs_ultimatum_encode(out, reason);
}
