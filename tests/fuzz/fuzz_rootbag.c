/* Any bytes as the root file of a card. */
#include "rootbag.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_view bytes = {data, len};
	struct rootbag bag;
	const char *fault = rootbag_parse(bytes, &bag);
	size_t total = 0;

	for (size_t i = 0; i < bag.count; i++)
		total += bag.certs[i].len;
	if (total > len || (fault != NULL && bag.count > 0))
		abort();
	return 0;
}
