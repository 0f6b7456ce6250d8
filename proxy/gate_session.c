#include "gate_inside.h"

#include <errno.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "admission.h"
#include "confine.h"
#include "session.h"

static void on_child_message(void *arg, struct wire_view message, int fd);
static void on_child_closed(void *arg);

static const struct link_ops child_ops = {on_child_message, on_child_closed};

void
gate_forget_child(struct gate *g, struct child *c)
{
	TAILQ_REMOVE(&g->children, c, next);
	link_free(c->link);
	free(c);
}

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
              int keeper_fd, int vouch_fd)
{
	const int keep[] = {client_fd, gate_fd, keeper_fd, vouch_fd};
	struct session_start start = {.config = g->config,
	                              .config_path = g->path,
	                              .listener = c->listener,
	                              .server_tls = g->contexts.server,
	                              .client_tls = g->contexts.clients,
	                              .anchors = g->contexts.anchors,
	                              .client_fd = client_fd,
	                              .gate_fd = gate_fd,
	                              .keeper_fd = keeper_fd,
	                              .vouch_fd = vouch_fd,
	                              .sandbox = g->sandbox,
	                              .started_at = c->started_at};
	int status = EXIT_FAILURE;

	memcpy(start.id, c->id, sizeof(start.id));
	memcpy(start.client_addr, c->addr, sizeof(start.client_addr));
	for (size_t i = 0; i < 4; i++)
		(void)event_del(g->signals[i]);
	confine_descriptors(keep, 4);
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
	int vouch_fd = -1;

	if (c == NULL || !link_pair(gate_fds) || !link_pair(keeper_fds) ||
	    RAND_bytes(c->id, sizeof(c->id)) != 1)
		goto failed;
	c->gate = g;
	c->listener = a->listener;
	c->started_at = (int64_t)time(NULL);
	memcpy(c->addr, a->addr, sizeof(c->addr));
	vouch_fd = gate_attach_voucher(g, c->addr);
	c->pid = fork();
	if (c->pid < 0)
		goto failed;
	if (c->pid == 0)
		session_child(g, c, a->fd, gate_fds[1], keeper_fds[1],
		              vouch_fd);
	if (vouch_fd >= 0)
		(void)close(vouch_fd);
	(void)close(a->fd);
	(void)close(gate_fds[1]);
	(void)close(keeper_fds[1]);
	c->link = link_new(g->base, gate_fds[0], &child_ops, c);
	TAILQ_INSERT_TAIL(&g->children, c, next);
	c->attached = g->keeper != NULL;
	if (c->attached)
		gate_tell_keeper(g, KEEP_ATTACH, c, keeper_fds[0], false);
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
	if (vouch_fd >= 0)
		(void)close(vouch_fd);
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

void
gate_session_ended(struct gate *g, struct child *c, int status)
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
	gate_forget_child(g, c);
}

void
gate_start_session(struct gate *g, const struct accepted *a)
{
	if (g->state != GATE_SERVING || !admitted(g, a))
		(void)close(a->fd);
	else
		fork_session(g, a);
}
