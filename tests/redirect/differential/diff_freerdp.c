/*
 * Our smart card codecs against those of FreeRDP 3, on messages made at random:
 * our calls decode there to the same values, its returns decode here to the
 * same values.  Two values are the same when they encode to the same bytes.
 *
 * Its library is a client's: it has no encoder of calls and no decoder of
 * returns, so the other two directions cannot be compared.  Each row of ours
 * must have been taken at least once in both.
 *
 * Where it is known to differ, the table below says how and why.
 *
 * usage: diff_freerdp [MESSAGES [SEED]]; CARDPROXY_DIFF_MESSAGES says how many
 * when no argument does.  It stops before its time is up in CARDPROXY_DIFF_MS
 * milliseconds, though not before a hundred thousand; 0 is no limit.
 */
#include "making.h"
#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM = 512 * 1024, MESSAGES = 200000, MESSAGES_MIN = 100000 };
enum { TIME_MS = 20000, FAILURES_MAX = 20, ROWS_MAX = 128 };

/* What FreeRDP does otherwise. */
enum known {
	KNOWN_NONE,
	KNOWN_ID_LEN,
	KNOWN_NO_HANDLE,
	KNOWN_NULL_NAME,
	KNOWN_RELEASE_EVENT,
	KNOWN_WIDE_CARDS,
	KNOWN_FAILED_ESTABLISH,
	KNOWN_FAILED_PAYLOAD,
	KNOWN_CONNECT_NO_CONTEXT,
	KNOWN_COUNT
};

enum verdict {
	REFUSED, /* it takes no such call; when it does, then as we mean it */
	DIFFERS, /* what comes out may be anything, or nothing */
	REDUCED  /* its return carries less: the code must be the same */
};

/* clang-format off */
static const struct {
	enum verdict verdict;
	const char *what;
} known_table[KNOWN_COUNT] = {
	[KNOWN_ID_LEN] = { REFUSED,
		"a context or handle is of 4 or 8 bytes there; the specification "
		"allows 16, and they are opaque" },
	[KNOWN_NO_HANDLE] = { REFUSED,
		"it reads the array of a handle also when its pointer is null" },
	[KNOWN_NULL_NAME] = { REFUSED,
		"it takes no null pointer for the name of a reader or a group" },
	[KNOWN_RELEASE_EVENT] = { REFUSED,
		"it has no ReleaseStartedEvent" },
	[KNOWN_WIDE_CARDS] = { DIFFERS,
		"LocateCardsW: it takes the bytes of the names for characters" },
	[KNOWN_FAILED_ESTABLISH] = { REDUCED,
		"a failed EstablishContext ends after its code" },
	[KNOWN_FAILED_PAYLOAD] = { REDUCED,
		"a return that is no success carries nothing, not even the states "
		"of a timeout" },
	[KNOWN_CONNECT_NO_CONTEXT] = { DIFFERS,
		"Connect: it writes the array of a null context, before the handle "
		"(fixed in 3.28)" },
};
/* clang-format on */

static unsigned long known_seen[KNOWN_COUNT];
static unsigned long failures;
static bool read_there[ROWS_MAX]; /* rows of calls that it took */
static bool read_here[ROWS_MAX];  /* rows of its returns that we took */

static uint8_t made_room[ROOM];
static uint8_t first[ROOM];
static uint8_t second[ROOM];
static uint8_t third[ROOM];
static struct esc_call call;
static struct esc_call other_call;
static struct esc_return ret;
static struct esc_return other_ret;

static bool
odd_len(const struct esc_id *id)
{
	return id->len != 0 && id->len != 4 && id->len != 8;
}

static enum known
known_handle(const struct esc_handle *handle)
{
	if (odd_len(&handle->context) || odd_len(&handle->card))
		return KNOWN_ID_LEN;
	return handle->card.len == 0 ? KNOWN_NO_HANDLE : KNOWN_NONE;
}

/* Every call of a card but Transmit and the like begins with its handle. */
static const struct esc_handle *
handle_of_call(const struct ioctl *row)
{
	if (row->decode_call == esc_reconnect_call_decode)
		return &call.reconnect.handle;
	if (row->decode_call == esc_hcard_call_decode)
		return &call.hcard.handle;
	if (row->decode_call == esc_state_call_decode ||
	    row->decode_call == esc_status_call_decode)
		return &call.status.handle;
	if (row->decode_call == esc_transmit_call_decode)
		return &call.transmit.handle;
	if (row->decode_call == esc_control_call_decode)
		return &call.control.handle;
	if (row->decode_call == esc_attrib_call_decode)
		return &call.attrib.handle;
	if (row->decode_call == esc_set_attrib_call_decode)
		return &call.set_attrib.handle;
	return &call.handle.handle;
}

static const struct esc_id *
context_of_call(const struct ioctl *row)
{
	static const struct esc_id none;

	if (row->decode_call == esc_context_call_decode)
		return &call.context.context;
	if (row->decode_call == esc_groups_call_decode ||
	    row->decode_call == esc_list_call_decode)
		return &call.list.context;
	if (row->decode_call == esc_watch_call_decode)
		return &call.watch.context;
	if (row->decode_call == esc_connect_call_decode)
		return &call.connect.context;
	if (row->decode_call == esc_reader_call_decode)
		return &call.reader.context;
	if (row->decode_call == esc_pair_call_decode)
		return &call.pair.context;
	if (row->decode_call == esc_locate_call_decode ||
	    row->decode_call == esc_locate_atr_call_decode)
		return &call.locate.context;
	if (row->decode_call == esc_read_cache_call_decode)
		return &call.read_cache.context;
	if (row->decode_call == esc_write_cache_call_decode)
		return &call.write_cache.context;
	return &none;
}

static enum known
known_call(const struct ioctl *row)
{
	if (row->subject == IOCTL_OF_CARD)
		return known_handle(handle_of_call(row));
	if (odd_len(context_of_call(row)))
		return KNOWN_ID_LEN;
	if (row->code == IOCTL_RELEASE_STARTED_EVENT)
		return KNOWN_RELEASE_EVENT;
	if (row->code == IOCTL_LOCATE_CARDS_W && call.locate.cards.present)
		return KNOWN_WIDE_CARDS;
	if (row->decode_call == esc_connect_call_decode &&
	    !call.connect.reader.present)
		return KNOWN_NULL_NAME;
	if (row->decode_call == esc_reader_call_decode &&
	    !call.reader.reader.present)
		return KNOWN_NULL_NAME;
	return KNOWN_NONE;
}

static bool
has_payload(const struct ioctl *row)
{
	if (row->decode_return == esc_list_return_decode)
		return ret.list.names.present;
	if (row->decode_return == esc_status_return_decode)
		return ret.status.names.present;
	if (row->decode_return == esc_watch_return_decode)
		return ret.watch.count > 0;
	if (row->decode_return == esc_state_return_decode)
		return ret.state.atr.len > 0;
	if (row->decode_return == esc_data_return_decode)
		return ret.data.data.present;
	return false;
}

static enum known
known_return(const struct ioctl *row)
{
	const struct esc_handle *handle = &ret.connect.handle;

	if (row->decode_return == esc_establish_return_decode) {
		if (ret.code != ESC_S_SUCCESS)
			return KNOWN_FAILED_ESTABLISH;
		return ret.establish.context.len > 8 ? KNOWN_ID_LEN
		                                     : KNOWN_NONE;
	}
	if (row->decode_return == esc_connect_return_decode) {
		if (handle->context.len > 8 || handle->card.len > 8 ||
		    handle->context.len % 4 != 0 || handle->card.len % 4 != 0)
			return KNOWN_ID_LEN;
		return handle->context.len == 0 && handle->card.len > 0
		           ? KNOWN_CONNECT_NO_CONTEXT
		           : KNOWN_NONE;
	}
	if (ret.code != ESC_S_SUCCESS && has_payload(row))
		return KNOWN_FAILED_PAYLOAD;
	return KNOWN_NONE;
}

static void
fail(const struct ioctl *row, const char *what, uint64_t seed)
{
	failures++;
	(void)fprintf(stderr, "%s: %s (seed %llu)\n", row->name, what,
	              (unsigned long long)seed);
}

static bool
same(const struct wire_out *a, const struct wire_out *b)
{
	return wire_out_ok(a) && wire_out_ok(b) &&
	       wire_view_equal(wire_written(a), wire_written(b));
}

/* Our own way there and back, and theirs there. */
static void
try_call(struct making *m, const struct ioctl *row, uint64_t seed)
{
	struct wire_out ours = wire_out(first, sizeof(first));
	struct wire_out back = wire_out(second, sizeof(second));
	struct wire_out theirs = wire_out(third, sizeof(third));
	enum known known;

	making_call(m, row, &call);
	ioctl_call_encode(row, &ours, &call);
	if (!wire_out_ok(&ours) || ioctl_call_decode(row, wire_written(&ours),
	                                             &other_call) != WIRE_OK) {
		fail(row, "our call does not decode here", seed);
		return;
	}
	ioctl_call_encode(row, &back, &other_call);
	if (!same(&ours, &back))
		fail(row, "our call comes back otherwise", seed);
	known = known_call(row);
	known_seen[known]++;
	if (!oracle_call_decode(row, wire_written(&ours), &other_call)) {
		if (known == KNOWN_NONE)
			fail(row, "they refuse our call", seed);
		return;
	}
	read_there[row - ioctl_rows] = true;
	ioctl_call_encode(row, &theirs, &other_call);
	if (!same(&ours, &theirs) && known_table[known].verdict != DIFFERS)
		fail(row, "they read our call otherwise", seed);
}

/* What their encoder cannot say, we do not ask of it. */
static void
normalise(const struct ioctl *row)
{
	if (row->decode_return == esc_transmit_return_decode &&
	    !ret.transmit.recv.present)
		ret.transmit.recv.size = 0;
}

static void
try_return(struct making *m, const struct ioctl *row, uint64_t seed)
{
	struct wire_out theirs = wire_out(first, sizeof(first));
	struct wire_out ours = wire_out(second, sizeof(second));
	struct wire_out back = wire_out(third, sizeof(third));
	enum known known;

	making_return(m, row, &ret);
	normalise(row);
	known = known_return(row);
	known_seen[known]++;
	if (known == KNOWN_ID_LEN)
		return; /* its structure has no room for it */
	ioctl_return_encode(row, &ours, &ret);
	if (!oracle_return_encode(row, &ret, &theirs)) {
		fail(row, "they cannot encode a return", seed);
		return;
	}
	if (ioctl_return_decode(row, wire_written(&theirs), &other_ret) !=
	    WIRE_OK) {
		if (known_table[known].verdict != DIFFERS)
			fail(row, "we refuse their return", seed);
		return;
	}
	read_here[row - ioctl_rows] = true;
	if (other_ret.code != ret.code)
		fail(row, "their return has another code here", seed);
	ioctl_return_encode(row, &back, &other_ret);
	if (known == KNOWN_NONE && !same(&ours, &back))
		fail(row, "we read their return otherwise", seed);
}

static unsigned long long
number_of(const char *name, const char *given, unsigned long long otherwise)
{
	const char *text = given != NULL ? given : getenv(name);

	return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static unsigned long long
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000 +
	       (unsigned long long)now.tv_nsec / 1000000;
}

/* A row that was never compared compares well; the table has the exception. */
static void
check_rows(void)
{
	for (size_t i = 0; i < ioctl_row_count; i++) {
		const struct ioctl *row = &ioctl_rows[i];

		if (!read_there[i] && row->code != IOCTL_RELEASE_STARTED_EVENT)
			fail(row, "they took no call of it", 0);
		if (!read_here[i])
			fail(row, "we took no return of it", 0);
	}
}

static void
report(unsigned long long calls, unsigned long long returns)
{
	(void)printf("FreeRDP %s: %llu calls, %llu returns, %lu differ\n",
	             oracle_version(), calls, returns, failures);
	for (size_t i = KNOWN_NONE + 1; i < KNOWN_COUNT; i++)
		(void)printf("%8lu times: %s\n", known_seen[i],
		             known_table[i].what);
}

int
main(int argc, char **argv)
{
	unsigned long long messages = number_of(
	    "CARDPROXY_DIFF_MESSAGES", argc > 1 ? argv[1] : NULL, MESSAGES);
	unsigned long long seed =
	    number_of("CARDPROXY_DIFF_SEED", argc > 2 ? argv[2] : NULL, 1);
	unsigned long long limit_ms =
	    number_of("CARDPROXY_DIFF_MS", NULL, TIME_MS);
	unsigned long long start = now_ms();
	unsigned long long calls = 0;
	unsigned long long returns = 0;

	oracle_init();
	while (calls + returns < messages && failures < FAILURES_MAX) {
		struct making m = making(seed, made_room, sizeof(made_room));
		const struct ioctl *row =
		    &ioctl_rows[making_below(&m, (uint32_t)ioctl_row_count)];

		try_call(&m, row, seed);
		try_return(&m, row, seed);
		calls++;
		returns++;
		seed++;
		if (limit_ms > 0 && calls + returns >= MESSAGES_MIN &&
		    calls % 256 == 0 && now_ms() - start > limit_ms)
			break;
	}
	oracle_free();
	check_rows();
	report(calls, returns);
	return failures != 0;
}
