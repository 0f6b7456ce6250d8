/* A message that is decoded must encode to bytes that decode to the same. */
#ifndef TESTS_FUZZ_RDPEFS_TRIP_H
#define TESTS_FUZZ_RDPEFS_TRIP_H

#include "rdpefs.h"

#include <stdlib.h>

enum { TRIP_ROOM = 64 * 1024 };

/* Decode, and encode what was decoded; false when it does not decode. */
typedef bool rdpefs_trip_once(uint16_t packet, struct wire_in *in,
                              struct wire_out *out);

static inline int
rdpefs_trip(const uint8_t *data, size_t len, rdpefs_trip_once *once)
{
	static uint8_t first[TRIP_ROOM];
	static uint8_t second[TRIP_ROOM];
	struct wire_out one = wire_out(first, sizeof(first));
	struct wire_out two = wire_out(second, sizeof(second));
	struct wire_in in = wire_in(data, len);
	struct rdpefs_header header;

	if (!rdpefs_header_decode(&in, &header) ||
	    !once(header.packet, &in, &one) || !wire_out_ok(&one))
		return 0;
	in = wire_in_view(wire_written(&one));
	if (!rdpefs_header_decode(&in, &header) ||
	    !once(header.packet, &in, &two) || !wire_out_ok(&two) ||
	    !wire_view_equal(wire_written(&one), wire_written(&two)))
		abort();
	return 0;
}

#endif
