/*
 * The policy values that a machine's administrator sets by Windows' names:
 * where each lives in the registry, what it does here, which of two values is
 * the tighter one, and which field of a certprop_policy it is.
 */
#ifndef PROPAGATE_SETTING_H
#define PROPAGATE_SETTING_H

#include "certprop.h"
#include "regpol.h"

/* The order is the one in which they are shown. */
enum setting {
	SETTING_PROPAGATE,
	SETTING_PROPAGATE_ROOTS,
	SETTING_CLEANUP,
	SETTING_REDIRECT,
	SETTING_ALLOW_WEAK_ROOTS,
	SETTING_SKIP_EXPIRED,
	SETTING_PROPAGATE_DEVICE,
	SETTING_USER_CLEANUP,
	SETTING_ARCHIVE_STALE,
	SETTING_REFUSE_MACHINE_LIKE,
	SETTING_REQUIRE_MATCH,
	SETTING_NO_EKU,
	SETTING_ECC,
	SETTING_SIGNATURE_ONLY,
	SETTING_TIME_INVALID,
	SETTING_HINT,
	SETTING_FILTER_DUPLICATES,
	SETTINGS_IN_FORCE,                     /* those below have no field */
	SETTING_LOOSENING = SETTINGS_IN_FORCE, /* AllowSessionLoosening */
	SETTING_FORCE_READING,
	SETTING_UNBLOCK,
	SETTING_UNBLOCK_PROMPT,
	SETTING_PLAINTEXT_PIN,
	SETTING_REVERSE_SUBJECT,
	SETTING_PNP,
	SETTING_PNP_NOTIFICATION,
	SETTING_FORCE_LOGON,
	SETTING_REMOVAL,
	SETTING_CACHED_CRL,
	SETTING_TRANSACTION,
	SETTINGS
};

/* What one file does to one value. */
enum setting_state {
	SETTING_UNTOUCHED,
	SETTING_GIVEN,
	SETTING_DELETED,
	SETTING_MALFORMED /* wrong type, size or range: as if deleted */
};

struct setting_change {
	enum setting_state state;
	uint32_t number; /* when given; 0 for a text */
	size_t offset;   /* of the entry in the file, in bytes */
};

struct setting_changes {
	struct setting_change of[SETTINGS];
	size_t passed_over; /* where the first instruction stands that is not
	                       known, in bytes; 0: none */
};

/*
 * What a Registry.pol does.  NULL: changes is filled; else what is wrong with
 * the file, *offset says where, and changes is left alone.
 */
const char *setting_read(struct wire_view file, struct setting_changes *changes,
                         size_t *offset);

/* "CertPropEnabled", ...; _find gives SETTINGS for a name that is none. */
const char *setting_name(enum setting setting);
enum setting setting_find(const char *name);

/* Does it steer anything here? */
bool setting_has_effect(enum setting setting);

/* Only for those before SETTINGS_IN_FORCE. */
uint32_t setting_get(const struct certprop_policy *policy,
                     enum setting setting);
void setting_put(struct certprop_policy *policy, enum setting setting,
                 uint32_t number);

/*
 * Does this value allow or keep more than that one?  Of clean-ups 1 is tighter
 * than 2, and 2 than 0.
 */
bool setting_looser(enum setting setting, uint32_t value, uint32_t than);

#endif
