/*
 * What the files of an approach share: approach.c (its life, and the client),
 * approach_server.c (the server: address, choice, certificate).
 */
#ifndef PROXY_APPROACH_PRIVATE_H
#define PROXY_APPROACH_PRIVATE_H

#include "approach.h"
#include "x224.h"

/* In the order in which they happen. */
enum step {
	STEP_REQUEST,    /* the client's connection request */
	STEP_RESOLVE,    /* the server's address */
	STEP_CONNECT,    /* TCP to the server */
	STEP_CONFIRM,    /* the server's choice */
	STEP_SERVER_TLS, /* and its certificate */
	STEP_ANSWER,     /* the client gets the choice */
	STEP_CLIENT_TLS, /* and our certificate */
	STEP_REFUSED,    /* a refusal is being written */
	STEP_ENDED       /* on_reached or on_failed is due or done */
};

struct approach {
	const struct approach_start *start;
	const struct config_target *target;
	enum step step;
	const char *waiting_for; /* what the deadline is for */
	const char *why;         /* of a failure */
	struct event *deadline;
	struct event *ending; /* the callback comes from the loop's own turn */

	struct leg *client;
	struct leg *server;
	struct evdns_base *dns;
	struct evutil_addrinfo *addresses; /* of the target */
	struct evutil_addrinfo *address;   /* the one being tried */

	uint8_t request[X224_REQUEST_MAX]; /* as the server gets it */
	size_t request_len;
	uint8_t confirm[X224_REQUEST_MAX]; /* as the client gets it */
	size_t confirm_len;
	struct relay_negotiation negotiation;

	const struct approach_ops *ops;
	void *arg;
};

/* Another step begins, and has so long; what says what is waited for. */
void approach_enter(struct approach *a, enum step step, uint32_t ms,
                    const char *what);

/* Refuse the client with a code it can show, and say what to change. */
void approach_refuse(struct approach *a, uint32_t code, const char *why,
                     const char *remedy);

/* What came is not RDP, or breaks its rules: nothing is answered. */
void approach_drop(struct approach *a, const char *why);

/* The next whole X.224 message at the head of a buffer; it stays there. */
enum approach_found {
	APPROACH_FOUND_NOTHING,
	APPROACH_FOUND_MESSAGE,
	APPROACH_FOUND_GARBAGE
};
enum approach_found approach_next_message(struct evbuffer *in,
                                          struct wire_view *message);

/* The request is kept: find the server and let it choose. */
void approach_resolve(struct approach *a);

/* It has chosen, and it is who it should be. */
void approach_answer_client(struct approach *a);

#endif
