/*
 * The relay's muscle: moves what one leg has read to what the other has to
 * write, frame by frame, without copying; shows the few frames that relay.h
 * wants to look at; puts frames of our own between the others; and stops
 * reading a leg whose peer does not keep up.
 */
#ifndef PROXY_PUMP_H
#define PROXY_PUMP_H

#include "leg.h"
#include "relay.h"

enum { PUMP_QUEUE_MAX = 256 * 1024 }; /* bytes for a leg, then stop reading */

struct pump_ops {
	/*
	 * A chunk of rdpdr came from this side.  True: relay the frame it came
	 * in, false: it is consumed.
	 */
	bool (*on_chunk)(void *arg, enum relay_side from,
	                 const struct relay_chunk *chunk);
	/* relay_facts may have changed. */
	void (*on_facts)(void *arg);
	/* This side's bytes are not RDP; what is a literal.  Ends the pump. */
	void (*on_refused)(void *arg, enum relay_side from, const char *what);
};

struct pump;

/* The legs and the relay are borrowed.  NULL: no memory. */
struct pump *pump_new(struct relay *relay, struct leg *client,
                      struct leg *server, const struct pump_ops *ops,
                      void *arg);
void pump_free(struct pump *p);

/* Relay what this side has sent. */
void pump_run(struct pump *p, enum relay_side from);

/* This side has taken all that was written: go on reading the other. */
void pump_drained(struct pump *p, enum relay_side to);

/*
 * Send a chunk of our own, between two frames of what is relayed to that side.
 * Wiped once sent.
 */
void pump_inject(struct pump *p, enum relay_side to,
                 const struct relay_chunk *chunk);

/*
 * The connection ends by our will: tell the client so, unless it waits for the
 * rest of a frame.  After that nothing goes to it any more.
 */
void pump_dismiss(struct pump *p);

/* The other side is gone: nothing comes from there any more. */
void pump_stop(struct pump *p, enum relay_side from);

#endif
