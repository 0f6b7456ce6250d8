#include "approach.h"

#include <event2/dns.h>
#include <stdlib.h>

#include "x224.h"

/* In the order in which they happen. */
enum step {
	STEP_REQUEST,    /* the client's connection request */
	STEP_RESOLVE,    /* the server's address */
	STEP_CONNECT,    /* TCP to the server */
	STEP_CONFIRM,    /* the server's choice */
	STEP_SERVER_TLS, /* and its certificate */
	STEP_ANSWER,     /* the client gets the choice */
	STEP_CLIENT_TLS, /* and our certificate */
	STEP_REFUSED,    /* a refusal is being written */
	STEP_ENDED       /* on_reached or on_failed is due or done */
};

struct approach {
	const struct approach_start *start;
	const struct config_target *target;
	enum step step;
	const char *waiting_for; /* what the deadline is for */
	const char *why;         /* of a failure */
	struct event *deadline;
	struct event *ending; /* the callback comes from the loop's own turn */

	struct leg *client;
	struct leg *server;
	struct evdns_base *dns;
	struct evutil_addrinfo *addresses; /* of the target */
	struct evutil_addrinfo *address;   /* the one being tried */

	uint8_t request[X224_REQUEST_MAX]; /* as the server gets it */
	size_t request_len;
	uint8_t confirm[X224_REQUEST_MAX]; /* as the client gets it */
	size_t confirm_len;
	struct relay_negotiation negotiation;

	const struct approach_ops *ops;
	void *arg;
};

static void on_client_data(void *arg);
static void on_client_ready(void *arg);
static void on_client_drained(void *arg);
static void on_client_closed(void *arg, const char *why);
static void on_resolved(int error, struct evutil_addrinfo *list, void *arg);
static void on_server_ready(void *arg);
static void on_server_data(void *arg);
static void on_server_drained(void *arg);
static void on_server_closed(void *arg, const char *why);
static void on_deadline(evutil_socket_t fd, short what, void *arg);
static void on_ending(evutil_socket_t fd, short what, void *arg);

static const struct leg_ops client_ops = {on_client_ready, on_client_data,
                                          on_client_drained, on_client_closed};
static const struct leg_ops server_ops = {on_server_ready, on_server_data,
                                          on_server_drained, on_server_closed};

static void
enter(struct approach *a, enum step step, uint32_t ms, const char *what)
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

/* Refuse the client with a code it can show, and say what to change. */
static void
refuse(struct approach *a, uint32_t code, const char *why, const char *remedy)
{
	struct x224_confirm failure = {X224_FAILURE, 0, code};
	uint8_t bytes[X224_CONFIRM_LEN];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	if (a->step >= STEP_ANSWER)
		return;
	log_refusal(a, why, x224_failure_name(code), remedy);
	a->why = why;
	enter(a, STEP_REFUSED, APPROACH_LINGER_MS, "the refusal");
	x224_confirm_encode(&out, &failure);
	(void)evbuffer_add(leg_output(a->client), bytes, out.len);
	leg_flush(a->client);
	on_client_drained(a);
}

/* What came is not RDP, or breaks its rules: nothing is answered. */
static void
drop(struct approach *a, const char *why)
{
	if (a->step == STEP_ENDED)
		return;
	log_refusal(a, why, NULL, NULL);
	end(a, why);
}

/*
 * The client's connection request.
 */

enum found { FOUND_NOTHING, FOUND_MESSAGE, FOUND_GARBAGE };

/* The next whole X.224 message at the head of a buffer. */
static enum found
next_message(struct evbuffer *in, struct wire_view *message)
{
	size_t have = evbuffer_get_length(in);
	size_t len;

	if (have > X224_REQUEST_MAX)
		have = X224_REQUEST_MAX;
	message->data = evbuffer_pullup(in, (ev_ssize_t)have);
	message->len = have;
	len = x224_message_len(*message);
	if (len == X224_NOT_RDP || len > X224_REQUEST_MAX)
		return FOUND_GARBAGE;
	if (len == 0 || len > have)
		return FOUND_NOTHING;
	message->len = len;
	return FOUND_MESSAGE;
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
try_address(struct approach *a)
{
	for (; a->address != NULL; a->address = a->address->ai_next) {
		a->server = leg_connect(a->start->base, a->address->ai_addr,
		                        (socklen_t)a->address->ai_addrlen,
		                        &server_ops, a);
		if (a->server != NULL) {
			enter(a, STEP_CONNECT, APPROACH_CONNECT_MS,
			      "the server's TCP connection");
			return;
		}
	}
	refuse(a, X224_SSL_CERT_NOT_ON_SERVER, "the server cannot be reached",
	       "check the target's address and that the server is running");
}

/* An address needs no name server; a name is looked up without blocking. */
static void
resolve(struct approach *a)
{
	struct evutil_addrinfo hints = {.ai_flags = AI_NUMERICHOST,
	                                .ai_family = AF_UNSPEC,
	                                .ai_socktype = SOCK_STREAM,
	                                .ai_protocol = IPPROTO_TCP};
	struct evutil_addrinfo *list = NULL;

	enter(a, STEP_RESOLVE, APPROACH_CONNECT_MS, "the server's name");
	if (evutil_getaddrinfo(a->target->host, a->target->port, &hints,
	                       &list) == 0) {
		on_resolved(0, list, a);
		return;
	}
	hints.ai_flags = 0;
	a->dns =
	    evdns_base_new(a->start->base, EVDNS_BASE_INITIALIZE_NAMESERVERS);
	if (a->dns == NULL)
		on_resolved(EVUTIL_EAI_AGAIN, NULL, a);
	else
		(void)evdns_getaddrinfo(a->dns, a->target->host,
		                        a->target->port, &hints, on_resolved,
		                        a);
}

static void
on_resolved(int error, struct evutil_addrinfo *list, void *arg)
{
	struct approach *a = arg;

	if (error == EVUTIL_EAI_CANCEL)
		return; /* approach_free is at work */
	a->addresses = list;
	a->address = list;
	if (a->step != STEP_RESOLVE)
		return;
	if (error == 0)
		try_address(a);
	else
		refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
		       "the server's name is not known",
		       "check the target's host name");
}

static void
serve_request(struct approach *a, struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	struct x224_request request;
	struct log_event ev;

	if (!x224_request_decode(&in, &request)) {
		drop(a, "malformed connection request");
		return;
	}
	a->target = config_route(a->start->config, a->start->listener,
	                         request.token, request.user);
	if (a->target == NULL) {
		refuse(
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
		refuse(a, X224_SSL_REQUIRED,
		       "the client does not offer TLS security",
		       "allow TLS in the client's security settings");
		return;
	}
	keep_request(a, message, &request);
	leg_pause(a->client);
	resolve(a);
}

static void
on_client_data(void *arg)
{
	struct approach *a = arg;
	struct evbuffer *in = leg_input(a->client);
	struct wire_view message;

	while (a->step == STEP_REQUEST) {
		switch (next_message(in, &message)) {
		case FOUND_NOTHING:
			return;
		case FOUND_GARBAGE:
			drop(a, "the first bytes are not RDP");
			return;
		case FOUND_MESSAGE:
			break;
		}
		if (!x224_is_preconnection(message)) {
			if (evbuffer_get_length(in) > message.len)
				drop(a, "bytes after the connection request");
			else
				serve_request(a, message);
		}
		(void)evbuffer_drain(in, message.len);
	}
}

/*
 * The server's choice and its certificate.
 */

static void
start_server_tls(struct approach *a)
{
	size_t index = (size_t)(a->target - a->start->config->targets);
	SSL *ssl = tls_client_new(a->start->client_tls[index],
	                          a->target->verify, a->target->server_name);

	if (ssl == NULL) {
		refuse(a, X224_SSL_CERT_NOT_ON_SERVER, "no memory for TLS",
		       "try again");
		return;
	}
	enter(a, STEP_SERVER_TLS, APPROACH_TLS_MS,
	      "the server's TLS handshake");
	leg_start_tls(a->server, ssl, LEG_TLS_CONNECT);
}

static void
serve_confirm(struct approach *a, const struct x224_confirm *confirm)
{
	if (confirm->kind == X224_FAILURE) {
		refuse(a, confirm->value, "the server refused the negotiation",
		       confirm->value == X224_HYBRID_REQUIRED
		           ? "the server insists on NLA: allow TLS log-on on it"
		           : "see the code");
		return;
	}
	if (confirm->kind == X224_PLAIN ||
	    confirm->value == X224_PROTOCOL_RDP) {
		refuse(a, X224_SSL_NOT_ALLOWED,
		       "the server offers only legacy RDP security",
		       "enable TLS on the server");
		return;
	}
	if (confirm->value != X224_PROTOCOL_SSL) {
		refuse(
		    a, X224_HYBRID_REQUIRED,
		    "the server chose NLA, which cannot pass through a proxy",
		    "set security = tls for the target if the server permits "
		    "TLS log-on, or turn NLA off in the client");
		return;
	}
	a->negotiation.server_selected = confirm->value;
	a->negotiation.client_selected = confirm->value;
	start_server_tls(a);
}

static void
on_server_data(void *arg)
{
	struct approach *a = arg;
	struct evbuffer *in = leg_input(a->server);
	struct wire_out out = wire_out(a->confirm, sizeof(a->confirm));
	struct wire_view message;
	struct x224_confirm confirm;
	struct wire_in cursor;
	enum found found;

	if (a->step != STEP_CONFIRM)
		return;
	found = next_message(in, &message);
	if (found == FOUND_NOTHING)
		return;
	cursor = wire_in_view(message);
	if (found == FOUND_GARBAGE || evbuffer_get_length(in) > message.len ||
	    !x224_confirm_decode(&cursor, &confirm)) {
		refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
		       "malformed answer of the server",
		       "check that the target is an RDP server");
		return;
	}
	wire_put_view(&out, message);
	a->confirm_len = out.len;
	(void)evbuffer_drain(in, message.len);
	serve_confirm(a, &confirm);
}

/* Is the server who it should be?  Nothing of the client's has gone there yet.
 */
static bool
server_accepted(const struct approach *a)
{
	uint8_t digest[TLS_PIN_LEN];
	bool pinned = tls_pinned(leg_ssl(a->server), a->target->pins,
	                         a->target->pin_count, digest);
	struct log_event ev = log_event(LOG_INFO, "server-certificate");

	log_id(&ev, "sha256", digest, sizeof(digest));
	log_write(&ev);
	return a->target->verify != TLS_VERIFY_PIN || pinned;
}

static void
answer_client(struct approach *a)
{
	enter(a, STEP_ANSWER, APPROACH_TLS_MS, "the client to take its answer");
	(void)evbuffer_add(leg_output(a->client), a->confirm, a->confirm_len);
	leg_flush(a->client);
	on_client_drained(a);
}

static void
on_server_ready(void *arg)
{
	struct approach *a = arg;

	if (a->step == STEP_CONNECT) {
		enter(a, STEP_CONFIRM, APPROACH_CONFIRM_MS,
		      "the server's answer");
		(void)evbuffer_add(leg_output(a->server), a->request,
		                   a->request_len);
		leg_flush(a->server);
		return;
	}
	if (a->step != STEP_SERVER_TLS)
		return;
	if (server_accepted(a))
		answer_client(a);
	else
		refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
		       "the server's certificate is not a pinned one",
		       "compare pin_sha256 with the digest logged above");
}

static void
on_server_drained(void *arg)
{
	(void)arg;
}

static const char *
tls_fault(const struct approach *a, const char *why)
{
	long result = SSL_get_verify_result(leg_ssl(a->server));

	return result == X509_V_OK ? why
	                           : X509_verify_cert_error_string(result);
}

static const char *
tls_remedy(const struct approach *a)
{
	return SSL_get_verify_result(leg_ssl(a->server)) == X509_V_OK
	           ? "check the server's TLS settings: 1.2 or later is needed"
	           : "give the target ca_file, server_name or pin_sha256";
}

static void
on_server_closed(void *arg, const char *why)
{
	struct approach *a = arg;

	if (a->step == STEP_CONNECT) {
		leg_free(a->server);
		a->server = NULL;
		a->address = a->address->ai_next;
		try_address(a);
	} else if (a->step == STEP_CONFIRM) {
		refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
		       "the server closed without an answer",
		       "check that the target is an RDP server");
	} else if (a->step == STEP_SERVER_TLS) {
		refuse(a, X224_SSL_CERT_NOT_ON_SERVER, tls_fault(a, why),
		       tls_remedy(a));
	} else if (a->step != STEP_REFUSED) {
		drop(a, "the server closed during the client's handshake");
	}
}

/*
 * The client again.
 */

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
		drop(a, "no memory for TLS");
		return;
	}
	enter(a, STEP_CLIENT_TLS, APPROACH_TLS_MS,
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
		drop(a, why);
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
		refuse(
		    a, X224_SSL_CERT_NOT_ON_SERVER,
		    "the server does not answer",
		    "check the target's address and that the server is well");
	else
		drop(a, "a deadline passed");
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
	enter(a, STEP_REQUEST, APPROACH_REQUEST_MS,
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
