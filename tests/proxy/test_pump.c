/*
 * The pump between two legs: frames pass unchanged, ours stand between them,
 * and a slow side holds the other back.
 */
#include "pump.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "messages.h"
#include "side.h"

enum {
	RDPDR = 1005,
	OTHER = 1004,
	STREAM_MAX = 4 * 1024 * 1024,
	MARK_LEN = 8,
	INJECTED_LEN = 400
};

static const char mark[] = "INJECTED";

/* Bytes of one direction, as sent and as come. */
struct stream {
	uint8_t *bytes;
	size_t len;
	size_t done;
};

/* Both peers, both legs, and the pump in between. */
struct bed {
	struct relay *relay;
	struct pump *pump;
	struct leg *legs[2];
	int peers[2];
	struct stream sent[2]; /* by the side it comes from */
	struct stream come[2]; /* by the side it has come to */
	bool consume;          /* on_chunk's answer is no */
	unsigned chunks;
	unsigned refused;
	const char *what;
};

static bool
on_chunk(void *arg, enum relay_side from, const struct relay_chunk *chunk)
{
	struct bed *b = arg;

	(void)from;
	assert_true(chunk->data.len > 0);
	b->chunks++;
	return !b->consume;
}

static void
on_facts(void *arg)
{
	(void)arg;
}

static void
on_refused(void *arg, enum relay_side from, const char *what)
{
	struct bed *b = arg;

	(void)from;
	b->refused++;
	b->what = what;
}

static const struct pump_ops pump_ops = {on_chunk, on_facts, on_refused};

static void
on_client_data(void *arg)
{
	pump_run(((struct bed *)arg)->pump, RELAY_CLIENT);
}

static void
on_server_data(void *arg)
{
	pump_run(((struct bed *)arg)->pump, RELAY_SERVER);
}

static void
on_client_drained(void *arg)
{
	pump_drained(((struct bed *)arg)->pump, RELAY_CLIENT);
}

static void
on_server_drained(void *arg)
{
	pump_drained(((struct bed *)arg)->pump, RELAY_SERVER);
}

static void
on_ready(void *arg)
{
	(void)arg;
}

static void
on_closed(void *arg, const char *why)
{
	(void)arg;
	fail_msg("closed: %s", why);
}

static const struct leg_ops leg_ops[2] = {
    {on_ready, on_client_data, on_client_drained, on_closed},
    {on_ready, on_server_data, on_server_drained, on_closed},
};

static void
tell(struct relay *r, enum relay_side from, struct message *m)
{
	struct relay_chunk chunk;

	assert_int_equal(relay_frame(r, from, m->bytes, m->len, &chunk),
	                 RELAY_FORWARD);
}

/* A relay that knows the channels. */
static struct relay *
connected(void)
{
	const struct relay_negotiation plain = {1, 1, 1, 1};
	struct relay *r = relay_new(&plain);
	static struct message m;

	message_connect_initial(&m, &message_sides);
	tell(r, RELAY_CLIENT, &m);
	message_connect_response(&m, &message_sides);
	tell(r, RELAY_SERVER, &m);
	message_attach_confirm(&m, message_sides.user_channel);
	tell(r, RELAY_SERVER, &m);
	return r;
}

static void
bed_open(struct bed *b)
{
	memset(b, 0, sizeof(*b));
	b->relay = connected();
	for (int i = 0; i < 2; i++) {
		int fds[2];

		assert_int_equal(
		    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds),
		    0);
		b->peers[i] = fds[0];
		b->legs[i] = leg_new(side_base, fds[1], &leg_ops[i], b);
		b->sent[i].bytes = malloc(STREAM_MAX);
		b->come[i].bytes = malloc(2 * STREAM_MAX);
	}
	b->pump = pump_new(b->relay, b->legs[RELAY_CLIENT],
	                   b->legs[RELAY_SERVER], &pump_ops, b);
	assert_non_null(b->pump);
}

static void
bed_close(struct bed *b)
{
	pump_free(b->pump);
	relay_free(b->relay);
	for (int i = 0; i < 2; i++) {
		leg_free(b->legs[i]);
		(void)close(b->peers[i]);
		free(b->sent[i].bytes);
		free(b->come[i].bytes);
	}
}

static void
append(struct stream *s, const void *data, size_t len)
{
	assert_true(s->len + len <= STREAM_MAX);
	memcpy(s->bytes + s->len, data, len);
	s->len += len;
}

static void
append_fastpath(struct stream *s, size_t len, uint32_t *seed)
{
	static uint8_t frame[0x8000];

	side_fill(frame, len, side_random(seed));
	frame[0] = (uint8_t)(side_random(seed) & 0xfc);
	if (len < 0x80 && side_random(seed) % 2 == 0) {
		frame[1] = (uint8_t)len;
	} else if (len >= 3) {
		frame[1] = (uint8_t)(0x80 | len >> 8);
		frame[2] = (uint8_t)len;
	} else {
		frame[1] = (uint8_t)len;
	}
	append(s, frame, len);
}

/* A chunk of a static channel; rdpdr's is looked at. */
static void
append_chunk(struct stream *s, enum relay_side from, uint16_t channel,
             size_t len, uint32_t *seed)
{
	static struct message m;
	static uint8_t bytes[20000];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	size_t start;

	wire_put_u32(&out, (uint32_t)len);
	wire_put_u32(&out, 3);
	start = wire_reserve(&out, len);
	side_fill(bytes + start, len, side_random(seed));
	message_data(&m, from == RELAY_CLIENT ? 0x64 : 0x68,
	             from == RELAY_CLIENT ? message_sides.user_channel : 1002,
	             channel, wire_written(&out));
	append(s, m.bytes, m.len);
}

/* Frames of all kinds and sizes. */
static void
fill(struct stream *s, enum relay_side from, size_t len, uint32_t seed)
{
	while (s->len < len) {
		switch (side_random(&seed) % 4) {
		case 0:
			append_fastpath(s, 2 + side_random(&seed) % 0x7ffd,
			                &seed);
			break;
		case 1:
			append_fastpath(s, 2 + side_random(&seed) % 40, &seed);
			break;
		case 2:
			append_chunk(s, from, OTHER,
			             1 + side_random(&seed) % 16000, &seed);
			break;
		default:
			append_chunk(s, from, RDPDR,
			             1 + side_random(&seed) % 1600, &seed);
		}
	}
}

static void
feed(struct bed *b, enum relay_side from, size_t most)
{
	struct stream *s = &b->sent[from];
	size_t len = s->len - s->done < most ? s->len - s->done : most;
	ssize_t n = len == 0 ? 0
	                     : send(b->peers[from], s->bytes + s->done, len,
	                            MSG_NOSIGNAL);

	if (n > 0)
		s->done += (size_t)n;
}

static void
take(struct bed *b, enum relay_side to, size_t most)
{
	struct stream *s = &b->come[to];
	ssize_t n = recv(b->peers[to], s->bytes + s->len, most, 0);

	if (n > 0)
		s->len += (size_t)n;
}

static void
turn(void)
{
	(void)event_base_loop(side_base, EVLOOP_NONBLOCK);
}

static enum relay_side
other(enum relay_side side)
{
	return side == RELAY_CLIENT ? RELAY_SERVER : RELAY_CLIENT;
}

static void
assert_come(const struct bed *b, enum relay_side to)
{
	assert_int_equal(b->come[to].len, b->sent[other(to)].len);
	assert_memory_equal(b->come[to].bytes, b->sent[other(to)].bytes,
	                    b->come[to].len);
}

static bool
all_come(const struct bed *b, size_t more)
{
	return b->come[RELAY_SERVER].len >= b->sent[RELAY_CLIENT].len + more &&
	       b->come[RELAY_CLIENT].len >= b->sent[RELAY_SERVER].len;
}

/* Whatever the pieces are in which it comes, it goes on as it was. */
static void
test_identical(void **state)
{
	static const size_t pieces[] = {1, 7, 100, 5000, 100000};
	struct bed b;

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		size_t len = 200000 + pieces[i] * 2000;
		uint32_t seed = (uint32_t)i;

		if (len > STREAM_MAX - 100000)
			len = STREAM_MAX - 100000;
		bed_open(&b);
		fill(&b.sent[0], RELAY_CLIENT, len, 10 + seed);
		fill(&b.sent[1], RELAY_SERVER, len, 20 + seed);
		while (!all_come(&b, 0)) {
			feed(&b, RELAY_CLIENT,
			     1 + side_random(&seed) % pieces[i]);
			feed(&b, RELAY_SERVER,
			     1 + side_random(&seed) % pieces[i]);
			turn();
			take(&b, RELAY_CLIENT, 1 + side_random(&seed) % 100000);
			take(&b, RELAY_SERVER, 1 + side_random(&seed) % 100000);
		}
		assert_come(&b, RELAY_CLIENT);
		assert_come(&b, RELAY_SERVER);
		assert_true(b.chunks > 0);
		assert_int_equal(b.refused, 0);
		bed_close(&b);
	}
}

static void
inject(struct bed *b, uint32_t number)
{
	uint8_t bytes[INJECTED_LEN] = {0};
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct relay_chunk chunk = {
	    sizeof(bytes), 3, {bytes, sizeof(bytes)}, false};

	wire_put_bytes(&out, mark, MARK_LEN);
	wire_put_u32(&out, number);
	pump_inject(b->pump, RELAY_SERVER, &chunk);
}

static size_t
frame_len(const struct stream *s, size_t at)
{
	const uint8_t *f = s->bytes + at;

	assert_true(s->len - at >= 4);
	if ((f[0] & 3) == 3)
		return (size_t)f[2] << 8 | f[3];
	return f[1] & 0x80 ? (size_t)(f[1] & 0x7f) << 8 | f[2] : f[1];
}

/* Take our own frames out again, each whole and in its turn. */
static unsigned
take_injected(struct stream *s)
{
	uint32_t count = 0;
	size_t kept = 0;

	for (size_t at = 0; at < s->len;) {
		size_t len = at + 4 > s->len ? s->len - at : frame_len(s, at);
		const uint8_t *found =
		    len < INJECTED_LEN
			? NULL
			: memmem(s->bytes + at, 64, mark, MARK_LEN);
		struct wire_in in;

		assert_true(len > 0 && len <= s->len - at);
		if (found == NULL) {
			memmove(s->bytes + kept, s->bytes + at, len);
			kept += len;
		} else {
			in = wire_in(found + MARK_LEN, 4);
			assert_int_equal(wire_u32(&in), count++);
			assert_ptr_equal(found + INJECTED_LEN,
			                 s->bytes + at + len);
		}
		at += len;
	}
	s->len = kept;
	return count;
}

static void
test_injected_between_frames(void **state)
{
	uint32_t seed = 77;
	uint32_t count = 0;
	struct bed b;

	(void)state;
	bed_open(&b);
	fill(&b.sent[RELAY_CLIENT], RELAY_CLIENT, STREAM_MAX / 2, 5);
	while (!all_come(&b, 0) || !all_come(&b, count * (INJECTED_LEN + 22))) {
		feed(&b, RELAY_CLIENT, 1 + side_random(&seed) % 9000);
		if (count < 500 && side_random(&seed) % 2 == 0)
			inject(&b, count++);
		turn();
		take(&b, RELAY_SERVER, 1 + side_random(&seed) % 20000);
	}
	assert_true(count > 100);
	assert_int_equal(take_injected(&b.come[RELAY_SERVER]), count);
	assert_come(&b, RELAY_SERVER);
	bed_close(&b);
}

static void
test_consumed(void **state)
{
	uint32_t seed = 3;
	struct bed b;
	size_t len;

	(void)state;
	bed_open(&b);
	b.consume = true;
	append_fastpath(&b.sent[0], 100, &seed);
	len = b.sent[0].len;
	append_chunk(&b.sent[0], RELAY_CLIENT, RDPDR, 900, &seed);
	feed(&b, RELAY_CLIENT, STREAM_MAX);
	turn();
	turn();
	take(&b, RELAY_SERVER, STREAM_MAX);
	assert_int_equal(b.chunks, 1);
	assert_int_equal(b.come[RELAY_SERVER].len, len);
	bed_close(&b);
}

/* A peer that does not read stops the other, and loses nothing. */
static void
test_back_pressure(void **state)
{
	struct evbuffer *queue;
	size_t before;
	struct bed b;

	(void)state;
	bed_open(&b);
	fill(&b.sent[RELAY_SERVER], RELAY_SERVER, STREAM_MAX - 100000, 9);
	queue = leg_output(b.legs[RELAY_CLIENT]);
	do {
		before = b.sent[RELAY_SERVER].done;
		feed(&b, RELAY_SERVER, STREAM_MAX);
		for (int i = 0; i < 10; i++)
			turn();
		assert_true(evbuffer_get_length(queue) <
		            PUMP_QUEUE_MAX + LEG_READ_SIZE + RELAY_FRAME_MAX);
	} while (b.sent[RELAY_SERVER].done > before);
	assert_true(b.sent[RELAY_SERVER].done < STREAM_MAX / 2);
	assert_true(evbuffer_get_length(queue) >= PUMP_QUEUE_MAX);
	assert_true(evbuffer_get_length(leg_input(b.legs[RELAY_SERVER])) <=
	            LEG_READ_SIZE + RELAY_FRAME_MAX);
	while (!all_come(&b, 0)) {
		feed(&b, RELAY_SERVER, STREAM_MAX);
		turn();
		take(&b, RELAY_CLIENT, 100000);
	}
	assert_come(&b, RELAY_CLIENT);
	bed_close(&b);
}

static void
test_refused_stream_stops(void **state)
{
	static const uint8_t garbage[] = {3, 0, 0, 5, 9, 9, 9, 9};
	uint32_t seed = 4;
	struct bed b;
	size_t len;

	(void)state;
	bed_open(&b);
	append_fastpath(&b.sent[0], 100, &seed);
	len = b.sent[0].len;
	append(&b.sent[0], garbage, sizeof(garbage));
	append_fastpath(&b.sent[0], 100, &seed);
	feed(&b, RELAY_CLIENT, len + sizeof(garbage));
	turn();
	turn();
	assert_int_equal(b.refused, 1);
	assert_string_equal(b.what, "neither TPKT nor fast-path");
	feed(&b, RELAY_CLIENT, STREAM_MAX);
	turn();
	turn();
	take(&b, RELAY_SERVER, STREAM_MAX);
	assert_true(b.come[RELAY_SERVER].len <= len);
	assert_int_equal(b.refused, 1);
	bed_close(&b);
}

static void
test_stop(void **state)
{
	uint32_t seed = 4;
	struct bed b;

	(void)state;
	bed_open(&b);
	pump_stop(b.pump, RELAY_CLIENT);
	append_fastpath(&b.sent[RELAY_CLIENT], 100, &seed);
	append_fastpath(&b.sent[RELAY_SERVER], 100, &seed);
	feed(&b, RELAY_CLIENT, STREAM_MAX);
	feed(&b, RELAY_SERVER, STREAM_MAX);
	turn();
	turn();
	inject(&b, 0);
	take(&b, RELAY_CLIENT, STREAM_MAX);
	take(&b, RELAY_SERVER, STREAM_MAX);
	assert_int_equal(b.come[RELAY_SERVER].len, 0);
	assert_come(&b, RELAY_CLIENT);
	bed_close(&b);
}

/*
 * The client hears of the end between two frames, and nothing after it; in the
 * middle of one it hears nothing.
 */
static void
test_dismiss(void **state)
{
	static const uint8_t ultimatum[] = {3,    0,    0,    9,   2,
	                                    0xf0, 0x80, 0x20, 0x80};
	struct bed b;

	(void)state;
	for (int half = 0; half < 2; half++) {
		uint32_t seed = 1;
		size_t len = half ? 50 : 100;

		bed_open(&b);
		append_fastpath(&b.sent[RELAY_SERVER], 100, &seed);
		feed(&b, RELAY_SERVER, len);
		turn();
		pump_dismiss(b.pump);
		feed(&b, RELAY_SERVER, 100);
		turn();
		take(&b, RELAY_CLIENT, 1000);
		assert_memory_equal(b.come[RELAY_CLIENT].bytes,
		                    b.sent[RELAY_SERVER].bytes, len);
		if (half)
			assert_int_equal(b.come[RELAY_CLIENT].len, len);
		else
			assert_int_equal(b.come[RELAY_CLIENT].len,
			                 len + sizeof(ultimatum));
		if (!half)
			assert_memory_equal(b.come[RELAY_CLIENT].bytes + len,
			                    ultimatum, sizeof(ultimatum));
		bed_close(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_identical),
	    cmocka_unit_test(test_injected_between_frames),
	    cmocka_unit_test(test_consumed),
	    cmocka_unit_test(test_back_pressure),
	    cmocka_unit_test(test_refused_stream_stops),
	    cmocka_unit_test(test_stop),
	    cmocka_unit_test(test_dismiss),
	};

	return cmocka_run_group_tests(tests, side_open_base, side_close_base);
}
