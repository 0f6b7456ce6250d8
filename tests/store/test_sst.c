/* Serialized certificate stores: written, read, every truncation. */
#include "sst.h"

#include "property.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* [MS-OSHARED] 2.3.2.5.5, field by field: one certificate with two names. */
static const uint8_t file[] = {
    0,    0,   0,   0,                         /* version */
    'C',  'E', 'R', 'T',                       /* file type */
    11,   0,   0,   0,   1,   0, 0,   0,       /* friendly name, encoding */
    6,    0,   0,   0,   'A', 0, 'b', 0, 0, 0, /* length, "Ab" */
    19,   0,   0,   0,   1,   0, 0,   0, 0, 0, 0, 0, /* archived: empty */
    32,   0,   0,   0,   1,   0, 0,   0, 2, 0, 0, 0,
    0x30, 0,                                        /* the certificate */
    0,    0,   0,   0,   0,   0, 0,   0, 0, 0, 0, 0 /* end marker */
};

/* A copy of exactly that size, so that a read past its end is seen. */
static uint8_t *
dup(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, data, len);
	return copy;
}

static void
test_writing(void **state)
{
	static const uint8_t name[] = {'A', 0, 'b', 0, 0, 0};
	static const uint8_t der[] = {0x30, 0};
	uint8_t bytes[sizeof(file)];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	sst_put_start(&out);
	sst_put_property(&out, PROPERTY_FRIENDLY_NAME,
	                 (struct wire_view){name, sizeof(name)});
	sst_put_property(&out, PROPERTY_ARCHIVED, (struct wire_view){0});
	sst_put_certificate(&out, (struct wire_view){der, sizeof(der)});
	sst_put_end(&out);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, sizeof(file));
	assert_memory_equal(bytes, file, sizeof(file));
}

static void
test_reading(void **state)
{
	struct wire_in in = wire_in(file, sizeof(file));
	struct sst_element e;

	(void)state;
	assert_true(sst_start(&in));
	assert_int_equal(sst_next(&in, &e), SST_PROPERTY);
	assert_int_equal(e.number, PROPERTY_FRIENDLY_NAME);
	assert_int_equal(e.value.len, 6);
	assert_int_equal(sst_next(&in, &e), SST_PROPERTY);
	assert_int_equal(e.number, PROPERTY_ARCHIVED);
	assert_int_equal(e.value.len, 0);
	assert_int_equal(sst_next(&in, &e), SST_CERT);
	assert_int_equal(e.value.len, 2);
	assert_int_equal(sst_next(&in, &e), SST_END);
	assert_true(wire_done(&in));
}

/* Does it read to its end, with nothing left over? */
static bool
reads(const uint8_t *bytes, size_t len)
{
	struct wire_in in = wire_in(bytes, len);
	struct sst_element e;
	enum sst_step step = sst_start(&in) ? SST_PROPERTY : SST_FAULT;

	while (step != SST_END && step != SST_FAULT)
		step = sst_next(&in, &e);
	return step == SST_END && wire_done(&in);
}

static void
test_every_truncation(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(file); len++) {
		uint8_t *part = dup(file, len);

		assert_false(reads(part, len));
		free(part);
	}
	uint8_t *whole = dup(file, sizeof(file));

	assert_true(reads(whole, sizeof(file)));
	free(whole);
}

static void
refuse_with(size_t at, uint8_t value)
{
	uint8_t *bytes = dup(file, sizeof(file));

	bytes[at] = value;
	assert_false(reads(bytes, sizeof(file)));
	free(bytes);
}

static void
test_refusals(void **state)
{
	(void)state;
	refuse_with(0, 1);                 /* version */
	refuse_with(4, 'c');               /* file type */
	refuse_with(12, 2);                /* encoding */
	refuse_with(16, 7);                /* one byte more than there is */
	refuse_with(19, 0xff);             /* far above the limit */
	refuse_with(sizeof(file) - 1, 1);  /* the marker */
	refuse_with(sizeof(file) - 12, 5); /* no marker */
}

/* A value of the limit is taken, one byte more is not. */
static void
test_limit_of_a_value(void **state)
{
	size_t size = SST_VALUE_MAX + 64;
	uint8_t *value = calloc(1, size);
	uint8_t *bytes = malloc(2 * size);

	(void)state;
	assert_non_null(value);
	assert_non_null(bytes);
	for (size_t len = SST_VALUE_MAX; len <= SST_VALUE_MAX + 1; len++) {
		struct wire_out out = wire_out(bytes, 2 * size);

		sst_put_start(&out);
		sst_put_property(&out, 87, (struct wire_view){value, len});
		sst_put_end(&out);
		assert_int_equal(reads(bytes, out.len), len == SST_VALUE_MAX);
	}
	free(bytes);
	free(value);
}

/* Revocation lists end the properties before them and are no certificates. */
static void
test_other_objects(void **state)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct sst_element e;

	(void)state;
	sst_put_start(&out);
	sst_put_property(&out, SST_REVOCATION_LIST, wire_view_text("crl"));
	sst_put_property(&out, SST_TRUST_LIST, wire_view_text("ctl"));
	sst_put_end(&out);
	struct wire_in in = wire_in_view(wire_written(&out));

	assert_true(sst_start(&in));
	assert_int_equal(sst_next(&in, &e), SST_OTHER);
	assert_int_equal(sst_next(&in, &e), SST_OTHER);
	assert_int_equal(sst_next(&in, &e), SST_END);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_writing),
	    cmocka_unit_test(test_reading),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_limit_of_a_value),
	    cmocka_unit_test(test_other_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
