#include "esc_part.h"

bool
esc_establish_call_decode(struct ndr_in *in, struct esc_call *call)
{
	call->establish.scope = ndr_u32(in, "dwScope");
	return wire_ok(&in->wire);
}

void
esc_establish_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	ndr_put_u32(out, call->establish.scope);
}

bool
esc_context_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);

	esc_part_id(in, context, &call->context.context);
	return wire_ok(&in->wire);
}

void
esc_context_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_id_ref(out, &call->context.context);
	esc_part_put_id(out, &call->context.context);
}

bool
esc_groups_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);

	call->list.groups.count = 0;
	call->list.groups.present = false;
	call->list.groups.size = 0;
	call->list.names_null = ndr_u32(in, "fmszReadersIsNULL");
	call->list.chars = ndr_u32(in, "cchReaders");
	esc_part_id(in, context, &call->list.context);
	return wire_ok(&in->wire);
}

void
esc_groups_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_id_ref(out, &call->list.context);
	ndr_put_u32(out, call->list.names_null);
	ndr_put_u32(out, call->list.chars);
	esc_part_put_id(out, &call->list.context);
}

bool
esc_list_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	struct esc_part_ref groups =
	    esc_part_ref(in, "mszGroups", ESC_TEXT_MAX);

	call->list.names_null = ndr_u32(in, "fmszReadersIsNULL");
	call->list.chars = ndr_u32(in, "cchReaders");
	esc_part_id(in, context, &call->list.context);
	esc_part_names(in, call->form, groups, &call->list.groups);
	if (call->list.groups.ignored > 0)
		ndr_exceed(in, groups.field, ESC_NAMES_MAX);
	return wire_ok(&in->wire);
}

void
esc_list_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_id_ref(out, &call->list.context);
	esc_part_put_names_ref(out, call->form, &call->list.groups);
	ndr_put_u32(out, call->list.names_null);
	ndr_put_u32(out, call->list.chars);
	esc_part_put_id(out, &call->list.context);
	esc_part_put_names(out, call->form, &call->list.groups);
}

bool
esc_watch_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	struct esc_part_ref states;

	call->watch.timeout_ms = ndr_u32(in, "dwTimeOut");
	states = esc_part_ref(in, "rgReaderStates", ESC_STATES_MAX);
	esc_part_id(in, context, &call->watch.context);
	call->watch.count =
	    esc_part_states(in, call->form, states, call->watch.states);
	return wire_ok(&in->wire);
}

void
esc_watch_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_id_ref(out, &call->watch.context);
	ndr_put_u32(out, call->watch.timeout_ms);
	esc_part_put_states_ref(out, call->watch.count);
	esc_part_put_id(out, &call->watch.context);
	esc_part_put_states(out, call->form, call->watch.states,
	                    call->watch.count);
}

bool
esc_connect_call_decode(struct ndr_in *in, struct esc_call *call)
{
	bool named = ndr_pointer(in, "szReader");
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);

	call->connect.share_mode = ndr_u32(in, "dwShareMode");
	call->connect.protocols = ndr_u32(in, "dwPreferredProtocols");
	esc_part_name(in, "szReader", call->form, named, &call->connect.reader);
	esc_part_id(in, context, &call->connect.context);
	return wire_ok(&in->wire);
}

void
esc_connect_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	ndr_put_pointer(out, call->connect.reader.present);
	esc_part_put_id_ref(out, &call->connect.context);
	ndr_put_u32(out, call->connect.share_mode);
	ndr_put_u32(out, call->connect.protocols);
	esc_part_put_name(out, call->form, &call->connect.reader);
	esc_part_put_id(out, &call->connect.context);
}

bool
esc_reconnect_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);

	call->reconnect.share_mode = ndr_u32(in, "dwShareMode");
	call->reconnect.protocols = ndr_u32(in, "dwPreferredProtocols");
	call->reconnect.initialization = ndr_u32(in, "dwInitialization");
	esc_part_handle(in, handle, &call->reconnect.handle);
	return wire_ok(&in->wire);
}

void
esc_reconnect_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_handle_ref(out, &call->reconnect.handle);
	ndr_put_u32(out, call->reconnect.share_mode);
	ndr_put_u32(out, call->reconnect.protocols);
	ndr_put_u32(out, call->reconnect.initialization);
	esc_part_put_handle(out, &call->reconnect.handle);
}

bool
esc_hcard_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);

	call->hcard.disposition = ndr_u32(in, "dwDisposition");
	esc_part_handle(in, handle, &call->hcard.handle);
	return wire_ok(&in->wire);
}

void
esc_hcard_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_handle_ref(out, &call->hcard.handle);
	ndr_put_u32(out, call->hcard.disposition);
	esc_part_put_handle(out, &call->hcard.handle);
}

bool
esc_state_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);

	call->status.names_null = ndr_u32(in, "fmszReaderNamesIsNULL");
	call->status.chars = 0;
	call->status.atr_len = ndr_u32(in, "cbAtrLen");
	esc_part_handle(in, handle, &call->status.handle);
	return wire_ok(&in->wire);
}

void
esc_state_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_handle_ref(out, &call->status.handle);
	ndr_put_u32(out, call->status.names_null);
	ndr_put_u32(out, call->status.atr_len);
	esc_part_put_handle(out, &call->status.handle);
}

bool
esc_status_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);

	call->status.names_null = ndr_u32(in, "fmszReaderNamesIsNULL");
	call->status.chars = ndr_u32(in, "cchReaderLen");
	call->status.atr_len = ndr_u32(in, "cbAtrLen");
	esc_part_handle(in, handle, &call->status.handle);
	return wire_ok(&in->wire);
}

void
esc_status_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_handle_ref(out, &call->status.handle);
	ndr_put_u32(out, call->status.names_null);
	ndr_put_u32(out, call->status.chars);
	ndr_put_u32(out, call->status.atr_len);
	esc_part_put_handle(out, &call->status.handle);
}

bool
esc_transmit_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);
	struct esc_part_ref extra = esc_part_pci(in, &call->transmit.send_pci);
	struct esc_part_ref send =
	    esc_part_ref(in, "pbSendBuffer", ESC_BUFFER_MAX);
	struct esc_bytes bytes;

	call->transmit.recv_pci_present = ndr_pointer(in, "pioRecvPci");
	call->transmit.recv_null = ndr_u32(in, "fpbRecvBufferIsNULL");
	call->transmit.recv_len = ndr_u32(in, "cbRecvLength");
	esc_part_handle(in, handle, &call->transmit.handle);
	esc_part_bytes(in, extra, &call->transmit.send_pci.extra);
	esc_part_bytes(in, send, &bytes);
	if (!bytes.present && bytes.size > 0)
		ndr_fail(in, "pbSendBuffer", WIRE_VALUE);
	call->transmit.send = bytes.view;
	if (call->transmit.recv_pci_present) {
		extra = esc_part_pci(in, &call->transmit.recv_pci);
		esc_part_bytes(in, extra, &call->transmit.recv_pci.extra);
	}
	return wire_ok(&in->wire);
}

void
esc_transmit_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	struct esc_bytes send = {call->transmit.send,
	                         call->transmit.send.len > 0, 0};

	esc_part_put_handle_ref(out, &call->transmit.handle);
	esc_part_put_pci(out, &call->transmit.send_pci);
	esc_part_put_bytes_ref(out, &send, ESC_BUFFER_MAX);
	ndr_put_pointer(out, call->transmit.recv_pci_present);
	ndr_put_u32(out, call->transmit.recv_null);
	ndr_put_u32(out, call->transmit.recv_len);
	esc_part_put_handle(out, &call->transmit.handle);
	esc_part_put_bytes(out, &call->transmit.send_pci.extra);
	esc_part_put_bytes(out, &send);
	if (call->transmit.recv_pci_present) {
		esc_part_put_pci(out, &call->transmit.recv_pci);
		esc_part_put_bytes(out, &call->transmit.recv_pci.extra);
	}
}

bool
esc_control_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);
	struct esc_part_ref input;

	call->control.code = ndr_u32(in, "dwControlCode");
	input = esc_part_ref(in, "pvInBuffer", ESC_BUFFER_MAX);
	call->control.output_null = ndr_u32(in, "fpvOutBufferIsNULL");
	call->control.output_len = ndr_u32(in, "cbOutBufferSize");
	esc_part_handle(in, handle, &call->control.handle);
	esc_part_bytes(in, input, &call->control.input);
	return wire_ok(&in->wire);
}

void
esc_control_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_handle_ref(out, &call->control.handle);
	ndr_put_u32(out, call->control.code);
	esc_part_put_bytes_ref(out, &call->control.input, ESC_BUFFER_MAX);
	ndr_put_u32(out, call->control.output_null);
	ndr_put_u32(out, call->control.output_len);
	esc_part_put_handle(out, &call->control.handle);
	esc_part_put_bytes(out, &call->control.input);
}

bool
esc_attrib_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);

	call->attrib.id = ndr_u32(in, "dwAttrId");
	call->attrib.data_null = ndr_u32(in, "fpbAttrIsNULL");
	call->attrib.data_len = ndr_u32(in, "cbAttrLen");
	esc_part_handle(in, handle, &call->attrib.handle);
	return wire_ok(&in->wire);
}

void
esc_attrib_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_handle_ref(out, &call->attrib.handle);
	ndr_put_u32(out, call->attrib.id);
	ndr_put_u32(out, call->attrib.data_null);
	ndr_put_u32(out, call->attrib.data_len);
	esc_part_put_handle(out, &call->attrib.handle);
}

bool
esc_set_attrib_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);
	struct esc_part_ref data;

	call->set_attrib.id = ndr_u32(in, "dwAttrId");
	data = esc_part_ref(in, "pbData", ESC_DATA_MAX);
	esc_part_handle(in, handle, &call->set_attrib.handle);
	esc_part_bytes(in, data, &call->set_attrib.data);
	return wire_ok(&in->wire);
}

void
esc_set_attrib_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_handle_ref(out, &call->set_attrib.handle);
	ndr_put_u32(out, call->set_attrib.id);
	esc_part_put_bytes_ref(out, &call->set_attrib.data, ESC_DATA_MAX);
	esc_part_put_handle(out, &call->set_attrib.handle);
	esc_part_put_bytes(out, &call->set_attrib.data);
}

bool
esc_handle_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_handle handle = esc_part_handle_ref(in);

	esc_part_handle(in, handle, &call->handle.handle);
	return wire_ok(&in->wire);
}

void
esc_handle_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_handle_ref(out, &call->handle.handle);
	esc_part_put_handle(out, &call->handle.handle);
}

bool
esc_reader_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	bool named = ndr_pointer(in, "szReader");

	esc_part_id(in, context, &call->reader.context);
	esc_part_name(in, "szReader", call->form, named, &call->reader.reader);
	return wire_ok(&in->wire);
}

void
esc_reader_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_id_ref(out, &call->reader.context);
	ndr_put_pointer(out, call->reader.reader.present);
	esc_part_put_id(out, &call->reader.context);
	esc_part_put_name(out, call->form, &call->reader.reader);
}

bool
esc_pair_call_decode(struct ndr_in *in, struct esc_call *call)
{
	struct esc_part_ref context = esc_part_ref(in, "pbContext", ESC_ID_MAX);
	bool named = ndr_pointer(in, "szReader");
	bool other = ndr_pointer(in, "szDeviceName or szGroupName");

	esc_part_id(in, context, &call->pair.context);
	esc_part_name(in, "szReader", call->form, named, &call->pair.reader);
	esc_part_name(in, "szDeviceName or szGroupName", call->form, other,
	              &call->pair.other);
	return wire_ok(&in->wire);
}

void
esc_pair_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	esc_part_put_id_ref(out, &call->pair.context);
	ndr_put_pointer(out, call->pair.reader.present);
	ndr_put_pointer(out, call->pair.other.present);
	esc_part_put_id(out, &call->pair.context);
	esc_part_put_name(out, call->form, &call->pair.reader);
	esc_part_put_name(out, call->form, &call->pair.other);
}

bool
esc_event_call_decode(struct ndr_in *in, struct esc_call *call)
{
	call->event.value = ndr_u32(in, "the value");
	return wire_ok(&in->wire);
}

void
esc_event_call_encode(struct ndr_out *out, const struct esc_call *call)
{
	ndr_put_u32(out, call->event.value);
}
