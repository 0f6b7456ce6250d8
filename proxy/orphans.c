#include "orphans.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

bool
orphans_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0;
}

void
orphans_end(bool (*wanted)(void *arg, pid_t pid), void *arg)
{
	char path[64];
	FILE *children;
	int pid;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children",
	               (int)getpid());
	children = fopen(path, "re");
	if (children == NULL)
		return;
	while (fscanf(children, "%d", &pid) == 1) {
		if (pid > 0 && !wanted(arg, pid))
			(void)kill(pid, SIGKILL);
	}
	(void)fclose(children);
}
