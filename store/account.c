#include "account.h"

#include "log.h"
#include "table.h"
#include "wire.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void on_answer(evutil_socket_t fd, short what, void *arg);

struct key {
	TAILQ_ENTRY(key) entry;
	struct table_link by_user;
	char *user;
	uid_t uid;
	time_t known_at; /* 0: never answered */
	time_t asked_at; /* 0: no question is on its way */
};

struct account {
	struct event_base *base;
	account_on_change *change;
	void *arg;
	pid_t pid; /* 0: no process */
	int fd;
	struct event *readable;
	TAILQ_HEAD(, key) keys;
	struct table by_user;
	size_t count;
};

struct account *
account_new(struct event_base *base, account_on_change *change, void *arg)
{
	struct account *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->base = base;
	a->change = change;
	a->arg = arg;
	a->fd = -1;
	TAILQ_INIT(&a->keys);
	return a;
}

/*
 * The process: a key comes in, the user id and the key go back.
 */

static const struct passwd *
look_up(const char *user)
{
	const struct passwd *pw = getpwnam(user);
	const char *at = strrchr(user, '@');
	char name[ACCOUNT_NAME_MAX];

	if (pw != NULL || at == NULL || at == user || at[1] == '\0')
		return pw;
	(void)snprintf(name, sizeof(name), "%s\\%.*s", at + 1, (int)(at - user),
	               user);
	return getpwnam(name);
}

static bool
serve(int fd)
{
	char user[ACCOUNT_NAME_MAX];
	uint8_t answer[ACCOUNT_NAME_MAX + 4];
	struct wire_out out = wire_out(answer, sizeof(answer));
	ssize_t len = recv(fd, user, sizeof(user) - 1, 0);
	const struct passwd *pw;

	if (len <= 0)
		return len < 0 && errno == EINTR;
	user[len] = '\0';
	pw = look_up(user);
	wire_put_u32(&out, pw != NULL ? pw->pw_uid : ACCOUNT_NONE);
	wire_put_bytes(&out, user, (size_t)len);
	return send(fd, answer, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
}

/* Nothing of the keeper goes along: no store, no socket, no signal handler. */
static _Noreturn void
be_process(int fd)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL);
	if (dup2(fd, 3) != 3 || close_range(4, ~0U, 0) != 0)
		_exit(1);
	while (serve(3))
		;
	_exit(0);
}

/*
 * The keeper's side.
 */

/* What was on its way is asked again. */
static void
stop(struct account *a)
{
	struct key *key;

	if (a->readable != NULL)
		event_free(a->readable);
	a->readable = NULL;
	if (a->fd >= 0)
		(void)close(a->fd);
	a->fd = -1;
	if (a->pid > 0) {
		(void)kill(a->pid, SIGKILL);
		(void)waitpid(a->pid, NULL, 0);
	}
	a->pid = 0;
	TAILQ_FOREACH (key, &a->keys, entry)
		key->asked_at = 0;
}

static bool
start(struct account *a)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return false;
	a->fd = fds[0];
	a->pid = fork();
	if (a->pid == 0)
		be_process(fds[1]);
	(void)close(fds[1]);
	if (a->pid > 0)
		a->readable = event_new(a->base, a->fd, EV_READ | EV_PERSIST,
		                        on_answer, a);
	if (a->readable != NULL && event_add(a->readable, NULL) == 0)
		return true;
	stop(a);
	return false;
}

static struct key *
find_key(const struct account *a, const char *user)
{
	struct table_link *link = table_find(&a->by_user, user);

	return link != NULL ? link->thing : NULL;
}

static void
forget(struct account *a, struct key *key)
{
	TAILQ_REMOVE(&a->keys, key, entry);
	table_drop(&key->by_user);
	a->count--;
	free(key->user);
	free(key);
}

static struct key *
add_key(struct account *a, const char *user)
{
	struct key *key = calloc(1, sizeof(*key));

	if (key == NULL)
		return NULL;
	key->user = strdup(user);
	if (key->user == NULL) {
		free(key);
		return NULL;
	}
	/* The oldest goes; who still wants it asks again. */
	if (a->count == ACCOUNTS_MAX)
		forget(a, TAILQ_FIRST(&a->keys));
	key->uid = ACCOUNT_NONE;
	TAILQ_INSERT_TAIL(&a->keys, key, entry);
	table_put(&a->by_user, &key->by_user, key->user, key);
	a->count++;
	return key;
}

/* A full socket is no harm: whoever wants to know comes again. */
static void
ask(struct account *a, struct key *key, time_t now)
{
	size_t len = strlen(key->user);

	if (a->fd < 0 && !start(a))
		return;
	if (send(a->fd, key->user, len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)len)
		key->asked_at = now;
	else if (errno != EAGAIN)
		stop(a);
}

uid_t
account_find(struct account *account, const char *user)
{
	time_t now = time(NULL);
	struct key *key = find_key(account, user);

	if (user[0] == '\0' || strlen(user) >= ACCOUNT_NAME_MAX)
		return ACCOUNT_NONE;
	if (key == NULL)
		key = add_key(account, user);
	if (key == NULL)
		return ACCOUNT_NONE;
	if (key->asked_at != 0 && now - key->asked_at > ACCOUNT_PATIENCE_S) {
		log_note(LOG_WARNING, "account", "the look-up took too long");
		stop(account);
	}
	if (key->asked_at == 0 &&
	    (key->known_at == 0 || now - key->known_at > ACCOUNT_FRESH_S))
		ask(account, key, now);
	return key->uid;
}

static void
take(struct account *a, struct wire_in *in)
{
	char user[ACCOUNT_NAME_MAX] = "";
	uid_t uid = wire_u32(in);
	struct wire_view name = wire_bytes(in, in->left);
	struct key *key;

	if (!wire_ok(in) || name.len >= sizeof(user))
		return;
	memcpy(user, name.data, name.len);
	key = find_key(a, user);
	if (key == NULL)
		return;
	key->asked_at = 0;
	key->known_at = time(NULL);
	if (key->uid == uid)
		return;
	key->uid = uid;
	a->change(a->arg, user);
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct account *a = arg;
	uint8_t answer[ACCOUNT_NAME_MAX + 4];
	ssize_t len = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	struct wire_in in;

	(void)what;
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		stop(a);
		return;
	}
	in = wire_in(answer, (size_t)len);
	take(a, &in);
}

void
account_free(struct account *account)
{
	if (account == NULL)
		return;
	stop(account);
	while (!TAILQ_EMPTY(&account->keys))
		forget(account, TAILQ_FIRST(&account->keys));
	free(account);
}
