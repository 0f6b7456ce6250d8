/*
 * What the files of the turn share: turn.c (the log-ons and their connections,
 * as they come and go), turn_bind.c (which log-on a connection speaks for),
 * turn_rules.c (what policies say of detached ones), turn_detached.c (log-ons
 * that nobody is connected to), turn_account.c (accounts of the host that are
 * removed), turn_run.c (what they ask for: jobs, views, answers).
 */
#ifndef STORE_TURN_PRIVATE_H
#define STORE_TURN_PRIVATE_H

#include "account.h"
#include "turn.h"

/* What the gate said of one section: a RULES as it came. */
struct section {
	TAILQ_ENTRY(section) entry;
	uint8_t *message;
	size_t message_len;
	char *policy;
};
TAILQ_HEAD(section_list, section);

struct turn {
	struct turn_config config;
	struct event *flush; /* active: jobs wait for the end of the turn */
	struct event *retry; /* pending: something could not be written */
	struct event *sweep; /* pending: the next slice of a sweep */
	struct peer_list peers;
	struct logon_list logons;
	struct table users;           /* the log-ons, by their user */
	uint64_t numbers;             /* of connections and log-ons so far */
	struct job_list jobs;         /* of this turn */
	struct job_list failed;       /* to be tried again */
	struct event *rule;           /* pending: log-ons wait to be judged */
	struct section_list sections; /* of the gate */
	struct section_list coming;   /* until all of them are there */
	bool ruled;                   /* and they were, once */
	struct account *account;
	struct account_watch *watch; /* of accounts that may be removed */
	struct engine_forgotten *forgotten; /* NULL, or where to count it */
	bool troubled; /* something failed: see whether it waits to be mended */
	bool host_dirty;        /* the view of the host may differ */
	const char *host_fault; /* why it could not be made, or NULL */
};

/* To be run at the end of this turn; takes job. */
void turn_add_job(struct turn *turn, struct job *job);

/* Try again what failed, after a while. */
void turn_retry_later(struct turn *turn);

/* The same of one timer. */
void turn_retry_event(struct event *event);

/* Tell the watchers. */
void turn_tell(const struct turn *turn, const struct peer *peer,
               const char *name, struct wire_view text,
               const struct keep_ack *result);

/* The connection is over; said is NULL when it does not say how. */
void turn_hang_up(struct turn *turn, struct peer *peer,
                  const struct keep_over *said, struct wire_view reason);

/*
 * The log-on is over; peer is the connection that ends with it, or NULL. False:
 * no memory, nothing has happened.
 */
bool turn_end_logon(struct turn *turn, struct logon *logon, enum engine_end how,
                    struct wire_view reason, struct peer *peer);

/* The same in two steps; turn_new_end is NULL without memory. */
struct job *turn_new_end(struct logon *logon, enum engine_end how,
                         struct wire_view reason);
void turn_add_end(struct turn *turn, struct logon *logon, struct job *job);

void turn_free_logon(struct turn *turn, struct logon *logon);

/* STATE has come: the user may be known now, or another one. */
void turn_on_state(void *arg, struct peer *peer);

/*
 * A log-on for a connection that comes: the one it had before the keeper was
 * restarted, or a new one without a user.  False: no memory.
 */
bool turn_give_logon(struct turn *turn, struct peer *peer);

/* Its log-on is over, the connection goes on with another. */
void turn_log_off_peer(struct turn *turn, struct peer *peer,
                       enum engine_end how, struct wire_view reason);

/*
 * The connection is over and its log-on waits for another.  All times count
 * from the clock that a restart does not stop, the timers from the monotonic
 * one. False: no memory.
 */
bool turn_detach(struct turn *turn, struct peer *peer,
                 const struct keep_over *said);

/*
 * Accounts of this host that are removed: what is looked for, how often, and
 * what was found.
 */
struct account_watch *turn_watch_new(struct turn *turn);
void turn_watch_free(struct account_watch *watch);
account_on_look turn_on_look;

/* This log-on's user is an account of the host's own: remember that. */
void turn_note_account(struct turn *turn, struct logon *logon, uid_t uid);

/* After a JOB_ACCOUNT, JOB_LOOKED or JOB_FORGET. */
void turn_finish_account(const struct job *job);
void turn_finish_look(struct turn *turn, const struct job *job);
void turn_finish_forget(struct turn *turn, const struct job *job);

/* The user has no log-on any more, whoever is connected. */
void turn_log_off_user(struct turn *turn, const char *user,
                       struct wire_view reason);

/* Have it judged by the gate's rules, if it said any. */
void turn_judge(struct turn *turn, struct logon *logon);

/* Is there a judgement of this log-on that waits to be made?  Takes job then:
 * only the last counts. */
bool turn_replaces_rules(struct turn *turn, struct job *job);

bool turn_open_rules(struct turn *turn);
void turn_close_rules(struct turn *turn);

/* The views of this user's log-ons may differ from the store. */
void turn_mark_user(struct turn *turn, const char *user);

/* Make the views that may differ equal to the store. */
void turn_show_dirty(struct turn *turn);

/* Is there anything that a later attempt may mend? */
bool turn_needs_retry(struct turn *turn);

/* Run all jobs that wait. */
void turn_run(struct turn *turn);

#endif
