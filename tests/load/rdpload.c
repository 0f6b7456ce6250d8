/*
 * A load of RDP connections for the benchmarks: a server that pours or idles,
 * and a client that counts what arrives.  With --raw there is TLS and the
 * stream only, for a proxy that knows no RDP.
 *
 *	rdpload server --port P --cert PEM --key PEM [--raw] [--bytes N]
 *	rdpload client --port P [--raw] [--bytes N] [--count N] [--idle]
 *
 * The server pours N bytes of fast-path updates (0: none) into each connection
 * and then holds it.  The client prints "up COUNT" when its connections are up;
 * then it reads N bytes of the first ("done N") or, with --idle, none.  It ends
 * on a line, and says how many idle ones lived on ("alive N").
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "args.h"
#include "peer.h"

enum {
	POUR_BLOCK = 1 << 20,
	READ_SIZE = 64 * 1024,
	STACK_SIZE = 1 << 20,
	FILES_MAX = 4096
};

static struct {
	uint16_t port;
	const char *cert;
	const char *key;
	bool raw;
	bool idle;
	unsigned long long bytes;
	unsigned count;
} opt = {.count = 1};

static const struct arg args[] = {
    {.name = "port", .port = &opt.port},
    {.name = "cert", .text = &opt.cert},
    {.name = "key", .text = &opt.key},
    {.name = "bytes", .large = &opt.bytes},
    {.name = "count", .number = &opt.count},
    {.name = "raw", .flag = &opt.raw},
    {.name = "idle", .flag = &opt.idle},
    {.name = NULL},
};

static SSL_CTX *ctx;
static uint8_t pour_block[POUR_BLOCK];

static enum peer_kind
kind(void)
{
	return opt.raw ? PEER_RAW : PEER_RDP;
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

static void *
serve(void *arg)
{
	SSL *ssl = peer_accept(ctx, (int)(intptr_t)arg, kind());
	unsigned long long at = 0;
	uint8_t rest[4096];

	if (ssl == NULL)
		return NULL;
	while (at < opt.bytes && peer_write(ssl, pour_block, POUR_BLOCK))
		at += POUR_BLOCK;
	while (SSL_read(ssl, rest, sizeof(rest)) > 0)
		;
	peer_close(ssl);
	return NULL;
}

_Noreturn static void
run_server(void)
{
	int fd = peer_listen(opt.port);
	pthread_attr_t attr;

	ctx = peer_server_context(opt.cert, opt.key);
	fill_pour_block();
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

static void
read_poured(SSL *ssl)
{
	static uint8_t data[READ_SIZE];
	unsigned long long at = 0;

	while (at < opt.bytes) {
		int n = SSL_read(ssl, data, sizeof(data));

		if (n <= 0)
			peer_die("read");
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

	if (all == NULL || opt.count == 0)
		peer_die("connections");
	ctx = peer_client_context();
	for (unsigned i = 0; i < opt.count; i++)
		all[i] = peer_connect(ctx, opt.port, kind());
	(void)printf("up %u\n", opt.count);
	(void)fflush(stdout);
	if (!opt.idle)
		read_poured(all[0]);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return 1;
	if (opt.idle)
		(void)printf("alive %u\n", count_alive(all));
	for (unsigned i = 0; i < opt.count; i++)
		peer_close(all[i]);
	free(all);
	SSL_CTX_free(ctx);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct rlimit files = {FILES_MAX, FILES_MAX};
	int first = args_take(argc, argv, args);

	if (first < 0)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_NOFILE, &files);
	if (first < argc && strcmp(argv[first], "server") == 0)
		run_server();
	return run_client();
}
