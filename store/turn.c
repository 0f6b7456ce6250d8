#include "turn_private.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void on_flush(evutil_socket_t fd, short what, void *arg);
static void on_retry(evutil_socket_t fd, short what, void *arg);
static void on_sweep(evutil_socket_t fd, short what, void *arg);
static void on_job(void *arg, struct job *job);
static void on_news(void *arg, const struct peer *peer, const char *name,
                    const struct peer_reader *reader, struct wire_view text);
static void on_over(void *arg, struct peer *peer, const struct keep_over *said,
                    struct wire_view reason);

static account_on_change on_account;

static const struct account_ops account_ops = {on_account, turn_on_look};
static const struct peer_ops peer_ops = {turn_on_state, on_job, on_news,
                                         on_over};
static const struct timeval retry_after = {.tv_sec = 1};

struct turn *
turn_new(const struct turn_config *config)
{
	struct turn *turn = calloc(1, sizeof(*turn));

	if (turn == NULL)
		return NULL;
	turn->config = *config;
	turn->host_dirty = true;
	TAILQ_INIT(&turn->peers);
	TAILQ_INIT(&turn->logons);
	TAILQ_INIT(&turn->jobs);
	TAILQ_INIT(&turn->failed);
	turn->flush = event_new(config->base, -1, 0, on_flush, turn);
	turn->retry = event_new(config->base, -1, 0, on_retry, turn);
	turn->sweep = event_new(config->base, -1, 0, on_sweep, turn);
	turn->account =
	    account_new(config->base, config->account_file, &account_ops, turn);
	turn->watch = turn_watch_new(turn);
	if (turn_open_rules(turn) && turn->flush != NULL &&
	    turn->retry != NULL && turn->sweep != NULL &&
	    turn->account != NULL && turn->watch != NULL)
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

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void
turn_free_logon(struct turn *turn, struct logon *logon)
{
	TAILQ_REMOVE(&turn->logons, logon, entry);
	logon_free(logon);
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
	while (!TAILQ_EMPTY(&turn->logons))
		turn_free_logon(turn, TAILQ_FIRST(&turn->logons));
	turn_watch_free(turn->watch);
	turn_close_rules(turn);
	account_free(turn->account);
	free_event(turn->flush);
	free_event(turn->retry);
	free_event(turn->sweep);
	free(turn);
}

const struct peer_list *
turn_peers(const struct turn *turn)
{
	return &turn->peers;
}

const struct logon_list *
turn_logons(const struct turn *turn)
{
	return &turn->logons;
}

/*
 * Jobs and news.
 */

void
turn_add_job(struct turn *turn, struct job *job)
{
	struct logon *logon = job->logon;

	if (logon != NULL)
		logon->jobs++;
	TAILQ_INSERT_TAIL(&turn->jobs, job, entry);
	/* Runs after all that is active in this turn. */
	event_active(turn->flush, 0, 0);
}

static void
on_job(void *arg, struct job *job)
{
	if (job->type != JOB_RULES || !turn_replaces_rules(arg, job))
		turn_add_job(arg, job);
}

void
turn_retry_event(struct event *event)
{
	(void)event_add(event, &retry_after);
}

void
turn_retry_later(struct turn *turn)
{
	turn_retry_event(turn->retry);
}

static void
on_news(void *arg, const struct peer *peer, const char *name,
        const struct peer_reader *reader, struct wire_view text)
{
	const struct turn *turn = arg;

	if (turn->config.on_news != NULL)
		turn->config.on_news(turn->config.arg, peer, name, reader, text,
		                     NULL);
}

void
turn_tell(const struct turn *turn, const struct peer *peer, const char *name,
          struct wire_view text, const struct keep_ack *result)
{
	if (turn->config.on_news != NULL)
		turn->config.on_news(turn->config.arg, peer, name, NULL, text,
		                     result);
}

/*
 * The end of a log-on.
 */

struct job *
turn_new_end(struct logon *logon, enum engine_end how, struct wire_view reason)
{
	struct job *job = job_new(JOB_END, logon->id, logon->connection, 0);

	if (job == NULL)
		return NULL;
	job->logon = logon;
	job->how = how;
	job_set_reason(job, reason);
	return job;
}

void
turn_add_end(struct turn *turn, struct logon *logon, struct job *job)
{
	logon->ended = true;
	logon->peer = NULL;
	turn_add_job(turn, job);
}

bool
turn_end_logon(struct turn *turn, struct logon *logon, enum engine_end how,
               struct wire_view reason, struct peer *peer)
{
	struct job *job = turn_new_end(logon, how, reason);

	if (job == NULL)
		return false;
	job->arg = peer;
	turn_add_end(turn, logon, job);
	return true;
}

/*
 * A connection comes.
 */

static struct peer *
find_peer(const struct turn *turn, const char *id)
{
	struct peer *peer;

	TAILQ_FOREACH (peer, &turn->peers, entry)
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

	if (peer == NULL || !turn_give_logon(turn, peer)) {
		log_note(LOG_ERROR, "attach-refused", "out of memory");
		peer_free(peer);
		return;
	}
	peer->number = ++turn->numbers;
	TAILQ_INSERT_TAIL(&turn->peers, peer, entry);
	peer_save(peer);
}

/*
 * The end of a connection.
 */

/* Does the log-on go on without a connection? */
static bool
outlives(const struct peer *peer, const struct keep_over *said)
{
	return said != NULL && said->how == KEEP_END_DISCONNECT &&
	       peer->logon->bound;
}

void
turn_hang_up(struct turn *turn, struct peer *peer, const struct keep_over *said,
             struct wire_view reason)
{
	enum engine_end how =
	    said != NULL ? ENGINE_END_LOGOFF : ENGINE_END_CRASH;
	bool gone = peer->fd < 0;

	peer_hang_up(peer);
	if (gone && !peer->unended)
		return;
	peer->unended = false;
	if (outlives(peer, said) && turn_detach(turn, peer, said))
		return;
	if (turn_end_logon(turn, peer->logon, how, reason, peer))
		return;
	turn->troubled = true;
	peer->unended = true; /* on_retry comes back to it */
	turn_retry_later(turn);
}

static void
on_over(void *arg, struct peer *peer, const struct keep_over *said,
        struct wire_view reason)
{
	turn_hang_up(arg, peer, said, reason);
}

static void
end_by_host(struct turn *turn, struct logon *logon, struct wire_view reason)
{
	if (logon->peer == NULL) {
		(void)turn_end_logon(turn, logon, ENGINE_END_HOST, reason,
		                     NULL);
		return;
	}
	peer_log_off(logon->peer);
	turn_log_off_peer(turn, logon->peer, ENGINE_END_HOST, reason);
}

void
turn_log_off(struct turn *turn, struct wire_view host_session,
             struct wire_view reason)
{
	struct logon *logon;

	TAILQ_FOREACH (logon, &turn->logons, entry) {
		struct wire_view name = wire_view_text(logon->host_session);

		if (!logon->ended && host_session.len > 0 &&
		    wire_view_equal(name, host_session))
			end_by_host(turn, logon, reason);
	}
}

void
turn_log_off_user(struct turn *turn, const char *user, struct wire_view reason)
{
	struct logon *logon;

	TAILQ_FOREACH (logon, &turn->logons, entry) {
		if (!logon->ended && logon->bound &&
		    strcmp(peer_text(logon->user), user) == 0)
			end_by_host(turn, logon, reason);
	}
}

/*
 * The start and the end of the keeper.
 */

void
turn_end_others(struct turn *turn)
{
	struct job *job = job_new(JOB_END_OTHERS, "", "", 0);
	struct logon *logon = TAILQ_FIRST(&turn->logons);

	while (logon != NULL) {
		struct logon *next = TAILQ_NEXT(logon, entry);

		if (logon->awaited)
			turn_free_logon(turn, logon);
		logon = next;
	}
	if (job != NULL)
		turn_add_job(turn, job);
}

void
turn_end_all(struct turn *turn, const char *reason)
{
	struct wire_view text = wire_view_text(reason);
	struct peer *peer;
	struct logon *logon;

	TAILQ_FOREACH (peer, &turn->peers, entry)
		if (peer->fd >= 0)
			turn_hang_up(turn, peer, NULL, text);
	TAILQ_FOREACH (logon, &turn->logons, entry)
		if (!logon->ended && logon->peer == NULL && !logon->awaited)
			(void)turn_end_logon(turn, logon, ENGINE_END_RESTART,
			                     text, NULL);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct turn *turn = arg;

	(void)fd;
	(void)what;
	turn_run(turn);
	if (turn_needs_retry(turn))
		turn_retry_later(turn);
}

static void
retry_peer(struct turn *turn, struct peer *peer)
{
	if (peer->unended)
		turn_hang_up(turn, peer, NULL,
		             wire_view_text("connection closed"));
	else if (peer->unsaved && peer->fd >= 0)
		peer_save(peer);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct turn *turn = arg;
	struct peer *peer;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (peer, &turn->peers, entry)
		retry_peer(turn, peer);
	TAILQ_CONCAT(&turn->jobs, &turn->failed, entry);
	turn_show_dirty(turn);
	event_active(turn->flush, 0, 0);
}

/* Now it is known who is to be let in. */
static void
on_account(void *arg, const char *user)
{
	struct turn *turn = arg;

	turn_mark_user(turn, user);
	turn_show_dirty(turn);
	if (turn_needs_retry(turn))
		turn_retry_later(turn);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	turn_sweep(arg);
}

void
turn_sweep(struct turn *turn)
{
	struct job *job = job_new(JOB_SWEEP, "", "", 0);

	if (job != NULL)
		turn_add_job(turn, job);
}

void
turn_repair(struct turn *turn)
{
	struct logon *logon;

	TAILQ_FOREACH (logon, &turn->logons, entry)
		logon->dirty |= logon->peer == NULL || !logon->peer->syncing;
	turn->host_dirty = true;
	turn->troubled = true; /* or so it may be: look */
	turn_show_dirty(turn);
	if (turn_needs_retry(turn))
		turn_retry_later(turn);
}

static bool
shows_scope(const struct logon *logon, const char *scope)
{
	static const char user[] = "user:";
	static const char session[] = "session:";

	if (strncmp(scope, user, sizeof(user) - 1) == 0)
		return strcmp(peer_text(logon->user),
		              scope + sizeof(user) - 1) == 0;
	if (strncmp(scope, session, sizeof(session) - 1) == 0)
		return strcmp(logon->id, scope + sizeof(session) - 1) == 0;
	return true;
}

void
turn_repair_scope(struct turn *turn, const char *scope)
{
	struct logon *logon;

	TAILQ_FOREACH (logon, &turn->logons, entry)
		logon->dirty |= shows_scope(logon, scope) &&
		                (logon->peer == NULL || !logon->peer->syncing);
	turn->host_dirty |= strcmp(scope, ENGINE_HOST_SCOPE) == 0;
	turn_show_dirty(turn);
	if (turn_needs_retry(turn))
		turn_retry_later(turn);
}

static size_t
count_jobs(const struct job_list *jobs)
{
	const struct job *job;
	size_t count = 0;

	TAILQ_FOREACH (job, jobs, entry)
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
