/*
 * Asking the daemon: one line to its control socket, and the JSON that comes
 * back, shown as the verb does or as it is.  Refusals go to standard error.
 */
#ifndef PROXY_CTLASK_H
#define PROXY_CTLASK_H

#include "ctlimport.h"
#include "ctlverb.h"

struct json_object;

/* The exit status of cardproxyctl. */
enum ctlask_status {
	CTLASK_DONE = 0,
	CTLASK_REFUSED = 1, /* the daemon refused, or something failed */
	CTLASK_USAGE = 2,   /* nothing was asked: a value makes no sense */
	CTLASK_NO_DAEMON = 3
};

/* Ask for a verb and show all answers; import is what follows the line. */
enum ctlask_status ctlask(const struct ctlverb *verb,
                          const struct ctloption_values *options,
                          const char *argument, const struct ctlimport *import);

/* One answer, the caller's; NULL after a complaint. */
struct json_object *ctlask_fetch(const char *path, const char *request,
                                 const char *argument);

/* Show a document that was made here; takes it. */
enum ctlask_status ctlask_show(struct json_object *document,
                               const struct ctlverb *verb, bool as_json);

/* Tell what the daemon refused. */
enum ctlask_status ctlask_refusal(struct json_object *error);

/* Tell that errno keeps us from this path. */
enum ctlask_status ctlask_no_daemon(const char *path);

#endif
