/*
 * Certificates that a card keeps compressed: one gzip or zlib member, whole,
 * with nothing after it, and bounded whatever it says of itself.
 */
#ifndef PROPAGATE_INFLATE_H
#define PROPAGATE_INFLATE_H

#include "wire.h"

enum { INFLATE_RATIO_MAX = 64 }; /* bytes out for one byte in */

enum inflate_error {
	INFLATE_OK,
	INFLATE_BROKEN,   /* not gzip or zlib, cut short, wrong check sum */
	INFLATE_LARGE,    /* more than max, or beyond the ratio */
	INFLATE_TRAILING, /* bytes after the member */
	INFLATE_MEMORY
};

/*
 * Inflate packed to at most max bytes.  On INFLATE_OK *out is a block of
 * exactly *len bytes that the caller frees; else *out is NULL.
 */
enum inflate_error inflate_member(struct wire_view packed, size_t max,
                                  uint8_t **out, size_t *len);

/* A literal: "does not inflate", "inflates beyond its limit", ... */
const char *inflate_error_text(enum inflate_error error);

#endif
