/*
 * servercard: a program of an xrdp session that uses the redirected card, by
 * way of a real server's calls.
 *
 *	servercard SOCKET calls        each kind of call once
 *	servercard SOCKET loop COUNT   use what card there is, COUNT times
 *	servercard SOCKET watch COUNT  COUNT insertions and removals
 *	servercard SOCKET together     the states of all readers at once
 *
 * It prints names, codes, states, ATRs, status words and lengths, never what
 * a card says, and nothing that differs from run to run: compare by diff.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "chansrv.h"

enum {
	STATE_EMPTY = 0x0010,
	STATE_PRESENT = 0x0020,
	/*
	 * What a state says of the card alone: not that it changed, not who
	 * uses it, and not how often it came (the upper half).
	 */
	STATE_OF_CARD = STATE_EMPTY | STATE_PRESENT,
	STATE_CHANGED = 0x0002,
	PARKED_MS = 300,
	BETWEEN_MS = 400,
	PARTS_MAX = 64 /* of one answer of a card */
};

static const struct {
	uint32_t code;
	const char *name;
} codes[] = {
    {0x00000000, "success"},
    {0x80100002, "cancelled"},
    {0x8010000a, "timeout"},
    {0x8010000b, "sharing violation"},
    {0x8010000c, "no smart card"},
    {0x8010000f, "protocol mismatch"},
    {0x80100009, "unknown reader"},
    {0x80100010, "not ready"},
    {0x80100017, "reader not there"},
    {0x8010002e, "no readers"},
    {0x80100066, "unresponsive"},
    {0x80100067, "unpowered"},
    {0x80100068, "reset"},
    {0x80100069, "removed"},
    {0x8010002f, "communication error"},
    {0x80100016, "not transacted"},
};

/* What is done with a card; one of the applications is there. */
static const struct {
	const char *name;
	uint8_t bytes[20];
	size_t len;
	bool needs_last; /* means nothing when the one before failed */
} apdus[] = {
    {"select PIV",
     {0x00, 0xa4, 0x04, 0x00, 0x09, 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00,
      0x10, 0x00, 0x00},
     15,
     false},
    {"get PIV certificate",
     {0x00, 0xcb, 0x3f, 0xff, 0x05, 0x5c, 0x03, 0x5f, 0xc1, 0x05, 0x00},
     11,
     true},
    {"select GIDS",
     {0x00, 0xa4, 0x04, 0x00, 0x0b, 0xa0, 0x00, 0x00, 0x03, 0x97, 0x42, 0x54,
      0x46, 0x59, 0x02, 0x01, 0x00},
     17,
     false},
    {"get GIDS table",
     {0x00, 0xcb, 0xa0, 0x00, 0x04, 0x5c, 0x02, 0xdf, 0x1f, 0x00},
     10,
     true},
};

enum { APDUS = sizeof(apdus) / sizeof(apdus[0]), SW_GOOD = 0x9000 };

static void
pause_ms(long ms)
{
	struct timespec left = {.tv_sec = ms / 1000,
	                        .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
}

static const char *
code_name(uint32_t code)
{
	static char other[16];

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (codes[i].code == code)
			return codes[i].name;
	}
	(void)snprintf(other, sizeof(other), "%08x", (unsigned)code);
	return other;
}

static uint32_t
say(const char *call, uint32_t code)
{
	printf("%s: %s\n", call, code_name(code));
	return code;
}

static void
say_atr(const uint8_t *atr, uint32_t len)
{
	printf("  atr ");
	for (uint32_t i = 0; i < len; i++)
		printf("%02x", atr[i]);
	printf("\n");
}

/* One APDU with all parts of its answer: the last status word, the length. */
static uint32_t
exchange(uint32_t card, uint32_t protocol, struct wire_view apdu,
         unsigned *status_word, size_t *len)
{
	uint8_t answer[CHANSRV_ANSWER_MAX];
	uint8_t more[] = {0x00, 0xc0, 0x00, 0x00, 0x00};
	uint32_t code = 0;

	*status_word = 0;
	*len = 0;
	for (int part = 0; part < PARTS_MAX; part++) {
		size_t got = 0;

		code = chansrv_transmit(card, protocol, apdu, answer, &got);
		if (code != 0 || got < 2)
			return code;
		*len += got - 2;
		*status_word = (unsigned)answer[got - 2] << 8 | answer[got - 1];
		if (answer[got - 2] != 0x61)
			return code;
		more[4] = answer[got - 1];
		apdu = (struct wire_view){more, sizeof(more)};
	}
	return code;
}

static void
use_card(uint32_t card, uint32_t protocol)
{
	unsigned status_word = 0;

	for (size_t i = 0; i < APDUS; i++) {
		struct wire_view apdu = {apdus[i].bytes, apdus[i].len};
		size_t len;

		if (apdus[i].needs_last && status_word != SW_GOOD)
			continue;
		say(apdus[i].name,
		    exchange(card, protocol, apdu, &status_word, &len));
		printf("  sw %04x, %zu bytes\n", status_word, len);
	}
}

static void
show_status(uint32_t card)
{
	struct chansrv_status status;

	say("status", chansrv_status(card, &status));
	printf("  reader %s, state %02x, protocol %u\n", status.name,
	       (unsigned)status.state, (unsigned)status.protocol);
	say_atr(status.atr, status.atr_len);
}

/*
 * One reader a call, but for run_together: xrdp 0.9 gives each reader of a
 * list the same NDR referent, and FreeRDP 3 refuses that and crashes.
 */
static uint32_t
wait_for(uint32_t context, int timeout_ms, struct chansrv_reader *reader)
{
	struct chansrv_readers one = {.count = 1, .entries = {*reader}};
	uint32_t code;

	chansrv_park(context, timeout_ms, &one);
	code = chansrv_parked(&one);
	*reader = one.entries[0];
	reader->current = reader->event & ~(uint32_t)STATE_CHANGED;
	return code;
}

/* The states as they are, by calls that do not wait. */
static uint32_t
look(uint32_t context, struct chansrv_readers *list)
{
	uint32_t code = chansrv_list_readers(context, list);

	for (uint32_t i = 0; code == 0 && i < list->count; i++)
		code = wait_for(context, 0, &list->entries[i]);
	return code;
}

static const char *
reader_with_card(const struct chansrv_readers *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if ((list->entries[i].event & STATE_PRESENT) != 0)
			return list->entries[i].name;
	}
	return NULL;
}

static void
show_readers(const struct chansrv_readers *list)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct chansrv_reader *reader = &list->entries[i];

		printf("  reader %s, state %02x\n", reader->name,
		       (unsigned)reader->event & STATE_OF_CARD);
		say_atr(reader->atr, reader->atr_len);
	}
}

/*
 * Two waits at a time, which end by themselves: two contexts of one client do
 * not hold each other up.
 */
static void
park_twice(uint32_t context, const struct chansrv_readers *list)
{
	struct chansrv_readers seen = *list;
	uint32_t other;

	(void)say("second context", chansrv_establish(&other));
	chansrv_park(context, PARKED_MS, &seen);
	chansrv_park(other, PARKED_MS, &seen);
	(void)say("first wait", chansrv_parked(&seen));
	(void)say("second wait", chansrv_parked(&seen));
	(void)say("release", chansrv_release(other));
}

/*
 * Waits for the coming of readers; the last one has no end but its
 * cancellation.
 *
 * What waits beside another call has to be of this size with xrdp 0.9, which
 * does not pad its calls to 8 bytes, and FreeRDP 3, which reads the padding all
 * the same and aborts when such a call fills its buffer.  The Cancel then has
 * one to spare of the two waits before.
 */
static void
park_and_cancel(uint32_t context)
{
	struct chansrv_readers list = {
	    .count = 1, .entries = {{.name = "\\\\?PnP?\\Notification"}}};
	uint32_t cancelled;

	park_twice(context, &list);
	chansrv_park(context, CHANSRV_INFINITE, &list);
	pause_ms(PARKED_MS);
	cancelled = chansrv_cancel(context);
	(void)say("wait", chansrv_parked(&list));
	(void)say("cancel", cancelled);
}

static int
run_calls(void)
{
	struct chansrv_readers list;
	const char *reader;
	uint32_t context;
	uint32_t card;
	uint32_t protocol;

	if (say("establish", chansrv_establish(&context)) != 0)
		return 1;
	if (say("look", look(context, &list)) != 0)
		return 1;
	show_readers(&list);
	park_and_cancel(context);
	reader = reader_with_card(&list);
	if (reader == NULL)
		return 1;
	if (say("connect",
	        chansrv_connect(context, reader, &card, &protocol)) != 0)
		return 1;
	printf("  protocol %u\n", (unsigned)protocol);
	(void)say("begin", chansrv_begin(card));
	use_card(card, protocol);
	show_status(card);
	(void)say("end", chansrv_end(card));
	(void)say("disconnect", chansrv_disconnect(card));
	(void)say("release", chansrv_release(context));
	return 0;
}

/* Use the card once: NULL, or the call that the card did not live to see. */
static const char *
use_once(uint32_t context, uint32_t *code)
{
	struct chansrv_readers list;
	const char *failed = NULL;
	const char *reader;
	uint32_t card;
	uint32_t protocol;
	unsigned status_word;
	size_t len;

	*code = look(context, &list);
	if (*code != 0)
		return "look";
	reader = reader_with_card(&list);
	if (reader == NULL)
		return "no card";
	*code = chansrv_connect(context, reader, &card, &protocol);
	if (*code != 0)
		return "connect";
	*code = chansrv_begin(card);
	if (*code != 0)
		failed = "begin";
	for (size_t i = 0; failed == NULL && i < APDUS; i++) {
		struct wire_view apdu = {apdus[i].bytes, apdus[i].len};

		*code = exchange(card, protocol, apdu, &status_word, &len);
		if (*code != 0)
			failed = apdus[i].name;
	}
	if (failed == NULL)
		(void)chansrv_end(card);
	(void)chansrv_disconnect(card);
	return failed;
}

/* A context of its own for each turn, as programs have. */
static int
run_loop(int count)
{
	int whole = 0;

	for (int i = 0; i < count; i++) {
		uint32_t context;
		uint32_t code = chansrv_establish(&context);
		const char *failed = "establish";

		if (code == 0) {
			failed = use_once(context, &code);
			(void)chansrv_release(context);
		}
		whole += failed == NULL;
		printf("%d: %s%s%s\n", i + 1, failed == NULL ? "" : failed,
		       failed == NULL ? "" : ": ", code_name(code));
		(void)fflush(stdout);
		pause_ms(BETWEEN_MS);
	}
	printf("whole: %d\n", whole);
	return 0;
}

static bool
has_card(const struct chansrv_reader *reader)
{
	return (reader->event & STATE_PRESENT) != 0;
}

/* The first reader: wait, look, wait again. */
static int
run_watch(int count)
{
	struct chansrv_readers list;
	struct chansrv_reader *reader = &list.entries[0];
	uint32_t context;
	bool had;

	if (say("establish", chansrv_establish(&context)) != 0 ||
	    say("look", look(context, &list)) != 0 || list.count == 0)
		return 1;
	had = has_card(reader);
	printf("%s\n", had ? "present" : "empty");
	(void)fflush(stdout);
	while (count > 0) {
		if (wait_for(context, CHANSRV_INFINITE, reader) != 0)
			return 1;
		if (has_card(reader) == had)
			continue;
		had = has_card(reader);
		printf("%s\n", had ? "present" : "empty");
		(void)fflush(stdout);
		count--;
	}
	return chansrv_release(context) == 0 ? 0 : 1;
}

static int
run_together(void)
{
	struct chansrv_readers list;
	uint32_t context;

	if (say("establish", chansrv_establish(&context)) != 0 ||
	    say("list", chansrv_list_readers(context, &list)) != 0)
		return 1;
	chansrv_park(context, 0, &list);
	(void)say("together", chansrv_parked(&list));
	show_readers(&list);
	return chansrv_release(context) == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	int status = 64;
	int count = argc == 4 ? atoi(argv[3]) : 0;

	if (argc < 3) {
		fprintf(stderr, "usage: servercard SOCKET COMMAND [COUNT]\n");
		return status;
	}
	chansrv_open(argv[1]);
	if (strcmp(argv[2], "calls") == 0)
		status = run_calls();
	else if (strcmp(argv[2], "loop") == 0)
		status = run_loop(count);
	else if (strcmp(argv[2], "together") == 0)
		status = run_together();
	else if (strcmp(argv[2], "watch") == 0)
		status = run_watch(count);
	chansrv_close();
	return status;
}
