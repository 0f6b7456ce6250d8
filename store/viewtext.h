/*
 * The files of a view that name its path: what Kerberos and p11-kit read first.
 */
#ifndef STORE_VIEWTEXT_H
#define STORE_VIEWTEXT_H

#include "folder.h"
#include "view.h"

/*
 * The path of a session's view; false when it is too long or has characters
 * that would mean something in the texts it is written into.
 */
enum { VIEW_PATH_MAX = 512 };
bool view_path(const char *run_dir, const char *session_id_hex,
               char path[static VIEW_PATH_MAX]);

/*
 * Put krb5.conf, p11-kit-trust.module and, where the user's link leads to this
 * view, p11-kit-user.module into the folder of the session's view.  Nothing
 * where style has no place, or where view_path refuses the path: then the
 * folder loses them when it is closed.  Faults stay in the folder.
 */
void viewtext_put(struct folder *f, const char *session_id_hex,
                  const struct view_style *style, bool has_anchors);

#endif
