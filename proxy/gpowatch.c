#include "gpowatch.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "steady.h"

struct gpowatch {
	gpowatch_on_change *on_change;
	void *arg;
	int fd;
	struct event *readable;
	struct event *rest;
	uint64_t first_ms; /* of the changes not yet told; 0: none */
};

static const uint32_t changes = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM |
                                IN_CREATE | IN_DELETE | IN_DELETE_SELF |
                                IN_MOVE_SELF | IN_ATTRIB | IN_ONLYDIR;

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_rest(evutil_socket_t fd, short what, void *arg);

struct gpowatch *
gpowatch_new(struct event_base *base, gpowatch_on_change *on_change, void *arg)
{
	struct gpowatch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->on_change = on_change;
	w->arg = arg;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd >= 0)
		w->readable = event_new(base, w->fd, EV_READ | EV_PERSIST,
		                        on_readable, w);
	w->rest = evtimer_new(base, on_rest, w);
	if (w->readable != NULL && w->rest != NULL &&
	    event_add(w->readable, NULL) == 0)
		return w;
	gpowatch_free(w);
	return NULL;
}

void
gpowatch_free(struct gpowatch *watch)
{
	if (watch == NULL)
		return;
	if (watch->readable != NULL)
		event_free(watch->readable);
	if (watch->rest != NULL)
		event_free(watch->rest);
	if (watch->fd >= 0)
		(void)close(watch->fd);
	free(watch);
}

static void
arm(struct gpowatch *w, unsigned ms)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	(void)event_add(w->rest, &tv);
}

bool
gpowatch_look(struct gpowatch *watch, char *const *dirs, size_t count)
{
	bool all = true;

	/* The same directory again is the same watch. */
	for (size_t i = 0; i < count; i++)
		if (inotify_add_watch(watch->fd, dirs[i], changes) < 0 &&
		    errno != ENOENT)
			all = false;
	if (count == 0)
		arm(watch, GPOWATCH_RETRY_MS);
	return all;
}

/*
 * Which file it was is of no interest: all are read again.  Directories are
 * only added when a look found them; a file that came before that was seen by
 * the look, or by its parent's event.
 */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct gpowatch *w = arg;
	char events[4096];
	uint64_t now = steady_now_ms();

	(void)what;
	while (read(fd, events, sizeof(events)) > 0)
		continue;
	if (w->first_ms == 0)
		w->first_ms = now;
	if (now - w->first_ms < GPOWATCH_MOST_MS)
		arm(w, GPOWATCH_REST_MS);
}

static void
on_rest(evutil_socket_t fd, short what, void *arg)
{
	struct gpowatch *w = arg;

	(void)fd;
	(void)what;
	w->first_ms = 0;
	w->on_change(w->arg);
}
