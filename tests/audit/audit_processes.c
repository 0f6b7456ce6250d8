#include "auditor.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What gate and keeper hold whatever they do, with room for a few listeners. */
enum { FIXED_DESCRIPTORS = 40, PATH_SIZE = 320 };

typedef void on_pid(struct auditor *a, pid_t pid, void *arg);

static void
each_process(struct auditor *a, on_pid *on, void *arg)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *e = proc != NULL ? readdir(proc) : NULL; e != NULL;
	     e = readdir(proc))
		if (isdigit((unsigned char)e->d_name[0]))
			on(a, (pid_t)strtol(e->d_name, NULL, 10), arg);
	if (proc != NULL)
		(void)closedir(proc);
}

/* Descriptors of a process, and whether one of them is this file. */
static unsigned
count_descriptors(pid_t pid, const char *file, bool *holds)
{
	char path[PATH_SIZE];
	char target[PATH_MAX];
	unsigned count = 0;
	DIR *dir;

	*holds = false;
	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL;
	     e = readdir(dir)) {
		ssize_t len;

		(void)snprintf(path, sizeof(path), "/proc/%d/fd/%s", (int)pid,
		               e->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		count++;
		*holds |= strcmp(target, file) == 0;
	}
	if (dir != NULL)
		(void)closedir(dir);
	return count;
}

static pid_t
parent_of(pid_t pid)
{
	char path[PATH_SIZE];
	char line[512] = "";
	const char *after;
	int parent = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	(void)fclose(f);
	after = strrchr(line, ')');
	if (after == NULL || sscanf(after, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

/* The daemon: the keeper is who holds the store, the gate is its parent. */
struct daemon {
	char database[PATH_MAX];
	pid_t keeper;
	pid_t gate;
	unsigned keeper_descriptors;
	unsigned children;
};

static void
find_keeper(struct auditor *a, pid_t pid, void *arg)
{
	struct daemon *d = arg;
	bool holds;
	unsigned count = count_descriptors(pid, d->database, &holds);

	(void)a;
	if (!holds)
		return;
	if (d->keeper != 0)
		auditor_violation(a, "I3", "two processes hold the store");
	d->keeper = pid;
	d->keeper_descriptors = count;
	d->gate = parent_of(pid);
}

static void
count_child(struct auditor *a, pid_t pid, void *arg)
{
	struct daemon *d = arg;

	(void)a;
	if (parent_of(pid) == d->gate)
		d->children++;
}

void
audit_processes(struct auditor *a)
{
	struct daemon d = {0};
	bool holds;

	if (realpath(a->database, d.database) == NULL)
		return;
	each_process(a, find_keeper, &d);
	if (a->stopped && d.keeper != 0)
		auditor_violation(a, "I8", "process %d still runs",
		                  (int)d.keeper);
	if (a->stopped || d.keeper == 0 || d.gate <= 1)
		return;
	each_process(a, count_child, &d);
	a->processes = d.children + 1;
	/* Each connected log-on has its process: a child besides the keeper. */
	if (a->connected + 1 > d.children)
		auditor_violation(a, "I1",
		                  "%u log-ons are connected, %u processes run",
		                  a->connected, d.children);
	if (d.keeper_descriptors > FIXED_DESCRIPTORS + d.children)
		auditor_violation(a, "I8", "the keeper holds %u descriptors",
		                  d.keeper_descriptors);
	if (count_descriptors(d.gate, "", &holds) >
	    FIXED_DESCRIPTORS + d.children)
		auditor_violation(a, "I8", "the gate holds %u descriptors",
		                  count_descriptors(d.gate, "", &holds));
}
