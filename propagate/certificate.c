#include "certificate.h"

#include "identity.h"
#include "spki.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SERIAL_MAX = 64, /* bytes; RFC 5280 allows 20 */
	KEY_ID_MAX = 64, /* bytes of a key identifier worth keeping */
	RSA_BITS_MIN = 2048,
	OWNED_MAX = 10
};

struct certificate {
	enum certificate_class class;
	const char *fault;
	struct keep_cert columns; /* borrow from owned */
	struct wire_view common_name;
	struct certificate_logon logon;
	struct anchors_id anchors_id; /* of an authority */
	uint8_t *owned[OWNED_MAX];
	size_t owned_count;
	bool short_of_memory;
};

/* What one certificate is looked at with; nothing here outlives the look. */
struct inspection {
	X509 *x509;
	EVP_PKEY *key; /* borrowed from x509 */
	const X509_NAME *subject;
	const X509_NAME *issuer;
	enum certificate_origin origin;
	bool allow_weak;
	bool is_ca;
	bool self_issued;
	bool other_key; /* the authority key identifier is not our own */
	struct identity identity;
	struct certname text;
};

static const struct {
	int type;
	const char *name;
} key_kinds[] = {
    {EVP_PKEY_RSA, "RSA"},     {EVP_PKEY_RSA_PSS, "RSA-PSS"},
    {EVP_PKEY_EC, "EC"},       {EVP_PKEY_ED25519, "ED25519"},
    {EVP_PKEY_ED448, "ED448"}, {EVP_PKEY_X25519, "X25519"},
    {EVP_PKEY_X448, "X448"},
};

/* A copy that lives as long as cert; empty bytes stay empty. */
static struct wire_view
own(struct certificate *cert, const void *data, size_t len)
{
	struct wire_view view = {NULL, 0};
	uint8_t *copy;

	if (len == 0)
		return view;
	copy = cert->owned_count < OWNED_MAX ? malloc(len) : NULL;
	if (copy == NULL) {
		cert->short_of_memory = true;
		return view;
	}
	memcpy(copy, data, len);
	cert->owned[cert->owned_count++] = copy;
	view.data = copy;
	view.len = len;
	return view;
}

static struct wire_view
own_name(struct certificate *cert, const struct certname *name)
{
	return own(cert, name->text, name->len);
}

static struct wire_view
own_key_id(struct certificate *cert, const ASN1_OCTET_STRING *id)
{
	size_t len = id == NULL ? 0 : (size_t)ASN1_STRING_length(id);

	return own(cert, len > 0 ? ASN1_STRING_get0_data(id) : NULL,
	           len <= KEY_ID_MAX ? len : 0);
}

static struct wire_view
own_serial(struct certificate *cert, const X509 *x509)
{
	static const char digits[] = "0123456789abcdef";
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);
	struct wire_in in = wire_in(ASN1_STRING_get0_data(serial),
	                            (size_t)ASN1_STRING_length(serial));
	char hex[2 * SERIAL_MAX];
	struct wire_out out = wire_out(hex, sizeof(hex));

	while (in.left > 0 && wire_out_ok(&out)) {
		uint8_t byte = wire_u8(&in);

		wire_put_u8(&out, (uint8_t)digits[byte >> 4]);
		wire_put_u8(&out, (uint8_t)digits[byte & 0xf]);
	}
	return own(cert, hex, out.len);
}

static const char *
read_time(const ASN1_TIME *time, int64_t *seconds)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return "dates do not decode";
	*seconds = timegm(&tm);
	return NULL;
}

static const char *
read_dates(struct certificate *cert, const struct inspection *in)
{
	const char *fault =
	    read_time(X509_get0_notBefore(in->x509), &cert->columns.not_before);

	if (fault == NULL)
		fault = read_time(X509_get0_notAfter(in->x509),
		                  &cert->columns.not_after);
	return fault;
}

/* Usable at all; whether it is strong enough is asked of authorities only. */
static const char *
read_key(struct certificate *cert, struct inspection *in)
{
	in->key = X509_get0_pubkey(in->x509);
	if (in->key == NULL)
		return "no usable public key";
	for (size_t i = 0; i < sizeof(key_kinds) / sizeof(key_kinds[0]); i++)
		if (EVP_PKEY_get_base_id(in->key) == key_kinds[i].type)
			cert->columns.key_alg =
			    wire_view_text(key_kinds[i].name);
	if (cert->columns.key_alg.len == 0)
		return "key of an unknown kind";
	cert->columns.key_bits = (uint32_t)EVP_PKEY_get_bits(in->key);
	return NULL;
}

static bool
is_named_curve(EVP_PKEY *key)
{
	static const char *const curves[] = {"prime256v1", "secp384r1",
	                                     "secp521r1"};
	char name[64] = "";

	if (EVP_PKEY_get_group_name(key, name, sizeof(name), NULL) != 1)
		return false;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
		if (strcmp(name, curves[i]) == 0)
			return true;
	return false;
}

/* What an authority must have, unless the policy allows weak ones. */
static bool
is_strong(EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
	case EVP_PKEY_EC:
		return is_named_curve(key);
	case EVP_PKEY_ED25519:
	case EVP_PKEY_ED448:
		return true;
	default: /* X25519 and X448 cannot sign */
		return false;
	}
}

static bool
is_broken_digest(const X509 *x509)
{
	int digest = NID_undef;

	return OBJ_find_sigid_algs(X509_get_signature_nid(x509), &digest,
	                           NULL) == 1 &&
	       (digest == NID_md2 || digest == NID_md4 || digest == NID_md5);
}

/* Only ever asked after the key passed the gate, so that it is cheap. */
static bool
signs_itself(const struct inspection *in)
{
	return in->self_issued && X509_verify(in->x509, in->key) == 1;
}

static struct wire_view
name_der(const X509_NAME *name)
{
	struct wire_view der = {NULL, 0};

	if (X509_NAME_get0_der(name, &der.data, &der.len) != 1)
		der.len = 0;
	return der;
}

static void
read_kinship(struct certificate *cert, struct inspection *in)
{
	struct wire_view ski = cert->columns.ski;
	struct wire_view aki = cert->columns.aki;
	uint32_t flags = X509_get_extension_flags(in->x509);

	in->self_issued =
	    wire_view_equal(name_der(in->subject), name_der(in->issuer));
	in->other_key =
	    ski.len > 0 && aki.len > 0 && !wire_view_equal(ski, aki);
	in->is_ca = (flags & EXFLAG_CA) != 0;
	/* Version 1 knows no basic constraints: root bags still hold some. */
	if (in->origin == CERTIFICATE_FROM_ROOT_BAG &&
	    (flags & EXFLAG_V1) != 0 && signs_itself(in))
		in->is_ca = true;
	cert->columns.is_ca = in->is_ca;
	cert->columns.self_issued = in->self_issued;
}

static void
read_columns(struct certificate *cert, struct inspection *in)
{
	struct keep_cert *to = &cert->columns;
	int hashed = 0;

	certname_print(in->subject, &in->text);
	to->subject = own_name(cert, &in->text);
	certname_print(in->issuer, &in->text);
	to->issuer = own_name(cert, &in->text);
	certname_attribute(in->subject, NID_commonName, &in->text);
	cert->common_name = own_name(cert, &in->text);
	to->serial = own_serial(cert, in->x509);
	to->ski = own_key_id(cert, X509_get0_subject_key_id(in->x509));
	to->aki = own_key_id(cert, X509_get0_authority_key_id(in->x509));
	to->upn = own_name(cert, &in->identity.upn);
	to->email = own_name(cert, &in->identity.email);
	to->subject_hash =
	    (uint32_t)X509_NAME_hash_ex(in->subject, NULL, NULL, &hashed);
	if (hashed != 1)
		cert->short_of_memory = true;
}

static enum certificate_key
key_kind(const EVP_PKEY *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		return CERTIFICATE_KEY_RSA;
	case EVP_PKEY_EC:
		return CERTIFICATE_KEY_EC;
	default:
		return CERTIFICATE_KEY_OTHER;
	}
}

static void
read_logon(struct certificate *cert, const struct inspection *in)
{
	const struct identity *id = &in->identity;
	struct certificate_logon *to = &cert->logon;

	_Static_assert(sizeof(to->template_id) == sizeof(id->template_id),
	               "a template fits");
	to->signs = (X509_get_extension_flags(in->x509) & EXFLAG_KUSAGE) != 0 &&
	            (X509_get_key_usage(in->x509) & KU_DIGITAL_SIGNATURE) != 0;
	to->smart_card_logon = id->smart_card_logon;
	to->lax_purpose = !id->purposes || id->client_auth || id->any_purpose;
	to->key = key_kind(in->key);
	memcpy(to->template_id, id->template_id, sizeof(to->template_id));
	to->template_len = id->template_len;
	to->template_major = id->template_major;
}

static enum certificate_class
refuse(struct certificate *cert, const char *fault)
{
	cert->fault = fault;
	return CERTIFICATE_REFUSED;
}

static enum certificate_class
classify_authority(struct certificate *cert, const struct inspection *in)
{
	uint32_t flags = X509_get_extension_flags(in->x509);

	if (!in->allow_weak && !is_strong(in->key))
		return refuse(cert, "key too weak for an authority");
	if (!in->allow_weak && is_broken_digest(in->x509))
		return refuse(cert, "signed with a broken digest");
	if ((flags & EXFLAG_KUSAGE) != 0 &&
	    (X509_get_key_usage(in->x509) & KU_KEY_CERT_SIGN) == 0)
		return refuse(cert, "key usage forbids signing certificates");
	if (signs_itself(in))
		return CERTIFICATE_ROOT;
	/* Same name, same key, and still not its own signature: altered. */
	if (in->self_issued && !in->other_key && cert->columns.aki.len > 0 &&
	    cert->columns.ski.len > 0)
		return refuse(cert, "self-signature does not verify");
	return CERTIFICATE_INTERMEDIATE;
}

static enum certificate_class
classify_holder(const struct inspection *in)
{
	/*
	 * A pending enrolment keeps its key under a certificate that names
	 * itself as issuer and that nobody signed.
	 */
	if (in->self_issued && !in->other_key && !signs_itself(in))
		return CERTIFICATE_REQUEST;
	if (identity_is_computer(&in->identity))
		return CERTIFICATE_COMPUTER;
	if (identity_is_device(&in->identity))
		return CERTIFICATE_DEVICE;
	return CERTIFICATE_USER;
}

static enum certificate_class
classify(struct certificate *cert, const struct inspection *in)
{
	if (in->is_ca)
		return classify_authority(cert, in);
	if (in->origin == CERTIFICATE_FROM_ROOT_BAG)
		return refuse(cert, "not a certification authority");
	return classify_holder(in);
}

/* All that can be wrong with it before anybody asks what it is. */
static const char *
inspect(struct certificate *cert, struct inspection *in)
{
	const char *fault = read_key(cert, in);

	if (fault == NULL)
		fault = read_dates(cert, in);
	if (fault != NULL)
		return fault;
	if (ASN1_STRING_length(X509_get0_serialNumber(in->x509)) > SERIAL_MAX)
		return "serial number too long";
	fault = identity_read(in->x509, &in->identity);
	if (fault != NULL)
		return fault;
	if ((X509_get_extension_flags(in->x509) & EXFLAG_INVALID) != 0)
		return "extensions do not decode";
	in->subject = X509_get_subject_name(in->x509);
	in->issuer = X509_get_issuer_name(in->x509);
	return NULL;
}

static enum certificate_class
decide(struct certificate *cert, struct inspection *in, struct wire_view der)
{
	const uint8_t *next = der.data;
	const char *fault = spki_fault(der);

	if (fault != NULL)
		return refuse(cert, fault);
	in->x509 = d2i_X509(NULL, &next, (long)der.len);
	if (in->x509 == NULL)
		return refuse(cert, "not a certificate");
	if ((size_t)(next - der.data) != der.len)
		return refuse(cert, "bytes after the certificate");
	fault = inspect(cert, in);
	if (fault != NULL)
		return refuse(cert, fault);
	read_columns(cert, in);
	read_kinship(cert, in);
	read_logon(cert, in);
	if (in->is_ca && !anchors_identify(in->x509, &cert->anchors_id))
		return refuse(cert, "name or key does not decode");
	return classify(cert, in);
}

static void
examine(struct certificate *cert, struct inspection *in, struct wire_view der)
{
	if (der.len == 0) {
		cert->class = refuse(cert, "empty");
		return;
	}
	if (der.len > KEEP_DER_MAX) {
		cert->class = refuse(cert, "larger than 16 KiB");
		return;
	}
	cert->columns.der = own(cert, der.data, der.len);
	cert->class = decide(cert, in, der);
	X509_free(in->x509);
	ERR_clear_error();
}

struct certificate *
certificate_new(struct wire_view der, enum certificate_origin origin,
                bool allow_weak)
{
	struct certificate *cert = calloc(1, sizeof(*cert));
	struct inspection *in = calloc(1, sizeof(*in));

	if (cert != NULL && in != NULL) {
		in->origin = origin;
		in->allow_weak = allow_weak;
		examine(cert, in, der);
	}
	if (in == NULL || (cert != NULL && cert->short_of_memory)) {
		certificate_free(cert);
		cert = NULL;
	}
	free(in);
	return cert;
}

void
certificate_free(struct certificate *cert)
{
	if (cert == NULL)
		return;
	for (size_t i = 0; i < cert->owned_count; i++)
		free(cert->owned[i]);
	free(cert);
}

enum certificate_class
certificate_class(const struct certificate *cert)
{
	return cert->class;
}

const char *
certificate_fault(const struct certificate *cert)
{
	return cert->fault;
}

void
certificate_describe(const struct certificate *cert, struct keep_cert *out)
{
	*out = cert->columns;
}

const struct anchors_id *
certificate_anchors_id(const struct certificate *cert)
{
	return &cert->anchors_id;
}

const struct certificate_logon *
certificate_logon_facts(const struct certificate *cert)
{
	return &cert->logon;
}

struct wire_view
certificate_common_name(const struct certificate *cert)
{
	return cert->common_name;
}

const char *certificate_class_name(enum certificate_class class)
{
	switch (class) {
	case CERTIFICATE_REFUSED:
		return "refused";
	case CERTIFICATE_USER:
		return "user";
	case CERTIFICATE_COMPUTER:
		return "computer";
	case CERTIFICATE_DEVICE:
		return "device";
	case CERTIFICATE_ROOT:
		return "root";
	case CERTIFICATE_INTERMEDIATE:
		return "intermediate";
	case CERTIFICATE_REQUEST:
		return "request";
	}
	return "unknown";
}
