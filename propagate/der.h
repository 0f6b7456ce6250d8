/*
 * The few steps of DER that are taken before, or beside, OpenSSL: definite and
 * minimal lengths of at most 65535, one-byte tags.  Faults stick to the cursor.
 */
#ifndef PROPAGATE_DER_H
#define PROPAGATE_DER_H

#include "wire.h"

enum der_tag {
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OBJECT_ID = 0x06,
	DER_BMP_STRING = 0x1e,
	DER_SEQUENCE = 0x30,
	DER_CONTEXT_0 = 0xa0
};

/* The tag of the next element without reading it; 0 when there is none. */
uint8_t der_peek(const struct wire_in *in);

/* A cursor over the body of the next element, which must have this tag. */
struct wire_in der_enter(struct wire_in *in, enum der_tag tag);

/* Pass over the next element, whatever it is. */
void der_skip(struct wire_in *in);

#endif
