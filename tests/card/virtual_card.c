#include "virtual_card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

/* [ISO 7816-4] table 4 and 6. */
enum {
	INS_VERIFY = 0x20,
	INS_SELECT = 0xa4,
	INS_GET_RESPONSE = 0xc0,
	INS_GET_DATA = 0xcb,
	P1_BY_NAME = 0x04,
	P2_NO_FCI = 0x0c,
	TAG_LIST = 0x5c,
	SHORT_LE_MAX = 256,
	EXTENDED_LE_MAX = 65536,
	SW_OK = 0x9000,
	SW_MORE = 0x6100,
	SW_WRONG_LENGTH = 0x6700,
	SW_VERIFY_FAILED = 0x6982,
	SW_NO_CONDITION = 0x6985,
	SW_WRONG_DATA = 0x6a80,
	SW_NOT_FOUND = 0x6a82,
	SW_NO_INSTRUCTION = 0x6d00
};

struct command {
	uint8_t ins;
	uint8_t p1;
	uint8_t p2;
	bool extended;
	struct wire_view data;
	size_t ne; /* bytes of answer that are expected at most; 0: none */
};

void
virtual_card_clear(struct virtual_card *card)
{
	for (size_t i = 0; i < card->object_count; i++)
		free(card->objects[i].data);
	*card = (struct virtual_card){.limits = card->limits,
	                              .verify_count = card->verify_count};
}

void
virtual_card_reset(struct virtual_card *card)
{
	card->selected = false;
	card->pending = (struct wire_view){NULL, 0};
}

void
virtual_tlv(struct wire_out *out, uint32_t tag, struct wire_view value)
{
	if (tag > 0xffff)
		wire_put_u8(out, (uint8_t)(tag >> 16));
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

bool
virtual_card_add(struct virtual_card *card, uint16_t file, uint32_t tag,
                 uint32_t outer, struct wire_view value)
{
	struct virtual_object *object = &card->objects[card->object_count];
	size_t room =
	    value.len + 7; /* a tag of 3 bytes, a length of 3, spare */
	struct wire_out out;

	if (card->object_count == VIRTUAL_OBJECTS_MAX || value.len > UINT16_MAX)
		return false;
	object->data = malloc(room);
	if (object->data == NULL)
		return false;
	out = wire_out(object->data, room);
	if (outer == 0)
		wire_put_view(&out, value);
	else
		virtual_tlv(&out, outer, value);
	object->file = file;
	object->tag = tag;
	object->len = out.len;
	card->object_count++;
	return true;
}

void
virtual_card_set_atr(struct virtual_card *card, const char *name)
{
	struct wire_out out = wire_out(card->atr, sizeof(card->atr));
	/* Capabilities: chaining, and extended length when it is accepted. */
	uint8_t capabilities = card->limits.extended != 0 ? 0xc0 : 0x80;
	uint8_t check = 0;

	wire_put_u8(&out, 0x3b);
	wire_put_u8(&out, 0x8a); /* TD1 follows, ten historical bytes */
	wire_put_u8(&out, 0x01); /* T=1 */
	wire_put_u8(&out, 0x80); /* compact TLV */
	wire_put_u8(&out, 0x73);
	wire_put_u8(&out, 0xc0);
	wire_put_u8(&out, 0x21);
	wire_put_u8(&out, capabilities);
	wire_put_u8(&out, 0x54); /* issuer's data, four bytes */
	wire_put_bytes(&out, name, 4);
	for (size_t i = 1; i < out.len; i++)
		check ^= card->atr[i];
	wire_put_u8(&out, check);
	card->atr_len = out.len;
}

/* Lc, data and Le after the four bytes of the header, short or extended. */
static void
decode_body(struct wire_in *in, struct command *command)
{
	uint8_t first = wire_u8(in);
	size_t lc = first;
	size_t le;

	command->extended = first == 0 && in->left >= 2;
	if (command->extended)
		lc = wire_u16_be(in);
	if (in->left == 0) { /* no data: this was Le */
		le = lc;
	} else {
		command->data = wire_bytes(in, lc);
		if (in->left == 0)
			return;
		le = command->extended ? wire_u16_be(in) : wire_u8(in);
	}
	if (le == 0)
		le = command->extended ? EXTENDED_LE_MAX : SHORT_LE_MAX;
	command->ne = le;
}

static bool
decode(struct wire_view apdu, struct command *command)
{
	struct wire_in in = wire_in_view(apdu);

	*command = (struct command){0};
	wire_skip(&in, 1); /* CLA: chaining is not for our instructions */
	command->ins = wire_u8(&in);
	command->p1 = wire_u8(&in);
	command->p2 = wire_u8(&in);
	if (in.left > 0)
		decode_body(&in, command);
	return wire_done(&in);
}

/* The next piece of what is pending, and how much is left after it. */
static uint16_t
give(struct virtual_card *card, const struct command *command,
     struct wire_out *out)
{
	struct wire_in in = wire_in_view(card->pending);
	size_t most =
	    command->extended ? card->limits.extended : card->limits.chunk;
	size_t len = command->ne < most ? command->ne : most;

	if (len > in.left)
		len = in.left;
	wire_put_view(out, wire_bytes(&in, len));
	card->pending = wire_rest(&in);
	if (card->pending.len == 0)
		return SW_OK;
	if (card->pending.len > 0xff)
		return SW_MORE;
	return (uint16_t)(SW_MORE | card->pending.len);
}

static uint16_t
run_select(struct virtual_card *card, const struct command *command,
           struct wire_out *out)
{
	size_t len = command->data.len;

	if (command->p1 != P1_BY_NAME || len < card->aid_min ||
	    len > card->aid_len ||
	    memcmp(command->data.data, card->aid, len) != 0)
		return SW_NOT_FOUND;
	virtual_card_reset(card);
	card->selected = true;
	if (command->p2 == P2_NO_FCI)
		return SW_OK;
	card->pending = (struct wire_view){card->fci, card->fci_len};
	return give(card, command, out);
}

static uint16_t
run_get_data(struct virtual_card *card, const struct command *command,
             struct wire_out *out)
{
	struct wire_in in = wire_in_view(command->data);
	uint16_t file = (uint16_t)(command->p1 << 8 | command->p2);
	uint32_t tag = 0;
	size_t len;

	card->pending = (struct wire_view){NULL, 0};
	if (!card->selected)
		return SW_NO_INSTRUCTION;
	if (wire_u8(&in) != TAG_LIST)
		return SW_WRONG_DATA;
	len = wire_u8(&in);
	if (len == 0 || len > 3 || in.left != len)
		return SW_WRONG_DATA;
	while (in.left > 0)
		tag = tag << 8 | wire_u8(&in);
	for (size_t i = 0; i < card->object_count; i++) {
		const struct virtual_object *object = &card->objects[i];

		if (object->file != file || object->tag != tag)
			continue;
		card->pending = (struct wire_view){object->data, object->len};
		return give(card, command, out);
	}
	return SW_NOT_FOUND;
}

static uint16_t
run_command(struct virtual_card *card, const struct command *command,
            struct wire_out *out)
{
	if (command->extended && card->limits.extended == 0)
		return SW_WRONG_LENGTH;
	if (command->ins == INS_SELECT)
		return run_select(card, command, out);
	if (command->ins == INS_GET_DATA)
		return run_get_data(card, command, out);
	if (command->ins == INS_GET_RESPONSE) {
		if (card->pending.len == 0)
			return SW_NO_CONDITION;
		return give(card, command, out);
	}
	if (command->ins == INS_VERIFY) {
		card->verify_count++;
		return SW_VERIFY_FAILED;
	}
	return SW_NO_INSTRUCTION;
}

void
virtual_card_run(struct virtual_card *card, struct wire_view apdu,
                 struct wire_out *out)
{
	struct command command;
	uint16_t status = SW_WRONG_LENGTH;

	if (decode(apdu, &command))
		status = run_command(card, &command, out);
	wire_put_u16_be(out, status);
}

uint8_t *
virtual_file_read(const char *dir, const char *name, size_t *len)
{
	uint8_t *data = NULL;
	char path[4096];
	FILE *file;

	*len = 0;
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return NULL;
	file = fopen(path, "rbe");
	if (file == NULL)
		return NULL;
	data = malloc(VIRTUAL_OBJECT_MAX);
	if (data != NULL)
		*len = fread(data, 1, VIRTUAL_OBJECT_MAX, file);
	(void)fclose(file);
	return data;
}

static bool
parse_id(const uint8_t *text, size_t len, uint8_t id[VIRTUAL_ID_LEN])
{
	char digits[2 * VIRTUAL_ID_LEN + 1] = {0};

	if (len < 2 * VIRTUAL_ID_LEN)
		return false;
	memcpy(digits, text, 2 * VIRTUAL_ID_LEN);
	for (size_t i = 0; i < VIRTUAL_ID_LEN; i++) {
		char byte[3] = {digits[2 * i], digits[2 * i + 1], '\0'};
		char *end;

		id[i] = (uint8_t)strtoul(byte, &end, 16);
		if (*end != '\0')
			return false;
	}
	return true;
}

void
virtual_card_id(const char *dir, uint8_t id[VIRTUAL_ID_LEN])
{
	uint8_t hash[EVP_MAX_MD_SIZE] = {0};
	size_t len;
	uint8_t *text = virtual_file_read(dir, "guid", &len);

	if (text == NULL || !parse_id(text, len, id)) {
		(void)EVP_Digest(dir, strlen(dir), hash, NULL, EVP_sha256(),
		                 NULL);
		memcpy(id, hash, VIRTUAL_ID_LEN);
	}
	free(text);
}
