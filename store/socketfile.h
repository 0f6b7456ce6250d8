/*
 * The file that a Unix stream socket listens at: nobody but root and us can put
 * something else in its place, and nobody but us and one group can connect.
 */
#ifndef STORE_SOCKETFILE_H
#define STORE_SOCKETFILE_H

#include <sys/types.h>

/*
 * Bind a new socket to path, in a folder that is root's or our own and nobody
 * else can write; a socket there that nobody listens on any more is replaced.
 * The group may connect, too, unless it is (gid_t)-1.  *fd does not block, does
 * not listen yet, and is the caller's.  NULL when it is done, else why not.
 */
const char *socketfile_bind(const char *path, gid_t group, int *fd);

#endif
