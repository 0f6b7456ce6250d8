#include "ctlimport.h"

#include "certificate.h"
#include "keep.h"
#include "log.h"
#include "request.h"
#include "sst.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_LEN = 32 };

static bool
fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "cardproxyctl: %s: %s\n", what, why);
	return false;
}

/* The whole file, at most SST_FILE_MAX; NULL: told. */
static uint8_t *
read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rbe");
	uint8_t *data = NULL;
	size_t room = 0;

	*len = 0;
	while (file != NULL) {
		if (*len == room) {
			room = room == 0 ? 64 * 1024 : 2 * room;
			uint8_t *more =
			    room <= SST_FILE_MAX ? realloc(data, room) : NULL;

			if (more == NULL)
				break;
			data = more;
		}
		size_t got = fread(data + *len, 1, room - *len, file);

		*len += got;
		if (got == 0 && ferror(file) == 0) {
			(void)fclose(file);
			return data;
		}
		if (got == 0)
			break;
	}
	(void)fail(path, file == NULL ? "cannot be opened"
	                              : "cannot be read, or is too large");
	if (file != NULL)
		(void)fclose(file);
	free(data);
	return NULL;
}

static bool
begin(struct ctlimport *import)
{
	*import = (struct ctlimport){.data = malloc(REQUEST_BODY_MAX)};
	return import->data != NULL || fail("import", "out of memory");
}

/*
 * A root.
 */

static X509 *
parse_certificate(const uint8_t *data, size_t len)
{
	BIO *bio = BIO_new_mem_buf(data, (int)len);
	X509 *cert =
	    bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

	BIO_free(bio);
	return cert != NULL ? cert : d2i_X509(NULL, &data, (long)len);
}

/* The same judgement as over what a card brings. */
static bool
put_root(struct ctlimport *import, const char *path, struct wire_view der)
{
	struct certificate *cert =
	    certificate_new(der, CERTIFICATE_FROM_ROOT_BAG, false);
	struct keep_msg msg = {.type = KEEP_CERT};
	struct wire_out out = wire_out(import->data, REQUEST_BODY_MAX);
	uint8_t hash[HASH_LEN];
	bool ok = cert != NULL && certificate_class(cert) == CERTIFICATE_ROOT;

	if (!ok) {
		const char *why = cert != NULL ? certificate_fault(cert) : NULL;

		(void)fail(path, why != NULL ? why : "not a root");
	} else {
		certificate_describe(cert, &msg.cert);
		msg.cert.kind = KEEP_ANCHOR;
		keep_encode(&out, &msg);
		ok = wire_out_ok(&out) &&
		     EVP_Digest(der.data, der.len, hash, NULL, EVP_sha256(),
		                NULL) == 1;
		import->len = out.len;
		(void)log_hex(import->sha256, hash, sizeof(hash));
	}
	certificate_free(cert);
	return ok;
}

bool
ctlimport_root(struct ctlimport *import, const char *path)
{
	size_t len = 0;
	uint8_t *data = begin(import) ? read_file(path, &len) : NULL;
	X509 *cert = data != NULL ? parse_certificate(data, len) : NULL;
	unsigned char *der = NULL;
	int der_len = cert != NULL ? i2d_X509(cert, &der) : -1;
	bool ok =
	    der_len > 0 &&
	    put_root(import, path, (struct wire_view){der, (size_t)der_len});

	if (data != NULL && der_len <= 0)
		(void)fail(path, "there is no certificate in it");
	OPENSSL_free(der);
	X509_free(cert);
	free(data);
	return ok;
}

/*
 * Changes.
 */

/* A change under construction; the texts live in bytes. */
struct draft {
	struct ctlimport *import;
	const char *path; /* NULL: the command line */
	const char *part; /* what the file is made of */
	size_t at;        /* the one that is read, from 1 */
	struct property_change change;
	uint8_t hash[HASH_LEN];
	uint8_t bytes[4 * PROPERTY_TEXT_MAX +
	              PROPERTY_EXTRAS_MAX * PROPERTY_EXTRA_MAX];
	struct wire_out texts;
};

/* Tell what is wrong, and where in the file. */
static bool
fail_here(const struct draft *draft, const char *why)
{
	char where[64] = "";

	if (draft->path == NULL)
		return fail("import", why);
	(void)snprintf(where, sizeof(where), ": %s %zu", draft->part,
	               draft->at);
	(void)fprintf(stderr, "cardproxyctl: %s%s: %s\n", draft->path,
	              draft->part != NULL ? where : "", why);
	return false;
}

static void
start_draft(struct draft *draft)
{
	draft->change = (struct property_change){0};
	draft->texts = wire_out(draft->bytes, sizeof(draft->bytes));
}

static bool
put_draft(struct draft *draft)
{
	struct wire_out out = wire_out(draft->import->data, REQUEST_BODY_MAX);
	bool says = draft->change.set != 0 || draft->change.extra_count > 0;

	out.len = draft->import->len;
	if (says && draft->change.hash.len > 0)
		property_put_change(&out, &draft->change);
	if (!wire_out_ok(&out) || !wire_out_ok(&draft->texts))
		return fail_here(draft, "a value, or all so far, are too long");
	draft->import->len = out.len;
	start_draft(draft);
	return true;
}

/* A view of what was written behind mark. */
static struct wire_view
since(const struct draft *draft, size_t mark)
{
	return (struct wire_view){draft->bytes + mark, draft->texts.len - mark};
}

/* The DER of PROPERTY_ENHKEY_USAGE as identifiers. */
static bool
take_usage(struct draft *draft, struct wire_view der)
{
	const unsigned char *next = der.data;
	EXTENDED_KEY_USAGE *list =
	    d2i_EXTENDED_KEY_USAGE(NULL, &next, (long)der.len);
	size_t mark = draft->texts.len;
	char id[128];

	if (list == NULL)
		return false;
	for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++) {
		int len = OBJ_obj2txt(id, sizeof(id),
		                      sk_ASN1_OBJECT_value(list, i), 1);

		if (len <= 0 || len >= (int)sizeof(id))
			continue;
		if (draft->texts.len > mark)
			wire_put_u8(&draft->texts, ' ');
		wire_put_view(&draft->texts, wire_view_text(id));
	}
	EXTENDED_KEY_USAGE_free(list);
	draft->change.set |= PROPERTY_SET_USAGE;
	draft->change.enhkey_usage = since(draft, mark);
	return true;
}

static bool
take_admin(struct draft *draft, const struct sst_element *e)
{
	struct property_change *change = &draft->change;
	size_t mark = draft->texts.len;

	if (e->number == PROPERTY_ARCHIVED) {
		change->set |= PROPERTY_SET_ARCHIVED;
		change->archived = true;
		return true;
	}
	if (e->number == PROPERTY_ENHKEY_USAGE)
		return take_usage(draft, e->value);
	if (!property_get_text(e->value, &draft->texts))
		return false;
	if (e->number == PROPERTY_FRIENDLY_NAME) {
		change->set |= PROPERTY_SET_NAME;
		change->friendly_name = since(draft, mark);
	} else {
		change->set |= PROPERTY_SET_DESCRIPTION;
		change->description = since(draft, mark);
	}
	return true;
}

static bool
take_extra(struct draft *draft, uint32_t number, struct wire_view value)
{
	struct property_change *change = &draft->change;

	if (change->extra_count == PROPERTY_EXTRAS_MAX ||
	    value.len > PROPERTY_EXTRA_MAX)
		return false;
	change->extras[change->extra_count].number = number;
	change->extras[change->extra_count++].value = value;
	return true;
}

/* Where it belongs; false: its value is broken, or there is no room. */
static bool
sort_property(struct draft *draft, const struct sst_element *e)
{
	switch (property_origin(e->number)) {
	case PROPERTY_ADMIN:
		return take_admin(draft, e);
	case PROPERTY_EXTRA:
		return take_extra(draft, e->number, e->value);
	case PROPERTY_CARD:
		draft->import->passed++;
		return true;
	case PROPERTY_COMPUTED:
		return true;
	}
	return true;
}

static bool
take_property(struct draft *draft, const struct sst_element *e)
{
	char why[64];

	if (sort_property(draft, e) && wire_out_ok(&draft->texts))
		return true;
	(void)snprintf(why, sizeof(why),
	               "property %u is broken, too long, or one too many",
	               e->number);
	return fail_here(draft, why);
}

static bool
end_certificate(struct draft *draft, struct wire_view der)
{
	draft->change.hash = (struct wire_view){draft->hash, HASH_LEN};
	return EVP_Digest(der.data, der.len, draft->hash, NULL, EVP_sha256(),
	                  NULL) == 1 &&
	       put_draft(draft);
}

static bool
take_sst(struct draft *draft, struct wire_in *in)
{
	struct sst_element e;

	draft->part = "certificate";
	draft->at = 1;
	for (;;) {
		switch (sst_next(in, &e)) {
		case SST_PROPERTY:
			if (!take_property(draft, &e))
				return false;
			break;
		case SST_CERT:
			if (!end_certificate(draft, e.value))
				return false;
			draft->at++;
			break;
		case SST_OTHER:
			start_draft(draft);
			break;
		case SST_END:
			return wire_done(in) ||
			       fail(draft->path,
			            "there is more behind its end");
		case SST_FAULT:
			return fail_here(draft, wire_fault_name(in->fault));
		}
	}
}

/*
 * Words and JSON.
 */

static bool
set_hash(struct draft *draft, const char *hex)
{
	size_t len = 0;

	if (OPENSSL_hexstr2buf_ex(draft->hash, sizeof(draft->hash), &len, hex,
	                          '\0') != 1 ||
	    (len != 20 && len != HASH_LEN))
		return draft->path != NULL
		           ? fail_here(draft, "not a whole thumbprint")
		           : fail(hex, "not a whole thumbprint");
	draft->change.hash = (struct wire_view){draft->hash, len};
	return true;
}

/* A property by the name it has in our JSON, or on the command line. */
static bool
set_value(struct draft *draft, const char *name, const char *value)
{
	struct property_change *change = &draft->change;
	struct wire_view text = wire_view_text(value);

	if (strcmp(name, "friendly_name") == 0) {
		change->set |= PROPERTY_SET_NAME;
		change->friendly_name = text;
	} else if (strcmp(name, "description") == 0) {
		change->set |= PROPERTY_SET_DESCRIPTION;
		change->description = text;
	} else if (strcmp(name, "enhkey_usage") == 0) {
		change->set |= PROPERTY_SET_USAGE;
		change->enhkey_usage = text;
	} else if (strcmp(name, "archived") == 0) {
		change->set |= PROPERTY_SET_ARCHIVED;
		change->archived = strcmp(value, "yes") == 0;
		if (strcmp(value, "no") != 0 && strcmp(value, "yes") != 0 &&
		    strcmp(value, "stale") != 0)
			return draft->path != NULL
			           ? fail_here(draft, "archived is yes or no")
			           : fail(value, "archived is yes or no");
	} else {
		return false;
	}
	return true;
}

bool
ctlimport_words(struct ctlimport *import, const char *sha256, char **words,
                int count)
{
	struct draft *draft = calloc(1, sizeof(*draft));
	bool ok = begin(import) && draft != NULL;

	if (ok) {
		draft->import = import;
		start_draft(draft);
		ok = set_hash(draft, sha256);
	}
	for (int i = 0; ok && i < count; i++) {
		char *equals = strchr(words[i], '=');

		if (equals != NULL)
			*equals = '\0';
		for (char *c = words[i]; *c != '\0'; c++)
			*c = *c == '-' ? '_' : *c;
		ok = equals != NULL && set_value(draft, words[i], equals + 1);
		if (!ok)
			(void)fail(words[i], "not a property that can be set");
	}
	ok = ok && put_draft(draft);
	free(draft);
	return ok;
}

static bool
take_row(struct draft *draft, struct json_object *row)
{
	static const char *const names[] = {"friendly_name", "description",
	                                    "enhkey_usage", "archived"};
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(row, "sha256", &value) &&
	    !json_object_object_get_ex(row, "sha1", &value))
		return fail_here(draft, "no thumbprint");
	if (!set_hash(draft, json_object_get_string(value)))
		return false;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_object_get_ex(row, names[i], &value) &&
		    json_object_is_type(value, json_type_string) &&
		    !set_value(draft, names[i], json_object_get_string(value)))
			return false;
	return put_draft(draft);
}

/* The whole text as JSON; NULL: it is none, or there is more behind it. */
static struct json_object *
parse_json(const char *text, size_t len)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *document = NULL;
	size_t end = 0;

	if (tokener != NULL) {
		document = json_tokener_parse_ex(tokener, text, (int)len);
		end = json_tokener_get_parse_end(tokener);
	}
	json_tokener_free(tokener);
	while (document != NULL && end < len && strchr(" \t\r\n", text[end]))
		end++;
	if (end == len)
		return document;
	(void)json_object_put(document);
	return NULL;
}

static bool
take_json(struct draft *draft, const uint8_t *data, size_t len)
{
	struct json_object *document = parse_json((const char *)data, len);
	struct json_object *rows = document;
	bool ok;

	if (json_object_is_type(document, json_type_object))
		(void)json_object_object_get_ex(document, "certs", &rows);
	ok =
	    json_object_is_type(rows, json_type_array) ||
	    fail(draft->path, "neither a serialised store nor JSON with certs");
	draft->part = "row";
	for (size_t i = 0; ok && i < json_object_array_length(rows); i++) {
		draft->at = i + 1;
		ok = take_row(draft, json_object_array_get_idx(rows, i));
	}
	(void)json_object_put(document);
	return ok;
}

bool
ctlimport_file(struct ctlimport *import, const char *path)
{
	struct draft *draft = calloc(1, sizeof(*draft));
	size_t len = 0;
	uint8_t *data = begin(import) ? read_file(path, &len) : NULL;
	bool ok = data != NULL && draft != NULL;

	if (ok) {
		struct wire_in in = wire_in(data, len);

		draft->import = import;
		draft->path = path;
		start_draft(draft);
		ok = sst_start(&in) ? take_sst(draft, &in)
		                    : take_json(draft, data, len);
	}
	if (ok && import->len == 0)
		ok = fail(path, "it holds no property that can be set");
	free(draft);
	free(data);
	return ok;
}
