/* The fields of the messages: texts, lists of bytes, values of a range. */
#include "keep_private.h"

/* The well-formed sequences of UTF-8, RFC 3629; a NUL is no text. */
// clang-format off
static const struct utf8 {
	uint8_t first, last; /* of the lead byte */
	uint8_t tail;        /* bytes that follow */
	uint8_t low, high;   /* of the first of them */
} sequences[] = {
	{ 0x01, 0x7f, 0, 0x00, 0x00 },
	{ 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f }, /* no surrogates */
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};
// clang-format on

static bool
skip_character(struct wire_in *in)
{
	uint8_t lead = wire_u8(in);

	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
		const struct utf8 *seq = &sequences[i];
		uint8_t low = seq->low;
		uint8_t high = seq->high;

		if (lead < seq->first || lead > seq->last)
			continue;
		for (uint8_t tail = 0; tail < seq->tail; tail++) {
			uint8_t byte = wire_u8(in);

			if (byte < low || byte > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
		return wire_ok(in);
	}
	return false;
}

/*
 * What is no text here would be cut in one place and kept whole in another, or
 * make the output of a table unreadable.
 */
static bool
is_text(struct wire_view text)
{
	struct wire_in in = wire_in_view(text);

	while (in.left > 0) {
		if (!skip_character(&in))
			return false;
	}
	return true;
}

/* Writing: what keep.h does not allow is a fault before it leaves. */

void
keep_put_fail(struct wire_out *out, enum wire_fault fault)
{
	if (out->fault == WIRE_OK)
		out->fault = fault;
}

void
keep_put_blob(struct wire_out *out, struct wire_view blob, size_t max)
{
	if (blob.len > max) {
		keep_put_fail(out, WIRE_LIMIT);
		return;
	}
	wire_put_u16(out, (uint16_t)blob.len);
	wire_put_view(out, blob);
}

void
keep_put_text(struct wire_out *out, struct wire_view text)
{
	if (!is_text(text))
		keep_put_fail(out, WIRE_VALUE);
	keep_put_blob(out, text, KEEP_TEXT_MAX);
}

void
keep_put_bool(struct wire_out *out, bool value)
{
	wire_put_u8(out, value ? 1 : 0);
}

void
keep_put_time(struct wire_out *out, int64_t value)
{
	wire_put_u64(out, (uint64_t)value);
}

/* Reading: the mirror, with the same limits. */

struct wire_view
keep_get_blob(struct wire_in *in, size_t max)
{
	uint16_t len = wire_u16(in);

	if (len > max)
		wire_fail(in, WIRE_LIMIT);
	return wire_bytes(in, len);
}

struct wire_view
keep_get_text(struct wire_in *in)
{
	struct wire_view text = keep_get_blob(in, KEEP_TEXT_MAX);

	if (!is_text(text))
		wire_fail(in, WIRE_VALUE);
	return text;
}

uint8_t
keep_get_enum(struct wire_in *in, uint8_t first, uint8_t last)
{
	uint8_t value = wire_u8(in);

	if (value >= first && value <= last)
		return value;
	wire_fail(in, WIRE_VALUE);
	return first;
}

bool
keep_get_bool(struct wire_in *in)
{
	return keep_get_enum(in, 0, 1) != 0;
}

int64_t
keep_get_time(struct wire_in *in)
{
	return (int64_t)wire_u64(in);
}

void
keep_get_id(struct wire_in *in, uint8_t *id, size_t len)
{
	for (size_t i = 0; i < len; i++)
		id[i] = wire_u8(in);
}
