/*
 * A load of RDP connections for the benchmarks: a server that pours or idles,
 * and a client that counts what arrives.  Both go through the whole connection
 * sequence (X.224, TLS, MCS/GCC, Client Info, activation), so that a proxy
 * between them frames and looks as it would for real peers.  With --raw there
 *is TLS and the stream only, for a proxy that knows no RDP.
 *
 *	rdpload server --port P --cert PEM --key PEM [--raw] [--bytes N]
 *	rdpload client --port P [--raw] [--count N] [--idle]
 *
 * The server pours N bytes of fast-path updates (0: none) into each connection
 * and then holds it.  The client prints "up N" when its connections are up;
 *then it reads N bytes ("done BYTES") or, with --idle, waits for its standard
 *input to close and prints how many are still alive ("alive N").
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "messages.h"

enum { POUR_BLOCK = 1 << 20, READ_SIZE = 64 * 1024, STACK_SIZE = 1 << 20 };

static struct {
	uint16_t port;
	const char *cert;
	const char *key;
	bool raw;
	bool idle;
	unsigned long long bytes;
	unsigned count;
} opt = {.count = 1};

static SSL_CTX *ctx;
static uint8_t pour_block[POUR_BLOCK];

static void
die(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

/* Fast-path updates of many sizes, filling the block exactly. */
static void
fill_pour_block(void)
{
	size_t at = 0;
	unsigned seed = 1;

	memset(pour_block, 0x5a, sizeof(pour_block));
	while (at < sizeof(pour_block)) {
		size_t left = sizeof(pour_block) - at;
		size_t len = 200 + (unsigned)rand_r(&seed) % 16000;

		if (left < len + 200)
			len = left > 16384 ? left / 2 : left;
		pour_block[at] = 0;
		pour_block[at + 1] = (uint8_t)(0x80 | len >> 8);
		pour_block[at + 2] = (uint8_t)len;
		at += len;
	}
}

static void
write_all(SSL *ssl, const void *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = len - at < 16384 ? len - at : 16384;
		int rc = SSL_write(ssl, (const uint8_t *)data + at, (int)n);

		if (rc <= 0)
			pthread_exit(NULL);
		at += (size_t)rc;
	}
}

static void
send_message(SSL *ssl, const struct message *m)
{
	write_all(ssl, m->bytes, m->len);
}

/* One TPKT; returns its length. */
static size_t
read_tpkt(SSL *ssl, uint8_t frame[MESSAGE_MAX])
{
	size_t want = 4;
	size_t have = 0;

	while (have < want) {
		int n = SSL_read(ssl, frame + have, (int)(want - have));

		if (n <= 0)
			return 0;
		have += (size_t)n;
		if (have == 4)
			want = (size_t)(frame[2] << 8 | frame[3]);
	}
	return have;
}

/* User data of the I/O channel as a request of the client or an indication. */
static void
send_io(SSL *ssl, bool server, void (*build)(struct wire_out *out))
{
	static __thread struct message m;
	uint8_t data[4096];
	struct wire_out out = wire_out(data, sizeof(data));

	build(&out);
	message_data(&m, server ? 0x68 : 0x64,
	             server ? 1002 : message_sides.user_channel,
	             message_sides.io_channel, wire_written(&out));
	send_message(ssl, &m);
}

static void
build_info(struct wire_out *out)
{
	const struct message_info info = {.flags = 0x10,
	                                  .domain = "",
	                                  .user = "load",
	                                  .password = "secret",
	                                  .address = "127.0.0.1"};

	message_info(out, &info);
}

static void
build_demand(struct wire_out *out)
{
	message_active(out, 1, 0, 1600);
}

static void
build_confirm(struct wire_out *out)
{
	message_active(out, 3, 0, 1600);
}

static void
build_font_map(struct wire_out *out)
{
	message_share_data(out, 0x28);
}

static void
read_plain(int fd, void *data, size_t len)
{
	if (recv(fd, data, len, MSG_WAITALL) != (ssize_t)len)
		pthread_exit(NULL);
}

/* X.224: request and confirm with TLS, 19 bytes each. */
static const uint8_t request[] = {3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0,
                                  0, 1, 0, 8,  0,  3,    0, 0, 0};
static const uint8_t confirm[] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34,
                                  0, 2, 0, 8,  0,  1,    0, 0, 0};

static void
serve_sequence(SSL *ssl)
{
	static __thread uint8_t frame[MESSAGE_MAX];
	static __thread struct message m;

	(void)read_tpkt(ssl, frame); /* Connect Initial */
	message_connect_response(&m, &message_sides);
	send_message(ssl, &m);
	(void)read_tpkt(ssl, frame); /* Attach User */
	message_attach_confirm(&m, message_sides.user_channel);
	send_message(ssl, &m);
	(void)read_tpkt(ssl, frame); /* Client Info */
	send_io(ssl, true, build_demand);
	(void)read_tpkt(ssl, frame); /* Confirm Active */
	send_io(ssl, true, build_font_map);
}

static void
client_sequence(SSL *ssl)
{
	static const uint8_t attach_user[] = {3, 0, 0, 8, 2, 0xf0, 0x80, 0x28};
	static __thread uint8_t frame[MESSAGE_MAX];
	static __thread struct message m;

	message_connect_initial(&m, &message_sides);
	send_message(ssl, &m);
	(void)read_tpkt(ssl, frame);
	write_all(ssl, attach_user, sizeof(attach_user));
	(void)read_tpkt(ssl, frame);
	send_io(ssl, false, build_info);
	(void)read_tpkt(ssl, frame);
	send_io(ssl, false, build_confirm);
	if (read_tpkt(ssl, frame) == 0)
		die("activation");
}

static void *
serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	uint8_t bytes[sizeof(request)];
	SSL *ssl = SSL_new(ctx);
	uint8_t rest[4096];

	if (!opt.raw) {
		read_plain(fd, bytes, sizeof(bytes));
		(void)send(fd, confirm, sizeof(confirm), MSG_NOSIGNAL);
	}
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_accept(ssl) != 1)
		pthread_exit(NULL);
	if (!opt.raw)
		serve_sequence(ssl);
	for (unsigned long long at = 0; at < opt.bytes; at += POUR_BLOCK)
		write_all(ssl, pour_block, POUR_BLOCK);
	while (SSL_read(ssl, rest, sizeof(rest)) > 0)
		;
	SSL_free(ssl);
	(void)close(fd);
	return NULL;
}

static struct sockaddr_in
loopback(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
	                           .sin_port = htons(opt.port),
	                           .sin_addr = {htonl(INADDR_LOOPBACK)}};

	return addr;
}

_Noreturn static void
run_server(void)
{
	struct sockaddr_in addr = loopback();
	int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	pthread_attr_t attr;

	ctx = SSL_CTX_new(TLS_server_method());
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	if (SSL_CTX_use_certificate_file(ctx, opt.cert, SSL_FILETYPE_PEM) !=
	        1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, opt.key, SSL_FILETYPE_PEM) != 1)
		die("certificate");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    listen(fd, 512) != 0)
		die("listen");
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_SIZE);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (;;) {
		int peer = accept(fd, NULL, NULL);
		pthread_t thread;

		if (peer >= 0 && pthread_create(&thread, &attr, serve,
		                                (void *)(intptr_t)peer) != 0)
			(void)close(peer);
	}
}

static SSL *
connect_one(void)
{
	struct sockaddr_in addr = loopback();
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint8_t bytes[sizeof(confirm)];
	SSL *ssl = SSL_new(ctx);

	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		die("connect");
	if (!opt.raw) {
		(void)send(fd, request, sizeof(request), MSG_NOSIGNAL);
		if (recv(fd, bytes, sizeof(bytes), MSG_WAITALL) !=
		        (ssize_t)sizeof(bytes) ||
		    bytes[11] != 2)
			die("negotiation");
	}
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		die("TLS");
	if (!opt.raw)
		client_sequence(ssl);
	return ssl;
}

static void
read_poured(SSL *ssl)
{
	static uint8_t data[READ_SIZE];
	unsigned long long at = 0;

	while (at < opt.bytes) {
		int n = SSL_read(ssl, data, sizeof(data));

		if (n <= 0)
			die("read");
		at += (unsigned)n;
	}
	(void)printf("done %llu\n", at);
	(void)fflush(stdout);
}

/* A connection is alive when a read would wait. */
static unsigned
count_alive(SSL **all)
{
	unsigned alive = 0;
	char byte;

	for (unsigned i = 0; i < opt.count; i++) {
		int fd = SSL_get_fd(all[i]);

		alive += recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
	}
	return alive;
}

static int
run_client(void)
{
	SSL **all = calloc(opt.count, sizeof(SSL *));
	char line[16];

	ctx = SSL_CTX_new(TLS_client_method());
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	for (unsigned i = 0; all != NULL && i < opt.count; i++)
		all[i] = connect_one();
	(void)printf("up %u\n", opt.count);
	(void)fflush(stdout);
	if (!opt.idle)
		read_poured(all[0]);
	while (fgets(line, sizeof(line), stdin) != NULL)
		;
	if (opt.idle)
		(void)printf("alive %u\n", count_alive(all));
	return 0;
}

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"cert", required_argument, NULL, 'c'},
    {"key", required_argument, NULL, 'k'},
    {"bytes", required_argument, NULL, 'b'},
    {"count", required_argument, NULL, 'n'},
    {"raw", no_argument, NULL, 'r'},
    {"idle", no_argument, NULL, 'i'},
    {NULL, 0, NULL, 0},
};

int
main(int argc, char **argv)
{
	struct rlimit files = {4096, 4096};
	int c;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			opt.port = (uint16_t)strtoul(optarg, NULL, 10);
			break;
		case 'c':
			opt.cert = optarg;
			break;
		case 'k':
			opt.key = optarg;
			break;
		case 'b':
			opt.bytes = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			opt.count = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'r':
			opt.raw = true;
			break;
		case 'i':
			opt.idle = true;
			break;
		default:
			return 2;
		}
	}
	fill_pour_block();
	if (optind < argc && strcmp(argv[optind], "server") == 0)
		run_server();
	return run_client();
}
