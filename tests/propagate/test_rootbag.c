/* The bag of roots on a card: its members, all of them or none. */
#include "pki.h"
#include "rootbag.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* One small certificate, count times; free() it. */
static uint8_t *
bag_of(const struct pki_cert *cert, size_t count, size_t *len)
{
	struct wire_view *ders = calloc(count + 1, sizeof(*ders));
	uint8_t *bag;

	for (size_t i = 0; i < count; i++)
		ders[i] = pki_der(cert);
	bag = pki_bag_new(ders, count, len);
	free(ders);
	return bag;
}

static void
test_members_in_order(void **state)
{
	struct pki_cert *first = pki_ca_new("First", NULL);
	struct pki_cert *second = pki_ca_new("Second", first);
	struct wire_view ders[2] = {pki_der(first), pki_der(second)};
	struct rootbag bag;
	size_t len;
	uint8_t *bytes = pki_bag_new(ders, 2, &len);

	(void)state;
	assert_null(rootbag_parse((struct wire_view){bytes, len}, &bag));
	assert_int_equal(bag.count, 2);
	assert_true(wire_view_equal(bag.certs[0], ders[0]));
	assert_true(wire_view_equal(bag.certs[1], ders[1]));
	free(bytes);
	pki_cert_free(second);
	pki_cert_free(first);
}

static void
test_no_members(void **state)
{
	struct rootbag bag;
	size_t len;
	uint8_t *bytes = pki_bag_new(NULL, 0, &len);

	(void)state;
	assert_null(rootbag_parse((struct wire_view){bytes, len}, &bag));
	assert_int_equal(bag.count, 0);
	assert_null(rootbag_parse((struct wire_view){NULL, 0}, &bag));
	assert_int_equal(bag.count, 0);
	free(bytes);
}

static void
test_limit(void **state)
{
	struct pki_cert *cert = pki_ca_new("Many", NULL);
	struct rootbag bag;
	size_t len;
	uint8_t *bytes;

	(void)state;
	for (size_t count = 63; count <= 65; count++) {
		const char *fault;

		bytes = bag_of(cert, count, &len);
		fault = rootbag_parse((struct wire_view){bytes, len}, &bag);
		assert_int_equal(fault == NULL, count <= ROOTBAG_MAX);
		assert_int_equal(bag.count, count <= ROOTBAG_MAX ? count : 0);
		free(bytes);
	}
	pki_cert_free(cert);
}

static void
test_every_truncation(void **state)
{
	struct pki_cert *cert = pki_ca_new("Cut", NULL);
	struct rootbag bag;
	size_t len;
	uint8_t *bytes = bag_of(cert, 2, &len);

	(void)state;
	for (size_t cut = 1; cut < len; cut++) {
		uint8_t *part = malloc(cut);

		memcpy(part, bytes, cut);
		assert_non_null(
		    rootbag_parse((struct wire_view){part, cut}, &bag));
		assert_int_equal(bag.count, 0);
		free(part);
	}
	free(bytes);
	pki_cert_free(cert);
}

/* Whatever byte is changed, it is all members or none. */
static void
test_every_changed_byte(void **state)
{
	struct pki_cert *cert = pki_ca_new("Changed", NULL);
	struct rootbag bag;
	size_t len;
	uint8_t *bytes = bag_of(cert, 2, &len);

	(void)state;
	for (size_t i = 0; i < len; i++) {
		const char *fault;

		bytes[i] ^= 0x81;
		fault = rootbag_parse((struct wire_view){bytes, len}, &bag);
		if (fault != NULL)
			assert_int_equal(bag.count, 0);
		bytes[i] ^= 0x81;
	}
	free(bytes);
	pki_cert_free(cert);
}

static void
test_trailing_byte(void **state)
{
	struct pki_cert *cert = pki_ca_new("Trailing", NULL);
	struct rootbag bag;
	size_t len;
	uint8_t *bytes = bag_of(cert, 1, &len);
	uint8_t *longer = calloc(1, len + 1);

	(void)state;
	memcpy(longer, bytes, len);
	assert_non_null(
	    rootbag_parse((struct wire_view){longer, len + 1}, &bag));
	free(longer);
	free(bytes);
	pki_cert_free(cert);
}

static void
put_head(struct wire_out *out, uint8_t tag, size_t len)
{
	wire_put_u8(out, tag);
	wire_put_u8(out, 0x83);
	wire_put_u8(out, (uint8_t)(len >> 16));
	wire_put_u16_be(out, (uint16_t)len);
}

/* The headers of a bag around members, with lengths of three bytes. */
static uint8_t *
wrap_members(struct wire_view members, size_t *len)
{
	static const uint8_t oid[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
	                              0xf7, 0x0d, 0x01, 0x07, 0x02};
	static const uint8_t begin[] = {0x02, 0x01, 0x01, 0x31, 0x00, 0x30,
	                                0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48,
	                                0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01};
	static const uint8_t end[] = {0x31, 0x00};
	size_t data = sizeof(begin) + 5 + members.len + sizeof(end);
	uint8_t *bytes = malloc(data + 64);
	struct wire_out out = wire_out(bytes, data + 64);

	put_head(&out, 0x30, sizeof(oid) + 10 + data);
	wire_put_bytes(&out, oid, sizeof(oid));
	put_head(&out, 0xa0, 5 + data);
	put_head(&out, 0x30, data);
	wire_put_bytes(&out, begin, sizeof(begin));
	put_head(&out, 0xa0, members.len);
	wire_put_view(&out, members);
	wire_put_bytes(&out, end, sizeof(end));
	*len = out.len;
	return bytes;
}

/* A hundred thousand members are refused at the 65th, not decoded. */
static void
test_very_many(void **state)
{
	enum { COUNT = 100000 };
	uint8_t *members = malloc(2 * COUNT);
	struct wire_view view = {members, 2 * COUNT};
	struct rootbag bag;
	size_t len;
	uint8_t *bytes;
	clock_t before = clock();

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		members[2 * i] = 0x30;
		members[2 * i + 1] = 0;
	}
	bytes = wrap_members(view, &len);
	assert_string_equal(rootbag_parse((struct wire_view){bytes, len}, &bag),
	                    "the root file holds too many certificates");
	assert_int_equal(bag.count, 0);
	assert_true(clock() - before < CLOCKS_PER_SEC / 20);
	free(bytes);
	free(members);
}

/* Nothing, too deep, or not a certificate: what stands between two good ones.
 */
enum between { NOTHING, TOO_DEEP, OTHER };

static void
put_between(struct wire_out *out, enum between between)
{
	for (unsigned i = 0; between == TOO_DEEP && i < 20; i++) {
		wire_put_u8(out, 0x30);
		wire_put_u8(out, (uint8_t)(2 * (19 - i)));
	}
	if (between == OTHER) /* an attribute certificate, say */
		wire_put_u16_be(out, 0xa100);
}

static const char *
parse_with(struct wire_view cert, enum between between, size_t *count)
{
	size_t size = cert.len + 70000;
	uint8_t *members = calloc(1, size);
	struct wire_out out = wire_out(members, size);
	struct rootbag bag;
	const char *fault;
	uint8_t *bytes;
	size_t len;

	wire_put_view(&out, cert);
	put_between(&out, between);
	/* So large that lengths of three bytes are the shortest. */
	put_head(&out, 0x30, 5 + 65536);
	put_head(&out, 0x04, 65536);
	wire_put_zeros(&out, 65536);
	bytes = wrap_members(wire_written(&out), &len);
	fault = rootbag_parse((struct wire_view){bytes, len}, &bag);
	*count = bag.count;
	free(bytes);
	free(members);
	return fault;
}

static void
test_all_or_nothing(void **state)
{
	struct pki_cert *cert = pki_ca_new("Good", NULL);
	size_t count;

	(void)state;
	assert_null(parse_with(pki_der(cert), NOTHING, &count));
	assert_int_equal(count, 2);
	assert_non_null(parse_with(pki_der(cert), TOO_DEEP, &count));
	assert_int_equal(count, 0);
	assert_non_null(parse_with(pki_der(cert), OTHER, &count));
	assert_int_equal(count, 0);
	pki_cert_free(cert);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_members_in_order),
	    cmocka_unit_test(test_no_members),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_every_changed_byte),
	    cmocka_unit_test(test_trailing_byte),
	    cmocka_unit_test(test_very_many),
	    cmocka_unit_test(test_all_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
