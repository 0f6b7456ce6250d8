#include "der.h"

enum {
	DER_LONG_TAG = 0x1f, /* the tag goes on in the next byte */
	DER_SHORT_MAX = 0x7f,
	DER_ONE_BYTE = 0x81,
	DER_TWO_BYTES = 0x82
};

uint8_t
der_peek(const struct wire_in *in)
{
	struct wire_in look = *in;

	return wire_u8(&look);
}

/* X.690 10.1: the shortest form, and no indefinite one. */
static size_t
read_length(struct wire_in *in)
{
	uint8_t first = wire_u8(in);
	size_t len;

	if (first <= DER_SHORT_MAX)
		return first;
	if (first != DER_ONE_BYTE && first != DER_TWO_BYTES) {
		wire_fail(in, WIRE_VALUE);
		return 0;
	}
	len = first == DER_ONE_BYTE ? wire_u8(in) : wire_u16_be(in);
	if (len <= (first == DER_ONE_BYTE ? DER_SHORT_MAX : UINT8_MAX))
		wire_fail(in, WIRE_VALUE);
	return len;
}

struct wire_in
der_enter(struct wire_in *in, enum der_tag tag)
{
	if (wire_u8(in) != tag)
		wire_fail(in, WIRE_VALUE);
	return wire_sub(in, read_length(in));
}

void
der_skip(struct wire_in *in)
{
	if ((wire_u8(in) & DER_LONG_TAG) == DER_LONG_TAG)
		wire_fail(in, WIRE_VALUE);
	wire_skip(in, read_length(in));
}
