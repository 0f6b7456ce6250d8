/*
 * One RDP connection: the process that a fork of the gate becomes.  It holds
 * both legs, the relay and the channel, and nothing of any other session.
 */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include <event2/event.h>
#include <openssl/ssl.h>

#include "anchors.h"
#include "config.h"
#include "keep.h"
#include "sandbox.h"

/* Milliseconds. */
enum {
	SESSION_SEQUENCE_MS = 30000, /* from TLS to the Client Info PDU */
	SESSION_SETTLE_MS = 2000,    /* from activation to rest */
	SESSION_LINGER_MS = 2000     /* to write what is left at the end */
};

struct session_start {
	struct event_base *base; /* of this process, without events */
	struct config *config;   /* taken */
	const char *config_path;
	size_t listener;               /* index of the [listen] section */
	SSL_CTX *server_tls;           /* towards clients; borrowed */
	SSL_CTX *const *client_tls;    /* towards servers, by index of target */
	const struct anchors *anchors; /* of the host; borrowed */
	int client_fd;                 /* the four descriptors are taken */
	int gate_fd;
	int keeper_fd;
	int vouch_fd; /* for vouch_new; -1: nobody checks passwords */
	const struct sandbox *sandbox; /* borrowed */
	uint8_t id[KEEP_ID_LEN];
	int64_t started_at;   /* seconds since the epoch */
	char client_addr[64]; /* text, without the port */
};

/* Serve the connection to its end; returns the exit status of the process. */
int session_run(const struct session_start *start);

#endif
