#include "relay_inside.h"

#include "logoninfo.h"
#include "share.h"

enum { CHUNK_SIZE_MAX = 16256 };

/*
 * Frames with Demand or Confirm Active in them, until then those with a Font
 * Map, and those that tell who logged on or why the connection ends.  Several
 * share PDUs may stand in one frame: then look at them all.
 */
bool
relay_share_matters(const struct relay *r, enum relay_side from,
                    struct wire_in in, size_t len)
{
	struct share_head head;

	if (!share_head_decode(&in, &head) || head.len != len)
		return true;
	if (from == RELAY_CLIENT)
		return head.type == SHARE_CONFIRM_ACTIVE;
	switch (head.data_type) {
	case SHARE_DATA_SAVE_SESSION_INFO:
	case SHARE_DATA_SET_ERROR_INFO:
		return r->news != NULL;
	case SHARE_DATA_FONT_MAP:
		return !r->facts.activated;
	default: /* most of the codes of pduType2 are none of ours */
		return head.type == SHARE_DEMAND_ACTIVE;
	}
}

/*
 * A text that is too long is refused: half a user name is another user's.  The
 * compressor's one history runs through all share data and all of the desktop's
 * pictures: who wants to read one PDU would have to inflate every byte.  So the
 * client offers none where a PDU is to be read.
 */
enum relay_verdict
relay_on_info(struct relay *r, struct wire_out *frame)
{
	struct share_info info;
	struct relay_data data;
	struct wire_view view;
	const char *fault;
	size_t base;

	if (!relay_take_data(frame, &data))
		return relay_refuse(r,
		                    "MCS: user data length before Client Info");
	view = wire_rest(&data.in);
	if (!share_is_info(view))
		return RELAY_FORWARD;
	fault = share_info_decode(view, &info);
	if (fault != NULL)
		return relay_refuse(r, fault);
	if (!share_text_utf8(&info.user, r->facts.user, RELAY_TEXT_MAX))
		return relay_refuse(
		    r, "Client Info: user name is too long or no text");
	if (!share_text_utf8(&info.domain, r->facts.domain, RELAY_TEXT_MAX))
		return relay_refuse(
		    r, "Client Info: domain is too long or no text");
	if (!share_text_utf8(&info.client_address, r->facts.client_address,
	                     RELAY_TEXT_MAX))
		return relay_refuse(
		    r, "Client Info: address is too long or no text");
	r->facts.info_seen = true;
	base = data.end - view.len;
	if (r->plain)
		relay_edit_u32(frame, base + info.flags_offset,
		               info.flags & ~(SHARE_INFO_COMPRESSION |
		                              SHARE_INFO_COMPRESSION_TYPE));
	if (r->news != NULL)
		r->news->on_credentials(r->arg, &info);
	return RELAY_FORWARD;
}

/* 1600 where the server states none, or one that is not allowed. */
static void
learn_chunk_size(struct relay *r, uint32_t size)
{
	bool allowed = size >= RELAY_CHUNK_SIZE_MIN && size <= CHUNK_SIZE_MAX;

	r->facts.chunk_size = allowed ? size : RELAY_CHUNK_SIZE_MIN;
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
		relay_edit_u32(frame, base + vc.flags_offset,
		               vc.flags &
		                   ~(server ? SHARE_VC_COMPRESSED_FROM_CLIENT
		                            : SHARE_VC_COMPRESSED_TO_CLIENT));
	return NULL;
}

/*
 * Only told, never judged: what a server says of its log-on passes in any form,
 * as does all that is not ours.
 */
static void
tell_logon(const struct relay *r, struct wire_in *body)
{
	struct logoninfo info;
	const char *fault = logoninfo_decode(body, &info);

	if (fault == NULL)
		r->news->on_logon(r->arg, &info);
	else
		r->news->on_unread(r->arg, fault);
}

static void
tell_error(const struct relay *r, struct wire_in *body)
{
	uint32_t code;

	if (logoninfo_error_decode(body, &code))
		r->news->on_error_info(r->arg, code);
	else
		r->news->on_unread(r->arg, "Set Error Info: code");
}

static void
on_news(const struct relay *r, uint8_t data_type, struct wire_view pdu)
{
	bool logon = data_type == SHARE_DATA_SAVE_SESSION_INFO;
	struct wire_in body;

	switch (share_body_decode(pdu, &body)) {
	case SHARE_BODY_NONE:
		r->news->on_unread(r->arg, "share data header");
		return;
	case SHARE_BODY_COMPRESSED:
		r->news->on_unread(r->arg, logon
		                               ? "Save Session Info: compressed"
		                               : "Set Error Info: compressed");
		return;
	case SHARE_BODY_PLAIN:
		break;
	}
	if (logon)
		tell_logon(r, &body);
	else
		tell_error(r, &body);
}

static void
on_server_data(struct relay *r, uint8_t data_type, struct wire_view pdu)
{
	if (data_type == SHARE_DATA_FONT_MAP)
		r->facts.activated = true;
	if (r->news != NULL && (data_type == SHARE_DATA_SAVE_SESSION_INFO ||
	                        data_type == SHARE_DATA_SET_ERROR_INFO))
		on_news(r, data_type, pdu);
}

enum relay_verdict
relay_on_share(struct relay *r, enum relay_side from, struct wire_out *frame)
{
	bool server = from == RELAY_SERVER;
	uint8_t active = server ? SHARE_DEMAND_ACTIVE : SHARE_CONFIRM_ACTIVE;
	struct share_head head;
	struct relay_data data;
	struct wire_in all;
	struct wire_view pdu;
	const char *fault = NULL;

	if (!relay_take_data(frame, &data))
		return relay_refuse(r, "MCS: user data length of a share PDU");
	all = data.in;
	if (share_is_license(wire_rest(&all)))
		return RELAY_FORWARD;
	while (fault == NULL && share_next(&data.in, &head, &pdu)) {
		size_t base = data.end - data.in.left - pdu.len;

		if (head.type == active)
			fault = on_active(r, from, frame, base, pdu);
		else if (server)
			on_server_data(r, head.data_type, pdu);
	}
	return fault == NULL ? RELAY_FORWARD : relay_refuse(r, fault);
}
