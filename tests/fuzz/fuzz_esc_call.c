/*
 * Smart card calls: four bytes of IOCTL, then the input of its request.  What
 * decodes, encodes to bytes that decode to the same.
 */
#include "ioctl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct esc_call call;
static uint8_t first[256 * 1024];
static uint8_t second[256 * 1024];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct wire_out one = wire_out(first, sizeof(first));
	struct wire_out two = wire_out(second, sizeof(second));
	const struct ioctl *row = ioctl_find(wire_u32(&in));

	if (row == NULL ||
	    ioctl_call_decode(row, wire_rest(&in), &call) != WIRE_OK)
		return 0;
	ioctl_call_encode(row, &one, &call);
	if (!wire_out_ok(&one) ||
	    ioctl_call_decode(row, wire_written(&one), &call) != WIRE_OK)
		abort();
	ioctl_call_encode(row, &two, &call);
	if (!wire_view_equal(wire_written(&one), wire_written(&two)))
		abort();
	return 0;
}
