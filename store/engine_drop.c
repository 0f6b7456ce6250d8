#include "engine_private.h"

#include <string.h>

static bool
starts_with(struct wire_view text, const char *start)
{
	size_t len = strlen(start);

	return text.len >= len && memcmp(text.data, start, len) == 0;
}

static void
touch(struct engine_touched *touched, struct wire_view scope)
{
	static const char user[] = "user:";
	size_t skipped = sizeof(user) - 1;

	if (starts_with(scope, "session:")) {
		touched->session = true;
	} else if (!starts_with(scope, user)) {
		touched->host = true;
	} else if (scope.len - skipped <= sizeof(touched->owner)) {
		touched->user = true;
		touched->owner_len = scope.len - skipped;
		memcpy(touched->owner, scope.data + skipped,
		       touched->owner_len);
	}
}

static void
note_record(struct engine_touched *touched, struct wire_view hash)
{
	if (hash.len == ENGINE_HASH_LEN &&
	    touched->record_count < ENGINE_RECORDS_MAX)
		memcpy(touched->records[touched->record_count++], hash.data,
		       ENGINE_HASH_LEN);
}

static bool
is_record(const struct engine_touched *touched, struct wire_view hash)
{
	for (size_t i = 0; i < touched->record_count; i++)
		if (wire_view_equal(hash,
		                    (struct wire_view){touched->records[i],
		                                       ENGINE_HASH_LEN}))
			return true;
	return false;
}

bool
engine_run_touching(struct sql_call *call, struct engine_touched *touched)
{
	while (sql_row(call)) {
		touch(touched, sql_get_view(call));
		struct wire_view hash = sql_get_view(call);

		if (sql_get_int(call) == KEEP_PREEXISTING)
			note_record(touched, hash);
	}
	return sql_end(call);
}

static bool
drop_roots(struct engine *engine, const char *session, const char *scope,
           const struct engine_touched *touched, uint32_t *removed)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_ENTRY_DROP_ROOTS);
	bool ok = true;

	sql_put_string(&call, scope);
	while (ok && sql_row(&call)) {
		struct wire_view hash = sql_get_view(&call);

		(*removed)++;
		ok = is_record(touched, hash) ||
		     engine_audit(engine, session, "root-removed", hash,
		                  wire_view_text(scope));
	}
	return sql_end(&call) && ok;
}

/* All rows of a RETURNING are there at its first step: others may write. */
bool
engine_drop_entries(struct engine *engine, enum statement statement,
                    const char *session, struct wire_view owner,
                    uint32_t *dropped)
{
	struct sql_call call = sql_call(&engine->sql, statement);
	char scope[ENGINE_USER_SCOPE_SIZE];
	bool ok = true;

	engine_user_scope(scope, owner);
	sql_put_text(&call, owner);
	sql_put_string(&call, scope);
	while (ok && sql_row(&call)) {
		(*dropped)++;
		ok = engine_audit_entry(engine, session, "cert-deleted",
		                        sql_get_view(&call), owner);
	}
	return sql_end(&call) && ok;
}

static bool
rebind(struct engine *engine, struct wire_view owner)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ENTRY_REBIND);
	char scope[ENGINE_USER_SCOPE_SIZE];

	engine_user_scope(scope, owner);
	sql_put_text(&call, owner);
	sql_put_string(&call, scope);
	sql_put_int(&call, engine->now);
	return sql_run(&call);
}

static bool
settle_user(struct engine *engine, const char *session,
            const struct engine_touched *touched, struct engine_change *change)
{
	struct wire_view owner = {(const uint8_t *)touched->owner,
	                          touched->owner_len};

	change->user = true;
	return engine_drop_entries(engine, STATEMENT_ENTRY_DROP_USER, session,
	                           owner, &change->removed) &&
	       rebind(engine, owner);
}

bool
engine_settle(struct engine *engine, const char *session,
              const struct engine_touched *touched,
              struct engine_change *change)
{
	char scope[ENGINE_SCOPE_SIZE];
	uint32_t of_host = 0; /* counted with those of the log-on already */

	engine_scope(scope, session);
	change->host |= touched->host;
	return (!touched->session || drop_roots(engine, session, scope, touched,
	                                        &change->removed)) &&
	       (!touched->host || drop_roots(engine, session, ENGINE_HOST_SCOPE,
	                                     touched, &of_host)) &&
	       (!touched->user ||
	        settle_user(engine, session, touched, change));
}

/* What is to become of a claim of the card. */
enum fate { FATE_STAYS, FATE_ABSENT, FATE_DROPPED };

struct row {
	uint8_t hash[ENGINE_HASH_LEN];
	enum keep_kind kind;
	int64_t reader;
	bool never; /* it ends never */
	bool present;
	bool host;
	enum fate fate;
};

/* Claims of one card that are to be changed, as many as fit. */
struct rows {
	struct row row[KEEP_CERTS_MAX + KEEP_ROOTS_MAX];
	size_t count;
};

/* How the fate of a row is decided. */
struct decision {
	const struct engine_held *held; /* a batch; NULL: the card left */
	bool roots;
	bool user;
	bool other_readers; /* also what it held there before */
};

static bool
is_user(const struct row *row)
{
	return row->kind == KEEP_USER || row->kind == KEEP_REQUEST;
}

static bool
is_held(const struct row *row, const struct engine_held *held)
{
	for (size_t i = 0; i < held->count; i++)
		if (memcmp(row->hash, held->hashes + i * ENGINE_HASH_LEN,
		           ENGINE_HASH_LEN) == 0)
			return !row->host || held->host[i];
	return false;
}

static enum fate
decide(const struct row *row, const struct decision *decision)
{
	const struct engine_held *held = decision->held;
	enum fate absent = row->present ? FATE_ABSENT : FATE_STAYS;

	if (held == NULL)
		return (is_user(row) ? decision->user : decision->roots)
		           ? FATE_DROPPED
		           : absent;
	if (is_held(row, held))
		return FATE_STAYS;
	if (is_user(row))
		return held->archive ? FATE_DROPPED : absent;
	return row->never ? FATE_STAYS : FATE_DROPPED;
}

static void
put_card(struct sql_call *call, const struct engine_origin *origin,
         int64_t reader)
{
	sql_put_string(call, origin->session);
	sql_put_int(call, reader);
	sql_put_blob(call, origin->card_id);
}

static bool
read_row(struct sql_call *call, struct row *row)
{
	struct wire_view hash = sql_get_view(call);

	row->kind = (enum keep_kind)sql_get_int(call);
	row->reader = sql_get_int(call);
	row->never = sql_get_int(call) == KEEP_CLEANUP_NONE;
	row->present = sql_get_int(call) != 0;
	row->host = sql_get_int(call) != 0;
	if (hash.len != ENGINE_HASH_LEN)
		return false;
	memcpy(row->hash, hash.data, ENGINE_HASH_LEN);
	return true;
}

static bool
find_rows(struct engine *engine, const struct engine_origin *origin,
          const struct decision *decision, struct rows *found)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CLAIM_OF_CARD);
	size_t room = sizeof(found->row) / sizeof(found->row[0]);

	found->count = 0;
	put_card(&call, origin, origin->reader);
	sql_put_int(&call, decision->other_readers);
	while (found->count < room && sql_row(&call)) {
		struct row *row = &found->row[found->count];

		if (!read_row(&call, row))
			continue;
		row->fate = decide(row, decision);
		found->count += row->fate != FATE_STAYS;
	}
	return sql_end(&call);
}

static bool
change_row(struct engine *engine, const struct engine_origin *origin,
           const struct row *row, struct engine_touched *touched)
{
	bool dropped = row->fate == FATE_DROPPED;
	struct wire_view hash = {row->hash, ENGINE_HASH_LEN};
	struct sql_call call =
	    sql_call(&engine->sql,
	             dropped ? STATEMENT_CLAIM_DROP : STATEMENT_CLAIM_ABSENT);

	put_card(&call, origin, row->reader);
	sql_put_blob(&call, hash);
	sql_put_int(&call, row->kind);
	sql_put_int(&call, row->host);
	return engine_run_touching(&call, touched) &&
	       (!dropped || is_user(row) || row->host ||
	        engine_audit(engine, origin->session, "root-released", hash,
	                     origin->reader_name));
}

/* Every row that is changed is not found again. */
static bool
change_rows(struct engine *engine, const struct engine_origin *origin,
            const struct decision *decision, struct engine_touched *touched)
{
	struct rows found;

	do {
		if (!find_rows(engine, origin, decision, &found))
			return false;
		for (size_t i = 0; i < found.count; i++)
			if (!change_row(engine, origin, &found.row[i], touched))
				return false;
	} while (found.count > 0);
	return true;
}

static bool
archive_others(struct engine *engine, const struct engine_origin *origin,
               struct wire_view owner, struct engine_change *change)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ENTRY_ARCHIVE);
	char scope[ENGINE_USER_SCOPE_SIZE];

	engine_user_scope(scope, owner);
	sql_put_text(&call, owner);
	sql_put_string(&call, scope);
	sql_put_blob(&call, origin->card_id);
	sql_put_int(&call, engine->now);
	bool ok = true;

	while (ok && sql_row(&call)) {
		change->user = true;
		ok =
		    engine_audit_entry(engine, origin->session, "cert-archived",
		                       sql_get_view(&call), owner);
	}
	return sql_end(&call) && ok;
}

bool
engine_held_only(struct engine *engine, const struct engine_origin *origin,
                 struct wire_view owner, const struct engine_held *held,
                 struct engine_change *change)
{
	bool known = !engine_is_unknown_card(origin->card_id);
	struct decision decision = {.held = held,
	                            .other_readers = held->archive && known};
	struct engine_touched touched = {0};

	return change_rows(engine, origin, &decision, &touched) &&
	       engine_settle(engine, origin->session, &touched, change) &&
	       (!held->archive || !known || owner.len == 0 ||
	        archive_others(engine, origin, owner, change));
}

bool
engine_release(struct engine *engine, const struct engine_origin *origin,
               bool roots, bool user, struct engine_change *change)
{
	struct decision decision = {.roots = roots, .user = user};
	struct engine_touched touched = {0};

	return change_rows(engine, origin, &decision, &touched) &&
	       engine_settle(engine, origin->session, &touched, change);
}
