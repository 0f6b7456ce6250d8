#include "engine_admin.h"

#include "engine_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
	CENSUS_SLICES = 256,     /* by the first byte of the thumbprint, or
	                            as many of the certificates' numbers */
	CENSUS_AUDIT_ROWS = 5000 /* in one slice */
};

/* Behind every session's id, and before every one. */
static const char last_session[] = "~";
static const char first_session[] = "";

static void
put_key(struct sql_call *call, const struct engine_audit_key *key,
        int64_t start, const char *session)
{
	sql_put_int(call, key->begun ? key->at : start);
	sql_put_int(call, key->begun ? key->epoch : start);
	sql_put_int(call, key->begun ? key->seq : start);
	sql_put_required(call, key->begun ? key->session : session);
}

static void
read_key(struct sql_call *call, struct engine_audit_key *key)
{
	key->begun = true;
	key->at = sql_get_int(call);
	key->epoch = sql_get_int(call);
	key->seq = sql_get_int(call);
	struct wire_view session = sql_get_view(call);

	(void)snprintf(key->session, sizeof(key->session), "%.*s",
	               (int)session.len,
	               session.len > 0 ? (const char *)session.data : "");
}

static void
read_row(struct sql_call *call, struct engine_audit_row *row)
{
	row->event = sql_get_view(call);
	row->user = sql_get_view(call);
	row->hash = sql_get_view(call);
	row->detail = sql_get_view(call);
}

static bool
concerns(const struct engine_audit_row *row, struct wire_view owner)
{
	return owner.len == 0 || wire_view_equal(row->user, owner) ||
	       wire_view_equal(row->detail, owner);
}

enum engine_slice
engine_page_audit(struct engine *engine, const struct engine_audit_query *query,
                  struct engine_audit_key *key, engine_on_audit *on_audit,
                  void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_AUDIT);
	struct engine_audit_key after = *key;
	size_t count = 0;
	bool more = true;

	sql_put_int(&call, query->since);
	put_key(&call, &after, INT64_MAX, last_session);
	sql_put_int(&call, ENGINE_PAGE);
	while (more && sql_row(&call)) {
		struct engine_audit_row row;

		read_key(&call, key);
		read_row(&call, &row);
		row.at = key->at;
		row.session = wire_view_text(key->session);
		count++;
		more = !concerns(&row, query->owner) || on_audit(&row, arg);
	}
	if (!sql_end(&call) || !more)
		return ENGINE_BAD;
	return count < ENGINE_PAGE ? ENGINE_DONE : ENGINE_MORE;
}

/*
 * Counting.
 */

void
engine_census_init(struct engine_census *census)
{
	*census = (struct engine_census){0};
}

/* A statement that counts between two values. */
static bool
count_slice(struct engine *engine, enum statement which, unsigned slice,
            int64_t *count)
{
	struct sql_call call = sql_call(&engine->sql, which);
	uint8_t low[ENGINE_HASH_LEN] = {(uint8_t)slice};
	uint8_t high[ENGINE_HASH_LEN];

	memset(high, 0xff, sizeof(high));
	high[0] = (uint8_t)slice;
	sql_put_blob(&call, (struct wire_view){low, sizeof(low)});
	sql_put_blob(&call, (struct wire_view){high, sizeof(high)});
	if (sql_row(&call))
		*count += sql_get_int(&call);
	return sql_end(&call);
}

/* The same of those that refer to certificates; new ones are in the last. */
static bool
count_numbers(struct engine *engine, enum statement which,
              const struct engine_census *census, unsigned slice,
              int64_t *count)
{
	struct sql_call call = sql_call(&engine->sql, which);
	int64_t step = census->last_no / CENSUS_SLICES + 1;
	bool last = slice == CENSUS_SLICES - 1;

	sql_put_int(&call, step * slice);
	sql_put_int(&call, last ? INT64_MAX : step * (slice + 1) - 1);
	if (sql_row(&call))
		*count += sql_get_int(&call);
	return sql_end(&call);
}

/* What costs nothing: sizes, pins, sessions. */
static bool
count_small(struct engine *engine, struct engine_census *census)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CENSUS_SMALL);
	struct stat wal;

	if (sql_row(&call)) {
		int64_t page = sql_get_int(&call);

		census->file_bytes = page * sql_get_int(&call);
		census->free_bytes = page * sql_get_int(&call);
		census->stats.pins = sql_get_int(&call);
		census->stats.live_sessions = sql_get_int(&call);
		census->last_no = sql_get_int(&call);
	}
	if (engine_wal_stat(engine, &wal))
		census->wal_bytes = wal.st_size;
	return sql_end(&call);
}

/* What is left of the audit, less than a slice of it. */
static enum engine_slice
count_rest(struct engine *engine, struct engine_census *census)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_CENSUS_AUDIT);

	put_key(&call, &census->audit, -1, first_session);
	if (sql_row(&call))
		census->stats.audit += sql_get_int(&call);
	return sql_end(&call) ? ENGINE_DONE : ENGINE_BAD;
}

static enum engine_slice
count_audit(struct engine *engine, struct engine_census *census)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_CENSUS_AUDIT_END);
	struct engine_audit_key after = census->audit;
	bool found = false;

	put_key(&call, &after, -1, first_session);
	sql_put_int(&call, CENSUS_AUDIT_ROWS - 1);
	if (sql_row(&call)) {
		found = true;
		read_key(&call, &census->audit);
	}
	if (!sql_end(&call))
		return ENGINE_BAD;
	if (!found)
		return count_rest(engine, census);
	census->stats.audit += CENSUS_AUDIT_ROWS;
	return ENGINE_MORE;
}

enum engine_slice
engine_census_step(struct engine *engine, struct engine_census *census)
{
	unsigned slice = census->slice;

	if (slice == CENSUS_SLICES)
		return count_audit(engine, census);
	census->slice++;
	return (slice > 0 || count_small(engine, census)) &&
	               count_slice(engine, STATEMENT_CENSUS_CERTS, slice,
	                           &census->stats.certs) &&
	               count_numbers(engine, STATEMENT_CENSUS_ENTRIES, census,
	                             slice, &census->stats.entries) &&
	               count_numbers(engine, STATEMENT_CENSUS_CLAIMS, census,
	                             slice, &census->stats.claims)
	           ? ENGINE_MORE
	           : ENGINE_BAD;
}
