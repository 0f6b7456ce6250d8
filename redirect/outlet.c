#include "outlet.h"

#include <stdlib.h>
#include <string.h>

struct outlet_message {
	struct outlet_message *next;
	size_t len;
	uint8_t data[];
};

void
outlet_init(struct outlet *outlet, enum channel_side to,
            const struct channel_ops *ops, void *arg)
{
	*outlet = (struct outlet){
	    .ops = ops,
	    .arg = arg,
	    .to = to,
	    .chunk_size = CHANNEL_CHUNK_DEFAULT,
	};
}

static void
drop_first(struct outlet *outlet)
{
	struct outlet_message *message = outlet->first;

	outlet->first = message->next;
	if (outlet->first == NULL)
		outlet->last = NULL;
	outlet->kept -= message->len;
	explicit_bzero(message->data, message->len); /* perhaps a PIN */
	free(message);
}

void
outlet_clear(struct outlet *outlet)
{
	while (outlet->first != NULL)
		drop_first(outlet);
}

static bool
keep(struct outlet *outlet, struct wire_view message)
{
	struct outlet_message *kept = NULL;
	struct wire_out out;

	if (message.len > OUTLET_QUEUE_MAX - outlet->kept)
		return false;
	kept = malloc(sizeof(*kept) + message.len);
	if (kept == NULL)
		return false;
	out = wire_out(kept->data, message.len);
	wire_put_view(&out, message);
	kept->next = NULL;
	kept->len = message.len;
	if (outlet->last == NULL)
		outlet->first = kept;
	else
		outlet->last->next = kept;
	outlet->last = kept;
	outlet->kept += message.len;
	return true;
}

static void
send_now(struct outlet *outlet, struct wire_view message)
{
	struct chunk_cut cut =
	    chunk_cut(message, outlet->chunk_size, outlet->show);
	struct wire_view data;
	uint32_t flags;

	while (chunk_cut_next(&cut, &flags, &data))
		outlet->ops->send(outlet->arg, outlet->to,
		                  (uint32_t)message.len, flags, data);
}

bool
outlet_send(struct outlet *outlet, struct wire_view message)
{
	if (outlet->busy || outlet->first != NULL)
		return keep(outlet, message);
	send_now(outlet, message);
	return true;
}

bool
outlet_waits(const struct outlet *outlet)
{
	return outlet->first != NULL;
}

void
outlet_pass(struct outlet *outlet, uint32_t total, uint32_t flags,
            struct wire_view data)
{
	outlet->ops->send(outlet->arg, outlet->to, total, flags, data);
}

void
outlet_flush(struct outlet *outlet)
{
	outlet->busy = false;
	while (outlet->first != NULL) {
		send_now(outlet, (struct wire_view){outlet->first->data,
		                                    outlet->first->len});
		drop_first(outlet);
	}
}

enum channel_verdict
outlet_relay(struct outlet *outlet, const struct chunk_join *join,
             uint32_t total, uint32_t flags, struct wire_view data)
{
	outlet->busy = !chunk_join_idle(join);
	if (outlet->busy || !outlet_waits(outlet))
		return CHANNEL_PASS;
	outlet_pass(outlet, total, flags, data);
	outlet_flush(outlet);
	return CHANNEL_TAKE;
}
