#include "pump.h"

#include <stdlib.h>

/* One direction: from a side to the other. */
struct flow {
	struct leg *source;
	struct leg *sink;
	size_t passing; /* bytes left of a frame that is relayed unseen */
	struct evbuffer *waiting; /* our frames, until that frame has ended */
	bool stopped;
};

struct pump {
	struct relay *relay;
	struct flow flows[2]; /* by the side it comes from */
	const struct pump_ops *ops;
	void *arg;
};

struct pump *
pump_new(struct relay *relay, struct leg *client, struct leg *server,
         const struct pump_ops *ops, void *arg)
{
	struct pump *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->relay = relay;
	p->ops = ops;
	p->arg = arg;
	p->flows[RELAY_CLIENT].source = client;
	p->flows[RELAY_CLIENT].sink = server;
	p->flows[RELAY_SERVER].source = server;
	p->flows[RELAY_SERVER].sink = client;
	for (int i = 0; i < 2; i++)
		p->flows[i].waiting = evbuffer_new();
	if (p->flows[0].waiting != NULL && p->flows[1].waiting != NULL)
		return p;
	pump_free(p);
	return NULL;
}

void
pump_free(struct pump *p)
{
	if (p == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		if (p->flows[i].waiting != NULL)
			evbuffer_free(p->flows[i].waiting);
	}
	free(p);
}

void
pump_stop(struct pump *p, enum relay_side from)
{
	p->flows[from].stopped = true;
}

static void
refuse(struct pump *p, enum relay_side from, const char *what)
{
	p->flows[from].stopped = true;
	p->ops->on_refused(p->arg, from, what);
}

/* Our own frames go as soon as no relayed frame is half sent. */
static void
release_waiting(struct flow *f)
{
	if (f->passing == 0 && evbuffer_get_length(f->waiting) > 0)
		(void)evbuffer_add_buffer(leg_output(f->sink), f->waiting);
}

/* Move the first len bytes of the input on. */
static void
move(struct flow *f, size_t len)
{
	struct evbuffer *in = leg_input(f->source);

	if (len == evbuffer_get_length(in))
		(void)evbuffer_add_buffer(leg_output(f->sink), in);
	else if (len > 0)
		(void)evbuffer_remove_buffer(in, leg_output(f->sink), len);
}

/* The head of the frame that starts at this offset of the input. */
static struct wire_view
head_at(struct evbuffer *in, size_t offset, uint8_t buf[RELAY_HEAD])
{
	struct wire_view head = {buf, 0};
	struct evbuffer_ptr at;
	ev_ssize_t n = -1;

	if (evbuffer_ptr_set(in, &at, offset, EVBUFFER_PTR_SET) == 0)
		n = evbuffer_copyout_from(in, &at, buf, RELAY_HEAD);
	head.len = n > 0 ? (size_t)n : 0;
	return head;
}

/*
 * A frame to look at, whole, at the head of the input.  It may hold the user's
 * password or a PIN.
 */
static bool
look(struct pump *p, enum relay_side from, size_t len)
{
	struct flow *f = &p->flows[from];
	uint8_t *frame = leg_remove_secret(leg_input(f->source), len);
	struct relay_chunk chunk;
	bool forward = true;

	if (frame == NULL) {
		refuse(p, from, "no memory for a frame");
		return false;
	}
	switch (relay_frame(p->relay, from, frame, len, &chunk)) {
	case RELAY_FORWARD:
		break;
	case RELAY_CHUNK:
		forward = p->ops->on_chunk(p->arg, from, &chunk);
		break;
	case RELAY_REFUSE:
		leg_drop_secret(frame, len);
		refuse(p, from, relay_fault(p->relay));
		return false;
	}
	if (!forward) {
		leg_drop_secret(frame, len);
	} else if (!leg_take_secret(leg_output(f->sink), frame, len)) {
		refuse(p, from, "no memory for a frame");
		return false;
	}
	p->ops->on_facts(p->arg);
	return !f->stopped;
}

/* Relay whole and half frames until the input, or what may go now, is used up.
 */
static void
relay_input(struct pump *p, enum relay_side from)
{
	struct flow *f = &p->flows[from];
	struct evbuffer *in = leg_input(f->source);
	uint8_t buf[RELAY_HEAD];
	size_t ready = 0; /* bytes at the head that go on as they are */

	while (evbuffer_get_length(in) > ready) {
		size_t left = evbuffer_get_length(in) - ready;
		size_t len = 0;

		if (f->passing > 0) {
			size_t n = left < f->passing ? left : f->passing;

			f->passing -= n;
			ready += n;
			continue;
		}
		switch (
		    relay_peek(p->relay, from, head_at(in, ready, buf), &len)) {
		case RELAY_PASS:
			f->passing = len;
			continue;
		case RELAY_LOOK:
			move(f, ready);
			ready = 0;
			if (left < len || !look(p, from, len))
				return;
			continue;
		case RELAY_UNFRAMED:
			refuse(p, from, "neither TPKT nor fast-path");
			return;
		case RELAY_MORE:
			break;
		}
		break;
	}
	move(f, ready);
}

void
pump_run(struct pump *p, enum relay_side from)
{
	struct flow *f = &p->flows[from];

	if (f->stopped)
		return;
	release_waiting(f);
	relay_input(p, from);
	if (f->stopped)
		return;
	release_waiting(f);
	leg_flush(f->sink);
	if (!f->stopped &&
	    evbuffer_get_length(leg_output(f->sink)) >= PUMP_QUEUE_MAX)
		leg_pause(f->source);
}

void
pump_drained(struct pump *p, enum relay_side to)
{
	enum relay_side from = to == RELAY_CLIENT ? RELAY_SERVER : RELAY_CLIENT;

	if (!p->flows[from].stopped)
		leg_resume(p->flows[from].source);
}

void
pump_inject(struct pump *p, enum relay_side to, const struct relay_chunk *chunk)
{
	enum relay_side from = to == RELAY_CLIENT ? RELAY_SERVER : RELAY_CLIENT;
	struct flow *f = &p->flows[from];
	size_t size = chunk->data.len + RELAY_CHUNK_OVERHEAD;
	uint8_t *frame = malloc(size);
	struct wire_out out = wire_out(frame, frame == NULL ? 0 : size);

	relay_wrap(p->relay, to, chunk, &out);
	if (frame == NULL || !wire_out_ok(&out)) {
		leg_drop_secret(frame, frame == NULL ? 0 : size);
		refuse(p, from, "no memory for a frame");
		return;
	}
	if (!leg_take_secret(f->waiting, frame, out.len)) {
		refuse(p, from, "no memory for a frame");
		return;
	}
	if (!f->stopped) {
		release_waiting(f);
		leg_flush(f->sink);
	}
}

void
pump_dismiss(struct pump *p)
{
	struct flow *f = &p->flows[RELAY_SERVER];
	uint8_t frame[RELAY_ULTIMATUM];
	struct wire_out out = wire_out(frame, sizeof(frame));

	if (f->stopped)
		return;
	release_waiting(f);
	f->stopped = true;
	if (f->passing > 0)
		return;
	relay_ultimatum(&out, MCS_PROVIDER_INITIATED);
	(void)evbuffer_add(leg_output(f->sink), frame, out.len);
	leg_flush(f->sink);
}
