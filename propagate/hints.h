/*
 * What a session learned from its reads, so that the next one costs fewer
 * round trips: the family of a card for its ATR, and whether a reader passes
 * extended commands to it.  The newest few are kept; a wrong hint costs time,
 * never a wrong result.
 */
#ifndef PROPAGATE_HINTS_H
#define PROPAGATE_HINTS_H

#include "card.h"

enum { HINTS_MAX = 32 };

struct hint {
	uint32_t reader;
	uint8_t atr[CARD_ATR_MAX];
	size_t atr_len;
	enum card_family family;
	enum card_length length;
};

struct hints {
	struct hint known[HINTS_MAX];
	size_t count;
	size_t oldest; /* overwritten next when all are in use */
};

void hints_learn(struct hints *hints, uint32_t reader, struct wire_view atr,
                 const struct card_content *content);

/* Fills family and length of out; what is not known stays as it is. */
void hints_recall(const struct hints *hints, uint32_t reader,
                  struct wire_view atr, struct card_hints *out);

#endif
