/*
 * The root file of a card: a PKCS#7 "bag of certificates" (RFC 2315 SignedData
 * without content and signers), walked as strict DER.  Only slices are found
 * here; no certificate is decoded, and CRLs and signers are passed over.
 */
#ifndef PROPAGATE_ROOTBAG_H
#define PROPAGATE_ROOTBAG_H

#include "wire.h"

enum { ROOTBAG_MAX = 64 }; /* certificates in one bag */

/* Borrowed from the bag. */
struct rootbag {
	struct wire_view certs[ROOTBAG_MAX];
	size_t count;
};

/*
 * All or nothing: NULL and the members (an empty bag has none), or a literal
 * that says why the whole bag is refused, and none.  Members are counted before
 * one of them is looked at.
 */
const char *rootbag_parse(struct wire_view bytes, struct rootbag *bag);

#endif
