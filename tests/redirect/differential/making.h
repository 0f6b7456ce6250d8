/* Calls and returns with random values, all within their limits. */
#ifndef TESTS_REDIRECT_MAKING_H
#define TESTS_REDIRECT_MAKING_H

#include "ioctl.h"

/* The same seed makes the same messages. */
struct making {
	uint64_t state;
	uint8_t *room; /* what views point into */
	size_t size;
	size_t used;
};

struct making making(uint64_t seed, uint8_t *room, size_t size);

/* One of 0 to n - 1. */
uint32_t making_below(struct making *m, uint32_t n);

/* What they borrow lies in the room, and is good until the next one. */
void making_call(struct making *m, const struct ioctl *row,
                 struct esc_call *call);
void making_return(struct making *m, const struct ioctl *row,
                   struct esc_return *ret);

#endif
