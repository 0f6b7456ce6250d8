/* How cardproxyctl shows the variables of a session: as a shell reads them. */
#ifndef PROXY_CTLENV_H
#define PROXY_CTLENV_H

#include <stdbool.h>

struct json_object;

/*
 * "export NAME='value'", a line each, for eval; false when the answer is not
 * one session, which is said on standard error.
 */
bool ctlenv_show(struct json_object *document);

#endif
