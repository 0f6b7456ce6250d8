#include "approach_private.h"

#include <event2/dns.h>

static void on_resolved(int error, struct evutil_addrinfo *list, void *arg);
static void on_server_ready(void *arg);
static void on_server_data(void *arg);
static void on_server_drained(void *arg);
static void on_server_closed(void *arg, const char *why);

static const struct leg_ops server_ops = {on_server_ready, on_server_data,
                                          on_server_drained, on_server_closed};

/*
 * The server's address.
 */

static void
try_address(struct approach *a)
{
	for (; a->address != NULL; a->address = a->address->ai_next) {
		a->server = leg_connect(a->start->base, a->address->ai_addr,
		                        (socklen_t)a->address->ai_addrlen,
		                        &server_ops, a);
		if (a->server != NULL) {
			approach_enter(a, STEP_CONNECT, APPROACH_CONNECT_MS,
			               "the server's TCP connection");
			return;
		}
	}
	approach_refuse(
	    a, X224_SSL_CERT_NOT_ON_SERVER, "the server cannot be reached",
	    "check the target's address and that the server is running");
}

/* An address needs no name server; a name is looked up without blocking. */
void
approach_resolve(struct approach *a)
{
	struct evutil_addrinfo hints = {.ai_flags = AI_NUMERICHOST,
	                                .ai_family = AF_UNSPEC,
	                                .ai_socktype = SOCK_STREAM,
	                                .ai_protocol = IPPROTO_TCP};
	struct evutil_addrinfo *list = NULL;

	approach_enter(a, STEP_RESOLVE, APPROACH_CONNECT_MS,
	               "the server's name");
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
		approach_refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
		                "the server's name is not known",
		                "check the target's host name");
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
		approach_refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
		                "no memory for TLS", "try again");
		return;
	}
	approach_enter(a, STEP_SERVER_TLS, APPROACH_TLS_MS,
	               "the server's TLS handshake");
	leg_start_tls(a->server, ssl, LEG_TLS_CONNECT);
}

static void
serve_confirm(struct approach *a, const struct x224_confirm *confirm)
{
	if (confirm->kind == X224_FAILURE) {
		approach_refuse(
		    a, confirm->value, "the server refused the negotiation",
		    confirm->value == X224_HYBRID_REQUIRED
			? "the server insists on NLA: allow TLS log-on on it"
			: "see the code");
		return;
	}
	if (confirm->kind == X224_PLAIN ||
	    confirm->value == X224_PROTOCOL_RDP) {
		approach_refuse(a, X224_SSL_NOT_ALLOWED,
		                "the server offers only legacy RDP security",
		                "enable TLS on the server");
		return;
	}
	if (confirm->value != X224_PROTOCOL_SSL) {
		approach_refuse(
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
	enum approach_found found;

	if (a->step != STEP_CONFIRM)
		return;
	found = approach_next_message(in, &message);
	if (found == APPROACH_FOUND_NOTHING)
		return;
	cursor = wire_in_view(message);
	if (found == APPROACH_FOUND_GARBAGE ||
	    evbuffer_get_length(in) > message.len ||
	    !x224_confirm_decode(&cursor, &confirm)) {
		approach_refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
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
on_server_ready(void *arg)
{
	struct approach *a = arg;

	if (a->step == STEP_CONNECT) {
		approach_enter(a, STEP_CONFIRM, APPROACH_CONFIRM_MS,
		               "the server's answer");
		(void)evbuffer_add(leg_output(a->server), a->request,
		                   a->request_len);
		leg_flush(a->server);
		return;
	}
	if (a->step != STEP_SERVER_TLS)
		return;
	if (server_accepted(a))
		approach_answer_client(a);
	else
		approach_refuse(
		    a, X224_SSL_CERT_NOT_ON_SERVER,
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
		approach_refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
		                "the server closed without an answer",
		                "check that the target is an RDP server");
	} else if (a->step == STEP_SERVER_TLS) {
		approach_refuse(a, X224_SSL_CERT_NOT_ON_SERVER,
		                tls_fault(a, why), tls_remedy(a));
	} else if (a->step != STEP_REFUSED) {
		approach_drop(
		    a, "the server closed during the client's handshake");
	}
}
