#include "engine_admin.h"

#include "engine_private.h"
#include "log.h"

#include <json-c/json.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHANGE_ENTRIES_MAX = 256, /* entries of one certificate */
	PURGE_PAGE = 100,         /* claims in one transaction */
	EXTRA_BASE64_MAX = (PROPERTY_EXTRA_MAX + 2) / 3 * 4 + 1
};

/* Stands in the audit where a session's id does. */
static const char admin_session[] = "admin";

static struct wire_view
hash_view(const uint8_t *hash)
{
	return (struct wire_view){hash, ENGINE_HASH_LEN};
}

static unsigned
digit_value(char digit)
{
	return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

/* The first and the last thumbprint with this beginning. */
static void
set_range(const char *prefix, uint8_t low[ENGINE_HASH_LEN],
          uint8_t high[ENGINE_HASH_LEN])
{
	memset(low, 0, ENGINE_HASH_LEN);
	memset(high, 0xff, ENGINE_HASH_LEN);
	for (size_t i = 0; prefix[i] != '\0' && i < 2 * ENGINE_HASH_LEN; i++) {
		unsigned shift = i % 2 == 0 ? 4 : 0;
		unsigned value = digit_value(prefix[i]) << shift;
		unsigned mask = 0xfU << shift;

		low[i / 2] = (uint8_t)((low[i / 2] & ~mask) | value);
		high[i / 2] = (uint8_t)((high[i / 2] & ~mask) | value);
	}
}

enum engine_found
engine_find_cert(struct engine *engine, const char *prefix,
                 uint8_t hash[ENGINE_HASH_LEN])
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ADMIN_FIND);
	uint8_t low[ENGINE_HASH_LEN];
	uint8_t high[ENGINE_HASH_LEN];
	unsigned found = ENGINE_FOUND_NONE;

	set_range(prefix, low, high);
	sql_put_blob(&call, hash_view(low));
	sql_put_blob(&call, hash_view(high));
	while (sql_row(&call)) {
		struct wire_view view = sql_get_view(&call);

		if (view.len == ENGINE_HASH_LEN)
			memcpy(hash, view.data, view.len);
		found++;
	}
	return sql_end(&call) ? (enum engine_found)found : ENGINE_FOUND_FAULT;
}

bool
engine_cert_is_ca(struct engine *engine, const uint8_t *hash, bool *is_ca)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ADMIN_IS_CA);

	*is_ca = false;
	sql_put_blob(&call, hash_view(hash));
	if (sql_row(&call))
		*is_ca = sql_get_int(&call) != 0;
	return sql_end(&call);
}

bool
engine_session_is_known(struct engine *engine, const char *session)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_FIND);

	sql_put_string(&call, session);
	bool known = sql_row(&call);

	(void)sql_end(&call);
	return known;
}

bool
engine_take_cert(struct engine *engine, const struct keep_cert *cert,
                 uint8_t hash[ENGINE_HASH_LEN])
{
	return EVP_Digest(cert->der.data, cert->der.len, hash, NULL,
	                  EVP_sha256(), NULL) == 1 &&
	       engine_put_cert(engine, cert, hash);
}

/*
 * Pins.
 */

/* owner may be empty. */
static bool
audit_for(struct engine *engine, const char *event, const uint8_t *hash,
          const char *who, const char *what, struct wire_view owner)
{
	char detail[KEEP_TEXT_MAX + 64];
	struct engine_note note = {.event = event,
	                           .session = admin_session,
	                           .hash = hash,
	                           .user = owner};

	(void)snprintf(detail, sizeof(detail), "%s: %s", who, what);
	note.detail = wire_view_text(detail);
	return engine_audit_note(engine, &note);
}

static bool
audit(struct engine *engine, const char *event, const uint8_t *hash,
      const char *who, const char *what)
{
	return audit_for(engine, event, hash, who, what, (struct wire_view){0});
}

bool
engine_pin(struct engine *engine, const struct engine_pinning *pinning,
           bool *changed)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_PIN_PUT);

	sql_put_string(&call, pinning->scope);
	sql_put_blob(&call, hash_view(pinning->hash));
	sql_put_string(&call, pinning->who);
	sql_put_text(&call, pinning->reason);
	sql_put_int(&call, engine->now);
	if (!sql_run(&call))
		return false;
	*changed = sql_changes(&engine->sql) > 0;
	return !*changed || audit(engine, "root-pinned", pinning->hash,
	                          pinning->who, pinning->scope);
}

bool
engine_unpin(struct engine *engine, const char *scope, const uint8_t *hash,
             const char *who, uint32_t *removed)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_PIN_DROP);

	sql_put_string(&call, scope);
	sql_put_blob(&call, hash_view(hash));
	if (!sql_run(&call))
		return false;
	*removed = sql_changes(&engine->sql);
	return *removed == 0 || audit(engine, "root-unpinned", hash, who,
	                              scope[0] != '\0' ? scope : "every scope");
}

/*
 * Purging.
 */

/* Those of one page that were kept; kept has PURGE_PAGE places. */
static bool
find_kept(struct engine *engine, const uint8_t *hash,
          const struct engine_claim_key *after,
          const struct engine_claim_key *last, struct engine_claim_key *kept,
          size_t *count)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_KEPT_FIND);

	*count = 0;
	engine_put_claim_page(&call, after, last);
	if (hash != NULL)
		sql_put_blob(&call, hash_view(hash));
	else
		sql_put_null(&call);
	while (*count < PURGE_PAGE && sql_row(&call))
		engine_read_claim_key(&call, &kept[(*count)++]);
	return sql_end(&call);
}

static bool
drop_claim(struct engine *engine, const struct engine_claim_key *kept)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_KEPT_DROP);

	sql_put_string(&call, kept->scope);
	sql_put_blob(&call, hash_view(kept->hash));
	sql_put_string(&call, kept->session);
	sql_put_int(&call, kept->reader);
	sql_put_blob(&call,
	             (struct wire_view){kept->card_id, KEEP_CARD_ID_LEN});
	return sql_run(&call);
}

/* The claim, and its entry when no other claim backs it. */
static bool
drop_kept(struct engine *engine, const struct engine_claim_key *kept,
          const char *who)
{
	if (!drop_claim(engine, kept))
		return false;
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_KEPT_DROP_ENTRY);

	sql_put_string(&call, kept->scope);
	sql_put_blob(&call, hash_view(kept->hash));
	return sql_run(&call) &&
	       audit(engine, "root-purged", kept->hash, who, kept->scope);
}

enum engine_slice
engine_purge(struct engine *engine, const uint8_t *hash, const char *who,
             struct engine_claim_key *key, uint32_t *purged)
{
	struct engine_claim_key *kept = calloc(PURGE_PAGE, sizeof(*kept));
	struct engine_claim_key last;
	size_t count = 0;
	enum engine_slice slice = engine_claims_end(
	    engine, key, ENGINE_LAST_ROOT_SCOPE, PURGE_PAGE, &last);
	bool ok = kept != NULL && slice != ENGINE_BAD &&
	          find_kept(engine, hash, key, &last, kept, &count);

	for (size_t i = 0; ok && i < count; i++) {
		ok = drop_kept(engine, &kept[i], who);
		(*purged)++;
	}
	free(kept);
	*key = last;
	return ok ? slice : ENGINE_BAD;
}

/*
 * Properties.
 */

/* The columns of an entry that a change may touch; the texts are our own. */
struct values {
	enum engine_store store;
	char *owner;
	uint8_t hash[ENGINE_HASH_LEN];
	char *friendly_name;
	char *description;
	char *enhkey_usage;
	char *extra;
	int64_t archived;
	/* what only a server can know, so that somebody has to bring it */
	char *originator;
	char *auto_enroll;
	uint8_t *cep;
	size_t cep_len;
};

static void
values_clear(struct values *v)
{
	free(v->owner);
	free(v->friendly_name);
	free(v->description);
	free(v->enhkey_usage);
	free(v->extra);
	free(v->originator);
	free(v->auto_enroll);
	free(v->cep);
}

static char *
dup_view(struct wire_view text)
{
	return strndup(text.len > 0 ? (const char *)text.data : "", text.len);
}

static uint8_t *
dup_bytes(struct wire_view bytes)
{
	uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);

	if (copy != NULL && bytes.len > 0)
		memcpy(copy, bytes.data, bytes.len);
	return copy;
}

static bool
read_values(struct sql_call *call, struct values *v)
{
	v->store = (enum engine_store)sql_get_int(call);
	v->owner = dup_view(sql_get_view(call));
	struct wire_view hash = sql_get_view(call);

	if (hash.len == ENGINE_HASH_LEN)
		memcpy(v->hash, hash.data, hash.len);
	v->friendly_name = dup_view(sql_get_view(call));
	v->description = dup_view(sql_get_view(call));
	v->archived = sql_get_int(call);
	v->enhkey_usage = dup_view(sql_get_view(call));
	v->extra = dup_view(sql_get_view(call));
	v->originator = dup_view(sql_get_view(call));
	v->auto_enroll = dup_view(sql_get_view(call));
	struct wire_view cep = sql_get_view(call);

	v->cep = dup_bytes(cep);
	v->cep_len = cep.len;
	return v->originator != NULL && v->auto_enroll != NULL &&
	       v->cep != NULL && v->owner != NULL && v->friendly_name != NULL &&
	       v->description != NULL && v->enhkey_usage != NULL &&
	       v->extra != NULL && hash.len == ENGINE_HASH_LEN;
}

static bool
find_values(struct engine *engine, struct wire_view owner,
            struct wire_view hash, struct values *values, size_t *count)
{
	enum statement which = hash.len == ENGINE_SHA1_LEN
	                           ? STATEMENT_CHANGE_FIND_SHA1
	                           : STATEMENT_CHANGE_FIND;
	struct sql_call call = sql_call(&engine->sql, which);
	bool ok = true;

	*count = 0;
	sql_put_blob(&call, hash);
	sql_put_text(&call, owner);
	while (ok && *count < CHANGE_ENTRIES_MAX && sql_row(&call)) {
		ok = read_values(&call, &values[*count]);
		(*count)++;
	}
	return sql_end(&call) && ok;
}

/* Put the new text in the old one's place; false: no memory. */
static bool
set_text(char **to, struct wire_view text, bool *changed)
{
	if (wire_view_equal(wire_view_text(*to), text))
		return true;
	char *copy = dup_view(text);

	if (copy == NULL)
		return false;
	free(*to);
	*to = copy;
	*changed = true;
	return true;
}

/* A text as Windows has it: UTF-16LE with a NUL; else it is left as it was. */
static bool
set_wide(char **to, struct wire_view value, bool *changed)
{
	char utf8[PROPERTY_EXTRA_MAX * 2];
	struct wire_out out = wire_out(utf8, sizeof(utf8));

	if (value.len > 0 && !property_get_text(value, &out))
		return true;
	return set_text(to, wire_written(&out), changed);
}

static bool
set_cep(struct values *v, struct wire_view value, bool *changed)
{
	uint8_t *copy = NULL;

	if (wire_view_equal((struct wire_view){v->cep, v->cep_len}, value))
		return true;
	copy = dup_bytes(value);
	if (copy == NULL)
		return false;
	free(v->cep);
	v->cep = copy;
	v->cep_len = value.len;
	*changed = true;
	return true;
}

/* Has it a column?  Then it is no extra. */
static bool
has_column(uint32_t number)
{
	return number == PROPERTY_REQUEST_ORIGINATOR ||
	       number == PROPERTY_AUTO_ENROLL || number == PROPERTY_CEP;
}

static bool
set_column(struct values *v, const struct property_extra *extra, bool *changed)
{
	switch (extra->number) {
	case PROPERTY_REQUEST_ORIGINATOR:
		return set_wide(&v->originator, extra->value, changed);
	case PROPERTY_AUTO_ENROLL:
		return set_wide(&v->auto_enroll, extra->value, changed);
	case PROPERTY_CEP:
		return set_cep(v, extra->value, changed);
	default: /* any other number is without one */
		return true;
	}
}

static bool
set_columns(struct values *v, const struct property_change *change,
            bool *changed)
{
	bool ok = true;

	for (size_t i = 0; ok && i < change->extra_count; i++)
		ok = set_column(v, &change->extras[i], changed);
	return ok;
}

static bool
set_extra(struct json_object *object, const struct property_extra *extra)
{
	char key[16];
	uint8_t base64[EXTRA_BASE64_MAX];

	(void)snprintf(key, sizeof(key), "%u", extra->number);
	if (extra->value.len == 0) {
		json_object_object_del(object, key);
		return true;
	}
	int len =
	    EVP_EncodeBlock(base64, extra->value.data, (int)extra->value.len);

	return json_object_object_add(
		   object, key,
		   json_object_new_string_len((const char *)base64, len)) == 0;
}

/* The properties without a column: a JSON object of base64, by number. */
static bool
set_extras(struct values *v, const struct property_change *change,
           bool *changed)
{
	if (change->extra_count == 0)
		return true;
	struct json_object *object = json_tokener_parse(v->extra);

	if (!json_object_is_type(object, json_type_object)) {
		(void)json_object_put(object);
		object = json_object_new_object();
	}
	bool ok = object != NULL;

	for (size_t i = 0; ok && i < change->extra_count; i++)
		ok = has_column(change->extras[i].number) ||
		     set_extra(object, &change->extras[i]);
	const char *text = "";

	if (ok && json_object_object_length(object) > 0)
		text = json_object_to_json_string_ext(object,
		                                      JSON_C_TO_STRING_PLAIN);
	ok = ok && set_text(&v->extra, wire_view_text(text), changed);
	(void)json_object_put(object);
	return ok;
}

static bool
merge(struct values *v, const struct property_change *change, bool *changed)
{
	bool archived = v->archived != ENGINE_SHOWN;
	bool ok = true;

	if ((change->set & PROPERTY_SET_NAME) != 0)
		ok =
		    set_text(&v->friendly_name, change->friendly_name, changed);
	if ((change->set & PROPERTY_SET_DESCRIPTION) != 0)
		ok = ok &&
		     set_text(&v->description, change->description, changed);
	if ((change->set & PROPERTY_SET_USAGE) != 0)
		ok = ok &&
		     set_text(&v->enhkey_usage, change->enhkey_usage, changed);
	if ((change->set & PROPERTY_SET_ARCHIVED) != 0 &&
	    change->archived != archived) {
		v->archived = change->archived ? ENGINE_ARCHIVED : ENGINE_SHOWN;
		*changed = true;
	}
	return ok && set_columns(v, change, changed) &&
	       set_extras(v, change, changed);
}

static bool
write_values(struct engine *engine, const struct values *v)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CHANGE_PUT);

	sql_put_int(&call, v->store);
	sql_put_string(&call, v->owner);
	sql_put_blob(&call, hash_view(v->hash));
	sql_put_string(&call, v->friendly_name);
	sql_put_string(&call, v->description);
	sql_put_int(&call, v->archived);
	sql_put_string(&call, v->enhkey_usage);
	sql_put_string(&call, v->extra);
	sql_put_int(&call, engine->now);
	sql_put_string(&call, v->originator);
	sql_put_string(&call, v->auto_enroll);
	sql_put_blob(&call, (struct wire_view){v->cep, v->cep_len});
	return sql_run(&call);
}

static bool
change_one(struct engine *engine, struct values *v,
           const struct property_change *change, const char *who, bool *changed)
{
	bool shown = v->archived == ENGINE_SHOWN;

	if (!merge(v, change, changed))
		return false;
	if (!*changed)
		return true;
	return write_values(engine, v) &&
	       audit_for(engine,
	                 shown && v->archived != ENGINE_SHOWN ? "cert-archived"
	                                                      : "cert-changed",
	                 v->hash, who, v->owner, wire_view_text(v->owner));
}

static bool
change_all(struct engine *engine, struct values *values, size_t count,
           const struct property_change *change, const char *who,
           engine_on_changed *on_changed, void *arg)
{
	for (size_t i = 0; i < count; i++) {
		struct engine_changed told = {
		    .owner = wire_view_text(values[i].owner),
		    .hash = hash_view(values[i].hash),
		    .store = values[i].store,
		};

		if (!change_one(engine, &values[i], change, who,
		                &told.changed) ||
		    !on_changed(&told, arg))
			return false;
	}
	return true;
}

bool
engine_change(struct engine *engine, struct wire_view owner,
              const struct property_change *change, const char *who,
              engine_on_changed *on_changed, void *arg)
{
	struct values *values = calloc(CHANGE_ENTRIES_MAX, sizeof(*values));
	size_t count = 0;
	bool ok =
	    values != NULL &&
	    find_values(engine, owner, change->hash, values, &count) &&
	    change_all(engine, values, count, change, who, on_changed, arg);

	for (size_t i = 0; i < count; i++)
		values_clear(&values[i]);
	free(values);
	return ok;
}
