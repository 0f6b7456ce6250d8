#include "resolver.h"

#include <stdio.h>
#include <string.h>

/* What the registry would hold: the last object that touches the value. */
struct found {
	const struct setting_change *change;
	const char *gpo;
};

static struct found
last_of(const struct resolver_input *input, enum setting setting, bool enforced)
{
	struct found found = {NULL, NULL};

	for (size_t i = 0; i < input->gpo_count; i++) {
		const struct resolver_gpo *gpo = &input->gpos[i];
		const struct setting_change *change =
		    &gpo->changes->of[setting];

		if (gpo->enforced == enforced &&
		    change->state != SETTING_UNTOUCHED)
			found = (struct found){change, gpo->name};
	}
	return found;
}

static uint32_t
default_of(enum setting setting)
{
	struct certprop_policy defaults;

	if (setting >= SETTINGS_IN_FORCE)
		return 0;
	certprop_policy_defaults(&defaults);
	return setting_get(&defaults, setting);
}

/* A deleted value is not configured, and neither is one that makes no sense. */
static void
take_machine(struct resolved_value *value, enum setting setting,
             const struct found *found, enum resolver_origin origin)
{
	if (found->change == NULL)
		return;
	*value = (struct resolved_value){.number = default_of(setting),
	                                 .gpo = found->gpo};
	value->malformed = found->change->state == SETTING_MALFORMED;
	value->given = found->change->state == SETTING_GIVEN;
	if (value->given)
		value->number = found->change->number;
	/* An object that is enforced also enforces that there is no value. */
	if (value->given || origin == RESOLVER_ENFORCED)
		value->origin = origin;
}

static void
take_section(struct resolved_value *value, enum setting setting,
             const struct resolver_input *input, bool loosening)
{
	uint32_t wanted = setting_get(input->own, setting);

	if (input->lines[setting] == 0)
		return;
	if (value->origin == RESOLVER_MACHINE && !loosening &&
	    setting_looser(setting, wanted, value->number)) {
		value->refused = input->lines[setting];
		return;
	}
	*value = (struct resolved_value){.number = wanted,
	                                 .origin = RESOLVER_SECTION,
	                                 .line = input->lines[setting]};
}

static struct resolved_value
resolve(const struct resolver_input *input, enum setting setting,
        bool loosening)
{
	struct found plain = last_of(input, setting, false);
	struct found enforced = last_of(input, setting, true);
	struct resolved_value value = {.number = default_of(setting)};

	take_machine(&value, setting, &plain, RESOLVER_MACHINE);
	if (setting < SETTINGS_IN_FORCE)
		take_section(&value, setting, input, loosening);
	take_machine(&value, setting, &enforced, RESOLVER_ENFORCED);
	return value;
}

void
resolver_run(const struct resolver_input *input, struct resolved *resolved,
             struct certprop_policy *policy)
{
	struct resolved_value machine =
	    resolve(input, SETTING_LOOSENING, false);
	bool loosening = input->allow_loosening || machine.number != 0;

	*policy = *input->own;
	for (unsigned i = 0; i < SETTINGS; i++) {
		enum setting setting = (enum setting)i;

		resolved->of[i] = resolve(input, setting, loosening);
		if (setting < SETTINGS_IN_FORCE)
			setting_put(policy, setting, resolved->of[i].number);
	}
	policy->ineffective = resolver_ineffective(resolved);
}

bool
resolver_ineffective(const struct resolved *resolved)
{
	const struct resolved_value *roots =
	    &resolved->of[SETTING_PROPAGATE_ROOTS];

	return resolved->of[SETTING_PROPAGATE].number == 0 &&
	       roots->number != 0 && roots->origin != RESOLVER_DEFAULT;
}

static bool
same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
resolver_changed(const struct resolved *before, const struct resolved *after,
                 enum setting setting)
{
	const struct resolved_value *a = &before->of[setting];
	const struct resolved_value *b = &after->of[setting];

	return a->number != b->number || a->origin != b->origin ||
	       a->given != b->given || !same_text(a->gpo, b->gpo);
}

char *
resolver_origin_text(char *out, size_t size, const struct resolved_value *value,
                     const char *section)
{
	const char *how = value->given ? "" : ", not configured";

	switch (value->origin) {
	case RESOLVER_DEFAULT:
		if (value->gpo == NULL)
			(void)snprintf(out, size, "default");
		else
			(void)snprintf(out, size, "default, %s by %s",
			               value->malformed ? "not understood"
			                                : "deleted",
			               value->gpo);
		break;
	case RESOLVER_MACHINE:
		(void)snprintf(out, size, "%s", value->gpo);
		break;
	case RESOLVER_SECTION:
		(void)snprintf(out, size, "section %s, line %u", section,
		               value->line);
		break;
	case RESOLVER_ENFORCED:
		(void)snprintf(out, size, "%s, enforced%s", value->gpo, how);
		break;
	}
	return out;
}
