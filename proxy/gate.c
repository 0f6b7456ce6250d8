#include "gate_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apart.h"
#include "confine.h"
#include "ground.h"

enum { STOP_SESSIONS_S = 5, STOP_KEEPER_S = 5 };

static void on_accepted(void *arg);
static void on_signal(evutil_socket_t sig, short what, void *arg);
static void on_stop_timer(evutil_socket_t fd, short what, void *arg);

static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

void
gate_clear(struct gate *g)
{
	struct child *c;

	while ((c = TAILQ_FIRST(&g->children)) != NULL)
		gate_forget_child(g, c);
	listeners_close(&g->listeners);
	for (size_t i = 0; i < 4; i++) {
		if (g->signals[i] != NULL)
			event_free(g->signals[i]);
		g->signals[i] = NULL;
	}
	gpowatch_free(g->watch);
	g->watch = NULL;
	if (g->stop_timer != NULL)
		event_free(g->stop_timer);
	if (g->keeper_timer != NULL)
		event_free(g->keeper_timer);
	link_free(g->keeper);
	g->keeper = NULL;
	link_free(g->voucher);
	g->voucher = NULL;
	hostlogon_free(g->host);
	g->host = NULL;
	gate_forget_log_offs(g);
	sandbox_free(g->sandbox);
	g->sandbox = NULL;
}

/*
 * Signals.
 */

static void
reap(struct gate *g)
{
	struct child *c;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == g->keeper_pid) {
			gate_keeper_ended(g, status);
			continue;
		}
		if (pid == g->voucher_pid) {
			gate_voucher_ended(g, status);
			continue;
		}
		TAILQ_FOREACH (c, &g->children, next) {
			if (c->pid == pid)
				break;
		}
		if (c != NULL)
			gate_session_ended(g, c, status);
	}
}

/* Sessions first, so that the keeper sees how each of them ended. */
static void
stop_step(struct gate *g)
{
	const struct timeval patience = {STOP_KEEPER_S, 0};

	if (g->state != GATE_STOPPING || !TAILQ_EMPTY(&g->children))
		return;
	if (g->keeper != NULL) {
		link_free(g->keeper);
		g->keeper = NULL;
		(void)event_add(g->stop_timer, &patience);
	}
	link_free(g->voucher);
	g->voucher = NULL;
	if (g->keeper_pid == 0 && g->voucher_pid == 0) {
		g->state = GATE_ENDED;
		(void)event_base_loopbreak(g->base);
	}
}

static void
stop(struct gate *g)
{
	const struct timeval patience = {STOP_SESSIONS_S, 0};
	struct child *c;

	if (g->state != GATE_SERVING)
		return;
	g->state = GATE_STOPPING;
	log_note(LOG_NOTICE, "stopping", "sessions are ended");
	listeners_close(&g->listeners);
	(void)event_add(g->stop_timer, &patience);
	if (g->keeper_pid == 0 && g->keeper_served)
		gate_hide_views(g);
	TAILQ_FOREACH (c, &g->children, next) {
		link_free(c->link);
		c->link = NULL;
	}
	stop_step(g);
}

static void
on_stop_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gate *g = arg;
	struct child *c;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (c, &g->children, next)
		(void)kill(c->pid, SIGKILL);
	if (TAILQ_EMPTY(&g->children) && g->keeper_pid > 0)
		(void)kill(g->keeper_pid, SIGKILL);
	if (TAILQ_EMPTY(&g->children))
		g->voucher_pid = 0; /* not ours to kill, and dies with us */
	stop_step(g);
}

/* The number of the same listener in another configuration. */
static size_t
same_listener(const struct config *to, const struct config *from, size_t index)
{
	const struct config_listener *old = &from->listeners[index];

	for (size_t i = 0; i < to->listener_count; i++) {
		if (memcmp(&to->listeners[i].address, &old->address,
		           sizeof(old->address)) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* What a configuration file has come to. */
struct prepared {
	struct config *config;
	struct contexts contexts;
};

/*
 * apart.h: what a thread has freed is what it takes first when it needs memory,
 * and what the sessions take that are forked from it.
 */
static void
forget(void *arg)
{
	struct prepared *p = arg;

	contexts_clear(&p->contexts);
	config_free(p->config);
}

/* Sessions go on counting for the listener they came through. */
static void
exchange(struct gate *g, struct prepared *p)
{
	struct prepared before = {g->config, g->contexts};
	struct child *c;

	TAILQ_FOREACH (c, &g->children, next) {
		if (c->listener != SIZE_MAX)
			c->listener =
			    same_listener(p->config, g->config, c->listener);
	}
	p->config->policies.generation = g->config->policies.generation + 1;
	g->config = p->config;
	g->contexts = p->contexts;
	gate_load_policies(g, before.config->gpos);
	*p = before;
}

/* All of the new file counts, or nothing of it. */
static void
reload(struct gate *g)
{
	struct config_faults faults = {0};
	struct prepared p = {.config = gate_load_config(g->path, &faults)};
	bool ok;

	for (size_t i = 0; i < faults.count && i < CONFIG_FAULTS_MAX; i++)
		log_note(LOG_ERROR, "configuration", faults.text[i]);
	config_faults_clear(&faults);
	ok = p.config != NULL && contexts_open(&p.contexts, p.config) &&
	     listeners_replace(&g->listeners, p.config);
	if (ok)
		exchange(g, &p);
	apart_run(forget, &p);
	if (!ok) {
		log_note(LOG_ERROR, "reload", "refused: the old one stays");
		return;
	}
	log_setup(g->config->log_level, g->config->log_form);
	gate_publish(g, GATE_RELOAD);
	log_note(LOG_NOTICE, "reload", "done");
	gate_check_voucher(g);
	gate_watch_host(g);
}

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct gate *g = arg;

	(void)what;
	switch (sig) {
	case SIGCHLD:
		reap(g);
		stop_step(g);
		break;
	case SIGHUP:
		if (g->state == GATE_SERVING)
			reload(g);
		break;
	default:
		stop(g);
	}
}

/*
 * The life of the gate.
 */

/* Connections lie in g->listeners; they are forked outside the loop. */
static void
on_accepted(void *arg)
{
	struct gate *g = arg;

	(void)event_base_loopbreak(g->base);
}

static bool
gate_open(struct gate *g)
{
	for (size_t i = 0; i < 4; i++) {
		g->signals[i] =
		    evsignal_new(g->base, signal_numbers[i], on_signal, g);
		if (g->signals[i] == NULL ||
		    event_add(g->signals[i], NULL) != 0)
			return false;
	}
	g->stop_timer = evtimer_new(g->base, on_stop_timer, g);
	g->keeper_timer = evtimer_new(g->base, gate_on_keeper_timer, g);
	if (g->stop_timer == NULL || g->keeper_timer == NULL)
		return false;
	return listeners_open(&g->listeners, g->base, g->config, on_accepted,
	                      g);
}

/* A directory of ours: made, and handed to the service user. */
static bool
ensure_directory(const char *path, mode_t mode, const char *user)
{
	struct log_event ev;

	if (confine_directory(path, mode, user))
		return true;
	ev = log_event(LOG_ERROR, "directory");
	log_text(&ev, "path", path);
	log_text(&ev, "reason", strerror(errno));
	log_write(&ev);
	return false;
}

/* Root can read what decides about log-ins; the keeper asks again without. */
static bool
check_ground(const char *run_dir)
{
	char reason[GROUND_REASON_SIZE];
	struct log_event ev;

	if (ground_is_safe(run_dir, "", reason))
		return true;
	ev = log_event(LOG_ERROR, "run-directory");
	log_text(&ev, "path", run_dir);
	log_text(&ev, "reason", reason);
	log_write(&ev);
	return false;
}

/* What needs root, and then root is given up. */
static bool
prepare(struct gate *g)
{
	const struct config *c = g->config;
	char *state = strdup(c->database);
	char *slash = state == NULL ? NULL : strrchr(state, '/');
	bool ok = slash != NULL && check_ground(c->run_dir);

	if (ok)
		*slash = '\0';
	ok = ok && ensure_directory(state, 0700, c->user) &&
	     ensure_directory(c->run_dir, 0755, c->user) &&
	     contexts_open(&g->contexts, c);
	free(state);
	if (!ok || !gate_open(g))
		return false;
	g->sandbox = sandbox_new();
	if (g->sandbox == NULL) {
		log_note(LOG_ERROR, "sandbox", strerror(errno));
		return false;
	}
	if (confine_drop(c->user)) {
		gate_load_policies(g, NULL);
		gate_publish(g, GATE_POLICY);
		return true;
	}
	log_note(LOG_ERROR, "privileges",
	         "cannot become the service user: set [daemon] user");
	return false;
}

/* True: this is a child's process, and it has ended with *status. */
static bool
fork_wanted(struct gate *g, int *status)
{
	struct accepted a;

	if (g->keeper_wanted && gate_fork_keeper(g, status))
		return true;
	while (listeners_next(&g->listeners, &a)) {
		gate_start_session(g, &a);
	}
	return false;
}

const char *
gate_servers_unproven(const struct config *config)
{
	for (size_t i = 0; i < config->target_count; i++) {
		const struct config_target *t = &config->targets[i];

		if (t->verify == TLS_VERIFY_NONE &&
		    t->identity & 1U << EVIDENCE_SESSION_INFO)
			return "identity = session-info beside verify = none: "
			       "whoever stands between names the user";
	}
	return NULL;
}

static int
serve(struct gate *g)
{
	const char *unproven = gate_servers_unproven(g->config);
	int status = EXIT_SUCCESS;

	if (unproven != NULL)
		log_note(LOG_WARNING, "identity", unproven);
	g->keeper_wanted = true;
	gate_watch_host(g);
	log_note(LOG_NOTICE, "started", CARDPROXY_VERSION);
	while (g->state != GATE_ENDED) {
		if (fork_wanted(g, &status))
			return status;
		(void)event_base_dispatch(g->base);
	}
	log_note(LOG_NOTICE, "stopped", "all sessions have ended");
	gate_clear(g);
	event_base_free(g->base);
	contexts_clear(&g->contexts);
	config_free(g->config);
	return g->status;
}

int
gate_run(struct config *config, const char *path)
{
	struct gate g = {
	    .config = config, .path = path, .base = event_base_new()};

	TAILQ_INIT(&g.children);
	TAILQ_INIT(&g.over);
	log_identity("gate", NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (g.base != NULL && gate_fork_voucher(&g, &g.status))
		return g.status;
	if (g.base != NULL && prepare(&g))
		return serve(&g);
	gate_clear(&g);
	if (g.base != NULL)
		event_base_free(g.base);
	contexts_clear(&g.contexts);
	config_free(config);
	return EXIT_FAILURE;
}
