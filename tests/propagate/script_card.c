#include "script_card.h"
#include "apdu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

static const uint8_t piv_aid[] = {0xa0, 0x00, 0x00, 0x03, 0x08,
                                  0x00, 0x00, 0x10, 0x00};
static const uint8_t gids_aid[] = {0xa0, 0x00, 0x00, 0x03, 0x97,
                                   0x42, 0x54, 0x46, 0x59};
const struct wire_view script_piv_aid = {piv_aid, sizeof(piv_aid)};
const struct wire_view script_gids_aid = {gids_aid, sizeof(gids_aid)};

enum {
	SCRIPT_TABLE_TAG = 0xdf1f,
	SCRIPT_TABLE_FILE = 0xa000,
	SCRIPT_FILES = 0xa010,
	SCRIPT_FIRST_TAG = 0xdf20
};

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "scripted card: %s\n", what);
	abort();
}

void
script_card_init(struct script_card *card, struct wire_view aid)
{
	memset(card, 0, sizeof(*card));
	card->aid = aid;
	card->extended = SCRIPT_REFUSES;
}

void
script_card_clear(struct script_card *card)
{
	for (size_t i = 0; i < card->count; i++)
		free(card->objects[i].data);
	free(card->answer);
	memset(card, 0, sizeof(*card));
}

struct script_object *
script_add(struct script_card *card, uint16_t file, uint32_t tag,
           struct wire_view data)
{
	struct script_object *object = &card->objects[card->count++];

	need(card->count <= SCRIPT_OBJECTS_MAX, "too many objects");
	object->file = file;
	object->tag = tag;
	object->len = data.len;
	object->data = malloc(data.len + 1);
	need(object->data != NULL, "memory");
	if (data.len > 0)
		memcpy(object->data, data.data, data.len);
	return object;
}

static void
put_tlv(struct wire_out *out, uint32_t tag, struct wire_view value)
{
	if (tag > 0xff)
		wire_put_u8(out, (uint8_t)(tag >> 8));
	wire_put_u8(out, (uint8_t)tag);
	if (value.len > 0xff) {
		wire_put_u8(out, 0x82);
		wire_put_u16_be(out, (uint16_t)value.len);
	} else {
		if (value.len > 0x7f)
			wire_put_u8(out, 0x81);
		wire_put_u8(out, (uint8_t)value.len);
	}
	wire_put_view(out, value);
}

struct script_object *
script_add_wrapped(struct script_card *card, uint16_t file, uint32_t tag,
                   uint32_t wrap, struct wire_view value)
{
	size_t size = value.len + 8;
	uint8_t *bytes = malloc(size);
	struct wire_out out = wire_out(bytes, size);
	struct script_object *object;

	need(bytes != NULL, "memory");
	put_tlv(&out, wrap, value);
	object = script_add(card, file, tag, wire_written(&out));
	free(bytes);
	return object;
}

uint8_t *
script_deflate(struct wire_view bytes, enum script_wrap wrap, size_t *len)
{
	size_t size = bytes.len + bytes.len / 100 + 64;
	uint8_t *out = malloc(size);
	z_stream z = {.next_in = bytes.data,
	              .avail_in = (uInt)bytes.len,
	              .next_out = out,
	              .avail_out = (uInt)size};

	need(out != NULL, "memory");
	need(deflateInit2(&z, 9, Z_DEFLATED, (int)wrap, 8,
	                  Z_DEFAULT_STRATEGY) == Z_OK,
	     "deflate");
	need(deflate(&z, Z_FINISH) == Z_STREAM_END, "deflate");
	*len = z.total_out;
	(void)deflateEnd(&z);
	return out;
}

struct script_object *
script_add_piv(struct script_card *card, uint32_t tag, struct wire_view der,
               enum script_packing packing)
{
	static const uint8_t plain[] = {0x71, 0x01, 0x00, 0xfe, 0x00};
	static const uint8_t packed[] = {0x71, 0x01, 0x01, 0xfe, 0x00};
	uint8_t *zipped = NULL;
	struct wire_view cert = der;
	struct script_object *object;
	struct wire_out out;
	uint8_t *value = malloc(der.len + 128);

	need(value != NULL, "memory");
	out = wire_out(value, der.len + 128);
	if (packing == SCRIPT_PACKED) {
		zipped = script_deflate(der, SCRIPT_GZIP, &cert.len);
		cert.data = zipped;
	}
	put_tlv(&out, 0x70, cert);
	wire_put_bytes(&out, packing == SCRIPT_PACKED ? packed : plain,
	               sizeof(plain));
	object =
	    script_add_wrapped(card, 0x3fff, tag, 0x53, wire_written(&out));
	free(zipped);
	free(value);
	return object;
}

void
script_gids_begin(struct script_card *card)
{
	/* An empty table: version 1, and its length in a field of two bytes. */
	static const uint8_t empty[] = {0xdf, 0x1f, 0x82, 0x00, 0x01, 0x01};
	struct wire_view table = {empty, sizeof(empty)};

	(void)script_add(card, SCRIPT_TABLE_FILE, SCRIPT_TABLE_TAG, table);
}

static void
add_record(struct script_object *table, const char *dir, const char *name,
           uint32_t tag)
{
	size_t size = table->len + 28;
	uint8_t *grown = realloc(table->data, size);
	struct wire_out out = wire_out(grown, size);

	need(grown != NULL && strlen(dir) < 9 && strlen(name) < 9, "record");
	out.len = table->len;
	wire_put_bytes(&out, dir, strlen(dir));
	wire_put_zeros(&out, 9 - strlen(dir));
	wire_put_bytes(&out, name, strlen(name));
	wire_put_zeros(&out, 11 - strlen(name));
	wire_put_u32(&out, tag);
	wire_put_u32(&out, SCRIPT_FILES);
	wire_set_u16_be(&out, 3, (uint16_t)(size - 5));
	table->data = grown;
	table->len = size;
}

struct script_object *
script_gids_file(struct script_card *card, const char *dir, const char *name,
                 struct wire_view bytes, enum script_packing packing)
{
	uint32_t tag = SCRIPT_FIRST_TAG + (uint32_t)card->count - 1;
	struct wire_view file = bytes;
	uint8_t *zipped = NULL;
	uint8_t *packed = malloc(bytes.len + 512);
	struct wire_out out = wire_out(packed, bytes.len + 512);
	struct script_object *object;

	need(packed != NULL, "memory");
	if (packing == SCRIPT_PACKED) {
		zipped = script_deflate(bytes, SCRIPT_ZLIB, &file.len);
		file.data = zipped;
		wire_put_u16(&out, 1);
		wire_put_u16(&out, (uint16_t)bytes.len);
	}
	wire_put_view(&out, file);
	need(wire_out_ok(&out), "file");
	add_record(&card->objects[0], dir, name, tag);
	object = script_add_wrapped(card, SCRIPT_FILES, tag, tag,
	                            wire_written(&out));
	free(zipped);
	free(packed);
	return object;
}

void
script_map_record(uint8_t *record, const char *name, uint8_t flags)
{
	memset(record, 0, 86);
	for (size_t i = 0; name[i] != 0 && i < 39; i++)
		record[2 * i] = (uint8_t)name[i];
	record[80] = flags;
}

/* A command taken apart. */
struct command {
	uint8_t ins;
	uint16_t p1p2;
	struct wire_view data;
	bool extended;
	size_t ne; /* 0: no Le */
};

static struct command
parse(struct wire_view apdu)
{
	struct wire_in in = wire_in_view(apdu);
	struct command cmd = {0};
	size_t lc;

	need(apdu_allowed(apdu), "a command that is not allowed");
	wire_skip(&in, 1);
	cmd.ins = wire_u8(&in);
	cmd.p1p2 = wire_u16_be(&in);
	cmd.extended = apdu.len > 5 && apdu.data[4] == 0;
	if (cmd.extended)
		wire_skip(&in, 1);
	if (cmd.ins != APDU_GET_RESPONSE) {
		lc = cmd.extended ? wire_u16_be(&in) : wire_u8(&in);
		cmd.data = wire_bytes(&in, lc);
	}
	if (wire_ok(&in) && in.left > 0) {
		cmd.ne = cmd.extended ? wire_u16_be(&in) : wire_u8(&in);
		if (cmd.ne == 0)
			cmd.ne = cmd.extended ? 65536 : 256;
	}
	need(wire_done(&in), "a command with bytes missing or left over");
	return cmd;
}

static struct wire_view
reply(struct script_card *card, struct wire_view body, uint16_t status)
{
	struct wire_out out;

	free(card->answer);
	card->answer = malloc(body.len + 2);
	need(card->answer != NULL, "memory");
	out = wire_out(card->answer, body.len + 2);
	wire_put_view(&out, body);
	wire_put_u16_be(&out, status);
	return wire_written(&out);
}

static struct wire_view
reply_status(struct script_card *card, uint16_t status)
{
	struct wire_view none = {NULL, 0};

	return reply(card, none, status);
}

static uint8_t
low(size_t left)
{
	return left > 255 ? 0 : (uint8_t)left;
}

/* The next len bytes of what is pending, and 61xx while there are more. */
static struct wire_view
reply_chunk(struct script_card *card, size_t len)
{
	struct wire_in in = wire_in_view(card->pending);
	size_t now = len < in.left ? len : in.left;
	struct wire_view body = wire_bytes(&in, now);

	card->pending = wire_rest(&in);
	if (card->pending.len == 0)
		return reply(card, body, APDU_OK);
	return reply(card, body,
	             (uint16_t)(APDU_MORE << 8 | low(card->pending.len)));
}

static struct wire_view
reply_short(struct script_card *card, size_t ne)
{
	size_t chunk = card->chunk == 0 ? 256 : card->chunk;
	size_t left = card->pending.len;

	if (card->says_exact && left < 256 && ne != left)
		return reply_status(card,
		                    (uint16_t)(APDU_EXACT << 8 | low(left)));
	return reply_chunk(card, ne < chunk ? ne : chunk);
}

static struct wire_view
reply_extended(struct script_card *card, size_t ne)
{
	card->extended_tries++;
	switch (card->extended) {
	case SCRIPT_WHOLE:
		return reply_chunk(card, ne);
	case SCRIPT_CHAINED:
		return reply_chunk(card, 255);
	case SCRIPT_REFUSES:
		return reply_status(card, 0x6700);
	case SCRIPT_EMPTY:
		return reply_status(card, APDU_OK);
	case SCRIPT_CUTS:
		(void)reply_chunk(card, 256);
		card->answer[256] = 0x90;
		card->answer[257] = 0;
		return (struct wire_view){card->answer, 258};
	case SCRIPT_EXACT:
		return reply_status(card, 0x6c00);
	case SCRIPT_NO_INS:
		return reply_status(card, 0x6d00);
	case SCRIPT_NO_CLA:
		return reply_status(card, 0x6e00);
	case SCRIPT_FAILS:
		break;
	}
	return (struct wire_view){NULL, 0};
}

static struct wire_view
reply_data(struct script_card *card, const struct command *cmd)
{
	if (card->t0) {
		need(cmd->ne == 0 && !cmd->extended, "no Le with T=0");
		return reply_status(
		    card, (uint16_t)(APDU_MORE << 8 | low(card->pending.len)));
	}
	need(cmd->ne > 0, "a command without Le");
	return cmd->extended ? reply_extended(card, cmd->ne)
	                     : reply_short(card, cmd->ne);
}

static struct wire_view
on_select(struct script_card *card, const struct command *cmd)
{
	card->current = wire_view_equal(cmd->data, card->aid);
	card->pending = card->selected;
	if (!card->current)
		return reply_status(card, APDU_NO_FILE);
	if (card->pending.len == 0)
		return reply_status(card, APDU_OK);
	return reply_data(card, cmd);
}

static const struct script_object *
find_object(const struct script_card *card, const struct command *cmd)
{
	struct wire_in in = wire_in_view(cmd->data);
	uint32_t tag = 0;

	need(wire_u8(&in) == 0x5c && wire_u8(&in) == in.left, "a tag list");
	while (in.left > 0)
		tag = tag << 8 | wire_u8(&in);
	for (size_t i = 0; i < card->count; i++)
		if (card->objects[i].tag == tag &&
		    card->objects[i].file == cmd->p1p2)
			return &card->objects[i];
	return NULL;
}

struct wire_view
script_answer(void *arg, struct wire_view apdu)
{
	struct script_card *card = arg;
	struct command cmd = parse(apdu);
	const struct script_object *object;

	card->commands++;
	if (cmd.ins == APDU_SELECT)
		return on_select(card, &cmd);
	if (!card->current)
		return reply_status(card, 0x6985);
	if (cmd.ins == APDU_GET_RESPONSE)
		return reply_short(card, cmd.ne);
	object = find_object(card, &cmd);
	if (object == NULL)
		return reply_status(card, APDU_NO_FILE);
	if (object->status != 0)
		return reply_status(card, object->status);
	card->pending.data = object->data;
	card->pending.len = object->len;
	return reply_data(card, &cmd);
}

enum card_step
script_read(struct card_read *job, struct script_peer peer)
{
	struct wire_view apdu;
	enum card_step step = card_read_start(job, &apdu);

	while (step == CARD_SEND) {
		uint8_t *copy = malloc(apdu.len);

		need(copy != NULL, "memory");
		memcpy(copy, apdu.data, apdu.len);
		apdu.data = copy;
		step =
		    card_read_answer(job, peer.answer(peer.arg, apdu), &apdu);
		free(copy);
	}
	return step;
}

enum card_step
script_read_card(struct script_card *card, const struct card_hints *hints,
                 struct card_read **job)
{
	static const struct card_hints nothing;
	struct script_peer peer = {script_answer, card};

	*job = card_read_new(hints == NULL ? &nothing : hints);
	need(*job != NULL, "memory");
	return script_read(*job, peer);
}
