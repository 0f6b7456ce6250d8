#include "approach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "authority.h"
#include "scratch.h"
#include "side.h"
#include "x224.h"

static struct event_base *base;
static struct authority ca;
static struct authority server_identity;
static char dir[] = "/tmp/test_approach.XXXXXX";

/* The loop's clock, moved forward by a test that waits for a deadline. */
static int64_t clock_offset_s;
static long clock_offset_ns;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	if (syscall(SYS_clock_gettime, id, ts) != 0)
		return -1;
	ts->tv_sec += clock_offset_s;
	ts->tv_nsec += clock_offset_ns;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_nsec -= 1000000000;
		ts->tv_sec++;
	}
	return 0;
}

static void
turn(void)
{
	for (int i = 0; i < 10; i++)
		(void)event_base_loop(base, EVLOOP_NONBLOCK);
}

static void
jump(unsigned ms)
{
	clock_offset_ns += (long)(ms % 1000) * 1000000;
	clock_offset_s += ms / 1000 + clock_offset_ns / 1000000000;
	clock_offset_ns %= 1000000000;
	turn();
}

/* A client, an approach, and one or two servers that listen. */
struct bed {
	int listeners[2];
	uint16_t ports[2];
	struct config *config;
	SSL_CTX *server_tls;
	SSL_CTX *client_tls[4];
	struct approach_start start;
	struct approach *approach;
	int client;
	unsigned reached;
	unsigned failed;
	char why[256];
	struct approach_result result;
};

static void
on_reached(void *arg, const struct approach_result *result)
{
	struct bed *b = arg;

	b->reached++;
	b->result = *result;
}

static void
on_failed(void *arg, const char *why)
{
	struct bed *b = arg;

	b->failed++;
	(void)snprintf(b->why, sizeof(b->why), "%s", why);
}

static const struct approach_ops ops = {on_reached, on_failed};

static int
listen_somewhere(uint16_t *port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	struct sockaddr *generic = (struct sockaddr *)&addr;
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, generic, len), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, generic, &len), 0);
	*port = ntohs(addr.sin_port);
	return fd;
}

static struct config *
make_config(const struct bed *b, const char *keys)
{
	static char text[4096];
	struct config_faults faults = {0};
	struct config *config;
	int len = snprintf(text, sizeof(text),
	                   "[listen]\n"
	                   "address = 127.0.0.1:3389\n"
	                   "target = one\n"
	                   "[target by-cookie]\n"
	                   "address = 127.0.0.1:%u\n"
	                   "match_cookie = tsv://two*\n"
	                   "verify = none\n"
	                   "[target by-user]\n"
	                   "address = 127.0.0.1:%u\n"
	                   "match_user = two-*\n"
	                   "verify = none\n"
	                   "[target one]\n"
	                   "address = 127.0.0.1:%u\n"
	                   "%s\n",
	                   b->ports[1], b->ports[1], b->ports[0], keys);

	config = config_parse((struct wire_view){(uint8_t *)text, (size_t)len},
	                      "test", &faults);
	for (size_t i = 0; i < faults.count; i++)
		print_error("%s\n", faults.text[i]);
	config_faults_clear(&faults);
	assert_non_null(config);
	return config;
}

static void
open_contexts(struct bed *b)
{
	char certificate[64], key[64];
	const char *why = "";

	(void)snprintf(certificate, sizeof(certificate), "%s/cert", dir);
	(void)snprintf(key, sizeof(key), "%s/key", dir);
	b->server_tls =
	    tls_server_context(certificate, key, TLS1_2_VERSION, &why);
	assert_non_null(b->server_tls);
	for (size_t i = 0; i < b->config->target_count; i++) {
		const struct config_target *t = &b->config->targets[i];

		b->client_tls[i] = tls_client_context(t->verify, t->ca_file,
		                                      TLS1_2_VERSION, &why);
		assert_non_null(b->client_tls[i]);
	}
}

/* keys: of [target one]. */
static void
bed_open(struct bed *b, const char *keys)
{
	int fds[2];

	memset(b, 0, sizeof(*b));
	for (int i = 0; i < 2; i++)
		b->listeners[i] = listen_somewhere(&b->ports[i]);
	b->config = make_config(b, keys);
	open_contexts(b);
	side_tcp(fds);
	b->client = fds[0];
	b->start = (struct approach_start){.base = base,
	                                   .config = b->config,
	                                   .server_tls = b->server_tls,
	                                   .client_tls = b->client_tls,
	                                   .client_fd = fds[1]};
	b->approach = approach_new(&b->start, &ops, b);
	assert_non_null(b->approach);
}

static void
bed_close(struct bed *b)
{
	assert_true(b->reached + b->failed <= 1);
	approach_free(b->approach);
	leg_free(b->result.client);
	leg_free(b->result.server);
	(void)close(b->client);
	for (int i = 0; i < 2; i++) {
		if (b->listeners[i] >= 0)
			(void)close(b->listeners[i]);
	}
	for (size_t i = 0; i < b->config->target_count; i++)
		SSL_CTX_free(b->client_tls[i]);
	SSL_CTX_free(b->server_tls);
	config_free(b->config);
}

static void
send_all(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
	turn();
}

/* What has come, once something has: 0 is the end. */
static size_t
receive(int fd, uint8_t *data, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	for (int i = 0; i < 2000; i++) {
		turn();
		if (poll(&p, 1, 1) == 1)
			break;
	}
	n = recv(fd, data, size, MSG_DONTWAIT);
	assert_true(n >= 0 || errno == ECONNRESET);
	return n < 0 ? 0 : (size_t)n;
}

static int
accept_at(const struct bed *b, int which)
{
	for (int i = 0; i < 2000; i++) {
		int fd = accept(b->listeners[which], NULL, NULL);

		if (fd >= 0)
			return fd;
		turn();
		(void)usleep(1000);
	}
	fail_msg("nobody connects");
	return -1;
}

static void
assert_nobody(const struct bed *b)
{
	turn();
	for (int i = 0; i < 2; i++) {
		if (b->listeners[i] >= 0)
			assert_int_equal(accept(b->listeners[i], NULL, NULL),
			                 -1);
	}
}

/* A connection request: a cookie or routing token, and protocols. */
struct request {
	uint8_t bytes[300];
	size_t len;
};

static struct request
make_request(const char *token, int protocols)
{
	struct request r;
	struct wire_out out = wire_out(r.bytes, sizeof(r.bytes));
	size_t token_len = token == NULL ? 0 : strlen(token) + 2;
	size_t len = 11 + token_len + (protocols < 0 ? 0 : 8);

	wire_put_u16_be(&out, 0x0300);
	wire_put_u16_be(&out, (uint16_t)len);
	wire_put_u8(&out, (uint8_t)(len - 5));
	wire_put_u8(&out, 0xe0); /* CR */
	wire_put_zeros(&out, 5);
	if (token != NULL) {
		wire_put_bytes(&out, token, token_len - 2);
		wire_put_bytes(&out, "\r\n", 2);
	}
	if (protocols >= 0) {
		wire_put_u16(&out, 1);
		wire_put_u16(&out, 8);
		wire_put_u32(&out, (uint32_t)protocols);
	}
	r.len = out.len;
	return r;
}

static void
ask(struct bed *b, const char *token, int protocols)
{
	const struct request r = make_request(token, protocols);

	send_all(b->client, r.bytes, r.len);
}

/* A confirm; type 2: the server's choice, 3: a failure. */
static void
confirm(int server, uint8_t type, uint32_t value)
{
	uint8_t bytes[19] = {3,
	                     0,
	                     0,
	                     19,
	                     14,
	                     0xd0,
	                     0,
	                     0,
	                     0,
	                     0,
	                     0,
	                     type,
	                     0,
	                     8,
	                     0,
	                     (uint8_t)value,
	                     (uint8_t)(value >> 8),
	                     0,
	                     0};

	send_all(server, bytes, sizeof(bytes));
}

/* The client gets exactly this failure, and then the end. */
static void
assert_refused(struct bed *b, uint8_t code)
{
	const uint8_t wanted[19] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0,
	                            0, 3, 0, 8,  0,  code, 0, 0, 0};
	uint8_t got[64];

	assert_int_equal(receive(b->client, got, sizeof(got)), sizeof(wanted));
	assert_memory_equal(got, wanted, sizeof(wanted));
	turn();
	assert_int_equal(b->failed, 1);
	assert_int_equal(b->reached, 0);
}

/* The client gets nothing at all. */
static void
assert_dropped(struct bed *b)
{
	uint8_t got[64];

	turn();
	assert_int_equal(b->failed, 1);
	approach_free(b->approach);
	b->approach = NULL;
	assert_int_equal(receive(b->client, got, sizeof(got)), 0);
}

/* As far as the server's connection; it has got the request. */
static int
asked(struct bed *b, const char *keys, int protocols)
{
	uint8_t got[512];
	int server;

	bed_open(b, keys);
	ask(b, "Cookie: mstshash=alice", protocols);
	server = accept_at(b, 0);
	assert_true(receive(server, got, sizeof(got)) > 0);
	return server;
}

/*
 * The straight path.
 */

static void
test_request_passes_unchanged(void **state)
{
	const struct request r = make_request("Cookie: mstshash=alice", 0x0b);
	uint8_t got[512];
	struct bed b;
	int server;

	(void)state;
	bed_open(&b, "verify = none");
	for (size_t i = 0; i < r.len; i++) {
		assert_nobody(&b);
		send_all(b.client, r.bytes + i, 1);
	}
	server = accept_at(&b, 0);
	assert_int_equal(receive(server, got, sizeof(got)), r.len);
	assert_memory_equal(got, r.bytes, r.len);
	(void)close(server);
	bed_close(&b);
}

static bool
is_reached(void *arg)
{
	const struct bed *b = arg;

	return b->reached + b->failed > 0;
}

static void
reach(const char *keys, int protocols, uint32_t server_requested)
{
	struct side server, client;
	SSL_CTX *server_ctx = authority_server(&server_identity);
	SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
	uint8_t got[64];
	struct bed b;
	int fd = asked(&b, keys, protocols);

	side_init(&server);
	side_init(&client);
	confirm(fd, 2, 1);
	server.leg = leg_new(base, fd, &side_ops, &server);
	leg_start_tls(server.leg, SSL_new(server_ctx), LEG_TLS_ACCEPT);
	/* the client hears of it only when the server is known */
	assert_int_equal(receive(b.client, got, sizeof(got)), 19);
	assert_int_equal(got[11], 2);
	assert_int_equal(got[15], 1);
	assert_int_equal(server.ready, 1);
	client.leg = leg_new(base, b.client, &side_ops, &client);
	leg_start_tls(client.leg, SSL_new(client_ctx), LEG_TLS_CONNECT);
	side_until(base, is_reached, &b);
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
	bed_close(&b);
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
	               "ca_file = %s/ca\nserver_name = " AUTHORITY_NAME, dir);
	reach(keys, 1, 1);
}

static void
test_server_asked_for_tls_only(void **state)
{
	struct request wanted = make_request("Cookie: mstshash=alice", 1);
	uint8_t got[512];
	struct bed b;
	int server;

	(void)state;
	bed_open(&b, "verify = none\nsecurity = tls");
	ask(&b, "Cookie: mstshash=alice", 0x0b);
	server = accept_at(&b, 0);
	assert_int_equal(receive(server, got, sizeof(got)), wanted.len);
	assert_memory_equal(got, wanted.bytes, wanted.len);
	(void)close(server);
	bed_close(&b);
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
	const struct request r = make_request(NULL, 1);
	uint8_t together[512];
	uint8_t got[512];

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct wire_view blob = blobs[i % 2];
		struct bed b;
		int server;

		bed_open(&b, "verify = none");
		memcpy(together, blob.data, blob.len);
		memcpy(together + blob.len, r.bytes, r.len);
		if (i < 2) {
			send_all(b.client, together, blob.len + r.len);
		} else {
			send_all(b.client, blob.data, blob.len);
			send_all(b.client, r.bytes, r.len);
		}
		server = accept_at(&b, 0);
		assert_int_equal(receive(server, got, sizeof(got)), r.len);
		assert_memory_equal(got, r.bytes, r.len);
		(void)close(server);
		bed_close(&b);
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
		struct bed b;
		int server;

		bed_open(&b, "verify = none");
		ask(&b, routes[i].token, 1);
		server = accept_at(&b, routes[i].listener);
		assert_nobody(&b);
		(void)close(server);
		bed_close(&b);
	}
}

/*
 * Refusals, byte by byte.
 */

static void
test_client_without_tls(void **state)
{
	static const int protocols[] = {-1, 0};
	struct bed b;

	(void)state;
	for (int i = 0; i < 2; i++) {
		bed_open(&b, "verify = none");
		ask(&b, "Cookie: mstshash=alice", protocols[i]);
		assert_refused(&b, X224_SSL_REQUIRED);
		assert_nobody(&b);
		bed_close(&b);
	}
	bed_open(&b, "verify = none\nsecurity = tls");
	ask(&b, NULL, 2); /* NLA and nothing else */
	assert_refused(&b, X224_SSL_REQUIRED);
	bed_close(&b);
}

static void
test_unreachable(void **state)
{
	struct bed b;

	(void)state;
	bed_open(&b, "verify = none");
	(void)close(b.listeners[0]);
	b.listeners[0] = -1;
	ask(&b, NULL, 1);
	assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, "the server cannot be reached");
	bed_close(&b);
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
		struct bed b;
		int server = asked(&b, "verify = none", 0x0b);

		confirm(server, 2, choices[i].selected);
		assert_refused(&b, choices[i].code);
		(void)close(server);
		bed_close(&b);
	}
}

/* Its own failure passes, also when it closes at once. */
static void
test_server_failures(void **state)
{
	(void)state;
	for (uint8_t code = 1; code <= 7; code++) {
		struct bed b;
		int server = asked(&b, "verify = none", 1);
		uint8_t bytes[19] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0,
		                     0, 3, 0, 8,  0,  code, 0, 0, 0};

		assert_int_equal(send(server, bytes, sizeof(bytes), 0),
		                 sizeof(bytes));
		(void)close(server);
		assert_refused(&b, code);
		assert_string_equal(b.why,
		                    "the server refused the negotiation");
		bed_close(&b);
	}
}

static void
test_server_without_negotiation(void **state)
{
	static const uint8_t plain[] = {3, 0, 0, 11, 6, 0xd0, 0, 0, 0, 0, 0};
	struct bed b;
	int server = asked(&b, "verify = none", 1);

	(void)state;
	send_all(server, plain, sizeof(plain));
	assert_refused(&b, X224_SSL_NOT_ALLOWED);
	(void)close(server);
	bed_close(&b);
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
	struct bed b;
	int server;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		server = asked(&b, "verify = none", 1);
		send_all(server, answers[i], lens[i]);
		assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
		(void)close(server);
		bed_close(&b);
	}
	server = asked(&b, "verify = none", 1);
	(void)close(server);
	assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, "the server closed without an answer");
	bed_close(&b);
}

/* Nothing of the client's goes to a server that cannot prove who it is. */
static void
wrong_certificate(const char *keys, const char *why)
{
	SSL_CTX *ctx = authority_server(&server_identity);
	struct side server;
	struct bed b;
	int fd = asked(&b, keys, 1);

	side_init(&server);
	confirm(fd, 2, 1);
	server.leg = leg_new(base, fd, &side_ops, &server);
	leg_start_tls(server.leg, SSL_new(ctx), LEG_TLS_ACCEPT);
	assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, why);
	assert_int_equal(evbuffer_get_length(server.got), 0);
	side_clear(&server);
	bed_close(&b);
	SSL_CTX_free(ctx);
}

static void
test_server_certificate(void **state)
{
	char keys[200];

	(void)state;
	(void)snprintf(keys, sizeof(keys), "ca_file = %s/ca", dir);
	wrong_certificate(keys, "IP address mismatch");
	(void)snprintf(keys, sizeof(keys),
	               "ca_file = %s/ca\nserver_name = other.test", dir);
	wrong_certificate(keys, "hostname mismatch");
	(void)snprintf(keys, sizeof(keys),
	               "ca_file = %s/cert\nserver_name = " AUTHORITY_NAME, dir);
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
	struct request r = make_request(NULL, 1);
	struct bed b;

	(void)state;
	bed_open(&b, "verify = none");
	send_all(b.client, "GET / HTTP/1.1\r\n\r\n", 18);
	assert_dropped(&b);
	bed_close(&b);

	bed_open(&b, "verify = none"); /* a request of 4097 bytes */
	send_all(b.client, "\3\0\x10\x01", 4);
	assert_dropped(&b);
	bed_close(&b);

	bed_open(&b, "verify = none"); /* something follows */
	r.bytes[r.len] = 0x16;
	send_all(b.client, r.bytes, r.len + 1);
	assert_dropped(&b);
	bed_close(&b);

	for (size_t i = 4; i < 6; i++) { /* lengths that do not fit, no CR */
		r = make_request(NULL, 1);
		r.bytes[i] ^= 0x11;
		bed_open(&b, "verify = none");
		send_all(b.client, r.bytes, r.len);
		assert_dropped(&b);
		assert_nobody(&b);
		bed_close(&b);
	}
}

static void
test_client_goes(void **state)
{
	struct bed b;

	(void)state;
	bed_open(&b, "verify = none");
	assert_int_equal(shutdown(b.client, SHUT_RDWR), 0);
	turn();
	assert_int_equal(b.failed, 1);
	assert_string_equal(b.why, "closed by the peer");
	bed_close(&b);
}

/*
 * Deadlines.
 */

static void
not_before(struct bed *b, unsigned ms)
{
	jump(ms - 200);
	assert_int_equal(b->failed, 0);
	jump(400);
}

static void
test_request_deadline(void **state)
{
	struct bed b;

	(void)state;
	bed_open(&b, "verify = none");
	send_all(b.client, "\3\0\0", 3);
	not_before(&b, APPROACH_REQUEST_MS);
	assert_dropped(&b);
	assert_string_equal(b.why, "a deadline passed");
	bed_close(&b);
}

/* A listener that takes no more connections lets them wait. */
static void
test_connect_deadline(void **state)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	int waiting[8];
	struct bed b;

	(void)state;
	bed_open(&b, "verify = none");
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	addr.sin_port = htons(b.ports[0]);
	for (int i = 0; i < 8; i++) {
		waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(waiting[i], (struct sockaddr *)&addr,
		              sizeof(addr));
	}
	ask(&b, NULL, 1);
	not_before(&b, APPROACH_CONNECT_MS);
	assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, "the server does not answer");
	for (int i = 0; i < 8; i++)
		(void)close(waiting[i]);
	bed_close(&b);
}

static void
test_confirm_deadline(void **state)
{
	struct bed b;
	int server = asked(&b, "verify = none", 1);

	(void)state;
	send_all(server, "\3\0\0\x13\x0e", 5);
	not_before(&b, APPROACH_CONFIRM_MS);
	assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	assert_string_equal(b.why, "the server does not answer");
	(void)close(server);
	bed_close(&b);
}

static void
test_server_tls_deadline(void **state)
{
	struct bed b;
	int server = asked(&b, "verify = none", 1);

	(void)state;
	confirm(server, 2, 1);
	not_before(&b, APPROACH_TLS_MS);
	assert_refused(&b, X224_SSL_CERT_NOT_ON_SERVER);
	(void)close(server);
	bed_close(&b);
}

static void
test_client_tls_deadline(void **state)
{
	SSL_CTX *ctx = authority_server(&server_identity);
	struct side server;
	uint8_t got[64];
	struct bed b;
	int fd = asked(&b, "verify = none", 1);

	(void)state;
	side_init(&server);
	confirm(fd, 2, 1);
	server.leg = leg_new(base, fd, &side_ops, &server);
	leg_start_tls(server.leg, SSL_new(ctx), LEG_TLS_ACCEPT);
	assert_int_equal(receive(b.client, got, sizeof(got)), 19);
	not_before(&b, APPROACH_TLS_MS);
	assert_dropped(&b);
	side_clear(&server);
	bed_close(&b);
	SSL_CTX_free(ctx);
}

static int
open_all(void **state)
{
	const struct authority_wish wish = {0};
	char certificate[64], key[64], root[64];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, LOG_PLAIN);
	base = event_base_new();
	if (base == NULL || mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(certificate, sizeof(certificate), "%s/cert", dir);
	(void)snprintf(key, sizeof(key), "%s/key", dir);
	(void)snprintf(root, sizeof(root), "%s/ca", dir);
	authority_open(&ca, "root");
	authority_issue(&server_identity, &ca, &wish);
	authority_write(&server_identity, certificate, key);
	authority_write(&ca, root, NULL);
	return 0;
}

static int
close_all(void **state)
{
	(void)state;
	authority_clear(&ca);
	authority_clear(&server_identity);
	event_base_free(base);
	return scratch_remove(dir);
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

	return cmocka_run_group_tests(tests, open_all, close_all);
}
