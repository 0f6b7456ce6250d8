#include "guard_inside.h"

#include <stdlib.h>

enum {
	WAITS_MAX = 64,   /* calls that are kept at a time */
	INPUT_MAX = 8192, /* bytes of one */
	AGAIN_MAX = 1024, /* a client that answers without end */
	STATE_NOT_EMPTY = ESC_STATE_PRESENT | ESC_STATE_UNKNOWN |
	                  ESC_STATE_UNAVAILABLE | ESC_STATE_IGNORE
};

static bool
is_watch(const struct ioctl *row)
{
	return row->code == IOCTL_GET_STATUS_CHANGE_A ||
	       row->code == IOCTL_GET_STATUS_CHANGE_W;
}

static bool
looks_empty(uint32_t state)
{
	return (state & ESC_STATE_EMPTY) != 0 && (state & STATE_NOT_EMPTY) == 0;
}

void
guard_wait_keep(struct guard *guard, struct guard_call *now,
                struct wire_view input, const struct esc_call *call)
{
	struct guard_wait *wait;
	struct wire_out out;

	if (!is_watch(now->row) || !filter_needs_card(guard->policy) ||
	    guard->waits >= WAITS_MAX || input.len > INPUT_MAX)
		return;
	wait = calloc(1, sizeof(*wait) + input.len);
	if (wait == NULL)
		return; /* then it is woken for nothing */
	wait->context = call->watch.context;
	wait->timeout_ms = call->watch.timeout_ms;
	for (uint32_t i = 0; i < call->watch.count; i++) {
		if (looks_empty(call->watch.states[i].current))
			wait->empty |= UINT64_C(1) << i;
	}
	wait->len = input.len;
	out = wire_out(wait->input, input.len);
	wire_put_view(&out, input);
	now->wait = wait;
	guard->waits++;
}

void
guard_wait_drop(struct guard *guard, struct guard_call *call)
{
	if (call->wait == NULL)
		return;
	free(call->wait);
	call->wait = NULL;
	guard->waits--;
}

/*
 * A call that is not with the client at the moment would miss it: it is not
 * made again, and its return, for nothing as it is, ends it.
 */
void
guard_wait_note(struct guard *guard, const struct guard_call *sent)
{
	if (sent->row->code != IOCTL_CANCEL &&
	    sent->row->code != IOCTL_RELEASE_CONTEXT)
		return;
	for (size_t i = 0; i < guard->count; i++) {
		struct guard_wait *wait = guard->list[i].wait;

		if (wait != NULL &&
		    esc_id_equal(&wait->context, &sent->handle.context))
			wait->ended = true;
	}
}

/* All that changed is in readers that looked empty and still do. */
static bool
has_news(const struct guard *guard, const struct guard_call *call,
         const struct esc_return *ret)
{
	const struct guard_wait *wait = call->wait;
	bool changed = false;

	if (wait == NULL || wait->ended || wait->again >= AGAIN_MAX ||
	    !filter_needs_card(guard->policy) || ret->code != ESC_S_SUCCESS ||
	    ret->watch.count != call->count)
		return true;
	for (uint32_t i = 0; i < call->count; i++) {
		uint32_t event = ret->watch.states[i].event;

		if ((event & ESC_STATE_CHANGED) == 0)
			continue;
		if ((wait->empty >> i & 1) == 0 || !looks_empty(event) ||
		    call->states[i] == ROSTER_NONE)
			return true;
		changed = true;
	}
	return !changed;
}

/* The call anew, from what the client said last. */
static bool
put_again(struct guard *guard, const struct guard_call *call,
          uint32_t timeout_ms, struct wire_view *again)
{
	struct wire_view input = {call->wait->input, call->wait->len};
	struct wire_out out = guard_out(guard);
	struct esc_call anew;

	if (ioctl_call_decode(call->row, input, &anew) != WIRE_OK)
		return false;
	anew.watch.timeout_ms = timeout_ms;
	for (uint32_t i = 0; i < anew.watch.count; i++) {
		const struct roster_reader *reader =
		    roster_at(&guard->roster, call->states[i]);

		if (reader != NULL && (call->wait->empty >> i & 1) != 0)
			anew.watch.states[i].current =
			    reader->event & ~(uint32_t)ESC_STATE_CHANGED;
	}
	ioctl_call_encode(call->row, &out, &anew);
	*again = wire_written(&out);
	return wire_out_ok(&out);
}

static void
expire(struct esc_return *ret)
{
	ret->code = ESC_E_TIMEOUT;
	for (uint32_t i = 0; i < ret->watch.count; i++)
		ret->watch.states[i].event &= ~(uint32_t)ESC_STATE_CHANGED;
}

enum guard_step
guard_wait_judge(struct guard *guard, struct guard_call *call,
                 struct esc_return *ret, uint64_t now_ms,
                 struct wire_view *again)
{
	uint64_t passed = now_ms - call->began_ms;
	uint32_t left = ESC_INFINITE;

	if (has_news(guard, call, ret))
		return GUARD_PASS;
	if (call->wait->timeout_ms != ESC_INFINITE) {
		if (passed >= call->wait->timeout_ms) {
			expire(ret);
			return GUARD_CHANGE;
		}
		left = call->wait->timeout_ms - (uint32_t)passed;
	}
	if (!put_again(guard, call, left, again))
		return GUARD_PASS;
	call->wait->again++;
	return GUARD_AGAIN;
}
