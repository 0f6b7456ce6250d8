/*
 * Spans of the week, by the clock on the wall: "mon-fri 08:00-18:00".  A span
 * that ends before it begins (22:00-06:00) ends on the next day; it belongs to
 * the day on which it begins.  Only the fields of local time are looked at, so
 * a change of the clocks neither moves a span nor needs a rule.
 */
#ifndef PROXY_TIMESPAN_H
#define PROXY_TIMESPAN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct timespan {
	uint8_t days;  /* a bit for each day it begins on, bit 0 is Sunday */
	uint16_t from; /* minutes since midnight */
	uint16_t to;   /* the first minute after it; 1440: midnight */
};

/*
 * "mon-fri 08:00-18:00", "sat", "22:00-06:00".  NULL, or a literal that says
 * what it should be.
 */
const char *timespan_parse(const char *text, struct timespan *span);

/* Is this local time in it?  Of when, day of week, hour and minute count. */
bool timespan_contains(const struct timespan *span, const struct tm *when);

#endif
