/*
 * The answers of the control socket that are lists, however long: a page of
 * them at a time, so that between two everything else has its turn.  The rows
 * of different pages are of different moments.
 */
#ifndef STORE_LISTING_H
#define STORE_LISTING_H

#include "report.h"

struct evbuffer;
struct listing;

enum { LISTING_PAGE = 100 /* rows, about, in one step */ };

/* Is this one of its verbs? */
bool listing_serves(enum request_verb verb);

/* All are borrowed; rows go to the buffer as text.  NULL: no memory. */
struct listing *listing_new(const struct report_source *source,
                            const struct request *request, struct evbuffer *to);
void listing_free(struct listing *listing);

/*
 * One page more.  After ENGINE_DONE the line in the buffer is whole; with a
 * fault of the store it ends with "error".  ENGINE_BAD: no memory, it is not.
 */
enum engine_slice listing_step(struct listing *listing);

#endif
