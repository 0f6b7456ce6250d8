#include "evidence.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void
evidence_init(struct evidence *e, unsigned accepted)
{
	memset(e, 0, sizeof(*e));
	e->accepted = accepted;
	e->source = EVIDENCE_SOURCES;
}

bool
evidence_accepts(const struct evidence *e, enum evidence_source source)
{
	return e->accepted & 1u << source;
}

/* May it say who the user is, and not only what the log-on is called? */
static bool
names_users(const struct evidence *e, enum evidence_source source)
{
	return source != EVIDENCE_HOST || (e->accepted & EVIDENCE_ALONE) != 0;
}

bool
evidence_lacks_user(unsigned accepted)
{
	return accepted == 1u << EVIDENCE_HOST;
}

static void
believe(struct evidence *e, enum evidence_source source, const char *user,
        const char *host_session)
{
	e->source = source;
	(void)snprintf(e->user, sizeof(e->user), "%s", user);
	(void)snprintf(e->host_session, sizeof(e->host_session), "%s",
	               host_session);
}

/*
 * A name of the log-on from the weaker of two sources still names it, and the
 * host's goes before the server's: it is the host that tells of the end.
 */
static enum evidence_verdict
agree(struct evidence *e, enum evidence_source source, const char *host_session)
{
	bool better = source < e->source && names_users(e, source);
	bool names = host_session[0] != '\0' &&
	             strcmp(host_session, e->host_session) &&
	             (e->host_session[0] == '\0' || source == EVIDENCE_HOST);

	if (better)
		e->source = source;
	if (names)
		(void)snprintf(e->host_session, sizeof(e->host_session), "%s",
		               host_session);
	return better || names ? EVIDENCE_AGREES : EVIDENCE_IGNORED;
}

enum evidence_verdict
evidence_say(struct evidence *e, enum evidence_source source, const char *user,
             const char *host_session)
{
	bool known = e->source != EVIDENCE_SOURCES;

	if (!evidence_accepts(e, source) || user[0] == '\0' ||
	    strlen(user) >= sizeof(e->user))
		return EVIDENCE_IGNORED;
	if (known && strcmp(user, e->user) == 0)
		return agree(e, source, host_session);
	if (!names_users(e, source) || (known && source >= e->source))
		return EVIDENCE_IGNORED;
	believe(e, source, user, host_session);
	return known ? EVIDENCE_ANOTHER : EVIDENCE_NAMED;
}

const char *
evidence_reason(const struct evidence *e, enum evidence_source source,
                enum evidence_verdict verdict)
{
	switch (verdict) {
	case EVIDENCE_NAMED:
		return "the first to name a user";
	case EVIDENCE_AGREES:
		return "names the same user";
	case EVIDENCE_ANOTHER:
		return "a better source names another user";
	case EVIDENCE_IGNORED:
		break;
	}
	if (!evidence_accepts(e, source))
		return "the target does not accept this source";
	if (e->source == EVIDENCE_SOURCES && !names_users(e, source))
		return "kept until another source names that user";
	if (e->source == EVIDENCE_SOURCES)
		return "it names no user";
	return "it adds nothing to what is known";
}

/* The last character of a key may still be cut: then it does not fit. */
static bool
join(char *key, size_t size, const char *user, size_t user_len,
     const char *domain, size_t domain_len)
{
	int n = snprintf(key, size, "%.*s%s%.*s", (int)user_len, user,
	                 domain_len == 0 ? "" : "@", (int)domain_len, domain);

	if (n < 0 || (size_t)n >= size || user_len == 0) {
		key[0] = '\0';
		return false;
	}
	/* Letters of other alphabets stay as they are: all sources agree. */
	for (char *c = key; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	return true;
}

bool
evidence_key(const char *user, const char *domain, char *key, size_t size)
{
	const char *slash = strchr(user, '\\');
	size_t before = slash == NULL ? 0 : (size_t)(slash - user);

	if (slash != NULL) {
		if (before == 1 && user[0] == '.')
			before = 0; /* this machine's */
		return join(key, size, slash + 1, strlen(slash + 1), user,
		            before);
	}
	if (strchr(user, '@') != NULL)
		domain = "";
	return join(key, size, user, strlen(user), domain, strlen(domain));
}

const char *
evidence_name(enum evidence_source source)
{
	switch (source) {
	case EVIDENCE_SESSION_INFO:
		return "session-info";
	case EVIDENCE_PAM:
		return "pam";
	case EVIDENCE_HOST:
		return "host";
	case EVIDENCE_CLAIMED:
		return "claimed";
	case EVIDENCE_SOURCES:
		break;
	}
	return "none";
}

static bool
is_word(const char *name, const char *word, size_t len)
{
	return strlen(name) == len && memcmp(name, word, len) == 0;
}

/* What a word adds to a set; 0: there is no such word. */
static unsigned
find_word(const char *word, size_t len)
{
	for (int i = 0; i < EVIDENCE_SOURCES; i++) {
		if (is_word(evidence_name((enum evidence_source)i), word, len))
			return 1u << i;
	}
	if (is_word("host-alone", word, len))
		return 1u << EVIDENCE_HOST | EVIDENCE_ALONE;
	return 0;
}

const char *
evidence_parse(const char *text, unsigned *accepted)
{
	*accepted = 0;
	if (strcmp(text, "none") == 0)
		return NULL;
	for (;;) {
		const char *word = text + strspn(text, " \t");
		size_t len = strcspn(word, " \t|");
		const char *after = word + len + strspn(word + len, " \t");
		unsigned found = find_word(word, len);

		if (found == 0 || (*after != '|' && *after != '\0'))
			return "want none, or session-info, pam, host (or "
			       "host-alone) and claimed, '|' between them";
		*accepted |= found;
		if (*after == '\0')
			return NULL;
		text = after + 1;
	}
}
