#include "approachbed.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "scratch.h"

struct authority approachbed_server;
static struct authority ca;
char approachbed_dir[] = "/tmp/test_approach.XXXXXX";

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

void
approachbed_turn(void)
{
	for (int i = 0; i < 10; i++)
		(void)event_base_loop(side_base, EVLOOP_NONBLOCK);
}

void
approachbed_jump(unsigned ms)
{
	clock_offset_ns += (long)(ms % 1000) * 1000000;
	clock_offset_s += ms / 1000 + clock_offset_ns / 1000000000;
	clock_offset_ns %= 1000000000;
	approachbed_turn();
}

static void
on_reached(void *arg, const struct approach_result *result)
{
	struct approachbed *b = arg;

	b->reached++;
	b->result = *result;
}

static void
on_failed(void *arg, const char *why)
{
	struct approachbed *b = arg;

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
make_config(const struct approachbed *b, const char *keys)
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
open_contexts(struct approachbed *b)
{
	char certificate[64], key[64];
	const char *why = "";

	(void)snprintf(certificate, sizeof(certificate), "%s/cert",
	               approachbed_dir);
	(void)snprintf(key, sizeof(key), "%s/key", approachbed_dir);
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

void
approachbed_open(struct approachbed *b, const char *keys)
{
	int fds[2];

	memset(b, 0, sizeof(*b));
	for (int i = 0; i < 2; i++)
		b->listeners[i] = listen_somewhere(&b->ports[i]);
	b->config = make_config(b, keys);
	open_contexts(b);
	side_tcp(fds);
	b->client = fds[0];
	b->start = (struct approach_start){.base = side_base,
	                                   .config = b->config,
	                                   .server_tls = b->server_tls,
	                                   .client_tls = b->client_tls,
	                                   .client_fd = fds[1]};
	b->approach = approach_new(&b->start, &ops, b);
	assert_non_null(b->approach);
}

void
approachbed_close(struct approachbed *b)
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

void
approachbed_send(int fd, const void *data, size_t len)
{
	assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), (ssize_t)len);
	approachbed_turn();
}

size_t
approachbed_receive(int fd, uint8_t *data, size_t size)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;

	for (int i = 0; i < 2000; i++) {
		approachbed_turn();
		if (poll(&p, 1, 1) == 1)
			break;
	}
	n = recv(fd, data, size, MSG_DONTWAIT);
	assert_true(n >= 0 || errno == ECONNRESET);
	return n < 0 ? 0 : (size_t)n;
}

int
approachbed_accept(const struct approachbed *b, int which)
{
	for (int i = 0; i < 2000; i++) {
		int fd = accept(b->listeners[which], NULL, NULL);

		if (fd >= 0)
			return fd;
		approachbed_turn();
		(void)usleep(1000);
	}
	fail_msg("nobody connects");
	return -1;
}

void
approachbed_assert_nobody(const struct approachbed *b)
{
	approachbed_turn();
	for (int i = 0; i < 2; i++) {
		if (b->listeners[i] >= 0)
			assert_int_equal(accept(b->listeners[i], NULL, NULL),
			                 -1);
	}
}

struct approachbed_request
approachbed_request(const char *token, int protocols)
{
	struct approachbed_request r;
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

void
approachbed_ask(struct approachbed *b, const char *token, int protocols)
{
	const struct approachbed_request r =
	    approachbed_request(token, protocols);

	approachbed_send(b->client, r.bytes, r.len);
}

void
approachbed_confirm(int server, uint8_t type, uint32_t value)
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

	approachbed_send(server, bytes, sizeof(bytes));
}

void
approachbed_assert_refused(struct approachbed *b, uint8_t code)
{
	const uint8_t wanted[19] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0,
	                            0, 3, 0, 8,  0,  code, 0, 0, 0};
	uint8_t got[64];

	assert_int_equal(approachbed_receive(b->client, got, sizeof(got)),
	                 sizeof(wanted));
	assert_memory_equal(got, wanted, sizeof(wanted));
	approachbed_turn();
	assert_int_equal(b->failed, 1);
	assert_int_equal(b->reached, 0);
}

void
approachbed_assert_dropped(struct approachbed *b)
{
	uint8_t got[64];

	approachbed_turn();
	assert_int_equal(b->failed, 1);
	approach_free(b->approach);
	b->approach = NULL;
	assert_int_equal(approachbed_receive(b->client, got, sizeof(got)), 0);
}

int
approachbed_asked(struct approachbed *b, const char *keys, int protocols)
{
	uint8_t got[512];
	int server;

	approachbed_open(b, keys);
	approachbed_ask(b, "Cookie: mstshash=alice", protocols);
	server = approachbed_accept(b, 0);
	assert_true(approachbed_receive(server, got, sizeof(got)) > 0);
	return server;
}

int
approachbed_open_all(void **state)
{
	const struct authority_wish wish = {0};
	char certificate[64], key[64], root[64];

	log_setup(LOG_ERROR, LOG_PLAIN);
	if (mkdtemp(approachbed_dir) == NULL)
		return 1;
	(void)snprintf(certificate, sizeof(certificate), "%s/cert",
	               approachbed_dir);
	(void)snprintf(key, sizeof(key), "%s/key", approachbed_dir);
	(void)snprintf(root, sizeof(root), "%s/ca", approachbed_dir);
	authority_open(&ca, "root");
	authority_issue(&approachbed_server, &ca, &wish);
	authority_write(&approachbed_server, certificate, key);
	authority_write(&ca, root, NULL);
	return side_open_base(state);
}

int
approachbed_close_all(void **state)
{
	authority_clear(&ca);
	authority_clear(&approachbed_server);
	(void)side_close_base(state);
	return scratch_remove(approachbed_dir);
}
