#include "ioctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The codecs of a shape, by its name in esc.h. */
#define CALL(shape)   esc_##shape##_call_decode, esc_##shape##_call_encode
#define RETURN(shape) esc_##shape##_return_decode, esc_##shape##_return_encode

enum {
	/* A code alone is padded to eight bytes. */
	REFUSAL_PADDING_MAX = 4,
	OBJECT_LEN_AT = 8, /* in the private header */
	OBJECT_ALIGN = 8
};

/* clang-format off */
const struct ioctl ioctl_rows[] = {
	/* code, name, form, subject, bare, call, return */
	{ IOCTL_ESTABLISH_CONTEXT,            "EstablishContext",      ESC_ANSI, IOCTL_OF_NONE,    false, CALL(establish),   RETURN(establish) },
	{ IOCTL_RELEASE_CONTEXT,              "ReleaseContext",        ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(context),     RETURN(long) },
	{ IOCTL_IS_VALID_CONTEXT,             "IsValidContext",        ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(context),     RETURN(long) },
	{ IOCTL_LIST_READER_GROUPS_A,         "ListReaderGroupsA",     ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(groups),      RETURN(list) },
	{ IOCTL_LIST_READER_GROUPS_W,         "ListReaderGroupsW",     ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(groups),      RETURN(list) },
	{ IOCTL_LIST_READERS_A,               "ListReadersA",          ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(list),        RETURN(list) },
	{ IOCTL_LIST_READERS_W,               "ListReadersW",          ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(list),        RETURN(list) },
	{ IOCTL_INTRODUCE_READER_GROUP_A,     "IntroduceReaderGroupA", ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(reader),      RETURN(long) },
	{ IOCTL_INTRODUCE_READER_GROUP_W,     "IntroduceReaderGroupW", ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(reader),      RETURN(long) },
	{ IOCTL_FORGET_READER_GROUP_A,        "ForgetReaderGroupA",    ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(reader),      RETURN(long) },
	{ IOCTL_FORGET_READER_GROUP_W,        "ForgetReaderGroupW",    ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(reader),      RETURN(long) },
	{ IOCTL_INTRODUCE_READER_A,           "IntroduceReaderA",      ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(pair),        RETURN(long) },
	{ IOCTL_INTRODUCE_READER_W,           "IntroduceReaderW",      ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(pair),        RETURN(long) },
	{ IOCTL_FORGET_READER_A,              "ForgetReaderA",         ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(reader),      RETURN(long) },
	{ IOCTL_FORGET_READER_W,              "ForgetReaderW",         ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(reader),      RETURN(long) },
	{ IOCTL_ADD_READER_TO_GROUP_A,        "AddReaderToGroupA",     ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(pair),        RETURN(long) },
	{ IOCTL_ADD_READER_TO_GROUP_W,        "AddReaderToGroupW",     ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(pair),        RETURN(long) },
	{ IOCTL_REMOVE_READER_FROM_GROUP_A,   "RemoveReaderFromGroupA",ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(pair),        RETURN(long) },
	{ IOCTL_REMOVE_READER_FROM_GROUP_W,   "RemoveReaderFromGroupW",ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(pair),        RETURN(long) },
	{ IOCTL_LOCATE_CARDS_A,               "LocateCardsA",          ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(locate),      RETURN(watch) },
	{ IOCTL_LOCATE_CARDS_W,               "LocateCardsW",          ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(locate),      RETURN(watch) },
	{ IOCTL_GET_STATUS_CHANGE_A,          "GetStatusChangeA",      ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(watch),       RETURN(watch) },
	{ IOCTL_GET_STATUS_CHANGE_W,          "GetStatusChangeW",      ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(watch),       RETURN(watch) },
	{ IOCTL_CANCEL,                       "Cancel",                ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(context),     RETURN(long) },
	{ IOCTL_CONNECT_A,                    "ConnectA",              ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(connect),     RETURN(connect) },
	{ IOCTL_CONNECT_W,                    "ConnectW",              ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(connect),     RETURN(connect) },
	{ IOCTL_RECONNECT,                    "Reconnect",             ESC_ANSI, IOCTL_OF_CARD,    false, CALL(reconnect),   RETURN(number) },
	{ IOCTL_DISCONNECT,                   "Disconnect",            ESC_ANSI, IOCTL_OF_CARD,    false, CALL(hcard),       RETURN(long) },
	{ IOCTL_BEGIN_TRANSACTION,            "BeginTransaction",      ESC_ANSI, IOCTL_OF_CARD,    false, CALL(hcard),       RETURN(long) },
	{ IOCTL_END_TRANSACTION,              "EndTransaction",        ESC_ANSI, IOCTL_OF_CARD,    false, CALL(hcard),       RETURN(long) },
	{ IOCTL_STATE,                        "State",                 ESC_ANSI, IOCTL_OF_CARD,    false, CALL(state),       RETURN(state) },
	{ IOCTL_STATUS_A,                     "StatusA",               ESC_ANSI, IOCTL_OF_CARD,    false, CALL(status),      RETURN(status) },
	{ IOCTL_STATUS_W,                     "StatusW",               ESC_WIDE, IOCTL_OF_CARD,    false, CALL(status),      RETURN(status) },
	{ IOCTL_TRANSMIT,                     "Transmit",              ESC_ANSI, IOCTL_OF_CARD,    false, CALL(transmit),    RETURN(transmit) },
	{ IOCTL_CONTROL,                      "Control",               ESC_ANSI, IOCTL_OF_CARD,    false, CALL(control),     RETURN(data) },
	{ IOCTL_GET_ATTRIB,                   "GetAttrib",             ESC_ANSI, IOCTL_OF_CARD,    false, CALL(attrib),      RETURN(data) },
	{ IOCTL_SET_ATTRIB,                   "SetAttrib",             ESC_ANSI, IOCTL_OF_CARD,    false, CALL(set_attrib),  RETURN(long) },
	{ IOCTL_ACCESS_STARTED_EVENT,         "AccessStartedEvent",    ESC_ANSI, IOCTL_OF_NONE,     true, CALL(event),       RETURN(long) },
	{ IOCTL_RELEASE_STARTED_EVENT,        "ReleaseStartedEvent",   ESC_ANSI, IOCTL_OF_NONE,     true, CALL(event),       RETURN(long) },
	{ IOCTL_LOCATE_CARDS_BY_ATR_A,        "LocateCardsByATRA",     ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(locate_atr),  RETURN(watch) },
	{ IOCTL_LOCATE_CARDS_BY_ATR_W,        "LocateCardsByATRW",     ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(locate_atr),  RETURN(watch) },
	{ IOCTL_READ_CACHE_A,                 "ReadCacheA",            ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(read_cache),  RETURN(data) },
	{ IOCTL_READ_CACHE_W,                 "ReadCacheW",            ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(read_cache),  RETURN(data) },
	{ IOCTL_WRITE_CACHE_A,                "WriteCacheA",           ESC_ANSI, IOCTL_OF_CONTEXT, false, CALL(write_cache), RETURN(long) },
	{ IOCTL_WRITE_CACHE_W,                "WriteCacheW",           ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(write_cache), RETURN(long) },
	{ IOCTL_GET_TRANSMIT_COUNT,           "GetTransmitCount",      ESC_ANSI, IOCTL_OF_CARD,    false, CALL(handle),      RETURN(number) },
	{ IOCTL_GET_READER_ICON,              "GetReaderIcon",         ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(reader),      RETURN(data) },
	{ IOCTL_GET_DEVICE_TYPE_ID,           "GetDeviceTypeId",       ESC_WIDE, IOCTL_OF_CONTEXT, false, CALL(reader),      RETURN(number) },
};
/* clang-format on */

const size_t ioctl_row_count = sizeof(ioctl_rows) / sizeof(ioctl_rows[0]);

static int
compare(const void *key, const void *row)
{
	uint32_t code = *(const uint32_t *)key;
	const struct ioctl *ioctl = row;

	return code < ioctl->code ? -1 : code > ioctl->code;
}

const struct ioctl *
ioctl_find(uint32_t code)
{
	return bsearch(&code, ioctl_rows, ioctl_row_count,
	               sizeof(ioctl_rows[0]), compare);
}

const char *
ioctl_name(uint32_t code)
{
	const struct ioctl *row = ioctl_find(code);

	return row == NULL ? "unknown" : row->name;
}

/* The number of AccessStartedEvent and its like comes without any header. */
static void
read_call(const struct ioctl *row, struct wire_view input, struct ndr_in *in,
          struct esc_call *call)
{
	call->form = row->form;
	if (row->bare)
		*in = (struct ndr_in){.wire = wire_in_view(input),
		                      .len = input.len};
	else
		ndr_open(in, input);
	(void)row->decode_call(in, call);
	(void)ndr_close(in);
	call->aliased = in->aliased;
}

enum wire_fault
ioctl_call_decode(const struct ioctl *row, struct wire_view input,
                  struct esc_call *call)
{
	struct ndr_in in;

	read_call(row, input, &in, call);
	return in.wire.fault;
}

void
ioctl_call_encode(const struct ioctl *row, struct wire_out *out,
                  const struct esc_call *call)
{
	struct ndr_out ndr = {.wire = out, .start = out->len};

	if (row->bare) {
		row->encode_call(&ndr, call);
		return;
	}
	ndr = ndr_begin(out);
	row->encode_call(&ndr, call);
	ndr_end(&ndr);
}

size_t
ioctl_call_gap(const struct ioctl *row, struct wire_view input)
{
	struct wire_in in = wire_in_view(input);
	uint32_t told;

	wire_skip(&in, OBJECT_LEN_AT);
	told = wire_u32(&in);
	wire_skip(&in, 4); /* filler */
	if (row->bare || !wire_ok(&in) || told != in.left)
		return 0;
	return (OBJECT_ALIGN - in.left % OBJECT_ALIGN) % OBJECT_ALIGN;
}

void
ioctl_call_pad(struct wire_out *out, struct wire_view input, size_t gap)
{
	size_t start = out->len;

	wire_put_view(out, input);
	wire_put_zeros(out, gap);
	wire_set_u32(out, start + OBJECT_LEN_AT,
	             (uint32_t)(input.len + gap - NDR_HEADERS_LEN));
}

/* A refusal may end after its code: FreeRDP's of EstablishContext does. */
static bool
is_bare_refusal(struct wire_view output, uint32_t *code)
{
	struct ndr_in in;

	ndr_open(&in, output);
	*code = ndr_u32(&in, "ReturnCode");
	return wire_ok(&in.wire) && *code != ESC_S_SUCCESS &&
	       in.wire.left <= REFUSAL_PADDING_MAX;
}

enum wire_fault
ioctl_return_decode(const struct ioctl *row, struct wire_view output,
                    struct esc_return *ret)
{
	struct ndr_in in;
	uint32_t code;

	ret->form = row->form;
	ndr_open(&in, output);
	(void)row->decode_return(&in, ret);
	(void)ndr_close(&in);
	if (in.wire.fault == WIRE_SHORT && is_bare_refusal(output, &code)) {
		memset(ret, 0, sizeof(*ret));
		ret->form = row->form;
		ret->code = code;
		return WIRE_OK;
	}
	return in.wire.fault;
}

/* "ConnectW" has the structs of "Connect". */
static int
name_len(const struct ioctl *row)
{
	size_t len = strlen(row->name);
	char last = row->name[len - 1];

	return (int)(last == 'A' || last == 'W' ? len - 1 : len);
}

static void
say_trouble(const struct ioctl *row, const char *half, const struct ndr_in *in,
            char text[IOCTL_TROUBLE_SIZE])
{
	char limit[16] = "";

	text[0] = '\0';
	if (wire_ok(&in->wire))
		return;
	if (in->wire.fault == WIRE_LIMIT)
		(void)snprintf(limit, sizeof(limit), " of %u",
		               (unsigned)in->max);
	(void)snprintf(text, IOCTL_TROUBLE_SIZE, "%.*s_%s: %s: %s%s",
	               name_len(row), row->name, half, in->wire.field,
	               wire_fault_name(in->wire.fault), limit);
}

void
ioctl_call_trouble(const struct ioctl *row, struct wire_view input,
                   char text[IOCTL_TROUBLE_SIZE])
{
	struct esc_call call;
	struct ndr_in in;

	read_call(row, input, &in, &call);
	say_trouble(row, "Call", &in, text);
}

void
ioctl_return_trouble(const struct ioctl *row, struct wire_view output,
                     char text[IOCTL_TROUBLE_SIZE])
{
	struct esc_return ret = {.form = row->form};
	struct ndr_in in;

	ndr_open(&in, output);
	(void)row->decode_return(&in, &ret);
	(void)ndr_close(&in);
	say_trouble(row, "Return", &in, text);
}

void
ioctl_return_encode(const struct ioctl *row, struct wire_out *out,
                    const struct esc_return *ret)
{
	struct ndr_out ndr = ndr_begin(out);

	row->encode_return(&ndr, ret);
	ndr_end(&ndr);
}

void
ioctl_refusal_encode(const struct ioctl *row, struct wire_out *out,
                     uint32_t code)
{
	struct esc_return ret;

	memset(&ret, 0, sizeof(ret));
	ret.form = row->form;
	ret.code = code;
	ioctl_return_encode(row, out, &ret);
}

enum wire_fault
ioctl_return_code(struct wire_view output, uint32_t *code)
{
	struct ndr_in in;

	ndr_open(&in, output);
	*code = ndr_u32(&in, "ReturnCode");
	return in.wire.fault;
}
