/* The changes of properties that the control socket takes, and PIN_INFO. */
#include "property.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static uint8_t again[1024 * 1024];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct wire_out out = wire_out(again, sizeof(again));
	struct wire_out pin_out = wire_out(again, sizeof(again));
	struct property_change change;
	struct property_pin pin;

	if (property_get_pin((struct wire_view){data, len}, &pin)) {
		property_put_pin(&pin_out, &pin);
		if (!wire_view_equal(wire_written(&pin_out),
		                     (struct wire_view){data, len}))
			abort();
	}

	while (in.left > 0 && property_get_change(&in, &change))
		property_put_change(&out, &change);
	if (wire_done(&in) && wire_out_ok(&out) &&
	    !wire_view_equal(wire_written(&out), (struct wire_view){data, len}))
		abort();
	return 0;
}
