/*
 * A connection resumes a log-on and never says that it has seen all: after a
 * while what ends with its card ends, unless it was found again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <unistd.h>

#include "logonbed.h"

enum { OLD = 1, NEW = 2, OTHER_CARD = 0xc2, OTHER_ROOT = 21 };
enum { NEVER_S = 3600 };

/* The time to settle is the test's. */
static void
start(struct keeperbed *bed, unsigned settle_s)
{
	bed->config.settle_s = settle_s;
	keeperbed_start(bed);
}

static int
roots(const struct keeperbed *bed)
{
	return keeperbed_files(bed, OLD, "anchors");
}

static void
insert_other(int session, uint32_t seq, enum keep_cleanup cleanup)
{
	keeperbed_begin(session, 2, OTHER_CARD, cleanup);
	keeperbed_cert(session, KEEP_ANCHOR, OTHER_ROOT);
	assert_true(keeperbed_commit(session, seq).ok);
}

/* Two cards, and a client that goes for a while: another takes its place. */
static int
resume(struct keeperbed *bed, enum keep_cleanup cleanup,
       enum keep_cleanup other)
{
	int session = logonbed_log_on(bed, OLD, "alice", "rdp:1");

	assert_true(logonbed_insert(session, 1, cleanup).ok);
	insert_other(session, 2, other);
	assert_int_equal(roots(bed), 2);
	logonbed_end(session, KEEP_END_DISCONNECT, NEVER_S, 0);
	return logonbed_log_on(bed, NEW, "alice", "rdp:1");
}

/* One of them is found again. */
static void
test_what_is_missing_goes(void **state)
{
	struct keeperbed *bed = *state;

	start(bed, 1);
	int session = resume(bed, KEEP_CLEANUP_REMOVAL, KEEP_CLEANUP_REMOVAL);

	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	assert_true(keeperbed_wait_files(bed, OLD, "anchors", 1));
	/* It is the other that is gone. */
	logonbed_withdraw(session, 2, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(roots(bed), 0);
	(void)close(session);
}

/* What stays until log-off waits for no card. */
static void
test_what_stays_until_log_off_stays(void **state)
{
	struct keeperbed *bed = *state;

	start(bed, 1);
	int session = resume(bed, KEEP_CLEANUP_REMOVAL, KEEP_CLEANUP_LOGOFF);

	assert_true(keeperbed_wait_files(bed, OLD, "anchors", 1));
	insert_other(session, 1, KEEP_CLEANUP_LOGOFF);
	assert_int_equal(roots(bed), 1);
	(void)close(session);
}

static void
test_nothing_goes_before(void **state)
{
	struct keeperbed *bed = *state;

	start(bed, NEVER_S);
	int session = resume(bed, KEEP_CLEANUP_REMOVAL, KEEP_CLEANUP_REMOVAL);

	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	/* A timer that was over at once has been heard by the second answer. */
	assert_true(logonbed_insert(session, 2, KEEP_CLEANUP_REMOVAL).ok);
	assert_int_equal(roots(bed), 2);
	/* SYNCED does not wait for the time to be over. */
	logonbed_sync_all(session, 3);
	assert_int_equal(roots(bed), 1);
	(void)close(session);
}

/* A connection that is gone again is not waited for: the grace runs anew. */
static void
test_nothing_goes_after_another_disconnect(void **state)
{
	struct keeperbed *bed = *state;

	start(bed, 2);
	int session = resume(bed, KEEP_CLEANUP_REMOVAL, KEEP_CLEANUP_REMOVAL);

	logonbed_end(session, KEEP_END_DISCONNECT, NEVER_S, 0);
	/* Another log-on whose time is over later says when. */
	int witness = logonbed_log_on(bed, 3, "bob", "rdp:2");

	assert_true(logonbed_insert(witness, 1, KEEP_CLEANUP_REMOVAL).ok);
	logonbed_end(witness, KEEP_END_DISCONNECT, NEVER_S, 0);
	witness = logonbed_log_on(bed, 4, "bob", "rdp:2");
	assert_true(keeperbed_wait_files(bed, 3, "anchors", 0));
	assert_int_equal(roots(bed), 2);
	(void)close(witness);
}

int
main(void)
{
#define SETTLE(test)                                                           \
	cmocka_unit_test_setup_teardown(test, logonbed_new, logonbed_stop)
	static const struct CMUnitTest tests[] = {
	    SETTLE(test_what_is_missing_goes),
	    SETTLE(test_what_stays_until_log_off_stays),
	    SETTLE(test_nothing_goes_before),
	    SETTLE(test_nothing_goes_after_another_disconnect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
