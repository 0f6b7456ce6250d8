/*
 * What a session does with cards, for people: each call becomes an event
 * "card-use" of the log and of "cardproxyctl watch", and counts.  Of a command
 * only its four header bytes, lengths and status word are known here: no body
 * comes by.  What a status word says of a PIN is an event of its own.
 *
 * The log has all calls.  The keeper is told as many as a watcher could read,
 * then how many were left out; its counters are brought up to date each second.
 */
#ifndef PROXY_USAGE_H
#define PROXY_USAGE_H

#include <event2/event.h>

#include "keep.h"

enum {
	USAGE_TOLD_BURST = 64,   /* events for the keeper at once */
	USAGE_TOLD_EVERY_MS = 50 /* then one for each such time */
};

/* One call that has ended; all borrowed. */
struct usage_call {
	const char *reader;   /* NULL: of no reader */
	struct wire_view atr; /* of its card, empty: not known */
	const char *asker;    /* who called: "server", ... */
	const char *call;     /* "Transmit", ... */
	bool is_command;      /* it carried an APDU: the next five count */
	uint8_t header[4];    /* CLA INS P1 P2 */
	uint32_t sent;        /* bytes */
	uint32_t received;    /* with the status word */
	bool answered;        /* sw is there */
	uint16_t sw;
	uint32_t ms; /* until its answer */
	bool refused;
	const char *rule; /* that decided */
};

struct usage_start {
	struct event_base *base;
	const char *client; /* address, outlives the usage */
	const char *target; /* the same */
	void (*tell_keeper)(void *arg, const struct keep_msg *msg);
	void *arg;
};

struct usage;

/* NULL: no memory. */
struct usage *usage_new(const struct usage_start *start);
void usage_free(struct usage *usage);

/* The user is known from now on; borrowed. */
void usage_user(struct usage *usage, const char *user);
void usage_note(struct usage *usage, const struct usage_call *call,
                uint64_t now_ms);

/* A keeper that was started again knows no counters. */
void usage_say_again(struct usage *usage);

#endif
