/*
 * The system calls a session may make: a list of what is allowed, for a process
 * that reads what strangers send.  It has its sockets, reaches its target,
 * looks up names and accounts, reads files and forks helpers that do the same;
 * it writes no file, runs no program and looks into nobody.
 *
 * A call that nothing in a session could ever want ends the process, so that
 * the attempt is seen; any other that is not on the list fails with EPERM.
 * What a sanitizer does besides is allowed where one is built in.
 *
 * The filter is made once, by the gate: entering it takes no memory.
 */
#ifndef PROXY_SANDBOX_H
#define PROXY_SANDBOX_H

#include <stdbool.h>

struct sandbox;

/* NULL: errno. */
struct sandbox *sandbox_new(void);
void sandbox_free(struct sandbox *sandbox);

/*
 * This process and its children, for good; it must have given up new
 * privileges (confine_process).  False: errno.
 */
bool sandbox_enter(const struct sandbox *sandbox);

#endif
