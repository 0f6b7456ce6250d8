/*
 * What is in force, written down for "cardproxyctl policy show": a file
 * "policy" in the run directory that the gate replaces with each change.  A
 * line is a word and its fields, with tabs in between, all text encoded as in
 * the log:
 *
 *     generation NUMBER SECONDS
 *     object NAME PATH STATE
 *     section NAME LINE
 *     value KEY VALUE ORIGIN NOTE
 */
#ifndef PROXY_INFORCE_H
#define PROXY_INFORCE_H

#include "config.h"

enum { INFORCE_FIELDS_MAX = 5, INFORCE_LINE_MAX = 4096 };

/* Readable for those who may use the control socket.  False: errno. */
bool inforce_write(const struct config *config);

/* "enforced", "as it was before", ... */
const char *inforce_state(const struct gpo *gpo);

/* Take a line apart, in place; the number of its fields. */
size_t inforce_split(char *line, char *fields[INFORCE_FIELDS_MAX]);

#endif
