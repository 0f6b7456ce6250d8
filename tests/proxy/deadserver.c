/*
 * A server that gives up: it plays RDP as far as a step, and there it closes,
 * resets or says nothing any more.
 *
 * usage: deadserver PORT accepted|confirmed|greeted|secured close|reset|silent
 *                   CERTIFICATE KEY
 *
 *   accepted   TCP is there, the connection request is not answered
 *   confirmed  TLS was chosen, its handshake is not answered
 *   greeted    half of a TLS record was sent
 *   secured    TLS is up
 */
#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *const steps[] = {"accepted", "confirmed", "greeted",
                                    "secured"};
enum step { ACCEPTED, CONFIRMED, GREETED, SECURED, STEPS };

static const uint8_t confirm[] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0,
                                  0, 2, 0, 8,  0,  1,    0, 0, 0};
static const uint8_t half_record[] = {22, 3, 3, 0, 90, 2, 0, 0, 86, 3, 3};

static int
listen_on(const char *port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	addr.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 &&
	    listen(fd, 8) == 0)
		return fd;
	perror("deadserver");
	exit(EXIT_FAILURE);
}

static bool
secure(int fd, const char *certificate, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	SSL *ssl;

	if (SSL_CTX_use_certificate_file(ctx, certificate, SSL_FILETYPE_PEM) !=
	        1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return false;
	ssl = SSL_new(ctx);
	return SSL_set_fd(ssl, fd) == 1 && SSL_accept(ssl) == 1;
}

/* As far as the step; false: the peer has gone before. */
static bool
play(int fd, enum step step, char **files)
{
	uint8_t request[4096];

	if (step == ACCEPTED)
		return true;
	if (recv(fd, request, sizeof(request), 0) <= 0 ||
	    send(fd, confirm, sizeof(confirm), 0) < 0)
		return false;
	if (step == GREETED) /* not before the peer has begun its own part */
		return recv(fd, request, sizeof(request), 0) > 0 &&
		       send(fd, half_record, sizeof(half_record), 0) > 0;
	return step == CONFIRMED || secure(fd, files[0], files[1]);
}

static void
give_up(int fd, const char *how)
{
	const struct linger hard = {1, 0};
	uint8_t byte;

	if (strcmp(how, "reset") == 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard,
		                 sizeof(hard));
	while (strcmp(how, "silent") == 0 && recv(fd, &byte, 1, 0) > 0)
		continue;
	(void)close(fd);
}

int
main(int argc, char **argv)
{
	enum step step = ACCEPTED;
	int listener;
	int fd;

	if (argc != 6)
		return EXIT_FAILURE;
	while (step < STEPS && strcmp(argv[2], steps[step]) != 0)
		step++;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN);
	listener = listen_on(argv[1]);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (fork() == 0) {
			(void)close(listener);
			if (!play(fd, step, argv + 4))
				(void)fprintf(stderr, "the peer has gone\n");
			give_up(fd, argv[3]);
			_exit(EXIT_SUCCESS);
		}
		(void)close(fd);
	}
	return EXIT_FAILURE;
}
