/*
 * The keeper with its sessions: what is shown, what ends when, and that it may
 * be killed at any time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeperbed.h"

/* One card with a user certificate and a root, committed. */
static struct keep_ack
propagate(int session, uint32_t seq, enum keep_cleanup cleanup)
{
	keeperbed_begin(session, 1, 0xc1, cleanup);
	keeperbed_cert(session, KEEP_USER, 10);
	keeperbed_cert(session, KEEP_ANCHOR, 20);
	return keeperbed_commit(session, seq);
}

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

static struct keep_ack
synced(int session, uint32_t seq)
{
	struct keep_msg msg = {.type = KEEP_SYNCED, .seq = seq};

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
	struct keep_ack ack = propagate(session, 7, KEEP_CLEANUP_LOGOFF);

	assert_true(ack.ok);
	assert_int_equal(ack.added, 2);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 1, "certs"), 2);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 2);

	ack = propagate(session, 8, KEEP_CLEANUP_LOGOFF);
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
	assert_true(propagate(session, 7, KEEP_CLEANUP_LOGOFF).ok);
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
	struct keep_ack ack = propagate(session, 1, KEEP_CLEANUP_LOGOFF);

	assert_true(ack.ok);
	assert_int_equal(ack.refused, 2);
	assert_int_equal(ack.added, 0);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 0);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	keeperbed_user(session, "alice");
	ack = propagate(session, 2, KEEP_CLEANUP_LOGOFF);
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
	assert_true(propagate(bad, 1, KEEP_CLEANUP_LOGOFF).ok);
	assert_int_equal(send(bad, "\xff\xff\xff", 3, 0), 3);
	assert_true(keeperbed_is_closed(bad));
	assert_true(keeperbed_wait_files(bed, 2, "anchors", -1));
	assert_true(propagate(good, 1, KEEP_CLEANUP_LOGOFF).ok);
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
	assert_true(propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
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
	assert_true(propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
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
	assert_true(propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	assert_int_equal(kill(bed->pid, SIGINT), 0);
	assert_int_equal(kill(bed->pid, SIGHUP), 0);
	assert_int_equal(kill(bed->pid, SIGTERM), 0);
	assert_int_equal(keeperbed_wait(bed), KEEPER_EXIT_OK);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), -1);
	(void)close(session);
}

/*
 * Session 1 lives through the keeper's death, 2 dies meanwhile.  1 had two
 * roots; the card with one of them was pulled while nobody listened.
 */
static void
test_killed_keeper_loses_nothing_and_keeps_nothing_stale(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int one = keeperbed_attach(bed, 1, false);
	int two = keeperbed_attach(bed, 2, false);

	keeperbed_user(two, "bob");
	keeperbed_user(one, "alice");
	assert_true(propagate(one, 1, KEEP_CLEANUP_REMOVAL).ok);
	keeperbed_begin(one, 2, 0xc2, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(one, KEEP_ANCHOR, 21);
	assert_true(keeperbed_commit(one, 2).ok);
	keeperbed_begin(one, 3, 0xc3, KEEP_CLEANUP_LOGOFF);
	keeperbed_cert(one, KEEP_ANCHOR, 22);
	assert_true(keeperbed_commit(one, 3).ok);
	assert_true(propagate(two, 1, KEEP_CLEANUP_LOGOFF).ok);
	keeperbed_kill(bed);
	(void)close(one);
	(void)close(two);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 3);

	keeperbed_start(bed);
	one = keeperbed_attach(bed, 1, true);
	keeperbed_attached_all(bed);
	assert_true(keeperbed_wait_files(bed, 2, "anchors", -1));
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 3);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 2);

	keeperbed_user(one, "alice");
	struct keep_ack ack = propagate(one, 1, KEEP_CLEANUP_REMOVAL);

	assert_true(ack.ok);
	assert_int_equal(ack.unchanged, 2);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 3);
	ack = synced(one, 2);
	assert_true(ack.ok);
	assert_int_equal(ack.removed, 1);
	/* The root until log-off stays without its card. */
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 2);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 2);
	(void)close(one);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

/* The gate is gone, or wants an end, before the sessions are attached again. */
static void
test_end_before_anybody_came_back(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	assert_true(propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	keeperbed_kill(bed);
	(void)close(session);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	keeperbed_start(bed);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), -1);
}

/* Kill the keeper after so many microseconds, from a process of its own. */
static pid_t
kill_later(const struct keeperbed *bed, unsigned delay_us)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		(void)usleep(delay_us);
		(void)kill(bed->pid, SIGKILL);
		_exit(0);
	}
	return pid;
}

/* Has the keeper stored it, or is it gone? */
static bool
is_stored(int session)
{
	uint8_t buffer[4096];
	ssize_t len = recv(session, buffer, sizeof(buffer), 0);
	struct wire_in in = wire_in(buffer, len > 0 ? (size_t)len : 0);
	struct keep_msg msg;

	return len > 0 && keep_decode(&in, &msg) && msg.type == KEEP_ACK &&
	       msg.ack.ok;
}

/* Commit up to count certificates, one by one; how many were acknowledged. */
static int
commit_until_killed(int session, uint8_t first, uint8_t count)
{
	struct keep_msg msg = {.type = KEEP_COMMIT};
	uint8_t stored = 0;

	keeperbed_user(session, "alice");
	while (stored < count) {
		keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_LOGOFF);
		keeperbed_cert(session, KEEP_USER, (uint8_t)(first + stored));
		keeperbed_say(session, &msg);
		if (!is_stored(session))
			break;
		stored++;
	}
	return stored;
}

/* The keeper dies at any moment: what it acknowledged is there afterwards. */
static void
test_acknowledged_survives_kill(void **state)
{
	enum { ROUNDS = 12, COMMITS = 20 };
	struct keeperbed *bed = *state;
	int stored = 0;

	for (uint8_t round = 0; round < ROUNDS; round++) {
		keeperbed_start(bed);
		int session = keeperbed_attach(bed, 1, round > 0);

		keeperbed_user(session, "alice");
		assert_true(synced(session, 1).ok);
		pid_t killer = kill_later(bed, round * 2500u);

		stored += commit_until_killed(
		    session, (uint8_t)(round * COMMITS), COMMITS);
		assert_int_equal(waitpid(killer, NULL, 0), killer);
		keeperbed_kill(bed);
		(void)close(session);
	}
	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	assert_true(synced(session, 1).ok);
	assert_in_range(stored, 1, keeperbed_files(bed, 1, "personal"));
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
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
	assert_true(propagate(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 2);
	assert_int_equal(release(session, 2, 1, 0xc1, true).removed, 2);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), 0);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_second_keeper_is_refused(void **state)
{
	struct keeperbed *bed = *state;
	struct keeperbed other = *bed;

	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	assert_true(propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	keeperbed_start(&other);
	assert_int_equal(keeperbed_wait(&other), KEEPER_EXIT_REFUSED);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_foreign_file_is_refused_and_unchanged(void **state)
{
	static const char text[] = "this is somebody's letter, not a store. "
				   "It is longer than the header of a "
				   "database would be, a hundred bytes.";
	struct keeperbed *bed = *state;
	char after[sizeof(text) + 1];
	FILE *file = fopen(bed->database, "wx");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	keeperbed_start(bed);
	assert_int_equal(keeperbed_wait(bed), KEEPER_EXIT_REFUSED);

	file = fopen(bed->database, "r");
	assert_non_null(file);
	assert_int_equal(fread(after, 1, sizeof(after), file),
	                 sizeof(text) - 1);
	assert_memory_equal(after, text, sizeof(text) - 1);
	assert_int_equal(fclose(file), 0);
}

/* Fill what is left of the file system, and give it back. */
static void
fill(const struct keeperbed *bed, bool full)
{
	static const char zeros[4096];
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/ballast", bed->dir);
	if (!full) {
		assert_int_equal(unlink(path), 0);
		return;
	}
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		continue;
	(void)close(fd);
}

/* Forty roots; the store and the view cannot take them all. */
static struct keep_ack
propagate_much(int session, uint32_t seq, char *reason, size_t size)
{
	struct keep_msg msg = {.type = KEEP_COMMIT, .seq = seq};

	keeperbed_begin(session, 2, 0xc2, KEEP_CLEANUP_LOGOFF);
	for (uint8_t i = 0; i < 40; i++)
		keeperbed_cert(session, KEEP_ANCHOR, (uint8_t)(100 + i));
	keeperbed_say(session, &msg);
	return keeperbed_answer(session, seq, reason, size);
}

static void
test_full_disk_is_an_answer_and_no_end(void **state)
{
	struct keeperbed *bed = *state;
	char reason[200];

	if (unshare(CLONE_NEWNS) != 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", bed->dir, "tmpfs", 0, "size=2m") != 0)
		skip();
	keeperbed_start(bed);
	int session = keeperbed_attach(bed, 1, false);

	keeperbed_user(session, "alice");
	assert_true(propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	fill(bed, true);
	struct keep_ack ack =
	    propagate_much(session, 2, reason, sizeof(reason));

	assert_false(ack.ok);
	assert_string_not_equal(reason, "");
	/* No half state: what was there, and nothing of the new. */
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);

	/* Ends cannot be written either, but the trust goes at once. */
	for (uint8_t i = 2; i < 40; i++) {
		fill(bed, true);
		(void)close(keeperbed_attach(bed, i, false));
		assert_true(keeperbed_wait_files(bed, i, "anchors", -1));
	}
	fill(bed, false);
	ack = propagate_much(session, 3, reason, sizeof(reason));
	assert_true(ack.ok);
	assert_int_equal(ack.added, 40);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 41);
	/* What could not be written is tried again each second, once. */
	(void)usleep(2500000);
	assert_true(synced(session, 4).ok);
	(void)close(session);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	(void)umount2(bed->dir, MNT_DETACH);
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
	    TEST(test_killed_keeper_loses_nothing_and_keeps_nothing_stale),
	    TEST(test_end_before_anybody_came_back),
	    TEST(test_acknowledged_survives_kill),
	    TEST(test_release_of_the_user_certificates),
	    TEST(test_second_keeper_is_refused),
	    TEST(test_foreign_file_is_refused_and_unchanged),
	    TEST(test_full_disk_is_an_answer_and_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
