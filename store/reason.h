/*
 * Why nothing of a card is to be seen in a session, in words for people: what
 * the session said of itself, else what its readers show.
 */
#ifndef STORE_REASON_H
#define STORE_REASON_H

#include "peer.h"

enum { REASON_SIZE = 2 * KEEP_TEXT_MAX };

/* A literal, the peer's own text, or text; "" when all is well. */
const char *reason_of(const struct peer *peer, char text[REASON_SIZE]);

/* How many cards are in its readers. */
size_t reason_count_cards(const struct peer *peer);

#endif
