#include "groups.h"

#include "wire.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USER_MAX = 512, KNOWN = 'k', UNKNOWN = 'u', WHOLE = 0 };

struct groups {
	groups_found *found;
	void *arg;
	pid_t pid;
	int fd; /* what the process writes; -1: answered */
	struct event *readable;
	uint8_t bytes[GROUPS_BYTES_MAX]; /* names, a zero behind each */
	size_t len;
	const char *names[GROUPS_MAX];
	size_t count;
};

static void on_readable(evutil_socket_t fd, short what, void *arg);

/*
 * The process that asks.  It writes KNOWN or UNKNOWN, the names with a zero
 * behind each, and one more zero when that was all.
 */

static const struct passwd *
find_user(const char *key)
{
	const struct passwd *pw = getpwnam(key);
	const char *at = strrchr(key, '@');
	char name[USER_MAX];

	if (pw != NULL || at == NULL || at == key || at[1] == '\0')
		return pw;
	(void)snprintf(name, sizeof(name), "%s\\%.*s", at + 1, (int)(at - key),
	               key);
	return getpwnam(name);
}

static void
put_names(struct wire_out *out, const struct passwd *pw)
{
	gid_t gids[GROUPS_MAX];
	int count = GROUPS_MAX;

	/* Above the limit count is what would be needed: a failure. */
	if (getgrouplist(pw->pw_name, pw->pw_gid, gids, &count) < 0)
		wire_put_zeros(out, GROUPS_BYTES_MAX);
	for (int i = 0; i < count && wire_out_ok(out); i++) {
		const struct group *group = getgrgid(gids[i]);

		if (group == NULL)
			continue;
		wire_put_view(out, wire_view_text(group->gr_name));
		wire_put_u8(out, 0);
	}
}

static bool
write_all(int fd, struct wire_view bytes)
{
	struct wire_in in = wire_in_view(bytes);

	while (in.left > 0) {
		ssize_t n = write(fd, in.next, in.left);

		if (n <= 0)
			return false;
		wire_skip(&in, (size_t)n);
	}
	return true;
}

static _Noreturn void
answer(int fd, const char *user)
{
	static uint8_t bytes[GROUPS_BYTES_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	const struct passwd *pw = find_user(user);

	wire_put_u8(&out, pw == NULL ? UNKNOWN : KNOWN);
	if (pw != NULL)
		put_names(&out, pw);
	wire_put_u8(&out, WHOLE);
	_exit(wire_out_ok(&out) && write_all(fd, wire_written(&out)) ? 0 : 1);
}

/* Nothing of the session goes along: no socket, no signal handler. */
static _Noreturn void
be_process(int fd, const char *user)
{
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	if (dup2(fd, 3) != 3 || close_range(4, ~0U, 0) != 0)
		_exit(1);
	(void)alarm(2 * GROUPS_MS / 1000);
	answer(3, user);
}

/*
 * The session's side.
 */

static bool
start(struct groups *g, struct event_base *base, const char *user)
{
	const struct timeval patience = {GROUPS_MS / 1000, 0};
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return false;
	g->fd = fds[0];
	g->pid = fork();
	if (g->pid == 0)
		be_process(fds[1], user);
	(void)close(fds[1]);
	if (g->pid < 0 || fcntl(g->fd, F_SETFL, O_NONBLOCK) != 0)
		return false;
	g->readable =
	    event_new(base, g->fd, EV_READ | EV_PERSIST, on_readable, g);
	return g->readable != NULL && event_add(g->readable, &patience) == 0;
}

struct groups *
groups_ask(struct event_base *base, const char *user, groups_found *found,
           void *arg)
{
	struct groups *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->fd = -1;
	g->found = found;
	g->arg = arg;
	if (strlen(user) < USER_MAX && start(g, base, user))
		return g;
	groups_free(g);
	return NULL;
}

/* The process has said all it will say, or is not wanted any more. */
static void
stop(struct groups *g)
{
	if (g->readable != NULL)
		event_free(g->readable);
	g->readable = NULL;
	if (g->fd >= 0)
		(void)close(g->fd);
	g->fd = -1;
	if (g->pid <= 0)
		return;
	(void)kill(g->pid, SIGKILL);
	(void)waitpid(g->pid, NULL, 0);
	g->pid = 0;
}

/* NULL, or why there are no names. */
static const char *
take_names(struct groups *g)
{
	struct wire_in in = wire_in(g->bytes, g->len);
	uint8_t known = wire_u8(&in);

	if (g->len < 2 || g->bytes[g->len - 1] != WHOLE ||
	    (g->len > 2 && g->bytes[g->len - 2] != 0))
		return "the look-up failed";
	if (known == UNKNOWN)
		return "this host does not know the user";
	while (in.left > 1 && g->count < GROUPS_MAX) {
		const char *name = (const char *)in.next;

		wire_skip(&in, strlen(name) + 1);
		g->names[g->count++] = name;
	}
	return NULL;
}

static void
conclude(struct groups *g, const char *why)
{
	stop(g);
	if (why == NULL)
		why = take_names(g);
	g->found(g->arg, g, why);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct groups *g = arg;
	ssize_t n;

	if ((what & EV_TIMEOUT) != 0) {
		conclude(g, "the look-up took too long");
		return;
	}
	n = read(fd, &g->bytes[g->len], sizeof(g->bytes) - g->len);
	if (n > 0) {
		g->len += (size_t)n;
		return;
	}
	conclude(g, NULL);
}

const char *const *
groups_names(const struct groups *groups, size_t *count)
{
	*count = groups == NULL ? 0 : groups->count;
	return groups == NULL ? NULL : groups->names;
}

void
groups_free(struct groups *groups)
{
	if (groups == NULL)
		return;
	stop(groups);
	free(groups);
}
