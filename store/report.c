#include "report.h"

#include "certrow.h"
#include "document.h"
#include "environment.h"
#include "log.h"
#include "reason.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void
add_view(struct json_object *to, const char *key, struct wire_view text)
{
	(void)json_object_object_add(
	    to, key,
	    json_object_new_string_len((const char *)text.data, (int)text.len));
}

static void
add_text(struct json_object *to, const char *key, const char *text)
{
	add_view(to, key, wire_view_text(text));
}

static void
add_number(struct json_object *to, const char *key, int64_t value)
{
	(void)json_object_object_add(to, key, json_object_new_int64(value));
}

static void
add_bool(struct json_object *to, const char *key, bool value)
{
	(void)json_object_object_add(to, key, json_object_new_boolean(value));
}

static void
add_hex(struct json_object *to, const char *key, struct wire_view bytes)
{
	char text[2 * 64 + 1] = "";

	if (bytes.len <= 64 && bytes.len > 0)
		(void)log_hex(text, bytes.data, bytes.len);
	add_text(to, key, text);
}

static bool
is_zero(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* A card that does not say who it is has an empty id. */
static void
add_card_id(struct json_object *to, struct wire_view id)
{
	if (id.len == 0 || is_zero(id.data, id.len))
		add_text(to, "card_id", "");
	else
		add_hex(to, "card_id", id);
}

static bool
has_prefix(struct wire_view hash, const char *prefix)
{
	char text[2 * ENGINE_HASH_LEN + 1] = "";

	if (hash.len == ENGINE_HASH_LEN)
		(void)log_hex(text, hash.data, hash.len);
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* An answer under way: the document and the array its rows go to. */
struct answer {
	const struct report_source *source;
	const struct request *request;
	struct json_object *document;
	struct json_object *rows;
	struct json_object *last; /* root that claims are added to */
};

static bool
is_full(struct answer *answer)
{
	if (json_object_array_length(answer->rows) < REPORT_ROWS_MAX)
		return false;
	add_bool(answer->document, "truncated", true);
	return true;
}

static struct json_object *
new_row(struct answer *answer)
{
	struct json_object *row = json_object_new_object();

	if (row != NULL && json_object_array_add(answer->rows, row) == 0)
		return row;
	(void)json_object_put(row);
	return NULL;
}

static bool
new_rows(struct answer *answer, const char *name)
{
	answer->rows = json_object_new_array();
	return answer->rows != NULL &&
	       json_object_object_add(answer->document, name, answer->rows) ==
	           0;
}

static void
add_session(struct json_object *row, const struct peer *peer)
{
	char reason[REASON_SIZE];

	add_text(row, "id", peer->id);
	add_text(row, "logon", peer->logon->id);
	add_text(row, "host_session",
	         peer->over_user == NULL ? peer->host_session : "");
	add_text(row, "state", keep_session_state_name(peer->state));
	add_text(row, "user", peer->user);
	add_text(row, "source", peer->source);
	add_text(row, "policy", peer->policy);
	add_text(row, "role", peer->role);
	add_text(row, "reason", reason_of(peer, reason));
	add_text(row, "target", peer->target);
	add_text(row, "client_name", peer->client_name);
	add_text(row, "client_addr", peer->client_addr);
	add_number(row, "pid", peer->pid);
	add_number(row, "started_at", peer->started_at);
	add_number(row, "readers", (int64_t)peer->reader_count);
	add_number(row, "cards", (int64_t)reason_count_cards(peer));
}

/* Nobody is connected to it: what is known without a connection. */
static void
add_detached(struct json_object *row, const struct logon *logon)
{
	add_text(row, "id", logon->id);
	add_text(row, "logon", logon->id);
	add_text(row, "host_session", logon->host_session);
	add_text(row, "state", keep_session_state_name(KEEP_DETACHED));
	add_text(row, "user", logon->user);
	add_text(row, "source", "");
	add_text(row, "policy", logon->policy);
	add_text(row, "role", "none");
	add_text(row, "reason", "nobody is connected");
	add_text(row, "target", logon->target);
	add_text(row, "client_name", logon->client_name);
	add_text(row, "client_addr", logon->client_addr);
	add_number(row, "pid", 0);
	add_number(row, "started_at", logon->started_at);
	add_number(row, "detached_at", logon->detached_at);
	add_number(row, "readers", 0);
	add_number(row, "cards", 0);
}

/* prefix: of the ids that are wanted. */
static bool
list_detached(struct answer *answer, const char *prefix)
{
	const struct logon *logon;

	if (answer->source->logons == NULL)
		return true;
	TAILQ_FOREACH (logon, answer->source->logons, entry) {
		struct json_object *row = NULL;

		if (logon->detached_at == 0 || logon->ended ||
		    strncmp(logon->id, prefix, strlen(prefix)) != 0)
			continue;
		row = is_full(answer) ? NULL : new_row(answer);
		if (row == NULL)
			return false;
		add_detached(row, logon);
	}
	return true;
}

static void
add_usage(struct json_object *row, const struct keep_usage *usage)
{
	add_number(row, "calls", (int64_t)usage->calls);
	add_number(row, "commands", (int64_t)usage->commands);
	add_number(row, "refused", (int64_t)usage->refused);
	add_number(row, "sent", (int64_t)usage->sent);
	add_number(row, "received", (int64_t)usage->received);
}

static bool
list_sessions(struct answer *answer)
{
	const struct peer *peer;

	if (!new_rows(answer, "sessions"))
		return false;
	for (peer = TAILQ_FIRST(answer->source->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry)) {
		struct json_object *row = NULL;

		if (peer->fd < 0)
			continue;
		row = is_full(answer) ? NULL : new_row(answer);
		if (row == NULL)
			return true;
		add_session(row, peer);
	}
	return list_detached(answer, "");
}

static void
add_reader(struct json_object *row, const struct peer_reader *reader)
{
	add_number(row, "reader", reader->reader);
	add_text(row, "name", reader->name);
	add_text(row, "card", keep_card_state_name(reader->card));
	add_hex(row, "atr", (struct wire_view){reader->atr, reader->atr_len});
	add_card_id(
	    row, (struct wire_view){reader->card_id, sizeof(reader->card_id)});
	add_text(row, "family", reader->family);
	add_text(row, "reason", reader->reason);
	add_number(row, "since", reader->since);
}

static void
list_readers_of(struct answer *answer, const struct peer *peer)
{
	const struct peer_reader *reader;

	for (reader = TAILQ_FIRST(&peer->readers); reader != NULL;
	     reader = TAILQ_NEXT(reader, entry)) {
		struct json_object *row =
		    is_full(answer) ? NULL : new_row(answer);

		if (row == NULL)
			return;
		add_text(row, "session", peer->id);
		add_text(row, "user", peer->user);
		add_reader(row, reader);
	}
}

static bool
list_readers(struct answer *answer)
{
	const struct peer *peer;

	if (!new_rows(answer, "readers"))
		return false;
	for (peer = TAILQ_FIRST(answer->source->peers); peer != NULL;
	     peer = TAILQ_NEXT(peer, entry))
		if (peer->fd >= 0)
			list_readers_of(answer, peer);
	return true;
}

/* Sessions whose id begins so, in full: their readers follow. */
static bool
show_sessions(struct answer *answer)
{
	const char *prefix = answer->request->prefix;
	const struct peer *peer;

	if (!new_rows(answer, "sessions"))
		return false;
	TAILQ_FOREACH (peer, answer->source->peers, entry) {
		struct json_object *row = NULL;

		if (peer->fd < 0 ||
		    strncmp(peer->id, prefix, strlen(prefix)) != 0)
			continue;
		row = new_row(answer);
		if (row == NULL)
			return false;
		add_session(row, peer);
		add_usage(row, &peer->usage);
	}
	if (!list_detached(answer, prefix) || !new_rows(answer, "readers"))
		return false;
	TAILQ_FOREACH (peer, answer->source->peers, entry) {
		if (peer->fd >= 0 &&
		    strncmp(peer->id, prefix, strlen(prefix)) == 0)
			list_readers_of(answer, peer);
	}
	return true;
}

static bool
on_entry(const struct engine_entry *entry, void *arg)
{
	struct answer *answer = arg;

	if (!has_prefix(entry->hash, answer->request->prefix))
		return true;
	struct json_object *row = is_full(answer) ? NULL : new_row(answer);

	if (row == NULL)
		return false;
	certrow_add(row, entry);
	return true;
}

static bool
on_export(const struct engine_entry *entry, void *arg)
{
	struct answer *answer = arg;

	if (!has_prefix(entry->hash, answer->request->prefix))
		return true;
	struct json_object *row = is_full(answer) ? NULL : new_row(answer);

	if (row == NULL)
		return false;
	certrow_add(row, entry);
	certrow_add_export(row, entry);
	return true;
}

static bool
list_certs(struct answer *answer, engine_on_entry *each)
{
	struct engine_filter filter = {
	    .owner = wire_view_text(answer->request->owner),
	    .prefix = answer->request->prefix,
	};

	if (!new_rows(answer, "certs"))
		return false;
	(void)engine_list_entries(answer->source->engine, &filter, each,
	                          answer);
	return true;
}

static const char *
cleanup_name(enum keep_cleanup cleanup)
{
	switch (cleanup) {
	case KEEP_CLEANUP_NONE:
		return "none";
	case KEEP_CLEANUP_REMOVAL:
		return "removal";
	case KEEP_CLEANUP_LOGOFF:
		return "logoff";
	}
	return "unknown";
}

static void
add_holder(struct json_object *row, const struct engine_claim *claim)
{
	add_view(row, "session", claim->session);
	add_view(row, "user", claim->user);
	add_view(row, "client_name", claim->client_name);
	add_view(row, "client_addr", claim->client_addr);
	add_view(row, "target", claim->target);
	add_number(row, "reader", claim->reader);
	add_view(row, "reader_name", claim->reader_name);
	add_card_id(row, claim->card_id);
	add_view(row, "family", claim->family);
	add_text(row, "ends_on", cleanup_name(claim->ends_on));
	if (claim->has_first)
		add_text(row, "cleanup_at_insert",
		         cleanup_name(claim->cleanup_at_insert));
	add_number(row, "policy_generation", claim->policy_generation);
	add_bool(row, "preexisting", claim->kind == KEEP_PREEXISTING);
	add_text(row, "state", claim->live ? "live" : "kept");
	add_bool(row, "card_present", claim->present);
	add_number(row, "created_at", claim->created_at);
}

/* Of what is claimed. */
static const char *
kind_name(enum keep_kind kind)
{
	switch (kind) {
	case KEEP_ANCHOR:
		return "anchor";
	case KEEP_INTERMEDIATE:
		return "intermediate";
	case KEEP_PREEXISTING:
		return "preexisting";
	case KEEP_USER:
	case KEEP_REQUEST:
		break;
	}
	return "unknown";
}

/* Where software of that session finds a root that is present. */
static void
add_visible(struct json_object *root, const struct report_source *source,
            const struct engine_claim *claim)
{
	bool anchor = claim->kind == KEEP_ANCHOR;
	char path[512];

	if (!claim->live || claim->kind == KEEP_PREEXISTING)
		return;
	(void)snprintf(path, sizeof(path), "%s/session/%.*s/%s",
	               source->run_dir, (int)claim->session.len,
	               (const char *)claim->session.data,
	               anchor ? "certs" : "intermediates");
	add_text(root, "visible_in", path);
}

/* Claims come ordered by root: is this one of the root before? */
static bool
is_of_root(struct json_object *root, const struct engine_claim *claim)
{
	struct json_object *scope = NULL;
	struct json_object *hash = NULL;

	if (root == NULL || !json_object_object_get_ex(root, "scope", &scope) ||
	    !json_object_object_get_ex(root, "sha256", &hash))
		return false;
	return strlen(json_object_get_string(scope)) == claim->scope.len &&
	       memcmp(json_object_get_string(scope), claim->scope.data,
	              claim->scope.len) == 0 &&
	       has_prefix(claim->hash, json_object_get_string(hash));
}

static void
on_der(struct wire_view der, void *arg)
{
	certrow_add_pem(arg, der);
}

/* An export has the certificate as well. */
static void
add_certificate(struct answer *answer, struct json_object *row,
                struct wire_view hash)
{
	if (answer->request->verb == REQUEST_ROOTS_EXPORT)
		(void)engine_read_cert(answer->source->engine, hash, on_der,
		                       row);
}

static struct json_object *
new_root(struct answer *answer, const struct engine_claim *claim)
{
	struct json_object *root = is_full(answer) ? NULL : new_row(answer);

	if (root == NULL)
		return NULL;
	add_view(root, "scope", claim->scope);
	add_hex(root, "sha256", claim->hash);
	add_view(root, "subject", claim->subject);
	add_number(root, "not_after", claim->not_after);
	add_text(root, "kind", kind_name(claim->kind));
	add_text(root, "state", claim->live ? "present" : "kept");
	add_visible(root, answer->source, claim);
	add_certificate(answer, root, claim->hash);
	(void)json_object_object_add(root, "holders", json_object_new_array());
	return root;
}

static bool
on_claim(const struct engine_claim *claim, void *arg)
{
	struct answer *answer = arg;
	struct json_object *holders = NULL;
	struct json_object *holder = NULL;

	if (!has_prefix(claim->hash, answer->request->prefix))
		return true;
	if (!is_of_root(answer->last, claim))
		answer->last = new_root(answer, claim);
	holder = json_object_new_object();
	if (answer->last == NULL || holder == NULL ||
	    !json_object_object_get_ex(answer->last, "holders", &holders) ||
	    json_object_array_add(holders, holder) != 0) {
		(void)json_object_put(holder);
		return false;
	}
	add_holder(holder, claim);
	return true;
}

static bool
on_pin(const struct engine_pin *pin, void *arg)
{
	struct answer *answer = arg;

	if (!has_prefix(pin->hash, answer->request->prefix))
		return true;
	struct json_object *row = is_full(answer) ? NULL : new_row(answer);

	if (row == NULL)
		return false;
	add_view(row, "scope", pin->scope);
	add_hex(row, "sha256", pin->hash);
	add_view(row, "subject", pin->subject);
	add_view(row, "pinned_by", pin->pinned_by);
	add_view(row, "reason", pin->reason);
	add_number(row, "pinned_at", pin->pinned_at);
	add_certificate(answer, row, pin->hash);
	return true;
}

static bool
list_roots(struct answer *answer)
{
	struct engine_filter filter = {
	    .owner = wire_view_text(answer->request->owner),
	    .prefix = answer->request->prefix,
	};

	if (!new_rows(answer, "roots"))
		return false;
	(void)engine_list_claims(answer->source->engine, &filter, on_claim,
	                         answer);
	if (!new_rows(answer, "pins"))
		return false;
	(void)engine_list_pins(answer->source->engine, &filter, on_pin, answer);
	return true;
}

/* Log-ons that nobody is connected to: what ends their claims, and when. */
static bool
on_session(const struct engine_session *session, void *arg)
{
	struct answer *answer = arg;

	if (session->detached_at == 0)
		return true;
	struct json_object *row = is_full(answer) ? NULL : new_row(answer);

	if (row == NULL)
		return false;
	add_view(row, "session", session->session);
	add_view(row, "user", session->user);
	add_number(row, "detached_at", session->detached_at);
	add_number(row, "grace_until", session->grace_until);
	add_number(row, "expires_at", session->expires_at);
	return true;
}

static bool
explain_root(struct answer *answer)
{
	if (!list_roots(answer) || !new_rows(answer, "detached"))
		return false;
	(void)engine_list_sessions(answer->source->engine, on_session, answer);
	return true;
}

static bool
fill(struct answer *answer)
{
	switch (answer->request->verb) {
	case REQUEST_SESSIONS:
		return list_sessions(answer);
	case REQUEST_SESSIONS_SHOW:
		return show_sessions(answer);
	case REQUEST_READERS:
		return list_readers(answer);
	case REQUEST_CERTS:
		return list_certs(answer, on_entry);
	case REQUEST_CERTS_EXPORT:
		return list_certs(answer, on_export);
	case REQUEST_ROOTS:
	case REQUEST_ROOTS_EXPORT:
		return list_roots(answer);
	case REQUEST_ENV:
		return environment_list(answer->source, answer->request,
		                        answer->document);
	case REQUEST_ROOTS_EXPLAIN:
		return explain_root(answer);
	case REQUEST_CERTS_SET:
	case REQUEST_ROOTS_PIN:
	case REQUEST_ROOTS_UNPIN:
	case REQUEST_ROOTS_PURGE:
	case REQUEST_USERS_FORGET:
	case REQUEST_AUDIT:
	case REQUEST_STATS:
	case REQUEST_STORE_BACKUP:
	case REQUEST_WATCH:
		break; /* control.c knows who serves them */
	}
	return false;
}

struct json_object *
report_make(const struct report_source *source, const struct request *request)
{
	struct answer answer = {.source = source, .request = request};

	answer.document = json_object_new_object();
	if (answer.document == NULL || fill(&answer))
		return answer.document;
	(void)json_object_put(answer.document);
	return NULL;
}

struct json_object *
report_error(const char *text)
{
	struct json_object *document = json_object_new_object();

	if (document != NULL)
		add_text(document, "error", text);
	return document;
}

static void
add_result(struct json_object *row, const struct keep_ack *result)
{
	add_bool(row, "ok", result->ok);
	add_number(row, "added", result->added);
	add_number(row, "updated", result->updated);
	add_number(row, "unchanged", result->unchanged);
	add_number(row, "removed", result->removed);
	add_number(row, "refused", result->refused);
}

struct json_object *
report_news(const struct peer *peer, const char *name,
            const struct peer_reader *reader, struct wire_view text,
            const struct keep_ack *result)
{
	struct json_object *row = json_object_new_object();

	if (row == NULL)
		return NULL;
	add_number(row, "at", time(NULL));
	add_text(row, "event", name);
	document_add_event(row, name);
	if (peer != NULL) {
		add_text(row, "session", peer->id);
		add_text(row, "user", peer->user);
		add_text(row, "state", keep_session_state_name(peer->state));
	}
	if (reader != NULL)
		add_reader(row, reader);
	if (text.len > 0)
		add_view(row, "text", text);
	if (result != NULL)
		add_result(row, result);
	return row;
}

/* Where it is of a connection, the connection's id is the session's. */
static void
add_logon(struct json_object *row, const struct engine_note *note,
          const struct logon *logon)
{
	const struct peer *peer = logon != NULL ? logon->peer : NULL;

	document_add_text(row, "session",
	                  peer != NULL ? peer->id : note->session);
	document_add_text(row, "logon", note->session);
	if (note->user.len > 0)
		document_add_view(row, "user", note->user);
	else
		document_add_text(row, "user",
		                  logon != NULL ? peer_text(logon->user) : "");
}

struct json_object *
report_note(const struct engine_note *note, const struct logon *logon)
{
	struct json_object *row = json_object_new_object();

	if (row == NULL)
		return NULL;
	document_add_number(row, "at", time(NULL));
	document_add_text(row, "event", note->event);
	document_add_event(row, note->event);
	add_logon(row, note, logon);
	document_add_hex(row, "sha256",
	                 (struct wire_view){note->hash, ENGINE_HASH_LEN});
	if (note->detail.len > 0)
		document_add_view(row, "text", note->detail);
	return row;
}

struct json_object *
report_missed(size_t count)
{
	struct json_object *row = json_object_new_object();

	if (row == NULL)
		return NULL;
	document_add_number(row, "at", time(NULL));
	document_add_text(row, "event", "events-missed");
	document_add_number(row, "count", (int64_t)count);
	return row;
}
