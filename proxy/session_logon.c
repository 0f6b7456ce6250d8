#include "session_inside.h"

#include <string.h>

#include "errorinfo.h"

enum { WORDS_LOGGED = 16 }; /* of a peer, in one session */

static void on_credentials(void *arg, const struct share_info *info);
static void on_logon(void *arg, const struct logoninfo *info);
static void on_error_info(void *arg, uint32_t code);
static void on_unread(void *arg, const char *why);
static void on_ultimatum(void *arg, enum relay_side from,
                         enum mcs_reason reason);

static const struct relay_news relay_news = {
    on_credentials, on_logon, on_error_info, on_unread, on_ultimatum};

void
session_listen(struct session *s)
{
	evidence_init(&s->evidence, s->target->identity);
	relay_tell(s->relay, &relay_news, s);
	if (evidence_accepts(&s->evidence, EVIDENCE_SESSION_INFO))
		relay_want_plain_share(s->relay);
}

/* What a peer says again and again does not fill the log. */
static bool
may_log_word(struct session *s)
{
	return s->words < WORDS_LOGGED && ++s->words > 0;
}

/*
 * Who the user is.
 */

/* Why nobody is known by a source; what is a literal. */
void
session_note_source(enum evidence_source source, const char *what)
{
	struct log_event ev = log_event(LOG_NOTICE, "identity");

	log_text(&ev, "source", evidence_name(source));
	log_text(&ev, "reason", what);
	log_write(&ev);
}

static void
log_verdict(const struct session *s, enum evidence_source source,
            const char *user, const char *host_session,
            enum evidence_verdict verdict)
{
	struct log_event ev = log_event(
	    verdict == EVIDENCE_ANOTHER ? LOG_WARNING : LOG_NOTICE, "identity");

	log_text(&ev, "user", user);
	log_text(&ev, "source", evidence_name(source));
	if (host_session[0] != '\0')
		log_text(&ev, "log_on", host_session);
	log_text(&ev, "reason", evidence_reason(&s->evidence, source, verdict));
	log_write(&ev);
}

/* What is believed now, to the machine. */
static void
tell_user(struct session *s)
{
	const struct evidence *e = &s->evidence;

	usage_user(s->usage, e->user);
	certprop_user(channel_certprop(s->channel), e->user,
	              evidence_name(e->source), e->host_session,
	              steady_now_ms());
	session_arm_tick(s);
}

void
session_user_settled(struct session *s)
{
	s->settled = true;
	tell_user(s);
}

/* The one who was believed to be there is not: nothing of his goes on. */
static void
forget_user(struct session *s)
{
	s->settled = false;
	certprop_logoff(channel_certprop(s->channel),
	                "a better source names another user", steady_now_ms());
	ruling_forget(s->ruling);
}

void
session_say(struct session *s, enum evidence_source source, const char *user,
            const char *host_session)
{
	enum evidence_verdict verdict;

	if (s->stage != STAGE_RELAY || s->logged_off)
		return;
	verdict = evidence_say(&s->evidence, source, user, host_session);
	if (verdict != EVIDENCE_IGNORED || may_log_word(s))
		log_verdict(s, source, user, host_session, verdict);
	switch (verdict) {
	case EVIDENCE_IGNORED:
		return;
	case EVIDENCE_AGREES:
		if (s->settled)
			tell_user(s);
		if (source != EVIDENCE_HOST)
			session_host_user(s);
		return;
	case EVIDENCE_ANOTHER:
		forget_user(s);
		break;
	case EVIDENCE_NAMED:
		break;
	}
	ruling_identify(s->ruling, s->evidence.user);
	if (source != EVIDENCE_HOST)
		session_host_user(s);
}

static void
say_claimed(struct session *s)
{
	const struct relay_facts *facts = relay_facts(s->relay);
	char key[EVIDENCE_KEY_MAX];

	if (evidence_key(facts->user, facts->domain, key, sizeof(key)))
		session_say(s, EVIDENCE_CLAIMED, key, "");
	else
		session_note_source(EVIDENCE_CLAIMED,
		                    "the client named no user");
}

/* Those that have not spoken, best first: "session-info, pam". */
static void
log_waiting(const struct session *s)
{
	struct log_event ev = log_event(LOG_NOTICE, "identity");
	char list[64] = "";
	size_t len = 0;

	for (int i = 0; i < EVIDENCE_CLAIMED; i++)
		if (evidence_accepts(&s->evidence, (enum evidence_source)i))
			len += (size_t)snprintf(
			    list + len, sizeof(list) - len, "%s%s",
			    len == 0 ? "" : ", ",
			    evidence_name((enum evidence_source)i));
	log_text(&ev, "source", "none");
	if (len > 0)
		log_text(&ev, "waiting_for", list);
	else
		log_text(&ev, "reason", "the target accepts no identity");
	log_write(&ev);
}

void
session_identify(struct session *s)
{
	if (evidence_accepts(&s->evidence, EVIDENCE_CLAIMED))
		say_claimed(s);
	if (evidence_accepts(&s->evidence, EVIDENCE_HOST))
		session_watch_host(s);
	if (s->evidence.source == EVIDENCE_SOURCES)
		log_waiting(s);
}

/*
 * What the relay reads.
 */

static void
on_credentials(void *arg, const struct share_info *info)
{
	struct session *s = arg;

	if (evidence_accepts(&s->evidence, EVIDENCE_PAM))
		session_ask_password(s, info);
	else
		session_end_vouch(s); /* nothing will be asked */
}

/* A server that names nobody, or in letters that are none, names nobody. */
static void
say_session_info(struct session *s, const struct logoninfo *info)
{
	char user[RELAY_TEXT_MAX];
	char domain[RELAY_TEXT_MAX];
	char key[EVIDENCE_KEY_MAX] = "";
	char host_session[EVIDENCE_LOGON_MAX];

	if (!share_text_utf8(&info->user, user, sizeof(user)) ||
	    !share_text_utf8(&info->domain, domain, sizeof(domain))) {
		if (may_log_word(s))
			session_note_source(EVIDENCE_SESSION_INFO,
			                    "the name is too long or no text");
		return;
	}
	(void)evidence_key(user, domain, key, sizeof(key));
	(void)snprintf(host_session, sizeof(host_session), "rdp:%u",
	               info->session_id);
	session_say(s, EVIDENCE_SESSION_INFO, key, host_session);
}

static void
on_logon(void *arg, const struct logoninfo *info)
{
	struct session *s = arg;
	struct log_event ev;

	if (info->kind == LOGONINFO_V1 || info->kind == LOGONINFO_V2) {
		say_session_info(s, info);
		return;
	}
	if (!may_log_word(s))
		return;
	ev = log_event(LOG_INFO, "logon-info");
	log_text(&ev, "kind",
	         info->kind == LOGONINFO_PLAIN ? "plain" : "extended");
	if (info->has_cookie)
		log_number(&ev, "logon_id", info->logon_id);
	if (info->has_error) {
		log_number(&ev, "type", info->error_type);
		log_number(&ev, "data", info->error_data);
	}
	log_write(&ev);
}

/* Once: a server that compresses one compresses all. */
static void
on_unread(void *arg, const char *why)
{
	struct session *s = arg;
	struct log_event ev;

	if (s->unread_told)
		return;
	s->unread_told = true;
	ev = log_event(LOG_WARNING, "logon-hidden");
	log_text(&ev, "what", why);
	log_write(&ev);
}

/*
 * How it ends.
 */

static const char *
end_name(enum keep_end end)
{
	return end == KEEP_END_LOGOFF ? "log-off" : "disconnect";
}

void
session_log_off(struct session *s, const char *reason)
{
	if (s->stage != STAGE_RELAY || s->logged_off)
		return;
	s->logged_off = true;
	certprop_logoff(channel_certprop(s->channel), reason, steady_now_ms());
	session_arm_tick(s);
}

static void
log_error_info(uint32_t code)
{
	struct log_event ev = log_event(LOG_NOTICE, "error-info");

	log_number(&ev, "code", code);
	log_text(&ev, "name", errorinfo_name(code));
	log_write(&ev);
}

static void
on_error_info(void *arg, uint32_t code)
{
	struct session *s = arg;
	enum errorinfo_end end = errorinfo_end(code);

	if (may_log_word(s))
		log_error_info(code);
	if (end != ERRORINFO_NONE)
		s->error_end = end;
	if (end == ERRORINFO_LOGOFF)
		session_log_off(s, errorinfo_name(code));
}

static void
log_ultimatum(enum relay_side from, enum mcs_reason reason)
{
	struct log_event ev = log_event(LOG_INFO, "ultimatum");

	log_text(&ev, "from", from == RELAY_SERVER ? "server" : "client");
	log_text(&ev, "reason", mcs_reason_name(reason));
	log_write(&ev);
}

/*
 * A server that is asked to log off may say so by nothing but the reason of its
 * ultimatum (Windows Server 2008 R2, xrdp).  The same reason after an error
 * info code adds nothing, and a client's own only says that it goes.
 */
static void
on_ultimatum(void *arg, enum relay_side from, enum mcs_reason reason)
{
	struct session *s = arg;

	if (may_log_word(s))
		log_ultimatum(from, reason);
	if (from == RELAY_SERVER && reason == MCS_USER_REQUESTED)
		s->server_left = true;
}

/* Could anybody tell that the log-on has ended, once we are gone? */
static bool
end_is_told(const struct session *s)
{
	switch (s->target->session_end) {
	case CONFIG_END_CONNECTION:
		return false;
	case CONFIG_END_SIGNAL:
		return true;
	case CONFIG_END_AUTO:
		break;
	}
	return s->evidence.host_session[0] != '\0';
}

static enum keep_end
how_it_ended(const struct session *s, const char **because)
{
	if (s->logged_off) {
		*because = "the log-on ended before the connection";
		return KEEP_END_LOGOFF;
	}
	if (s->evidence.source == EVIDENCE_SOURCES) {
		*because = "nobody was logged on";
		return KEEP_END_LOGOFF;
	}
	if (!end_is_told(s)) {
		*because = "it counts as the log-on's end (session_end)";
		return KEEP_END_LOGOFF;
	}
	if (s->error_end == ERRORINFO_NONE && s->server_left) {
		*because = "the server ended it at the user's request";
		return KEEP_END_LOGOFF;
	}
	*because = s->error_end == ERRORINFO_NONE
	               ? "the server said nothing of a log-off"
	               : "the server said so";
	return KEEP_END_DISCONNECT;
}

enum keep_end
session_end_kind(const struct session *s, struct log_event *ev)
{
	const char *because;
	enum keep_end end;

	if (s->target == NULL)
		return KEEP_END_LOGOFF;
	end = how_it_ended(s, &because);
	log_text(ev, "end", end_name(end));
	log_text(ev, "because", because);
	return end;
}
