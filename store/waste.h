/*
 * Large files without a name that nobody needs any more.  To close one is to
 * have the file system free all of it, which takes it a second for two
 * gigabytes: they are shortened bit by bit before.
 */
#ifndef STORE_WASTE_H
#define STORE_WASTE_H

#include <event2/event.h>

struct waste;

enum { WASTE_STEP = 8 * 1024 * 1024 /* bytes in one turn */ };

/* base is borrowed.  NULL: no memory. */
struct waste *waste_new(struct event_base *base);

/* Those that are left are closed as they are. */
void waste_free(struct waste *waste);

/* Take a descriptor, the last of its file; -1 is none. */
void waste_take(struct waste *waste, int fd);

#endif
