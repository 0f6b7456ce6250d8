/*
 * Who is let in while many are at the door: connections that have not got past
 * their connection sequence are refused at random from a number on, and each
 * source has a limit of its own.
 */
#ifndef PROXY_ADMISSION_H
#define PROXY_ADMISSION_H

#include <stdbool.h>

struct admission_load {
	unsigned starting;  /* connections in their connection sequence */
	unsigned of_source; /* those of the same client address */
	bool full;          /* the listener has its max_sessions */
};

/* NULL: admit; else the reason, a literal. */
const char *admission_refuse(const struct admission_load *load);

#endif
