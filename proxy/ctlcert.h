/*
 * How cardproxyctl shows users' certificates, and what became of changes.
 */
#ifndef PROXY_CTLCERT_H
#define PROXY_CTLCERT_H

#include <stdbool.h>

struct json_object;

/* Each writes to standard output; false: there was nothing to show. */
bool ctlcert_list(struct json_object *document);
bool ctlcert_changes(struct json_object *document);

/* What became of "users forget". */
bool ctlcert_forgotten(struct json_object *document);

#endif
