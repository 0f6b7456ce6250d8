#include "listeners.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void on_acceptable(evutil_socket_t fd, short what, void *arg);

/* A listening socket; on a failure -1 and a line in the log. */
static int
open_socket(const struct config_listener *wanted)
{
	const struct sockaddr *addr = (const struct sockaddr *)&wanted->address;
	int on = 1;
	int fd = socket(addr->sa_family,
	                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct log_event ev;

	if (fd >= 0) {
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(fd, addr, wanted->address_len) == 0 &&
		    listen(fd, SOMAXCONN) == 0)
			return fd;
	}
	ev = log_event(LOG_ERROR, "listen");
	log_text(&ev, "section", wanted->name);
	log_text(&ev, "reason", strerror(errno));
	log_write(&ev);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* The open socket of this address, or -1. */
static int
find_socket(const struct listeners *ls, const struct config_listener *wanted)
{
	struct sockaddr_storage have;
	socklen_t len;

	for (size_t i = 0; i < ls->count; i++) {
		memset(&have, 0, sizeof(have));
		len = sizeof(have);
		if (getsockname(ls->list[i].fd, (struct sockaddr *)&have,
		                &len) == 0 &&
		    len == wanted->address_len &&
		    memcmp(&have, &wanted->address, len) == 0)
			return ls->list[i].fd;
	}
	return -1;
}

static bool
has_socket(const struct listener *list, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].fd == fd)
			return true;
	}
	return false;
}

/* Free a list; sockets that are in another list stay open. */
static void
free_list(struct listener *list, size_t count, const struct listener *keep,
          size_t keep_count)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].event != NULL)
			event_free(list[i].event);
		if (list[i].fd >= 0 &&
		    !has_socket(keep, keep_count, list[i].fd))
			(void)close(list[i].fd);
	}
	free(list);
}

bool
listeners_replace(struct listeners *ls, const struct config *config)
{
	size_t count = config->listener_count;
	struct listener *list = calloc(count, sizeof(*list));
	bool ok = list != NULL;
	size_t made = 0;

	for (; ok && made < count; made++) {
		struct listener *l = &list[made];

		l->index = made;
		l->all = ls;
		l->fd = find_socket(ls, &config->listeners[made]);
		if (l->fd < 0)
			l->fd = open_socket(&config->listeners[made]);
		if (l->fd >= 0)
			l->event =
			    event_new(ls->base, l->fd, EV_READ | EV_PERSIST,
			              on_acceptable, l);
		ok = l->event != NULL;
	}
	if (!ok) {
		free_list(list, made, ls->list, ls->count);
		return false;
	}
	free_list(ls->list, ls->count, list, count);
	ls->list = list;
	ls->count = count;
	for (size_t i = 0; i < count; i++)
		(void)event_add(list[i].event, NULL);
	return true;
}

bool
listeners_open(struct listeners *ls, struct event_base *base,
               const struct config *config, void (*on_accepted)(void *arg),
               void *arg)
{
	memset(ls, 0, sizeof(*ls));
	ls->base = base;
	ls->on_accepted = on_accepted;
	ls->arg = arg;
	ls->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return listeners_replace(ls, config);
}

void
listeners_close(struct listeners *ls)
{
	struct accepted a;

	if (ls->base == NULL)
		return;
	while (listeners_next(ls, &a))
		(void)close(a.fd);
	free_list(ls->list, ls->count, NULL, 0);
	if (ls->spare_fd >= 0)
		(void)close(ls->spare_fd);
	memset(ls, 0, sizeof(*ls));
}

bool
listeners_next(struct listeners *ls, struct accepted *accepted)
{
	if (ls->waiting_count == 0)
		return false;
	*accepted = ls->waiting[--ls->waiting_count];
	return true;
}

/*
 * Out of descriptors: the connection is taken with the spare one and closed, so
 * that it does not keep the loop busy.
 */
static void
shed(struct listeners *ls, int listener)
{
	int fd;

	(void)close(ls->spare_fd);
	fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		(void)close(fd);
	ls->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	log_note(LOG_WARNING, "connection-dropped", "no descriptors left");
}

static void
on_acceptable(evutil_socket_t sock, short what, void *arg)
{
	struct listener *l = arg;
	struct listeners *ls = l->all;
	struct sockaddr_storage addr;
	struct accepted *a;
	socklen_t len;

	(void)what;
	while (ls->waiting_count < LISTENERS_BATCH) {
		len = sizeof(addr);
		a = &ls->waiting[ls->waiting_count];
		a->fd = accept4(sock, (struct sockaddr *)&addr, &len,
		                SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (a->fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				shed(ls, sock);
			break;
		}
		a->listener = l->index;
		a->addr[0] = '\0';
		(void)getnameinfo((struct sockaddr *)&addr, len, a->addr,
		                  sizeof(a->addr), NULL, 0, NI_NUMERICHOST);
		ls->waiting_count++;
	}
	if (ls->waiting_count > 0)
		ls->on_accepted(ls->arg);
}
