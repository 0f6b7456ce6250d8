/*
 * The store as a whole: a backup that the daemon streams, into a file that
 * cardproxyctl makes with the rights of who called it, and the check of one.
 */
#ifndef PROXY_CTLSTORE_H
#define PROXY_CTLSTORE_H

#include <stdbool.h>
#include <stdio.h>

struct json_object;

/*
 * Read what the document announces from the daemon into a new file of this
 * name; there is none, or a whole one that is on the disk.
 */
bool ctlstore_receive(struct json_object *document, FILE *daemon,
                      const char *path);

/* The same into a file without a name for others, checked and removed. */
bool ctlstore_check_running(struct json_object *document, FILE *daemon,
                            bool as_json);

/* Show the figures; false: there are none. */
bool ctlstore_stats(struct json_object *document);

/* Check a backup. */
bool ctlstore_check(const char *path, bool as_json);

#endif
