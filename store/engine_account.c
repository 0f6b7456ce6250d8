#include "engine_account.h"

#include "engine_private.h"

#include <stdio.h>
#include <string.h>

/* Stands in the audit where a session's id does. */
static const char admin_session[] = "admin";

static const struct wire_view nothing;

/*
 * What is forgotten.
 */

/* A log-on of the owner that has claims, but for one; "" when there is none. */
static bool
find_holder(struct engine *engine, struct wire_view owner, const char *but,
            char session[ENGINE_ID_SIZE])
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_OWNER_HOLDER);

	session[0] = '\0';
	sql_put_text(&call, owner);
	sql_put_required(&call, but);
	if (sql_row(&call)) {
		struct wire_view id = sql_get_view(&call);

		(void)snprintf(session, ENGINE_ID_SIZE, "%.*s", (int)id.len,
		               (const char *)id.data);
	}
	return sql_end(&call);
}

/* Also those that were kept when it ended. */
static bool
drop_claims(struct engine *engine, const char *session, uint32_t *claims,
            struct engine_change *change)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_OWNER_CLAIMS);
	struct engine_touched touched = {0};

	sql_put_string(&call, session);
	if (!engine_run_touching(&call, &touched))
		return false;
	*claims += sql_changes(&engine->sql);
	return engine_settle(engine, session, &touched, change);
}

/* All but what one log-on ("" for none) has on its cards. */
static bool
drop_all(struct engine *engine, struct wire_view owner, const char *but,
         struct engine_forgotten *forgotten, struct engine_change *change)
{
	char session[ENGINE_ID_SIZE];
	uint32_t removed = change->removed;

	for (int i = 0; i < ENGINE_FORGET_MAX; i++) {
		if (!find_holder(engine, owner, but, session))
			return false;
		if (session[0] == '\0')
			break;
		if (!drop_claims(engine, session, &forgotten->claims, change))
			return false;
	}
	forgotten->more = session[0] != '\0';
	forgotten->entries += change->removed - removed;
	change->user = true;
	return engine_drop_entries(engine, STATEMENT_OWNER_ENTRIES,
	                           admin_session, owner, &forgotten->entries);
}

static bool
audit_owner(struct engine *engine, const char *event, const char *who,
            struct wire_view owner)
{
	char detail[KEEP_TEXT_MAX + 64];

	(void)snprintf(detail, sizeof(detail), "%s: %.*s", who, (int)owner.len,
	               (const char *)owner.data);
	return engine_audit(engine, admin_session, event, nothing,
	                    wire_view_text(detail));
}

static bool
drop_account(struct engine *engine, struct wire_view owner)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ACCOUNT_DROP);

	sql_put_text(&call, owner);
	return sql_run(&call);
}

bool
engine_forget_owner(struct engine *engine, struct wire_view owner,
                    const char *who, struct engine_forgotten *forgotten,
                    struct engine_change *change)
{
	*forgotten = (struct engine_forgotten){0};
	return drop_all(engine, owner, "", forgotten, change) &&
	       (forgotten->more ||
	        (drop_account(engine, owner) &&
	         audit_owner(engine, "user-forgotten", who, owner)));
}

/*
 * The accounts.
 */

/* another: the owner was an account with another user id. */
static bool
find_account(struct engine *engine, struct wire_view owner, int64_t uid,
             bool *another)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_ACCOUNT_FIND);

	*another = false;
	sql_put_text(&call, owner);
	if (sql_row(&call))
		*another = sql_get_int(&call) != uid;
	return sql_end(&call);
}

bool
engine_account_known(struct engine *engine, struct wire_view owner, int64_t uid,
                     const char *session, struct engine_change *change)
{
	struct sql_call call;
	struct engine_forgotten forgotten = {.more = true};
	bool another = false;

	if (!find_account(engine, owner, uid, &another))
		return false;
	while (another && forgotten.more)
		if (!drop_all(engine, owner, session, &forgotten, change))
			return false;
	if (another && !audit_owner(engine, "user-replaced",
	                            "another account has the name", owner))
		return false;
	call = sql_call(&engine->sql, STATEMENT_ACCOUNT_PUT);
	sql_put_text(&call, owner);
	sql_put_int(&call, uid);
	sql_put_int(&call, engine->now);
	return sql_run(&call);
}

bool
engine_list_accounts(struct engine *engine, struct wire_view after,
                     int64_t count, engine_on_account *on_account, void *arg)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_LIST_ACCOUNTS);

	sql_put_text(&call, after);
	sql_put_int(&call, count);
	while (sql_row(&call)) {
		struct wire_view owner = sql_get_view(&call);

		on_account(arg, owner, sql_get_int(&call));
	}
	return sql_end(&call);
}

/* Missing since when, after this look; 0: it is not. */
static bool
mark_missing(struct engine *engine, struct wire_view owner, int64_t uid,
             int64_t *since)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_ACCOUNT_MISSING);

	*since = engine->now;
	sql_put_text(&call, owner);
	sql_put_int(&call, uid);
	sql_put_int(&call, engine->now);
	if (!sql_run(&call))
		return false;
	call = sql_call(&engine->sql, STATEMENT_ACCOUNT_SINCE);
	sql_put_text(&call, owner);
	sql_put_int(&call, uid);
	if (sql_row(&call))
		*since = sql_get_int(&call);
	return sql_end(&call);
}

bool
engine_account_looked(struct engine *engine, struct wire_view owner,
                      int64_t uid, bool there, int64_t seconds, bool *gone)
{
	struct sql_call call;
	int64_t since = 0;

	*gone = false;
	if (there) {
		call = sql_call(&engine->sql, STATEMENT_ACCOUNT_THERE);
		sql_put_text(&call, owner);
		return sql_run(&call);
	}
	if (!mark_missing(engine, owner, uid, &since))
		return false;
	*gone = engine->now - since >= seconds;
	return true;
}
