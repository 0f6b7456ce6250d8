/*
 * The approach: from the client's first byte to the moment when both legs speak
 * TLS.  It reads the connection request, chooses the target, reaches the
 * server, judges its choice and its certificate, and only then answers the
 * client.  Each step has its deadline.  A refusal reaches the client as an
 * RDP_NEG_FAILURE
 * ([MS-RDPBCGR] 2.2.1.2.2) and the log as a line that says what to change.
 */
#ifndef PROXY_APPROACH_H
#define PROXY_APPROACH_H

#include "config.h"
#include "leg.h"
#include "relay.h"

/* Milliseconds. */
enum {
	APPROACH_REQUEST_MS = 5000,  /* for the client's connection request */
	APPROACH_CONNECT_MS = 10000, /* to find and reach the server */
	APPROACH_CONFIRM_MS = 10000, /* for its answer */
	APPROACH_TLS_MS = 10000,     /* for one handshake */
	APPROACH_LINGER_MS = 2000    /* for a refusal to be written */
};

struct approach_start {
	struct event_base *base;
	const struct config *config;
	size_t listener;            /* index of the [listen] section */
	SSL_CTX *server_tls;        /* towards clients */
	SSL_CTX *const *client_tls; /* towards servers, by index of target */
	int client_fd;              /* taken */
};

/* Both legs are up and without callbacks: leg_set_ops. */
struct approach_result {
	struct leg *client; /* the receiver's now, like server */
	struct leg *server;
	const struct config_target *target;
	struct relay_negotiation negotiation;
};

/* Exactly one of these comes; the approach may be freed in it. */
struct approach_ops {
	void (*on_reached)(void *arg, const struct approach_result *result);
	void (*on_failed)(void *arg, const char *why);
};

struct approach;

/* start is borrowed as long as the approach lives.  NULL: no memory. */
struct approach *approach_new(const struct approach_start *start,
                              const struct approach_ops *ops, void *arg);
void approach_free(struct approach *a);

#endif
