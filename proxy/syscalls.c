#include "syscalls.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/socket.h>

#include "sanitized.h"

#define ERROR(number) SCMP_ACT_ERRNO(number)

static const int refused_calls[] = {
/* other processes */
#ifndef SANITIZED
    SCMP_SYS(ptrace),
#endif
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    /* the file system's shape */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsmount),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(quotactl),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    /* name spaces */
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    /* the kernel */
    SCMP_SYS(bpf),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(reboot),
    SCMP_SYS(acct),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    /* the clock */
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
};

/* One a machine's architecture does not have is refused already. */
static bool
refuse_calls(scmp_filter_ctx filter)
{
	const size_t count = sizeof(refused_calls) / sizeof(refused_calls[0]);

	for (size_t i = 0; i < count; i++) {
		int err =
		    seccomp_rule_add(filter, ERROR(EPERM), refused_calls[i], 0);

		if (err != 0 && err != -EDOM)
			return false;
	}
	return true;
}

/* Local sockets and the kernel's own (for the audit) stay. */
static bool
refuse_network(scmp_filter_ctx filter)
{
	const uint32_t action = ERROR(EAFNOSUPPORT);

	for (unsigned family = 0; family <= AF_NETLINK; family++) {
		if (family == AF_UNIX || family == AF_NETLINK)
			continue;
		if (seccomp_rule_add(filter, action, SCMP_SYS(socket), 1,
		                     SCMP_A0_64(SCMP_CMP_EQ, family, 0)) != 0)
			return false;
	}
	return seccomp_rule_add(filter, action, SCMP_SYS(socket), 1,
	                        SCMP_A0_64(SCMP_CMP_GT, AF_NETLINK, 0)) == 0;
}

bool
syscalls_refuse(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool ok = filter != NULL && refuse_calls(filter) &&
	          refuse_network(filter) && seccomp_load(filter) == 0;

	if (filter != NULL)
		seccomp_release(filter);
	return ok;
}
