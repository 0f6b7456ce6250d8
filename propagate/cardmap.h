/*
 * Whose cards an administrator says they are: the list of CardUserMap.  One
 * line for each mapping,
 *
 *     USER = sha256:HEX                    one certificate, by its thumbprint
 *     USER = upn:NAME                      any with this UPN
 *     USER = mail:NAME                     any with this e-mail address
 *     USER = subject:DN                    RFC 2253, as "certs" shows it
 *     USER = issuer+serial:DN;HEX          one certificate of that authority
 *
 * where USER is an owner key as the session has it.  A line that begins with #
 * is a comment.  A user may have many lines.  Users, UPNs, addresses and
 * hexadecimal digits compare without regard to (ASCII) case, a DN exactly.  It
 * does no I/O.
 */
#ifndef PROPAGATE_CARDMAP_H
#define PROPAGATE_CARDMAP_H

#include "keep.h"

enum {
	CARDMAP_BYTES_MAX = 16 * 1024 * 1024, /* of the whole list */
	CARDMAP_LINES_MAX = 100000,           /* mappings */
	CARDMAP_FAULTS_MAX = 20               /* then the rest is not told */
};

struct cardmap;

/* A line that says nothing; what is a literal.  Line 0: the list as a whole. */
typedef void cardmap_on_fault(void *arg, unsigned line, const char *what);

/*
 * The list of this text, which is copied.  NULL: there was a fault, each was
 * told; or memory was short, which is a fault of line 0.
 */
struct cardmap *cardmap_parse(struct wire_view text, cardmap_on_fault *on_fault,
                              void *arg);
void cardmap_free(struct cardmap *map);

size_t cardmap_count(const struct cardmap *map);

/*
 * Does a line give the card with this certificate to the user?  A NULL map has
 * no lines.
 */
bool cardmap_lists(const struct cardmap *map, struct wire_view user,
                   const struct keep_cert *cert);

/* Same length and same bytes, but for the case of ASCII letters. */
bool cardmap_same_name(struct wire_view a, struct wire_view b);

#endif
