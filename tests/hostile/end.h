/*
 * One end of an RDP connection over TLS, which says anything it is told to and
 * waits for nothing longer than asked.  Frames in, frames out; a chunk of rdpdr
 * is put into its frame here.
 */
#ifndef TESTS_HOSTILE_END_H
#define TESTS_HOSTILE_END_H

#include <openssl/ssl.h>

#include "messages.h"

enum { END_RDPDR = 1005, END_IO = 1003, END_CHUNK = 1600 };

enum end_side { END_CLIENT, END_SERVER };

struct end {
	enum end_side side;
	int fd;
	SSL *ssl; /* NULL: plain TCP so far */
	bool closed;
	uint8_t frame[MESSAGE_MAX];
	size_t have;
};

/* A socket with the time-outs that reading and writing here rely on. */
void end_take_socket(struct end *e, enum end_side side, int fd);
bool end_start_tls(struct end *e, SSL_CTX *ctx);
void end_close(struct end *e);

/* Bytes as they are; a failure shows as e->closed. */
void end_write(struct end *e, const void *data, size_t len);

/*
 * The next frame (TPKT), in e->frame: its length.  0: none within ms, or
 * e->closed.
 */
size_t end_read(struct end *e, unsigned ms);

/* User data of a channel; a chunk of rdpdr; a message of rdpdr in chunks. */
void end_data(struct end *e, uint16_t channel, struct wire_view data);
void end_chunk(struct end *e, uint32_t total, uint32_t flags,
               struct wire_view data);
void end_say(struct end *e, struct wire_view message);

/* User data on the I/O channel, as a function writes it. */
void end_io(struct end *e, void (*build)(struct wire_out *out));

/* The chunk in a frame just read; false when it is none of rdpdr. */
bool end_take_chunk(const struct end *e, size_t len, uint32_t *total,
                    uint32_t *flags, struct wire_view *data);

uint64_t end_now_ms(void);

#endif
