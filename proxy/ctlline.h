/*
 * The line that asks the daemon, made of the words of the command line as
 * store/request.h has them.  No I/O.
 */
#ifndef PROXY_CTLLINE_H
#define PROXY_CTLLINE_H

#include "ctlimport.h"
#include "ctlverb.h"
#include "wire.h"

/*
 * argument may be NULL, and is what the verb calls so; import says what will
 * follow the line.  False: a time that is none, or a name that is too long.
 */
bool ctlline_put(struct wire_out *line, const struct ctlverb *verb,
                 const struct ctloption_values *options, const char *argument,
                 const struct ctlimport *import);

/* A blank, and a word that may hold anything. */
void ctlline_put_word(struct wire_out *line, const char *word);

#endif
