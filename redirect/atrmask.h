/*
 * Ordered rules over cards by their ATR: "allow 3BFD13*", "deny 3B.x 80 .. 01",
 * "deny 3B7F9600/FFFFFF00".  A pattern is hexadecimal, blanks allowed; 'x' or
 * '.' stands for any digit; '*' at the end for any further bytes.  A mask after
 * '/' has as many bytes as the ATR before it.
 *
 * First match decides, and what no rule matches is judged as in globs.h.
 */
#ifndef REDIRECT_ATRMASK_H
#define REDIRECT_ATRMASK_H

#include "globs.h"

enum { ATRMASK_LEN_MAX = 36 };

struct atrmask_rule {
	bool allow;
	char *text; /* "cards: allow 3BFD13*" */
	uint8_t value[ATRMASK_LEN_MAX];
	uint8_t mask[ATRMASK_LEN_MAX];
	uint8_t len;
	bool open; /* further bytes may follow */
};

struct atrmask {
	struct atrmask_rule *list; /* owned */
	size_t count;
};

/* As globs_parse. */
const char *atrmask_parse(struct atrmask *masks, const char *key,
                          const char *text);
void atrmask_clear(struct atrmask *masks);

struct globs_verdict atrmask_judge(const struct atrmask *masks,
                                   struct wire_view atr);

/*
 * Hexadecimal with 'x' or '.' for any digit, blanks allowed: at least one and
 * at most max bytes.  False when it is none; a digit that is any has no bits in
 * value and none in mask.
 */
bool atrmask_hex(struct wire_view text, size_t max, uint8_t *value,
                 uint8_t *mask, size_t *len);

#endif
