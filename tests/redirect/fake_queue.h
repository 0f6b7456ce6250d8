/*
 * Messages that wait, in order.
 */
#ifndef TESTS_FAKE_QUEUE_H
#define TESTS_FAKE_QUEUE_H

#include "wire.h"

enum { FAKE_QUEUE_MAX = 8192 };

struct fake_queue {
	struct wire_view list[FAKE_QUEUE_MAX]; /* each malloc'd, exact */
	size_t first;
	size_t count;
};

void fake_queue_put(struct fake_queue *queue, struct wire_view message);

/* Out of the queue, to be freed with exact_free; false: empty. */
bool fake_queue_get(struct fake_queue *queue, struct wire_view *message);
void fake_queue_clear(struct fake_queue *queue);

#endif
