/*
 * How cardproxyctl shows an answer of the daemon to people: tables with aligned
 * columns, PEM, and sentences.  All text is encoded first: what a card says
 * cannot move a cursor or forge a line.
 */
#ifndef PROXY_CTLTABLE_H
#define PROXY_CTLTABLE_H

#include <stdbool.h>

struct json_object;

/* Each writes to standard output; false: there was nothing to show. */
bool ctltable_sessions(struct json_object *document);
bool ctltable_session(struct json_object *document);
bool ctltable_readers(struct json_object *document);
bool ctltable_certs(struct json_object *document);
bool ctltable_export(struct json_object *document);
bool ctltable_roots(struct json_object *document);
bool ctltable_explain(struct json_object *document);
bool ctltable_stats(struct json_object *document);
bool ctltable_event(struct json_object *document);
bool ctltable_pinned(struct json_object *document);
bool ctltable_purged(struct json_object *document);
bool ctltable_changes(struct json_object *document);
bool ctltable_audit(struct json_object *document);
bool ctltable_policy(struct json_object *document);
bool ctltable_in_force(struct json_object *document);

#endif
