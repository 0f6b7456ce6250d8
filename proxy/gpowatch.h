/*
 * Watches the directories of the group policies, and calls back once when they
 * have come to rest after a change: files are renamed into place, many of them
 * after each other.
 */
#ifndef PROXY_GPOWATCH_H
#define PROXY_GPOWATCH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	GPOWATCH_REST_MS = 300,   /* without a change */
	GPOWATCH_MOST_MS = 3000,  /* after the first one, rest or not */
	GPOWATCH_RETRY_MS = 10000 /* where there is nothing to watch */
};

struct gpowatch;
typedef void gpowatch_on_change(void *arg);

/* NULL: no memory, or no inotify. */
struct gpowatch *gpowatch_new(struct event_base *base,
                              gpowatch_on_change *on_change, void *arg);
void gpowatch_free(struct gpowatch *watch);

/*
 * These, from now on; those that are watched already stay so.  Call it with
 * what a look found: a change after that look is seen.  Where there is none,
 * the callback comes after a while, to look again.  False: one cannot be
 * watched.
 */
bool gpowatch_look(struct gpowatch *watch, char *const *dirs, size_t count);

#endif
