#include "ctlexport.h"

#include "ctltable.h"
#include "keep.h"
#include "property.h"
#include "sst.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS_MAX = 256 * 1024 /* bytes of one certificate's elements */ };

static X509 *
read_certificate(struct json_object *row)
{
	const char *pem = ctltable_text(row, "pem");
	BIO *bio = BIO_new_mem_buf(pem, (int)strlen(pem));
	X509 *cert =
	    bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert;
}

static struct json_object *
find_row(struct json_object *rows, const char *sha256)
{
	for (size_t i = 0; i < ctltable_count(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (strcmp(ctltable_text(row, "sha256"), sha256) == 0)
			return row;
	}
	return NULL;
}

/* A root of several scopes is one, with the holders of all. */
static void
merge_holders(struct json_object *to, struct json_object *from)
{
	struct json_object *known = ctltable_rows(to, "holders");
	struct json_object *more = ctltable_rows(from, "holders");

	for (size_t i = 0; known != NULL && i < ctltable_count(more); i++)
		(void)json_object_array_add(
		    known, json_object_get(json_object_array_get_idx(more, i)));
}

static void
gather(struct json_object *rows, struct json_object *from)
{
	for (size_t i = 0; i < ctltable_count(from); i++) {
		struct json_object *row = json_object_array_get_idx(from, i);
		struct json_object *known =
		    find_row(rows, ctltable_text(row, "sha256"));

		if (known != NULL)
			merge_holders(known, row);
		else
			(void)json_object_array_add(rows, json_object_get(row));
	}
}

/* The certificates; of roots those that are claimed, then those pinned. */
static struct json_object *
rows_of(struct json_object *document)
{
	struct json_object *rows = NULL;

	if (!json_object_object_get_ex(document, "certs", &rows)) {
		rows = json_object_new_array();
		gather(rows, ctltable_rows(document, "roots"));
		gather(rows, ctltable_rows(document, "pins"));
		(void)json_object_object_add(document, "certs", rows);
	}
	if (json_object_is_type(rows, json_type_array) &&
	    json_object_array_length(rows) > 0)
		return rows;
	(void)fprintf(stderr, "cardproxyctl: no such certificate\n");
	return NULL;
}

/*
 * PEM.
 */

/* PEM is base64 and has no need to be encoded; anything else is not PEM. */
static bool
is_pem(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789+/=- \n";

	return text[strspn(text, allowed)] == '\0';
}

/* Its store and the user, or where a root counts. */
static void
print_whose(struct json_object *row)
{
	char text[CTLTABLE_CELL_MAX + 1];

	if (*ctltable_text(row, "scope") != '\0') {
		(void)printf("# root in %s: ",
		             ctltable_printable(text, row, "scope"));
		return;
	}
	(void)printf("# %s of ", ctltable_text(row, "store"));
	(void)printf("%s: ", ctltable_printable(text, row, "user"));
}

bool
ctlexport_pem(struct json_object *document)
{
	struct json_object *rows = rows_of(document);
	char text[CTLTABLE_CELL_MAX + 1];

	for (size_t i = 0; i < ctltable_count(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		const char *pem = ctltable_text(row, "pem");

		if (!is_pem(pem))
			return false;
		print_whose(row);
		(void)printf("%s\n%s", ctltable_printable(text, row, "subject"),
		             pem);
	}
	return ctltable_count(rows) > 0;
}

/*
 * PKCS#7, certificates only.
 */

static bool
add_all(PKCS7 *p7, struct json_object *rows)
{
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		X509 *cert =
		    read_certificate(json_object_array_get_idx(rows, i));
		bool ok = cert != NULL && PKCS7_add_certificate(p7, cert) == 1;

		X509_free(cert);
		if (!ok)
			return false;
	}
	return true;
}

bool
ctlexport_p7b(struct json_object *document)
{
	struct json_object *rows = rows_of(document);
	PKCS7 *p7 = PKCS7_new();
	bool ok = rows != NULL && p7 != NULL &&
	          PKCS7_set_type(p7, NID_pkcs7_signed) == 1 &&
	          PKCS7_content_new(p7, NID_pkcs7_data) == 1 &&
	          PKCS7_set_detached(p7, 1) == 1 && add_all(p7, rows) &&
	          PEM_write_PKCS7(stdout, p7) == 1;

	PKCS7_free(p7);
	return ok;
}

/*
 * The serialised store.
 */

static void
put_text(struct wire_out *out, uint32_t number, const char *text)
{
	static uint8_t bytes[2 * 4096];
	struct wire_out value = wire_out(bytes, sizeof(bytes));

	if (text[0] == '\0')
		return;
	property_put_text(&value, wire_view_text(text));
	if (wire_out_ok(&value))
		sst_put_property(out, number, wire_written(&value));
}

static void
put_hex(struct wire_out *out, uint32_t number, const char *hex)
{
	long len = 0;
	unsigned char *bytes = OPENSSL_hexstr2buf(hex, &len);

	if (bytes != NULL && len > 0)
		sst_put_property(out, number,
		                 (struct wire_view){bytes, (size_t)len});
	OPENSSL_free(bytes);
}

static void
put_key(struct wire_out *out, struct json_object *row)
{
	struct property_key key = {
	    .container = wire_view_text(ctltable_text(row, "container")),
	    .provider = wire_view_text(ctltable_text(row, "provider")),
	    .type = (uint32_t)ctltable_number(row, "provider_type"),
	    .flags = (uint32_t)ctltable_number(row, "provider_flags"),
	    .key_spec = (uint32_t)ctltable_number(row, "key_spec"),
	};
	uint8_t bytes[8192];
	struct wire_out value = wire_out(bytes, sizeof(bytes));

	if (key.provider.len == 0)
		return;
	property_put_key(&value, &key);
	if (wire_out_ok(&value))
		sst_put_property(out, PROPERTY_KEY_PROVIDER,
		                 wire_written(&value));
}

/* Identifiers with a blank between, as the extension of certificates. */
static void
put_usage(struct wire_out *out, const char *usage)
{
	EXTENDED_KEY_USAGE *list = sk_ASN1_OBJECT_new_null();
	char *copy = strdup(usage);
	char *rest = copy;
	unsigned char *der = NULL;
	int len = 0;

	for (char *id = strtok_r(rest, " ", &rest); list != NULL && id != NULL;
	     id = strtok_r(NULL, " ", &rest)) {
		ASN1_OBJECT *object = OBJ_txt2obj(id, 1);

		if (object != NULL && sk_ASN1_OBJECT_push(list, object) == 0)
			ASN1_OBJECT_free(object);
	}
	if (list != NULL && sk_ASN1_OBJECT_num(list) > 0)
		len = i2d_EXTENDED_KEY_USAGE(list, &der);
	if (len > 0)
		sst_put_property(out, PROPERTY_ENHKEY_USAGE,
		                 (struct wire_view){der, (size_t)len});
	OPENSSL_free(der);
	EXTENDED_KEY_USAGE_free(list);
	free(copy);
}

static void
put_time(struct wire_out *out, int64_t seconds)
{
	uint8_t bytes[8];
	struct wire_out value = wire_out(bytes, sizeof(bytes));

	if (seconds == 0)
		return;
	property_put_time(&value, seconds);
	sst_put_property(out, PROPERTY_DATE_STAMP, wire_written(&value));
}

/* Those that are bytes: hexadecimal, by number. */
static void
put_raw(struct wire_out *out, struct json_object *row)
{
	struct json_object *raw = NULL;

	if (!json_object_object_get_ex(row, "properties", &raw))
		return;
	json_object_object_foreach(raw, number, value)
	    put_hex(out, (uint32_t)strtoul(number, NULL, 10),
	            json_object_get_string(value));
}

/* Those we have no column for: base64, by number. */
static void
put_extra(struct wire_out *out, uint32_t number, const char *base64)
{
	uint8_t bytes[PROPERTY_EXTRA_MAX + 8];
	size_t len = strlen(base64);

	if (len == 0 || len % 4 != 0 || len / 4 * 3 > sizeof(bytes) ||
	    property_origin(number) != PROPERTY_EXTRA)
		return;
	int count =
	    EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)len);

	if (base64[len - 1] == '=')
		count--;
	if (base64[len - 2] == '=')
		count--;
	if (count > 0)
		sst_put_property(out, number,
		                 (struct wire_view){bytes, (size_t)count});
}

static void
put_extras(struct wire_out *out, struct json_object *row)
{
	struct json_object *extras = NULL;

	if (!json_object_object_get_ex(row, "extra_properties", &extras))
		return;
	json_object_object_foreach(extras, number, value)
	    put_extra(out, (uint32_t)strtoul(number, NULL, 10),
	              json_object_get_string(value));
}

/* The card and the log-on of each holder, the first bytes of its id. */
static void
put_holders(struct wire_out *out, struct json_object *holders)
{
	static uint8_t bytes[PROPERTY_HOLDERS_MAX *
	                     (PROPERTY_CARD_LEN + PROPERTY_LUID_LEN)];
	struct wire_out value = wire_out(bytes, sizeof(bytes));

	for (size_t i = 0;
	     i < ctltable_count(holders) && i < PROPERTY_HOLDERS_MAX; i++) {
		struct json_object *row = json_object_array_get_idx(holders, i);
		uint8_t card[PROPERTY_CARD_LEN] = {0};
		uint8_t session[KEEP_ID_LEN] = {0};
		size_t len;

		(void)OPENSSL_hexstr2buf_ex(card, sizeof(card), &len,
		                            ctltable_text(row, "card_id"),
		                            '\0');
		(void)OPENSSL_hexstr2buf_ex(session, sizeof(session), &len,
		                            ctltable_text(row, "session"),
		                            '\0');
		property_put_holder(&value, card, session);
	}
	if (value.len > 0 && wire_out_ok(&value))
		sst_put_property(out, PROPERTY_ROOT_INFO, wire_written(&value));
}

static void
put_number(struct wire_out *out, uint32_t number, uint32_t what)
{
	uint8_t bytes[4];
	struct wire_out value = wire_out(bytes, sizeof(bytes));

	wire_put_u32(&value, what);
	sst_put_property(out, number, wire_written(&value));
}

/* Windows asks the other way round: is the reader built in? */
static void
put_card(struct wire_out *out, struct json_object *row)
{
	struct json_object *known = NULL;

	if (json_object_object_get_ex(row, "pin_id", &known))
		put_number(out, PROPERTY_PIN_ID,
		           (uint32_t)json_object_get_int64(known));
	if (json_object_object_get_ex(row, "reader_removable", &known))
		put_number(out, PROPERTY_READER_NOT_REMOVABLE,
		           json_object_get_boolean(known) ? 0 : 1);
}

static void
put_properties(struct wire_out *out, struct json_object *row)
{
	put_key(out, row);
	put_hex(out, PROPERTY_SHA1, ctltable_text(row, "sha1"));
	put_usage(out, ctltable_text(row, "enhkey_usage"));
	put_text(out, PROPERTY_FRIENDLY_NAME,
	         ctltable_text(row, "friendly_name"));
	put_text(out, PROPERTY_DESCRIPTION, ctltable_text(row, "description"));
	if (strcmp(ctltable_text(row, "archived"), "yes") == 0 ||
	    strcmp(ctltable_text(row, "archived"), "stale") == 0)
		sst_put_property(out, PROPERTY_ARCHIVED, (struct wire_view){0});
	put_raw(out, row);
	put_text(out, PROPERTY_AUTO_ENROLL, ctltable_text(row, "auto_enroll"));
	put_time(out, ctltable_number(row, "date_stamp"));
	put_text(out, PROPERTY_REQUEST_ORIGINATOR,
	         ctltable_text(row, "request_originator"));
	put_text(out, PROPERTY_READER, ctltable_text(row, "reader"));
	put_card(out, row);
	put_hex(out, PROPERTY_SHA256, ctltable_text(row, "sha256"));
	put_holders(out, ctltable_rows(row, "holders"));
	put_extras(out, row);
}

static bool
put_row(struct wire_out *out, struct json_object *row)
{
	X509 *cert = read_certificate(row);
	unsigned char *der = NULL;
	int len = cert != NULL ? i2d_X509(cert, &der) : -1;

	out->len = 0;
	put_properties(out, row);
	if (len > 0)
		sst_put_certificate(out, (struct wire_view){der, (size_t)len});
	OPENSSL_free(der);
	X509_free(cert);
	return len > 0 && wire_out_ok(out);
}

static bool
write_out(const struct wire_out *out)
{
	return fwrite(out->data, 1, out->len, stdout) == out->len;
}

bool
ctlexport_sst(struct json_object *document)
{
	struct json_object *rows = rows_of(document);
	uint8_t *bytes = malloc(ELEMENTS_MAX);
	struct wire_out out = wire_out(bytes, bytes != NULL ? ELEMENTS_MAX : 0);
	size_t count = rows != NULL ? json_object_array_length(rows) : 0;
	bool ok = rows != NULL && bytes != NULL;

	sst_put_start(&out);
	ok = ok && write_out(&out);
	for (size_t i = 0; ok && i < count; i++)
		ok = put_row(&out, json_object_array_get_idx(rows, i)) &&
		     write_out(&out);
	out.len = 0;
	sst_put_end(&out);
	ok = ok && write_out(&out);
	free(bytes);
	return ok;
}
