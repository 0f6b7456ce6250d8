/*
 * One line of the control socket: words, separated by one space each.  In a
 * word %XX stands for a byte, so that a user's name may hold anything.  This
 * module only parses; it does no I/O.
 *
 *	sessions
 *	sessions show ID
 *	readers
 *	certs [USER]
 *	certs export [USER|- [SHA256]]
 *	roots [SCOPE]
 *	roots explain SHA256
 *	watch
 *	stats
 *
 * SHA256 is a thumbprint, ID a session's, or the beginning of one, in
 * hexadecimal.
 */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

#include "keep.h"

enum {
	REQUEST_LINE_MAX = 4096, /* bytes, without the line feed */
	REQUEST_WORDS_MAX = 4,
	REQUEST_HASH_MIN = 4, /* digits of a thumbprint */
	REQUEST_HASH_MAX = 64
};

enum request_verb {
	REQUEST_SESSIONS,
	REQUEST_SESSIONS_SHOW,
	REQUEST_READERS,
	REQUEST_CERTS,
	REQUEST_CERTS_EXPORT,
	REQUEST_ROOTS,
	REQUEST_ROOTS_EXPLAIN,
	REQUEST_WATCH,
	REQUEST_STATS
};

struct request {
	enum request_verb verb;
	char owner[KEEP_TEXT_MAX + 1];     /* a user or a scope; empty: all */
	char prefix[REQUEST_HASH_MAX + 1]; /* lower case; empty: all */
};

/* NULL, or what is wrong with the line, for the one who sent it. */
const char *request_parse(struct wire_view line, struct request *request);

#endif
