#include "reader.h"

#include "absent.h"
#include "log.h"
#include "news.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Waits after the first, second, ... refusal of one insertion. */
static const uint32_t retry_ms[] = {100, 300, 1000, 3000};
enum { RETRIES = sizeof(retry_ms) / sizeof(retry_ms[0]) };

typedef void reader_action(struct certprop *cp, struct reader *r,
                           uint64_t now_ms);

static reader_action begin_settling, withdraw, fall_silent, queue_read,
    apply_content, back_off, give_up, switch_off;

static const struct step {
	reader_action *act;
	enum keep_card_state next;
} steps[][READER_EVENTS] = {
    /* clang-format off */
	[KEEP_CARD_EMPTY] = {
		[READER_INSERTED]     = { begin_settling, KEEP_CARD_SETTLING },
		[READER_MUTED]        = { fall_silent,    KEEP_CARD_MUTE },
	},
	[KEEP_CARD_SETTLING] = {
		[READER_WITHDRAWN]    = { withdraw,       KEEP_CARD_EMPTY },
		[READER_MUTED]        = { fall_silent,    KEEP_CARD_MUTE },
		[READER_DUE]          = { queue_read,     KEEP_CARD_READING },
		[READER_SWITCHED_OFF] = { switch_off,     KEEP_CARD_PRESENT },
	},
	[KEEP_CARD_READING] = {
		[READER_WITHDRAWN]    = { withdraw,       KEEP_CARD_EMPTY },
		[READER_MUTED]        = { fall_silent,    KEEP_CARD_MUTE },
		[READER_DELIVERED]    = { apply_content,  KEEP_CARD_PRESENT },
		[READER_REFUSED]      = { back_off,       KEEP_CARD_SETTLING },
		[READER_GIVEN_UP]     = { give_up,        KEEP_CARD_FAILED },
		[READER_SWITCHED_OFF] = { switch_off,     KEEP_CARD_PRESENT },
	},
	[KEEP_CARD_PRESENT] = {
		[READER_WITHDRAWN]    = { withdraw,       KEEP_CARD_EMPTY },
		[READER_MUTED]        = { fall_silent,    KEEP_CARD_MUTE },
		[READER_RESCAN]       = { begin_settling, KEEP_CARD_SETTLING },
	},
	[KEEP_CARD_FAILED] = {
		[READER_WITHDRAWN]    = { withdraw,       KEEP_CARD_EMPTY },
		[READER_MUTED]        = { fall_silent,    KEEP_CARD_MUTE },
		[READER_RESCAN]       = { begin_settling, KEEP_CARD_SETTLING },
	},
	[KEEP_CARD_MUTE] = {
		[READER_INSERTED]     = { begin_settling, KEEP_CARD_SETTLING },
		[READER_WITHDRAWN]    = { withdraw,       KEEP_CARD_EMPTY },
	},
    /* clang-format on */
};

struct reader *
reader_new(uint32_t id, const char *name)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->id = id;
	(void)snprintf(r->name, sizeof(r->name), "%s", name);
	return r;
}

void
reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	insertion_free(r->applied);
	insertion_free(r->fresh);
	free(r);
}

struct reader *
reader_find(const struct certprop *cp, uint32_t id)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		if (cp->readers[i]->id == id)
			return cp->readers[i];
	return NULL;
}

static void
set_reason(struct reader *r, const char *reason)
{
	(void)snprintf(r->reason, sizeof(r->reason), "%s", reason);
}

bool
reader_may_retry(const struct reader *r)
{
	return r->attempts < RETRIES;
}

/* Is there a cell for this event in the reader's state? */
static bool
accepts(const struct reader *r, enum reader_event event)
{
	return steps[r->state][event].act != NULL;
}

void
reader_step(struct certprop *cp, struct reader *r, enum reader_event event,
            uint64_t now_ms)
{
	const struct step *step = &steps[r->state][event];
	struct log_event ev = log_event(LOG_DEBUG, "card-state");

	assert(step->act != NULL);
	log_text(&ev, "reader", r->name);
	log_text(&ev, "from", keep_card_state_name(r->state));
	log_text(&ev, "to", keep_card_state_name(step->next));
	log_write(&ev);
	r->state = step->next;
	set_reason(r, r->why == NULL ? "" : r->why);
	r->why = NULL;
	step->act(cp, r, now_ms);
	news_reader(cp, r, now_ms);
}

void
reader_offer(struct certprop *cp, struct reader *r, enum reader_event event,
             uint64_t now_ms)
{
	if (accepts(r, event))
		reader_step(cp, r, event, now_ms);
}

void
reader_present(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	switch (r->presence) {
	case CERTPROP_EMPTY:
		return;
	case CERTPROP_MUTE:
		reader_offer(cp, r, READER_MUTED, now_ms);
		return;
	case CERTPROP_PRESENT:
	case CERTPROP_BUSY:
		reader_offer(cp, r, READER_INSERTED, now_ms);
		return;
	}
}

static void
begin_settling(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	r->attempts = 0;
	r->due_ms = now_ms + CERTPROP_SETTLE_MS;
	if (cp->state == KEEP_PRELOGON)
		set_reason(r, "nothing is read before the log-on");
}

static void
queue_read(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	(void)now_ms;
	if (r->announced)
		return;
	r->announced = true;
	news_event(cp, "card-inserted", r, "");
}

/* The read of this reader, if it is out, has no taker any more. */
static void
cancel_read(struct certprop *cp, struct reader *r)
{
	if (!cp->reading || cp->reading_id != r->id)
		return;
	cp->reading = false;
	cp->ops->cancel_read(cp->arg, r->id);
}

/* The same card in another reader: that one goes on speaking for it. */
static const struct reader *
find_twin(const struct certprop *cp, const struct reader *r,
          const struct insertion *in)
{
	for (size_t i = 0; i < cp->reader_count; i++) {
		const struct reader *other = cp->readers[i];

		if (other != r && other->applied != NULL &&
		    insertion_withheld(other->applied) == NULL &&
		    insertion_same_card(other->applied, in))
			return other;
	}
	return NULL;
}

/* What the keeper was told of this card no longer stands. */
static void
release(struct certprop *cp, struct reader *r)
{
	struct insertion *in = r->applied;
	bool twin = in != NULL && find_twin(cp, r, in) != NULL;
	unsigned ended = 0;

	if (in == NULL)
		return;
	r->applied = NULL;
	r->hushed = false;
	if (insertion_withheld(in) != NULL) {
		insertion_free(in);
		return;
	}
	if (twin || cp->policy.cleanup == KEEP_CLEANUP_REMOVAL)
		ended |= INSERTION_ROOTS;
	if (cp->policy.user_cleanup == KEEP_CLEANUP_REMOVAL)
		ended |= INSERTION_USER;
	news_release(cp, r->id, in, ended);
	if (twin)
		insertion_free(in);
	else
		absent_keep(cp, r, in, ended);
}

static void
withdraw(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	(void)now_ms;
	cancel_read(cp, r);
	release(cp, r);
	r->twin_told = r->alien_told = false;
	if (!r->announced)
		return;
	r->announced = false;
	news_event(cp, "card-removed", r, "");
}

/* Of a silent card nothing ends, but its keys are not available. */
static void
hush(struct certprop *cp, struct reader *r)
{
	if (r->state != KEEP_CARD_MUTE || r->hushed || r->applied == NULL ||
	    insertion_withheld(r->applied) != NULL)
		return;
	r->hushed = true;
	news_release(cp, r->id, r->applied, 0);
}

/* A card without an answer is still there: what was applied stays. */
static void
fall_silent(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	(void)now_ms;
	cancel_read(cp, r);
	hush(cp, r);
	set_reason(r, "the card does not answer");
}

/* A card that answers again is not read, but its keys are there again. */
static void
switch_off(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	(void)now_ms;
	cancel_read(cp, r);
	if (r->hushed)
		reader_assert(cp, r);
	set_reason(r, "off by policy");
}

static void
warn_of_twin(struct certprop *cp, struct reader *r)
{
	const struct reader *twin = find_twin(cp, r, r->applied);

	if (twin == NULL || twin->twin_told || r->twin_told)
		return;
	r->twin_told = true;
	news_warning(cp, "duplicate-card", r,
	             "duplicate card id: the same card is in another reader");
}

/* The card is somebody else's: what a looser policy took of it before goes. */
static void
withhold(struct certprop *cp, struct reader *r, const struct insertion *old)
{
	const char *reason = insertion_withheld(r->applied);

	if (old != NULL && insertion_withheld(old) == NULL)
		news_release(cp, r->id, old, machine_withheld_parts(cp));
	set_reason(r, reason);
	if (r->alien_told)
		return;
	r->alien_told = true;
	news_warning(cp, "card-not-of-user", r, reason);
}

static void
say_insertion(struct certprop *cp, struct reader *r)
{
	r->hushed = false;
	if (insertion_withheld(r->applied) == NULL)
		r->commit_seq = news_insertion(cp, r->id, r->name, r->applied);
}

void
reader_assert(struct certprop *cp, struct reader *r)
{
	say_insertion(cp, r);
	hush(cp, r);
}

void
reader_vouch_all(struct certprop *cp)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		if (cp->readers[i]->hushed)
			say_insertion(cp, cp->readers[i]);
}

void
reader_hush_all(struct certprop *cp)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		hush(cp, cp->readers[i]);
}

/* Takes in, of the card whose claims stand or of a new one. */
static void
apply(struct certprop *cp, struct reader *r, struct insertion *in)
{
	struct insertion *old = r->applied;

	r->applied = in;
	if (insertion_withheld(in) != NULL)
		withhold(cp, r, old);
	else
		absent_forget(cp, r, in);
	insertion_free(old);
	reader_assert(cp, r);
	warn_of_twin(cp, r);
}

static void
apply_content(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	struct insertion *in = r->fresh;

	(void)now_ms;
	r->fresh = NULL;
	if (r->applied != NULL && !insertion_same_card(r->applied, in))
		release(cp, r);
	apply(cp, r, in);
}

/* Whom the refusals of one card are told to. */
struct listener {
	struct certprop *cp;
	const struct reader *reader;
};

static void
on_refusal(void *arg, const struct insertion_refusal *refusal)
{
	struct listener *l = arg;

	news_refusal(l->cp, l->reader, refusal);
}

static void
ignore(void *arg, const struct insertion_refusal *refusal)
{
	(void)arg;
	(void)refusal;
}

struct insertion *
reader_insertion(struct certprop *cp, const struct reader *r,
                 const struct card_content *content)
{
	struct insertion_terms terms = machine_terms(cp);
	struct listener l = {cp, r};

	return insertion_new(content, &terms, on_refusal, &l);
}

/* The refusals are told only where the outcome is another one. */
void
reader_judge(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	struct insertion_terms terms = machine_terms(cp);
	struct listener l = {cp, r};
	struct insertion *in =
	    insertion_again(r->applied, &terms, ignore, NULL);

	if (in != NULL && !insertion_same(in, r->applied)) {
		insertion_free(in);
		in = insertion_again(r->applied, &terms, on_refusal, &l);
	} else {
		insertion_free(in);
		in = NULL;
	}
	if (in == NULL)
		return;
	if (r->state == KEEP_CARD_PRESENT)
		set_reason(r, "");
	/*
	 * Trust that a policy takes back ends whatever the clean-up option is.
	 * A release speaks of a withdrawal, so all that is left is said again.
	 */
	if (insertion_withheld(in) == NULL &&
	    insertion_lost_roots(r->applied, in))
		news_release(cp, r->id, r->applied, INSERTION_ROOTS);
	apply(cp, r, in);
	news_reader(cp, r, now_ms);
}

static void
back_off(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	assert(reader_may_retry(r));
	if (r->attempts == 0)
		news_event(cp, "card-read-retry", r, r->reason);
	r->due_ms = now_ms + retry_ms[r->attempts++];
}

static void
give_up(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	(void)now_ms;
	news_event(cp, "card-read-failed", r, r->reason);
}

void
reader_forget(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	insertion_free(r->applied);
	r->applied = NULL;
	r->hushed = false;
	r->announced = false;
	reader_offer(cp, r, READER_WITHDRAWN, now_ms);
	reader_present(cp, r, now_ms);
}

void
reader_abort_all(struct certprop *cp)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		cancel_read(cp, cp->readers[i]);
}

/* First come, first served; NULL when nobody waits. */
static struct reader *
next_in_queue(const struct certprop *cp)
{
	struct reader *first = NULL;

	for (size_t i = 0; i < cp->reader_count; i++) {
		struct reader *r = cp->readers[i];

		if (r->state == KEEP_CARD_READING &&
		    (first == NULL || r->due_ms < first->due_ms))
			first = r;
	}
	return first;
}

/* Card by card; the caller of ours may answer before read_card returns. */
static void
start_read(struct certprop *cp, struct reader *r)
{
	struct card_hints hints = {.probe_retired = cp->policy.probe_retired};

	hints.atr.data = r->atr;
	hints.atr.len = r->atr_len;
	hints_recall(&cp->hints, r->id, hints.atr, &hints);
	cp->reading = true;
	cp->reading_id = r->id;
	cp->ops->read_card(cp->arg, r->id, &hints);
}

static void
settle(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	if (r->state != KEEP_CARD_SETTLING || now_ms < r->due_ms)
		return;
	reader_step(cp, r,
	            cp->policy.propagate ? READER_DUE : READER_SWITCHED_OFF,
	            now_ms);
}

void
reader_pump(struct certprop *cp, uint64_t now_ms)
{
	struct reader *next;

	for (size_t i = 0; i < cp->reader_count; i++) {
		if (cp->state == KEEP_WATCHING)
			settle(cp, cp->readers[i], now_ms);
		if (cp->readers[i]->unsaid)
			news_reader(cp, cp->readers[i], now_ms);
	}
	next = cp->state == KEEP_WATCHING && !cp->reading ? next_in_queue(cp)
	                                                  : NULL;
	if (next != NULL && bucket_take(&cp->reads, now_ms))
		start_read(cp, next);
}

static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t
reader_deadline(const struct certprop *cp)
{
	uint64_t deadline = UINT64_MAX;
	bool watching = cp->state == KEEP_WATCHING;

	for (size_t i = 0; i < cp->reader_count; i++) {
		const struct reader *r = cp->readers[i];

		if (watching && r->state == KEEP_CARD_SETTLING)
			deadline = sooner(deadline, r->due_ms);
		if (r->unsaid)
			deadline = sooner(deadline, bucket_ready_ms(&cp->news));
	}
	if (watching && !cp->reading && next_in_queue(cp) != NULL)
		deadline = sooner(deadline, bucket_ready_ms(&cp->reads));
	return deadline;
}
