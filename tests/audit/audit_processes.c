/* The processes of the daemon: which there are, and what they hold. */
#include "auditor.h"

#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What gate and keeper hold whatever they do, with room for a few listeners. */
enum { FIXED_DESCRIPTORS = 40, PATH_SIZE = 320, SOCKETS_MAX = 4096 };

/* The daemon: the keeper is who holds the store, the gate is its parent. */
struct daemon {
	char database[PATH_MAX];
	unsigned holders;
	unsigned children;
	unsigned connected; /* children with a connection of the network */
	unsigned long sockets[SOCKETS_MAX]; /* inodes of such connections */
	size_t socket_count;
};

typedef void on_pid(struct auditor *a, pid_t pid, struct daemon *d);
typedef void on_target(const char *target, void *arg);

static void
each_process(struct auditor *a, on_pid *on, struct daemon *d)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *e = proc != NULL ? readdir(proc) : NULL; e != NULL;
	     e = readdir(proc))
		if (isdigit((unsigned char)e->d_name[0]))
			on(a, (pid_t)strtol(e->d_name, NULL, 10), d);
	if (proc != NULL)
		(void)closedir(proc);
}

/* What each descriptor of a process is; returns how many there are. */
static unsigned
each_descriptor(pid_t pid, on_target *on, void *arg)
{
	char path[PATH_SIZE];
	char target[PATH_MAX];
	unsigned count = 0;
	DIR *dir;

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
		on(target, arg);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return count;
}

/* One line of a process's status, as a number; 0: there is none. */
static unsigned long
status_of(pid_t pid, const char *key)
{
	char path[PATH_SIZE];
	char line[256];
	unsigned long value = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoul(line + strlen(key), NULL, 10);
	if (f != NULL)
		(void)fclose(f);
	return value;
}

/*
 * Who is who.
 */

struct search {
	const char *file;
	bool found;
};

static void
search_file(const char *target, void *arg)
{
	struct search *search = arg;

	search->found |= strcmp(target, search->file) == 0;
}

static void
find_keeper(struct auditor *a, pid_t pid, struct daemon *d)
{
	struct search search = {d->database, false};
	unsigned count = each_descriptor(pid, search_file, &search);

	if (!search.found)
		return;
	if (d->holders++ > 0)
		auditor_violation(a, "I3", "two processes hold the store");
	a->keeper.pid = pid;
	a->keeper.descriptors = count;
	a->keeper.private_kib = status_of(pid, "RssAnon:");
	a->gate.pid = (pid_t)status_of(pid, "PPid:");
}

/* A part of the daemon is called as its gate was. */
static bool
is_called_with(pid_t pid, const char *word)
{
	char path[PATH_SIZE];
	char line[4096];
	size_t len;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	len = fread(line, 1, sizeof(line) - 1, f);
	(void)fclose(f);
	line[len] = '\0';
	for (const char *at = line; at < line + len; at += strlen(at) + 1)
		if (at != line && strcmp(at, word) == 0 &&
		    strstr(line, "cardproxyd") != NULL)
			return true;
	return false;
}

static void
expect_none(struct auditor *a, pid_t pid, struct daemon *d)
{
	struct search search = {d->database, false};

	(void)each_descriptor(pid, search_file, &search);
	if (search.found ||
	    (a->config != NULL && is_called_with(pid, a->config)))
		auditor_violation(a, "I8", "process %d still runs", (int)pid);
}

/*
 * Connections: a session's process has one with its client.
 */

static void
read_sockets(struct daemon *d, pid_t pid, const char *table)
{
	char path[PATH_SIZE];
	char line[512];
	unsigned long inode;
	unsigned state;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/net/%s", (int)pid, table);
	f = fopen(path, "re");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*s %*s %*s %x %*s %*s %*s %*s %*s %lu",
		           &state, &inode) == 2 &&
		    state != 0x0a /* it listens */ && inode != 0 &&
		    d->socket_count < SOCKETS_MAX)
			d->sockets[d->socket_count++] = inode;
	if (f != NULL)
		(void)fclose(f);
}

struct connection {
	const struct daemon *daemon;
	bool found;
};

static void
search_connection(const char *target, void *arg)
{
	struct connection *connection = arg;
	unsigned long inode;

	if (sscanf(target, "socket:[%lu]", &inode) != 1)
		return;
	for (size_t i = 0; i < connection->daemon->socket_count; i++)
		connection->found |= connection->daemon->sockets[i] == inode;
}

static void
count_child(struct auditor *a, pid_t pid, struct daemon *d)
{
	struct connection connection = {d, false};

	if ((pid_t)status_of(pid, "PPid:") != a->gate.pid)
		return;
	d->children++;
	(void)each_descriptor(pid, search_connection, &connection);
	d->connected += connection.found;
}

static void
ignore(const char *target, void *arg)
{
	(void)target;
	(void)arg;
}

static void
check_descriptors(struct auditor *a, const char *who,
                  const struct auditor_process *process, const struct daemon *d)
{
	if (process->descriptors > FIXED_DESCRIPTORS + d->children)
		auditor_violation(a, "I8", "the %s holds %u descriptors", who,
		                  process->descriptors);
}

/* The scanner of lines is the only one; its table is too large for a stack. */
void
audit_processes(struct auditor *a)
{
	static struct daemon d;

	memset(&d, 0, sizeof(d));
	if (realpath(a->database, d.database) == NULL)
		return;
	if (a->stopped) {
		each_process(a, expect_none, &d);
		return;
	}
	each_process(a, find_keeper, &d);
	if (a->keeper.pid == 0 || a->gate.pid <= 1)
		return;
	a->gate.descriptors = each_descriptor(a->gate.pid, ignore, NULL);
	a->gate.private_kib = status_of(a->gate.pid, "RssAnon:");
	read_sockets(&d, a->gate.pid, "tcp");
	read_sockets(&d, a->gate.pid, "tcp6");
	each_process(a, count_child, &d);
	a->processes = d.children + 1;
	if (a->connected > d.connected)
		auditor_violation(a, "I1",
		                  "%u log-ons are connected, %u processes are",
		                  a->connected, d.connected);
	check_descriptors(a, "gate", &a->gate, &d);
	check_descriptors(a, "keeper", &a->keeper, &d);
}
