/*
 * An approach that fails: what the client is told, byte by byte, and that
 * nobody is waited for without end.
 */
#include "approachbed.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "x224.h"

static void
test_client_without_tls(void **state)
{
	static const int protocols[] = {-1, 0};
	struct approachbed b;

	(void)state;
	for (int i = 0; i < 2; i++) {
		approachbed_open(&b, "verify = none");
		approachbed_ask(&b, "Cookie: mstshash=alice", protocols[i]);
		approachbed_assert_refused(&b, X224_SSL_REQUIRED);
		approachbed_assert_nobody(&b);
		approachbed_close(&b);
	}
	approachbed_open(&b, "verify = none\nsecurity = tls");
	approachbed_ask(&b, NULL, 2); /* NLA and nothing else */
	approachbed_assert_refused(&b, X224_SSL_REQUIRED);
	approachbed_close(&b);
}

static void
test_unreachable(void **state)
{
	struct approachbed b;

	(void)state;
	approachbed_open(&b, "verify = none");
	(void)close(b.listeners[0]);
	b.listeners[0] = -1;
	approachbed_ask(&b, NULL, 1);
	approachbed_assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, "the server cannot be reached");
	approachbed_close(&b);
}

static void
test_server_choices(void **state)
{
	static const struct {
		uint32_t selected;
		uint8_t code;
	} choices[] = {
	    {0, X224_SSL_NOT_ALLOWED}, {2, X224_HYBRID_REQUIRED},
	    {8, X224_HYBRID_REQUIRED}, {4, X224_HYBRID_REQUIRED},
	    {3, X224_HYBRID_REQUIRED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
		struct approachbed b;
		int server = approachbed_asked(&b, "verify = none", 0x0b);

		approachbed_confirm(server, 2, choices[i].selected);
		approachbed_assert_refused(&b, choices[i].code);
		(void)close(server);
		approachbed_close(&b);
	}
}

/* Its own failure passes, also when it closes at once. */
static void
test_server_failures(void **state)
{
	(void)state;
	for (uint8_t code = 1; code <= 7; code++) {
		struct approachbed b;
		int server = approachbed_asked(&b, "verify = none", 1);
		uint8_t bytes[19] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0,
		                     0, 3, 0, 8,  0,  code, 0, 0, 0};

		assert_int_equal(send(server, bytes, sizeof(bytes), 0),
		                 sizeof(bytes));
		(void)close(server);
		approachbed_assert_refused(&b, code);
		assert_string_equal(b.why,
		                    "the server refused the negotiation");
		approachbed_close(&b);
	}
}

static void
test_server_without_negotiation(void **state)
{
	static const uint8_t plain[] = {3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0};
	struct approachbed b;
	int server = approachbed_asked(&b, "verify = none", 1);

	(void)state;
	approachbed_send(server, plain, sizeof(plain));
	approachbed_assert_refused(&b, X224_SSL_NOT_ALLOWED);
	(void)close(server);
	approachbed_close(&b);
}

static void
test_server_nonsense(void **state)
{
	static const char *const answers[] = {
	    "HTTP/1.1 400 Bad Request\r\n\r\n",
	    "\3\0\0\4",
	    "\3\0\x7f\xff\x0e\xd0",
	};
	static const size_t lens[] = {28, 4, 6};
	struct approachbed b;
	int server;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		server = approachbed_asked(&b, "verify = none", 1);
		approachbed_send(server, answers[i], lens[i]);
		approachbed_assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
		(void)close(server);
		approachbed_close(&b);
	}
	server = approachbed_asked(&b, "verify = none", 1);
	(void)close(server);
	approachbed_assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, "the server closed without an answer");
	approachbed_close(&b);
}

/* Nothing of the client's goes to a server that cannot prove who it is. */
static void
wrong_certificate(const char *keys, const char *why)
{
	SSL_CTX *ctx = authority_server(&approachbed_server);
	struct side server;
	struct approachbed b;
	int fd = approachbed_asked(&b, keys, 1);

	side_init(&server);
	approachbed_confirm(fd, 2, 1);
	server.leg = leg_new(side_base, fd, &side_ops, &server);
	leg_start_tls(server.leg, SSL_new(ctx), LEG_TLS_ACCEPT);
	approachbed_assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, why);
	assert_int_equal(evbuffer_get_length(server.got), 0);
	side_clear(&server);
	approachbed_close(&b);
	SSL_CTX_free(ctx);
}

static void
test_server_certificate(void **state)
{
	char keys[200];

	(void)state;
	(void)snprintf(keys, sizeof(keys), "ca_file = %s/ca", approachbed_dir);
	wrong_certificate(keys, "IP address mismatch");
	(void)snprintf(keys, sizeof(keys),
	               "ca_file = %s/ca\nserver_name = other.test",
	               approachbed_dir);
	wrong_certificate(keys, "hostname mismatch");
	(void)snprintf(keys, sizeof(keys),
	               "ca_file = %s/cert\nserver_name = " AUTHORITY_NAME,
	               approachbed_dir);
	wrong_certificate(keys, "unable to get local issuer certificate");
	(void)snprintf(keys, sizeof(keys), "verify = pin\npin_sha256 = %064d",
	               0);
	wrong_certificate(keys, "the server's certificate is not a pinned one");
}

/*
 * What is no RDP is not answered.
 */

static void
test_garbage(void **state)
{
	struct approachbed_request r = approachbed_request(NULL, 1);
	struct approachbed b;

	(void)state;
	approachbed_open(&b, "verify = none");
	approachbed_send(b.client, "GET / HTTP/1.1\r\n\r\n", 18);
	approachbed_assert_dropped(&b);
	approachbed_close(&b);

	approachbed_open(&b, "verify = none"); /* a request of 4097 bytes */
	approachbed_send(b.client, "\3\0\x10\x01", 4);
	approachbed_assert_dropped(&b);
	approachbed_close(&b);

	approachbed_open(&b, "verify = none"); /* something follows */
	r.bytes[r.len] = 0x16;
	approachbed_send(b.client, r.bytes, r.len + 1);
	approachbed_assert_dropped(&b);
	approachbed_close(&b);

	for (size_t i = 4; i < 6; i++) { /* lengths that do not fit, no CR */
		r = approachbed_request(NULL, 1);
		r.bytes[i] ^= 0x11;
		approachbed_open(&b, "verify = none");
		approachbed_send(b.client, r.bytes, r.len);
		approachbed_assert_dropped(&b);
		approachbed_assert_nobody(&b);
		approachbed_close(&b);
	}
}

static void
test_client_goes(void **state)
{
	struct approachbed b;

	(void)state;
	approachbed_open(&b, "verify = none");
	assert_int_equal(shutdown(b.client, SHUT_RDWR), 0);
	approachbed_turn();
	assert_int_equal(b.failed, 1);
	assert_string_equal(b.why, "closed by the peer");
	approachbed_close(&b);
}

/*
 * Deadlines.
 */

static void
not_before(struct approachbed *b, unsigned ms)
{
	approachbed_jump(ms - 200);
	assert_int_equal(b->failed, 0);
	approachbed_jump(400);
}

static void
test_request_deadline(void **state)
{
	struct approachbed b;

	(void)state;
	approachbed_open(&b, "verify = none");
	approachbed_send(b.client, "\3\0\0", 3);
	not_before(&b, APPROACH_REQUEST_MS);
	approachbed_assert_dropped(&b);
	assert_string_equal(b.why, "a deadline passed");
	approachbed_close(&b);
}

/* A listener that takes no more connections lets them wait. */
static void
test_connect_deadline(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	int waiting[8];
	struct approachbed b;

	(void)state;
	approachbed_open(&b, "verify = none");
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons(b.ports[0]);
	for (int i = 0; i < 8; i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(waiting[i], (struct sockaddr *)&addr,
		              sizeof(addr));
	}
	approachbed_ask(&b, NULL, 1);
	not_before(&b, APPROACH_CONNECT_MS);
	approachbed_assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, "the server does not answer");
	for (int i = 0; i < 8; i++)
		(void)close(waiting[i]);
	approachbed_close(&b);
}

static void
test_confirm_deadline(void **state)
{
	struct approachbed b;
	int server = approachbed_asked(&b, "verify = none", 1);

	(void)state;
	approachbed_send(server, "\3\0\0\x13\x0e", 5);
	not_before(&b, APPROACH_CONFIRM_MS);
	approachbed_assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, "the server does not answer");
	(void)close(server);
	approachbed_close(&b);
}

static void
test_server_tls_deadline(void **state)
{
	struct approachbed b;
	int server = approachbed_asked(&b, "verify = none", 1);

	(void)state;
	approachbed_confirm(server, 2, 1);
	not_before(&b, APPROACH_TLS_MS);
	approachbed_assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	(void)close(server);
	approachbed_close(&b);
}

static void
test_client_tls_deadline(void **state)
{
	SSL_CTX *ctx = authority_server(&approachbed_server);
	struct side server;
	uint8_t got[64];
	struct approachbed b;
	int fd = approachbed_asked(&b, "verify = none", 1);

	(void)state;
	side_init(&server);
	approachbed_confirm(fd, 2, 1);
	server.leg = leg_new(side_base, fd, &side_ops, &server);
	leg_start_tls(server.leg, SSL_new(ctx), LEG_TLS_ACCEPT);
	assert_int_equal(approachbed_receive(b.client, got, sizeof(got)), 19);
	not_before(&b, APPROACH_TLS_MS);
	approachbed_assert_dropped(&b);
	side_clear(&server);
	approachbed_close(&b);
	SSL_CTX_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_client_without_tls),
	    cmocka_unit_test(test_unreachable),
	    cmocka_unit_test(test_server_choices),
	    cmocka_unit_test(test_server_failures),
	    cmocka_unit_test(test_server_without_negotiation),
	    cmocka_unit_test(test_server_nonsense),
	    cmocka_unit_test(test_server_certificate),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_client_goes),
	    cmocka_unit_test(test_request_deadline),
	    cmocka_unit_test(test_connect_deadline),
	    cmocka_unit_test(test_confirm_deadline),
	    cmocka_unit_test(test_server_tls_deadline),
	    cmocka_unit_test(test_client_tls_deadline),
	};

	return cmocka_run_group_tests(tests, approachbed_open_all,
	                              approachbed_close_all);
}
