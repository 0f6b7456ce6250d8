/*
 * Chunks of a static virtual channel, [MS-RDPBCGR] 2.2.6.1: joining what
 * arrives in one direction into messages, and cutting a message into chunks.
 *
 * A message that is not ours is never collected: it is decided as soon as 24
 * bytes of it are there, and its other chunks pass.  What we must own grows
 * with the bytes received, never with the announced total.  It sends nothing
 * and knows nothing of what a message says.
 */
#ifndef REDIRECT_CHUNK_H
#define REDIRECT_CHUNK_H

#include "wire.h"

enum {
	CHUNK_DECIDE_LEN = 24, /* rdpdr header + device request header */
	CHUNK_MESSAGE_MAX = 128 * 1024, /* bytes of a message that we own */
};

/* What the chunk just taken means; the caller acts, then hands in the next. */
enum chunk_step {
	CHUNK_HELD,   /* kept back, undecided or owned: more is to come */
	CHUNK_DECIDE, /* chunk_join_seen: now chunk_join_own or chunk_join_pass
	               */
	CHUNK_PASS,   /* of a message that passes: relay this chunk */
	CHUNK_WHOLE,  /* an owned message is complete: chunk_join_seen */
	CHUNK_FAULT   /* the peer lies: chunk_join_why; the join starts anew */
};

enum chunk_state {
	CHUNK_IDLE,      /* between two messages */
	CHUNK_UNDECIDED, /* too few bytes so far */
	CHUNK_OWNING,
	CHUNK_PASSING
};

/* One direction of one channel; use through the functions below. */
struct chunk_join {
	enum chunk_state state;
	uint32_t total;         /* as its first chunk announced */
	uint32_t got;           /* bytes of it so far */
	bool last;              /* the chunk now looked at ends the message */
	struct wire_view chunk; /* that chunk, borrowed from the caller */
	uint8_t *data;          /* bytes of earlier chunks, owned */
	size_t len;
	size_t size;
	size_t held; /* of them kept back before the message was decided */
	const char *why;
};

void chunk_join_init(struct chunk_join *join);
void chunk_join_clear(struct chunk_join *join);

/* Forget a message half received; what is kept back is dropped. */
void chunk_join_reset(struct chunk_join *join);

/*
 * One chunk: total and flags as in CHANNEL_PDU_HEADER.  data must live until
 * the next call on this join.  A message of which fewer than CHUNK_DECIDE_LEN
 * bytes arrived is decided when it is complete.
 */
enum chunk_step chunk_join_take(struct chunk_join *join, uint32_t total,
                                uint32_t flags, struct wire_view data);

/*
 * The bytes of the message so far, after CHUNK_DECIDE and CHUNK_WHOLE. Borrowed
 * until the next call on this join.
 */
struct wire_view chunk_join_seen(const struct chunk_join *join);

/*
 * After CHUNK_DECIDE: this message is ours.  CHUNK_HELD, CHUNK_WHOLE, or
 * CHUNK_FAULT when it is above CHUNK_MESSAGE_MAX or memory is short.
 */
enum chunk_step chunk_join_own(struct chunk_join *join);

/*
 * After CHUNK_DECIDE: this message passes, and so does the chunk in hand.
 * Returns what was kept back of earlier chunks, mostly nothing; it must be sent
 * first, as one chunk with FIRST (the chunk in hand has its own flags, without
 * FIRST then).  Borrowed until the next call on this join.
 */
struct wire_view chunk_join_pass(struct chunk_join *join);

/* Between two messages: only now may something of our own be sent. */
bool chunk_join_idle(const struct chunk_join *join);

/* The last fault, a literal. */
const char *chunk_join_why(const struct chunk_join *join);

/* A message being cut: in pieces of size bytes, flags on each of them. */
struct chunk_cut {
	struct wire_in left;
	uint32_t total;
	uint32_t size;
	uint32_t flags;
};

/*
 * size   bytes in a chunk (the peer's VCChunkSize), at least 1
 * flags  of every chunk (SHOW_PROTOCOL or 0); FIRST and LAST are added
 */
struct chunk_cut chunk_cut(struct wire_view message, uint32_t size,
                           uint32_t flags);

/* The next chunk, borrowed from the message; false when there is none. */
bool chunk_cut_next(struct chunk_cut *cut, uint32_t *flags,
                    struct wire_view *data);

#endif
