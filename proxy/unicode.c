#include "unicode.h"

enum { REPLACEMENT = 0xfffd };

static bool
is_high(uint32_t unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool
is_low(uint32_t unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

/* The next code point of UTF-16LE; a lone half of a pair is replaced. */
static uint32_t
next_point(struct wire_in *in)
{
	uint32_t unit = wire_u16(in);
	struct wire_in peek = *in;
	uint32_t low;

	if (is_low(unit))
		return REPLACEMENT;
	if (!is_high(unit))
		return unit;
	low = wire_u16(&peek);
	if (!is_low(low))
		return REPLACEMENT;
	*in = peek;
	return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
}

static void
put_tail(struct wire_out *out, uint32_t point, unsigned shift)
{
	wire_put_u8(out, (uint8_t)(0x80 | ((point >> shift) & 0x3f)));
}

static void
put_point(struct wire_out *out, uint32_t point)
{
	if (point < 0x80) {
		wire_put_u8(out, (uint8_t)point);
		return;
	}
	if (point < 0x800) {
		wire_put_u8(out, (uint8_t)(0xc0 | point >> 6));
		put_tail(out, point, 0);
		return;
	}
	if (point < 0x10000) {
		wire_put_u8(out, (uint8_t)(0xe0 | point >> 12));
	} else {
		wire_put_u8(out, (uint8_t)(0xf0 | point >> 18));
		put_tail(out, point, 12);
	}
	put_tail(out, point, 6);
	put_tail(out, point, 0);
}

static bool
finish(struct wire_out *out, char *text)
{
	wire_put_u8(out, 0);
	if (wire_out_ok(out))
		return true;
	text[0] = '\0';
	return false;
}

bool
unicode_from_utf16le(char *out, size_t size, struct wire_view text)
{
	struct wire_in in = wire_in_view(text);
	struct wire_out to = wire_out(out, size);

	while (in.left >= 2 && wire_out_ok(&to)) {
		uint32_t point = next_point(&in);

		if (point == 0)
			break;
		put_point(&to, point);
	}
	return finish(&to, out);
}

bool
unicode_from_latin1(char *out, size_t size, struct wire_view text)
{
	struct wire_in in = wire_in_view(text);
	struct wire_out to = wire_out(out, size);

	while (in.left > 0 && wire_out_ok(&to)) {
		uint32_t point = wire_u8(&in);

		if (point == 0)
			break;
		put_point(&to, point);
	}
	return finish(&to, out);
}
