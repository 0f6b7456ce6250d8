#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job *
job_new(enum job_type type, const char *session, const char *connection,
        uint32_t seq)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->type = type;
	job->seq = seq;
	(void)snprintf(job->session, sizeof(job->session), "%s", session);
	(void)snprintf(job->connection, sizeof(job->connection), "%s",
	               connection);
	return job;
}

void
job_free(struct job *job)
{
	if (job == NULL)
		return;
	batch_free(job->batch);
	free(job->message);
	free(job->reader_name);
	free(job->user);
	free(job);
}

bool
job_set_message(struct job *job, struct wire_view message)
{
	job->message = malloc(message.len > 0 ? message.len : 1);
	if (job->message == NULL)
		return false;
	if (message.len > 0)
		memcpy(job->message, message.data, message.len);
	job->message_len = message.len;
	return true;
}

static bool
set_text(char **to, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return true;
	*to = strdup(text);
	return *to != NULL;
}

bool
job_set_user(struct job *job, const char *user)
{
	return set_text(&job->user, user);
}

bool
job_set_reader_name(struct job *job, const char *name)
{
	return set_text(&job->reader_name, name);
}

void
job_set_successor(struct job *job, const char *logon)
{
	(void)snprintf(job->successor, sizeof(job->successor), "%s", logon);
}

void
job_set_reason(struct job *job, struct wire_view reason)
{
	(void)snprintf(job->reason, sizeof(job->reason), "%.*s",
	               (int)reason.len, (const char *)reason.data);
}

bool
job_is_acknowledged(const struct job *job)
{
	return job->type == JOB_APPLY || job->type == JOB_RELEASE ||
	       job->type == JOB_SYNCED;
}

static void
refuse(struct job *job, const char *reason)
{
	job->result.refused++;
	if (job->reason[0] == '\0')
		(void)snprintf(job->reason, sizeof(job->reason), "%s", reason);
}

static bool
decode(const struct job *job, struct keep_msg *msg)
{
	struct wire_in in = wire_in(job->message, job->message_len);

	return keep_decode(&in, msg);
}

static bool
run_start(struct job *job, struct engine *engine)
{
	struct keep_msg msg;

	return decode(job, &msg) &&
	       engine_session_start(engine, job->session, job->connection,
	                            &msg.hello);
}

static bool
run_state(struct job *job, struct engine *engine)
{
	struct keep_msg msg;

	return decode(job, &msg) &&
	       engine_session_state(engine, job->session, &msg.state);
}

/* What was taken of a batch, to find the claims that were not. */
struct taken {
	uint8_t hashes[BATCH_ITEMS_MAX][ENGINE_HASH_LEN];
	bool host[BATCH_ITEMS_MAX];
	size_t count;
};

static bool
count_result(struct job *job, enum engine_result result)
{
	switch (result) {
	case ENGINE_ADDED:
		job->result.added++;
		return true;
	case ENGINE_UPDATED:
		job->result.updated++;
		return true;
	case ENGINE_UNCHANGED:
		job->result.unchanged++;
		return true;
	case ENGINE_LIMIT:
		refuse(job, "its owner has as many certificates as allowed");
		return true;
	case ENGINE_FAULT:
		break;
	}
	return false;
}

/* Certificates of users never get into a scope of all. */
static bool
is_owner(const char *user)
{
	static const char *const others[] = {"host:", "host/", "session:"};

	if (strcmp(user, ENGINE_HOST_SCOPE) == 0)
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strncmp(user, others[i], strlen(others[i])) == 0)
			return false;
	return true;
}

static bool
put_for_user(struct job *job, struct engine *engine,
             const struct engine_origin *origin, const struct keep_cert *cert,
             enum keep_cleanup cleanup, struct taken *taken)
{
	if (!is_owner(job->user)) {
		refuse(job, "the user has a host's name");
		return true;
	}
	enum engine_result result =
	    engine_put(engine, origin, wire_view_text(job->user), cert, cleanup,
	               taken->hashes[taken->count], &job->change);

	taken->host[taken->count] = false;
	taken->count += result != ENGINE_LIMIT;
	return count_result(job, result);
}

static bool
put_root(struct job *job, struct engine *engine,
         const struct engine_origin *origin, const struct keep_cert *cert,
         enum keep_cleanup cleanup, struct taken *taken)
{
	bool host = cert->host && cert->kind != KEEP_PREEXISTING;
	enum engine_result result =
	    engine_put(engine, origin, (struct wire_view){0}, cert, cleanup,
	               taken->hashes[taken->count], &job->change);

	if (!count_result(job, result))
		return false;
	if (result == ENGINE_LIMIT)
		return true;
	if (host) {
		result = engine_put_host(engine, origin, cert, cleanup,
		                         &job->change);
		if (result == ENGINE_FAULT)
			return false;
		if (result == ENGINE_LIMIT)
			refuse(job, "the host has as many roots as allowed");
	}
	taken->host[taken->count++] = host;
	return true;
}

/* Before somebody is known to be logged on nothing is stored, or trusted. */
static bool
put_cert(struct job *job, struct engine *engine,
         const struct engine_origin *origin, const struct keep_cert *cert,
         const struct keep_begin *begin, struct taken *taken)
{
	if (job->user == NULL) {
		refuse(job, "the session has no user");
		return true;
	}
	switch (cert->kind) {
	case KEEP_USER:
	case KEEP_REQUEST:
		return put_for_user(job, engine, origin, cert,
		                    begin->user_cleanup, taken);
	case KEEP_ANCHOR:
	case KEEP_INTERMEDIATE:
	case KEEP_PREEXISTING:
		return put_root(job, engine, origin, cert, begin->cleanup,
		                taken);
	}
	return false;
}

/* A batch is all that the card holds: other claims of this card end. */
static bool
run_apply(struct job *job, struct engine *engine)
{
	struct taken taken = {.count = 0};
	struct keep_begin begin;
	struct keep_cert cert;

	if (!batch_get_begin(job->batch, &begin))
		return false;
	struct engine_origin origin = {
	    .session = job->session,
	    .connection = job->connection,
	    .reader = begin.reader,
	    .reader_name = begin.reader_name,
	    .card_id = {begin.card_id, sizeof(begin.card_id)},
	    .family = begin.family,
	    .card_serial = begin.card_serial,
	    .chuid = begin.chuid,
	    .removable = begin.removable,
	    .policy = begin.policy,
	    .policy_generation = begin.policy_generation,
	};

	for (size_t i = 0; i < batch_count(job->batch); i++)
		if (!batch_get_cert(job->batch, i, &cert) ||
		    !put_cert(job, engine, &origin, &cert, &begin, &taken))
			return false;
	struct engine_held held = {.hashes = taken.hashes[0],
	                           .host = taken.host,
	                           .count = taken.count,
	                           .archive = begin.archive_stale};

	return engine_held_only(engine, &origin, wire_view_text(job->user),
	                        &held, &job->change);
}

static bool
run_release(struct job *job, struct engine *engine)
{
	struct keep_msg msg;

	if (!decode(job, &msg))
		return false;
	struct engine_origin origin = {
	    .session = job->session,
	    .connection = job->connection,
	    .reader = msg.release.reader,
	    .reader_name = wire_view_text(job->reader_name),
	    .card_id = {msg.release.card_id, sizeof(msg.release.card_id)},
	};

	return engine_release(engine, &origin, msg.release.roots,
	                      msg.release.user, &job->change);
}

static bool
run_detach(struct job *job, struct engine *engine)
{
	return engine_session_detach(engine, job->session, job->connection,
	                             job->grace_until, job->expires_at,
	                             &job->change);
}

static bool
run_rules(struct job *job, struct engine *engine)
{
	struct keep_msg msg;
	struct engine_rules rules = {
	    .user = job->user != NULL ? job->user : "",
	    .connection = job->connection,
	    .settled = job->settled,
	    .matched = job->matched,
	};

	if (job->message != NULL) {
		if (!decode(job, &msg))
			return false;
		rules.rules = &msg.rules;
	}
	return engine_session_judge(engine, job->session, &rules, &job->change);
}

static bool
run_end(struct job *job, struct engine *engine)
{
	return (job->successor[0] == '\0' ||
	        engine_session_merge(engine, job->session, job->successor)) &&
	       engine_session_end(engine, job->session, job->how,
	                          wire_view_text(job->reason), &job->change);
}

/* removed counts the log-ons: their entries are nobody's business. */
static bool
run_end_others(struct job *job, struct engine *engine)
{
	struct engine_change change = {0};
	uint32_t ended = 0;
	bool ok =
	    engine_end_others(engine, "not there any more", &ended, &change);

	change.removed = ended;
	change.user |= ended > 0;
	job->change = change;
	return ok;
}

static bool
run_forget(struct job *job, struct engine *engine)
{
	bool ok =
	    engine_forget_owner(engine, wire_view_text(job->user), job->reason,
	                        &job->forgotten, &job->change);

	job->more = job->forgotten.more;
	return ok;
}

static bool
run(struct job *job, struct engine *engine)
{
	switch (job->type) {
	case JOB_START:
		return run_start(job, engine);
	case JOB_STATE:
		return run_state(job, engine);
	case JOB_APPLY:
		return run_apply(job, engine);
	case JOB_RELEASE:
		return run_release(job, engine);
	case JOB_SYNCED:
	case JOB_SETTLED:
		return engine_session_synced(engine, job->session,
		                             job->connection, &job->change);
	case JOB_DETACH:
		return run_detach(job, engine);
	case JOB_RELEASED:
		return engine_session_released(engine, job->session,
		                               &job->change);
	case JOB_RULES:
		return run_rules(job, engine);
	case JOB_END:
		return run_end(job, engine);
	case JOB_END_OTHERS:
		return run_end_others(job, engine);
	case JOB_SWEEP:
		return engine_sweep(engine, &job->more);
	case JOB_ACCOUNT:
		return engine_account_known(engine, wire_view_text(job->user),
		                            job->uid, job->session,
		                            &job->change);
	case JOB_LOOKED:
		return engine_account_looked(engine, wire_view_text(job->user),
		                             job->uid, job->there, job->wait,
		                             &job->gone);
	case JOB_FORGET:
		return run_forget(job, engine);
	}
	return false;
}

/* What an earlier attempt counted was rolled back. */
static void
forget_result(struct job *job)
{
	job->result = (struct keep_ack){0};
	job->change = (struct engine_change){0};
	if (job->type != JOB_END && job->type != JOB_FORGET)
		job->reason[0] = '\0';
}

/* From first up to the job after last, in one transaction. */
static bool
run_together(struct job *first, const struct job *after, struct engine *engine,
             int64_t now)
{
	bool ok = engine_begin(engine, now);

	for (struct job *job = first; ok && job != after;
	     job = TAILQ_NEXT(job, entry)) {
		forget_result(job);
		ok = run(job, engine);
		job->result.ok = ok;
		job->result.removed = job->change.removed;
	}
	ok = ok && engine_commit(engine);
	if (!ok)
		engine_rollback(engine);
	return ok;
}

static void
run_alone(struct job *job, struct engine *engine, int64_t now)
{
	if (run_together(job, TAILQ_NEXT(job, entry), engine, now))
		return;
	forget_result(job);
	(void)snprintf(job->fault, sizeof(job->fault), "store: %s",
	               engine_reason(engine));
}

void
job_run_all(const struct job_list *jobs, struct engine *engine, int64_t now)
{
	struct job *job;

	if (TAILQ_EMPTY(jobs) ||
	    run_together(TAILQ_FIRST(jobs), NULL, engine, now))
		return;
	for (job = TAILQ_FIRST(jobs); job != NULL; job = TAILQ_NEXT(job, entry))
		run_alone(job, engine, now);
}

const char *
job_type_name(enum job_type type)
{
	static const char *const names[] = {
	    [JOB_START] = "start",           [JOB_STATE] = "state",
	    [JOB_APPLY] = "commit",          [JOB_RELEASE] = "release",
	    [JOB_SYNCED] = "synced",         [JOB_END] = "end",
	    [JOB_SETTLED] = "settled",       [JOB_DETACH] = "detach",
	    [JOB_RELEASED] = "released",     [JOB_SWEEP] = "sweep",
	    [JOB_END_OTHERS] = "end-others", [JOB_ACCOUNT] = "account",
	    [JOB_LOOKED] = "looked",         [JOB_FORGET] = "forget",
	    [JOB_RULES] = "rules",
	};

	return names[type];
}
