#include "confine.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A session uses some 12 descriptors and under 2 MiB; these are far above that
 * and far below what would hurt the others.
 */
enum { SESSION_FILES = 64, SESSION_DATA = 48 * 1024 * 1024 };

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

/* A sanitized process stays dumpable: leaks are found by looking into it. */
#ifdef SANITIZED
enum { DUMPABLE = 1 };
#else
enum { DUMPABLE = 0 };
#endif

bool
confine_process(void)
{
	const struct rlimit none = {0, 0};

	if (close_range(3, ~0U, 0) != 0)
		return false;
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return false;
	if (prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0) != 0)
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool
confine_drop(const char *user)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return true;
	pw = getpwnam(user);
	if (pw == NULL) {
		errno = ENOENT;
		return false;
	}
	if (initgroups(user, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return false;
	if (pw->pw_uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		return false;
	}
	/* A change of identity sets this to what the machine's owner chose. */
	return prctl(PR_SET_DUMPABLE, DUMPABLE, 0, 0, 0) == 0;
}

/* The parents of a path, 0755. */
static bool
make_parents(const char *path)
{
	char parent[4096];
	size_t len = strlen(path);

	if (len >= sizeof(parent)) {
		errno = ENAMETOOLONG;
		return false;
	}
	for (size_t i = 1; i < len; i++) {
		if (path[i] != '/')
			continue;
		memcpy(parent, path, i);
		parent[i] = '\0';
		if (mkdir(parent, 0755) != 0 && errno != EEXIST)
			return false;
	}
	return true;
}

bool
confine_directory(const char *path, mode_t mode, const char *user)
{
	const struct passwd *pw;
	struct stat st;

	if (stat(path, &st) == 0) {
		errno = ENOTDIR;
		return S_ISDIR(st.st_mode);
	}
	if (!make_parents(path) || mkdir(path, mode) != 0)
		return false;
	if (geteuid() != 0)
		return true;
	pw = getpwnam(user);
	if (pw == NULL) {
		errno = ENOENT;
		return false;
	}
	return chown(path, pw->pw_uid, pw->pw_gid) == 0;
}

/* The lowest of these at or above from; INT_MAX: none. */
static int
next_kept(const int *keep, size_t count, int from)
{
	int next = INT_MAX;

	for (size_t i = 0; i < count; i++) {
		if (keep[i] >= from && keep[i] < next)
			next = keep[i];
	}
	return next;
}

void
confine_descriptors(const int *keep, size_t count)
{
	int from = STDERR_FILENO + 1;

	for (int next = next_kept(keep, count, from); next != INT_MAX;
	     next = next_kept(keep, count, from)) {
		if (next > from)
			(void)close_range((unsigned)from, (unsigned)next - 1,
			                  0);
		from = next + 1;
	}
	(void)close_range((unsigned)from, ~0U, 0);
}

bool
confine_session(void)
{
	const struct rlimit files = {SESSION_FILES, SESSION_FILES};
#ifndef SANITIZED /* the shadow memory counts as data */
	const struct rlimit data = {SESSION_DATA, SESSION_DATA};

	if (setrlimit(RLIMIT_DATA, &data) != 0)
		return false;
#endif
	return setrlimit(RLIMIT_NOFILE, &files) == 0;
}
