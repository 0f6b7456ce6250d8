#include "vpcd.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { STALL_TIMEOUT_S = 5 }; /* of the rest of a message that has begun */

static int
set_options(int fd)
{
	const struct timeval timeout = {.tv_sec = STALL_TIMEOUT_S};
	const int on = 1;

	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
	                  sizeof(timeout));
}

int
vpcd_connect(const char *host, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	                              .sin_port = htons(port)};
	int fd;

	if (inet_pton(AF_INET, host, &address.sin_addr) != 1)
		return -1;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	        0 &&
	    set_options(fd) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/*
 * vpcd sends the length and the message as two segments: without a quick
 * acknowledgement Nagle holds the second one back for some 40 ms.  The kernel
 * forgets the option, so it is set before each read.
 */
static bool
read_all(int fd, uint8_t *buffer, size_t len)
{
	const int on = 1;

	while (len > 0) {
		ssize_t got;

		(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on,
		                 sizeof(on));
		got = recv(fd, buffer, len, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		buffer += got;
		len -= (size_t)got;
	}
	return true;
}

enum vpcd_request
vpcd_read(int fd, uint8_t *buffer, struct wire_view *apdu)
{
	uint8_t head[2] = {0};
	struct wire_in in = wire_in(head, sizeof(head));
	uint16_t len;

	if (!read_all(fd, head, sizeof(head)))
		return VPCD_GONE;
	len = wire_u16_be(&in);
	if (len == 0 || !read_all(fd, buffer, len))
		return VPCD_GONE;
	if (len == 1)
		return (enum vpcd_request)buffer[0];
	*apdu = (struct wire_view){buffer, len};
	return VPCD_APDU;
}

int
vpcd_write(int fd, struct wire_view message)
{
	uint8_t bytes[2 + VPCD_MESSAGE_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	ssize_t sent;

	wire_put_u16_be(&out, (uint16_t)message.len);
	wire_put_view(&out, message);
	if (!wire_out_ok(&out))
		return -1;
	sent = send(fd, bytes, out.len, MSG_NOSIGNAL);
	return sent == (ssize_t)out.len ? 0 : -1;
}
