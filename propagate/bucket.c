#include "bucket.h"

struct bucket
bucket(uint32_t burst, uint32_t every_ms)
{
	struct bucket b = {burst, every_ms, (uint64_t)burst * every_ms, 0};

	return b;
}

static void
refill(struct bucket *b, uint64_t now_ms)
{
	uint64_t full = (uint64_t)b->burst * b->every_ms;
	uint64_t passed = now_ms > b->seen_ms ? now_ms - b->seen_ms : 0;

	b->credit_ms =
	    passed >= full - b->credit_ms ? full : b->credit_ms + passed;
	if (now_ms > b->seen_ms)
		b->seen_ms = now_ms;
}

bool
bucket_take(struct bucket *b, uint64_t now_ms)
{
	refill(b, now_ms);
	if (b->credit_ms < b->every_ms)
		return false;
	b->credit_ms -= b->every_ms;
	return true;
}

uint64_t
bucket_ready_ms(const struct bucket *b)
{
	if (b->credit_ms >= b->every_ms)
		return b->seen_ms;
	return b->seen_ms + (b->every_ms - b->credit_ms);
}
