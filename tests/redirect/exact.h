/*
 * What the tests of decoders share: bytes in a buffer of exactly their size, so
 * that a sanitizer sees a read past the end, and numbers in byte tables.
 */
#ifndef TESTS_REDIRECT_EXACT_H
#define TESTS_REDIRECT_EXACT_H

#include "wire.h"

#include <stdlib.h>
#include <string.h>

#define U16(v) (uint8_t)((v)&0xFF), (uint8_t)((v) >> 8 & 0xFF)
#define U32(v)                                                                 \
	(uint8_t)((v)&0xFF), (uint8_t)((v) >> 8 & 0xFF),                       \
	    (uint8_t)((v) >> 16 & 0xFF), (uint8_t)((v) >> 24 & 0xFF)

/* A copy to be given to exact_free. */
static inline struct wire_view
exact_dup(const void *data, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	struct wire_view view = {copy, len};

	if (copy == NULL)
		abort();
	if (len > 0)
		memcpy(copy, data, len);
	return view;
}

static inline void
exact_free(struct wire_view view)
{
	void *data;

	memcpy(&data, &view.data, sizeof(data));
	free(data);
}

#endif
