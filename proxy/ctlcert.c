#include "ctlcert.h"

#include "ctltable.h"

#include <json-c/json.h>
#include <stdio.h>

bool
ctlcert_list(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"STORE", "store", CTLTABLE_TEXT},
	    {"USER", "user", CTLTABLE_TEXT},
	    {"SHA256", "sha256", CTLTABLE_HASH},
	    {"SUBJECT", "subject", CTLTABLE_TEXT},
	    {"ISSUER", "issuer", CTLTABLE_TEXT},
	    {"EXPIRES", "not_after", CTLTABLE_DATE},
	    {"READER", "reader", CTLTABLE_TEXT},
	};

	return ctltable_print(document, "certs", columns,
	                      CTLTABLE_LENGTH(columns));
}

bool
ctlcert_changes(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"SHA256", "sha256", CTLTABLE_HASH},
	    {"USER", "user", CTLTABLE_TEXT},
	    {"STORE", "store", CTLTABLE_TEXT},
	    {"RESULT", "result", CTLTABLE_TEXT},
	};

	return ctltable_print(document, "changes", columns,
	                      CTLTABLE_LENGTH(columns));
}

bool
ctlcert_forgotten(struct json_object *document)
{
	struct json_object *row = NULL;
	char user[CTLTABLE_CELL_MAX + 1];

	if (!json_object_object_get_ex(document, "forgotten", &row))
		return false;
	(void)printf("%lld certificates and %lld claims of %s are forgotten.\n",
	             (long long)ctltable_number(row, "entries"),
	             (long long)ctltable_number(row, "claims"),
	             ctltable_printable(user, row, "user"));
	return true;
}
