/*
 * The lines of a configuration file, before inih sees them.
 */
#ifndef PROXY_CONFLINE_H
#define PROXY_CONFLINE_H

#include "wire.h"

/* The next line into buf, without its end; false when it does not fit. */
bool confline_take(struct wire_in *in, char *buf, size_t size);

/*
 * What inih would misread, or stay silent about, is a fault here.  NULL, or a
 * literal that says what is wrong.
 */
const char *confline_check(const char *line);

#endif
