/* The voucher's messages: what decodes, encodes to the same bytes. */
#include <stdlib.h>

#include "vouchwire.h"

/* What decodes must encode again, to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t again[VOUCH_MESSAGE_MAX];
	struct wire_in in = wire_in(data, len);
	struct wire_out out = wire_out(again, sizeof(again));
	struct wire_view whole = {data, len};
	struct vouch_msg msg;

	if (!vouch_decode(&in, &msg))
		return 0;
	vouch_encode(&out, &msg);
	if (!wire_out_ok(&out) || !wire_view_equal(wire_written(&out), whole))
		abort();
	return 0;
}
