/*
 * Our calls against a simulated client, without a channel around them: what the
 * tests of watch and reading share.  Nothing of a server takes part.
 */
#ifndef TESTS_DESK_H
#define TESTS_DESK_H

#include "calls.h"
#include "fake_client.h"

struct desk {
	struct fake_client client;
	struct mux *mux;
	struct calls calls;
	uint64_t now_ms;
	unsigned rounds;  /* answers handed over so far */
	uint64_t call_ms; /* how long each answer takes */
};

void desk_init(struct desk *desk);
void desk_clear(struct desk *desk);

/* Hand one answer over; false: there is none. */
bool desk_step(struct desk *desk);
void desk_run(struct desk *desk);

#endif
