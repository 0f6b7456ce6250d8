/*
 * Which readers and cards the propagation machine is told of: those that the
 * policy does not refuse.  A refused reader is not there; a refused card leaves
 * its reader empty.  All is remembered, so that another policy shows or hides
 * what it must.
 */
#ifndef REDIRECT_SIGHT_H
#define REDIRECT_SIGHT_H

#include "certprop.h"
#include "filter.h"

struct sight_reader {
	bool used;
	bool shown; /* certprop knows it */
	uint32_t number;
	char name[ESC_NAME_SIZE];
	bool state; /* the next four are set */
	enum certprop_presence presence;
	uint16_t counter;
	struct esc_atr atr;
};

struct sight {
	struct certprop *certprop;
	struct sight_reader readers[CERTPROP_READERS_MAX];
};

void sight_added(struct sight *sight, const struct filter_policy *policy,
                 uint32_t reader, const char *name, uint64_t now_ms);
void sight_gone(struct sight *sight, uint32_t reader, uint64_t now_ms);
void sight_card(struct sight *sight, const struct filter_policy *policy,
                uint32_t reader, enum certprop_presence presence,
                uint16_t counter, struct wire_view atr, uint64_t now_ms);

/* This policy holds from now on. */
void sight_policy(struct sight *sight, const struct filter_policy *policy,
                  uint64_t now_ms);

#endif
