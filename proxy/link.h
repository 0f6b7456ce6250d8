/*
 * One end of a SOCK_SEQPACKET pair between two processes of the daemon, on the
 * loop: whole datagrams, some with a descriptor.  What does not fit into the
 * socket waits in a bounded queue.
 */
#ifndef PROXY_LINK_H
#define PROXY_LINK_H

#include <event2/event.h>

#include "wire.h"

enum {
	LINK_DATAGRAM_MAX = 64 * 1024,
	LINK_QUEUE_MAX = 8 * 1024 * 1024 /* bytes that wait, then it is full */
};

struct link_ops {
	/* One datagram, borrowed; fd is -1 or now the callee's. */
	void (*on_message)(void *arg, struct wire_view message, int fd);
	/* The other end is gone, or the queue is full.  Call link_free. */
	void (*on_closed)(void *arg);
};

struct link;

/* Takes fd.  NULL: no memory, fd is closed. */
struct link *link_new(struct event_base *base, int fd,
                      const struct link_ops *ops, void *arg);
void link_free(struct link *link);

/*
 * Send a copy of one datagram; fd is -1 or goes along (taken: it is closed here
 * once sent).  Failures show as on_closed.
 */
void link_send(struct link *link, struct wire_view message, int fd);

/* Both ends of a new pair, non-blocking and close-on-exec. */
bool link_pair(int fds[2]);

#endif
