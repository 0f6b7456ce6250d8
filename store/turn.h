/*
 * The log-ons and their connections, and what they ask for in one turn of the
 * loop: their jobs run in one transaction, then the views are made equal to the
 * store, and only then the answers leave.  What could not be written is tried
 * again.
 */
#ifndef STORE_TURN_H
#define STORE_TURN_H

#include <event2/event.h>

#include "peer.h"

struct turn;
struct view_place;

enum {
	/* What is missing twice, this far apart and then as far again, is gone.
	 */
	TURN_ACCOUNT_S = 15,
	/*
	 * So long a connection that resumes a log-on has to assert what is
	 * present; what ends with its card and was not asserted by then ends.
	 */
	TURN_SETTLE_S = 30
};

/* Something to watch; all but name may be NULL or empty. */
typedef void turn_on_news(void *arg, const struct peer *peer, const char *name,
                          const struct peer_reader *reader,
                          struct wire_view text, const struct keep_ack *result);

struct turn_config {
	struct event_base *base;
	struct engine *engine;
	int run_dirfd;
	gid_t view_group;
	struct view_place *place;
	const char *const *local_targets; /* NULL, or ended by NULL */
	const char *account_file; /* the host's own; NULL: ACCOUNT_FILE */
	unsigned account_s;       /* looked at so often; 0: TURN_ACCOUNT_S */
	unsigned settle_s;        /* 0: TURN_SETTLE_S */
	turn_on_news *on_news;
	void *arg;
};

/* All in the config is borrowed.  NULL: no memory. */
struct turn *turn_new(const struct turn_config *config);
void turn_free(struct turn *turn);

const struct peer_list *turn_peers(const struct turn *turn);

/* The log-ons, also those that nobody is connected to. */
const struct logon_list *turn_logons(const struct turn *turn);

/* Take up what the store knows of log-ons, before any pair; false: no memory.
 */
bool turn_load(struct turn *turn);

/* The host says that the log-on of this name is over. */
void turn_log_off(struct turn *turn, struct wire_view host_session,
                  struct wire_view reason);

/*
 * Forget all that is a user's, on behalf of who: log-ons end, and rows of any
 * kind go.  It is done when this returns, or nothing is; false: the store
 * failed.
 */
bool turn_forget_user(struct turn *turn, const char *user, const char *who,
                      struct engine_forgotten *forgotten);

/*
 * RULES of the gate, one section each, as the datagrams came; once all are
 * there, whatever is detached is judged by them.
 */
void turn_rule(struct turn *turn, const struct keep_rules *rules,
               struct wire_view datagram);
void turn_ruled_all(struct turn *turn);

/* A session's pair comes; fd is taken. */
void turn_attach(struct turn *turn, const struct keep_hello *hello, int fd);

/* Whatever is not attached by now is over, and so are its roots. */
void turn_end_others(struct turn *turn);
void turn_end_all(struct turn *turn, const char *reason);

/* Have the store forget what nothing refers to. */
void turn_sweep(struct turn *turn);

/* Compare all views with the store, and mend them. */
void turn_repair(struct turn *turn);

/* The same of what a scope shows: "host" (everywhere), "user:", "session:". */
void turn_repair_scope(struct turn *turn, const char *scope);

/* Jobs that wait, also those to be tried again. */
size_t turn_waiting(const struct turn *turn);

/* Run what waits now, without the loop; for the end. */
void turn_flush(struct turn *turn);

#endif
