/*
 * The view of one session as the store wants it: asks the engine what is
 * present, and has the view made equal to it.
 */
#ifndef STORE_MIRROR_H
#define STORE_MIRROR_H

#include <sys/types.h>

#include "engine.h"
#include "view.h"

/*
 * user is the owner key whose Personal store is shown, NULL or empty for none.
 * reason is set when false is returned: the view is then not, or not all, as it
 * should be, and the call is to be repeated.
 */
bool mirror_show(struct engine *engine, int run_dirfd, const char *session,
                 const char *user, const struct view_style *style,
                 const char **reason);

/* The same for what an administrator allowed the whole host. */
bool mirror_show_host(struct engine *engine, int run_dirfd,
                      const char **reason);

#endif
