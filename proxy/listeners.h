/*
 * The gate's listening sockets: one for each [listen] section.  Connections are
 * accepted in the loop and handed out after it, since a fork belongs outside.
 */
#ifndef PROXY_LISTENERS_H
#define PROXY_LISTENERS_H

#include <event2/event.h>

#include "config.h"

enum { LISTENERS_BATCH = 32 };

/* One accepted connection; fd is the receiver's. */
struct accepted {
	int fd;
	size_t listener;
	char addr[64]; /* of the client, text without the port */
};

struct listener {
	int fd;
	size_t index;
	struct event *event;
	struct listeners *all;
};

struct listeners {
	struct event_base *base;
	struct listener *list; /* pointers into it are held by events */
	size_t count;
	struct accepted waiting[LISTENERS_BATCH];
	size_t waiting_count;
	int spare_fd; /* given up for a moment when there is none left */
	void (*on_accepted)(void *arg);
	void *arg;
};

/* False: logged, with the address that cannot be listened on. */
bool listeners_open(struct listeners *ls, struct event_base *base,
                    const struct config *config, void (*on_accepted)(void *arg),
                    void *arg);

/* Sockets of addresses in both stay open.  False: logged, all is as before. */
bool listeners_replace(struct listeners *ls, const struct config *config);
void listeners_close(struct listeners *ls);

/* The next connection; false: none. */
bool listeners_next(struct listeners *ls, struct accepted *accepted);

#endif
