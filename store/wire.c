#include "wire.h"

#include <string.h>

struct wire_in
wire_in(const void *data, size_t len)
{
	struct wire_in in = {.next = data, .left = len};

	return in;
}

struct wire_in
wire_in_view(struct wire_view view)
{
	return wire_in(view.data, view.len);
}

bool
wire_ok(const struct wire_in *in)
{
	return in->fault == WIRE_OK;
}

bool
wire_done(const struct wire_in *in)
{
	return in->fault == WIRE_OK && in->left == 0;
}

void
wire_field(struct wire_in *in, const char *field)
{
	if (in->fault == WIRE_OK)
		in->field = field;
}

void
wire_fail(struct wire_in *in, enum wire_fault fault)
{
	if (in->fault == WIRE_OK)
		in->fault = fault;
}

/* The next len bytes, or NULL and a fault. */
static const uint8_t *
take(struct wire_in *in, size_t len)
{
	const uint8_t *at = in->next;

	if (in->fault != WIRE_OK)
		return NULL;
	if (len > in->left) {
		in->fault = WIRE_SHORT;
		return NULL;
	}
	if (len > 0)
		in->next += len;
	in->left -= len;
	return at;
}

uint8_t
wire_u8(struct wire_in *in)
{
	const uint8_t *p = take(in, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t
wire_u16(struct wire_in *in)
{
	const uint8_t *p = take(in, 2);

	if (p == NULL)
		return 0;
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
wire_u32(struct wire_in *in)
{
	const uint8_t *p = take(in, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

uint64_t
wire_u64(struct wire_in *in)
{
	uint64_t low = wire_u32(in);
	uint64_t high = wire_u32(in);

	return low | high << 32;
}

uint16_t
wire_u16_be(struct wire_in *in)
{
	const uint8_t *p = take(in, 2);

	if (p == NULL)
		return 0;
	return (uint16_t)(p[0] << 8 | p[1]);
}

uint32_t
wire_u32_be(struct wire_in *in)
{
	const uint8_t *p = take(in, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

uint32_t
wire_count(struct wire_in *in, uint32_t max)
{
	uint32_t count = wire_u32(in);

	if (count <= max)
		return count;
	wire_fail(in, WIRE_LIMIT);
	return 0;
}

struct wire_view
wire_bytes(struct wire_in *in, size_t len)
{
	const uint8_t *p = take(in, len);
	struct wire_view view = { p, p == NULL ? 0 : len };

	return view;
}

struct wire_view
wire_rest(struct wire_in *in)
{
	return wire_bytes(in, in->left);
}

void
wire_skip(struct wire_in *in, size_t len)
{
	(void)take(in, len);
}

struct wire_in
wire_sub(struct wire_in *in, size_t len)
{
	const uint8_t *p = take(in, len);
	struct wire_in sub = {p, p == NULL ? 0 : len, in->fault, in->field};

	return sub;
}

struct wire_out
wire_out(void *data, size_t size)
{
	struct wire_out out = { data, size, 0, WIRE_OK };

	return out;
}

bool
wire_out_ok(const struct wire_out *out)
{
	return out->fault == WIRE_OK;
}

struct wire_view
wire_written(const struct wire_out *out)
{
	struct wire_view view = { out->data, out->len };

	return view;
}

/* Room for len more bytes, or NULL and a fault. */
static uint8_t *
room(struct wire_out *out, size_t len)
{
	uint8_t *at;

	if (out->fault != WIRE_OK)
		return NULL;
	if (len > out->size - out->len) {
		out->fault = WIRE_FULL;
		return NULL;
	}
	at = out->data + out->len;
	out->len += len;
	return at;
}

static void
put_le(struct wire_out *out, uint64_t value, size_t len)
{
	uint8_t *p = room(out, len);

	for (size_t i = 0; p != NULL && i < len; i++)
		p[i] = (uint8_t)(value >> (8 * i));
}

static void
put_be(struct wire_out *out, uint64_t value, size_t len)
{
	uint8_t *p = room(out, len);

	for (size_t i = 0; p != NULL && i < len; i++)
		p[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
}

void
wire_put_u8(struct wire_out *out, uint8_t value)
{
	put_le(out, value, 1);
}

void
wire_put_u16(struct wire_out *out, uint16_t value)
{
	put_le(out, value, 2);
}

void
wire_put_u32(struct wire_out *out, uint32_t value)
{
	put_le(out, value, 4);
}

void
wire_put_u64(struct wire_out *out, uint64_t value)
{
	put_le(out, value, 8);
}

void
wire_put_u16_be(struct wire_out *out, uint16_t value)
{
	put_be(out, value, 2);
}

void
wire_put_u32_be(struct wire_out *out, uint32_t value)
{
	put_be(out, value, 4);
}

void
wire_put_bytes(struct wire_out *out, const void *data, size_t len)
{
	uint8_t *p = room(out, len);

	if (p != NULL && len > 0)
		memcpy(p, data, len);
}

void
wire_put_view(struct wire_out *out, struct wire_view view)
{
	wire_put_bytes(out, view.data, view.len);
}

void
wire_put_zeros(struct wire_out *out, size_t len)
{
	uint8_t *p = room(out, len);

	if (p != NULL && len > 0)
		memset(p, 0, len);
}

size_t
wire_reserve(struct wire_out *out, size_t len)
{
	size_t offset = out->len;

	wire_put_zeros(out, len);
	return offset;
}

/* A second cursor over bytes already written, to fill in what was reserved. */
static struct wire_out
at(struct wire_out *out, size_t offset, size_t len)
{
	bool inside = out->fault == WIRE_OK && offset <= out->len &&
		      len <= out->len - offset;

	return wire_out(inside ? out->data + offset : NULL, inside ? len : 0);
}

void
wire_set_u16(struct wire_out *out, size_t offset, uint16_t value)
{
	struct wire_out hole = at(out, offset, 2);

	wire_put_u16(&hole, value);
}

void
wire_set_u16_be(struct wire_out *out, size_t offset, uint16_t value)
{
	struct wire_out hole = at(out, offset, 2);

	wire_put_u16_be(&hole, value);
}

void
wire_set_u32(struct wire_out *out, size_t offset, uint32_t value)
{
	struct wire_out hole = at(out, offset, 4);

	wire_put_u32(&hole, value);
}

struct wire_view
wire_view_text(const char *text)
{
	struct wire_view view = { (const uint8_t *)text,
		text == NULL ? 0 : strlen(text) };

	return view;
}

bool
wire_view_equal(struct wire_view a, struct wire_view b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

const char *
wire_fault_name(enum wire_fault fault)
{
	switch (fault) {
	case WIRE_OK:
		return "ok";
	case WIRE_SHORT:
		return "too short";
	case WIRE_LIMIT:
		return "above its limit";
	case WIRE_VALUE:
		return "not an allowed value";
	case WIRE_FULL:
		return "no room";
	}
	return "unknown";
}
