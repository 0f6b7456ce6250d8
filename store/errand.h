/*
 * What takes the keeper longer than a turn of its loop may take: counting and
 * copying a large store.  It is done in slices, each as long as a short
 * transaction, and between two of them everything else has its turn: a root
 * that has to go does not wait for a backup.
 */
#ifndef STORE_ERRAND_H
#define STORE_ERRAND_H

#include <event2/event.h>

#include "report.h"

struct json_object;
struct errand;

enum {
	ERRAND_SLICE_US = 2000, /* after which others have their turn */
	ERRAND_PAGES = 16       /* of a copy, before the clock is read */
};

/* Is this one of its verbs? */
bool errand_serves(enum request_verb verb);

/*
 * It is done: the answer and, for a copy, a descriptor with len bytes (else
 * -1); both are the callee's now.  The errand may be freed in here.
 */
typedef void errand_on_done(void *arg, struct json_object *answer, int fd,
                            int64_t len);

/* source is borrowed.  NULL: no memory. */
struct errand *errand_new(struct event_base *base,
                          const struct report_source *source,
                          enum request_verb verb, errand_on_done *on_done,
                          void *arg);

/* Also before it is done. */
void errand_free(struct errand *errand);

#endif
