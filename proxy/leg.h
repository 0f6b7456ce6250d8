/*
 * One leg of a session: a non-blocking TCP connection, later with TLS on it,
 * on the loop.  What was read lies in an evbuffer, what is to be written in
 * another; both are moved, not copied, by whoever relays between two legs.
 *
 * Bytes that may hold a password or a PIN leave a buffer by leg_remove_secret
 * and enter one by leg_take_secret: what they lay in is wiped.
 */
#ifndef PROXY_LEG_H
#define PROXY_LEG_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "wire.h"

enum {
	LEG_READ_SIZE = 32 * 1024 - 64, /* one allocation of libevent's */
	LEG_RECORD_MAX = 16 * 1024      /* plain bytes of one TLS record */
};

/*
 * What a leg reports.  After a call of leg_free none of these comes; a leg may
 * be freed in on_closed, not in the others.
 */
struct leg_ops {
	void (*on_ready)(void *arg);   /* TCP is connected, or TLS is up */
	void (*on_data)(void *arg);    /* leg_input has grown */
	void (*on_drained)(void *arg); /* leg_output is empty again */
	/*
	 * The peer is gone or has failed, once, after all that it sent; why is
	 * a literal.
	 */
	void (*on_closed)(void *arg, const char *why);
};

struct leg;

/*
 * A leg on a connected socket, which it takes.  It reads from now on.  NULL
 * when memory is short (the socket is closed).
 */
struct leg *leg_new(struct event_base *base, int fd, const struct leg_ops *ops,
                    void *arg);

/* A leg that connects; on_ready or on_closed follows.  NULL: errno says why. */
struct leg *leg_connect(struct event_base *base, const struct sockaddr *addr,
                        socklen_t len, const struct leg_ops *ops, void *arg);

void leg_free(struct leg *leg);

/* From now on another owner is told. */
void leg_set_ops(struct leg *leg, const struct leg_ops *ops, void *arg);

/*
 * Start TLS; on_ready comes when the handshake is done.  ssl is taken.  Only
 * for a leg with empty buffers.
 */
enum leg_tls_role { LEG_TLS_ACCEPT, LEG_TLS_CONNECT };
void leg_start_tls(struct leg *leg, SSL *ssl, enum leg_tls_role role);

/* The peer of a connected leg is a program of this machine. */
bool leg_stays_here(const struct leg *leg);

/* NULL before leg_start_tls. */
SSL *leg_ssl(const struct leg *leg);

struct evbuffer *leg_input(struct leg *leg);
struct evbuffer *leg_output(struct leg *leg);

/* Write what can be written now. */
void leg_flush(struct leg *leg);

/* Stop and go on reading: back-pressure. */
void leg_pause(struct leg *leg);
void leg_resume(struct leg *leg);

/*
 * Take the first len bytes, which are there, out of a buffer and leave no copy.
 * The caller's now: leg_take_secret or leg_drop_secret.  NULL: no memory.
 */
uint8_t *leg_remove_secret(struct evbuffer *from, size_t len);

/*
 * Append malloc'd bytes, which are taken, and wiped once the buffer lets go of
 * them.  False: no memory; they are wiped and freed.
 */
bool leg_take_secret(struct evbuffer *to, uint8_t *data, size_t len);

/* Wipe and free; NULL is allowed. */
void leg_drop_secret(uint8_t *data, size_t len);

#endif
