/*
 * What a configuration names in files: the TLS contexts, one towards clients
 * and one for each target, and the trust anchors of the host.  They are made
 * before the gate gives up root, so that keys need not be readable for the
 * service user, and before it forks, so that sessions share them.
 */
#ifndef PROXY_CONTEXTS_H
#define PROXY_CONTEXTS_H

#include "anchors.h"
#include "config.h"

struct contexts {
	SSL_CTX *server;
	SSL_CTX **clients; /* by index of target */
	size_t count;
	struct anchors *anchors; /* of the host */
};

/* False: logged, nothing is held. */
bool contexts_open(struct contexts *contexts, const struct config *config);
void contexts_clear(struct contexts *contexts);

#endif
