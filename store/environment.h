/*
 * The variables by which programs of a session find its view, as the answer to
 * "env": for cardproxyctl and for pam_cardproxy.
 */
#ifndef STORE_ENVIRONMENT_H
#define STORE_ENVIRONMENT_H

#include "report.h"

struct json_object;

/*
 * Add "sessions": the live log-ons of request->owner (all when empty) whose id
 * begins with request->prefix, each with its view and "env", an object of
 * variables.  "authenticated" says that the name is more than the client's
 * word, "local" that the session runs on this host.
 */
bool environment_list(const struct report_source *source,
                      const struct request *request,
                      struct json_object *document);

#endif
