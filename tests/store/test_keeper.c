/*
 * The keeper with its sessions: what is shown, what ends when, and what is
 * refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeperbed.h"

static struct keep_ack
release(int session, uint32_t seq, uint32_t reader, uint8_t card, bool user)
{
	struct keep_msg msg = {.type = KEEP_RELEASE, .seq = seq};

	msg.release.reader = reader;
	memset(msg.release.card_id, card, sizeof(msg.release.card_id));
	msg.release.roots = true;
	msg.release.user = user;
	keeperbed_say(session, &msg);
	return keeperbed_answer(session, seq, NULL, 0);
}

static void
test_commit_shows_and_end_removes(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	keeperbed_attached_all(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice@example");
	struct keep_ack ack =
	    keeperbed_propagate(session, 7, KEEP_CLEANUP_LOGOFF);

	assert_true(ack.ok);
	assert_int_equal(ack.added, 2);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 1, "certs"), 2);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 2);

	ack = keeperbed_propagate(session, 8, KEEP_CLEANUP_LOGOFF);
	assert_true(ack.ok);
	assert_int_equal(ack.added, 0);
	assert_int_equal(ack.unchanged, 2);

	(void)close(session);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

/* Somebody took a root away behind the keeper's back: it comes back by itself.
 */
static void
test_view_is_mended_without_an_event(void **state)
{
	struct keeperbed *bed = *state;
	char command[256];

	bed->config.repair_s = 1;
	keeperbed_start(bed);
	keeperbed_attached_all(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	assert_true(keeperbed_propagate(session, 7, KEEP_CLEANUP_LOGOFF).ok);
	(void)snprintf(command, sizeof(command), "rm %s/session/*/anchors/*",
	               bed->run_dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", 1));
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

/* Nor is anything trusted for nobody. */
static void
test_certificates_need_a_user(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);
	struct keep_ack ack =
	    keeperbed_propagate(session, 1, KEEP_CLEANUP_LOGOFF);

	assert_true(ack.ok);
	assert_int_equal(ack.refused, 2);
	assert_int_equal(ack.added, 0);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 0);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	keeperbed_user(session, "alice");
	ack = keeperbed_propagate(session, 2, KEEP_CLEANUP_LOGOFF);
	assert_int_equal(ack.added, 2);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_commit_replaces_what_the_card_held(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_ANCHOR, 20);
	keeperbed_cert(session, KEEP_ANCHOR, 21);
	keeperbed_cert(session, KEEP_INTERMEDIATE, 22);
	assert_int_equal(keeperbed_commit(session, 1).added, 3);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 2);
	assert_int_equal(keeperbed_files(bed, 1, "intermediates"), 1);

	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_ANCHOR, 21);
	struct keep_ack ack = keeperbed_commit(session, 2);

	assert_int_equal(ack.removed, 2);
	assert_int_equal(ack.unchanged, 1);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 1, "intermediates"), 0);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_preexisting_root_is_in_no_view(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_PREEXISTING, 20);
	keeperbed_cert(session, KEEP_ANCHOR, 21);
	assert_true(keeperbed_commit(session, 1).ok);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 1, "intermediates"), 0);
	assert_true(release(session, 2, 1, 0xc1, false).ok);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_release_ends_one_claim_of_two(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	for (uint32_t reader = 1; reader <= 2; reader++) {
		keeperbed_begin(session, reader, 0xc1, KEEP_CLEANUP_REMOVAL);
		keeperbed_cert(session, KEEP_ANCHOR, 20);
		assert_true(keeperbed_commit(session, reader).ok);
	}
	assert_int_equal(release(session, 3, 1, 0xc1, false).removed, 0);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_int_equal(release(session, 4, 2, 0xc1, false).removed, 1);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_bad_message_ends_one_session_only(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int good = keeperbed_attach(bed, 1, false);
	int bad = keeperbed_attach(bed, 2, false);

	keeperbed_user(good, "alice");
	keeperbed_user(bad, "alice");
	assert_true(keeperbed_propagate(bad, 1, KEEP_CLEANUP_LOGOFF).ok);
	assert_int_equal(send(bad, "\xff\xff\xff", 3, 0), 3);
	assert_true(keeperbed_is_closed(bad));
	assert_true(keeperbed_wait_files(bed, 2, "anchors", -1));
	assert_true(keeperbed_propagate(good, 1, KEEP_CLEANUP_LOGOFF).ok);
	(void)close(bad);
	(void)close(good);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_commit_without_begin_is_rejected(void **state)
{
	struct keeperbed *bed = *state;
	struct keep_msg msg = {.type = KEEP_COMMIT, .seq = 1};

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_say(session, &msg);
	assert_true(keeperbed_is_closed(session));
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_too_large_batch_is_refused_whole(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
	for (int i = 0; i < KEEP_ROOTS_MAX; i++)
		keeperbed_cert(session, KEEP_ANCHOR, (uint8_t)i);
	assert_true(keeperbed_commit(session, 1).ok);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), KEEP_ROOTS_MAX);

	keeperbed_begin(session, 2, 0xc2, KEEP_CLEANUP_LOGOFF);
	for (int i = 0; i < KEEP_ROOTS_MAX + 1; i++)
		keeperbed_cert(session, KEEP_ANCHOR, (uint8_t)(100 + i));
	assert_false(keeperbed_commit(session, 2).ok);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), KEEP_ROOTS_MAX);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_end_with_a_reason(void **state)
{
	struct keeperbed *bed = *state;
	struct keep_msg msg = {.type = KEEP_END};

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	assert_true(keeperbed_propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	msg.over.reason = wire_view_text("log-off");
	keeperbed_say(session, &msg);
	assert_true(keeperbed_is_closed(session));
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_gate_gone_ends_all(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	assert_true(keeperbed_propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), -1);
	(void)close(session);
}

static void
test_sigterm_ends_all(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	assert_true(keeperbed_propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	assert_int_equal(kill(bed->pid, SIGINT), 0);
	assert_int_equal(kill(bed->pid, SIGHUP), 0);
	assert_int_equal(kill(bed->pid, SIGTERM), 0);
	assert_int_equal(keeperbed_wait(bed), KEEPER_EXIT_OK);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), -1);
	(void)close(session);
}

static void
test_release_of_the_user_certificates(void **state)
{
	struct keeperbed *bed = *state;
	struct keep_msg msg = {.type = KEEP_READER};

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	msg.reader.reader = 1;
	msg.reader.name = wire_view_text("Virtual Reader 00");
	keeperbed_say(session, &msg);
	keeperbed_user_cleanup(KEEP_CLEANUP_REMOVAL);
	assert_true(keeperbed_propagate(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 2);
	assert_int_equal(release(session, 2, 1, 0xc1, true).removed, 2);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 0);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, keeperbed_new, keeperbed_free)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_commit_shows_and_end_removes),
	    TEST(test_view_is_mended_without_an_event),
	    TEST(test_certificates_need_a_user),
	    TEST(test_commit_replaces_what_the_card_held),
	    TEST(test_preexisting_root_is_in_no_view),
	    TEST(test_release_ends_one_claim_of_two),
	    TEST(test_bad_message_ends_one_session_only),
	    TEST(test_commit_without_begin_is_rejected),
	    TEST(test_too_large_batch_is_refused_whole),
	    TEST(test_end_with_a_reason),
	    TEST(test_gate_gone_ends_all),
	    TEST(test_sigterm_ends_all),
	    TEST(test_release_of_the_user_certificates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
