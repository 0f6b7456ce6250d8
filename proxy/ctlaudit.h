/*
 * How cardproxyctl shows what happened: the audit, and events as they come.
 */
#ifndef PROXY_CTLAUDIT_H
#define PROXY_CTLAUDIT_H

#include <stdbool.h>

struct json_object;

/* Each writes to standard output; false: there was nothing to show. */
bool ctlaudit_list(struct json_object *document);
bool ctlaudit_event(struct json_object *document);

#endif
