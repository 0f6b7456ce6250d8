/* The returns: ours, as FreeRDP encodes them. */
#include "oracle.h"

#include <freerdp/channels/rdpdr.h>
#include <freerdp/utils/smartcard_operations.h>
#include <freerdp/utils/smartcard_pack.h>

#include <winpr/stream.h>
#include <winpr/string.h>

#include <stdlib.h>
#include <string.h>

enum { ROOM = 160 * 1024 };

static uint8_t scratch[ROOM]; /* multistrings */

/* A multistring in the form of the return, in scratch. */
static DWORD
put_names(const struct ioctl *row, const struct esc_names *names)
{
	struct wire_out out = wire_out(scratch, sizeof(scratch));
	size_t unit = row->form == ESC_WIDE ? 2 : 1;

	if (!names->present)
		return 0;
	for (size_t i = 0; i < names->count; i++) {
		const char *text = names->list[i].text;
		size_t len = strlen(text);
		WCHAR *wide = NULL;

		if (row->form == ESC_WIDE)
			wide = ConvertUtf8ToWCharAlloc(text, &len);
		if (wide != NULL)
			wire_put_bytes(&out, wide, len * unit);
		else
			wire_put_bytes(&out, text, len);
		free(wide);
		wire_put_zeros(&out, unit);
	}
	wire_put_zeros(&out, unit * (names->count == 0 ? 2 : 1));
	return (DWORD)out.len;
}

static LONG
put_states(wStream *s, const struct ioctl *row, const struct esc_return *ret)
{
	static ReaderState_Return states[ESC_STATES_MAX];
	GetStatusChange_Return change = {(LONG)ret->code, ret->watch.count,
	                                 ret->watch.count == 0 ? NULL : states};
	LocateCards_Return located = change;

	for (uint32_t i = 0; i < ret->watch.count; i++) {
		states[i].dwCurrentState = ret->watch.states[i].current;
		states[i].dwEventState = ret->watch.states[i].event;
		states[i].cbAtr = ret->watch.states[i].atr.len;
		memcpy(states[i].rgbAtr, ret->watch.states[i].atr.bytes,
		       ESC_ATR_MAX);
	}
	if (row->code == IOCTL_GET_STATUS_CHANGE_A ||
	    row->code == IOCTL_GET_STATUS_CHANGE_W)
		return smartcard_pack_get_status_change_return(
		    s, &change, row->form == ESC_WIDE);
	return smartcard_pack_locate_cards_return(s, &located);
}

static LONG
put_connect(wStream *s, const struct esc_return *ret)
{
	Connect_Return theirs = {.ReturnCode = (LONG)ret->code};

	theirs.hContext.cbContext = ret->connect.handle.context.len;
	memcpy(theirs.hContext.pbContext, ret->connect.handle.context.bytes,
	       sizeof(theirs.hContext.pbContext));
	theirs.hCard.cbHandle = ret->connect.handle.card.len;
	memcpy(theirs.hCard.pbHandle, ret->connect.handle.card.bytes,
	       sizeof(theirs.hCard.pbHandle));
	theirs.dwActiveProtocol = ret->connect.protocol;
	return smartcard_pack_connect_return(s, &theirs);
}

static LONG
put_status(wStream *s, const struct ioctl *row, const struct esc_return *ret)
{
	Status_Return theirs = {.ReturnCode = (LONG)ret->code};

	theirs.cBytes = put_names(row, &ret->status.names);
	theirs.mszReaderNames = theirs.cBytes == 0 ? NULL : scratch;
	theirs.dwState = ret->status.state;
	theirs.dwProtocol = ret->status.protocol;
	memcpy(theirs.pbAtr, ret->status.atr.bytes, sizeof(theirs.pbAtr));
	theirs.cbAtrLen = ret->status.atr.len;
	return smartcard_pack_status_return(s, &theirs, row->form == ESC_WIDE);
}

static LONG
put_transmit(wStream *s, const struct esc_return *ret)
{
	static union {
		SCARD_IO_REQUEST request;
		uint8_t bytes[sizeof(SCARD_IO_REQUEST) + ESC_EXTRA_MAX];
	} pci;
	const struct esc_bytes *extra = &ret->transmit.pci.extra;
	Transmit_Return theirs = {.ReturnCode = (LONG)ret->code};

	if (ret->transmit.pci_present) {
		theirs.pioRecvPci = &pci.request;
		pci.request.dwProtocol = ret->transmit.pci.protocol;
		pci.request.cbPciLength =
		    (DWORD)(sizeof(pci.request) + extra->view.len);
		if (extra->view.len > 0)
			memcpy(pci.bytes + sizeof(pci.request),
			       extra->view.data, extra->view.len);
	}
	theirs.cbRecvLength = (DWORD)ret->transmit.recv.view.len;
	if (theirs.cbRecvLength > 0) {
		memcpy(scratch, ret->transmit.recv.view.data,
		       theirs.cbRecvLength);
		theirs.pbRecvBuffer = scratch;
	}
	return smartcard_pack_transmit_return(s, &theirs);
}

static LONG
put_data(wStream *s, const struct ioctl *row, const struct esc_return *ret)
{
	Control_Return control = {.ReturnCode = (LONG)ret->code};
	GetAttrib_Return attrib = {.ReturnCode = (LONG)ret->code};
	GetReaderIcon_Return icon = {.ReturnCode = (LONG)ret->code};
	ReadCache_Return cache = {.ReturnCode = (LONG)ret->code};
	DWORD len = (DWORD)ret->data.data.view.len;

	if (len > 0)
		memcpy(scratch, ret->data.data.view.data, len);
	switch (row->code) {
	case IOCTL_CONTROL:
		control.cbOutBufferSize = len;
		control.pvOutBuffer = scratch;
		return smartcard_pack_control_return(s, &control);
	case IOCTL_GET_ATTRIB:
		attrib.cbAttrLen = len;
		attrib.pbAttr = scratch;
		return smartcard_pack_get_attrib_return(s, &attrib, 0x00090303,
		                                        len);
	case IOCTL_GET_READER_ICON:
		icon.cbDataLen = len;
		icon.pbData = scratch;
		return smartcard_pack_get_reader_icon_return(s, &icon);
	default:
		cache.cbDataLen = len;
		cache.pbData = scratch;
		return smartcard_pack_read_cache_return(s, &cache);
	}
}

static LONG
put_number(wStream *s, const struct ioctl *row, const struct esc_return *ret)
{
	Reconnect_Return reconnect = {(LONG)ret->code, ret->number.value};
	GetTransmitCount_Return count = {(LONG)ret->code, ret->number.value};
	GetDeviceTypeId_Return type = {(LONG)ret->code, ret->number.value};

	if (row->code == IOCTL_RECONNECT)
		return smartcard_pack_reconnect_return(s, &reconnect);
	if (row->code == IOCTL_GET_TRANSMIT_COUNT)
		return smartcard_pack_get_transmit_count_return(s, &count);
	return smartcard_pack_device_type_id_return(s, &type);
}

static LONG
put_list(wStream *s, const struct ioctl *row, const struct esc_return *ret)
{
	DWORD len = put_names(row, &ret->list.names);
	ListReaders_Return theirs = {(LONG)ret->code, len,
	                             len == 0 ? NULL : scratch};

	if (row->code == IOCTL_LIST_READERS_A ||
	    row->code == IOCTL_LIST_READERS_W)
		return smartcard_pack_list_readers_return(
		    s, &theirs, row->form == ESC_WIDE);
	return smartcard_pack_list_reader_groups_return(s, &theirs,
	                                                row->form == ESC_WIDE);
}

static LONG
put_establish(wStream *s, const struct esc_return *ret)
{
	EstablishContext_Return theirs = {.ReturnCode = (LONG)ret->code};

	theirs.hContext.cbContext = ret->establish.context.len;
	memcpy(theirs.hContext.pbContext, ret->establish.context.bytes,
	       sizeof(theirs.hContext.pbContext));
	return smartcard_pack_establish_context_return(s, &theirs);
}

static LONG
put_state(wStream *s, const struct esc_return *ret)
{
	State_Return theirs = {(LONG)ret->code,
	                       ret->state.state,
	                       ret->state.protocol,
	                       ret->state.atr.len,
	                       {0}};

	memcpy(theirs.rgAtr, ret->state.atr.bytes, sizeof(theirs.rgAtr));
	return smartcard_pack_state_return(s, &theirs);
}

static LONG
put(wStream *s, const struct ioctl *row, const struct esc_return *ret)
{
	if (row->decode_return == esc_establish_return_decode)
		return put_establish(s, ret);
	if (row->decode_return == esc_list_return_decode)
		return put_list(s, row, ret);
	if (row->decode_return == esc_watch_return_decode)
		return put_states(s, row, ret);
	if (row->decode_return == esc_connect_return_decode)
		return put_connect(s, ret);
	if (row->decode_return == esc_number_return_decode)
		return put_number(s, row, ret);
	if (row->decode_return == esc_state_return_decode)
		return put_state(s, ret);
	if (row->decode_return == esc_status_return_decode)
		return put_status(s, row, ret);
	if (row->decode_return == esc_transmit_return_decode)
		return put_transmit(s, ret);
	if (row->decode_return == esc_data_return_decode)
		return put_data(s, row, ret);
	return SCARD_S_SUCCESS; /* the code is all */
}

/*
 * As its client writes an answer: headers, code, and padding to eight.  Its
 * encoders give the code back, or a status of their own when they fail.
 */
bool
oracle_return_encode(const struct ioctl *row, const struct esc_return *ret,
                     struct wire_out *out)
{
	wStream *s = Stream_New(NULL, ROOM);
	LONG status;
	size_t len;

	if (s == NULL)
		return false;
	smartcard_pack_common_type_header(s);
	smartcard_pack_private_type_header(s, 0);
	Stream_Write_UINT32(s, ret->code);
	status = put(s, row, ret);
	(void)smartcard_pack_write_size_align(s, Stream_GetPosition(s), 8);
	len = Stream_GetPosition(s);
	Stream_SetPosition(s, SMARTCARD_COMMON_TYPE_HEADER_LENGTH);
	smartcard_pack_private_type_header(
	    s, (UINT32)(len - SMARTCARD_COMMON_TYPE_HEADER_LENGTH -
	                SMARTCARD_PRIVATE_TYPE_HEADER_LENGTH));
	wire_put_bytes(out, Stream_Buffer(s), len);
	Stream_Free(s, TRUE);
	return status == SCARD_S_SUCCESS || status == (LONG)ret->code;
}
