/*
 * How cardproxyctl shows sessions and their readers.
 */
#ifndef PROXY_CTLSESSION_H
#define PROXY_CTLSESSION_H

#include <stdbool.h>

struct json_object;

/* Each writes to standard output; false: there was nothing to show. */
bool ctlsession_list(struct json_object *document);
bool ctlsession_show(struct json_object *document);
bool ctlsession_readers(struct json_object *document);

#endif
