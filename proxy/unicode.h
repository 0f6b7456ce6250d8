/*
 * Texts of a client into UTF-8.  They end at their first zero or with their
 * bytes; what is not valid becomes U+FFFD, so the result is always UTF-8.
 */
#ifndef PROXY_UNICODE_H
#define PROXY_UNICODE_H

#include "wire.h"

/* out is always terminated; false, and out empty, when it does not fit. */
bool unicode_from_utf16le(char *out, size_t size, struct wire_view text);

/* The same for one byte a character, taken as ISO 8859-1. */
bool unicode_from_latin1(char *out, size_t size, struct wire_view text);

#endif
