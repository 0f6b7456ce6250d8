#include "esc_part.h"

#include <string.h>

/* Where a mask starts in the list; a fault when there is none. */
static struct wire_in
mask_in(const struct esc_masks *masks, uint32_t at)
{
	struct wire_in in = wire_in_view(masks->view);

	if (at >= masks->count)
		wire_fail(&in, WIRE_LIMIT);
	wire_skip(&in, (size_t)at * ESC_MASK_LEN);
	return in;
}

bool
esc_masks_at(const struct esc_masks *masks, uint32_t at, struct esc_mask *mask)
{
	struct wire_in in = mask_in(masks, at);
	uint32_t len = wire_count(&in, ESC_ATR_MAX);
	struct wire_view atr = wire_bytes(&in, ESC_ATR_MAX);
	struct wire_view bits = wire_bytes(&in, ESC_ATR_MAX);

	memset(mask, 0, sizeof(*mask));
	if (!wire_ok(&in))
		return false;
	memcpy(mask->atr.bytes, atr.data, len);
	mask->atr.len = (uint8_t)len;
	memcpy(mask->mask, bits.data, ESC_ATR_MAX);
	return true;
}

void
esc_mask_put(struct wire_out *out, const struct esc_mask *mask)
{
	if (mask->atr.len > ESC_ATR_MAX) {
		if (wire_out_ok(out))
			out->fault = WIRE_LIMIT;
		return;
	}
	wire_put_u32(out, mask->atr.len);
	wire_put_bytes(out, mask->atr.bytes, mask->atr.len);
	wire_put_zeros(out, (size_t)ESC_ATR_MAX - mask->atr.len);
	wire_put_bytes(out, mask->mask, ESC_ATR_MAX);
}

/* The list stays as it is, once the length of each ATR is seen to be one. */
static void
take_masks(struct ndr_in *in, struct esc_part_ref ref, struct esc_masks *masks)
{
	masks->view = (struct wire_view){NULL, 0};
	masks->count = ref.len;
	if (ref.present) {
		ndr_array(in, ref.field, ref.len);
		masks->view =
		    ndr_fixed(in, ref.field, (size_t)ref.len * ESC_MASK_LEN);
	} else if (ref.len > 0) {
		ndr_fail(in, ref.field, WIRE_VALUE);
	}
	for (uint32_t i = 0; i < ref.len && wire_ok(&in->wire); i++) {
		struct wire_in mask = mask_in(masks, i);

		(void)wire_count(&mask, ESC_ATR_MAX);
		if (!wire_ok(&mask))
			ndr_exceed(in, "cbAtr", ESC_ATR_MAX);
	}
}

static void
put_masks(struct ndr_out *out, const struct esc_masks *masks)
{
	if (masks->count == 0)
		return;
	ndr_put_array(out, masks->count);
	wire_put_view(out->wire, masks->view);
}

bool
esc_locate_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	struct esc_part_ref cards = esc_part_ref(in, "mszCards", ESC_TEXT_MAX);
	struct esc_part_ref states =
	    esc_part_ref(in, "rgReaderStates", ESC_STATES_MAX);

	esc_part_id(in, context, &call->locate.context);
	esc_part_text(in, call->form, cards, &call->locate.cards);
	call->locate.masks = (struct esc_masks){.count = 0};
	call->locate.count =
	    esc_part_states(in, call->form, states, call->locate.states);
	return wire_ok(&in->wire);
}

void
esc_locate_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_id_ref(out, &call->locate.context);
	esc_part_put_bytes_ref(out, &call->locate.cards, ESC_TEXT_MAX);
	esc_part_put_states_ref(out, call->locate.count);
	esc_part_put_id(out, &call->locate.context);
	esc_part_put_bytes(out, &call->locate.cards);
	esc_part_put_states(out, call->form, call->locate.states,
	                    call->locate.count);
}

bool
esc_locate_atr_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	struct esc_part_ref masks =
	    esc_part_ref(in, "rgAtrMasks", ESC_MASKS_MAX);
	struct esc_part_ref states =
	    esc_part_ref(in, "rgReaderStates", ESC_STATES_MAX);

	esc_part_id(in, context, &call->locate.context);
	call->locate.cards = (struct esc_bytes){.present = false};
	take_masks(in, masks, &call->locate.masks);
	call->locate.count =
	    esc_part_states(in, call->form, states, call->locate.states);
	return wire_ok(&in->wire);
}

void
esc_locate_atr_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	const struct esc_masks *masks = &call->locate.masks;

	if (masks->count > ESC_MASKS_MAX ||
	    masks->view.len != (size_t)masks->count * ESC_MASK_LEN)
		ndr_put_fail(out, WIRE_LIMIT);
	esc_part_put_id_ref(out, &call->locate.context);
	ndr_put_u32(out, masks->count);
	ndr_put_pointer(out, masks->count > 0);
	esc_part_put_states_ref(out, call->locate.count);
	esc_part_put_id(out, &call->locate.context);
	put_masks(out, masks);
	esc_part_put_states(out, call->form, call->locate.states,
	                    call->locate.count);
}
