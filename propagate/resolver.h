/*
 * Which policy values are in force, and where each comes from:
 *
 *   defaults < the machine's group policies, in their order < the section of
 *   our configuration that fits the session < what the machine enforces
 *
 * A section may only tighten what the machine has set, unless the machine or
 * the configuration allows it to loosen.  What the machine has not set is the
 * section's to choose.
 */
#ifndef PROPAGATE_RESOLVER_H
#define PROPAGATE_RESOLVER_H

#include "setting.h"

/* One group policy object; later ones win, enforced ones over all. */
struct resolver_gpo {
	const char *name;
	bool enforced;
	const struct setting_changes *changes;
};

struct resolver_input {
	const struct resolver_gpo *gpos;
	size_t gpo_count;
	/* Of our configuration; a setting that it does not give has line 0. */
	const struct certprop_policy *own;
	const unsigned *lines; /* SETTINGS_IN_FORCE of them */
	bool allow_loosening;
};

enum resolver_origin {
	RESOLVER_DEFAULT,
	RESOLVER_MACHINE,
	RESOLVER_SECTION,
	RESOLVER_ENFORCED
};

struct resolved_value {
	uint32_t number;
	enum resolver_origin origin;
	/*
	 * Borrowed: the object that gives the value; with the default, the one
	 * that deleted it, or NULL.
	 */
	const char *gpo;
	bool malformed;   /* with the default: gpo has it, but not so */
	unsigned line;    /* of the section */
	unsigned refused; /* the section's line that would loosen, or 0 */
	bool given;       /* of those without a field: it is there at all */
};

/* An immutable picture; gpo names live as long as the input's. */
struct resolved {
	struct resolved_value of[SETTINGS];
};

/* policy becomes own, with what is in force. */
void resolver_run(const struct resolver_input *input, struct resolved *resolved,
                  struct certprop_policy *policy);

/* Is root propagation asked for by name where nothing is propagated? */
bool resolver_ineffective(const struct resolved *resolved);

/* Is this value other than it was, or from elsewhere? */
bool resolver_changed(const struct resolved *before,
                      const struct resolved *after, enum setting setting);

/* "default", "{...}", "{...}, enforced", "section desk, line 12". */
char *resolver_origin_text(char *out, size_t size,
                           const struct resolved_value *value,
                           const char *section);

#endif
