#include "utf16.h"

enum {
	SURROGATE_HIGH = 0xD800,
	SURROGATE_LOW = 0xDC00,
	SURROGATE_END = 0xE000,
	PLANE_ONE = 0x10000,
	CODE_POINT_MAX = 0x10FFFF
};

/* One character; a fault in in when there is none. */
static uint32_t
take_utf16(struct wire_in *in)
{
	uint32_t high = wire_u16(in);
	uint32_t low;

	if (high < SURROGATE_HIGH || high >= SURROGATE_END)
		return high;
	low = high < SURROGATE_LOW && in->left >= 2 ? wire_u16(in) : 0;
	if (low < SURROGATE_LOW || low >= SURROGATE_END) {
		wire_fail(in, WIRE_VALUE);
		return 0;
	}
	return PLANE_ONE + ((high - SURROGATE_HIGH) << 10) +
	       (low - SURROGATE_LOW);
}

/* The bytes that follow the first one; min is what needs that many. */
static uint32_t
take_tail(struct wire_in *in, uint32_t code, unsigned count, uint32_t min)
{
	for (unsigned i = 0; i < count; i++) {
		uint32_t byte = wire_u8(in);

		if ((byte & 0xC0) != 0x80)
			wire_fail(in, WIRE_VALUE);
		code = code << 6 | (byte & 0x3F);
	}
	if (code < min || code > CODE_POINT_MAX ||
	    (code >= SURROGATE_HIGH && code < SURROGATE_END))
		wire_fail(in, WIRE_VALUE);
	return code;
}

static uint32_t
take_utf8(struct wire_in *in)
{
	uint32_t first = wire_u8(in);

	if (first < 0x80)
		return first;
	if (first >= 0xC0 && first < 0xE0)
		return take_tail(in, first & 0x1F, 1, 0x80);
	if (first >= 0xE0 && first < 0xF0)
		return take_tail(in, first & 0x0F, 2, 0x800);
	if (first >= 0xF0 && first < 0xF8)
		return take_tail(in, first & 0x07, 3, PLANE_ONE);
	wire_fail(in, WIRE_VALUE);
	return 0;
}

static void
put_utf16(struct wire_out *out, uint32_t code)
{
	if (code < PLANE_ONE) {
		wire_put_u16(out, (uint16_t)code);
		return;
	}
	code -= PLANE_ONE;
	wire_put_u16(out, (uint16_t)(SURROGATE_HIGH + (code >> 10)));
	wire_put_u16(out, (uint16_t)(SURROGATE_LOW + (code & 0x3FF)));
}

static void
put_tail(struct wire_out *out, uint32_t code, unsigned count)
{
	while (count-- > 0)
		wire_put_u8(out, (uint8_t)(0x80 | (code >> 6 * count & 0x3F)));
}

static void
put_utf8(struct wire_out *out, uint32_t code)
{
	if (code < 0x80) {
		wire_put_u8(out, (uint8_t)code);
		return;
	}
	if (code < 0x800) {
		wire_put_u8(out, (uint8_t)(0xC0 | code >> 6));
		put_tail(out, code, 1);
		return;
	}
	if (code < PLANE_ONE) {
		wire_put_u8(out, (uint8_t)(0xE0 | code >> 12));
		put_tail(out, code, 2);
		return;
	}
	wire_put_u8(out, (uint8_t)(0xF0 | code >> 18));
	put_tail(out, code, 3);
}

bool
utf16_to_utf8(struct wire_in *in, struct wire_out *out)
{
	while (wire_ok(in) && wire_out_ok(out) && in->left > 0) {
		uint32_t code = take_utf16(in);

		if (wire_ok(in))
			put_utf8(out, code);
	}
	return wire_ok(in) && wire_out_ok(out);
}

bool
utf16_from_utf8(struct wire_in *in, struct wire_out *out)
{
	while (wire_ok(in) && wire_out_ok(out) && in->left > 0) {
		uint32_t code = take_utf8(in);

		if (wire_ok(in))
			put_utf16(out, code);
	}
	return wire_ok(in) && wire_out_ok(out);
}

bool
utf16_bytes_to_utf8(struct wire_view bytes, struct wire_out *out)
{
	struct wire_in in = wire_in_view(bytes);

	if (utf16_units(bytes) != SIZE_MAX) {
		wire_put_view(out, bytes);
		return wire_out_ok(out);
	}
	while (wire_out_ok(out) && in.left > 0)
		put_utf8(out, wire_u8(&in));
	return wire_out_ok(out);
}

size_t
utf16_units(struct wire_view utf8)
{
	struct wire_in in = wire_in_view(utf8);
	size_t units = 0;

	while (wire_ok(&in) && in.left > 0)
		units += take_utf8(&in) < PLANE_ONE ? 1 : 2;
	return wire_ok(&in) ? units : SIZE_MAX;
}
