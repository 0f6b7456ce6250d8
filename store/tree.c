#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
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

/* What is in a directory. */

enum { LIST_ROOM = 16, READ_SIZE = 8192 };

static struct tree_entry *
new_entry(struct tree_list *list)
{
	size_t room = list->room == 0 ? LIST_ROOM : 2 * list->room;
	struct tree_entry *more;

	if (list->count == list->room) {
		more =
		    reallocarray(list->entries, room, sizeof(*list->entries));
		if (more == NULL)
			return NULL;
		list->entries = more;
		list->room = room;
	}
	return &list->entries[list->count++];
}

/* Not every file system says in a directory what its entries are. */
static bool
is_link(int dirfd, const char *name, unsigned char type)
{
	struct stat st;

	if (type != DT_UNKNOWN)
		return type == DT_LNK;
	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISLNK(st.st_mode);
}

static int
add_entry(int fd, struct tree_list *list, const char *name, unsigned char type)
{
	struct tree_entry *entry;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	entry = new_entry(list);
	if (entry == NULL)
		return -1;
	(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->is_link = is_link(fd, name, type);
	entry->stays = false;
	return 0;
}

/* Entries of getdents64(2), which are as long as each says. */
static int
add_entries(int fd, struct tree_list *list, const char *bytes, size_t len)
{
	struct dirent64 head;

	for (size_t at = 0; at < len; at += head.d_reclen) {
		memcpy(&head, &bytes[at], offsetof(struct dirent64, d_name));
		if (add_entry(fd, list,
		              &bytes[at + offsetof(struct dirent64, d_name)],
		              head.d_type) != 0)
			return -1;
	}
	return 0;
}

static int
compare_entries(const void *a, const void *b)
{
	const struct tree_entry *left = a;
	const struct tree_entry *right = b;

	return strcmp(left->name, right->name);
}

int
tree_list(int fd, struct tree_list *list)
{
	char bytes[READ_SIZE];
	ssize_t len = -1;

	*list = (struct tree_list){0};
	if (lseek(fd, 0, SEEK_SET) == 0)
		while ((len = getdents64(fd, bytes, sizeof(bytes))) > 0 &&
		       add_entries(fd, list, bytes, (size_t)len) == 0)
			continue;
	if (len != 0) {
		int code = len > 0 ? ENOMEM : errno;

		tree_list_clear(list);
		errno = code;
		return -1;
	}
	if (list->count > 1)
		qsort(list->entries, list->count, sizeof(*list->entries),
		      compare_entries);
	return 0;
}

void
tree_list_clear(struct tree_list *list)
{
	free(list->entries);
	*list = (struct tree_list){0};
}

static int
compare_name(const void *key, const void *element)
{
	const struct tree_entry *entry = element;

	return strcmp(key, entry->name);
}

struct tree_entry *
tree_find(const struct tree_list *list, const char *name)
{
	return list->count == 0 ? NULL
	                        : bsearch(name, list->entries, list->count,
	                                  sizeof(*list->entries), compare_name);
}

/* Removing, also of what is not ours: a foreign tree within a bound. */

static int remove_entry(int dirfd, const char *name, unsigned depth);

/* Links first: a link to nothing would end OpenSSL's search. */
static uint32_t
sweep(int fd, const struct tree_list *list, unsigned depth, int *code)
{
	uint32_t count = 0;

	*code = 0;
	for (int links = 1; links >= 0; links--) {
		for (size_t i = 0; i < list->count; i++) {
			const struct tree_entry *entry = &list->entries[i];

			if (entry->stays || entry->is_link != (links == 1))
				continue;
			if (remove_entry(fd, entry->name, depth) == 0)
				count++;
			else if (errno != ENOENT)
				*code = errno;
		}
	}
	return count;
}

/* Like unlinkat, and for a directory with all that is in it. */
static int
remove_entry(int dirfd, const char *name, unsigned depth)
{
	struct tree_list list;
	int fd;
	int code;

	if (unlinkat(dirfd, name, 0) == 0)
		return 0;
	if (errno != EISDIR || depth == 0)
		return -1;
	fd = tree_open(dirfd, name);
	if (fd < 0)
		return -1;
	if (tree_list(fd, &list) == 0) {
		(void)sweep(fd, &list, depth - 1, &code);
		tree_list_clear(&list);
	}
	(void)close(fd);
	return unlinkat(dirfd, name, AT_REMOVEDIR);
}

int
tree_remove(int dirfd, const char *name)
{
	return remove_entry(dirfd, name, DEPTH_MAX);
}

uint32_t
tree_sweep(int fd, const struct tree_list *list, int *code)
{
	return sweep(fd, list, DEPTH_MAX, code);
}

uint32_t
tree_clear(int fd, tree_stays *stays, void *arg, int *code)
{
	struct tree_list list;
	uint32_t count;

	if (tree_list(fd, &list) != 0) {
		*code = errno;
		return 0;
	}
	for (size_t i = 0; i < list.count; i++)
		list.entries[i].stays = stays(list.entries[i].name, arg);
	count = tree_sweep(fd, &list, code);
	tree_list_clear(&list);
	return count;
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

/* Without a list the group's bits are the group's again. */
static int
drop_acl(int fd, struct stat *st)
{
	if (fgetxattr(fd, ACL_NAME, NULL, 0) < 0)
		return errno == ENODATA || is_unsupported(errno) ? 0 : -1;
	return fremovexattr(fd, ACL_NAME) == 0 ? fstat(fd, st) : -1;
}

static int
adjust_mode(int fd, mode_t mode, struct stat *st)
{
	if (drop_acl(fd, st) != 0)
		return -1;
	return (st->st_mode & 07777) == mode ? 0 : fchmod(fd, mode);
}

static int
adjust_acl(int fd, mode_t mode, uid_t user, struct stat *st)
{
	uint8_t acl[ACL_LEN] = {0};
	uint8_t now[ACL_LEN] = {0};

	encode_acl(acl, mode, user);
	if (fgetxattr(fd, ACL_NAME, now, sizeof(now)) == ACL_LEN &&
	    memcmp(acl, now, ACL_LEN) == 0)
		return 0;
	if (fsetxattr(fd, ACL_NAME, acl, ACL_LEN, 0) == 0)
		return 0;
	return is_unsupported(errno) ? adjust_mode(fd, mode, st) : -1;
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
		return adjust_mode(fd, access->mode, &st);
	return adjust_acl(fd, access->mode, access->user, &st);
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

/* What a crash left under this name goes. */
static int
open_temporary(int dirfd)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, TEMPORARY, flags, 0600);

	if (fd < 0 && errno == EEXIST && tree_remove(dirfd, TEMPORARY) == 0)
		fd = openat(dirfd, TEMPORARY, flags, 0600);
	return fd;
}

int
tree_write(int dirfd, const char *name, const char *text, size_t len)
{
	int fd = open_temporary(dirfd);
	bool whole;
	int code;

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
	/* A new one is there at once and whole. */
	if (symlinkat(target, dirfd, name) == 0)
		return 0;
	(void)tree_remove(dirfd, TEMPORARY);
	if (symlinkat(target, dirfd, TEMPORARY) != 0)
		return -1;
	return settle(dirfd, name);
}

static bool
reads_as(int fd, const char *text, size_t len)
{
	char have[4096];
	size_t done = 0;

	while (done < len) {
		ssize_t n = read(fd, have, sizeof(have));

		if (n <= 0 || (size_t)n > len - done ||
		    memcmp(have, &text[done], (size_t)n) != 0)
			return false;
		done += (size_t)n;
	}
	return true;
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
	       (st.st_mode & 07777) == FILE_MODE && st.st_size >= 0 &&
	       (size_t)st.st_size == len && reads_as(fd, text, len);
	(void)close(fd);
	return same;
}
