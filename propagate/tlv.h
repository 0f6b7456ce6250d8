/*
 * BER-TLV objects of cards and DER of certificates, read through the cursor:
 * tags of up to three bytes, definite lengths of up to three bytes.  What is
 * read borrows from the message.
 */
#ifndef PROPAGATE_TLV_H
#define PROPAGATE_TLV_H

#include "wire.h"

enum { TLV_DEPTH_MAX = 8 }; /* constructed objects inside each other */

enum {
	TLV_INTEGER = 0x02,
	TLV_OID = 0x06,
	TLV_SEQUENCE = 0x30,
	TLV_SET = 0x31,
	TLV_CONTEXT_0 = 0xa0,
	TLV_CONTEXT_1 = 0xa1
};

/*
 * Cards write lengths in a field of fixed size (82 00 10), which is harmless;
 * DER allows the shortest form only.
 */
enum tlv_rules { TLV_BER, TLV_DER };

struct tlv {
	uint32_t tag; /* its bytes, big-endian: 0x53, 0xdf1f */
	struct wire_view value;
	struct wire_view whole; /* tag, length and value */
};

/*
 * The next object.  After a fault the tag is 0 and the views are empty: an
 * indefinite length or a tag of four bytes is WIRE_VALUE, a length of more than
 * three bytes WIRE_LIMIT, a value beyond the end WIRE_SHORT.
 */
struct tlv tlv_next(struct wire_in *in, enum tlv_rules rules);

/* The value of the next object, which must have this tag (else WIRE_VALUE). */
struct wire_view tlv_expect(struct wire_in *in, uint32_t tag,
                            enum tlv_rules rules);

/* The first object with this tag among those in bytes; false: there is none. */
bool tlv_find(struct wire_view bytes, uint32_t tag, struct wire_view *value);

/*
 * How long the object that begins here says it is, with tag and length; 0 when
 * too little of it is there to tell, or it is broken.
 */
size_t tlv_total(struct wire_view bytes);

/* Bytes of its tag and length alone; 0 in the same cases. */
size_t tlv_head(struct wire_view bytes);

/*
 * Exactly one object, DER all the way down (primitive values are not looked
 * into), not nested deeper than TLV_DEPTH_MAX.
 */
bool tlv_is_der(struct wire_view bytes);

#endif
