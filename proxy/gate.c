#include "gate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "admission.h"
#include "confine.h"
#include "contexts.h"
#include "keep.h"
#include "link.h"
#include "listeners.h"
#include "session.h"

enum { STOP_SESSIONS_S = 5, STOP_KEEPER_S = 5, KEEPER_AGAIN_MS = 200 };

/* A session as the gate knows it. */
struct child {
	TAILQ_ENTRY(child) next;
	pid_t pid;
	size_t listener;
	bool activated;
	int64_t started_at;
	uint8_t id[KEEP_ID_LEN];
	char addr[64];
	struct link *link;
	struct gate *gate;
};

enum gate_state { GATE_SERVING, GATE_STOPPING, GATE_ENDED };

struct gate {
	struct event_base *base;
	struct config *config;
	const char *path;
	enum gate_state state;
	int status; /* of the process */
	struct contexts contexts;
	struct listeners listeners;
	struct event *signals[4];
	struct event *stop_timer;
	struct event *keeper_timer;
	TAILQ_HEAD(, child) children;
	pid_t keeper_pid; /* 0: none runs */
	struct link *keeper;
	bool keeper_wanted; /* fork one outside the loop */
};

static void on_accepted(void *arg);
static void on_signal(evutil_socket_t sig, short what, void *arg);
static void on_stop_timer(evutil_socket_t fd, short what, void *arg);
static void on_keeper_timer(evutil_socket_t fd, short what, void *arg);
static void on_keeper_message(void *arg, struct wire_view message, int fd);
static void on_keeper_closed(void *arg);
static void on_child_message(void *arg, struct wire_view message, int fd);
static void on_child_closed(void *arg);

static const struct link_ops keeper_ops = {on_keeper_message, on_keeper_closed};
static const struct link_ops child_ops = {on_child_message, on_child_closed};
static const int signal_numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};

/*
 * Forget everything that is the gate's: in a child after fork, and at the end.
 */
static void
forget_child(struct gate *g, struct child *c)
{
	TAILQ_REMOVE(&g->children, c, next);
	link_free(c->link);
	free(c);
}

static void
gate_clear(struct gate *g)
{
	struct child *c;

	while ((c = TAILQ_FIRST(&g->children)) != NULL)
		forget_child(g, c);
	listeners_close(&g->listeners);
	for (size_t i = 0; i < 4; i++) {
		if (g->signals[i] != NULL)
			event_free(g->signals[i]);
		g->signals[i] = NULL;
	}
	if (g->stop_timer != NULL)
		event_free(g->stop_timer);
	if (g->keeper_timer != NULL)
		event_free(g->keeper_timer);
	link_free(g->keeper);
	g->keeper = NULL;
}

/*
 * The keeper.
 */

static void
tell_keeper(struct gate *g, enum keep_type type, const struct child *c, int fd,
            bool resumed)
{
	uint8_t datagram[KEEP_TEXT_MAX];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	struct keep_msg msg = {.type = type};

	if (c != NULL) {
		memcpy(msg.hello.session, c->id, KEEP_ID_LEN);
		msg.hello.pid = (uint32_t)c->pid;
		msg.hello.started_at = c->started_at;
		msg.hello.resumed = resumed;
		msg.hello.client_addr = wire_view_text(c->addr);
	}
	keep_encode(&out, &msg);
	link_send(g->keeper, wire_written(&out), fd);
}

/* Every live session gets a new pair with the new keeper. */
static void
attach_children(struct gate *g)
{
	const uint8_t word = GATE_KEEPER;
	struct child *c;
	int fds[2];

	TAILQ_FOREACH (c, &g->children, next) {
		if (c->link == NULL || !link_pair(fds))
			continue;
		tell_keeper(g, KEEP_ATTACH, c, fds[0], true);
		link_send(c->link, (struct wire_view){&word, 1}, fds[1]);
	}
	tell_keeper(g, KEEP_ATTACHED_ALL, NULL, -1, false);
}

static int
keeper_child(struct gate *g, int fd)
{
	const struct config *c = g->config;
	const struct keeper_config keeper = {.database = c->database,
	                                     .run_dir = c->run_dir,
	                                     .control = c->control,
	                                     .control_group = c->control_group,
	                                     .view_group = c->view_group,
	                                     .durable_full = c->durable_full};
	int status;

	(void)event_reinit(g->base);
	gate_clear(g);
	event_base_free(g->base);
	contexts_clear(&g->contexts);
	log_identity("keeper", NULL);
	status = keeper_run(&keeper, fd);
	config_free(g->config);
	return status;
}

/* It may work out a moment later. */
static void
keeper_again(struct gate *g)
{
	const struct timeval again = {0, KEEPER_AGAIN_MS * 1000L};

	(void)event_add(g->keeper_timer, &again);
}

/* True: this is the keeper's process, and it has ended with *status. */
static bool
fork_keeper(struct gate *g, int *status)
{
	int fds[2];
	pid_t pid;

	g->keeper_wanted = false;
	if (!link_pair(fds)) {
		log_note(LOG_ERROR, "keeper", strerror(errno));
		keeper_again(g);
		return false;
	}
	pid = fork();
	if (pid == 0) {
		(void)close(fds[0]);
		*status = keeper_child(g, fds[1]);
		return true;
	}
	(void)close(fds[1]);
	if (pid < 0) {
		log_note(LOG_ERROR, "keeper", strerror(errno));
		(void)close(fds[0]);
		keeper_again(g);
		return false;
	}
	g->keeper_pid = pid;
	link_free(g->keeper);
	g->keeper = link_new(g->base, fds[0], &keeper_ops, g);
	if (g->keeper != NULL)
		attach_children(g);
	return false;
}

static void
on_keeper_message(void *arg, struct wire_view message, int fd)
{
	(void)arg;
	(void)message;
	if (fd >= 0)
		(void)close(fd);
}

static void
on_keeper_closed(void *arg)
{
	struct gate *g = arg;

	link_free(g->keeper);
	g->keeper = NULL;
}

static void
on_keeper_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gate *g = arg;

	(void)fd;
	(void)what;
	g->keeper_wanted = g->state == GATE_SERVING;
	(void)event_base_loopbreak(g->base);
}

static void
keeper_ended(struct gate *g, int status)
{
	struct log_event ev = log_event(LOG_ERROR, "keeper-ended");

	g->keeper_pid = 0;
	if (g->state != GATE_SERVING)
		return;
	log_number(&ev, "status", status);
	log_write(&ev);
	if (WIFEXITED(status) && WEXITSTATUS(status) == KEEPER_EXIT_REFUSED) {
		g->status = KEEPER_EXIT_REFUSED;
		(void)raise(SIGTERM);
		return;
	}
	keeper_again(g);
}

/*
 * Sessions.
 */

static bool
admitted(struct gate *g, const struct accepted *a)
{
	struct admission_load load = {0};
	const struct child *c;
	const char *why;
	struct log_event ev;
	unsigned sessions = 0;

	TAILQ_FOREACH (c, &g->children, next) {
		sessions += c->listener == a->listener;
		if (c->activated)
			continue;
		load.starting++;
		load.of_source += strcmp(c->addr, a->addr) == 0;
	}
	load.full = sessions >= g->config->listeners[a->listener].max_sessions;
	why = admission_refuse(&load);
	if (why == NULL)
		return true;
	ev = log_event(LOG_WARNING, "connection-dropped");
	log_text(&ev, "reason", why);
	log_text(&ev, "client", a->addr);
	log_write(&ev);
	return false;
}

/*
 * What a session becomes.  Nothing of the gate's is freed here: its pages are
 * shared with all sessions, and each that is written to would be copied.  So it
 * gets a loop of its own, only its descriptors, and does not come back.
 */
_Noreturn static void
session_child(struct gate *g, const struct child *c, int client_fd, int gate_fd,
              int keeper_fd)
{
	const int keep[] = {client_fd, gate_fd, keeper_fd};
	struct session_start start = {.config = g->config,
	                              .config_path = g->path,
	                              .listener = c->listener,
	                              .server_tls = g->contexts.server,
	                              .client_tls = g->contexts.clients,
	                              .anchors = g->contexts.anchors,
	                              .client_fd = client_fd,
	                              .gate_fd = gate_fd,
	                              .keeper_fd = keeper_fd,
	                              .started_at = c->started_at};
	int status = EXIT_FAILURE;

	memcpy(start.id, c->id, sizeof(start.id));
	memcpy(start.client_addr, c->addr, sizeof(start.client_addr));
	for (size_t i = 0; i < 4; i++)
		(void)event_del(g->signals[i]);
	confine_descriptors(keep, 3);
	start.base = event_base_new();
	if (start.base != NULL) {
		status = session_run(&start);
		event_base_free(start.base);
	}
	exit(status);
}

static void
fork_session(struct gate *g, const struct accepted *a)
{
	struct child *c = calloc(1, sizeof(*c));
	int gate_fds[2] = {-1, -1};
	int keeper_fds[2] = {-1, -1};

	if (c == NULL || !link_pair(gate_fds) || !link_pair(keeper_fds) ||
	    RAND_bytes(c->id, sizeof(c->id)) != 1)
		goto failed;
	c->gate = g;
	c->listener = a->listener;
	c->started_at = (int64_t)time(NULL);
	memcpy(c->addr, a->addr, sizeof(c->addr));
	c->pid = fork();
	if (c->pid < 0)
		goto failed;
	if (c->pid == 0)
		session_child(g, c, a->fd, gate_fds[1], keeper_fds[1]);
	(void)close(a->fd);
	(void)close(gate_fds[1]);
	(void)close(keeper_fds[1]);
	c->link = link_new(g->base, gate_fds[0], &child_ops, c);
	TAILQ_INSERT_TAIL(&g->children, c, next);
	if (g->keeper != NULL)
		tell_keeper(g, KEEP_ATTACH, c, keeper_fds[0], false);
	else
		(void)close(keeper_fds[0]);
	return;
failed:
	log_note(LOG_ERROR, "session-start", strerror(errno));
	for (int i = 0; i < 2; i++) {
		if (gate_fds[i] >= 0)
			(void)close(gate_fds[i]);
		if (keeper_fds[i] >= 0)
			(void)close(keeper_fds[i]);
	}
	(void)close(a->fd);
	free(c);
}

static void
on_child_message(void *arg, struct wire_view message, int fd)
{
	struct child *c = arg;

	if (fd >= 0)
		(void)close(fd);
	if (message.data[0] == GATE_ACTIVATED)
		c->activated = true;
}

static void
on_child_closed(void *arg)
{
	struct child *c = arg;

	link_free(c->link);
	c->link = NULL;
}

static void
session_ended(struct gate *g, struct child *c, int status)
{
	char id[2 * KEEP_ID_LEN + 1];
	struct log_event ev;

	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		ev = log_event(LOG_WARNING, "session-failed");
		log_text(&ev, "session", log_hex(id, c->id, sizeof(c->id)));
		log_text(&ev, "client", c->addr);
		log_number(&ev, WIFSIGNALED(status) ? "signal" : "status",
		           WIFSIGNALED(status) ? WTERMSIG(status)
		                               : WEXITSTATUS(status));
		log_write(&ev);
	}
	forget_child(g, c);
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
			keeper_ended(g, status);
			continue;
		}
		TAILQ_FOREACH (c, &g->children, next) {
			if (c->pid == pid)
				break;
		}
		if (c != NULL)
			session_ended(g, c, status);
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
	if (g->keeper_pid == 0) {
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

/* Sessions go on counting for the listener they came through. */
static void
change_config(struct gate *g, struct config *config)
{
	struct child *c;

	TAILQ_FOREACH (c, &g->children, next) {
		if (c->listener != SIZE_MAX)
			c->listener =
			    same_listener(config, g->config, c->listener);
	}
	config_free(g->config);
	g->config = config;
}

/* All of the new file counts, or nothing of it. */
static void
reload(struct gate *g)
{
	const uint8_t word = GATE_RELOAD;
	struct config_faults faults = {0};
	struct config *config = config_load(g->path, &faults);
	struct contexts contexts = {0};
	struct child *c;

	for (size_t i = 0; i < faults.count && i < CONFIG_FAULTS_MAX; i++)
		log_note(LOG_ERROR, "configuration", faults.text[i]);
	config_faults_clear(&faults);
	if (config == NULL || !contexts_open(&contexts, config) ||
	    !listeners_replace(&g->listeners, config)) {
		log_note(LOG_ERROR, "reload", "refused: the old one stays");
		contexts_clear(&contexts);
		config_free(config);
		return;
	}
	contexts_clear(&g->contexts);
	g->contexts = contexts;
	change_config(g, config);
	log_setup(config->log_level, config->log_form);
	log_note(LOG_NOTICE, "reload", "done");
	TAILQ_FOREACH (c, &g->children, next) {
		if (c->link != NULL)
			link_send(c->link, (struct wire_view){&word, 1}, -1);
	}
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
	g->keeper_timer = evtimer_new(g->base, on_keeper_timer, g);
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

/* What needs root, and then root is given up. */
static bool
prepare(struct gate *g)
{
	const struct config *c = g->config;
	char *state = strdup(c->database);
	char *slash = state == NULL ? NULL : strrchr(state, '/');
	bool ok = slash != NULL;

	if (ok)
		*slash = '\0';
	ok = ok && ensure_directory(state, 0700, c->user) &&
	     ensure_directory(c->run_dir, 0755, c->user) &&
	     contexts_open(&g->contexts, c);
	free(state);
	if (!ok || !gate_open(g))
		return false;
	if (confine_drop(c->user))
		return true;
	log_note(LOG_ERROR, "privileges",
	         "cannot become the service user: set [daemon] user");
	return false;
}

/* True: this is a child's process, and it has ended with *status. */
static bool
fork_wanted(struct gate *g, int *status)
{
	struct accepted a;

	if (g->keeper_wanted && fork_keeper(g, status))
		return true;
	while (listeners_next(&g->listeners, &a)) {
		if (g->state != GATE_SERVING || !admitted(g, &a))
			(void)close(a.fd);
		else
			fork_session(g, &a);
	}
	return false;
}

static int
serve(struct gate *g)
{
	int status = EXIT_SUCCESS;

	g->keeper_wanted = true;
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
	log_identity("gate", NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	if (g.base != NULL && prepare(&g))
		return serve(&g);
	gate_clear(&g);
	if (g.base != NULL)
		event_base_free(g.base);
	contexts_clear(&g.contexts);
	config_free(config);
	return EXIT_FAILURE;
}
