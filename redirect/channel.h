/*
 * The rdpdr channel of one session, whole: chunks of both directions in, chunks
 * and a verdict out.  It knows [MS-RDPEFS] and [MS-RDPESC], plays one of two
 * roles (relay: the server speaks rdpdr; own: it never does, and we play its
 * half), multiplexes our own smart card calls with the server's, watches the
 * readers, reads cards, and drives the session's certificate propagation.
 *
 * It opens no socket and knows neither TLS nor X.224.  Time is handed in.
 */
#ifndef REDIRECT_CHANNEL_H
#define REDIRECT_CHANNEL_H

#include "certprop.h"
#include "filter.h"
#include "wire.h"

/* CHANNEL_PDU_HEADER, [MS-RDPBCGR] 2.2.6.1.1. */
enum {
	CHANNEL_FLAG_FIRST = 0x1,
	CHANNEL_FLAG_LAST = 0x2,
	CHANNEL_FLAG_SHOW_PROTOCOL = 0x10,
	CHANNEL_FLAG_COMPRESSED = 0x200000,
	CHANNEL_CHUNK_DEFAULT = 1600, /* bytes of data in a chunk */
	CHANNEL_CHUNK_MAX = 16256
};

enum channel_side { CHANNEL_CLIENT, CHANNEL_SERVER };

/* What becomes of the chunk that was handed in. */
enum channel_verdict {
	CHANNEL_PASS, /* relay the frame it came in, unchanged */
	CHANNEL_TAKE  /* consumed; what is to be said goes through ops->send */
};

enum channel_role_setting { CHANNEL_RELAY, CHANNEL_OWN, CHANNEL_AUTO };

struct channel_config {
	enum channel_role_setting role;
	uint32_t own_after_ms; /* AUTO: silence before we play the server */
	uint32_t apdu_ms;      /* deadline of one APDU, default 5000 */
	uint32_t card_ms;      /* deadline of one card read, default 20000 */
};

/* Who makes a call to a card. */
enum channel_asker {
	CHANNEL_BY_SERVER,
	CHANNEL_BY_US,     /* reading certificates */
	CHANNEL_BY_PROGRAM /* of the session, through its socket */
};

enum { CHANNEL_PIN_UNKNOWN = -1, CHANNEL_PIN_BLOCKED = 0 };

/*
 * One use of a card, or of a reader, after its end: answered or refused.  It
 * has lengths and headers and never a body.  All is borrowed.
 */
struct channel_use {
	enum channel_asker asker;
	const char *reader; /* "" when it is not known */
	struct wire_view atr;
	const char *call;    /* "Transmit" */
	const char *command; /* "PUT DATA"; "" when it is no Transmit */
	uint8_t cla;         /* of a Transmit */
	uint8_t ins;
	uint8_t p1;
	uint8_t p2;
	uint32_t send_len;
	uint32_t receive_len;
	uint16_t status_word; /* 0: none */
	uint32_t code;        /* what the caller got: PC/SC */
	uint32_t elapsed_ms;
	/* PIN tries left, as the card says after VERIFY and the like. */
	int pin_tries;
	enum filter_verdict decision;
	const char *rule;
};

struct channel_ops {
	/*
	 * Send one chunk: total is the length of the whole message, flags as in
	 * CHANNEL_PDU_HEADER.  data is borrowed.
	 */
	void (*send)(void *arg, enum channel_side to, uint32_t total,
	             uint32_t flags, struct wire_view data);
	void (*tell_keeper)(void *arg, const struct keep_msg *msg);
	/* A card was used; may be NULL. */
	void (*on_use)(void *arg, const struct channel_use *use);
};

struct channel;

/* NULL when memory is short. */
struct channel *channel_new(const struct channel_config *config,
                            const struct certprop_policy *policy,
                            const struct channel_ops *ops, void *arg);
void channel_free(struct channel *ch);

/* The propagation machine of this session: user, acks, policy and end. */
struct certprop *channel_certprop(struct channel *ch);

/*
 * From the next call on this policy holds; it is borrowed until it is replaced.
 * The same one again means that something in it has changed.  NULL: all is
 * allowed, as before the first one.
 */
void channel_filter(struct channel *ch, const struct filter_policy *policy,
                    uint64_t now_ms);

/* The connection is activated: from now on the client takes channel data. */
void channel_activated(struct channel *ch, uint64_t now_ms);

/* The server's VCChunkSize and the client's own value of SHOW_PROTOCOL. */
void channel_chunk_size(struct channel *ch, uint32_t bytes);

/*
 * One chunk from a peer.  A fault of the peer never ends the RDP session: the
 * card is dropped, a line is logged, and later chunks pass.
 */
enum channel_verdict channel_chunk(struct channel *ch, enum channel_side from,
                                   uint32_t total, uint32_t flags,
                                   struct wire_view data, uint64_t now_ms);

/* When channel_tick wants to be called, UINT64_MAX: never. */
uint64_t channel_deadline(const struct channel *ch);
void channel_tick(struct channel *ch, uint64_t now_ms);

/*
 * The session is about to end: give cards back (end transactions, disconnect,
 * release our contexts) and tell the keeper.  Sends what is still needed.
 */
void channel_end(struct channel *ch, enum keep_end how, const char *reason,
                 uint64_t now_ms);

#endif
