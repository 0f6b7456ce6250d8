/*
 * usage: killat self|child PID N
 *        killat run N COMMAND...
 *
 * Kill a process (that one, the next child it forks, or a command) with SIGKILL
 * at its N-th system call; with 0 only count them.  Prints "traced" when
 * nothing can be missed any more, and at the end one line:
 *
 *	killed|ended|left PID CALLS
 *
 * On SIGTERM the process is let go; a command gets the signal.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "killer.h"

static pid_t command;

static void
say_traced(void *arg)
{
	(void)arg;
	(void)printf("traced\n");
	(void)fflush(stdout);
}

static void
pass_on(int sig)
{
	(void)kill(command, sig);
}

static void
handle(void (*handler)(int sig))
{
	struct sigaction action = {.sa_handler = handler};

	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
}

static void
release(void *arg)
{
	const int *fd = arg;

	(void)close(*fd);
}

/* It begins when it is traced: at the end of its pipe. */
static struct killer_report
run(unsigned long at, char **argv)
{
	struct killer_report failed = {.end = KILLER_FAILED};
	char byte;
	int fds[2];

	if (pipe(fds) != 0)
		return failed;
	command = fork();
	if (command == 0) {
		(void)close(fds[1]);
		(void)!read(fds[0], &byte, 1);
		(void)close(fds[0]);
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	(void)close(fds[0]);
	if (command < 0)
		return failed;
	handle(pass_on);
	return killer_run(command, KILLER_SELF, at, release, &fds[1]);
}

int
main(int argc, char **argv)
{
	static const char *const names[] = {
	    [KILLER_FAILED] = "failed",
	    [KILLER_KILLED] = "killed",
	    [KILLER_ENDED] = "ended",
	    [KILLER_LEFT] = "left",
	};
	struct killer_report report;

	if (argc > 3 && strcmp(argv[1], "run") == 0) {
		report = run(strtoul(argv[2], NULL, 10), argv + 3);
	} else if (argc == 4 && (strcmp(argv[1], "self") == 0 ||
	                         strcmp(argv[1], "child") == 0)) {
		handle(killer_leave);
		report =
		    killer_run((pid_t)strtol(argv[2], NULL, 10),
		               argv[1][0] == 's' ? KILLER_SELF : KILLER_CHILD,
		               strtoul(argv[3], NULL, 10), say_traced, NULL);
	} else {
		(void)fprintf(stderr, "usage: killat self|child PID N\n"
		                      "       killat run N COMMAND...\n");
		return 2;
	}
	(void)printf("%s %d %lu\n", names[report.end], (int)report.pid,
	             report.calls);
	return report.end == KILLER_FAILED ? 1 : 0;
}
