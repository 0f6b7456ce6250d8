#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job *
job_new(enum job_type type, const char *session, uint32_t seq, void *arg)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job == NULL)
		return NULL;
	job->type = type;
	job->seq = seq;
	job->arg = arg;
	(void)snprintf(job->session, sizeof(job->session), "%s", session);
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
	       engine_session_start(engine, job->session, &msg.hello);
}

static bool
run_state(struct job *job, struct engine *engine)
{
	struct keep_msg msg;

	return decode(job, &msg) &&
	       engine_session_state(engine, job->session, &msg.state);
}

/* The roots of a batch that were taken, to find the claims that were not. */
struct claimed {
	uint8_t hashes[BATCH_ITEMS_MAX][ENGINE_HASH_LEN];
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

static bool
put_for_user(struct job *job, struct engine *engine,
             const struct engine_origin *origin, const struct keep_cert *cert)
{
	enum engine_store store =
	    cert->kind == KEEP_USER ? ENGINE_MY : ENGINE_REQUEST;
	uint8_t hash[ENGINE_HASH_LEN];

	if (job->user == NULL) {
		refuse(job, "the session has no user");
		return true;
	}
	enum engine_result result = engine_put_entry(
	    engine, store, wire_view_text(job->user), origin, cert, hash);

	if (result == ENGINE_ADDED || result == ENGINE_UPDATED)
		job->user_changed = true;
	return count_result(job, result);
}

static bool
put_root(struct job *job, struct engine *engine,
         const struct engine_origin *origin, const struct keep_cert *cert,
         enum keep_cleanup cleanup, struct claimed *claimed)
{
	uint8_t *hash = claimed->hashes[claimed->count];
	char scope[ENGINE_SCOPE_SIZE];

	engine_scope(scope, job->session);
	enum engine_result result =
	    engine_put_entry(engine, ENGINE_SMARTCARDROOT,
	                     wire_view_text(scope), origin, cert, hash);

	if (!count_result(job, result))
		return false;
	if (result == ENGINE_LIMIT)
		return true;
	claimed->count++;
	return engine_put_claim(engine, origin, hash, cert->kind, cleanup);
}

static bool
put_cert(struct job *job, struct engine *engine,
         const struct engine_origin *origin, const struct keep_cert *cert,
         enum keep_cleanup cleanup, struct claimed *claimed)
{
	switch (cert->kind) {
	case KEEP_USER:
	case KEEP_REQUEST:
		return put_for_user(job, engine, origin, cert);
	case KEEP_ANCHOR:
	case KEEP_INTERMEDIATE:
	case KEEP_PREEXISTING:
		return put_root(job, engine, origin, cert, cleanup, claimed);
	}
	return false;
}

/* A batch is all that the card holds: other claims of this card end. */
static bool
run_apply(struct job *job, struct engine *engine)
{
	struct claimed claimed = {.count = 0};
	struct keep_begin begin;
	struct keep_cert cert;

	if (!batch_get_begin(job->batch, &begin))
		return false;
	struct engine_origin origin = {
	    .session = job->session,
	    .reader = begin.reader,
	    .reader_name = begin.reader_name,
	    .card_id = {begin.card_id, sizeof(begin.card_id)},
	    .family = begin.family,
	};

	for (size_t i = 0; i < batch_count(job->batch); i++)
		if (!batch_get_cert(job->batch, i, &cert) ||
		    !put_cert(job, engine, &origin, &cert, begin.cleanup,
		              &claimed))
			return false;
	return engine_drop_claims(engine, &origin, claimed.hashes[0],
	                          claimed.count, &job->result.removed);
}

static bool
run_release(struct job *job, struct engine *engine)
{
	struct keep_msg msg;

	if (!decode(job, &msg))
		return false;
	struct engine_origin origin = {
	    .session = job->session,
	    .reader = msg.release.reader,
	    .reader_name = wire_view_text(job->reader_name),
	    .card_id = {msg.release.card_id, sizeof(msg.release.card_id)},
	};
	uint32_t *removed = &job->result.removed;

	if (msg.release.user && job->user != NULL) {
		if (!engine_drop_user(engine, &origin,
		                      wire_view_text(job->user), removed))
			return false;
		job->user_changed = *removed > 0;
	}
	return !msg.release.roots ||
	       engine_drop_claims(engine, &origin, NULL, 0, removed);
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
		return engine_session_synced(engine, job->session,
		                             &job->result.removed);
	case JOB_END:
		return engine_session_end(engine, job->session,
		                          wire_view_text(job->reason),
		                          &job->result.removed);
	case JOB_END_OTHERS:
		return engine_end_others(engine, "not there any more",
		                         &job->result.removed) &&
		       engine_sweep(engine);
	case JOB_SWEEP:
		return engine_sweep(engine);
	}
	return false;
}

/* What an earlier attempt counted was rolled back. */
static void
forget_result(struct job *job)
{
	job->result = (struct keep_ack){0};
	job->user_changed = false;
	if (job->type != JOB_END)
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
	    [JOB_START] = "start",   [JOB_STATE] = "state",
	    [JOB_APPLY] = "commit",  [JOB_RELEASE] = "release",
	    [JOB_SYNCED] = "synced", [JOB_END] = "end",
	    [JOB_SWEEP] = "sweep",   [JOB_END_OTHERS] = "end-others",
	};

	return names[type];
}
