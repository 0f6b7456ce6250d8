/*
 * Whom a certificate names: persons, computers and devices apart, and names
 * that are too many, too long or no text.
 */
#include "identity.h"

#include "certbed.h"

/* cmocka wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define CARD_AUTH "2.16.840.1.101.3.6.8"
#define TEMPLATE  "1.3.6.1.4.1.311.20.2"

static void
assert_class(const struct pki_ext *exts, enum certificate_class class)
{
	struct pki_cert *cert = certbed_issue(exts, PKI_EC256);

	assert_int_equal(certbed_class_in_slot(pki_der(cert)), class);
	pki_cert_free(cert);
}

static void
test_computers_and_devices(void **state)
{
	static const struct pki_ext server[] = {
	    {"extendedKeyUsage", "clientAuth,serverAuth"},
	    {"subjectAltName", "DNS:host.example.test"},
	    {NULL, NULL},
	};
	static const struct pki_ext kdc[] = {
	    {"extendedKeyUsage", "1.3.6.1.5.2.3.5"},
	    {"subjectAltName", "DNS:dc.example.test"},
	    {NULL, NULL},
	};
	static const struct pki_ext ike[] = {
	    {"extendedKeyUsage", "1.3.6.1.5.5.8.2.2"},
	    {"subjectAltName", "DNS:gw.example.test"},
	    {NULL, NULL},
	};
	static const struct pki_ext server_with_person[] = {
	    {"extendedKeyUsage", "serverAuth"},
	    {"subjectAltName", "DNS:host.example.test,email:a@b.test"},
	    {NULL, NULL},
	};
	static const struct pki_ext client_with_host[] = {
	    {"extendedKeyUsage", "clientAuth"},
	    {"subjectAltName", "DNS:host.example.test"},
	    {NULL, NULL},
	};
	/* BMPString "Machine", and "User". */
	static const struct pki_ext machine[] = {
	    {TEMPLATE, "DER:1e0e004d0061006300680069006e0065"},
	    {NULL, NULL},
	};
	static const struct pki_ext user[] = {
	    {TEMPLATE, "DER:1e080055007300650072"},
	    {NULL, NULL},
	};
	static const struct pki_ext card_auth[] = {
	    {"extendedKeyUsage", "critical," CARD_AUTH},
	    {NULL, NULL},
	};
	static const struct pki_ext card_auth_of_person[] = {
	    {"extendedKeyUsage", CARD_AUTH},
	    {"subjectAltName", CERTBED_NAMES},
	    {NULL, NULL},
	};

	(void)state;
	assert_class(server, CERTIFICATE_COMPUTER);
	assert_class(kdc, CERTIFICATE_COMPUTER);
	assert_class(ike, CERTIFICATE_COMPUTER);
	assert_class(server_with_person, CERTIFICATE_USER);
	assert_class(client_with_host, CERTIFICATE_USER);
	assert_class(machine, CERTIFICATE_COMPUTER);
	assert_class(user, CERTIFICATE_USER);
	assert_class(card_auth, CERTIFICATE_DEVICE);
	assert_class(card_auth_of_person, CERTIFICATE_USER);
	assert_class(NULL, CERTIFICATE_USER);
}

static void
test_number_of_names(void **state)
{
	char names[16 * (IDENTITY_NAMES_MAX + 1) + 1] = "email:a@b.test";
	struct pki_ext exts[] = {{"subjectAltName", names}, {NULL, NULL}};
	struct pki_cert *cert;

	(void)state;
	for (int i = 1; i < IDENTITY_NAMES_MAX; i++)
		strcat(names, ",email:a@b.test");
	cert = certbed_issue(exts, PKI_EC256);
	assert_int_equal(certbed_class_in_slot(pki_der(cert)),
	                 CERTIFICATE_USER);
	pki_cert_free(cert);
	strcat(names, ",email:a@b.test");
	cert = certbed_issue(exts, PKI_EC256);
	certbed_assert_fault(pki_der(cert), CERTIFICATE_FROM_SLOT,
	                     "too many names");
	pki_cert_free(cert);
}

/* A name with a NUL in it is nobody's name. */
static void
test_upn_with_nul(void **state)
{
	static const struct pki_ext exts[] = {
	    {"subjectAltName", "DER:3015a013060a2b060104018237140203a0050c03"
	                       "610062"},
	    {NULL, NULL},
	};
	struct pki_cert *made = certbed_issue(exts, PKI_EC256);
	struct certificate *cert =
	    certificate_new(pki_der(made), CERTIFICATE_FROM_SLOT, false);
	struct keep_cert columns;

	(void)state;
	assert_int_equal(certificate_class(cert), CERTIFICATE_USER);
	certificate_describe(cert, &columns);
	assert_int_equal(columns.upn.len, 0);
	certificate_free(cert);
	pki_cert_free(made);
}

static void
test_broken_extension(void **state)
{
	static const struct pki_ext bad_names[] = {
	    {"subjectAltName", "DER:3003820500"},
	    {NULL, NULL},
	};
	static const struct pki_ext twice[] = {
	    {"subjectAltName", "email:a@b.test"},
	    {"subjectAltName", "email:c@d.test"},
	    {NULL, NULL},
	};

	(void)state;
	assert_class(bad_names, CERTIFICATE_REFUSED);
	assert_class(twice, CERTIFICATE_REFUSED);
}

static void
test_long_name_is_cut(void **state)
{
	/* 64 characters is the most a CN may have; each becomes three. */
	char name[64 * 3 + 1] = "";
	struct pki_spec spec = {.name = name};
	struct pki_cert *made;
	struct certificate *cert;
	struct keep_cert columns;

	(void)state;
	for (int i = 0; i < 64; i++)
		strcat(name, "\xe2\x82\xac");
	made = pki_cert_new(&spec, NULL);
	cert = certificate_new(pki_der(made), CERTIFICATE_FROM_SLOT, false);
	certificate_describe(cert, &columns);
	certbed_assert_view(certificate_common_name(cert), name);
	assert_int_equal(columns.subject.len, 3 + 64 * 3);
	certificate_free(cert);
	pki_cert_free(made);
}

static void
test_text_is_cut_between_characters(void **state)
{
	struct certname *out = malloc(sizeof(*out));
	X509_NAME *name = X509_NAME_new();
	char part[3 * 20 + 1] = "";

	(void)state;
	for (int i = 0; i < 20; i++)
		strcat(part, "\xe2\x82\xac");
	for (int i = 0; i < 40; i++)
		assert_int_equal(X509_NAME_add_entry_by_txt(
				     name, "OU", MBSTRING_UTF8,
				     (const unsigned char *)part, -1, -1, 0),
		                 1);
	certname_print(name, out);
	assert_true(out->len <= KEEP_TEXT_MAX);
	assert_true(out->len > KEEP_TEXT_MAX - 3);
	assert_int_equal(strlen(out->text), out->len);
	assert_int_not_equal((uint8_t)out->text[out->len - 1], 0xe2);
	X509_NAME_free(name);
	free(out);
}

static void
test_identity_text(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool good;
	} cases[] = {
	    {"a@b", 3, true},
	    {"", 0, false},
	    {"a\nb", 3, false},
	    {"a\x7f", 2, false},
	    {"\xc3\xa4", 2, true},
	    {"\xc3", 1, false},
	    {"\xc0\x80", 2, false},
	    {"\xed\xa0\x80", 3, false},
	    {"\xf4\x90\x80\x80", 4, false},
	    {"\xf0\x9f\x92\xb3", 4, true},
	    {"\xff", 1, false},
	};
	struct certname *out = malloc(sizeof(*out));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASN1_STRING *text = ASN1_STRING_new();

		assert_int_equal(
		    ASN1_STRING_set(text, cases[i].bytes, (int)cases[i].len),
		    1);
		assert_int_equal(certname_identity(text, out), cases[i].good);
		assert_int_equal(out->len, cases[i].good ? cases[i].len : 0);
		ASN1_STRING_free(text);
	}
	free(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_computers_and_devices),
	    cmocka_unit_test(test_number_of_names),
	    cmocka_unit_test(test_upn_with_nul),
	    cmocka_unit_test(test_broken_extension),
	    cmocka_unit_test(test_long_name_is_cut),
	    cmocka_unit_test(test_text_is_cut_between_characters),
	    cmocka_unit_test(test_identity_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
