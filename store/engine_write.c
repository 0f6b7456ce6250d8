#include "engine_private.h"

#include <openssl/evp.h>
#include <string.h>

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

static bool
entry_is_known(struct engine *engine, enum engine_store store,
               struct wire_view owner, const uint8_t *hash)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ENTRY_FIND);

	sql_put_int(&call, store);
	sql_put_text(&call, owner);
	sql_put_blob(&call, hash_view(hash));
	bool known = sql_row(&call);

	(void)sql_end(&call);
	return known;
}

/* May this owner have one certificate of len bytes more? */
static enum engine_result
check_limits(struct engine *engine, enum engine_store store,
             struct wire_view owner, size_t len)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ENTRY_TOTALS);
	int64_t count = 0;
	int64_t bytes = 0;

	sql_put_text(&call, owner);
	sql_put_int(&call, store);
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

static bool
put_cert(struct engine *engine, const struct keep_cert *cert,
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

/* Zeros stand for a card that does not say who it is. */
static struct wire_view
known_card(struct wire_view card_id)
{
	static const uint8_t zeros[KEEP_CARD_ID_LEN];

	if (card_id.len == sizeof(zeros) &&
	    memcmp(card_id.data, zeros, sizeof(zeros)) == 0)
		return (struct wire_view){0};
	return card_id;
}

static enum engine_result
inherit(struct engine *engine, enum engine_store store, struct wire_view owner,
        const struct engine_origin *origin, const struct keep_cert *cert,
        const uint8_t *hash)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ENTRY_PUT);
	enum engine_result result = ENGINE_UNCHANGED;

	sql_put_int(&call, store);
	sql_put_text(&call, owner);
	sql_put_blob(&call, hash_view(hash));
	sql_put_text(&call, cert->friendly_name);
	put_provider(&call, cert);
	sql_put_text(&call, cert->container);
	sql_put_text(&call, cert->pkcs11_uri);
	sql_put_text(&call, origin->reader_name);
	sql_put_blob(&call, known_card(origin->card_id));
	sql_put_text(&call, origin->family);
	sql_put_blob(&call, cert->enrollment);
	sql_put_int(&call, cert->logon_eligible);
	sql_put_int(&call, engine->now);
	sql_put_string(&call, origin->session);
	while (sql_row(&call))
		result =
		    sql_get_int(&call) == 1 ? ENGINE_ADDED : ENGINE_UPDATED;
	return sql_end(&call) ? result : ENGINE_FAULT;
}

static bool
audit_entry(struct engine *engine, enum engine_result result,
            struct wire_view owner, const char *session, const uint8_t *hash)
{
	if (result != ENGINE_ADDED && result != ENGINE_UPDATED)
		return true;
	return engine_audit(engine, session,
	                    result == ENGINE_ADDED ? "cert-added"
	                                           : "cert-replaced",
	                    hash_view(hash), owner);
}

enum engine_result
engine_put_entry(struct engine *engine, enum engine_store store,
                 struct wire_view owner, const struct engine_origin *origin,
                 const struct keep_cert *cert, uint8_t *hash)
{
	if (!digest(EVP_sha256(), cert->der, hash))
		return ENGINE_FAULT;
	if (!entry_is_known(engine, store, owner, hash)) {
		enum engine_result allowed =
		    check_limits(engine, store, owner, cert->der.len);

		if (allowed != ENGINE_ADDED)
			return allowed;
	}
	if (!put_cert(engine, cert, hash))
		return ENGINE_FAULT;
	enum engine_result result =
	    inherit(engine, store, owner, origin, cert, hash);

	if (!audit_entry(engine, result, owner, origin->session, hash))
		return ENGINE_FAULT;
	return result;
}

bool
engine_put_claim(struct engine *engine, const struct engine_origin *origin,
                 const uint8_t *hash, enum keep_kind kind,
                 enum keep_cleanup cleanup)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CLAIM_PUT);
	char scope[ENGINE_SCOPE_SIZE];
	int64_t created_at = -1;

	engine_scope(scope, origin->session);
	sql_put_string(&call, scope);
	sql_put_blob(&call, hash_view(hash));
	sql_put_string(&call, origin->session);
	sql_put_int(&call, origin->reader);
	sql_put_blob(&call, origin->card_id);
	sql_put_text(&call, origin->reader_name);
	sql_put_text(&call, origin->family);
	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->epoch);
	sql_put_int(&call, kind);
	sql_put_int(&call, cleanup);
	sql_put_int(&call, engine->now);
	while (sql_row(&call))
		created_at = sql_get_int(&call);
	if (!sql_end(&call))
		return false;
	/* An older claim that was only asserted again is no news. */
	return created_at != engine->now ||
	       engine_audit(engine, origin->session,
	                    kind == KEEP_PREEXISTING ? "root-preexisting"
	                                             : "root-claimed",
	                    hash_view(hash), origin->reader_name);
}

bool
engine_drop_unclaimed(struct engine *engine, const char *session,
                      uint32_t *removed)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_ENTRY_DROP_UNCLAIMED);
	char scope[ENGINE_SCOPE_SIZE];

	engine_scope(scope, session);
	sql_put_int(&call, ENGINE_SMARTCARDROOT);
	sql_put_string(&call, scope);
	bool ok = sql_run(&call);

	if (ok)
		*removed += sql_changes(&engine->sql);
	return ok;
}

/* Hashes of one page of claims. */
struct hashes {
	uint8_t hash[KEEP_CERTS_MAX + KEEP_ROOTS_MAX][ENGINE_HASH_LEN];
	size_t count;
};

static bool
is_among(const uint8_t *hash, const uint8_t *hashes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (memcmp(hash, hashes + i * ENGINE_HASH_LEN,
		           ENGINE_HASH_LEN) == 0)
			return true;
	return false;
}

static void
put_card(struct sql_call *call, const struct engine_origin *origin)
{
	sql_put_string(call, origin->session);
	sql_put_int(call, origin->reader);
	sql_put_blob(call, origin->card_id);
}

/* The card's claims that are not among the kept ones, as many as fit. */
static bool
find_dropped(struct engine *engine, const struct engine_origin *origin,
             const uint8_t *kept, size_t count, struct hashes *found)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CLAIM_OF_CARD);
	size_t room = sizeof(found->hash) / sizeof(found->hash[0]);

	found->count = 0;
	put_card(&call, origin);
	while (found->count < room && sql_row(&call)) {
		struct wire_view hash = sql_get_view(&call);

		if (hash.len == ENGINE_HASH_LEN &&
		    !is_among(hash.data, kept, count))
			memcpy(found->hash[found->count++], hash.data,
			       ENGINE_HASH_LEN);
	}
	return sql_end(&call);
}

static bool
drop_claim(struct engine *engine, const struct engine_origin *origin,
           const uint8_t *hash)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CLAIM_DROP);

	put_card(&call, origin);
	sql_put_blob(&call, hash_view(hash));
	return sql_run(&call) &&
	       engine_audit(engine, origin->session, "root-released",
	                    hash_view(hash), origin->reader_name);
}

bool
engine_drop_claims(struct engine *engine, const struct engine_origin *origin,
                   const uint8_t *hashes, size_t count, uint32_t *removed)
{
	struct hashes found;

	do {
		if (!find_dropped(engine, origin, hashes, count, &found))
			return false;
		for (size_t i = 0; i < found.count; i++)
			if (!drop_claim(engine, origin, found.hash[i]))
				return false;
	} while (found.count > 0);
	return engine_drop_unclaimed(engine, origin->session, removed);
}

bool
engine_drop_user(struct engine *engine, const struct engine_origin *origin,
                 struct wire_view owner, uint32_t *removed)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_ENTRY_DROP_USER);

	sql_put_int(&call, ENGINE_MY);
	sql_put_text(&call, owner);
	sql_put_blob(&call, known_card(origin->card_id));
	sql_put_text(&call, origin->reader_name);
	bool ok = sql_run(&call);

	if (ok)
		*removed += sql_changes(&engine->sql);
	return ok;
}
