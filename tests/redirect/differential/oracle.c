/* The calls: what FreeRDP decodes, in our words. */
#include "oracle.h"

#include <freerdp/channels/rdpdr.h>
#include <freerdp/freerdp.h>
#include <freerdp/utils/smartcard_operations.h>
#include <freerdp/utils/smartcard_pack.h>

#include <winpr/stream.h>
#include <winpr/string.h>
#include <winpr/wlog.h>

#include <stdlib.h>
#include <string.h>

enum { ROOM = 160 * 1024, CONTROL_LEN = 32, CALL_LEN = 1 << 20 };

static SMARTCARD_OPERATION operation;
static LocateCards_ATRMask *masks; /* which it does not free */
static uint8_t scratch[ROOM];      /* multistrings and masks */

void
oracle_init(void)
{
	(void)WLog_SetLogLevel(WLog_GetRoot(), WLOG_OFF);
}

const char *
oracle_version(void)
{
	return freerdp_get_version_string();
}

/* Its clean-up walks a list of states that a refused call does not have. */
static void
drop_counts(void)
{
	switch (operation.ioControlCode) {
	case IOCTL_LOCATE_CARDS_A:
	case IOCTL_LOCATE_CARDS_W:
		if (operation.call.locateCardsA.rgReaderStates == NULL)
			operation.call.locateCardsA.cReaders = 0;
		break;
	case IOCTL_LOCATE_CARDS_BY_ATR_A:
	case IOCTL_LOCATE_CARDS_BY_ATR_W:
		if (operation.call.locateCardsByATRA.rgReaderStates == NULL)
			operation.call.locateCardsByATRA.cReaders = 0;
		break;
	case IOCTL_GET_STATUS_CHANGE_A:
	case IOCTL_GET_STATUS_CHANGE_W:
		if (operation.call.getStatusChangeA.rgReaderStates == NULL)
			operation.call.getStatusChangeA.cReaders = 0;
		break;
	default:
		break;
	}
}

void
oracle_free(void)
{
	free(masks);
	masks = NULL;
	drop_counts();
	smartcard_operation_free(&operation, FALSE);
	memset(&operation, 0, sizeof(operation));
}

static struct esc_id
id_of(const BYTE *bytes, DWORD len)
{
	struct esc_id id = {.len = (uint8_t)len};

	if (len <= ESC_ID_MAX)
		memcpy(id.bytes, bytes, len);
	return id;
}

static struct esc_id
context_of(const Handles_Call *handles)
{
	return id_of(handles->hContext.pbContext, handles->hContext.cbContext);
}

static struct esc_handle
handle_of(const Handles_Call *handles)
{
	struct esc_handle handle = {
	    .context = context_of(handles),
	    .card = id_of(handles->hCard.pbHandle, handles->hCard.cbHandle)};

	return handle;
}

static void
name_a(struct esc_name *name, const char *text)
{
	name->present = text != NULL;
	(void)snprintf(name->text, sizeof(name->text), "%s",
	               text == NULL ? "" : text);
}

static void
name_w(struct esc_name *name, const WCHAR *text)
{
	char *utf8 = text == NULL ? NULL : ConvertWCharToUtf8Alloc(text, NULL);

	name_a(name, utf8);
	name->present = text != NULL;
	free(utf8);
}

static struct esc_bytes
bytes_of(const BYTE *data, DWORD len)
{
	struct esc_bytes bytes = {
	    {data, data == NULL ? 0 : len}, data != NULL, len};

	return bytes;
}

/* The texts of a UTF-8 multistring. */
static void
names_of(struct esc_names *names, const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && text[at] != '\0' && names->count < ESC_NAMES_MAX) {
		name_a(&names->list[names->count++], text + at);
		at += strnlen(text + at, len - at) + 1;
	}
}

static void
groups_of(enum esc_form form, const ListReaders_Call *theirs,
          struct esc_names *names)
{
	size_t len = 0;
	char *utf8;

	names->present = theirs->mszGroups != NULL;
	names->size = theirs->cBytes;
	if (theirs->mszGroups == NULL)
		return;
	if (form == ESC_ANSI) {
		names_of(names, (const char *)theirs->mszGroups,
		         theirs->cBytes);
		return;
	}
	memcpy(scratch, theirs->mszGroups, theirs->cBytes);
	utf8 = ConvertMszWCharNToUtf8Alloc((const WCHAR *)(void *)scratch,
	                                   theirs->cBytes / 2, &len);
	if (utf8 != NULL)
		names_of(names, utf8, len);
	free(utf8);
}

static struct esc_atr
atr_of(const BYTE *bytes, DWORD len)
{
	struct esc_atr atr = {.len = (uint8_t)len};

	if (len <= ESC_ATR_MAX)
		memcpy(atr.bytes, bytes, len);
	return atr;
}

static void
states_a(struct esc_reader_state *ours, const SCARD_READERSTATEA *theirs,
         DWORD count)
{
	for (DWORD i = 0; i < count; i++) {
		name_a(&ours[i].reader, theirs[i].szReader);
		ours[i].current = theirs[i].dwCurrentState;
		ours[i].event = theirs[i].dwEventState;
		ours[i].atr = atr_of(theirs[i].rgbAtr, theirs[i].cbAtr);
	}
}

static void
states_w(struct esc_reader_state *ours, const SCARD_READERSTATEW *theirs,
         DWORD count)
{
	for (DWORD i = 0; i < count; i++) {
		name_w(&ours[i].reader, theirs[i].szReader);
		ours[i].current = theirs[i].dwCurrentState;
		ours[i].event = theirs[i].dwEventState;
		ours[i].atr = atr_of(theirs[i].rgbAtr, theirs[i].cbAtr);
	}
}

static struct esc_masks
masks_of(const LocateCards_ATRMask *theirs, DWORD count)
{
	struct wire_out out = wire_out(scratch, sizeof(scratch));
	struct esc_masks ours = {.count = count};

	for (DWORD i = 0; i < count && theirs != NULL; i++) {
		struct esc_mask mask = {
		    .atr = atr_of(theirs[i].rgbAtr, theirs[i].cbAtr)};

		memcpy(mask.mask, theirs[i].rgbMask, ESC_ATR_MAX);
		esc_mask_put(&out, &mask);
	}
	ours.view = wire_written(&out);
	return ours;
}

static struct esc_pci
pci_of(const SCARD_IO_REQUEST *theirs)
{
	DWORD len = theirs->cbPciLength - (DWORD)sizeof(*theirs);
	struct esc_pci pci = {.protocol = theirs->dwProtocol};

	if (len > 0)
		pci.extra = bytes_of((const BYTE *)(theirs + 1), len);
	return pci;
}

static struct esc_uuid
uuid_of(const UUID *theirs)
{
	struct esc_uuid uuid = {.present = theirs != NULL};

	if (theirs != NULL)
		memcpy(uuid.bytes, theirs, sizeof(uuid.bytes));
	return uuid;
}

static void
take_transmit(struct esc_call *call)
{
	const Transmit_Call *theirs = &operation.call.transmit;

	call->transmit.handle = handle_of(&theirs->handles);
	call->transmit.send_pci = pci_of(theirs->pioSendPci);
	call->transmit.send =
	    bytes_of(theirs->pbSendBuffer, theirs->cbSendLength).view;
	call->transmit.recv_pci_present = theirs->pioRecvPci != NULL;
	if (theirs->pioRecvPci != NULL)
		call->transmit.recv_pci = pci_of(theirs->pioRecvPci);
	call->transmit.recv_null = (uint32_t)theirs->fpbRecvBufferIsNULL;
	call->transmit.recv_len = theirs->cbRecvLength;
}

static void
take_read_cache(struct esc_call *call)
{
	const ReadCache_Common *theirs = &operation.call.readCacheW.Common;

	if (call->form == ESC_WIDE) {
		name_w(&call->read_cache.lookup,
		       operation.call.readCacheW.szLookupName);
	} else {
		theirs = &operation.call.readCacheA.Common;
		name_a(&call->read_cache.lookup,
		       operation.call.readCacheA.szLookupName);
	}
	call->read_cache.context = context_of(&theirs->handles);
	call->read_cache.card = uuid_of(theirs->CardIdentifier);
	call->read_cache.freshness = theirs->FreshnessCounter;
	call->read_cache.data_null = (uint32_t)theirs->fPbDataIsNULL;
	call->read_cache.data_len = theirs->cbDataLen;
}

static void
take_write_cache(struct esc_call *call)
{
	const WriteCache_Common *theirs = &operation.call.writeCacheW.Common;

	if (call->form == ESC_WIDE) {
		name_w(&call->write_cache.lookup,
		       operation.call.writeCacheW.szLookupName);
	} else {
		theirs = &operation.call.writeCacheA.Common;
		name_a(&call->write_cache.lookup,
		       operation.call.writeCacheA.szLookupName);
	}
	call->write_cache.context = context_of(&theirs->handles);
	call->write_cache.card = uuid_of(theirs->CardIdentifier);
	call->write_cache.freshness = theirs->FreshnessCounter;
	call->write_cache.data = bytes_of(theirs->pbData, theirs->cbDataLen);
}

static void
take_locate_a(struct esc_call *call)
{
	const LocateCardsA_Call *theirs = &operation.call.locateCardsA;

	call->locate.cards =
	    bytes_of((const BYTE *)theirs->mszCards, theirs->cBytes);
	call->locate.count = theirs->cReaders;
	states_a(call->locate.states, theirs->rgReaderStates, theirs->cReaders);
}

static void
take_locate_w(struct esc_call *call)
{
	const LocateCardsW_Call *theirs = &operation.call.locateCardsW;

	call->locate.cards =
	    bytes_of((const BYTE *)theirs->mszCards, theirs->cBytes);
	call->locate.count = theirs->cReaders;
	states_w(call->locate.states, theirs->rgReaderStates, theirs->cReaders);
}

static void
take_locate_atr_a(struct esc_call *call)
{
	LocateCardsByATRA_Call *theirs = &operation.call.locateCardsByATRA;

	call->locate.masks = masks_of(theirs->rgAtrMasks, theirs->cAtrs);
	call->locate.count = theirs->cReaders;
	states_a(call->locate.states, theirs->rgReaderStates, theirs->cReaders);
	masks = theirs->rgAtrMasks;
	theirs->rgAtrMasks = NULL;
}

static void
take_locate_atr_w(struct esc_call *call)
{
	LocateCardsByATRW_Call *theirs = &operation.call.locateCardsByATRW;

	call->locate.masks = masks_of(theirs->rgAtrMasks, theirs->cAtrs);
	call->locate.count = theirs->cReaders;
	states_w(call->locate.states, theirs->rgReaderStates, theirs->cReaders);
	masks = theirs->rgAtrMasks;
	theirs->rgAtrMasks = NULL;
}

static void
take_control(struct esc_handle handle, struct esc_call *call)
{
	call->control.handle = handle;
	call->control.code = operation.call.control.dwControlCode;
	call->control.input = bytes_of(operation.call.control.pvInBuffer,
	                               operation.call.control.cbInBufferSize);
	call->control.output_null =
	    (uint32_t)operation.call.control.fpvOutBufferIsNULL;
	call->control.output_len = operation.call.control.cbOutBufferSize;
}

/* What was decoded, in our words; by the shape of the call. */
static void
take_of_card(uint32_t code, struct esc_call *call)
{
	struct esc_handle handle = handle_of(&operation.call.handles);

	switch (code) {
	case IOCTL_RECONNECT:
		call->reconnect.handle = handle;
		call->reconnect.share_mode =
		    operation.call.reconnect.dwShareMode;
		call->reconnect.protocols =
		    operation.call.reconnect.dwPreferredProtocols;
		call->reconnect.initialization =
		    operation.call.reconnect.dwInitialization;
		break;
	case IOCTL_STATE:
		call->status.handle = handle;
		call->status.names_null =
		    (uint32_t)operation.call.state.fpbAtrIsNULL;
		call->status.atr_len = operation.call.state.cbAtrLen;
		break;
	case IOCTL_STATUS_A:
	case IOCTL_STATUS_W:
		call->status.handle = handle;
		call->status.names_null =
		    (uint32_t)operation.call.status.fmszReaderNamesIsNULL;
		call->status.chars = operation.call.status.cchReaderLen;
		call->status.atr_len = operation.call.status.cbAtrLen;
		break;
	case IOCTL_TRANSMIT:
		take_transmit(call);
		break;
	case IOCTL_CONTROL:
		take_control(handle, call);
		break;
	case IOCTL_GET_ATTRIB:
		call->attrib.handle = handle;
		call->attrib.id = operation.call.getAttrib.dwAttrId;
		call->attrib.data_null =
		    (uint32_t)operation.call.getAttrib.fpbAttrIsNULL;
		call->attrib.data_len = operation.call.getAttrib.cbAttrLen;
		break;
	case IOCTL_SET_ATTRIB:
		call->set_attrib.handle = handle;
		call->set_attrib.id = operation.call.setAttrib.dwAttrId;
		call->set_attrib.data =
		    bytes_of(operation.call.setAttrib.pbAttr,
		             operation.call.setAttrib.cbAttrLen);
		break;
	case IOCTL_GET_TRANSMIT_COUNT:
		call->handle.handle = handle;
		break;
	default:
		call->hcard.handle = handle;
		call->hcard.disposition =
		    operation.call.hCardAndDisposition.dwDisposition;
		break;
	}
}

static void
take_watch(struct esc_call *call)
{
	call->watch.timeout_ms = operation.call.getStatusChangeA.dwTimeOut;
	call->watch.count = operation.call.getStatusChangeA.cReaders;
	if (call->form == ESC_WIDE)
		states_w(call->watch.states,
		         operation.call.getStatusChangeW.rgReaderStates,
		         call->watch.count);
	else
		states_a(call->watch.states,
		         operation.call.getStatusChangeA.rgReaderStates,
		         call->watch.count);
}

static void
take_connect(struct esc_call *call)
{
	call->connect.context = context_of(&operation.call.handles);
	call->connect.share_mode = operation.call.connect.dwShareMode;
	call->connect.protocols = operation.call.connect.dwPreferredProtocols;
	if (call->form == ESC_WIDE)
		name_w(&call->connect.reader, operation.call.connectW.szReader);
	else
		name_a(&call->connect.reader, operation.call.connectA.szReader);
}

static void
take_names(bool pair, struct esc_call *call)
{
	struct esc_id context = context_of(&operation.call.handles);

	if (!pair)
		call->reader.context = context;
	else
		call->pair.context = context;
	if (pair && call->form == ESC_WIDE) {
		name_w(&call->pair.reader,
		       operation.call.contextAndTwoStringW.sz1);
		name_w(&call->pair.other,
		       operation.call.contextAndTwoStringW.sz2);
	} else if (pair) {
		name_a(&call->pair.reader,
		       operation.call.contextAndTwoStringA.sz1);
		name_a(&call->pair.other,
		       operation.call.contextAndTwoStringA.sz2);
	} else if (call->form == ESC_WIDE) {
		name_w(&call->reader.reader,
		       operation.call.contextAndStringW.sz);
	} else {
		name_a(&call->reader.reader,
		       operation.call.contextAndStringA.sz);
	}
}

static void
take_list(bool groups, struct esc_call *call)
{
	call->list.context = context_of(&operation.call.handles);
	if (groups) {
		call->list.names_null =
		    (uint32_t)operation.call.listReaderGroups.fmszGroupsIsNULL;
		call->list.chars = operation.call.listReaderGroups.cchGroups;
		return;
	}
	call->list.names_null =
	    (uint32_t)operation.call.listReaders.fmszReadersIsNULL;
	call->list.chars = operation.call.listReaders.cchReaders;
	groups_of(call->form, &operation.call.listReaders, &call->list.groups);
}

static void
take(const struct ioctl *row, struct esc_call *call)
{
	struct esc_id context = context_of(&operation.call.handles);
	bool wide = row->form == ESC_WIDE;

	if (row->subject == IOCTL_OF_CARD)
		take_of_card(row->code, call);
	else if (row->decode_call == esc_establish_call_decode)
		call->establish.scope = operation.call.establishContext.dwScope;
	else if (row->decode_call == esc_event_call_decode)
		call->event.value = (uint32_t)operation.call.lng.LongValue;
	else if (row->decode_call == esc_context_call_decode)
		call->context.context = context;
	else if (row->decode_call == esc_groups_call_decode)
		take_list(true, call);
	else if (row->decode_call == esc_list_call_decode)
		take_list(false, call);
	else if (row->decode_call == esc_connect_call_decode)
		take_connect(call);
	else if (row->decode_call == esc_reader_call_decode)
		take_names(false, call);
	else if (row->decode_call == esc_pair_call_decode)
		take_names(true, call);
	else if (row->decode_call == esc_read_cache_call_decode)
		take_read_cache(call);
	else if (row->decode_call == esc_write_cache_call_decode)
		take_write_cache(call);
	else if (row->decode_call == esc_watch_call_decode) {
		call->watch.context = context;
		take_watch(call);
	} else {
		call->locate.context = context;
		if (row->decode_call == esc_locate_call_decode)
			(wide ? take_locate_w : take_locate_a)(call);
		else
			(wide ? take_locate_atr_w : take_locate_atr_a)(call);
	}
}

bool
oracle_call_decode(const struct ioctl *row, struct wire_view input,
                   struct esc_call *call)
{
	static uint8_t request[RDPDR_DEVICE_IO_REQUEST_LENGTH + CALL_LEN];
	struct wire_out out = wire_out(request, sizeof(request));
	wStream buffer = {0};
	wStream *s;
	LONG status;

	oracle_free();
	wire_put_zeros(&out, RDPDR_DEVICE_IO_REQUEST_LENGTH);
	wire_put_u32(&out, 2048);
	wire_put_u32(&out, (uint32_t)input.len);
	wire_put_u32(&out, row->code);
	wire_put_zeros(&out, 20);
	wire_put_view(&out, input);
	s = Stream_StaticInit(&buffer, request, out.len);
	Stream_Seek(s, RDPDR_DEVICE_IO_REQUEST_LENGTH);
	status = smartcard_irp_device_control_decode(s, 1, 1, &operation);
	if (status != SCARD_S_SUCCESS)
		return false;
	/* All but the states of a call, which count says. */
	memset(call, 0, sizeof(*call));
	call->form = row->form;
	take(row, call);
	return true;
}
