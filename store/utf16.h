/*
 * Text of peers: UTF-16LE and UTF-8, one into the other.  Strict both ways: a
 * lone surrogate, an overlong or a cut sequence is a WIRE_VALUE fault, so what
 * was taken in can be given out again.  NUL is a character like any other here.
 */
#ifndef STORE_UTF16_H
#define STORE_UTF16_H

#include "wire.h"

/* All of in, as UTF-8; false on a fault in in or out. */
bool utf16_to_utf8(struct wire_in *in, struct wire_out *out);

/* All of in, which is UTF-8, as UTF-16LE. */
bool utf16_from_utf8(struct wire_in *in, struct wire_out *out);

/*
 * Bytes of a code page that nobody names, as UTF-8: as they are when they are
 * UTF-8, else each byte as one character of Latin-1.
 */
bool utf16_bytes_to_utf8(struct wire_view bytes, struct wire_out *out);

/* How many UTF-16 units an UTF-8 text has; SIZE_MAX when it is not UTF-8. */
size_t utf16_units(struct wire_view utf8);

#endif
