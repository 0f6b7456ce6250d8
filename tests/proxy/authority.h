/*
 * Certificates made at run time, for the tests of TLS.  What a certificate is
 * to be like stands in a wish; what the wish leaves out is right for a server.
 */
#ifndef TESTS_AUTHORITY_H
#define TESTS_AUTHORITY_H

#include <openssl/ssl.h>
#include <stdbool.h>

#define AUTHORITY_NAME "desk.example.com"

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};

struct authority_wish {
	const char *common_name; /* default AUTHORITY_NAME */
	const char *names;  /* subjectAltName; default DNS:that, "": none */
	const char *usage;  /* extended key usage; default serverAuth */
	int from_days;      /* from today */
	int until_days;     /* default 30 */
	unsigned rsa_bits;  /* 0: P-256 */
	const char *digest; /* default SHA-256 */
	bool nul_in_name;   /* a SAN of AUTHORITY_NAME, NUL, ".evil.test" */
};

/* A root of its own. */
void authority_open(struct authority *a, const char *name);
void authority_clear(struct authority *a);

/* by NULL: self-signed.  The result is to be cleared. */
void authority_issue(struct authority *to, const struct authority *by,
                     const struct authority_wish *wish);

/* Into a PEM file. */
void authority_write(const struct authority *a, const char *certificate,
                     const char *key);

/* A server's context that takes any certificate and any version. */
SSL_CTX *authority_server(const struct authority *a);

#endif
