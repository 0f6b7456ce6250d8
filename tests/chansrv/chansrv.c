#include "chansrv.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum command {
	ESTABLISH_CONTEXT = 0x01,
	RELEASE_CONTEXT = 0x02,
	LIST_READERS = 0x03,
	CONNECT = 0x04,
	DISCONNECT = 0x06,
	BEGIN_TRANSACTION = 0x07,
	END_TRANSACTION = 0x08,
	TRANSMIT = 0x09,
	STATUS = 0x0b,
	GET_STATUS_CHANGE = 0x0c,
	CANCEL = 0x0d,
	COMMANDS
};

enum {
	SCOPE_USER = 0,
	SHARE_SHARED = 2,
	PROTOCOLS_ANY = 3, /* T=0 and T=1 */
	LEAVE_CARD = 0,
	PCI_LEN = 8, /* dwProtocol and cbPciLength */
	HEADER_LEN = 8,
	MESSAGE_MAX = 8192 /* chansrv's own buffers */
};

static const char *const names[COMMANDS] = {
    [ESTABLISH_CONTEXT] = "EstablishContext",
    [RELEASE_CONTEXT] = "ReleaseContext",
    [LIST_READERS] = "ListReaders",
    [CONNECT] = "Connect",
    [DISCONNECT] = "Disconnect",
    [BEGIN_TRANSACTION] = "BeginTransaction",
    [END_TRANSACTION] = "EndTransaction",
    [TRANSMIT] = "Transmit",
    [STATUS] = "Status",
    [GET_STATUS_CHANGE] = "GetStatusChange",
    [CANCEL] = "Cancel",
};

/* An answer that came while another one was waited for. */
struct answer {
	bool here;
	size_t len;
	uint8_t body[MESSAGE_MAX];
};

static int sock = -1;
static struct answer answers[COMMANDS];

_Noreturn static void
die(const char *what, enum command command)
{
	printf("%s: %s\n", names[command], what);
	(void)fflush(stdout);
	exit(2);
}

void
chansrv_open(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (strlen(path) >= sizeof(address.sun_path) || sock < 0) {
		printf("cannot use %s\n", path);
		exit(2);
	}
	memcpy(address.sun_path, path, strlen(path));
	if (connect(sock, (const struct sockaddr *)&address, sizeof(address)) !=
	    0) {
		perror(path);
		exit(2);
	}
}

void
chansrv_close(void)
{
	(void)close(sock);
	sock = -1;
}

static int64_t
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* In one piece: chansrv reads a header, then waits for the whole body. */
static void
ask(enum command command, struct wire_out *body)
{
	uint8_t bytes[HEADER_LEN + MESSAGE_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	wire_put_u32(&out, (uint32_t)body->len);
	wire_put_u32(&out, command);
	wire_put_view(&out, wire_written(body));
	if (!wire_out_ok(body) || !wire_out_ok(&out))
		die("the call is too large", command);
	if (send(sock, bytes, out.len, MSG_NOSIGNAL) != (ssize_t)out.len)
		die("chansrv takes no call", command);
}

static void
receive(uint8_t *to, size_t len, int64_t end_ms, enum command waiting)
{
	struct pollfd poll_fd = {.fd = sock, .events = POLLIN};
	size_t have = 0;

	while (have < len) {
		int64_t left_ms = end_ms - now_ms();
		ssize_t got;

		if (left_ms <= 0 || poll(&poll_fd, 1, (int)left_ms) == 0)
			die("no answer before the deadline", waiting);
		got = recv(sock, &to[have], len - have, 0);
		if (got <= 0)
			die("chansrv has closed the connection", waiting);
		have += (size_t)got;
	}
}

/* The body of the next answer of this kind; others are kept for later. */
static struct wire_in
answer_of(enum command wanted)
{
	int64_t end_ms = now_ms() + CHANSRV_DEADLINE_MS;

	while (!answers[wanted].here) {
		uint8_t header[HEADER_LEN];
		struct wire_in in = wire_in(header, sizeof(header));
		uint32_t len;
		uint32_t command;

		receive(header, sizeof(header), end_ms, wanted);
		len = wire_count(&in, MESSAGE_MAX);
		command = wire_count(&in, COMMANDS - 1);
		if (!wire_ok(&in) || answers[command].here)
			die("an answer that nobody asked for", wanted);
		receive(answers[command].body, len, end_ms, wanted);
		answers[command].len = len;
		answers[command].here = true;
	}
	answers[wanted].here = false;
	return wire_in(answers[wanted].body, answers[wanted].len);
}

/* The code stands last in every answer. */
static uint32_t
code_of(struct wire_in *in, enum command command)
{
	uint32_t code = wire_u32(in);

	if (!wire_done(in))
		die("a malformed answer", command);
	return code;
}

static void
put_text(struct wire_out *out, const char *text)
{
	size_t len = strnlen(text, CHANSRV_NAME_SIZE - 1);

	wire_put_bytes(out, text, len);
	wire_put_zeros(out, CHANSRV_NAME_SIZE - len);
}

/* Calls whose whole answer is the code. */
static uint32_t
call_plain(enum command command, const uint32_t *arguments, size_t count)
{
	uint8_t bytes[16];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_in in;

	for (size_t i = 0; i < count; i++)
		wire_put_u32(&out, arguments[i]);
	ask(command, &out);
	in = answer_of(command);
	return code_of(&in, command);
}

uint32_t
chansrv_establish(uint32_t *context)
{
	uint8_t bytes[4];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_in in;

	wire_put_u32(&out, SCOPE_USER);
	ask(ESTABLISH_CONTEXT, &out);
	in = answer_of(ESTABLISH_CONTEXT);
	*context = wire_u32(&in);
	return code_of(&in, ESTABLISH_CONTEXT);
}

uint32_t
chansrv_release(uint32_t context)
{
	return call_plain(RELEASE_CONTEXT, &context, 1);
}

uint32_t
chansrv_list_readers(uint32_t context, struct chansrv_readers *list)
{
	uint8_t bytes[16];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_in in;

	wire_put_u32(&out, context);
	wire_put_u32(&out, 0); /* no groups */
	wire_put_u32(&out, MESSAGE_MAX);
	ask(LIST_READERS, &out);
	in = answer_of(LIST_READERS);
	memset(list, 0, sizeof(*list));
	wire_skip(&in, 4); /* the length the client gave */
	list->count = wire_count(&in, CHANSRV_READERS_MAX);
	for (uint32_t i = 0; i < list->count; i++) {
		struct wire_view name = wire_bytes(&in, CHANSRV_NAME_SIZE);

		if (name.len == CHANSRV_NAME_SIZE)
			memcpy(list->entries[i].name, name.data, name.len - 1);
	}
	return code_of(&in, LIST_READERS);
}

void
chansrv_park(uint32_t context, int timeout_ms,
             const struct chansrv_readers *list)
{
	uint8_t bytes[MESSAGE_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	wire_put_u32(&out, context);
	wire_put_u32(&out, (uint32_t)timeout_ms);
	wire_put_u32(&out, list->count);
	for (uint32_t i = 0; i < list->count; i++) {
		const struct chansrv_reader *reader = &list->entries[i];

		put_text(&out, reader->name);
		wire_put_u32(&out, reader->current);
		wire_put_u32(&out, 0);
		wire_put_u32(&out, 0); /* no ATR to compare with */
		wire_put_zeros(&out, CHANSRV_ATR_SIZE);
	}
	ask(GET_STATUS_CHANGE, &out);
}

/* An ATR as far as its length says, all of it stands there. */
static uint32_t
take_atr(struct wire_view atr, uint32_t len, uint8_t *to)
{
	if (atr.len == 0 || len > atr.len)
		return 0;
	memcpy(to, atr.data, len);
	return len;
}

/* The names are not repeated: the order is that of the call. */
uint32_t
chansrv_parked(struct chansrv_readers *list)
{
	struct wire_in in = answer_of(GET_STATUS_CHANGE);
	uint32_t count = wire_count(&in, CHANSRV_READERS_MAX);

	for (uint32_t i = 0; i < count; i++) {
		struct chansrv_reader *reader = &list->entries[i];
		uint32_t len;

		reader->current = wire_u32(&in);
		reader->event = wire_u32(&in);
		len = wire_u32(&in);
		reader->atr_len = take_atr(wire_bytes(&in, CHANSRV_ATR_SIZE),
		                           len, reader->atr);
	}
	if (count != 0 && count != list->count)
		die("another number of readers", GET_STATUS_CHANGE);
	return code_of(&in, GET_STATUS_CHANGE);
}

uint32_t
chansrv_cancel(uint32_t context)
{
	return call_plain(CANCEL, &context, 1);
}

uint32_t
chansrv_connect(uint32_t context, const char *reader, uint32_t *card,
                uint32_t *protocol)
{
	uint8_t bytes[CHANSRV_NAME_SIZE + 16];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_in in;

	wire_put_u32(&out, context);
	put_text(&out, reader);
	wire_put_u32(&out, SHARE_SHARED);
	wire_put_u32(&out, PROTOCOLS_ANY);
	ask(CONNECT, &out);
	in = answer_of(CONNECT);
	*card = wire_u32(&in);
	*protocol = wire_u32(&in);
	return code_of(&in, CONNECT);
}

uint32_t
chansrv_disconnect(uint32_t card)
{
	const uint32_t arguments[] = {card, LEAVE_CARD};

	return call_plain(DISCONNECT, arguments, 2);
}

uint32_t
chansrv_begin(uint32_t card)
{
	return call_plain(BEGIN_TRANSACTION, &card, 1);
}

uint32_t
chansrv_end(uint32_t card)
{
	const uint32_t arguments[] = {card, LEAVE_CARD};

	return call_plain(END_TRANSACTION, arguments, 2);
}

uint32_t
chansrv_status(uint32_t card, struct chansrv_status *status)
{
	uint8_t bytes[16];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_in in;
	struct wire_view name;
	uint32_t len;

	wire_put_u32(&out, card);
	wire_put_u32(&out, CHANSRV_NAME_SIZE);
	wire_put_u32(&out, CHANSRV_ATR_SIZE);
	ask(STATUS, &out);
	in = answer_of(STATUS);
	memset(status, 0, sizeof(*status));
	name = wire_bytes(&in, wire_count(&in, CHANSRV_NAME_SIZE - 1));
	if (name.len > 0)
		memcpy(status->name, name.data, name.len);
	status->state = wire_u32(&in);
	status->protocol = wire_u32(&in);
	len = wire_count(&in, CHANSRV_ATR_SIZE);
	status->atr_len = take_atr(wire_bytes(&in, len), len, status->atr);
	return code_of(&in, STATUS);
}

uint32_t
chansrv_transmit(uint32_t card, uint32_t protocol, struct wire_view apdu,
                 uint8_t *answer, size_t *answer_len)
{
	uint8_t bytes[MESSAGE_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_in in;
	struct wire_view data;

	wire_put_u32(&out, card);
	wire_put_u32(&out, protocol);
	wire_put_u32(&out, PCI_LEN);
	wire_put_u32(&out, 0);
	wire_put_u32(&out, (uint32_t)apdu.len);
	wire_put_view(&out, apdu);
	wire_put_u32(&out, protocol);
	wire_put_u32(&out, PCI_LEN);
	wire_put_u32(&out, 0);
	wire_put_u32(&out, CHANSRV_ANSWER_MAX);
	ask(TRANSMIT, &out);
	in = answer_of(TRANSMIT);
	wire_skip(&in, PCI_LEN);
	wire_skip(&in, wire_count(&in, MESSAGE_MAX));
	data = wire_bytes(&in, wire_count(&in, CHANSRV_ANSWER_MAX));
	if (data.len > 0)
		memcpy(answer, data.data, data.len);
	*answer_len = data.len;
	return code_of(&in, TRANSMIT);
}
