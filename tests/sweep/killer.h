/*
 * Counts the system calls that a process enters, and kills it with SIGKILL at
 * one of them, before the kernel has done anything of it.  Signals are passed
 * on, children of the process are left alone, and so is the process at the end.
 */
#ifndef TESTS_KILLER_H
#define TESTS_KILLER_H

#include <stdbool.h>
#include <sys/types.h>

enum killer_whom {
	KILLER_SELF, /* the process itself */
	KILLER_CHILD /* the next child that it forks */
};

enum killer_end {
	KILLER_FAILED, /* there is no such process, or it may not be traced */
	KILLER_KILLED,
	KILLER_ENDED, /* by itself, before that */
	KILLER_LEFT   /* by request */
};

struct killer_report {
	enum killer_end end;
	pid_t pid;           /* whose calls were counted */
	unsigned long calls; /* entered, the last one among them */
};

/*
 * Trace until the end of that process or killer_leave.  at is the number of the
 * call, from 1; 0 only counts.  on_traced (may be NULL) is called once nothing
 * can be missed any more.
 */
struct killer_report killer_run(pid_t pid, enum killer_whom whom,
                                unsigned long at, void (*on_traced)(void *arg),
                                void *arg);

/* A signal handler: killer_run lets the process go and returns. */
void killer_leave(int signal);

#endif
