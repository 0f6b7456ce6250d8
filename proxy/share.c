#include "share.h"

#include "utf16.h"

/* [MS-RDPBCGR] 2.2.8.1.1.2.1, 2.2.1.11.1.1. */
enum {
	SEC_ENCRYPT = 0x0008,
	SEC_INFO_PKT = 0x0040,
	SEC_LICENSE_PKT = 0x0080,
	INFO_UNICODE = 0x10
};

enum {
	TYPE_MASK = 0x0f,     /* of pduType; the rest is a version */
	FLOW_MARKER = 0x8000, /* in place of totalLength, T.128 8.3 */
	FLOW_LEN = 8,
	PACKET_COMPRESSED = 0x20, /* of compressedType, 2.2.8.1.1.1.2 */
	HEAD_MIN = 4, /* old Windows leaves pduSource out of Deactivate All */
	CAPABILITY_VC = 0x14,
	CAPABILITY_HEAD = 4
};

bool
share_is_info(struct wire_view data)
{
	struct wire_in in = wire_in_view(data);

	return wire_u16(&in) & SEC_INFO_PKT;
}

bool
share_is_license(struct wire_view data)
{
	struct wire_in in = wire_in_view(data);
	uint16_t flags = wire_u16(&in);
	size_t len;

	wire_skip(&in, 2); /* flagsHi */
	len = in.left;
	wire_skip(&in, 2); /* bMsgType, flags */
	return (flags & SEC_LICENSE_PKT) && wire_u16(&in) == len &&
	       wire_ok(&in);
}

/* The bytes in front of the first zero. */
static struct wire_view
before_zero(const struct share_text *text)
{
	struct wire_in scan = wire_in_view(text->bytes);
	size_t unit = text->unicode ? 2 : 1;
	struct wire_view view = text->bytes;

	view.len -= view.len % unit;
	for (size_t at = 0; at < view.len; at += unit)
		if ((unit == 2 ? wire_u16(&scan) : wire_u8(&scan)) == 0)
			view.len = at;
	return view;
}

bool
share_text_utf8(const struct share_text *text, char *out, size_t size)
{
	struct wire_view view = before_zero(text);
	struct wire_in in = wire_in_view(view);
	struct wire_out to = wire_out(out, size);

	if (text->unicode)
		(void)utf16_to_utf8(&in, &to);
	else
		(void)utf16_bytes_to_utf8(view, &to);
	wire_put_u8(&to, 0);
	if (wire_ok(&in) && wire_out_ok(&to))
		return true;
	out[0] = '\0';
	return false;
}

static struct share_text
take_text(struct wire_in *in, bool unicode, size_t len)
{
	struct share_text text = {unicode, {NULL, 0}};

	if (len > SHARE_TEXT_MAX)
		wire_fail(in, WIRE_LIMIT);
	text.bytes = wire_bytes(in, len);
	return text;
}

/* TS_EXTENDED_INFO_PACKET: the address is always UTF-16. */
static const char *
take_address(struct wire_in *in, struct share_info *info)
{
	if (in->left == 0)
		return NULL;
	wire_skip(in, 2); /* clientAddressFamily */
	info->client_address = take_text(in, true, wire_u16(in));
	return wire_ok(in) ? NULL : "Client Info: client address";
}

const char *
share_info_decode(struct wire_view data, struct share_info *info)
{
	static const struct share_info empty;
	struct wire_in in = wire_in_view(data);
	uint16_t security = wire_u16(&in);
	size_t domain, user, password, shell, dir, end;
	uint32_t flags;

	*info = empty;
	wire_skip(&in, 2 + 4); /* flagsHi, CodePage */
	info->flags_offset = data.len - in.left;
	flags = wire_u32(&in);
	info->flags = flags;
	domain = wire_u16(&in);
	user = wire_u16(&in);
	password = wire_u16(&in);
	shell = wire_u16(&in);
	dir = wire_u16(&in);
	if (!wire_ok(&in))
		return "Client Info: the fixed fields";
	if (security & SEC_ENCRYPT)
		return "Client Info: encrypted inside TLS";
	end = flags & INFO_UNICODE ? 2 : 1; /* terminators are not counted */
	info->domain = take_text(&in, flags & INFO_UNICODE, domain);
	wire_skip(&in, end);
	if (!wire_ok(&in))
		return "Client Info: domain";
	info->user = take_text(&in, flags & INFO_UNICODE, user);
	wire_skip(&in, end);
	if (!wire_ok(&in))
		return "Client Info: user name";
	info->password.unicode = flags & INFO_UNICODE;
	info->password.bytes = wire_bytes(&in, password);
	wire_skip(&in, end);
	wire_skip(&in, shell + end);
	wire_skip(&in, dir + end);
	if (!wire_ok(&in))
		return "Client Info: password, shell or working directory";
	return take_address(&in, info);
}

bool
share_head_decode(struct wire_in *in, struct share_head *head)
{
	static const struct share_head empty;

	*head = empty;
	head->len = wire_u16(in);
	if (head->len == FLOW_MARKER) {
		head->len = FLOW_LEN;
		return wire_ok(in);
	}
	head->type = wire_u16(in) & TYPE_MASK;
	if (!wire_ok(in) || head->type != SHARE_DATA)
		return wire_ok(in);
	/* pduSource, shareId, pad1, streamId, uncompressedLength */
	wire_skip(in, 2 + 4 + 1 + 1 + 2);
	head->data_type = wire_u8(in);
	return wire_ok(in);
}

bool
share_next(struct wire_in *in, struct share_head *head, struct wire_view *pdu)
{
	struct wire_in peek = *in;

	if (!share_head_decode(&peek, head) || head->len < HEAD_MIN)
		return false;
	*pdu = wire_bytes(in, head->len);
	return wire_ok(in);
}

enum share_body
share_body_decode(struct wire_view pdu, struct wire_in *body)
{
	struct wire_in in = wire_in_view(pdu);
	uint8_t type;

	wire_skip(&in, SHARE_HEAD);
	type = wire_u8(&in);
	wire_skip(&in, 2); /* compressedLength */
	*body = in;
	if (!wire_ok(&in))
		return SHARE_BODY_NONE;
	return type & PACKET_COMPRESSED ? SHARE_BODY_COMPRESSED
	                                : SHARE_BODY_PLAIN;
}

/* 2.2.7.1.10; VCChunkSize is optional. */
static const char *
take_vc_set(struct wire_in *set, size_t end, struct share_vc *vc)
{
	if (vc->flags_offset != 0)
		return "capabilities: two virtual channel sets";
	vc->flags_offset = end - set->left;
	vc->flags = wire_u32(set);
	if (!wire_ok(set))
		return "capabilities: flags of the virtual channel set";
	if (set->left >= 4)
		vc->chunk_size = wire_u32(set);
	return NULL;
}

/* The next set; false where there is none. */
static bool
next_set(struct wire_in *sets, uint16_t *type, struct wire_in *set)
{
	size_t len;

	*type = wire_u16(sets);
	len = wire_u16(sets);
	if (len < CAPABILITY_HEAD)
		wire_fail(sets, WIRE_VALUE);
	*set = wire_sub(sets, len - CAPABILITY_HEAD);
	return wire_ok(sets);
}

/*
 * The sets, as far as their combined length goes: rdesktop states a number of
 * them which is not the number it sends.  What follows the stated number need
 * not be a set (servers count other fields in).  end is where they end.
 */
static const char *
take_sets(struct wire_in *sets, size_t count, size_t end, struct share_vc *vc)
{
	const char *fault = NULL;
	struct wire_in set;
	uint16_t type;

	for (size_t i = 0; sets->left >= CAPABILITY_HEAD; i++) {
		if (!next_set(sets, &type, &set))
			return i < count ? "capabilities: length of a set"
			                 : NULL;
		if (type == CAPABILITY_VC)
			fault = take_vc_set(&set, end - sets->left, vc);
		if (fault != NULL)
			return fault;
	}
	return NULL;
}

/* What Demand Active and Confirm Active share, from the two lengths on. */
static const char *
take_capabilities(struct wire_in *in, size_t whole, struct share_vc *vc)
{
	static const struct share_vc empty;
	size_t descriptor = wire_u16(in);
	size_t combined = wire_u16(in);
	struct wire_in sets;
	size_t count;

	*vc = empty;
	wire_skip(in, descriptor);
	if (!wire_ok(in))
		return "capabilities: source descriptor";
	sets = wire_sub(in, combined);
	count = wire_u16(&sets);
	wire_skip(&sets, 2); /* pad2Octets */
	if (!wire_ok(in) || !wire_ok(&sets))
		return "capabilities: combined length";
	return take_sets(&sets, count, whole - in->left, vc);
}

const char *
share_demand_decode(struct wire_view pdu, struct share_vc *vc)
{
	struct wire_in in = wire_in_view(pdu);

	wire_skip(&in, 6 + 4); /* share control header, shareId */
	return take_capabilities(&in, pdu.len, vc);
}

const char *
share_confirm_decode(struct wire_view pdu, struct share_vc *vc)
{
	struct wire_in in = wire_in_view(pdu);

	wire_skip(&in, 6 + 4 + 2); /* the same, originatorId */
	return take_capabilities(&in, pdu.len, vc);
}
