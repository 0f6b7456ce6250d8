#include "ctltable.h"

#include "log.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CELL_MAX = 64, /* characters shown of one value */
	TIME_SIZE = 24,
	COLUMNS_MAX = 8,
	HASH_SHOWN = 16 /* digits of a thumbprint, enough to ask again */
};

/*
 * Values.
 */

static const char *
text_of(struct json_object *row, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(row, key, &value) || value == NULL)
		return "";
	return json_object_get_string(value);
}

static int64_t
number_of(struct json_object *row, const char *key)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(row, key, &value);
	return json_object_get_int64(value);
}

/* The array under a key; NULL when there is none. */
static struct json_object *
rows_of(struct json_object *document, const char *key)
{
	struct json_object *rows = NULL;

	if (!json_object_object_get_ex(document, key, &rows) ||
	    !json_object_is_type(rows, json_type_array))
		return NULL;
	return rows;
}

static size_t
count_of(struct json_object *rows)
{
	return rows != NULL ? json_object_array_length(rows) : 0;
}

static char *
print_time(char out[TIME_SIZE], int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	out[0] = '\0';
	if (localtime_r(&when, &parts) != NULL)
		(void)strftime(out, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &parts);
	return out;
}

static char *
print_text(char out[CELL_MAX + 1], struct json_object *row, const char *key)
{
	return log_printable(out, CELL_MAX + 1,
	                     wire_view_text(text_of(row, key)));
}

/*
 * Tables.
 */

enum form {
	FORM_TEXT,
	FORM_NUMBER,
	FORM_TIME,
	FORM_DATE,
	FORM_HASH,
	FORM_COUNT
};

struct column {
	const char *title;
	const char *key;
	enum form form;
};

static void
print_cell(char out[CELL_MAX + 1], struct json_object *row,
           const struct column *column)
{
	char when[TIME_SIZE];

	switch (column->form) {
	case FORM_TEXT:
		(void)print_text(out, row, column->key);
		break;
	case FORM_NUMBER:
		(void)snprintf(out, CELL_MAX + 1, "%lld",
		               (long long)number_of(row, column->key));
		break;
	case FORM_TIME:
		(void)snprintf(out, CELL_MAX + 1, "%s",
		               print_time(when, number_of(row, column->key)));
		break;
	case FORM_DATE:
		(void)snprintf(out, CELL_MAX + 1, "%.10s",
		               print_time(when, number_of(row, column->key)));
		break;
	case FORM_HASH:
		(void)print_text(out, row, column->key);
		out[HASH_SHOWN] = '\0';
		break;
	case FORM_COUNT:
		(void)snprintf(out, CELL_MAX + 1, "%zu",
		               count_of(rows_of(row, column->key)));
		break;
	}
	if (out[0] == '\0')
		(void)snprintf(out, CELL_MAX + 1, "-");
}

static void
measure(struct json_object *rows, const struct column *columns, size_t count,
        int *widths)
{
	char cell[CELL_MAX + 1];

	for (size_t c = 0; c < count; c++) {
		widths[c] = (int)strlen(columns[c].title);
		for (size_t i = 0; i < count_of(rows); i++) {
			print_cell(cell, json_object_array_get_idx(rows, i),
			           &columns[c]);
			if ((int)strlen(cell) > widths[c])
				widths[c] = (int)strlen(cell);
		}
	}
}

/* The last column is not padded. */
static void
print_padded(const char *text, int width, bool last)
{
	if (last)
		(void)printf("%s\n", text);
	else
		(void)printf("%-*s  ", width, text);
}

static bool
print_table(struct json_object *document, const char *key,
            const struct column *columns, size_t count)
{
	struct json_object *rows = rows_of(document, key);
	int widths[COLUMNS_MAX];
	char cell[CELL_MAX + 1];

	if (rows == NULL)
		return false;
	measure(rows, columns, count, widths);
	for (size_t c = 0; c < count; c++)
		print_padded(columns[c].title, widths[c], c + 1 == count);
	for (size_t i = 0; i < count_of(rows); i++) {
		for (size_t c = 0; c < count; c++) {
			print_cell(cell, json_object_array_get_idx(rows, i),
			           &columns[c]);
			print_padded(cell, widths[c], c + 1 == count);
		}
	}
	if (number_of(document, "truncated") != 0)
		(void)printf("(there are more)\n");
	return true;
}

#define COUNT(columns) (sizeof(columns) / sizeof((columns)[0]))

bool
ctltable_sessions(struct json_object *document)
{
	static const struct column columns[] = {
	    {"SESSION", "id", FORM_TEXT},
	    {"STATE", "state", FORM_TEXT},
	    {"USER", "user", FORM_TEXT},
	    {"CLIENT", "client_addr", FORM_TEXT},
	    {"TARGET", "target", FORM_TEXT},
	    {"ROLE", "role", FORM_TEXT},
	    {"CARDS", "cards", FORM_NUMBER},
	    {"SINCE", "started_at", FORM_TIME},
	};

	return print_table(document, "sessions", columns, COUNT(columns));
}

/* One line for each field; the reason in full. */
static void
print_session(struct json_object *row)
{
	static const struct column lines[] = {
	    {"Session", "id", FORM_TEXT},
	    {"State", "state", FORM_TEXT},
	    {"User", "user", FORM_TEXT},
	    {"Identity", "source", FORM_TEXT},
	    {"Log-on", "host_session", FORM_TEXT},
	    {"Client", "client_addr", FORM_TEXT},
	    {"Client's name", "client_name", FORM_TEXT},
	    {"Target", "target", FORM_TEXT},
	    {"Since", "started_at", FORM_TIME},
	    {"Process", "pid", FORM_NUMBER},
	    {"Policy", "policy", FORM_TEXT},
	    {"Calls", "calls", FORM_NUMBER},
	    {"Commands", "commands", FORM_NUMBER},
	    {"Refused", "refused", FORM_NUMBER},
	    {"Bytes sent", "sent", FORM_NUMBER},
	    {"Bytes received", "received", FORM_NUMBER},
	    {"Role", "role", FORM_TEXT},
	};
	char cell[CELL_MAX + 1];
	char reason[8 * CELL_MAX];

	for (size_t i = 0; i < COUNT(lines); i++) {
		print_cell(cell, row, &lines[i]);
		(void)printf("%-14s  %s\n", lines[i].title, cell);
	}
	(void)log_printable(reason, sizeof(reason),
	                    wire_view_text(text_of(row, "reason")));
	(void)printf("%-14s  %s\n", "Reason", reason[0] != '\0' ? reason : "-");
}

bool
ctltable_session(struct json_object *document)
{
	static const struct column columns[] = {
	    {"READER", "name", FORM_TEXT},   {"CARD", "card", FORM_TEXT},
	    {"FAMILY", "family", FORM_TEXT}, {"ATR", "atr", FORM_TEXT},
	    {"SINCE", "since", FORM_TIME},   {"REASON", "reason", FORM_TEXT},
	};
	struct json_object *rows = rows_of(document, "sessions");

	if (count_of(rows) == 0) {
		(void)fprintf(stderr, "cardproxyctl: no such session\n");
		return false;
	}
	if (count_of(rows) > 1) {
		(void)fprintf(stderr, "cardproxyctl: several sessions have an "
		                      "id that begins so\n");
		return false;
	}
	print_session(json_object_array_get_idx(rows, 0));
	(void)printf("\n");
	return print_table(document, "readers", columns, COUNT(columns));
}

bool
ctltable_readers(struct json_object *document)
{
	static const struct column columns[] = {
	    {"SESSION", "session", FORM_TEXT}, {"USER", "user", FORM_TEXT},
	    {"READER", "name", FORM_TEXT},     {"CARD", "card", FORM_TEXT},
	    {"FAMILY", "family", FORM_TEXT},   {"SINCE", "since", FORM_TIME},
	    {"REASON", "reason", FORM_TEXT},
	};

	return print_table(document, "readers", columns, COUNT(columns));
}

bool
ctltable_certs(struct json_object *document)
{
	static const struct column columns[] = {
	    {"STORE", "store", FORM_TEXT},
	    {"USER", "user", FORM_TEXT},
	    {"SHA256", "sha256", FORM_HASH},
	    {"SUBJECT", "subject", FORM_TEXT},
	    {"ISSUER", "issuer", FORM_TEXT},
	    {"EXPIRES", "not_after", FORM_DATE},
	    {"READER", "reader", FORM_TEXT},
	};

	return print_table(document, "certs", columns, COUNT(columns));
}

static void
print_pins(struct json_object *document)
{
	static const struct column columns[] = {
	    {"PINNED", "sha256", FORM_HASH}, {"SCOPE", "scope", FORM_TEXT},
	    {"BY", "pinned_by", FORM_TEXT},  {"SINCE", "pinned_at", FORM_TIME},
	    {"REASON", "reason", FORM_TEXT},
	};

	if (count_of(rows_of(document, "pins")) == 0)
		return;
	(void)printf("\n");
	(void)print_table(document, "pins", columns, COUNT(columns));
}

bool
ctltable_roots(struct json_object *document)
{
	static const struct column columns[] = {
	    {"SHA256", "sha256", FORM_HASH},
	    {"KIND", "kind", FORM_TEXT},
	    {"STATE", "state", FORM_TEXT},
	    {"HOLDERS", "holders", FORM_COUNT},
	    {"EXPIRES", "not_after", FORM_DATE},
	    {"SCOPE", "scope", FORM_TEXT},
	    {"SUBJECT", "subject", FORM_TEXT},
	};

	if (!print_table(document, "roots", columns, COUNT(columns)))
		return false;
	print_pins(document);
	return true;
}

/* PEM is base64 and has no need to be encoded; anything else is not PEM. */
static bool
is_pem(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz"
				      "0123456789+/=- \n";

	return text[strspn(text, allowed)] == '\0';
}

bool
ctltable_export(struct json_object *document)
{
	struct json_object *rows = rows_of(document, "certs");
	char text[CELL_MAX + 1];

	for (size_t i = 0; i < count_of(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		const char *pem = text_of(row, "pem");

		if (!is_pem(pem))
			return false;
		(void)printf("# %s of ", text_of(row, "store"));
		(void)printf("%s: ", print_text(text, row, "user"));
		(void)printf("%s\n%s", print_text(text, row, "subject"), pem);
	}
	if (count_of(rows) == 0)
		(void)fprintf(stderr, "cardproxyctl: no such certificate\n");
	return count_of(rows) > 0;
}

/*
 * Sentences.
 */

static const char *
explain_end(const char *ends_on)
{
	if (strcmp(ends_on, "removal") == 0)
		return "It ends when the card is withdrawn, or at log-off.";
	if (strcmp(ends_on, "logoff") == 0)
		return "It ends at log-off; withdrawing the card does not "
		       "end it.";
	return "The policy says that neither withdrawing the card nor log-off "
	       "ends it.";
}

static void
explain_holder(struct json_object *holder)
{
	char user[CELL_MAX + 1];
	char client[CELL_MAX + 1];
	char address[CELL_MAX + 1];
	char reader[CELL_MAX + 1];
	char family[CELL_MAX + 1];
	char when[TIME_SIZE];
	bool live = strcmp(text_of(holder, "state"), "live") == 0;

	(void)print_text(user, holder, "user");
	(void)print_text(client, holder, "client_name");
	(void)print_text(address, holder, "client_addr");
	(void)print_text(reader, holder, "reader_name");
	(void)print_text(family, holder, "family");
	(void)printf("- %s %s of %s, from client %s (%s).\n",
	             live ? "Held by session" : "Kept from the ended session",
	             text_of(holder, "session"),
	             user[0] != '\0' ? user : "no user",
	             client[0] != '\0' ? client : "without a name",
	             address[0] != '\0' ? address : "no address");
	(void)printf(
	    "  Read from the %s card %s in reader \"%s\" on %s.\n", family,
	    text_of(holder, "card_id")[0] != '\0' ? text_of(holder, "card_id")
						  : "without an id",
	    reader, print_time(when, number_of(holder, "created_at")));
	if (live)
		(void)printf("  %s\n", explain_end(text_of(holder, "ends_on")));
	else
		(void)printf("  It is on record only: no session trusts it "
		             "any more.\n");
}

/* A log-on nobody is connected to: what time will end. */
static void
explain_detached(struct json_object *document, struct json_object *holder)
{
	struct json_object *rows = rows_of(document, "detached");
	char when[TIME_SIZE];

	for (size_t i = 0; i < count_of(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		int64_t expires = number_of(row, "expires_at");

		if (strcmp(text_of(row, "session"),
		           text_of(holder, "session")) != 0)
			continue;
		(void)printf("  Its log-on is disconnected since %s",
		             print_time(when, number_of(row, "detached_at")));
		if (expires > 0)
			(void)printf(" and counts as logged off at %s",
			             print_time(when, expires));
		(void)printf(".\n");
	}
}

static const char *
explain_kind(const char *kind)
{
	if (strcmp(kind, "anchor") == 0)
		return "A trust anchor";
	if (strcmp(kind, "preexisting") == 0)
		return "A preexisting trust anchor, on record only,";
	return "An intermediate, for path building only,";
}

static void
explain_root(struct json_object *document, struct json_object *root)
{
	struct json_object *holders = rows_of(root, "holders");
	char subject[CELL_MAX + 1];
	char scope[CELL_MAX + 1];
	char path[4 * CELL_MAX];
	const char *kind = text_of(root, "kind");

	(void)printf("%s\n", text_of(root, "sha256"));
	(void)printf("  %s\n", print_text(subject, root, "subject"));
	(void)printf("%s in the scope %s.\n", explain_kind(kind),
	             print_text(scope, root, "scope"));
	(void)log_printable(path, sizeof(path),
	                    wire_view_text(text_of(root, "visible_in")));
	if (path[0] != '\0')
		(void)printf("It is present: programs of that session find it "
		             "in %s, and no other session does.\n",
		             path);
	else if (strcmp(kind, "preexisting") == 0)
		(void)printf("This host trusts it already: nothing was added "
		             "for the card, and nothing is taken away with "
		             "it.\n");
	else
		(void)printf("It is not present: it is visible nowhere.\n");
	for (size_t i = 0; i < count_of(holders); i++) {
		struct json_object *holder =
		    json_object_array_get_idx(holders, i);

		explain_holder(holder);
		explain_detached(document, holder);
	}
}

static void
explain_pin(struct json_object *pin)
{
	char who[CELL_MAX + 1];
	char scope[CELL_MAX + 1];
	char why[CELL_MAX + 1];
	char when[TIME_SIZE];

	(void)printf("%s\n", text_of(pin, "sha256"));
	(void)printf("Pinned in the scope %s by %s on %s (%s). Only an "
	             "administrator ends that.\n",
	             print_text(scope, pin, "scope"),
	             print_text(who, pin, "pinned_by"),
	             print_time(when, number_of(pin, "pinned_at")),
	             print_text(why, pin, "reason"));
}

bool
ctltable_explain(struct json_object *document)
{
	struct json_object *roots = rows_of(document, "roots");
	struct json_object *pins = rows_of(document, "pins");

	for (size_t i = 0; i < count_of(roots); i++) {
		(void)printf(i > 0 ? "\n" : "");
		explain_root(document, json_object_array_get_idx(roots, i));
	}
	for (size_t i = 0; i < count_of(pins); i++)
		explain_pin(json_object_array_get_idx(pins, i));
	if (count_of(roots) + count_of(pins) > 0)
		return true;
	(void)fprintf(stderr, "cardproxyctl: no card root has that "
	                      "thumbprint; nobody holds it\n");
	return false;
}

bool
ctltable_stats(struct json_object *document)
{
	struct json_object *stats = NULL;

	if (!json_object_object_get_ex(document, "stats", &stats))
		return false;
	json_object_object_foreach(stats, key, value)(void) printf(
	    "%-10s %lld\n", key, (long long)json_object_get_int64(value));
	return true;
}

bool
ctltable_pinned(struct json_object *document)
{
	struct json_object *row = NULL;
	char scope[CELL_MAX + 1];

	if (json_object_object_get_ex(document, "pinned", &row)) {
		(void)printf("%s is %s in the scope %s.\n",
		             text_of(row, "sha256"),
		             number_of(row, "changed") != 0 ? "pinned"
		                                            : "pinned already",
		             print_text(scope, row, "scope"));
		return true;
	}
	if (!json_object_object_get_ex(document, "unpinned", &row))
		return false;
	(void)printf("%s is no longer pinned (%lld pins removed).\n",
	             text_of(row, "sha256"),
	             (long long)number_of(row, "removed"));
	return true;
}

bool
ctltable_purged(struct json_object *document)
{
	struct json_object *row = NULL;

	if (!json_object_object_get_ex(document, "purged", &row))
		return false;
	(void)printf("%lld claims of ended log-ons are forgotten.%s\n",
	             (long long)number_of(row, "claims"),
	             number_of(row, "more") != 0 ? " There are more: ask again."
	                                         : "");
	return true;
}

bool
ctltable_changes(struct json_object *document)
{
	static const struct column columns[] = {
	    {"SHA256", "sha256", FORM_HASH},
	    {"USER", "user", FORM_TEXT},
	    {"STORE", "store", FORM_TEXT},
	    {"RESULT", "result", FORM_TEXT},
	};

	return print_table(document, "changes", columns, COUNT(columns));
}

bool
ctltable_audit(struct json_object *document)
{
	static const struct column columns[] = {
	    {"AT", "at", FORM_TIME},           {"EVENT", "event", FORM_TEXT},
	    {"USER", "user", FORM_TEXT},       {"SHA256", "sha256", FORM_HASH},
	    {"SESSION", "session", FORM_TEXT}, {"DETAIL", "detail", FORM_TEXT},
	};

	return print_table(document, "audit", columns, COUNT(columns));
}

/* A line as it would stand in the file; "(default)" where it does not. */
/* "  KEY = VALUE  (ORIGIN; NOTE)" */
static void
print_value(struct json_object *row)
{
	const char *note = text_of(row, "note");
	char text[512], origin[512];

	(void)log_printable(text, sizeof(text),
	                    wire_view_text(text_of(row, "value")));
	(void)log_printable(origin, sizeof(origin),
	                    wire_view_text(text_of(row, "origin")));
	(void)printf("  %s = %s  (%s%s%s)\n", text_of(row, "key"), text, origin,
	             *note == '\0' ? "" : "; ", note);
}

static void
print_values(struct json_object *values)
{
	for (size_t i = 0; i < count_of(values); i++)
		print_value(json_object_array_get_idx(values, i));
}

/* The group policies, where there are any, and what is wrong with them. */
static void
print_objects(struct json_object *document)
{
	static const struct column columns[] = {
	    {"GROUP POLICY", "name", FORM_TEXT},
	    {"STATE", "state", FORM_TEXT},
	    {"FILE", "file", FORM_TEXT},
	};
	struct json_object *notes = rows_of(document, "notes");
	char text[512];

	if (count_of(rows_of(document, "objects")) > 0) {
		(void)printf("\n");
		(void)print_table(document, "objects", columns, COUNT(columns));
	}
	for (size_t i = 0; i < count_of(notes); i++) {
		struct json_object *row = json_object_array_get_idx(notes, i);

		(void)log_printable(text, sizeof(text),
		                    wire_view_text(text_of(row, "text")));
		(void)printf("  %s\n", text);
	}
}

bool
ctltable_in_force(struct json_object *document)
{
	struct json_object *sections = rows_of(document, "sections");
	struct json_object *session = NULL;
	char when[TIME_SIZE];

	(void)printf("Generation %lld, since %s.\n",
	             (long long)number_of(document, "generation"),
	             print_time(when, number_of(document, "since")));
	if (json_object_object_get_ex(document, "session", &session))
		(void)printf("Session %s of %s.\n", text_of(session, "id"),
		             *text_of(session, "user") == '\0'
		                 ? "(nobody yet)"
		                 : text_of(session, "user"));
	for (size_t i = 0; i < count_of(sections); i++) {
		struct json_object *row =
		    json_object_array_get_idx(sections, i);

		(void)printf("\n[policy %s]%s\n", text_of(row, "section"),
		             number_of(row, "line") == 0 ? " (built in)" : "");
		print_values(rows_of(row, "values"));
	}
	print_objects(document);
	return true;
}

bool
ctltable_policy(struct json_object *document)
{
	static const struct column columns[] = {
	    {"LINE", "line", FORM_NUMBER},
	    {"SECTION", "section", FORM_TEXT},
	    {"RESULT", "result", FORM_TEXT},
	};
	struct json_object *values = rows_of(document, "values");
	const char *name = text_of(document, "policy");
	char target[CELL_MAX + 1];

	(void)print_text(target, document, "target");
	(void)printf("A session of target %s at %s:\n\n",
	             target[0] != '\0' ? target : "(none)",
	             text_of(document, "time"));
	if (!print_table(document, "sections", columns, COUNT(columns)))
		return false;
	if (name[0] == '\0')
		(void)printf("\nNothing matched, and there is no [policy "
		             "default]. In force is what is built in:\n");
	else
		(void)printf("\nIn force is [policy %s]:\n", name);
	print_values(values);
	print_objects(document);
	return true;
}

/* One event is one line; what it does not carry is left out. */
bool
ctltable_event(struct json_object *event)
{
	static const char *const keys[] = {"user",    "name",  "card",
	                                   "family",  "added", "removed",
	                                   "refused", "text"};
	char text[CELL_MAX + 1];
	char when[TIME_SIZE];

	(void)printf("%s  %-14s", print_time(when, number_of(event, "at")),
	             print_text(text, event, "event"));
	(void)printf(" %.8s", print_text(text, event, "session"));
	for (size_t i = 0; i < COUNT(keys); i++) {
		(void)print_text(text, event, keys[i]);
		if (text[0] != '\0' && strcmp(text, "0") != 0)
			(void)printf(" %s=%s", keys[i], text);
	}
	(void)printf("\n");
	return true;
}
