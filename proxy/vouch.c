#include "vouch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

struct vouch {
	int fd; /* -1: there is no voucher, or no more */
	bool asked;
	struct event *readable; /* NULL without a voucher */
	struct event *late;
	struct event *absent;
	vouch_answered *on_answered;
	void *arg;
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_late(evutil_socket_t fd, short what, void *arg);
static void on_absent(evutil_socket_t fd, short what, void *arg);

static bool
open_events(struct vouch *v, struct event_base *base)
{
	v->late = evtimer_new(base, on_late, v);
	v->absent = evtimer_new(base, on_absent, v);
	if (v->late == NULL || v->absent == NULL)
		return false;
	if (v->fd < 0)
		return true;
	v->readable =
	    event_new(base, v->fd, EV_READ | EV_PERSIST, on_readable, v);
	return v->readable != NULL && event_add(v->readable, NULL) == 0;
}

struct vouch *
vouch_new(struct event_base *base, int fd, vouch_answered *on_answered,
          void *arg)
{
	struct vouch *v = calloc(1, sizeof(*v));

	if (v == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return NULL;
	}
	v->fd = fd;
	v->on_answered = on_answered;
	v->arg = arg;
	if (!open_events(v, base)) {
		vouch_free(v);
		return NULL;
	}
	return v;
}

static void
drop_voucher(struct vouch *v)
{
	if (v->readable != NULL)
		event_free(v->readable);
	v->readable = NULL;
	if (v->fd >= 0)
		(void)close(v->fd);
	v->fd = -1;
}

void
vouch_free(struct vouch *v)
{
	if (v == NULL)
		return;
	drop_voucher(v);
	if (v->late != NULL)
		event_free(v->late);
	if (v->absent != NULL)
		event_free(v->absent);
	free(v);
}

/* The answer; the callee may free us. */
static void
answer(struct vouch *v, enum vouch_reason reason, struct wire_view account)
{
	(void)event_del(v->late);
	(void)event_del(v->absent);
	if (!v->asked)
		return;
	v->asked = false;
	v->on_answered(v->arg, reason, account);
}

static void
answer_plain(struct vouch *v, enum vouch_reason reason)
{
	answer(v, reason, wire_view_text(NULL));
}

static void
on_late(evutil_socket_t fd, short what, void *arg)
{
	struct vouch *v = arg;

	(void)fd;
	(void)what;
	/* What it says after that is not for the next question. */
	drop_voucher(v);
	answer_plain(v, VOUCH_LATE);
}

static void
on_absent(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer_plain(arg, VOUCH_ABSENT);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct vouch *v = arg;
	uint8_t datagram[VOUCH_MESSAGE_MAX];
	struct wire_in in;
	struct vouch_msg msg;
	ssize_t n = recv(fd, datagram, sizeof(datagram), MSG_DONTWAIT);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	in = wire_in(datagram, n > 0 ? (size_t)n : 0);
	if (n > 0 && vouch_decode(&in, &msg) && msg.type == VOUCH_ANSWER) {
		answer(v, msg.answer.reason, msg.answer.account);
		return;
	}
	drop_voucher(v);
	answer_plain(v, VOUCH_ABSENT);
}

/* One buffer holds the password, it stays out of swap, and it is wiped. */
static bool
send_question(int fd, const struct vouch_msg *msg)
{
	uint8_t datagram[VOUCH_MESSAGE_MAX];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	bool locked = mlock(datagram, sizeof(datagram)) == 0;
	bool sent;

	vouch_encode(&out, msg);
	sent = send(fd, datagram, out.len, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       (ssize_t)out.len;
	explicit_bzero(datagram, sizeof(datagram));
	if (locked)
		(void)munlock(datagram, sizeof(datagram));
	return sent;
}

bool
vouch_ask(struct vouch *v, struct wire_view user, struct wire_view password)
{
	const struct timeval patience = {VOUCH_PATIENCE_MS / 1000, 0};
	const struct timeval now = {0, 0};
	const struct vouch_msg msg = {.type = VOUCH_QUESTION,
	                              .question = {user, password}};

	if (v->asked || !vouch_text_allowed(user, VOUCH_USER_MAX) ||
	    !vouch_text_allowed(password, VOUCH_PASSWORD_MAX))
		return false;
	v->asked = true;
	if (v->fd >= 0 && send_question(v->fd, &msg))
		(void)event_add(v->late, &patience);
	else
		(void)event_add(v->absent, &now);
	return true;
}
