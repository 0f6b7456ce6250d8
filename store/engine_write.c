#include "engine_private.h"

#include <openssl/evp.h>
#include <string.h>

static const struct wire_view nothing;

static bool
digest(const EVP_MD *type, struct wire_view der, uint8_t *out)
{
	return EVP_Digest(der.data, der.len, out, NULL, type, NULL) == 1;
}

static struct wire_view
hash_view(const uint8_t *hash)
{
	return (struct wire_view){.data = hash, .len = ENGINE_HASH_LEN};
}

/* May this owner have one certificate of len bytes more? */
static enum engine_result
check_limits(struct engine *engine, enum engine_store store,
             struct wire_view owner, size_t len)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ENTRY_TOTALS);
	bool of_user = store != ENGINE_SMARTCARDROOT;
	int64_t count = 0;
	int64_t bytes = 0;

	sql_put_text(&call, owner);
	sql_put_int(&call, of_user ? ENGINE_MY : store);
	sql_put_int(&call, of_user ? ENGINE_REQUEST : store);
	if (sql_row(&call)) {
		count = sql_get_int(&call);
		bytes = sql_get_int(&call);
	}
	if (!sql_end(&call))
		return ENGINE_FAULT;
	if (count >= ENGINE_OWNER_CERTS ||
	    bytes + (int64_t)len > ENGINE_OWNER_BYTES)
		return ENGINE_LIMIT;
	return ENGINE_ADDED;
}

bool
engine_put_cert(struct engine *engine, const struct keep_cert *cert,
                const uint8_t *hash)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CERT_ADD);
	uint8_t sha1[ENGINE_SHA1_LEN];

	if (!digest(EVP_sha1(), cert->der, sha1))
		return false;
	sql_put_blob(&call, hash_view(hash));
	sql_put_blob(&call, (struct wire_view){sha1, sizeof(sha1)});
	sql_put_blob(&call, cert->der);
	sql_put_text(&call, cert->subject);
	sql_put_text(&call, cert->issuer);
	sql_put_text(&call, cert->serial);
	sql_put_int(&call, cert->not_before);
	sql_put_int(&call, cert->not_after);
	sql_put_blob(&call, cert->ski);
	sql_put_blob(&call, cert->aki);
	sql_put_text(&call, cert->key_alg);
	sql_put_int(&call, cert->key_bits);
	sql_put_int(&call, cert->subject_hash);
	sql_put_int(&call, cert->is_ca);
	sql_put_int(&call, cert->self_issued);
	sql_put_text(&call, cert->upn);
	sql_put_text(&call, cert->email);
	sql_put_int(&call, engine->now);
	return sql_run(&call);
}

/* The numbers of the provider mean something only together with its name. */
static void
put_provider(struct sql_call *call, const struct keep_cert *cert)
{
	sql_put_text(call, cert->prov_name);
	if (cert->prov_name.len == 0) {
		sql_put_null(call);
		sql_put_null(call);
		sql_put_null(call);
		return;
	}
	sql_put_int(call, cert->prov_type);
	sql_put_int(call, cert->prov_flags);
	sql_put_int(call, cert->key_spec);
}

static void
put_pin(struct sql_call *call, const struct keep_cert *cert)
{
	if (cert->has_pin)
		sql_put_int(call, cert->pin_id);
	else
		sql_put_null(call);
	sql_put_blob(call, cert->pin_info);
}

static void
put_card(struct sql_call *call, const struct engine_origin *origin)
{
	sql_put_text(call, origin->card_serial);
	sql_put_blob(call, origin->chuid);
	if (origin->removable == KEEP_REMOVABLE_UNKNOWN)
		sql_put_null(call);
	else
		sql_put_int(call, origin->removable == KEEP_REMOVABLE_YES);
}

static void
put_binding(struct sql_call *call, const struct engine_origin *origin,
            const struct keep_cert *cert)
{
	put_provider(call, cert);
	sql_put_text(call, cert->container);
	sql_put_text(call, cert->pkcs11_uri);
	sql_put_blob(call, cert->card_data);
	put_pin(call, cert);
	put_card(call, origin);
}

bool
engine_is_unknown_card(struct wire_view card_id)
{
	static const uint8_t zeros[KEEP_CARD_ID_LEN];

	return card_id.len != sizeof(zeros) ||
	       memcmp(card_id.data, zeros, sizeof(zeros)) == 0;
}

/* Where and for how long a certificate goes. */
struct place {
	enum engine_store store;
	struct wire_view owner;
	struct wire_view scope; /* of the claim */
	enum keep_cleanup cleanup;
	uint8_t *hash;
	int64_t cert_no; /* the certificate's, once it is there */
	bool user;
	bool host;
};

/* The certificate's number, if the owner has it. */
static bool
find_entry(struct engine *engine, struct place *place)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ENTRY_FIND);

	sql_put_int(&call, place->store);
	sql_put_text(&call, place->owner);
	sql_put_blob(&call, hash_view(place->hash));
	bool known = sql_row(&call);

	if (known)
		place->cert_no = sql_get_int(&call);
	(void)sql_end(&call);
	return known;
}

static bool
find_cert(struct engine *engine, struct place *place)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CERT_NO);

	sql_put_blob(&call, hash_view(place->hash));
	bool found = sql_row(&call);

	if (found)
		place->cert_no = sql_get_int(&call);
	return sql_end(&call) && found;
}

/* The values that name a claim. */
static void
put_claim_key(struct sql_call *call, const struct engine_origin *origin,
              const struct place *place)
{
	sql_put_text(call, place->scope);
	sql_put_blob(call, hash_view(place->hash));
	sql_put_string(call, origin->session);
	sql_put_int(call, origin->reader);
	sql_put_blob(call, origin->card_id);
}

/* inserted: there was no such card in this reader, as far as we know. */
static bool
put_claim(struct engine *engine, const struct engine_origin *origin,
          const struct keep_cert *cert, const struct place *place,
          bool *inserted)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CLAIM_PUT);

	*inserted = false;
	put_claim_key(&call, origin, place);
	sql_put_text(&call, origin->reader_name);
	sql_put_text(&call, origin->family);
	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->epoch);
	sql_put_int(&call, cert->kind);
	sql_put_int(&call, place->cleanup);
	sql_put_int(&call, engine->now);
	sql_put_required(&call, origin->connection);
	sql_put_int(&call, ++engine->inserted);
	sql_put_int(&call, origin->policy_generation);
	put_binding(&call, origin, cert);
	sql_put_int(&call, place->cert_no);
	while (sql_row(&call))
		*inserted = sql_get_int(&call) != 0;
	return sql_end(&call);
}

static bool
replace_claims(struct engine *engine, const struct engine_origin *origin,
               const struct place *place)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CLAIM_REPLACE);

	put_claim_key(&call, origin, place);
	return sql_run(&call);
}

static bool
audit_claim(struct engine *engine, const struct engine_origin *origin,
            const struct keep_cert *cert, const struct place *place)
{
	if (place->user || place->host)
		return true;
	return engine_audit(engine, origin->session,
	                    cert->kind == KEEP_PREEXISTING ? "root-preexisting"
	                                                   : "root-claimed",
	                    hash_view(place->hash), origin->reader_name);
}

/* An older claim that is only asserted again is no news. */
static bool
claim(struct engine *engine, const struct engine_origin *origin,
      const struct keep_cert *cert, const struct place *place, bool *inserted)
{
	return put_claim(engine, origin, cert, place, inserted) &&
	       (!*inserted || (replace_claims(engine, origin, place) &&
	                       audit_claim(engine, origin, cert, place)));
}

/* Is this the card inserted last, of those that hold the certificate? */
static bool
is_last(struct engine *engine, const struct engine_origin *origin,
        const struct place *place, bool *ok)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CLAIM_IS_LAST);
	bool last = false;

	put_claim_key(&call, origin, place);
	if (sql_row(&call))
		last = sql_get_int(&call) != 0;
	*ok = sql_end(&call);
	return last;
}

/* Where the key was on another card is not where it is on this one. */
static bool
forget_other_card(struct engine *engine, const struct engine_origin *origin,
                  const struct place *place)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_ENTRY_OTHER_CARD);

	if (engine_is_unknown_card(origin->card_id))
		return true;
	sql_put_int(&call, place->store);
	sql_put_text(&call, place->owner);
	sql_put_blob(&call, hash_view(place->hash));
	sql_put_blob(&call, origin->card_id);
	return sql_run(&call);
}

/* Where the key is: known by this card, unless another is the last word. */
static void
put_location(struct sql_call *call, const struct engine_origin *origin,
             const struct keep_cert *cert, bool last)
{
	static const struct engine_origin no_origin;
	static const struct keep_cert no_cert;

	put_binding(call, last ? origin : &no_origin, last ? cert : &no_cert);
	sql_put_text(call, last ? origin->reader_name : nothing);
	sql_put_blob(call, last && !engine_is_unknown_card(origin->card_id)
	                       ? origin->card_id
	                       : nothing);
	sql_put_text(call, last ? origin->family : nothing);
}

static enum engine_result
inherit(struct engine *engine, const struct engine_origin *origin,
        const struct keep_cert *cert, const struct place *place)
{
	enum engine_result result = ENGINE_UNCHANGED;
	bool ok = true;
	bool last = is_last(engine, origin, place, &ok);

	if (!ok || (last && !forget_other_card(engine, origin, place)))
		return ENGINE_FAULT;
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ENTRY_PUT);

	sql_put_int(&call, place->store);
	sql_put_text(&call, place->owner);
	sql_put_blob(&call, hash_view(place->hash));
	sql_put_text(&call, cert->friendly_name);
	put_location(&call, origin, cert, last);
	sql_put_blob(&call, cert->enrollment);
	sql_put_int(&call, cert->logon_eligible);
	sql_put_int(&call, engine->now);
	sql_put_string(&call, origin->session);
	sql_put_int(&call, place->user && place->cleanup == KEEP_CLEANUP_NONE);
	sql_put_text(&call, last ? origin->policy : nothing);
	sql_put_int(&call, place->cert_no);
	while (sql_row(&call))
		result =
		    sql_get_int(&call) == 1 ? ENGINE_ADDED : ENGINE_UPDATED;
	return sql_end(&call) ? result : ENGINE_FAULT;
}

static bool
audit_entry(struct engine *engine, enum engine_result result,
            const struct engine_origin *origin, const struct place *place)
{
	if (result != ENGINE_ADDED && result != ENGINE_UPDATED)
		return true;
	return engine_audit_entry(engine, origin->session,
	                          result == ENGINE_ADDED ? "cert-added"
	                                                 : "cert-replaced",
	                          hash_view(place->hash), place->owner);
}

/* In force from now on; that a claim on it changed is told already. */
static bool
audit_root(struct engine *engine, enum engine_result result,
           const struct engine_origin *origin, const struct keep_cert *cert,
           const struct place *place)
{
	if (result != ENGINE_ADDED || cert->kind == KEEP_PREEXISTING)
		return true;
	return engine_audit(engine, origin->session, "root-present",
	                    hash_view(place->hash), place->scope);
}

static void
tell_limit(struct engine *engine, const struct engine_origin *origin,
           const struct place *place)
{
	const struct engine_note note = {
	    .event = place->user ? "cert-refused" : "root-refused",
	    .session = origin->session,
	    .hash = place->hash,
	    .user = place->user ? place->owner : nothing,
	    .detail =
		wire_view_text("its owner has as many certificates as allowed"),
	};

	engine_tell(engine, &note);
}

static enum engine_result
put(struct engine *engine, const struct engine_origin *origin,
    const struct keep_cert *cert, struct place *place, bool *changed)
{
	bool inserted = false;

	if (!find_entry(engine, place)) {
		enum engine_result allowed = check_limits(
		    engine, place->store, place->owner, cert->der.len);

		if (allowed == ENGINE_LIMIT)
			tell_limit(engine, origin, place);
		if (allowed != ENGINE_ADDED)
			return allowed;
		if (!engine_put_cert(engine, cert, place->hash) ||
		    !find_cert(engine, place))
			return ENGINE_FAULT;
	}
	if (!claim(engine, origin, cert, place, &inserted))
		return ENGINE_FAULT;
	enum engine_result result = inherit(engine, origin, cert, place);

	if (!(place->user ? audit_entry(engine, result, origin, place)
	                  : audit_root(engine, result, origin, cert, place)))
		return ENGINE_FAULT;
	*changed |= inserted || result != ENGINE_UNCHANGED;
	return result;
}

/* What was pending is enrolled now, or the reverse: it leaves one store. */
static bool
drop_moved(struct engine *engine, const struct engine_origin *origin,
           const struct place *place, struct engine_change *change)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_ENTRY_DROP_MOVED);
	bool ok = true;

	sql_put_int(&call,
	            place->store == ENGINE_MY ? ENGINE_REQUEST : ENGINE_MY);
	sql_put_text(&call, place->owner);
	sql_put_blob(&call, (struct wire_view){place->hash, ENGINE_HASH_LEN});
	sql_put_text(&call, place->scope);
	while (ok && sql_row(&call)) {
		change->removed++;
		ok = engine_audit_entry(engine, origin->session, "cert-deleted",
		                        sql_get_view(&call), place->owner);
	}
	return sql_end(&call) && ok;
}

enum engine_result
engine_put(struct engine *engine, const struct engine_origin *origin,
           struct wire_view owner, const struct keep_cert *cert,
           enum keep_cleanup cleanup, uint8_t *hash,
           struct engine_change *change)
{
	char scope[ENGINE_USER_SCOPE_SIZE];
	struct place place = {.store = ENGINE_SMARTCARDROOT,
	                      .cleanup = cleanup,
	                      .hash = hash,
	                      .user = owner.len > 0};
	bool changed = false;

	if (!digest(EVP_sha256(), cert->der, hash))
		return ENGINE_FAULT;
	if (place.user) {
		engine_user_scope(scope, owner);
		place.store =
		    cert->kind == KEEP_USER ? ENGINE_MY : ENGINE_REQUEST;
	} else {
		engine_scope(scope, origin->session);
	}
	place.scope = wire_view_text(scope);
	place.owner = place.user ? owner : place.scope;
	int64_t before = engine_written(engine);
	enum engine_result result = put(engine, origin, cert, &place, &changed);

	change->user |= changed && place.user;
	if (engine_written(engine) > before && place.user &&
	    result < ENGINE_LIMIT &&
	    !drop_moved(engine, origin, &place, change))
		return ENGINE_FAULT;
	return result;
}

enum engine_result
engine_put_host(struct engine *engine, const struct engine_origin *origin,
                const struct keep_cert *cert, enum keep_cleanup cleanup,
                struct engine_change *change)
{
	uint8_t hash[ENGINE_HASH_LEN];
	struct place place = {.store = ENGINE_SMARTCARDROOT,
	                      .owner = wire_view_text(ENGINE_HOST_SCOPE),
	                      .scope = wire_view_text(ENGINE_HOST_SCOPE),
	                      .cleanup = cleanup,
	                      .hash = hash,
	                      .host = true};

	if (!digest(EVP_sha256(), cert->der, hash))
		return ENGINE_FAULT;
	return put(engine, origin, cert, &place, &change->host);
}
