/*
 * What a process has given up once it is confined, and the directories it may
 * use.
 */
#include "confine.h"

#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

#ifdef SANITIZED
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

static char dir[] = "/tmp/test_confine.XXXXXX";

/* In a process of its own, which says what it misses. */
#define WANT(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)dprintf(2, "line %d: %s\n", __LINE__,            \
			              #condition);                             \
			_exit(EXIT_FAILURE);                                   \
		}                                                              \
	} while (0)

static void
alone(void (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		run();
		_exit(EXIT_SUCCESS);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void
confined(void)
{
	struct rlimit core;

	WANT(dup2(2, 3) == 3 && dup2(2, 4) == 4 && dup2(2, 100) == 100);
	WANT(confine_process());
	WANT(is_open(0) && is_open(1) && is_open(2));
	WANT(!is_open(3) && !is_open(4) && !is_open(100));
	WANT(getrlimit(RLIMIT_CORE, &core) == 0);
	WANT(core.rlim_cur == 0 && core.rlim_max == 0);
	WANT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void
test_process(void **state)
{
	(void)state;
	alone(confined);
}

static void
undumpable(void)
{
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
	WANT(confine_process());
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
	if (geteuid() != 0)
		return;
	WANT(confine_drop("nobody"));
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
}

static void
still_dumpable(void)
{
	WANT(confine_process());
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
	if (geteuid() != 0)
		return;
	WANT(confine_drop("nobody"));
	WANT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1);
}

/* Nobody may look into it, but the leak sanitizer has to. */
static void
test_dumpable(void **state)
{
	(void)state;
	alone(sanitized ? still_dumpable : undumpable);
}

static void
dropped(void)
{
	const struct passwd *pw = getpwnam("nobody");
	gid_t with_root[] = {0, 1, 2};
	uid_t uid[3];
	gid_t gid[3];
	gid_t groups[64];
	int count;

	WANT(pw != NULL);
	WANT(setgroups(3, with_root) == 0);
	WANT(confine_drop("nobody"));
	WANT(getresuid(&uid[0], &uid[1], &uid[2]) == 0);
	WANT(getresgid(&gid[0], &gid[1], &gid[2]) == 0);
	for (int i = 0; i < 3; i++)
		WANT(uid[i] == pw->pw_uid && gid[i] == pw->pw_gid);
	count = getgroups(64, groups);
	WANT(count >= 0);
	for (int i = 0; i < count; i++)
		WANT(groups[i] != 0 && groups[i] != 1);
	WANT(setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0);
	WANT(setresuid(0, 0, 0) != 0 && setgroups(1, with_root) != 0);
	WANT(open("/etc/shadow", O_RDONLY) < 0);
	WANT(confine_drop("root")); /* it stays who it is */
	WANT(geteuid() == pw->pw_uid);
}

static void
no_such_user(void)
{
	WANT(!confine_drop("no-such-user"));
	WANT(errno == ENOENT);
	WANT(geteuid() == 0);
}

static void
test_drop(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	alone(dropped);
	alone(no_such_user);
}

static void
limited(void)
{
	struct rlimit files, data;

	WANT(confine_session());
	WANT(getrlimit(RLIMIT_NOFILE, &files) == 0);
	WANT(files.rlim_cur == files.rlim_max && files.rlim_max <= 256);
	WANT(getrlimit(RLIMIT_DATA, &data) == 0);
	WANT(sanitized || (data.rlim_cur == data.rlim_max &&
	                   data.rlim_max <= 256 * 1024 * 1024));
}

static void
test_session(void **state)
{
	(void)state;
	alone(limited);
}

static void
test_directory(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	char path[128], parent[64], file[64];
	struct stat st;

	(void)state;
	(void)snprintf(parent, sizeof(parent), "%s/a", dir);
	(void)snprintf(path, sizeof(path), "%s/a/b/c", dir);
	(void)snprintf(file, sizeof(file), "%s/file", dir);
	assert_true(confine_directory(path, 0700, "nobody"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	if (geteuid() == 0)
		assert_int_equal(st.st_uid, nobody->pw_uid);
	assert_int_equal(stat(parent, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_uid, geteuid());

	/* what is there is the operator's */
	assert_true(confine_directory(parent, 0700, "nobody"));
	assert_int_equal(stat(parent, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_uid, geteuid());

	assert_int_equal(close(open(file, O_CREAT | O_WRONLY, 0600)), 0);
	assert_false(confine_directory(file, 0700, "nobody"));
	assert_int_equal(errno, ENOTDIR);
	(void)snprintf(path, sizeof(path), "%s/file/below", dir);
	assert_false(confine_directory(path, 0700, "nobody"));
}

static int
make_dir(void **state)
{
	(void)state;
	(void)umask(022);
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	(void)state;
	return scratch_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_process),   cmocka_unit_test(test_dumpable),
	    cmocka_unit_test(test_drop),      cmocka_unit_test(test_session),
	    cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
