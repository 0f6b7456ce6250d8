/* A configuration as text, and what the parser says of it. */
#ifndef TESTS_CONFBED_H
#define TESTS_CONFBED_H

#include "config.h"

/* The least a configuration needs. */
extern const char confbed_minimal[];

/* Of the last text that was parsed. */
extern struct config_faults confbed_faults;

/* Exactly these bytes, in a buffer of that size; NULL is with a fault. */
struct config *confbed_parse_bytes(const char *text, size_t len);
struct config *confbed_parse(const char *text);

/* This text has exactly this fault. */
void confbed_one_fault(const char *text, const char *want);

/* This text has none. */
struct config *confbed_good(const char *text);

#endif
