/*
 * Whose certificate it is: the alternative names, the purposes and the template
 * that tell a person's certificate from a computer's or a device's.
 */
#ifndef PROPAGATE_IDENTITY_H
#define PROPAGATE_IDENTITY_H

#include "certname.h"

enum {
	IDENTITY_NAMES_MAX = 128,   /* alternative names */
	IDENTITY_PURPOSES_MAX = 64, /* extended key usages */
	IDENTITY_EXTENSIONS_MAX = 64,
	IDENTITY_TEMPLATE_MAX = 128 /* bytes */
};

struct identity {
	struct certname upn;
	struct certname email;
	bool dns_name;         /* there is a dNSName */
	bool smart_card_logon; /* purpose 1.3.6.1.4.1.311.20.2.2 */
	bool card_auth;        /* purpose 2.16.840.1.101.3.6.8 */
	bool machine_purpose;  /* server authentication, KDC or IKE */
	bool machine_template; /* named after what is issued to computers */
	bool purposes;         /* there are any */
	bool client_auth;
	bool any_purpose;
	/*
	 * What it was issued from: the content of a template's OID, else of its
	 * name; empty when none is named.
	 */
	uint8_t template_id[IDENTITY_TEMPLATE_MAX];
	size_t template_len;
	uint32_t template_major;
};

/* Returns NULL, or a literal that says what is wrong with the certificate. */
const char *identity_read(const X509 *x509, struct identity *out);

/* Names a person: a UPN, an e-mail address, or a purpose only people have. */
bool identity_is_person(const struct identity *id);

bool identity_is_computer(const struct identity *id);
bool identity_is_device(const struct identity *id);

#endif
