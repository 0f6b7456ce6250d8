#include "session_inside.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/*
 * The log-ons of this host, [target] identity = host: what begins after the
 * connection did, is a remote desktop's, and bears the name the client states
 * or a better source has found.
 */

/* Log-ons that begin so close together are not told apart. */
enum { HOST_SETTLE_MS = 500 };

struct session_host {
	struct session *session;
	struct hostlogon *watch; /* NULL while those that are there are told */
	struct event *due;
	unsigned candidates; /* since the last decision */
	char id[HOSTLOGON_ID_MAX];
	char key[EVIDENCE_KEY_MAX];
};

static void on_new(void *arg, const struct hostlogon_entry *entry);
static void on_gone(void *arg, const struct hostlogon_entry *entry);
static void on_due(evutil_socket_t fd, short what, void *arg);

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
		h->watch = hostlogon_new(s->base, &hostlogon_ops, h);
	}
	if (h == NULL || h->due == NULL || h->watch == NULL)
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

static void
on_new(void *arg, const struct hostlogon_entry *entry)
{
	const struct timeval settle = {0, HOST_SETTLE_MS * 1000};
	struct session_host *h = arg;
	char key[EVIDENCE_KEY_MAX];

	if (h->watch == NULL || h->due == NULL || !is_remote_desktop(entry) ||
	    !evidence_key(entry->user, "", key, sizeof(key)) ||
	    !fits(h->session, key))
		return;
	h->candidates++;
	memcpy(h->id, entry->id, sizeof(h->id));
	memcpy(h->key, key, sizeof(h->key));
	(void)event_add(h->due, &settle);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct session_host *h = arg;
	unsigned candidates = h->candidates;
	char name[EVIDENCE_LOGON_MAX];

	(void)fd;
	(void)what;
	h->candidates = 0;
	if (candidates > 1) {
		session_note_source(EVIDENCE_HOST,
		                    "several log-ons of that name began");
		return;
	}
	if ((size_t)snprintf(name, sizeof(name), "logind:%s", h->id) <
	    sizeof(name))
		session_say(h->session, EVIDENCE_HOST, h->key, name);
}

static void
on_gone(void *arg, const struct hostlogon_entry *entry)
{
	struct session_host *h = arg;
	const char *ours = h->session->evidence.host_session;

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
	free(s->host);
	s->host = NULL;
}
