/*
 * Filling a struct card_content: certificates in the forms cards keep them in,
 * the members of a root file, and what had to be passed over.  All limits of
 * card.h are enforced here.
 */
#ifndef PROPAGATE_CONTENT_H
#define PROPAGATE_CONTENT_H

#include "card.h"

void content_clear(struct card_content *content);

/* A copy; content_clear and free() end it.  NULL when memory is short. */
struct card_content *content_dup(const struct card_content *content);

/*
 * Note an object that is passed over; reason is a literal.  The first
 * CARD_CERTS_MAX are kept.
 */
void content_skip(struct card_content *content, const char *slot,
                  const char *reason);

/*
 * One certificate: like names it (slot, container, key), its der is not used.
 * A certificate that is not exactly one DER object, or too large, is skipped.
 */
void content_add_plain(struct card_content *content,
                       const struct card_cert *like, struct wire_view der);

/* The same, compressed with gzip or zlib. */
void content_add_packed(struct card_content *content,
                        const struct card_cert *like, struct wire_view packed);

/* The same, as a file of GIDS: DER, or 01 00, the length and zlib data. */
void content_add_file(struct card_content *content,
                      const struct card_cert *like, struct wire_view file);

/* The root file, in either form: all of its members, or none and a skip. */
void content_add_roots(struct card_content *content, struct wire_view file);

/*
 * The record of its container, CARD_RECORD_LEN bytes, for the certificate that
 * was added last; without memory it has none.
 */
void content_set_record(struct card_content *content, struct wire_view record);

/*
 * When the card gave no id of its own: a digest of its ATR and of all that was
 * read.
 */
void content_ensure_id(struct card_content *content, struct wire_view atr);

#endif
