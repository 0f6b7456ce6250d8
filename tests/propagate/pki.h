/*
 * Certificates for tests, made with OpenSSL when the test runs: a key of the
 * kind asked for, a subject, any extensions by their OpenSSL configuration
 * text, signed by another of these or by itself.  Failures end the test
 * program.
 */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include "wire.h"

#include <openssl/x509.h>

enum pki_key { PKI_EC256, PKI_RSA2048, PKI_RSA1024, PKI_ED25519 };

/* "basicConstraints", "critical,CA:TRUE"; a list ends with a NULL name. */
struct pki_ext {
	const char *name; /* short name, or dotted with a "DER:..." value */
	const char *value;
};

/* All zero is allowed but for the name: an EC key, valid for a year. */
struct pki_spec {
	const char *name; /* CN of the subject */
	enum pki_key key;
	const struct pki_ext *exts;
	size_t pad;         /* bytes of noise in a private extension */
	size_t plain_pad;   /* the same of zeros, which compress well */
	int64_t not_before; /* seconds since the epoch; 0: a day ago */
	int64_t not_after;  /* 0: in a year */
	bool v1;            /* an X.509 v1 certificate: no extensions */
};

struct pki_cert;

/* issuer NULL: signed with its own key. */
struct pki_cert *pki_cert_new(const struct pki_spec *spec,
                              const struct pki_cert *issuer);
void pki_cert_free(struct pki_cert *cert);

/* Short forms: a CA (basicConstraints, keyUsage) and a plain user. */
struct pki_cert *pki_ca_new(const char *name, const struct pki_cert *issuer);
struct pki_cert *pki_user_new(const char *name, const struct pki_cert *issuer);

/* Borrowed from cert. */
struct wire_view pki_der(const struct pki_cert *cert);
X509 *pki_x509(const struct pki_cert *cert);
EVP_PKEY *pki_pkey(const struct pki_cert *cert);

/* A PKCS#7 "bag": SignedData with no content and no signers; free() it. */
uint8_t *pki_bag_new(const struct wire_view *ders, size_t count, size_t *len);

#endif
