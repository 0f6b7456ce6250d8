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

enum {
	PASSWD_BUFFER = 64 * 1024,
	QUESTION_MAX = ACCOUNT_NAME_MAX + 5,
	ANSWER_MAX = ACCOUNT_NAME_MAX + 10
};

/* What is asked: a key's user id, or whether an account is still there. */
enum question { QUESTION_FIND, QUESTION_LOOK };

enum answer {
	ANSWER_NONE,   /* there is no such account: every service says so */
	ANSWER_OWN,    /* one of the host's own */
	ANSWER_OTHER,  /* a directory's */
	ANSWER_UNCLEAR /* somebody could not be asked, or says otherwise */
};

struct key {
	TAILQ_ENTRY(key) entry;
	struct table_link by_user;
	char *user;
	uid_t uid;
	bool own;
	time_t known_at; /* 0: never answered */
	time_t asked_at; /* 0: no question is on its way */
};

struct account {
	struct event_base *base;
	const char *file;
	struct account_ops ops;
	void *arg;
	pid_t pid; /* 0: no process */
	int fd;
	struct event *readable;
	TAILQ_HEAD(, key) keys;
	struct table by_user;
	size_t count;
	size_t looks; /* on their way, the last since looked_at */
	time_t looked_at;
};

struct account *
account_new(struct event_base *base, const char *file,
            const struct account_ops *ops, void *arg)
{
	struct account *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->base = base;
	a->file = file != NULL ? file : ACCOUNT_FILE;
	a->ops = *ops;
	a->arg = arg;
	a->fd = -1;
	TAILQ_INIT(&a->keys);
	return a;
}

/*
 * The process: a key comes in, the user id and the key go back.
 */

/* One name, as all services have it; false: one of them could not say. */
static bool
find_name(const char *name, struct passwd **found)
{
	static char buffer[PASSWD_BUFFER];
	static struct passwd pw;

	*found = NULL;
	return getpwnam_r(name, &pw, buffer, sizeof(buffer), found) == 0;
}

static bool
find_user(const char *user, struct passwd **found)
{
	const char *at = strrchr(user, '@');
	char name[ACCOUNT_NAME_MAX];

	if (!find_name(user, found))
		return false;
	if (*found != NULL || at == NULL || at == user || at[1] == '\0')
		return true;
	(void)snprintf(name, sizeof(name), "%s\\%.*s", at + 1, (int)(at - user),
	               user);
	return find_name(name, found);
}

/* What the host's own file has. */
struct own {
	bool name;
	bool uid;
	bool both; /* in one line */
};

/* False: it cannot be read, or not to its end. */
static bool
read_own(const char *file, const char *name, uid_t uid, struct own *own)
{
	FILE *f = fopen(file, "re");
	const struct passwd *pw = NULL;

	*own = (struct own){0};
	if (f == NULL)
		return false;
	errno = 0;
	while ((pw = fgetpwent(f)) != NULL) {
		bool same = strcmp(pw->pw_name, name) == 0;

		own->name |= same;
		own->uid |= pw->pw_uid == uid;
		own->both |= same && pw->pw_uid == uid;
		errno = 0;
	}
	bool whole = feof(f) != 0 && ferror(f) == 0;

	(void)fclose(f);
	return whole;
}

/* known is the user id that it had, or ACCOUNT_NONE. */
static enum answer
answer_for(const char *file, const char *user, uid_t known, uid_t *uid)
{
	struct passwd *pw = NULL;
	struct own own;

	*uid = ACCOUNT_NONE;
	if (!find_user(user, &pw))
		return ANSWER_UNCLEAR;
	if (pw != NULL) {
		*uid = pw->pw_uid;
		return read_own(file, pw->pw_name, pw->pw_uid, &own) && own.both
		           ? ANSWER_OWN
		           : ANSWER_OTHER;
	}
	if (known == ACCOUNT_NONE)
		return ANSWER_NONE;
	return read_own(file, user, known, &own) && !own.name && !own.uid
	           ? ANSWER_NONE
	           : ANSWER_UNCLEAR;
}

/*
 * Its name may be another's by now, with another user id; then it is the old id
 * that counts.
 */
static enum answer
look_for(const char *file, const char *user, uid_t known, uid_t *uid)
{
	enum answer answer = answer_for(file, user, known, uid);
	struct own own;

	if (answer != ANSWER_OWN || *uid == known)
		return answer;
	*uid = ACCOUNT_NONE;
	return read_own(file, user, known, &own) && !own.uid ? ANSWER_NONE
	                                                     : ANSWER_UNCLEAR;
}

static bool
serve(int fd, const char *file)
{
	uint8_t question[QUESTION_MAX];
	uint8_t answer[ANSWER_MAX];
	char user[ACCOUNT_NAME_MAX] = "";
	ssize_t len = recv(fd, question, sizeof(question), 0);
	uid_t uid = ACCOUNT_NONE;

	if (len <= 0)
		return len < 0 && errno == EINTR;
	struct wire_in in = wire_in(question, (size_t)len);
	struct wire_out out = wire_out(answer, sizeof(answer));
	uint8_t what = wire_u8(&in);
	uid_t known = wire_u32(&in);
	struct wire_view name = wire_bytes(&in, in.left);

	if (!wire_ok(&in) || name.len >= sizeof(user))
		return false;
	memcpy(user, name.data, name.len);
	wire_put_u8(&out, what);
	wire_put_u8(&out, (uint8_t)(what == QUESTION_LOOK
	                                ? look_for(file, user, known, &uid)
	                                : answer_for(file, user, known, &uid)));
	wire_put_u32(&out, known);
	wire_put_u32(&out, uid);
	wire_put_view(&out, name);
	return send(fd, answer, out.len, MSG_NOSIGNAL) == (ssize_t)out.len;
}

/* Nothing of the keeper goes along: no store, no socket, no signal handler. */
static _Noreturn void
be_process(int fd, const char *file)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGTERM, SIG_DFL);
	if (dup2(fd, 3) != 3 || close_range(4, ~0U, 0) != 0)
		_exit(1);
	while (serve(3, file))
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
	if (a->looks > 0 && a->ops.look != NULL)
		a->ops.look(a->arg, "", ACCOUNT_NONE, ACCOUNT_UNCLEAR);
	a->looks = 0;
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
		be_process(fds[1], a->file);
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
static bool
send_question(struct account *a, enum question what, const char *user,
              uid_t known)
{
	uint8_t question[QUESTION_MAX];
	struct wire_out out = wire_out(question, sizeof(question));

	wire_put_u8(&out, (uint8_t)what);
	wire_put_u32(&out, known);
	wire_put_view(&out, wire_view_text(user));
	if (!wire_out_ok(&out) || (a->fd < 0 && !start(a)))
		return false;
	if (send(a->fd, question, out.len, MSG_DONTWAIT | MSG_NOSIGNAL) ==
	    (ssize_t)out.len)
		return true;
	if (errno != EAGAIN)
		stop(a);
	return false;
}

static void
ask(struct account *a, struct key *key, time_t now)
{
	if (send_question(a, QUESTION_FIND, key->user, ACCOUNT_NONE))
		key->asked_at = now;
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

bool
account_is_own(const struct account *account, const char *user)
{
	const struct key *key = find_key(account, user);

	return key != NULL && key->uid != ACCOUNT_NONE && key->own;
}

bool
account_look(struct account *account, const char *user, uid_t uid)
{
	time_t now = time(NULL);

	if (account->looks > 0 &&
	    now - account->looked_at > ACCOUNT_PATIENCE_S) {
		log_note(LOG_WARNING, "account", "the look-up took too long");
		stop(account);
	}
	if (!send_question(account, QUESTION_LOOK, user, uid))
		return false;
	account->looks++;
	account->looked_at = now;
	return true;
}

size_t
account_looks(const struct account *account)
{
	return account->looks;
}

/* While nobody can be asked, what was known before is the best there is. */
static void
take_found(struct account *a, const char *user, enum answer answer, uid_t uid)
{
	struct key *key = find_key(a, user);

	if (key == NULL)
		return;
	key->asked_at = 0;
	if (answer == ANSWER_UNCLEAR && key->uid != ACCOUNT_NONE)
		return;
	key->known_at = time(NULL);
	key->own = answer == ANSWER_OWN;
	if (key->uid == uid)
		return;
	key->uid = uid;
	a->ops.change(a->arg, user);
}

static void
take_look(struct account *a, const char *user, enum answer answer, uid_t known)
{
	static const enum account_presence presences[] = {
	    [ANSWER_NONE] = ACCOUNT_GONE,
	    [ANSWER_OWN] = ACCOUNT_THERE,
	    [ANSWER_OTHER] = ACCOUNT_THERE,
	    [ANSWER_UNCLEAR] = ACCOUNT_UNCLEAR,
	};

	a->looks -= a->looks > 0;
	if (a->ops.look != NULL)
		a->ops.look(a->arg, user, known, presences[answer]);
}

static void
take(struct account *a, struct wire_in *in)
{
	char user[ACCOUNT_NAME_MAX] = "";
	uint8_t what = wire_u8(in);
	uint8_t answer = wire_u8(in);
	uid_t known = wire_u32(in);
	uid_t uid = wire_u32(in);
	struct wire_view name = wire_bytes(in, in->left);

	if (!wire_ok(in) || name.len >= sizeof(user) || answer > ANSWER_UNCLEAR)
		return;
	memcpy(user, name.data, name.len);
	if (what == QUESTION_LOOK)
		take_look(a, user, answer, known);
	else
		take_found(a, user, answer, uid);
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct account *a = arg;
	uint8_t answer[ANSWER_MAX];
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
	account->ops.look = NULL; /* nobody is there to be told */
	stop(account);
	while (!TAILQ_EMPTY(&account->keys))
		forget(account, TAILQ_FIRST(&account->keys));
	free(account);
}
