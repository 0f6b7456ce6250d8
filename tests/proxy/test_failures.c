/* Failed log-ons by address and name: counted, forgiven, and bounded. */
#include "failures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { START = 1000 };

static struct failures *f;

static bool
limited(const char *client, const char *user, int64_t now_s)
{
	return failures_limit(f, wire_view_text(client), wire_view_text(user),
	                      now_s);
}

static void
failed(const char *client, const char *user, unsigned times, int64_t now_s)
{
	for (unsigned i = 0; i < times; i++)
		failures_add(f, wire_view_text(client), wire_view_text(user),
		             now_s);
}

static void
test_pair(void **state)
{
	(void)state;
	assert_false(limited("192.0.2.1", "alice", START));
	failed("192.0.2.1", "alice", FAILURES_OF_PAIR - 1, START);
	assert_false(limited("192.0.2.1", "alice", START));
	failed("192.0.2.1", "alice", 1, START);
	assert_true(limited("192.0.2.1", "alice", START));

	/* nobody else is kept out by that, wherever they are */
	assert_false(limited("192.0.2.1", "bob", START));
	assert_false(limited("192.0.2.2", "alice", START));
}

static void
test_span(void **state)
{
	(void)state;
	failed("192.0.2.1", "alice", FAILURES_OF_PAIR, START);
	assert_true(limited("192.0.2.1", "alice", START + FAILURES_SPAN_S - 1));
	assert_false(limited("192.0.2.1", "alice", START + FAILURES_SPAN_S));

	/* and the count begins anew */
	failed("192.0.2.1", "alice", 1, START + FAILURES_SPAN_S);
	assert_false(limited("192.0.2.1", "alice", START + FAILURES_SPAN_S));
}

/* Guessing the names of users is limited as well. */
static void
test_client(void **state)
{
	char user[16];

	(void)state;
	for (unsigned i = 0; i < FAILURES_OF_CLIENT; i++) {
		(void)snprintf(user, sizeof(user), "user%u", i);
		assert_false(limited("192.0.2.1", user, START));
		failed("192.0.2.1", user, 1, START);
	}
	assert_true(limited("192.0.2.1", "alice", START));
	assert_false(limited("192.0.2.2", "alice", START));
	assert_false(limited("192.0.2.1", "alice", START + FAILURES_SPAN_S));
}

static void
test_forgiven(void **state)
{
	(void)state;
	failed("192.0.2.1", "alice", FAILURES_OF_PAIR, START);
	failures_forgive(f, wire_view_text("192.0.2.1"),
	                 wire_view_text("alice"));
	assert_false(limited("192.0.2.1", "alice", START));
	failed("192.0.2.1", "bob", FAILURES_OF_CLIENT - FAILURES_OF_PAIR,
	       START);
	assert_false(limited("192.0.2.1", "carol", START));
	failed("192.0.2.1", "bob", 1, START);
	assert_true(limited("192.0.2.1", "carol", START));
	failures_forgive(f, wire_view_text("192.0.2.9"), wire_view_text("x"));
}

/* Who has a network has all its addresses. */
static void
test_ipv6(void **state)
{
	(void)state;
	failed("2001:db8:0:1::1", "alice", FAILURES_OF_PAIR, START);
	assert_true(limited("2001:db8:0:1:ffff::2", "alice", START));
	assert_false(limited("2001:db8:0:2::1", "alice", START));
}

/* The bounds of address and user are not to be moved. */
static void
test_no_mix(void **state)
{
	(void)state;
	failed("a", "bc", FAILURES_OF_PAIR, START);
	assert_false(limited("ab", "c", START));
	assert_true(limited("a", "bc", START));
}

/* A full table forgets who has been quiet for the longest time. */
static void
test_full(void **state)
{
	char client[16];

	(void)state;
	failed("first", "alice", FAILURES_OF_PAIR, START);
	for (unsigned i = 1; i < FAILURES_REMEMBERED; i++) {
		(void)snprintf(client, sizeof(client), "client%u", i);
		failed(client, "alice", FAILURES_OF_PAIR, START + 1);
	}
	assert_true(limited("first", "alice", START + 2));
	assert_true(limited("client1", "alice", START + 2));
	failed("one more", "alice", FAILURES_OF_PAIR, START + 2);
	assert_false(limited("first", "alice", START + 2));
	assert_true(limited("client511", "alice", START + 2));
	assert_true(limited("one more", "alice", START + 2));
}

static int
make(void **state)
{
	(void)state;
	f = failures_new();
	return f == NULL;
}

static int
drop(void **state)
{
	(void)state;
	failures_free(f);
	return 0;
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make, drop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_pair),     CASE(test_span), CASE(test_client),
	    CASE(test_forgiven), CASE(test_ipv6), CASE(test_no_mix),
	    CASE(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
