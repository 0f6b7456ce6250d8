/*
 * What the answers of the control socket are made from, and the news for those
 * who watch, as JSON.  The lists are in listing.h.
 */
#ifndef STORE_REPORT_H
#define STORE_REPORT_H

#include "engine.h"
#include "peer.h"
#include "request.h"

struct json_object;

struct report_source {
	struct engine *engine;
	const struct peer_list *peers;
	const struct logon_list
	    *logons; /* NULL: none without a peer is shown */
	const char *run_dir;
	const char *const *local_targets; /* NULL, or ended by NULL */
	/*
	 * The store was changed from here: views of this scope, "host" (of all
	 * log-ons), "user:NAME" or "session:ID", may differ from it.
	 */
	void (*on_changed)(void *arg, const char *scope);
	/*
	 * Forget all that is a user's, on behalf of who; false: the store
	 * failed, and it is tried again.  May be NULL.
	 */
	bool (*forget_user)(void *arg, const char *user, const char *who,
	                    struct engine_forgotten *forgotten);
	/* More figures for "stats"; may be NULL, as on_changed. */
	void (*add_figures)(void *arg, struct json_object *to);
	void *arg;
};

/* {"error": text} */
struct json_object *report_error(const char *text);

/* What is known of a reader. */
void report_add_reader(struct json_object *row,
                       const struct peer_reader *reader);

/*
 * One event for "watch".  peer may be NULL; reader, text and result are left
 * out when NULL or empty.
 */
struct json_object *report_news(const struct peer *peer, const char *name,
                                const struct peer_reader *reader,
                                struct wire_view text,
                                const struct keep_ack *result);

/* What became of one certificate; logon may be NULL. */
struct json_object *report_note(const struct engine_note *note,
                                const struct logon *logon);

/* So many of those were not told. */
struct json_object *report_missed(size_t count);

#endif
