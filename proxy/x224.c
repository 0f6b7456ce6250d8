#include "x224.h"

/* RFC 1006 section 6, X.224 13.3 and 13.4, [MS-RDPBCGR] 2.2.1.1.1. */
enum {
	TPKT_VERSION = 3,
	TPKT_LEN = 4,
	FIXED_LEN =
	    6, /* what the length indicator counts without negotiation */
	CODE_REQUEST = 0xe0,
	CODE_CONFIRM = 0xd0,
	NEG_REQUEST = 1,
	NEG_RESPONSE = 2,
	NEG_FAILURE = 3,
	NEG_CORRELATION = 6,
	NEG_LEN = 8,
	CORRELATION_LEN = 36,
	CORRELATION_PRESENT = 0x08
};

/* [MS-RDPEPS] 2.2.1.1, 2.2.1.2. */
enum {
	PRECONNECTION_V1_LEN = 16,
	PRECONNECTION_V2_LEN = 18 /* and the string */
};

static size_t
within(size_t len, size_t min)
{
	return len < min || len > X224_REQUEST_MAX ? X224_NOT_RDP : len;
}

/*
 * The second byte of a TPKT is 0.  A preconnection blob that starts with 3, 0
 * would have a length above its limit, so the two cannot be mistaken.
 */
size_t
x224_message_len(struct wire_view data)
{
	struct wire_in in = wire_in_view(data);
	struct wire_in blob = in;

	if (data.len < 2)
		return 0;
	if (wire_u8(&in) == TPKT_VERSION && wire_u8(&in) == 0) {
		size_t len = wire_u16_be(&in);

		return wire_ok(&in) ? within(len, TPKT_LEN + 1 + FIXED_LEN) : 0;
	}
	if (data.len < 4)
		return 0;
	return within(wire_u32(&blob), PRECONNECTION_V1_LEN);
}

bool
x224_is_preconnection(struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	uint32_t len = wire_u32(&in);
	uint32_t version;
	size_t chars;

	wire_skip(&in, 4); /* flags: not used */
	version = wire_u32(&in);
	wire_skip(&in, 4); /* id */
	if (!wire_ok(&in) || len != message.len || len > X224_REQUEST_MAX)
		return false;
	if (version == 1)
		return true;
	chars = wire_u16(&in);
	return version == 2 && wire_ok(&in) && in.left >= 2 * chars;
}

/*
 * TPKT and the fixed part of a connection TPDU; returns a cursor over what
 * follows it.  Both lengths must be those of the message.
 */
static struct wire_in
connection_head(struct wire_in *in, uint8_t code)
{
	size_t whole = in->left;

	if (wire_u8(in) != TPKT_VERSION)
		wire_fail(in, WIRE_VALUE);
	wire_skip(in, 1);
	if (wire_u16_be(in) != whole)
		wire_fail(in, WIRE_VALUE);
	if (wire_u8(in) != in->left)
		wire_fail(in, WIRE_VALUE);
	if ((wire_u8(in) & 0xf0) != code)
		wire_fail(in, WIRE_VALUE);
	wire_skip(in, 5); /* references and class */
	return wire_sub(in, in->left);
}

/* The bytes up to CR LF; false when there is none. */
static bool
take_line(struct wire_in *in, struct wire_view *line)
{
	struct wire_in scan = *in;
	uint8_t last = 0;

	while (scan.left > 0) {
		uint8_t byte = wire_u8(&scan);

		if (last == '\r' && byte == '\n') {
			*line = wire_bytes(in, in->left - scan.left - 2);
			wire_skip(in, 2);
			return true;
		}
		last = byte;
	}
	return false;
}

static struct wire_view
mstshash_user(struct wire_view line)
{
	static const char prefix[] = "Cookie: mstshash=";
	struct wire_in in = wire_in_view(line);
	struct wire_view start = wire_bytes(&in, sizeof(prefix) - 1);
	struct wire_view none = {NULL, 0};

	if (!wire_view_equal(start, wire_view_text(prefix)))
		return none;
	return wire_rest(&in);
}

/* A negotiation starts with its type and no text does, so 1 is no token. */
static void
decode_token(struct wire_in *body, struct x224_request *request)
{
	struct wire_in peek = *body;

	if (body->left == 0 || wire_u8(&peek) == NEG_REQUEST)
		return;
	if (!take_line(body, &request->token))
		wire_fail(body, WIRE_VALUE);
	if (request->token.len > X224_COOKIE_MAX)
		wire_fail(body, WIRE_LIMIT);
	request->user = mstshash_user(request->token);
}

/* mstsc adds 36 bytes of correlation info, which are checked and let be. */
static void
decode_negotiation(struct wire_in *body, struct x224_request *request)
{
	if (wire_u8(body) != NEG_REQUEST)
		wire_fail(body, WIRE_VALUE);
	request->flags = wire_u8(body);
	if (wire_u16(body) != NEG_LEN)
		wire_fail(body, WIRE_VALUE);
	request->protocols = wire_u32(body);
	request->negotiates = wire_ok(body);
	if (!(request->flags & CORRELATION_PRESENT))
		return;
	if (wire_u8(body) != NEG_CORRELATION)
		wire_fail(body, WIRE_VALUE);
	wire_skip(body, 1);
	if (wire_u16(body) != CORRELATION_LEN)
		wire_fail(body, WIRE_VALUE);
	wire_skip(body, CORRELATION_LEN - 4);
}

bool
x224_request_decode(struct wire_in *in, struct x224_request *request)
{
	static const struct x224_request empty;
	size_t whole = in->left;
	struct wire_in body = connection_head(in, CODE_REQUEST);

	*request = empty;
	decode_token(&body, request);
	if (wire_ok(&body) && body.left > 0) {
		request->protocols_offset = whole - body.left + 4;
		decode_negotiation(&body, request);
	}
	wire_fail(in, body.fault);
	return wire_ok(in);
}

bool
x224_confirm_decode(struct wire_in *in, struct x224_confirm *confirm)
{
	static const struct x224_confirm plain;
	struct wire_in body = connection_head(in, CODE_CONFIRM);
	uint8_t type;

	*confirm = plain;
	if (!wire_ok(&body) || body.left == 0) {
		wire_fail(in, body.fault);
		return wire_ok(in);
	}
	type = wire_u8(&body);
	if (type != NEG_RESPONSE && type != NEG_FAILURE)
		wire_fail(&body, WIRE_VALUE);
	confirm->kind = type == NEG_RESPONSE ? X224_RESPONSE : X224_FAILURE;
	confirm->flags = wire_u8(&body);
	if (wire_u16(&body) != NEG_LEN)
		wire_fail(&body, WIRE_VALUE);
	confirm->value = wire_u32(&body);
	wire_fail(in, body.fault);
	return wire_ok(in);
}

void
x224_confirm_encode(struct wire_out *out, const struct x224_confirm *confirm)
{
	bool plain = confirm->kind == X224_PLAIN;
	uint8_t len = plain ? FIXED_LEN : FIXED_LEN + NEG_LEN;

	wire_put_u8(out, TPKT_VERSION);
	wire_put_u8(out, 0);
	wire_put_u16_be(out, (uint16_t)(TPKT_LEN + 1 + len));
	wire_put_u8(out, len);
	wire_put_u8(out, CODE_CONFIRM);
	wire_put_zeros(out, 5);
	if (plain)
		return;
	wire_put_u8(out, confirm->kind == X224_RESPONSE ? NEG_RESPONSE
	                                                : NEG_FAILURE);
	wire_put_u8(out, confirm->flags);
	wire_put_u16(out, NEG_LEN);
	wire_put_u32(out, confirm->value);
}

const char *
x224_failure_name(uint32_t code)
{
	static const char *const names[] = {
	    [X224_SSL_REQUIRED] = "SSL_REQUIRED_BY_SERVER",
	    [X224_SSL_NOT_ALLOWED] = "SSL_NOT_ALLOWED_BY_SERVER",
	    [X224_SSL_CERT_NOT_ON_SERVER] = "SSL_CERT_NOT_ON_SERVER",
	    [X224_INCONSISTENT_FLAGS] = "INCONSISTENT_FLAGS",
	    [X224_HYBRID_REQUIRED] = "HYBRID_REQUIRED_BY_SERVER",
	    [X224_SSL_WITH_USER_AUTH_REQUIRED] =
		"SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER",
	};

	if (code >= sizeof(names) / sizeof(names[0]) || names[code] == NULL)
		return "unknown";
	return names[code];
}
