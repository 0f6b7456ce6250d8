#include "ctlpolicy.h"

#include "ctltable.h"
#include "log.h"

#include <json-c/json.h>
#include <stdio.h>

/* "  KEY = VALUE  (ORIGIN; NOTE)" */
static void
print_value(struct json_object *row)
{
	const char *note = ctltable_text(row, "note");
	char text[512], origin[512];

	(void)log_printable(text, sizeof(text),
	                    wire_view_text(ctltable_text(row, "value")));
	(void)log_printable(origin, sizeof(origin),
	                    wire_view_text(ctltable_text(row, "origin")));
	(void)printf("  %s = %s  (%s%s%s)\n", ctltable_text(row, "key"), text,
	             origin, *note == '\0' ? "" : "; ", note);
}

static void
print_values(struct json_object *values)
{
	for (size_t i = 0; i < ctltable_count(values); i++)
		print_value(json_object_array_get_idx(values, i));
}

/* The group policies, where there are any, and what is wrong with them. */
static void
print_objects(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"GROUP POLICY", "name", CTLTABLE_TEXT},
	    {"STATE", "state", CTLTABLE_TEXT},
	    {"FILE", "file", CTLTABLE_TEXT},
	};
	struct json_object *notes = ctltable_rows(document, "notes");
	char text[512];

	if (ctltable_count(ctltable_rows(document, "objects")) > 0) {
		(void)printf("\n");
		(void)ctltable_print(document, "objects", columns,
		                     CTLTABLE_LENGTH(columns));
	}
	for (size_t i = 0; i < ctltable_count(notes); i++) {
		struct json_object *row = json_object_array_get_idx(notes, i);

		(void)log_printable(text, sizeof(text),
		                    wire_view_text(ctltable_text(row, "text")));
		(void)printf("  %s\n", text);
	}
}

bool
ctlpolicy_print_in_force(struct json_object *document)
{
	struct json_object *sections = ctltable_rows(document, "sections");
	struct json_object *session = NULL;
	char when[CTLTABLE_TIME_SIZE];

	(void)printf("Generation %lld, since %s.\n",
	             (long long)ctltable_number(document, "generation"),
	             ctltable_time(when, ctltable_number(document, "since")));
	if (json_object_object_get_ex(document, "session", &session))
		(void)printf("Session %s of %s.\n",
		             ctltable_text(session, "id"),
		             *ctltable_text(session, "user") == '\0'
		                 ? "(nobody yet)"
		                 : ctltable_text(session, "user"));
	for (size_t i = 0; i < ctltable_count(sections); i++) {
		struct json_object *row =
		    json_object_array_get_idx(sections, i);

		(void)printf("\n[policy %s]%s\n", ctltable_text(row, "section"),
		             ctltable_number(row, "line") == 0 ? " (built in)"
		                                               : "");
		print_values(ctltable_rows(row, "values"));
	}
	print_objects(document);
	return true;
}

bool
ctlpolicy_print_test(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"LINE", "line", CTLTABLE_NUMBER},
	    {"SECTION", "section", CTLTABLE_TEXT},
	    {"RESULT", "result", CTLTABLE_TEXT},
	};
	struct json_object *values = ctltable_rows(document, "values");
	const char *name = ctltable_text(document, "policy");
	char target[CTLTABLE_CELL_MAX + 1];

	(void)ctltable_printable(target, document, "target");
	(void)printf("A session of target %s at %s:\n\n",
	             target[0] != '\0' ? target : "(none)",
	             ctltable_text(document, "time"));
	if (!ctltable_print(document, "sections", columns,
	                    CTLTABLE_LENGTH(columns)))
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
