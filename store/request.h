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
 *	certs set USER|- BODY
 *	roots [SCOPE]
 *	roots export [SCOPE]
 *	roots explain SHA256
 *	roots pin SCOPE SHA256 [REASON|- [BODY]]
 *	roots unpin SCOPE|- SHA256
 *	roots purge [SHA256]
 *	users forget USER
 *	audit [USER|- [SINCE]]
 *	env [USER|- [ID]]
 *	watch
 *	stats
 *	store stats
 *	store backup
 *
 * SHA256 is a thumbprint, ID a session's, or the beginning of one, in
 * hexadecimal; SINCE is seconds since 1970.  BODY is how many bytes follow the
 * line: the changes of property.h, or a CERT message of keep.h.
 */
#ifndef STORE_REQUEST_H
#define STORE_REQUEST_H

#include "keep.h"

enum {
	REQUEST_LINE_MAX = 4096, /* bytes, without the line feed */
	REQUEST_WORDS_MAX = 6,
	REQUEST_REASON_MAX = 256,       /* bytes of a reason */
	REQUEST_BODY_MAX = 1024 * 1024, /* bytes behind the line */
	REQUEST_HASH_MIN = 4,           /* digits of a thumbprint */
	REQUEST_HASH_MAX = 64
};

enum request_verb {
	REQUEST_SESSIONS,
	REQUEST_SESSIONS_SHOW,
	REQUEST_READERS,
	REQUEST_CERTS,
	REQUEST_CERTS_EXPORT,
	REQUEST_CERTS_SET,
	REQUEST_ROOTS,
	REQUEST_ROOTS_EXPORT,
	REQUEST_ROOTS_EXPLAIN,
	REQUEST_ROOTS_PIN,
	REQUEST_ROOTS_UNPIN,
	REQUEST_ROOTS_PURGE,
	REQUEST_USERS_FORGET,
	REQUEST_AUDIT,
	REQUEST_ENV,
	REQUEST_WATCH,
	REQUEST_STATS,
	REQUEST_STORE_BACKUP
};

struct request {
	enum request_verb verb;
	char owner[KEEP_TEXT_MAX + 1];     /* a user or a scope; empty: all */
	char prefix[REQUEST_HASH_MAX + 1]; /* lower case; empty: all */
	char reason[REQUEST_REASON_MAX + 1];
	int64_t since;
	size_t body; /* bytes that follow the line */
};

/* NULL, or what is wrong with the line, for the one who sent it. */
const char *request_parse(struct wire_view line, struct request *request);

/* May only those ask who may change the store? */
bool request_is_privileged(enum request_verb verb);

#endif
