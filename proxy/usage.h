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

#include "channel.h"

enum {
	USAGE_TOLD_BURST = 64,   /* events for the keeper at once */
	USAGE_TOLD_EVERY_MS = 50 /* then one for each such time */
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
void usage_note(struct usage *usage, const struct channel_use *use,
                uint64_t now_ms);

/* A keeper that was started again knows no counters. */
void usage_say_again(struct usage *usage);

#endif
