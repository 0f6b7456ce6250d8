#include "atr.h"

#include <string.h>

enum {
	ATR_INTERFACE_MAX = 8,     /* rounds of TA..TD; more is a loop */
	ATR_COMPACT_TLV = 0x80,    /* category of the historical bytes */
	ATR_COMPACT_STATUS = 0x00, /* the same, and three bytes of status */
	ATR_CAPABILITIES = 0x7,    /* tag of the card capabilities */
	ATR_CAP_EXTENDED = 0x40    /* in their third byte */
};

static unsigned
count_bits(unsigned nibble)
{
	unsigned count = 0;

	for (; nibble != 0; nibble >>= 1)
		count += nibble & 1;
	return count;
}

struct wire_view
atr_historical(struct wire_view atr)
{
	struct wire_in in = wire_in_view(atr);
	unsigned present;
	size_t len;

	wire_skip(&in, 1); /* TS */
	present = wire_u8(&in);
	len = present & 0x0f;
	present >>= 4;
	for (int i = 0; i < ATR_INTERFACE_MAX && present != 0; i++) {
		bool more = (present & 8) != 0; /* TD says what comes next */

		wire_skip(&in, count_bits(present & 7));
		present = more ? wire_u8(&in) >> 4 : 0;
	}
	if (present != 0 || atr.len > ATR_MAX)
		wire_fail(&in, WIRE_VALUE);
	return wire_bytes(&in, len);
}

enum atr_extended
atr_extended(struct wire_view atr)
{
	struct wire_in in = wire_in_view(atr_historical(atr));
	uint8_t category = wire_u8(&in);

	if (category != ATR_COMPACT_TLV && category != ATR_COMPACT_STATUS)
		return ATR_EXTENDED_UNKNOWN;
	while (wire_ok(&in) && in.left > 0) {
		uint8_t head = wire_u8(&in);
		struct wire_in value = wire_sub(&in, head & 0x0f);

		if (head >> 4 != ATR_CAPABILITIES || value.left < 3)
			continue;
		wire_skip(&value, 2);
		return (wire_u8(&value) & ATR_CAP_EXTENDED) != 0
		           ? ATR_EXTENDED_YES
		           : ATR_EXTENDED_NO;
	}
	return ATR_EXTENDED_UNKNOWN;
}

bool
atr_holds_text(struct wire_view bytes, const char *text)
{
	struct wire_view want = wire_view_text(text);
	struct wire_in in = wire_in_view(bytes);

	while (want.len > 0 && in.left >= want.len) {
		struct wire_in here = in;

		if (wire_view_equal(wire_bytes(&here, want.len), want))
			return true;
		wire_skip(&in, 1);
	}
	return false;
}
