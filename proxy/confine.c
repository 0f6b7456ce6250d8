#include "confine.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/*
 * A session uses some 12 descriptors and under 2 MiB; these are far above that
 * and far below what would hurt the others.
 */
enum { SESSION_FILES = 64, SESSION_DATA = 48 * 1024 * 1024 };

bool
confine_process(void)
{
	const struct rlimit none = {0, 0};

	if (close_range(3, ~0U, 0) != 0)
		return false;
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return false;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return false;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

bool
confine_drop(const char *user)
{
	const struct passwd *pw;

	if (geteuid() != 0)
		return true;
	errno = ENOENT;
	pw = getpwnam(user);
	if (pw == NULL)
		return false;
	if (initgroups(user, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0)
		return false;
	if (pw->pw_uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		return false;
	}
	/* A change of identity makes a process dumpable again. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

bool
confine_session(void)
{
	const struct rlimit files = {SESSION_FILES, SESSION_FILES};
#ifndef __SANITIZE_ADDRESS__ /* the shadow memory counts as data */
	const struct rlimit data = {SESSION_DATA, SESSION_DATA};

	if (setrlimit(RLIMIT_DATA, &data) != 0)
		return false;
#endif
	return setrlimit(RLIMIT_NOFILE, &files) == 0;
}
