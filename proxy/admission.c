#include "admission.h"

#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>

#include "gate.h"

/* Per cent refused: GATE_START_RATE at GATE_START_FREE, 100 at GATE_START_FULL.
 */
static unsigned
refused_percent(unsigned starting)
{
	if (starting < GATE_START_FREE)
		return 0;
	if (starting >= GATE_START_FULL)
		return 100;
	return GATE_START_RATE + (100 - GATE_START_RATE) *
	                             (starting - GATE_START_FREE) /
	                             (GATE_START_FULL - GATE_START_FREE);
}

const char *
admission_refuse(const struct admission_load *load)
{
	uint8_t dice = 0;

	if (load->full)
		return "the listener has its max_sessions";
	if (load->of_source >= GATE_START_SOURCE)
		return "too many unfinished connections from this address";
	(void)RAND_bytes(&dice, 1);
	if (dice * 100U / 256 < refused_percent(load->starting))
		return "too many unfinished connections";
	return NULL;
}
