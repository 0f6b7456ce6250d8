#include "turn_private.h"

#include "log.h"

#include <string.h>
#include <time.h>

static void on_settle(evutil_socket_t fd, short what, void *arg);

/* The connection speaks for a log-on that has just begun. */
static void
give(struct turn *turn, struct peer *peer, struct logon *logon)
{
	logon->peer = peer;
	peer->logon = logon;
	logon->number = ++turn->numbers;
	TAILQ_INSERT_TAIL(&turn->logons, logon, entry);
}

/* A log-on without a user, that a connection speaks for from now on. */
static bool
begin_logon(struct turn *turn, struct peer *peer)
{
	bool first =
	    peer->logon == NULL && logon_find(&turn->logons, peer->id) == NULL;
	struct logon *logon =
	    first ? logon_new(peer->id, peer->id) : logon_new_random(peer->id);

	if (logon == NULL)
		return false;
	logon->started_at = first ? peer->started_at : time(NULL);
	give(turn, peer, logon);
	return true;
}

/* A keeper that was restarted knows whom a connection spoke for. */
bool
turn_give_logon(struct turn *turn, struct peer *peer)
{
	struct logon *logon = logon_find_awaited(&turn->logons, peer->id);

	if (logon == NULL)
		return begin_logon(turn, peer);
	peer->logon = logon;
	logon_attach(logon, peer, peer->id);
	return true;
}

void
turn_log_off_peer(struct turn *turn, struct peer *peer, enum engine_end how,
                  struct wire_view reason)
{
	struct logon *logon = peer->logon;

	if (begin_logon(turn, peer)) {
		if (turn_end_logon(turn, logon, how, reason, NULL)) {
			peer_save(peer);
			return;
		}
		turn_free_logon(turn, peer->logon);
		peer->logon = logon;
	}
	/* Without memory the connection goes, too. */
	turn_hang_up(turn, peer, NULL, reason);
}

/*
 * Resuming: a log-on gets another connection.
 */

/* Time is up: all that is present has been asserted, or it is not there. */
static void
settle(struct peer *peer)
{
	struct job *job = job_new(JOB_SETTLED, peer->logon->id, peer->id, 0);

	if (job == NULL) {
		turn_retry_event(peer->settle);
		return;
	}
	job->arg = peer;
	job->logon = peer->logon;
	peer->ops->on_job(peer->arg, job);
}

static void
on_settle(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	settle(arg);
}

static struct timeval
settle_after(const struct turn *turn)
{
	unsigned s = turn->config.settle_s;

	return (struct timeval){.tv_sec = s > 0 ? s : TURN_SETTLE_S};
}

/* What earlier connections asserted has to be found again by then. */
static void
await_synced(struct turn *turn, struct peer *peer)
{
	const struct timeval after = settle_after(turn);

	if (peer->settle == NULL)
		peer->settle =
		    event_new(turn->config.base, -1, 0, on_settle, peer);
	if (peer->settle == NULL)
		return;
	if (peer->synced)
		settle(peer);
	else
		(void)event_add(peer->settle, &after);
}

/*
 * Another connection has its log-on: whatever this one still says or does, also
 * that it ends, is of an empty one.
 */
static void
dismiss(struct turn *turn, struct peer *peer, struct logon *empty)
{
	struct log_event ev = log_event(LOG_INFO, "session-taken-over");

	log_text(&ev, "session", peer->id);
	log_text(&ev, "logon", peer->logon->id);
	log_write(&ev);
	empty->started_at = time(NULL);
	logon_name(empty, peer->logon->host_session, "");
	give(turn, peer, empty);
	if (peer->settle != NULL)
		(void)event_del(peer->settle);
	peer_log_off(peer);
	peer_save(peer);
}

static void
report_resumed(const struct turn *turn, const struct peer *peer)
{
	const struct logon *logon = peer->logon;
	struct log_event ev = log_event(LOG_INFO, "session-resumed");

	log_text(&ev, "session", peer->id);
	log_text(&ev, "logon", logon->id);
	log_text(&ev, "user", logon->user);
	log_write(&ev);
	turn_tell(turn, peer, "session-resumed", wire_view_text(logon->id),
	          NULL);
}

/* What the connection had until now was no log-on of its own. */
static bool
end_before(struct turn *turn, struct logon *before, const struct logon *logon)
{
	struct job *job =
	    turn_new_end(before, ENGINE_END_RESUMED, wire_view_text("resumed"));

	if (job == NULL)
		return false;
	if (before->bound)
		job_set_successor(job, logon->id);
	turn_add_end(turn, before, job);
	return true;
}

static void
resume(struct turn *turn, struct peer *peer, struct logon *logon)
{
	struct peer *old = logon->peer;
	struct logon *empty = old != NULL ? logon_new_random(old->id) : NULL;

	if ((old != NULL && empty == NULL) ||
	    !end_before(turn, peer->logon, logon)) {
		logon_free(empty);
		return;
	}
	if (old != NULL)
		dismiss(turn, old, empty);
	peer->logon = logon;
	logon_attach(logon, peer, peer->id);
	logon->dirty = true;
	peer_save(peer);
	await_synced(turn, peer);
	report_resumed(turn, peer);
}

/*
 * The user is known for the first time: a new log-on, or one resumed?  Who
 * comes to a server's session from another client takes it over: the server
 * tells the old one to go (error info 0x05), and it may hear of that later than
 * we do.
 */
static void
bind_user(struct turn *turn, struct peer *peer)
{
	struct logon *logon = logon_find_resumable(
	    &turn->logons, peer->user, peer->target, peer->host_session);

	peer->synced = false;
	if (logon != NULL)
		resume(turn, peer, logon);
	logon_bind(peer->logon, peer->user);
	logon_index(peer->logon, &turn->users);
}

/* The server's name is known after the user: then it may be another's, too. */
static void
bind_name(struct turn *turn, struct peer *peer)
{
	struct logon *logon =
	    logon_find_named(&turn->logons, peer->logon, peer->logon->user,
	                     peer->target, peer->host_session);

	if (logon == NULL)
		return;
	resume(turn, peer, logon);
	/* They were said of the other one. */
	if (peer->logon == logon && !peer_judge(peer))
		turn_hang_up(turn, peer, NULL, wire_view_text("out of memory"));
}

/*
 * Was it taken over, or its log-on ended by the host?  Then what it has now has
 * that name and no user, also after a restart of the keeper.
 */
static bool
is_dismissed(const struct peer *peer)
{
	return !peer->logon->bound &&
	       logon_is_called(peer->logon, peer->host_session);
}

void
turn_on_state(void *arg, struct peer *peer)
{
	struct turn *turn = arg;
	const struct keep_hello hello = {
	    .target = wire_view_text(peer->target),
	    .client_name = wire_view_text(peer->client_name),
	    .client_addr = wire_view_text(peer->client_addr),
	};

	if (peer_text(peer->user)[0] != '\0' && is_dismissed(peer))
		peer_log_off(peer);
	const char *user = peer_text(peer->user);

	if (peer->logon->bound && strcmp(peer->logon->user, user) != 0)
		turn_log_off_peer(turn, peer, ENGINE_END_LOGOFF,
		                  wire_view_text("log-off"));
	if (peer->fd < 0)
		return;
	if (user[0] != '\0' && !peer->logon->bound)
		bind_user(turn, peer);
	else if (peer->logon->bound &&
	         !logon_is_called(peer->logon, peer->host_session))
		bind_name(turn, peer);
	if (peer->fd < 0)
		return;
	logon_describe(peer->logon, &hello);
	if (peer->logon->bound)
		logon_name(peer->logon, peer->host_session, peer->policy);
	peer->logon->purpose = peer->purpose;
}
