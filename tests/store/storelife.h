/*
 * A short life of a keeper and what must be true after it, whatever ended it:
 * sessions come, store and release certificates and go, by chance; what the
 * keeper acknowledged is written down by the test, not by the product.  Then
 * the store is opened without the keeper and compared.
 */
#ifndef TESTS_STORELIFE_H
#define TESTS_STORELIFE_H

#include "keeperbed.h"

enum {
	STORELIFE_SESSIONS = 4,
	STORELIFE_USERS = 3,
	STORELIFE_CERTS = 24 /* that cards hold, users' and roots */
};

/* What is known of one certificate in one place. */
enum storelife_fact {
	STORELIFE_ABSENT, /* never said, or acknowledged as gone */
	STORELIFE_MAYBE,  /* said, not acknowledged */
	STORELIFE_PRESENT /* acknowledged */
};

struct storelife {
	struct keeperbed *bed;
	uint64_t seed;
	uint32_t seq;
	uint8_t next_number; /* of the next session */
	struct {
		int fd; /* -1: none */
		uint8_t number;
		uint8_t user;
		/* Roots that each card was to leave for ever; a bit is one. */
		uint32_t left[STORELIFE_CERTS];
	} sessions[STORELIFE_SESSIONS];
	enum storelife_fact my[STORELIFE_USERS][STORELIFE_CERTS];
	enum storelife_fact kept[STORELIFE_CERTS]; /* claims that end never */
	uint32_t acknowledged;
	uint32_t refused; /* acknowledgements that said no, with a reason */
	bool dead;        /* the keeper does not answer any more */
};

void storelife_begin(struct storelife *life, struct keeperbed *bed,
                     uint64_t seed);

/* One session stores something: when it has its answer the keeper serves. */
void storelife_greet(struct storelife *life);

/* So many steps, or until the keeper is dead. */
void storelife_run(struct storelife *life, unsigned steps);

/* Close what is open; the sessions' ends are not waited for. */
void storelife_end(struct storelife *life);

/*
 * The keeper is not running: is the store sound, and is in it what was
 * acknowledged, and nothing that was not said?  durable: acknowledged is more
 * than a promise (synchronous=FULL, or no power was cut).
 */
void storelife_check(const struct storelife *life, bool durable);

uint64_t storelife_random(struct storelife *life);

#endif
