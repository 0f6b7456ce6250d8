/*
 * A user who comes to his session from another client before the first one is
 * gone: his log-on moves to the new connection, and the old one has no part in
 * it any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "logonbed.h"

enum { OLD = 1, NEW = 2 };

static int
tear_down(void **state)
{
	struct keeperbed *bed = *state;

	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM session"
	                                   " WHERE ended_at IS NULL"),
	                 0);
	keeperbed_clear(bed);
	return 0;
}

static int
roots(const struct keeperbed *bed, uint8_t number)
{
	return keeperbed_files(bed, number, "anchors");
}

/* The first connection, with the card's root under that option. */
static int
begin(struct keeperbed *bed, enum keep_cleanup cleanup)
{
	int session = logonbed_log_on(bed, OLD, "alice", "rdp:1");

	assert_true(logonbed_insert(session, 1, cleanup).ok);
	assert_int_equal(roots(bed, OLD), 1);
	return session;
}

/* Another one comes; it has no card. */
static int
take_over(struct keeperbed *bed)
{
	int session = logonbed_log_on(bed, NEW, "alice", "rdp:1");

	logonbed_sync_all(session, 1);
	assert_int_equal(roots(bed, NEW), -1);
	return session;
}

/* How the old one goes, after the new one has come. */
static void
is_disconnected(int session)
{
	logonbed_end(session, KEEP_END_DISCONNECT, 0, 1);
}

static void
is_logged_off(int session)
{
	logonbed_end(session, KEEP_END_LOGOFF, 0, 0);
}

static void
is_killed(int session)
{
	(void)close(session);
}

static void
withdraws_and_goes(int session)
{
	logonbed_withdraw(session, 2, KEEP_CLEANUP_REMOVAL);
	(void)close(session);
}

static void
test_old_connection_touches_nothing(void **state)
{
	static void (*const ways[])(int) = {is_disconnected, is_logged_off,
	                                    is_killed, withdraws_and_goes};
	struct keeperbed *bed = *state;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int old = begin(bed, KEEP_CLEANUP_LOGOFF);
		int new = take_over(bed);

		ways[i](old);
		logonbed_sync_all(new, 2);
		/* What a timer would end, it would end within this. */
		(void)usleep(1200 * 1000 * (i == 0));
		logonbed_sync_all(new, 3);
		assert_int_equal(roots(bed, OLD), 1);
		logonbed_end(new, KEEP_END_LOGOFF, 0, 0);
		assert_true(keeperbed_wait_files(bed, OLD, "anchors", -1));
	}
}

static void
test_old_end_comes_first(void **state)
{
	struct keeperbed *bed = *state;

	is_disconnected(begin(bed, KEEP_CLEANUP_LOGOFF));
	int new = take_over(bed);

	assert_int_equal(roots(bed, OLD), 1);
	logonbed_end(new, KEEP_END_LOGOFF, 0, 0);
	assert_true(keeperbed_wait_files(bed, OLD, "anchors", -1));
}

/* The new one can be disconnected in its turn. */
static void
test_goes_on_detached(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_LOGOFF);

	is_disconnected(take_over(bed));
	is_killed(old);
	int third = logonbed_log_on(bed, 3, "alice", "rdp:1");

	logonbed_sync_all(third, 1);
	assert_int_equal(roots(bed, 3), -1);
	assert_int_equal(roots(bed, OLD), 1);
	logonbed_host_logs_off(bed, "rdp:1");
	assert_true(keeperbed_wait_files(bed, OLD, "anchors", -1));
	(void)close(third);
}

/* With the option "removal" a root goes that the new one does not have. */
static void
test_card_that_is_not_there(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_REMOVAL);
	int new = logonbed_log_on(bed, NEW, "alice", "rdp:1");

	assert_int_equal(roots(bed, OLD), 1);
	logonbed_sync_all(new, 1);
	assert_int_equal(roots(bed, OLD), 0);
	(void)close(old);
	(void)close(new);
}

static void
test_card_that_is_there(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_REMOVAL);
	int new = logonbed_log_on(bed, NEW, "alice", "rdp:1");

	assert_true(logonbed_insert(new, 1, KEEP_CLEANUP_REMOVAL).ok);
	logonbed_sync_all(new, 2);
	withdraws_and_goes(old);
	logonbed_sync_all(new, 3);
	assert_int_equal(roots(bed, OLD), 1);
	(void)close(new);
}

/* Who was taken over and has not heard of it yet goes on talking. */
static void
test_old_one_says_it_again(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_LOGOFF);
	int new = take_over(bed);

	logonbed_user_named(old, "alice", "rdp:1");
	assert_false(logonbed_insert(old, 2, KEEP_CLEANUP_LOGOFF).ok);
	is_killed(old);
	logonbed_sync_all(new, 2);
	assert_int_equal(roots(bed, OLD), 1);
	/* But another log-on of that connection is one. */
	old = logonbed_log_on(bed, 4, "alice", "rdp:1");
	logonbed_sync_all(old, 1);
	logonbed_user_named(new, "alice", "rdp:1");
	logonbed_user_named(new, "bob", "rdp:2");
	assert_true(logonbed_insert(new, 3, KEEP_CLEANUP_LOGOFF).ok);
	assert_int_equal(roots(bed, OLD), 1);
	(void)close(old);
	(void)close(new);
}

static void
restart(struct keeperbed *bed)
{
	keeperbed_kill(bed);
	keeperbed_start(bed);
}

/* Both come back, and say who they are in either order. */
static void
test_keeper_restarted_afterwards(void **state)
{
	struct keeperbed *bed = *state;

	for (int order = 0; order < 2; order++) {
		int old = begin(bed, KEEP_CLEANUP_LOGOFF);
		int new = take_over(bed);

		restart(bed);
		(void)close(old);
		(void)close(new);
		old = keeperbed_attach(bed, OLD, true);
		new = keeperbed_attach(bed, NEW, true);
		logonbed_user_named(order == 0 ? old : new, "alice", "rdp:1");
		logonbed_sync_all(order == 0 ? old : new, 1);
		logonbed_user_named(order == 0 ? new : old, "alice", "rdp:1");
		keeperbed_attached_all(bed);
		logonbed_sync_all(order == 0 ? new : old, 1);
		assert_false(logonbed_insert(old, 2, KEEP_CLEANUP_LOGOFF).ok);
		is_killed(old);
		logonbed_sync_all(new, 2);
		assert_int_equal(roots(bed, OLD), 1);
		logonbed_end(new, KEEP_END_LOGOFF, 0, 0);
		assert_true(keeperbed_wait_files(bed, OLD, "anchors", -1));
	}
}

/* The new one is there, but it is known only to the next keeper for whom. */
static void
test_keeper_restarted_before(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_LOGOFF);
	int new = keeperbed_attach(bed, NEW, false);

	logonbed_user_named(new, "", "");
	logonbed_sync_all(new, 1);
	restart(bed);
	(void)close(old);
	(void)close(new);
	old = keeperbed_attach(bed, OLD, true);
	new = keeperbed_attach(bed, NEW, true);
	logonbed_user_named(new, "alice", "rdp:1");
	logonbed_sync_all(new, 1);
	logonbed_user_named(old, "alice", "rdp:1");
	logonbed_sync_all(old, 1);
	keeperbed_attached_all(bed);
	is_killed(old);
	logonbed_sync_all(new, 2);
	assert_int_equal(roots(bed, OLD), 1);
	assert_int_equal(roots(bed, NEW), -1);
	(void)close(new);
}

/* The old one did not live to see the next keeper. */
static void
test_old_one_gone_with_keeper(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_LOGOFF);
	int new = keeperbed_attach(bed, NEW, false);

	logonbed_sync_all(new, 1);
	restart(bed);
	(void)close(old);
	(void)close(new);
	new = keeperbed_attach(bed, NEW, true);
	logonbed_user_named(new, "alice", "rdp:1");
	logonbed_sync_all(new, 1);
	keeperbed_attached_all(bed);
	logonbed_sync_all(new, 2);
	assert_int_equal(roots(bed, OLD), 1);
	(void)close(new);
}

static void
test_who_takes_nothing_over(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_LOGOFF);
	int others[] = {logonbed_log_on(bed, 3, "bob", "rdp:1"),
	                logonbed_log_on(bed, 4, "alice", "rdp:2"),
	                logonbed_log_on(bed, 5, "alice", "")};

	for (uint8_t i = 0; i < 3; i++) {
		logonbed_sync_all(others[i], 1);
		assert_int_equal(roots(bed, (uint8_t)(3 + i)), 0);
	}
	is_killed(old);
	assert_true(keeperbed_wait_files(bed, OLD, "anchors", -1));
	for (uint8_t i = 0; i < 3; i++)
		(void)close(others[i]);
}

/* A password named the user, the server its session later. */
static void
test_named_later(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_REMOVAL);
	int new = logonbed_log_on(bed, NEW, "alice", "");

	/* The same root from reader 1 of the other client, and another one. */
	keeperbed_begin(new, 1, LOGONBED_CARD, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(new, KEEP_ANCHOR, LOGONBED_ROOT);
	keeperbed_cert(new, KEEP_ANCHOR, LOGONBED_ROOT + 1);
	assert_true(keeperbed_commit(new, 1).ok);
	logonbed_sync_all(new, 2);
	assert_int_equal(roots(bed, NEW), 2);
	logonbed_user_named(new, "alice", "rdp:1");
	logonbed_sync_all(new, 3);
	assert_int_equal(roots(bed, NEW), -1);
	assert_int_equal(roots(bed, OLD), 2);
	withdraws_and_goes(old);
	logonbed_sync_all(new, 4);
	assert_int_equal(roots(bed, OLD), 2);
	logonbed_withdraw(new, 5, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(roots(bed, OLD), 0);
	(void)close(new);
}

/* What the policy says to the new one was said before they were one. */
static void
test_named_later_roots_off(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_LOGOFF);
	int new = logonbed_log_on(bed, NEW, "alice", "");
	struct keep_msg msg = {.type = KEEP_RULES};

	msg.rules.policy = wire_view_text("other");
	msg.rules.redirect = true;
	msg.rules.cleanup = KEEP_CLEANUP_LOGOFF;
	keeperbed_say(new, &msg);
	logonbed_sync_all(new, 1);
	assert_int_equal(roots(bed, OLD), 1);
	logonbed_user_named(new, "alice", "rdp:1");
	assert_true(keeperbed_wait_files(bed, OLD, "anchors", 0));
	(void)close(old);
	(void)close(new);
}

/* All was asserted before: what only the old one had need not be awaited. */
static void
test_named_later_without_card(void **state)
{
	struct keeperbed *bed = *state;
	int old = begin(bed, KEEP_CLEANUP_REMOVAL);
	int new = logonbed_log_on(bed, NEW, "alice", "");

	logonbed_sync_all(new, 1);
	logonbed_user_named(new, "alice", "rdp:1");
	assert_true(keeperbed_wait_files(bed, OLD, "anchors", 0));
	(void)close(old);
	(void)close(new);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, logonbed_run, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_old_connection_touches_nothing),
	    CASE(test_old_end_comes_first),
	    CASE(test_goes_on_detached),
	    CASE(test_card_that_is_not_there),
	    CASE(test_card_that_is_there),
	    CASE(test_old_one_says_it_again),
	    CASE(test_keeper_restarted_afterwards),
	    CASE(test_keeper_restarted_before),
	    CASE(test_old_one_gone_with_keeper),
	    CASE(test_who_takes_nothing_over),
	    CASE(test_named_later),
	    CASE(test_named_later_roots_off),
	    CASE(test_named_later_without_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
