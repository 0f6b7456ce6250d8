#include "logoninfo.h"

enum {
	V1_DOMAIN = 52, /* bytes of the fixed fields, 2.2.10.1.1.1 */
	V1_USER = 512,
	V2_VERSION = 1,
	V2_PAD = 558,
	EX_COOKIE = 1, /* FieldsPresent, 2.2.10.1.1.4 */
	EX_ERRORS = 2,
	COOKIE_LEN = 0x1c, /* 2.2.4.2 */
	COOKIE_VERSION = 1
};

/*
 * The first len bytes of a field, as a text.  A length that cuts a character or
 * leaves its field would name somebody else.
 */
static struct share_text
take_text(struct wire_in *field, uint32_t len)
{
	struct share_text text = {true, {NULL, 0}};

	if (len % 2 != 0)
		wire_fail(field, WIRE_VALUE);
	if (len > SHARE_TEXT_MAX)
		wire_fail(field, WIRE_LIMIT);
	text.bytes = wire_bytes(field, len);
	return text;
}

static const char *
take_v1(struct wire_in *in, struct logoninfo *info)
{
	uint32_t len = wire_u32(in);
	struct wire_in domain = wire_sub(in, V1_DOMAIN);
	struct wire_in user;

	info->domain = take_text(&domain, len);
	if (!wire_ok(in) || !wire_ok(&domain))
		return "Save Session Info: domain";
	len = wire_u32(in);
	user = wire_sub(in, V1_USER);
	info->user = take_text(&user, len);
	if (!wire_ok(in) || !wire_ok(&user))
		return "Save Session Info: user name";
	info->session_id = wire_u32(in);
	return wire_ok(in) ? NULL : "Save Session Info: session id";
}

/*
 * Size is not looked at: it is that of the fixed part with or without its
 * padding, which is there in either case.
 */
static const char *
take_v2(struct wire_in *in, struct logoninfo *info)
{
	uint16_t version = wire_u16(in);
	uint32_t domain, user;

	wire_skip(in, 4); /* Size */
	info->session_id = wire_u32(in);
	domain = wire_u32(in);
	user = wire_u32(in);
	wire_skip(in, V2_PAD);
	if (!wire_ok(in) || version != V2_VERSION)
		return "Save Session Info: the fixed fields";
	info->domain = take_text(in, domain);
	if (!wire_ok(in))
		return "Save Session Info: domain";
	info->user = take_text(in, user);
	return wire_ok(in) ? NULL : "Save Session Info: user name";
}

/* TS_LOGON_INFO_FIELD: its length, its bytes. */
static struct wire_in
take_field(struct wire_in *in)
{
	return wire_sub(in, wire_u32(in));
}

static bool
take_cookie(struct wire_in *in, struct logoninfo *info)
{
	struct wire_in field = take_field(in);
	uint32_t len = wire_u32(&field);
	uint32_t version = wire_u32(&field);

	info->logon_id = wire_u32(&field);
	info->has_cookie = wire_ok(in) && wire_ok(&field) &&
	                   len == COOKIE_LEN && version == COOKIE_VERSION;
	return info->has_cookie;
}

static bool
take_error(struct wire_in *in, struct logoninfo *info)
{
	struct wire_in field = take_field(in);

	info->error_type = wire_u32(&field);
	info->error_data = wire_u32(&field);
	info->has_error = wire_ok(in) && wire_ok(&field);
	return info->has_error;
}

/* Length covers the padding, or not: what is there is there. */
static const char *
take_extended(struct wire_in *in, struct logoninfo *info)
{
	uint32_t present;

	wire_skip(in, 2); /* Length */
	present = wire_u32(in);
	if (!wire_ok(in))
		return "Save Session Info: fields present";
	if (present & EX_COOKIE && !take_cookie(in, info))
		return "Save Session Info: auto-reconnect cookie";
	if (present & EX_ERRORS && !take_error(in, info))
		return "Save Session Info: logon errors";
	return NULL;
}

const char *
logoninfo_decode(struct wire_in *in, struct logoninfo *info)
{
	static const struct logoninfo empty;
	uint32_t type = wire_u32(in);

	*info = empty;
	info->domain.unicode = true;
	info->user.unicode = true;
	if (!wire_ok(in) || type > LOGONINFO_EXTENDED)
		return "Save Session Info: type";
	info->kind = (enum logoninfo_kind)type;
	switch (info->kind) {
	case LOGONINFO_V1:
		return take_v1(in, info);
	case LOGONINFO_V2:
		return take_v2(in, info);
	case LOGONINFO_EXTENDED:
		return take_extended(in, info);
	case LOGONINFO_PLAIN:
		break; /* padding only */
	}
	return NULL;
}

bool
logoninfo_error_decode(struct wire_in *in, uint32_t *code)
{
	*code = wire_u32(in);
	return wire_ok(in);
}
