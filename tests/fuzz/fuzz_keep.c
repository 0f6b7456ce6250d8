/* The keeper's messages: what decodes, encodes to the same bytes. */
#include <stdlib.h>

#include "keep.h"

/* What decodes must encode again, to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t again[KEEP_MESSAGE_MAX];
	struct wire_in in = wire_in(data, len);
	struct wire_out out = wire_out(again, sizeof(again));
	struct wire_view whole = {data, len};
	struct keep_msg msg;

	if (!keep_decode(&in, &msg))
		return 0;
	keep_encode(&out, &msg);
	if (!wire_out_ok(&out) || !wire_view_equal(wire_written(&out), whole))
		abort();
	return 0;
}
