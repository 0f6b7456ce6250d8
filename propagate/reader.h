/* A card in its reader: its states, the queue of reads, and its withdrawal. */
#ifndef PROPAGATE_READER_H
#define PROPAGATE_READER_H

#include "machine.h"

enum reader_event {
	READER_INSERTED,     /* a card, or the same card again from mute */
	READER_WITHDRAWN,    /* empty, or another card */
	READER_MUTED,        /* there, but without an answer */
	READER_DUE,          /* it stayed long enough */
	READER_DELIVERED,    /* fresh holds what was read */
	READER_REFUSED,      /* the read failed; trying again may help */
	READER_GIVEN_UP,     /* the read failed for good */
	READER_SWITCHED_OFF, /* by policy nothing is read */
	READER_RESCAN,       /* read again, under another policy */
	READER_EVENTS
};

struct reader *reader_new(uint32_t id, const char *name);
void reader_free(struct reader *r);
struct reader *reader_find(const struct certprop *cp, uint32_t id);

/* One event; it must fit the state. */
void reader_step(struct certprop *cp, struct reader *r, enum reader_event event,
                 uint64_t now_ms);

/* READER_REFUSED fits only while this holds; then it is READER_GIVEN_UP. */
bool reader_may_retry(const struct reader *r);

/* As reader_step, or nothing where the event has no meaning. */
void reader_offer(struct certprop *cp, struct reader *r,
                  enum reader_event event, uint64_t now_ms);

/* Bring in line with what the reader shows: for a scan. */
void reader_present(struct certprop *cp, struct reader *r, uint64_t now_ms);

/* Start what is due, say what is unsaid. */
void reader_pump(struct certprop *cp, uint64_t now_ms);
uint64_t reader_deadline(const struct certprop *cp);

/* No answer is wanted any more from any card. */
void reader_abort_all(struct certprop *cp);

/* Start anew with what the reader shows; the keeper forgets by itself. */
void reader_forget(struct certprop *cp, struct reader *r, uint64_t now_ms);

/* What was read from its card, judged; NULL when memory is short. */
struct insertion *reader_insertion(struct certprop *cp, const struct reader *r,
                                   const struct card_content *content);

/* Of a card that was applied: say it again, or judge it again first. */
void reader_assert(struct certprop *cp, struct reader *r);
void reader_judge(struct certprop *cp, struct reader *r, uint64_t now_ms);

/*
 * Silent cards are still there, and rules that end what is absent must not end
 * what they hold: so it is said again before, and after that once more that
 * their keys are not available.
 */
void reader_vouch_all(struct certprop *cp);
void reader_hush_all(struct certprop *cp);

#endif
