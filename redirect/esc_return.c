#include "esc_part.h"

/* A success that carries none of what it promises is no success. */
static void
must_have(struct ndr_in *in, uint32_t code, const char *field,
          const struct esc_id *id)
{
	if (code == ESC_S_SUCCESS && id->len == 0)
		ndr_fail(in, field, WIRE_VALUE);
}

bool
esc_long_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	ret->code = ndr_u32(in, "ReturnCode");
	return wire_ok(&in->wire);
}

void
esc_long_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	ndr_put_u32(out, ret->code);
}

bool
esc_establish_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	struct esc_part_ref context;

	ret->code = ndr_u32(in, "ReturnCode");
	context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	esc_part_id(in, context, &ret->establish.context);
	must_have(in, ret->code, "pbContext", &ret->establish.context);
	return wire_ok(&in->wire);
}

void
esc_establish_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	ndr_put_u32(out, ret->code);
	esc_part_put_id_ref(out, &ret->establish.context);
	esc_part_put_id(out, &ret->establish.context);
}

bool
esc_list_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	struct esc_part_ref names;

	ret->code = ndr_u32(in, "ReturnCode");
	names = esc_part_ref(in, "mszReaders", ESC_TEXT_MAX);
	esc_part_names(in, ret->form, names, &ret->list.names);
	return wire_ok(&in->wire);
}

void
esc_list_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	ndr_put_u32(out, ret->code);
	esc_part_put_names_ref(out, ret->form, &ret->list.names);
	esc_part_put_names(out, ret->form, &ret->list.names);
}

/* ReaderState_Return, 2.2.1.11. */
static void
take_state(struct ndr_in *in, struct esc_event_state *state)
{
	uint32_t len;

	state->current = ndr_u32(in, "dwCurrentState");
	state->event = ndr_u32(in, "dwEventState");
	len = ndr_count(in, "cbAtr", ESC_ATR_MAX);
	esc_part_atr(in, len, ndr_fixed(in, "rgbAtr", ESC_ATR_MAX),
	             &state->atr);
}

static void
put_state(struct ndr_out *out, const struct esc_event_state *state)
{
	ndr_put_u32(out, state->current);
	ndr_put_u32(out, state->event);
	ndr_put_u32(out, state->atr.len);
	esc_part_put_atr(out, &state->atr, ESC_ATR_MAX);
}

/*
 * The states come with any code: a timeout has them too.  A refusal may tell a
 * count and send none; a success may not.
 */
bool
esc_watch_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	struct esc_part_ref states;

	ret->code = ndr_u32(in, "ReturnCode");
	states = esc_part_ref(in, "rgReaderStates", ESC_STATES_MAX);
	if (states.present)
		ndr_array(in, states.field, states.len);
	else if (states.len > 0 && ret->code == ESC_S_SUCCESS)
		ndr_fail(in, states.field, WIRE_VALUE);
	ret->watch.count = states.present ? states.len : 0;
	for (uint32_t i = 0; i < ret->watch.count && wire_ok(&in->wire); i++)
		take_state(in, &ret->watch.states[i]);
	return wire_ok(&in->wire);
}

void
esc_watch_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	uint32_t count = ret->watch.count;

	if (count > ESC_STATES_MAX) {
		ndr_put_fail(out, WIRE_LIMIT);
		return;
	}
	ndr_put_u32(out, ret->code);
	ndr_put_u32(out, count);
	ndr_put_pointer(out, count > 0);
	if (count > 0)
		ndr_put_array(out, count);
	for (uint32_t i = 0; i < count; i++)
		put_state(out, &ret->watch.states[i]);
}

bool
esc_connect_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	struct esc_part_handle handle;

	ret->code = ndr_u32(in, "ReturnCode");
	handle = esc_part_handle_ref(in);
	ret->connect.protocol = ndr_u32(in, "dwActiveProtocol");
	esc_part_handle(in, handle, &ret->connect.handle);
	must_have(in, ret->code, "pbHandle", &ret->connect.handle.card);
	return wire_ok(&in->wire);
}

void
esc_connect_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	ndr_put_u32(out, ret->code);
	esc_part_put_handle_ref(out, &ret->connect.handle);
	ndr_put_u32(out, ret->connect.protocol);
	esc_part_put_handle(out, &ret->connect.handle);
}

bool
esc_number_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	ret->code = ndr_u32(in, "ReturnCode");
	ret->number.value = ndr_u32(in, "the value");
	return wire_ok(&in->wire);
}

void
esc_number_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	ndr_put_u32(out, ret->code);
	ndr_put_u32(out, ret->number.value);
}

bool
esc_state_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	struct esc_part_ref atr;
	struct wire_view bytes = {NULL, 0};

	ret->code = ndr_u32(in, "ReturnCode");
	ret->state.state = ndr_u32(in, "dwState");
	ret->state.protocol = ndr_u32(in, "dwProtocol");
	atr = esc_part_ref(in, "pbAtr", ESC_ATR_MAX);
	if (atr.present)
		bytes = ndr_bytes(in, atr.field, atr.len);
	esc_part_atr(in, (uint32_t)bytes.len, bytes, &ret->state.atr);
	return wire_ok(&in->wire);
}

void
esc_state_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	const struct esc_atr *atr = &ret->state.atr;

	ndr_put_u32(out, ret->code);
	ndr_put_u32(out, ret->state.state);
	ndr_put_u32(out, ret->state.protocol);
	ndr_put_u32(out, atr->len);
	ndr_put_pointer(out, atr->len > 0);
	if (atr->len == 0)
		return;
	ndr_put_array(out, atr->len);
	esc_part_put_atr(out, atr, atr->len);
}

bool
esc_status_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	struct esc_part_ref names;
	struct wire_view atr;
	uint32_t len;

	ret->code = ndr_u32(in, "ReturnCode");
	names = esc_part_ref(in, "mszReaders", ESC_TEXT_MAX);
	ret->status.state = ndr_u32(in, "dwState");
	ret->status.protocol = ndr_u32(in, "dwProtocol");
	atr = ndr_fixed(in, "pbAtr", ESC_STATUS_ATR_LEN);
	len = ndr_count(in, "cbAtr", ESC_STATUS_ATR_LEN);
	esc_part_atr(in, len, atr, &ret->status.atr);
	esc_part_names(in, ret->form, names, &ret->status.names);
	return wire_ok(&in->wire);
}

void
esc_status_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	ndr_put_u32(out, ret->code);
	esc_part_put_names_ref(out, ret->form, &ret->status.names);
	ndr_put_u32(out, ret->status.state);
	ndr_put_u32(out, ret->status.protocol);
	esc_part_put_atr(out, &ret->status.atr, ESC_STATUS_ATR_LEN);
	ndr_put_u32(out, ret->status.atr.len);
	esc_part_put_names(out, ret->form, &ret->status.names);
}

bool
esc_transmit_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	struct esc_part_ref recv;
	struct esc_part_ref extra;

	ret->code = ndr_u32(in, "ReturnCode");
	ret->transmit.pci_present = ndr_pointer(in, "pioRecvPci");
	recv = esc_part_ref(in, "pbRecvBuffer", ESC_BUFFER_MAX);
	if (ret->transmit.pci_present) {
		extra = esc_part_pci(in, &ret->transmit.pci);
		esc_part_bytes(in, extra, &ret->transmit.pci.extra);
	}
	esc_part_bytes(in, recv, &ret->transmit.recv);
	return wire_ok(&in->wire);
}

void
esc_transmit_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	ndr_put_u32(out, ret->code);
	ndr_put_pointer(out, ret->transmit.pci_present);
	esc_part_put_bytes_ref(out, &ret->transmit.recv, ESC_BUFFER_MAX);
	if (ret->transmit.pci_present) {
		esc_part_put_pci(out, &ret->transmit.pci);
		esc_part_put_bytes(out, &ret->transmit.pci.extra);
	}
	esc_part_put_bytes(out, &ret->transmit.recv);
}

bool
esc_data_return_decode(struct ndr_in *in, struct esc_return *ret)
{
	struct esc_part_ref data;

	ret->code = ndr_u32(in, "ReturnCode");
	data = esc_part_ref(in, "pbData", ESC_BUFFER_MAX);
	esc_part_bytes(in, data, &ret->data.data);
	return wire_ok(&in->wire);
}

void
esc_data_return_encode(struct ndr_out *out, const struct esc_return *ret)
{
	ndr_put_u32(out, ret->code);
	esc_part_put_bytes_ref(out, &ret->data.data, ESC_BUFFER_MAX);
	esc_part_put_bytes(out, &ret->data.data);
}
