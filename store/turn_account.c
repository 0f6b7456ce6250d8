#include "turn_private.h"

#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void on_tick(evutil_socket_t fd, short what, void *arg);

enum { SLICE = 32 /* accounts that are asked for at once */ };

/*
 * A pass looks for every account that is known.  There is one when the file of
 * accounts is another than before, and again while one of them is missing or
 * was not answered for.
 */
struct account_watch {
	struct turn *turn;
	struct event *tick;
	struct stat seen; /* the file as it was at the last pass */
	bool passing;
	bool again;  /* something has to be looked for once more */
	char *after; /* the owner before the next one */
	size_t of_slice;
};

static unsigned
seconds_of(const struct turn *turn)
{
	return turn->config.account_s > 0 ? turn->config.account_s
	                                  : TURN_ACCOUNT_S;
}

/* The next slice soon, the next pass later. */
static bool
arm(struct account_watch *watch)
{
	const struct timeval soon = {.tv_usec = 100000};
	const struct timeval later = {.tv_sec = seconds_of(watch->turn)};

	return event_add(watch->tick, watch->passing ? &soon : &later) == 0;
}

struct account_watch *
turn_watch_new(struct turn *turn)
{
	struct account_watch *watch = calloc(1, sizeof(*watch));

	if (watch == NULL)
		return NULL;
	watch->turn = turn;
	watch->tick = event_new(turn->config.base, -1, 0, on_tick, watch);
	if (watch->tick != NULL && arm(watch))
		return watch;
	turn_watch_free(watch);
	return NULL;
}

void
turn_watch_free(struct account_watch *watch)
{
	if (watch == NULL)
		return;
	if (watch->tick != NULL)
		event_free(watch->tick);
	free(watch->after);
	free(watch);
}

/*
 * Looking.
 */

static bool
is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* A file that is not there says nothing of anybody. */
static bool
is_due(struct account_watch *watch)
{
	const char *file = watch->turn->config.account_file;
	struct stat now;

	if (stat(file != NULL ? file : ACCOUNT_FILE, &now) != 0)
		return false;
	bool same = is_same_file(&now, &watch->seen);

	watch->seen = now;
	return !same || watch->again;
}

static void
on_owner(void *arg, struct wire_view owner, int64_t uid)
{
	struct account_watch *watch = arg;
	char *user = strndup((const char *)owner.data, owner.len);

	watch->of_slice++;
	if (user == NULL) {
		watch->again = true;
		return;
	}
	watch->again |= !account_look(watch->turn->account, user, (uid_t)uid);
	free(watch->after);
	watch->after = user;
}

static void
look_on(struct account_watch *watch)
{
	watch->of_slice = 0;
	if (!engine_list_accounts(watch->turn->config.engine,
	                          wire_view_text(watch->after), SLICE, on_owner,
	                          watch))
		watch->again = true;
	watch->passing = watch->of_slice == SLICE;
}

static void
begin_pass(struct account_watch *watch)
{
	free(watch->after);
	watch->after = NULL;
	watch->again = false;
	watch->passing = true;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct account_watch *watch = arg;

	(void)fd;
	(void)what;
	/* Of the last pass: it is too late for these. */
	watch->again |=
	    !watch->passing && account_looks(watch->turn->account) > 0;
	if (!watch->passing && is_due(watch))
		begin_pass(watch);
	if (watch->passing)
		look_on(watch);
	(void)arm(watch);
}

void
turn_on_look(void *arg, const char *user, uid_t uid,
             enum account_presence presence)
{
	struct turn *turn = arg;
	struct job *job = NULL;

	turn->watch->again |= presence != ACCOUNT_THERE;
	if (presence == ACCOUNT_UNCLEAR)
		return;
	job = job_new(JOB_LOOKED, "", "", 0);
	if (job == NULL || !job_set_user(job, user)) {
		job_free(job);
		turn->watch->again = true;
		return;
	}
	job->uid = uid;
	job->there = presence == ACCOUNT_THERE;
	job->wait = 2 * (int64_t)seconds_of(turn);
	turn_add_job(turn, job);
}

/*
 * What was found.
 */

static void
log_account(const char *event, const char *user, uid_t uid)
{
	struct log_event ev = log_event(LOG_NOTICE, event);

	log_text(&ev, "user", user);
	if (uid != ACCOUNT_NONE)
		log_number(&ev, "uid", uid);
	log_write(&ev);
}

void
turn_note_account(struct turn *turn, struct logon *logon, uid_t uid)
{
	struct job *job = NULL;

	if (uid == ACCOUNT_NONE || logon->noted == uid || logon->ended ||
	    !account_is_own(turn->account, peer_text(logon->user)))
		return;
	job = job_new(JOB_ACCOUNT, logon->id, "", 0);
	if (job == NULL || !job_set_user(job, logon->user)) {
		job_free(job);
		return; /* the next look at its view comes here again */
	}
	job->uid = uid;
	job->logon = logon;
	logon->noted = uid;
	turn_add_job(turn, job);
}

void
turn_finish_account(const struct job *job)
{
	struct logon *logon = job->logon;

	if (!job->result.ok)
		logon->noted = ACCOUNT_NONE;
}

/* The rows go after the log-ons' ends, which are jobs before this one. */
static bool
forget(struct turn *turn, const char *user, const char *who)
{
	struct job *job = job_new(JOB_FORGET, "", "", 0);

	if (job == NULL || !job_set_user(job, user)) {
		job_free(job);
		return false;
	}
	job_set_reason(job, wire_view_text(who));
	turn_log_off_user(turn, user, wire_view_text("the user is removed"));
	turn_add_job(turn, job);
	return true;
}

void
turn_finish_look(struct turn *turn, const struct job *job)
{
	if (!job->result.ok)
		turn->watch->again = true;
	if (!job->result.ok || !job->gone)
		return;
	log_account("account-removed", job->user, job->uid);
	if (!forget(turn, job->user, "the account is removed"))
		turn->watch->again = true;
}

static void
log_forgotten(const struct job *job)
{
	struct log_event ev = log_event(LOG_NOTICE, "user-forgotten");

	log_text(&ev, "user", job->user);
	log_text(&ev, "because", job->reason);
	log_number(&ev, "entries", job->forgotten.entries);
	log_number(&ev, "claims", job->forgotten.claims);
	log_write(&ev);
}

void
turn_finish_forget(struct turn *turn, const struct job *job)
{
	if (!job->result.ok)
		return;
	if (turn->forgotten != NULL) {
		turn->forgotten->entries += job->forgotten.entries;
		turn->forgotten->claims += job->forgotten.claims;
		turn->forgotten->more = job->more;
	}
	log_forgotten(job);
	if (job->more && !forget(turn, job->user, job->reason))
		turn->watch->again = true;
}

bool
turn_forget_user(struct turn *turn, const char *user, const char *who,
                 struct engine_forgotten *forgotten)
{
	*forgotten = (struct engine_forgotten){.more = true};
	if (!forget(turn, user, who))
		return false;
	turn->forgotten = forgotten;
	turn_flush(turn);
	turn->forgotten = NULL;
	return !forgotten->more;
}
