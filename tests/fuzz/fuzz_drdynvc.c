/*
 * Chunks of drdynvc from both sides, under a policy that shuts every door and
 * under none by turns: each record is a byte of flags, one of a length, and the
 * bytes of a chunk.
 */
#include "drdynvc.h"
#include "log.h"

#include <stdlib.h>

enum { SERVER = 0x01, FIRST = 0x02, LAST = 0x04, TOTAL = 0x08, FLOW = 0x20 };
enum { POLICY_EVERY = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The flags of a chunk that only had to wait are its sender's own. */
static void
on_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
        struct wire_view data)
{
	(void)arg;
	(void)to;
	if (data.len == 0 || data.len > total || (flags & ~0x33u) != 0)
		abort();
}

static void
give(struct drdynvc *d, struct wire_in *in)
{
	uint8_t kind = wire_u8(in);
	struct wire_view chunk = wire_bytes(in, wire_u8(in));
	uint32_t flags = 0;
	uint32_t total = (uint32_t)chunk.len;

	if (!wire_ok(in))
		return;
	if ((kind & FIRST) != 0)
		flags |= CHANNEL_FLAG_FIRST;
	if ((kind & LAST) != 0)
		flags |= CHANNEL_FLAG_LAST;
	if ((kind & FLOW) != 0)
		flags |= FLOW;
	if ((kind & TOTAL) != 0)
		total += kind;
	(void)drdynvc_chunk(
	    d, (kind & SERVER) != 0 ? CHANNEL_SERVER : CHANNEL_CLIENT, total,
	    flags, chunk);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_in in = wire_in(data, size);
	struct drdynvc *d = drdynvc_new(on_send, NULL);
	struct filter_policy policy;

	log_setup(LOG_ERROR, LOG_PLAIN); /* each refusal is a notice */
	if (d == NULL)
		return 0;
	drdynvc_chunk_size(d, CHANNEL_CHUNK_DEFAULT);
	filter_policy_init(&policy);
	policy.doors = FILTER_DOORS_SHUT;
	for (unsigned i = 0; wire_ok(&in) && in.left > 0; i++) {
		if (i % POLICY_EVERY == 0)
			drdynvc_policy(
			    d, i % (2 * POLICY_EVERY) == 0 ? NULL : &policy);
		give(d, &in);
	}
	drdynvc_free(d);
	return 0;
}
