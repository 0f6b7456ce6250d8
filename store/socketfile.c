#include "socketfile.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool
set_address(struct sockaddr_un *address, const char *path)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return false;
	memcpy(address->sun_path, path, strlen(path));
	return true;
}

/* Only root and we may be able to put something else in the socket's place. */
static bool
folder_is_safe(const char *path)
{
	char *copy = strdup(path);
	char *slash = copy != NULL ? strrchr(copy, '/') : NULL;
	struct stat folder;
	bool safe = false;

	if (slash != NULL) {
		slash[slash == copy ? 1 : 0] = '\0';
		safe = stat(copy, &folder) == 0 &&
		       (folder.st_uid == 0 || folder.st_uid == geteuid()) &&
		       (folder.st_mode & (S_IWGRP | S_IWOTH)) == 0;
	}
	free(copy);
	return safe;
}

/* A socket left by a keeper that was killed; a living one is not touched. */
static const char *
remove_stale(const struct sockaddr_un *address)
{
	struct stat old;

	if (lstat(address->sun_path, &old) != 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (!S_ISSOCK(old.st_mode))
		return "something else has its name";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool alive = fd >= 0 && connect(fd, (const struct sockaddr *)address,
	                                sizeof(*address)) == 0;

	if (fd >= 0)
		(void)close(fd);
	if (alive)
		return "another daemon listens there";
	return unlink(address->sun_path) == 0 ? NULL : strerror(errno);
}

/* From the first moment on for us alone, then for the group as well. */
static const char *
bind_private(int fd, const struct sockaddr_un *address, gid_t group)
{
	mode_t old = umask(0177);
	int bound =
	    bind(fd, (const struct sockaddr *)address, sizeof(*address));

	(void)umask(old);
	if (bound != 0)
		return strerror(errno);
	if (group == (gid_t)-1)
		return NULL;
	if (chown(address->sun_path, (uid_t)-1, group) != 0 ||
	    chmod(address->sun_path, 0660) != 0)
		return strerror(errno);
	return NULL;
}

const char *
socketfile_bind(const char *path, gid_t group, int *fd)
{
	struct sockaddr_un address;

	*fd = -1;
	if (!set_address(&address, path))
		return "path too long for a socket";
	if (!folder_is_safe(path))
		return "others may write to its folder";
	const char *fault = remove_stale(&address);

	if (fault != NULL)
		return fault;
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return strerror(errno);
	fault = bind_private(*fd, &address, group);
	if (fault != NULL) {
		(void)close(*fd);
		*fd = -1;
	}
	return fault;
}
