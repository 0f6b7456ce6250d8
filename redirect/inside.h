/*
 * The inside of a channel: what channel.c (roles, time, faults) and passage.c
 * (the messages of both peers) share.  Nobody else includes it.
 */
#ifndef REDIRECT_INSIDE_H
#define REDIRECT_INSIDE_H

#include "calls.h"
#include "channel.h"
#include "chunk.h"
#include "devices.h"
#include "mux.h"
#include "outlet.h"
#include "own.h"
#include "reading.h"
#include "watch.h"

enum { CHANNEL_SIDES = 2 };

enum channel_role {
	CHANNEL_ROLE_NONE,  /* nobody has announced yet */
	CHANNEL_ROLE_RELAY, /* the server has */
	CHANNEL_ROLE_OWN    /* we have */
};

/* A read that certprop asked for and that has not begun. */
struct channel_job {
	bool wanted;
	uint32_t reader;
	struct card_hints hints;
	uint8_t atr[CARD_ATR_MAX];
};

/*
 * After a hand-over the client still answers our announce and our calls; what
 * it says belongs to the server only from its reply to the server's announce
 * on.
 */
struct channel_stale {
	bool active;
	bool unanswered; /* a reply to our own announce is still to come */
};

struct channel {
	struct channel_config config;
	bool redirect; /* the policy lets cards through */
	const struct channel_ops *ops;
	void *arg;

	struct certprop *certprop;
	struct chunk_join in[CHANNEL_SIDES]; /* by the side they come from */
	struct outlet out[CHANNEL_SIDES];    /* by the side they go to */
	struct devices devices;
	struct mux *mux;
	struct calls calls;
	struct watch watch;
	struct reading reading;
	struct channel_job job;

	enum channel_role role;
	struct own own;
	struct channel_stale stale;
	bool activated;
	bool ended;
	const char *fault; /* a literal; once set, there is no card any more */
	uint64_t own_at;   /* when we play the server; UINT64_MAX: never */
	uint64_t now_ms;   /* as last handed in */
};

/* channel.c: */

/* A peer broke the rules: log it and drop the card, the session lives. */
void channel_fault(struct channel *ch, enum channel_side side,
                   const char *what);

void channel_send(struct channel *ch, enum channel_side to,
                  struct wire_view message);

/* The server announces: whatever was before is void, and it speaks now. */
void channel_server_speaks(struct channel *ch);

/* A smart card device can perhaps be used now, or can be no more. */
void channel_card_ready(struct channel *ch);
void channel_card_lost(struct channel *ch, uint32_t device);

/* passage.c: */

/* Must the message that starts with these bytes be read, or may it pass? */
bool passage_wants(const struct channel *ch, enum channel_side from,
                   struct wire_view head);

/* A whole message that passage_wants; relays it, changed or not, or drops it.
 */
void passage_from_server(struct channel *ch, struct wire_view message);
void passage_from_client(struct channel *ch, struct wire_view message);

/* A whole completion, in any role. */
void passage_completion(struct channel *ch, struct wire_view message);

/* Answer all that the server waits for with a failure. */
void passage_refuse_all(struct channel *ch);

#endif
