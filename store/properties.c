#include "properties.h"

#include "log.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
add_text(struct json_object *to, const char *key, struct wire_view text)
{
	(void)json_object_object_add(
	    to, key,
	    json_object_new_string_len((const char *)text.data, (int)text.len));
}

static void
add_number(struct json_object *to, const char *key, int64_t value)
{
	(void)json_object_object_add(to, key, json_object_new_int64(value));
}

static void
add_hex(struct json_object *to, const char *key, struct wire_view bytes)
{
	char text[2 * ENGINE_HASH_LEN + 1] = "";

	if (bytes.len > 0 && bytes.len <= ENGINE_HASH_LEN)
		(void)log_hex(text, bytes.data, bytes.len);
	add_text(to, key, wire_view_text(text));
}

/* What nobody said is left out. */
static void
add_card(struct json_object *row, const struct engine_entry *entry)
{
	if (entry->card_serial.len > 0)
		add_text(row, "card_serial", entry->card_serial);
	if (entry->chuid.len > 0)
		add_hex(row, "chuid", entry->chuid);
	if (entry->has_reader_removable)
		(void)json_object_object_add(
		    row, "reader_removable",
		    json_object_new_boolean(entry->reader_removable));
	if (entry->has_pin)
		add_number(row, "pin_id", entry->pin_id);
}

static void
fill(struct json_object *row, const struct engine_entry *entry)
{
	add_hex(row, "sha256", entry->hash);
	add_hex(row, "sha1", entry->sha1);
	add_text(row, "subject", entry->subject);
	add_text(row, "issuer", entry->issuer);
	add_text(row, "serial", entry->serial);
	add_number(row, "not_before", entry->not_before);
	add_number(row, "not_after", entry->not_after);
	add_text(row, "key_alg", entry->key_alg);
	add_number(row, "key_bits", entry->key_bits);
	add_text(row, "upn", entry->upn);
	add_text(row, "email", entry->email);
	add_text(row, "friendly_name", entry->friendly_name);
	add_text(row, "provider", entry->prov_name);
	add_text(row, "container", entry->container);
	add_text(row, "pkcs11_uri", entry->pkcs11_uri);
	add_text(row, "reader", entry->reader_name);
	add_hex(row, "card_id", entry->card_id);
	add_text(row, "family", entry->family);
	add_card(row, entry);
	(void)json_object_object_add(
	    row, "logon_eligible",
	    json_object_new_boolean(entry->logon_eligible));
}

/* No time of a change in it: what says the same is the same file. */
char *
properties_text(const struct engine_entry *entry)
{
	struct json_object *row = json_object_new_object();
	const char *text;
	char *line = NULL;

	if (row == NULL)
		return NULL;
	fill(row, entry);
	text = json_object_to_json_string_ext(
	    row, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text != NULL && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	(void)json_object_put(row);
	return line;
}
