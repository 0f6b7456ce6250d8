/*
 * Who failed to log on lately: what limits guessing.  No I/O and no clock.
 *
 * A failure counts for the client's address (of IPv6 its first 64 bits) and for
 * the address with the user.  It does not count for the user alone: whoever
 * names a user could then keep that user out from everywhere.
 *
 * What is limited does not reach PAM.  So where a module of PAM locks accounts,
 * we do not lock one oftener than the server would that gets the same password:
 * but both count, and such a module should not be in our service
 * (cardproxy.pam).
 */
#ifndef PROXY_FAILURES_H
#define PROXY_FAILURES_H

#include "wire.h"

enum {
	FAILURES_OF_PAIR = 3,     /* then refused ... */
	FAILURES_OF_CLIENT = 20,  /* the same for an address */
	FAILURES_SPAN_S = 300,    /* ... until this long after the last */
	FAILURES_REMEMBERED = 512 /* of either kind; the oldest goes first */
};

struct failures;

struct failures *failures_new(void);
void failures_free(struct failures *f);

/*
 * Is this client not to be asked for this user now?  client is an address as
 * text, user the account's name; both untrusted, of any length.
 */
bool failures_limit(struct failures *f, struct wire_view client,
                    struct wire_view user, int64_t now_s);

/*
 * An attempt begins.  It is a failure until it is forgiven, so that attempts at
 * the same time count as those one after the other.
 */
void failures_add(struct failures *f, struct wire_view client,
                  struct wire_view user, int64_t now_s);

/* It was none: the pair starts anew, the address has one less. */
void failures_forgive(struct failures *f, struct wire_view client,
                      struct wire_view user);

#endif
