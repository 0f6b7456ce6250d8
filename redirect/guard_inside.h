/*
 * The inside of a guard: what guard.c (life, calls under way, reports),
 * guard_call.c and guard_return.c share.  Nobody else includes it.
 */
#ifndef REDIRECT_GUARD_INSIDE_H
#define REDIRECT_GUARD_INSIDE_H

#include "guard.h"
#include "roster.h"

enum {
	GUARD_CALLS_MAX = 4096 + 16, /* as many as the multiplexer tracks */
	GUARD_RULE_MAX = 96,         /* bytes of a rule that are reported */
	GUARD_CHANGED_MAX = 192 * 1024
};

/* A GetStatusChange of the server, to ask the client once more. */
struct guard_wait {
	struct esc_id context;
	uint32_t timeout_ms;
	unsigned again; /* times it was asked once more */
	bool ended;     /* its context was cancelled or released meanwhile */
	uint64_t empty; /* a bit for each state: the server believes so */
	size_t len;
	uint8_t input[];
};

/* What is kept of a call until its return. */
struct guard_call {
	uint32_t id;
	enum channel_asker asker;
	const struct ioctl *row;
	uint64_t began_ms;
	uint32_t output_len; /* what the server can take */
	uint32_t file_id;
	uint8_t reader; /* of the roster, or ROSTER_NONE */
	bool known;     /* the call was understood */
	bool changes;   /* it may change the application */
	struct esc_handle handle;
	uint32_t disposition; /* Disconnect, EndTransaction, Reconnect */

	/* Transmit: its command without what it points to, but an AID. */
	bool decoded;
	struct command command;
	uint8_t data[COMMAND_AID_MAX + 1];
	uint32_t send_len;
	const char *name; /* a literal */

	/* ListReaders: what the server asked, where we ask something else. */
	bool asked_anew;
	bool size_only;
	uint32_t chars;

	/* GetStatusChange, LocateCards: the reader of each state. */
	uint32_t count;
	uint8_t states[ESC_STATES_MAX];
	struct guard_wait *wait; /* or NULL; owned */

	enum filter_verdict decision;
	char rule[GUARD_RULE_MAX];
};

struct guard {
	const struct filter_policy *policy;
	struct filter_policy open; /* allows all */
	void (*on_use)(void *arg, const struct channel_use *use);
	void *arg;
	struct roster roster;
	struct guard_call now;   /* judged, not sent yet */
	struct guard_call *list; /* with the client */
	size_t count;
	size_t room;
	size_t waits;       /* calls that have one */
	uint32_t malformed; /* calls and returns so far */
	uint8_t *changed; /* GUARD_CHANGED_MAX bytes, made when first needed */
};

/* guard.c: */

/* Room for a message of ours; without memory it is full at once. */
struct wire_out guard_out(struct guard *guard);

/* Tell of the end of a call; recv empty: none. */
void guard_report(struct guard *guard, const struct guard_call *call,
                  uint32_t code, struct wire_view recv, uint64_t now_ms);

/* guard_call.c: judge call and fill now; *changed: it was edited. */
struct filter_decision guard_judge(struct guard *guard, struct esc_call *call,
                                   bool *changed);

/* Fill a call's own part without judging it. */
void guard_read_call(struct guard *guard, struct guard_call *now,
                     const struct esc_call *call);

/* guard_return.c: learn from a return. */
void guard_learn(struct guard *guard, const struct guard_call *call,
                 const struct esc_return *ret);

/* Edit a return for the server; true when it was changed. */
bool guard_edit(struct guard *guard, const struct guard_call *call,
                struct esc_return *ret);

/* guard_wait.c: */

/* Keep a call for another time, if it may need one. */
void guard_wait_keep(struct guard *guard, struct guard_call *now,
                     struct wire_view input, const struct esc_call *call);
void guard_wait_drop(struct guard *guard, struct guard_call *call);

/* A call of the server was sent: does it end waits? */
void guard_wait_note(struct guard *guard, const struct guard_call *sent);

/*
 * A return, as the server would see it: GUARD_PASS when it has news,
 * GUARD_CHANGE when the time is up, else GUARD_AGAIN with the call to make.
 */
enum guard_step guard_wait_judge(struct guard *guard, struct guard_call *call,
                                 struct esc_return *ret, uint64_t now_ms,
                                 struct wire_view *again);

/* A card that is there and refused. */
bool guard_hides_card(const struct guard *guard,
                      const struct roster_reader *reader);

#endif
