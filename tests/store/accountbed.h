/*
 * Accounts that come and go: a file such as /etc/passwd, and a name service
 * that reads it and can be out of order.  It takes the place of getpwnam_r in
 * the whole test, also in processes that are forked; what is not in the file
 * the real one is asked for.
 */
#ifndef TESTS_ACCOUNTBED_H
#define TESTS_ACCOUNTBED_H

#include <stdbool.h>
#include <sys/types.h>

/* An empty file; its name stays the same for the whole test. */
const char *accountbed_init(void);
void accountbed_clear(void);

void accountbed_add(const char *name, uid_t uid);
void accountbed_remove(const char *name);

/* The file is not there. */
void accountbed_unlink(void);

/* The service cannot be asked about this one; NULL: it is well again. */
void accountbed_break(const char *name);

#endif
