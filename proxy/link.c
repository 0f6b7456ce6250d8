#include "link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

struct waiting {
	TAILQ_ENTRY(waiting) next;
	int fd;
	size_t len;
	uint8_t data[];
};

struct link {
	int fd;
	bool closed;
	size_t queued; /* bytes */
	TAILQ_HEAD(, waiting) queue;
	struct event *readable;
	struct event *writable;
	const struct link_ops *ops;
	void *arg;
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

bool
link_pair(int fds[2])
{
	return socketpair(AF_UNIX,
	                  SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	                  fds) == 0;
}

struct link *
link_new(struct event_base *base, int fd, const struct link_ops *ops, void *arg)
{
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL) {
		(void)close(fd);
		return NULL;
	}
	link->fd = fd;
	link->ops = ops;
	link->arg = arg;
	TAILQ_INIT(&link->queue);
	link->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(base, fd, EV_WRITE, on_writable, link);
	if (link->readable == NULL || link->writable == NULL ||
	    event_add(link->readable, NULL) != 0) {
		link_free(link);
		return NULL;
	}
	return link;
}

static void
drop_first(struct link *link)
{
	struct waiting *w = TAILQ_FIRST(&link->queue);

	TAILQ_REMOVE(&link->queue, w, next);
	link->queued -= w->len;
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w);
}

void
link_free(struct link *link)
{
	if (link == NULL)
		return;
	while (!TAILQ_EMPTY(&link->queue))
		drop_first(link);
	if (link->readable != NULL)
		event_free(link->readable);
	if (link->writable != NULL)
		event_free(link->writable);
	(void)close(link->fd);
	free(link);
}

/* The owner may free the link in its callback, but not under a caller's feet.
 */
static void
link_fail(struct link *link)
{
	if (link->closed)
		return;
	link->closed = true;
	(void)event_del(link->writable);
	(void)event_del(link->readable);
	event_active(link->readable, EV_READ, 0);
}

/* 1: sent, 0: no room, -1: failed. */
static int
send_one(int sock, const struct waiting *w)
{
	struct iovec iov = {(void *)(uintptr_t)w->data, w->len};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (w->fd >= 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof(control));
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &w->fd, sizeof(int));
	}
	if (sendmsg(sock, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 1;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : -1;
}

static void
flush(struct link *link)
{
	while (!link->closed && !TAILQ_EMPTY(&link->queue)) {
		int sent = send_one(link->fd, TAILQ_FIRST(&link->queue));

		if (sent > 0) {
			drop_first(link);
			continue;
		}
		if (sent == 0)
			(void)event_add(link->writable, NULL);
		else
			link_fail(link);
		return;
	}
}

void
link_send(struct link *link, struct wire_view message, int fd)
{
	struct waiting *w = malloc(sizeof(*w) + message.len);

	if (w == NULL || link->queued + message.len > LINK_QUEUE_MAX) {
		free(w);
		if (fd >= 0)
			(void)close(fd);
		link_fail(link);
		return;
	}
	w->fd = fd;
	w->len = message.len;
	if (message.len > 0)
		memcpy(w->data, message.data, message.len);
	TAILQ_INSERT_TAIL(&link->queue, w, next);
	link->queued += w->len;
	flush(link);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	flush(arg);
}

/* The descriptor that came along, or -1. */
static int
received_fd(struct msghdr *msg)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

static void
on_readable(evutil_socket_t sock, short what, void *arg)
{
	static uint8_t data[LINK_DATAGRAM_MAX];
	struct link *link = arg;
	struct iovec iov = {data, sizeof(data)};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = {
	    .msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    /* without the padding, which has room for a second
	     * descriptor: the kernel closes what is too much */
	    .msg_controllen = CMSG_LEN(sizeof(int))};
	struct wire_view message = {data, 0};
	ssize_t n;

	(void)what;
	n = link->closed ? 0 : recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		link->closed = true;
		link->ops->on_closed(link->arg);
		return;
	}
	message.len = (size_t)n;
	link->ops->on_message(link->arg, message, received_fd(&msg));
}
