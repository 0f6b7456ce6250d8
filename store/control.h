/*
 * The control socket: a Unix stream socket for cardproxyctl.  One line in (see
 * request.h), one JSON document in one line out, then it is closed; "watch"
 * streams a line for each event instead, and a backup follows its line.
 *
 * Who may ask: root, the daemon's own user, and members of one group; the mode
 * of the socket and the credentials of the peer both say so.  What changes the
 * store, or copies all of it, is for the first two only: the group looks.
 */
#ifndef STORE_CONTROL_H
#define STORE_CONTROL_H

#include <event2/event.h>

#include "report.h"

struct json_object;
struct control;

enum {
	CONTROL_CONNECTIONS_MAX = 32,
	CONTROL_REQUEST_SECONDS = 5,     /* for line and body to arrive */
	CONTROL_ANSWER_SECONDS = 30,     /* without a byte taken */
	CONTROL_WATCH_BYTES = 256 * 1024 /* waiting for a slow watcher */
};

/*
 * Listen at path, in a folder that is root's or our own and nobody else can
 * write; a socket that nobody listens on any more is replaced.  source is
 * copied.  NULL: *reason says why.
 */
struct control *control_new(struct event_base *base, const char *path,
                            gid_t group, const struct report_source *source,
                            const char **reason);

/* Close all, and remove the socket. */
void control_free(struct control *control);

/* Is anybody watching?  For news that are costly to put together. */
bool control_is_watched(const struct control *control);

/* Tell the watchers; takes news.  Who does not keep up is let go. */
void control_tell(struct control *control, struct json_object *news);

/*
 * The same of what may come in thousands: a watcher that has enough to read
 * already is told afterwards how many it missed ("events-missed"), and stays.
 */
void control_tell_each(struct control *control, struct json_object *news);

#endif
