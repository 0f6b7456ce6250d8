#include "certprop.h"

#include "absent.h"
#include "log.h"
#include "machine.h"
#include "news.h"
#include "reader.h"
#include "reconcile.h"
#include "scan.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A session that changes its readers faster than this says so in bundles. */
enum { NEWS_BURST = 100, NEWS_EVERY_MS = 50 };

enum session_event {
	SESSION_STARTED,
	SESSION_READY,   /* there is a user, and cards are allowed */
	SESSION_BLOCKED, /* cards are no longer allowed */
	SESSION_LEFT,    /* the user logged off, the connection stands */
	SESSION_ENDED,
	SESSION_EVENTS
};

typedef void session_action(struct certprop *cp, uint64_t now_ms);

static session_action wait_for_user, look_at_all, withdraw_all, forget_user,
    wind_up;

/*
 * KEEP_DETACHED is the keeper's: a log-on without a connection has no session.
 */
static const struct step {
	session_action *act;
	enum keep_session_state next;
} steps[][SESSION_EVENTS] = {
    /* clang-format off */
	[KEEP_NONE] = {
		[SESSION_STARTED] = { wait_for_user, KEEP_PRELOGON },
	},
	[KEEP_PRELOGON] = {
		[SESSION_READY]   = { look_at_all,   KEEP_WATCHING },
		[SESSION_LEFT]    = { forget_user,   KEEP_PRELOGON },
		[SESSION_ENDED]   = { wind_up,       KEEP_ENDING },
	},
	[KEEP_WATCHING] = {
		[SESSION_BLOCKED] = { withdraw_all,  KEEP_PRELOGON },
		[SESSION_LEFT]    = { forget_user,   KEEP_PRELOGON },
		[SESSION_ENDED]   = { wind_up,       KEEP_ENDING },
	},
    /* clang-format on */
};

static void
session_step(struct certprop *cp, enum session_event event, uint64_t now_ms)
{
	const struct step *step = &steps[cp->state][event];
	struct log_event ev = log_event(LOG_DEBUG, "session-state");

	assert(step->act != NULL);
	log_text(&ev, "from", keep_session_state_name(cp->state));
	log_text(&ev, "to", keep_session_state_name(step->next));
	log_write(&ev);
	cp->state = step->next;
	step->act(cp, now_ms);
}

/* Start what is due, say what is unsaid; then see whether all is known. */
static void
pump(struct certprop *cp, uint64_t now_ms)
{
	reader_pump(cp, now_ms);
	scan_pump(cp, now_ms);
}

static bool
has_ended(const struct certprop *cp)
{
	return cp->state == KEEP_ENDING;
}

void
certprop_policy_defaults(struct certprop_policy *policy)
{
	static const struct certprop_policy defaults = {
	    .name = "default",
	    .propagate = true,
	    .propagate_roots = true,
	    .cleanup = KEEP_CLEANUP_LOGOFF,
	    .redirect = true,
	    .refuse_machine_like = true,
	    .match = CERTPROP_MATCH_UPN | CERTPROP_MATCH_EMAIL,
	    .max_age_s = 24 * 60 * 60,
	    .logon.filter_duplicates = true,
	};

	*policy = defaults;
}

static struct wire_view
hashes_of(const struct certprop_hashes *list)
{
	struct wire_view view = {0};

	_Static_assert((int)CERTPROP_HASH_LEN == (int)KEEP_HASH_LEN,
	               "both are SHA-256");
	if (list != NULL && list->count > 0)
		view = (struct wire_view){list->hash[0],
		                          list->count * CERTPROP_HASH_LEN};
	return view;
}

void
certprop_rules(const struct certprop_policy *policy, struct keep_rules *rules)
{
	*rules = (struct keep_rules){
	    .policy = wire_view_text(policy->name),
	    .redirect = policy->redirect,
	    .roots = policy->propagate_roots,
	    .cleanup = policy->cleanup,
	    .user_cleanup = policy->user_cleanup,
	    .match = policy->require_match,
	    .match_upn = (policy->match & CERTPROP_MATCH_UPN) != 0,
	    .match_email = (policy->match & CERTPROP_MATCH_EMAIL) != 0,
	    .limited = policy->allowed != NULL,
	    .allowed = hashes_of(policy->allowed),
	    .host = hashes_of(policy->host),
	};
}

struct certprop *
certprop_new(const struct certprop_policy *policy,
             const struct certprop_ops *ops, void *arg)
{
	struct certprop *cp = calloc(1, sizeof(*cp));

	if (cp == NULL)
		return NULL;
	cp->policy = *policy;
	cp->ops = ops;
	cp->arg = arg;
	cp->reads = bucket(CERTPROP_READ_BURST, CERTPROP_READ_EVERY_MS);
	cp->news = bucket(NEWS_BURST, NEWS_EVERY_MS);
	session_step(cp, SESSION_STARTED, 0);
	return cp;
}

void
certprop_free(struct certprop *cp)
{
	if (cp == NULL)
		return;
	for (size_t i = 0; i < cp->reader_count; i++)
		reader_free(cp->readers[i]);
	absent_forget_all(cp);
	free(cp->user);
	free(cp->source);
	free(cp->host_session);
	free(cp);
}

void
certprop_anchors(struct certprop *cp, const struct anchors *anchors)
{
	cp->anchors = anchors;
}

/* The caller has not said HELLO yet: the state is told with the first news. */
static void
wait_for_user(struct certprop *cp, uint64_t now_ms)
{
	(void)cp;
	(void)now_ms;
}

static void
warn_of_policy(struct certprop *cp)
{
	if (cp->policy_warned || !cp->policy.ineffective)
		return;
	cp->policy_warned = true;
	news_session(cp, "policy-ineffective",
	             "roots are to be propagated, but propagation is off");
}

/* Cards that settled while nobody was logged on are due now. */
static void
look_at_all(struct certprop *cp, uint64_t now_ms)
{
	news_state(cp);
	warn_of_policy(cp);
	pump(cp, now_ms);
}

/* As if the redirected device had been removed; the readers stay known. */
static void
withdraw_all(struct certprop *cp, uint64_t now_ms)
{
	news_state(cp);
	for (size_t i = 0; i < cp->reader_count; i++) {
		reader_offer(cp, cp->readers[i], READER_WITHDRAWN, now_ms);
		reader_present(cp, cp->readers[i], now_ms);
	}
}

/*
 * The keeper ends all claims of a log-on whose user is gone, each as its
 * clean-up option says; so nothing is released card by card.
 */
static void
forget_user(struct certprop *cp, uint64_t now_ms)
{
	reader_abort_all(cp);
	scan_stop(cp);
	absent_forget_all(cp);
	free(cp->user);
	free(cp->source);
	free(cp->host_session);
	cp->user = cp->source = cp->host_session = NULL;
	cp->ruled = false;
	news_state(cp);
	for (size_t i = 0; i < cp->reader_count; i++)
		reader_forget(cp, cp->readers[i], now_ms);
}

static void
wind_up(struct certprop *cp, uint64_t now_ms)
{
	(void)now_ms;
	reader_abort_all(cp);
	news_state(cp);
}

static bool
set_text(char **to, const char *text)
{
	char *copy = strdup(text);

	if (copy == NULL)
		return false;
	free(*to);
	*to = copy;
	return true;
}

/* The user of a log-on stays its user: entries have an owner. */
static bool
take_user(struct certprop *cp, const char *user, const char *source,
          const char *host_session)
{
	if (user[0] == '\0' || strlen(user) > KEEP_TEXT_MAX ||
	    strlen(source) > KEEP_TEXT_MAX ||
	    strlen(host_session) > KEEP_TEXT_MAX)
		return false;
	if (cp->user != NULL && strcmp(cp->user, user) != 0) {
		log_note(LOG_WARNING, "user-change-ignored", user);
		return false;
	}
	/* What is known is not forgotten for a source that cannot know it. */
	if (host_session[0] != '\0' &&
	    !set_text(&cp->host_session, host_session))
		return false;
	return set_text(&cp->source, source) && set_text(&cp->user, user);
}

void
certprop_user(struct certprop *cp, const char *user, const char *source,
              const char *host_session, uint64_t now_ms)
{
	bool first = cp->user == NULL;

	if (has_ended(cp) || !take_user(cp, user, source, host_session))
		return;
	if (first)
		scan_begin(cp, now_ms);
	if (cp->state == KEEP_PRELOGON && cp->policy.redirect)
		session_step(cp, SESSION_READY, now_ms);
	else
		news_state(cp);
	scan_pump(cp, now_ms);
}

void
certprop_logoff(struct certprop *cp, const char *reason, uint64_t now_ms)
{
	if (has_ended(cp) || cp->user == NULL)
		return;
	news_session(cp, "logged-off", reason);
	session_step(cp, SESSION_LEFT, now_ms);
	pump(cp, now_ms);
}

void
certprop_role(struct certprop *cp, const char *role, const char *reason)
{
	(void)snprintf(cp->role, sizeof(cp->role), "%s", role);
	(void)snprintf(cp->reason, sizeof(cp->reason), "%s",
	               reason == NULL ? "" : reason);
	if (!has_ended(cp))
		news_state(cp);
}

void
certprop_reader_added(struct certprop *cp, uint32_t reader, const char *name,
                      uint64_t now_ms)
{
	struct reader *r;

	if (has_ended(cp) || reader_find(cp, reader) != NULL)
		return;
	r = cp->reader_count < CERTPROP_READERS_MAX ? reader_new(reader, name)
	                                            : NULL;
	if (r == NULL) {
		log_note(LOG_WARNING, "reader-ignored", name);
		return;
	}
	cp->readers[cp->reader_count++] = r;
	scan_changed(cp, now_ms);
	news_reader(cp, r, now_ms);
}

static void
reader_remove(struct certprop *cp, struct reader *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < cp->reader_count; i++)
		if (cp->readers[i] != r)
			cp->readers[kept++] = cp->readers[i];
	cp->reader_count = kept;
	reader_free(r);
}

void
certprop_reader_gone(struct certprop *cp, uint32_t reader, uint64_t now_ms)
{
	struct reader *r = reader_find(cp, reader);

	if (r == NULL || has_ended(cp))
		return;
	reader_offer(cp, r, READER_WITHDRAWN, now_ms);
	news_reader_gone(cp, r);
	scan_changed(cp, now_ms);
	reader_remove(cp, r);
	pump(cp, now_ms);
}

/* A mute card shows no ATR: it may still be the one that was there. */
static bool
is_other_card(const struct reader *r, enum certprop_presence presence,
              uint16_t counter, struct wire_view atr)
{
	struct wire_view known = {r->atr, r->atr_len};

	if (presence == CERTPROP_EMPTY || r->presence == CERTPROP_EMPTY)
		return presence != r->presence;
	if (counter != r->counter)
		return true;
	return presence != CERTPROP_MUTE && known.len > 0 &&
	       !wire_view_equal(known, atr);
}

static void
note_atr(struct reader *r, struct wire_view atr)
{
	r->atr_len = atr.len < CARD_ATR_MAX ? atr.len : CARD_ATR_MAX;
	if (r->atr_len > 0)
		memcpy(r->atr, atr.data, r->atr_len);
}

/* The same card, seen otherwise than before. */
static void
presence_changed(struct certprop *cp, struct reader *r,
                 enum certprop_presence before, uint64_t now_ms)
{
	if (before == r->presence)
		return;
	if (before == CERTPROP_BUSY && r->presence == CERTPROP_PRESENT &&
	    r->state == KEEP_CARD_FAILED)
		reader_step(cp, r, READER_RESCAN, now_ms);
	else if (before == CERTPROP_MUTE || r->presence == CERTPROP_MUTE)
		reader_present(cp, r, now_ms);
}

void
certprop_card_state(struct certprop *cp, uint32_t reader,
                    enum certprop_presence presence, uint16_t counter,
                    struct wire_view atr, uint64_t now_ms)
{
	struct reader *r = reader_find(cp, reader);
	enum certprop_presence before;
	bool other;

	if (r == NULL || has_ended(cp))
		return;
	if (atr.len > CARD_ATR_MAX)
		atr.len = CARD_ATR_MAX;
	other = is_other_card(r, presence, counter, atr);
	if (other)
		reader_offer(cp, r, READER_WITHDRAWN, now_ms);
	if (other || !r->seen)
		scan_changed(cp, now_ms);
	r->seen = true;
	before = r->presence;
	r->presence = presence;
	r->counter = counter;
	if (other || atr.len > 0)
		note_atr(r, atr);
	if (other)
		reader_present(cp, r, now_ms);
	else
		presence_changed(cp, r, before, now_ms);
	pump(cp, now_ms);
}

/* The read that is out has ended; NULL when nobody waited for it. */
static struct reader *
end_read(struct certprop *cp, uint32_t reader)
{
	if (has_ended(cp) || !cp->reading || cp->reading_id != reader)
		return NULL;
	cp->reading = false;
	return reader_find(cp, reader);
}

static void
report_read(struct certprop *cp, const struct reader *r,
            const struct card_content *content)
{
	size_t dropped = insertion_dropped_requests(r->fresh);
	char what[160], more[48] = "";

	if (dropped > 0)
		(void)snprintf(more, sizeof(more), " empty-requests=%zu",
		               dropped);
	(void)snprintf(what, sizeof(what),
	               "family=%s certs=%zu roots=%zu kept=%zu apdus=%u%s",
	               card_family_name(content->family), content->cert_count,
	               content->root_count, insertion_count(r->fresh),
	               content->apdu_count, more);
	news_event(cp, "card-read", r, what);
}

void
certprop_card_read(struct certprop *cp, uint32_t reader,
                   const struct card_content *content, uint64_t now_ms)
{
	struct reader *r = end_read(cp, reader);
	struct wire_view atr;

	if (r == NULL)
		return;
	atr.data = r->atr;
	atr.len = r->atr_len;
	hints_learn(&cp->hints, r->id, atr, content);
	r->fresh = reader_insertion(cp, r, content);
	if (r->fresh == NULL) {
		r->why = "out of memory";
		reader_step(cp, r, READER_GIVEN_UP, now_ms);
	} else {
		report_read(cp, r, content);
		reader_step(cp, r, READER_DELIVERED, now_ms);
	}
	pump(cp, now_ms);
}

void
certprop_card_failed(struct certprop *cp, uint32_t reader,
                     enum certprop_failure failure, const char *reason,
                     uint64_t now_ms)
{
	struct reader *r = end_read(cp, reader);
	bool again;

	if (r == NULL)
		return;
	again = failure == CERTPROP_RETRY && reader_may_retry(r);
	r->why = reason;
	reader_step(cp, r, again ? READER_REFUSED : READER_GIVEN_UP, now_ms);
	pump(cp, now_ms);
}

void
certprop_acked(struct certprop *cp, uint32_t seq, const struct keep_ack *ack,
               uint64_t now_ms)
{
	struct log_event ev = log_event(LOG_ERROR, "store-refused");

	if (ack->ok)
		return;
	log_number(&ev, "seq", seq);
	log_view(&ev, "reason", ack->reason);
	log_write(&ev);
	for (size_t i = 0; i < cp->reader_count && !has_ended(cp); i++) {
		struct reader *r = cp->readers[i];

		if (r->commit_seq != seq || r->state != KEEP_CARD_PRESENT)
			continue;
		(void)snprintf(r->reason, sizeof(r->reason),
		               "the store did not take it");
		news_reader(cp, r, now_ms);
	}
}

void
certprop_reassert(struct certprop *cp, uint64_t now_ms)
{
	if (has_ended(cp))
		return;
	cp->ruled = false;
	news_state(cp);
	for (size_t i = 0; i < cp->reader_count; i++)
		news_reader_now(cp, cp->readers[i]);
	reconcile_assert(cp);
	/* Else the end of the scan will say it. */
	if (!scan_is_open(cp))
		news_synced(cp);
	pump(cp, now_ms);
}

void
certprop_policy_changed(struct certprop *cp,
                        const struct certprop_policy *policy, uint64_t now_ms)
{
	struct certprop_policy old = cp->policy;

	if (has_ended(cp))
		return;
	reader_vouch_all(cp);
	cp->policy = *policy;
	cp->ruled = false;
	news_state(cp);
	/* Also while redirection is off: roots may outlive their card. */
	reconcile(cp, &old, now_ms);
	reader_hush_all(cp);
	if (cp->state == KEEP_WATCHING && !policy->redirect)
		session_step(cp, SESSION_BLOCKED, now_ms);
	if (cp->state == KEEP_PRELOGON && policy->redirect && cp->user != NULL)
		session_step(cp, SESSION_READY, now_ms);
	if (cp->state == KEEP_WATCHING)
		warn_of_policy(cp);
	pump(cp, now_ms);
}

void
certprop_end(struct certprop *cp, enum keep_end how, const char *reason,
             uint64_t now_ms)
{
	if (has_ended(cp))
		return;
	session_step(cp, SESSION_ENDED, now_ms);
	news_end(cp, how, reason);
}

uint64_t
certprop_deadline(const struct certprop *cp)
{
	uint64_t cards, all;

	if (has_ended(cp))
		return UINT64_MAX;
	if (!cp->announced)
		return 0;
	cards = reader_deadline(cp);
	all = scan_deadline(cp);
	return cards < all ? cards : all;
}

void
certprop_tick(struct certprop *cp, uint64_t now_ms)
{
	if (has_ended(cp))
		return;
	if (!cp->announced)
		news_state(cp);
	pump(cp, now_ms);
}

enum keep_session_state
certprop_session_state(const struct certprop *cp)
{
	return cp->state;
}
