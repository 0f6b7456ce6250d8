/*
 * The verbs of the control socket that change little of the store: each in one
 * transaction, answered in JSON.  Who may ask is control.c's to know.
 */
#ifndef STORE_ADMIN_H
#define STORE_ADMIN_H

#include "report.h"

#include <sys/types.h>

struct json_object;

/* Is this one of them? */
bool admin_serves(enum request_verb verb);

/*
 * Do what is asked for.  body is what followed the line; uid, who asked, goes
 * to the audit.  What was refused has changed nothing.  NULL: no memory.
 */
struct json_object *admin_answer(const struct report_source *source,
                                 const struct request *request,
                                 struct wire_view body, uid_t uid);

#endif
