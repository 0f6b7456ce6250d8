#include "turn_private.h"

#include "log.h"
#include "userlink.h"

#include <time.h>

static void on_grace(evutil_socket_t fd, short what, void *arg);
static void on_age(evutil_socket_t fd, short what, void *arg);

/* What a timer of a log-on needs. */
static struct turn *
turn_of(const struct logon *logon)
{
	return logon->owner;
}

static void
on_grace(evutil_socket_t fd, short what, void *arg)
{
	struct logon *logon = arg;
	struct job *job = job_new(JOB_RELEASED, logon->id, "", 0);

	(void)fd;
	(void)what;
	if (job == NULL) {
		turn_retry_event(logon->grace);
		return;
	}
	job->logon = logon;
	turn_add_job(turn_of(logon), job);
}

static void
on_age(evutil_socket_t fd, short what, void *arg)
{
	struct logon *logon = arg;

	(void)fd;
	(void)what;
	if (!logon->ended &&
	    !turn_end_logon(turn_of(logon), logon, ENGINE_END_EXPIRED,
	                    wire_view_text("disconnected for too long"), NULL))
		turn_retry_event(logon->age);
}

/* Timers run on the monotonic clock; false: no memory. */
static bool
start_timer(struct turn *turn, struct logon *logon, struct event **timer,
            event_callback_fn callback, int64_t seconds)
{
	const struct timeval after = {.tv_sec = seconds > 0 ? seconds : 0};

	logon->owner = turn;
	*timer = event_new(turn->config.base, -1, 0, callback, logon);
	return *timer != NULL && event_add(*timer, &after) == 0;
}

static bool
start_timers(struct turn *turn, struct logon *logon, int64_t grace_s,
             int64_t age_s)
{
	return (grace_s == 0 ||
	        start_timer(turn, logon, &logon->grace, on_grace, grace_s)) &&
	       (age_s == 0 ||
	        start_timer(turn, logon, &logon->age, on_age, age_s));
}

bool
turn_detach(struct turn *turn, struct peer *peer, const struct keep_over *said)
{
	struct logon *logon = peer->logon;
	struct job *job = job_new(JOB_DETACH, logon->id, peer->id, 0);
	int64_t now = time(NULL);

	if (job == NULL ||
	    !start_timers(turn, logon, said->grace_s, said->max_age_s)) {
		job_free(job);
		return false;
	}
	job->arg = peer;
	job->logon = logon;
	job->grace_until = said->grace_s > 0 ? now + said->grace_s : 0;
	job->expires_at = said->max_age_s > 0 ? now + said->max_age_s : 0;
	job_set_reason(job, said->reason);
	logon_detach(logon, now);
	turn_add_job(turn, job);
	turn_judge(turn, logon);
	return true;
}

static int64_t
remaining(int64_t until, int64_t now)
{
	if (until == 0)
		return 0;
	return until > now ? until - now : 1;
}

static bool
on_known(const struct engine_session *session, void *arg)
{
	struct turn *turn = arg;
	struct logon *logon = logon_load(session);
	int64_t now = time(NULL);

	if (logon == NULL)
		return false;
	if (!session->live && !logon->awaited) {
		logon_free(logon); /* of another gate: it is not taken up */
		return true;
	}
	logon->number = ++turn->numbers;
	TAILQ_INSERT_TAIL(&turn->logons, logon, entry);
	logon_index(logon, &turn->users);
	logon->dirty = !logon->awaited;
	return logon->awaited ||
	       start_timers(turn, logon, remaining(session->grace_until, now),
	                    remaining(session->expires_at, now));
}

/* The links of before are the log-ons' own: with them they go. */
static void
on_link(uid_t user, const char *id, void *arg)
{
	const struct turn *turn = arg;
	struct logon *logon = logon_find(&turn->logons, id);

	if (logon != NULL)
		logon->linked = user;
}

bool
turn_load(struct turn *turn)
{
	if (!engine_list_sessions(turn->config.engine, on_known, turn))
		return false;
	userlink_each(turn->config.run_dirfd, on_link, turn);
	return true;
}
