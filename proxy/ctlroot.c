#include "ctlroot.h"

#include "ctltable.h"
#include "log.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static void
print_pins(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"PINNED", "sha256", CTLTABLE_HASH},
	    {"SCOPE", "scope", CTLTABLE_TEXT},
	    {"BY", "pinned_by", CTLTABLE_TEXT},
	    {"SINCE", "pinned_at", CTLTABLE_TIME},
	    {"REASON", "reason", CTLTABLE_TEXT},
	};

	if (ctltable_count(ctltable_rows(document, "pins")) == 0)
		return;
	(void)printf("\n");
	(void)ctltable_print(document, "pins", columns,
	                     CTLTABLE_LENGTH(columns));
}

bool
ctlroot_list(struct json_object *document)
{
	static const struct ctltable_column columns[] = {
	    {"SHA256", "sha256", CTLTABLE_HASH},
	    {"KIND", "kind", CTLTABLE_TEXT},
	    {"STATE", "state", CTLTABLE_TEXT},
	    {"HOLDERS", "holders", CTLTABLE_COUNT},
	    {"EXPIRES", "not_after", CTLTABLE_DATE},
	    {"SCOPE", "scope", CTLTABLE_TEXT},
	    {"SUBJECT", "subject", CTLTABLE_TEXT},
	};

	if (!ctltable_print(document, "roots", columns,
	                    CTLTABLE_LENGTH(columns)))
		return false;
	print_pins(document);
	return true;
}

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
	char user[CTLTABLE_CELL_MAX + 1];
	char client[CTLTABLE_CELL_MAX + 1];
	char address[CTLTABLE_CELL_MAX + 1];
	char reader[CTLTABLE_CELL_MAX + 1];
	char family[CTLTABLE_CELL_MAX + 1];
	char when[CTLTABLE_TIME_SIZE];
	bool live = strcmp(ctltable_text(holder, "state"), "live") == 0;

	(void)ctltable_printable(user, holder, "user");
	(void)ctltable_printable(client, holder, "client_name");
	(void)ctltable_printable(address, holder, "client_addr");
	(void)ctltable_printable(reader, holder, "reader_name");
	(void)ctltable_printable(family, holder, "family");
	(void)printf("- %s %s of %s, from client %s (%s).\n",
	             live ? "Held by session" : "Kept from the ended session",
	             ctltable_text(holder, "session"),
	             user[0] != '\0' ? user : "no user",
	             client[0] != '\0' ? client : "without a name",
	             address[0] != '\0' ? address : "no address");
	(void)printf(
	    "  Read from the %s card %s in reader \"%s\" on %s.\n", family,
	    ctltable_text(holder, "card_id")[0] != '\0'
		? ctltable_text(holder, "card_id")
		: "without an id",
	    reader, ctltable_time(when, ctltable_number(holder, "created_at")));
	if (live)
		(void)printf("  %s\n",
		             explain_end(ctltable_text(holder, "ends_on")));
	else
		(void)printf("  It is on record only: no session trusts it "
		             "any more.\n");
}

/* What the policy said when the card came, where that is known. */
static void
explain_insertion(struct json_object *holder)
{
	const char *cleanup = ctltable_text(holder, "cleanup_at_insert");
	int64_t generation = ctltable_number(holder, "policy_generation");

	if (cleanup[0] == '\0')
		return;
	(void)printf("  When the card was inserted the clean-up was \"%s\"",
	             cleanup);
	if (generation > 0)
		(void)printf(", by generation %lld of the policy",
		             (long long)generation);
	(void)printf(".\n");
}

/* A log-on nobody is connected to: what time will end. */
static void
explain_detached(struct json_object *document, struct json_object *holder)
{
	struct json_object *rows = ctltable_rows(document, "detached");
	char when[CTLTABLE_TIME_SIZE];

	for (size_t i = 0; i < ctltable_count(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);
		int64_t expires = ctltable_number(row, "expires_at");

		if (strcmp(ctltable_text(row, "session"),
		           ctltable_text(holder, "session")) != 0)
			continue;
		(void)printf(
		    "  Its log-on is disconnected since %s",
		    ctltable_time(when, ctltable_number(row, "detached_at")));
		if (expires > 0)
			(void)printf(" and counts as logged off at %s",
			             ctltable_time(when, expires));
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
	struct json_object *holders = ctltable_rows(root, "holders");
	char subject[CTLTABLE_CELL_MAX + 1];
	char scope[CTLTABLE_CELL_MAX + 1];
	char path[4 * CTLTABLE_CELL_MAX];
	const char *kind = ctltable_text(root, "kind");

	(void)printf("%s\n", ctltable_text(root, "sha256"));
	(void)printf("  %s\n", ctltable_printable(subject, root, "subject"));
	(void)printf("%s in the scope %s.\n", explain_kind(kind),
	             ctltable_printable(scope, root, "scope"));
	(void)log_printable(path, sizeof(path),
	                    wire_view_text(ctltable_text(root, "visible_in")));
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
	for (size_t i = 0; i < ctltable_count(holders); i++) {
		struct json_object *holder =
		    json_object_array_get_idx(holders, i);

		explain_holder(holder);
		explain_insertion(holder);
		explain_detached(document, holder);
	}
}

static void
explain_pin(struct json_object *pin)
{
	char who[CTLTABLE_CELL_MAX + 1];
	char scope[CTLTABLE_CELL_MAX + 1];
	char why[CTLTABLE_CELL_MAX + 1];
	char when[CTLTABLE_TIME_SIZE];

	(void)printf("%s\n", ctltable_text(pin, "sha256"));
	(void)printf("Pinned in the scope %s by %s on %s (%s). Only an "
	             "administrator ends that.\n",
	             ctltable_printable(scope, pin, "scope"),
	             ctltable_printable(who, pin, "pinned_by"),
	             ctltable_time(when, ctltable_number(pin, "pinned_at")),
	             ctltable_printable(why, pin, "reason"));
}

bool
ctlroot_explain(struct json_object *document)
{
	struct json_object *roots = ctltable_rows(document, "roots");
	struct json_object *pins = ctltable_rows(document, "pins");

	for (size_t i = 0; i < ctltable_count(roots); i++) {
		(void)printf(i > 0 ? "\n" : "");
		explain_root(document, json_object_array_get_idx(roots, i));
	}
	for (size_t i = 0; i < ctltable_count(pins); i++)
		explain_pin(json_object_array_get_idx(pins, i));
	if (ctltable_count(roots) + ctltable_count(pins) > 0)
		return true;
	(void)fprintf(stderr, "cardproxyctl: no card root has that "
	                      "thumbprint; nobody holds it\n");
	return false;
}

bool
ctlroot_pinned(struct json_object *document)
{
	struct json_object *row = NULL;
	char scope[CTLTABLE_CELL_MAX + 1];

	if (json_object_object_get_ex(document, "pinned", &row)) {
		(void)printf(
		    "%s is %s in the scope %s.\n", ctltable_text(row, "sha256"),
		    ctltable_number(row, "changed") != 0 ? "pinned"
							 : "pinned already",
		    ctltable_printable(scope, row, "scope"));
		return true;
	}
	if (!json_object_object_get_ex(document, "unpinned", &row))
		return false;
	(void)printf("%s is no longer pinned (%lld pins removed).\n",
	             ctltable_text(row, "sha256"),
	             (long long)ctltable_number(row, "removed"));
	return true;
}

bool
ctlroot_purged(struct json_object *document)
{
	struct json_object *row = NULL;

	if (!json_object_object_get_ex(document, "purged", &row))
		return false;
	(void)printf("%lld claims of ended log-ons are forgotten.\n",
	             (long long)ctltable_number(row, "claims"));
	return true;
}
