#include "engine_private.h"

#include <string.h>

static const struct wire_view nothing;

/* Has the gate changed since the last epoch? */
static bool
note_boot(struct engine *engine, const char *boot_id, bool *changed)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_PROXY_BOOT);

	*changed = false;
	sql_put_string(&call, engine->proxy_id);
	sql_put_string(&call, boot_id);
	while (sql_row(&call))
		*changed = true;
	return sql_end(&call);
}

bool
engine_boot(struct engine *engine, const char *boot_id)
{
	bool changed = true;

	if (!note_boot(engine, boot_id, &changed))
		return false;
	if (changed || boot_id[0] == '\0')
		return true;
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_ADOPT);

	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->epoch);
	return sql_run(&call);
}

static bool
is_known(struct engine *engine, const char *session)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_FIND);

	sql_put_string(&call, session);
	bool known = sql_row(&call);

	(void)sql_end(&call);
	return known;
}

bool
engine_session_start(struct engine *engine, const char *session,
                     const char *connection, const struct keep_hello *hello)
{
	bool known = is_known(engine, session);
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_START);

	sql_put_string(&call, session);
	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->epoch);
	sql_put_text(&call, hello->target);
	sql_put_text(&call, hello->client_name);
	sql_put_text(&call, hello->client_addr);
	sql_put_int(&call, hello->started_at);
	sql_put_string(&call, connection);
	return sql_run(&call) &&
	       (known || engine_audit(engine, session, "session-start", nothing,
	                              hello->client_addr));
}

bool
engine_session_state(struct engine *engine, const char *session,
                     const struct keep_state *state)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_STATE);

	sql_put_string(&call, session);
	sql_put_text(&call, state->user);
	sql_put_text(&call, state->source);
	sql_put_text(&call, state->policy);
	sql_put_text(&call, state->host_session);
	sql_put_int(&call, state->purpose);
	return sql_run(&call);
}

/* A statement whose only value is a log-on, and that tells whose claims. */
static bool
touch_all(struct engine *engine, enum statement which, const char *session,
          struct engine_touched *touched)
{
	struct sql_call call = sql_call(&engine->sql, which);

	sql_put_string(&call, session);
	return engine_run_touching(&call, touched);
}

/* One for what others than this connection asserted. */
static bool
touch_older(struct engine *engine, enum statement which, const char *session,
            const char *connection, struct engine_touched *touched)
{
	struct sql_call call = sql_call(&engine->sql, which);

	sql_put_string(&call, session);
	sql_put_int(&call, engine->epoch);
	sql_put_string(&call, connection);
	return engine_run_touching(&call, touched);
}

bool
engine_session_synced(struct engine *engine, const char *session,
                      const char *connection, struct engine_change *change)
{
	struct engine_touched touched = {0};

	return touch_older(engine, STATEMENT_CLAIM_DROP_OLDER, session,
	                   connection, &touched) &&
	       touch_older(engine, STATEMENT_CLAIM_ABSENT_OLDER, session,
	                   connection, &touched) &&
	       engine_settle(engine, session, &touched, change);
}

static void
put_time(struct sql_call *call, int64_t at)
{
	if (at == 0)
		sql_put_null(call);
	else
		sql_put_int(call, at);
}

/* detached is false when another connection has taken over. */
static bool
mark_detached(struct engine *engine, const char *session,
              const char *connection, int64_t grace_until, int64_t expires_at,
              bool *detached)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_DETACH);

	*detached = false;
	sql_put_string(&call, session);
	sql_put_string(&call, connection);
	sql_put_int(&call, engine->now);
	put_time(&call, grace_until > engine->now ? grace_until : 0);
	put_time(&call, expires_at);
	while (sql_row(&call))
		*detached = true;
	return sql_end(&call);
}

bool
engine_session_detach(struct engine *engine, const char *session,
                      const char *connection, int64_t grace_until,
                      int64_t expires_at, struct engine_change *change)
{
	struct engine_touched touched = {0};
	bool detached = false;

	if (!mark_detached(engine, session, connection, grace_until, expires_at,
	                   &detached))
		return false;
	if (!detached)
		return true;
	return touch_all(engine, STATEMENT_CLAIM_ABSENT_ALL, session,
	                 &touched) &&
	       engine_settle(engine, session, &touched, change) &&
	       engine_audit(engine, session, "session-detached", nothing,
	                    nothing) &&
	       (grace_until > engine->now ||
	        engine_session_released(engine, session, change));
}

/* A statement whose only value is a log-on. */
static bool
run_for(struct engine *engine, enum statement which, const char *session)
{
	struct sql_call call = sql_call(&engine->sql, which);

	sql_put_string(&call, session);
	return sql_run(&call);
}

bool
engine_session_released(struct engine *engine, const char *session,
                        struct engine_change *change)
{
	struct engine_touched touched = {0};

	return run_for(engine, STATEMENT_SESSION_RELEASED, session) &&
	       touch_all(engine, STATEMENT_CLAIM_DROP_ENDING, session,
	                 &touched) &&
	       engine_settle(engine, session, &touched, change);
}

static bool
mark_ended(struct engine *engine, const char *session, enum engine_end how,
           struct wire_view reason)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_END);

	sql_put_string(&call, session);
	sql_put_int(&call, engine->now);
	sql_put_text(&call, reason);
	sql_put_int(&call, how);
	return sql_run(&call) &&
	       engine_audit(engine, session, "session-end", nothing, reason);
}

bool
engine_session_end(struct engine *engine, const char *session,
                   enum engine_end how, struct wire_view reason,
                   struct engine_change *change)
{
	struct engine_touched touched = {0};

	if (!touch_all(engine, STATEMENT_CLAIM_DROP_SESSION, session,
	               &touched) ||
	    !touch_all(engine, STATEMENT_CLAIM_KEEP, session, &touched) ||
	    !engine_settle(engine, session, &touched, change))
		return false;
	/* What was no log-on is not listed as one. */
	if (how == ENGINE_END_RESUMED &&
	    !run_for(engine, STATEMENT_SESSION_FORGET, session))
		return false;
	return mark_ended(engine, session, how, reason);
}

bool
engine_session_merge(struct engine *engine, const char *from, const char *into)
{
	static const enum statement steps[] = {
	    STATEMENT_CLAIM_YIELD, STATEMENT_CLAIM_MOVE, STATEMENT_ENTRY_YIELD,
	    STATEMENT_ENTRY_MOVE};
	bool ok = true;

	for (size_t i = 0; ok && i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct sql_call call = sql_call(&engine->sql, steps[i]);

		sql_put_string(&call, from);
		sql_put_string(&call, into);
		ok = sql_run(&call);
	}
	return ok;
}

/* One log-on of an older epoch; false when there is none (or a fault). */
static bool
find_stale(struct engine *engine, char session[ENGINE_ID_SIZE], bool *ok)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_STALE);
	bool found = false;

	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->epoch);
	if (sql_row(&call)) {
		struct wire_view id = sql_get_view(&call);

		found = id.len == ENGINE_ID_SIZE - 1;
		if (found)
			memcpy(session, id.data, id.len);
		session[ENGINE_ID_SIZE - 1] = '\0';
	}
	*ok = sql_end(&call);
	return *ok && found;
}

bool
engine_end_others(struct engine *engine, const char *reason, uint32_t *ended,
                  struct engine_change *change)
{
	char session[ENGINE_ID_SIZE];
	bool ok = true;

	*ended = 0;
	while (ok && find_stale(engine, session, &ok)) {
		ok = engine_session_end(engine, session, ENGINE_END_RESTART,
		                        wire_view_text(reason), change);
		(*ended)++;
	}
	return ok;
}
