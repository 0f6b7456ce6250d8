/* X.224 requests, confirms and failures, byte by byte, and every truncation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "x224.h"

/* What mstsc sends: cookie, negotiation, correlation info. */
static const uint8_t request_bytes[] = {
    0x03, 0x00, 0x00, 0x51,                        /* TPKT, 81 bytes */
    0x4c,                                          /* length indicator 76 */
    0xe0, 0x00, 0x00, 0x00, 0x00, 0x00,            /* CR, references, class 0 */
    'C',  'o',  'o',  'k',  'i',  'e',  ':',  ' ', /* cookie, 24 + 2 bytes */
    'm',  's',  't',  's',  'h',  'a',  's',  'h',  '=',  'e',  'l', 't',
    'o',  'n',  's',  '1',  '\r', '\n', 0x01, 0x08, 0x08, 0x00, /* RDP_NEG_REQ,
                                                                   correlation
                                                                 */
    0x0b, 0x00, 0x00, 0x00, /* SSL, HYBRID, HYBRID_EX */
    0x06, 0x00, 0x24, 0x00, /* correlation info */
    1,    2,    3,    4,    5,    6,    7,    8,    9,    10,   11,  12,
    13,   14,   15,   16,   0,    0,    0,    0,    0,    0,    0,   0,
    0,    0,    0,    0,    0,    0,    0,    0,
};

static bool
decode(const void *bytes, size_t len, struct x224_request *request)
{
	struct wire_in in = wire_in(bytes, len);

	return x224_request_decode(&in, request);
}

/* A request around these bytes, its lengths right. */
static size_t
build(uint8_t out[260], const void *variable, size_t len)
{
	const uint8_t head[] = {
	    3, 0, 0, (uint8_t)(11 + len), (uint8_t)(6 + len), 0xe0, 0, 0,
	    0, 0, 0};

	memcpy(out, head, sizeof(head));
	memcpy(out + sizeof(head), variable, len);
	return sizeof(head) + len;
}

static void
test_request(void **state)
{
	struct x224_request request;

	(void)state;
	assert_int_equal(sizeof(request_bytes), 0x51);
	assert_true(decode(request_bytes, sizeof(request_bytes), &request));
	assert_int_equal(request.token.len, 24);
	assert_int_equal(request.user.len, 7);
	assert_memory_equal(request.user.data, "eltons1", 7);
	assert_true(request.negotiates);
	assert_int_equal(request.flags, 8);
	assert_int_equal(request.protocols, 11);
	assert_int_equal(request.protocols_offset, 41);
	assert_int_equal(request_bytes[request.protocols_offset], 11);
}

static void
test_request_truncated(void **state)
{
	struct x224_request request;

	(void)state;
	for (size_t len = 0; len < sizeof(request_bytes); len++) {
		uint8_t *copy = malloc(len == 0 ? 1 : len);

		memcpy(copy, request_bytes, len);
		assert_false(decode(copy, len, &request));
		if (len >= 5) { /* the same with lengths that fit */
			copy[3] = (uint8_t)len;
			copy[4] = (uint8_t)(len - 5);
			(void)decode(copy, len, &request);
		}
		free(copy);
	}
}

/* Every bit of the fixed bytes matters, save references, class and ids. */
static void
test_request_lengths(void **state)
{
	struct x224_request request;
	uint8_t copy[sizeof(request_bytes)];
	const size_t checked[] = {0, 2, 3, 4, 37, 39, 45, 47};

	(void)state;
	for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++) {
		memcpy(copy, request_bytes, sizeof(copy));
		copy[checked[i]] ^= 0x40;
		assert_false(decode(copy, sizeof(copy), &request));
	}
}

static void
test_request_forms(void **state)
{
	static const char token[] = "tsv://MS Terminal Services Plugin.1\r\n";
	static const uint8_t negotiation[] = {1, 0, 8, 0, 1, 0, 0, 0};
	struct x224_request request;
	uint8_t bytes[260];
	size_t len;

	(void)state;
	len = build(bytes, "", 0);
	assert_true(decode(bytes, len, &request));
	assert_false(request.negotiates);
	assert_int_equal(request.protocols_offset, 0);
	len = build(bytes, negotiation, sizeof(negotiation));
	assert_true(decode(bytes, len, &request));
	assert_true(request.negotiates);
	assert_int_equal(request.token.len, 0);
	assert_int_equal(request.protocols_offset, 15);
	len = build(bytes, token, sizeof(token) - 1);
	assert_true(decode(bytes, len, &request));
	assert_int_equal(request.token.len, sizeof(token) - 3);
	assert_int_equal(request.user.len, 0);
	assert_false(request.negotiates);
	len = build(bytes, token, sizeof(token) - 2); /* no line feed */
	assert_false(decode(bytes, len, &request));
	len = build(bytes, "\r\n", 2);
	assert_true(decode(bytes, len, &request));
	assert_int_equal(request.token.len, 0);
}

/* A length indicator has one byte: 254 is the most, 255 is reserved. */
static void
test_request_longest(void **state)
{
	struct x224_request request;
	uint8_t bytes[260], variable[250];
	size_t len;

	(void)state;
	memset(variable, 'x', sizeof(variable));
	memcpy(variable + 246, "\r\n", 2);
	len = build(bytes, variable, 248);
	bytes[2] = 259 >> 8;
	assert_int_equal(len, 259);
	assert_true(decode(bytes, len, &request));
	assert_int_equal(request.token.len, 246);
}

static void
test_message_len(void **state)
{
	static const struct {
		uint8_t bytes[4];
		size_t len;
		size_t want;
	} cases[] = {
	    {{0}, 0, 0},
	    {{3}, 1, 0},
	    {{3, 0}, 2, 0},
	    {{3, 0, 0, 11}, 3, 0},
	    {{3, 0, 0, 11}, 4, 11},
	    {{3, 0, 0, 10}, 4, X224_NOT_RDP},
	    {{3, 0, 0, 0}, 4, X224_NOT_RDP},
	    {{3, 0, 0x10, 0}, 4, 4096},
	    {{3, 0, 0x10, 1}, 4, X224_NOT_RDP},
	    {{3, 0, 0xff, 0xff}, 4, X224_NOT_RDP},
	    {{16, 0, 0, 0}, 3, 0},
	    {{16, 0, 0, 0}, 4, 16},
	    {{15, 0, 0, 0}, 4, X224_NOT_RDP},
	    {{0, 0x10, 0, 0}, 4, 4096},
	    {{1, 0x10, 0, 0}, 4, X224_NOT_RDP},
	    {{3, 1, 0, 0}, 4, 259},
	    {{0x16, 3, 1, 2}, 4, X224_NOT_RDP}, /* TLS */
	    {{'G', 'E', 'T', ' '}, 4, X224_NOT_RDP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct wire_view view = {cases[i].bytes, cases[i].len};

		assert_int_equal(x224_message_len(view), cases[i].want);
	}
}

static void
test_preconnection(void **state)
{
	uint8_t v2[] = {22, 0, 0, 0, 0, 0, 0, 0,   2, 0, 0,
	                0,  9, 0, 0, 0, 2, 0, 'a', 0, 0, 0};
	uint8_t v1[16] = {16, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 9};

	(void)state;
	assert_true(x224_is_preconnection((struct wire_view){v1, 16}));
	assert_false(x224_is_preconnection((struct wire_view){v1, 15}));
	assert_true(x224_is_preconnection((struct wire_view){v2, 22}));
	v2[16] = 3; /* a string that does not fit */
	assert_false(x224_is_preconnection((struct wire_view){v2, 22}));
	v1[8] = 3; /* version */
	assert_false(x224_is_preconnection((struct wire_view){v1, 16}));
	assert_false(x224_is_preconnection(
	    (struct wire_view){request_bytes, sizeof(request_bytes)}));
}

static void
check_confirm(const struct x224_confirm *confirm, size_t want)
{
	uint8_t bytes[X224_CONFIRM_LEN];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct x224_confirm back;
	struct wire_in in;

	x224_confirm_encode(&out, confirm);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, want);
	assert_int_equal(x224_message_len(wire_written(&out)), want);
	in = wire_in_view(wire_written(&out));
	assert_true(x224_confirm_decode(&in, &back));
	assert_int_equal(back.kind, confirm->kind);
	assert_int_equal(back.flags, confirm->flags);
	assert_int_equal(back.value, confirm->value);
	for (size_t len = 0; len < out.len; len++) {
		uint8_t *copy = malloc(len == 0 ? 1 : len);

		memcpy(copy, bytes, len);
		in = wire_in(copy, len);
		assert_false(x224_confirm_decode(&in, &back));
		free(copy);
	}
}

static void
test_confirm(void **state)
{
	const struct x224_confirm response = {X224_RESPONSE, 0x1f, 2};
	const struct x224_confirm failure = {X224_FAILURE, 0, 5};
	const struct x224_confirm plain = {X224_PLAIN, 0, 0};

	(void)state;
	check_confirm(&response, X224_CONFIRM_LEN);
	check_confirm(&failure, X224_CONFIRM_LEN);
	check_confirm(&plain, 11);
}

static void
test_confirm_wrong(void **state)
{
	uint8_t bytes[] = {3, 0, 0, 19, 14, 0xd0, 0, 0, 0, 0,
	                   0, 2, 0, 8,  0,  1,    0, 0, 0};
	const size_t checked[] = {0, 3, 4, 5, 11, 13};
	struct x224_confirm confirm;
	struct wire_in in;

	(void)state;
	for (size_t i = 0; i < sizeof(checked) / sizeof(checked[0]); i++) {
		bytes[checked[i]] ^= 0x40;
		in = wire_in(bytes, sizeof(bytes));
		assert_false(x224_confirm_decode(&in, &confirm));
		bytes[checked[i]] ^= 0x40;
	}
	in = wire_in(bytes, sizeof(bytes));
	assert_true(x224_confirm_decode(&in, &confirm));
}

static void
test_failure_name(void **state)
{
	(void)state;
	assert_string_equal(x224_failure_name(X224_HYBRID_REQUIRED),
	                    "HYBRID_REQUIRED_BY_SERVER");
	assert_string_equal(x224_failure_name(0), "unknown");
	assert_string_equal(x224_failure_name(7), "unknown");
	assert_string_equal(x224_failure_name(UINT32_MAX), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_request_truncated),
	    cmocka_unit_test(test_request_lengths),
	    cmocka_unit_test(test_request_forms),
	    cmocka_unit_test(test_request_longest),
	    cmocka_unit_test(test_message_len),
	    cmocka_unit_test(test_preconnection),
	    cmocka_unit_test(test_confirm),
	    cmocka_unit_test(test_confirm_wrong),
	    cmocka_unit_test(test_failure_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
