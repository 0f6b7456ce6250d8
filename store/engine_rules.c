#include "engine_private.h"

#include <string.h>

/* Anchors looked at in one go; a card has fewer. */
enum { SLICE = 32 };

struct anchor {
	uint8_t hash[ENGINE_HASH_LEN];
	bool host;
};

struct judging {
	struct engine *engine;
	const char *session;
	const struct engine_rules *by;
	struct engine_touched touched;
};

static struct sql_call
begin(struct judging *j, enum statement which)
{
	struct sql_call call = sql_call(&j->engine->sql, which);

	sql_put_string(&call, j->session);
	return call;
}

static bool
move_ends(struct judging *j)
{
	struct sql_call call = begin(j, STATEMENT_RULES_MOVE);

	sql_put_int(&call, j->by->rules->cleanup);
	sql_put_int(&call, j->by->rules->user_cleanup);
	return sql_run(&call);
}

/* What is to stay for good needs no claim to stay. */
static bool
keep_entries(struct judging *j)
{
	if (j->by->rules->user_cleanup != KEEP_CLEANUP_NONE)
		return true;
	struct sql_call call = begin(j, STATEMENT_RULES_KEEP);

	sql_put_string(&call, j->by->user);
	return sql_run(&call);
}

static bool
drop_absent(struct judging *j, bool settled)
{
	struct sql_call call = begin(j, STATEMENT_RULES_ABSENT);

	sql_put_string(&call, j->by->connection);
	sql_put_int(&call, settled);
	return engine_run_touching(&call, &j->touched);
}

static bool
drop_roots(struct judging *j)
{
	struct sql_call call = begin(j, STATEMENT_RULES_ROOTS);

	return engine_run_touching(&call, &j->touched);
}

/*
 * Only the session knows the administrator's list of cards: what that alone
 * makes the user's goes, and comes back with the card.
 */
static bool
drop_strangers(struct judging *j)
{
	const struct keep_rules *rules = j->by->rules;

	if (!rules->match || j->by->matched)
		return true;
	struct sql_call call = begin(j, STATEMENT_RULES_MATCH);

	sql_put_string(&call, j->by->connection);
	sql_put_string(&call, j->by->user);
	sql_put_int(&call, rules->match_upn);
	sql_put_int(&call, rules->match_email);
	sql_put_int(&call, rules->user_cleanup != KEEP_CLEANUP_NONE);
	return engine_run_touching(&call, &j->touched);
}

static bool
is_listed(struct wire_view list, const uint8_t *hash)
{
	for (size_t at = 0; at + KEEP_HASH_LEN <= list.len; at += KEEP_HASH_LEN)
		if (memcmp(list.data + at, hash, KEEP_HASH_LEN) == 0)
			return true;
	return false;
}

static bool
is_allowed(const struct keep_rules *rules, const struct anchor *anchor)
{
	if (rules->limited && !is_listed(rules->allowed, anchor->hash))
		return false;
	return !anchor->host || is_listed(rules->host, anchor->hash);
}

static bool
find_anchors(struct judging *j, const uint8_t from[ENGINE_HASH_LEN],
             struct anchor found[SLICE], size_t *count)
{
	struct sql_call call = begin(j, STATEMENT_RULES_ANCHORS);

	*count = 0;
	sql_put_blob(&call, (struct wire_view){from, ENGINE_HASH_LEN});
	sql_put_int(&call, SLICE);
	while (*count < SLICE && sql_row(&call)) {
		struct wire_view hash = sql_get_view(&call);

		if (hash.len != ENGINE_HASH_LEN)
			continue;
		memcpy(found[*count].hash, hash.data, hash.len);
		found[(*count)++].host = sql_get_int(&call) != 0;
	}
	return sql_end(&call);
}

static bool
drop_anchor(struct judging *j, const struct anchor *anchor)
{
	struct sql_call call = begin(j, STATEMENT_RULES_DROP);

	sql_put_blob(&call, (struct wire_view){anchor->hash, ENGINE_HASH_LEN});
	sql_put_int(&call, anchor->host);
	return engine_run_touching(&call, &j->touched);
}

/* The next slice begins with the last of this one, which has two rows. */
static bool
drop_unlisted(struct judging *j)
{
	uint8_t from[ENGINE_HASH_LEN] = {0};
	struct anchor found[SLICE];
	size_t count;

	do {
		if (!find_anchors(j, from, found, &count))
			return false;
		for (size_t i = 0; i < count; i++)
			if (!is_allowed(j->by->rules, &found[i]) &&
			    !drop_anchor(j, &found[i]))
				return false;
		if (count > 0)
			memcpy(from, found[count - 1].hash, sizeof(from));
	} while (count == SLICE);
	return true;
}

static bool
judge(struct judging *j)
{
	const struct keep_rules *rules = j->by->rules;

	if (rules == NULL)
		return drop_roots(j);
	return move_ends(j) && keep_entries(j) &&
	       drop_absent(j, j->by->settled || !rules->redirect) &&
	       (rules->roots || drop_roots(j)) && drop_unlisted(j) &&
	       drop_strangers(j);
}

bool
engine_session_judge(struct engine *engine, const char *session,
                     const struct engine_rules *rules,
                     struct engine_change *change)
{
	struct judging j = {.engine = engine, .session = session, .by = rules};

	return judge(&j) && engine_settle(engine, session, &j.touched, change);
}
