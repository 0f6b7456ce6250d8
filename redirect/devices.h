/*
 * The smart card devices of a channel: which of the client's device ids are
 * smart cards, and how far each has come.  Ids that are void are remembered, so
 * that a late answer to one of them is known for what it is.
 */
#ifndef REDIRECT_DEVICES_H
#define REDIRECT_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEVICES_MAX = 64 };

enum devices_state {
	DEVICES_UNKNOWN,   /* not a smart card, as far as is known */
	DEVICES_ANNOUNCED, /* waits for the server's reply */
	DEVICES_READY,     /* the server (or we, in its place) took it */
	DEVICES_HIDDEN,    /* kept from the server by policy */
	DEVICES_VOID /* was one: removed, refused, or of an earlier start */
};

struct devices {
	struct devices_entry {
		uint32_t id;
		enum devices_state state;
	} list[DEVICES_MAX]; /* in the order of their announcement */
	size_t count;
};

/* Set the state of a device, new or known.  False: there are DEVICES_MAX. */
bool devices_set(struct devices *devices, uint32_t id,
                 enum devices_state state);

enum devices_state devices_state(const struct devices *devices, uint32_t id);

/* The id was announced as something else. */
void devices_forget(struct devices *devices, uint32_t id);

/* The channel began anew: every id is void. */
void devices_void(struct devices *devices);

/* Is there one that waits, is ready or is hidden? */
bool devices_any(const struct devices *devices);

/* The first one that is ready. */
bool devices_ready(const struct devices *devices, uint32_t *id);

#endif
