#include "peer_private.h"

#include "log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

static const struct wire_view nothing;

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
	peer_take_hello(peer, &msg->hello);
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

static const char *
on_state(struct peer *peer, const struct keep_msg *msg,
         struct wire_view datagram)
{
	(void)datagram;
	peer->state = msg->state.state;
	peer_set_text(&peer->user, msg->state.user);
	peer_set_text(&peer->source, msg->state.source);
	peer_set_text(&peer->policy, msg->state.policy);
	peer_set_text(&peer->role, msg->state.role);
	peer_set_text(&peer->reason, msg->state.reason);
	peer_set_text(&peer->host_session, msg->state.host_session);
	peer->purpose = msg->state.purpose;
	if (peer->over_user != NULL && !is_another_logon(peer))
		peer_set_text(&peer->user, nothing);
	peer->ops->on_state(peer->arg, peer);
	if (!peer_save_state(peer))
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
	peer_set_text(&reader->name, news->name);
	peer_set_text(&reader->family, news->family);
	peer_set_text(&reader->reason, news->reason);
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
	peer_reader_free(peer, reader);
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
	struct job *job = peer_new_job(peer, JOB_APPLY, msg->seq);

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
	struct job *job = peer_new_job(peer, JOB_RELEASE, msg->seq);

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
	struct job *job = peer_new_job(peer, JOB_SYNCED, msg->seq);

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
	return peer_judge(peer) ? NULL : no_memory;
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

void
peer_on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct peer *peer = arg;
	int left = PEER_BURST;

	(void)fd;
	(void)what;
	while (left > 0 && read_one(peer))
		left--;
}
