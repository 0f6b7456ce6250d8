#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "wire.h"

enum {
	DEPTH_MAX = 8, /* of a foreign tree that has to go */
	FILE_MODE = 0644
};

/* Of what is about to be renamed; readers of a directory skip a dot. */
#define TEMPORARY ".new"

/* Removing, also of what is not ours: a foreign tree within a bound. */

static int remove_entry(int dirfd, const char *name, unsigned depth);

static bool
nothing_stays(const char *name, void *arg)
{
	(void)name;
	(void)arg;
	return false;
}

static bool
is_link(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

/* One walk; returns how many entries went, and 0 or an errno in *code. */
static uint32_t
sweep(DIR *dir, bool links_only, tree_stays *stays, void *arg, unsigned depth,
      int *code)
{
	struct dirent *entry;
	uint32_t count = 0;

	*code = 0;
	rewinddir(dir);
	while ((entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
		    stays(name, arg) ||
		    (links_only && !is_link(dirfd(dir), name)))
			continue;
		if (remove_entry(dirfd(dir), name, depth) == 0)
			count++;
		else
			*code = errno;
	}
	return count;
}

/*
 * Remove from a directory all that does not stay.  Links first: a link to
 * nothing would end OpenSSL's search.  A walk over a directory that changes may
 * miss an entry, so walk until there is nothing left to remove.
 */
static uint32_t
clear(int fd, tree_stays *stays, void *arg, unsigned depth, int *code)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	uint32_t total = 0;
	uint32_t count;

	if (dir == NULL) {
		*code = errno;
		if (copy >= 0)
			(void)close(copy);
		return 0;
	}
	while ((count = sweep(dir, true, stays, arg, depth, code)) > 0)
		total += count;
	while ((count = sweep(dir, false, stays, arg, depth, code)) > 0)
		total += count;
	(void)closedir(dir);
	return total;
}

/* Like unlinkat, and for a directory with all that is in it. */
static int
remove_entry(int dirfd, const char *name, unsigned depth)
{
	int fd;
	int code;

	if (unlinkat(dirfd, name, 0) == 0)
		return 0;
	if (errno != EISDIR || depth == 0)
		return -1;
	fd = openat(dirfd, name,
	            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	(void)clear(fd, nothing_stays, NULL, depth - 1, &code);
	(void)close(fd);
	return unlinkat(dirfd, name, AT_REMOVEDIR);
}

int
tree_remove(int dirfd, const char *name)
{
	return remove_entry(dirfd, name, DEPTH_MAX);
}

uint32_t
tree_clear(int fd, tree_stays *stays, void *arg, int *code)
{
	return clear(fd, stays, arg, DEPTH_MAX, code);
}

/* Directories. */

/*
 * The access list as the kernel's attribute has it: version 2, then entries of
 * tag, permissions and id, little-endian, in this order (linux/posix_acl.h and
 * posix_acl_xattr.h).  The mask lets the user's entry have its effect; as the
 * group's bits of the mode show the mask, the group has an entry of its own.
 */
enum {
	ACL_LEN = 4 + 5 * 8,
	ACL_VERSION = 2,
	ACL_USER_OBJ = 0x01,
	ACL_USER = 0x02,
	ACL_GROUP_OBJ = 0x04,
	ACL_MASK = 0x10,
	ACL_OTHER = 0x20,
	ACL_READ_ENTER = 5
};
#define ACL_NAME  "system.posix_acl_access"
#define ACL_NO_ID UINT32_MAX

static void
put_entry(struct wire_out *out, uint16_t tag, mode_t bits, uint32_t id)
{
	wire_put_u16(out, tag);
	wire_put_u16(out, (uint16_t)(bits & 7));
	wire_put_u32(out, id);
}

static void
encode_acl(uint8_t acl[static ACL_LEN], mode_t mode, uid_t user)
{
	struct wire_out out = wire_out(acl, ACL_LEN);

	wire_put_u32(&out, ACL_VERSION);
	put_entry(&out, ACL_USER_OBJ, mode >> 6, ACL_NO_ID);
	put_entry(&out, ACL_USER, ACL_READ_ENTER, user);
	put_entry(&out, ACL_GROUP_OBJ, mode >> 3, ACL_NO_ID);
	put_entry(&out, ACL_MASK, ACL_READ_ENTER | mode >> 3, ACL_NO_ID);
	put_entry(&out, ACL_OTHER, mode, ACL_NO_ID);
}

static bool
is_unsupported(int code)
{
	return code == ENOTSUP || code == EOPNOTSUPP || code == ENOSYS;
}

static int
adjust_mode(int fd, mode_t mode)
{
	struct stat st;

	/* Without a list the group's bits are the group's again. */
	if (fremovexattr(fd, ACL_NAME) != 0 && errno != ENODATA &&
	    !is_unsupported(errno))
		return -1;
	if (fstat(fd, &st) != 0)
		return -1;
	return (st.st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

static int
adjust_acl(int fd, mode_t mode, uid_t user)
{
	uint8_t acl[ACL_LEN] = {0};
	uint8_t now[ACL_LEN] = {0};

	encode_acl(acl, mode, user);
	if (fgetxattr(fd, ACL_NAME, now, sizeof(now)) == ACL_LEN &&
	    memcmp(acl, now, ACL_LEN) == 0)
		return 0;
	if (fsetxattr(fd, ACL_NAME, acl, ACL_LEN, 0) == 0)
		return 0;
	return is_unsupported(errno) ? adjust_mode(fd, mode) : -1;
}

int
tree_adjust(int fd, const struct tree_access *access)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return -1;
	if (access->group != TREE_NO_GROUP && st.st_gid != access->group &&
	    fchown(fd, (uid_t)-1, access->group) != 0)
		return -1;
	if (access->user == TREE_NO_USER)
		return adjust_mode(fd, access->mode);
	return adjust_acl(fd, access->mode, access->user);
}

bool
tree_lets_in(int fd, uid_t user)
{
	uint8_t acl[ACL_LEN] = {0};
	struct wire_in in = wire_in(acl, sizeof(acl));

	if (user == TREE_NO_USER)
		return true;
	if (fgetxattr(fd, ACL_NAME, acl, sizeof(acl)) != ACL_LEN)
		return false;
	wire_skip(&in, 16); /* version, owner, and the user's tag and bits */
	return wire_u32(&in) == user;
}

int
tree_open(int dirfd, const char *name)
{
	return openat(dirfd, name,
	              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A new one is closed to all others until its access is right. */
int
tree_make(int dirfd, const char *name, const struct tree_access *access)
{
	int fd = tree_open(dirfd, name);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		(void)tree_remove(dirfd, name);
	if (fd < 0 && mkdirat(dirfd, name, 0700) != 0)
		return -1;
	if (fd < 0)
		fd = tree_open(dirfd, name);
	if (fd >= 0 && tree_adjust(fd, access) != 0) {
		int code = errno;

		(void)close(fd);
		errno = code;
		return -1;
	}
	return fd;
}

/* Files and links: a temporary name, then the right one. */

/* Give the temporary file its name, whatever stands there. */
static int
settle(int dirfd, const char *name)
{
	int code;

	if (renameat(dirfd, TEMPORARY, dirfd, name) == 0)
		return 0;
	if (errno == EISDIR && tree_remove(dirfd, name) == 0 &&
	    renameat(dirfd, TEMPORARY, dirfd, name) == 0)
		return 0;
	code = errno;
	(void)unlinkat(dirfd, TEMPORARY, 0);
	errno = code;
	return -1;
}

static bool
write_all(int fd, const char *text, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write(fd, &text[done], len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

int
tree_write(int dirfd, const char *name, const char *text, size_t len)
{
	int fd;
	bool whole;
	int code;

	(void)tree_remove(dirfd, TEMPORARY); /* of a crash */
	fd = openat(dirfd, TEMPORARY,
	            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	whole = write_all(fd, text, len) && fchmod(fd, FILE_MODE) == 0;
	code = errno;
	if (close(fd) != 0 && whole) {
		whole = false;
		code = errno;
	}
	if (whole)
		return settle(dirfd, name);
	(void)unlinkat(dirfd, TEMPORARY, 0);
	errno = code;
	return -1;
}

int
tree_link(int dirfd, const char *name, const char *target)
{
	(void)tree_remove(dirfd, TEMPORARY);
	if (symlinkat(target, dirfd, TEMPORARY) != 0)
		return -1;
	return settle(dirfd, name);
}

/* The next len bytes of the file, and then its end. */
static bool
reads_as(int fd, const char *text, size_t len)
{
	char have[4096];
	size_t done = 0;
	ssize_t n;

	while ((n = read(fd, have, sizeof(have))) > 0) {
		if ((size_t)n > len - done ||
		    memcmp(have, &text[done], (size_t)n) != 0)
			return false;
		done += (size_t)n;
	}
	return n == 0 && done == len;
}

bool
tree_file_is(int dirfd, const char *name, const char *text, size_t len)
{
	struct stat st;
	int fd =
	    openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool same;

	if (fd < 0)
		return false;
	same = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_uid == geteuid() && st.st_nlink == 1 &&
	       (st.st_mode & 07777) == FILE_MODE && reads_as(fd, text, len);
	(void)close(fd);
	return same;
}

bool
tree_exists(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}
