#include "setting.h"

#include <string.h>

static const char certprop[] =
    "Software\\Policies\\Microsoft\\Windows\\CertProp";
static const char provider[] =
    "Software\\Policies\\Microsoft\\Windows\\SmartCardCredentialProvider";
static const char pnp[] = "Software\\Policies\\Microsoft\\Windows\\ScPnP";
static const char terminal[] =
    "Software\\Policies\\Microsoft\\Windows NT\\Terminal Services";
static const char kdc[] = "System\\CurrentControlSet\\Services\\Kdc";
static const char kerberos[] =
    "System\\CurrentControlSet\\Control\\LSA\\Kerberos\\Parameters";
static const char base_csp[] =
    "Software\\Microsoft\\Cryptography\\Defaults\\Provider\\"
    "Microsoft Base Smart Card Crypto Provider";
static const char logon_system[] =
    "Software\\Microsoft\\Windows\\CurrentVersion\\Policies\\System";
static const char winlogon[] =
    "Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon";
/* What Windows does not have. */
static const char ours[] = "Software\\Policies\\cardproxy";

enum kind {
	SWITCH,  /* a DWORD; all but 0 is on */
	CLEANUP, /* a DWORD of 0, 1 or 2 */
	ANYTHING /* nothing looks at it */
};

struct row {
	const char *name;
	const char *key;
	enum kind kind;
	uint32_t tight; /* of a switch: the tighter of 0 and 1 */
	size_t offset;  /* in a certprop_policy */
};

#define AT(field) offsetof(struct certprop_policy, field)

/* clang-format off */
static const struct row rows[SETTINGS] = {
	[SETTING_PROPAGATE] = { "CertPropEnabled", certprop, SWITCH, 0, AT(propagate) },
	[SETTING_PROPAGATE_ROOTS] = { "EnableRootCertificatePropagation", certprop, SWITCH, 0, AT(propagate_roots) },
	[SETTING_CLEANUP] = { "RootCertificateCleanupOption", certprop, CLEANUP, 0, AT(cleanup) },
	/* Windows' policy "do not allow" is on when this is 0. */
	[SETTING_REDIRECT] = { "fEnableSmartCard", terminal, SWITCH, 0, AT(redirect) },
	[SETTING_ALLOW_WEAK_ROOTS] = { "AllowWeakCardRoots", ours, SWITCH, 0, AT(allow_weak_roots) },
	[SETTING_SKIP_EXPIRED] = { "SkipExpired", ours, SWITCH, 1, AT(skip_expired) },
	[SETTING_PROPAGATE_DEVICE] = { "PropagateDeviceCertificates", ours, SWITCH, 0, AT(propagate_device) },
	[SETTING_USER_CLEANUP] = { "UserCertificateCleanupOption", ours, CLEANUP, 0, AT(user_cleanup) },
	[SETTING_ARCHIVE_STALE] = { "ArchiveStale", ours, SWITCH, 1, AT(archive_stale) },
	[SETTING_REFUSE_MACHINE_LIKE] = { "RefuseMachineLike", ours, SWITCH, 1, AT(refuse_machine_like) },
	[SETTING_REQUIRE_MATCH] = { "RequireCardMatchesUser", ours, SWITCH, 1, AT(require_match) },
	[SETTING_NO_EKU] = { "AllowCertificatesWithNoEKU", provider, SWITCH, 0, AT(logon.no_eku) },
	[SETTING_ECC] = { "EnumerateECCCerts", provider, SWITCH, 0, AT(logon.ecc) },
	[SETTING_SIGNATURE_ONLY] = { "AllowSignatureOnlyKeys", provider, SWITCH, 0, AT(logon.signature_only) },
	[SETTING_TIME_INVALID] = { "AllowTimeInvalidCertificates", provider, SWITCH, 0, AT(logon.time_invalid) },
	[SETTING_HINT] = { "X509HintsNeeded", provider, SWITCH, 0, AT(logon.hint) },
	/*
	 * Of this one, ReverseSubject and ScPnPNotification some texts say that
	 * "not configured" is off; the policy template says on, and it counts.
	 */
	[SETTING_FILTER_DUPLICATES] = { "FilterDuplicateCerts", provider, SWITCH, 1, AT(logon.filter_duplicates) },
	[SETTING_LOOSENING] = { "AllowSessionLoosening", ours, SWITCH, 0, 0 },
	[SETTING_FORCE_READING] = { "ForceReadingAllCertificates", provider, ANYTHING, 0, 0 },
	[SETTING_UNBLOCK] = { "AllowIntegratedUnblock", provider, ANYTHING, 0, 0 },
	[SETTING_UNBLOCK_PROMPT] = { "IntegratedUnblockPromptString", provider, ANYTHING, 0, 0 },
	[SETTING_PLAINTEXT_PIN] = { "DisallowPlaintextPin", provider, ANYTHING, 0, 0 },
	[SETTING_REVERSE_SUBJECT] = { "ReverseSubject", provider, ANYTHING, 0, 0 },
	[SETTING_PNP] = { "EnableScPnP", pnp, ANYTHING, 0, 0 },
	[SETTING_PNP_NOTIFICATION] = { "ScPnPNotification", pnp, ANYTHING, 0, 0 },
	[SETTING_FORCE_LOGON] = { "scforceoption", logon_system, ANYTHING, 0, 0 },
	[SETTING_REMOVAL] = { "ScRemoveOption", winlogon, ANYTHING, 0, 0 },
	[SETTING_CACHED_CRL] = { "UseCachedCRLOnlyAndIgnoreRevocationUnknownErrors", kdc, ANYTHING, 0, 0 },
	[SETTING_TRANSACTION] = { "TransactionTimeoutMilliseconds", base_csp, ANYTHING, 0, 0 },
};
/* clang-format on */

const char *
setting_name(enum setting setting)
{
	return rows[setting].name;
}

enum setting
setting_find(const char *name)
{
	unsigned i = 0;

	while (i < SETTINGS && strcmp(rows[i].name, name) != 0)
		i++;
	return (enum setting)i;
}

bool
setting_has_effect(enum setting setting)
{
	return rows[setting].kind != ANYTHING;
}

/*
 * The file.
 */

static struct setting_change
read_value(const struct row *row, const struct regpol_entry *entry)
{
	struct setting_change change = {.state = SETTING_GIVEN,
	                                .offset = entry->offset};
	bool number = regpol_number(entry, &change.number);

	if (row->kind == SWITCH)
		change.number = change.number != 0;
	if (row->kind == ANYTHING)
		return change;
	if (!number ||
	    (row->kind == CLEANUP && change.number > KEEP_CLEANUP_LOGOFF))
		change.state = SETTING_MALFORMED;
	return change;
}

static bool
is_key(enum setting setting, const struct regpol_entry *entry)
{
	/* One value stands below two keys. */
	return regpol_text_is(entry->key, rows[setting].key) ||
	       (setting == SETTING_CACHED_CRL &&
	        regpol_text_is(entry->key, kerberos));
}

static void
apply(struct setting_changes *changes, const struct regpol_entry *entry)
{
	for (size_t i = 0; i < SETTINGS; i++) {
		const struct row *row = &rows[i];

		if (entry->action == REGPOL_UNKNOWN &&
		    changes->passed_over == 0 &&
		    regpol_text_is(entry->key, row->key))
			changes->passed_over = entry->offset;
		else if (entry->action == REGPOL_SET &&
		         regpol_text_is(entry->name, row->name) &&
		         is_key((enum setting)i, entry))
			changes->of[i] = read_value(row, entry);
		else if (regpol_deletes(entry, row->key, row->name))
			changes->of[i] = (struct setting_change){
			    .state = SETTING_DELETED, .offset = entry->offset};
	}
}

const char *
setting_read(struct wire_view file, struct setting_changes *changes,
             size_t *offset)
{
	struct setting_changes found = {0};
	struct regpol pol = regpol_begin(file);
	struct regpol_entry entry;

	while (regpol_next(&pol, &entry))
		apply(&found, &entry);
	if (pol.fault == NULL)
		*changes = found;
	*offset = pol.offset;
	return pol.fault;
}

/*
 * The fields.
 */

_Static_assert(sizeof(enum keep_cleanup) == sizeof(int), "size of enums");

uint32_t
setting_get(const struct certprop_policy *policy, enum setting setting)
{
	const struct row *row = &rows[setting];
	const char *field = (const char *)policy + row->offset;
	bool on;
	int level;

	if (row->kind == CLEANUP) {
		memcpy(&level, field, sizeof(level));
		return (uint32_t)level;
	}
	memcpy(&on, field, sizeof(on));
	return on;
}

void
setting_put(struct certprop_policy *policy, enum setting setting,
            uint32_t number)
{
	const struct row *row = &rows[setting];
	char *field = (char *)policy + row->offset;
	const bool on = number != 0;
	const int level = (int)number;

	if (row->kind == CLEANUP)
		memcpy(field, &level, sizeof(level));
	else
		memcpy(field, &on, sizeof(on));
}

static unsigned
tightness(const struct row *row, uint32_t value)
{
	static const unsigned of_cleanup[] = {
	    [KEEP_CLEANUP_NONE] = 0,
	    [KEEP_CLEANUP_LOGOFF] = 1,
	    [KEEP_CLEANUP_REMOVAL] = 2,
	};

	return row->kind == CLEANUP ? of_cleanup[value] : value == row->tight;
}

bool
setting_looser(enum setting setting, uint32_t value, uint32_t than)
{
	const struct row *row = &rows[setting];

	return tightness(row, value) < tightness(row, than);
}
