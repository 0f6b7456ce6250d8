/*
 * One smart card call or return byte by byte: it is decoded, what was decoded
 * is encoded to the same bytes, and every truncation of it is a fault, once as
 * it is and once with the object's length made to fit.  The bytes are what
 * ioctl_call_encode writes: referents in sequence, padding of zeros.
 */
#ifndef TESTS_REDIRECT_MESSAGE_H
#define TESTS_REDIRECT_MESSAGE_H

#include "exact.h"
#include "ioctl.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { MESSAGE_ROOM = 128 * 1024 };

/* Common and private header of an object of len bytes. */
#define HEADERS(len) 0x01, 0x10, U16(8), U32(0xCCCCCCCC), U32(len), U32(0)

/* An array of eight different bytes with its count, as a context or handle. */
#define ID8(first)                                                             \
	U32(8), (first), (first) + 1, (first) + 2, (first) + 3, (first) + 4,   \
	    (first) + 5, (first) + 6, (first) + 7

static inline enum wire_fault
message_decode_call(uint32_t code, const void *data, size_t len,
                    struct esc_call *call)
{
	struct wire_view copy = exact_dup(data, len);
	enum wire_fault fault = ioctl_call_decode(ioctl_find(code), copy, call);

	exact_free(copy);
	return fault;
}

static inline enum wire_fault
message_decode_return(uint32_t code, const void *data, size_t len,
                      struct esc_return *ret)
{
	struct wire_view copy = exact_dup(data, len);
	enum wire_fault fault =
	    ioctl_return_decode(ioctl_find(code), copy, ret);

	exact_free(copy);
	return fault;
}

static inline enum wire_fault
message_decode(bool call, uint32_t code, const void *data, size_t len)
{
	static struct esc_call c;
	static struct esc_return r;

	return call ? message_decode_call(code, data, len, &c)
	            : message_decode_return(code, data, len, &r);
}

/* A refusal may end after its code, and four bytes of padding. */
static inline bool
message_is_code_alone(bool call, const uint8_t *data, size_t n)
{
	static const uint8_t success[4];

	return !call && n >= NDR_HEADERS_LEN + 4 && n <= NDR_HEADERS_LEN + 8 &&
	       memcmp(data + NDR_HEADERS_LEN, success, 4) != 0;
}

/* pad bytes at the end are padding, which may be missing. */
static inline void
message_truncate(bool call, uint32_t code, const uint8_t *data, size_t len,
                 size_t pad)
{
	uint8_t *cut = malloc(len);
	size_t headers = NDR_HEADERS_LEN;

	assert_non_null(cut);
	for (size_t n = 0; n < len; n++)
		assert_int_not_equal(message_decode(call, code, data, n),
		                     WIRE_OK);
	for (size_t n = headers; n < len; n++) {
		struct wire_out out = wire_out(cut, len);

		wire_put_bytes(&out, data, n);
		wire_set_u32(&out, 8, (uint32_t)(n - headers));
		assert_int_equal(message_decode(call, code, cut, n) == WIRE_OK,
		                 n >= len - pad ||
		                     message_is_code_alone(call, data, n));
	}
	free(cut);
}

/* The views of *call are borrowed from data. */
static inline void
message_check_call(uint32_t code, const uint8_t *data, size_t len, size_t pad,
                   struct esc_call *call)
{
	static uint8_t room[MESSAGE_ROOM];
	struct wire_out out = wire_out(room, sizeof(room));
	struct wire_view view = {data, len};

	assert_int_equal(message_decode_call(code, data, len, call), WIRE_OK);
	assert_int_equal(ioctl_call_decode(ioctl_find(code), view, call),
	                 WIRE_OK);
	ioctl_call_encode(ioctl_find(code), &out, call);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, len);
	assert_memory_equal(room, data, len);
	message_truncate(true, code, data, len, pad);
}

static inline void
message_check_return(uint32_t code, const uint8_t *data, size_t len, size_t pad,
                     struct esc_return *ret)
{
	static uint8_t room[MESSAGE_ROOM];
	struct wire_out out = wire_out(room, sizeof(room));
	struct wire_view view = {data, len};

	assert_int_equal(message_decode_return(code, data, len, ret), WIRE_OK);
	assert_int_equal(ioctl_return_decode(ioctl_find(code), view, ret),
	                 WIRE_OK);
	ioctl_return_encode(ioctl_find(code), &out, ret);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, len);
	assert_memory_equal(room, data, len);
	message_truncate(false, code, data, len, pad);
}

#endif
