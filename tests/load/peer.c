#include "peer.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECORD_MAX = 16384, FRAME_HEAD = 4, LISTEN_BACKLOG = 512 };

/* X.224: request and confirm of TLS, 19 bytes each. */
static const uint8_t request[] = {3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0,
                                  0, 1, 0, 8,  0,  3,    0, 0, 0};
static const uint8_t confirm[] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0x12, 0x34,
                                  0, 2, 0, 8,  0,  1,    0, 0, 0};

_Noreturn void
peer_die(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

SSL_CTX *
peer_server_context(const char *cert, const char *key)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx == NULL || cert == NULL || key == NULL ||
	    SSL_CTX_use_certificate_file(ctx, cert, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		peer_die("certificate and key");
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

SSL_CTX *
peer_client_context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL)
		peer_die("TLS");
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
	return ctx;
}

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
	                            .sin_port = htons(port),
	                            .sin_addr = {htonl(INADDR_LOOPBACK)}};
}

int
peer_listen(uint16_t port)
{
	struct sockaddr_in addr = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    listen(fd, LISTEN_BACKLOG) != 0)
		peer_die("listen");
	return fd;
}

static void
send_at_once(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

bool
peer_write(SSL *ssl, const void *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t n = len - at < RECORD_MAX ? len - at : RECORD_MAX;
		int rc = SSL_write(ssl, (const uint8_t *)data + at, (int)n);

		if (rc <= 0)
			return false;
		at += (size_t)rc;
	}
	return true;
}

size_t
peer_read_frame(SSL *ssl, uint8_t *frame)
{
	size_t want = FRAME_HEAD;
	size_t have = 0;

	while (have < want) {
		int n = SSL_read(ssl, frame + have, (int)(want - have));

		if (n <= 0)
			return 0;
		have += (size_t)n;
		if (have == FRAME_HEAD)
			want = (size_t)(frame[2] << 8 | frame[3]);
	}
	return have;
}

static bool
send_message(SSL *ssl, const struct message *m)
{
	return peer_write(ssl, m->bytes, m->len);
}

enum side { CLIENT, SERVER };

/* User data of the I/O channel, as a request or an indication. */
static bool
send_io(SSL *ssl, enum side side, void (*build)(struct wire_out *out))
{
	static __thread struct message m;
	uint8_t data[4096];
	struct wire_out out = wire_out(data, sizeof(data));

	build(&out);
	message_data(&m, side == SERVER ? 0x68 : 0x64,
	             side == SERVER ? 1002 : message_sides.user_channel,
	             message_sides.io_channel, wire_written(&out));
	return send_message(ssl, &m);
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

static bool
serve_sequence(SSL *ssl)
{
	static __thread uint8_t frame[MESSAGE_MAX];
	static __thread struct message m;

	if (peer_read_frame(ssl, frame) == 0) /* Connect Initial */
		return false;
	message_connect_response(&m, &message_sides);
	if (!send_message(ssl, &m) ||
	    peer_read_frame(ssl, frame) == 0) /* Attach User */
		return false;
	message_attach_confirm(&m, message_sides.user_channel);
	return send_message(ssl, &m) &&
	       peer_read_frame(ssl, frame) != 0 && /* Client Info */
	       send_io(ssl, SERVER, build_demand) &&
	       peer_read_frame(ssl, frame) != 0 && /* Confirm Active */
	       send_io(ssl, SERVER, build_font_map);
}

static bool
client_sequence(SSL *ssl)
{
	static const uint8_t attach_user[] = {3, 0, 0, 8, 2, 0xf0, 0x80, 0x28};
	static __thread uint8_t frame[MESSAGE_MAX];
	static __thread struct message m;

	message_connect_initial(&m, &message_sides);
	return send_message(ssl, &m) && peer_read_frame(ssl, frame) != 0 &&
	       peer_write(ssl, attach_user, sizeof(attach_user)) &&
	       peer_read_frame(ssl, frame) != 0 &&
	       send_io(ssl, CLIENT, build_info) &&
	       peer_read_frame(ssl, frame) != 0 &&
	       send_io(ssl, CLIENT, build_confirm) &&
	       peer_read_frame(ssl, frame) != 0;
}

/* Bytes before TLS: what we say, and as many of the other's. */
static bool
receive_plain(int fd, uint8_t bytes[sizeof(request)])
{
	return recv(fd, bytes, sizeof(request), MSG_WAITALL) ==
	       (ssize_t)sizeof(request);
}

static bool
send_plain(int fd, const uint8_t bytes[sizeof(request)])
{
	return send(fd, bytes, sizeof(request), MSG_NOSIGNAL) ==
	       (ssize_t)sizeof(request);
}

SSL *
peer_accept(SSL_CTX *ctx, int fd, enum peer_kind kind)
{
	uint8_t bytes[sizeof(request)];
	SSL *ssl = SSL_new(ctx);
	bool ok = ssl != NULL && SSL_set_fd(ssl, fd) == 1;

	send_at_once(fd);
	if (ok && kind == PEER_RDP)
		ok = receive_plain(fd, bytes) && send_plain(fd, confirm);
	ok = ok && SSL_accept(ssl) == 1;
	if (ok && kind == PEER_RDP)
		ok = serve_sequence(ssl);
	if (ok)
		return ssl;
	SSL_free(ssl);
	(void)close(fd);
	return NULL;
}

SSL *
peer_connect(SSL_CTX *ctx, uint16_t port, enum peer_kind kind)
{
	struct sockaddr_in addr = loopback(port);
	uint8_t bytes[sizeof(request)];
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	SSL *ssl = SSL_new(ctx);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		peer_die("connect");
	send_at_once(fd);
	if (kind == PEER_RDP &&
	    (!send_plain(fd, request) || !receive_plain(fd, bytes)))
		peer_die("negotiation");
	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1)
		peer_die("TLS");
	if (kind == PEER_RDP && !client_sequence(ssl))
		peer_die("activation");
	return ssl;
}

void
peer_close(SSL *ssl)
{
	int fd;

	if (ssl == NULL)
		return;
	fd = SSL_get_fd(ssl);
	SSL_free(ssl);
	(void)close(fd);
}
