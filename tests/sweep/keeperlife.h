/*
 * The life of three log-ons with a keeper that may die at any moment: cards
 * come and go, a policy changes, a connection is lost and another resumes its
 * log-on, sessions log off and crash.  What was acknowledged is written down
 * here; after the keeper's death the same sessions tell the next one what they
 * have, and what it shows and keeps is compared.
 */
#ifndef TESTS_KEEPERLIFE_H
#define TESTS_KEEPERLIFE_H

#include "keeperbed.h"

enum { KEEPERLIFE_LOGONS = 3, KEEPERLIFE_READERS = 3, KEEPERLIFE_CERTS = 32 };

/* What is known of a certificate in one place. */
enum keeperlife_fact {
	KEEPERLIFE_ABSENT,
	KEEPERLIFE_MAYBE, /* said, not acknowledged */
	KEEPERLIFE_PRESENT
};

struct keeperlife_card {
	bool in;
	uint8_t cert;
	uint8_t root;
	enum keep_cleanup cleanup;
};

enum keeperlife_state {
	KEEPERLIFE_NONE,
	KEEPERLIFE_UP,
	KEEPERLIFE_LEAVING, /* disconnected, or over: the keeper may not know */
	KEEPERLIFE_DETACHED,
	KEEPERLIFE_OVER
};

struct keeperlife_logon {
	enum keeperlife_state state;
	const char *user;
	uint8_t number;     /* of the log-on, its view's name */
	uint8_t connection; /* of the session that speaks for it */
	int fd;             /* -1: none */
	struct keeperlife_card cards[KEEPERLIFE_READERS];
	enum keeperlife_fact roots[KEEPERLIFE_CERTS];
	enum keeperlife_fact certs[KEEPERLIFE_CERTS];
};

struct keeperlife {
	struct keeperbed *bed;
	struct keeperlife_logon logons[KEEPERLIFE_LOGONS];
	uint32_t seq;
	bool dead;           /* the keeper */
	unsigned acks;       /* that it gave */
	unsigned slowest_ms; /* until what is shown was right */
};

/* Nobody is there yet; the keeper is started by the caller. */
void keeperlife_begin(struct keeperlife *life, struct keeperbed *bed);

/* Everything happens once; the second half ends what is there. */
void keeperlife_fill(struct keeperlife *life);
void keeperlife_empty(struct keeperlife *life);

/* The gate's end of the pair is closed: the keeper ends everything. */
void keeperlife_stop(struct keeperlife *life);

/* The next keeper runs: the sessions that live are attached and say it all. */
void keeperlife_resume(struct keeperlife *life);

/* The sessions' ends are closed, nothing is said to anybody. */
void keeperlife_abandon(struct keeperlife *life);

/* The views show what is in force, and soon. */
void keeperlife_check_views(struct keeperlife *life);

/*
 * There is no keeper any more and nobody is logged on: no view, no claim, and
 * of each user what was acknowledged and nothing of another.
 */
void keeperlife_check_store(const struct keeperlife *life,
                            const struct keeperbed *bed);

/* No view within a short time. */
void keeperlife_check_no_views(struct keeperlife *life,
                               const struct keeperbed *bed);

#endif
