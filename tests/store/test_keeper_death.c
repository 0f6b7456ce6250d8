/*
 * The keeper that is killed, ends too early, finds what is not its own or has
 * no room: what it acknowledged is there, and nothing stale is trusted.
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
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeperbed.h"

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
	assert_true(keeperbed_propagate(one, 1, KEEP_CLEANUP_REMOVAL).ok);
	keeperbed_begin(one, 2, 0xc2, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(one, KEEP_ANCHOR, 21);
	assert_true(keeperbed_commit(one, 2).ok);
	keeperbed_begin(one, 3, 0xc3, KEEP_CLEANUP_LOGOFF);
	keeperbed_cert(one, KEEP_ANCHOR, 22);
	assert_true(keeperbed_commit(one, 3).ok);
	assert_true(keeperbed_propagate(two, 1, KEEP_CLEANUP_LOGOFF).ok);
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
	struct keep_ack ack = keeperbed_propagate(one, 1, KEEP_CLEANUP_REMOVAL);

	assert_true(ack.ok);
	assert_int_equal(ack.unchanged, 2);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 3);
	ack = keeperbed_synced(one, 2);
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
	assert_true(keeperbed_propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
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
		assert_true(keeperbed_synced(session, 1).ok);
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
	assert_true(keeperbed_synced(session, 1).ok);
	assert_in_range(stored, 1, keeperbed_files(bed, 1, "personal"));
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
	assert_true(keeperbed_propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
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
	assert_true(keeperbed_propagate(session, 1, KEEP_CLEANUP_LOGOFF).ok);
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
	assert_true(keeperbed_synced(session, 4).ok);
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
	    TEST(test_killed_keeper_loses_nothing_and_keeps_nothing_stale),
	    TEST(test_end_before_anybody_came_back),
	    TEST(test_acknowledged_survives_kill),
	    TEST(test_second_keeper_is_refused),
	    TEST(test_foreign_file_is_refused_and_unchanged),
	    TEST(test_full_disk_is_an_answer_and_no_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
