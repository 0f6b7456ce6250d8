#include "pki.h"

#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PKI_DAY = 24 * 60 * 60 };

struct pki_cert {
	X509 *x509;
	EVP_PKEY *key;
	uint8_t *der;
	size_t len;
};

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "test certificates: %s failed\n", what);
	abort();
}

static EVP_PKEY *
key_new(enum pki_key kind)
{
	switch (kind) {
	case PKI_EC256:
		return EVP_EC_gen("P-256");
	case PKI_RSA2048:
		return EVP_RSA_gen(2048);
	case PKI_RSA1024:
		return EVP_RSA_gen(1024);
	case PKI_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
	return NULL;
}

static void
set_name(X509 *x509, const struct pki_spec *spec)
{
	X509_NAME *name = X509_NAME_new();

	need(name != NULL && X509_NAME_add_entry_by_txt(
				 name, "CN", MBSTRING_UTF8,
				 (const unsigned char *)spec->name, -1, -1, 0),
	     "name");
	need(X509_set_subject_name(x509, name), "subject");
	X509_NAME_free(name);
}

static void
set_dates(X509 *x509, const struct pki_spec *spec)
{
	time_t now = time(NULL);
	time_t from = spec->not_before != 0 ? spec->not_before : now - PKI_DAY;
	time_t to =
	    spec->not_after != 0 ? spec->not_after : now + 365 * PKI_DAY;

	need(ASN1_TIME_set(X509_getm_notBefore(x509), from) != NULL, "date");
	need(ASN1_TIME_set(X509_getm_notAfter(x509), to) != NULL, "date");
}

static void
add_ext(X509 *x509, X509 *issuer, const struct pki_ext *ext)
{
	X509V3_CTX ctx;
	X509_EXTENSION *made;

	X509V3_set_ctx(&ctx, issuer, x509, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	made = X509V3_EXT_nconf(NULL, &ctx, ext->name, ext->value);
	need(made != NULL && X509_add_ext(x509, made, -1), ext->name);
	X509_EXTENSION_free(made);
}

/* A private extension (2.25.1 or 2.25.2) that only makes it longer. */
static void
add_pad(X509 *x509, const char *oid, size_t len, bool noise)
{
	uint8_t *bytes = calloc(1, len + 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
	X509_EXTENSION *ext;

	need(bytes != NULL && value != NULL && object != NULL, "memory");
	if (noise)
		need(RAND_bytes(bytes, (int)len) == 1, "noise");
	need(ASN1_OCTET_STRING_set(value, bytes, (int)len), "padding");
	ext = X509_EXTENSION_create_by_OBJ(NULL, object, 0, value);
	need(ext != NULL && X509_add_ext(x509, ext, -1), "padding");
	X509_EXTENSION_free(ext);
	ASN1_OBJECT_free(object);
	ASN1_OCTET_STRING_free(value);
	free(bytes);
}

static void
add_exts(X509 *x509, X509 *issuer, const struct pki_spec *spec)
{
	const struct pki_ext *ext = spec->exts;

	for (; ext != NULL && ext->name != NULL; ext++)
		add_ext(x509, issuer, ext);
	if (spec->pad > 0)
		add_pad(x509, "2.25.1", spec->pad, true);
	if (spec->plain_pad > 0)
		add_pad(x509, "2.25.2", spec->plain_pad, false);
}

static void
sign(struct pki_cert *cert, EVP_PKEY *key)
{
	bool eddsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
	unsigned char *der = NULL;
	int len;

	need(X509_sign(cert->x509, key, eddsa ? NULL : EVP_sha256()) > 0,
	     "signature");
	len = i2d_X509(cert->x509, &der);
	need(len > 0, "encoding");
	cert->len = (size_t)len;
	/* An exact malloc of its own, so that over-reads are seen. */
	cert->der = malloc(cert->len);
	need(cert->der != NULL, "memory");
	memcpy(cert->der, der, cert->len);
	OPENSSL_free(der);
}

struct pki_cert *
pki_cert_new(const struct pki_spec *spec, const struct pki_cert *issuer)
{
	struct pki_cert *cert = calloc(1, sizeof(*cert));
	X509 *by;
	uint64_t serial = 0;

	need(cert != NULL, "memory");
	cert->x509 = X509_new();
	cert->key = key_new(spec->key);
	need(cert->x509 != NULL && cert->key != NULL, "key");
	by = issuer == NULL ? cert->x509 : issuer->x509;
	need(RAND_bytes((unsigned char *)&serial, 7) == 1, "serial");
	need(ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert->x509), serial),
	     "serial");
	need(X509_set_version(cert->x509,
	                      spec->v1 ? X509_VERSION_1 : X509_VERSION_3),
	     "version");
	set_name(cert->x509, spec);
	set_dates(cert->x509, spec);
	need(X509_set_issuer_name(cert->x509, X509_get_subject_name(by)) &&
	         X509_set_pubkey(cert->x509, cert->key),
	     "issuer");
	if (!spec->v1)
		add_exts(cert->x509, by, spec);
	sign(cert, issuer == NULL ? cert->key : issuer->key);
	return cert;
}

void
pki_cert_free(struct pki_cert *cert)
{
	if (cert == NULL)
		return;
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
	free(cert->der);
	free(cert);
}

struct pki_cert *
pki_ca_new(const char *name, const struct pki_cert *issuer)
{
	static const struct pki_ext exts[] = {
	    {"basicConstraints", "critical,CA:TRUE"},
	    {"keyUsage", "critical,keyCertSign,cRLSign"},
	    {"subjectKeyIdentifier", "hash"},
	    {NULL, NULL},
	};
	struct pki_spec spec = {.name = name, .exts = exts};

	return pki_cert_new(&spec, issuer);
}

struct pki_cert *
pki_user_new(const char *name, const struct pki_cert *issuer)
{
	static const struct pki_ext exts[] = {
	    {"keyUsage", "critical,digitalSignature"},
	    {"extendedKeyUsage", "clientAuth,1.3.6.1.4.1.311.20.2.2"},
	    {"subjectAltName", "otherName:1.3.6.1.4.1.311.20.2.3;"
	                       "UTF8:user@example.test"},
	    {NULL, NULL},
	};
	struct pki_spec spec = {.name = name, .exts = exts};

	return pki_cert_new(&spec, issuer);
}

struct wire_view
pki_der(const struct pki_cert *cert)
{
	struct wire_view der = {cert->der, cert->len};

	return der;
}

X509 *
pki_x509(const struct pki_cert *cert)
{
	return cert->x509;
}

EVP_PKEY *
pki_pkey(const struct pki_cert *cert)
{
	return cert->key;
}

uint8_t *
pki_bag_new(const struct wire_view *ders, size_t count, size_t *len)
{
	PKCS7 *bag = PKCS7_new();
	unsigned char *der = NULL;
	uint8_t *copy;
	int made;

	need(bag != NULL && PKCS7_set_type(bag, NID_pkcs7_signed), "bag");
	need(PKCS7_content_new(bag, NID_pkcs7_data), "bag");
	need(PKCS7_set_detached(bag, 1), "bag");
	for (size_t i = 0; i < count; i++) {
		const unsigned char *at = ders[i].data;
		X509 *member = d2i_X509(NULL, &at, (long)ders[i].len);

		need(member != NULL && PKCS7_add_certificate(bag, member),
		     "bag");
		X509_free(member);
	}
	made = i2d_PKCS7(bag, &der);
	need(made > 0, "bag");
	*len = (size_t)made;
	copy = malloc(*len);
	need(copy != NULL, "memory");
	memcpy(copy, der, *len);
	OPENSSL_free(der);
	PKCS7_free(bag);
	return copy;
}
