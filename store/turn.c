#include "turn.h"

#include "account.h"
#include "log.h"
#include "mirror.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void on_flush(evutil_socket_t fd, short what, void *arg);
static void on_retry(evutil_socket_t fd, short what, void *arg);
static void on_job(void *arg, struct job *job);
static void on_news(void *arg, const struct peer *peer, const char *name,
                    const struct peer_reader *reader, struct wire_view text);
static void on_over(void *arg, struct peer *peer, struct wire_view reason);

static account_on_change on_account;

static const struct peer_ops peer_ops = {on_job, on_news, on_over};
static const struct timeval retry_after = {.tv_sec = 1};

struct turn {
	struct turn_config config;
	struct event *flush; /* active: jobs wait for the end of the turn */
	struct event *retry; /* pending: something could not be written */
	struct peer_list peers;
	struct job_list jobs;   /* of this turn */
	struct job_list failed; /* ends, to be tried again */
	struct account *account;
};

struct turn *
turn_new(const struct turn_config *config)
{
	struct turn *turn = calloc(1, sizeof(*turn));

	if (turn == NULL)
		return NULL;
	turn->config = *config;
	TAILQ_INIT(&turn->peers);
	TAILQ_INIT(&turn->jobs);
	TAILQ_INIT(&turn->failed);
	turn->flush = event_new(config->base, -1, 0, on_flush, turn);
	turn->retry = event_new(config->base, -1, 0, on_retry, turn);
	turn->account = account_new(config->base, on_account, turn);
	if (turn->flush != NULL && turn->retry != NULL && turn->account != NULL)
		return turn;
	turn_free(turn);
	return NULL;
}

static void
free_jobs(struct job_list *jobs)
{
	struct job *job;

	while ((job = TAILQ_FIRST(jobs)) != NULL) {
		TAILQ_REMOVE(jobs, job, entry);
		job_free(job);
	}
}

void
turn_free(struct turn *turn)
{
	struct peer *peer;

	if (turn == NULL)
		return;
	free_jobs(&turn->jobs);
	free_jobs(&turn->failed);
	while ((peer = TAILQ_FIRST(&turn->peers)) != NULL) {
		TAILQ_REMOVE(&turn->peers, peer, entry);
		peer_free(peer);
	}
	account_free(turn->account);
	if (turn->flush != NULL)
		event_free(turn->flush);
	if (turn->retry != NULL)
		event_free(turn->retry);
	free(turn);
}

const struct peer_list *
turn_peers(const struct turn *turn)
{
	return &turn->peers;
}

static struct peer *
find_peer(const struct turn *turn, const char *id)
{
	struct peer *peer;

	for (peer = TAILQ_FIRST(&turn->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry))
		if (strcmp(peer->id, id) == 0)
			return peer;
	return NULL;
}

void
turn_attach(struct turn *turn, const struct keep_hello *hello, int fd)
{
	char id[ENGINE_ID_SIZE];

	(void)log_hex(id, hello->session, sizeof(hello->session));
	if (fd < 0 || find_peer(turn, id) != NULL) {
		log_note(LOG_ERROR, "attach-refused",
		         fd < 0 ? "no descriptor" : "attached already");
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	struct peer *peer =
	    peer_new(turn->config.base, fd, hello, &peer_ops, turn);

	if (peer == NULL) {
		log_note(LOG_ERROR, "attach-refused", "out of memory");
		return;
	}
	TAILQ_INSERT_TAIL(&turn->peers, peer, entry);
	peer_save(peer);
}

void
turn_end_others(struct turn *turn)
{
	struct job *job = job_new(JOB_END_OTHERS, "", "", 0);

	if (job != NULL)
		on_job(turn, job);
}

void
turn_end_all(struct turn *turn, const char *reason)
{
	struct peer *peer;

	for (peer = TAILQ_FIRST(&turn->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry))
		if (peer->fd >= 0)
			on_over(turn, peer, wire_view_text(reason));
}

static void
on_job(void *arg, struct job *job)
{
	struct turn *turn = arg;

	TAILQ_INSERT_TAIL(&turn->jobs, job, entry);
	/* Runs after all that is active in this turn. */
	event_active(turn->flush, 0, 0);
}

static void
tell(const struct turn *turn, const struct peer *peer, const char *name,
     const struct peer_reader *reader, struct wire_view text,
     const struct keep_ack *result)
{
	if (turn->config.on_news != NULL)
		turn->config.on_news(turn->config.arg, peer, name, reader, text,
		                     result);
}

static void
on_news(void *arg, const struct peer *peer, const char *name,
        const struct peer_reader *reader, struct wire_view text)
{
	tell(arg, peer, name, reader, text, NULL);
}

static void
on_over(void *arg, struct peer *peer, struct wire_view reason)
{
	struct turn *turn = arg;
	struct job *job = job_new(JOB_END, peer->id, peer->id, 0);

	peer_hang_up(peer);
	if (job == NULL) {
		peer->unended = true; /* on_retry comes back to it */
		(void)event_add(turn->retry, &retry_after);
		return;
	}
	job->arg = peer;
	job->how = ENGINE_END_CRASH;
	job_set_reason(job, reason);
	on_job(turn, job);
}

/*
 * The turn: jobs, views, answers, in this order.
 */

static void
mark_user(struct turn *turn, const char *user)
{
	struct peer *peer;

	for (peer = TAILQ_FIRST(&turn->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry))
		if (strcmp(peer_text(peer->user), user) == 0)
			peer->dirty = true;
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

/* What a job that is done or has failed means for its session. */
static void
settle(struct turn *turn, const struct job *job)
{
	struct peer *peer = job->arg;

	if (!job->result.ok)
		log_failure(job);
	if (job->change.user && job->user != NULL)
		mark_user(turn, job->user);
	switch (job->type) {
	case JOB_START:
		peer->unsaved |= !job->result.ok;
		peer->dirty |= !peer->syncing;
		break;
	case JOB_STATE:
		peer->unsaved |= !job->result.ok;
		peer->dirty = true;
		break;
	case JOB_APPLY:
	case JOB_RELEASE:
		peer->dirty = true;
		break;
	case JOB_SYNCED:
	case JOB_SETTLED:
		peer->syncing &= !job->result.ok;
		peer->dirty = true;
		break;
	case JOB_DETACH:
	case JOB_RELEASED:
	case JOB_END:
	case JOB_END_OTHERS:
	case JOB_SWEEP:
		break;
	}
}

static void
show(struct turn *turn, struct peer *peer)
{
	const struct view_style style = {
	    .group = turn->config.view_group,
	    .user = account_find(turn->account, peer_text(peer->user)),
	    .purpose = KEEP_PURPOSE_ANY,
	    .place = turn->config.place,
	};
	const char *reason = NULL;

	/* Adopted, and it has not said yet whose certificates to show. */
	if (peer->syncing && peer_text(peer->user)[0] == '\0')
		return;
	peer->dirty = !mirror_show(turn->config.engine, turn->config.run_dirfd,
	                           peer->id, peer->user, &style, &reason);
	peer->view_fault = peer->dirty ? reason : NULL;
	if (!peer->dirty)
		return;
	struct log_event ev = log_event(LOG_ERROR, "view-failed");

	log_text(&ev, "session", peer->id);
	log_text(&ev, "reason", reason);
	log_write(&ev);
}

static void
show_dirty(struct turn *turn)
{
	struct peer *peer;

	for (peer = TAILQ_FIRST(&turn->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry))
		if (peer->dirty && peer->fd >= 0)
			show(turn, peer);
}

static void
answer(struct turn *turn, const struct job *job)
{
	struct peer *peer = job->arg;
	struct keep_ack ack = job->result;

	if (peer->fd < 0)
		return;
	ack.reason = wire_view_text(ack.ok ? job->reason : job->fault);
	if (ack.ok && peer->view_fault != NULL) {
		ack.ok = false;
		ack.reason = wire_view_text(peer->view_fault);
	}
	tell(turn, peer, job_type_name(job->type), NULL, ack.reason, &ack);
	if (!peer_acknowledge(peer, job->seq, &ack))
		on_over(turn, peer,
		        wire_view_text("does not read its answers"));
}

static void
remove_view(const struct turn *turn, const char *id)
{
	enum view_error error = view_remove(turn->config.run_dirfd, id);

	if (error != VIEW_OK)
		log_note(LOG_ERROR, "view-failed", view_error_name(error));
}

static bool
is_attached(const char *id, void *arg)
{
	const struct peer *peer = find_peer(arg, id);

	return peer != NULL && peer->fd >= 0;
}

static void
log_end(const struct job *job)
{
	struct log_event ev = log_event(LOG_INFO, "session-ended");

	log_text(&ev, "session", job->session);
	log_text(&ev, "reason", job->reason);
	log_number(&ev, "roots", job->result.removed);
	log_write(&ev);
}

/*
 * After an end the view goes in any case: a store that cannot be written is no
 * reason to trust for longer.  The row is tried again.
 */
static bool
finish(struct turn *turn, struct job *job)
{
	struct peer *peer = job->arg;

	if (job->type == JOB_END) {
		remove_view(turn, job->session);
		if (job->result.ok) {
			log_end(job);
			tell(turn, peer, "session-end", NULL,
			     wire_view_text(job->reason), &job->result);
			TAILQ_REMOVE(&turn->peers, peer, entry);
			peer_free(peer);
		}
	} else if (job->type == JOB_END_OTHERS) {
		(void)view_prune(turn->config.run_dirfd, is_attached, turn,
		                 NULL);
	} else {
		return true;
	}
	return job->result.ok;
}

/* Is there anything that a later attempt may mend? */
static bool
needs_retry(const struct turn *turn)
{
	const struct peer *peer;

	for (peer = TAILQ_FIRST(&turn->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry)) {
		if (peer->unended)
			return true;
		if (peer->fd >= 0 &&
		    (peer->unsaved || peer->view_fault != NULL))
			return true;
	}
	return !TAILQ_EMPTY(&turn->failed);
}

static void
finish_all(struct turn *turn, struct job_list *done)
{
	struct job *job;

	while ((job = TAILQ_FIRST(done)) != NULL) {
		TAILQ_REMOVE(done, job, entry);
		if (job_is_acknowledged(job))
			answer(turn, job);
		if (finish(turn, job))
			job_free(job);
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

static void
run(struct turn *turn)
{
	struct job_list taken;
	struct job *job;

	take_jobs(turn, &taken);
	job_run_all(&taken, turn->config.engine, time(NULL));
	for (job = TAILQ_FIRST(&taken); job != NULL;
	     job = TAILQ_NEXT(job, entry))
		settle(turn, job);
	show_dirty(turn);
	finish_all(turn, &taken);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct turn *turn = arg;

	(void)fd;
	(void)what;
	while (!TAILQ_EMPTY(&turn->jobs))
		run(turn);
	if (needs_retry(turn))
		(void)event_add(turn->retry, &retry_after);
}

static void
retry_peer(struct turn *turn, struct peer *peer)
{
	if (peer->unended) {
		peer->unended = false;
		on_over(turn, peer, wire_view_text("connection closed"));
	} else if (peer->unsaved && peer->fd >= 0) {
		peer_save(peer);
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct turn *turn = arg;
	struct peer *peer;
	struct job *job;

	(void)fd;
	(void)what;
	for (peer = TAILQ_FIRST(&turn->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry))
		retry_peer(turn, peer);
	while ((job = TAILQ_FIRST(&turn->failed)) != NULL) {
		TAILQ_REMOVE(&turn->failed, job, entry);
		on_job(turn, job);
	}
	show_dirty(turn);
	event_active(turn->flush, 0, 0);
}

/* Now it is known who is to be let in. */
static void
on_account(void *arg, const char *user)
{
	struct turn *turn = arg;

	mark_user(turn, user);
	show_dirty(turn);
	if (needs_retry(turn))
		(void)event_add(turn->retry, &retry_after);
}

void
turn_sweep(struct turn *turn)
{
	struct job *job = job_new(JOB_SWEEP, "", "", 0);

	if (job != NULL)
		on_job(turn, job);
}

void
turn_repair(struct turn *turn)
{
	struct peer *peer;

	for (peer = TAILQ_FIRST(&turn->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry))
		peer->dirty |= !peer->syncing;
	show_dirty(turn);
	if (needs_retry(turn))
		(void)event_add(turn->retry, &retry_after);
}

static size_t
count_jobs(const struct job_list *jobs)
{
	const struct job *job;
	size_t count = 0;

	for (job = TAILQ_FIRST(jobs); job != NULL; job = TAILQ_NEXT(job, entry))
		count++;
	return count;
}

size_t
turn_waiting(const struct turn *turn)
{
	return count_jobs(&turn->jobs) + count_jobs(&turn->failed);
}

void
turn_flush(struct turn *turn)
{
	on_flush(-1, 0, turn);
}
