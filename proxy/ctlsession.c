#include "ctlsession.h"

#include "ctltable.h"
#include "log.h"

#include <json-c/json.h>
#include <stdio.h>

#define CTLTABLE_LENGTH(columns) (sizeof(columns) / sizeof((columns)[0]))

bool
ctlsession_list(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"SESSION", "id", CTLTABLE_TEXT},
	    {"STATE", "state", CTLTABLE_TEXT},
	    {"USER", "user", CTLTABLE_TEXT},
	    {"CLIENT", "client_addr", CTLTABLE_TEXT},
	    {"TARGET", "target", CTLTABLE_TEXT},
	    {"ROLE", "role", CTLTABLE_TEXT},
	    {"CARDS", "cards", CTLTABLE_NUMBER},
	    {"SINCE", "started_at", CTLTABLE_TIME},
	};

	return ctltable_print(document, "sessions", columns,
	                      CTLTABLE_LENGTH(columns));
}

/* One line for each field; the reason in full. */
static void
print_session(struct json_object *row)
{
	static const struct ctltable_column lines[] = {
	    {"Session", "id", CTLTABLE_TEXT},
	    {"State", "state", CTLTABLE_TEXT},
	    {"User", "user", CTLTABLE_TEXT},
	    {"Identity", "source", CTLTABLE_TEXT},
	    {"Log-on", "host_session", CTLTABLE_TEXT},
	    {"Client", "client_addr", CTLTABLE_TEXT},
	    {"Client's name", "client_name", CTLTABLE_TEXT},
	    {"Target", "target", CTLTABLE_TEXT},
	    {"Since", "started_at", CTLTABLE_TIME},
	    {"Process", "pid", CTLTABLE_NUMBER},
	    {"Policy", "policy", CTLTABLE_TEXT},
	    {"Calls", "calls", CTLTABLE_NUMBER},
	    {"Commands", "commands", CTLTABLE_NUMBER},
	    {"Refused", "refused", CTLTABLE_NUMBER},
	    {"Bytes sent", "sent", CTLTABLE_NUMBER},
	    {"Bytes received", "received", CTLTABLE_NUMBER},
	    {"Role", "role", CTLTABLE_TEXT},
	};
	char cell[CTLTABLE_CELL_MAX + 1];
	char reason[8 * CTLTABLE_CELL_MAX];

	for (size_t i = 0; i < CTLTABLE_LENGTH(lines); i++) {
		ctltable_cell(cell, row, &lines[i]);
		(void)printf("%-14s  %s\n", lines[i].title, cell);
	}
	(void)log_printable(reason, sizeof(reason),
	                    wire_view_text(ctltable_text(row, "reason")));
	(void)printf("%-14s  %s\n", "Reason", reason[0] != '\0' ? reason : "-");
}

bool
ctlsession_show(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"READER", "name", CTLTABLE_TEXT},
	    {"CARD", "card", CTLTABLE_TEXT},
	    {"FAMILY", "family", CTLTABLE_TEXT},
	    {"ATR", "atr", CTLTABLE_TEXT},
	    {"SINCE", "since", CTLTABLE_TIME},
	    {"REASON", "reason", CTLTABLE_TEXT},
	};
	struct json_object *rows = ctltable_rows(document, "sessions");

	if (ctltable_count(rows) == 0) {
		(void)fprintf(stderr, "cardproxyctl: no such session\n");
		return false;
	}
	if (ctltable_count(rows) > 1) {
		(void)fprintf(stderr, "cardproxyctl: several sessions have an "
		                      "id that begins so\n");
		return false;
	}
	print_session(json_object_array_get_idx(rows, 0));
	(void)printf("\n");
	return ctltable_print(document, "readers", columns,
	                      CTLTABLE_LENGTH(columns));
}

bool
ctlsession_readers(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"SESSION", "session", CTLTABLE_TEXT},
	    {"USER", "user", CTLTABLE_TEXT},
	    {"READER", "name", CTLTABLE_TEXT},
	    {"CARD", "card", CTLTABLE_TEXT},
	    {"FAMILY", "family", CTLTABLE_TEXT},
	    {"SINCE", "since", CTLTABLE_TIME},
	    {"REASON", "reason", CTLTABLE_TEXT},
	};

	return ctltable_print(document, "readers", columns,
	                      CTLTABLE_LENGTH(columns));
}
