#include "authority.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(ext);
	assert_int_equal(X509_add_ext(cert, ext, -1), 1);
	X509_EXTENSION_free(ext);
}

static X509 *
begin(EVP_PKEY *key, const char *name, int from_days, int until_days)
{
	X509 *cert = X509_new();
	uint64_t serial = 0;

	assert_non_null(cert);
	assert_int_equal(RAND_bytes((unsigned char *)&serial, sizeof(serial)),
	                 1);
	assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
	assert_int_equal(
	    ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1),
	    1);
	assert_non_null(
	    X509_time_adj_ex(X509_getm_notBefore(cert), from_days, -60, NULL));
	assert_non_null(
	    X509_time_adj_ex(X509_getm_notAfter(cert), until_days, 0, NULL));
	assert_int_equal(X509_set_pubkey(cert, key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(
			     X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
			     (const unsigned char *)name, -1, -1, 0),
	                 1);
	return cert;
}

void
authority_open(struct authority *a, const char *name)
{
	/* RSA, since there is no ECDSA with MD5 */
	a->key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	assert_non_null(a->key);
	a->cert = begin(a->key, name, -1, 30);
	assert_int_equal(
	    X509_set_issuer_name(a->cert, X509_get_subject_name(a->cert)), 1);
	add_extension(a->cert, NID_basic_constraints, "critical,CA:TRUE");
	add_extension(a->cert, NID_key_usage, "critical,keyCertSign");
	assert_true(X509_sign(a->cert, a->key, EVP_sha256()) > 0);
}

void
authority_clear(struct authority *a)
{
	X509_free(a->cert);
	EVP_PKEY_free(a->key);
	memset(a, 0, sizeof(*a));
}

/* OpenSSL's configuration syntax cannot say this. */
static void
add_nul_name(X509 *cert)
{
	static const char text[] = AUTHORITY_NAME "\0.evil.test";
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *value = ASN1_IA5STRING_new();

	assert_int_equal(ASN1_STRING_set(value, text, sizeof(text) - 1), 1);
	GENERAL_NAME_set0_value(name, GEN_DNS, value);
	assert_true(sk_GENERAL_NAME_push(names, name) > 0);
	assert_int_equal(
	    X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0), 1);
	GENERAL_NAMES_free(names);
}

static void
add_names(X509 *cert, const struct authority_wish *wish)
{
	if (wish->nul_in_name)
		add_nul_name(cert);
	else if (wish->names == NULL)
		add_extension(cert, NID_subject_alt_name,
		              "DNS:" AUTHORITY_NAME);
	else if (wish->names[0] != '\0')
		add_extension(cert, NID_subject_alt_name, wish->names);
}

void
authority_issue(struct authority *to, const struct authority *by,
                const struct authority_wish *wish)
{
	const struct authority *issuer = by == NULL ? to : by;
	const EVP_MD *digest = EVP_get_digestbyname(
	    wish->digest == NULL ? "SHA256" : wish->digest);

	to->key =
	    wish->rsa_bits == 0
		? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
		: EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)wish->rsa_bits);
	assert_non_null(to->key);
	to->cert = begin(
	    to->key,
	    wish->common_name == NULL ? AUTHORITY_NAME : wish->common_name,
	    wish->from_days, wish->until_days == 0 ? 30 : wish->until_days);
	assert_int_equal(
	    X509_set_issuer_name(to->cert, X509_get_subject_name(issuer->cert)),
	    1);
	add_names(to->cert, wish);
	add_extension(to->cert, NID_ext_key_usage,
	              wish->usage == NULL ? "serverAuth" : wish->usage);
	assert_true(X509_sign(to->cert, issuer->key, digest) > 0);
}

void
authority_write(const struct authority *a, const char *certificate,
                const char *key)
{
	FILE *f = fopen(certificate, "w");

	assert_non_null(f);
	assert_int_equal(PEM_write_X509(f, a->cert), 1);
	assert_int_equal(fclose(f), 0);
	if (key == NULL)
		return;
	f = fopen(key, "w");
	assert_non_null(f);
	assert_int_equal(
	    PEM_write_PrivateKey(f, a->key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(f), 0);
}

SSL_CTX *
authority_server(const struct authority *a)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	assert_non_null(ctx);
	SSL_CTX_set_security_level(ctx, 0);
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx, TLS1_VERSION), 1);
	assert_int_equal(SSL_CTX_use_certificate(ctx, a->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, a->key), 1);
	return ctx;
}
