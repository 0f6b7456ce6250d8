/*
 * Bytes: the one cursor through which every message is read and written.
 *
 * A cursor owns nothing, checks every bound, and remembers its first fault;
 * after a fault reads give 0 or an empty view and writes do nothing.  A decoder
 * therefore follows its specification line by line and asks once, at the end.
 * It does no I/O and allocates nothing.
 */
#ifndef STORE_WIRE_H
#define STORE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum wire_fault {
	WIRE_OK,
	WIRE_SHORT, /* fewer bytes than asked for */
	WIRE_LIMIT, /* a count or a length above its maximum */
	WIRE_VALUE, /* a value its specification does not allow */
	WIRE_FULL   /* no room left to write */
};

/* Borrowed bytes: they live as long as what they were taken from. */
struct wire_view {
	const uint8_t *data;
	size_t len;
};

/*
 * A reader: the bytes not yet read, and the first fault.  A decoder may say
 * which field of its specification comes next; the one of the fault stays.
 */
struct wire_in {
	const uint8_t *next;
	size_t left;
	enum wire_fault fault;
	const char *field; /* a literal, or NULL: nobody said */
};

/* A writer: a caller's buffer, how much of it is written, the first fault. */
struct wire_out {
	uint8_t *data;
	size_t size;
	size_t len;
	enum wire_fault fault;
};

struct wire_in wire_in(const void *data, size_t len);
struct wire_in wire_in_view(struct wire_view view);

/* No fault so far. */
bool wire_ok(const struct wire_in *in);

/* No fault and nothing left over. */
bool wire_done(const struct wire_in *in);

/* This field comes next. */
void wire_field(struct wire_in *in, const char *field);

/* Remember a fault the decoder itself found; the first one stays. */
void wire_fail(struct wire_in *in, enum wire_fault fault);

/* Little-endian reads; _be is big-endian. */
uint8_t wire_u8(struct wire_in *in);
uint16_t wire_u16(struct wire_in *in);
uint32_t wire_u32(struct wire_in *in);
uint64_t wire_u64(struct wire_in *in);
uint16_t wire_u16_be(struct wire_in *in);
uint32_t wire_u32_be(struct wire_in *in);

/* A 32-bit count; above max it is a WIRE_LIMIT fault and reads as 0. */
uint32_t wire_count(struct wire_in *in, uint32_t max);

/* The next len bytes, borrowed; an empty view when they are not there. */
struct wire_view wire_bytes(struct wire_in *in, size_t len);

/* All that is left, borrowed. */
struct wire_view wire_rest(struct wire_in *in);

void wire_skip(struct wire_in *in, size_t len);

/* A cursor over the next len bytes only; in moves past them. */
struct wire_in wire_sub(struct wire_in *in, size_t len);

struct wire_out wire_out(void *data, size_t size);
bool wire_out_ok(const struct wire_out *out);

/* The bytes written so far. */
struct wire_view wire_written(const struct wire_out *out);

void wire_put_u8(struct wire_out *out, uint8_t value);
void wire_put_u16(struct wire_out *out, uint16_t value);
void wire_put_u32(struct wire_out *out, uint32_t value);
void wire_put_u64(struct wire_out *out, uint64_t value);
void wire_put_u16_be(struct wire_out *out, uint16_t value);
void wire_put_u32_be(struct wire_out *out, uint32_t value);
void wire_put_bytes(struct wire_out *out, const void *data, size_t len);
void wire_put_view(struct wire_out *out, struct wire_view view);
void wire_put_zeros(struct wire_out *out, size_t len);

/*
 * Leave room for a length that is known only later: returns its offset, to be
 * given to wire_set_u16, wire_set_u16_be or wire_set_u32.
 */
size_t wire_reserve(struct wire_out *out, size_t len);
void wire_set_u16(struct wire_out *out, size_t offset, uint16_t value);
void wire_set_u16_be(struct wire_out *out, size_t offset, uint16_t value);
void wire_set_u32(struct wire_out *out, size_t offset, uint32_t value);

/* A view of a string without its NUL; NULL gives the empty view. */
struct wire_view wire_view_text(const char *text);

/* Same length and same bytes. */
bool wire_view_equal(struct wire_view a, struct wire_view b);

/* What a fault is called in a log line: "short", "limit", ... */
const char *wire_fault_name(enum wire_fault fault);

#endif
