#include "peer.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void on_readable(evutil_socket_t fd, short what, void *arg);

static const struct wire_view nothing;

const char *
peer_text(const char *text)
{
	return text != NULL ? text : "";
}

/* Keep a copy; without memory the old text stays, it is only for display. */
static void
set_text(char **to, struct wire_view text)
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
		set_text(to, text);
}

static void
take_hello(struct peer *peer, const struct keep_hello *hello)
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
	take_hello(peer, hello);
	peer->readable =
	    event_new(base, fd, EV_READ | EV_PERSIST, on_readable, peer);
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

static void
reader_free(struct peer *peer, struct peer_reader *reader)
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
		reader_free(peer, TAILQ_FIRST(&peer->readers));
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

/* A job of this peer with its user as of now; NULL: no memory. */
static struct job *
new_job(struct peer *peer, enum job_type type, uint32_t seq)
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
	struct job *job = new_job(peer, type, 0);

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

static bool
save_state(struct peer *peer)
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
	if (peer->user != NULL && !save_state(peer))
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

/*
 * The messages, one handler each.  Each returns NULL, or what is wrong with the
 * message: then the session is hung up.
 */
typedef const char *peer_handler(struct peer *peer, const struct keep_msg *msg,
                                 struct wire_view datagram);

static const char no_memory[] = "out of memory";

static const char *
on_hello(struct peer *peer, const struct keep_msg *msg,
         struct wire_view datagram)
{
	(void)datagram;
	if (memcmp(msg->hello.session, peer->raw_id, KEEP_ID_LEN) != 0)
		return "hello of another session";
	peer->greeted = true;
	take_hello(peer, &msg->hello);
	peer_save(peer);
	peer->ops->on_news(peer->arg, peer, "session-start", NULL, nothing);
	return NULL;
}

/* Is this no longer the log-on that the host ended?  It may repeat itself. */
static bool
is_another_logon(struct peer *peer)
{
	const char *name = peer_text(peer->host_session);

	if (strcmp(peer_text(peer->user), peer->over_user) == 0 &&
	    (name[0] == '\0' || strcmp(name, peer->over_name) == 0))
		return false;
	free(peer->over_user);
	free(peer->over_name);
	peer->over_user = NULL;
	peer->over_name = NULL;
	return true;
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
	set_text(&peer->user, nothing);
}

static const char *
on_state(struct peer *peer, const struct keep_msg *msg,
         struct wire_view datagram)
{
	(void)datagram;
	peer->state = msg->state.state;
	set_text(&peer->user, msg->state.user);
	set_text(&peer->source, msg->state.source);
	set_text(&peer->policy, msg->state.policy);
	set_text(&peer->role, msg->state.role);
	set_text(&peer->reason, msg->state.reason);
	set_text(&peer->host_session, msg->state.host_session);
	peer->purpose = msg->state.purpose;
	if (peer->over_user != NULL && !is_another_logon(peer))
		set_text(&peer->user, nothing);
	peer->ops->on_state(peer->arg, peer);
	if (!save_state(peer))
		peer->unsaved = true;
	peer->ops->on_news(peer->arg, peer, "session-state", NULL, nothing);
	return NULL;
}

static struct peer_reader *
find_reader(const struct peer *peer, uint32_t number)
{
	struct peer_reader *reader;

	for (reader = TAILQ_FIRST(&peer->readers); reader != NULL;
	     reader = TAILQ_NEXT(reader, entry))
		if (reader->reader == number)
			return reader;
	return NULL;
}

static struct peer_reader *
add_reader(struct peer *peer, uint32_t number)
{
	struct peer_reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		return NULL;
	reader->reader = number;
	reader->since = time(NULL);
	TAILQ_INSERT_TAIL(&peer->readers, reader, entry);
	peer->reader_count++;
	return reader;
}

static const char *
on_reader(struct peer *peer, const struct keep_msg *msg,
          struct wire_view datagram)
{
	const struct keep_reader *news = &msg->reader;
	struct peer_reader *reader = find_reader(peer, news->reader);

	(void)datagram;
	if (reader == NULL && peer->reader_count >= PEER_READERS_MAX)
		return "too many readers";
	if (reader == NULL)
		reader = add_reader(peer, news->reader);
	if (reader == NULL)
		return no_memory;
	if (reader->card != news->card)
		reader->since = time(NULL);
	reader->card = news->card;
	set_text(&reader->name, news->name);
	set_text(&reader->family, news->family);
	set_text(&reader->reason, news->reason);
	reader->atr_len = news->atr.len;
	if (news->atr.len > 0)
		memcpy(reader->atr, news->atr.data, news->atr.len);
	memcpy(reader->card_id, news->card_id, sizeof(reader->card_id));
	peer->ops->on_news(peer->arg, peer, "reader", reader, nothing);
	return NULL;
}

static const char *
on_reader_gone(struct peer *peer, const struct keep_msg *msg,
               struct wire_view datagram)
{
	struct peer_reader *reader = find_reader(peer, msg->reader.reader);

	(void)datagram;
	if (reader == NULL)
		return NULL;
	peer->ops->on_news(peer->arg, peer, "reader-gone", reader, nothing);
	reader_free(peer, reader);
	return NULL;
}

/* A BEGIN without COMMIT before it was given up. */
static const char *
on_begin(struct peer *peer, const struct keep_msg *msg,
         struct wire_view datagram)
{
	(void)msg;
	batch_free(peer->batch);
	peer->batch = batch_new(datagram);
	return peer->batch != NULL ? NULL : no_memory;
}

static const char *
on_cert(struct peer *peer, const struct keep_msg *msg,
        struct wire_view datagram)
{
	if (peer->batch == NULL)
		return "certificate without begin";
	batch_add(peer->batch, datagram, msg->cert.kind);
	return NULL;
}

/* A batch is refused as a whole, without touching the store. */
static void
refuse_batch(struct peer *peer, uint32_t seq, const char *reason)
{
	struct keep_ack ack = {
	    .refused = (uint32_t)batch_count(peer->batch),
	    .reason = wire_view_text(reason),
	};
	struct log_event ev = log_event(LOG_WARNING, "batch-refused");

	log_text(&ev, "session", peer->id);
	log_text(&ev, "reason", reason);
	log_write(&ev);
	(void)peer_acknowledge(peer, seq, &ack);
	batch_free(peer->batch);
	peer->batch = NULL;
}

/* NULL, or why the batch is not taken. */
static const char *
find_refusal(const struct peer *peer)
{
	if (peer->over_user != NULL)
		return "the log-on is over";
	if (peer->logon->hidden > 0)
		return "store: a removal waits to be written";
	return batch_fault(peer->batch);
}

static const char *
on_commit(struct peer *peer, const struct keep_msg *msg,
          struct wire_view datagram)
{
	(void)datagram;
	if (peer->batch == NULL)
		return "commit without begin";
	const char *fault = find_refusal(peer);

	if (fault != NULL) {
		refuse_batch(peer, msg->seq, fault);
		return NULL;
	}
	struct job *job = new_job(peer, JOB_APPLY, msg->seq);

	if (job == NULL)
		return no_memory;
	job->batch = peer->batch;
	peer->batch = NULL;
	peer->ops->on_job(peer->arg, job);
	return NULL;
}

static const char *
on_release(struct peer *peer, const struct keep_msg *msg,
           struct wire_view datagram)
{
	const struct peer_reader *reader =
	    find_reader(peer, msg->release.reader);
	struct job *job = new_job(peer, JOB_RELEASE, msg->seq);

	if (job == NULL || !job_set_message(job, datagram) ||
	    !job_set_reader_name(job, reader != NULL ? reader->name : NULL)) {
		job_free(job);
		return no_memory;
	}
	peer->ops->on_job(peer->arg, job);
	return NULL;
}

static const char *
on_synced(struct peer *peer, const struct keep_msg *msg,
          struct wire_view datagram)
{
	struct job *job = new_job(peer, JOB_SYNCED, msg->seq);

	(void)datagram;
	if (job == NULL)
		return no_memory;
	peer->synced = peer_text(peer->user)[0] != '\0';
	if (peer->settle != NULL)
		(void)event_del(peer->settle);
	peer->ops->on_job(peer->arg, job);
	return NULL;
}

static void
put_name(char *name, size_t size, struct wire_view text)
{
	(void)log_printable(name, size, text);
}

static const char *
on_event(struct peer *peer, const struct keep_msg *msg,
         struct wire_view datagram)
{
	char name[64];

	(void)datagram;
	put_name(name, sizeof(name), msg->event.name);
	peer->ops->on_news(peer->arg, peer, name, NULL, msg->event.text);
	return NULL;
}

static const char *
on_usage(struct peer *peer, const struct keep_msg *msg,
         struct wire_view datagram)
{
	(void)datagram;
	peer->usage = msg->usage;
	return NULL;
}

static bool
judge(struct peer *peer)
{
	struct logon *logon = peer->logon;
	struct job *job = new_job(peer, JOB_RULES, 0);
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

/* Without a user there is nothing to judge. */
static const char *
on_rules(struct peer *peer, const struct keep_msg *msg,
         struct wire_view datagram)
{
	uint8_t *copy;

	(void)msg;
	if (!peer->logon->bound)
		return NULL;
	copy = malloc(datagram.len);
	if (copy == NULL)
		return no_memory;
	memcpy(copy, datagram.data, datagram.len);
	free(peer->rules);
	peer->rules = copy;
	peer->rules_len = datagram.len;
	return judge(peer) ? NULL : no_memory;
}

static const char *
on_end(struct peer *peer, const struct keep_msg *msg, struct wire_view datagram)
{
	(void)datagram;
	peer->ops->on_over(peer->arg, peer, &msg->over, msg->over.reason);
	return NULL;
}

static const struct {
	enum keep_type type;
	peer_handler *handler;
} handlers[] = {
    {KEEP_HELLO, on_hello},   {KEEP_STATE, on_state},
    {KEEP_READER, on_reader}, {KEEP_READER_GONE, on_reader_gone},
    {KEEP_BEGIN, on_begin},   {KEEP_CERT, on_cert},
    {KEEP_COMMIT, on_commit}, {KEEP_RELEASE, on_release},
    {KEEP_SYNCED, on_synced}, {KEEP_EVENT, on_event},
    {KEEP_END, on_end},       {KEEP_USAGE, on_usage},
    {KEEP_RULES, on_rules},
};

static peer_handler *
find_handler(enum keep_type type)
{
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].type == type)
			return handlers[i].handler;
	return NULL;
}

static const char *
serve(struct peer *peer, struct wire_view datagram)
{
	struct wire_in in = wire_in_view(datagram);
	struct keep_msg msg;

	if (!keep_decode(&in, &msg))
		return wire_fault_name(in.fault);
	peer_handler *handler = find_handler(msg.type);

	if (handler == NULL)
		return "not a session's message";
	if (!peer->greeted && msg.type != KEEP_HELLO)
		return "message before hello";
	return handler(peer, &msg, datagram);
}

/* What it sent is wrong: it is hung up, and nobody else suffers. */
static void
reject(struct peer *peer, const char *fault)
{
	struct log_event ev = log_event(LOG_WARNING, "session-rejected");

	log_text(&ev, "session", peer->id);
	log_text(&ev, "fault", fault);
	log_write(&ev);
	peer->ops->on_over(peer->arg, peer, NULL,
	                   wire_view_text("bad message"));
}

/* One datagram; false when there is none, or nobody to read from any more. */
static bool
read_one(struct peer *peer)
{
	uint8_t buffer[KEEP_MESSAGE_MAX];
	ssize_t len =
	    recv(peer->fd, buffer, sizeof(buffer), MSG_TRUNC | MSG_DONTWAIT);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (len <= 0) {
		peer->ops->on_over(peer->arg, peer, NULL,
		                   wire_view_text("connection closed"));
		return false;
	}
	const char *fault =
	    len > (ssize_t)sizeof(buffer)
		? "longer than a message may be"
		: serve(peer, (struct wire_view){buffer, (size_t)len});

	if (fault != NULL)
		reject(peer, fault);
	return peer->fd >= 0;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	int left = PEER_BURST;

	(void)fd;
	(void)what;
	while (left > 0 && read_one(peer))
		left--;
}
