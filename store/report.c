#include "report.h"

#include "document.h"

#include <json-c/json.h>
#include <time.h>

struct json_object *
report_error(const char *text)
{
	struct json_object *document = json_object_new_object();

	if (document != NULL)
		document_add_text(document, "error", text);
	return document;
}

void
report_add_reader(struct json_object *row, const struct peer_reader *reader)
{
	document_add_number(row, "reader", reader->reader);
	document_add_text(row, "name", reader->name);
	document_add_text(row, "card", keep_card_state_name(reader->card));
	document_add_hex(row, "atr",
	                 (struct wire_view){reader->atr, reader->atr_len});
	document_add_card_id(
	    row, (struct wire_view){reader->card_id, sizeof(reader->card_id)});
	document_add_text(row, "family", reader->family);
	document_add_text(row, "reason", reader->reason);
	document_add_number(row, "since", reader->since);
}

static void
add_result(struct json_object *row, const struct keep_ack *result)
{
	document_add_bool(row, "ok", result->ok);
	document_add_number(row, "added", result->added);
	document_add_number(row, "updated", result->updated);
	document_add_number(row, "unchanged", result->unchanged);
	document_add_number(row, "removed", result->removed);
	document_add_number(row, "refused", result->refused);
}

struct json_object *
report_news(const struct peer *peer, const char *name,
            const struct peer_reader *reader, struct wire_view text,
            const struct keep_ack *result)
{
	struct json_object *row = json_object_new_object();

	if (row == NULL)
		return NULL;
	document_add_number(row, "at", time(NULL));
	document_add_text(row, "event", name);
	document_add_event(row, name);
	if (peer != NULL) {
		document_add_text(row, "session", peer->id);
		document_add_text(row, "user", peer->user);
		document_add_text(row, "state",
		                  keep_session_state_name(peer->state));
	}
	if (reader != NULL)
		report_add_reader(row, reader);
	if (text.len > 0)
		document_add_view(row, "text", text);
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
