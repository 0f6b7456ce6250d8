/*
 * The variables by which programs of a session find its view, as the answer to
 * "env": for cardproxyctl and for pam_cardproxy.
 */
#ifndef STORE_ENVIRONMENT_H
#define STORE_ENVIRONMENT_H

#include "report.h"

struct json_object;

/*
 * Is it a live log-on of request->owner (of all when empty) whose id begins
 * with request->prefix?
 */
bool environment_is_wanted(const struct request *request,
                           const struct engine_session *session);

/*
 * Its view and "env", an object of variables.  "authenticated" says that the
 * name is more than the client's word, "local" that it runs on this host.
 */
void environment_add(const struct report_source *source,
                     const struct engine_session *session,
                     struct json_object *row);

#endif
