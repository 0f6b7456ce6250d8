#include "side.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_S = 60 };

struct event_base *side_base;

int
side_open_base(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	side_base = event_base_new();
	return side_base == NULL;
}

int
side_close_base(void **state)
{
	(void)state;
	event_base_free(side_base);
	return 0;
}

static void
on_ready(void *arg)
{
	struct side *s = arg;

	s->ready++;
}

static void
on_data(void *arg)
{
	struct side *s = arg;

	assert_int_equal(s->closed, 0);
	s->told++;
	if (!s->keep)
		(void)evbuffer_add_buffer(s->got, leg_input(s->leg));
}

static void
on_drained(void *arg)
{
	struct side *s = arg;

	s->drained++;
}

static void
on_closed(void *arg, const char *why)
{
	struct side *s = arg;

	s->closed++;
	s->why = why;
	s->len_at_close = evbuffer_get_length(s->got);
}

const struct leg_ops side_ops = {on_ready, on_data, on_drained, on_closed};

void
side_init(struct side *s)
{
	memset(s, 0, sizeof(*s));
	s->got = evbuffer_new();
	assert_non_null(s->got);
}

void
side_clear(struct side *s)
{
	leg_free(s->leg);
	evbuffer_free(s->got);
	memset(s, 0, sizeof(*s));
}

void
side_pair(struct event_base *base, struct side *a, struct side *b)
{
	int fds[2];

	side_init(a);
	side_init(b);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	a->leg = leg_new(base, fds[0], &side_ops, a);
	b->leg = leg_new(base, fds[1], &side_ops, b);
	assert_non_null(a->leg);
	assert_non_null(b->leg);
}

void
side_tcp(int fds[2])
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	struct sockaddr *generic = (struct sockaddr *)&addr;
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, generic, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, generic, &len), 0);
	fds[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fds[0], generic, len), 0);
	fds[1] = accept(listener, NULL, NULL);
	assert_true(fds[1] >= 0);
	(void)close(listener);
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
side_turn(struct event_base *base, unsigned ms)
{
	const struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)event_base_loopexit(base, &tv);
	(void)event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY);
}

void
side_until(struct event_base *base, side_condition *is_so, void *arg)
{
	int64_t end = now_ms() + PATIENCE_S * 1000;

	while (!is_so(arg)) {
		assert_true(now_ms() < end);
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	}
}

bool
side_is_ready(void *arg)
{
	const struct side *s = arg;

	return s->ready > 0;
}

bool
side_is_closed(void *arg)
{
	const struct side *s = arg;

	return s->closed > 0;
}

uint32_t
side_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

void
side_fill(uint8_t *data, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)side_random(&seed);
}

void
side_got(struct side *s, const uint8_t *data, size_t len)
{
	assert_int_equal(evbuffer_get_length(s->got), len);
	if (len > 0)
		assert_memory_equal(evbuffer_pullup(s->got, -1), data, len);
	(void)evbuffer_drain(s->got, len);
}
