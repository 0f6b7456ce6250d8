#include "ctlpolicy.h"

#include "config.h"
#include "confkey.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

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
    {"RefuseMachineLike", "0"},
    {"RequireCardMatchesUser", "0"},
    {"CardUserMatch", "upn | email"},
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

const char *
ctlpolicy_default(const char *key)
{
	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (strcmp(defaults[i].key, key) == 0)
			return defaults[i].text;
	return NULL;
}

static void
add_text(struct json_object *to, const char *key, const char *text)
{
	(void)json_object_object_add(
	    to, key, json_object_new_string(text == NULL ? "" : text));
}

static struct json_object *
add_rows(struct json_object *to, const char *key)
{
	struct json_object *rows = json_object_new_array();

	(void)json_object_object_add(to, key, rows);
	return rows;
}

static struct json_object *
add_row(struct json_object *rows)
{
	struct json_object *row = json_object_new_object();

	(void)json_object_array_add(rows, row);
	return row;
}

static void
add_line(struct json_object *row, const struct policy *policy)
{
	(void)json_object_object_add(row, "line",
	                             json_object_new_int64(policy->line));
}

/*
 * Why each section is in force, or is not.
 */

static const char *
judge(const struct policy *policy, const struct policy *chosen,
      enum policy_choice choice, const struct policy_subject *subject,
      bool matched, char *text, size_t size)
{
	const char *misfit = policy_misfit(policy, subject);

	if (policy == chosen && choice == POLICY_NAMED)
		return "in force: the target names it";
	if (policy == chosen && choice == POLICY_DEFAULT)
		return "in force: nothing else matched";
	if (policy == chosen)
		return "in force: it matched";
	if (choice == POLICY_NAMED)
		return "not tried: the target names another";
	if (strcmp(policy->certprop.name, "default") == 0)
		return "not needed: another matched";
	if (!policy_has_match(policy))
		return "not tried: it has no match keys";
	if (matched)
		return "not tried: one before it matched";
	(void)snprintf(text, size, "%s does not fit", misfit);
	return text;
}

static void
add_sections(struct json_object *document, const struct policy_list *list,
             const struct policy *chosen, enum policy_choice choice,
             const struct policy_subject *subject)
{
	struct json_object *rows = add_rows(document, "sections");
	bool matched = false;
	char text[64];

	for (size_t i = 0; i < list->count; i++) {
		const struct policy *policy = &list->items[i];
		struct json_object *row = add_row(rows);

		add_text(row, "section", policy->certprop.name);
		add_line(row, policy);
		add_text(row, "result",
		         judge(policy, chosen, choice, subject, matched, text,
		               sizeof(text)));
		matched =
		    matched || (policy == chosen && choice == POLICY_MATCHED);
	}
}

/*
 * The values.
 */

static void
add_value(struct json_object *rows, const char *key, const char *text,
          bool given)
{
	struct json_object *row = add_row(rows);

	add_text(row, "key", key);
	add_text(row, "value", text);
	(void)json_object_object_add(row, "given",
	                             json_object_new_boolean(given));
}

static bool
add_given(struct json_object *rows, const struct policy *policy,
          const char *key)
{
	bool found = false;

	for (size_t i = 0; i < policy->given_count; i++) {
		if (strcmp(policy->given[i].key, key) != 0)
			continue;
		add_value(rows, key, policy->given[i].text, true);
		found = true;
	}
	return found;
}

static void
add_values(struct json_object *document, const struct policy *policy)
{
	struct json_object *rows = add_rows(document, "values");
	enum confkey_section section;
	const char *key;

	for (size_t i = 0; (key = confkey_name(i, &section)) != NULL; i++) {
		const char *text = ctlpolicy_default(key);

		if (section != CONFKEY_POLICY || add_given(rows, policy, key) ||
		    text == NULL || *text == '\0')
			continue;
		add_value(rows, key, text, false);
	}
}

static struct json_object *
explain(const struct config *config, const struct config_target *target,
        const struct policy_subject *subject)
{
	struct json_object *document = json_object_new_object();
	const struct policy *chosen;
	enum policy_choice choice;
	char when[32] = "";

	if (document == NULL)
		return NULL;
	chosen = policy_select(&config->policies,
	                       target == NULL ? NULL : target->policy, subject,
	                       &choice);
	(void)strftime(when, sizeof(when), "%a %Y-%m-%d %H:%M", &subject->when);
	add_text(document, "time", when);
	add_text(document, "target", subject->target);
	add_sections(document, &config->policies, chosen, choice, subject);
	add_text(document, "policy",
	         chosen->line == 0 ? "" : chosen->certprop.name);
	add_values(document, chosen);
	return document;
}

/*
 * The description.
 */

static struct json_object *
refuse(const char *why)
{
	struct json_object *document = json_object_new_object();

	if (document != NULL)
		add_text(document, "error", why);
	return document;
}

/* mktime makes a day of the week of it, and finds out about summer time. */
static bool
read_time(const char *text, struct tm *when)
{
	time_t now = time(NULL);
	const char *end;

	if (text == NULL)
		return localtime_r(&now, when) != NULL;
	*when = (struct tm){.tm_isdst = -1};
	end = strptime(text, "%Y-%m-%d %H:%M", when);
	return end != NULL && *end == '\0' && mktime(when) != (time_t)-1;
}

static struct json_object *
test(const struct config *config, const struct ctlpolicy_session *session)
{
	const struct config_target *target = NULL;
	struct policy_subject subject = {.user = session->user,
	                                 .groups = session->groups,
	                                 .group_count = session->group_count,
	                                 .client_addr = session->client_addr,
	                                 .client_name = session->client_name};
	struct subnet address;

	if (session->target != NULL)
		target = config_target(config, session->target);
	else if (config->target_count == 1)
		target = &config->targets[0];
	if (target == NULL && session->target != NULL)
		return refuse("there is no such [target]");
	if (session->client_addr != NULL &&
	    (strchr(session->client_addr, '/') != NULL ||
	     subnet_parse(session->client_addr, &address) != NULL))
		return refuse("--client is not an IP address");
	if (!read_time(session->time, &subject.when))
		return refuse("--time is not such as \"2026-11-23 09:00\"");
	if (target != NULL)
		subject.target = target->name;
	return explain(config, target, &subject);
}

struct json_object *
ctlpolicy_test(const struct ctlpolicy_session *session)
{
	struct config_faults faults = {0};
	struct config *config = config_load(session->config, &faults);
	struct json_object *document = NULL;

	for (size_t i = 0; i < faults.count && i < CONFIG_FAULTS_MAX; i++)
		(void)fprintf(stderr, "%s\n", faults.text[i]);
	config_faults_clear(&faults);
	if (config != NULL)
		document = test(config, session);
	config_free(config);
	return document;
}
