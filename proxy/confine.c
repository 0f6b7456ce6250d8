#include "confine.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sanitized.h"
#include "syscalls.h"

/*
 * A session uses some 12 descriptors and under 2 MiB; these are far above that
 * and far below what would hurt the others.
 */
enum { SESSION_FILES = 64, SESSION_DATA = 48 * 1024 * 1024 };

/* One check of a password: what a module of PAM may need, with room. */
enum {
	CHECK_FILES = 256,
	CHECK_DATA = 256 * 1024 * 1024,
	CHECK_FILE_SIZE = 16 * 1024 * 1024,
	CHECK_CPU_S = 10
};

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

/*
 * Reading accounts that are not root's, and records for the audit: without the
 * second PAM fails for root.  Some modules look at a home as its user; what
 * runs as that must be ended like the rest.
 */
static const int voucher_capabilities[] = {CAP_DAC_READ_SEARCH, CAP_AUDIT_WRITE,
                                           CAP_SETUID, CAP_SETGID, CAP_KILL};

static bool
keep_capabilities(const int *keep, size_t count)
{
	struct __user_cap_header_struct header = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3] = {{0}};
	uint64_t kept = 0;

	for (size_t i = 0; i < count; i++)
		kept |= UINT64_C(1) << keep[i];
	if (syscall(SYS_capget, &header, had) != 0)
		return false;
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if ((kept >> cap & 1) == 0 &&
		    prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return false;
	}
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted =
		    had[i].permitted & (uint32_t)(kept >> 32 * i);
		data[i].effective = data[i].permitted;
	}
	return syscall(SYS_capset, &header, data) == 0;
}

bool
confine_voucher(void)
{
	const size_t count =
	    sizeof(voucher_capabilities) / sizeof(voucher_capabilities[0]);

	if (clearenv() != 0 ||
	    setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) != 0 ||
	    chdir("/") != 0)
		return false;
	(void)umask(077);
	return keep_capabilities(voucher_capabilities, count) &&
	       syscalls_refuse();
}

bool
confine_check(void)
{
	const struct rlimit files = {CHECK_FILES, CHECK_FILES};
	const struct rlimit size = {CHECK_FILE_SIZE, CHECK_FILE_SIZE};
	const struct rlimit cpu = {CHECK_CPU_S, CHECK_CPU_S};
#ifndef SANITIZED
	const struct rlimit data = {CHECK_DATA, CHECK_DATA};

	if (setrlimit(RLIMIT_DATA, &data) != 0)
		return false;
#endif
	return setrlimit(RLIMIT_NOFILE, &files) == 0 &&
	       setrlimit(RLIMIT_FSIZE, &size) == 0 &&
	       setrlimit(RLIMIT_CPU, &cpu) == 0;
}
