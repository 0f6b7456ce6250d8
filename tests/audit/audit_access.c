/* Who may come near what lies on disk: owners, modes, access lists. */
#include "auditor.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* acl(5), as the kernel's attribute has it: a version, then entries. */
enum {
	ACL_VERSION_LEN = 4,
	ACL_ENTRY_LEN = 8, /* tag, permissions, id */
	ACL_MAX = ACL_VERSION_LEN + 32 * ACL_ENTRY_LEN,
	ACL_USER_OBJ = 0x01,
	ACL_USER = 0x02,
	ACL_GROUP_OBJ = 0x04,
	ACL_MASK = 0x10,
	ACL_OTHER = 0x20,
	READ_ENTER = 5
};

/* Who is let in, as it was found. */
struct access {
	mode_t owner;
	mode_t group;
	mode_t other;
	unsigned users; /* by a list */
	uid_t user;     /* the last of them */
	mode_t bits;
	bool strange; /* an entry that none of ours has */
};

static unsigned long
number(const uint8_t *at, unsigned len)
{
	unsigned long value = 0;

	while (len-- > 0)
		value = value << 8 | at[len];
	return value;
}

static void
take_entry(struct access *access, const uint8_t *entry)
{
	mode_t bits = (mode_t)number(entry + 2, 2);

	switch (number(entry, 2)) {
	case ACL_USER_OBJ:
		access->owner = bits;
		return;
	case ACL_USER:
		access->users++;
		access->user = (uid_t)number(entry + 4, 4);
		access->bits = bits;
		return;
	case ACL_GROUP_OBJ:
		access->group = bits;
		return;
	case ACL_MASK:
		return;
	case ACL_OTHER:
		access->other = bits;
		return;
	default: /* of a file system: not ours to know */
		access->strange = true;
		return;
	}
}

/* False: the file system has no lists. */
static bool
read_access(const char *path, const struct stat *st, struct access *access)
{
	uint8_t list[ACL_MAX];
	ssize_t len =
	    lgetxattr(path, "system.posix_acl_access", list, sizeof(list));

	*access = (struct access){.owner = st->st_mode >> 6 & 7,
	                          .group = st->st_mode >> 3 & 7,
	                          .other = st->st_mode & 7};
	if (len < 0)
		return errno == ENODATA;
	for (ssize_t at = ACL_VERSION_LEN; at + ACL_ENTRY_LEN <= len;
	     at += ACL_ENTRY_LEN)
		take_entry(access, list + at);
	return true;
}

static void
check_users(struct auditor *a, const char *path, uid_t user,
            const struct access *access, bool has_lists)
{
	if (access->strange || access->users > 1 ||
	    (access->users == 1 && access->user != user))
		auditor_violation(a, "I7", "lets in another user: %s", path);
	else if (access->users == 1 && access->bits != READ_ENTER)
		auditor_violation(a, "I7", "the user may do %o with: %s",
		                  access->bits, path);
	else if (has_lists && access->users == 0 && user != AUDITOR_NOBODY)
		auditor_violation(a, "I7", "keeps out its user: %s", path);
	if (lgetxattr(path, "system.posix_acl_default", NULL, 0) > 0)
		auditor_violation(a, "I7", "its files let others in: %s", path);
}

void
audit_directory(struct auditor *a, const char *path, mode_t mode, uid_t user)
{
	struct access access;
	struct stat st;
	bool has_lists;

	if (lstat(path, &st) != 0)
		return;
	if (!S_ISDIR(st.st_mode)) {
		auditor_violation(a, "I7", "not a directory: %s", path);
		return;
	}
	has_lists = read_access(path, &st, &access);
	if (st.st_uid != a->owner || st.st_gid != a->group)
		auditor_violation(a, "I7", "somebody else's: %s", path);
	if ((st.st_mode & 07000) != 0 ||
	    (access.owner << 6 | access.group << 3 | access.other) != mode)
		auditor_violation(a, "I7", "its mode is not %o: %s", mode,
		                  path);
	check_users(a, path, user, &access, has_lists);
}

void
audit_file(struct auditor *a, const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return;
	if (!S_ISREG(st.st_mode) || st.st_uid != a->owner || st.st_nlink != 1 ||
	    (st.st_mode & 07777) != 0644 ||
	    lgetxattr(path, "system.posix_acl_access", NULL, 0) > 0)
		auditor_violation(a, "I7", "not a plain file of ours: %s",
		                  path);
}

/* Another domain's user of the same name is somebody else. */
uid_t
audit_account(const char *user)
{
	const struct passwd *pw = user[0] != '\0' ? getpwnam(user) : NULL;
	const char *at = strrchr(user, '@');
	char name[AUDITOR_PATH];

	if (pw == NULL && at != NULL && at != user && at[1] != '\0') {
		(void)snprintf(name, sizeof(name), "%s\\%.*s", at + 1,
		               (int)(at - user), user);
		pw = getpwnam(name);
	}
	return pw != NULL ? pw->pw_uid : AUDITOR_NOBODY;
}

static void
on_user(struct auditor *a, const char *text, void *arg)
{
	(void)a;
	*(uid_t *)arg = audit_account(text);
}

uid_t
audit_session_user(struct auditor *a, const char *id)
{
	uid_t user = AUDITOR_NOBODY;

	audit_store_each(a,
	                 "SELECT user_key FROM session WHERE session_id = ?1",
	                 id, on_user, &user);
	return user;
}

void
audit_each_name(struct auditor *a, const char *path, audit_on_name *on,
                void *arg)
{
	DIR *dir = opendir(path);

	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL;
	     e = readdir(dir))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			on(a, path, e->d_name, arg);
	if (dir != NULL)
		(void)closedir(dir);
}
