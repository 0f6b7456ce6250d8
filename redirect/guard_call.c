#include "guard_inside.h"

#include <string.h>

static const struct filter_decision allowed = {FILTER_ALLOW, "calls: all", 0};

static bool
is_refused(struct filter_decision decision)
{
	return decision.verdict == FILTER_REFUSE;
}

bool
guard_hides_card(const struct guard *guard, const struct roster_reader *reader)
{
	struct wire_view atr;

	if (reader == NULL || !filter_needs_card(guard->policy))
		return false;
	atr = (struct wire_view){reader->atr.bytes, reader->atr.len};
	return is_refused(filter_card(guard->policy, atr));
}

/* ---- what is noted of every call */

/* The AID of a SELECT is needed again at its return, all else is not. */
static void
read_apdu(struct guard_call *now, struct wire_view apdu)
{
	struct wire_out out = wire_out(now->data, sizeof(now->data));

	now->send_len = (uint32_t)apdu.len;
	now->decoded = command_decode(apdu, &now->command);
	if (!now->decoded)
		return;
	if (now->command.data.len > sizeof(now->data))
		now->command.data.len = sizeof(now->data);
	wire_put_view(&out, now->command.data);
	if (now->command.ins != 0xA4) {
		explicit_bzero(now->data, sizeof(now->data)); /* a PIN? */
		now->command.data.len = 0;
	}
	now->changes = now->command.ins == 0xA4 || now->command.ins == 0x70;
}

static void
read_states(struct guard *guard, struct guard_call *now,
            const struct esc_reader_state *states, uint32_t count)
{
	now->count = count;
	for (uint32_t i = 0; i < count; i++) {
		bool pnp = strcmp(states[i].reader.text, ESC_PNP_READER) == 0;

		now->states[i] =
		    pnp ? (uint8_t)ROSTER_NONE
			: roster_reader(&guard->roster, &states[i].reader);
	}
}

static void
read_handle(struct guard *guard, struct guard_call *now,
            const struct esc_call *call)
{
	const struct roster_handle *held;

	now->handle = call->handle.handle;
	held = roster_find(&guard->roster, &now->handle);
	if (held != NULL)
		now->reader = held->reader;
}

void
guard_read_call(struct guard *guard, struct guard_call *now,
                const struct esc_call *call)
{
	now->known = true;
	if (now->row->subject == IOCTL_OF_CARD)
		read_handle(guard, now, call);
	switch (now->row->code) {
	case IOCTL_CONNECT_A:
	case IOCTL_CONNECT_W:
		now->reader =
		    roster_reader(&guard->roster, &call->connect.reader);
		now->handle.context = call->connect.context;
		return;
	case IOCTL_RELEASE_CONTEXT:
	case IOCTL_CANCEL:
		now->handle.context = call->context.context;
		return;
	case IOCTL_DISCONNECT:
	case IOCTL_END_TRANSACTION:
		now->disposition = call->hcard.disposition;
		now->changes = now->disposition != ESC_LEAVE_CARD;
		return;
	case IOCTL_RECONNECT:
		now->disposition = call->reconnect.initialization;
		now->changes = now->disposition != ESC_LEAVE_CARD;
		return;
	case IOCTL_TRANSMIT:
		read_apdu(now, call->transmit.send);
		return;
	case IOCTL_GET_STATUS_CHANGE_A:
	case IOCTL_GET_STATUS_CHANGE_W:
		read_states(guard, now, call->watch.states, call->watch.count);
		return;
	case IOCTL_LOCATE_CARDS_A:
	case IOCTL_LOCATE_CARDS_W:
	case IOCTL_LOCATE_CARDS_BY_ATR_A:
	case IOCTL_LOCATE_CARDS_BY_ATR_W:
		read_states(guard, now, call->locate.states,
		            call->locate.count);
		return;
	default:
		return;
	}
}

/* ---- judging */

/* A reader by its name; the pseudo reader is none. */
static struct filter_decision
judge_reader(const struct guard *guard, const struct esc_name *name)
{
	if (!filter_needs_reader(guard->policy) || !name->present ||
	    strcmp(name->text, ESC_PNP_READER) == 0)
		return allowed;
	return filter_reader(guard->policy, name->text);
}

/*
 * One refused reader refuses the call: a reader that does not exist does so
 * too.  Where a card is hidden the server believes its reader to be empty; the
 * client must be asked from what it itself said last, or it would answer at
 * once and for ever.
 */
static struct filter_decision
judge_states(struct guard *guard, struct esc_reader_state *states,
             uint32_t count, bool *changed)
{
	for (uint32_t i = 0; i < count; i++) {
		struct filter_decision decision =
		    judge_reader(guard, &states[i].reader);
		struct roster_reader *reader =
		    roster_at(&guard->roster, guard->now.states[i]);

		if (is_refused(decision))
			return decision;
		if (!guard_hides_card(guard, reader) ||
		    (states[i].current & ESC_STATE_EMPTY) == 0)
			continue;
		states[i].current =
		    reader->event & ~(uint32_t)ESC_STATE_CHANGED;
		*changed = true;
	}
	return allowed;
}

/* The list is needed to leave names out of it, also when only its size is. */
static struct filter_decision
judge_list(struct guard *guard, struct esc_call *call, bool *changed)
{
	if (!filter_needs_reader(guard->policy))
		return allowed;
	guard->now.asked_anew = true;
	guard->now.size_only = call->list.names_null != 0;
	guard->now.chars = call->list.chars;
	call->list.names_null = 0;
	call->list.chars = ESC_AUTOALLOCATE;
	*changed = true;
	return allowed;
}

static struct filter_decision
judge_connect(struct guard *guard, const struct esc_call *call)
{
	struct filter_decision decision =
	    judge_reader(guard, &call->connect.reader);
	struct roster_reader *reader =
	    roster_at(&guard->roster, guard->now.reader);

	if (is_refused(decision) || !guard_hides_card(guard, reader))
		return decision;
	return filter_card(guard->policy, (struct wire_view){reader->atr.bytes,
	                                                     reader->atr.len});
}

static bool
gives_back(const struct ioctl *row)
{
	return row->code == IOCTL_DISCONNECT ||
	       row->code == IOCTL_END_TRANSACTION;
}

static bool
needs_handles(const struct filter_policy *policy)
{
	return filter_needs_reader(policy) || filter_needs_card(policy) ||
	       policy->commands != FILTER_FULL;
}

static bool
speaks_to_card(const struct ioctl *row)
{
	return row->code == IOCTL_TRANSMIT || row->code == IOCTL_CONTROL;
}

/* May this handle be used at all?  Giving back is always allowed. */
static struct filter_decision
judge_handle(struct guard *guard)
{
	const struct filter_policy *policy = guard->policy;
	struct roster_reader *reader =
	    roster_at(&guard->roster, guard->now.reader);
	struct filter_decision decision = allowed;

	if (!needs_handles(policy) || gives_back(guard->now.row))
		return allowed;
	if (reader == NULL)
		return (struct filter_decision){FILTER_REFUSE,
		                                "calls: unknown handle",
		                                policy->refusal_code};
	decision = judge_reader(guard, &reader->name);
	if (is_refused(decision))
		decision.code = ESC_E_READER_UNAVAILABLE;
	else if (guard_hides_card(guard, reader))
		decision =
		    filter_card(policy, (struct wire_view){reader->atr.bytes,
		                                           reader->atr.len});
	else if (filter_needs_card(policy) && reader->atr.len == 0 &&
	         speaks_to_card(guard->now.row))
		return (struct filter_decision){
		    FILTER_REFUSE, "cards: not known yet", ESC_W_REMOVED_CARD};
	if (decision.code == ESC_E_NO_SMARTCARD)
		decision.code = ESC_W_REMOVED_CARD;
	return decision;
}

/* The whole command is judged here, before its data are forgotten. */
static struct filter_decision
judge_transmit(struct guard *guard, const struct esc_call *call)
{
	const struct roster_reader *reader =
	    roster_at(&guard->roster, guard->now.reader);
	const struct command_app *app =
	    roster_app(reader, guard->now.command.channel);
	struct command_meaning meaning;
	struct filter_decision decision =
	    filter_apdu(guard->policy, call->transmit.send, app, &meaning);

	guard->now.name = meaning.name;
	return decision;
}

/* What no rule can tell is a card's: see guard.h. */
static struct filter_decision
judge_cache(const struct guard *guard, uint32_t code)
{
	if (!filter_needs_card(guard->policy))
		return allowed;
	return (struct filter_decision){
	    FILTER_REFUSE, "cards: whose cache is not known", code};
}

static struct filter_decision
judge_shape(struct guard *guard, struct esc_call *call, bool *changed)
{
	switch (guard->now.row->code) {
	case IOCTL_LIST_READERS_A:
	case IOCTL_LIST_READERS_W:
		return judge_list(guard, call, changed);
	case IOCTL_GET_STATUS_CHANGE_A:
	case IOCTL_GET_STATUS_CHANGE_W:
		return judge_states(guard, call->watch.states,
		                    call->watch.count, changed);
	case IOCTL_LOCATE_CARDS_A:
	case IOCTL_LOCATE_CARDS_W:
	case IOCTL_LOCATE_CARDS_BY_ATR_A:
	case IOCTL_LOCATE_CARDS_BY_ATR_W:
		return judge_states(guard, call->locate.states,
		                    call->locate.count, changed);
	case IOCTL_CONNECT_A:
	case IOCTL_CONNECT_W:
		return judge_connect(guard, call);
	case IOCTL_GET_READER_ICON:
	case IOCTL_GET_DEVICE_TYPE_ID:
	case IOCTL_FORGET_READER_A:
	case IOCTL_FORGET_READER_W:
		return judge_reader(guard, &call->reader.reader);
	case IOCTL_INTRODUCE_READER_A:
	case IOCTL_INTRODUCE_READER_W:
	case IOCTL_ADD_READER_TO_GROUP_A:
	case IOCTL_ADD_READER_TO_GROUP_W:
	case IOCTL_REMOVE_READER_FROM_GROUP_A:
	case IOCTL_REMOVE_READER_FROM_GROUP_W:
		return judge_reader(guard, &call->pair.reader);
	case IOCTL_READ_CACHE_A:
	case IOCTL_READ_CACHE_W:
		return judge_cache(guard, ESC_W_CACHE_ITEM_NOT_FOUND);
	case IOCTL_WRITE_CACHE_A:
	case IOCTL_WRITE_CACHE_W:
		return judge_cache(guard, ESC_W_CACHE_ITEM_TOO_BIG);
	case IOCTL_TRANSMIT:
		return judge_transmit(guard, call);
	case IOCTL_CONTROL:
		return filter_control(guard->policy, call->control.code);
	case IOCTL_SET_ATTRIB:
		return filter_set_attrib(guard->policy);
	default:
		return allowed;
	}
}

struct filter_decision
guard_judge(struct guard *guard, struct esc_call *call, bool *changed)
{
	struct filter_decision decision = allowed;
	struct filter_decision shape;

	guard_read_call(guard, &guard->now, call);
	if (guard->now.row->subject == IOCTL_OF_CARD)
		decision = judge_handle(guard);
	shape = judge_shape(guard, call, changed);
	return is_refused(decision) ? decision : shape;
}
