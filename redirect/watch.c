#include "watch.h"

#include "log.h"

#include <string.h>

/* A wake-up later than this after parking is not part of a busy loop. */
enum { BUSY_MS = 1000 };

static calls_on_return on_started, on_opened, on_probed, on_listed, on_woken;

void
watch_init(struct watch *watch, struct calls *calls,
           const struct watch_ops *ops, void *arg)
{
	*watch = (struct watch){.calls = calls, .ops = ops, .arg = arg};
}

static void
drop_context(struct watch *watch)
{
	struct esc_call call = {.context = {.context = watch->context}};

	if (watch->context.len == 0)
		return;
	if (watch->state == WATCH_PARKED)
		(void)calls_make(watch->calls, IOCTL_CANCEL, &call, NULL, NULL);
	(void)calls_make(watch->calls, IOCTL_RELEASE_CONTEXT, &call, NULL,
	                 NULL);
	watch->context = (struct esc_id){.len = 0};
}

static void
drop_readers(struct watch *watch, uint64_t now_ms)
{
	while (watch->count > 0) {
		watch->count--;
		watch->ops->on_gone(
		    watch->arg, watch->readers[watch->count].number, now_ms);
	}
}

static uint64_t
retry_delay(unsigned failures)
{
	uint64_t delay = WATCH_RETRY_MIN_MS;

	for (unsigned i = 1; i < failures && delay < WATCH_RETRY_MAX_MS; i++)
		delay *= 2;
	return delay < WATCH_RETRY_MAX_MS ? delay : WATCH_RETRY_MAX_MS;
}

/*
 * Something failed: no state of a reader can be relied on, so all are gone;
 * try again later, from the start.
 */
static void
give_up(struct watch *watch, enum log_level level, const char *what,
        uint32_t code, uint64_t now_ms)
{
	struct log_event ev = log_event(level, "watch-failed");

	log_text(&ev, "what", what);
	log_number(&ev, "code", (int64_t)code);
	log_number(&ev, "failures", watch->failures + 1);
	log_write(&ev);
	calls_forget(watch->calls, watch);
	drop_context(watch);
	drop_readers(watch, now_ms);
	watch->service_down =
	    code == ESC_E_NO_SERVICE || code == ESC_E_SERVICE_STOPPED;
	watch->failures++;
	watch->state =
	    watch->failures > WATCH_RETRIES_MAX ? WATCH_DEAF : WATCH_WAITING;
	watch->due = now_ms + retry_delay(watch->failures);
}

static void
fail(struct watch *watch, const char *what, uint64_t now_ms)
{
	give_up(watch, LOG_WARNING, what, 0, now_ms);
}

/* Without a return, who could not read it has said so. */
static void
fail_call(struct watch *watch, const char *what, const struct esc_return *ret,
          uint64_t now_ms)
{
	if (ret == NULL)
		give_up(watch, LOG_DEBUG, what, 0, now_ms);
	else
		give_up(watch, LOG_WARNING, what, ret->code, now_ms);
}

/* Make the call that belongs to a state. */
static void
enter(struct watch *watch, enum watch_state state, enum ioctl_code code,
      const struct esc_call *call, calls_on_return *on_return, uint64_t now_ms)
{
	watch->since = now_ms;
	watch->due =
	    state == WATCH_PARKED ? UINT64_MAX : now_ms + WATCH_ANSWER_MS;
	watch->state = state;
	if (!calls_make(watch->calls, code, call, on_return, watch))
		fail(watch, "call not sent", now_ms);
}

static void
open_context(struct watch *watch, uint64_t now_ms)
{
	struct esc_call call = {.establish = {.scope = ESC_SCOPE_SYSTEM}};

	enter(watch, WATCH_OPENING, IOCTL_ESTABLISH_CONTEXT, &call, on_opened,
	      now_ms);
}

void
watch_start(struct watch *watch, uint64_t now_ms)
{
	watch->failures = 0;
	watch->idle = 0;
	watch->service_down = false;
	watch->pnp = true;
	open_context(watch, now_ms);
}

/* The client answers when its service runs; that may take any time. */
static void
await_service(struct watch *watch, uint64_t now_ms)
{
	struct esc_call call = {.event = {.value = 0}};

	enter(watch, WATCH_STARTING, IOCTL_ACCESS_STARTED_EVENT, &call,
	      on_started, now_ms);
	if (watch->state == WATCH_STARTING)
		watch->due = UINT64_MAX;
}

/* Whatever it says: the attempt itself will show. */
static void
on_started(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	(void)ret;
	open_context(arg, now_ms);
}

static void
set_name(struct esc_name *name, const char *text)
{
	name->present = true;
	(void)strncpy(name->text, text, sizeof(name->text) - 1);
}

static void
on_opened(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct watch *watch = arg;
	struct esc_call call = {.form = ESC_WIDE,
	                        .watch = {.timeout_ms = 0, .count = 1}};

	if (ret == NULL || ret->code != ESC_S_SUCCESS) {
		fail_call(watch, "establish", ret, now_ms);
		return;
	}
	watch->context = ret->establish.context;
	if (watch->context.len == 0) {
		fail(watch, "establish gave no context", now_ms);
		return;
	}
	call.watch.context = watch->context;
	set_name(&call.watch.states[0].reader, ESC_PNP_READER);
	enter(watch, WATCH_PROBING, IOCTL_GET_STATUS_CHANGE_W, &call, on_probed,
	      now_ms);
}

static void
list_readers(struct watch *watch, uint64_t now_ms)
{
	struct esc_call call = {
	    .form = ESC_WIDE,
	    .list = {.context = watch->context, .chars = ESC_AUTOALLOCATE}};

	enter(watch, WATCH_LISTING, IOCTL_LIST_READERS_W, &call, on_listed,
	      now_ms);
}

static void
lose_pnp(struct watch *watch)
{
	watch->pnp = false;
	if (!watch->pnp_said)
		log_note(LOG_NOTICE, "watch-without-pnp",
		         "client does not tell of new readers");
	watch->pnp_said = true;
}

/* What pcsc-lite keeps in the high half goes back to it with the next call. */
static void
keep_pnp_state(struct watch *watch, uint32_t event)
{
	if ((event & (ESC_STATE_UNKNOWN | ESC_STATE_IGNORE |
	              ESC_STATE_UNAVAILABLE)) != 0)
		lose_pnp(watch);
	else
		watch->pnp_current = event & ~(uint32_t)ESC_STATE_CHANGED;
}

/*
 * Asked before the list, so that a reader that comes in between shows as a
 * change afterwards.
 */
static void
on_probed(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct watch *watch = arg;

	watch->pnp_current = ESC_STATE_UNAWARE;
	if (ret == NULL ||
	    (ret->code != ESC_S_SUCCESS && ret->code != ESC_E_TIMEOUT))
		lose_pnp(watch);
	else if (ret->watch.count == 1)
		keep_pnp_state(watch, ret->watch.states[0].event);
	list_readers(watch, now_ms);
}

static struct watch_reader *
find_name(struct watch *watch, const struct esc_name *name)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (strcmp(watch->readers[i].name.text, name->text) == 0)
			return &watch->readers[i];
	}
	return NULL;
}

static void
add_reader(struct watch *watch, const struct esc_name *name, uint64_t now_ms)
{
	struct watch_reader *reader = &watch->readers[watch->count];

	if (watch->count == CERTPROP_READERS_MAX) {
		log_note(LOG_WARNING, "reader-ignored", "too many readers");
		return;
	}
	watch->count++;
	*reader = (struct watch_reader){
	    .number = ++watch->last_number,
	    .name = *name,
	    .current = ESC_STATE_UNAWARE,
	    .listed = true,
	};
	watch->ops->on_added(watch->arg, reader->number, reader->name.text,
	                     now_ms);
}

static void
remove_reader(struct watch *watch, size_t at, uint64_t now_ms)
{
	uint32_t number = watch->readers[at].number;

	for (size_t i = at + 1; i < watch->count; i++)
		watch->readers[i - 1] = watch->readers[i];
	watch->count--;
	watch->ops->on_gone(watch->arg, number, now_ms);
}

/* True when a reader came or went. */
static bool
apply_list(struct watch *watch, const struct esc_names *names, uint64_t now_ms)
{
	bool changed = false;

	for (size_t i = 0; i < watch->count; i++)
		watch->readers[i].listed = false;
	for (size_t i = 0; i < names->count; i++) {
		struct watch_reader *reader = find_name(watch, &names->list[i]);

		if (reader != NULL)
			reader->listed = true;
	}
	for (size_t i = watch->count; i-- > 0;) {
		if (!watch->readers[i].listed) {
			remove_reader(watch, i, now_ms);
			changed = true;
		}
	}
	for (size_t i = 0; i < names->count; i++) {
		if (names->list[i].text[0] == '\0' ||
		    find_name(watch, &names->list[i]) != NULL)
			continue;
		add_reader(watch, &names->list[i], now_ms);
		changed = true;
	}
	return changed;
}

/* Park: nothing is sent again until something happens at the client. */
static void
park(struct watch *watch, uint64_t now_ms)
{
	struct esc_call call = {
	    .form = ESC_WIDE,
	    .watch = {.context = watch->context, .timeout_ms = ESC_INFINITE}};
	struct esc_reader_state *states = call.watch.states;
	uint32_t count = 0;

	for (; count < watch->count; count++) {
		states[count].reader = watch->readers[count].name;
		states[count].current = watch->readers[count].current;
	}
	if (watch->pnp) {
		set_name(&states[count].reader, ESC_PNP_READER);
		states[count].current = watch->pnp_current;
		count++;
	}
	call.watch.count = count;
	if (count > 0) {
		enter(watch, WATCH_PARKED, IOCTL_GET_STATUS_CHANGE_W, &call,
		      on_woken, now_ms);
		return;
	}
	log_note(LOG_WARNING, "watch-deaf",
	         "no reader, and the client does not tell of new ones");
	drop_context(watch);
	watch->state = WATCH_DEAF;
}

/* Said when it changes, and not with every list. */
static void
note_ignored(struct watch *watch, const struct esc_names *names)
{
	struct log_event ev = log_event(LOG_WARNING, "readers-ignored");

	if (names->ignored > watch->ignored) {
		log_number(&ev, "count", (int64_t)names->ignored);
		log_text(&ev, "reason", "above the limit of readers or names");
		log_write(&ev);
	}
	watch->ignored = names->ignored;
}

static void
on_listed(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	static const struct esc_names none;
	struct watch *watch = arg;

	if (ret != NULL && ret->code == ESC_S_SUCCESS) {
		note_ignored(watch, &ret->list.names);
		if (apply_list(watch, &ret->list.names, now_ms))
			watch->idle = 0;
	} else if (ret != NULL && ret->code == ESC_E_NO_READERS_AVAILABLE) {
		if (apply_list(watch, &none, now_ms))
			watch->idle = 0;
	} else {
		fail_call(watch, "list", ret, now_ms);
		return;
	}
	park(watch, now_ms);
}

static enum certprop_presence
presence(uint32_t event)
{
	if ((event & ESC_STATE_PRESENT) == 0)
		return CERTPROP_EMPTY;
	if ((event & ESC_STATE_MUTE) != 0)
		return CERTPROP_MUTE;
	return (event & ESC_STATE_EXCLUSIVE) != 0 ? CERTPROP_BUSY
	                                          : CERTPROP_PRESENT;
}

/* True when the state is another one than before. */
static bool
apply_state(struct watch *watch, struct watch_reader *reader,
            const struct esc_event_state *state, uint64_t now_ms)
{
	uint32_t event = state->event & ~(uint32_t)ESC_STATE_CHANGED;
	struct wire_view atr = {state->atr.bytes, state->atr.len};

	if (event == reader->current)
		return false;
	reader->current = event;
	watch->ops->on_card(watch->arg, reader->number, presence(event),
	                    (uint16_t)(event >> 16), atr, now_ms);
	return true;
}

/*
 * Take over what the call brought.  Returns whether anything was new; *relist
 * says that the list of readers must be asked for again.
 */
static bool
apply_states(struct watch *watch, const struct esc_return *ret, bool *relist,
             uint64_t now_ms)
{
	size_t readers = watch->count;
	bool changed = false;

	*relist = !watch->pnp;
	for (size_t i = 0; i < readers; i++) {
		const struct esc_event_state *state = &ret->watch.states[i];

		if ((state->event & (ESC_STATE_UNKNOWN | ESC_STATE_IGNORE)) !=
		    0)
			*relist = true;
		else if (apply_state(watch, &watch->readers[i], state, now_ms))
			changed = true;
	}
	if (watch->pnp) {
		uint32_t event = ret->watch.states[readers].event;

		if ((event & ESC_STATE_CHANGED) != 0)
			*relist = true;
		keep_pnp_state(watch, event);
	}
	return changed;
}

/*
 * A client that wakes us again and again at once with nothing new would make
 * this a busy loop.  The pseudo reader is the likely reason: do without it
 * first, then slow down as after a failure.
 */
static bool
is_busy_loop(struct watch *watch, bool changed, uint64_t now_ms)
{
	if (changed || now_ms >= watch->since + BUSY_MS) {
		watch->idle = 0;
		watch->failures = 0;
		return false;
	}
	if (++watch->idle < WATCH_IDLE_MAX)
		return false;
	watch->idle = 0;
	if (!watch->pnp)
		return true;
	lose_pnp(watch);
	return false;
}

static void
on_woken(void *arg, const struct esc_return *ret, uint64_t now_ms)
{
	struct watch *watch = arg;
	size_t sent = watch->count + (watch->pnp ? 1 : 0);
	bool relist = true;
	bool changed = false;

	if (ret == NULL ||
	    (ret->code != ESC_S_SUCCESS && ret->code != ESC_E_TIMEOUT &&
	     ret->code != ESC_E_UNKNOWN_READER)) {
		fail_call(watch, "wait", ret, now_ms);
		return;
	}
	if (ret->code == ESC_S_SUCCESS && ret->watch.count != sent) {
		fail(watch, "wait gave other readers", now_ms);
		return;
	}
	if (ret->code == ESC_S_SUCCESS)
		changed = apply_states(watch, ret, &relist, now_ms);
	if (is_busy_loop(watch, changed, now_ms))
		fail(watch, "woken for nothing", now_ms);
	else if (relist)
		list_readers(watch, now_ms);
	else
		park(watch, now_ms);
}

void
watch_stop(struct watch *watch, uint64_t now_ms)
{
	calls_forget(watch->calls, watch);
	watch->context = (struct esc_id){.len = 0};
	watch->state = WATCH_OFF;
	drop_readers(watch, now_ms);
}

void
watch_end(struct watch *watch)
{
	calls_forget(watch->calls, watch);
	drop_context(watch);
	watch->state = WATCH_OFF;
	watch->count = 0;
}

const struct watch_reader *
watch_find(const struct watch *watch, uint32_t number)
{
	for (size_t i = 0; i < watch->count; i++) {
		if (watch->readers[i].number == number)
			return &watch->readers[i];
	}
	return NULL;
}

uint64_t
watch_deadline(const struct watch *watch)
{
	if (watch->state == WATCH_OFF || watch->state == WATCH_DEAF)
		return UINT64_MAX;
	return watch->due;
}

void
watch_tick(struct watch *watch, uint64_t now_ms)
{
	if (now_ms < watch_deadline(watch))
		return;
	if (watch->state != WATCH_WAITING)
		fail(watch, "no answer", now_ms);
	else if (watch->service_down)
		await_service(watch, now_ms);
	else
		open_context(watch, now_ms);
}
