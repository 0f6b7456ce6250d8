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

/* Masks stay bytes in a call: each must read, and write to the same. */
static void
trip_masks(const struct esc_masks *masks)
{
	struct wire_out out = wire_out(second, sizeof(second));
	struct esc_mask mask;
	struct esc_mask again;

	for (uint32_t i = 0; i < masks->count; i++) {
		if (!esc_masks_at(masks, i, &mask))
			abort();
		esc_mask_put(&out, &mask);
	}
	if (esc_masks_at(masks, masks->count, &again) || !wire_out_ok(&out) ||
	    out.len != masks->view.len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct wire_out one = wire_out(first, sizeof(first));
	struct wire_out two = wire_out(second, sizeof(second));
	const struct ioctl *row = ioctl_find(wire_u32(&in));

	struct wire_view input = wire_rest(&in);
	char trouble[IOCTL_TROUBLE_SIZE];
	enum wire_fault fault;
	size_t gap;

	if (row == NULL)
		return 0;
	fault = ioctl_call_decode(row, input, &call);
	if (fault != WIRE_OK) {
		ioctl_call_trouble(row, input, trouble);
		if (trouble[0] == '\0')
			abort();
		return 0;
	}
	gap = ioctl_call_gap(row, input);
	if (gap > 0) {
		ioctl_call_pad(&two, input, gap);
		if (!wire_out_ok(&two) ||
		    ioctl_call_gap(row, wire_written(&two)) != 0)
			abort();
		two = wire_out(second, sizeof(second));
	}
	if (row->decode_call == esc_locate_atr_call_decode)
		trip_masks(&call.locate.masks);
	ioctl_call_encode(row, &one, &call);
	if (!wire_out_ok(&one) ||
	    ioctl_call_decode(row, wire_written(&one), &call) != WIRE_OK)
		abort();
	ioctl_call_encode(row, &two, &call);
	if (!wire_view_equal(wire_written(&one), wire_written(&two)))
		abort();
	return 0;
}
