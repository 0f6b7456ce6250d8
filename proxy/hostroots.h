/*
 * The trust anchors of this host, read from a bundle of PEM certificates as
 * distributions keep one.  The gate reads it before sessions are forked, so
 * that all of them share one table.
 */
#ifndef PROXY_HOSTROOTS_H
#define PROXY_HOSTROOTS_H

#include "anchors.h"

#define HOSTROOTS_DEFAULT "/etc/ssl/certs/ca-certificates.crt"

/*
 * path NULL: the default, which may be missing: then the table is empty and
 * the log says so.  What is no certificate is passed over, with a warning.
 *
 * NULL: the file cannot be read to its end or has too many; why is a literal.
 */
struct anchors *hostroots_load(const char *path, const char **why);

#endif
