#include "session_inside.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * The log-ons of this host, [target] identity = host: what begins after the
 * connection did, is a remote desktop's, and bears the name the client states
 * or a better source has found.  It is kept until such a source has spoken.
 *
 * A connection that resumes a desktop makes none begin.  When the user is known
 * and some time has passed, the only one that he has is taken for it; where one
 * begins after all, that one.
 */

enum {
	HOST_SETTLE_MS = 500,  /* what begins so close is not told apart */
	HOST_RESUME_MS = 5000, /* a server's time to make a desktop begin */
	MS_IN_S = 1000
};

struct session_host {
	struct session *session;
	struct hostlogon *watch; /* NULL while those that are there are told */
	struct event *due;
	struct event *resume;
	unsigned candidates;       /* since the last decision */
	bool begun;                /* id did, since the connection began */
	char id[HOSTLOGON_ID_MAX]; /* "": none was found */
	char key[EVIDENCE_KEY_MAX];
};

static void on_new(void *arg, const struct hostlogon_entry *entry);
static void on_gone(void *arg, const struct hostlogon_entry *entry);
static void on_due(evutil_socket_t fd, short what, void *arg);
static void on_resume(evutil_socket_t fd, short what, void *arg);

static const struct hostlogon_ops hostlogon_ops = {on_new, on_gone};

void
session_watch_host(struct session *s)
{
	struct session_host *h;
	const char *missing = hostlogon_missing();

	if (!leg_stays_here(s->server))
		missing = "the target is not this host";
	h = missing == NULL ? calloc(1, sizeof(*h)) : NULL;
	if (h != NULL) {
		s->host = h;
		h->session = s;
		h->due = evtimer_new(s->base, on_due, h);
		h->resume = evtimer_new(s->base, on_resume, h);
		h->watch = hostlogon_new(s->base, &hostlogon_ops, h);
	}
	if (h == NULL || h->due == NULL || h->resume == NULL ||
	    h->watch == NULL)
		session_note_source(EVIDENCE_HOST,
		                    missing != NULL ? missing
		                                    : "it cannot be watched");
}

/* A shell or a service that begins at the same time is no desktop of ours. */
static bool
is_remote_desktop(const struct hostlogon_entry *entry)
{
	return strncmp(entry->service, "xrdp", 4) == 0 ||
	       (strncmp(entry->service, "gdm", 3) == 0 && entry->remote);
}

static bool
fits(const struct session *s, const char *key)
{
	const struct relay_facts *facts = relay_facts(s->relay);
	char claimed[EVIDENCE_KEY_MAX];

	if (s->evidence.source < EVIDENCE_HOST)
		return strcmp(key, s->evidence.user) == 0;
	return (evidence_key(facts->user, facts->domain, claimed,
	                     sizeof(claimed)) &&
	        strcmp(key, claimed) == 0) ||
	       (evidence_key(facts->user, "", claimed, sizeof(claimed)) &&
	        strcmp(key, claimed) == 0);
}

/* Is it a desktop that may be this connection's?  Then it is the candidate. */
static void
consider(struct session_host *h, const struct hostlogon_entry *entry)
{
	char key[EVIDENCE_KEY_MAX];

	if (!is_remote_desktop(entry) ||
	    !evidence_key(entry->user, "", key, sizeof(key)) ||
	    !fits(h->session, key))
		return;
	h->candidates++;
	memcpy(h->id, entry->id, sizeof(h->id));
	memcpy(h->key, key, sizeof(h->key));
}

/* The log-on that was found, to whoever decides; again when he knows more. */
static void
say(struct session_host *h)
{
	char name[EVIDENCE_LOGON_MAX];

	if (h->id[0] != '\0' &&
	    (size_t)snprintf(name, sizeof(name), "logind:%s", h->id) <
	        sizeof(name))
		session_say(h->session, EVIDENCE_HOST, h->key, name);
}

/* The only one since the last decision, or none. */
static void
decide(struct session_host *h, const char *several)
{
	unsigned candidates = h->candidates;

	h->candidates = 0;
	if (candidates == 1) {
		say(h);
		return;
	}
	h->id[0] = '\0';
	if (candidates > 1)
		session_note_source(EVIDENCE_HOST, several);
}

static void
on_new(void *arg, const struct hostlogon_entry *entry)
{
	const struct timeval settle = {0, HOST_SETTLE_MS * MS_IN_S};
	struct session_host *h = arg;

	if (h->watch == NULL || h->due == NULL || h->resume == NULL || h->begun)
		return; /* a second desktop is another connection's */
	consider(h, entry);
	if (h->candidates == 0)
		return;
	(void)event_del(h->resume);
	(void)event_add(h->due, &settle);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct session_host *h = arg;

	(void)fd;
	(void)what;
	h->begun = h->candidates == 1;
	decide(h, "several log-ons of that name began");
}

void
session_host_user(struct session *s)
{
	const struct timeval resume = {HOST_RESUME_MS / MS_IN_S, 0};
	struct session_host *h = s->host;

	if (h == NULL || h->watch == NULL || h->resume == NULL)
		return;
	if (h->id[0] == '\0')
		(void)event_add(h->resume, &resume);
	else if (h->candidates == 0)
		say(h);
}

static void
consider_there(void *arg, const struct hostlogon_entry *entry)
{
	consider(arg, entry);
}

/* What the client states alone resumes nobody's desktop. */
static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
	struct session_host *h = arg;

	(void)fd;
	(void)what;
	if (h->session->evidence.source >= EVIDENCE_HOST)
		return;
	hostlogon_each(h->watch, consider_there, h);
	decide(h, "the user has several desktops here");
}

static void
on_gone(void *arg, const struct hostlogon_entry *entry)
{
	struct session_host *h = arg;
	const char *ours = h->session->evidence.host_session;

	if (strcmp(h->id, entry->id) == 0) {
		h->id[0] = '\0';
		h->begun = false;
	}
	if (strncmp(ours, "logind:", 7) == 0 &&
	    strcmp(ours + 7, entry->id) == 0)
		session_log_off(h->session, "the host's log-on has ended");
}

void
session_end_host(struct session *s)
{
	if (s->host == NULL)
		return;
	hostlogon_free(s->host->watch);
	if (s->host->due != NULL)
		event_free(s->host->due);
	if (s->host->resume != NULL)
		event_free(s->host->resume);
	free(s->host);
	s->host = NULL;
}
