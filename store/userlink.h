/*
 * One link for each user of this host: <run>/user/<uid> leads to the view of a
 * log-on of his here, under a name that stays the same from one log-on to the
 * next.  What is registered once, as NSS and p11-kit want it, names this.
 */
#ifndef STORE_USERLINK_H
#define STORE_USERLINK_H

#include <sys/types.h>

#include "view.h"

/* Where the user's link leads; false: there is none. */
bool userlink_get(int run_dirfd, uid_t user, char id[VIEW_ID_TEXT_LEN + 1]);

/* Each link there is, with where it leads. */
typedef void userlink_on_link(uid_t user, const char *id, void *arg);
void userlink_each(int run_dirfd, userlink_on_link *on_link, void *arg);

/* Have it lead to this view, from one moment to the next. */
enum view_error userlink_set(int run_dirfd, uid_t user, const char *id);

/* Remove it, if it leads to this view. */
void userlink_clear(int run_dirfd, uid_t user, const char *id);

/* Remove all that lead to views for which alive() says no. */
void userlink_prune(int run_dirfd, view_alive *alive, void *arg);

#endif
