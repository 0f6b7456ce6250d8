/*
 * What stands between two lines of dashes, RFC 7468: certificates as they are,
 * certificates with a purpose, and stubs that name a key on a token.  DER is
 * put together here and never taken apart.
 */
#ifndef STORE_PEM_H
#define STORE_PEM_H

#include "keep.h"

enum {
	PEM_DER_MAX = KEEP_DER_MAX + 64, /* a certificate and its purpose */
	PEM_MAX = (PEM_DER_MAX / 48 + 1) * (64 + 1) + 80
};

/*
 * "-----BEGIN label-----", the bytes in lines of 64 characters, and the end.
 * PEM_MAX bytes hold the longest that PEM_DER_MAX allows.
 */
void pem_put(struct wire_out *out, const char *label, struct wire_view der);

/* A certificate, trusted for whatever trusts it. */
void pem_put_certificate(struct wire_out *out, struct wire_view der);

/*
 * A certificate that OpenSSL and p11-kit trust for one purpose alone
 * (OpenSSL's TRUSTED CERTIFICATE, the auxiliary part behind the DER); with
 * KEEP_PURPOSE_ANY a plain one.
 */
void pem_put_anchor(struct wire_out *out, struct wire_view der,
                    enum keep_purpose purpose);

/*
 * The stub that pkcs11-provider loads in place of a private key: where the key
 * is, as a PKCS#11 URI (RFC 7512).  A longer one than KEEP_TEXT_MAX bytes is a
 * fault of out.
 */
void pem_put_uri(struct wire_out *out, struct wire_view uri);

#endif
