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

#include "rdpefs.h"

enum { DEVICES_MAX = 64 };

enum devices_state {
	DEVICES_UNKNOWN,   /* not a smart card, as far as is known */
	DEVICES_ANNOUNCED, /* waits for the server's reply */
	DEVICES_READY,     /* the server (or we, in its place) took it */
	DEVICES_HIDDEN,    /* kept from the server */
	DEVICES_VOID /* was one: removed, refused, or of an earlier start */
};

struct devices {
	struct devices_entry {
		uint32_t id;
		enum devices_state state;
		/* The client had its reply from us: the server's is not for it.
		 */
		bool answered;
		uint8_t dos_name[RDPEFS_DOS_NAME_LEN]; /* of a hidden one */
	} list[DEVICES_MAX]; /* in the order of their announcement */
	size_t count;
};

/* Set the state of a device, new or known.  False: there are DEVICES_MAX. */
bool devices_set(struct devices *devices, uint32_t id,
                 enum devices_state state);

/*
 * Keep a device from the server for now; the client is told that it is taken.
 * False as above.
 */
bool devices_hide(struct devices *devices, const struct rdpefs_device *device);

/*
 * The next hidden device, which waits for the server's reply from now on; false
 * when there is none.
 */
bool devices_show(struct devices *devices, struct rdpefs_device *device);

/* Has the client had its reply already? */
bool devices_answered(const struct devices *devices, uint32_t id);

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
