/*
 * What a process of the daemon gives up: privileges, core dumps, being looked
 * into by a debugger, and resources it has no use for.
 */
#ifndef PROXY_CONFINE_H
#define PROXY_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * For every process, before anything else: not dumpable, core size 0, no new
 * privileges, no inherited descriptors above standard error.  False: errno.
 */
bool confine_process(void);

/*
 * Become the service user for good: groups, group and user id, all three kinds;
 * and check that the way back is closed.  A process that was not started as
 * root stays who it is.  False: errno.
 */
bool confine_drop(const char *user);

/*
 * A directory of the daemon's: made with its parents where missing, and, when
 * we are root, given to the service user where we made it.  False: errno.
 */
bool confine_directory(const char *path, mode_t mode, const char *user);

/* Close all descriptors above standard error but these. */
void confine_descriptors(const int *keep, size_t count);

/* Limits of a session process: descriptors and memory. */
bool confine_session(void);

/*
 * For the process that stays root (voucher.h): it keeps
 * only the capabilities that PAM's modules need to read accounts and to write
 * audit records, has an environment of its own, and system calls it has no use
 * for are refused: above all, any network (syscalls.h).  False: errno.
 */
bool confine_voucher(void);

/* Limits of one check of a password, on top of that. */
bool confine_check(void);

#endif
