#include "turn_private.h"

#include "log.h"
#include "mirror.h"
#include "userlink.h"

#include <string.h>
#include <time.h>

static const struct timeval next_slice = {.tv_usec = 20000};

/*
 * The turn: jobs, views, answers, in this order.
 */

/* NULL: of all users. */
static void
mark(struct turn *turn, const char *user)
{
	struct logon *logon;

	if (user != NULL) {
		turn_mark_user(turn, user);
		return;
	}
	TAILQ_FOREACH (logon, &turn->logons, entry)
		logon->dirty |= logon->user != NULL;
}

void
turn_mark_user(struct turn *turn, const char *user)
{
	struct table_link *link = table_find(&turn->users, user);

	for (; link != NULL; link = table_next(link)) {
		struct logon *logon = link->thing;

		logon->dirty = true;
	}
}

static void
log_failure(const struct job *job)
{
	struct log_event ev = log_event(LOG_ERROR, "store-failed");

	log_text(&ev, "job", job_type_name(job->type));
	log_text(&ev, "session", job->session);
	log_text(&ev, "reason", job->fault);
	log_write(&ev);
}

/* A job of a connection: what its result means for that. */
static void
settle_peer(struct peer *peer, const struct job *job)
{
	if (peer == NULL)
		return;
	if (job->type == JOB_START || job->type == JOB_STATE)
		peer->unsaved |= !job->result.ok;
	if (job->type == JOB_SYNCED || job->type == JOB_SETTLED)
		peer->syncing &= !job->result.ok;
}

/* What a job that is done or has failed means for what is shown. */
static void
settle(struct turn *turn, const struct job *job)
{
	struct logon *logon = job->logon;
	const struct peer *peer = job->arg;

	if (!job->result.ok)
		log_failure(job);
	turn->troubled |= !job->result.ok;
	settle_peer(job->arg, job);
	if (job->change.user)
		mark(turn, logon != NULL ? logon->user : NULL);
	turn->host_dirty |= job->change.host;
	if (logon != NULL && job->type != JOB_ACCOUNT &&
	    (job->type != JOB_RULES || job->change.removed > 0))
		logon->dirty |=
		    job->type != JOB_START || peer == NULL || !peer->syncing;
}

static void
log_view_fault(const char *session, const char *reason)
{
	struct log_event ev = log_event(LOG_ERROR, "view-failed");

	log_text(&ev, "session", session);
	log_text(&ev, "reason", reason);
	log_write(&ev);
}

/* Here, and by more than the client's word. */
static bool
is_proven_here(const struct turn *turn, const struct logon *logon)
{
	return logon->peer != NULL &&
	       logon_is_proven(wire_view_text(logon->peer->source)) &&
	       logon_is_local(turn->config.local_targets,
	                      wire_view_text(logon->target));
}

/* The user's link leads to his newest log-on here, while there is one. */
static void
link_user(struct turn *turn, struct logon *logon, uid_t user)
{
	char id[VIEW_ID_TEXT_LEN + 1];
	const struct logon *now = NULL;

	if (user == ACCOUNT_NONE || logon->linked == user ||
	    !is_proven_here(turn, logon))
		return;
	if (userlink_get(turn->config.run_dirfd, user, id))
		now = logon_find(&turn->logons, id);
	if (now != NULL && now != logon && !now->ended &&
	    now->started_at > logon->started_at)
		return;
	if (userlink_set(turn->config.run_dirfd, user, logon->id) == VIEW_OK)
		logon->linked = user;
	else
		log_view_fault(logon->id, "the user's link cannot be made");
}

/* Another log-on of the user may have it from now on. */
static void
unlink_user(struct turn *turn, struct logon *logon)
{
	struct logon *other;

	if (logon == NULL || logon->linked == ACCOUNT_NONE)
		return;
	userlink_clear(turn->config.run_dirfd, logon->linked, logon->id);
	TAILQ_FOREACH (other, &turn->logons, entry)
		if (other->linked == logon->linked)
			other->linked = ACCOUNT_NONE;
	mark(turn, logon->user);
	turn_show_dirty(turn);
}

static void
show(struct turn *turn, struct logon *logon)
{
	const char *user = logon->peer != NULL && logon->user == NULL
	                       ? peer_text(logon->peer->user)
	                       : peer_text(logon->user);
	struct view_style style = {
	    .group = turn->config.view_group,
	    .user = account_find(turn->account, user),
	    .purpose = logon->purpose,
	    .place = turn->config.place,
	};
	const char *reason = NULL;

	/* Adopted, and it has not said yet whose certificates to show. */
	if (logon->peer != NULL && logon->peer->syncing && user[0] == '\0')
		return;
	style.linked =
	    logon->linked != ACCOUNT_NONE ||
	    (style.user != ACCOUNT_NONE && is_proven_here(turn, logon));
	logon->dirty = !mirror_show(turn->config.engine, turn->config.run_dirfd,
	                            logon->id, user, &style, &reason);
	logon->view_fault = logon->dirty ? reason : NULL;
	turn->troubled |= logon->dirty;
	if (logon->dirty)
		log_view_fault(logon->id, reason);
	else
		link_user(turn, logon, style.user);
	if (is_proven_here(turn, logon))
		turn_note_account(turn, logon, style.user);
}

static void
show_host(struct turn *turn)
{
	const char *reason = NULL;

	turn->host_dirty = !mirror_show_host(turn->config.engine,
	                                     turn->config.run_dirfd, &reason);
	turn->host_fault = turn->host_dirty ? reason : NULL;
	turn->troubled |= turn->host_dirty;
	if (turn->host_dirty)
		log_view_fault("", reason);
}

void
turn_show_dirty(struct turn *turn)
{
	struct logon *logon;

	TAILQ_FOREACH (logon, &turn->logons, entry)
		if (logon->dirty && !logon->ended && !logon->awaited &&
		    logon->hidden == 0)
			show(turn, logon);
	if (turn->host_dirty)
		show_host(turn);
}

static void
answer(struct turn *turn, const struct job *job)
{
	struct peer *peer = job->arg;
	const struct logon *logon = job->logon;
	struct keep_ack ack = job->result;

	if (peer->fd < 0)
		return;
	ack.reason = wire_view_text(ack.ok ? job->reason : job->fault);
	if (ack.ok && logon->view_fault != NULL) {
		ack.ok = false;
		ack.reason = wire_view_text(logon->view_fault);
	}
	turn_tell(turn, peer, job_type_name(job->type), ack.reason, &ack);
	if (!peer_acknowledge(peer, job->seq, &ack))
		turn_hang_up(turn, peer, NULL,
		             wire_view_text("does not read its answers"));
}

static void
remove_view(const struct turn *turn, const char *id)
{
	enum view_error error = view_remove(turn->config.run_dirfd, id);

	if (error != VIEW_OK)
		log_view_fault(id, view_error_name(error));
}

static bool
is_there(const char *id, void *arg)
{
	const struct turn *turn = arg;
	const struct logon *logon = logon_find(&turn->logons, id);

	return logon != NULL && !logon->awaited && logon->hidden == 0;
}

static void
log_over(const struct job *job, const char *event)
{
	struct log_event ev = log_event(LOG_INFO, event);

	log_text(&ev, "session", job->session);
	log_text(&ev, "reason", job->reason);
	log_number(&ev, "roots", job->result.removed);
	log_write(&ev);
}

static void
drop_peer(struct turn *turn, struct peer *peer)
{
	TAILQ_REMOVE(&turn->peers, peer, entry);
	peer_free(peer);
}

/*
 * After an end the view goes in any case: a store that cannot be written is no
 * reason to trust for longer.  The row is tried again.
 */
static void
finish_end(struct turn *turn, const struct job *job)
{
	remove_view(turn, job->session);
	unlink_user(turn, job->logon);
	if (!job->result.ok || job->how == ENGINE_END_RESUMED)
		return;
	log_over(job, "session-ended");
	turn_tell(turn, job->arg, "session-end", wire_view_text(job->reason),
	          &job->result);
}

/* The connection was the last to know of it; its log-on goes on. */
static void
finish_detach(struct turn *turn, const struct job *job)
{
	if (!job->result.ok)
		return;
	log_over(job, "session-detached");
	turn_tell(turn, job->arg, "session-detached",
	          wire_view_text(job->reason), &job->result);
}

static void
finish_sweep(struct turn *turn, const struct job *job)
{
	if (job->result.ok && job->more)
		(void)event_add(turn->sweep, &next_slice);
}

/* Does this take trust from the view of a log-on that goes on? */
static bool
is_retraction(const struct job *job)
{
	return job->type == JOB_RELEASE || job->type == JOB_SYNCED ||
	       job->type == JOB_SETTLED || job->type == JOB_DETACH ||
	       job->type == JOB_RELEASED || job->type == JOB_RULES;
}

static bool
is_tried_again(const struct job *job)
{
	return is_retraction(job) || job->type == JOB_END ||
	       job->type == JOB_END_OTHERS || job->type == JOB_FORGET;
}

/* What could not be taken from the store is not shown until it could. */
static void
hide(struct turn *turn, struct job *job)
{
	struct logon *logon = job->logon;

	if (!is_retraction(job) || job->hides)
		return;
	job->hides = true;
	logon->hidden++;
	remove_view(turn, logon->id);
}

static void
unhide(struct job *job)
{
	struct logon *logon = job->logon;

	if (!job->hides)
		return;
	logon->hidden--;
	logon->dirty = true;
}

static void
finish(struct turn *turn, struct job *job)
{
	switch (job->type) {
	case JOB_END:
		finish_end(turn, job);
		return;
	case JOB_DETACH:
		finish_detach(turn, job);
		return;
	case JOB_END_OTHERS:
		(void)view_prune(turn->config.run_dirfd, is_there, turn, NULL);
		userlink_prune(turn->config.run_dirfd, is_there, turn);
		(void)event_add(turn->sweep, &next_slice);
		return;
	case JOB_SWEEP:
		finish_sweep(turn, job);
		return;
	case JOB_LOOKED:
		turn_finish_look(turn, job);
		return;
	case JOB_FORGET:
		turn_finish_forget(turn, job);
		return;
	case JOB_ACCOUNT:
		turn_finish_account(job);
		return;
	case JOB_START:
	case JOB_STATE:
	case JOB_APPLY:
	case JOB_RELEASE:
	case JOB_SYNCED:
	case JOB_SETTLED:
	case JOB_RELEASED:
	case JOB_RULES:
		return;
	}
}

/* A connection and a log-on are freed with the last job that knows them. */
static void
drop_job(struct turn *turn, struct job *job)
{
	struct logon *logon = job->logon;

	if (job->arg != NULL &&
	    (job->type == JOB_END || job->type == JOB_DETACH))
		drop_peer(turn, job->arg);
	if (logon != NULL) {
		logon->jobs--;
		logon->gone |= job->type == JOB_END;
		if (logon->gone && logon->jobs == 0) {
			TAILQ_REMOVE(&turn->logons, logon, entry);
			logon_free(logon);
		}
	}
	job_free(job);
}

static void
finish_all(struct turn *turn, struct job_list *done)
{
	struct job *job;

	while ((job = TAILQ_FIRST(done)) != NULL) {
		TAILQ_REMOVE(done, job, entry);
		if (job_is_acknowledged(job) && !job->answered)
			answer(turn, job);
		job->answered = true;
		finish(turn, job);
		if (job->result.ok || !is_tried_again(job))
			drop_job(turn, job);
		else
			TAILQ_INSERT_TAIL(&turn->failed, job, entry);
	}
}

/* At most JOB_TURN_MAX jobs from the front of the queue. */
static void
take_jobs(struct turn *turn, struct job_list *taken)
{
	struct job *job;

	TAILQ_INIT(taken);
	for (size_t i = 0; i < JOB_TURN_MAX; i++) {
		job = TAILQ_FIRST(&turn->jobs);
		if (job == NULL)
			return;
		TAILQ_REMOVE(&turn->jobs, job, entry);
		TAILQ_INSERT_TAIL(taken, job, entry);
	}
}

static bool
is_waiting(const struct turn *turn)
{
	const struct logon *logon;
	const struct peer *peer;

	TAILQ_FOREACH (peer, &turn->peers, entry)
		if (peer->unended || (peer->fd >= 0 && peer->unsaved))
			return true;
	TAILQ_FOREACH (logon, &turn->logons, entry)
		if (!logon->ended && logon->view_fault != NULL)
			return true;
	return turn->host_fault != NULL || !TAILQ_EMPTY(&turn->failed);
}

/* Thousands of log-ons are looked through only after a fault. */
bool
turn_needs_retry(struct turn *turn)
{
	turn->troubled = turn->troubled && is_waiting(turn);
	return turn->troubled;
}

static void
run_some(struct turn *turn)
{
	struct job_list taken;
	struct job *job;

	take_jobs(turn, &taken);
	job_run_all(&taken, turn->config.engine, time(NULL));
	TAILQ_FOREACH (job, &taken, entry) {
		settle(turn, job);
		if (job->result.ok)
			unhide(job);
		else
			hide(turn, job);
	}
	turn_show_dirty(turn);
	finish_all(turn, &taken);
}

void
turn_run(struct turn *turn)
{
	while (!TAILQ_EMPTY(&turn->jobs))
		run_some(turn);
}
