/* Text both ways: what is taken in can be given out, and is the same then. */
#include "utf16.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t text[16384];
static uint8_t back[16384];

static void
from_wide(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct wire_out out = wire_out(text, sizeof(text));
	struct wire_out again = wire_out(back, sizeof(back));
	struct wire_view first = {data, len};

	if (!utf16_to_utf8(&in, &out))
		return;
	if (utf16_units(wire_written(&out)) != len / 2)
		abort();
	in = wire_in_view(wire_written(&out));
	if (!utf16_from_utf8(&in, &again) ||
	    !wire_view_equal(first, wire_written(&again)))
		abort();
}

static void
from_bytes(const uint8_t *data, size_t len)
{
	struct wire_view bytes = {data, len};
	struct wire_out out = wire_out(text, sizeof(text));

	if (utf16_bytes_to_utf8(bytes, &out) &&
	    utf16_units(wire_written(&out)) == SIZE_MAX)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	from_wide(data, len);
	from_bytes(data, len);
	return 0;
}
