/*
 * Other doors: the dynamic channels, [MS-RDPEDYC], through which a card could
 * pass beside rdpdr (USB, plug and play, WebAuthn).  Of their one static
 * channel, drdynvc, the server's DYNVC_CREATE_REQ is read: where the policy
 * refuses its name the client never sees it, and the server is told that the
 * creation failed.  A channel that is there when a policy comes that refuses it
 * is closed towards both sides, and what either still says in it is dropped.
 * All else passes.
 */
#ifndef REDIRECT_DRDYNVC_H
#define REDIRECT_DRDYNVC_H

#include "channel.h"

enum {
	DRDYNVC_CREATE = 1, /* Cmd of a create request and its response */
	DRDYNVC_DATA_FIRST = 2,
	DRDYNVC_DATA = 3,
	DRDYNVC_CLOSE = 4,
	DRDYNVC_DATA_FIRST_COMPRESSED = 6,
	DRDYNVC_DATA_COMPRESSED = 7,
	DRDYNVC_OPEN_MAX = 256, /* channels at a time; one more is refused */
	DRDYNVC_NAME_MAX = 256, /* bytes; a longer name is refused */
	DRDYNVC_RESPONSE_MAX = 16
};

/* DYNVC_CREATE_REQ, 2.2.2.1. */
struct drdynvc_create {
	uint8_t id_form; /* cbId: 0, 1, 2 for 1, 2, 4 bytes */
	uint32_t channel;
	char name[DRDYNVC_NAME_MAX + 1];
};

/* Is the message that begins so a create request? */
bool drdynvc_is_create(struct wire_view message);

/* False: no such request, or a name that is too long. */
bool drdynvc_create_decode(struct wire_view message,
                           struct drdynvc_create *create);

/* DYNVC_CREATE_RSP, 2.2.2.2: that channel was not made. */
void drdynvc_failure_encode(struct wire_out *out,
                            const struct drdynvc_create *create);

struct drdynvc;

/*
 * send is as in channel_ops, but for this channel.  Until a policy is given all
 * is allowed.  NULL when memory is short.
 */
struct drdynvc *drdynvc_new(void (*send)(void *arg, enum channel_side to,
                                         uint32_t total, uint32_t flags,
                                         struct wire_view data),
                            void *arg);
void drdynvc_free(struct drdynvc *d);

/* Borrowed until it is replaced; what it refuses and is open is closed. */
void drdynvc_policy(struct drdynvc *d, const struct filter_policy *policy);
void drdynvc_chunk_size(struct drdynvc *d, uint32_t bytes);

/* One chunk of the channel, of either side. */
enum channel_verdict drdynvc_chunk(struct drdynvc *d, enum channel_side from,
                                   uint32_t total, uint32_t flags,
                                   struct wire_view data);

#endif
