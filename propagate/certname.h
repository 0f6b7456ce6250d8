/*
 * The texts of a certificate as columns: UTF-8 without control characters, at
 * most KEEP_TEXT_MAX bytes, cut between characters.
 */
#ifndef PROPAGATE_CERTNAME_H
#define PROPAGATE_CERTNAME_H

#include "keep.h"

#include <openssl/x509.h>

struct certname {
	char text[KEEP_TEXT_MAX + 1];
	size_t len;
};

/* A distinguished name in the form of RFC 2253. */
void certname_print(const X509_NAME *name, struct certname *out);

/* The last value of this attribute, or the empty text. */
void certname_attribute(const X509_NAME *name, int nid, struct certname *out);

/*
 * A text that says who somebody is (a UPN, an e-mail address): taken as it is
 * or not at all, since a part of a name is another name.  False when it is
 * empty, too long, not UTF-8 or holds a control character.
 */
bool certname_identity(const ASN1_STRING *text, struct certname *out);

#endif
