/*
 * One certificate from its DER: is it acceptable at all, what is it, whose is
 * it, and the columns under which it is stored.  Parsing is OpenSSL's; before
 * OpenSSL sees a byte the size is checked, and afterwards the key.
 */
#ifndef PROPAGATE_CERTIFICATE_H
#define PROPAGATE_CERTIFICATE_H

#include "anchors.h"
#include "keep.h"

enum { CERTIFICATE_TEMPLATE_MAX = 128 };

enum certificate_class {
	CERTIFICATE_REFUSED, /* certificate_fault says why */
	CERTIFICATE_USER,
	CERTIFICATE_COMPUTER, /* never enters a user's store */
	CERTIFICATE_DEVICE,   /* PIV card authentication, attestation */
	CERTIFICATE_ROOT,     /* CA, self-issued, verifies with its own key */
	CERTIFICATE_INTERMEDIATE, /* any other CA */
	CERTIFICATE_REQUEST       /* placeholder of a pending enrolment */
};

/* What the filter of a log-on asks beside the columns. */
enum certificate_key {
	CERTIFICATE_KEY_RSA,
	CERTIFICATE_KEY_EC,
	CERTIFICATE_KEY_OTHER
};
struct certificate_logon {
	bool signs; /* there is a key usage, with digitalSignature */
	bool smart_card_logon;
	bool lax_purpose; /* no purpose, any, or client authentication */
	enum certificate_key key;
	uint8_t template_id[CERTIFICATE_TEMPLATE_MAX];
	size_t template_len;
	uint32_t template_major;
};

struct certificate;

/*
 * Parse and classify.  in_root_bag: a member of msroots (a self-signed v1
 * certificate counts as a root there).  allow_weak: keep roots below RSA 2048
 * and the like.  NULL only when memory is short; a bad certificate is an object
 * of class CERTIFICATE_REFUSED.
 */
enum certificate_origin { CERTIFICATE_FROM_SLOT, CERTIFICATE_FROM_ROOT_BAG };
struct certificate *certificate_new(struct wire_view der,
                                    enum certificate_origin origin,
                                    bool allow_weak);
void certificate_free(struct certificate *cert);

enum certificate_class certificate_class(const struct certificate *cert);

/* Why it was refused; a literal, or NULL. */
const char *certificate_fault(const struct certificate *cert);

/*
 * Fill the columns of a keeper message (der, names, dates, key, hash, upn,
 * ...). Its views are borrowed from cert.  kind, the flags that policies decide
 * and the card properties are the caller's.
 */
void certificate_describe(const struct certificate *cert,
                          struct keep_cert *out);

const struct certificate_logon *
certificate_logon_facts(const struct certificate *cert);

/* What a root or an intermediate is compared by with the host's own anchors. */
const struct anchors_id *certificate_anchors_id(const struct certificate *cert);

/* The subject's common name; empty when it has none. */
struct wire_view certificate_common_name(const struct certificate *cert);

const char *certificate_class_name(enum certificate_class class);

#endif
