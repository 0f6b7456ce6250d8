#include "voucher.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "failures.h"
#include "link.h"
#include "log.h"
#include "orphans.h"
#include "passcheck.h"
#include "steady.h"

enum {
	HOLD_SPREAD_MS = 500,
	LAST_TURNS = 100, /* to see all children end */
	LAST_TURN_US = 10000
};

/* A session that may ask; it has one question at a time. */
struct asker {
	TAILQ_ENTRY(asker) next;
	struct voucher *voucher;
	int fd;
	struct event *readable;
	char client[VOUCH_CLIENT_MAX + 1];
	struct check *check; /* NULL: no question is open */
};

/*
 * A question until it is answered and its process, if it has one, is gone.
 * RUNNING: the process is to say something; HELD: the answer waits for its
 * time; ENDED: only the process is waited for.
 */
enum check_state { CHECK_RUNNING, CHECK_HELD, CHECK_ENDED };

struct check {
	TAILQ_ENTRY(check) next;
	struct voucher *voucher;
	struct asker *asker; /* NULL: the session is over */
	enum check_state state;
	pid_t pid; /* 0: none, or it has been reaped */
	int fd;    /* what the process says; -1: all is said */
	struct event *readable;
	struct event *timer; /* its deadline, then the answer's time */
	uint64_t asked_ms;
	char client[VOUCH_CLIENT_MAX + 1];
	char user[VOUCH_USER_MAX + 1];
	enum vouch_reason reason;
	char account[VOUCH_USER_MAX + 1];
};

struct voucher {
	const struct voucher_config *config;
	struct event_base *base;
	struct link *gate;
	struct event *reaper;
	struct failures *failures;
	uint8_t *datagram; /* a question, locked into memory */
	TAILQ_HEAD(, asker) askers;
	TAILQ_HEAD(, check) checks;
};

static void on_gate_message(void *arg, struct wire_view message, int fd);
static void on_gate_closed(void *arg);
static void on_question(evutil_socket_t fd, short what, void *arg);
static void on_checked(evutil_socket_t fd, short what, void *arg);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_child(evutil_socket_t sig, short what, void *arg);

static const struct link_ops gate_ops = {on_gate_message, on_gate_closed};

static void
free_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

/*
 * Sessions come from the gate and go by themselves.
 */

static void
drop_asker(struct asker *a)
{
	TAILQ_REMOVE(&a->voucher->askers, a, next);
	if (a->check != NULL)
		a->check->asker = NULL;
	free_event(&a->readable);
	(void)close(a->fd);
	free(a);
}

static void
add_asker(struct voucher *v, struct wire_view client, int fd)
{
	struct asker *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		(void)close(fd);
		return;
	}
	a->voucher = v;
	a->fd = fd;
	memcpy(a->client, client.data, client.len);
	TAILQ_INSERT_TAIL(&v->askers, a, next);
	a->readable =
	    event_new(v->base, fd, EV_READ | EV_PERSIST, on_question, a);
	if (a->readable == NULL || event_add(a->readable, NULL) != 0)
		drop_asker(a);
}

static void
on_gate_message(void *arg, struct wire_view message, int fd)
{
	struct wire_in in = wire_in_view(message);
	struct vouch_msg msg;

	if (fd >= 0 && vouch_decode(&in, &msg) && msg.type == VOUCH_ATTACH)
		add_asker(arg, msg.client, fd);
	else if (fd >= 0)
		(void)close(fd);
}

static void
on_gate_closed(void *arg)
{
	struct voucher *v = arg;

	(void)event_base_loopbreak(v->base);
}

/*
 * A check, from the question to the answer.
 */

static void
free_check(struct check *c)
{
	TAILQ_REMOVE(&c->voucher->checks, c, next);
	if (c->asker != NULL)
		c->asker->check = NULL;
	free_event(&c->readable);
	free_event(&c->timer);
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c);
}

/* The user is what the client says and the account PAM: no password in sight.
 */
static void
log_answer(const struct check *c)
{
	bool yes = c->reason == VOUCH_ACCEPTED;
	struct log_event ev =
	    log_event(yes ? LOG_INFO : LOG_WARNING, "password-check");

	log_text(&ev, "client", c->client);
	log_text(&ev, "user", c->user);
	if (yes)
		log_text(&ev, "account", c->account);
	log_text(&ev, "result", vouch_reason_name(c->reason));
	log_write(&ev);
}

/* One that does not take its answer has lost it. */
static void
answer(struct check *c)
{
	uint8_t datagram[VOUCH_MESSAGE_MAX];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	const struct vouch_msg msg = {
	    .type = VOUCH_ANSWER,
	    .answer = {c->reason, wire_view_text(c->account)}};

	log_answer(c);
	c->state = CHECK_ENDED;
	if (c->asker != NULL) {
		vouch_encode(&out, &msg);
		(void)send(c->asker->fd, datagram, out.len,
		           MSG_NOSIGNAL | MSG_DONTWAIT);
		c->asker->check = NULL;
		c->asker = NULL;
	}
	if (c->pid == 0)
		free_check(c);
}

/* A refusal is told when its time has come, and a bit of chance later. */
static void
hold_answer(struct check *c)
{
	uint64_t due = c->asked_ms + c->voucher->config->hold_ms;
	uint64_t now = steady_now_ms();
	uint16_t chance = 0;
	struct timeval wait = {0, 0};

	(void)RAND_bytes((uint8_t *)&chance, sizeof(chance));
	due += chance % HOLD_SPREAD_MS;
	if (due > now) {
		wait.tv_sec = (time_t)((due - now) / 1000);
		wait.tv_usec = (suseconds_t)((due - now) % 1000 * 1000);
	}
	c->state = CHECK_HELD;
	if (event_add(c->timer, &wait) != 0)
		answer(c);
}

static void
settle(struct check *c, enum vouch_reason reason)
{
	struct voucher *v = c->voucher;

	c->reason = reason;
	free_event(&c->readable);
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	(void)event_del(c->timer);
	if (c->pid > 0 && reason != VOUCH_ACCEPTED)
		(void)kill(-c->pid, SIGKILL);
	if (reason == VOUCH_ACCEPTED)
		failures_forgive(v->failures, wire_view_text(c->client),
		                 wire_view_text(c->user));
	if (reason == VOUCH_ACCEPTED)
		answer(c);
	else
		hold_answer(c);
}

static void
on_checked(evutil_socket_t fd, short what, void *arg)
{
	uint8_t datagram[VOUCH_MESSAGE_MAX];
	struct check *c = arg;
	struct wire_in in;
	struct vouch_msg msg;
	ssize_t n = recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	in = wire_in(datagram, n > 0 ? (size_t)n : 0);
	if (n <= 0 || !vouch_decode(&in, &msg) || msg.type != VOUCH_ANSWER) {
		settle(c, VOUCH_FAILED);
		return;
	}
	if (msg.answer.reason == VOUCH_ACCEPTED)
		memcpy(c->account, msg.answer.account.data,
		       msg.answer.account.len);
	settle(c, msg.answer.reason);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct check *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CHECK_RUNNING)
		settle(c, VOUCH_LATE);
	else
		answer(c);
}

static struct check *
check_of(struct voucher *v, pid_t pid)
{
	struct check *c;

	TAILQ_FOREACH (c, &v->checks, next) {
		if (c->pid == pid)
			break;
	}
	return c;
}

static bool
is_check(void *arg, pid_t pid)
{
	return check_of(arg, pid) != NULL;
}

/* What a module has started ends with the check. */
static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	struct voucher *v = arg;
	struct check *c;
	pid_t pid;

	(void)sig;
	(void)what;
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		c = check_of(v, pid);
		if (c == NULL)
			continue;
		c->pid = 0;
		if (c->state == CHECK_ENDED)
			free_check(c);
	}
	orphans_end(is_check, v);
}

/*
 * The process of a check.
 */

/* Everything of ours but the question is out of its reach. */
_Noreturn static void
check_child(const struct check *c, int fd, const struct vouch_msg *question)
{
	const struct voucher_config *config = c->voucher->config;
	const struct passcheck check = {.service = config->service,
	                                .confdir = config->confdir,
	                                .client = wire_view_text(c->client),
	                                .user = question->question.user,
	                                .password =
	                                    question->question.password};
	char account[VOUCH_USER_MAX + 1];
	uint8_t datagram[VOUCH_MESSAGE_MAX];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	struct vouch_msg msg = {.type = VOUCH_ANSWER};

	(void)signal(SIGCHLD, SIG_DFL); /* the loop's is not for here */
	confine_descriptors(&fd, 1);
	if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
	    !confine_check())
		_exit(EXIT_FAILURE);
	msg.answer.reason = passcheck_run(&check, account);
	explicit_bzero(c->voucher->datagram, VOUCH_MESSAGE_MAX);
	msg.answer.account = wire_view_text(account);
	vouch_encode(&out, &msg);
	_exit(send(fd, datagram, out.len, MSG_NOSIGNAL) < 0);
}

static bool
start_child(struct check *c, const struct vouch_msg *question)
{
	int fds[2];

	if (!link_pair(fds))
		return false;
	c->pid = fork();
	if (c->pid == 0)
		check_child(c, fds[1], question);
	(void)close(fds[1]);
	c->fd = fds[0];
	if (c->pid < 0) {
		c->pid = 0;
		return false;
	}
	(void)setpgid(c->pid, c->pid); /* whoever is first */
	c->readable = event_new(c->voucher->base, c->fd, EV_READ | EV_PERSIST,
	                        on_checked, c);
	return c->readable != NULL && event_add(c->readable, NULL) == 0;
}

/* Why it cannot be checked now; VOUCH_ACCEPTED: it can. */
static enum vouch_reason
refusal(struct voucher *v, const struct check *asked)
{
	unsigned all = 0, of_client = 0;
	const struct check *c;

	TAILQ_FOREACH (c, &v->checks, next) {
		if (c->pid == 0)
			continue;
		all++;
		of_client += strcmp(c->client, asked->client) == 0;
	}
	if (failures_limit(v->failures, wire_view_text(asked->client),
	                   wire_view_text(asked->user),
	                   (int64_t)(steady_now_ms() / 1000)))
		return VOUCH_LIMITED;
	if (all >= VOUCHER_CHECKS || of_client >= VOUCHER_CHECKS_OF_CLIENT)
		return VOUCH_BUSY;
	return VOUCH_ACCEPTED;
}

static struct check *
new_check(struct asker *a, struct wire_view user)
{
	struct check *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->voucher = a->voucher;
	c->fd = -1;
	c->asked_ms = steady_now_ms();
	memcpy(c->client, a->client, sizeof(c->client));
	memcpy(c->user, user.data, user.len);
	c->timer = evtimer_new(a->voucher->base, on_timer, c);
	if (c->timer == NULL) {
		free(c);
		return NULL;
	}
	c->asker = a;
	a->check = c;
	TAILQ_INSERT_TAIL(&a->voucher->checks, c, next);
	return c;
}

static void
start_check(struct asker *a, const struct vouch_msg *question)
{
	struct voucher *v = a->voucher;
	const struct timeval deadline = {v->config->check_ms / 1000,
	                                 v->config->check_ms % 1000 * 1000};
	struct check *c = new_check(a, question->question.user);
	enum vouch_reason why;

	if (c == NULL) {
		drop_asker(a);
		return;
	}
	why = refusal(v, c);
	if (why != VOUCH_ACCEPTED) {
		c->reason = why;
		hold_answer(c);
		return;
	}
	failures_add(v->failures, wire_view_text(c->client),
	             question->question.user,
	             (int64_t)(steady_now_ms() / 1000));
	if (!start_child(c, question) || event_add(c->timer, &deadline) != 0)
		settle(c, VOUCH_FAILED);
}

/* A second question before the answer is against the rules, as is any other
 * word: such a session is not listened to any more. */
static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	struct asker *a = arg;
	uint8_t *datagram = a->voucher->datagram;
	struct wire_in in;
	struct vouch_msg msg;
	ssize_t n = recv(fd, datagram, VOUCH_MESSAGE_MAX, MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	in = wire_in(datagram, n > 0 ? (size_t)n : 0);
	if (n > 0 && a->check == NULL && vouch_decode(&in, &msg) &&
	    msg.type == VOUCH_QUESTION)
		start_check(a, &msg);
	else
		drop_asker(a);
	explicit_bzero(datagram, VOUCH_MESSAGE_MAX);
}

/*
 * The process.
 */

static bool
open_voucher(struct voucher *v, int gate_fd)
{
	TAILQ_INIT(&v->askers);
	TAILQ_INIT(&v->checks);
	v->base = event_base_new();
	v->failures = failures_new();
	v->datagram = mmap(NULL, VOUCH_MESSAGE_MAX, PROT_READ | PROT_WRITE,
	                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (v->base == NULL || v->failures == NULL ||
	    v->datagram == MAP_FAILED) {
		(void)close(gate_fd);
		return false;
	}
	(void)mlock(v->datagram, VOUCH_MESSAGE_MAX);
	v->gate = link_new(v->base, gate_fd, &gate_ops, v);
	v->reaper = evsignal_new(v->base, SIGCHLD, on_child, v);
	return v->gate != NULL && v->reaper != NULL &&
	       event_add(v->reaper, NULL) == 0;
}

/* All that run are killed and, if they let themselves, seen to end. */
static void
end_children(struct voucher *v)
{
	for (int turn = 0; turn < LAST_TURNS; turn++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0)
			return;
		orphans_end(is_check, v);
		if (pid == 0)
			(void)usleep(LAST_TURN_US);
	}
}

static void
close_voucher(struct voucher *v)
{
	while (!TAILQ_EMPTY(&v->checks)) {
		struct check *c = TAILQ_FIRST(&v->checks);

		free_check(c);
	}
	end_children(v);
	while (!TAILQ_EMPTY(&v->askers))
		drop_asker(TAILQ_FIRST(&v->askers));
	link_free(v->gate);
	free_event(&v->reaper);
	failures_free(v->failures);
	if (v->datagram != NULL && v->datagram != MAP_FAILED)
		(void)munmap(v->datagram, VOUCH_MESSAGE_MAX);
	if (v->base != NULL)
		event_base_free(v->base);
}

/* A terminal's and an operator's signals are for the gate, whose end is ours.
 */
static void
ignore_signals(void)
{
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
}

int
voucher_run(const struct voucher_config *config, int gate_fd)
{
	struct voucher v = {.config = config};
	bool opened;

	ignore_signals();
	confine_descriptors(&gate_fd, 1);
	opened = open_voucher(&v, gate_fd) && orphans_adopt();
	if (opened)
		(void)event_base_dispatch(v.base);
	close_voucher(&v);
	return opened ? EXIT_SUCCESS : EXIT_FAILURE;
}
