#include "logon.h"

#include "log.h"

#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct logon *
logon_new(const char *id, const char *connection)
{
	struct logon *logon = calloc(1, sizeof(*logon));

	if (logon == NULL)
		return NULL;
	(void)snprintf(logon->id, sizeof(logon->id), "%s", id);
	(void)snprintf(logon->connection, sizeof(logon->connection), "%s",
	               connection);
	logon->linked = (uid_t)-1;
	logon->noted = (uid_t)-1;
	return logon;
}

struct logon *
logon_new_random(const char *connection)
{
	char id[ENGINE_ID_SIZE];
	uint8_t raw[KEEP_ID_LEN];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return NULL;
	(void)log_hex(id, raw, sizeof(raw));
	return logon_new(id, connection);
}

/* Without memory the old text stays. */
static void
set_text(char **to, struct wire_view text)
{
	if (text.len == 0)
		return;
	char *copy = strndup((const char *)text.data, text.len);

	if (copy == NULL)
		return;
	free(*to);
	*to = copy;
}

static void
copy_id(char id[ENGINE_ID_SIZE], struct wire_view text)
{
	if (text.len == ENGINE_ID_SIZE - 1)
		memcpy(id, text.data, text.len);
}

struct logon *
logon_load(const struct engine_session *session)
{
	struct logon *logon = logon_new("", "");

	if (logon == NULL)
		return NULL;
	copy_id(logon->id, session->session);
	copy_id(logon->connection, session->connection);
	set_text(&logon->user, session->user);
	set_text(&logon->target, session->target);
	set_text(&logon->host_session, session->host_session);
	set_text(&logon->client_name, session->client_name);
	set_text(&logon->client_addr, session->client_addr);
	set_text(&logon->policy, session->policy);
	logon->purpose = session->purpose;
	logon->started_at = session->started_at;
	logon->detached_at = session->detached_at;
	logon->bound = logon->user != NULL;
	logon->awaited = logon->detached_at == 0;
	return logon;
}

static void
free_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

void
logon_free(struct logon *logon)
{
	if (logon == NULL)
		return;
	free_event(&logon->grace);
	free_event(&logon->age);
	table_drop(&logon->by_user);
	free(logon->user);
	free(logon->target);
	free(logon->host_session);
	free(logon->client_name);
	free(logon->client_addr);
	free(logon->policy);
	free(logon);
}

void
logon_index(struct logon *logon, struct table *users)
{
	table_drop(&logon->by_user);
	if (logon->user != NULL)
		table_put(users, &logon->by_user, logon->user, logon);
}

void
logon_describe(struct logon *logon, const struct keep_hello *hello)
{
	if (logon->started_at == 0)
		logon->started_at = hello->started_at;
	set_text(&logon->target, hello->target);
	set_text(&logon->client_name, hello->client_name);
	set_text(&logon->client_addr, hello->client_addr);
}

void
logon_bind(struct logon *logon, const char *user)
{
	table_drop(&logon->by_user);
	set_text(&logon->user, wire_view_text(user));
	logon->bound = true;
}

void
logon_name(struct logon *logon, const char *host_session, const char *policy)
{
	set_text(&logon->policy, wire_view_text(policy));
	set_text(&logon->host_session, wire_view_text(host_session));
}

void
logon_detach(struct logon *logon, int64_t now)
{
	logon->peer = NULL;
	logon->connection[0] = '\0';
	logon->detached_at = now;
}

void
logon_attach(struct logon *logon, struct peer *peer, const char *connection)
{
	free_event(&logon->grace);
	free_event(&logon->age);
	logon->peer = peer;
	logon->awaited = false;
	logon->detached_at = 0;
	(void)snprintf(logon->connection, sizeof(logon->connection), "%s",
	               connection);
}

static bool
is_same(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static bool
is_named(const char *text)
{
	return text != NULL && text[0] != '\0';
}

struct logon *
logon_find_named(const struct logon_list *list, const struct logon *but,
                 const char *user, const char *target, const char *host_session)
{
	struct logon *logon;

	if (!is_named(host_session))
		return NULL;
	TAILQ_FOREACH (logon, list, entry) {
		if (logon != but && logon->bound && !logon->ended &&
		    is_same(logon->user, user) &&
		    is_same(logon->target, target) &&
		    is_same(logon->host_session, host_session))
			return logon;
	}
	return NULL;
}

struct logon *
logon_find_resumable(const struct logon_list *list, const char *user,
                     const char *target, const char *host_session)
{
	struct logon *found =
	    logon_find_named(list, NULL, user, target, host_session);
	struct logon *logon;
	size_t unnamed = 0;

	if (found != NULL)
		return found;
	TAILQ_FOREACH (logon, list, entry) {
		if (logon->detached_at == 0 || logon->ended ||
		    !is_same(logon->user, user) ||
		    !is_same(logon->target, target) ||
		    (is_named(logon->host_session) && is_named(host_session)))
			continue;
		unnamed++;
		found = logon;
	}
	return unnamed == 1 ? found : NULL;
}

bool
logon_is_called(const struct logon *logon, const char *host_session)
{
	return is_named(host_session) &&
	       is_same(logon->host_session, host_session);
}

struct logon *
logon_find_awaited(const struct logon_list *list, const char *connection)
{
	struct logon *logon;

	TAILQ_FOREACH (logon, list, entry) {
		if (logon->awaited && is_same(logon->connection, connection))
			return logon;
	}
	return NULL;
}

struct logon *
logon_find(const struct logon_list *list, const char *id)
{
	struct logon *logon;

	TAILQ_FOREACH (logon, list, entry) {
		if (!logon->ended && strcmp(logon->id, id) == 0)
			return logon;
	}
	return NULL;
}

bool
logon_is_local(const char *const *local_targets, struct wire_view target)
{
	while (local_targets != NULL && *local_targets != NULL)
		if (wire_view_equal(target, wire_view_text(*local_targets++)))
			return true;
	return false;
}

bool
logon_is_proven(struct wire_view source)
{
	return source.len > 0 &&
	       !wire_view_equal(source, wire_view_text("claimed"));
}
