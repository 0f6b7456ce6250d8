#include "gate_inside.h"

#include <errno.h>
#include <openssl/rand.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostroots.h"
#include "keeper.h"
#include "userlink.h"
#include "view.h"

enum {
	AGAIN_MS = 20,        /* after one that has served */
	HASTY_MS = 250,       /* after one that hardly has */
	UNABLE_MS = 1000,     /* after one that was not able to begin */
	PAUSE_MAX_MS = 8000,  /* and after more of them */
	SERVED_MIN_MS = 1000, /* that is more than hardly */
	MS_IN_S = 1000
};

static void on_keeper_message(void *arg, struct wire_view message, int fd);
static void on_keeper_closed(void *arg);

static const struct link_ops keeper_ops = {on_keeper_message, on_keeper_closed};

void
gate_tell_keeper(struct gate *g, enum keep_type type, const struct child *c,
                 int fd, bool resumed)
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

static void
tell_rules_of(struct gate *g, const struct policy *policy)
{
	static uint8_t datagram[KEEP_MESSAGE_MAX];
	struct wire_out out = wire_out(datagram, sizeof(datagram));
	struct keep_msg msg = {.type = KEEP_RULES};

	_Static_assert((int)POLICY_HASHES_MAX == (int)KEEP_HASHES_MAX,
	               "what --check lets pass fits into a message");
	certprop_rules(&policy->certprop, &msg.rules);
	keep_encode(&out, &msg);
	if (wire_out_ok(&out))
		link_send(g->keeper, wire_written(&out), -1);
	else
		log_note(LOG_ERROR, "rules", policy->certprop.name);
}

/* For log-ons whose session is gone: the others hear of it by their own. */
void
gate_tell_rules(struct gate *g)
{
	const struct policy_list *list = &g->config->policies;

	if (g->keeper == NULL || !g->keeper_ready)
		return;
	for (size_t i = 0; i < list->count; i++)
		tell_rules_of(g, &list->items[i]);
	if (policy_find(list, list->builtin.certprop.name) == NULL)
		tell_rules_of(g, &list->builtin);
	gate_tell_keeper(g, KEEP_RULED_ALL, NULL, -1, false);
}

/*
 * Every live session gets a new pair with the new keeper, once that serves: one
 * that cannot begin troubles nobody.
 */
static void
attach_children(struct gate *g)
{
	const uint8_t word = GATE_KEEPER;
	struct child *c;
	int fds[2];

	TAILQ_FOREACH (c, &g->children, next) {
		if (c->link == NULL || c->attached || !link_pair(fds))
			continue;
		c->attached = true;
		gate_tell_keeper(g, KEEP_ATTACH, c, fds[0], true);
		link_send(c->link, (struct wire_view){&word, 1}, fds[1]);
	}
	gate_tell_keeper(g, KEEP_ATTACHED_ALL, NULL, -1, false);
	gate_repeat_log_offs(g);
	gate_tell_rules(g);
}

/*
 * Does its server run on this host?  An address that says so, or a name that
 * means it everywhere.
 */
static bool
is_local(const struct config_target *target)
{
	return strncmp(target->host, "127.", 4) == 0 ||
	       strcmp(target->host, "::1") == 0 ||
	       strcmp(target->host, "localhost") == 0;
}

static void
find_local(const struct config *c, const char *names[CONFIG_TARGETS_MAX + 1])
{
	size_t count = 0;

	for (size_t i = 0; i < c->target_count; i++)
		if (is_local(&c->targets[i]) && count < CONFIG_TARGETS_MAX)
			names[count++] = c->targets[i].name;
	names[count] = NULL;
}

static int
keeper_child(struct gate *g, int fd)
{
	const struct config *c = g->config;
	const char *local_targets[CONFIG_TARGETS_MAX + 1];
	const char *anchors =
	    c->system_anchors != NULL ? c->system_anchors : HOSTROOTS_DEFAULT;
	const struct keeper_config keeper = {.local_targets = local_targets,
	                                     .database = c->database,
	                                     .boot_id = g->boot_id,
	                                     .run_dir = c->run_dir,
	                                     .control = c->control,
	                                     .control_group = c->control_group,
	                                     .view_group = c->view_group,
	                                     .system_anchors = anchors,
	                                     .durable_full = c->durable_full};
	int status;

	find_local(c, local_targets);
	(void)event_reinit(g->base);
	gate_clear(g);
	event_base_free(g->base);
	contexts_clear(&g->contexts);
	log_identity("keeper", NULL);
	status = keeper_run(&keeper, fd);
	config_free(g->config);
	return status;
}

static bool
has_served(const struct gate *g)
{
	return g->keeper_ready &&
	       steady_now_ms() - g->keeper_ready_ms >= SERVED_MIN_MS;
}

/*
 * Trust whose reason goes in a pause stays for the rest of it, and a second is
 * what it may stay, also when the next keeper is killed at once.  One that is
 * not able to begin leaves no trust behind: see keeper_again.
 */
static void
choose_pause(struct gate *g, bool unable)
{
	if (!unable)
		g->keeper_pause_ms = has_served(g) ? AGAIN_MS : HASTY_MS;
	else if (g->keeper_pause_ms < UNABLE_MS)
		g->keeper_pause_ms = UNABLE_MS;
	else if (g->keeper_pause_ms < PAUSE_MAX_MS)
		g->keeper_pause_ms *= 2;
}

static bool
is_none(const char *session_id_hex, void *arg)
{
	(void)session_id_hex;
	(void)arg;
	return false;
}

/*
 * Nobody can say any more what has lost its reason, so nothing of a session is
 * shown until a keeper can; it makes the views again.  The host's stays: what
 * is in there an administrator has allowed.
 */
void
gate_hide_views(const struct gate *g)
{
	uint32_t count = 0;
	int run_dirfd = -1;
	enum view_error err = view_init(g->config->run_dir, &run_dirfd);

	if (err == VIEW_OK) {
		err = view_prune(run_dirfd, is_none, NULL, &count);
		userlink_prune(run_dirfd, is_none, NULL);
		(void)close(run_dirfd);
	}
	if (err == VIEW_OK && count == 0)
		return;
	struct log_event ev = log_event(LOG_ERROR, "views-hidden");

	log_number(&ev, "count", count);
	log_text(&ev, "result", view_error_name(err));
	log_write(&ev);
}

/* It may work out a moment later. */
static void
keeper_again(struct gate *g, bool unable)
{
	struct timeval pause = {0};

	if (!g->keeper_ready)
		gate_hide_views(g);
	choose_pause(g, unable);
	pause.tv_sec = g->keeper_pause_ms / MS_IN_S;
	pause.tv_usec = (suseconds_t)(g->keeper_pause_ms % MS_IN_S) * 1000;
	(void)event_add(g->keeper_timer, &pause);
}

/* Without one no log-on outlives a keeper, which is the safe side. */
static void
make_boot_id(struct gate *g)
{
	uint8_t id[KEEP_ID_LEN];

	if (g->boot_id[0] == '\0' && RAND_bytes(id, sizeof(id)) == 1)
		(void)log_hex(g->boot_id, id, sizeof(id));
}

/* True: this is the keeper's process, and it has ended with *status. */
bool
gate_fork_keeper(struct gate *g, int *status)
{
	int fds[2];
	pid_t pid;

	make_boot_id(g);
	g->keeper_wanted = false;
	g->keeper_ready = false;
	if (!link_pair(fds)) {
		log_note(LOG_ERROR, "keeper", strerror(errno));
		keeper_again(g, true);
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
		keeper_again(g, true);
		return false;
	}
	g->keeper_pid = pid;
	link_free(g->keeper);
	g->keeper = link_new(g->base, fds[0], &keeper_ops, g);
	return false;
}

static void
on_keeper_message(void *arg, struct wire_view message, int fd)
{
	struct gate *g = arg;
	struct wire_in in = wire_in_view(message);
	struct keep_msg msg;

	if (fd >= 0)
		(void)close(fd);
	if (g->keeper_ready || !keep_decode(&in, &msg) ||
	    msg.type != KEEP_READY)
		return;
	g->keeper_ready = true;
	g->keeper_served = true;
	g->keeper_ready_ms = steady_now_ms();
	attach_children(g);
}

static void
on_keeper_closed(void *arg)
{
	struct gate *g = arg;

	link_free(g->keeper);
	g->keeper = NULL;
}

void
gate_on_keeper_timer(evutil_socket_t fd, short what, void *arg)
{
	struct gate *g = arg;

	(void)fd;
	(void)what;
	g->keeper_wanted = g->state == GATE_SERVING;
	(void)event_base_loopbreak(g->base);
}

/* The next keeper knows of nobody. */
static void
forget_attached(struct gate *g)
{
	struct child *c;

	TAILQ_FOREACH (c, &g->children, next)
		c->attached = false;
	link_free(g->keeper);
	g->keeper = NULL;
}

/* One that could not begin has said why itself. */
static void
log_end(int status)
{
	struct log_event ev = log_event(LOG_ERROR, "keeper-ended");

	log_number(&ev, "status", status);
	log_write(&ev);
}

void
gate_keeper_ended(struct gate *g, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	bool unable = code == KEEPER_EXIT_UNABLE;

	g->keeper_pid = 0;
	forget_attached(g);
	if (g->state != GATE_SERVING) {
		if (g->keeper_served)
			gate_hide_views(g);
		return;
	}
	if (!unable || !g->keeper_served)
		log_end(status);
	if (code == KEEPER_EXIT_REFUSED || (unable && !g->keeper_served)) {
		g->status = code;
		(void)raise(SIGTERM);
		return;
	}
	keeper_again(g, unable);
}
