/*
 * Any sequence of chunks: each is a total, flags, what to do with a message
 * that is to be decided, and data.  Whatever becomes whole is cut and joined
 * again, to the same bytes.
 */
#include "chunk.h"

#include "channel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
cut_and_join(struct wire_view message, uint32_t size)
{
	struct chunk_cut cut = chunk_cut(message, size, 0);
	enum chunk_step step = CHUNK_HELD;
	struct chunk_join join;
	struct wire_view data;
	uint32_t flags;

	chunk_join_init(&join);
	while (chunk_cut_next(&cut, &flags, &data)) {
		step = chunk_join_take(&join, cut.total, flags, data);
		if (step == CHUNK_DECIDE)
			step = chunk_join_own(&join);
	}
	if (step != CHUNK_WHOLE ||
	    !wire_view_equal(chunk_join_seen(&join), message))
		abort();
	chunk_join_clear(&join);
}

static void
decide(struct chunk_join *join, bool own, uint32_t size)
{
	struct wire_view seen = chunk_join_seen(join);

	if (seen.len < CHUNK_DECIDE_LEN && seen.len != join->total)
		abort();
	if (!own)
		(void)chunk_join_pass(join);
	else if (chunk_join_own(join) == CHUNK_WHOLE)
		cut_and_join(chunk_join_seen(join), size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct chunk_join join;

	chunk_join_init(&join);
	while (in.left > 0 && wire_ok(&in)) {
		uint32_t total = wire_u32(&in);
		uint32_t flags = wire_u32(&in);
		uint8_t how = wire_u8(&in);
		struct wire_view part = wire_bytes(&in, wire_u16(&in));
		uint32_t size = how / 2 + 1U;

		if (!wire_ok(&in))
			break;
		switch (chunk_join_take(&join, total, flags, part)) {
		case CHUNK_DECIDE:
			decide(&join, (how & 1) != 0, size);
			break;
		case CHUNK_WHOLE:
			cut_and_join(chunk_join_seen(&join), size);
			break;
		case CHUNK_HELD:
		case CHUNK_PASS:
		case CHUNK_FAULT:
			break;
		}
	}
	chunk_join_clear(&join);
	return 0;
}
