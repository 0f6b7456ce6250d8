#include "engine_private.h"

#include <string.h>
#include <time.h>

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

/* Of a list that exists for all, for an owner or scope, and for a hash. */
static struct sql_call
filtered(struct engine *engine, const struct engine_filter *filter,
         const enum statement which[3], struct range *range)
{
	static const struct engine_filter all;
	const struct engine_filter *f = filter != NULL ? filter : &all;
	bool by_hash = f->prefix != NULL && f->prefix[0] != '\0';
	enum statement statement = f->owner.len > 0 ? which[1]
	                           : by_hash        ? which[2]
	                                            : which[0];
	struct sql_call call = sql_call(&engine->sql, statement);

	*range = range_of(f->prefix);
	if (statement == which[0] && which[0] != which[1])
		return call;
	sql_put_text(&call, f->owner);
	sql_put_blob(&call, (struct wire_view){range->first, ENGINE_HASH_LEN});
	sql_put_blob(&call, (struct wire_view){range->last, ENGINE_HASH_LEN});
	return call;
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

bool
engine_list_entries(struct engine *engine, const struct engine_filter *filter,
                    engine_on_entry *on_entry, void *arg)
{
	static const enum statement which[] = {STATEMENT_LIST_ENTRIES,
	                                       STATEMENT_LIST_ENTRIES_OWNER,
	                                       STATEMENT_LIST_ENTRIES_HASH};
	struct range range;
	struct sql_call call = filtered(engine, filter, which, &range);
	bool more = true;

	while (more && sql_row(&call)) {
		struct engine_entry entry;

		read_entry(&call, &entry);
		read_properties(&call, &entry);
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
	claim->present = sql_get_int(call) != 0;
	claim->created_at = sql_get_int(call);
	claim->policy_generation = sql_get_int(call);
	claim->has_first = sql_get_int(call) != 0;
	claim->cleanup_at_insert = (enum keep_cleanup)sql_get_int(call);
}

bool
engine_list_claims(struct engine *engine, const struct engine_filter *filter,
                   engine_on_claim *on_claim, void *arg)
{
	static const enum statement which[] = {STATEMENT_LIST_CLAIMS,
	                                       STATEMENT_LIST_CLAIMS_SCOPE,
	                                       STATEMENT_LIST_CLAIMS_HASH};
	struct range range;
	struct sql_call call = filtered(engine, filter, which, &range);
	bool more = true;

	while (more && sql_row(&call)) {
		struct engine_claim claim;

		read_claim(&call, &claim);
		more = on_claim(&claim, arg);
	}
	return sql_end(&call) && more;
}

bool
engine_list_pins(struct engine *engine, const struct engine_filter *filter,
                 engine_on_pin *on_pin, void *arg)
{
	static const enum statement which[] = {
	    STATEMENT_LIST_PINS, STATEMENT_LIST_PINS, STATEMENT_LIST_PINS};
	struct range range;
	struct sql_call call = filtered(engine, filter, which, &range);
	bool more = true;

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

bool
engine_list_sessions(struct engine *engine, engine_on_session *on_session,
                     void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_SESSIONS);
	bool more = true;

	while (more && sql_row(&call)) {
		struct engine_session session;

		read_session(&call, &session);
		more = on_session(&session, arg);
	}
	return sql_end(&call) && more;
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
