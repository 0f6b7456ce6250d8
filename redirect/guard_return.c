#include "guard_inside.h"

#include "utf16.h"

#include <string.h>

/* ---- learning */

static void
learn_states(struct guard *guard, const struct guard_call *call,
             const struct esc_return *ret)
{
	for (uint32_t i = 0; i < ret->watch.count && i < call->count; i++) {
		const struct esc_event_state *state = &ret->watch.states[i];
		struct roster_reader *reader =
		    roster_at(&guard->roster, call->states[i]);

		if (reader != NULL)
			roster_note_state(reader, state->event, &state->atr);
	}
}

static void
learn_transmit(struct roster_reader *reader, const struct guard_call *call,
               const struct esc_return *ret)
{
	struct command command = call->command;
	struct wire_view none = {NULL, 0};

	if (reader == NULL || !call->decoded)
		return;
	command.data.data = call->data;
	command_apps_note(&reader->apps, &command,
	                  ret != NULL && ret->code == ESC_S_SUCCESS
	                      ? ret->transmit.recv.view
	                      : none);
}

static void
learn_atr(struct roster_reader *reader, const struct esc_atr *atr)
{
	if (reader != NULL && atr->len > 0)
		roster_note_atr(reader, atr);
}

/* rdesktop answers with the card alone: the context is the caller's. */
static void
learn_handle(struct guard *guard, const struct guard_call *call,
             struct esc_handle handle)
{
	if (handle.context.len == 0)
		handle.context = call->handle.context;
	roster_open(&guard->roster, &handle, call->reader);
}

static void
learn_success(struct guard *guard, const struct guard_call *call,
              const struct esc_return *ret)
{
	struct roster_reader *reader = roster_at(&guard->roster, call->reader);

	switch (call->row->code) {
	case IOCTL_CONNECT_A:
	case IOCTL_CONNECT_W:
		learn_handle(guard, call, ret->connect.handle);
		return;
	case IOCTL_RELEASE_CONTEXT:
		roster_close_context(&guard->roster, &call->handle.context);
		return;
	case IOCTL_STATUS_A:
	case IOCTL_STATUS_W:
		learn_atr(reader, &ret->status.atr);
		return;
	case IOCTL_STATE:
		learn_atr(reader, &ret->state.atr);
		return;
	default:
		return;
	}
}

void
guard_learn(struct guard *guard, const struct guard_call *call,
            const struct esc_return *ret)
{
	struct roster_reader *reader = roster_at(&guard->roster, call->reader);
	uint32_t code = ret != NULL ? ret->code : ESC_F_INTERNAL_ERROR;

	if (reader != NULL && call->changes && reader->changing > 0)
		reader->changing--;
	if (reader != NULL &&
	    (code == ESC_W_RESET_CARD || code == ESC_W_REMOVED_CARD ||
	     (call->changes && call->row->code != IOCTL_TRANSMIT)))
		command_apps_forget(&reader->apps);
	if (call->row->code == IOCTL_TRANSMIT)
		learn_transmit(reader, call, ret);
	if (call->row->code == IOCTL_DISCONNECT)
		roster_close(&guard->roster, &call->handle);
	if (ret == NULL)
		return;
	if (call->count > 0)
		learn_states(guard, call, ret);
	if (code == ESC_S_SUCCESS)
		learn_success(guard, call, ret);
}

/* ---- editing */

static size_t
text_chars(enum esc_form form, const struct esc_name *name)
{
	struct wire_view text = wire_view_text(name->text);

	return form == ESC_WIDE ? utf16_units(text) : text.len;
}

/* What a size or a buffer of the server's own choice makes of the list. */
static void
fit_list(const struct guard_call *call, struct esc_return *ret)
{
	struct esc_names *names = &ret->list.names;
	size_t chars = 1;

	for (size_t i = 0; i < names->count; i++)
		chars += text_chars(call->row->form, &names->list[i]) + 1;
	if (!call->size_only && chars <= call->chars)
		return;
	if (!call->size_only)
		ret->code = ESC_E_INSUFFICIENT_BUFFER;
	names->present = false;
	names->count = 0;
	names->size = (uint32_t)(chars * (call->row->form == ESC_WIDE ? 2 : 1));
}

static bool
edit_list(struct guard *guard, const struct guard_call *call,
          struct esc_return *ret)
{
	struct esc_names *names = &ret->list.names;
	size_t count = 0;

	if (ret->code != ESC_S_SUCCESS ||
	    (!call->asked_anew && !filter_needs_reader(guard->policy)))
		return false;
	for (size_t i = 0; i < names->count; i++) {
		if (filter_reader(guard->policy, names->list[i].text).verdict ==
		    FILTER_ALLOW)
			names->list[count++] = names->list[i];
	}
	names->count = count;
	if (count == 0) {
		memset(&ret->list, 0, sizeof(ret->list));
		ret->code = ESC_E_NO_READERS_AVAILABLE;
	} else if (call->asked_anew) {
		fit_list(call, ret);
	}
	return true;
}

static bool
edit_states(struct guard *guard, const struct guard_call *call,
            struct esc_return *ret)
{
	bool changed = false;

	for (uint32_t i = 0; i < ret->watch.count && i < call->count; i++) {
		struct esc_event_state *state = &ret->watch.states[i];
		struct roster_reader *reader =
		    roster_at(&guard->roster, call->states[i]);
		uint32_t kept = 0xFFFF0000 | ESC_STATE_CHANGED;

		if (reader == NULL)
			continue;
		if (filter_reader(guard->policy, reader->name.text).verdict ==
		    FILTER_REFUSE)
			state->event = ESC_STATE_CHANGED | ESC_STATE_UNKNOWN |
			               ESC_STATE_IGNORE;
		else if (guard_hides_card(guard, reader))
			state->event = (state->event & kept) | ESC_STATE_EMPTY;
		else
			continue;
		memset(&state->atr, 0, sizeof(state->atr));
		changed = true;
	}
	return changed;
}

/* A card that is hidden has no status. */
static bool
edit_status(struct guard *guard, const struct guard_call *call,
            struct esc_return *ret)
{
	enum esc_form form = ret->form;

	if (!guard_hides_card(guard, roster_at(&guard->roster, call->reader)))
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->form = form;
	ret->code = ESC_W_REMOVED_CARD;
	return true;
}

bool
guard_edit(struct guard *guard, const struct guard_call *call,
           struct esc_return *ret)
{
	if (call->count > 0)
		return edit_states(guard, call, ret);
	switch (call->row->code) {
	case IOCTL_LIST_READERS_A:
	case IOCTL_LIST_READERS_W:
		return edit_list(guard, call, ret);
	case IOCTL_STATUS_A:
	case IOCTL_STATUS_W:
	case IOCTL_STATE:
		return edit_status(guard, call, ret);
	default:
		return false;
	}
}
