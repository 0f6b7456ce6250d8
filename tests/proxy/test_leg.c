/*
 * One TLS or plain leg: all bytes arrive in order, ends are told once, and
 * secrets are wiped.
 */
#include "leg.h"

#include <arpa/inet.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "authority.h"
#include "side.h"
#include "tls.h"

enum { BIG = 8 * 1024 * 1024 };

#define SECRET "PIN=27182818284590"

static struct event_base *base;
static SSL_CTX *server;
static SSL_CTX *client;
static uint8_t big[2][BIG];

/*
 * Nothing that is freed may hold the secret: this is what libevent frees with,
 * and, by the linker, what the leg frees with.
 */
static unsigned leaks;

static void
look_for_secret(const void *data)
{
	if (data != NULL &&
	    memmem(data, malloc_usable_size((void *)(uintptr_t)data), SECRET,
	           sizeof(SECRET) - 1) != NULL)
		leaks++;
}

static void
free_looking(void *data)
{
	look_for_secret(data);
	free(data);
}

void __real_free(void *data);
void __wrap_free(void *data);
void
__wrap_free(void *data)
{
	look_for_secret(data);
	__real_free(data);
}

static bool
has_all(void *arg)
{
	const struct side *s = arg;

	return evbuffer_get_length(s->got) >= BIG;
}

static bool
is_drained(void *arg)
{
	const struct side *s = arg;

	return s->drained > 0;
}

static void
start_tls(struct side *a, struct side *b)
{
	leg_start_tls(a->leg, SSL_new(server), LEG_TLS_ACCEPT);
	leg_start_tls(b->leg, SSL_new(client), LEG_TLS_CONNECT);
	side_until(base, side_is_ready, a);
	side_until(base, side_is_ready, b);
}

static void
exchange(struct side *a, struct side *b)
{
	(void)evbuffer_add(leg_output(a->leg), big[0], BIG);
	(void)evbuffer_add(leg_output(b->leg), big[1], BIG);
	leg_flush(a->leg);
	leg_flush(b->leg);
	side_until(base, has_all, a);
	side_until(base, has_all, b);
	side_until(base, is_drained, a);
	side_got(a, big[1], BIG);
	side_got(b, big[0], BIG);
	assert_int_equal(a->closed + b->closed, 0);
}

static void
test_big_both_ways_plain(void **state)
{
	struct side a, b;

	(void)state;
	side_pair(base, &a, &b);
	exchange(&a, &b);
	assert_null(leg_ssl(a.leg));
	side_clear(&a);
	side_clear(&b);
}

static void
test_big_both_ways_tls(void **state)
{
	struct side a, b;

	(void)state;
	side_pair(base, &a, &b);
	start_tls(&a, &b);
	exchange(&a, &b);
	assert_non_null(leg_ssl(a.leg));
	side_clear(&a);
	side_until(base, side_is_closed, &b);
	assert_string_equal(b.why, "closed by the peer");
	side_clear(&b);
}

/* What the sender has written stays in the socket while the other pauses. */
static void
pauses(bool tls)
{
	struct side a, b;
	size_t before;

	side_pair(base, &a, &b);
	if (tls)
		start_tls(&a, &b);
	(void)evbuffer_add(leg_output(a.leg), big[0], BIG);
	leg_flush(a.leg);
	while (evbuffer_get_length(b.got) < BIG) {
		leg_pause(b.leg);
		before = evbuffer_get_length(b.got);
		for (int i = 0; i < 5; i++)
			(void)event_base_loop(base, EVLOOP_NONBLOCK);
		assert_int_equal(evbuffer_get_length(b.got), before);
		leg_resume(b.leg);
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	}
	side_got(&b, big[0], BIG);
	side_clear(&a);
	side_clear(&b);
}

static void
test_pause_keeps_all(void **state)
{
	(void)state;
	pauses(false);
	pauses(true);
}

/* The other end sends and goes at once: first the bytes, then the end. */
static void
test_close_comes_after_the_data(void **state)
{
	struct side a, b;

	(void)state;
	for (int tls = 0; tls < 2; tls++) {
		side_pair(base, &a, &b);
		if (tls)
			start_tls(&a, &b);
		(void)evbuffer_add(leg_output(a.leg), big[0], 1000);
		leg_flush(a.leg);
		leg_free(a.leg);
		a.leg = NULL;
		side_until(base, side_is_closed, &b);
		assert_int_equal(b.len_at_close, 1000);
		assert_string_equal(b.why, "closed by the peer");
		side_turn(base, 20);
		assert_int_equal(b.closed, 1);
		side_clear(&a);
		side_clear(&b);
	}
}

static void
test_reset_is_told_once(void **state)
{
	const struct linger hard = {1, 0};
	struct side s;
	int fds[2];

	(void)state;
	side_init(&s);
	side_tcp(fds);
	s.leg = leg_new(base, fds[0], &side_ops, &s);
	assert_int_equal(
	    setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)), 0);
	(void)close(fds[1]);
	side_until(base, side_is_closed, &s);
	assert_string_equal(s.why, "reset");
	(void)evbuffer_add(leg_output(s.leg), "x", 1);
	leg_flush(s.leg);
	leg_pause(s.leg);
	leg_resume(s.leg);
	side_turn(base, 20);
	assert_int_equal(s.closed, 1);
	side_clear(&s);
}

/* A peer that shuts one direction is gone; RDP knows no half connections. */
static void
test_half_close(void **state)
{
	struct side s;
	int fds[2];

	(void)state;
	side_init(&s);
	side_tcp(fds);
	s.leg = leg_new(base, fds[0], &side_ops, &s);
	assert_int_equal(send(fds[1], "last", 4, 0), 4);
	assert_int_equal(shutdown(fds[1], SHUT_WR), 0);
	side_until(base, side_is_closed, &s);
	assert_int_equal(s.len_at_close, 4);
	assert_int_equal(s.closed, 1);
	side_clear(&s);
	(void)close(fds[1]);
}

static void
test_write_to_a_closed_peer(void **state)
{
	struct side a, b;

	(void)state;
	side_pair(base, &a, &b);
	leg_pause(a.leg);
	leg_free(b.leg);
	b.leg = NULL;
	(void)evbuffer_add(leg_output(a.leg), big[0], BIG);
	leg_flush(a.leg);
	assert_int_equal(a.closed, 1);
	assert_string_equal(a.why, "reset");
	side_clear(&a);
	side_clear(&b);
}

static void
test_connect(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	struct sockaddr *generic = (struct sockaddr *)&addr;
	socklen_t len = sizeof(addr);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct side s;

	(void)state;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(listener, generic, len), 0);
	assert_int_equal(getsockname(listener, generic, &len), 0);
	side_init(&s);
	s.leg = leg_connect(base, generic, len, &side_ops, &s);
	assert_non_null(s.leg);
	side_until(base, side_is_closed, &s);
	assert_string_equal(s.why, "connection refused or unreachable");
	assert_int_equal(s.ready, 0);
	side_clear(&s);

	assert_int_equal(listen(listener, 1), 0);
	side_init(&s);
	s.leg = leg_connect(base, generic, len, &side_ops, &s);
	side_until(base, side_is_ready, &s);
	assert_int_equal(s.closed, 0);
	side_clear(&s);
	(void)close(listener);
}

static void
test_tls_garbage(void **state)
{
	struct side a, b;

	(void)state;
	side_pair(base, &a, &b);
	leg_start_tls(a.leg, SSL_new(server), LEG_TLS_ACCEPT);
	(void)evbuffer_add_printf(leg_output(b.leg), "GET / HTTP/1.1\r\n\r\n");
	leg_flush(b.leg);
	side_until(base, side_is_closed, &a);
	assert_int_equal(a.closed, 1);
	assert_int_equal(a.ready, 0);
	assert_non_null(a.why);
	side_clear(&a);
	side_clear(&b);
}

/* Application data records that were written. */
static void
count_records(int write_p, int version, int type, const void *data, size_t len,
              SSL *ssl, void *arg)
{
	const uint8_t *header = data;
	unsigned *records = arg;

	(void)version;
	(void)ssl;
	if (write_p && type == SSL3_RT_HEADER && len == 5 &&
	    header[0] == SSL3_RT_APPLICATION_DATA)
		(*records)++;
}

static void
test_records_are_full(void **state)
{
	unsigned records = 0;
	struct side a, b;

	(void)state;
	side_pair(base, &a, &b);
	start_tls(&a, &b);
	SSL_set_msg_callback(leg_ssl(a.leg), count_records);
	SSL_set_msg_callback_arg(leg_ssl(a.leg), &records);
	for (int i = 0; i < 1000; i++)
		(void)evbuffer_add_reference(leg_output(a.leg), big[0] + 16 * i,
		                             16, NULL, NULL);
	leg_flush(a.leg);
	assert_int_equal(evbuffer_get_length(leg_output(a.leg)), 0);
	assert_int_equal(records, 1);
	(void)evbuffer_add_reference(leg_output(a.leg), big[0] + 16000,
	                             4 * LEG_RECORD_MAX, NULL, NULL);
	leg_flush(a.leg);
	assert_int_equal(evbuffer_get_length(leg_output(a.leg)), 0);
	assert_int_equal(records, 5);
	side_until(base, side_is_ready, &b);
	while (evbuffer_get_length(b.got) < 16000 + 4 * LEG_RECORD_MAX)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
	side_got(&b, big[0], 16000 + 4 * LEG_RECORD_MAX);
	side_clear(&a);
	side_clear(&b);
}

/* Send, and let the leg read that alone. */
static void
trickle(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, 0), (ssize_t)len);
	for (int i = 0; i < 3; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

/*
 * A secret that comes in pieces, between other bytes, is in no memory that was
 * given back, however often the buffer grew.
 */
static void
test_secrets_are_wiped(void **state)
{
	const size_t len = sizeof(SECRET) - 1;
	static uint8_t sink[128 * 1024];
	uint8_t filler[3000];
	struct side s;
	int fds[2];

	(void)state;
	memset(filler, '.', sizeof(filler));
	leaks = 0;
	for (size_t cut = 1; cut < len; cut++) {
		uint8_t *secret;
		size_t all;

		side_init(&s);
		s.keep = true;
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		s.leg = leg_new(base, fds[0], &side_ops, &s);
		for (int i = 0; i < 12; i++) {
			trickle(fds[1], SECRET, cut);
			trickle(fds[1], &SECRET[cut], len - cut);
			trickle(fds[1], filler, sizeof(filler));
		}
		all = evbuffer_get_length(leg_input(s.leg));
		assert_int_equal(all, 12 * (len + sizeof(filler)));
		secret = leg_remove_secret(leg_input(s.leg), all);
		assert_memory_equal(secret, SECRET, len);
		assert_int_equal(evbuffer_get_length(leg_input(s.leg)), 0);
		assert_true(leg_take_secret(leg_output(s.leg), secret, all));
		leg_flush(s.leg);
		assert_int_equal(recv(fds[1], sink, sizeof(sink), 0),
		                 (ssize_t)all);
		assert_memory_equal(sink, SECRET, len);
		side_clear(&s);
		(void)close(fds[1]);
		assert_int_equal(leaks, 0);
	}
}

/* Dropped, or still unsent when the leg goes. */
static void
test_unsent_secrets_are_wiped(void **state)
{
	struct side a, b;
	uint8_t *secret;

	(void)state;
	leaks = 0;
	side_pair(base, &a, &b);
	secret = (uint8_t *)strdup(SECRET);
	assert_true(
	    leg_take_secret(leg_output(a.leg), secret, sizeof(SECRET) - 1));
	side_clear(&a);
	side_clear(&b);
	leg_drop_secret((uint8_t *)strdup(SECRET), sizeof(SECRET) - 1);
	leg_drop_secret(NULL, 0);
	assert_int_equal(leaks, 0);
	free_looking(strdup(SECRET));
	assert_true(leaks > 0); /* the test itself sees */
}

static int
open_all(void **state)
{
	struct authority ca;
	const char *why;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	event_set_mem_functions(malloc, realloc, free_looking);
	base = event_base_new();
	authority_open(&ca, "root");
	server = authority_server(&ca);
	authority_clear(&ca);
	client =
	    tls_client_context(TLS_VERIFY_NONE, NULL, TLS1_2_VERSION, &why);
	side_fill(big[0], BIG, 1);
	side_fill(big[1], BIG, 2);
	return base == NULL || client == NULL;
}

static int
close_all(void **state)
{
	(void)state;
	SSL_CTX_free(server);
	SSL_CTX_free(client);
	event_base_free(base);
	libevent_global_shutdown();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_big_both_ways_plain),
	    cmocka_unit_test(test_big_both_ways_tls),
	    cmocka_unit_test(test_pause_keeps_all),
	    cmocka_unit_test(test_close_comes_after_the_data),
	    cmocka_unit_test(test_reset_is_told_once),
	    cmocka_unit_test(test_half_close),
	    cmocka_unit_test(test_write_to_a_closed_peer),
	    cmocka_unit_test(test_connect),
	    cmocka_unit_test(test_tls_garbage),
	    cmocka_unit_test(test_records_are_full),
	    cmocka_unit_test(test_secrets_are_wiped),
	    cmocka_unit_test(test_unsent_secrets_are_wiped),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
