#include "turn_private.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void on_rule(evutil_socket_t fd, short what, void *arg);

/* Others get their turn in between. */
static const struct timeval next_slice = {.tv_usec = 1000};

bool
turn_open_rules(struct turn *turn)
{
	TAILQ_INIT(&turn->sections);
	TAILQ_INIT(&turn->coming);
	turn->rule = event_new(turn->config.base, -1, 0, on_rule, turn);
	return turn->rule != NULL;
}

static void
section_free(struct section *section)
{
	if (section == NULL)
		return;
	free(section->message);
	free(section->policy);
	free(section);
}

static void
forget_sections(struct section_list *list)
{
	struct section *section;

	while ((section = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, section, entry);
		section_free(section);
	}
}

void
turn_close_rules(struct turn *turn)
{
	if (turn->rule != NULL)
		event_free(turn->rule);
	forget_sections(&turn->sections);
	forget_sections(&turn->coming);
}

static struct section *
section_new(const struct keep_rules *rules, struct wire_view datagram)
{
	struct section *section = calloc(1, sizeof(*section));

	if (section == NULL)
		return NULL;
	section->message = malloc(datagram.len);
	section->policy =
	    strndup((const char *)rules->policy.data, rules->policy.len);
	if (section->message == NULL || section->policy == NULL) {
		section_free(section);
		return NULL;
	}
	memcpy(section->message, datagram.data, datagram.len);
	section->message_len = datagram.len;
	return section;
}

/* A section that is forgotten for want of memory counts as gone. */
void
turn_rule(struct turn *turn, const struct keep_rules *rules,
          struct wire_view datagram)
{
	struct section *section =
	    rules->policy.len > 0 ? section_new(rules, datagram) : NULL;

	if (section != NULL)
		TAILQ_INSERT_TAIL(&turn->coming, section, entry);
	else
		log_note(LOG_ERROR, "rules", "a section is not taken");
}

/* NULL: it is gone, or the log-on never had one. */
static const struct section *
find_section(const struct turn *turn, const char *policy)
{
	const struct section *section;

	TAILQ_FOREACH (section, &turn->sections, entry)
		if (strcmp(section->policy, peer_text(policy)) == 0)
			return section;
	return NULL;
}

bool
turn_replaces_rules(struct turn *turn, struct job *job)
{
	struct job *old;

	TAILQ_FOREACH (old, &turn->failed, entry) {
		if (old->type != JOB_RULES || old->logon != job->logon)
			continue;
		free(old->message);
		old->message = job->message;
		old->message_len = job->message_len;
		old->settled = job->settled;
		old->matched &= job->matched;
		memcpy(old->connection, job->connection,
		       sizeof(old->connection));
		job->message = NULL;
		job_free(job);
		return true;
	}
	return false;
}

/* Does this section look whose a card is?  Then it did so before, too. */
static bool
looks_whose(const struct section *section)
{
	struct wire_in in = wire_in(section->message, section->message_len);
	struct keep_msg msg;

	return keep_decode(&in, &msg) && msg.rules.match;
}

static struct job *
new_judgement(const struct turn *turn, struct logon *logon)
{
	const struct section *section = find_section(turn, logon->policy);
	struct job *job = job_new(JOB_RULES, logon->id, "", 0);

	if (job == NULL || !job_set_user(job, logon->user) ||
	    (section != NULL &&
	     !job_set_message(job, (struct wire_view){section->message,
	                                              section->message_len}))) {
		job_free(job);
		return NULL;
	}
	job->logon = logon;
	job->settled = logon->grace == NULL ||
	               !event_pending(logon->grace, EV_TIMEOUT, NULL);
	job->matched = logon->matched;
	logon->matched = section != NULL && looks_whose(section);
	return job;
}

/* False: no memory, it is tried again. */
static bool
judge(struct turn *turn, struct logon *logon)
{
	struct job *job = new_judgement(turn, logon);

	logon->unruled = job == NULL;
	if (job == NULL)
		return false;
	if (!turn_replaces_rules(turn, job))
		turn_add_job(turn, job);
	return true;
}

void
turn_judge(struct turn *turn, struct logon *logon)
{
	if (turn->ruled && !judge(turn, logon))
		turn_retry_event(turn->rule);
}

static bool
is_detached(const struct logon *logon)
{
	return logon->detached_at != 0 && !logon->ended;
}

void
turn_ruled_all(struct turn *turn)
{
	struct logon *logon;

	forget_sections(&turn->sections);
	TAILQ_CONCAT(&turn->sections, &turn->coming, entry);
	turn->ruled = true;
	TAILQ_FOREACH (logon, &turn->logons, entry)
		logon->unruled = is_detached(logon);
	on_rule(-1, 0, turn);
}

static void
on_rule(evutil_socket_t fd, short what, void *arg)
{
	struct turn *turn = arg;
	struct logon *logon;
	size_t left = JOB_TURN_MAX;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (logon, &turn->logons, entry) {
		if (!logon->unruled)
			continue;
		if (left-- == 0) {
			(void)event_add(turn->rule, &next_slice);
			return;
		}
		/* Who is connected is judged by the session. */
		if (!is_detached(logon)) {
			logon->unruled = false;
		} else if (!judge(turn, logon)) {
			turn_retry_event(turn->rule);
			return;
		}
	}
}
