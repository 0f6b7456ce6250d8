/*
 * One end of an RDP connection over loopback, blocking: the connection sequence
 * of either side (X.224, TLS, MCS/GCC, Client Info, activation), just so much
 * that a proxy in between sees what it would see of real peers.  Errors are few
 * and fatal here: a client that fails ends the program, a server's connection
 * that fails is given up.
 */
#ifndef TESTS_LOAD_PEER_H
#define TESTS_LOAD_PEER_H

#include <openssl/ssl.h>

#include "messages.h"

/* Without the sequence there are TLS and its stream alone. */
enum peer_kind { PEER_RDP, PEER_RAW };

/* Print what failed and why, and exit. */
_Noreturn void peer_die(const char *what);

/* A context for a server with that certificate and key, PEM files. */
SSL_CTX *peer_server_context(const char *cert, const char *key);

/* A context for a client that trusts anyone. */
SSL_CTX *peer_client_context(void);

/* Listen on a port of 127.0.0.1. */
int peer_listen(uint16_t port);

/*
 * Serve a connection as far as activation; fd is taken.  NULL: it failed.  Give
 * it back with peer_close.
 */
SSL *peer_accept(SSL_CTX *ctx, int fd, enum peer_kind kind);

/* Connect to a port of 127.0.0.1 and go as far as activation. */
SSL *peer_connect(SSL_CTX *ctx, uint16_t port, enum peer_kind kind);

void peer_close(SSL *ssl);

/* All of it; false when the other side has gone. */
bool peer_write(SSL *ssl, const void *data, size_t len);

/* One TPKT into frame, at most MESSAGE_MAX bytes; its length, 0 at the end. */
size_t peer_read_frame(SSL *ssl, uint8_t *frame);

#endif
