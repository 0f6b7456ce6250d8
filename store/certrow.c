#include "certrow.h"

#include "document.h"
#include "log.h"
#include "pem.h"

#include <json-c/json.h>
#include <stdlib.h>

static bool
is_zero(struct wire_view bytes)
{
	for (struct wire_in in = wire_in_view(bytes); in.left > 0;)
		if (wire_u8(&in) != 0)
			return false;
	return true;
}

static const char *
archived_name(enum engine_archived archived)
{
	switch (archived) {
	case ENGINE_SHOWN:
		return "no";
	case ENGINE_ARCHIVED:
		return "yes";
	case ENGINE_ARCHIVED_STALE:
		return "stale";
	}
	return "unknown";
}

/* What nobody said is left out. */
static void
add_card(struct json_object *row, const struct engine_entry *entry)
{
	if (entry->card_serial.len > 0)
		document_add_view(row, "card_serial", entry->card_serial);
	if (entry->chuid.len > 0)
		document_add_hex(row, "chuid", entry->chuid);
	if (entry->has_reader_removable)
		document_add_bool(row, "reader_removable",
		                  entry->reader_removable);
	if (entry->has_pin)
		document_add_number(row, "pin_id", entry->pin_id);
}

void
certrow_add(struct json_object *row, const struct engine_entry *entry)
{
	struct wire_view card_id = entry->card_id;

	if (is_zero(card_id))
		card_id.len = 0; /* a card that does not say who it is */
	document_add_text(row, "store",
	                  entry->store == ENGINE_MY ? "MY" : "REQUEST");
	document_add_view(row, "user", entry->owner);
	document_add_hex(row, "sha256", entry->hash);
	document_add_hex(row, "sha1", entry->sha1);
	document_add_view(row, "subject", entry->subject);
	document_add_view(row, "issuer", entry->issuer);
	document_add_view(row, "serial", entry->serial);
	document_add_number(row, "not_before", entry->not_before);
	document_add_number(row, "not_after", entry->not_after);
	document_add_view(row, "key_alg", entry->key_alg);
	document_add_number(row, "key_bits", entry->key_bits);
	document_add_view(row, "upn", entry->upn);
	document_add_view(row, "email", entry->email);
	document_add_view(row, "friendly_name", entry->friendly_name);
	document_add_view(row, "description", entry->description);
	document_add_view(row, "enhkey_usage", entry->enhkey_usage);
	document_add_text(row, "archived", archived_name(entry->archived));
	document_add_bool(row, "kept", entry->kept);
	document_add_bool(row, "key_available", entry->key_available);
	document_add_view(row, "provider", entry->prov_name);
	document_add_view(row, "container", entry->container);
	document_add_view(row, "pkcs11_uri", entry->pkcs11_uri);
	document_add_view(row, "reader", entry->reader_name);
	document_add_hex(row, "card_id", card_id);
	document_add_view(row, "family", entry->family);
	add_card(row, entry);
	document_add_bool(row, "logon_eligible", entry->logon_eligible);
	document_add_view(row, "policy", entry->policy);
	document_add_number(row, "created_at", entry->created_at);
	document_add_number(row, "updated_at", entry->updated_at);
	document_add_view(row, "session", entry->session);
}

void
certrow_add_pem(struct json_object *row, struct wire_view der)
{
	uint8_t *text = malloc(PEM_MAX);
	struct wire_out out = wire_out(text, text != NULL ? PEM_MAX : 0);

	pem_put_certificate(&out, der);
	if (wire_out_ok(&out))
		document_add_view(row, "pem", wire_written(&out));
	free(text);
}

/* A property by its number, in hexadecimal; an empty one is left out. */
static void
add_property(struct json_object *properties, const char *number,
             struct wire_view value)
{
	char *text = value.len > 0 ? malloc(2 * value.len + 1) : NULL;

	if (text != NULL)
		document_add_text(properties, number,
		                  log_hex(text, value.data, value.len));
	free(text);
}

/* Properties without a column of ours: base64, by number. */
static void
add_extras(struct json_object *row, struct wire_view text)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *extras = NULL;

	if (tokener != NULL && text.len > 0)
		extras = json_tokener_parse_ex(tokener, (const char *)text.data,
		                               (int)text.len);
	if (tokener != NULL)
		json_tokener_free(tokener);
	if (json_object_is_type(extras, json_type_object))
		(void)json_object_object_add(row, "extra_properties", extras);
	else
		(void)json_object_put(extras);
}

void
certrow_add_export(struct json_object *row, const struct engine_entry *entry)
{
	struct json_object *raw = NULL;

	document_add_number(row, "provider_type", entry->prov_type);
	document_add_number(row, "provider_flags", entry->prov_flags);
	document_add_number(row, "key_spec", entry->key_spec);
	document_add_number(row, "date_stamp", entry->date_stamp);
	document_add_view(row, "request_originator", entry->request_originator);
	document_add_view(row, "auto_enroll", entry->auto_enroll);
	raw = document_add_object(row, "properties");
	if (raw != NULL) {
		add_property(raw, "16", entry->smart_card_data);
		add_property(raw, "20", entry->ski);
		add_property(raw, "26", entry->enrollment);
		add_property(raw, "87", entry->cep);
		add_property(raw, "91", entry->pin_info);
	}
	add_extras(row, entry->extra_properties);
	certrow_add_pem(row, entry->der);
}
