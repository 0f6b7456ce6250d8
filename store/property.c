#include "property.h"

#include "utf16.h"

enum {
	KEY_HEAD_LEN = 28, /* of PROPERTY_KEY_PROVIDER */
	CHARACTERS_MAX = 4096,
	PIN_VERSION = 6,
	SHA1_LEN = 20,
	SHA256_LEN = 32
};

/* Windows counts 100 ns from 1601; so many seconds before 1970. */
static const int64_t epoch_1601 = INT64_C(11644473600);
static const int64_t ticks = 10000000; /* a second */

static const struct {
	uint32_t number;
	enum property_origin origin;
} origins[] = {
    {PROPERTY_SHA1, PROPERTY_COMPUTED},
    {PROPERTY_MD5, PROPERTY_COMPUTED},
    {PROPERTY_SIGNATURE_HASH, PROPERTY_COMPUTED},
    {PROPERTY_KEY_ID, PROPERTY_COMPUTED},
    {PROPERTY_PUBKEY_PARAMETERS, PROPERTY_COMPUTED},
    {PROPERTY_SUBJECT_KEY_HASH, PROPERTY_COMPUTED},
    {PROPERTY_DATE_STAMP, PROPERTY_COMPUTED},
    {PROPERTY_SHA256, PROPERTY_COMPUTED},
    {PROPERTY_KEY_PROVIDER, PROPERTY_CARD},
    {PROPERTY_KEY_CONTEXT, PROPERTY_CARD},
    {PROPERTY_KEY_SPEC, PROPERTY_CARD},
    {PROPERTY_SMART_CARD_DATA, PROPERTY_CARD},
    {PROPERTY_ENROLLMENT, PROPERTY_CARD},
    {PROPERTY_ROOT_INFO, PROPERTY_CARD},
    {PROPERTY_NCRYPT_KEY, PROPERTY_CARD},
    {PROPERTY_PIN_ID, PROPERTY_CARD},
    {PROPERTY_PIN_INFO, PROPERTY_CARD},
    {PROPERTY_READER, PROPERTY_CARD},
    {PROPERTY_READER_NOT_REMOVABLE, PROPERTY_CARD},
    {PROPERTY_ENHKEY_USAGE, PROPERTY_ADMIN},
    {PROPERTY_FRIENDLY_NAME, PROPERTY_ADMIN},
    {PROPERTY_DESCRIPTION, PROPERTY_ADMIN},
    {PROPERTY_ARCHIVED, PROPERTY_ADMIN},
};

enum property_origin
property_origin(uint32_t number)
{
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++)
		if (origins[i].number == number)
			return origins[i].origin;
	return PROPERTY_EXTRA;
}

/*
 * Texts.
 */

void
property_put_text(struct wire_out *out, struct wire_view utf8)
{
	struct wire_in in = wire_in_view(utf8);

	if (!utf16_from_utf8(&in, out) && out->fault == WIRE_OK)
		out->fault = WIRE_VALUE;
	wire_put_u16(out, 0);
}

/* The characters before the first NUL; what is behind it is nobody's. */
static struct wire_view
take_characters(struct wire_in *in)
{
	struct wire_in ahead = *in;
	size_t len = 0;

	while (wire_u16(&ahead) != 0 && wire_ok(&ahead))
		len += 2;
	struct wire_view text = {0};

	if (!wire_ok(&ahead) || len > (size_t)2 * CHARACTERS_MAX) {
		wire_fail(in, wire_ok(&ahead) ? WIRE_LIMIT : ahead.fault);
		return text;
	}
	text = wire_bytes(in, len);
	wire_skip(in, 2);
	return text;
}

bool
property_get_text(struct wire_view value, struct wire_out *utf8)
{
	struct wire_in in = wire_in_view(value);
	struct wire_in text = wire_in_view(take_characters(&in));

	return wire_done(&in) && utf16_to_utf8(&text, utf8);
}

void
property_put_time(struct wire_out *out, int64_t seconds)
{
	if (seconds < -epoch_1601 || seconds > INT64_MAX / ticks - epoch_1601)
		seconds = 0;
	wire_put_u64(out, (uint64_t)((seconds + epoch_1601) * ticks));
}

bool
property_get_time(struct wire_view value, int64_t *seconds)
{
	struct wire_in in = wire_in_view(value);
	uint64_t since = wire_u64(&in);

	*seconds = (int64_t)(since / (uint64_t)ticks) - epoch_1601;
	return wire_done(&in);
}

/*
 * Where the key is.
 */

void
property_put_key(struct wire_out *out, const struct property_key *key)
{
	size_t start = out->len;
	size_t container = wire_reserve(out, 4);
	size_t provider = wire_reserve(out, 4);

	wire_put_u32(out, key->type);
	wire_put_u32(out, key->flags);
	wire_put_u32(out, 0); /* no parameters, */
	wire_put_u32(out, 0); /* and nowhere */
	wire_put_u32(out, key->key_spec);
	wire_set_u32(out, container, (uint32_t)(out->len - start));
	property_put_text(out, key->container);
	wire_set_u32(out, provider, (uint32_t)(out->len - start));
	property_put_text(out, key->provider);
}

/* A text at an offset of the value; 0 is a null pointer. */
static struct wire_view
text_at(struct wire_in *in, struct wire_view value, uint32_t offset)
{
	struct wire_in at = wire_in_view(value);
	struct wire_view text = {0};

	if (offset == 0)
		return text;
	if (offset < KEY_HEAD_LEN)
		wire_fail(in, WIRE_VALUE);
	wire_skip(&at, offset);
	text = take_characters(&at);
	if (!wire_ok(&at))
		wire_fail(in, at.fault);
	return text;
}

bool
property_get_key(struct wire_view value, struct property_key *key)
{
	struct wire_in in = wire_in_view(value);
	uint32_t container = wire_u32(&in);
	uint32_t provider = wire_u32(&in);

	key->type = wire_u32(&in);
	key->flags = wire_u32(&in);
	(void)wire_count(&in, 0);
	wire_skip(&in, 4);
	key->key_spec = wire_u32(&in);
	key->container = text_at(&in, value, container);
	key->provider = text_at(&in, value, provider);
	return wire_ok(&in);
}

/*
 * A request that waits.
 */

static void
put_counted(struct wire_out *out, struct wire_view utf8)
{
	size_t units = utf16_units(utf8);

	if (units >= CHARACTERS_MAX) {
		out->fault = out->fault == WIRE_OK ? WIRE_LIMIT : out->fault;
		return;
	}
	wire_put_u32(out, (uint32_t)units + 1);
	property_put_text(out, utf8);
}

static struct wire_view
take_counted(struct wire_in *in)
{
	uint32_t count = wire_count(in, CHARACTERS_MAX);
	struct wire_in part = wire_sub(in, (size_t)2 * count);
	struct wire_view text = {0};

	if (count == 0)
		return text;
	text = take_characters(&part);
	if (!wire_done(&part))
		wire_fail(in, WIRE_VALUE);
	return text;
}

void
property_put_enrollment(struct wire_out *out,
                        const struct property_enrollment *enrollment)
{
	wire_put_u32(out, enrollment->request_id);
	put_counted(out, enrollment->ca_dns);
	put_counted(out, enrollment->ca_name);
	put_counted(out, enrollment->display);
}

bool
property_get_enrollment(struct wire_view value,
                        struct property_enrollment *enrollment)
{
	struct wire_in in = wire_in_view(value);

	enrollment->request_id = wire_u32(&in);
	enrollment->ca_dns = take_counted(&in);
	enrollment->ca_name = take_counted(&in);
	enrollment->display = take_counted(&in);
	return wire_done(&in);
}

/*
 * Who guards a key.
 */

void
property_put_pin(struct wire_out *out, const struct property_pin *pin)
{
	wire_put_u32(out, PIN_VERSION);
	wire_put_u32(out, pin->type);
	wire_put_u32(out, pin->purpose);
	wire_put_u32(out, pin->may_change);
	wire_put_u32(out, pin->may_unblock);
	wire_put_u32(out, PIN_VERSION); /* of the cache's part */
	wire_put_u32(out, pin->cache);
	wire_put_u32(out, pin->cache_info);
	wire_put_u32(out, pin->flags);
}

bool
property_get_pin(struct wire_view value, struct property_pin *pin)
{
	struct wire_in in = wire_in_view(value);

	if (wire_u32(&in) != PIN_VERSION)
		wire_fail(&in, WIRE_VALUE);
	pin->type = wire_u32(&in);
	pin->purpose = wire_u32(&in);
	pin->may_change = wire_u32(&in);
	pin->may_unblock = wire_u32(&in);
	if (wire_u32(&in) != PIN_VERSION)
		wire_fail(&in, WIRE_VALUE);
	pin->cache = wire_u32(&in);
	pin->cache_info = wire_u32(&in);
	pin->flags = wire_u32(&in);
	return wire_done(&in);
}

/*
 * Who holds a root.
 */

void
property_put_holder(struct wire_out *out, const uint8_t *card,
                    const uint8_t *luid)
{
	wire_put_bytes(out, card, PROPERTY_CARD_LEN);
	wire_put_bytes(out, luid, PROPERTY_LUID_LEN);
}

bool
property_get_holder(struct wire_in *in, struct wire_view *card,
                    struct wire_view *luid)
{
	*card = wire_bytes(in, PROPERTY_CARD_LEN);
	*luid = wire_bytes(in, PROPERTY_LUID_LEN);
	return wire_ok(in);
}

/*
 * Changes.
 */

static void
put_change_text(struct wire_out *out, struct wire_view text)
{
	if (text.len > PROPERTY_TEXT_MAX && out->fault == WIRE_OK)
		out->fault = WIRE_LIMIT;
	wire_put_u16(out, (uint16_t)text.len);
	wire_put_view(out, text);
}

/* UTF-8 without a NUL: it becomes a column, and a table's cell. */
static struct wire_view
take_change_text(struct wire_in *in)
{
	uint16_t len = wire_u16(in);

	if (len > PROPERTY_TEXT_MAX)
		wire_fail(in, WIRE_LIMIT);
	struct wire_view text = wire_bytes(in, len);

	if (utf16_units(text) == SIZE_MAX)
		wire_fail(in, WIRE_VALUE);
	for (struct wire_in bytes = wire_in_view(text); bytes.left > 0;)
		if (wire_u8(&bytes) == 0)
			wire_fail(in, WIRE_VALUE);
	return text;
}

static void
put_extra(struct wire_out *out, const struct property_extra *extra)
{
	wire_put_u32(out, extra->number);
	wire_put_u32(out, (uint32_t)extra->value.len);
	wire_put_view(out, extra->value);
}

void
property_put_change(struct wire_out *out, const struct property_change *change)
{
	wire_put_u8(out, (uint8_t)change->hash.len);
	wire_put_view(out, change->hash);
	wire_put_u32(out, change->set);
	if ((change->set & PROPERTY_SET_NAME) != 0)
		put_change_text(out, change->friendly_name);
	if ((change->set & PROPERTY_SET_DESCRIPTION) != 0)
		put_change_text(out, change->description);
	if ((change->set & PROPERTY_SET_USAGE) != 0)
		put_change_text(out, change->enhkey_usage);
	if ((change->set & PROPERTY_SET_ARCHIVED) != 0)
		wire_put_u8(out, change->archived ? 1 : 0);
	wire_put_u32(out, (uint32_t)change->extra_count);
	for (size_t i = 0; i < change->extra_count; i++)
		put_extra(out, &change->extras[i]);
}

static void
get_extra(struct wire_in *in, struct property_extra *extra)
{
	extra->number = wire_u32(in);
	extra->value = wire_bytes(in, wire_count(in, PROPERTY_EXTRA_MAX));
	if (property_origin(extra->number) != PROPERTY_EXTRA)
		wire_fail(in, WIRE_VALUE);
}

static bool
get_flag(struct wire_in *in)
{
	uint8_t flag = wire_u8(in);

	if (flag > 1)
		wire_fail(in, WIRE_VALUE);
	return flag == 1;
}

bool
property_get_change(struct wire_in *in, struct property_change *change)
{
	uint8_t len = wire_u8(in);

	*change = (struct property_change){0};
	change->hash = wire_bytes(in, len);
	change->set = wire_u32(in);
	if ((len != SHA1_LEN && len != SHA256_LEN) ||
	    (change->set & ~(uint32_t)PROPERTY_SET_ALL) != 0)
		wire_fail(in, WIRE_VALUE);
	if ((change->set & PROPERTY_SET_NAME) != 0)
		change->friendly_name = take_change_text(in);
	if ((change->set & PROPERTY_SET_DESCRIPTION) != 0)
		change->description = take_change_text(in);
	if ((change->set & PROPERTY_SET_USAGE) != 0)
		change->enhkey_usage = take_change_text(in);
	if ((change->set & PROPERTY_SET_ARCHIVED) != 0)
		change->archived = get_flag(in);
	change->extra_count = wire_count(in, PROPERTY_EXTRAS_MAX);
	for (size_t i = 0; i < change->extra_count; i++)
		get_extra(in, &change->extras[i]);
	return wire_ok(in);
}
