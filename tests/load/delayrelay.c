/*
 * A line with a delay: relays TCP from one port of 127.0.0.1 to another, each
 * byte so many milliseconds after it came, in order, at any rate.
 *
 *	delayrelay --port P --to P --delay MS
 *
 * MS is one way; there and back takes twice that.
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PART_SIZE = 64 * 1024, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

/* What came at one time; len 0: the source has ended. */
struct part {
	struct part *next;
	int64_t due_ns;
	size_t len;
	size_t sent;
	uint8_t bytes[];
};

/* One direction. */
struct flow {
	int from;
	int to;
	bool open; /* the source may still say something */
	struct part *first;
	struct part **end;
};

static struct {
	uint16_t port;
	uint16_t to;
	int64_t delay_ns;
} opt;

_Noreturn static void
die(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_port = htons(port),
	                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

static void
take(struct flow *flow)
{
	struct part *part = malloc(sizeof(*part) + PART_SIZE);
	ssize_t got = part == NULL ? 0
	                           : recv(flow->from, part->bytes, PART_SIZE,
	                                  MSG_DONTWAIT);

	if (part == NULL)
		die("memory");
	flow->open = got > 0;
	part->len = got > 0 ? (size_t)got : 0;
	part = realloc(part, sizeof(*part) + part->len);
	if (part == NULL)
		die("memory");
	part->next = NULL;
	part->sent = 0;
	part->due_ns = now_ns() + opt.delay_ns;
	*flow->end = part;
	flow->end = &part->next;
}

/* False: the other side has gone. */
static bool
give(struct flow *flow)
{
	while (flow->first != NULL && flow->first->due_ns <= now_ns()) {
		struct part *part = flow->first;
		ssize_t put =
		    send(flow->to, part->bytes + part->sent,
		         part->len - part->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (part->len == 0)
			(void)shutdown(flow->to, SHUT_WR);
		else if (put <= 0)
			return true; /* full: poll tells when it is not */
		else
			part->sent += (size_t)put;
		if (part->sent < part->len)
			return true;
		flow->first = part->next;
		if (flow->first == NULL)
			flow->end = &flow->first;
		free(part);
	}
	return flow->open || flow->first != NULL;
}

static void
wait_for_work(const struct flow flows[2])
{
	struct pollfd fds[2];
	int64_t now = now_ns();
	int64_t wait = 3600LL * NS_PER_S;

	for (int i = 0; i < 2; i++) {
		const struct part *first = flows[i].first;
		int64_t left = first == NULL ? wait : first->due_ns - now;

		fds[i] = (struct pollfd){
		    .fd = flows[i].open ? flows[i].from : -1, .events = POLLIN};
		/* What is due and was not taken waits for room. */
		if (left < 0)
			left = NS_PER_MS;
		wait = left < wait ? left : wait;
	}
	(void)ppoll(fds, 2,
	            &(struct timespec){.tv_sec = wait / NS_PER_S,
	                               .tv_nsec = wait % NS_PER_S},
	            NULL);
}

_Noreturn static void
relay(int client)
{
	struct sockaddr_in addr = loopback(opt.to);
	int server = socket(AF_INET, SOCK_STREAM, 0);
	struct flow flows[2] = {{.from = client, .to = server, .open = true},
	                        {.from = server, .to = client, .open = true}};
	int on = 1;
	bool going = true;

	if (connect(server, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		die("connect");
	for (int i = 0; i < 2; i++) {
		flows[i].end = &flows[i].first;
		(void)setsockopt(flows[i].from, IPPROTO_TCP, TCP_NODELAY, &on,
		                 sizeof(on));
	}
	while (going) {
		wait_for_work(flows);
		going = false;
		for (int i = 0; i < 2; i++) {
			struct pollfd fd = {.fd = flows[i].from,
			                    .events = POLLIN};

			if (flows[i].open && poll(&fd, 1, 0) == 1)
				take(&flows[i]);
			if (give(&flows[i]))
				going = true;
		}
	}
	exit(0);
}

static const struct option options[] = {
    {"port", required_argument, NULL, 'p'},
    {"to", required_argument, NULL, 't'},
    {"delay", required_argument, NULL, 'd'},
    {NULL, 0, NULL, 0},
};

static void
take_options(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'p')
			opt.port = (uint16_t)strtoul(optarg, NULL, 10);
		else if (option == 't')
			opt.to = (uint16_t)strtoul(optarg, NULL, 10);
		else if (option == 'd')
			opt.delay_ns =
			    (int64_t)(strtod(optarg, NULL) * NS_PER_MS);
		else
			exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in addr;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	take_options(argc, argv);
	addr = loopback(opt.port);
	(void)signal(SIGCHLD, SIG_IGN);
	(void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    listen(listener, 16) != 0)
		die("listen");
	for (;;) {
		int client = accept(listener, NULL, NULL);

		if (client < 0)
			continue;
		if (fork() == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void)close(listener);
			relay(client);
		}
		(void)close(client);
	}
}
