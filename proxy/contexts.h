/*
 * The TLS contexts of a configuration: one towards clients, one for each
 * target. They are made before the gate gives up root, so that keys need not be
 * readable for the service user.
 */
#ifndef PROXY_CONTEXTS_H
#define PROXY_CONTEXTS_H

#include "config.h"

struct contexts {
	SSL_CTX *server;
	SSL_CTX **clients; /* by index of target */
	size_t count;
};

/* False: logged, nothing is held. */
bool contexts_open(struct contexts *contexts, const struct config *config);
void contexts_clear(struct contexts *contexts);

#endif
