/*
 * Reading one card beside the user's own programs: a context of our own, a
 * shared connection, a short transaction around the steps of propagate/card.h,
 * and everything given back in order afterwards, however the read went.
 *
 *	ESTABLISH, CONNECT, BEGIN, TRANSMIT...      the read
 *	END, DISCONNECT (leave card), ReleaseContext  always, as far as begun
 *
 * The transaction is given up between two objects when it has lasted
 * READING_HOLD_MS.
 */
#ifndef REDIRECT_READING_H
#define REDIRECT_READING_H

#include "calls.h"
#include "certprop.h"

enum {
	READING_HOLD_MS =
	    1500, /* the longest a transaction goes on by choice */
	READING_SELECT_MAX = 32 /* bytes of a SELECT that can be repeated */
};

enum reading_state {
	READING_OFF,
	READING_ESTABLISH,
	READING_CONNECT,
	READING_BEGIN,
	READING_TRANSMIT,
	READING_YIELD,    /* ending a transaction, to begin another */
	READING_RESUME,   /* beginning it */
	READING_RESELECT, /* and selecting the application again */
	READING_END,
	READING_DISCONNECT
};

/* How a read ended; the reading is free for the next one then. */
struct reading_ops {
	void (*on_read)(void *arg, uint32_t reader,
	                const struct card_content *content, uint64_t now_ms);
	void (*on_failed)(void *arg, uint32_t reader,
	                  enum certprop_failure failure, const char *reason,
	                  uint64_t now_ms);
};

enum reading_result {
	READING_OPEN, /* not decided yet */
	READING_GOOD,
	READING_RETRY,
	READING_BAD,
	READING_UNWANTED
};

struct reading {
	enum reading_state state;
	struct calls *calls;
	const struct reading_ops *ops;
	void *arg;
	uint32_t apdu_ms;
	uint32_t card_ms;

	uint32_t reader;
	struct card_hints hints;
	uint8_t atr[CARD_ATR_MAX];
	struct esc_name name;
	struct card_read *job;
	struct esc_id context;
	struct esc_handle handle;
	uint32_t protocol;
	bool connected;
	bool begun; /* BeginTransaction was sent and not refused */
	uint64_t begun_at;
	uint64_t call_due;
	uint64_t card_due;
	struct wire_view apdu; /* to be sent; borrowed from the job */
	uint8_t select[READING_SELECT_MAX]; /* the last SELECT by name */
	size_t select_len;

	enum reading_result result;
	const char *reason; /* a literal */
};

void reading_init(struct reading *reading, struct calls *calls,
                  const struct reading_ops *ops, void *arg, uint32_t apdu_ms,
                  uint32_t card_ms);

/* Begin; only while reading_busy is false.  hints are copied. */
void reading_start(struct reading *reading, uint32_t reader,
                   const struct esc_name *name, const struct card_hints *hints,
                   uint64_t now_ms);

bool reading_busy(const struct reading *reading);

/* Nobody wants the answer: give the card back; no ops are called. */
void reading_cancel(struct reading *reading, uint64_t now_ms);

/* The device is gone: nothing can be sent, no ops are called. */
void reading_stop(struct reading *reading);

/* The session ends: give the card back without waiting; no ops are called. */
void reading_end(struct reading *reading);

/* UINT64_MAX: none. */
uint64_t reading_deadline(const struct reading *reading);
void reading_tick(struct reading *reading, uint64_t now_ms);

#endif
