/*
 * Processes that a child of ours left behind when it ended.  They become
 * children of ours once orphans_adopt has been called, wherever they put
 * themselves.
 */
#ifndef PROXY_ORPHANS_H
#define PROXY_ORPHANS_H

#include <stdbool.h>
#include <sys/types.h>

/* From now on what our children leave behind is ours.  False: errno. */
bool orphans_adopt(void);

/*
 * Kill each child that wanted does not know.  They are still to be reaped, and
 * may then leave others behind: call it after each child that was reaped.
 */
void orphans_end(bool (*wanted)(void *arg, pid_t pid), void *arg);

#endif
