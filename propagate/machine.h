/*
 * The inside of certificate propagation, shared by its files: certprop (the
 * session), scan (its first look), reader (a card in its reader), absent (cards
 * that are gone), reconcile (another policy) and news (what the keeper is
 * told).  Nobody else includes this.
 */
#ifndef PROPAGATE_MACHINE_H
#define PROPAGATE_MACHINE_H

#include "bucket.h"
#include "certprop.h"
#include "hints.h"
#include "insertion.h"

enum {
	MACHINE_REASON_MAX = 128,
	MACHINE_ROLE_MAX = 16,
	MACHINE_ABSENT_MAX = 8 /* cards whose claims outlive their stay */
};

/* One reader and the card in it. */
struct reader {
	uint32_t id; /* instance */
	char name[KEEP_TEXT_MAX + 1];

	/* As the reader was seen last, whatever we make of it. */
	bool seen; /* once at least */
	enum certprop_presence presence;
	uint16_t counter;
	uint8_t atr[CARD_ATR_MAX];
	size_t atr_len;

	enum keep_card_state state;
	char reason[MACHINE_REASON_MAX]; /* of the state, or empty */
	const char *why;   /* the reason of the next step, if it has one */
	unsigned attempts; /* failed reads since the insertion */
	uint64_t
	    due_ms; /* SETTLING: when to read; READING: since when it waits */
	struct insertion *applied; /* what the keeper was told, or NULL */
	struct insertion *fresh;   /* read, on its way to be applied */
	uint32_t commit_seq;       /* of the last COMMIT */
	bool announced;  /* who watches was told that a card is there */
	bool twin_told;  /* and that it is in another reader as well */
	bool alien_told; /* and that it is not the user's */
	bool unsaid;     /* the keeper has not heard of this */
	bool hushed;     /* it was told that no key of it is available */
};

/* What is left of a card that was withdrawn. */
struct absent {
	uint32_t reader;
	char *reader_name;
	struct insertion *kept;
};

/* The first look after a log-on, until the keeper was told of its end. */
struct scan {
	bool open;
	uint64_t since_ms;
	uint64_t changed_ms; /* readers and cards */
};

struct certprop {
	struct certprop_policy policy;
	const struct certprop_ops *ops;
	void *arg;
	const struct anchors *anchors; /* of the host, or NULL */

	enum keep_session_state state;
	bool announced;     /* the keeper heard our state once */
	bool ruled;         /* and what the policy says of the user's cards */
	bool policy_warned; /* a switch without effect was told */
	char *user;
	char *source;
	char *host_session;
	char role[MACHINE_ROLE_MAX];
	char reason[MACHINE_REASON_MAX];
	uint32_t seq;

	struct reader *readers[CERTPROP_READERS_MAX];
	size_t reader_count;
	struct absent absent[MACHINE_ABSENT_MAX]; /* oldest first */
	size_t absent_count;

	struct scan scan;
	struct hints hints;
	struct bucket reads;
	struct bucket news;  /* READER messages; a flapping card makes many */
	bool reading;        /* a read is out */
	uint32_t reading_id; /* in this reader */
};

/* What cards are judged by in this session now. */
static inline struct insertion_terms
machine_terms(const struct certprop *cp)
{
	struct insertion_terms terms = {&cp->policy, cp->anchors, cp->user};

	return terms;
}

/*
 * What ends of a card that a rule takes for somebody else's: its roots, and
 * what is the user's unless that is to stay for good.
 */
static inline unsigned
machine_withheld_parts(const struct certprop *cp)
{
	if (cp->policy.user_cleanup == KEEP_CLEANUP_NONE)
		return INSERTION_ROOTS;
	return INSERTION_ROOTS | INSERTION_USER;
}

#endif
