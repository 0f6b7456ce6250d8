#include "atrmask.h"

#include <stdlib.h>
#include <string.h>

enum { NIBBLE = 4, LOW_NIBBLE = 0xF };

/* One digit with its mask; false when it is none. */
static bool
digit(uint8_t c, uint8_t *value, uint8_t *mask)
{
	*mask = LOW_NIBBLE;
	*value = 0;
	if (c >= '0' && c <= '9')
		*value = (uint8_t)(c - '0');
	else if (c >= 'a' && c <= 'f')
		*value = (uint8_t)(c - 'a' + 10);
	else if (c >= 'A' && c <= 'F')
		*value = (uint8_t)(c - 'A' + 10);
	else if (c == 'x' || c == 'X' || c == '.')
		*mask = 0;
	else
		return false;
	return true;
}

bool
atrmask_hex(struct wire_view text, size_t max, uint8_t *value, uint8_t *mask,
            size_t *len)
{
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		uint8_t v;
		uint8_t m;

		if (text.data[i] == ' ' || text.data[i] == '\t')
			continue;
		if (digits == 2 * max || !digit(text.data[i], &v, &m))
			return false;
		if (digits % 2 == 0) {
			value[digits / 2] = (uint8_t)(v << NIBBLE);
			mask[digits / 2] = (uint8_t)(m << NIBBLE);
		} else {
			value[digits / 2] |= v;
			mask[digits / 2] |= m;
		}
		digits++;
	}
	*len = digits / 2;
	return digits > 0 && digits % 2 == 0;
}

/* The part before a '/', or all; *mask is the part behind it. */
static bool
split(struct wire_view text, struct wire_view *value, struct wire_view *mask)
{
	const uint8_t *slash = memchr(text.data, '/', text.len);
	struct wire_in in = wire_in_view(text);

	*value = text;
	if (slash == NULL)
		return false;
	*value = wire_bytes(&in, (size_t)(slash - text.data));
	wire_skip(&in, 1);
	*mask = wire_rest(&in);
	return true;
}

static const char *
fill(struct atrmask_rule *rule, struct wire_view text)
{
	static const char *const wrong =
	    "not an ATR in hexadecimal, with x, .., * or /MASK";
	uint8_t ones[ATRMASK_LEN_MAX];
	struct wire_view value;
	struct wire_view mask;
	size_t mask_len;
	size_t len;

	if (text.len > 0 && text.data[text.len - 1] == '*') {
		rule->open = true;
		text.len--;
		if (text.len == 0)
			return NULL;
	}
	bool masked = split(text, &value, &mask);

	if (!atrmask_hex(value, ATRMASK_LEN_MAX, rule->value, rule->mask, &len))
		return wrong;
	rule->len = (uint8_t)len;
	if (!masked)
		return NULL;
	if (!atrmask_hex(mask, ATRMASK_LEN_MAX, rule->mask, ones, &mask_len) ||
	    mask_len != len)
		return "a mask that is not as long as its ATR";
	for (size_t i = 0; i < len; i++)
		rule->value[i] &= rule->mask[i];
	return NULL;
}

static const char *
add_rule(struct atrmask *masks, const char *key, bool allow,
         struct wire_view text)
{
	struct atrmask_rule rule = {.allow = allow};
	const char *wrong = fill(&rule, text);
	struct atrmask_rule *list;

	if (wrong != NULL)
		return wrong;
	if (masks->count == GLOBS_RULES_MAX)
		return "above 64 rules";
	list = realloc(masks->list, (masks->count + 1) * sizeof(*list));
	if (list == NULL)
		return "out of memory";
	masks->list = list;
	rule.text = globs_rule_text(key, allow, text);
	if (rule.text == NULL)
		return "out of memory";
	list[masks->count++] = rule;
	return NULL;
}

const char *
atrmask_parse(struct atrmask *masks, const char *key, const char *text)
{
	struct wire_view rule;
	const char *wrong;
	bool allow;

	while (globs_next_rule(&text, &allow, &rule, &wrong)) {
		wrong = add_rule(masks, key, allow, rule);
		if (wrong != NULL)
			return wrong;
	}
	return wrong;
}

void
atrmask_clear(struct atrmask *masks)
{
	for (size_t i = 0; i < masks->count; i++)
		free(masks->list[i].text);
	free(masks->list);
	*masks = (struct atrmask){.count = 0};
}

static bool
matches(const struct atrmask_rule *rule, struct wire_view atr)
{
	if (atr.len < rule->len || (atr.len > rule->len && !rule->open))
		return false;
	for (size_t i = 0; i < rule->len; i++) {
		if ((atr.data[i] & rule->mask[i]) != rule->value[i])
			return false;
	}
	return true;
}

struct globs_verdict
atrmask_judge(const struct atrmask *masks, struct wire_view atr)
{
	bool wanted = false;

	for (size_t i = 0; i < masks->count; i++) {
		const struct atrmask_rule *rule = &masks->list[i];

		if (matches(rule, atr))
			return (struct globs_verdict){rule->allow, rule->text};
		wanted = wanted || rule->allow;
	}
	return (struct globs_verdict){!wanted, NULL};
}
