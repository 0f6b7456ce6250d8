/*
 * A session from inside: what session.c (its life, the relay, what it learns)
 * and session_links.c (the keeper and the gate) share.  For these files only.
 */
#ifndef PROXY_SESSION_INSIDE_H
#define PROXY_SESSION_INSIDE_H

#include "session.h"

#include "approach.h"
#include "channel.h"
#include "drdynvc.h"
#include "link.h"
#include "pump.h"
#include "ruling.h"
#include "usage.h"

enum stage {
	STAGE_APPROACH, /* until both legs speak TLS */
	STAGE_SEQUENCE, /* until the Client Info PDU */
	STAGE_RELAY,
	STAGE_CLOSING /* what is left is written */
};

struct session {
	const struct session_start *start;
	struct approach_start approach_start;
	struct event_base *base;
	enum stage stage;
	const char *waiting_for; /* what the deadline is for */
	const struct config_target *target;
	char owner[2 * RELAY_TEXT_MAX];

	struct approach *approach;
	struct leg *client;
	struct leg *server;
	bool client_gone;
	struct relay *relay;
	struct pump *pump;
	struct channel *channel;
	struct drdynvc *drdynvc;
	struct ruling *ruling;
	struct usage *usage;
	bool activated;

	struct link *gate;
	struct link *keeper;
	bool keeper_again; /* the keeper was started again since we began */
	struct event *deadline;
	struct event *tick;
	struct event *terminate;
};

/* Milliseconds of the monotonic clock. */
uint64_t session_now_ms(void);

/* Ends the session, once; the caller returns at once. */
void session_close(struct session *s, const char *why);

/* After whatever may have changed when the channel wants to be called. */
void session_arm_tick(struct session *s);

/* Open the links to the gate and the keeper; false: no memory. */
bool session_open_links(struct session *s);

/* A message for the keeper; arg is the session. */
void session_tell_keeper(void *arg, const struct keep_msg *msg);
void session_say_hello(struct session *s);

#endif
