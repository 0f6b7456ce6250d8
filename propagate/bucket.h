/* A token bucket: so many at once, then one for each period. */
#ifndef PROPAGATE_BUCKET_H
#define PROPAGATE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint32_t burst;
	uint32_t every_ms;
	uint64_t credit_ms; /* every_ms of it buys one */
	uint64_t seen_ms;   /* when credit was last counted */
};

/* Full; time starts with the first use. */
struct bucket bucket(uint32_t burst, uint32_t every_ms);

/* Take one; false when there is none. */
bool bucket_take(struct bucket *b, uint64_t now_ms);

/* When the next one is there: in the past when it is there already. */
uint64_t bucket_ready_ms(const struct bucket *b);

#endif
