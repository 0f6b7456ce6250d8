#include "killer.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SYSCALL_STOP = SIGTRAP | 0x80 };

static volatile sig_atomic_t leaving;

void
killer_leave(int signal)
{
	(void)signal;
	leaving = 1;
}

static long
control(int what, pid_t pid, unsigned long value)
{
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	return ptrace((enum __ptrace_request)what, pid, NULL, (void *)value);
}

/* Is this stop the beginning of a call?  The other one is its end. */
static bool
is_entry(pid_t pid)
{
	struct __ptrace_syscall_info info = {0};

	return ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info),
	              &info) > 0 &&
	       info.op == PTRACE_SYSCALL_INFO_ENTRY;
}

/* The next change of state; false: it is not to be had, or we are leaving. */
static bool
await(pid_t pid, int *status)
{
	for (;;) {
		if (leaving)
			return false;
		if (waitpid(pid, status, __WALL) == pid)
			return true;
		if (errno != EINTR)
			return false;
	}
}

/* Only what is stopped can be let go. */
static void
let_go(pid_t pid)
{
	int status;

	(void)control(PTRACE_INTERRUPT, pid, 0);
	while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
		continue;
	if (WIFSTOPPED(status))
		(void)control(PTRACE_DETACH, pid, 0);
}

/* What it would have got without us. */
static void
go_on(pid_t pid, int status, int how)
{
	int sig = WSTOPSIG(status);

	if (status >> 16 == PTRACE_EVENT_STOP && sig != SIGTRAP)
		(void)control(PTRACE_LISTEN, pid, 0); /* it was stopped */
	else if (status >> 16 != 0 || sig == SYSCALL_STOP)
		(void)control(how, pid, 0);
	else
		(void)control(how, pid, (unsigned long)sig);
}

/* The pid of the next child, which is stopped and traced; 0: there is none. */
static pid_t
await_child(pid_t parent)
{
	unsigned long child = 0;
	int status;

	while (await(parent, &status) && WIFSTOPPED(status)) {
		int event = status >> 16;

		if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK ||
		    event == PTRACE_EVENT_CLONE) {
			(void)ptrace(PTRACE_GETEVENTMSG, parent, NULL, &child);
			(void)control(PTRACE_DETACH, parent, 0);
			return (pid_t)child;
		}
		go_on(parent, status, PTRACE_CONT);
	}
	if (leaving)
		let_go(parent);
	return 0;
}

static bool
is_over(int status)
{
	return WIFEXITED(status) || WIFSIGNALED(status);
}

static void
kill_now(pid_t pid)
{
	int status;

	(void)kill(pid, SIGKILL);
	do {
		if (waitpid(pid, &status, __WALL) < 0 && errno != EINTR)
			return;
	} while (!is_over(status));
}

static void
count(struct killer_report *report, unsigned long at)
{
	int status;

	while (await(report->pid, &status)) {
		if (is_over(status)) {
			report->end = KILLER_ENDED;
			return;
		}
		if (WSTOPSIG(status) == SYSCALL_STOP && is_entry(report->pid) &&
		    ++report->calls == at) {
			kill_now(report->pid);
			report->end = KILLER_KILLED;
			return;
		}
		go_on(report->pid, status, PTRACE_SYSCALL);
	}
	if (!leaving)
		return;
	let_go(report->pid);
	report->end = KILLER_LEFT;
}

struct killer_report
killer_run(pid_t pid, enum killer_whom whom, unsigned long at,
           void (*on_traced)(void *arg), void *arg)
{
	const unsigned long forks =
	    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
	struct killer_report report = {.end = KILLER_FAILED, .pid = pid};
	int status;

	if (control(PTRACE_SEIZE, pid,
	            PTRACE_O_TRACESYSGOOD |
	                (whom == KILLER_CHILD ? forks : 0)) != 0 ||
	    (whom == KILLER_SELF &&
	     (control(PTRACE_INTERRUPT, pid, 0) != 0 ||
	      waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))))
		return report;
	if (on_traced != NULL)
		on_traced(arg);
	if (whom == KILLER_CHILD) {
		report.pid = await_child(pid);
		if (report.pid == 0 ||
		    waitpid(report.pid, &status, __WALL) != report.pid)
			return report;
		/* Its own children are none of ours. */
		(void)control(PTRACE_SETOPTIONS, report.pid,
		              PTRACE_O_TRACESYSGOOD);
	}
	go_on(report.pid, status, PTRACE_SYSCALL);
	count(&report, at);
	return report;
}
