#include "session_inside.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "gate.h"

static void on_reached(void *arg, const struct approach_result *result);
static void on_failed(void *arg, const char *why);
static void on_ready(void *arg);
static void on_client_data(void *arg);
static void on_client_drained(void *arg);
static void on_client_closed(void *arg, const char *why);
static void on_server_data(void *arg);
static void on_server_drained(void *arg);
static void on_server_closed(void *arg, const char *why);
static bool on_chunk(void *arg, enum relay_side from,
                     const struct relay_chunk *chunk);
static void on_facts(void *arg);
static void on_refused(void *arg, enum relay_side from, const char *what);
static void on_channel_send(void *arg, enum channel_side to, uint32_t total,
                            uint32_t flags, struct wire_view data);
static void on_dynamic_send(void *arg, enum channel_side to, uint32_t total,
                            uint32_t flags, struct wire_view data);
static void on_use(void *arg, const struct channel_use *use);
static void on_policy_changed(void *arg, const struct policy *policy);
static void on_policy_settled(void *arg);
static void on_deadline(evutil_socket_t fd, short what, void *arg);
static void on_tick(evutil_socket_t fd, short what, void *arg);
static void on_terminate(evutil_socket_t fd, short what, void *arg);

static const struct approach_ops approach_ops = {on_reached, on_failed};
static const struct leg_ops client_ops = {on_ready, on_client_data,
                                          on_client_drained, on_client_closed};
static const struct leg_ops server_ops = {on_ready, on_server_data,
                                          on_server_drained, on_server_closed};
static const struct pump_ops pump_ops = {on_chunk, on_facts, on_refused};
static const struct channel_ops channel_ops = {on_channel_send,
                                               session_tell_keeper, on_use};
static const struct ruling_ops ruling_ops = {on_policy_changed,
                                             on_policy_settled};

/* ms is the deadline of the stage, 0: none. */
static void
enter(struct session *s, enum stage stage, uint32_t ms, const char *what)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	s->stage = stage;
	s->waiting_for = what;
	(void)event_del(s->deadline);
	if (ms > 0)
		(void)event_add(s->deadline, &tv);
}

/* Closing ends when the client, if it is still there, has got everything. */
static void
finish_when_drained(struct session *s)
{
	if (s->client == NULL || s->client_gone ||
	    evbuffer_get_length(leg_output(s->client)) == 0)
		(void)event_base_loopbreak(s->base);
}

/*
 * The end, whatever it came from: the card is given back, the keeper is told,
 * what is left is written within SESSION_LINGER_MS.  Memory is freed after the
 * loop, so a caller may still stand on any frame; it returns at once.
 */
void
session_close(struct session *s, const char *why)
{
	struct log_event ev;
	enum keep_end end;

	if (s->stage == STAGE_CLOSING)
		return;
	ev = log_event(LOG_NOTICE, "session-end");
	log_text(&ev, "reason", why);
	end = session_end_kind(s, &ev);
	log_write(&ev);
	enter(s, STAGE_CLOSING, SESSION_LINGER_MS, "the last bytes");
	if (s->channel != NULL)
		channel_end(s->channel, end, why, steady_now_ms());
	if (s->pump != NULL) {
		pump_stop(s->pump, RELAY_CLIENT);
		pump_stop(s->pump, RELAY_SERVER);
	}
	/* What still comes is not relayed: it must not pile up either. */
	if (s->client != NULL) {
		leg_pause(s->client);
		leg_flush(s->client);
	}
	if (s->server != NULL) {
		leg_pause(s->server);
		leg_flush(s->server);
	}
	finish_when_drained(s);
}

void
session_dismiss(struct session *s, const char *why)
{
	if (s->stage == STAGE_RELAY)
		pump_dismiss(s->pump);
	session_close(s, why);
}

static void
on_failed(void *arg, const char *why)
{
	session_close(arg, why);
}

static void
on_reached(void *arg, const struct approach_result *result)
{
	struct session *s = arg;

	s->target = result->target;
	s->client = result->client;
	s->server = result->server;
	approach_free(s->approach); /* its buffers are not needed again */
	s->approach = NULL;
	leg_set_ops(s->client, &client_ops, s);
	leg_set_ops(s->server, &server_ops, s);
	s->relay = relay_new(&result->negotiation);
	if (s->relay != NULL)
		session_listen(s);
	if (s->relay != NULL)
		s->pump =
		    pump_new(s->relay, s->client, s->server, &pump_ops, s);
	if (s->pump == NULL) {
		session_close(s, "no memory for the relay");
		return;
	}
	enter(s, STAGE_SEQUENCE, SESSION_SEQUENCE_MS,
	      "the client's connection sequence");
	pump_run(s->pump, RELAY_CLIENT);
	pump_run(s->pump, RELAY_SERVER);
}

/*
 * What the relay learns.
 */

void
session_arm_tick(struct session *s)
{
	uint64_t at = channel_deadline(s->channel);
	uint64_t now = steady_now_ms();
	uint64_t in = at > now ? at - now : 0;
	struct timeval tv = {(time_t)(in / 1000),
	                     (suseconds_t)(in % 1000) * 1000};

	(void)event_del(s->tick);
	if (at != UINT64_MAX)
		(void)event_add(s->tick, &tv);
}

/* Nothing is read from a card before the policy of its user is known. */
static void
on_policy_settled(void *arg)
{
	session_user_settled(arg);
}

static void
on_use(void *arg, const struct channel_use *use)
{
	struct session *s = arg;

	usage_note(s->usage, use, steady_now_ms());
}

static void
on_policy_changed(void *arg, const struct policy *policy)
{
	struct session *s = arg;
	struct certprop_policy certprop = policy->certprop;

	certprop.generation = ruling_generation(s->ruling);
	channel_filter(s->channel, &policy->filter, steady_now_ms());
	drdynvc_policy(s->drdynvc, &policy->filter);
	certprop_policy_changed(channel_certprop(s->channel), &certprop,
	                        steady_now_ms());
	session_arm_tick(s);
}

static bool
open_channel(struct session *s)
{
	struct certprop_policy open;

	/* Whether there are readers is the filter's to say, and to change. */
	certprop_policy_defaults(&open);
	s->channel = channel_new(&s->target->channel, &open, &channel_ops, s);
	s->drdynvc = drdynvc_new(on_dynamic_send, s);
	if (s->channel == NULL || s->drdynvc == NULL)
		return false;
	/* A later policy may have to close what was opened under this one. */
	relay_look_at_dynamic(s->relay);
	certprop_anchors(channel_certprop(s->channel), s->start->anchors);
	on_policy_changed(s, ruling_policy(s->ruling));
	return true;
}

/* The policy, while nobody is known yet, and the channel under it. */
static bool
open_session(struct session *s)
{
	const struct ruling_start start = {
	    .base = s->base,
	    .config = s->start->config,
	    .target = s->target,
	    .client_addr = s->start->client_addr,
	    .client_name = relay_facts(s->relay)->client_name};
	const struct usage_start usage = {.base = s->base,
	                                  .client = s->start->client_addr,
	                                  .target = s->target->name,
	                                  .tell_keeper = session_tell_keeper,
	                                  .arg = s};

	s->usage = usage_new(&usage);
	s->ruling = ruling_new(&start, &ruling_ops, s);
	return s->usage != NULL && s->ruling != NULL && open_channel(s);
}

/* The Client Info PDU has told who and what is there: the session begins. */
static void
begin_session(struct session *s)
{
	const struct relay_facts *facts = relay_facts(s->relay);
	struct log_event ev = log_event(LOG_NOTICE, "session-start");

	log_text(&ev, "target", s->target->name);
	log_text(&ev, "client", s->start->client_addr);
	log_text(&ev, "client_name", facts->client_name);
	log_write(&ev);
	enter(s, STAGE_RELAY, 0, NULL);
	session_say_hello(s);
	if (!open_session(s)) {
		session_close(s, "no memory for the channel");
		return;
	}
	if (facts->rdpdr_channel == 0)
		certprop_role(channel_certprop(s->channel), "none",
		              "the client did not ask for device redirection");
	session_identify(s);
	if (s->keeper_again)
		certprop_reassert(channel_certprop(s->channel),
		                  steady_now_ms());
	usage_say_again(s->usage);
	session_arm_tick(s);
}

static void
on_facts(void *arg)
{
	struct session *s = arg;
	const struct relay_facts *facts = relay_facts(s->relay);
	const uint8_t word = GATE_ACTIVATED;

	if (s->stage == STAGE_SEQUENCE && facts->info_seen)
		begin_session(s);
	if (s->stage != STAGE_RELAY || !facts->activated || s->activated)
		return;
	s->activated = true;
	enter(s, STAGE_RELAY, SESSION_SETTLE_MS, NULL);
	if (s->gate != NULL)
		link_send(s->gate, (struct wire_view){&word, 1}, -1);
	channel_chunk_size(s->channel, facts->chunk_size);
	drdynvc_chunk_size(s->drdynvc, facts->chunk_size);
	if (facts->rdpdr_channel != 0)
		channel_activated(s->channel, steady_now_ms());
	session_arm_tick(s);
}

static bool
on_chunk(void *arg, enum relay_side from, const struct relay_chunk *chunk)
{
	struct session *s = arg;
	enum channel_side side =
	    from == RELAY_CLIENT ? CHANNEL_CLIENT : CHANNEL_SERVER;
	enum channel_verdict verdict;

	if (s->channel == NULL)
		return true;
	if (chunk->dynamic)
		return drdynvc_chunk(s->drdynvc, side, chunk->total,
		                     chunk->flags, chunk->data) == CHANNEL_PASS;
	verdict = channel_chunk(s->channel, side, chunk->total, chunk->flags,
	                        chunk->data, steady_now_ms());
	session_arm_tick(s);
	return verdict == CHANNEL_PASS;
}

static void
on_refused(void *arg, enum relay_side from, const char *what)
{
	struct log_event ev = log_event(LOG_WARNING, "protocol-fault");

	log_text(&ev, "from", from == RELAY_CLIENT ? "client" : "server");
	log_text(&ev, "what", what);
	log_write(&ev);
	session_close(arg, what);
}

static void
on_channel_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
                struct wire_view data)
{
	struct session *s = arg;
	struct relay_chunk chunk = {total, flags, data, false};

	if (s->client_gone)
		return;
	if (relay_facts(s->relay)->show_protocol)
		chunk.flags |= CHANNEL_FLAG_SHOW_PROTOCOL;
	pump_inject(s->pump, to == CHANNEL_CLIENT ? RELAY_CLIENT : RELAY_SERVER,
	            &chunk);
}

static void
on_dynamic_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
                struct wire_view data)
{
	struct session *s = arg;
	struct relay_chunk chunk = {total, flags, data, true};

	if (!s->client_gone)
		pump_inject(s->pump,
		            to == CHANNEL_CLIENT ? RELAY_CLIENT : RELAY_SERVER,
		            &chunk);
}

/*
 * The legs.
 */

static void
on_ready(void *arg)
{
	(void)arg; /* both are */
}

static void
on_client_data(void *arg)
{
	struct session *s = arg;

	pump_run(s->pump, RELAY_CLIENT);
}

static void
on_client_drained(void *arg)
{
	struct session *s = arg;

	if (s->stage == STAGE_CLOSING)
		finish_when_drained(s);
	else
		pump_drained(s->pump, RELAY_CLIENT);
}

static void
on_client_closed(void *arg, const char *why)
{
	struct session *s = arg;
	struct log_event ev = log_event(LOG_INFO, "client-closed");

	log_text(&ev, "why", why);
	log_write(&ev);
	s->client_gone = true;
	session_close(s, "the client disconnected");
	finish_when_drained(s);
}

static void
on_server_data(void *arg)
{
	struct session *s = arg;

	pump_run(s->pump, RELAY_SERVER);
}

static void
on_server_drained(void *arg)
{
	struct session *s = arg;

	pump_drained(s->pump, RELAY_SERVER);
}

static void
on_server_closed(void *arg, const char *why)
{
	struct log_event ev = log_event(LOG_INFO, "server-closed");

	log_text(&ev, "why", why);
	log_write(&ev);
	session_close(arg, "the server disconnected");
}

/*
 * The clock and signals.
 */

static void
on_terminate(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	session_dismiss(arg, "terminated");
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;
	struct log_event ev;

	(void)fd;
	(void)what;
	if (s->stage == STAGE_CLOSING) {
		(void)event_base_loopbreak(s->base);
		return;
	}
	if (s->stage == STAGE_RELAY) {
		/* What the handshakes and the start needed goes back. */
		(void)malloc_trim(0);
		return;
	}
	ev = log_event(LOG_WARNING, "deadline");
	log_text(&ev, "waiting_for", s->waiting_for);
	log_write(&ev);
	session_close(s, "a deadline passed");
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	channel_tick(s->channel, steady_now_ms());
	session_arm_tick(s);
}

/*
 * Opening and freeing.
 */

static void
session_free(struct session *s)
{
	session_end_vouch(s);
	session_end_host(s);
	approach_free(s->approach);
	channel_free(s->channel);
	drdynvc_free(s->drdynvc);
	ruling_free(s->ruling);
	usage_free(s->usage);
	pump_free(s->pump);
	relay_free(s->relay);
	leg_free(s->client);
	leg_free(s->server);
	link_free(s->gate);
	link_free(s->keeper);
	if (s->deadline != NULL)
		event_free(s->deadline);
	if (s->tick != NULL)
		event_free(s->tick);
	if (s->terminate != NULL)
		event_free(s->terminate);
	config_free(s->start->config);
	free(s);
}

static bool
session_open(struct session *s)
{
	const struct session_start *start = s->start;

	s->approach_start =
	    (struct approach_start){.base = start->base,
	                            .config = start->config,
	                            .listener = start->listener,
	                            .server_tls = start->server_tls,
	                            .client_tls = start->client_tls,
	                            .client_fd = start->client_fd};
	s->deadline = evtimer_new(s->base, on_deadline, s);
	s->tick = evtimer_new(s->base, on_tick, s);
	s->terminate = evsignal_new(s->base, SIGTERM, on_terminate, s);
	s->approach = approach_new(&s->approach_start, &approach_ops, s);
	return s->deadline != NULL && s->tick != NULL && s->terminate != NULL &&
	       s->approach != NULL && session_open_links(s) &&
	       event_add(s->terminate, NULL) == 0;
}

int
session_run(const struct session_start *start)
{
	struct session *s = calloc(1, sizeof(*s));
	char id[2 * KEEP_ID_LEN + 1];
	bool opened;

	if (s == NULL || !confine_session() || !sandbox_enter(start->sandbox)) {
		log_note(LOG_ERROR, "session", "cannot start");
		free(s);
		return EXIT_FAILURE;
	}
	/* A terminal's signals are for the gate. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	s->start = start;
	s->base = start->base;
	s->vouch_fd = start->vouch_fd;
	log_identity("session", log_hex(id, start->id, KEEP_ID_LEN));
	opened = session_open(s);
	if (opened)
		(void)event_base_dispatch(s->base);
	session_free(s);
	return opened ? EXIT_SUCCESS : EXIT_FAILURE;
}
