/*
 * The gate before OpenSSL: the outer form of a certificate and its public key,
 * looked at without decoding either.  d2i_X509 decodes the key at once, so a
 * key that is dear to decode must be found before it.
 */
#ifndef PROPAGATE_SPKI_H
#define PROPAGATE_SPKI_H

#include "wire.h"

enum { SPKI_RSA_BITS_MAX = 8192 };

/*
 * NULL when this may be handed to OpenSSL, else a literal that says why not:
 * bytes after the certificate, curve parameters written out, RSA above
 * SPKI_RSA_BITS_MAX, a kind of key that is not known.
 */
const char *spki_fault(struct wire_view der);

#endif
