#include "globs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/*
 * One star is tried at a time: where the rest does not match, the last star
 * takes one character more.  No recursion, at most len(glob) * len(text) steps.
 */
bool
globs_match(const char *glob, const char *text)
{
	const char *star = NULL;
	const char *resume = NULL;

	while (*text != '\0') {
		if (*glob == '*') {
			star = ++glob;
			resume = text;
		} else if (*glob != '\0' &&
		           (*glob == '?' || lower(*glob) == lower(*text))) {
			glob++;
			text++;
		} else if (star != NULL) {
			glob = star;
			text = ++resume;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return *glob == '\0';
}

static struct wire_view
trim(const char *text, size_t len)
{
	while (len > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		len--;
	}
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return (struct wire_view){(const uint8_t *)text, len};
}

/* Does the rule begin with this word and a blank?  Then without both. */
static bool
take_word(struct wire_view *rule, const char *word)
{
	size_t len = strlen(word);
	const char *text = (const char *)rule->data;

	if (rule->len <= len || strncasecmp(text, word, len) != 0 ||
	    (text[len] != ' ' && text[len] != '\t'))
		return false;
	*rule = trim(text + len, rule->len - len);
	return rule->len > 0;
}

bool
globs_next_rule(const char **rest, bool *allow, struct wire_view *rule,
                const char **wrong)
{
	size_t len;

	*wrong = NULL;
	if (*rest == NULL)
		return false;
	len = strcspn(*rest, "|");
	*rule = trim(*rest, len);
	*rest = (*rest)[len] == '|' ? *rest + len + 1 : NULL;
	*allow = take_word(rule, "allow");
	if (!*allow && !take_word(rule, "deny"))
		*wrong = "not \"allow WHAT\" or \"deny WHAT\", '|' between two";
	else if (rule->len > GLOBS_TEXT_MAX)
		*wrong = "a rule above 192 characters";
	return *wrong == NULL;
}

char *
globs_rule_text(const char *key, bool allow, struct wire_view rule)
{
	char *text;

	if (asprintf(&text, "%s: %s %.*s", key, allow ? "allow" : "deny",
	             (int)rule.len, (const char *)rule.data) < 0)
		return NULL;
	return text;
}

static const char *
add_rule(struct globs *globs, const char *key, bool allow,
         struct wire_view rule)
{
	struct globs_rule *list;
	size_t stars = 0;
	char *text;

	for (size_t i = 0; i < rule.len; i++)
		stars += rule.data[i] == '*';
	if (stars > GLOBS_STARS_MAX)
		return "above 8 stars in a pattern";
	if (globs->count == GLOBS_RULES_MAX)
		return "above 64 rules";
	list = realloc(globs->list, (globs->count + 1) * sizeof(*list));
	if (list == NULL)
		return "out of memory";
	globs->list = list;
	text = globs_rule_text(key, allow, rule);
	if (text == NULL)
		return "out of memory";
	list[globs->count++] = (struct globs_rule){
	    .allow = allow,
	    .text = text,
	    .glob = text + strlen(text) - rule.len,
	};
	return NULL;
}

const char *
globs_parse(struct globs *globs, const char *key, const char *text)
{
	struct wire_view rule;
	const char *wrong;
	bool allow;

	while (globs_next_rule(&text, &allow, &rule, &wrong)) {
		wrong = add_rule(globs, key, allow, rule);
		if (wrong != NULL)
			return wrong;
	}
	return wrong;
}

void
globs_clear(struct globs *globs)
{
	for (size_t i = 0; i < globs->count; i++)
		free(globs->list[i].text);
	free(globs->list);
	*globs = (struct globs){.count = 0};
}

struct globs_verdict
globs_judge(const struct globs *globs, const char *name)
{
	bool wanted = false;

	for (size_t i = 0; i < globs->count; i++) {
		const struct globs_rule *rule = &globs->list[i];

		if (globs_match(rule->glob, name))
			return (struct globs_verdict){rule->allow, rule->text};
		wanted = wanted || rule->allow;
	}
	return (struct globs_verdict){!wanted, NULL};
}
