#include "peer_private.h"

#include "log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const struct wire_view nothing;

const char *
peer_text(const char *text)
{
	return text != NULL ? text : "";
}

void
peer_set_text(char **to, struct wire_view text)
{
	char *copy =
	    strndup(text.len > 0 ? (const char *)text.data : "", text.len);

	if (copy == NULL)
		return;
	free(*to);
	*to = copy;
}

/* What is known by the gate is not forgotten for what the session omits. */
static void
set_known_text(char **to, struct wire_view text)
{
	if (text.len > 0 || *to == NULL)
		peer_set_text(to, text);
}

void
peer_take_hello(struct peer *peer, const struct keep_hello *hello)
{
	peer->pid = hello->pid;
	peer->started_at = hello->started_at;
	set_known_text(&peer->target, hello->target);
	set_known_text(&peer->client_name, hello->client_name);
	set_known_text(&peer->client_addr, hello->client_addr);
}

struct peer *
peer_new(struct event_base *base, int fd, const struct keep_hello *hello,
         const struct peer_ops *ops, void *arg)
{
	struct peer *peer = calloc(1, sizeof(*peer));

	if (peer == NULL) {
		(void)close(fd);
		return NULL;
	}
	peer->ops = ops;
	peer->arg = arg;
	peer->fd = fd;
	peer->syncing = hello->resumed;
	TAILQ_INIT(&peer->readers);
	memcpy(peer->raw_id, hello->session, sizeof(peer->raw_id));
	(void)log_hex(peer->id, peer->raw_id, sizeof(peer->raw_id));
	peer_take_hello(peer, hello);
	peer->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, peer_on_readable, peer);
	if (evutil_make_socket_nonblocking(fd) != 0 || peer->readable == NULL ||
	    event_add(peer->readable, NULL) != 0) {
		peer_free(peer);
		return NULL;
	}
	return peer;
}

void
peer_hang_up(struct peer *peer)
{
	if (peer->settle != NULL)
		event_free(peer->settle);
	peer->settle = NULL;
	if (peer->readable != NULL)
		event_free(peer->readable);
	peer->readable = NULL;
	if (peer->fd >= 0)
		(void)close(peer->fd);
	peer->fd = -1;
	batch_free(peer->batch);
	peer->batch = NULL;
}

void
peer_reader_free(struct peer *peer, struct peer_reader *reader)
{
	TAILQ_REMOVE(&peer->readers, reader, entry);
	peer->reader_count--;
	free(reader->name);
	free(reader->family);
	free(reader->reason);
	free(reader);
}

void
peer_free(struct peer *peer)
{
	if (peer == NULL)
		return;
	peer_hang_up(peer);
	while (!TAILQ_EMPTY(&peer->readers))
		peer_reader_free(peer, TAILQ_FIRST(&peer->readers));
	free(peer->target);
	free(peer->client_name);
	free(peer->client_addr);
	free(peer->user);
	free(peer->source);
	free(peer->policy);
	free(peer->role);
	free(peer->reason);
	free(peer->host_session);
	free(peer->rules);
	free(peer->over_user);
	free(peer->over_name);
	free(peer);
}

struct job *
peer_new_job(struct peer *peer, enum job_type type, uint32_t seq)
{
	struct job *job = job_new(type, peer->logon->id, peer->id, seq);

	if (job == NULL || !job_set_user(job, peer->user)) {
		job_free(job);
		return NULL;
	}
	job->arg = peer;
	job->logon = peer->logon;
	return job;
}

/* What the store keeps of a session, written anew from memory. */
static bool
save(struct peer *peer, enum job_type type, const struct keep_msg *msg)
{
	uint8_t buffer[8 * KEEP_TEXT_MAX];
	struct wire_out out = wire_out(buffer, sizeof(buffer));
	struct job *job = peer_new_job(peer, type, 0);

	keep_encode(&out, msg);
	if (job == NULL || !wire_out_ok(&out) ||
	    !job_set_message(job, wire_written(&out))) {
		job_free(job);
		return false;
	}
	peer->ops->on_job(peer->arg, job);
	return true;
}

static bool
save_hello(struct peer *peer)
{
	struct keep_msg msg = {.type = KEEP_HELLO};

	memcpy(msg.hello.session, peer->raw_id, sizeof(peer->raw_id));
	msg.hello.pid = peer->pid;
	msg.hello.started_at = peer->started_at;
	msg.hello.target = wire_view_text(peer->target);
	msg.hello.client_name = wire_view_text(peer->client_name);
	msg.hello.client_addr = wire_view_text(peer->client_addr);
	return save(peer, JOB_START, &msg);
}

bool
peer_save_state(struct peer *peer)
{
	struct keep_msg msg = {.type = KEEP_STATE};

	msg.state.state = peer->state;
	msg.state.user = wire_view_text(peer->user);
	msg.state.source = wire_view_text(peer->source);
	msg.state.policy = wire_view_text(peer->policy);
	msg.state.host_session = wire_view_text(peer->host_session);
	msg.state.purpose = peer->purpose;
	return save(peer, JOB_STATE, &msg);
}

void
peer_save(struct peer *peer)
{
	peer->unsaved = !save_hello(peer);
	if (peer->user != NULL && !peer_save_state(peer))
		peer->unsaved = true;
}

bool
peer_acknowledge(struct peer *peer, uint32_t seq, const struct keep_ack *ack)
{
	uint8_t buffer[2 * KEEP_TEXT_MAX];
	struct wire_out out = wire_out(buffer, sizeof(buffer));
	struct keep_msg msg = {.type = KEEP_ACK, .seq = seq, .ack = *ack};

	keep_encode(&out, &msg);
	struct wire_view bytes = wire_written(&out);

	return wire_out_ok(&out) && send(peer->fd, bytes.data, bytes.len,
	                                 MSG_NOSIGNAL) == (ssize_t)bytes.len;
}

void
peer_log_off(struct peer *peer)
{
	char *user = strdup(peer_text(peer->user));
	char *name = strdup(peer_text(peer->host_session));

	if (user == NULL || name == NULL) {
		free(user);
		free(name);
		user = name = NULL;
	}
	free(peer->over_user);
	free(peer->over_name);
	peer->over_user = user;
	peer->over_name = name;
	peer_set_text(&peer->user, nothing);
}

static bool
judge(struct peer *peer)
{
	struct logon *logon = peer->logon;
	struct job *job = peer_new_job(peer, JOB_RULES, 0);
	struct wire_view rules = {peer->rules, peer->rules_len};
	struct wire_in in = wire_in_view(rules);
	struct keep_msg msg;

	if (job == NULL || !job_set_message(job, rules) ||
	    !keep_decode(&in, &msg)) {
		job_free(job);
		return false;
	}
	job->arg = NULL; /* it may be tried again when the connection is gone */
	job->settled = peer->synced;
	job->matched = logon->matched;
	logon->matched = msg.rules.match;
	peer->ops->on_job(peer->arg, job);
	return true;
}

bool
peer_judge(struct peer *peer)
{
	return peer->rules == NULL || judge(peer);
}
