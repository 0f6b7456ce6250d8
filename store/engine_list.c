#include "engine_private.h"

bool
engine_presence(struct engine *engine, const char *scope,
                engine_on_root *on_root, void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_PRESENCE);
	bool more = true;

	sql_put_string(&call, scope);
	while (more && sql_row(&call)) {
		struct engine_root root;

		root.hash = sql_get_view(&call);
		root.der = sql_get_view(&call);
		root.subject_hash = (uint32_t)sql_get_int(&call);
		root.kind = (enum keep_kind)sql_get_int(&call);
		more = on_root(&root, arg);
	}
	return sql_end(&call) && more;
}

/* The columns of STATEMENT_LIST_ENTRIES, in their order. */
static void
read_entry(struct sql_call *call, struct engine_entry *entry)
{
	entry->store = (enum engine_store)sql_get_int(call);
	entry->owner = sql_get_view(call);
	entry->hash = sql_get_view(call);
	entry->sha1 = sql_get_view(call);
	entry->der = sql_get_view(call);
	entry->subject = sql_get_view(call);
	entry->issuer = sql_get_view(call);
	entry->serial = sql_get_view(call);
	entry->not_before = sql_get_int(call);
	entry->not_after = sql_get_int(call);
	entry->key_alg = sql_get_view(call);
	entry->key_bits = sql_get_int(call);
	entry->upn = sql_get_view(call);
	entry->email = sql_get_view(call);
	entry->friendly_name = sql_get_view(call);
	entry->prov_name = sql_get_view(call);
	entry->container = sql_get_view(call);
	entry->pkcs11_uri = sql_get_view(call);
	entry->reader_name = sql_get_view(call);
	entry->card_id = sql_get_view(call);
	entry->family = sql_get_view(call);
	entry->logon_eligible = sql_get_int(call) != 0;
	entry->created_at = sql_get_int(call);
	entry->updated_at = sql_get_int(call);
	entry->session = sql_get_view(call);
}

bool
engine_list_entries(struct engine *engine, struct wire_view owner,
                    engine_on_entry *on_entry, void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_ENTRIES);
	bool more = true;

	sql_put_text(&call, owner);
	while (more && sql_row(&call)) {
		struct engine_entry entry;

		read_entry(&call, &entry);
		more = on_entry(&entry, arg);
	}
	return sql_end(&call) && more;
}

/* The columns of STATEMENT_LIST_CLAIMS, in their order. */
static void
read_claim(struct sql_call *call, struct engine_claim *claim)
{
	claim->scope = sql_get_view(call);
	claim->hash = sql_get_view(call);
	claim->subject = sql_get_view(call);
	claim->not_after = sql_get_int(call);
	claim->session = sql_get_view(call);
	claim->user = sql_get_view(call);
	claim->client_name = sql_get_view(call);
	claim->client_addr = sql_get_view(call);
	claim->target = sql_get_view(call);
	claim->reader = sql_get_int(call);
	claim->reader_name = sql_get_view(call);
	claim->card_id = sql_get_view(call);
	claim->family = sql_get_view(call);
	claim->kind = (enum keep_kind)sql_get_int(call);
	claim->ends_on = (enum keep_cleanup)sql_get_int(call);
	claim->live = sql_get_int(call) != 0;
	claim->kept = sql_get_int(call) != 0;
	claim->created_at = sql_get_int(call);
}

bool
engine_list_claims(struct engine *engine, struct wire_view scope,
                   engine_on_claim *on_claim, void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_CLAIMS);
	bool more = true;

	sql_put_text(&call, scope);
	while (more && sql_row(&call)) {
		struct engine_claim claim;

		read_claim(&call, &claim);
		more = on_claim(&claim, arg);
	}
	return sql_end(&call) && more;
}

bool
engine_list_pins(struct engine *engine, struct wire_view scope,
                 engine_on_pin *on_pin, void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_PINS);
	bool more = true;

	sql_put_text(&call, scope);
	while (more && sql_row(&call)) {
		struct engine_pin pin;

		pin.scope = sql_get_view(&call);
		pin.hash = sql_get_view(&call);
		pin.subject = sql_get_view(&call);
		pin.pinned_by = sql_get_view(&call);
		pin.reason = sql_get_view(&call);
		pin.pinned_at = sql_get_int(&call);
		more = on_pin(&pin, arg);
	}
	return sql_end(&call) && more;
}

bool
engine_stats(struct engine *engine, struct engine_stats *stats)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_STATS);

	*stats = (struct engine_stats){0};
	if (sql_row(&call)) {
		stats->certs = sql_get_int(&call);
		stats->entries = sql_get_int(&call);
		stats->claims = sql_get_int(&call);
		stats->pins = sql_get_int(&call);
		stats->live_sessions = sql_get_int(&call);
		stats->audit = sql_get_int(&call);
	}
	return sql_end(&call);
}
