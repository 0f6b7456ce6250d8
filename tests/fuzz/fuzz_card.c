/*
 * A hostile card: the first bytes are the hints, then every answer is a length
 * of two bytes and that many bytes (as far as there are any).
 */
#include "apdu.h"
#include "card.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* An exact block for each answer, so that an over-read is seen. */
static enum card_step
answer(struct card_read *job, struct wire_in *in, struct wire_view *apdu)
{
	size_t len = wire_u16(in);
	uint8_t *block;
	enum card_step step;

	if (!apdu_allowed(*apdu))
		abort();
	if (len > in->left)
		len = in->left;
	block = malloc(len + (len == 0));
	if (block == NULL)
		abort();
	if (len > 0)
		memcpy(block, in->next, len);
	wire_skip(in, len);
	step = card_read_answer(job, (struct wire_view){block, len}, apdu);
	free(block);
	return step;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct wire_in in = wire_in(data, len);
	struct card_hints hints = {.protocol = wire_u8(&in) % 3u,
	                           .family = wire_u8(&in) % 3u,
	                           .length = wire_u8(&in) % 3u,
	                           .probe_retired = wire_u8(&in) % 2u != 0};
	struct card_read *job;
	struct wire_view apdu;
	enum card_step step;

	hints.atr = wire_bytes(&in, wire_u8(&in) % 40u);
	job = card_read_new(&hints);
	if (job == NULL)
		return 0;
	step = card_read_start(job, &apdu);
	while (step == CARD_SEND)
		step = answer(job, &in, &apdu);
	if (card_read_content(job)->apdu_count > CARD_APDUS_MAX ||
	    (step == CARD_FAILED && card_read_fault(job) == NULL))
		abort();
	card_read_free(job);
	return 0;
}
