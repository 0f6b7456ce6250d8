/* What is known of a certificate, as JSON, for personal/ in a view. */
#ifndef STORE_PROPERTIES_H
#define STORE_PROPERTIES_H

#include "engine.h"

/*
 * One object and a line feed, the names as "cardproxyctl certs" has them; the
 * caller frees it.  NULL: no memory.
 */
char *properties_text(const struct engine_entry *entry);

#endif
