#include "fake_queue.h"

#include "exact.h"

void
fake_queue_put(struct fake_queue *queue, struct wire_view message)
{
	if (queue->count == FAKE_QUEUE_MAX)
		abort();
	queue->list[(queue->first + queue->count++) % FAKE_QUEUE_MAX] =
	    exact_dup(message.data, message.len);
}

bool
fake_queue_get(struct fake_queue *queue, struct wire_view *message)
{
	if (queue->count == 0)
		return false;
	*message = queue->list[queue->first];
	queue->first = (queue->first + 1) % FAKE_QUEUE_MAX;
	queue->count--;
	return true;
}

void
fake_queue_clear(struct fake_queue *queue)
{
	struct wire_view message;

	while (fake_queue_get(queue, &message))
		exact_free(message);
}
