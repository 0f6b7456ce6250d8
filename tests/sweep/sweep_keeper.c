/*
 * The keeper is killed at each system call of a life, its start and its end
 * included.  Under the same gate the sessions that live tell the next one what
 * they have; under another gate nothing is left but the users' certificates.
 * And the keeper that starts after a kill is killed at each of its calls, too.
 *
 *	sweep_keeper [FIRST [STRIDE]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeperlife.h"
#include "killer.h"

static unsigned long first = 1;
static unsigned long stride = 1;
static unsigned long lives;
static unsigned slowest_ms;

/* The keeper waits for its killer; who kills it reports. */
struct doom {
	int go[2];
	int report[2];
	pid_t killer;
};

/* A traced process cannot look for leaks. */
static void
leave_at_once(void)
{
	_exit(KEEPER_EXIT_OK);
}

static void
await_killer(void *arg)
{
	struct doom *doom = arg;
	char byte;

	(void)close(doom->go[1]);
	(void)close(doom->report[0]);
	(void)close(doom->report[1]);
	(void)!read(doom->go[0], &byte, 1);
	(void)close(doom->go[0]);
	(void)atexit(leave_at_once);
}

static void
say_go(void *arg)
{
	const struct doom *doom = arg;

	(void)close(doom->go[1]);
}

/* Start a keeper that is killed at that call. */
static void
start_doomed(struct keeperbed *bed, struct doom *doom, unsigned long at)
{
	assert_int_equal(pipe(doom->go), 0);
	assert_int_equal(pipe(doom->report), 0);
	bed->prepare = await_killer;
	bed->prepare_arg = doom;
	keeperbed_start(bed);
	bed->prepare = NULL;
	doom->killer = fork();
	assert_true(doom->killer >= 0);
	if (doom->killer == 0) {
		(void)close(bed->gate);
		(void)close(doom->go[0]);
		struct killer_report report =
		    killer_run(bed->pid, KILLER_SELF, at, say_go, doom);

		(void)!write(doom->report[1], &report, sizeof(report));
		_exit(0);
	}
	(void)close(doom->go[0]);
	(void)close(doom->go[1]);
	(void)close(doom->report[1]);
}

static struct killer_report
end_doom(struct doom *doom)
{
	struct killer_report report;

	assert_int_equal(read(doom->report[0], &report, sizeof(report)),
	                 sizeof(report));
	(void)close(doom->report[0]);
	assert_int_equal(waitpid(doom->killer, NULL, 0), doom->killer);
	assert_int_not_equal(report.end, KILLER_FAILED);
	return report;
}

static void
close_gate(struct keeperbed *bed)
{
	if (bed->gate >= 0)
		(void)close(bed->gate);
	bed->gate = -1;
}

/* Another gate finds what this one has left. */
static void
check_another_gate(struct keeperlife *life)
{
	struct keeperbed other;
	char command[256];

	keeperbed_init(&other);
	(void)snprintf(command, sizeof(command), "cp -a %s/. %s/",
	               life->bed->dir, other.dir);
	assert_int_equal(system(command), 0);
	other.config.boot_id = "another";
	keeperbed_start(&other);
	keeperbed_attached_all(&other);
	keeperlife_check_no_views(life, &other);
	assert_int_equal(keeperbed_stop(&other), KEEPER_EXIT_OK);
	keeperlife_check_store(life, &other);
	keeperbed_clear(&other);
}

static void
check_same_gate(struct keeperlife *life)
{
	struct keeperbed *bed = life->bed;

	keeperbed_start(bed);
	keeperlife_resume(life);
	assert_false(life->dead);
	keeperlife_check_views(life);
	keeperlife_abandon(life);
	keeperlife_check_views(life);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	keeperlife_check_store(life, bed);
}

static void
finish(struct keeperlife *life)
{
	lives++;
	if (life->slowest_ms > slowest_ms)
		slowest_ms = life->slowest_ms;
	keeperbed_clear(life->bed);
}

/* How many calls it made; *over: it was not killed by then. */
static unsigned long
live_until(unsigned long at, bool *over)
{
	struct keeperbed bed;
	struct keeperlife life;
	struct doom doom;
	struct killer_report report;

	keeperbed_init(&bed);
	bed.config.boot_id = "one";
	keeperlife_begin(&life, &bed);
	start_doomed(&bed, &doom, at);
	keeperbed_attached_all(&bed);
	keeperlife_fill(&life);
	keeperlife_empty(&life);
	keeperlife_stop(&life);
	close_gate(&bed);
	report = end_doom(&doom);
	*over = report.end != KILLER_KILLED;
	check_another_gate(&life);
	check_same_gate(&life);
	finish(&life);
	return report.calls;
}

/* The same for the keeper that comes after one that was killed. */
static unsigned long
recover_until(unsigned long at, bool *over)
{
	struct keeperbed bed;
	struct keeperlife life;
	struct doom doom;
	struct killer_report report;

	keeperbed_init(&bed);
	bed.config.boot_id = "one";
	keeperlife_begin(&life, &bed);
	keeperbed_start(&bed);
	keeperbed_attached_all(&bed);
	keeperlife_fill(&life);
	keeperbed_kill(&bed);
	start_doomed(&bed, &doom, at);
	keeperlife_resume(&life);
	keeperlife_check_views(&life);
	keeperlife_stop(&life);
	close_gate(&bed);
	report = end_doom(&doom);
	*over = report.end != KILLER_KILLED;
	check_another_gate(&life);
	check_same_gate(&life);
	finish(&life);
	return report.calls;
}

static void
sweep(const char *what, unsigned long (*until)(unsigned long at, bool *over))
{
	unsigned long calls = 0;
	bool over = false;

	lives = 0;
	slowest_ms = 0;
	for (unsigned long at = first; !over; at += stride) {
		print_message("%s: at call %lu\n", what, at);
		calls = until(at, &over);
	}
	print_message("%s: %lu system calls, %lu kills, views right after %u "
	              "ms at most\n",
	              what, calls, lives - 1, slowest_ms);
}

static void
test_killed_in_life(void **state)
{
	(void)state;
	sweep("life", live_until);
}

static void
test_killed_in_recovery(void **state)
{
	(void)state;
	sweep("recovery", recover_until);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_killed_in_life),
	    cmocka_unit_test(test_killed_in_recovery),
	};

	if (argc > 1)
		first = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		stride = strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
