#include "apdu.h"

enum { APDU_TAG_LIST = 0x5c, APDU_BY_NAME = 0x0400 };

static bool
ins_allowed(uint8_t ins)
{
	switch (ins) {
	case APDU_SELECT:
	case APDU_READ_BINARY:
	case APDU_GET_RESPONSE:
	case APDU_GET_DATA:
		return true;
	default:
		return false;
	}
}

bool
apdu_allowed(struct wire_view command)
{
	struct wire_in in = wire_in_view(command);
	uint8_t cla = wire_u8(&in);
	uint8_t ins = wire_u8(&in);

	wire_skip(&in, 2);
	return wire_ok(&in) && cla == 0 && ins_allowed(ins);
}

static void
put_short(struct wire_out *out, struct wire_view data, struct apdu *apdu,
          enum apdu_form form)
{
	if (data.len > 0)
		wire_put_u8(out, (uint8_t)data.len);
	wire_put_view(out, data);
	apdu->le_at = out->len;
	apdu->ne = APDU_SHORT_NE;
	if (form == APDU_SHORT || data.len == 0)
		wire_put_u8(out, 0);
}

static void
put_extended(struct wire_out *out, struct wire_view data, struct apdu *apdu)
{
	wire_put_u8(out, 0);
	if (data.len > 0)
		wire_put_u16_be(out, (uint16_t)data.len);
	wire_put_view(out, data);
	wire_put_u16_be(out, APDU_EXTENDED_NE);
	apdu->ne = APDU_EXTENDED_NE;
}

bool
apdu_build(struct apdu *apdu, uint8_t ins, uint16_t p1p2, struct wire_view data,
           enum apdu_form form)
{
	struct wire_out out = wire_out(apdu->bytes, sizeof(apdu->bytes));

	apdu->len = 0;
	apdu->le_at = 0;
	apdu->ne = 0;
	if (!ins_allowed(ins) || data.len > APDU_DATA_MAX)
		return false;
	wire_put_u8(&out, 0);
	wire_put_u8(&out, ins);
	wire_put_u16_be(&out, p1p2);
	if (form == APDU_EXTENDED)
		put_extended(&out, data, apdu);
	else
		put_short(&out, data, apdu, form);
	if (wire_out_ok(&out))
		apdu->len = out.len;
	return apdu->len > 0;
}

struct apdu
apdu_select(struct wire_view aid, enum apdu_form form)
{
	struct apdu apdu;

	(void)apdu_build(&apdu, APDU_SELECT, APDU_BY_NAME, aid, form);
	return apdu;
}

struct apdu
apdu_get_data(uint16_t file, struct wire_view tag, enum apdu_form form)
{
	uint8_t list[APDU_DATA_MAX];
	struct wire_out out = wire_out(list, sizeof(list));
	struct apdu apdu;

	wire_put_u8(&out, APDU_TAG_LIST);
	wire_put_u8(&out, (uint8_t)tag.len);
	wire_put_view(&out, tag);
	(void)apdu_build(&apdu, APDU_GET_DATA, file, wire_written(&out), form);
	return apdu;
}

struct apdu
apdu_read_binary(uint16_t offset, enum apdu_form form)
{
	struct wire_view none = {NULL, 0};
	struct apdu apdu;

	(void)apdu_build(&apdu, APDU_READ_BINARY, offset & 0x7fff, none, form);
	return apdu;
}

struct apdu
apdu_get_response(uint8_t waiting)
{
	struct wire_view none = {NULL, 0};
	struct apdu apdu;

	(void)apdu_build(&apdu, APDU_GET_RESPONSE, 0, none, APDU_SHORT);
	apdu_set_le(&apdu, waiting);
	return apdu;
}

void
apdu_set_le(struct apdu *apdu, uint8_t le)
{
	if (apdu->le_at == 0 || apdu->le_at >= sizeof(apdu->bytes))
		return;
	apdu->bytes[apdu->le_at] = le;
	apdu->len = apdu->le_at + 1;
	apdu->ne = le == 0 ? APDU_SHORT_NE : le;
}
