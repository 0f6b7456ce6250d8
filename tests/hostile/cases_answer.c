/*
 * Answers to the proxy's smart card calls: counts and lengths that lie, names
 * that attack whoever prints them, answers that come twice or never.
 */
#include "adversary.h"

#include <string.h>

enum {
	CBYTES_AT = 20,  /* after the headers and the return code */
	SECOND_AT = 28,  /* the count of the array, or the handle's length */
	ATR_LEN_AT = 40, /* of the first state */
	NAMES_MAX = 120 * 1024
};

/* ---- a number of one answer replaced */

/* What to spoil: the call, the place in its output, the value. */
struct spoil {
	uint32_t code;
	size_t at;
	uint32_t value;
};

static const struct spoil spoils[] = {
    {IOCTL_ESTABLISH_CONTEXT, CBYTES_AT, 0xffffffff},
    {IOCTL_ESTABLISH_CONTEXT, CBYTES_AT, 17},
    {IOCTL_ESTABLISH_CONTEXT, SECOND_AT, 0x7fffffff},
    {IOCTL_LIST_READERS_W, CBYTES_AT, 0xfffffffe},
    {IOCTL_LIST_READERS_W, SECOND_AT, 0x10000},
    {IOCTL_GET_STATUS_CHANGE_W, CBYTES_AT, 0xffffffff},
    {IOCTL_GET_STATUS_CHANGE_W, CBYTES_AT, 65},
    {IOCTL_GET_STATUS_CHANGE_W, SECOND_AT, 64},
    {IOCTL_GET_STATUS_CHANGE_W, ATR_LEN_AT, 37},
    {IOCTL_CONNECT_W, CBYTES_AT, 0xffffffff},
    {IOCTL_CONNECT_W, SECOND_AT, 17},
    {IOCTL_CONNECT_W, SECOND_AT + 12, 0x40000000},
    {IOCTL_TRANSMIT, CBYTES_AT + 4, 0xffffffff},
    {IOCTL_TRANSMIT, CBYTES_AT + 4, 66561},
    {IOCTL_TRANSMIT, CBYTES_AT + 12, 0x7ffffffe},
    {IOCTL_ESTABLISH_CONTEXT, 8, 0xffffffff}, /* of the whole object */
};

/* Once; the first GetStatusChange is a probe, the second one counts. */
static void
spoil(struct client *c, const struct ioctl *row, uint8_t *output, size_t *len)
{
	const struct spoil *s = &spoils[c->at->n];
	struct wire_out out = wire_out(output, *len);
	unsigned turn = s->code == IOCTL_GET_STATUS_CHANGE_W ? 2 : 1;

	if (row->code != s->code || ++c->count != turn)
		return;
	out.len = *len;
	wire_set_u32(&out, s->at, s->value);
}

static void
with_card(struct client *c)
{
	fake_pcsc_insert(&c->fake.pcsc, 0, &c->card);
}

static void
spoilt(struct client *c)
{
	with_card(c);
	c->on_output = spoil;
}

/* Until the card has settled and been read, where it comes to that. */
static void
let_read(struct client *c)
{
	client_run(c, 350, 5000);
}

static void
let_watch(struct client *c)
{
	client_run(c, 100, 2000);
}

/* Again and again another card. */
static void
let_change(struct client *c)
{
	for (int i = 0; i < 12 && !c->end.closed; i++) {
		fake_pcsc_remove(&c->fake.pcsc, 0);
		client_run(c, 10, 20);
		fake_pcsc_insert(&c->fake.pcsc, 0, &c->card);
		client_run(c, 10, 20);
	}
}

/* ---- success without anything, failure with something */

static const uint32_t calls[] = {
    IOCTL_ESTABLISH_CONTEXT, IOCTL_LIST_READERS_W,     IOCTL_CONNECT_W,
    IOCTL_BEGIN_TRANSACTION, IOCTL_TRANSMIT,           IOCTL_END_TRANSACTION,
    IOCTL_DISCONNECT,        IOCTL_GET_STATUS_CHANGE_W};

static bool
answer_empty(struct client *c, uint32_t id, const struct ioctl *row,
             struct esc_return *ret)
{
	(void)ret;
	if (row->code != calls[c->at->n] || c->count++ > 0)
		return false;
	client_complete(c, 1, id, 0, (struct wire_view){NULL, 0});
	return true;
}

static bool
answer_refused(struct client *c, uint32_t id, const struct ioctl *row,
               struct esc_return *ret)
{
	static const uint8_t data[600] = {1, 0x10, 8, 0};

	(void)ret;
	if (row->code != calls[c->at->n] || c->count++ > 0)
		return false;
	client_complete(c, 1, id, (uint32_t)RDPEFS_STATUS_UNSUCCESSFUL,
	                (struct wire_view){data, sizeof(data)});
	return true;
}

static void
empty(struct client *c)
{
	with_card(c);
	c->on_call = answer_empty;
}

static void
refused(struct client *c)
{
	with_card(c);
	c->on_call = answer_refused;
}

static bool
answer_no_context(struct client *c, uint32_t id, const struct ioctl *row,
                  struct esc_return *ret)
{
	(void)c;
	(void)id;
	if (row->code == IOCTL_ESTABLISH_CONTEXT)
		ret->establish.context.len = 0;
	return false;
}

static bool
answer_no_handle(struct client *c, uint32_t id, const struct ioctl *row,
                 struct esc_return *ret)
{
	(void)c;
	(void)id;
	if (row->code == IOCTL_CONNECT_W)
		ret->connect.handle.card.len = 0;
	return false;
}

static void
no_context(struct client *c)
{
	c->on_call = answer_no_context;
}

static void
no_handle(struct client *c)
{
	with_card(c);
	c->on_call = answer_no_handle;
}

/* ---- names of readers */

enum names {
	NAMES_SLASH,
	NAMES_PARENT,
	NAMES_NEWLINE,
	NAMES_ESCAPE,
	NAMES_BIDI,
	NAMES_FORMAT,
	NAMES_SAME,
	NAMES_SURROGATE,
	NAMES_NUL,
	NAMES_129,
	NAMES_64K,
	NAMES_17,
	NAMES_10000,
	NAMES_ODD
};

static void
put_name(struct wire_out *out, const char *name)
{
	message_text16(out, name);
	wire_put_u16(out, 0);
}

static void
put_repeated(struct wire_out *out, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		wire_put_u16(out, 'a');
	wire_put_u16(out, 0);
}

static void
put_numbered(struct wire_out *out, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		for (unsigned n = i + 1; n > 0; n /= 10)
			wire_put_u16(out, (uint16_t)('0' + n % 10));
		wire_put_u16(out, 0);
	}
}

static void
put_names(struct wire_out *out, enum names names)
{
	switch (names) {
	case NAMES_SLASH:
		put_name(out, "/etc/passwd");
		break;
	case NAMES_PARENT:
		put_name(out, "../../../../run/cardproxy-main/session/x");
		put_name(out, "..");
		break;
	case NAMES_NEWLINE:
		put_name(out, "a\n2026-01-01T00:00:00Z error gate forged\r\nb");
		break;
	case NAMES_ESCAPE:
		put_name(out, "\x1b[2J\x1b]0;owned\x07\x1b[31m\x7f\x08");
		break;
	case NAMES_BIDI:
		wire_put_u16(out, 0x202e);
		put_name(out, "redaer");
		break;
	case NAMES_FORMAT:
		put_name(out, "%s%n%99999999d'; DROP TABLE cert; --\"{}");
		break;
	case NAMES_SAME:
		for (int i = 0; i < 16; i++)
			put_name(out, "twin");
		break;
	case NAMES_SURROGATE:
		wire_put_u16(out, 0xd800);
		put_name(out, "x");
		break;
	case NAMES_NUL:
		put_name(out, "a");
		put_name(out, "");
		put_name(out, "b");
		break;
	case NAMES_129:
		put_repeated(out, 129);
		break;
	case NAMES_64K:
		put_repeated(out, 32000);
		break;
	case NAMES_17:
		put_numbered(out, 17);
		break;
	case NAMES_10000:
		put_numbered(out, 10000);
		break;
	case NAMES_ODD:
		wire_put_u8(out, 'a');
		return;
	}
	wire_put_u16(out, 0);
}

static bool
answer_names(struct client *c, uint32_t id, const struct ioctl *row,
             struct esc_return *ret)
{
	static uint8_t names[NAMES_MAX], bytes[NAMES_MAX + 64];
	struct wire_out text = wire_out(names, sizeof(names));
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct ndr_out ndr;

	(void)ret;
	if (row->code != IOCTL_LIST_READERS_W || c->count++ > 0)
		return false;
	put_names(&text, (enum names)c->at->n);
	ndr = ndr_begin(&out);
	ndr_put_u32(&ndr, 0);
	ndr_put_u32(&ndr, (uint32_t)text.len);
	ndr_put_pointer(&ndr, true);
	ndr_put_bytes(&ndr, wire_written(&text));
	ndr_end(&ndr);
	client_complete(c, 1, id, 0, wire_written(&out));
	return true;
}

/* So that the readers stay: the fake does not know them. */
static bool
answer_names_and_park(struct client *c, uint32_t id, const struct ioctl *row,
                      struct esc_return *ret)
{
	if (row->code == IOCTL_GET_STATUS_CHANGE_W && c->count > 0)
		return true;
	return answer_names(c, id, row, ret);
}

static void
bad_names(struct client *c)
{
	c->on_call = answer_names_and_park;
}

static void
show_names(struct client *c)
{
	client_run(c, 100, 2000);
	adversary_look_now(c);
}

/* ---- never, and twice */

static bool
swallow(struct client *c, uint32_t id, const struct ioctl *row,
        struct esc_return *ret)
{
	(void)id;
	(void)ret;
	return row->code == calls[c->at->n];
}

static void
silent(struct client *c)
{
	with_card(c);
	c->on_call = swallow;
}

static bool
answer_twice(struct client *c, uint32_t id, const struct ioctl *row,
             struct esc_return *ret)
{
	static uint8_t output[4096];
	struct wire_out out = wire_out(output, sizeof(output));

	ioctl_return_encode(row, &out, ret);
	client_complete(c, 1, id, 0, wire_written(&out));
	client_complete(c, 1, id, 0, wire_written(&out));
	return true;
}

static void
twice(struct client *c)
{
	with_card(c);
	c->on_call = answer_twice;
}

/* ---- a reader that is never at rest */

static void
flap(struct client *c)
{
	for (int i = 0; i < 200 && !c->end.closed; i++) {
		fake_pcsc_insert(&c->fake.pcsc, 0, &c->card);
		client_run(c, 1, 2);
		fake_pcsc_remove(&c->fake.pcsc, 0);
		client_run(c, 1, 2);
	}
}

static void
noisy(struct client *c)
{
	c->fake.pcsc.pnp = FAKE_PNP_NOISY;
}

/* Every GetStatusChange comes back at once, with nothing new. */
static bool
answer_at_once(struct client *c, uint32_t id, const struct ioctl *row,
               struct esc_return *ret)
{
	(void)c;
	(void)id;
	if (row->code == IOCTL_GET_STATUS_CHANGE_W)
		ret->code = ESC_E_TIMEOUT;
	return false;
}

static void
restless(struct client *c)
{
	c->fake.pcsc.pnp = FAKE_PNP_UNKNOWN;
	c->on_call = answer_at_once;
}

static const char failed[] = "card-call-failed";

#define FAULT(call, what) "call=" call " status=0 fault=\"" what "\""
#define LIMIT(call, field, limit)                                              \
	FAULT(call, field ": above its limit of " limit)
#define SHORT(call, message)                                                   \
	FAULT(call, message ": the type headers: too short")
#define VALUE(call, field) FAULT(call, field ": not an allowed value")
#define REFUSED(call)      "call=" call " status=3221225473"

/* clang-format off */
#define SPOIL(name, what, n) {name, STAGE_ACTIVE, FATE_LIVES, failed, what, let_read, spoilt, n, NULL, NULL, 0}
#define SPOIL_WATCH(name, what, n) {name, STAGE_ACTIVE, FATE_LIVES, failed, what, let_watch, spoilt, n, NULL, NULL, 0}
#define EMPTY(name, call, message, n) {name, STAGE_ACTIVE, FATE_LIVES, failed, SHORT(call, message), let_read, empty, n, NULL, NULL, 0}
#define EMPTY_WATCH(name, call, message, n) {name, STAGE_ACTIVE, FATE_LIVES, failed, SHORT(call, message), let_watch, empty, n, NULL, NULL, 0}
#define REFUSE(name, call, n) {name, STAGE_ACTIVE, FATE_LIVES, failed, REFUSED(call), let_read, refused, n, NULL, NULL, 0}
#define REFUSE_WATCH(name, call, n) {name, STAGE_ACTIVE, FATE_LIVES, failed, REFUSED(call), let_watch, refused, n, NULL, NULL, 0}
#define NAMES(name, n) {name, STAGE_ACTIVE, FATE_LIVES, NULL, NULL, show_names, bad_names, n, NULL, NULL, 0}
#define FEWER_NAMES(name, n) {name, STAGE_ACTIVE, FATE_LIVES, "readers-ignored", "above the limit", show_names, bad_names, n, NULL, NULL, 0}
#define NO_NAMES(name, what, n) {name, STAGE_ACTIVE, FATE_LIVES, failed, what, show_names, bad_names, n, NULL, NULL, 0}

const struct adversary_case cases_answer[] = {
	SPOIL_WATCH("ndr-establish-count", LIMIT("EstablishContext", "EstablishContext_Return: pbContext", "16"), 0),
	SPOIL_WATCH("ndr-establish-17", LIMIT("EstablishContext", "EstablishContext_Return: pbContext", "16"), 1),
	SPOIL_WATCH("ndr-establish-array", VALUE("EstablishContext", "EstablishContext_Return: pbContext"), 2),
	SPOIL_WATCH("ndr-list-count", LIMIT("ListReadersW", "ListReaders_Return: mszReaders", "65536"), 3),
	SPOIL_WATCH("ndr-list-array", VALUE("ListReadersW", "ListReaders_Return: mszReaders"), 4),
	SPOIL_WATCH("ndr-watch-count", LIMIT("GetStatusChangeW", "GetStatusChange_Return: rgReaderStates", "64"), 5),
	SPOIL_WATCH("ndr-watch-65", LIMIT("GetStatusChangeW", "GetStatusChange_Return: rgReaderStates", "64"), 6),
	SPOIL_WATCH("ndr-watch-array", VALUE("GetStatusChangeW", "GetStatusChange_Return: rgReaderStates"), 7),
	SPOIL_WATCH("ndr-watch-atr-37", LIMIT("GetStatusChangeW", "GetStatusChange_Return: cbAtr", "36"), 8),
	SPOIL("ndr-connect-count", LIMIT("ConnectW", "Connect_Return: pbContext", "16"), 9),
	SPOIL("ndr-connect-17", LIMIT("ConnectW", "Connect_Return: pbHandle", "16"), 10),
	SPOIL("ndr-connect-array", VALUE("ConnectW", "Connect_Return: pbContext"), 11),
	SPOIL("ndr-transmit-count", LIMIT("Transmit", "Transmit_Return: pbRecvBuffer", "66560"), 12),
	SPOIL("ndr-transmit-66561", LIMIT("Transmit", "Transmit_Return: pbRecvBuffer", "66560"), 13),
	SPOIL("ndr-transmit-array", VALUE("Transmit", "Transmit_Return: pbRecvBuffer"), 14),
	SPOIL_WATCH("ndr-object", "call=EstablishContext", 15),
	EMPTY_WATCH("empty-establish", "EstablishContext", "EstablishContext_Return", 0),
	EMPTY_WATCH("empty-list", "ListReadersW", "ListReaders_Return", 1),
	EMPTY("empty-connect", "ConnectW", "Connect_Return", 2),
	EMPTY("empty-begin", "BeginTransaction", "BeginTransaction_Return", 3),
	EMPTY("empty-transmit", "Transmit", "Transmit_Return", 4),
	EMPTY("empty-end", "EndTransaction", "EndTransaction_Return", 5),
	EMPTY("empty-disconnect", "Disconnect", "Disconnect_Return", 6),
	EMPTY_WATCH("empty-watch", "GetStatusChangeW", "GetStatusChange_Return", 7),
	REFUSE_WATCH("refused-establish", "EstablishContext", 0),
	REFUSE("refused-transmit", "Transmit", 4),
	REFUSE_WATCH("refused-watch", "GetStatusChangeW", 7),
	{"context-0", STAGE_ACTIVE, FATE_LIVES, failed, VALUE("EstablishContext", "EstablishContext_Return: pbContext"), let_watch, no_context, 0, NULL, NULL, 0},
	{"handle-0", STAGE_ACTIVE, FATE_LIVES, failed, VALUE("ConnectW", "Connect_Return: pbHandle"), let_read, no_handle, 0, NULL, NULL, 0},
	NAMES("names-slash", NAMES_SLASH),
	NAMES("names-parent", NAMES_PARENT),
	NAMES("names-newline", NAMES_NEWLINE),
	NAMES("names-escape", NAMES_ESCAPE),
	NAMES("names-bidi", NAMES_BIDI),
	NAMES("names-format", NAMES_FORMAT),
	NAMES("names-same", NAMES_SAME),
	NO_NAMES("names-surrogate", VALUE("ListReadersW", "ListReaders_Return: mszReaders"), NAMES_SURROGATE),
	NO_NAMES("names-nul", VALUE("ListReadersW", "ListReaders_Return: mszReaders"), NAMES_NUL),
	FEWER_NAMES("names-129", NAMES_129),
	FEWER_NAMES("names-64k", NAMES_64K),
	FEWER_NAMES("names-17", NAMES_17),
	NO_NAMES("names-10000", LIMIT("ListReadersW", "ListReaders_Return: mszReaders", "65536"), NAMES_10000),
	NO_NAMES("names-odd", VALUE("ListReadersW", "ListReaders_Return: mszReaders"), NAMES_ODD),
	{"silent-establish", STAGE_ACTIVE, FATE_LIVES, NULL, NULL, let_watch, silent, 0, NULL, NULL, 0},
	{"silent-watch", STAGE_ACTIVE, FATE_LIVES, NULL, NULL, let_watch, silent, 7, NULL, NULL, 0},
	{"silent-transmit", STAGE_ACTIVE, FATE_LIVES, "card-read-retry", "answer takes too long", let_read, silent, 4, NULL, NULL, 7000},
	{"twice", STAGE_ACTIVE, FATE_LIVES, "rdpdr-fault", "answers to nothing", let_change, twice, 0, NULL, NULL, 0},
	{"flapping", STAGE_CARD, FATE_LIVES, NULL, NULL, flap, NULL, 0, NULL, NULL, 0},
	{"noisy", STAGE_ACTIVE, FATE_LIVES, "watch-without-pnp", "does not tell", let_watch, noisy, 0, NULL, NULL, 0},
	{"restless", STAGE_ACTIVE, FATE_LIVES, "watch-failed", "woken for nothing", let_watch, restless, 0, NULL, NULL, 0},
	{.name = NULL},
};
/* clang-format on */
