#include "gate_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"

enum { OVER_KEPT_MS = 60000 };

static void on_new(void *arg, const struct hostlogon_entry *entry);
static void on_gone(void *arg, const struct hostlogon_entry *entry);

static const struct hostlogon_ops ops = {on_new, on_gone};

static bool
asks_host(const struct config *config)
{
	for (size_t i = 0; i < config->target_count; i++) {
		if (config->targets[i].identity & 1U << EVIDENCE_HOST)
			return true;
	}
	return false;
}

const char *
gate_host_missing(const struct config *config)
{
	return asks_host(config) ? hostlogon_missing() : NULL;
}

const char *
gate_host_alone(const struct config *config)
{
	for (size_t i = 0; i < config->target_count; i++) {
		unsigned identity = config->targets[i].identity;

		if (evidence_lacks_user(identity))
			return "identity = host names log-ons, not users: put "
			       "pam or session-info beside it, or nobody is "
			       "known";
		if (identity & EVIDENCE_ALONE)
			return "identity = host-alone: whoever states a name "
			       "and waits is that user once he logs on here";
	}
	return NULL;
}

/* Without a session manager there is nobody to tell of log-offs. */
void
gate_watch_host(struct gate *g)
{
	const char *missing = gate_host_missing(g->config);
	const char *alone = gate_host_alone(g->config);

	if (alone != NULL)
		log_note(LOG_WARNING, "identity", alone);
	if (missing != NULL)
		log_note(LOG_WARNING, "host-logons", missing);
	if (asks_host(g->config) && g->host == NULL)
		g->host = hostlogon_new(g->base, &ops, g);
}

/* Sessions look for their own. */
static void
on_new(void *arg, const struct hostlogon_entry *entry)
{
	(void)arg;
	(void)entry;
}

static void
tell_log_off(struct gate *g, const char *id)
{
	uint8_t datagram[KEEP_TEXT_MAX];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	struct keep_msg msg = {.type = KEEP_LOGOFF};
	char name[sizeof("logind:") + HOSTLOGON_ID_MAX];

	(void)snprintf(name, sizeof(name), "logind:%s", id);
	msg.logoff.host_session = wire_view_text(name);
	msg.logoff.reason = wire_view_text("the host ended the log-on");
	keep_encode(&out, &msg);
	if (g->keeper != NULL && wire_out_ok(&out))
		link_send(g->keeper, wire_written(&out), -1);
}

static void
forget_first(struct gate *g)
{
	struct over *over = TAILQ_FIRST(&g->over);

	TAILQ_REMOVE(&g->over, over, next);
	g->over_count--;
	free(over);
}

void
gate_forget_log_offs(struct gate *g)
{
	while (!TAILQ_EMPTY(&g->over))
		forget_first(g);
}

/* A keeper that has served for so long has heard of what was before. */
static void
forget_heard(struct gate *g)
{
	const struct over *over = TAILQ_FIRST(&g->over);
	uint64_t now = steady_now_ms();

	if (!g->keeper_ready || now - g->keeper_ready_ms < OVER_KEPT_MS)
		return;
	while (over != NULL && now - over->at_ms >= OVER_KEPT_MS) {
		forget_first(g);
		over = TAILQ_FIRST(&g->over);
	}
}

/* Sent is not done: the keeper may be at its end. */
static void
on_gone(void *arg, const struct hostlogon_entry *entry)
{
	struct gate *g = arg;
	struct over *over = calloc(1, sizeof(*over));

	forget_heard(g);
	if (g->over_count >= HOSTLOGON_MAX)
		forget_first(g);
	if (over != NULL) {
		over->at_ms = steady_now_ms();
		memcpy(over->id, entry->id, sizeof(over->id));
		TAILQ_INSERT_TAIL(&g->over, over, next);
		g->over_count++;
	}
	tell_log_off(g, entry->id);
}

/* A session manager that was started again may use a name again. */
void
gate_repeat_log_offs(struct gate *g)
{
	const struct over *over;

	TAILQ_FOREACH (over, &g->over, next) {
		if (g->host == NULL ||
		    hostlogon_find(g->host, over->id) == NULL)
			tell_log_off(g, over->id);
	}
}
