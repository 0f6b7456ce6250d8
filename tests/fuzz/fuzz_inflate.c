/* Any bytes as a compressed certificate. */
#include "inflate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_view packed = {data, len};
	size_t got;
	uint8_t *out;

	if (inflate_member(packed, 16 * 1024, &out, &got) == INFLATE_OK &&
	    (got > 16 * 1024 || got > len * INFLATE_RATIO_MAX))
		abort();
	free(out);
	return 0;
}
