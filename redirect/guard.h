/*
 * The policy of a session applied to its smart card calls: each call is judged
 * on its way to the client, each return on its way back, by what is known of
 * readers, handles and selected applications.
 *
 * Most messages pass as they are.  Changed are: calls in which names of readers
 * share a referent, which get one each; lists and states of readers where some
 * are refused; and states of a reader with a refused card, which
 * then looks empty.  Empty, since a program that is told "no card" waits for
 * one, and a program that is told "no access" to a card it can see asks for a
 * PIN, tries again, or gives up on the reader.
 *
 * What changes in a reader that looks empty before and after is no news: a
 * server that waits for a card is not woken, its call goes to the client again.
 *
 * ReadCache and WriteCache ([MS-RDPESC] 2.2.2.25 to 2.2.2.28) name a card by an
 * identifier that was read from it, and neither a reader nor an ATR, and what
 * they give outlives the card's stay in its reader.  So whether it is a refused
 * one cannot be told: where there are rules for cards the cache is one that has
 * nothing and takes nothing, and a program reads the card instead.
 *
 * A handle that is not known (there are more than can be remembered) may only
 * be given back, unless the policy is of the kind that need not know.
 *
 * It does no I/O: the caller sends, and gives each call an id.
 */
#ifndef REDIRECT_GUARD_H
#define REDIRECT_GUARD_H

#include "channel.h"
#include "rdpefs.h"

struct guard;

/* on_use may be NULL.  NULL when memory is short. */
struct guard *
guard_new(void (*on_use)(void *arg, const struct channel_use *use), void *arg);
void guard_free(struct guard *guard);

/* Borrowed until it is replaced; NULL: all is allowed. */
void guard_policy(struct guard *guard, const struct filter_policy *policy);
const struct filter_policy *guard_policy_now(const struct guard *guard);

/* The client begins anew: contexts, handles and calls are void. */
void guard_reset(struct guard *guard);

enum guard_step {
	GUARD_PASS,   /* as it is */
	GUARD_CHANGE, /* *changed instead of it */
	GUARD_REFUSE, /* a call: *changed is the output to answer it with */
	/* A return: no answer; *changed is the input to ask with once more. */
	GUARD_AGAIN
};

/*
 * A call of the server: its IOCTL, its input, and how long its answer may be.
 * Unless it is refused, the next thing is guard_sent with its id, if it was
 * sent.  *changed is borrowed until the next call of this module.
 */
enum guard_step guard_call(struct guard *guard,
                           const struct rdpefs_control *control,
                           uint64_t now_ms, struct wire_view *changed);
void guard_sent(struct guard *guard, uint32_t id);

/* FileId and output_len of the request just judged, or to be sent again. */
void guard_file(struct guard *guard, uint32_t file_id);
uint32_t guard_file_now(const struct guard *guard, uint32_t *output_len);

/* Did the call just judged decode? */
bool guard_understood(const struct guard *guard);

/*
 * The client answered the call with this id: an output, empty when it refused
 * the request itself.  An empty *changed: it is longer than the server can
 * take.  After GUARD_AGAIN the next thing is guard_sent, with the new id.
 */
enum guard_step guard_return(struct guard *guard, uint32_t id,
                             struct wire_view output, uint64_t now_ms,
                             struct wire_view *changed);

/* The same for calls that are decoded already: they are noted, not judged. */
void guard_note_call(struct guard *guard, enum channel_asker asker, uint32_t id,
                     const struct ioctl *row, const struct esc_call *call,
                     uint64_t now_ms);
/* ret NULL: there is none. */
void guard_note_return(struct guard *guard, uint32_t id,
                       const struct esc_return *ret, uint64_t now_ms);

/* This call will not be answered. */
void guard_drop(struct guard *guard, uint32_t id);

#endif
