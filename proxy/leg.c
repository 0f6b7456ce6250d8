#include "leg.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum leg_state {
	LEG_CONNECTING,
	LEG_PLAIN,
	LEG_HANDSHAKE,
	LEG_TLS,
	LEG_CLOSED
};

/* Below this an extent is worth being put together with its successors. */
enum { SMALL_EXTENT = 4096, READS_PER_TURN = 4 };

struct leg {
	int fd;
	enum leg_state state;
	bool paused;
	const char *fault; /* of reading, until what was read has been told */
	SSL *ssl;
	struct evbuffer *in;
	struct evbuffer *out;
	struct event *readable;
	struct event *writable;
	const struct leg_ops *ops;
	void *arg;
};

static void on_readable(evutil_socket_t fd, short what, void *arg);
static void on_writable(evutil_socket_t fd, short what, void *arg);

/* Dead peers are noticed within two minutes, in silence too. */
static void
set_socket_options(int fd)
{
	int on = 1;
	int idle_s = 60;
	int interval_s = 15;
	unsigned int timeout_ms = 120 * 1000;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s,
	                 sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s,
	                 sizeof(interval_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
	                 sizeof(timeout_ms));
}

static struct leg *
leg_open(struct event_base *base, int fd, enum leg_state state,
         const struct leg_ops *ops, void *arg)
{
	struct leg *leg = calloc(1, sizeof(*leg));

	if (leg == NULL) {
		(void)close(fd);
		return NULL;
	}
	leg->fd = fd;
	leg->state = state;
	leg->ops = ops;
	leg->arg = arg;
	leg->in = evbuffer_new();
	leg->out = evbuffer_new();
	leg->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, leg);
	leg->writable = event_new(base, fd, EV_WRITE, on_writable, leg);
	if (leg->in == NULL || leg->out == NULL || leg->readable == NULL ||
	    leg->writable == NULL || evutil_make_socket_nonblocking(fd) != 0) {
		leg_free(leg);
		return NULL;
	}
	set_socket_options(fd);
	return leg;
}

struct leg *
leg_new(struct event_base *base, int fd, const struct leg_ops *ops, void *arg)
{
	struct leg *leg = leg_open(base, fd, LEG_PLAIN, ops, arg);

	if (leg != NULL)
		(void)event_add(leg->readable, NULL);
	return leg;
}

struct leg *
leg_connect(struct event_base *base, const struct sockaddr *addr, socklen_t len,
            const struct leg_ops *ops, void *arg)
{
	int fd = socket(addr->sa_family,
	                SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct leg *leg;

	if (fd < 0)
		return NULL;
	leg = leg_open(base, fd, LEG_CONNECTING, ops, arg);
	if (leg == NULL)
		return NULL;
	if (connect(fd, addr, len) != 0 && errno != EINPROGRESS) {
		int saved = errno;

		leg_free(leg);
		errno = saved;
		return NULL;
	}
	(void)event_add(leg->writable, NULL);
	return leg;
}

/* The address without its port. */
static struct wire_view
host_part(const struct sockaddr_storage *ss)
{
	if (ss->ss_family == AF_INET) {
		const struct sockaddr_in *in =
		    (const struct sockaddr_in *)(const void *)ss;

		return (struct wire_view){(const uint8_t *)&in->sin_addr,
		                          sizeof(in->sin_addr)};
	}
	if (ss->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in =
		    (const struct sockaddr_in6 *)(const void *)ss;

		return (struct wire_view){(const uint8_t *)&in->sin6_addr,
		                          sizeof(in->sin6_addr)};
	}
	return (struct wire_view){NULL, 0};
}

/* Who talks to an address of his own is given that one to talk from. */
bool
leg_stays_here(const struct leg *leg)
{
	struct sockaddr_storage peer = {0};
	struct sockaddr_storage own = {0};
	socklen_t peer_len = sizeof(peer);
	socklen_t own_len = sizeof(own);
	struct wire_view host;

	if (getpeername(leg->fd, (struct sockaddr *)&peer, &peer_len) != 0 ||
	    getsockname(leg->fd, (struct sockaddr *)&own, &own_len) != 0)
		return false;
	host = host_part(&peer);
	return host.len > 0 && wire_view_equal(host, host_part(&own));
}

void
leg_free(struct leg *leg)
{
	if (leg == NULL)
		return;
	if (leg->readable != NULL)
		event_free(leg->readable);
	if (leg->writable != NULL)
		event_free(leg->writable);
	if (leg->ssl != NULL) {
		/* One close_notify, if it fits; nobody waits for the answer. */
		if (leg->state == LEG_TLS)
			(void)SSL_shutdown(leg->ssl);
		SSL_free(leg->ssl);
	}
	ERR_clear_error();
	if (leg->in != NULL)
		evbuffer_free(leg->in);
	if (leg->out != NULL)
		evbuffer_free(leg->out);
	(void)close(leg->fd);
	free(leg);
}

void
leg_set_ops(struct leg *leg, const struct leg_ops *ops, void *arg)
{
	leg->ops = ops;
	leg->arg = arg;
}

SSL *
leg_ssl(const struct leg *leg)
{
	return leg->ssl;
}

struct evbuffer *
leg_input(struct leg *leg)
{
	return leg->in;
}

struct evbuffer *
leg_output(struct leg *leg)
{
	return leg->out;
}

/* No more callbacks but this one. */
static void
leg_fail(struct leg *leg, const char *why)
{
	if (leg->state == LEG_CLOSED)
		return;
	leg->state = LEG_CLOSED;
	(void)event_del(leg->readable);
	(void)event_del(leg->writable);
	leg->ops->on_closed(leg->arg, why);
}

static void
on_connected(struct leg *leg)
{
	int error = 0;
	socklen_t len = sizeof(error);

	(void)getsockopt(leg->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		errno = error;
		leg_fail(leg, "connection refused or unreachable");
		return;
	}
	leg->state = LEG_PLAIN;
	if (!leg->paused)
		(void)event_add(leg->readable, NULL);
	leg->ops->on_ready(leg->arg);
}

/* The reason of OpenSSL's last error; OpenSSL's strings are static. */
static const char *
tls_reason(const char *fallback)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason == NULL ? fallback : reason;
}

static void
handshake(struct leg *leg)
{
	int rc;

	ERR_clear_error();
	rc = SSL_do_handshake(leg->ssl);
	if (rc == 1) {
		leg->state = LEG_TLS;
		leg->ops->on_ready(leg->arg);
		/* Early records may already lie inside OpenSSL. */
		if (leg->state == LEG_TLS && !leg->paused)
			event_active(leg->readable, EV_READ, 0);
		return;
	}
	switch (SSL_get_error(leg->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return;
	case SSL_ERROR_WANT_WRITE:
		(void)event_add(leg->writable, NULL);
		return;
	default:
		leg_fail(leg, tls_reason("TLS handshake: connection closed"));
	}
}

void
leg_start_tls(struct leg *leg, SSL *ssl, enum leg_tls_role role)
{
	leg->ssl = ssl;
	leg->state = LEG_HANDSHAKE;
	if (SSL_set_fd(ssl, leg->fd) != 1) {
		leg_fail(leg, "no memory for TLS");
		return;
	}
	if (role == LEG_TLS_ACCEPT)
		SSL_set_accept_state(ssl);
	else
		SSL_set_connect_state(ssl);
	handshake(leg);
}

static ssize_t
read_fault(struct leg *leg, const char *why)
{
	leg->fault = why;
	return -1;
}

/* Bytes read into data; 0: no more for now, -1: leg->fault says why. */
static ssize_t
read_some(struct leg *leg, void *data, size_t size)
{
	ssize_t n;

	if (leg->ssl == NULL) {
		n = recv(leg->fd, data, size, 0);
		if (n > 0)
			return n;
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		return read_fault(leg, n == 0 ? "closed by the peer" : "reset");
	}
	ERR_clear_error();
	n = SSL_read(leg->ssl, data, (int)size);
	if (n > 0)
		return n;
	switch (SSL_get_error(leg->ssl, (int)n)) {
	case SSL_ERROR_WANT_READ:
		return 0;
	case SSL_ERROR_WANT_WRITE:
		(void)event_add(leg->writable, NULL);
		return 0;
	case SSL_ERROR_ZERO_RETURN:
		return read_fault(leg, "closed by the peer");
	default:
		return read_fault(leg, tls_reason("connection lost"));
	}
}

static bool
is_open(const struct leg *leg)
{
	return leg->state == LEG_PLAIN || leg->state == LEG_TLS;
}

/*
 * Records come one by one: fill the space before anyone is told.  Two extents,
 * since libevent makes one by moving what lies in the buffer, which may be half
 * of a secret.  FILL_MORE: the space ended before the data did.
 */
enum fill { FILL_NONE, FILL_SOME, FILL_MORE };
static enum fill
fill(struct leg *leg)
{
	struct evbuffer_iovec space[2];
	int count = evbuffer_reserve_space(leg->in, LEG_READ_SIZE, space, 2);
	size_t total = 0;
	ssize_t n = count < 1 ? read_fault(leg, "no memory") : 1;

	for (int i = 0; i < count; i++) {
		size_t len = 0;

		while (n > 0 && len < space[i].iov_len) {
			n = read_some(leg, (char *)space[i].iov_base + len,
			              space[i].iov_len - len);
			if (n > 0)
				len += (size_t)n;
		}
		space[i].iov_len = len;
		total += len;
	}
	if (count > 0)
		(void)evbuffer_commit_space(leg->in, space, count);
	if (total == 0)
		return FILL_NONE;
	return n > 0 ? FILL_MORE : FILL_SOME;
}

/*
 * OpenSSL may hold records that the socket will not announce again: as long as
 * there was more than one turn takes, come back.  (SSL_has_pending would also
 * be true for half a record, and spin.)
 */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct leg *leg = arg;
	enum fill got = FILL_MORE;

	(void)fd;
	(void)what;
	if (leg->state == LEG_HANDSHAKE) {
		handshake(leg);
		return;
	}
	for (int i = 0; i < READS_PER_TURN && got == FILL_MORE; i++) {
		if (!is_open(leg) || leg->paused)
			return;
		got = fill(leg);
		if (got != FILL_NONE)
			leg->ops->on_data(leg->arg);
	}
	if (leg->fault != NULL)
		leg_fail(leg, leg->fault);
	else if (got == FILL_MORE && is_open(leg) && !leg->paused)
		event_active(leg->readable, EV_READ, 0);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct leg *leg = arg;

	(void)fd;
	(void)what;
	switch (leg->state) {
	case LEG_CONNECTING:
		on_connected(leg);
		break;
	case LEG_HANDSHAKE:
		handshake(leg);
		break;
	case LEG_PLAIN:
	case LEG_TLS:
		leg_flush(leg);
		if (is_open(leg) && evbuffer_get_length(leg->out) == 0)
			leg->ops->on_drained(leg->arg);
		break;
	case LEG_CLOSED:
		break;
	}
}

/* Bytes written; 0: the socket is full, -1: the leg has failed. */
static ssize_t
write_some(struct leg *leg, const void *data, size_t len)
{
	ssize_t n;

	if (leg->ssl == NULL) {
		n = send(leg->fd, data, len, MSG_NOSIGNAL);
		if (n >= 0)
			return n;
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		leg_fail(leg, "reset");
		return -1;
	}
	ERR_clear_error();
	n = SSL_write(leg->ssl, data, (int)len);
	if (n > 0)
		return n;
	switch (SSL_get_error(leg->ssl, (int)n)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return 0;
	default:
		leg_fail(leg, tls_reason("connection lost"));
		return -1;
	}
}

/* Write the head of the output as one record; small extents are put together.
 */
static ssize_t
write_record(struct leg *leg)
{
	static uint8_t record[LEG_RECORD_MAX];
	struct evbuffer_iovec head;
	size_t total = evbuffer_get_length(leg->out);
	ssize_t n;

	(void)evbuffer_peek(leg->out, -1, NULL, &head, 1);
	if (head.iov_len >= SMALL_EXTENT || head.iov_len == total) {
		if (head.iov_len > LEG_RECORD_MAX)
			head.iov_len = LEG_RECORD_MAX;
		return write_some(leg, head.iov_base, head.iov_len);
	}
	n = evbuffer_copyout(leg->out, record, sizeof(record));
	if (n <= 0)
		return -1;
	total = (size_t)n;
	n = write_some(leg, record, total);
	OPENSSL_cleanse(record, total);
	return n;
}

void
leg_flush(struct leg *leg)
{
	ssize_t n;

	while (is_open(leg) && evbuffer_get_length(leg->out) > 0) {
		n = write_record(leg);
		if (n < 0)
			return;
		if (n == 0) {
			(void)event_add(leg->writable, NULL);
			return;
		}
		(void)evbuffer_drain(leg->out, (size_t)n);
	}
}

void
leg_pause(struct leg *leg)
{
	if (leg->paused)
		return;
	leg->paused = true;
	(void)event_del(leg->readable);
}

void
leg_resume(struct leg *leg)
{
	if (!leg->paused)
		return;
	leg->paused = false;
	if (leg->state == LEG_CLOSED || leg->state == LEG_CONNECTING)
		return;
	(void)event_add(leg->readable, NULL);
	event_active(leg->readable, EV_READ, 0);
}

/* In place: putting extents together would leave the old ones as they are. */
static void
wipe(struct evbuffer *buf, size_t len)
{
	struct evbuffer_iovec part;
	struct evbuffer_ptr at;

	(void)evbuffer_ptr_set(buf, &at, 0, EVBUFFER_PTR_SET);
	while (len > 0 && evbuffer_peek(buf, -1, &at, &part, 1) > 0) {
		if (part.iov_len > len)
			part.iov_len = len;
		OPENSSL_cleanse(part.iov_base, part.iov_len);
		len -= part.iov_len;
		(void)evbuffer_ptr_set(buf, &at, part.iov_len,
		                       EVBUFFER_PTR_ADD);
	}
}

uint8_t *
leg_remove_secret(struct evbuffer *from, size_t len)
{
	uint8_t *data = malloc(len);

	if (data == NULL)
		return NULL;
	(void)evbuffer_copyout(from, data, len);
	wipe(from, len);
	(void)evbuffer_drain(from, len);
	return data;
}

void
leg_drop_secret(uint8_t *data, size_t len)
{
	OPENSSL_cleanse(data, len);
	free(data);
}

static void
on_released(const void *data, size_t len, void *arg)
{
	(void)data;
	leg_drop_secret(arg, len);
}

bool
leg_take_secret(struct evbuffer *to, uint8_t *data, size_t len)
{
	if (evbuffer_add_reference(to, data, len, on_released, data) == 0)
		return true;
	leg_drop_secret(data, len);
	return false;
}
