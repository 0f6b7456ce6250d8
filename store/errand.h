/*
 * What takes the keeper longer than a turn of its loop may take: lists,
 * counting and copying a large store, forgetting much of it.  It is done in
 * slices, each as long as a short transaction, and between two of them
 * everything else has its turn: a root that has to go does not wait for a
 * backup.
 */
#ifndef STORE_ERRAND_H
#define STORE_ERRAND_H

#include <event2/event.h>
#include <sys/types.h>

#include "report.h"

struct evbuffer;
struct json_object;
struct errand;
struct waste;

enum {
	ERRAND_SLICE_US = 2000,        /* after which others have their turn */
	ERRAND_PAGES = 16,             /* of a copy, before the clock is read */
	ERRAND_WAITING_MAX = 64 * 1024 /* bytes that are not taken yet */
};

/* Is this one of its verbs? */
bool errand_serves(enum request_verb verb);

/*
 * It is done.  The answer and, for a copy, a descriptor with len bytes (else
 * -1) are the callee's now; the answer is NULL when it could not be made, or
 * with in_buffer: then it is in the buffer, whole.  The errand may be freed in
 * here.
 */
struct errand_result {
	bool in_buffer;
	struct json_object *answer;
	int fd;
	int64_t len;
};
typedef void errand_on_done(void *arg, const struct errand_result *result);

/*
 * All is borrowed.  Rows of lists go to the buffer as they come, and it is
 * waited for them to be taken.  NULL: no memory.
 */
struct errand_order {
	struct event_base *base;
	struct waste *waste; /* for what is left of a copy */
	const struct report_source *source;
	const struct request *request;
	uid_t uid; /* who asked */
	struct evbuffer *to;
};
struct errand *errand_new(const struct errand_order *order,
                          errand_on_done *on_done, void *arg);

/* The buffer has room again. */
void errand_go_on(struct errand *errand);

/* Also before it is done. */
void errand_free(struct errand *errand);

#endif
