/*
 * One attached connection: the keeper's end of its socket pair, what it said of
 * itself and its readers, and the batch it is sending.  Its datagrams are
 * decoded here and become jobs for the store and news for the watchers; what it
 * said stays in memory, for the control socket.
 */
#ifndef STORE_PEER_H
#define STORE_PEER_H

#include <event2/event.h>
#include <sys/queue.h>

#include "job.h"
#include "logon.h"

enum {
	PEER_READERS_MAX = 64, /* devices of one session */
	PEER_BURST = 64        /* datagrams of one peer in one turn */
};

struct peer_reader {
	TAILQ_ENTRY(peer_reader) entry;
	uint32_t reader;
	enum keep_card_state card;
	char *name;
	char *family;
	char *reason;
	uint8_t atr[36];
	size_t atr_len;
	uint8_t card_id[KEEP_CARD_ID_LEN];
	int64_t since; /* of this card state */
};
TAILQ_HEAD(peer_reader_list, peer_reader);

struct peer;

/* News go up to the keeper; arg is its own. */
struct peer_ops {
	/* STATE said something, before it is stored: peer->logon may change. */
	void (*on_state)(void *arg, struct peer *peer);
	/* To be run; the callee owns it now. */
	void (*on_job)(void *arg, struct job *job);
	/* Something to watch; reader or text may be NULL or empty. */
	void (*on_news)(void *arg, const struct peer *peer, const char *name,
	                const struct peer_reader *reader,
	                struct wire_view text);
	/* It is over; call peer_hang_up.  over is NULL when it does not say. */
	void (*on_over)(void *arg, struct peer *peer,
	                const struct keep_over *over, struct wire_view reason);
};

struct peer {
	TAILQ_ENTRY(peer) entry;
	const struct peer_ops *ops;
	void *arg;
	int fd;          /* -1: over */
	uint64_t number; /* of those that came; the caller's */
	struct event *readable;
	struct event
	    *settle; /* pending: all should be asserted again by then */

	char id[ENGINE_ID_SIZE];
	uint8_t raw_id[KEEP_ID_LEN];
	uint32_t pid;
	int64_t started_at;
	bool greeted; /* HELLO has come */
	bool syncing; /* adopted: its view waits for SYNCED */
	bool synced;  /* SYNCED has come since the user is known */
	bool unsaved; /* the store could not take what it said: say it again */
	bool unended; /* hung up, without memory to have the end stored */
	struct logon *logon; /* that it speaks for; the caller's */
	char *over_user; /* the host ended the log-on of this user, or NULL: */
	char *over_name; /* this one; nothing of it is taken any more */

	enum keep_session_state state;
	char *target;
	char *client_name;
	char *client_addr;
	char *user;
	char *source;
	char *policy;
	char *role;
	char *reason;
	char *host_session;
	enum keep_purpose purpose;
	uint8_t *rules; /* RULES as it came last, or NULL */
	size_t rules_len;
	struct keep_usage usage;
	struct peer_reader_list readers;
	size_t reader_count;
	struct batch *batch;
};
TAILQ_HEAD(peer_list, peer);

/*
 * Take the descriptor of an ATTACH and listen to it.  NULL: no memory; fd is
 * closed in any case that fails.
 */
struct peer *peer_new(struct event_base *base, int fd,
                      const struct keep_hello *hello,
                      const struct peer_ops *ops, void *arg);

/* Listen no more and close the pair; the memory of it stays. */
void peer_hang_up(struct peer *peer);
void peer_free(struct peer *peer);

/* Have its log-on and the user stored, once more if need be. */
void peer_save(struct peer *peer);

/* Have its log-on judged by the rules it said; false: no memory. */
bool peer_judge(struct peer *peer);

/* Answer a COMMIT, RELEASE or SYNCED; false when it does not take it. */
bool peer_acknowledge(struct peer *peer, uint32_t seq,
                      const struct keep_ack *ack);

/* The host says that its log-on is over: forget the user. */
void peer_log_off(struct peer *peer);

/* "" for NULL. */
const char *peer_text(const char *text);

#endif
