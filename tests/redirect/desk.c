#include "desk.h"

#include "channel.h"
#include "exact.h"

static void
on_send(void *arg, struct wire_view message)
{
	struct desk *desk = arg;

	fake_client_take(&desk->client, (uint32_t)message.len,
	                 CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST, message);
}

void
desk_init(struct desk *desk)
{
	memset(desk, 0, sizeof(*desk));
	fake_client_init(&desk->client);
	desk->client.accepted = 1;
	desk->mux = mux_new();
	if (desk->mux == NULL)
		abort();
	calls_init(&desk->calls, desk->mux, on_send, desk);
	calls_open(&desk->calls, desk->client.cards[0].id);
	desk->now_ms = 1000;
}

void
desk_clear(struct desk *desk)
{
	fake_client_clear(&desk->client);
	mux_free(desk->mux);
}

bool
desk_step(struct desk *desk)
{
	struct rdpefs_completion completion;
	struct rdpefs_header header;
	struct wire_view message;
	struct wire_in in;
	struct mux_irp irp;

	if (!fake_queue_get(&desk->client.out, &message))
		return false;
	in = wire_in_view(message);
	if (!rdpefs_header_decode(&in, &header) ||
	    !rdpefs_completion_decode(&in, &completion))
		abort();
	desk->now_ms += desk->call_ms;
	if (mux_complete(desk->mux, completion.device_id,
	                 completion.completion_id, &irp) == MUX_FOUND)
		calls_complete(&desk->calls, &irp, &completion, desk->now_ms);
	desk->rounds++;
	exact_free(message);
	return true;
}

void
desk_run(struct desk *desk)
{
	for (unsigned i = 0; i < 10000; i++) {
		if (!desk_step(desk))
			return;
	}
	abort(); /* it never comes to rest */
}
