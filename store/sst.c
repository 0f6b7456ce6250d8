#include "sst.h"

enum {
	VERSION = 0,
	FILE_TYPE = 0x54524543, /* "CERT" */
	ENCODING = 1,           /* X509_ASN_ENCODING */
	END_NUMBER = 0
};

void
sst_put_start(struct wire_out *out)
{
	wire_put_u32(out, VERSION);
	wire_put_u32(out, FILE_TYPE);
}

bool
sst_start(struct wire_in *in)
{
	if (wire_u32(in) != VERSION || wire_u32(in) != FILE_TYPE)
		wire_fail(in, WIRE_VALUE);
	return wire_ok(in);
}

void
sst_put_property(struct wire_out *out, uint32_t number, struct wire_view value)
{
	wire_put_u32(out, number);
	wire_put_u32(out, ENCODING);
	wire_put_u32(out, (uint32_t)value.len);
	wire_put_view(out, value);
}

void
sst_put_certificate(struct wire_out *out, struct wire_view der)
{
	sst_put_property(out, SST_CERTIFICATE, der);
}

void
sst_put_end(struct wire_out *out)
{
	wire_put_u32(out, END_NUMBER);
	wire_put_u64(out, 0);
}

static enum sst_step
take_end(struct wire_in *in)
{
	if (wire_u64(in) != 0)
		wire_fail(in, WIRE_VALUE);
	return wire_ok(in) ? SST_END : SST_FAULT;
}

enum sst_step
sst_next(struct wire_in *in, struct sst_element *element)
{
	element->number = wire_u32(in);
	element->value = (struct wire_view){0};
	if (!wire_ok(in))
		return SST_FAULT;
	if (element->number == END_NUMBER)
		return take_end(in);
	if (wire_u32(in) != ENCODING)
		wire_fail(in, WIRE_VALUE);
	element->value = wire_bytes(in, wire_count(in, SST_VALUE_MAX));
	if (!wire_ok(in))
		return SST_FAULT;
	switch (element->number) {
	case SST_CERTIFICATE:
		return SST_CERT;
	case SST_REVOCATION_LIST:
	case SST_TRUST_LIST:
		return SST_OTHER;
	default: /* any other number is a property's */
		return SST_PROPERTY;
	}
}
