/* A session in the sandbox does its work, and nothing else. */
#include "sandbox.h"
#include "sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pwd.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* In a process of its own, which says what it misses. */
#define WANT(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			(void)dprintf(2, "line %d: %s: %s\n", __LINE__,        \
			              #condition, strerror(errno));            \
			_exit(EXIT_FAILURE);                                   \
		}                                                              \
	} while (0)

#define FAILS(call, why) WANT((call) < 0 && errno == (why))

static struct sandbox *sandbox;

static void
enter(void)
{
	WANT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	WANT(sandbox_enter(sandbox));
}

/* How a process ended that entered and then ran this. */
static int
alone(void (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		enter();
		run();
		_exit(EXIT_SUCCESS);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* What a session and its helper do. */
static void
work(void)
{
	struct addrinfo *found = NULL;
	char buffer[16];
	int fds[2], fd;
	pid_t pid;

	WANT(getaddrinfo("localhost", "3389", NULL, &found) == 0);
	freeaddrinfo(found);
	WANT(getpwnam("root") != NULL);
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	WANT(fd >= 0 && read(fd, buffer, sizeof(buffer)) > 0);
	WANT(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	WANT(socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0) >= 0);
	WANT(pipe2(fds, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0)
		for (;;)
			(void)pause();
	WANT(pid > 0 && kill(pid, SIGKILL) == 0);
	WANT(waitpid(pid, NULL, 0) == pid);
	void *memory = malloc(1 << 22);
	WANT(memory != NULL);
	free(memory);
}

static void
test_work(void **state)
{
	(void)state;
	assert_int_equal(alone(work), 0);
}

/* In the list, but not with these arguments; or not in it. */
static void
refusals(void)
{
	FAILS(socket(AF_INET, SOCK_RAW, 1), EPERM);
	FAILS(socket(AF_PACKET, SOCK_DGRAM, 0), EPERM);
	FAILS(listen(socket(AF_UNIX, SOCK_STREAM, 0), 1), EPERM);
	FAILS(kill(getppid(), SIGTERM), EPERM);
	FAILS(symlink("/", "/tmp/x"), EPERM);
	FAILS(rename("/tmp/x", "/tmp/y"), EPERM);
	FAILS(chmod("/tmp", 0777), EPERM);
	FAILS(setresuid(0, 0, 0), EPERM);
	FAILS(syscall(SYS_memfd_create, "x", 0), EPERM);
	FAILS(syscall(SYS_clone3, NULL, 0), ENOSYS);
#ifndef SANITIZED
	FAILS(open("/tmp/x", O_WRONLY | O_CREAT, 0600), EPERM);
	FAILS(open("/dev/null", O_RDWR), EPERM);
	FAILS(mkdir("/tmp/x", 0700), EPERM);
	FAILS(unlink("/tmp/x"), EPERM);
	FAILS(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), EPERM);
	FAILS(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FAILS(mprotect(page, 4096, PROT_READ | PROT_EXEC), EPERM);
	FAILS(syscall(SYS_mmap, NULL, 4096, PROT_WRITE | PROT_EXEC,
	              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	      EPERM);
#endif
}

static void
test_refusals(void **state)
{
	(void)state;
	assert_int_equal(alone(refusals), 0);
}

static void
run_program(void)
{
	(void)execl("/bin/true", "true", NULL);
}

static void
change_memory(void)
{
	(void)syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0, 0);
}

static void
leave_namespace(void)
{
	(void)unshare(CLONE_NEWNS);
}

static void
load_program(void)
{
	(void)syscall(SYS_bpf, 0, NULL, 0);
}

static void
keep_key(void)
{
	(void)syscall(SYS_keyctl, 0, 0, 0, 0, 0);
}

#ifndef SANITIZED
static void
trace(void)
{
	(void)syscall(SYS_ptrace, 0, 0, 0, 0);
}
#endif

static void
test_deadly(void **state)
{
	static void (*const deeds[])(void) = {
	    run_program, change_memory, leave_namespace, load_program, keep_key,
#ifndef SANITIZED
	    trace,
#endif
	};

	(void)state;
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
		int status = alone(deeds[i]);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSYS);
	}
}

static int
make(void **state)
{
	(void)state;
	sandbox = sandbox_new();
	return sandbox == NULL;
}

static int
drop(void **state)
{
	(void)state;
	sandbox_free(sandbox);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_work),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_deadly),
	};

	return cmocka_run_group_tests(tests, make, drop);
}
