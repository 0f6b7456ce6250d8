#include "atrmask.h"
#include "command.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_LEN = 4, HEADER_MIN = 2 };

/* The text before "aid=", and what stands behind it. */
static bool
split(struct wire_view text, struct wire_view *header, struct wire_view *aid)
{
	static const char mark[] = "aid=";
	const uint8_t *at = memmem(text.data, text.len, mark, strlen(mark));
	struct wire_in in = wire_in_view(text);

	*header = text;
	if (at == NULL)
		return false;
	*header = wire_bytes(&in, (size_t)(at - text.data));
	wire_skip(&in, strlen(mark));
	*aid = wire_rest(&in);
	return true;
}

static const char *
fill(struct command_rule *rule, struct wire_view text)
{
	uint8_t mask[COMMAND_AID_MAX];
	struct wire_view header;
	struct wire_view aid;
	bool named = split(text, &header, &aid);
	size_t len;

	if (!atrmask_hex(header, HEADER_LEN, rule->value, rule->mask, &len) ||
	    len < HEADER_MIN)
		return "not CLA INS [P1 [P2]] in hexadecimal, with . or x";
	if (!named)
		return NULL;
	if (!atrmask_hex(aid, COMMAND_AID_MAX, rule->aid, mask, &len))
		return "aid= is not followed by 1 to 16 bytes in hexadecimal";
	for (size_t i = 0; i < len; i++)
		if (mask[i] != 0xFF)
			return "an AID has no wildcards";
	rule->aid_len = (uint8_t)len;
	return NULL;
}

static const char *
add_rule(struct command_rules *rules, const char *key, bool allow,
         struct wire_view text)
{
	struct command_rule rule = {.allow = allow};
	const char *wrong = fill(&rule, text);
	struct command_rule *list;

	if (wrong != NULL)
		return wrong;
	if (rules->count == GLOBS_RULES_MAX)
		return "above 64 rules";
	list = realloc(rules->list, (rules->count + 1) * sizeof(*list));
	if (list == NULL)
		return "out of memory";
	rules->list = list;
	rule.text = globs_rule_text(key, allow, text);
	if (rule.text == NULL)
		return "out of memory";
	list[rules->count++] = rule;
	return NULL;
}

const char *
command_rules_parse(struct command_rules *rules, const char *key,
                    const char *text)
{
	struct wire_view rule;
	const char *wrong;
	bool allow;

	while (globs_next_rule(&text, &allow, &rule, &wrong)) {
		wrong = add_rule(rules, key, allow, rule);
		if (wrong != NULL)
			return wrong;
	}
	return wrong;
}

void
command_rules_clear(struct command_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free(rules->list[i].text);
	free(rules->list);
	*rules = (struct command_rules){.count = 0};
}

static bool
header_matches(const struct command_rule *rule, const struct command *c,
               uint8_t cla)
{
	const uint8_t header[HEADER_LEN] = {cla, c->ins, c->p1, c->p2};

	for (size_t i = 0; i < HEADER_LEN; i++) {
		if ((header[i] & rule->mask[i]) != rule->value[i])
			return false;
	}
	return true;
}

/* Where it cannot be told, a deny matches and an allow does not. */
static bool
app_matches(const struct command_rule *rule, const struct command_app *app)
{
	size_t len = rule->aid_len;

	if (len == 0)
		return true;
	if (app == NULL || !app->known)
		return !rule->allow;
	if (app->len < len)
		return !rule->allow &&
		       memcmp(app->aid, rule->aid, app->len) == 0;
	return memcmp(app->aid, rule->aid, len) == 0;
}

struct globs_verdict
command_rules_judge(const struct command_rules *rules,
                    const struct command *command,
                    const struct command_app *app)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct command_rule *rule = &rules->list[i];

		if (app_matches(rule, app) &&
		    (header_matches(rule, command, command->cla) ||
		     header_matches(rule, command, command->plain)))
			return (struct globs_verdict){rule->allow, rule->text};
	}
	return (struct globs_verdict){false, NULL};
}
