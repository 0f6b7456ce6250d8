#include "ctlcert.h"

#include "ctltable.h"

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
