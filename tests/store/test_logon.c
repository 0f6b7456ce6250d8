/*
 * Log-ons that outlive their connections: who resumes whom, what the host's
 * word does, and the scope of the host.  test_accept_store.c has what ends with
 * what.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logonbed.h"

static void
test_who_resumes_whom(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	logonbed_end(logonbed_log_on(bed, 1, "alice", "rdp:1"),
	             KEEP_END_DISCONNECT, 0, 0);
	logonbed_end(logonbed_log_on(bed, 2, "alice", "rdp:2"),
	             KEEP_END_DISCONNECT, 0, 0);
	/* Another user, another name, no name and two to choose from. */
	int others[] = {logonbed_log_on(bed, 3, "bob", "rdp:1"),
	                logonbed_log_on(bed, 4, "alice", "rdp:3"),
	                logonbed_log_on(bed, 5, "alice", "")};

	for (uint8_t i = 0; i < 3; i++) {
		logonbed_sync_all(others[i], 1);
		assert_int_equal(
		    keeperbed_files(bed, (uint8_t)(3 + i), "anchors"), 0);
	}
	int right = logonbed_log_on(bed, 6, "alice", "rdp:2");

	logonbed_sync_all(right, 1);
	assert_int_equal(keeperbed_files(bed, 6, "anchors"), -1);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), 0);
	keeperbed_kill(bed);
}

/* What the host ended is not begun again by a session that repeats itself. */
static void
test_host_logoff_is_final(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = logonbed_log_on(bed, 1, "alice", "rdp:7");

	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	logonbed_host_logs_off(bed, "rdp:7");
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	logonbed_user_named(session, "alice", "rdp:7");
	assert_false(logonbed_insert(session, 2, KEEP_CLEANUP_LOGOFF).ok);
	logonbed_user_named(session, "alice", "rdp:8");
	assert_true(logonbed_insert(session, 3, KEEP_CLEANUP_LOGOFF).ok);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
host_cert(int session, uint8_t number)
{
	struct keep_msg msg = {.type = KEEP_CERT};
	uint8_t der[300];

	memset(der, number, sizeof(der));
	msg.cert.kind = KEEP_ANCHOR;
	msg.cert.host = true;
	msg.cert.der = (struct wire_view){der, sizeof(der)};
	msg.cert.key_alg = wire_view_text("RSA");
	keeperbed_say(session, &msg);
}

static void
test_host_scope_is_a_claim_more(void **state)
{
	struct keeperbed *bed = *state;
	char path[256];

	keeperbed_start(bed);
	int session = logonbed_log_on(bed, 1, "alice", "");

	(void)snprintf(path, sizeof(path), "ls %s/host/certs/* >/dev/null 2>&1",
	               bed->run_dir);
	keeperbed_begin(session, 1, LOGONBED_CARD, KEEP_CLEANUP_REMOVAL);
	host_cert(session, LOGONBED_ROOT);
	assert_true(keeperbed_commit(session, 1).ok);
	assert_int_equal(system(path), 0);
	/* Not allowed any more: the host's claim goes, the log-on's stays. */
	keeperbed_begin(session, 1, LOGONBED_CARD, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_ANCHOR, LOGONBED_ROOT);
	assert_true(keeperbed_commit(session, 2).ok);
	assert_int_not_equal(system(path), 0);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	keeperbed_begin(session, 1, LOGONBED_CARD, KEEP_CLEANUP_REMOVAL);
	host_cert(session, LOGONBED_ROOT);
	assert_true(keeperbed_commit(session, 3).ok);
	logonbed_withdraw(session, 4, KEEP_CLEANUP_REMOVAL);
	assert_int_not_equal(system(path), 0);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_host_names_own_nothing(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = logonbed_log_on(bed, 1, "host", "");

	assert_int_equal(
	    logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF).refused, 1);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, logonbed_new, keeperbed_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_who_resumes_whom),
	    CASE(test_host_logoff_is_final),
	    CASE(test_host_scope_is_a_claim_more),
	    CASE(test_host_names_own_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
