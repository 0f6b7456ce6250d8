/*
 * How cardproxyctl gives certificates out: as PEM, as PKCS#7 and as the
 * serialised store of Windows.  The daemon sends one JSON document; the binary
 * forms are made here.
 */
#ifndef PROXY_CTLEXPORT_H
#define PROXY_CTLEXPORT_H

#include <stdbool.h>

struct json_object;

/* Each writes to standard output; false: nothing to write, or a fault. */
bool ctlexport_pem(struct json_object *document);
bool ctlexport_p7b(struct json_object *document);
bool ctlexport_sst(struct json_object *document);

#endif
