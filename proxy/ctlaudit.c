#include "ctlaudit.h"

#include "ctltable.h"

#include <stdio.h>
#include <string.h>

bool
ctlaudit_list(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"AT", "at", CTLTABLE_TIME},
	    {"EVENT", "event", CTLTABLE_TEXT},
	    {"USER", "user", CTLTABLE_TEXT},
	    {"SHA256", "sha256", CTLTABLE_HASH},
	    {"SESSION", "session", CTLTABLE_TEXT},
	    {"DETAIL", "detail", CTLTABLE_TEXT},
	};

	return ctltable_print(document, "audit", columns,
	                      CTLTABLE_LENGTH(columns));
}

/* One event is one line; what it does not carry is left out. */
bool
ctlaudit_event(struct json_object *event)
{
	static const char *const keys[] = {
	    "user",   "sha256", "count",   "name",    "card",
	    "family", "added",  "removed", "refused", "text"};
	char text[CTLTABLE_CELL_MAX + 1];
	char when[CTLTABLE_TIME_SIZE];

	(void)printf("%s  %-14s",
	             ctltable_time(when, ctltable_number(event, "at")),
	             ctltable_printable(text, event, "event"));
	(void)printf(" %.8s", ctltable_printable(text, event, "session"));
	for (size_t i = 0; i < CTLTABLE_LENGTH(keys); i++) {
		(void)ctltable_printable(text, event, keys[i]);
		if (text[0] != '\0' && strcmp(text, "0") != 0)
			(void)printf(" %s=%s", keys[i], text);
	}
	(void)printf("\n");
	return true;
}
