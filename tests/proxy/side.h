/*
 * One leg and what became of it, for the tests of what runs on the loop.  The
 * loop turns until something is so, and a test fails when it never is.
 */
#ifndef TESTS_SIDE_H
#define TESTS_SIDE_H

#include "leg.h"

struct side {
	struct leg *leg;
	unsigned ready;
	unsigned drained;
	unsigned told; /* on_data */
	unsigned closed;
	const char *why;
	size_t len_at_close; /* of what had come when it closed */
	struct evbuffer *got;
	bool keep; /* leave the input where it is */
};

extern const struct leg_ops side_ops;

void side_init(struct side *s);
void side_clear(struct side *s);

/* Both ends of a pair of sockets. */
void side_pair(struct event_base *base, struct side *a, struct side *b);

/* Two descriptors of a TCP connection over loopback. */
void side_tcp(int fds[2]);

/* The loop of a program: the set-up and the tear-down of its tests' group. */
extern struct event_base *side_base;
int side_open_base(void **state);
int side_close_base(void **state);

typedef bool side_condition(void *arg);
void side_until(struct event_base *base, side_condition *is_so, void *arg);

/* Let the loop turn for so long. */
void side_turn(struct event_base *base, unsigned ms);

/* Conditions; arg is a side. */
side_condition side_is_ready;
side_condition side_is_closed;

/* Bytes that look random and are the same each time. */
void side_fill(uint8_t *data, size_t len, uint32_t seed);
uint32_t side_random(uint32_t *seed);

/* These bytes have come, and no others. */
void side_got(struct side *s, const uint8_t *data, size_t len);

#endif
