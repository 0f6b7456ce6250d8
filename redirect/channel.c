#include "inside.h"
#include "log.h"
#include "pages.h"

#include <stdlib.h>
#include <string.h>

enum {
	APDU_MS = 5000, /* defaults of the configuration */
	CARD_MS = 20000,
	/* SUSPEND and RESUME, [MS-RDPBCGR] 2.2.6.1.1: chunks without data. */
	FLAGS_FLOW = 0x20 | 0x40
};

static const char *const side_names[] = {
    [CHANNEL_CLIENT] = "client",
    [CHANNEL_SERVER] = "server",
};

void
channel_send(struct channel *ch, enum channel_side to, struct wire_view message)
{
	struct log_event ev = log_event(LOG_ERROR, "message-dropped");

	if (outlet_send(&ch->out[to], message))
		return;
	log_text(&ev, "to", side_names[to]);
	log_text(&ev, "reason", "too much is waiting");
	log_write(&ev);
}

/* ---- our calls: the watch, the read jobs and what they tell */

static void
send_call(void *arg, struct wire_view message)
{
	channel_send(arg, CHANNEL_CLIENT, message);
}

static void
on_reader_added(void *arg, uint32_t reader, const char *name, uint64_t now_ms)
{
	struct channel *ch = arg;

	sight_added(&ch->sight, guard_policy_now(ch->guard), reader, name,
	            now_ms);
}

static void
on_reader_gone(void *arg, uint32_t reader, uint64_t now_ms)
{
	struct channel *ch = arg;

	sight_gone(&ch->sight, reader, now_ms);
}

static void
on_card(void *arg, uint32_t reader, enum certprop_presence presence,
        uint16_t counter, struct wire_view atr, uint64_t now_ms)
{
	struct channel *ch = arg;

	sight_card(&ch->sight, guard_policy_now(ch->guard), reader, presence,
	           counter, atr, now_ms);
}

static void
on_read(void *arg, uint32_t reader, const struct card_content *content,
        uint64_t now_ms)
{
	struct channel *ch = arg;

	certprop_card_read(ch->certprop, reader, content, now_ms);
}

static void
on_read_failed(void *arg, uint32_t reader, enum certprop_failure failure,
               const char *reason, uint64_t now_ms)
{
	struct channel *ch = arg;

	certprop_card_failed(ch->certprop, reader, failure, reason, now_ms);
}

/* Our own calls are noted beside the server's: they share its cards. */
static void
on_call(void *arg, uint32_t id, const struct ioctl *row,
        const struct esc_call *call)
{
	struct channel *ch = arg;

	guard_note_call(ch->guard, CHANNEL_BY_US, id, row, call, ch->now_ms);
}

static void
on_return(void *arg, uint32_t id, const struct esc_return *ret)
{
	struct channel *ch = arg;

	guard_note_return(ch->guard, id, ret, ch->now_ms);
	role_note_devices(ch);
}

static void
on_dropped(void *arg, uint32_t id)
{
	struct channel *ch = arg;

	guard_drop(ch->guard, id);
}

static const struct calls_observer calls_observer = {
    .on_call = on_call,
    .on_return = on_return,
    .on_dropped = on_dropped,
};

static const struct watch_ops watch_ops = {
    .on_added = on_reader_added,
    .on_gone = on_reader_gone,
    .on_card = on_card,
};

static const struct reading_ops reading_ops = {
    .on_read = on_read,
    .on_failed = on_read_failed,
};

/* ---- what the propagation machine asks for */

/* Noted only: the machine may ask from anywhere; channel_deadline is now. */
static void
read_card(void *arg, uint32_t reader, const struct card_hints *hints)
{
	struct channel *ch = arg;
	struct wire_out atr = wire_out(ch->job.atr, sizeof(ch->job.atr));

	wire_put_view(&atr, hints->atr);
	ch->job.wanted = true;
	ch->job.reader = reader;
	ch->job.hints = *hints;
	ch->job.hints.atr = wire_written(&atr);
}

static void
cancel_read(void *arg, uint32_t reader)
{
	struct channel *ch = arg;

	if (ch->job.wanted && ch->job.reader == reader)
		ch->job.wanted = false;
	else if (ch->reading.reader == reader)
		reading_cancel(&ch->reading, ch->now_ms);
}

static void
tell_keeper(void *arg, const struct keep_msg *msg)
{
	struct channel *ch = arg;

	ch->ops->tell_keeper(ch->arg, msg);
}

static const struct certprop_ops certprop_ops = {
    .read_card = read_card,
    .cancel_read = cancel_read,
    .tell_keeper = tell_keeper,
};

/* Begin the read that waits, if one does and none is under way. */
static void
start_job(struct channel *ch)
{
	const struct watch_reader *reader;

	if (!ch->job.wanted || reading_busy(&ch->reading))
		return;
	ch->job.wanted = false;
	reader = watch_find(&ch->watch, ch->job.reader);
	if (reader == NULL)
		certprop_card_failed(ch->certprop, ch->job.reader,
		                     CERTPROP_RETRY, "no such reader",
		                     ch->now_ms);
	else
		reading_start(&ch->reading, ch->job.reader, &reader->name,
		              &ch->job.hints, ch->now_ms);
}

void
channel_card_ready(struct channel *ch)
{
	struct log_event ev = log_event(LOG_INFO, "device-in-use");
	uint32_t device;

	if (ch->calls.open || ch->fault != NULL || ch->ended ||
	    !channel_redirects(ch) || !devices_ready(&ch->devices, &device))
		return;
	log_number(&ev, "device", device);
	log_write(&ev);
	ch->calls.trouble[0] = '\0';
	calls_open(&ch->calls, device);
	watch_start(&ch->watch, ch->now_ms);
}

/* The calls end here and now; the client will answer none of them. */
void
channel_stop_card(struct channel *ch)
{
	calls_close(&ch->calls);
	reading_stop(&ch->reading);
	ch->job.wanted = false;
	watch_stop(&ch->watch, ch->now_ms);
}

void
channel_card_lost(struct channel *ch, uint32_t device)
{
	if (ch->calls.open && ch->calls.device == device)
		channel_stop_card(ch);
}

/* ---- chunks */

static bool
is_ours(const struct channel *ch, enum channel_side from, struct wire_view head)
{
	return ch->role == CHANNEL_ROLE_OWN || passage_wants(ch, from, head);
}

/*
 * In our own role the client speaks to us alone; of the server only its
 * announce is heard, which passage_from_server picks out.
 */
static void
on_message(struct channel *ch, enum channel_side from, struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	struct rdpefs_header header;

	if (from == CHANNEL_CLIENT && ch->role == CHANNEL_ROLE_OWN) {
		role_from_client(ch, message);
	} else if (from == CHANNEL_CLIENT) {
		passage_from_client(ch, message);
	} else if (ch->role != CHANNEL_ROLE_OWN ||
	           (rdpefs_header_decode(&in, &header) &&
	            header.packet == RDPEFS_SERVER_ANNOUNCE)) {
		passage_from_server(ch, message);
	}
}

static enum channel_verdict
decide(struct channel *ch, enum channel_side from, uint32_t total,
       uint32_t flags, struct wire_view data, enum chunk_step *step)
{
	enum channel_side to =
	    from == CHANNEL_CLIENT ? CHANNEL_SERVER : CHANNEL_CLIENT;
	struct chunk_join *join = &ch->in[from];
	struct wire_view held;

	if (is_ours(ch, from, chunk_join_seen(join))) {
		*step = chunk_join_own(join);
		return CHANNEL_TAKE;
	}
	held = chunk_join_pass(join);
	if (held.len > 0)
		outlet_pass(&ch->out[to], total,
		            CHANNEL_FLAG_FIRST | ch->out[to].show, held);
	return outlet_relay(&ch->out[to], join, total, flags, data);
}

static enum channel_verdict
route(struct channel *ch, enum channel_side from, uint32_t total,
      uint32_t flags, struct wire_view data)
{
	enum channel_side to =
	    from == CHANNEL_CLIENT ? CHANNEL_SERVER : CHANNEL_CLIENT;
	struct chunk_join *join = &ch->in[from];
	enum chunk_step step = chunk_join_take(join, total, flags, data);
	enum channel_verdict verdict = CHANNEL_TAKE;

	if (step == CHUNK_DECIDE)
		verdict = decide(ch, from, total, flags, data, &step);
	else if (step == CHUNK_PASS)
		verdict = outlet_relay(&ch->out[to], join, total, flags, data);
	if (step == CHUNK_WHOLE)
		on_message(ch, from, chunk_join_seen(join));
	if (step == CHUNK_FAULT) {
		outlet_flush(&ch->out[to]);
		role_fault(ch, from, chunk_join_why(join));
	}
	return verdict;
}

enum channel_verdict
channel_chunk(struct channel *ch, enum channel_side from, uint32_t total,
              uint32_t flags, struct wire_view data, uint64_t now_ms)
{
	enum channel_side to =
	    from == CHANNEL_CLIENT ? CHANNEL_SERVER : CHANNEL_CLIENT;
	enum channel_verdict verdict;

	ch->now_ms = now_ms;
	if (data.len == 0 && (flags & FLAGS_FLOW) != 0)
		return CHANNEL_PASS;
	ch->out[to].show = flags & CHANNEL_FLAG_SHOW_PROTOCOL;
	verdict = route(ch, from, total, flags, data);
	start_job(ch);
	return verdict;
}

/* ---- life */

static void
on_use(void *arg, const struct channel_use *use)
{
	struct channel *ch = arg;

	if (ch->ops->on_use != NULL)
		ch->ops->on_use(ch->arg, use);
}

static bool
make_parts(struct channel *ch, const struct certprop_policy *policy)
{
	ch->mux = mux_new();
	ch->certprop = certprop_new(policy, &certprop_ops, ch);
	ch->guard = guard_new(on_use, ch);
	if (ch->mux == NULL || ch->certprop == NULL || ch->guard == NULL)
		return false;
	ch->sight.certprop = ch->certprop;
	calls_init(&ch->calls, ch->mux, send_call, ch);
	ch->calls.observer = &calls_observer;
	watch_init(&ch->watch, &ch->calls, &watch_ops, ch);
	reading_init(&ch->reading, &ch->calls, &reading_ops, ch,
	             ch->config.apdu_ms, ch->config.card_ms);
	return true;
}

struct channel *
channel_new(const struct channel_config *config,
            const struct certprop_policy *policy, const struct channel_ops *ops,
            void *arg)
{
	struct channel *ch = pages_new(sizeof(*ch));

	if (ch == NULL)
		return NULL;
	ch->config = *config;
	if (ch->config.apdu_ms == 0)
		ch->config.apdu_ms = APDU_MS;
	if (ch->config.card_ms == 0)
		ch->config.card_ms = CARD_MS;
	ch->redirect = policy->redirect;
	ch->ops = ops;
	ch->arg = arg;
	ch->own_at = UINT64_MAX;
	for (size_t i = 0; i < CHANNEL_SIDES; i++)
		ch->churn[i] = bucket(CHANNEL_CHURN_BURST, CHANNEL_CHURN_MS);
	chunk_join_init(&ch->in[CHANNEL_CLIENT]);
	chunk_join_init(&ch->in[CHANNEL_SERVER]);
	outlet_init(&ch->out[CHANNEL_CLIENT], CHANNEL_CLIENT, ops, arg);
	outlet_init(&ch->out[CHANNEL_SERVER], CHANNEL_SERVER, ops, arg);
	if (!make_parts(ch, policy)) {
		channel_free(ch);
		return NULL;
	}
	ch->redirected = channel_redirects(ch);
	return ch;
}

void
channel_free(struct channel *ch)
{
	if (ch == NULL)
		return;
	card_read_free(ch->reading.job);
	certprop_free(ch->certprop);
	mux_free(ch->mux);
	guard_free(ch->guard);
	for (size_t i = 0; i < CHANNEL_SIDES; i++) {
		chunk_join_clear(&ch->in[i]);
		outlet_clear(&ch->out[i]);
	}
	pages_free(ch, sizeof(*ch));
}

struct certprop *
channel_certprop(struct channel *ch)
{
	return ch->certprop;
}

bool
channel_redirects(const struct channel *ch)
{
	return ch->redirect && guard_policy_now(ch->guard)->redirect;
}

void
channel_filter(struct channel *ch, const struct filter_policy *policy,
               uint64_t now_ms)
{
	bool before = ch->redirected;
	bool now;

	ch->now_ms = now_ms;
	guard_policy(ch->guard, policy);
	if (ch->ended)
		return;
	sight_policy(&ch->sight, guard_policy_now(ch->guard), now_ms);
	now = channel_redirects(ch);
	ch->redirected = now;
	if (before && !now)
		channel_stop_card(ch);
	if (!before && now)
		role_show_hidden(ch);
	if (before != now)
		role_tell(ch);
	channel_card_ready(ch);
}

void
channel_chunk_size(struct channel *ch, uint32_t bytes)
{
	if (bytes == 0)
		return;
	if (bytes > CHANNEL_CHUNK_MAX)
		bytes = CHANNEL_CHUNK_MAX;
	ch->out[CHANNEL_CLIENT].chunk_size = bytes;
	ch->out[CHANNEL_SERVER].chunk_size = bytes;
}

/* A connection can be activated again; the channel does not notice. */
void
channel_activated(struct channel *ch, uint64_t now_ms)
{
	ch->now_ms = now_ms;
	if (ch->activated)
		return;
	ch->activated = true;
	if (ch->config.role == CHANNEL_OWN)
		role_play_server(ch);
	else if (ch->config.role == CHANNEL_AUTO)
		ch->own_at = now_ms + ch->config.own_after_ms;
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
channel_deadline(const struct channel *ch)
{
	uint64_t due = ch->own_at;

	if (ch->ended)
		return UINT64_MAX;
	if (ch->job.wanted && !reading_busy(&ch->reading))
		return ch->now_ms;
	due = earlier(due, certprop_deadline(ch->certprop));
	due = earlier(due, watch_deadline(&ch->watch));
	return earlier(due, reading_deadline(&ch->reading));
}

void
channel_tick(struct channel *ch, uint64_t now_ms)
{
	ch->now_ms = now_ms;
	if (ch->ended)
		return;
	if (now_ms >= ch->own_at)
		role_play_server(ch);
	watch_tick(&ch->watch, now_ms);
	reading_tick(&ch->reading, now_ms);
	if (now_ms >= certprop_deadline(ch->certprop))
		certprop_tick(ch->certprop, now_ms);
	start_job(ch);
}

void
channel_end(struct channel *ch, enum keep_end how, const char *reason,
            uint64_t now_ms)
{
	ch->now_ms = now_ms;
	if (ch->ended)
		return;
	ch->ended = true;
	ch->job.wanted = false;
	reading_end(&ch->reading);
	watch_end(&ch->watch);
	calls_close(&ch->calls);
	certprop_end(ch->certprop, how, reason, now_ms);
	ch->job.wanted = false;
}
