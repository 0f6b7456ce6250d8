#include "news.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

enum { EVENT_TEXT_MAX = 512, READER_SHOWN_MAX = 160, SHA256_LEN = 32 };

/* Everything leaves here; the keeper always hears of the session first. */
static uint32_t
say(struct certprop *cp, struct keep_msg *msg)
{
	if (!cp->announced)
		news_state(cp);
	msg->seq = ++cp->seq;
	cp->ops->tell_keeper(cp->arg, msg);
	return msg->seq;
}

static const char *
state_reason(const struct certprop *cp)
{
	if (!cp->policy.redirect)
		return "smart card redirection is off by policy";
	if (cp->reason[0] == '\0' && !cp->policy.propagate)
		return "certificate propagation is off by policy";
	return cp->reason;
}

/* Of what the keeper has and we do not, it has to judge itself. */
static void
say_rules(struct certprop *cp)
{
	struct keep_msg msg = {.type = KEEP_RULES};

	cp->ruled = true;
	certprop_rules(&cp->policy, &msg.rules);
	(void)say(cp, &msg);
}

void
news_state(struct certprop *cp)
{
	struct keep_msg msg = {.type = KEEP_STATE};

	cp->announced = true;
	msg.state.state = cp->state;
	msg.state.user = wire_view_text(cp->user);
	msg.state.source = wire_view_text(cp->source);
	msg.state.policy = wire_view_text(cp->policy.name);
	msg.state.role = wire_view_text(cp->role);
	msg.state.reason = wire_view_text(state_reason(cp));
	msg.state.host_session = wire_view_text(cp->host_session);
	msg.state.purpose = cp->policy.purpose;
	(void)say(cp, &msg);
	if (cp->user != NULL && !cp->ruled)
		say_rules(cp);
}

static struct keep_msg
reader_message(enum keep_type type, const struct reader *r)
{
	struct keep_msg msg = {.type = type};

	msg.reader.reader = r->id;
	msg.reader.name = wire_view_text(r->name);
	msg.reader.card = r->state;
	msg.reader.reason = wire_view_text(r->reason);
	if (r->state == KEEP_CARD_EMPTY)
		return msg;
	msg.reader.atr.data = r->atr;
	msg.reader.atr.len = r->atr_len;
	if (r->applied == NULL)
		return msg;
	msg.reader.family = wire_view_text(insertion_family(r->applied));
	memcpy(msg.reader.card_id, insertion_card_id(r->applied),
	       sizeof(msg.reader.card_id));
	return msg;
}

void
news_reader(struct certprop *cp, struct reader *r, uint64_t now_ms)
{
	r->unsaid = true;
	if (bucket_take(&cp->news, now_ms))
		news_reader_now(cp, r);
}

void
news_reader_now(struct certprop *cp, struct reader *r)
{
	struct keep_msg msg = reader_message(KEEP_READER, r);

	r->unsaid = false;
	(void)say(cp, &msg);
}

void
news_reader_gone(struct certprop *cp, const struct reader *r)
{
	struct keep_msg msg = reader_message(KEEP_READER_GONE, r);

	(void)say(cp, &msg);
}

static void
say_begin(struct certprop *cp, uint32_t reader, const char *reader_name,
          const struct insertion *in, bool archive_stale)
{
	struct keep_msg msg = {.type = KEEP_BEGIN};

	msg.begin.reader = reader;
	msg.begin.reader_name = wire_view_text(reader_name);
	memcpy(msg.begin.card_id, insertion_card_id(in),
	       sizeof(msg.begin.card_id));
	msg.begin.family = wire_view_text(insertion_family(in));
	msg.begin.cleanup = cp->policy.cleanup;
	msg.begin.user_cleanup = cp->policy.user_cleanup;
	msg.begin.archive_stale = archive_stale;
	msg.begin.policy = wire_view_text(cp->policy.name);
	msg.begin.policy_generation = cp->policy.generation;
	msg.begin.card_serial = insertion_card_serial(in);
	msg.begin.chuid = insertion_chuid(in);
	/* Whatever it is at the client, here it goes with the connection. */
	msg.begin.removable = KEEP_REMOVABLE_YES;
	(void)say(cp, &msg);
}

/* Returns the seq of the COMMIT. */
static uint32_t
say_certs(struct certprop *cp, const struct insertion *in)
{
	struct keep_msg commit = {.type = KEEP_COMMIT};

	for (size_t i = 0; i < insertion_count(in); i++) {
		struct keep_msg msg = {.type = KEEP_CERT};

		insertion_describe(in, i, &msg.cert);
		(void)say(cp, &msg);
	}
	return say(cp, &commit);
}

/* What could not be read may still be on the card: then nothing is stale. */
uint32_t
news_insertion(struct certprop *cp, uint32_t reader, const char *reader_name,
               const struct insertion *in)
{
	say_begin(cp, reader, reader_name, in,
	          cp->policy.archive_stale && insertion_is_complete(in));
	return say_certs(cp, in);
}

void
news_absent(struct certprop *cp, uint32_t reader, const char *reader_name,
            const struct insertion *in)
{
	say_begin(cp, reader, reader_name, in, false);
	(void)say_certs(cp, in);
}

void
news_release(struct certprop *cp, uint32_t reader, const struct insertion *in,
             unsigned ended)
{
	struct keep_msg msg = {.type = KEEP_RELEASE};

	msg.release.reader = reader;
	memcpy(msg.release.card_id, insertion_card_id(in),
	       sizeof(msg.release.card_id));
	msg.release.roots = (ended & INSERTION_ROOTS) != 0;
	msg.release.user = (ended & INSERTION_USER) != 0;
	(void)say(cp, &msg);
}

void
news_synced(struct certprop *cp)
{
	struct keep_msg msg = {.type = KEEP_SYNCED};

	(void)say(cp, &msg);
}

void
news_end(struct certprop *cp, enum keep_end how, const char *reason)
{
	struct keep_msg msg = {.type = KEEP_END};

	msg.over.how = how;
	msg.over.grace_s = cp->policy.grace_s;
	msg.over.max_age_s = cp->policy.max_age_s;
	msg.over.reason = wire_view_text(reason);
	(void)say(cp, &msg);
}

static void
say_event(struct certprop *cp, const char *name, const char *text)
{
	struct keep_msg msg = {.type = KEEP_EVENT};

	msg.event.name = wire_view_text(name);
	msg.event.text = wire_view_text(text);
	(void)say(cp, &msg);
}

void
news_session(struct certprop *cp, const char *name, const char *what)
{
	log_note(LOG_NOTICE, name, what);
	say_event(cp, name, what);
}

static const char *
shown_name(const struct reader *r, char shown[READER_SHOWN_MAX])
{
	return log_printable(shown, READER_SHOWN_MAX, wire_view_text(r->name));
}

static void
say_of_reader(struct certprop *cp, enum log_level level, const char *name,
              const struct reader *r, const char *what)
{
	struct log_event ev = log_event(level, name);
	char text[EVENT_TEXT_MAX], shown[READER_SHOWN_MAX];
	const char *space = what[0] == '\0' ? "" : " ";

	log_text(&ev, "reader", r->name);
	if (r->atr_len > 0)
		log_id(&ev, "atr", r->atr, r->atr_len);
	if (what[0] != '\0')
		log_text(&ev, "what", what);
	log_write(&ev);
	(void)snprintf(text, sizeof(text), "reader=%s%s%s",
	               shown_name(r, shown), space, what);
	say_event(cp, name, text);
}

void
news_event(struct certprop *cp, const char *name, const struct reader *r,
           const char *what)
{
	say_of_reader(cp, LOG_INFO, name, r, what);
}

void
news_warning(struct certprop *cp, const char *name, const struct reader *r,
             const char *what)
{
	say_of_reader(cp, LOG_WARNING, name, r, what);
}

void
news_refusal(struct certprop *cp, const struct reader *r,
             const struct insertion_refusal *refusal)
{
	struct log_event ev = log_event(LOG_NOTICE, refusal->event);
	char text[EVENT_TEXT_MAX], shown[READER_SHOWN_MAX];
	char hex[2 * SHA256_LEN + 1] = "";

	if (refusal->sha256 != NULL)
		(void)log_hex(hex, refusal->sha256, SHA256_LEN);
	log_text(&ev, "reader", r->name);
	log_text(&ev, "slot", refusal->slot);
	log_text(&ev, "reason", refusal->reason);
	if (refusal->sha256 != NULL)
		log_id(&ev, "sha256", refusal->sha256, SHA256_LEN);
	log_write(&ev);
	(void)snprintf(text, sizeof(text), "reader=%s slot=%s sha256=%s: %s",
	               shown_name(r, shown), refusal->slot, hex,
	               refusal->reason);
	say_event(cp, refusal->event, text);
}
