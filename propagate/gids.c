#include "gids.h"
#include "content.h"
#include "tlv.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	GIDS_TABLE_FILE = 0xa000,
	GIDS_TABLE_TAG = 0xdf1f,
	GIDS_TABLE_VERSION = 1,
	GIDS_NAME_LEN = 9, /* 8 characters and a NUL */
	GIDS_HEAD_MAX = 6, /* DFxx and a length of up to three bytes */
	GIDS_MAP_RECORD = CARD_RECORD_LEN,
	GIDS_MAP_NAME = 80, /* bytes of its UTF-16LE name */
	GIDS_MAP_VALID = 1,
	GIDS_MAP_DEFAULT = 2,
	GIDS_EXCHANGE = 1,
	GIDS_SIGNATURE = 2
};

/* A right-truncated AID: version and vendor stay open. */
static const uint8_t gids_aid[] = {0xa0, 0x00, 0x00, 0x03, 0x97,
                                   0x42, 0x54, 0x46, 0x59};

void
gids_init(struct gids *gids)
{
	memset(gids, 0, sizeof(*gids));
}

void
gids_clear(struct gids *gids)
{
	free(gids->records);
	gids->records = NULL;
	gids->records_len = 0;
}

void
gids_select(struct exchange_want *want)
{
	memset(want, 0, sizeof(*want));
	want->ins = APDU_SELECT;
	memcpy(want->name, gids_aid, sizeof(gids_aid));
	want->name_len = sizeof(gids_aid);
	want->limit = CARD_OBJECT_MAX;
	want->enough = 1;
}

static void
want_file(struct exchange_want *want, const struct gids_file *at)
{
	struct wire_out out = wire_out(want->name, sizeof(want->name));

	memset(want, 0, sizeof(*want));
	want->ins = APDU_GET_DATA;
	want->file = at->file;
	wire_put_u16_be(&out, at->tag);
	want->name_len = out.len;
	want->limit = CARD_OBJECT_MAX;
	want->large = true;
	/* Its usual cards do not know the form: a trial is a command lost. */
	want->cautious = true;
}

/* Enough of the map for the containers that have certificates. */
static size_t
map_needed(const struct gids *gids)
{
	unsigned records = 0;

	for (unsigned i = 0; i < gids->cert_count; i++)
		if (gids->certs[i].hex >= records)
			records = gids->certs[i].hex + 1;
	return GIDS_HEAD_MAX + (size_t)records * GIDS_MAP_RECORD;
}

static void
settle(struct gids *gids)
{
	const unsigned counts[] = {
	    [GIDS_TABLE] = 1,
	    [GIDS_ID] = gids->id.present,
	    [GIDS_MAP] = gids->map.present && gids->cert_count > 0,
	    [GIDS_CERTS] = gids->cert_count,
	    [GIDS_ROOTS] = gids->roots.present,
	};

	while (gids->phase != GIDS_END && gids->index >= counts[gids->phase]) {
		gids->phase++;
		gids->index = 0;
	}
}

bool
gids_next(struct gids *gids, struct exchange_want *want)
{
	static const struct gids_file table = {true, GIDS_TABLE_FILE,
	                                       GIDS_TABLE_TAG};

	settle(gids);
	switch (gids->phase) {
	case GIDS_TABLE:
		want_file(want, &table);
		return true;
	case GIDS_ID:
		want_file(want, &gids->id);
		want->large = false;
		return true;
	case GIDS_MAP:
		want_file(want, &gids->map);
		want->enough = map_needed(gids);
		want->large = want->enough > APDU_SHORT_NE;
		return true;
	case GIDS_CERTS:
		want_file(want, &gids->certs[gids->index].at);
		return true;
	case GIDS_ROOTS:
		want_file(want, &gids->roots);
		want->limit = CARD_ROOTS_OBJECT_MAX;
		return true;
	case GIDS_END:
		break;
	}
	return false;
}

/* A name of at most 8 characters, in lower case; false: it has no end. */
static bool
read_name(struct wire_in *in, char name[GIDS_NAME_LEN])
{
	for (size_t i = 0; i < GIDS_NAME_LEN; i++)
		name[i] = (char)tolower(wire_u8(in));
	return memchr(name, 0, GIDS_NAME_LEN) != NULL;
}

/* "kxc1f": its key, and NN both ways. */
static bool
read_cert_name(const char *name, struct gids_cert *cert)
{
	char digits[3] = "";

	if (strlen(name) != 5 || !isxdigit((unsigned char)name[3]) ||
	    !isxdigit((unsigned char)name[4]))
		return false;
	if (strncmp(name, "kxc", 3) == 0)
		cert->key_spec = GIDS_EXCHANGE;
	else if (strncmp(name, "ksc", 3) == 0)
		cert->key_spec = GIDS_SIGNATURE;
	else
		return false;
	memcpy(digits, &name[3], 2);
	memcpy(cert->name, name, 6);
	cert->hex = (unsigned)strtoul(digits, NULL, 16);
	cert->decimal = cert->hex;
	if (isdigit((unsigned char)digits[0]) &&
	    isdigit((unsigned char)digits[1]))
		cert->decimal = (unsigned)strtoul(digits, NULL, 10);
	return true;
}

static void
note_file(struct gids *gids, const char *name, struct gids_file at,
          struct card_content *content)
{
	struct gids_cert cert = {.at = at};

	if (strcmp(name, "cmapfile") == 0) {
		gids->map = at;
	} else if (strcmp(name, "msroots") == 0) {
		gids->roots = at;
	} else if (read_cert_name(name, &cert)) {
		if (gids->cert_count < CARD_CERTS_MAX)
			gids->certs[gids->cert_count++] = cert;
		else
			content_skip(content, cert.name,
			             "too many certificates");
	}
}

/* dir[9], name[9], 2 bytes, tag u32, file u32 */
static void
read_record(struct gids *gids, struct wire_in *in, struct card_content *content)
{
	char dir[GIDS_NAME_LEN];
	char name[GIDS_NAME_LEN];
	bool named = read_name(in, dir);
	struct gids_file at = {.present = true};

	named = read_name(in, name) && named;
	wire_skip(in, 2);
	at.tag = (uint16_t)wire_u32(in);
	at.file = (uint16_t)wire_u32(in);
	if (!wire_ok(in) || !named)
		return;
	if (dir[0] == 0 && strcmp(name, "cardid") == 0)
		gids->id = at;
	else if (strcmp(dir, "mscp") == 0)
		note_file(gids, name, at, content);
}

/* The value of a file's data object, whatever its tag; empty when broken. */
static struct wire_view
file_value(struct wire_view data)
{
	struct wire_in in = wire_in_view(data);

	return tlv_next(&in, TLV_BER).value;
}

static const char *
take_table(struct gids *gids, const struct exchange_result *result,
           struct card_content *content)
{
	struct wire_in in = wire_in_view(file_value(result->data));

	if (result->outcome == EXCHANGE_ABSENT)
		return "no file table on the card";
	if (result->outcome == EXCHANGE_FAULT)
		return "the file table cannot be read";
	if (wire_u8(&in) != GIDS_TABLE_VERSION)
		return "the file table is broken";
	while (wire_ok(&in) && in.left > 0)
		read_record(gids, &in, content);
	return NULL;
}

static void
take_id(struct wire_view data, struct card_content *content)
{
	struct wire_view value = file_value(data);
	struct wire_out id = wire_out(content->id, sizeof(content->id));

	if (value.len == CARD_ID_LEN)
		wire_put_view(&id, value);
}

/* Whole records; the object may have been left before its end. */
static void
take_map(struct gids *gids, struct wire_view data)
{
	struct wire_in in = wire_in_view(data);
	struct wire_out out;

	if (tlv_head(data) == 0)
		return;
	wire_skip(&in, tlv_head(data));
	gids->records = malloc(in.left + 1);
	if (gids->records == NULL)
		return; /* certificates without a container's name */
	out = wire_out(gids->records, in.left);
	wire_put_view(&out, wire_rest(&in));
	gids->records_len = out.len;
}

/* A cursor at record index; empty when the map has none. */
static struct wire_in
map_record(const struct gids *gids, unsigned index)
{
	struct wire_in in = wire_in(gids->records, gids->records_len);

	wire_skip(&in, (size_t)index * GIDS_MAP_RECORD);
	return wire_sub(&in, GIDS_MAP_RECORD);
}

static uint8_t
map_flags(const struct gids *gids, unsigned index)
{
	struct wire_in record = map_record(gids, index);

	wire_skip(&record, GIDS_MAP_NAME);
	return wire_u8(&record);
}

static bool
is_file(const struct gids *gids, uint32_t key_spec, unsigned hex)
{
	for (unsigned i = 0; i < gids->cert_count; i++)
		if (gids->certs[i].hex == hex &&
		    gids->certs[i].key_spec == key_spec)
			return true;
	return false;
}

/*
 * NN is hexadecimal; it is decimal only when the map says that this container
 * exists and no file has its hexadecimal name.
 */
static unsigned
container_of(const struct gids *gids, const struct gids_cert *cert)
{
	if ((map_flags(gids, cert->hex) & GIDS_MAP_VALID) != 0)
		return cert->hex;
	if ((map_flags(gids, cert->decimal) & GIDS_MAP_VALID) != 0 &&
	    !is_file(gids, cert->key_spec, cert->decimal))
		return cert->decimal;
	return cert->hex;
}

static void
put_utf8(struct wire_out *out, uint32_t point)
{
	if (point < 0x80) {
		wire_put_u8(out, (uint8_t)point);
	} else if (point < 0x800) {
		wire_put_u8(out, (uint8_t)(0xc0 | point >> 6));
		wire_put_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
	} else {
		wire_put_u8(out, (uint8_t)(0xe0 | point >> 12));
		wire_put_u8(out, (uint8_t)(0x80 | (point >> 6 & 0x3f)));
		wire_put_u8(out, (uint8_t)(0x80 | (point & 0x3f)));
	}
}

/* UTF-16LE up to a NUL; what is outside the basic plane becomes U+FFFD. */
static void
read_container(struct wire_in name, char *text, size_t size)
{
	struct wire_out out = wire_out(text, size - 1);
	uint32_t unit = wire_u16(&name);

	while (wire_ok(&name) && unit != 0) {
		bool surrogate = unit >= 0xd800 && unit < 0xe000;

		put_utf8(&out, surrogate ? 0xfffd : unit);
		unit = wire_u16(&name);
	}
	text[out.len] = 0;
}

static struct card_cert
describe_cert(const struct gids *gids, const struct gids_cert *cert)
{
	struct card_cert like = {.key_spec = cert->key_spec};
	unsigned index = container_of(gids, cert);
	uint8_t flags = map_flags(gids, index);
	struct wire_in record = map_record(gids, index);

	memcpy(like.slot, cert->name, sizeof(like.slot));
	like.index = index;
	if ((flags & GIDS_MAP_VALID) == 0)
		return like;
	like.is_default = (flags & GIDS_MAP_DEFAULT) != 0;
	like.pin = CARD_PIN_USER; /* it has no other for keys */
	read_container(wire_sub(&record, GIDS_MAP_NAME), like.container,
	               sizeof(like.container));
	return like;
}

/* As it stands in the map, where the map has the container. */
static struct wire_view
record_of(const struct gids *gids, unsigned index)
{
	struct wire_in record = map_record(gids, index);
	static const struct wire_view none;

	return (map_flags(gids, index) & GIDS_MAP_VALID) != 0
	           ? wire_rest(&record)
	           : none;
}

static void
take_cert(const struct gids *gids, const struct exchange_result *result,
          struct card_content *content)
{
	struct card_cert like = describe_cert(gids, &gids->certs[gids->index]);
	struct wire_view file = file_value(result->data);
	size_t before = content->cert_count;

	if (result->outcome == EXCHANGE_FAULT)
		content_skip(content, like.slot, result->reason);
	else if (result->outcome == EXCHANGE_OK && file.len > 0)
		content_add_file(content, &like, file);
	else if (result->outcome == EXCHANGE_OK && tlv_total(result->data) == 0)
		content_skip(content, like.slot, "is not a file of GIDS");
	if (content->cert_count > before)
		content_set_record(content, record_of(gids, like.index));
}

static void
take_roots(const struct exchange_result *result, struct card_content *content)
{
	struct wire_view file = file_value(result->data);

	if (result->outcome == EXCHANGE_FAULT)
		content_skip(content, "msroots", result->reason);
	else if (result->outcome == EXCHANGE_OK && file.len > 0)
		content_add_roots(content, file);
}

const char *
gids_take(struct gids *gids, const struct exchange_result *result,
          struct card_content *content)
{
	const char *fault = NULL;

	switch (gids->phase) {
	case GIDS_TABLE:
		fault = take_table(gids, result, content);
		break;
	case GIDS_ID:
		if (result->outcome == EXCHANGE_OK)
			take_id(result->data, content);
		break;
	case GIDS_MAP:
		if (result->outcome == EXCHANGE_OK)
			take_map(gids, result->data);
		break;
	case GIDS_CERTS:
		take_cert(gids, result, content);
		break;
	case GIDS_ROOTS:
		take_roots(result, content);
		break;
	case GIDS_END:
		break;
	}
	gids->index++;
	return fault;
}
