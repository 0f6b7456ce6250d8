/*
 * How cardproxyctl shows card roots: the list, the sentences of "explain", and
 * what pins and purges did.
 */
#ifndef PROXY_CTLROOT_H
#define PROXY_CTLROOT_H

#include <stdbool.h>

struct json_object;

/* Each writes to standard output; false: there was nothing to show. */
bool ctlroot_list(struct json_object *document);
bool ctlroot_explain(struct json_object *document);
bool ctlroot_pinned(struct json_object *document);
bool ctlroot_purged(struct json_object *document);

#endif
