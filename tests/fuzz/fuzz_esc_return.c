/*
 * Smart card returns: four bytes of IOCTL, then the output of its response.
 * What decodes, encodes to bytes that decode to the same.
 */
#include "ioctl.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct esc_return ret;
static uint8_t first[256 * 1024];
static uint8_t second[256 * 1024];

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct wire_out one = wire_out(first, sizeof(first));
	struct wire_out two = wire_out(second, sizeof(second));
	const struct ioctl *row = ioctl_find(wire_u32(&in));
	struct wire_view output = wire_rest(&in);
	char trouble[IOCTL_TROUBLE_SIZE];
	uint32_t code;

	(void)ioctl_return_code(output, &code);
	if (row == NULL)
		return 0;
	if (ioctl_return_decode(row, output, &ret) != WIRE_OK) {
		ioctl_return_trouble(row, output, trouble);
		if (trouble[0] == '\0')
			abort();
		return 0;
	}
	if (ioctl_name(row->code) != row->name)
		abort();
	if (ret.code != ESC_S_SUCCESS) {
		ioctl_refusal_encode(row, &two, ret.code);
		if (ioctl_return_code(wire_written(&two), &code) != WIRE_OK ||
		    ret.code != code)
			abort();
		two = wire_out(second, sizeof(second));
	}
	ioctl_return_encode(row, &one, &ret);
	if (!wire_out_ok(&one) || ret.code != code ||
	    ioctl_return_decode(row, wire_written(&one), &ret) != WIRE_OK)
		abort();
	ioctl_return_encode(row, &two, &ret);
	if (!wire_view_equal(wire_written(&one), wire_written(&two)))
		abort();
	return 0;
}
