#include "identity.h"

#include "der.h"

#include <openssl/objects.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#define OID_TEMPLATE_NAME    "1.3.6.1.4.1.311.20.2"
#define OID_TEMPLATE         "1.3.6.1.4.1.311.21.7"
#define OID_PIV_CARD_AUTH    "2.16.840.1.101.3.6.8"
#define OID_IKE_INTERMEDIATE "1.3.6.1.5.5.8.2.2"

enum { TEMPLATE_NAME_MAX = 63 };

/* Version 1 templates that Windows issues to computers. */
static const char *const machine_templates[] = {
    "Machine",
    "Computer",
    "MachineEnrollmentAgent",
    "Workstation",
    "WebServer",
    "DomainController",
    "DomainControllerAuthentication",
    "DirectoryEmailReplication",
    "KerberosAuthentication",
    "RASAndIASServer",
    "IPSECIntermediateOnline",
    "IPSECIntermediateOffline",
    "OfflineRouter",
};

static bool
has_oid(const ASN1_OBJECT *object, const char *dotted)
{
	char text[64];

	return OBJ_obj2txt(text, sizeof(text), object, 1) > 0 &&
	       strcmp(text, dotted) == 0;
}

static void
read_name(const GENERAL_NAME *name, struct identity *out)
{
	int kind = 0;
	const void *value = GENERAL_NAME_get0_value(name, &kind);
	const OTHERNAME *other = value;

	if (kind == GEN_DNS)
		out->dns_name = true;
	if (kind == GEN_EMAIL && out->email.len == 0)
		(void)certname_identity(value, &out->email);
	if (kind == GEN_OTHERNAME && out->upn.len == 0 &&
	    OBJ_obj2nid(other->type_id) == NID_ms_upn &&
	    other->value->type == V_ASN1_UTF8STRING)
		(void)certname_identity(other->value->value.utf8string,
		                        &out->upn);
}

static const char *
read_names(const X509 *x509, struct identity *out)
{
	const char *fault = NULL;
	int critical = 0;
	GENERAL_NAMES *names =
	    X509_get_ext_d2i(x509, NID_subject_alt_name, &critical, NULL);

	if (names == NULL)
		return critical == -1 ? NULL : "names do not decode";
	if (sk_GENERAL_NAME_num(names) > IDENTITY_NAMES_MAX)
		fault = "too many names";
	for (int i = 0; fault == NULL && i < sk_GENERAL_NAME_num(names); i++)
		read_name(sk_GENERAL_NAME_value(names, i), out);
	GENERAL_NAMES_free(names);
	return fault;
}

static void
read_purpose(const ASN1_OBJECT *purpose, struct identity *out)
{
	int nid = OBJ_obj2nid(purpose);

	if (nid == NID_ms_smartcard_login)
		out->smart_card_logon = true;
	if (nid == NID_server_auth || nid == NID_pkInitKDC ||
	    has_oid(purpose, OID_IKE_INTERMEDIATE))
		out->machine_purpose = true;
	if (nid == NID_client_auth)
		out->client_auth = true;
	if (nid == NID_anyExtendedKeyUsage)
		out->any_purpose = true;
	if (has_oid(purpose, OID_PIV_CARD_AUTH))
		out->card_auth = true;
}

static const char *
read_purposes(const X509 *x509, struct identity *out)
{
	const char *fault = NULL;
	int critical = 0;
	EXTENDED_KEY_USAGE *purposes =
	    X509_get_ext_d2i(x509, NID_ext_key_usage, &critical, NULL);

	if (purposes == NULL)
		return critical == -1 ? NULL : "purposes do not decode";
	out->purposes = true;
	if (sk_ASN1_OBJECT_num(purposes) > IDENTITY_PURPOSES_MAX)
		fault = "too many purposes";
	for (int i = 0; fault == NULL && i < sk_ASN1_OBJECT_num(purposes); i++)
		read_purpose(sk_ASN1_OBJECT_value(purposes, i), out);
	EXTENDED_KEY_USAGE_free(purposes);
	return fault;
}

static void
note_template(struct identity *out, struct wire_view id)
{
	if (id.len == 0 || id.len > sizeof(out->template_id))
		return;
	memcpy(out->template_id, id.data, id.len);
	out->template_len = id.len;
}

/* SEQUENCE { OID, major INTEGER OPTIONAL, minor INTEGER OPTIONAL } */
static void
read_template_id(const ASN1_OCTET_STRING *value, struct identity *out)
{
	struct wire_in in = wire_in(ASN1_STRING_get0_data(value),
	                            (size_t)ASN1_STRING_length(value));
	struct wire_in body = der_enter(&in, DER_SEQUENCE);
	struct wire_in oid = der_enter(&body, DER_OBJECT_ID);
	struct wire_in major = {0};
	struct wire_view id = wire_rest(&oid);

	if (wire_ok(&body) && der_peek(&body) == DER_INTEGER)
		major = der_enter(&body, DER_INTEGER);
	if (!wire_ok(&in) || !wire_ok(&body))
		return;
	out->template_major = 0;
	while (major.left > 0)
		out->template_major =
		    out->template_major << 8 | wire_u8(&major);
	note_template(out, id);
}

/* A BMPString of ASCII; anything else is a name we do not know. */
static void
read_template(const ASN1_OCTET_STRING *value, struct identity *out)
{
	struct wire_in in = wire_in(ASN1_STRING_get0_data(value),
	                            (size_t)ASN1_STRING_length(value));
	struct wire_in body = der_enter(&in, DER_BMP_STRING);
	char name[TEMPLATE_NAME_MAX + 1] = "";
	size_t len = 0;

	/* The OID says it better. */
	if (out->template_len == 0)
		note_template(out, (struct wire_view){body.next, body.left});
	while (body.left > 0 && wire_ok(&body) && len < TEMPLATE_NAME_MAX) {
		uint16_t unit = wire_u16_be(&body);

		name[len++] = (char)(unit < 0x80 ? unit : '?');
	}
	for (size_t i = 0;
	     i < sizeof(machine_templates) / sizeof(machine_templates[0]); i++)
		if (wire_done(&body) &&
		    strcasecmp(name, machine_templates[i]) == 0)
			out->machine_template = true;
}

static const char *
read_templates(const X509 *x509, struct identity *out)
{
	if (X509_get_ext_count(x509) > IDENTITY_EXTENSIONS_MAX)
		return "too many extensions";
	for (int i = 0; i < X509_get_ext_count(x509); i++) {
		X509_EXTENSION *ext = X509_get_ext(x509, i);

		if (has_oid(X509_EXTENSION_get_object(ext), OID_TEMPLATE_NAME))
			read_template(X509_EXTENSION_get_data(ext), out);
		if (has_oid(X509_EXTENSION_get_object(ext), OID_TEMPLATE))
			read_template_id(X509_EXTENSION_get_data(ext), out);
	}
	return NULL;
}

const char *
identity_read(const X509 *x509, struct identity *out)
{
	const char *fault;

	memset(out, 0, sizeof(*out));
	fault = read_templates(x509, out);
	if (fault == NULL)
		fault = read_names(x509, out);
	if (fault == NULL)
		fault = read_purposes(x509, out);
	if (fault == NULL && out->email.len == 0)
		certname_attribute(X509_get_subject_name(x509),
		                   NID_pkcs9_emailAddress, &out->email);
	return fault;
}

bool
identity_is_person(const struct identity *id)
{
	return id->upn.len > 0 || id->email.len > 0 || id->smart_card_logon;
}

bool
identity_is_computer(const struct identity *id)
{
	if (id->machine_template)
		return true;
	return id->machine_purpose && id->dns_name && id->upn.len == 0 &&
	       id->email.len == 0;
}

bool
identity_is_device(const struct identity *id)
{
	return id->card_auth && !identity_is_person(id);
}
