/*
 * An approach with its client and one or two servers, all on the loop of side.h
 * and as bytes in the test's hand; the loop's clock goes forward when a test
 * says so.
 */
#ifndef TESTS_APPROACHBED_H
#define TESTS_APPROACHBED_H

#include "approach.h"
#include "authority.h"
#include "side.h"

/* A client, an approach, and one or two servers that listen. */
struct approachbed {
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

/* A connection request: a cookie or routing token, and protocols. */
struct approachbed_request {
	uint8_t bytes[300];
	size_t len;
};

/*
 * The set-up and the tear-down of the group: the loop, and files of
 * certificates in a directory: ca, which signed cert, and its key.
 */
int approachbed_open_all(void **state);
int approachbed_close_all(void **state);
extern char approachbed_dir[];
extern struct authority approachbed_server; /* of cert and key */

/* keys: of [target one]. */
void approachbed_open(struct approachbed *b, const char *keys);
void approachbed_close(struct approachbed *b);

/* What is ready happens; the same after so long. */
void approachbed_turn(void);
void approachbed_jump(unsigned ms);

void approachbed_send(int fd, const void *data, size_t len);
/* What has come, once something has: 0 is the end. */
size_t approachbed_receive(int fd, uint8_t *data, size_t size);

/* The connection to a server, once it is there; or there is none to any. */
int approachbed_accept(const struct approachbed *b, int which);
void approachbed_assert_nobody(const struct approachbed *b);

/* token: NULL for none; protocols: negative for no negotiation. */
struct approachbed_request approachbed_request(const char *token,
                                               int protocols);
void approachbed_ask(struct approachbed *b, const char *token, int protocols);

/* A confirm; type 2: the server's choice, 3: a failure. */
void approachbed_confirm(int server, uint8_t type, uint32_t value);

/* As far as the server's connection; it has got the request. */
int approachbed_asked(struct approachbed *b, const char *keys, int protocols);

/* The client gets exactly this failure, and then the end. */
void approachbed_assert_refused(struct approachbed *b, uint8_t code);
/* The client gets nothing at all. */
void approachbed_assert_dropped(struct approachbed *b);

#endif
