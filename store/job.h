/*
 * A job is one change of the store, asked for by a session or by the keeper
 * itself.  The jobs of one turn of the loop are run in one transaction; when
 * that fails, each is run again in its own, so that one job's fault is no other
 * job's.  A job owns all it needs, and holds its result afterwards.
 */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include <sys/queue.h>
#include <sys/types.h>

#include "batch.h"
#include "engine_account.h"

/*
 * Jobs in one transaction: many share a synchronisation of the disk, and who
 * comes next waits for some tens of milliseconds.
 */
enum { JOB_TURN_MAX = 128 };

enum job_type {
	JOB_START,      /* a log-on is there, or resumed, or more is known */
	JOB_STATE,      /* its user or policy */
	JOB_APPLY,      /* a batch */
	JOB_RELEASE,    /* a card was withdrawn */
	JOB_SYNCED,     /* all has been asserted again */
	JOB_SETTLED,    /* or should have been by now */
	JOB_DETACH,     /* its connection is over, the log-on is not */
	JOB_RELEASED,   /* and its grace is */
	JOB_RULES,      /* what its policy says now */
	JOB_END,        /* the log-on is over */
	JOB_END_OTHERS, /* all that were not attached are over */
	JOB_SWEEP,      /* forget what nothing refers to */
	JOB_ACCOUNT,    /* the user is this account of the host's */
	JOB_LOOKED,     /* that account was looked for */
	JOB_FORGET      /* forget all that is the user's */
};

struct job {
	TAILQ_ENTRY(job) entry;
	enum job_type type;
	void *arg;                       /* whose job it is; the caller's */
	void *logon;                     /* for which log-on; the caller's */
	uint32_t seq;                    /* to be acknowledged */
	char session[ENGINE_ID_SIZE];    /* the log-on */
	char connection[ENGINE_ID_SIZE]; /* whose connection asks */
	char *user;                      /* owner key, NULL: none */
	char *reader_name;               /* RELEASE */
	uint8_t
	    *message; /* START, STATE, RELEASE: the datagram; RULES: or NULL */
	size_t message_len;
	struct batch *batch;            /* APPLY */
	enum engine_end how;            /* END */
	char successor[ENGINE_ID_SIZE]; /* END: that gets its claims, or "" */
	int64_t grace_until;            /* DETACH: absolute, 0: over */
	int64_t expires_at;             /* DETACH: absolute, 0: never */
	char reason[KEEP_TEXT_MAX + 1]; /* END; of a refusal afterwards */

	char fault[ENGINE_REASON_SIZE]; /* why the store failed */
	struct keep_ack result;         /* its reason is empty, see above */
	struct engine_change change;
	uid_t uid;    /* ACCOUNT, LOOKED */
	bool there;   /* LOOKED */
	int64_t wait; /* LOOKED: seconds until what is missing is gone */
	bool gone;    /* LOOKED: it is */
	struct engine_forgotten forgotten; /* FORGET */
	bool settled;                      /* RULES: see engine_rules */
	bool matched;                      /* RULES: the same */
	bool more;     /* SWEEP, FORGET: there is more to do */
	bool answered; /* the caller's */
	bool hides; /* the caller's: its log-on is not shown until it is done */
};
TAILQ_HEAD(job_list, job);

/* NULL: no memory. */
struct job *job_new(enum job_type type, const char *session,
                    const char *connection, uint32_t seq);
void job_free(struct job *job);

/* Copies of what the job needs; false: no memory. */
bool job_set_message(struct job *job, struct wire_view message);
bool job_set_user(struct job *job, const char *user);
bool job_set_reader_name(struct job *job, const char *name);
void job_set_successor(struct job *job, const char *logon);
void job_set_reason(struct job *job, struct wire_view reason);

/* Does the connection wait for an answer to this? */
bool job_is_acknowledged(const struct job *job);

/* Run them all; each has its result afterwards, durable if it is ok. */
void job_run_all(const struct job_list *jobs, struct engine *engine,
                 int64_t now);

const char *job_type_name(enum job_type type);

#endif
