/*
 * Who the user of a connection is: what was said about it, by whom, and which
 * of it counts.  A source counts only where the target names it; a better one
 * goes before one that is worse, whenever it speaks, and the same source is not
 * heard twice.  Decides only: no I/O, no clock.
 *
 * That a session of some name began on this host says nothing of who made it
 * begin: whoever states bob's name and waits would be bob once he comes.  So
 * the host only names the log-on of a user that another source has named,
 * unless the target says that its word is enough alone.
 */
#ifndef PROXY_EVIDENCE_H
#define PROXY_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>

/* Best first; a set of them has the bit 1 << source. */
enum evidence_source {
	EVIDENCE_SESSION_INFO, /* the server named the account */
	EVIDENCE_PAM,          /* this host found the password right */
	EVIDENCE_HOST,         /* a session of that user began on this host */
	EVIDENCE_CLAIMED,      /* the client says so */
	EVIDENCE_SOURCES
};

/* Beside the bits of a set: the host may name the user as well. */
#define EVIDENCE_ALONE (1u << EVIDENCE_SOURCES)

enum {
	EVIDENCE_KEY_MAX = 1024 + 1, /* bytes of "user@domain" */
	EVIDENCE_LOGON_MAX = 64      /* of "rdp:7" and "logind:c2" */
};

struct evidence {
	unsigned accepted;           /* set of sources, perhaps _ALONE */
	enum evidence_source source; /* _SOURCES: nobody is known */
	char user[EVIDENCE_KEY_MAX];
	char host_session[EVIDENCE_LOGON_MAX]; /* "": nobody named the log-on */
};

enum evidence_verdict {
	EVIDENCE_IGNORED, /* not asked for, too weak, or no name */
	EVIDENCE_NAMED,   /* the first user: a log-on begins */
	EVIDENCE_AGREES,  /* the same user; source or host_session are better */
	EVIDENCE_ANOTHER  /* by a better source: what was believed was wrong */
};

void evidence_init(struct evidence *e, unsigned accepted);
bool evidence_accepts(const struct evidence *e, enum evidence_source source);

/*
 * A source names a user, as evidence_key made it, and what the log-on is called
 * there ("": nothing).  After _NAMED, _AGREES and _ANOTHER the struct holds
 * what is now believed.
 */
enum evidence_verdict evidence_say(struct evidence *e,
                                   enum evidence_source source,
                                   const char *user, const char *host_session);

/*
 * Why the last evidence_say ended as it did, a literal for the log; verdict and
 * source are its own.
 */
const char *evidence_reason(const struct evidence *e,
                            enum evidence_source source,
                            enum evidence_verdict verdict);

/*
 * The key of a user's stores: "user@domain" in lower case, or the user alone.
 * DOMAIN\user stands for both, .\user for a local user; a user name with an @
 * has its domain.  False, and key empty, where there is no user or it does not
 * fit.
 */
bool evidence_key(const char *user, const char *domain, char *key, size_t size);

/*
 * "session-info | pam", in any order, or "none": a set of sources; "host-alone"
 * is host with _ALONE.  NULL, or a literal that says what is wrong.
 */
const char *evidence_parse(const char *text, unsigned *accepted);

/* Is host in the set, and nobody there whose log-ons it could name? */
bool evidence_lacks_user(unsigned accepted);

/* "session-info", "pam", "host", "claimed", or "none". */
const char *evidence_name(enum evidence_source source);

#endif
