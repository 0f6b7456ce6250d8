/*
 * What a certificate is taken for: its class, the columns that describe it,
 * what a log-on asks of it, and everything that is refused, with the fault it
 * is given.
 */
#include "certbed.h"
#include "spki.h"

/* cmocka wants these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY = 24 * 60 * 60 };

/* The bytes in a buffer of exactly their size, so that over-reads are seen. */
static struct wire_view
exact(struct wire_view view)
{
	uint8_t *copy = malloc(view.len + 1);
	struct wire_view out = {NULL, view.len};

	assert_non_null(copy);
	if (view.len > 0)
		copy = realloc(copy, view.len);
	memcpy(copy, view.data, view.len);
	out.data = copy;
	return out;
}

static void
drop(struct wire_view view)
{
	free((void *)(uintptr_t)view.data);
}

/* Another key in a certificate, and another signature under it. */
static struct wire_view
remade(const struct pki_cert *cert, EVP_PKEY *key, EVP_PKEY *signer,
       const EVP_MD *digest)
{
	X509 *x509 = X509_dup(pki_x509(cert));
	unsigned char *der = NULL;
	struct wire_view view, out;
	int len;

	assert_non_null(x509);
	assert_int_equal(X509_set_pubkey(x509, key), 1);
	assert_true(X509_sign(x509, signer, digest) > 0);
	len = i2d_X509(x509, &der);
	assert_true(len > 0);
	view.data = der;
	view.len = (size_t)len;
	out = exact(view);
	OPENSSL_free(der);
	X509_free(x509);
	return out;
}

/* A modulus of so many bits; nobody has the private half. */
static EVP_PKEY *
rsa_public(int bits)
{
	BIGNUM *n = BN_new();
	BIGNUM *e = BN_new();
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	assert_int_equal(BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD),
	                 1);
	assert_int_equal(BN_set_word(e, 65537), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n),
	                 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e),
	                 1);
	params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	return key;
}

static const struct pki_ext logon_exts[] = {
    {"keyUsage", "critical,digitalSignature"},
    {"extendedKeyUsage", "clientAuth,1.3.6.1.4.1.311.20.2.2"},
    {"subjectAltName", CERTBED_NAMES},
    {"subjectKeyIdentifier", "hash"},
    {NULL, NULL},
};

static void
test_user_columns(void **state)
{
	struct pki_cert *made = certbed_issue(logon_exts, PKI_RSA2048);
	struct certificate *cert =
	    certificate_new(pki_der(made), CERTIFICATE_FROM_SLOT, false);
	struct keep_cert columns;

	(void)state;
	assert_int_equal(certificate_class(cert), CERTIFICATE_USER);
	certificate_describe(cert, &columns);
	assert_true(wire_view_equal(columns.der, pki_der(made)));
	certbed_assert_view(columns.subject, "CN=Holder");
	certbed_assert_view(columns.issuer, "CN=Issuer");
	certbed_assert_view(certificate_common_name(cert), "Holder");
	certbed_assert_view(columns.upn, "user@example.test");
	certbed_assert_view(columns.email, "user@mail.test");
	certbed_assert_view(columns.key_alg, "RSA");
	assert_int_equal(columns.key_bits, 2048);
	assert_int_equal(columns.ski.len, 20);
	assert_true(columns.serial.len >= 2);
	assert_true(columns.not_before < time(NULL));
	assert_true(columns.not_after > time(NULL));
	assert_true(columns.subject_hash ==
	            X509_NAME_hash_ex(X509_get_subject_name(pki_x509(made)),
	                              NULL, NULL, NULL));
	assert_false(columns.logon_eligible); /* that is judged later */
	assert_false(columns.is_ca);
	assert_false(columns.self_issued);
	certificate_free(cert);
	pki_cert_free(made);
}

/* What a log-on asks, of one certificate. */
static struct certificate_logon
logon_facts(const struct pki_ext *exts, enum pki_key key)
{
	struct pki_spec spec = {.name = "A", .key = key, .exts = exts};
	struct pki_cert *ca = pki_ca_new("Issuer", NULL);
	struct pki_cert *made = pki_cert_new(&spec, ca);
	struct certificate *cert =
	    certificate_new(pki_der(made), CERTIFICATE_FROM_SLOT, false);
	struct certificate_logon facts = *certificate_logon_facts(cert);

	assert_int_equal(certificate_class(cert), CERTIFICATE_USER);
	certificate_free(cert);
	pki_cert_free(made);
	pki_cert_free(ca);
	return facts;
}

static void
test_logon_facts(void **state)
{
	static const struct pki_ext lax[] = {
	    {"keyUsage", "critical,digitalSignature"},
	    {"extendedKeyUsage", "clientAuth"},
	    {NULL, NULL},
	};
	static const struct pki_ext none[] = {
	    {"keyUsage", "critical,keyEncipherment"},
	    {NULL, NULL},
	};
	static const struct pki_ext other[] = {
	    {"extendedKeyUsage", "emailProtection"},
	    {NULL, NULL},
	};
	struct certificate_logon facts = logon_facts(logon_exts, PKI_RSA2048);

	(void)state;
	assert_true(facts.signs && facts.smart_card_logon);
	assert_int_equal(facts.key, CERTIFICATE_KEY_RSA);
	assert_int_equal(facts.template_len, 0);
	facts = logon_facts(lax, PKI_EC256);
	assert_true(facts.signs && facts.lax_purpose);
	assert_false(facts.smart_card_logon);
	assert_int_equal(facts.key, CERTIFICATE_KEY_EC);
	facts = logon_facts(none, PKI_ED25519);
	assert_false(facts.signs);
	assert_true(facts.lax_purpose);
	assert_int_equal(facts.key, CERTIFICATE_KEY_OTHER);
	facts = logon_facts(other, PKI_EC256);
	assert_false(facts.signs || facts.lax_purpose);
}

/* 1.3.6.1.4.1.311.21.7: an OID and versions; .20.2: a name. */
static void
test_templates(void **state)
{
	static const struct pki_ext second[] = {
	    {"1.3.6.1.4.1.311.21.7", "DER:300f06062a030405060702020100020103"},
	    {"1.3.6.1.4.1.311.20.2", "DER:1e0a00550073006500720073"},
	    {NULL, NULL},
	};
	static const struct pki_ext first[] = {
	    {"1.3.6.1.4.1.311.20.2", "DER:1e080055007300650072"},
	    {NULL, NULL},
	};
	static const struct pki_ext broken[] = {
	    {"1.3.6.1.4.1.311.21.7", "DER:300d06062a030405"},
	    {NULL, NULL},
	};
	static const uint8_t oid[] = {0x2a, 3, 4, 5, 6, 7};
	struct certificate_logon facts = logon_facts(second, PKI_EC256);

	(void)state;
	assert_int_equal(facts.template_len, sizeof(oid));
	assert_memory_equal(facts.template_id, oid, sizeof(oid));
	assert_int_equal(facts.template_major, 256);
	facts = logon_facts(first, PKI_EC256);
	assert_int_equal(facts.template_len, 8);
	assert_int_equal(facts.template_major, 0);
	facts = logon_facts(broken, PKI_EC256);
	assert_int_equal(facts.template_len, 0);
}

static void
test_authorities(void **state)
{
	struct pki_cert *root = pki_ca_new("Root", NULL);
	struct pki_cert *sub = pki_ca_new("Sub", root);
	struct pki_cert *rollover = pki_ca_new("Root", root);
	struct pki_cert *user = pki_user_new("User", sub);

	(void)state;
	assert_int_equal(certbed_class_in_bag(pki_der(root)), CERTIFICATE_ROOT);
	assert_int_equal(certbed_class_in_slot(pki_der(root)),
	                 CERTIFICATE_ROOT);
	assert_int_equal(certbed_class_in_bag(pki_der(sub)),
	                 CERTIFICATE_INTERMEDIATE);
	assert_int_equal(certbed_class_in_slot(pki_der(sub)),
	                 CERTIFICATE_INTERMEDIATE);
	/* Self-issued is not self-signed: a key's successor. */
	assert_int_equal(certbed_class_in_bag(pki_der(rollover)),
	                 CERTIFICATE_INTERMEDIATE);
	certbed_assert_fault(pki_der(user), CERTIFICATE_FROM_ROOT_BAG,
	                     "not a certification authority");
	pki_cert_free(user);
	pki_cert_free(rollover);
	pki_cert_free(sub);
	pki_cert_free(root);
}

static void
test_expired_root_is_a_root(void **state)
{
	static const struct pki_ext exts[] = {
	    {"basicConstraints", "critical,CA:TRUE"},
	    {NULL, NULL},
	};
	struct pki_spec spec = {.name = "Old",
	                        .exts = exts,
	                        .not_before = time(NULL) - 9 * DAY,
	                        .not_after = time(NULL) - DAY};
	struct pki_cert *cert = pki_cert_new(&spec, NULL);

	(void)state;
	assert_int_equal(certbed_class_in_bag(pki_der(cert)), CERTIFICATE_ROOT);
	pki_cert_free(cert);
}

static void
test_refused_authorities(void **state)
{
	static const struct pki_ext ca[] = {
	    {"basicConstraints", "critical,CA:TRUE"},
	    {"subjectKeyIdentifier", "hash"},
	    {"authorityKeyIdentifier", "keyid:always"},
	    {NULL, NULL},
	};
	static const struct pki_ext wrong_usage[] = {
	    {"basicConstraints", "critical,CA:TRUE"},
	    {"keyUsage", "digitalSignature"},
	    {NULL, NULL},
	};
	struct pki_spec spec = {.name = "R", .key = PKI_RSA1024, .exts = ca};
	struct pki_cert *cert = pki_cert_new(&spec, NULL);
	struct wire_view der;

	(void)state;
	certbed_assert_fault(pki_der(cert), CERTIFICATE_FROM_ROOT_BAG,
	                     "key too weak for an authority");
	assert_int_equal(
	    certbed_class(pki_der(cert), CERTIFICATE_FROM_ROOT_BAG, true),
	    CERTIFICATE_ROOT);
	pki_cert_free(cert);

	spec.key = PKI_EC256;
	spec.exts = wrong_usage;
	cert = pki_cert_new(&spec, NULL);
	certbed_assert_fault(pki_der(cert), CERTIFICATE_FROM_ROOT_BAG,
	                     "key usage forbids signing certificates");
	pki_cert_free(cert);

	spec.exts = ca;
	cert = pki_cert_new(&spec, NULL);
	assert_int_equal(certbed_class_in_bag(pki_der(cert)), CERTIFICATE_ROOT);
	der = exact(pki_der(cert));
	((uint8_t *)(uintptr_t)der.data)[der.len - 1] ^= 1;
	certbed_assert_fault(der, CERTIFICATE_FROM_ROOT_BAG,
	                     "self-signature does not verify");
	drop(der);
	pki_cert_free(cert);

	spec.key = PKI_RSA2048;
	cert = pki_cert_new(&spec, NULL);
	der = remade(cert, pki_pkey(cert), pki_pkey(cert), EVP_md5());
	certbed_assert_fault(der, CERTIFICATE_FROM_ROOT_BAG,
	                     "signed with a broken digest");
	assert_int_equal(certbed_class(der, CERTIFICATE_FROM_ROOT_BAG, true),
	                 CERTIFICATE_ROOT);
	drop(der);
	pki_cert_free(cert);
}

/* Version 1 has no basic constraints: a root only where roots are kept. */
static void
test_version_one(void **state)
{
	struct pki_spec spec = {.name = "V1", .v1 = true};
	struct pki_spec v3 = {.name = "V3"};
	struct pki_cert *old = pki_cert_new(&spec, NULL);
	struct pki_cert *plain = pki_cert_new(&v3, NULL);

	(void)state;
	assert_int_equal(certbed_class_in_bag(pki_der(old)), CERTIFICATE_ROOT);
	assert_int_equal(certbed_class_in_slot(pki_der(old)), CERTIFICATE_USER);
	assert_int_equal(certbed_class_in_bag(pki_der(plain)),
	                 CERTIFICATE_REFUSED);
	assert_int_equal(certbed_class_in_slot(pki_der(plain)),
	                 CERTIFICATE_USER);
	pki_cert_free(plain);
	pki_cert_free(old);
}

static void
test_pending_request(void **state)
{
	struct pki_spec spec = {.name = "Pending"};
	struct pki_cert *cert = pki_cert_new(&spec, NULL);
	struct wire_view der = exact(pki_der(cert));

	(void)state;
	((uint8_t *)(uintptr_t)der.data)[der.len - 1] ^= 1;
	assert_int_equal(certbed_class_in_slot(der), CERTIFICATE_REQUEST);
	assert_int_equal(certbed_class_in_bag(der), CERTIFICATE_REFUSED);
	drop(der);
	pki_cert_free(cert);
}

static void
test_abusive_keys(void **state)
{
	struct pki_cert *made = certbed_issue(logon_exts, PKI_EC256);
	struct pki_cert *signer = pki_ca_new("Signer", NULL);
	EVP_PKEY *key = rsa_public(SPKI_RSA_BITS_MAX);
	struct wire_view der;

	(void)state;
	der = remade(made, key, pki_pkey(signer), EVP_sha256());
	assert_int_equal(certbed_class_in_slot(der), CERTIFICATE_USER);
	drop(der);
	EVP_PKEY_free(key);
	key = rsa_public(SPKI_RSA_BITS_MAX + 1);
	der = remade(made, key, pki_pkey(signer), EVP_sha256());
	certbed_assert_fault(der, CERTIFICATE_FROM_SLOT,
	                     "RSA key above 8192 bits");
	drop(der);
	EVP_PKEY_free(key);
	key = EVP_EC_gen("P-256");
	assert_int_equal(EVP_PKEY_set_utf8_string_param(
			     key, OSSL_PKEY_PARAM_EC_ENCODING, "explicit"),
	                 1);
	der = remade(made, key, pki_pkey(signer), EVP_sha256());
	certbed_assert_fault(der, CERTIFICATE_FROM_SLOT,
	                     "curve without a name");
	drop(der);
	EVP_PKEY_free(key);
	/* A curve nobody would trust an authority with, but a user may. */
	key = EVP_EC_gen("secp256k1");
	der = remade(made, key, pki_pkey(signer), EVP_sha256());
	assert_int_equal(certbed_class_in_slot(der), CERTIFICATE_USER);
	drop(der);
	EVP_PKEY_free(key);
	pki_cert_free(signer);
	pki_cert_free(made);
}

static void
test_ed25519(void **state)
{
	struct pki_cert *cert = certbed_issue(logon_exts, PKI_ED25519);

	(void)state;
	assert_int_equal(certbed_class_in_slot(pki_der(cert)),
	                 CERTIFICATE_USER);
	pki_cert_free(cert);
}

static struct pki_cert *
of_size(size_t len)
{
	struct pki_spec spec = {
	    .name = "Long", .key = PKI_ED25519, .pad = len - 1024};
	struct pki_cert *cert = pki_cert_new(&spec, NULL);

	/* A serial number is a byte longer or shorter now and then. */
	for (int i = 0; i < 200 && pki_der(cert).len != len; i++) {
		spec.pad = spec.pad + len - pki_der(cert).len;
		pki_cert_free(cert);
		cert = pki_cert_new(&spec, NULL);
	}
	assert_int_equal(pki_der(cert).len, len);
	return cert;
}

static void
test_size(void **state)
{
	static const size_t fits[] = {KEEP_DER_MAX - 1, KEEP_DER_MAX};
	struct pki_cert *cert;
	struct wire_view none = {NULL, 0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		cert = of_size(fits[i]);
		assert_int_equal(certbed_class_in_slot(pki_der(cert)),
		                 CERTIFICATE_USER);
		pki_cert_free(cert);
	}
	cert = of_size(KEEP_DER_MAX + 1);
	certbed_assert_fault(pki_der(cert), CERTIFICATE_FROM_SLOT,
	                     "larger than 16 KiB");
	pki_cert_free(cert);
	certbed_assert_fault(none, CERTIFICATE_FROM_SLOT, "empty");
}

static void
test_garbage(void **state)
{
	static const uint8_t text[] = "not a certificate at all";
	static const uint8_t indefinite[] = {0x30, 0x80, 0x00, 0x00};
	static const uint8_t huge[] = {0x30, 0x84, 0xff, 0xff, 0xff, 0xff};
	struct wire_view cases[] = {
	    {text, sizeof(text)},
	    {indefinite, sizeof(indefinite)},
	    {huge, sizeof(huge)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(certbed_class_in_slot(cases[i]),
		                 CERTIFICATE_REFUSED);
		assert_int_equal(certbed_class_in_bag(cases[i]),
		                 CERTIFICATE_REFUSED);
	}
}

static void
test_bytes_after(void **state)
{
	struct pki_cert *cert = certbed_issue(logon_exts, PKI_EC256);
	size_t len = pki_der(cert).len;
	uint8_t *bytes = calloc(1, len + 1);
	struct wire_view view = {bytes, len + 1};

	(void)state;
	memcpy(bytes, pki_der(cert).data, len);
	certbed_assert_fault(view, CERTIFICATE_FROM_SLOT,
	                     "bytes after the certificate");
	free(bytes);
	pki_cert_free(cert);
}

static void
test_every_truncation(void **state)
{
	struct pki_cert *cert = certbed_issue(logon_exts, PKI_RSA2048);
	struct wire_view whole = pki_der(cert);

	(void)state;
	for (size_t len = 0; len < whole.len; len++) {
		struct wire_view part = {whole.data, len};
		struct wire_view der = exact(part);

		assert_int_equal(certbed_class_in_slot(der),
		                 CERTIFICATE_REFUSED);
		drop(der);
	}
	pki_cert_free(cert);
}

/* Whatever byte is wrong: an answer, and never an anchor. */
static void
test_every_byte_wrong(void **state)
{
	struct pki_cert *cert = pki_ca_new("Root", NULL);
	struct wire_view der = exact(pki_der(cert));
	uint8_t *bytes = (uint8_t *)(uintptr_t)der.data;

	(void)state;
	for (size_t at = 0; at < der.len; at++) {
		bytes[at] ^= 0xff;
		assert_int_not_equal(certbed_class_in_bag(der),
		                     CERTIFICATE_ROOT);
		bytes[at] ^= 0xff;
	}
	drop(der);
	pki_cert_free(cert);
}

static void
test_class_names(void **state)
{
	(void)state;
	for (int i = CERTIFICATE_REFUSED; i <= CERTIFICATE_REQUEST; i++)
		assert_string_not_equal(
		    certificate_class_name((enum certificate_class)i),
		    "unknown");
	certificate_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_user_columns),
	    cmocka_unit_test(test_logon_facts),
	    cmocka_unit_test(test_templates),
	    cmocka_unit_test(test_authorities),
	    cmocka_unit_test(test_expired_root_is_a_root),
	    cmocka_unit_test(test_refused_authorities),
	    cmocka_unit_test(test_version_one),
	    cmocka_unit_test(test_pending_request),
	    cmocka_unit_test(test_abusive_keys),
	    cmocka_unit_test(test_ed25519),
	    cmocka_unit_test(test_size),
	    cmocka_unit_test(test_garbage),
	    cmocka_unit_test(test_bytes_after),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_every_byte_wrong),
	    cmocka_unit_test(test_class_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
