/*
 * Watching the client's readers and cards, without polling: one context of our
 * own, in which a single GetStatusChange is parked for as long as nothing
 * happens.  The pseudo reader of plug and play is part of it, so that new
 * readers wake it; a client that does not know that reader is asked for its
 * list again at each wake-up instead.
 *
 *	OFF -> STARTING -> OPENING -> PROBING -> LISTING <-> PARKED
 *	any of them -> WAITING (after a failure) -> STARTING or OPENING, or DEAF
 */
#ifndef REDIRECT_WATCH_H
#define REDIRECT_WATCH_H

#include "calls.h"
#include "certprop.h"

enum {
	WATCH_ANSWER_MS = 30000,    /* for a call that is not parked */
	WATCH_RETRY_MIN_MS = 1000,  /* then doubled after each failure ... */
	WATCH_RETRY_MAX_MS = 30000, /* ... up to this */
	WATCH_RETRIES_MAX =
	    10, /* in a row; then nothing until the device comes anew */
	WATCH_IDLE_MAX = 3 /* wake-ups in a row with nothing new */
};

enum watch_state {
	WATCH_OFF,
	WATCH_STARTING, /* AccessStartedEvent: the client's service is down */
	WATCH_OPENING,  /* EstablishContext */
	WATCH_PROBING,  /* is the plug and play reader known? */
	WATCH_LISTING,  /* ListReaders */
	WATCH_PARKED,   /* GetStatusChange, infinite */
	WATCH_WAITING,  /* for the next attempt */
	WATCH_DEAF      /* gave up */
};

/* News of readers; numbers are never used again.  arg is the caller's. */
struct watch_ops {
	void (*on_added)(void *arg, uint32_t reader, const char *name,
	                 uint64_t now_ms);
	void (*on_gone)(void *arg, uint32_t reader, uint64_t now_ms);
	void (*on_card)(void *arg, uint32_t reader,
	                enum certprop_presence presence, uint16_t counter,
	                struct wire_view atr, uint64_t now_ms);
};

struct watch_reader {
	uint32_t number;
	struct esc_name name;
	uint32_t current; /* state as last told, for the next GetStatusChange */
	bool listed;      /* in the list just received */
};

struct watch {
	enum watch_state state;
	struct calls *calls;
	const struct watch_ops *ops;
	void *arg;
	struct esc_id context;
	struct watch_reader readers[CERTPROP_READERS_MAX];
	size_t count;
	size_t ignored; /* in the last list: more than readers has room for */
	uint32_t last_number;
	bool pnp; /* the client knows the pseudo reader */
	uint32_t pnp_current;
	bool pnp_said;     /* its lack was logged */
	bool service_down; /* the last failure said so */
	unsigned failures; /* in a row */
	unsigned idle;     /* wake-ups in a row with nothing new */
	uint64_t since;    /* when the outstanding call was made */
	uint64_t due;      /* of the answer or the next attempt */
};

void watch_init(struct watch *watch, struct calls *calls,
                const struct watch_ops *ops, void *arg);

/* calls is open: begin. */
void watch_start(struct watch *watch, uint64_t now_ms);

/* The device is gone: so are its readers. Nothing is sent. */
void watch_stop(struct watch *watch, uint64_t now_ms);

/* Give the context back, as far as that is possible; then as watch_stop, but
 * the readers are not reported gone: the session itself ends. */
void watch_end(struct watch *watch);

/* The reader of that number, or NULL. */
const struct watch_reader *watch_find(const struct watch *watch,
                                      uint32_t number);

/* UINT64_MAX: none. */
uint64_t watch_deadline(const struct watch *watch);
void watch_tick(struct watch *watch, uint64_t now_ms);

#endif
