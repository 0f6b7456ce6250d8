#include "keeper.h"

#include "control.h"
#include "document.h"
#include "ground.h"
#include "kerberos.h"
#include "log.h"
#include "turn.h"
#include "view.h"

#include <errno.h>
#include <event2/event.h>
#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void on_gate(evutil_socket_t fd, short what, void *arg);
static void on_sweep(evutil_socket_t fd, short what, void *arg);
static void on_repair(evutil_socket_t fd, short what, void *arg);
static void on_terminate(evutil_socket_t fd, short what, void *arg);
static turn_on_news on_news;
static bool wants_notes(void *arg);
static void on_note(void *arg, const struct engine_note *note);
static void on_notes_lost(void *arg, size_t count);
static void on_changed(void *arg, const char *scope);
static bool forget_user(void *arg, const char *user, const char *who,
                        struct engine_forgotten *forgotten);
static void add_figures(void *arg, struct json_object *to);

static const struct timeval sweep_every = {.tv_sec = 600};

struct keeper {
	const struct keeper_config *config;
	struct engine *engine;
	int run_dirfd;
	struct event_base *base;
	struct event *gate;
	struct event *sweep;
	struct event *repair;
	struct event *terminate;
	struct kerberos *kerberos; /* NULL: no memory for it */
	struct view_place place;
	struct turn *turn; /* the sessions */
	struct engine_listener listener;
	struct control *control; /* NULL: no control socket is configured */
	int64_t started_at;
};

/*
 * Starting.
 */

static void
log_refusal(const char *what, const char *path, const char *why)
{
	struct log_event ev = log_event(LOG_ERROR, "keeper-refused");

	log_text(&ev, "what", what);
	log_text(&ev, "path", path);
	log_text(&ev, "reason", why);
	log_write(&ev);
}

/* The folder of the store, if it is the last part of the path that misses. */
static void
make_parent(const char *path)
{
	char *copy = strdup(path);
	char *slash = copy != NULL ? strrchr(copy, '/') : NULL;

	if (slash != NULL && slash != copy) {
		*slash = '\0';
		(void)mkdir(copy, 0700);
	}
	free(copy);
}

static bool
begin_boot(struct keeper *k)
{
	const char *boot_id = k->config->boot_id;

	if (engine_begin(k->engine, time(NULL)) &&
	    engine_boot(k->engine, boot_id != NULL ? boot_id : "") &&
	    engine_commit(k->engine))
		return true;
	engine_rollback(k->engine);
	return false;
}

/* The store first: who does not get it must not touch the views either. */
static bool
open_store(struct keeper *k, int *status)
{
	char reason[GROUND_REASON_SIZE]; /* the longer one */
	enum engine_error error;

	make_parent(k->config->database);
	k->engine = engine_open(k->config->database, k->config->durable_full,
	                        time(NULL), &error, reason);
	*status = error == ENGINE_FOREIGN || error == ENGINE_IN_USE
	              ? KEEPER_EXIT_REFUSED
	              : KEEPER_EXIT_UNABLE;
	if (k->engine == NULL) {
		log_refusal("store", k->config->database, reason);
		return false;
	}
	*status = KEEPER_EXIT_UNABLE;
	if (!begin_boot(k)) {
		log_refusal("store", k->config->database,
		            engine_reason(k->engine));
		return false;
	}
	if (!ground_is_safe(k->config->run_dir, "", reason)) {
		log_refusal("run directory", k->config->run_dir, reason);
		return false;
	}
	enum view_error view = view_init(k->config->run_dir, &k->run_dirfd);

	if (view != VIEW_OK) {
		log_refusal("run directory", k->config->run_dir,
		            view_error_name(view));
		return false;
	}
	return true;
}

static bool
open_loop(struct keeper *k, int gate_fd)
{
	unsigned repair_s = k->config->repair_s;
	struct timeval repair_every = {
	    .tv_sec = repair_s > 0 ? repair_s : KEEPER_REPAIR_S};

	k->base = event_base_new();
	if (k->base == NULL)
		return false;
	k->gate = event_new(k->base, gate_fd, EV_READ | EV_PERSIST, on_gate, k);
	k->sweep = event_new(k->base, -1, EV_PERSIST, on_sweep, k);
	k->repair = event_new(k->base, -1, EV_PERSIST, on_repair, k);
	k->terminate = evsignal_new(k->base, SIGTERM, on_terminate, k);
	return k->gate != NULL && k->sweep != NULL && k->repair != NULL &&
	       k->terminate != NULL && event_add(k->gate, NULL) == 0 &&
	       event_add(k->sweep, &sweep_every) == 0 &&
	       event_add(k->repair, &repair_every) == 0 &&
	       event_add(k->terminate, NULL) == 0;
}

static bool
open_turn(struct keeper *k)
{
	struct turn_config config = {
	    .base = k->base,
	    .engine = k->engine,
	    .run_dirfd = k->run_dirfd,
	    .view_group = k->config->view_group,
	    .place = &k->place,
	    .local_targets = k->config->local_targets,
	    .account_file = k->config->account_file,
	    .account_s = k->config->account_s,
	    .settle_s = k->config->settle_s,
	    .on_news = on_news,
	    .arg = k,
	};

	k->kerberos = kerberos_new(KERBEROS_CONFIG);
	k->place = (struct view_place){
	    .run_dir = k->config->run_dir,
	    .system_anchors = k->config->system_anchors,
	    .kerberos = k->kerberos,
	};
	k->turn = turn_new(&config);
	if (k->turn != NULL && turn_load(k->turn)) {
		k->listener = (struct engine_listener){wants_notes, on_note,
		                                       on_notes_lost, k};
		engine_listen(k->engine, &k->listener);
		return true;
	}
	log_refusal("store", k->config->database, engine_reason(k->engine));
	return false;
}

static bool
open_control(struct keeper *k)
{
	struct report_source source = {
	    .engine = k->engine,
	    .peers = turn_peers(k->turn),
	    .logons = turn_logons(k->turn),
	    .local_targets = k->config->local_targets,
	    .run_dir = k->config->run_dir,
	    .on_changed = on_changed,
	    .forget_user = forget_user,
	    .add_figures = add_figures,
	    .arg = k,
	};
	const char *reason = NULL;

	if (k->config->control == NULL)
		return true;
	k->control = control_new(k->base, k->config->control,
	                         k->config->control_group, &source, &reason);
	if (k->control == NULL)
		log_refusal("control socket", k->config->control, reason);
	return k->control != NULL;
}

/* A terminal's interrupt and a hang-up go to the gate; it tells us. */
static void
ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGHUP, SIGPIPE};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
}

static void
log_start(const struct keeper *k)
{
	struct log_event ev = log_event(LOG_INFO, "keeper-started");

	log_text(&ev, "store", k->config->database);
	log_number(&ev, "epoch", engine_epoch(k->engine));
	log_write(&ev);
}

/* A gate that does not hear it has gone, which its socket says, too. */
static void
tell_gate(int gate_fd)
{
	const struct keep_msg msg = {.type = KEEP_READY};
	uint8_t datagram[16];
	struct wire_out out = wire_out(datagram, sizeof(datagram));

	keep_encode(&out, &msg);
	(void)send(gate_fd, datagram, out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/*
 * The gate: sessions are attached.
 */

/* The first descriptor of a message; any other is closed.  -1: none. */
static int
take_descriptor(struct msghdr *header)
{
	int taken = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL;
	     c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (taken < 0)
				taken = fd;
			else
				(void)close(fd);
		}
	}
	return taken;
}

static void
serve_gate(struct keeper *k, struct wire_view datagram, int fd)
{
	struct wire_in in = wire_in_view(datagram);
	struct keep_msg msg;

	if (!keep_decode(&in, &msg)) {
		log_note(LOG_ERROR, "gate-message", wire_fault_name(in.fault));
	} else if (msg.type == KEEP_ATTACH) {
		turn_attach(k->turn, &msg.hello, fd);
		return;
	} else if (msg.type == KEEP_ATTACHED_ALL) {
		turn_end_others(k->turn);
	} else if (msg.type == KEEP_RULES) {
		turn_rule(k->turn, &msg.rules, datagram);
	} else if (msg.type == KEEP_RULED_ALL) {
		turn_ruled_all(k->turn);
	} else if (msg.type == KEEP_LOGOFF) {
		turn_log_off(k->turn, msg.logoff.host_session,
		             msg.logoff.reason);
	} else {
		log_note(LOG_ERROR, "gate-message", keep_type_name(msg.type));
	}
	if (fd >= 0)
		(void)close(fd);
}

static void
stop(struct keeper *k, const char *why)
{
	log_note(LOG_INFO, "keeper-stopping", why);
	turn_end_others(k->turn); /* who comes back to us comes too late */
	turn_end_all(k->turn, "shutdown");
	(void)event_base_loopbreak(k->base);
}

static void
on_gate(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	uint8_t buffer[KEEP_MESSAGE_MAX];
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec bytes = {buffer, sizeof(buffer)};
	struct msghdr header = {.msg_iov = &bytes,
	                        .msg_iovlen = 1,
	                        .msg_control = control,
	                        .msg_controllen = sizeof(control)};
	ssize_t len = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	(void)what;
	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		stop(k, "the gate is gone");
		return;
	}
	serve_gate(k, (struct wire_view){buffer, (size_t)len},
	           take_descriptor(&header));
}

static void
on_terminate(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	stop(arg, "terminated");
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	turn_sweep(k->turn);
}

/* Views are compared with the store also when nothing has happened. */
static void
on_repair(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	if (k->kerberos != NULL)
		kerberos_refresh(k->kerberos);
	turn_repair(k->turn);
}

static void
on_news(void *arg, const struct peer *peer, const char *name,
        const struct peer_reader *reader, struct wire_view text,
        const struct keep_ack *result)
{
	struct keeper *k = arg;

	if (control_is_watched(k->control))
		control_tell(k->control,
		             report_news(peer, name, reader, text, result));
}

/*
 * What became of single certificates.
 */

static bool
wants_notes(void *arg)
{
	const struct keeper *k = arg;

	return log_enabled(LOG_INFO) || control_is_watched(k->control);
}

static void
log_certificate(const struct engine_note *note, const struct logon *logon)
{
	int64_t number = document_windows_event(note->event);
	struct log_event ev = log_event(LOG_INFO, note->event);

	log_text(&ev, "logon", note->session);
	if (note->user.len > 0)
		log_view(&ev, "user", note->user);
	else if (logon != NULL && logon->user != NULL)
		log_text(&ev, "user", logon->user);
	log_id(&ev, "sha256", note->hash, ENGINE_HASH_LEN);
	if (number != 0)
		log_number(&ev, "windows_event", number);
	if (note->detail.len > 0)
		log_view(&ev, "detail", note->detail);
	log_write(&ev);
}

static void
on_note(void *arg, const struct engine_note *note)
{
	struct keeper *k = arg;
	const struct logon *logon =
	    logon_find(turn_logons(k->turn), note->session);

	if (log_enabled(LOG_INFO))
		log_certificate(note, logon);
	if (control_is_watched(k->control))
		control_tell_each(k->control, report_note(note, logon));
}

/* The audit has them. */
static void
on_notes_lost(void *arg, size_t count)
{
	struct log_event ev = log_event(LOG_WARNING, "events-lost");

	(void)arg;
	log_number(&ev, "count", (int64_t)count);
	log_write(&ev);
}

/* An administrator changed the store. */
static void
on_changed(void *arg, const char *scope)
{
	struct keeper *k = arg;

	turn_repair_scope(k->turn, scope);
}

static bool
forget_user(void *arg, const char *user, const char *who,
            struct engine_forgotten *forgotten)
{
	struct keeper *k = arg;

	return turn_forget_user(k->turn, user, who, forgotten);
}

static void
add_figures(void *arg, struct json_object *to)
{
	const struct keeper *k = arg;
	int64_t commits = engine_commits(k->engine);
	int64_t seconds = time(NULL) - k->started_at;

	document_add_number(to, "commits", commits);
	document_add_number(to, "seconds", seconds);
	document_add_number(to, "commits_per_minute",
	                    60 * commits / (seconds > 0 ? seconds : 1));
	document_add_number(to, "queue", (int64_t)turn_waiting(k->turn));
}

/*
 * The end.
 */

static void
free_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

static void
clear(struct keeper *k)
{
	control_free(k->control);
	turn_free(k->turn);
	kerberos_free(k->kerberos);
	free_event(k->gate);
	free_event(k->sweep);
	free_event(k->repair);
	free_event(k->terminate);
	if (k->base != NULL)
		event_base_free(k->base);
	if (k->run_dirfd >= 0)
		(void)close(k->run_dirfd);
	engine_close(k->engine);
}

int
keeper_run(const struct keeper_config *config, int gate_fd)
{
	struct keeper k = {.config = config, .run_dirfd = -1};
	int status = KEEPER_EXIT_UNABLE;

	ignore_signals();
	if (!open_store(&k, &status))
		goto out;
	status = KEEPER_EXIT_UNABLE;
	if (!open_loop(&k, gate_fd) || !open_turn(&k) || !open_control(&k))
		goto out;
	k.started_at = time(NULL);
	log_start(&k);
	tell_gate(gate_fd);
	status = event_base_dispatch(k.base) >= 0 ? KEEPER_EXIT_OK
	                                          : KEEPER_EXIT_FAILED;
	turn_flush(k.turn); /* the last ends */
out:
	clear(&k);
	return status;
}
