#include "ndr.h"

enum {
	VERSION = 1,
	LITTLE_ENDIAN_DATA = 0x10,
	COMMON_HEADER_LEN = 8,
	ALIGN = 4,
	OBJECT_ALIGN = 8,
	PADDING_MAX = 15,
	UNTOLD_MAX = 16,
	FIRST_REFERENT = 0x00020000
};

#define FILLER UINT32_C(0xCCCCCCCC)

/* How many bytes are missing to the next multiple of align. */
static size_t
gap(size_t at, size_t align)
{
	return (align - at % align) % align;
}

void
ndr_fail(struct ndr_in *in, const char *field, enum wire_fault fault)
{
	wire_field(&in->wire, field);
	wire_fail(&in->wire, fault);
}

void
ndr_exceed(struct ndr_in *in, const char *field, uint32_t max)
{
	if (wire_ok(&in->wire))
		in->max = max;
	ndr_fail(in, field, WIRE_LIMIT);
}

void
ndr_open(struct ndr_in *in, struct wire_view message)
{
	struct wire_in wire = wire_in_view(message);
	uint32_t len;

	if (wire_u8(&wire) != VERSION || wire_u8(&wire) != LITTLE_ENDIAN_DATA ||
	    wire_u16(&wire) != COMMON_HEADER_LEN)
		wire_fail(&wire, WIRE_VALUE);
	wire_skip(&wire, 4); /* filler */
	len = wire_count(&wire, NDR_OBJECT_MAX);
	wire_skip(&wire, 4); /* filler */
	if (len > wire.left)
		wire_fail(&wire, WIRE_SHORT);
	else if (wire.left - len > UNTOLD_MAX)
		wire_fail(&wire, WIRE_VALUE);
	in->wire = wire_sub(&wire, wire.left);
	in->wire.fault = wire.fault;
	in->len = in->wire.left;
	in->seen_count = 0;
	in->seen_max = 0;
	in->name = 0;
	in->aliased = false;
	in->wire.field = "the type headers";
	in->max = NDR_OBJECT_MAX;
}

bool
ndr_close(struct ndr_in *in)
{
	if (in->wire.left > PADDING_MAX)
		ndr_fail(in, "the padding", WIRE_VALUE);
	return wire_ok(&in->wire);
}

/* What comes next stands on a multiple of four. */
static void
align(struct ndr_in *in)
{
	wire_skip(&in->wire, gap(in->len - in->wire.left, ALIGN));
}

uint32_t
ndr_u32(struct ndr_in *in, const char *field)
{
	wire_field(&in->wire, field);
	align(in);
	return wire_u32(&in->wire);
}

uint32_t
ndr_count(struct ndr_in *in, const char *field, uint32_t max)
{
	uint32_t count = ndr_u32(in, field);

	if (count <= max)
		return count;
	ndr_exceed(in, field, max);
	return 0;
}

static bool
is_seen(const struct ndr_in *in, uint32_t referent)
{
	if (referent > in->seen_max)
		return false;
	for (size_t i = 0; i < in->seen_count; i++)
		if (in->seen[i] == referent)
			return true;
	return false;
}

bool
ndr_pointer(struct ndr_in *in, const char *field)
{
	uint32_t referent = ndr_u32(in, field);

	if (referent == 0)
		return false;
	if (in->seen_count == NDR_REFERENTS_MAX) {
		ndr_exceed(in, field, NDR_REFERENTS_MAX);
		return false;
	}
	if (is_seen(in, referent)) {
		wire_fail(&in->wire, WIRE_VALUE);
		return false;
	}
	in->seen[in->seen_count++] = referent;
	if (referent > in->seen_max)
		in->seen_max = referent;
	return true;
}

void
ndr_array(struct ndr_in *in, const char *field, uint32_t count)
{
	if (ndr_u32(in, field) != count)
		wire_fail(&in->wire, WIRE_VALUE);
}

struct wire_view
ndr_bytes(struct ndr_in *in, const char *field, uint32_t len)
{
	ndr_array(in, field, len);
	return wire_bytes(&in->wire, len);
}

struct wire_view
ndr_fixed(struct ndr_in *in, const char *field, size_t len)
{
	wire_field(&in->wire, field);
	align(in);
	return wire_bytes(&in->wire, len);
}

struct wire_view
ndr_string(struct ndr_in *in, const char *field, uint32_t unit,
           uint32_t max_chars)
{
	uint32_t max = ndr_u32(in, field);
	uint32_t offset = ndr_u32(in, field);
	uint32_t count = ndr_count(in, field, max_chars);

	if (offset != 0 || count > max)
		wire_fail(&in->wire, WIRE_VALUE);
	return wire_bytes(&in->wire, (size_t)count * unit);
}

struct ndr_out
ndr_begin(struct wire_out *wire)
{
	struct ndr_out out = {.wire = wire, .referent = FIRST_REFERENT};

	wire_put_u8(wire, VERSION);
	wire_put_u8(wire, LITTLE_ENDIAN_DATA);
	wire_put_u16(wire, COMMON_HEADER_LEN);
	wire_put_u32(wire, FILLER);
	out.length_at = wire_reserve(wire, 4);
	wire_put_u32(wire, 0);
	out.start = wire->len;
	return out;
}

static void
put_align(struct ndr_out *out, size_t to)
{
	wire_put_zeros(out->wire, gap(out->wire->len - out->start, to));
}

void
ndr_end(struct ndr_out *out)
{
	put_align(out, OBJECT_ALIGN);
	wire_set_u32(out->wire, out->length_at,
	             (uint32_t)(out->wire->len - out->start));
}

void
ndr_put_u32(struct ndr_out *out, uint32_t value)
{
	put_align(out, ALIGN);
	wire_put_u32(out->wire, value);
}

void
ndr_put_pointer(struct ndr_out *out, bool present)
{
	ndr_put_u32(out, present ? out->referent : 0);
	if (present)
		out->referent += 4;
}

void
ndr_put_array(struct ndr_out *out, uint32_t count)
{
	ndr_put_u32(out, count);
}

void
ndr_put_bytes(struct ndr_out *out, struct wire_view bytes)
{
	ndr_put_array(out, (uint32_t)bytes.len);
	wire_put_view(out->wire, bytes);
}

void
ndr_put_fixed(struct ndr_out *out, struct wire_view bytes)
{
	put_align(out, ALIGN);
	wire_put_view(out->wire, bytes);
}

void
ndr_put_string(struct ndr_out *out, uint32_t count)
{
	ndr_put_u32(out, count);
	ndr_put_u32(out, 0);
	ndr_put_u32(out, count);
}

void
ndr_put_fail(struct ndr_out *out, enum wire_fault fault)
{
	if (wire_out_ok(out->wire))
		out->wire->fault = fault;
}
