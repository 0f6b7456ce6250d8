#include "policyrow.h"

#include "confkey.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *key;
	const char *text;
} defaults[] = {
    {"CertPropEnabled", "1"},
    {"EnableRootCertificatePropagation", "1"},
    {"RootCertificateCleanupOption", "2"},
    {"fEnableSmartCard", "1"},
    {"AllowWeakCardRoots", "0"},
    {"SkipExpired", "0"},
    {"PropagateDeviceCertificates", "0"},
    {"ProbeRetiredSlots", "0"},
    {"UserCertificateCleanupOption", "0"},
    {"ArchiveStale", "0"},
    {"RefuseMachineLike", "1"},
    {"RequireCardMatchesUser", "0"},
    {"CardUserMatch", "upn | email"},
    {"CardUserMap", ""},
    {"AllowedRootHashes", ""},
    {"RootScope", "session"},
    {"HostRootHashes", ""},
    {"RootPurpose", "client"},
    {"DisconnectGraceSeconds", "0"},
    {"MaxClaimAge", "24h"},
    {"AllowCertificatesWithNoEKU", "0"},
    {"EnumerateECCCerts", "0"},
    {"AllowSignatureOnlyKeys", "0"},
    {"AllowTimeInvalidCertificates", "0"},
    {"X509HintsNeeded", "0"},
    {"FilterDuplicateCerts", "1"},
    {"ForceReadingAllCertificates", ""},
    {"AllowIntegratedUnblock", ""},
    {"IntegratedUnblockPromptString", ""},
    {"DisallowPlaintextPin", ""},
    {"ReverseSubject", ""},
    {"EnableScPnP", ""},
    {"ScPnPNotification", ""},
    {"scforceoption", ""},
    {"ScRemoveOption", ""},
    {"redirect", "yes"},
    {"other_card_channels", "as-redirect"},
    {"card_channels", "deny urbdrc | deny PNPDR* | deny "
                      "FileRedirectorChannel | deny WebAuthN_Channel"},
    {"readers", ""},
    {"cards", ""},
    {"calls", ""},
    {"commands", "full"},
    {"command_rules", ""},
    {"secure_messaging", "refuse"},
    {"reader_control", "refuse"},
    {"refusal", "no-access"},
};

static const char no_effect[] = "no effect here";

const char *
policyrow_default(const char *key)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (strcmp(defaults[i].key, key) == 0)
			return defaults[i].text;
	return NULL;
}

static void
add(struct policyrows *rows, const char *key, const char *value,
    const char *origin, const char *note)
{
	struct policyrow row = {.key = key, .note = note};
	struct policyrow *grown =
	    reallocarray(rows->items, rows->count + 1, sizeof(*rows->items));

	if (grown != NULL) {
		rows->items = grown;
		row.value = strdup(value);
		row.origin = strdup(origin);
	}
	if (row.value == NULL || row.origin == NULL) {
		free(row.value);
		free(row.origin);
		rows->whole = false;
		return;
	}
	row.given = strncmp(origin, "default", 7) != 0;
	grown[rows->count++] = row;
}

/* A value that the machine may set too. */
static const char *
note_of(const struct policy *policy, enum setting setting)
{
	const struct resolved_value *value = &policy->resolved.of[setting];

	if (!setting_has_effect(setting))
		return no_effect;
	if (value->refused > 0)
		return "the section would loosen it: not allowed";
	if (setting == SETTING_PROPAGATE_ROOTS &&
	    resolver_ineffective(&policy->resolved))
		return "no effect: CertPropEnabled is 0";
	return "";
}

static void
add_setting(struct policyrows *rows, const struct policy *policy,
            enum setting setting)
{
	const struct resolved_value *value = &policy->resolved.of[setting];
	char text[16], origin[400];

	(void)resolver_origin_text(origin, sizeof(origin), value,
	                           policy->certprop.name);
	(void)snprintf(text, sizeof(text), "%u", (unsigned)value->number);
	add(rows, setting_name(setting), text, origin,
	    note_of(policy, setting));
}

/* The other name of fEnableSmartCard. */
static void
add_redirect(struct policyrows *rows, const struct policy *policy)
{
	char origin[400];

	(void)resolver_origin_text(origin, sizeof(origin),
	                           &policy->resolved.of[SETTING_REDIRECT],
	                           policy->certprop.name);
	add(rows, "redirect", policy->certprop.redirect ? "yes" : "no", origin,
	    note_of(policy, SETTING_REDIRECT));
}

/* What only a section can say; a list may stand there several times. */
static void
add_lines(struct policyrows *rows, const struct policy *policy, const char *key)
{
	const char *note = confkey_no_effect(key) ? no_effect : "";
	const char *text = policyrow_default(key);
	char origin[128];
	bool found = false;

	for (size_t i = 0; i < policy->given_count; i++) {
		const struct policy_given *given = &policy->given[i];

		if (strcmp(given->key, key) != 0)
			continue;
		(void)snprintf(origin, sizeof(origin), "section %s, line %u",
		               policy->certprop.name, given->line);
		add(rows, key, given->text, origin, note);
		found = true;
	}
	if (!found && text != NULL && *text != '\0')
		add(rows, key, text, "default", note);
}

/* What the machine sets and no section has a say in. */
static void
add_machine(struct policyrows *rows, const struct policy *policy)
{
	for (unsigned i = SETTINGS_IN_FORCE; i < SETTINGS; i++)
		if (policy->resolved.of[i].given)
			add_setting(rows, policy, (enum setting)i);
}

struct policyrows
policyrows_of(const struct policy *policy)
{
	struct policyrows rows = {.whole = true};
	enum confkey_section section;
	const char *key;

	for (size_t i = 0; (key = confkey_name(i, &section)) != NULL; i++) {
		enum setting setting = setting_find(key);

		if (section != CONFKEY_POLICY)
			continue;
		if (setting < SETTINGS_IN_FORCE)
			add_setting(&rows, policy, setting);
		else if (strcmp(key, "redirect") == 0)
			add_redirect(&rows, policy);
		else
			add_lines(&rows, policy, key);
	}
	add_machine(&rows, policy);
	return rows;
}

void
policyrows_clear(struct policyrows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->items[i].value);
		free(rows->items[i].origin);
	}
	free(rows->items);
	*rows = (struct policyrows){0};
}

bool
policyrows_have(const struct policyrows *rows, const struct policyrow *row)
{
	for (size_t i = 0; i < rows->count; i++)
		if (strcmp(rows->items[i].key, row->key) == 0 &&
		    strcmp(rows->items[i].value, row->value) == 0 &&
		    strcmp(rows->items[i].origin, row->origin) == 0)
			return true;
	return false;
}
