/*
 * The inside of a channel: what channel.c (chunks, calls, time), role.c
 * (which half is played, faults) and passage.c (the messages of both peers)
 * share.  Nobody else includes it.
 */
#ifndef REDIRECT_INSIDE_H
#define REDIRECT_INSIDE_H

#include "bucket.h"
#include "calls.h"
#include "channel.h"
#include "chunk.h"
#include "devices.h"
#include "guard.h"
#include "mux.h"
#include "outlet.h"
#include "own.h"
#include "reading.h"
#include "sight.h"
#include "watch.h"

enum {
	CHANNEL_SIDES = 2,
	CHANNEL_CHURN_BURST = 64, /* announces of a peer at once, then ... */
	CHANNEL_CHURN_MS = 1000,  /* ... one in this time */
	CHANNEL_REASON_SIZE = 128 /* of why there is no card, with its NUL */
};

enum channel_role {
	CHANNEL_ROLE_NONE,  /* nobody has announced yet */
	CHANNEL_ROLE_RELAY, /* the server has */
	CHANNEL_ROLE_OWN    /* we have */
};

/* A read that certprop asked for and that has not begun. */
struct channel_job {
	bool wanted;
	uint32_t reader;
	struct card_hints hints;
	uint8_t atr[CARD_ATR_MAX];
};

/*
 * After a hand-over the client still answers our announce and our calls; what
 * it says belongs to the server only from its reply to the server's announce
 * on.
 */
struct channel_stale {
	bool active;
	bool unanswered; /* a reply to our own announce is still to come */
};

struct channel {
	struct channel_config config;
	bool redirect; /* fEnableSmartCard */
	/* As channel_filter left it: a policy may have changed in its place. */
	bool redirected;
	const struct channel_ops *ops;
	void *arg;

	struct certprop *certprop;
	struct chunk_join in[CHANNEL_SIDES]; /* by the side they come from */
	struct outlet out[CHANNEL_SIDES];    /* by the side they go to */
	struct devices devices;
	struct mux *mux;
	struct guard *guard; /* the policy, applied to calls */
	struct sight sight;  /* ... and to what is propagated */
	struct calls calls;
	struct watch watch;
	struct reading reading;
	struct channel_job job;

	enum channel_role role;
	struct own own;
	struct channel_stale stale;
	bool activated;
	bool ended;
	struct bucket churn[CHANNEL_SIDES]; /* announces and removals */
	bool refusal_said; /* that a request above the limit was refused */
	const char *fault; /* once set, there is no card any more */
	char fault_text[CHANNEL_REASON_SIZE]; /* if it names a field */
	bool cardless;    /* the client's last list left it without a card */
	uint32_t refusal; /* NTSTATUS of the server's last; 0: none */
	char reason[CHANNEL_REASON_SIZE]; /* why no card, as last told */
	uint64_t own_at; /* when we play the server; UINT64_MAX: never */
	uint64_t now_ms; /* as last handed in */
};

/* channel.c: */

void channel_send(struct channel *ch, enum channel_side to,
                  struct wire_view message);

/* A smart card device can perhaps be used now, or can be no more. */
void channel_card_ready(struct channel *ch);
void channel_card_lost(struct channel *ch, uint32_t device);

/* Our calls end here and now, whatever device they went to. */
void channel_stop_card(struct channel *ch);

/* Are there smart cards in this session at all? */
bool channel_redirects(const struct channel *ch);

/* role.c: */

/* A peer broke the rules: log it and drop the card, the session lives. */
void role_fault(struct channel *ch, enum channel_side side, const char *what);

/* The same of a message that does not decode: where, and how. */
void role_malformed(struct channel *ch, enum channel_side side,
                    const char *what, const char *field, enum wire_fault fault);

/* A device list, a removal or a server announce: a fault if there is no end. */
void role_note_churn(struct channel *ch, enum channel_side side);

/* Tell the machine which half we play, or why there is no card. */
void role_tell(struct channel *ch);

/* The same when devices came or were refused, if that says something new. */
void role_note_devices(struct channel *ch);

/* The client's list of devices was read, and each of them noted. */
void role_note_list(struct channel *ch);

/* The server answered for a smart card device that was announced to it. */
void role_note_reply(struct channel *ch, uint32_t status);

/* The server announces: whatever was before is void, and it speaks now. */
void role_server_speaks(struct channel *ch);

/* The policy allows what it did not: hidden devices are taken, or announced. */
void role_show_hidden(struct channel *ch);

/* It does not, so we do. */
void role_play_server(struct channel *ch);

/* A whole message of the client in our own role. */
void role_from_client(struct channel *ch, struct wire_view message);

/* passage.c: */

/* Must the message that starts with these bytes be read, or may it pass? */
bool passage_wants(const struct channel *ch, enum channel_side from,
                   struct wire_view head);

/* A whole message that passage_wants; relays it, changed or not, or drops it.
 */
void passage_from_server(struct channel *ch, struct wire_view message);
void passage_from_client(struct channel *ch, struct wire_view message);

/* A whole completion, in any role. */
void passage_completion(struct channel *ch, struct wire_view message);

/* The policy allows what it did not: the server hears of hidden devices. */
void passage_show_hidden(struct channel *ch);

/* Answer all that the server waits for with a failure. */
void passage_refuse_all(struct channel *ch);

/*
 * forward.c: a request of the server and its completion, through the policy:
 * relayed under an id of ours, changed, or answered at once.
 */

void forward_request(struct channel *ch, const struct rdpefs_request *request,
                     struct wire_view message);
void forward_completion(struct channel *ch, const struct mux_irp *irp,
                        const struct rdpefs_completion *completion,
                        struct wire_view message);

/* The server's IRP fails without the client. */
void forward_refuse(struct channel *ch, uint32_t device, uint32_t id);

#endif
