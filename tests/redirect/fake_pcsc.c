#include "fake_pcsc.h"

#include <stdlib.h>
#include <string.h>

typedef void fake_handler(struct fake_pcsc *pcsc, uint32_t id,
                          const struct ioctl *row, const struct esc_call *call,
                          struct esc_return *ret);

void
fake_pcsc_init(struct fake_pcsc *pcsc)
{
	memset(pcsc, 0, sizeof(*pcsc));
	pcsc->pnp_events = 1;
}

void
fake_pcsc_reset(struct fake_pcsc *pcsc)
{
	for (size_t i = 0; i < FAKE_PARKED_MAX; i++) {
		free(pcsc->parked[i].call);
		pcsc->parked[i] = (struct fake_parked){.used = false};
	}
	memset(pcsc->contexts, 0, sizeof(pcsc->contexts));
	memset(pcsc->handles, 0, sizeof(pcsc->handles));
}

void
fake_pcsc_clear(struct fake_pcsc *pcsc)
{
	fake_pcsc_reset(pcsc);
}

static struct esc_id
make_id(uint32_t value)
{
	struct esc_id id = {.len = 4};
	struct wire_out out = wire_out(id.bytes, sizeof(id.bytes));

	wire_put_u32(&out, value);
	return id;
}

static uint32_t
id_value(const struct esc_id *id)
{
	struct wire_in in = wire_in(id->bytes, id->len);

	return wire_u32(&in);
}

static struct fake_context *
find_context(struct fake_pcsc *pcsc, const struct esc_id *id)
{
	for (size_t i = 0; i < FAKE_CONTEXTS_MAX; i++) {
		if (pcsc->contexts[i].used &&
		    pcsc->contexts[i].id == id_value(id))
			return &pcsc->contexts[i];
	}
	return NULL;
}

static struct fake_handle *
find_handle(struct fake_pcsc *pcsc, const struct esc_handle *handle)
{
	for (size_t i = 0; i < FAKE_HANDLES_MAX; i++) {
		if (pcsc->handles[i].used &&
		    pcsc->handles[i].id == id_value(&handle->card))
			return &pcsc->handles[i];
	}
	return NULL;
}

static struct fake_reader *
find_reader(struct fake_pcsc *pcsc, const char *name)
{
	for (size_t i = 0; i < FAKE_READERS_MAX; i++) {
		if (pcsc->readers[i].plugged &&
		    strcmp(pcsc->readers[i].name, name) == 0)
			return &pcsc->readers[i];
	}
	return NULL;
}

/* ---- one function for each call */

static void
run_establish(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
              const struct esc_call *call, struct esc_return *ret)
{
	(void)id;
	(void)row;
	(void)call;
	ret->code = pcsc->establish_code;
	for (size_t i = 0; i < FAKE_CONTEXTS_MAX && ret->code == 0; i++) {
		if (pcsc->contexts[i].used)
			continue;
		pcsc->contexts[i].used = true;
		pcsc->contexts[i].id = ++pcsc->last_id;
		ret->establish.context = make_id(pcsc->last_id);
		return;
	}
	if (ret->code == 0)
		ret->code = ESC_E_NO_MEMORY;
}

static void
cancel_parked(struct fake_pcsc *pcsc, const struct esc_id *context)
{
	struct esc_return ret = {.form = ESC_WIDE, .code = ESC_E_CANCELLED};

	for (size_t i = 0; i < FAKE_PARKED_MAX; i++) {
		struct fake_parked parked = pcsc->parked[i];

		if (!parked.used ||
		    !esc_id_equal(&parked.call->watch.context, context))
			continue;
		pcsc->parked[i].used = false;
		pcsc->parked[i].call = NULL;
		free(parked.call);
		pcsc->answer(pcsc->arg, parked.id, parked.row, &ret);
	}
}

static void
run_release(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
            const struct esc_call *call, struct esc_return *ret)
{
	struct fake_context *context =
	    find_context(pcsc, &call->context.context);

	(void)id;
	(void)row;
	if (context == NULL) {
		ret->code = ESC_E_INVALID_HANDLE;
		return;
	}
	cancel_parked(pcsc, &call->context.context);
	for (size_t i = 0; i < FAKE_HANDLES_MAX; i++) {
		if (pcsc->handles[i].context == context->id)
			pcsc->handles[i].used = false;
	}
	context->used = false;
}

static void
run_cancel(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
           const struct esc_call *call, struct esc_return *ret)
{
	(void)id;
	(void)row;
	if (find_context(pcsc, &call->context.context) == NULL)
		ret->code = ESC_E_INVALID_HANDLE;
	else
		cancel_parked(pcsc, &call->context.context);
}

static void
run_list(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
         const struct esc_call *call, struct esc_return *ret)
{
	struct esc_names *names = &ret->list.names;

	(void)id;
	(void)row;
	(void)call;
	for (size_t i = 0; i < FAKE_READERS_MAX; i++) {
		if (!pcsc->readers[i].plugged || names->count == ESC_NAMES_MAX)
			continue;
		struct esc_name *name = &names->list[names->count++];

		name->present = true;
		memcpy(name->text, pcsc->readers[i].name,
		       sizeof(pcsc->readers[i].name));
	}
	names->present = names->count > 0;
	if (!names->present)
		ret->code = ESC_E_NO_READERS_AVAILABLE;
}

static bool
is_pnp(const struct esc_reader_state *state)
{
	return strcmp(state->reader.text, ESC_PNP_READER) == 0;
}

/* True: this entry wakes the call. */
static bool
look_at_pnp(struct fake_pcsc *pcsc, const struct esc_reader_state *asked,
            struct esc_event_state *told)
{
	uint32_t before = asked->current >> 16;

	told->current = asked->current;
	if (pcsc->pnp == FAKE_PNP_FLAGGED) {
		told->event = ESC_STATE_UNKNOWN | ESC_STATE_IGNORE;
		return false;
	}
	told->event = (uint32_t)pcsc->pnp_events << 16;
	if (pcsc->pnp != FAKE_PNP_NOISY &&
	    (before == 0 || before == pcsc->pnp_events))
		return false;
	told->event |= ESC_STATE_CHANGED;
	return true;
}

static bool
look_at_reader(const struct fake_reader *reader,
               const struct esc_reader_state *asked,
               struct esc_event_state *told)
{
	uint32_t event = (uint32_t)reader->counter << 16;

	event |= reader->card != NULL ? ESC_STATE_PRESENT : ESC_STATE_EMPTY;
	if (reader->mute)
		event |= ESC_STATE_MUTE;
	told->current = asked->current;
	told->event = event;
	if (reader->card != NULL) {
		static const uint8_t atr[] = {0x3b, 0x00};

		memcpy(told->atr.bytes, atr, sizeof(atr));
		told->atr.len = sizeof(atr);
	}
	if (asked->current == event)
		return false;
	told->event |= ESC_STATE_CHANGED;
	return true;
}

/* True: the call returns now. */
static bool
look(struct fake_pcsc *pcsc, const struct esc_call *call,
     struct esc_return *ret)
{
	bool woken = false;

	ret->watch.count = call->watch.count;
	for (size_t i = 0; i < call->watch.count; i++) {
		const struct esc_reader_state *asked = &call->watch.states[i];
		struct fake_reader *reader =
		    find_reader(pcsc, asked->reader.text);

		if (is_pnp(asked) && pcsc->pnp != FAKE_PNP_UNKNOWN) {
			if (look_at_pnp(pcsc, asked, &ret->watch.states[i]))
				woken = true;
		} else if (is_pnp(asked)) {
			ret->code = ESC_E_UNKNOWN_READER;
			ret->watch.count = 0;
			return true;
		} else if (reader == NULL) {
			ret->watch.states[i].event =
			    ESC_STATE_UNKNOWN | ESC_STATE_CHANGED;
			woken = true;
		} else if (look_at_reader(reader, asked,
		                          &ret->watch.states[i])) {
			woken = true;
		}
	}
	return woken;
}

static void
park(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
     const struct esc_call *call)
{
	for (size_t i = 0; i < FAKE_PARKED_MAX; i++) {
		if (pcsc->parked[i].used)
			continue;
		pcsc->parked[i].used = true;
		pcsc->parked[i].id = id;
		pcsc->parked[i].row = row;
		pcsc->parked[i].call = malloc(sizeof(*call));
		if (pcsc->parked[i].call == NULL)
			abort();
		*pcsc->parked[i].call = *call;
		return;
	}
	abort();
}

/* Wake whoever waits for what just changed. */
static void
wake(struct fake_pcsc *pcsc)
{
	for (size_t i = 0; i < FAKE_PARKED_MAX; i++) {
		struct fake_parked parked = pcsc->parked[i];
		struct esc_return ret = {.form = ESC_WIDE, .code = 0};

		if (!parked.used || !look(pcsc, parked.call, &ret))
			continue;
		pcsc->parked[i].used = false;
		pcsc->parked[i].call = NULL;
		free(parked.call);
		pcsc->answer(pcsc->arg, parked.id, parked.row, &ret);
	}
}

static void
run_connect(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
            const struct esc_call *call, struct esc_return *ret)
{
	struct fake_reader *reader =
	    find_reader(pcsc, call->connect.reader.text);
	struct fake_context *context =
	    find_context(pcsc, &call->connect.context);

	(void)id;
	(void)row;
	if (reader == NULL || reader->card == NULL || context == NULL) {
		ret->code =
		    reader == NULL ? ESC_E_UNKNOWN_READER : ESC_E_NO_SMARTCARD;
		return;
	}
	for (size_t i = 0; i < FAKE_HANDLES_MAX; i++) {
		struct fake_handle *handle = &pcsc->handles[i];

		if (handle->used)
			continue;
		*handle = (struct fake_handle){
		    .used = true,
		    .id = ++pcsc->last_id,
		    .context = context->id,
		    .reader = (size_t)(reader - pcsc->readers),
		    .counter = reader->counter,
		};
		ret->connect.handle.context = call->connect.context;
		ret->connect.handle.card = make_id(handle->id);
		ret->connect.protocol = ESC_PROTOCOL_T1;
		return;
	}
	ret->code = ESC_E_NO_MEMORY;
}

/* The handle's card is still the one it was made for. */
static bool
card_stays(const struct fake_pcsc *pcsc, const struct fake_handle *handle)
{
	const struct fake_reader *reader = &pcsc->readers[handle->reader];

	return reader->plugged && reader->card != NULL &&
	       reader->counter == handle->counter;
}

static void
run_hcard(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
          const struct esc_call *call, struct esc_return *ret)
{
	struct fake_handle *handle = find_handle(pcsc, &call->hcard.handle);

	(void)id;
	if (handle == NULL) {
		ret->code = ESC_E_INVALID_HANDLE;
		return;
	}
	if (row->code == IOCTL_DISCONNECT) {
		if (call->hcard.disposition != ESC_LEAVE_CARD)
			abort();
		handle->used = false;
		return;
	}
	handle->transaction =
	    row->code == IOCTL_BEGIN_TRANSACTION && card_stays(pcsc, handle);
	if (!card_stays(pcsc, handle))
		ret->code = ESC_W_REMOVED_CARD;
}

static void
run_transmit(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
             const struct esc_call *call, struct esc_return *ret)
{
	struct fake_handle *handle = find_handle(pcsc, &call->transmit.handle);

	(void)id;
	(void)row;
	if (handle == NULL || !handle->transaction) {
		ret->code = ESC_E_INVALID_HANDLE;
		return;
	}
	if (!card_stays(pcsc, handle)) {
		ret->code = ESC_W_REMOVED_CARD;
		return;
	}
	ret->transmit.recv.view = script_answer(
	    pcsc->readers[handle->reader].card, call->transmit.send);
	ret->transmit.recv.present = true;
	ret->transmit.recv.size = (uint32_t)ret->transmit.recv.view.len;
}

static const struct {
	uint32_t code;
	fake_handler *run;
} rows[] = {
    {IOCTL_ESTABLISH_CONTEXT, run_establish},
    {IOCTL_RELEASE_CONTEXT, run_release},
    {IOCTL_CANCEL, run_cancel},
    {IOCTL_LIST_READERS_A, run_list},
    {IOCTL_LIST_READERS_W, run_list},
    {IOCTL_CONNECT_A, run_connect},
    {IOCTL_CONNECT_W, run_connect},
    {IOCTL_BEGIN_TRANSACTION, run_hcard},
    {IOCTL_END_TRANSACTION, run_hcard},
    {IOCTL_DISCONNECT, run_hcard},
    {IOCTL_TRANSMIT, run_transmit},
};

static void
run(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
    const struct esc_call *call, struct esc_return *ret)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].code == row->code)
			rows[i].run(pcsc, id, row, call, ret);
	}
}

/* True: it stays parked, there is no answer yet. */
static bool
run_watch(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
          const struct esc_call *call, struct esc_return *ret)
{
	if (find_context(pcsc, &call->watch.context) == NULL) {
		ret->code = ESC_E_INVALID_HANDLE;
		return false;
	}
	if (look(pcsc, call, ret))
		return false;
	if (call->watch.timeout_ms == 0) {
		ret->code = ESC_E_TIMEOUT;
		return false;
	}
	park(pcsc, id, row, call);
	return true;
}

void
fake_pcsc_call(struct fake_pcsc *pcsc, uint32_t id, const struct ioctl *row,
               const struct esc_call *call)
{
	struct esc_return ret = {.form = row->form, .code = 0};
	unsigned number = ++pcsc->calls;

	if (number <= FAKE_LOG_MAX)
		pcsc->log[number - 1] = row->code;
	if (number == pcsc->hook_at)
		pcsc->hook(pcsc->hook_arg);
	if (number == pcsc->swallow_at)
		return;
	if (row->code == IOCTL_ACCESS_STARTED_EVENT && pcsc->service_waits)
		return;
	if (number == pcsc->refuse_at || row->code == pcsc->refuse_ioctl)
		ret.code = pcsc->refuse_code;
	else if (row->code != IOCTL_GET_STATUS_CHANGE_W)
		run(pcsc, id, row, call, &ret);
	else if (run_watch(pcsc, id, row, call, &ret))
		return;
	pcsc->answer(pcsc->arg, id, row, &ret);
}

void
fake_pcsc_plug(struct fake_pcsc *pcsc, size_t reader, const char *name)
{
	pcsc->readers[reader] = (struct fake_reader){.plugged = true};
	strncpy(pcsc->readers[reader].name, name,
	        sizeof(pcsc->readers[reader].name) - 1);
	pcsc->pnp_events++;
	wake(pcsc);
}

void
fake_pcsc_unplug(struct fake_pcsc *pcsc, size_t reader)
{
	pcsc->readers[reader].plugged = false;
	pcsc->readers[reader].card = NULL;
	pcsc->pnp_events++;
	wake(pcsc);
}

void
fake_pcsc_insert(struct fake_pcsc *pcsc, size_t reader,
                 struct script_card *card)
{
	pcsc->readers[reader].card = card;
	pcsc->readers[reader].counter++;
	wake(pcsc);
}

void
fake_pcsc_remove(struct fake_pcsc *pcsc, size_t reader)
{
	fake_pcsc_insert(pcsc, reader, NULL);
}

unsigned
fake_pcsc_contexts(const struct fake_pcsc *pcsc)
{
	unsigned count = 0;

	for (size_t i = 0; i < FAKE_CONTEXTS_MAX; i++)
		count += pcsc->contexts[i].used;
	return count;
}

unsigned
fake_pcsc_handles(const struct fake_pcsc *pcsc)
{
	unsigned count = 0;

	for (size_t i = 0; i < FAKE_HANDLES_MAX; i++)
		count += pcsc->handles[i].used;
	return count;
}

unsigned
fake_pcsc_transactions(const struct fake_pcsc *pcsc)
{
	unsigned count = 0;

	for (size_t i = 0; i < FAKE_HANDLES_MAX; i++)
		count += pcsc->handles[i].used && pcsc->handles[i].transaction;
	return count;
}

unsigned
fake_pcsc_parked(const struct fake_pcsc *pcsc)
{
	unsigned count = 0;

	for (size_t i = 0; i < FAKE_PARKED_MAX; i++)
		count += pcsc->parked[i].used;
	return count;
}

unsigned
fake_pcsc_count(const struct fake_pcsc *pcsc, uint32_t code)
{
	unsigned count = 0;

	for (unsigned i = 0; i < pcsc->calls && i < FAKE_LOG_MAX; i++)
		count += pcsc->log[i] == code;
	return count;
}
