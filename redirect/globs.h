/*
 * Ordered rules over names: "allow Yubico*", "deny *".  '*' is any text, '?'
 * any one character, and letters of ASCII are compared without case, as Windows
 * compares reader names.
 *
 * The first rule that matches decides.  Where none does, a list with an allow
 * in it refuses, since it says what is wanted; a list of denies alone allows.
 */
#ifndef REDIRECT_GLOBS_H
#define REDIRECT_GLOBS_H

#include "wire.h"

enum {
	GLOBS_RULES_MAX = 64, /* in one list */
	GLOBS_TEXT_MAX = 192, /* bytes of one rule */
	GLOBS_STARS_MAX = 8   /* more make matching slow */
};

struct globs_rule {
	bool allow;
	char *text;       /* "readers: allow Yubico*": what a log line says */
	const char *glob; /* points into text */
};

struct globs {
	struct globs_rule *list; /* owned */
	size_t count;
};

/* What a list says of a name. */
struct globs_verdict {
	bool allow;
	const char *rule; /* borrowed from the list; NULL where none matched */
};

/*
 * Add the rules of a text, "allow X | deny Y", to the list; key is the prefix
 * of their texts.  NULL, or a literal that says what is wrong; the list may
 * then have some of the rules.
 */
const char *globs_parse(struct globs *globs, const char *key, const char *text);
void globs_clear(struct globs *globs);

struct globs_verdict globs_judge(const struct globs *globs, const char *name);

/* Does the text match the pattern? */
bool globs_match(const char *glob, const char *text);

/*
 * One rule of a list separated by '|', without blanks at both ends and without
 * its "allow" or "deny": for all lists of rules.  *rest moves on.  False at the
 * end of the text; *wrong is then NULL or says what is wrong.
 */
bool globs_next_rule(const char **rest, bool *allow, struct wire_view *rule,
                     const char **wrong);

/* "key: allow RULE" on the heap, NULL when memory is short. */
char *globs_rule_text(const char *key, bool allow, struct wire_view rule);

#endif
