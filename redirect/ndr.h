/*
 * NDR as [MS-RDPESC] uses it: type serialization version 1, [MS-RPCE] 2.2.6,
 * little-endian, no nesting deeper than a pointer's own struct.
 *
 * A pointer is a referent where its struct stands, and its value later
 * ("deferred").  Any referent but 0 is accepted, each once in a message; ours
 * are 0x00020000, 0x00020004, ...  Everything is aligned to four bytes from the
 * start of the object.  Allocates nothing; views are borrowed.
 *
 * Who reads says which field: its name in the specification, a literal.  The
 * one that was being read at the first fault stays.
 */
#ifndef REDIRECT_NDR_H
#define REDIRECT_NDR_H

#include "wire.h"

enum {
	NDR_HEADERS_LEN = 16, /* common and private header together */
	NDR_OBJECT_MAX = 128 * 1024,
	NDR_REFERENTS_MAX = 80 /* 64 reader names, and what else is there */
};

/* An object being read. */
struct ndr_in {
	struct wire_in wire; /* what is left of it, and its first fault */
	size_t len;          /* of the whole object */
	uint32_t seen[NDR_REFERENTS_MAX];
	size_t seen_count;
	uint32_t seen_max; /* the greatest so far */
	uint32_t name;     /* referent of the last reader's name, 0: none yet */
	bool aliased;      /* another reader's name had the same one */
	uint32_t max;      /* of its field, when the fault is WIRE_LIMIT */
};

/* An object being written. */
struct ndr_out {
	struct wire_out *wire;
	size_t start;      /* where the object starts in it */
	size_t length_at;  /* where its length belongs */
	uint32_t referent; /* the next one */
};

/*
 * Common header 2.2.6.1, private header 2.2.6.2, then the object.  It reaches
 * to the end of the message: rdesktop tells 8 or 16 bytes fewer than it sends.
 */
void ndr_open(struct ndr_in *in, struct wire_view message);

/*
 * All of the object is read: what is left may only be padding.  It is to eight
 * bytes, but FreeRDP counts from the start of its whole message and pads twice:
 * up to 15 bytes are taken.
 * False on any fault; in->wire.fault says which.
 */
bool ndr_close(struct ndr_in *in);

/* Numbers, after their alignment. */
uint32_t ndr_u32(struct ndr_in *in, const char *field);
uint32_t ndr_count(struct ndr_in *in, const char *field, uint32_t max);

/* True when the pointer is not null. */
bool ndr_pointer(struct ndr_in *in, const char *field);

/* The count that stands before a conformant array must be this one. */
void ndr_array(struct ndr_in *in, const char *field, uint32_t count);

/* A conformant array of that many bytes. */
struct wire_view ndr_bytes(struct ndr_in *in, const char *field, uint32_t len);

/* A fixed array of bytes that a pointer points at: no count before it. */
struct wire_view ndr_fixed(struct ndr_in *in, const char *field, size_t len);

/*
 * A conformant varying string of characters of unit bytes each, 1 or 2.  It
 * ends with a terminator, which counts, and of which some peers send two.
 */
struct wire_view ndr_string(struct ndr_in *in, const char *field, uint32_t unit,
                            uint32_t max_chars);

/* Remember a fault of a field that the decoder itself found. */
void ndr_fail(struct ndr_in *in, const char *field, enum wire_fault fault);
/* A field has more than max of something. */
void ndr_exceed(struct ndr_in *in, const char *field, uint32_t max);

struct ndr_out ndr_begin(struct wire_out *wire);
void ndr_end(struct ndr_out *out);
void ndr_put_u32(struct ndr_out *out, uint32_t value);
void ndr_put_pointer(struct ndr_out *out, bool present);
/* What stands before an array's elements; ndr_put_bytes writes it itself. */
void ndr_put_array(struct ndr_out *out, uint32_t count);
void ndr_put_bytes(struct ndr_out *out, struct wire_view bytes);
void ndr_put_fixed(struct ndr_out *out, struct wire_view bytes);
/* Maximum, offset and actual count; the characters follow. */
void ndr_put_string(struct ndr_out *out, uint32_t count);
/* Remember a fault of the caller's values; the first one stays. */
void ndr_put_fail(struct ndr_out *out, enum wire_fault fault);

#endif
