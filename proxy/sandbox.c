#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sanitized.h"

struct sandbox {
	struct sock_fprog program;
	struct sock_filter code[];
};

/* Whatever the arguments are.  clang-format would give each a line. */
/* clang-format off */
static const int allowed[] = {
	/* what is open */
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write),
	SCMP_SYS(writev), SCMP_SYS(lseek), SCMP_SYS(close),
	SCMP_SYS(close_range), SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3),
	SCMP_SYS(fcntl), SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(flock),
	/* files, to look at */
	SCMP_SYS(stat), SCMP_SYS(lstat), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
	SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs), SCMP_SYS(access),
	SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
	SCMP_SYS(fadvise64), SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch),
	/* sockets, but for making them */
	SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(shutdown),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
	SCMP_SYS(setsockopt), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmmsg),
	/* waiting */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(select), SCMP_SYS(pselect6),
	SCMP_SYS(eventfd2), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(alarm), SCMP_SYS(futex),
	SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	/* the clock and random numbers */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	/* memory; vouch.h locks a password */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap),
	SCMP_SYS(madvise), SCMP_SYS(mlock), SCMP_SYS(munlock),
	/* itself */
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(gettid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
	SCMP_SYS(getegid), SCMP_SYS(getresuid), SCMP_SYS(getresgid),
	SCMP_SYS(getgroups), SCMP_SYS(getrusage), SCMP_SYS(getrlimit),
	SCMP_SYS(times), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu), SCMP_SYS(rseq),
	SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address),
	SCMP_SYS(membarrier),
	/* signals and ends */
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(pause), SCMP_SYS(sigaltstack), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* the helper that groups.h forks */
	SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(wait4), SCMP_SYS(waitid),
#ifdef SANITIZED
	/* it looks for leaks from outside, and writes what it found */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(prctl),
	SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(mkdir), SCMP_SYS(unlink),
	SCMP_SYS(getdents), SCMP_SYS(mmap), SCMP_SYS(clone), SCMP_SYS(mprotect), SCMP_SYS(tgkill),
	SCMP_SYS(arch_prctl), SCMP_SYS(personality), SCMP_SYS(prlimit64),
#endif
};

/* What nothing in a session could ever want. */
static const int deadly[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat),
#ifndef SANITIZED
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
#endif
	SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
	SCMP_SYS(process_madvise),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(move_mount), SCMP_SYS(open_tree),
	SCMP_SYS(fsopen), SCMP_SYS(fsmount), SCMP_SYS(fspick),
	SCMP_SYS(open_by_handle_at), SCMP_SYS(mknod), SCMP_SYS(mknodat),
	SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register),
	SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(keyctl),
	SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(reboot), SCMP_SYS(swapon),
	SCMP_SYS(swapoff), SCMP_SYS(iopl), SCMP_SYS(ioperm),
};
/* clang-format on */

enum { WRITES = O_ACCMODE | O_CREAT | O_TRUNC, SOCKET_KIND = 0xf };

#define NAMESPACES                                                             \
	(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |           \
	 CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)

#define EQUALS(index, value)                                                   \
	{                                                                      \
		index, SCMP_CMP_EQ, value, 0                                   \
	}
#define MASKED(index, mask, value)                                             \
	{                                                                      \
		index, SCMP_CMP_MASKED_EQ, mask, value                         \
	}

/* A call is allowed where all these hold; several rows are alternatives. */
static const struct {
	int call;
	unsigned count;
	struct scmp_arg_cmp args[2];
} conditions[] = {
#ifndef SANITIZED
    {SCMP_SYS(open), 1, {MASKED(1, WRITES, 0)}},
    {SCMP_SYS(openat), 1, {MASKED(2, WRITES, 0)}},
    {SCMP_SYS(clone), 1, {MASKED(0, NAMESPACES, 0)}},
    /* A library is mapped as it is; nothing that was written becomes code. */
    {SCMP_SYS(mmap), 1, {MASKED(2, PROT_WRITE | PROT_EXEC, 0)}},
    {SCMP_SYS(mmap), 1, {MASKED(2, PROT_WRITE | PROT_EXEC, PROT_WRITE)}},
    {SCMP_SYS(mmap), 1, {MASKED(2, PROT_WRITE | PROT_EXEC, PROT_EXEC)}},
    {SCMP_SYS(mprotect), 1, {MASKED(2, PROT_EXEC, 0)}},
    {SCMP_SYS(prctl), 1, {EQUALS(0, PR_SET_NAME)}},
    {SCMP_SYS(prlimit64), 1, {EQUALS(2, 0)}},
    {SCMP_SYS(tgkill), 1, {EQUALS(2, SIGABRT)}},
#endif
    {SCMP_SYS(kill), 1, {EQUALS(1, SIGKILL)}},
    {SCMP_SYS(socketpair), 1, {EQUALS(0, AF_UNIX)}},
    {SCMP_SYS(socket), 1, {EQUALS(0, AF_UNIX)}},
    {SCMP_SYS(socket),
     2,
     {EQUALS(0, AF_INET), MASKED(1, SOCKET_KIND, SOCK_STREAM)}},
    {SCMP_SYS(socket),
     2,
     {EQUALS(0, AF_INET), MASKED(1, SOCKET_KIND, SOCK_DGRAM)}},
    {SCMP_SYS(socket),
     2,
     {EQUALS(0, AF_INET6), MASKED(1, SOCKET_KIND, SOCK_STREAM)}},
    {SCMP_SYS(socket),
     2,
     {EQUALS(0, AF_INET6), MASKED(1, SOCKET_KIND, SOCK_DGRAM)}},
    /* Which addresses the host has: a resolver asks. */
    {SCMP_SYS(socket), 2, {EQUALS(0, AF_NETLINK), EQUALS(2, 0)}},
    {SCMP_SYS(ioctl), 1, {EQUALS(1, FIONBIO)}},
    {SCMP_SYS(ioctl), 1, {EQUALS(1, FIONREAD)}},
    {SCMP_SYS(ioctl), 1, {EQUALS(1, TCGETS)}},
};

/* One that the machine's architecture does not have needs no rule. */
static bool
is_added(int err)
{
	return err == 0 || err == -EDOM;
}

static bool
add_list(scmp_filter_ctx filter, uint32_t action, const int *calls,
         size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!is_added(seccomp_rule_add(filter, action, calls[i], 0)))
			return false;
	}
	return true;
}

static bool
add_rules(scmp_filter_ctx filter)
{
	const uint32_t absent = SCMP_ACT_ERRNO(ENOSYS);

	if (!add_list(filter, SCMP_ACT_ALLOW, allowed,
	              sizeof(allowed) / sizeof(allowed[0])) ||
	    !add_list(filter, SCMP_ACT_KILL_PROCESS, deadly,
	              sizeof(deadly) / sizeof(deadly[0])))
		return false;
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]);
	     i++) {
		if (!is_added(seccomp_rule_add_array(
			filter, SCMP_ACT_ALLOW, conditions[i].call,
			conditions[i].count, conditions[i].args)))
			return false;
	}
	/* Its flags lie in memory; the C library takes clone instead. */
	return is_added(seccomp_rule_add(filter, absent, SCMP_SYS(clone3), 0));
}

/* What was written to a file in memory, as a program. */
static struct sandbox *
read_program(int fd)
{
	struct sandbox *sandbox = NULL;
	struct stat st;
	size_t len;

	if (fstat(fd, &st) != 0 || st.st_size <= 0)
		return NULL;
	len = (size_t)st.st_size;
	if (len / sizeof(struct sock_filter) <= BPF_MAXINSNS)
		sandbox = malloc(sizeof(*sandbox) + len);
	if (sandbox == NULL)
		return NULL;
	if (pread(fd, sandbox->code, len, 0) != (ssize_t)len) {
		free(sandbox);
		return NULL;
	}
	sandbox->program.len =
	    (unsigned short)(len / sizeof(struct sock_filter));
	sandbox->program.filter = sandbox->code;
	return sandbox;
}

static bool
make_program(int fd)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	bool ok;

	/* 2: a tree of numbers, as most calls stand far down in a list. */
	ok = filter != NULL && add_rules(filter) &&
	     seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2) == 0 &&
	     seccomp_export_bpf(filter, fd) == 0;
	if (filter != NULL)
		seccomp_release(filter);
	return ok;
}

/*
 * The holes that the library leaves in a heap would be filled, and so copied,
 * by every session: some 16 KiB of each.
 */
static bool
make_elsewhere(int fd)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(make_program(fd) ? EXIT_SUCCESS : EXIT_FAILURE);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

struct sandbox *
sandbox_new(void)
{
	int fd = memfd_create("sandbox", MFD_CLOEXEC);
	struct sandbox *sandbox = NULL;

	if (fd >= 0 && make_elsewhere(fd))
		sandbox = read_program(fd);
	if (fd >= 0)
		(void)close(fd);
	if (sandbox == NULL)
		errno = ENOTSUP;
	return sandbox;
}

void
sandbox_free(struct sandbox *sandbox)
{
	free(sandbox);
}

bool
sandbox_enter(const struct sandbox *sandbox)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &sandbox->program, 0,
	             0) == 0;
}
