/*
 * Where views must not be.  What a card brings never reaches a file by which
 * this host decides who may log in, nor a directory that all programs trust: so
 * the run directory may not lie in one, and nothing of the kind may lead into
 * it, by a link or by a configuration that names it.  No option changes that.
 */
#ifndef STORE_GROUND_H
#define STORE_GROUND_H

#include <stdbool.h>

enum { GROUND_REASON_SIZE = 512 };

/*
 * May views be below path?  It need not exist yet.  root stands before every
 * path that is looked at, "" but for tests; reason is filled when it says no.
 * What cannot be read is passed over: ask as root, where that is possible.
 */
bool ground_is_safe(const char *path, const char *root,
                    char reason[static GROUND_REASON_SIZE]);

#endif
