#include "end.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "chunk.h"

enum {
	HEAD = 4,             /* TPKT */
	READ_TICK_US = 10000, /* a read that finds nothing comes back */
	WRITE_LIMIT_S = 2,    /* a write that nobody takes is given up */
	RECORD_MAX = 16384
};

uint64_t
end_now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
end_take_socket(struct end *e, enum end_side side, int fd)
{
	struct timeval tick = {0, READ_TICK_US};
	struct timeval limit = {WRITE_LIMIT_S, 0};
	int on = 1;

	e->side = side;
	e->fd = fd;
	e->ssl = NULL;
	e->closed = false;
	e->have = 0;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* The time-out of the socket would end a handshake that only takes its time. */
bool
end_start_tls(struct end *e, SSL_CTX *ctx)
{
	uint64_t until = end_now_ms() + 5000;
	int rc = -1;

	e->ssl = SSL_new(ctx);
	if (e->ssl == NULL || SSL_set_fd(e->ssl, e->fd) != 1)
		return false;
	while (rc != 1 && end_now_ms() < until) {
		rc = e->side == END_SERVER ? SSL_accept(e->ssl)
		                           : SSL_connect(e->ssl);
		if (rc != 1 && SSL_get_error(e->ssl, rc) != SSL_ERROR_WANT_READ)
			return false;
	}
	return rc == 1;
}

void
end_close(struct end *e)
{
	SSL_free(e->ssl);
	e->ssl = NULL;
	if (e->fd >= 0)
		(void)close(e->fd);
	e->fd = -1;
}

static void
write_some(struct end *e, const uint8_t *data, size_t len, size_t *done)
{
	ssize_t n = e->ssl != NULL ? SSL_write(e->ssl, data, (int)len)
	                           : send(e->fd, data, len, MSG_NOSIGNAL);

	if (n <= 0)
		e->closed = true;
	else
		*done += (size_t)n;
}

void
end_write(struct end *e, const void *data, size_t len)
{
	for (size_t at = 0; at < len && !e->closed;) {
		size_t n = len - at < RECORD_MAX ? len - at : RECORD_MAX;

		write_some(e, (const uint8_t *)data + at, n, &at);
	}
}

/* Up to want bytes of the frame; false: nothing came. */
static bool
read_some(struct end *e, size_t want)
{
	int n = SSL_read(e->ssl, e->frame + e->have, (int)(want - e->have));

	if (n > 0) {
		e->have += (size_t)n;
		return true;
	}
	if (SSL_get_error(e->ssl, n) != SSL_ERROR_WANT_READ)
		e->closed = true;
	return false;
}

size_t
end_read(struct end *e, unsigned ms)
{
	uint64_t until = end_now_ms() + ms;

	while (!e->closed) {
		size_t want = HEAD;

		if (e->have >= HEAD)
			want = (size_t)(e->frame[2] << 8 | e->frame[3]);
		if (e->have >= HEAD && (want < HEAD || e->frame[0] != 3)) {
			e->closed = true;
			return 0;
		}
		if (e->have >= HEAD && e->have == want) {
			e->have = 0;
			return want;
		}
		if (!read_some(e, want) && end_now_ms() >= until)
			return 0;
	}
	return 0;
}

void
end_data(struct end *e, uint16_t channel, struct wire_view data)
{
	static __thread struct message m;

	message_data(&m, e->side == END_SERVER ? 0x68 : 0x64,
	             e->side == END_SERVER ? 1002 : message_sides.user_channel,
	             channel, data);
	end_write(e, m.bytes, m.len);
}

void
end_chunk(struct end *e, uint32_t total, uint32_t flags, struct wire_view data)
{
	static __thread uint8_t bytes[MESSAGE_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	wire_put_u32(&out, total);
	wire_put_u32(&out, flags);
	wire_put_view(&out, data);
	end_data(e, END_RDPDR, wire_written(&out));
}

void
end_say(struct end *e, struct wire_view message)
{
	struct chunk_cut cut = chunk_cut(message, END_CHUNK, 0);
	struct wire_view data;
	uint32_t flags;

	while (!e->closed && chunk_cut_next(&cut, &flags, &data))
		end_chunk(e, (uint32_t)message.len, flags, data);
}

void
end_io(struct end *e, void (*build)(struct wire_out *out))
{
	uint8_t data[4096];
	struct wire_out out = wire_out(data, sizeof(data));

	build(&out);
	end_data(e, END_IO, wire_written(&out));
}

bool
end_take_chunk(const struct end *e, size_t len, uint32_t *total,
               uint32_t *flags, struct wire_view *data)
{
	struct wire_in in = wire_in(e->frame, len);
	uint8_t choice;
	uint16_t channel;

	wire_skip(&in, 7);
	choice = wire_u8(&in);
	wire_skip(&in, 2);
	channel = wire_u16_be(&in);
	wire_skip(&in, 1);
	if ((wire_u8(&in) & 0x80) != 0)
		wire_skip(&in, 1);
	*total = wire_u32(&in);
	*flags = wire_u32(&in);
	*data = wire_rest(&in);
	return wire_ok(&in) && channel == END_RDPDR &&
	       choice == (e->side == END_CLIENT ? 0x68 : 0x64);
}
