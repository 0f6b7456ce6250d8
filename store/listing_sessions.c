#include "listing_private.h"

#include "document.h"
#include "environment.h"
#include "reason.h"

#include <json-c/json.h>
#include <string.h>

static void
add_session(struct json_object *row, const struct peer *peer)
{
	char reason[REASON_SIZE];

	document_add_text(row, "id", peer->id);
	document_add_text(row, "logon", peer->logon->id);
	document_add_text(row, "host_session",
	                  peer->over_user == NULL ? peer->host_session : "");
	document_add_text(row, "state", keep_session_state_name(peer->state));
	document_add_text(row, "user", peer->user);
	document_add_text(row, "source", peer->source);
	document_add_text(row, "policy", peer->policy);
	document_add_text(row, "role", peer->role);
	document_add_text(row, "reason", reason_of(peer, reason));
	document_add_text(row, "target", peer->target);
	document_add_text(row, "client_name", peer->client_name);
	document_add_text(row, "client_addr", peer->client_addr);
	document_add_number(row, "pid", peer->pid);
	document_add_number(row, "started_at", peer->started_at);
	document_add_number(row, "readers", (int64_t)peer->reader_count);
	document_add_number(row, "cards", (int64_t)reason_count_cards(peer));
}

/* Nobody is connected to it: what is known without a connection. */
static void
add_detached(struct json_object *row, const struct logon *logon)
{
	document_add_text(row, "id", logon->id);
	document_add_text(row, "logon", logon->id);
	document_add_text(row, "host_session", logon->host_session);
	document_add_text(row, "state", keep_session_state_name(KEEP_DETACHED));
	document_add_text(row, "user", logon->user);
	document_add_text(row, "source", "");
	document_add_text(row, "policy", logon->policy);
	document_add_text(row, "role", "none");
	document_add_text(row, "reason", "nobody is connected");
	document_add_text(row, "target", logon->target);
	document_add_text(row, "client_name", logon->client_name);
	document_add_text(row, "client_addr", logon->client_addr);
	document_add_number(row, "pid", 0);
	document_add_number(row, "started_at", logon->started_at);
	document_add_number(row, "detached_at", logon->detached_at);
	document_add_number(row, "readers", 0);
	document_add_number(row, "cards", 0);
}

static void
add_usage(struct json_object *row, const struct keep_usage *usage)
{
	document_add_number(row, "calls", (int64_t)usage->calls);
	document_add_number(row, "commands", (int64_t)usage->commands);
	document_add_number(row, "refused", (int64_t)usage->refused);
	document_add_number(row, "sent", (int64_t)usage->sent);
	document_add_number(row, "received", (int64_t)usage->received);
}

static bool
is_wanted(const struct listing *listing, const char *id)
{
	const char *prefix = listing->request->prefix;

	return strncmp(id, prefix, strlen(prefix)) == 0;
}

/* Connections are numbered as they come; NULL: it was the last. */
static const struct peer *
next_peer(struct listing *listing)
{
	const struct peer *peer;

	TAILQ_FOREACH (peer, listing->source->peers, entry)
		if (peer->number > listing->number && peer->fd >= 0 &&
		    is_wanted(listing, peer->id))
			break;
	if (peer != NULL)
		listing->number = peer->number;
	return peer;
}

static bool
put_session(struct listing *listing, const struct peer *peer)
{
	struct json_object *row = json_object_new_object();

	if (row != NULL) {
		add_session(row, peer);
		if (listing->request->verb == REQUEST_SESSIONS_SHOW)
			add_usage(row, &peer->usage);
	}
	return stream_put(&listing->stream, row);
}

/* Rows of one connection; false: no more of them. */
typedef bool put_peer(struct listing *listing, const struct peer *peer);

static enum engine_slice
page_peers(struct listing *listing, put_peer *put)
{
	for (int i = 0; i < LISTING_PAGE; i++) {
		const struct peer *peer = next_peer(listing);

		if (peer == NULL)
			return ENGINE_DONE;
		if (!put(listing, peer))
			return ENGINE_BAD;
	}
	return ENGINE_MORE;
}

enum engine_slice
listing_sessions(struct listing *listing)
{
	return page_peers(listing, put_session);
}

static bool
put_readers(struct listing *listing, const struct peer *peer)
{
	const struct peer_reader *reader;

	TAILQ_FOREACH (reader, &peer->readers, entry) {
		struct json_object *row = json_object_new_object();

		if (row != NULL) {
			document_add_text(row, "session", peer->id);
			document_add_text(row, "user", peer->user);
			report_add_reader(row, reader);
		}
		if (!stream_put(&listing->stream, row))
			return false;
	}
	return true;
}

enum engine_slice
listing_readers(struct listing *listing)
{
	return page_peers(listing, put_readers);
}

static const struct logon *
next_detached(struct listing *listing)
{
	const struct logon *logon = NULL;

	if (listing->source->logons == NULL)
		return NULL;
	TAILQ_FOREACH (logon, listing->source->logons, entry)
		if (logon->number > listing->number &&
		    logon->detached_at != 0 && !logon->ended &&
		    is_wanted(listing, logon->id))
			break;
	if (logon != NULL)
		listing->number = logon->number;
	return logon;
}

enum engine_slice
listing_sessions_detached(struct listing *listing)
{
	for (int i = 0; i < LISTING_PAGE; i++) {
		const struct logon *logon = next_detached(listing);
		struct json_object *row;

		if (logon == NULL)
			return ENGINE_DONE;
		row = json_object_new_object();
		if (row != NULL)
			add_detached(row, logon);
		if (!stream_put(&listing->stream, row))
			return ENGINE_BAD;
	}
	return ENGINE_MORE;
}

static bool
on_environment(const struct engine_session *session, void *arg)
{
	struct listing *listing = arg;

	if (!environment_is_wanted(listing->request, session))
		return true;
	struct json_object *row = json_object_new_object();

	if (row != NULL)
		environment_add(listing->source, session, row);
	return stream_put(&listing->stream, row);
}

enum engine_slice
listing_environments(struct listing *listing)
{
	return engine_page_sessions(listing->source->engine, listing->session,
	                            on_environment, listing);
}
