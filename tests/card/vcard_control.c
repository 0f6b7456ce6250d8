#include "vcard_control.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_TIMEOUT_S = 30 }; /* a card may be slow on purpose */

static bool
set_path(struct sockaddr_un *address, const char *path)
{
	size_t len = strlen(path);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len >= sizeof(address->sun_path))
		return false;
	memcpy(address->sun_path, path, len);
	return true;
}

static int
control_socket(void)
{
	const struct timeval timeout = {.tv_sec = LINE_TIMEOUT_S};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
		                 sizeof(timeout));
	return fd;
}

/* Up to a newline, which is not kept, or the end. */
static bool
read_line(int fd, char line[VCARD_LINE_MAX])
{
	size_t len = 0;

	while (len < VCARD_LINE_MAX - 1) {
		ssize_t got = recv(fd, line + len, 1, 0);

		if (got < 0)
			return false;
		if (got == 0 || line[len] == '\n')
			break;
		len++;
	}
	line[len] = '\0';
	return len > 0;
}

int
vcard_control_listen(const char *path)
{
	struct sockaddr_un address;
	int fd;

	if (!set_path(&address, path))
		return -1;
	fd = control_socket();
	if (fd < 0)
		return -1;
	(void)unlink(path);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    listen(fd, 8) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

int
vcard_control_take(int listener, char line[VCARD_LINE_MAX])
{
	const struct timeval timeout = {.tv_sec = 1};
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
	                 sizeof(timeout));
	if (read_line(fd, line))
		return fd;
	(void)close(fd);
	return -1;
}

void
vcard_control_answer(int fd, const char *answer)
{
	char line[VCARD_LINE_MAX];
	int len = snprintf(line, sizeof(line), "%s\n", answer);

	(void)send(fd, line, (size_t)len, MSG_NOSIGNAL);
	(void)close(fd);
}

static bool
join(char line[VCARD_LINE_MAX], int count, char *const words[])
{
	size_t len = 0;

	for (int i = 0; i < count; i++) {
		int added = snprintf(line + len, VCARD_LINE_MAX - len, "%s%c",
		                     words[i], i + 1 < count ? ' ' : '\n');

		if (added < 0 || (size_t)added >= VCARD_LINE_MAX - len)
			return false;
		len += (size_t)added;
	}
	return len > 0;
}

int
vcard_control_tell(const char *path, int count, char *const words[])
{
	struct sockaddr_un address;
	char line[VCARD_LINE_MAX];
	int status = 1;
	int fd;

	if (!set_path(&address, path) || !join(line, count, words))
		return 1;
	fd = control_socket();
	if (fd < 0)
		return 1;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	        0 &&
	    send(fd, line, strlen(line), MSG_NOSIGNAL) > 0 &&
	    read_line(fd, line)) {
		(void)puts(line);
		status = strncmp(line, "error", 5) == 0;
	}
	(void)close(fd);
	return status;
}
