#include "keeper.h"

#include "job.h"
#include "log.h"
#include "mirror.h"
#include "peer.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void on_gate(evutil_socket_t fd, short what, void *arg);
static void on_flush(evutil_socket_t fd, short what, void *arg);
static void on_retry(evutil_socket_t fd, short what, void *arg);
static void on_sweep(evutil_socket_t fd, short what, void *arg);
static void on_terminate(evutil_socket_t fd, short what, void *arg);
static void on_job(void *arg, struct job *job);
static void on_news(void *arg, const struct peer *peer, const char *name,
                    const struct peer_reader *reader, struct wire_view text);
static void on_over(void *arg, struct peer *peer, struct wire_view reason);

static const struct peer_ops peer_ops = {on_job, on_news, on_over};
static const struct timeval retry_after = {.tv_sec = 1};
static const struct timeval sweep_every = {.tv_sec = 600};

struct keeper {
	const struct keeper_config *config;
	struct engine *engine;
	int run_dirfd;
	struct event_base *base;
	struct event *gate;
	struct event *flush; /* active: jobs wait for the end of the turn */
	struct event *retry; /* pending: something could not be written */
	struct event *sweep;
	struct event *terminate;
	struct peer_list peers;
	struct job_list jobs;   /* of this turn */
	struct job_list failed; /* ends, to be tried again */
	size_t job_count;
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

/* The store first: who does not get it must not touch the views either. */
static bool
open_store(struct keeper *k)
{
	char reason[ENGINE_REASON_SIZE];
	enum engine_error error;

	make_parent(k->config->database);
	k->engine = engine_open(k->config->database, k->config->durable_full,
	                        time(NULL), &error, reason);
	if (k->engine == NULL) {
		log_refusal("store", k->config->database, reason);
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
	k->base = event_base_new();
	if (k->base == NULL)
		return false;
	k->gate = event_new(k->base, gate_fd, EV_READ | EV_PERSIST, on_gate, k);
	k->flush = event_new(k->base, -1, 0, on_flush, k);
	k->retry = event_new(k->base, -1, 0, on_retry, k);
	k->sweep = event_new(k->base, -1, EV_PERSIST, on_sweep, k);
	k->terminate = evsignal_new(k->base, SIGTERM, on_terminate, k);
	return k->gate != NULL && k->flush != NULL && k->retry != NULL &&
	       k->sweep != NULL && k->terminate != NULL &&
	       event_add(k->gate, NULL) == 0 &&
	       event_add(k->sweep, &sweep_every) == 0 &&
	       event_add(k->terminate, NULL) == 0;
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

static struct peer *
find_peer(const struct keeper *k, const char *id)
{
	struct peer *peer;

	TAILQ_FOREACH(peer, &k->peers, entry)
	if (strcmp(peer->id, id) == 0)
		return peer;
	return NULL;
}

static void
attach(struct keeper *k, const struct keep_hello *hello, int fd)
{
	char id[ENGINE_ID_SIZE];

	(void)log_hex(id, hello->session, sizeof(hello->session));
	if (fd < 0 || find_peer(k, id) != NULL) {
		log_note(LOG_ERROR, "attach-refused",
		         fd < 0 ? "no descriptor" : "attached already");
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	struct peer *peer = peer_new(k->base, fd, hello, &peer_ops, k);

	if (peer == NULL) {
		log_note(LOG_ERROR, "attach-refused", "out of memory");
		return;
	}
	TAILQ_INSERT_TAIL(&k->peers, peer, entry);
	peer_save(peer);
}

/* Whatever is not attached by now is over, and so are its roots. */
static void
end_others(struct keeper *k)
{
	struct job *job = job_new(JOB_END_OTHERS, "", 0, NULL);

	if (job != NULL)
		on_job(k, job);
}

static void
serve_gate(struct keeper *k, struct wire_view datagram, int fd)
{
	struct wire_in in = wire_in_view(datagram);
	struct keep_msg msg;

	if (!keep_decode(&in, &msg)) {
		log_note(LOG_ERROR, "gate-message", wire_fault_name(in.fault));
	} else if (msg.type == KEEP_ATTACH) {
		attach(k, &msg.hello, fd);
		return;
	} else if (msg.type == KEEP_ATTACHED_ALL) {
		end_others(k);
	} else {
		log_note(LOG_ERROR, "gate-message", keep_type_name(msg.type));
	}
	if (fd >= 0)
		(void)close(fd);
}

static void
stop(struct keeper *k, const char *why)
{
	struct peer *peer;

	log_note(LOG_INFO, "keeper-stopping", why);
	TAILQ_FOREACH(peer, &k->peers, entry)
	if (peer->fd >= 0)
		on_over(k, peer, wire_view_text("shutdown"));
	(void)event_base_loopbreak(k->base);
}

static void
on_gate(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	uint8_t buffer[8 * KEEP_TEXT_MAX];
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

/*
 * Sessions: their jobs wait for the end of the turn of the loop.
 */

static void
on_job(void *arg, struct job *job)
{
	struct keeper *k = arg;

	TAILQ_INSERT_TAIL(&k->jobs, job, entry);
	k->job_count++;
	/* Runs after all that is active in this turn. */
	event_active(k->flush, 0, 0);
}

static void
on_news(void *arg, const struct peer *peer, const char *name,
        const struct peer_reader *reader, struct wire_view text)
{
	(void)arg;
	(void)peer;
	(void)name;
	(void)reader;
	(void)text;
}

static void
on_over(void *arg, struct peer *peer, struct wire_view reason)
{
	struct keeper *k = arg;
	struct job *job = job_new(JOB_END, peer->id, 0, peer);

	peer_hang_up(peer);
	if (job == NULL) {
		peer->unsaved = true; /* on_retry comes back to it */
		(void)event_add(k->retry, &retry_after);
		return;
	}
	job_set_reason(job, reason);
	on_job(k, job);
}

/*
 * The turn: jobs, views, answers, in this order.
 */

static void
mark_user(struct keeper *k, const char *user)
{
	struct peer *peer;

	TAILQ_FOREACH(peer, &k->peers, entry)
	if (strcmp(peer_text(peer->user), user) == 0)
		peer->dirty = true;
}

static void
log_failure(const struct job *job)
{
	struct log_event ev = log_event(LOG_ERROR, "store-failed");

	log_text(&ev, "job", job_type_name(job->type));
	log_text(&ev, "session", job->session);
	log_text(&ev, "reason", job->reason);
	log_write(&ev);
}

/* What a job that is done or has failed means for its session. */
static void
settle(struct keeper *k, const struct job *job)
{
	struct peer *peer = job->arg;

	if (!job->result.ok)
		log_failure(job);
	if (job->user_changed)
		mark_user(k, job->user);
	switch (job->type) {
	case JOB_START:
		peer->unsaved |= !job->result.ok;
		peer->dirty |= !peer->syncing;
		break;
	case JOB_STATE:
		peer->unsaved |= !job->result.ok;
		peer->dirty = true;
		break;
	case JOB_APPLY:
	case JOB_RELEASE:
		peer->dirty = true;
		break;
	case JOB_SYNCED:
		peer->syncing &= !job->result.ok;
		peer->dirty = true;
		break;
	case JOB_END:
	case JOB_END_OTHERS:
	case JOB_SWEEP:
		break;
	}
}

static void
show(struct keeper *k, struct peer *peer)
{
	const char *reason = NULL;

	/* Adopted, and it has not said yet whose certificates to show. */
	if (peer->syncing && peer_text(peer->user)[0] == '\0')
		return;
	peer->dirty = !mirror_show(k->engine, k->run_dirfd, peer->id,
	                           peer->user, k->config->view_group, &reason);
	peer->view_fault = peer->dirty ? reason : NULL;
	if (!peer->dirty)
		return;
	struct log_event ev = log_event(LOG_ERROR, "view-failed");

	log_text(&ev, "session", peer->id);
	log_text(&ev, "reason", reason);
	log_write(&ev);
}

static void
show_dirty(struct keeper *k)
{
	struct peer *peer;

	TAILQ_FOREACH(peer, &k->peers, entry)
	if (peer->dirty && peer->fd >= 0)
		show(k, peer);
}

static void
answer(struct keeper *k, const struct job *job)
{
	struct peer *peer = job->arg;
	struct keep_ack ack = job->result;

	if (peer->fd < 0)
		return;
	ack.reason = wire_view_text(job->reason);
	if (ack.ok && peer->view_fault != NULL) {
		ack.ok = false;
		ack.reason = wire_view_text(peer->view_fault);
	}
	if (!peer_acknowledge(peer, job->seq, &ack))
		on_over(k, peer, wire_view_text("does not read its answers"));
}

static void
remove_view(const struct keeper *k, const char *id)
{
	enum view_error error = view_remove(k->run_dirfd, id);

	if (error != VIEW_OK)
		log_note(LOG_ERROR, "view-failed", view_error_name(error));
}

static bool
is_attached(const char *id, void *arg)
{
	const struct peer *peer = find_peer(arg, id);

	return peer != NULL && peer->fd >= 0;
}

static void
log_end(const struct job *job)
{
	struct log_event ev = log_event(LOG_INFO, "session-ended");

	log_text(&ev, "session", job->session);
	log_text(&ev, "reason", job->reason);
	log_number(&ev, "roots", job->result.removed);
	log_write(&ev);
}

/*
 * After an end the view goes in any case: a store that cannot be written is no
 * reason to trust for longer.  The row is tried again.
 */
static bool
finish(struct keeper *k, struct job *job)
{
	struct peer *peer = job->arg;

	if (job->type == JOB_END) {
		remove_view(k, job->session);
		if (job->result.ok) {
			log_end(job);
			TAILQ_REMOVE(&k->peers, peer, entry);
			peer_free(peer);
		}
	} else if (job->type == JOB_END_OTHERS) {
		(void)view_prune(k->run_dirfd, is_attached, k, NULL);
	} else {
		return true;
	}
	return job->result.ok;
}

/* Is there anything that a later attempt may mend? */
static bool
needs_retry(const struct keeper *k)
{
	const struct peer *peer;

	TAILQ_FOREACH(peer, &k->peers, entry)
	if (peer->unsaved || peer->view_fault != NULL)
		return true;
	return !TAILQ_EMPTY(&k->failed);
}

static void
finish_all(struct keeper *k, struct job_list *turn)
{
	struct job *job;

	while ((job = TAILQ_FIRST(turn)) != NULL) {
		TAILQ_REMOVE(turn, job, entry);
		if (job_is_acknowledged(job))
			answer(k, job);
		if (finish(k, job))
			job_free(job);
		else
			TAILQ_INSERT_TAIL(&k->failed, job, entry);
	}
}

/* At most JOB_TURN_MAX jobs from the front of the queue. */
static void
take_turn(struct keeper *k, struct job_list *turn)
{
	struct job *job;

	TAILQ_INIT(turn);
	for (size_t i = 0; i < JOB_TURN_MAX; i++) {
		job = TAILQ_FIRST(&k->jobs);
		if (job == NULL)
			return;
		TAILQ_REMOVE(&k->jobs, job, entry);
		TAILQ_INSERT_TAIL(turn, job, entry);
	}
}

static void
run_turn(struct keeper *k)
{
	struct job_list turn;
	struct job *job;

	take_turn(k, &turn);
	job_run_all(&turn, k->engine, time(NULL));
	TAILQ_FOREACH(job, &turn, entry)
	settle(k, job);
	show_dirty(k);
	finish_all(k, &turn);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;

	(void)fd;
	(void)what;
	while (!TAILQ_EMPTY(&k->jobs))
		run_turn(k);
	if (needs_retry(k))
		(void)event_add(k->retry, &retry_after);
}

static void
retry_peer(struct keeper *k, struct peer *peer)
{
	if (peer->unsaved && peer->fd >= 0) {
		peer_save(peer);
	} else if (peer->unsaved) {
		peer->unsaved = false;
		on_over(k, peer, wire_view_text("connection closed"));
	}
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct keeper *k = arg;
	struct peer *peer;
	struct job *job;

	(void)fd;
	(void)what;
	TAILQ_FOREACH(peer, &k->peers, entry)
	retry_peer(k, peer);
	while ((job = TAILQ_FIRST(&k->failed)) != NULL) {
		TAILQ_REMOVE(&k->failed, job, entry);
		on_job(k, job);
	}
	show_dirty(k);
	event_active(k->flush, 0, 0);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct job *job = job_new(JOB_SWEEP, "", 0, NULL);

	(void)fd;
	(void)what;
	if (job != NULL)
		on_job(arg, job);
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
free_jobs(struct job_list *jobs)
{
	struct job *job;

	while ((job = TAILQ_FIRST(jobs)) != NULL) {
		TAILQ_REMOVE(jobs, job, entry);
		job_free(job);
	}
}

static void
clear(struct keeper *k)
{
	struct peer *peer;

	free_jobs(&k->jobs);
	free_jobs(&k->failed);
	while ((peer = TAILQ_FIRST(&k->peers)) != NULL) {
		TAILQ_REMOVE(&k->peers, peer, entry);
		peer_free(peer);
	}
	free_event(k->gate);
	free_event(k->flush);
	free_event(k->retry);
	free_event(k->sweep);
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
	int status = KEEPER_EXIT_REFUSED;

	TAILQ_INIT(&k.peers);
	TAILQ_INIT(&k.jobs);
	TAILQ_INIT(&k.failed);
	ignore_signals();
	if (!open_store(&k))
		goto out;
	status = KEEPER_EXIT_FAILED;
	if (!open_loop(&k, gate_fd))
		goto out;
	log_start(&k);
	if (event_base_dispatch(k.base) >= 0)
		status = KEEPER_EXIT_OK;
	on_flush(-1, 0, &k); /* the last ends */
out:
	clear(&k);
	return status;
}
