#include "engine_private.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct engine_filter no_filter;

static struct wire_view
hash_view(const uint8_t *hash)
{
	return (struct wire_view){hash, ENGINE_HASH_LEN};
}

/* What does not fit is no key of ours. */
static void
copy_text(char *to, size_t size, struct wire_view text)
{
	(void)snprintf(to, size, "%.*s", (int)text.len,
	               text.len > 0 ? (const char *)text.data : "");
}

static void
copy_bytes(uint8_t *to, size_t size, struct wire_view bytes)
{
	memset(to, 0, size);
	if (bytes.len > 0)
		memcpy(to, bytes.data, bytes.len < size ? bytes.len : size);
}

/*
 * The first and last hash with a prefix in hexadecimal.  What is no prefix has
 * none: its first comes after its last.
 */
struct range {
	uint8_t first[ENGINE_HASH_LEN];
	uint8_t last[ENGINE_HASH_LEN];
};

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c != '\0' ? strchr(digits, c) : NULL;

	return found != NULL ? (int)(found - digits) : -1;
}

static struct range
range_of(const char *prefix)
{
	size_t len = prefix != NULL ? strlen(prefix) : 0;
	struct range range;

	memset(range.first, 0x00, sizeof(range.first));
	memset(range.last, 0xff, sizeof(range.last));
	for (size_t i = 0; i < len; i++) {
		int value = i < 2 * ENGINE_HASH_LEN ? digit(prefix[i]) : -1;
		int shift = i % 2 == 0 ? 4 : 0;

		if (value < 0) {
			memset(range.first, 0xff, sizeof(range.first));
			memset(range.last, 0x00, sizeof(range.last));
			break;
		}
		range.first[i / 2] |= (uint8_t)(value << shift);
		range.last[i / 2] &=
		    (uint8_t)(~(0xf << shift) | (value << shift));
	}
	return range;
}

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
	entry->ski = sql_get_view(call);
	entry->description = sql_get_view(call);
	entry->enhkey_usage = sql_get_view(call);
	entry->archived = (enum engine_archived)sql_get_int(call);
	entry->kept = sql_get_int(call) != 0;
	entry->key_available = sql_get_int(call) != 0;
}

/* And the rest of them. */
static void
read_properties(struct sql_call *call, struct engine_entry *entry)
{
	entry->prov_type = (uint32_t)sql_get_int(call);
	entry->prov_flags = (uint32_t)sql_get_int(call);
	entry->key_spec = (uint32_t)sql_get_int(call);
	entry->enrollment = sql_get_view(call);
	entry->date_stamp = sql_get_int(call);
	entry->has_reader_removable = sql_get_int(call) != 0;
	entry->reader_removable = sql_get_int(call) != 0;
	entry->smart_card_data = sql_get_view(call);
	entry->card_serial = sql_get_view(call);
	entry->chuid = sql_get_view(call);
	entry->request_originator = sql_get_view(call);
	entry->cep = sql_get_view(call);
	entry->auto_enroll = sql_get_view(call);
	entry->policy = sql_get_view(call);
	entry->extra_properties = sql_get_view(call);
	entry->has_pin = sql_get_int(call) != 0;
	entry->pin_id = (uint32_t)sql_get_int(call);
	entry->pin_info = sql_get_view(call);
}

static enum engine_slice
give_entries(struct sql_call *call, struct engine_entry_key *key, size_t *count,
             engine_on_entry *on_entry, void *arg)
{
	bool more = true;

	while (more && sql_row(call)) {
		struct engine_entry entry;

		read_entry(call, &entry);
		read_properties(call, &entry);
		copy_text(key->owner, sizeof(key->owner), entry.owner);
		copy_bytes(key->hash, sizeof(key->hash), entry.hash);
		key->store = entry.store;
		(*count)++;
		more = on_entry(&entry, arg);
	}
	return sql_end(call) && more ? ENGINE_MORE : ENGINE_BAD;
}

static enum engine_slice
page_owner(struct engine *engine, const struct engine_filter *filter,
           struct engine_entry_key *key, engine_on_entry *on_entry, void *arg)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_LIST_ENTRIES_OWNER);
	struct range range = range_of(filter->prefix);
	size_t count = 0;

	sql_put_text(&call, filter->owner);
	sql_put_blob(&call, hash_view(range.first));
	sql_put_blob(&call, hash_view(range.last));
	return give_entries(&call, key, &count, on_entry, arg);
}

static enum engine_slice
page_prefix(struct engine *engine, const struct engine_filter *filter,
            struct engine_entry_key *key, engine_on_entry *on_entry, void *arg)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_LIST_ENTRIES_HASH);
	struct range range = range_of(filter->prefix);
	struct engine_entry_key after = *key;
	size_t count = 0;

	if (key->owner[0] == '\0')
		memcpy(after.hash, range.first, sizeof(after.hash));
	sql_put_blob(&call, hash_view(after.hash));
	sql_put_blob(&call, hash_view(range.last));
	sql_put_required(&call, after.owner);
	sql_put_int(&call, after.store);
	sql_put_int(&call, ENGINE_PAGE);
	enum engine_slice slice =
	    give_entries(&call, key, &count, on_entry, arg);

	return slice == ENGINE_MORE && count < ENGINE_PAGE ? ENGINE_DONE
	                                                   : slice;
}

/* The owner after the one of the key goes there. */
static enum engine_slice
next_owner(struct engine *engine, struct engine_entry_key *key)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_OWNER);
	char owner[sizeof(key->owner)] = "";

	sql_put_required(&call, key->owner);
	if (sql_row(&call))
		copy_text(owner, sizeof(owner), sql_get_view(&call));
	if (!sql_end(&call))
		return ENGINE_BAD;
	memcpy(key->owner, owner, sizeof(owner));
	return owner[0] != '\0' ? ENGINE_MORE : ENGINE_DONE;
}

enum engine_slice
engine_page_entries(struct engine *engine, const struct engine_filter *filter,
                    struct engine_entry_key *key, engine_on_entry *on_entry,
                    void *arg)
{
	struct engine_filter one = filter != NULL ? *filter : no_filter;
	bool by_owner = one.owner.len > 0;
	char owner[sizeof(key->owner)];

	if (!by_owner && one.prefix != NULL && one.prefix[0] != '\0')
		return page_prefix(engine, &one, key, on_entry, arg);
	if (!by_owner) {
		enum engine_slice slice = next_owner(engine, key);

		if (slice != ENGINE_MORE)
			return slice;
		memcpy(owner, key->owner, sizeof(owner));
		one.owner = wire_view_text(owner);
	}
	enum engine_slice slice = page_owner(engine, &one, key, on_entry, arg);

	return by_owner && slice == ENGINE_MORE ? ENGINE_DONE : slice;
}

bool
engine_list_entries(struct engine *engine, const struct engine_filter *filter,
                    engine_on_entry *on_entry, void *arg)
{
	struct engine_entry_key key = {0};
	enum engine_slice slice = ENGINE_MORE;

	while (slice == ENGINE_MORE)
		slice =
		    engine_page_entries(engine, filter, &key, on_entry, arg);
	return slice == ENGINE_DONE;
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
	claim->present = sql_get_int(call) != 0;
	claim->created_at = sql_get_int(call);
	claim->policy_generation = sql_get_int(call);
	claim->has_first = sql_get_int(call) != 0;
	claim->cleanup_at_insert = (enum keep_cleanup)sql_get_int(call);
}

static void
put_claim_key(struct sql_call *call, const struct engine_claim_key *key)
{
	sql_put_required(call, key->scope);
	sql_put_blob(call, hash_view(key->hash));
	sql_put_required(call, key->session);
	sql_put_int(call, key->reader);
	sql_put_blob(call, (struct wire_view){key->card_id, KEEP_CARD_ID_LEN});
}

void
engine_read_claim_key(struct sql_call *call, struct engine_claim_key *key)
{
	copy_text(key->scope, sizeof(key->scope), sql_get_view(call));
	copy_bytes(key->hash, sizeof(key->hash), sql_get_view(call));
	copy_text(key->session, sizeof(key->session), sql_get_view(call));
	key->reader = sql_get_int(call);
	copy_bytes(key->card_id, sizeof(key->card_id), sql_get_view(call));
}

/* Behind all claims of a scope: no thumbprint is all ones. */
static void
set_last_claim(struct engine_claim_key *key, const char *scope)
{
	*key = (struct engine_claim_key){0};
	(void)snprintf(key->scope, sizeof(key->scope), "%s", scope);
	memset(key->hash, 0xff, sizeof(key->hash));
}

enum engine_slice
engine_claims_end(struct engine *engine, const struct engine_claim_key *key,
                  const char *last_scope, int64_t rows,
                  struct engine_claim_key *last)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_LIST_CLAIMS_END);
	enum engine_slice slice = ENGINE_DONE;

	set_last_claim(last, last_scope);
	put_claim_key(&call, key);
	sql_put_string(&call, last_scope);
	sql_put_int(&call, rows - 1);
	if (sql_row(&call)) {
		engine_read_claim_key(&call, last);
		slice = ENGINE_MORE;
	}
	return sql_end(&call) ? slice : ENGINE_BAD;
}

void
engine_put_claim_page(struct sql_call *call, const struct engine_claim_key *key,
                      const struct engine_claim_key *last)
{
	put_claim_key(call, key);
	put_claim_key(call, last);
}

static bool
give_claims(struct sql_call *call, engine_on_claim *on_claim, void *arg)
{
	bool more = true;

	while (more && sql_row(call)) {
		struct engine_claim claim;

		read_claim(call, &claim);
		more = on_claim(&claim, arg);
	}
	return sql_end(call) && more;
}

/* Without a filter all but those of users: their scopes come last. */
static const char *
begin_claims(const struct engine_filter *filter, struct engine_claim_key *key,
             char *last)
{
	if (filter->owner.len == 0 ||
	    filter->owner.len >= ENGINE_USER_SCOPE_SIZE)
		return ENGINE_LAST_ROOT_SCOPE;
	copy_text(last, ENGINE_USER_SCOPE_SIZE, filter->owner);
	if (key->scope[0] == '\0')
		memcpy(key->scope, last, sizeof(key->scope));
	return last;
}

enum engine_slice
engine_page_claims(struct engine *engine, const struct engine_filter *filter,
                   struct engine_claim_key *key, engine_on_claim *on_claim,
                   void *arg)
{
	const struct engine_filter *f = filter != NULL ? filter : &no_filter;
	char scope[ENGINE_USER_SCOPE_SIZE];
	const char *last_scope = begin_claims(f, key, scope);
	struct range range = range_of(f->prefix);
	struct engine_claim_key last;
	enum engine_slice slice =
	    engine_claims_end(engine, key, last_scope, ENGINE_PAGE_SCAN, &last);
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_CLAIMS);

	engine_put_claim_page(&call, key, &last);
	sql_put_blob(&call, hash_view(range.first));
	sql_put_blob(&call, hash_view(range.last));
	bool ok = give_claims(&call, on_claim, arg);

	*key = last; /* not before: the values of the statement are borrowed */
	return ok ? slice : ENGINE_BAD;
}

bool
engine_list_claims(struct engine *engine, const struct engine_filter *filter,
                   engine_on_claim *on_claim, void *arg)
{
	struct engine_claim_key key = {0};
	enum engine_slice slice = ENGINE_MORE;

	while (slice == ENGINE_MORE)
		slice = engine_page_claims(engine, filter, &key, on_claim, arg);
	return slice == ENGINE_DONE;
}

static struct sql_call
call_pins(struct engine *engine, const struct engine_filter *filter,
          const struct engine_pin_key *key, const struct range *range)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_PINS);

	sql_put_text(&call, filter->owner);
	sql_put_blob(&call, hash_view(range->first));
	sql_put_blob(&call, hash_view(range->last));
	sql_put_required(&call, key->scope);
	sql_put_blob(&call, hash_view(key->hash));
	sql_put_int(&call, ENGINE_PAGE);
	return call;
}

enum engine_slice
engine_page_pins(struct engine *engine, const struct engine_filter *filter,
                 struct engine_pin_key *key, engine_on_pin *on_pin, void *arg)
{
	const struct engine_filter *f = filter != NULL ? filter : &no_filter;
	struct engine_pin_key after = *key;
	struct range range = range_of(f->prefix);
	struct sql_call call = call_pins(engine, f, &after, &range);
	size_t count = 0;
	bool more = true;

	while (more && sql_row(&call)) {
		struct engine_pin pin;

		pin.scope = sql_get_view(&call);
		pin.hash = sql_get_view(&call);
		pin.subject = sql_get_view(&call);
		pin.pinned_by = sql_get_view(&call);
		pin.reason = sql_get_view(&call);
		pin.pinned_at = sql_get_int(&call);
		copy_text(key->scope, sizeof(key->scope), pin.scope);
		copy_bytes(key->hash, sizeof(key->hash), pin.hash);
		count++;
		more = on_pin(&pin, arg);
	}
	if (!sql_end(&call) || !more)
		return ENGINE_BAD;
	return count < ENGINE_PAGE ? ENGINE_DONE : ENGINE_MORE;
}

bool
engine_list_pins(struct engine *engine, const struct engine_filter *filter,
                 engine_on_pin *on_pin, void *arg)
{
	struct engine_pin_key key = {0};
	enum engine_slice slice = ENGINE_MORE;

	while (slice == ENGINE_MORE)
		slice = engine_page_pins(engine, filter, &key, on_pin, arg);
	return slice == ENGINE_DONE;
}

bool
engine_read_cert(struct engine *engine, struct wire_view hash,
                 engine_on_der *on_der, void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CERT_READ);

	sql_put_blob(&call, hash);
	if (sql_row(&call))
		on_der(sql_get_view(&call), arg);
	return sql_end(&call);
}

/* The columns of STATEMENT_LIST_SESSIONS, in their order. */
static void
read_session(struct sql_call *call, struct engine_session *session)
{
	session->session = sql_get_view(call);
	session->connection = sql_get_view(call);
	session->user = sql_get_view(call);
	session->source = sql_get_view(call);
	session->target = sql_get_view(call);
	session->host_session = sql_get_view(call);
	session->client_name = sql_get_view(call);
	session->client_addr = sql_get_view(call);
	session->policy = sql_get_view(call);
	session->purpose = (enum keep_purpose)sql_get_int(call);
	session->started_at = sql_get_int(call);
	session->detached_at = sql_get_int(call);
	session->grace_until = sql_get_int(call);
	session->expires_at = sql_get_int(call);
	session->live = sql_get_int(call) != 0;
}

enum engine_slice
engine_page_sessions(struct engine *engine, char after[ENGINE_ID_SIZE],
                     engine_on_session *on_session, void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_SESSIONS);
	char from[ENGINE_ID_SIZE];
	size_t count = 0;
	bool more = true;

	memcpy(from, after, sizeof(from));
	sql_put_required(&call, from);
	sql_put_int(&call, ENGINE_PAGE);
	while (more && sql_row(&call)) {
		struct engine_session session;

		read_session(&call, &session);
		copy_text(after, ENGINE_ID_SIZE, session.session);
		count++;
		more = on_session(&session, arg);
	}
	if (!sql_end(&call) || !more)
		return ENGINE_BAD;
	return count < ENGINE_PAGE ? ENGINE_DONE : ENGINE_MORE;
}

bool
engine_list_sessions(struct engine *engine, engine_on_session *on_session,
                     void *arg)
{
	char after[ENGINE_ID_SIZE] = "";
	enum engine_slice slice = ENGINE_MORE;

	while (slice == ENGINE_MORE)
		slice = engine_page_sessions(engine, after, on_session, arg);
	return slice == ENGINE_DONE;
}

static int64_t
clock_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
count_all(struct engine *engine, struct engine_stats *stats)
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

/* Counting many rows takes as long as many sessions would have to wait. */
bool
engine_stats(struct engine *engine, struct engine_stats *stats)
{
	enum { COSTLY_MS = 20, GOOD_MS = 60000 };
	int64_t start = clock_ms();

	if (engine->stats_ms != 0 && start - engine->stats_ms < GOOD_MS) {
		*stats = engine->stats;
		return true;
	}
	if (!count_all(engine, stats))
		return false;
	engine->stats = *stats;
	engine->stats_ms = clock_ms() - start > COSTLY_MS ? start : 0;
	return true;
}
