#include "approach_private.h"

#include <event2/dns.h>
#include <stdlib.h>

static void on_client_data(void *arg);
static void on_client_ready(void *arg);
static void on_client_drained(void *arg);
static void on_client_closed(void *arg, const char *why);
static void on_deadline(evutil_socket_t fd, short what, void *arg);
static void on_ending(evutil_socket_t fd, short what, void *arg);

static const struct leg_ops client_ops = {on_client_ready, on_client_data,
                                          on_client_drained, on_client_closed};

void
approach_enter(struct approach *a, enum step step, uint32_t ms,
               const char *what)
{
	struct timeval tv = {ms / 1000, (suseconds_t)(ms % 1000) * 1000};

	a->step = step;
	a->waiting_for = what;
	(void)event_add(a->deadline, &tv);
}

/* The result is told on a fresh stack: the receiver may free us there. */
static void
end(struct approach *a, const char *why)
{
	if (a->step == STEP_ENDED)
		return;
	a->step = STEP_ENDED;
	a->why = why;
	(void)event_del(a->deadline);
	event_active(a->ending, EV_TIMEOUT, 0);
}

static void
log_refusal(const struct approach *a, const char *why, const char *code,
            const char *remedy)
{
	struct log_event ev = log_event(LOG_WARNING, "connection-refused");

	if (a->target != NULL)
		log_text(&ev, "target", a->target->name);
	log_text(&ev, "reason", why);
	if (code != NULL)
		log_text(&ev, "code", code);
	if (remedy != NULL)
		log_text(&ev, "remedy", remedy);
	log_write(&ev);
}

void
approach_refuse(struct approach *a, uint32_t code, const char *why,
                const char *remedy)
{
	struct x224_confirm failure = {X224_FAILURE, 0, code};
	uint8_t bytes[X224_CONFIRM_LEN];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	if (a->step >= STEP_ANSWER)
		return;
	log_refusal(a, why, x224_failure_name(code), remedy);
	a->why = why;
	approach_enter(a, STEP_REFUSED, APPROACH_LINGER_MS, "the refusal");
	x224_confirm_encode(&out, &failure);
	(void)evbuffer_add(leg_output(a->client), bytes, out.len);
	leg_flush(a->client);
	on_client_drained(a);
}

void
approach_drop(struct approach *a, const char *why)
{
	if (a->step == STEP_ENDED)
		return;
	log_refusal(a, why, NULL, NULL);
	end(a, why);
}

/*
 * The client's connection request.
 */

enum approach_found
approach_next_message(struct evbuffer *in, struct wire_view *message)
{
	size_t have = evbuffer_get_length(in);
	size_t len;

	if (have > X224_REQUEST_MAX)
		have = X224_REQUEST_MAX;
	message->data = evbuffer_pullup(in, (ev_ssize_t)have);
	message->len = have;
	len = x224_message_len(*message);
	if (len == X224_NOT_RDP || len > X224_REQUEST_MAX)
		return APPROACH_FOUND_GARBAGE;
	if (len == 0 || len > have)
		return APPROACH_FOUND_NOTHING;
	message->len = len;
	return APPROACH_FOUND_MESSAGE;
}

/* What a target may be asked for: never for RDSTLS or newer ways of log-on. */
static uint32_t
askable(const struct approach *a, uint32_t protocols)
{
	uint32_t tls = X224_PROTOCOL_SSL;

	if (a->target->security == CONFIG_TLS)
		return protocols & tls;
	return protocols &
	       (tls | X224_PROTOCOL_HYBRID | X224_PROTOCOL_HYBRID_EX);
}

/* The request goes on unchanged but for what the target is not asked for. */
static void
keep_request(struct approach *a, struct wire_view message,
             const struct x224_request *request)
{
	struct wire_out out = wire_out(a->request, sizeof(a->request));

	wire_put_view(&out, message);
	a->request_len = out.len;
	a->negotiation.client_requested = request->protocols;
	a->negotiation.server_requested = askable(a, request->protocols);
	wire_set_u32(&out, request->protocols_offset,
	             a->negotiation.server_requested);
}

static void
serve_request(struct approach *a, struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	struct x224_request request;
	struct log_event ev;

	if (!x224_request_decode(&in, &request)) {
		approach_drop(a, "malformed connection request");
		return;
	}
	a->target = config_route(a->start->config, a->start->listener,
	                         request.token, request.user);
	if (a->target == NULL) {
		approach_refuse(
		    a, X224_SSL_CERT_NOT_ON_SERVER,
		    "no target for this connection",
		    "give the listener a target, or match its cookie or user");
		return;
	}
	ev = log_event(LOG_INFO, "request");
	log_text(&ev, "target", a->target->name);
	log_view(&ev, "token", request.token);
	log_number(&ev, "protocols", request.protocols);
	log_write(&ev);
	if (askable(a, request.protocols) == X224_PROTOCOL_RDP) {
		approach_refuse(a, X224_SSL_REQUIRED,
		                "the client does not offer TLS security",
		                "allow TLS in the client's security settings");
		return;
	}
	keep_request(a, message, &request);
	leg_pause(a->client);
	approach_resolve(a);
}

static void
on_client_data(void *arg)
{
	struct approach *a = arg;
	struct evbuffer *in = leg_input(a->client);
	struct wire_view message;

	while (a->step == STEP_REQUEST) {
		switch (approach_next_message(in, &message)) {
		case APPROACH_FOUND_NOTHING:
			return;
		case APPROACH_FOUND_GARBAGE:
			approach_drop(a, "the first bytes are not RDP");
			return;
		case APPROACH_FOUND_MESSAGE:
			break;
		}
		if (!x224_is_preconnection(message)) {
			if (evbuffer_get_length(in) > message.len)
				approach_drop(
				    a, "bytes after the connection request");
			else
				serve_request(a, message);
		}
		(void)evbuffer_drain(in, message.len);
	}
}

/*
 * The client again.
 */

void
approach_answer_client(struct approach *a)
{
	approach_enter(a, STEP_ANSWER, APPROACH_TLS_MS,
	               "the client to take its answer");
	(void)evbuffer_add(leg_output(a->client), a->confirm, a->confirm_len);
	leg_flush(a->client);
	on_client_drained(a);
}

static void
on_client_drained(void *arg)
{
	struct approach *a = arg;
	SSL *ssl;

	if (evbuffer_get_length(leg_output(a->client)) > 0)
		return;
	if (a->step == STEP_REFUSED)
		end(a, a->why);
	if (a->step != STEP_ANSWER)
		return;
	ssl = SSL_new(a->start->server_tls);
	if (ssl == NULL) {
		approach_drop(a, "no memory for TLS");
		return;
	}
	approach_enter(a, STEP_CLIENT_TLS, APPROACH_TLS_MS,
	               "the client's TLS handshake");
	leg_resume(a->client);
	leg_start_tls(a->client, ssl, LEG_TLS_ACCEPT);
}

static void
on_client_ready(void *arg)
{
	struct approach *a = arg;

	if (a->step == STEP_CLIENT_TLS)
		end(a, NULL);
}

static void
on_client_closed(void *arg, const char *why)
{
	struct approach *a = arg;

	if (a->step == STEP_REFUSED)
		end(a, a->why);
	else
		approach_drop(a, why);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct approach *a = arg;
	struct log_event ev;

	(void)fd;
	(void)what;
	if (a->step == STEP_REFUSED) {
		end(a, a->why);
		return;
	}
	ev = log_event(LOG_WARNING, "deadline");
	log_text(&ev, "waiting_for", a->waiting_for);
	log_write(&ev);
	if (a->step > STEP_REQUEST && a->step < STEP_ANSWER)
		approach_refuse(
		    a, X224_SSL_CERT_NOT_ON_SERVER,
		    "the server does not answer",
		    "check the target's address and that the server is well");
	else
		approach_drop(a, "a deadline passed");
}

static void
on_ending(evutil_socket_t fd, short what, void *arg)
{
	struct approach *a = arg;
	struct approach_result result = {a->client, a->server, a->target,
	                                 a->negotiation};

	(void)fd;
	(void)what;
	if (a->why != NULL) {
		a->ops->on_failed(a->arg, a->why);
		return;
	}
	a->client = NULL;
	a->server = NULL;
	a->ops->on_reached(a->arg, &result);
}

struct approach *
approach_new(const struct approach_start *start, const struct approach_ops *ops,
             void *arg)
{
	struct approach *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->start = start;
	a->ops = ops;
	a->arg = arg;
	a->deadline = evtimer_new(start->base, on_deadline, a);
	a->ending = evtimer_new(start->base, on_ending, a);
	a->client = leg_new(start->base, start->client_fd, &client_ops, a);
	if (a->deadline == NULL || a->ending == NULL || a->client == NULL) {
		approach_free(a);
		return NULL;
	}
	approach_enter(a, STEP_REQUEST, APPROACH_REQUEST_MS,
	               "the client's connection request");
	return a;
}

void
approach_free(struct approach *a)
{
	if (a == NULL)
		return;
	leg_free(a->client);
	leg_free(a->server);
	if (a->dns != NULL)
		evdns_base_free(a->dns, 1);
	if (a->addresses != NULL)
		evutil_freeaddrinfo(a->addresses);
	if (a->deadline != NULL)
		event_free(a->deadline);
	if (a->ending != NULL)
		event_free(a->ending);
	free(a);
}
