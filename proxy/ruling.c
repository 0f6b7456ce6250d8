#include "ruling.h"

#include "groups.h"
#include "policyrow.h"

#include <stdio.h>
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
	struct policyrows before; /* while a change is under way */
	char before_name[64];
	struct event *minute;
};

static void on_minute(evutil_socket_t fd, short what, void *arg);

static struct config *
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

/*
 * What changes.  The old values are put into words first: after the change what
 * they were made of is gone.
 */

static void
note_before(struct ruling *r)
{
	policyrows_clear(&r->before);
	r->before = policyrows_of(r->policy);
	(void)snprintf(r->before_name, sizeof(r->before_name), "%s",
	               r->policy->certprop.name);
}

/* "CertPropEnabled=0 ({GUID}), ..."; without before, what is not default. */
static void
describe_changes(const struct ruling *r, const struct policyrows *after,
                 char *out, size_t size)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < after->count && len < size; i++) {
		const struct policyrow *row = &after->items[i];
		int wrote;

		if (strncmp(row->key, "match_", 6) == 0)
			continue; /* says for whom, not what */
		if (r->before.count == 0 ? !row->given
		                         : policyrows_have(&r->before, row))
			continue;
		wrote = snprintf(out + len, size - len, "%s%s=%s (%s)",
		                 len == 0 ? "" : ", ", row->key, row->value,
		                 row->origin);
		len += wrote < 0 ? size : (size_t)wrote;
	}
}

/* A list that is empty now has no row any more. */
static bool
lost_rows(const struct policyrows *before, const struct policyrows *after)
{
	for (size_t i = 0; i < before->count; i++)
		if (!policyrows_have(after, &before->items[i]))
			return true;
	return false;
}

static void
log_change(struct ruling *r)
{
	static const char *const how[] = {
	    [POLICY_NAMED] = "named by the target",
	    [POLICY_MATCHED] = "matched",
	    [POLICY_DEFAULT] = "nothing else matched",
	};
	struct policyrows after = policyrows_of(r->policy);
	struct log_event ev = log_event(LOG_NOTICE, "policy");
	const char *section = r->policy->certprop.name;
	char text[LOG_LINE_MAX];

	describe_changes(r, &after, text, sizeof(text));
	log_text(&ev, "section", section);
	log_text(&ev, "because", how[r->choice]);
	log_number(&ev, "generation", config_of(r)->policies.generation);
	if (text[0] != '\0')
		log_text(&ev, "changed", text);
	if (r->before.count == 0 || strcmp(section, r->before_name) != 0 ||
	    text[0] != '\0' || lost_rows(&r->before, &after))
		log_write(&ev);
	policyrows_clear(&after);
	policyrows_clear(&r->before);
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

	note_before(r);
	choose(r);
	if (r->policy == before)
		return;
	log_change(r);
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
	log_change(r);
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
	policyrows_clear(&ruling->before);
	free(ruling->client_name);
	free(ruling->user);
	free(ruling);
}

const struct policy *
ruling_policy(const struct ruling *ruling)
{
	return ruling->policy;
}

uint32_t
ruling_generation(const struct ruling *ruling)
{
	return config_of(ruling)->policies.generation;
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
ruling_reload(struct ruling *ruling, struct config *config, uint32_t generation)
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
	note_before(ruling);
	gpo_free(config_load_policies(config, config_of(ruling)->gpos));
	config->policies.generation = generation;
	ruling->reloaded = config;
	ruling->named = target->policy;
	choose(ruling);
	log_change(ruling);
	ruling->ops->on_changed(ruling->arg, ruling->policy);
	config_free(before);
	arm_minute(ruling);
	(void)ask_groups(ruling);
}

/* Sections stay where they are and what is in force in them changes. */
void
ruling_refresh(struct ruling *ruling, uint32_t generation)
{
	struct config *config = config_of(ruling);

	note_before(ruling);
	gpo_free(config_load_policies(config, config->gpos));
	config->policies.generation = generation;
	log_change(ruling);
	ruling->ops->on_changed(ruling->arg, ruling->policy);
}
