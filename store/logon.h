/*
 * The log-ons as the keeper has them in memory: who each is for, which
 * connection speaks for it, and when it ends without one.  Here is decided
 * which log-on a new connection resumes; nothing is stored or shown here.
 *
 * A log-on begins with its connection, without a user.  Once the user is known
 * it is bound: it is that user's for the rest of its life.
 */
#ifndef STORE_LOGON_H
#define STORE_LOGON_H

#include <event2/event.h>
#include <sys/queue.h>

#include "engine.h"
#include "table.h"

struct peer;

struct logon {
	TAILQ_ENTRY(logon) entry;
	struct table_link by_user; /* in a table of the caller's, or in none */
	char id[ENGINE_ID_SIZE];   /* its scope, and its view's name */
	char connection[ENGINE_ID_SIZE]; /* that speaks for it, or "" */
	struct peer *peer;               /* the same, NULL: none */
	void *owner;                     /* of its timers; the caller\'s */
	uint64_t number;                 /* of those there were; the same */
	bool bound;
	bool awaited;    /* the keeper was restarted: it may come back */
	bool ended;      /* asked for; the store may not know it yet */
	bool gone;       /* now it does */
	bool dirty;      /* its view may differ from the store */
	bool matched;    /* its cards are its user's: so it was judged */
	bool unruled;    /* detached, and to be judged by the gate's rules */
	unsigned hidden; /* writes that are to take something from its view, and
	                    failed: it is not shown before they are done */
	unsigned jobs;   /* that know it */
	const char *view_fault; /* why its view could not be made, or NULL */

	char *user;
	char *target;
	char *host_session;
	char *client_name;
	char *client_addr;
	char *policy;
	enum keep_purpose purpose;
	uid_t linked; /* whose link leads to its view; (uid_t)-1: nobody's */
	uid_t noted;  /* the host's account that it is; (uid_t)-1: none */
	int64_t started_at;
	int64_t detached_at; /* 0: it is not */
	struct event *grace; /* pending: cards count as there until then */
	struct event *age;   /* pending: it may be resumed until then */
};
TAILQ_HEAD(logon_list, logon);

/* A log-on of this connection, under its id or one of its own; NULL: no memory.
 */
struct logon *logon_new(const char *id, const char *connection);
struct logon *logon_new_random(const char *connection);

/* One that the store knows, from before. */
struct logon *logon_load(const struct engine_session *session);
void logon_free(struct logon *logon);

/* From now on the table finds it by its user, until it is freed. */
void logon_index(struct logon *logon, struct table *users);

/* What is known of it; empty texts leave what was. */
void logon_describe(struct logon *logon, const struct keep_hello *hello);
void logon_bind(struct logon *logon, const char *user); /* index it again */
void logon_name(struct logon *logon, const char *host_session,
                const char *policy);

/* It has no connection any more, or one again. */
void logon_detach(struct logon *logon, int64_t now);
void logon_attach(struct logon *logon, struct peer *peer,
                  const char *connection);

/*
 * Is the target one of those that run on this host (a list that ends with NULL,
 * or NULL), and is the identity's source more than the client's word?
 */
bool logon_is_local(const char *const *local_targets, struct wire_view target);
bool logon_is_proven(struct wire_view source);

/*
 * Another one of this user and target that the server calls by this name,
 * whether somebody is connected to it or not; NULL: none.  A server has one of
 * that name: the connection that says it last has it.
 */
struct logon *logon_find_named(const struct logon_list *list,
                               const struct logon *but, const char *user,
                               const char *target, const char *host_session);

/*
 * The log-on that a connection resumes when it turns out to be for this user
 * and target: the one the server calls by the same name; without a name on
 * either side the only one that is detached.  NULL: none.
 */
struct logon *logon_find_resumable(const struct logon_list *list,
                                   const char *user, const char *target,
                                   const char *host_session);

/* Does the server call it so? */
bool logon_is_called(const struct logon *logon, const char *host_session);

/* The one that a connection spoke for before the keeper was restarted. */
struct logon *logon_find_awaited(const struct logon_list *list,
                                 const char *connection);
struct logon *logon_find(const struct logon_list *list, const char *id);

#endif
