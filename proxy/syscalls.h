/*
 * Which system calls a process of the daemon may still make: filters of
 * libseccomp, for good and for all its children.
 */
#ifndef PROXY_SYSCALLS_H
#define PROXY_SYSCALLS_H

#include <stdbool.h>

/*
 * For the voucher and the checks it forks.  Modules of PAM come from elsewhere
 * and may do what programs do, so this is a list of what is refused (EPERM):
 * every socket but local ones and the kernel's own, looking into other
 * processes, mounts and name spaces, modules, the clock, raw devices.  A module
 * that goes to the network by itself cannot work here; one that asks a service
 * of this host (sssd, winbind, nslcd) can.
 */
bool syscalls_refuse(void);

#endif
