#include "tlv.h"

enum {
	TLV_CONSTRUCTED = 0x20, /* of the first byte of a tag */
	TLV_LONG_TAG = 0x1f,
	TLV_MORE = 0x80,
	TLV_LONG_LENGTH = 0x80,
	TLV_LENGTH_BYTES = 3
};

static uint32_t
read_tag(struct wire_in *in)
{
	uint32_t tag = wire_u8(in);
	bool more = (tag & TLV_LONG_TAG) == TLV_LONG_TAG;

	for (int i = 0; i < 2 && more; i++) {
		uint8_t next = wire_u8(in);

		tag = tag << 8 | next;
		more = (next & TLV_MORE) != 0;
	}
	if (more)
		wire_fail(in, WIRE_VALUE);
	return tag;
}

static size_t
read_long_length(struct wire_in *in, unsigned bytes, enum tlv_rules rules)
{
	size_t len = 0;

	if (bytes == 0)
		wire_fail(in, WIRE_VALUE); /* indefinite */
	if (bytes > TLV_LENGTH_BYTES)
		wire_fail(in, WIRE_LIMIT);
	for (unsigned i = 0; i < bytes && wire_ok(in); i++)
		len = len << 8 | wire_u8(in);
	if (rules == TLV_DER &&
	    (len < TLV_LONG_LENGTH || len >> (8 * (bytes - 1)) == 0))
		wire_fail(in, WIRE_VALUE);
	return len;
}

static size_t
read_length(struct wire_in *in, enum tlv_rules rules)
{
	uint8_t first = wire_u8(in);

	if (!wire_ok(in) || first < TLV_LONG_LENGTH)
		return first;
	return read_long_length(in, first & 0x7f, rules);
}

struct tlv
tlv_next(struct wire_in *in, enum tlv_rules rules)
{
	struct wire_in before = *in;
	struct tlv none = {0};
	struct tlv tlv;

	tlv.tag = read_tag(in);
	tlv.value = wire_bytes(in, read_length(in, rules));
	tlv.whole = wire_bytes(&before, before.left - in->left);
	return wire_ok(in) ? tlv : none;
}

struct wire_view
tlv_expect(struct wire_in *in, uint32_t tag, enum tlv_rules rules)
{
	struct wire_view none = {NULL, 0};
	struct tlv tlv = tlv_next(in, rules);

	if (wire_ok(in) && tlv.tag != tag)
		wire_fail(in, WIRE_VALUE);
	return wire_ok(in) ? tlv.value : none;
}

bool
tlv_find(struct wire_view bytes, uint32_t tag, struct wire_view *value)
{
	struct wire_in in = wire_in_view(bytes);

	while (wire_ok(&in) && in.left > 0) {
		struct tlv tlv = tlv_next(&in, TLV_BER);

		if (wire_ok(&in) && tlv.tag == tag) {
			*value = tlv.value;
			return true;
		}
	}
	return false;
}

/* The tag and the length of the object that begins here; 0 when broken. */
static size_t
measure(struct wire_view bytes, size_t *len)
{
	struct wire_in in = wire_in_view(bytes);

	(void)read_tag(&in);
	*len = read_length(&in, TLV_BER);
	return wire_ok(&in) ? bytes.len - in.left : 0;
}

size_t
tlv_total(struct wire_view bytes)
{
	size_t len;
	size_t head = measure(bytes, &len);

	return head > 0 ? head + len : 0;
}

size_t
tlv_head(struct wire_view bytes)
{
	size_t len;

	return measure(bytes, &len);
}

static bool
is_constructed(const struct tlv *tlv)
{
	struct wire_in in = wire_in_view(tlv->whole);

	return (wire_u8(&in) & TLV_CONSTRUCTED) != 0;
}

bool
tlv_is_der(struct wire_view bytes)
{
	struct wire_in open[TLV_DEPTH_MAX + 1]; /* what is left at each depth */
	size_t depth = 0;
	bool first = true;

	open[0] = wire_in_view(bytes);
	while (first || depth > 0) {
		struct tlv tlv = tlv_next(&open[depth], TLV_DER);

		if (!wire_ok(&open[depth]))
			return false;
		if (is_constructed(&tlv)) {
			if (depth == TLV_DEPTH_MAX)
				return false;
			open[++depth] = wire_in_view(tlv.value);
		}
		first = false;
		while (depth > 0 && open[depth].left == 0)
			depth--;
	}
	return open[0].left == 0;
}
