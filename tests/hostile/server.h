/*
 * The server behind the proxy: each connection in a thread, through the
 * sequence as far as activation, then by the part that was chosen when the
 * connection came.
 */
#ifndef TESTS_HOSTILE_SERVER_H
#define TESTS_HOSTILE_SERVER_H

#include "end.h"
#include "fake_server.h"

struct server {
	struct end end;
	struct fake_server fake; /* of servers that speak rdpdr */
};

/*
 * What a server does after activation; when it returns, the server reads until
 * the end.  NULL: nothing.
 */
typedef void server_part(struct server *s);

/* Listen on a port of 127.0.0.1 and serve for ever. */
void server_start(uint16_t port, const char *cert, const char *key);

/* For the connections to come.  early plays instead of the sequence. */
void server_play(server_part *early, server_part *part);

/* Frames of the I/O channel that have come from clients, all together. */
unsigned server_heard(void);

/* Read what comes for that long, and let fake answer. */
void server_run(struct server *s, unsigned ms);

#endif
