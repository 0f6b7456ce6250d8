/*
 * An approach that arrives: the request goes on unchanged, to the server its
 * words lead to, and both ends have their TLS.
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
test_request_passes_unchanged(void **state)
{
	const struct approachbed_request r =
	    approachbed_request("Cookie: mstshash=alice", 0x0b);
	uint8_t got[512];
	struct approachbed b;
	int server;

	(void)state;
	approachbed_open(&b, "verify = none");
	for (size_t i = 0; i < r.len; i++) {
		approachbed_assert_nobody(&b);
		approachbed_send(b.client, r.bytes + i, 1);
	}
	server = approachbed_accept(&b, 0);
	assert_int_equal(approachbed_receive(server, got, sizeof(got)), r.len);
	assert_memory_equal(got, r.bytes, r.len);
	(void)close(server);
	approachbed_close(&b);
}

static bool
is_reached(void *arg)
{
	const struct approachbed *b = arg;

	return b->reached + b->failed > 0;
}

static void
reach(const char *keys, int protocols, uint32_t server_requested)
{
	struct side server, client;
	SSL_CTX *server_ctx = authority_server(&approachbed_server);
	SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
	uint8_t got[64];
	struct approachbed b;
	int fd = approachbed_asked(&b, keys, protocols);

	side_init(&server);
	side_init(&client);
	approachbed_confirm(fd, 2, 1);
	server.leg = leg_new(side_base, fd, &side_ops, &server);
	leg_start_tls(server.leg, SSL_new(server_ctx), LEG_TLS_ACCEPT);
	/* the client hears of it only when the server is known */
	assert_int_equal(approachbed_receive(b.client, got, sizeof(got)), 19);
	assert_int_equal(got[11], 2);
	assert_int_equal(got[15], 1);
	assert_int_equal(server.ready, 1);
	client.leg = leg_new(side_base, b.client, &side_ops, &client);
	leg_start_tls(client.leg, SSL_new(client_ctx), LEG_TLS_CONNECT);
	side_until(side_base, is_reached, &b);
	assert_int_equal(b.reached, 1);
	assert_string_equal(b.result.target->name, "one");
	assert_int_equal(b.result.negotiation.client_requested, protocols);
	assert_int_equal(b.result.negotiation.server_requested,
	                 server_requested);
	assert_int_equal(b.result.negotiation.client_selected, 1);
	assert_int_equal(b.result.negotiation.server_selected, 1);
	assert_non_null(leg_ssl(b.result.client));
	assert_non_null(leg_ssl(b.result.server));
	b.client = dup(0); /* the side's now */
	side_clear(&client);
	side_clear(&server);
	approachbed_close(&b);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
}

static void
test_reached(void **state)
{
	char keys[128];

	(void)state;
	reach("verify = none", 3, 3);
	reach("verify = none\nsecurity = tls", 0x0b, 1);
	(void)snprintf(keys, sizeof(keys),
	               "ca_file = %s/ca\nserver_name = " AUTHORITY_NAME,
	               approachbed_dir);
	reach(keys, 1, 1);
}

static void
test_server_asked_for_tls_only(void **state)
{
	struct approachbed_request wanted =
	    approachbed_request("Cookie: mstshash=alice", 1);
	uint8_t got[512];
	struct approachbed b;
	int server;

	(void)state;
	approachbed_open(&b, "verify = none\nsecurity = tls");
	approachbed_ask(&b, "Cookie: mstshash=alice", 0x0b);
	server = approachbed_accept(&b, 0);
	assert_int_equal(approachbed_receive(server, got, sizeof(got)),
	                 wanted.len);
	assert_memory_equal(got, wanted.bytes, wanted.len);
	(void)close(server);
	approachbed_close(&b);
}

static void
test_preconnection(void **state)
{
	/* [MS-RDPEPS] 2.2.1.1 and 2.2.1.2: size, flags, version, id, text */
	static const uint8_t v1[] = {16, 0, 0, 0, 0, 0, 0, 0,
	                             1,  0, 0, 0, 5, 0, 0, 0};
	static const uint8_t v2[] = {22, 0, 0, 0, 0, 0, 0, 0,   2, 0, 0,
	                             0,  5, 0, 0, 0, 2, 0, 'a', 0, 0, 0};
	static const struct wire_view blobs[] = {{v1, sizeof(v1)},
	                                         {v2, sizeof(v2)}};
	const struct approachbed_request r = approachbed_request(NULL, 1);
	uint8_t together[512];
	uint8_t got[512];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct wire_view blob = blobs[i % 2];
		struct approachbed b;
		int server;

		approachbed_open(&b, "verify = none");
		memcpy(together, blob.data, blob.len);
		memcpy(together + blob.len, r.bytes, r.len);
		if (i < 2) {
			approachbed_send(b.client, together, blob.len + r.len);
		} else {
			approachbed_send(b.client, blob.data, blob.len);
			approachbed_send(b.client, r.bytes, r.len);
		}
		server = approachbed_accept(&b, 0);
		assert_int_equal(approachbed_receive(server, got, sizeof(got)),
		                 r.len);
		assert_memory_equal(got, r.bytes, r.len);
		(void)close(server);
		approachbed_close(&b);
	}
}

static void
test_routing(void **state)
{
	static const struct {
		const char *token;
		int listener;
	} routes[] = {
	    {NULL, 0},
	    {"Cookie: mstshash=alice", 0},
	    {"Cookie: mstshash=two-alice", 1},
	    {"Cookie: mstshash=TWO-alice", 1},
	    {"tsv://one", 0},
	    {"tsv://two/x", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct approachbed b;
		int server;

		approachbed_open(&b, "verify = none");
		approachbed_ask(&b, routes[i].token, 1);
		server = approachbed_accept(&b, routes[i].listener);
		approachbed_assert_nobody(&b);
		(void)close(server);
		approachbed_close(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request_passes_unchanged),
	    cmocka_unit_test(test_reached),
	    cmocka_unit_test(test_server_asked_for_tls_only),
	    cmocka_unit_test(test_preconnection),
	    cmocka_unit_test(test_routing),
	};

	return cmocka_run_group_tests(tests, approachbed_open_all,
	                              approachbed_close_all);
}
