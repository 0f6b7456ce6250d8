/* The changes of properties that the control socket takes. */
#include "property.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t again[1024 * 1024];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct wire_out out = wire_out(again, sizeof(again));
	struct property_change change;

	while (in.left > 0 && property_get_change(&in, &change))
		property_put_change(&out, &change);
	if (wire_done(&in) && wire_out_ok(&out) &&
	    !wire_view_equal(wire_written(&out), (struct wire_view){data, len}))
		abort();
	return 0;
}
