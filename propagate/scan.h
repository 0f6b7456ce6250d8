/*
 * The first look at all readers after a log-on.  Its end is told to the keeper
 * once: then what a lost connection of the same log-on claimed and this one did
 * not find again goes.
 */
#ifndef PROPAGATE_SCAN_H
#define PROPAGATE_SCAN_H

#include "machine.h"

void scan_begin(struct certprop *cp, uint64_t now_ms);
void scan_stop(struct certprop *cp);

/* Readers or cards came or went. */
void scan_changed(struct certprop *cp, uint64_t now_ms);

/* It goes on: what is present has not all been asserted yet. */
bool scan_is_open(const struct certprop *cp);

/* End it when everything has settled. */
void scan_pump(struct certprop *cp, uint64_t now_ms);
uint64_t scan_deadline(const struct certprop *cp);

#endif
