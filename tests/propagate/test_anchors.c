/*
 * What a card's root is to those the host trusts: the same, one of the same key
 * or subject, or none of them; and how many of what size are taken.
 */
#include "anchors.h"

#include "pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

struct bed {
	struct anchors *anchors;
	struct pki_cert *root;
};

static int
set_up(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	bed->anchors = anchors_new();
	bed->root = pki_ca_new("Public Root", NULL);
	assert_non_null(bed->anchors);
	assert_int_equal(anchors_add(bed->anchors, pki_der(bed->root)),
	                 ANCHORS_ADDED);
	*state = bed;
	return 0;
}

static int
tear_down(void **state)
{
	struct bed *bed = *state;

	anchors_free(bed->anchors);
	pki_cert_free(bed->root);
	free(bed);
	return 0;
}

static enum anchors_match
find(const struct bed *bed, const X509 *x509)
{
	struct anchors_id id;

	assert_true(anchors_identify(x509, &id));
	return anchors_find(bed->anchors, &id);
}

/* One attribute, in the kind of string that is asked for. */
static void
add_value(X509_NAME *name, const char *field, int type, const void *value,
          int len, int set)
{
	assert_int_equal(
	    X509_NAME_add_entry_by_txt(name, field, type, value, len, -1, set),
	    1);
}

/* A certificate of the same name as the root, written in another way. */
static enum anchors_match
find_name(const struct bed *bed, int type, const void *value, int len)
{
	struct pki_cert *other = pki_ca_new("Other", NULL);
	X509_NAME *name = X509_NAME_new();
	enum anchors_match match;

	assert_non_null(name);
	add_value(name, "CN", type, value, len, 0);
	assert_int_equal(X509_set_subject_name(pki_x509(other), name), 1);
	match = find(bed, pki_x509(other));
	X509_NAME_free(name);
	pki_cert_free(other);
	return match;
}

static void
test_same(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(find(bed, pki_x509(bed->root)), ANCHORS_SAME);
	assert_int_equal(anchors_add(bed->anchors, pki_der(bed->root)),
	                 ANCHORS_ADDED);
	assert_int_equal(anchors_count(bed->anchors), 1);
}

static void
test_none(void **state)
{
	struct bed *bed = *state;
	struct pki_cert *other = pki_ca_new("Public Root 2", NULL);
	struct anchors_id id;

	assert_int_equal(find(bed, pki_x509(other)), ANCHORS_NONE);
	assert_true(anchors_identify(pki_x509(bed->root), &id));
	assert_int_equal(anchors_find(NULL, &id), ANCHORS_NONE);
	pki_cert_free(other);
}

static void
test_same_subject(void **state)
{
	static const char wide[] = "\0P\0u\0b\0l\0i\0c\0 \0R\0o\0o\0t";
	struct bed *bed = *state;
	struct pki_cert *other = pki_ca_new("Public Root", NULL);

	assert_int_equal(find(bed, pki_x509(other)), ANCHORS_SAME_SUBJECT);
	pki_cert_free(other);
	/* Programs take these for the same name. */
	assert_int_equal(
	    find_name(bed, V_ASN1_PRINTABLESTRING, "Public Root", 11),
	    ANCHORS_SAME_SUBJECT);
	assert_int_equal(
	    find_name(bed, V_ASN1_UTF8STRING, " PUBLIC  \trooT ", 15),
	    ANCHORS_SAME_SUBJECT);
	assert_int_equal(
	    find_name(bed, V_ASN1_BMPSTRING, wide, sizeof(wide) - 1),
	    ANCHORS_SAME_SUBJECT);
	/* And these not. */
	assert_int_equal(find_name(bed, V_ASN1_UTF8STRING, "PublicRoot", 10),
	                 ANCHORS_NONE);
	assert_int_equal(find_name(bed, V_ASN1_UTF8STRING, "", 0),
	                 ANCHORS_NONE);
}

/* Attributes of one RDN have no order, RDNs have one. */
static void
test_order_of_attributes(void **state)
{
	struct bed *bed = *state;
	struct pki_cert *cert[3];

	for (int i = 0; i < 3; i++) {
		X509_NAME *name = X509_NAME_new();

		assert_non_null(name);
		cert[i] = pki_ca_new("Any", NULL);
		add_value(name, i == 0 ? "O" : "CN", MBSTRING_UTF8, "a", -1, 0);
		add_value(name, i == 0 ? "CN" : "O",
		          i == 1 ? V_ASN1_PRINTABLESTRING : MBSTRING_UTF8, "A",
		          -1, i == 2 ? 0 : -1);
		assert_int_equal(X509_set_subject_name(pki_x509(cert[i]), name),
		                 1);
		X509_NAME_free(name);
	}
	unsigned char *der = NULL;
	int len = i2d_X509(pki_x509(cert[0]), &der);

	assert_true(len > 0);
	assert_int_equal(
	    anchors_add(bed->anchors, (struct wire_view){der, (size_t)len}),
	    ANCHORS_ADDED);
	assert_int_equal(find(bed, pki_x509(cert[1])), ANCHORS_SAME_SUBJECT);
	assert_int_equal(find(bed, pki_x509(cert[2])), ANCHORS_NONE);
	OPENSSL_free(der);
	for (int i = 0; i < 3; i++)
		pki_cert_free(cert[i]);
}

static void
test_same_key(void **state)
{
	struct bed *bed = *state;
	struct pki_cert *other = pki_ca_new("Other", NULL);

	assert_int_equal(X509_set_pubkey(pki_x509(other), pki_pkey(bed->root)),
	                 1);
	assert_int_equal(find(bed, pki_x509(other)), ANCHORS_SAME_KEY);
	pki_cert_free(other);
}

static enum anchors_result
add_part(struct anchors *anchors, struct wire_view der, size_t len)
{
	uint8_t *exact = calloc(1, len > 0 ? len : 1);
	enum anchors_result result;

	assert_non_null(exact);
	memcpy(exact, der.data, len < der.len ? len : der.len);
	result = anchors_add(anchors, (struct wire_view){exact, len});
	free(exact);
	return result;
}

static void
test_broken(void **state)
{
	struct bed *bed = *state;
	struct pki_cert *other = pki_ca_new("Other", NULL);
	struct wire_view der = pki_der(other);

	for (size_t len = 0; len < der.len; len++)
		assert_int_equal(add_part(bed->anchors, der, len),
		                 ANCHORS_BROKEN);
	assert_int_equal(add_part(bed->anchors, der, der.len + 1),
	                 ANCHORS_BROKEN);
	assert_int_equal(anchors_count(bed->anchors), 1);
	assert_int_equal(add_part(bed->anchors, der, der.len), ANCHORS_ADDED);
	assert_int_equal(anchors_count(bed->anchors), 2);
	pki_cert_free(other);
}

static void
test_size_of_one(void **state)
{
	struct bed *bed = *state;
	struct pki_spec spec = {.name = "Fat", .pad = 65536};
	struct pki_cert *fat = pki_cert_new(&spec, NULL);
	size_t over = pki_der(fat).len - 65536;

	assert_int_equal(anchors_add(bed->anchors, pki_der(fat)),
	                 ANCHORS_BROKEN);
	pki_cert_free(fat);
	spec.pad -= over;
	fat = pki_cert_new(&spec, NULL);
	/* A signature of an EC key is a byte or two longer or shorter. */
	while (pki_der(fat).len != 65536) {
		spec.pad += 65536 - pki_der(fat).len;
		pki_cert_free(fat);
		fat = pki_cert_new(&spec, NULL);
	}
	assert_int_equal(anchors_add(bed->anchors, pki_der(fat)),
	                 ANCHORS_ADDED);
	pki_cert_free(fat);
}

/* The serial number, where there is room for a count. */
static uint8_t *
serial_of(uint8_t *der, size_t len, const struct pki_cert *cert)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(pki_x509(cert));

	assert_true(ASN1_STRING_length(serial) >= 4);
	return memmem(der, len, ASN1_STRING_get0_data(serial),
	              (size_t)ASN1_STRING_length(serial));
}

static void
test_number_of_anchors(void **state)
{
	struct bed *bed = *state;
	struct wire_view der = pki_der(bed->root);
	uint8_t *copy = malloc(der.len);
	uint8_t *serial;
	struct wire_view many = {copy, der.len};

	assert_non_null(copy);
	memcpy(copy, der.data, der.len);
	serial = serial_of(copy, der.len, bed->root);
	assert_non_null(serial);
	for (unsigned i = 0; anchors_count(bed->anchors) < ANCHORS_MAX; i++) {
		serial[2] = (uint8_t)(i >> 8);
		serial[3] = (uint8_t)i;
		assert_int_equal(anchors_add(bed->anchors, many),
		                 ANCHORS_ADDED);
	}
	serial[1] ^= 1;
	assert_int_equal(anchors_add(bed->anchors, many), ANCHORS_FULL);
	assert_int_equal(anchors_count(bed->anchors), ANCHORS_MAX);
	/* What is there may come again. */
	assert_int_equal(anchors_add(bed->anchors, der), ANCHORS_ADDED);
	assert_int_equal(find(bed, pki_x509(bed->root)), ANCHORS_SAME);
	free(copy);
}

#define BED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BED(test_same),         BED(test_none),
	    BED(test_same_subject), BED(test_order_of_attributes),
	    BED(test_same_key),     BED(test_broken),
	    BED(test_size_of_one),  BED(test_number_of_anchors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
