#include "ruling.h"

#include "groups.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MINUTE = 60 };

struct ruling {
	struct ruling_start start;
	const struct ruling_ops *ops;
	void *arg;
	struct config *reloaded; /* NULL: the one of the start still counts */
	const struct policy *policy;
	enum policy_choice choice;
	const char *named; /* what the target asks for, or NULL */
	char *client_name;
	char *user; /* NULL: not known */
	struct groups *groups;
	bool groups_asked;
	bool settled;
	struct event *minute;
};

static void on_minute(evutil_socket_t fd, short what, void *arg);

static const struct config *
config_of(const struct ruling *r)
{
	return r->reloaded != NULL ? r->reloaded : r->start.config;
}

static void
choose(struct ruling *r)
{
	struct policy_subject subject = {.user = r->user,
	                                 .client_addr = r->start.client_addr,
	                                 .client_name = r->client_name,
	                                 .target = r->start.target->name};
	time_t now = time(NULL);

	subject.groups = groups_names(r->groups, &subject.group_count);
	(void)localtime_r(&now, &subject.when);
	r->policy = policy_select(&config_of(r)->policies, r->named, &subject,
	                          &r->choice);
}

static void
log_choice(const struct ruling *r)
{
	static const char *const how[] = {
	    [POLICY_NAMED] = "named by the target",
	    [POLICY_MATCHED] = "matched",
	    [POLICY_DEFAULT] = "nothing else matched",
	};
	struct log_event ev = log_event(LOG_NOTICE, "policy");

	log_text(&ev, "section", r->policy->certprop.name);
	log_text(&ev, "because", how[r->choice]);
	log_write(&ev);
}

/* To the next minute of the clock on the wall. */
static void
arm_minute(struct ruling *r)
{
	struct timeval tv = {MINUTE - time(NULL) % MINUTE, 0};

	(void)event_del(r->minute);
	if (policy_list_asks_time(&config_of(r)->policies))
		(void)event_add(r->minute, &tv);
}

static void
choose_again(struct ruling *r)
{
	const struct policy *before = r->policy;

	choose(r);
	if (r->policy == before)
		return;
	log_choice(r);
	r->ops->on_changed(r->arg, r->policy);
}

struct ruling *
ruling_new(const struct ruling_start *start, const struct ruling_ops *ops,
           void *arg)
{
	struct ruling *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->start = *start;
	r->ops = ops;
	r->arg = arg;
	r->named = start->target->policy;
	r->client_name = strdup(start->client_name);
	r->minute = evtimer_new(start->base, on_minute, r);
	if (r->client_name == NULL || r->minute == NULL) {
		ruling_free(r);
		return NULL;
	}
	choose(r);
	log_choice(r);
	arm_minute(r);
	return r;
}

void
ruling_free(struct ruling *ruling)
{
	if (ruling == NULL)
		return;
	if (ruling->minute != NULL)
		event_free(ruling->minute);
	groups_free(ruling->groups);
	config_free(ruling->reloaded);
	free(ruling->client_name);
	free(ruling->user);
	free(ruling);
}

const struct policy *
ruling_policy(const struct ruling *ruling)
{
	return ruling->policy;
}

static void
on_minute(evutil_socket_t fd, short what, void *arg)
{
	struct ruling *r = arg;

	(void)fd;
	(void)what;
	arm_minute(r);
	choose_again(r);
}

/*
 * The user.
 */

static void
settle(struct ruling *r)
{
	choose_again(r);
	if (r->settled)
		return;
	r->settled = true;
	r->ops->on_settled(r->arg);
}

static void
on_groups(void *arg, const struct groups *groups, const char *why)
{
	struct ruling *r = arg;
	struct log_event ev =
	    log_event(why == NULL ? LOG_INFO : LOG_WARNING, "groups");
	size_t count;

	(void)groups_names(groups, &count);
	log_text(&ev, "user", r->user);
	log_number(&ev, "count", (int64_t)count);
	if (why != NULL)
		log_text(&ev, "reason", why);
	log_write(&ev);
	settle(r);
}

/* True: they are asked for, and on_groups will be called. */
static bool
ask_groups(struct ruling *r)
{
	if (r->user == NULL || r->groups_asked ||
	    !policy_list_asks_groups(&config_of(r)->policies))
		return false;
	r->groups_asked = true;
	r->groups = groups_ask(r->start.base, r->user, on_groups, r);
	if (r->groups == NULL)
		log_note(LOG_WARNING, "groups", "they cannot be looked up");
	return r->groups != NULL;
}

void
ruling_identify(struct ruling *ruling, const char *user)
{
	if (ruling->user != NULL)
		return;
	ruling->user = strdup(user);
	if (ruling->user == NULL)
		log_note(LOG_ERROR, "policy", "memory is short");
	if (!ask_groups(ruling))
		settle(ruling);
}

void
ruling_forget(struct ruling *ruling)
{
	groups_free(ruling->groups);
	ruling->groups = NULL;
	ruling->groups_asked = false;
	ruling->settled = false;
	free(ruling->user);
	ruling->user = NULL;
	choose_again(ruling);
}

/*
 * The configuration.
 */

void
ruling_reload(struct ruling *ruling, struct config *config)
{
	struct config *before = ruling->reloaded;
	const struct config_target *target =
	    config_target(config, ruling->start.target->name);

	if (target == NULL) {
		log_note(LOG_WARNING, "reload",
		         "the session's target is gone: its policy stays");
		config_free(config);
		return;
	}
	ruling->reloaded = config;
	ruling->named = target->policy;
	choose(ruling);
	log_choice(ruling);
	ruling->ops->on_changed(ruling->arg, ruling->policy);
	config_free(before);
	arm_minute(ruling);
	(void)ask_groups(ruling);
}
