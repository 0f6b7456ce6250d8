#include "confkey.h"

#include "config.h"
#include "value.h"

#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_DIR_MAX = 64 }; /* a socket's path below it has at most 107 bytes */

/*
 * Each row is set by a function that knows the type of its field; it returns
 * NULL, or what the value should be.
 */
struct word {
	const char *text;
	int value;
};

struct key {
	enum confkey_section section;
	const char *name;
	const char *(*set)(const struct key *key, void *base, const char *text);
	size_t offset;
	const struct word *words; /* ends with a NULL text */
	uint32_t min;
	uint32_t max;
	const char *(*parse)(struct filter_policy *filter, const char *text);
};

/* The one place where a row's offset becomes its field. */
static void *
field(const struct key *key, void *base)
{
	return (char *)base + key->offset;
}

static const char *
set_text(const struct key *key, void *base, const char *text)
{
	char **to = field(key, base);
	char *copy = strdup(text);

	if (copy == NULL)
		return "memory is short";
	free(*to);
	*to = copy;
	return NULL;
}

static const char *
set_name(const struct key *key, void *base, const char *text)
{
	const char *wrong = value_name(text);

	return wrong != NULL ? wrong : set_text(key, base, text);
}

static const char *
set_path(const struct key *key, void *base, const char *text)
{
	const char *wrong = value_path(text);

	if (wrong == NULL && key->max != 0 && strlen(text) > key->max)
		wrong = "this path is too long";
	return wrong != NULL ? wrong : set_text(key, base, text);
}

static const char *
set_file(const struct key *key, void *base, const char *text)
{
	const char *wrong = value_file(text);

	return wrong != NULL ? wrong : set_text(key, base, text);
}

static const char *
set_glob(const struct key *key, void *base, const char *text)
{
	const char *wrong = value_glob(text);

	return wrong != NULL ? wrong : set_text(key, base, text);
}

static const char *
set_switch(const struct key *key, void *base, const char *text)
{
	return value_switch(text, field(key, base));
}

static const char *
set_number(const struct key *key, void *base, const char *text)
{
	return value_number(text, key->min, key->max, field(key, base));
}

static const char *
set_seconds(const struct key *key, void *base, const char *text)
{
	uint32_t *ms = field(key, base);
	const char *wrong = value_number(text, key->min, key->max, ms);

	if (wrong == NULL)
		*ms *= 1000;
	return wrong;
}

static const struct word *
find_word(const struct key *key, const char *text)
{
	const struct word *word = key->words;

	while (word->text != NULL && strcmp(word->text, text) != 0)
		word++;
	return word->text == NULL ? NULL : word;
}

/* An enum or an int: they are of one size here. */
static const char *
set_word(const struct key *key, void *base, const char *text)
{
	const struct word *word = find_word(key, text);

	_Static_assert(sizeof(enum tls_verify) == sizeof(int), "size of enums");
	if (word == NULL)
		return "this is not one of the words the key knows";
	memcpy(field(key, base), &word->value, sizeof(word->value));
	return NULL;
}

/* One of two words, for a bool. */
static const char *
set_either(const struct key *key, void *base, const char *text)
{
	const struct word *word = find_word(key, text);
	bool *to = field(key, base);

	if (word == NULL)
		return "this is not one of the words the key knows";
	*to = word->value != 0;
	return NULL;
}

static const char *
check_word(const struct key *key, void *base, const char *text)
{
	(void)base;
	return find_word(key, text) == NULL
	           ? "this is not one of the words the key knows"
	           : NULL;
}

static const char *
set_listen(const struct key *key, void *base, const char *text)
{
	struct config_listener *listener = base;

	(void)key;
	return value_listen(text, &listener->address, &listener->address_len);
}

static const char *
set_server(const struct key *key, void *base, const char *text)
{
	struct config_target *target = base;

	(void)key;
	return value_server(text, &target->host, &target->port);
}

static const char *
set_pins(const struct key *key, void *base, const char *text)
{
	struct config_target *target = base;

	(void)key;
	return value_digests(text, target->pins, CONFIG_PINS_MAX,
	                     &target->pin_count);
}

static const char *
set_globs(const struct key *key, void *base, const char *text)
{
	return policy_take_globs(field(key, base), text);
}

static const char *
set_clients(const struct key *key, void *base, const char *text)
{
	return policy_take_clients(field(key, base), text);
}

static const char *
set_times(const struct key *key, void *base, const char *text)
{
	return policy_take_times(field(key, base), text);
}

/* One word. */
static const char *
set_filter(const struct key *key, void *base, const char *text)
{
	return key->parse(field(key, base), text);
}

/* A list, which may go on in further lines of the same key. */
static const char *
add_filter(const struct key *key, void *base, const char *text)
{
	return key->parse(field(key, base), text);
}

/* SHA-256 thumbprints, which may go on in further lines. */
static const char *
add_hashes(const struct key *key, void *base, const char *text)
{
	return policy_take_hashes(field(key, base), text);
}

static const char *
set_card_match(const struct key *key, void *base, const char *text)
{
	return policy_take_card_match(field(key, base), text);
}

static const char *
set_card_map(const struct key *key, void *base, const char *text)
{
	(void)key;
	return policy_take_card_map(base, text);
}

static const char *
set_span(const struct key *key, void *base, const char *text)
{
	return value_span(text, key->max, field(key, base));
}

/*
 * Windows' values that steer nothing here: an administrator will write them,
 * and is told so.
 */
static const char *
check_switch(const struct key *key, void *base, const char *text)
{
	bool unused;

	(void)key;
	(void)base;
	return value_switch(text, &unused);
}

static const char *
check_removal(const struct key *key, void *base, const char *text)
{
	uint32_t unused;

	(void)key;
	(void)base;
	return value_number(text, 0, 3, &unused);
}

static const char *
check_text(const struct key *key, void *base, const char *text)
{
	(void)key;
	(void)base;
	(void)text;
	return NULL;
}

static const char *
set_identity(const struct key *key, void *base, const char *text)
{
	return evidence_parse(text, field(key, base));
}

static const char *
set_group(const struct key *key, void *base, const char *text)
{
	return value_group(text, field(key, base));
}

/* clang-format off */
static const struct word log_forms[] = {
	{ "plain", LOG_PLAIN }, { "json", LOG_JSON }, { NULL, 0 }
};
static const struct word log_levels[] = {
	{ "error", LOG_ERROR }, { "warning", LOG_WARNING },
	{ "notice", LOG_NOTICE }, { "info", LOG_INFO },
	{ "debug", LOG_DEBUG }, { NULL, 0 }
};
static const struct word verifies[] = {
	{ "ca", TLS_VERIFY_CA }, { "pin", TLS_VERIFY_PIN },
	{ "none", TLS_VERIFY_NONE }, { NULL, 0 }
};
static const struct word securities[] = {
	{ "as-server", CONFIG_AS_SERVER }, { "tls", CONFIG_TLS }, { NULL, 0 }
};
static const struct word roles[] = {
	{ "relay", CHANNEL_RELAY }, { "own", CHANNEL_OWN },
	{ "auto", CHANNEL_AUTO }, { NULL, 0 }
};
static const struct word session_ends[] = {
	{ "auto", CONFIG_END_AUTO }, { "signal", CONFIG_END_SIGNAL },
	{ "connection", CONFIG_END_CONNECTION }, { NULL, 0 }
};
static const struct word versions[] = {
	{ "1.2", TLS1_2_VERSION }, { "1.3", TLS1_3_VERSION }, { NULL, 0 }
};
static const struct word cleanups[] = {
	{ "0", KEEP_CLEANUP_NONE }, { "1", KEEP_CLEANUP_REMOVAL },
	{ "2", KEEP_CLEANUP_LOGOFF }, { NULL, 0 }
};
static const struct word scopes[] = {
	{ "session", 0 }, { "host", 1 }, { NULL, 0 }
};
static const struct word purposes[] = {
	{ "client", KEEP_PURPOSE_CLIENT }, { "server", KEEP_PURPOSE_SERVER },
	{ "any", KEEP_PURPOSE_ANY }, { NULL, 0 }
};
static const struct word engines[] = { { "sqlite", 0 }, { NULL, 0 } };
static const struct word durabilities[] = {
	{ "normal", 0 }, { "strict", 1 }, { NULL, 0 }
};

#define AT_CONFIG(name) offsetof(struct config, name)
#define AT_LISTENER(name) offsetof(struct config_listener, name)
#define AT_TARGET(name) offsetof(struct config_target, name)
#define AT_MATCH(name) offsetof(struct policy, match.name)
#define AT_POLICY(name) offsetof(struct policy, own.name)

static const struct key keys[] = {
	{ CONFKEY_DAEMON, "user", set_name, AT_CONFIG(user), NULL, 0, 0, NULL },
	{ CONFKEY_DAEMON, "log", set_word, AT_CONFIG(log_form), log_forms, 0, 0, NULL },
	{ CONFKEY_DAEMON, "policy_directory", set_path, AT_CONFIG(policy_directory), NULL, 0, 0, NULL },
	{ CONFKEY_DAEMON, "AllowSessionLoosening", set_switch, AT_CONFIG(allow_loosening), NULL, 0, 0, NULL },
	{ CONFKEY_DAEMON, "log_level", set_word, AT_CONFIG(log_level), log_levels, 0, 0, NULL },

	{ CONFKEY_LISTEN, "address", set_listen, 0, NULL, 0, 0, NULL },
	{ CONFKEY_LISTEN, "target", set_name, AT_LISTENER(target), NULL, 0, 0, NULL },
	{ CONFKEY_LISTEN, "max_sessions", set_number, AT_LISTENER(max_sessions), NULL, 1, 100000, NULL },

	{ CONFKEY_TARGET, "address", set_server, 0, NULL, 0, 0, NULL },
	{ CONFKEY_TARGET, "match_cookie", set_glob, AT_TARGET(match_cookie), NULL, 0, 0, NULL },
	{ CONFKEY_TARGET, "match_user", set_glob, AT_TARGET(match_user), NULL, 0, 0, NULL },
	{ CONFKEY_TARGET, "verify", set_word, AT_TARGET(verify), verifies, 0, 0, NULL },
	{ CONFKEY_TARGET, "ca_file", set_file, AT_TARGET(ca_file), NULL, 0, 0, NULL },
	{ CONFKEY_TARGET, "server_name", set_name, AT_TARGET(server_name), NULL, 0, 0, NULL },
	{ CONFKEY_TARGET, "pin_sha256", set_pins, 0, NULL, 0, 0, NULL },
	{ CONFKEY_TARGET, "security", set_word, AT_TARGET(security), securities, 0, 0, NULL },
	{ CONFKEY_TARGET, "rdpdr", set_word, AT_TARGET(channel.role), roles, 0, 0, NULL },
	{ CONFKEY_TARGET, "own_after", set_seconds, AT_TARGET(channel.own_after_ms), NULL, 1, 3600, NULL },
	{ CONFKEY_TARGET, "identity", set_identity, AT_TARGET(identity), NULL, 0, 0, NULL },
	{ CONFKEY_TARGET, "session_end", set_word, AT_TARGET(session_end), session_ends, 0, 0, NULL },
	{ CONFKEY_TARGET, "policy", set_name, AT_TARGET(policy), NULL, 0, 0, NULL },

	{ CONFKEY_TLS, "certificate", set_file, AT_CONFIG(certificate), NULL, 0, 0, NULL },
	{ CONFKEY_TLS, "key", set_file, AT_CONFIG(key), NULL, 0, 0, NULL },
	{ CONFKEY_TLS, "min_version", set_word, AT_CONFIG(min_tls), versions, 0, 0, NULL },

	{ CONFKEY_POLICY, "match_user", set_globs, AT_MATCH(users), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "match_group", set_globs, AT_MATCH(groups), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "match_client", set_clients, offsetof(struct policy, match), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "match_client_name", set_globs, AT_MATCH(client_names), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "match_target", set_globs, AT_MATCH(targets), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "match_time", set_times, offsetof(struct policy, match), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "CertPropEnabled", set_switch, AT_POLICY(propagate), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "EnableRootCertificatePropagation", set_switch, AT_POLICY(propagate_roots), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "RootCertificateCleanupOption", set_word, AT_POLICY(cleanup), cleanups, 0, 0, NULL },
	{ CONFKEY_POLICY, "fEnableSmartCard", set_switch, AT_POLICY(redirect), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "AllowWeakCardRoots", set_switch, AT_POLICY(allow_weak_roots), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "SkipExpired", set_switch, AT_POLICY(skip_expired), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "PropagateDeviceCertificates", set_switch, AT_POLICY(propagate_device), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "ProbeRetiredSlots", set_switch, AT_POLICY(probe_retired), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "UserCertificateCleanupOption", set_word, AT_POLICY(user_cleanup), cleanups, 0, 0, NULL },
	{ CONFKEY_POLICY, "ArchiveStale", set_switch, AT_POLICY(archive_stale), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "RefuseMachineLike", set_switch, AT_POLICY(refuse_machine_like), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "RequireCardMatchesUser", set_switch, AT_POLICY(require_match), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "CardUserMatch", set_card_match, AT_POLICY(match), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "CardUserMap", set_card_map, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "AllowedRootHashes", add_hashes, offsetof(struct policy, allowed), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "RootScope", set_either, offsetof(struct policy, host_scope), scopes, 0, 0, NULL },
	{ CONFKEY_POLICY, "HostRootHashes", add_hashes, offsetof(struct policy, host), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "RootPurpose", set_word, AT_POLICY(purpose), purposes, 0, 0, NULL },
	{ CONFKEY_POLICY, "DisconnectGraceSeconds", set_number, AT_POLICY(grace_s), NULL, 0, 86400, NULL },
	{ CONFKEY_POLICY, "MaxClaimAge", set_span, AT_POLICY(max_age_s), NULL, 0, 365 * 86400, NULL },
	{ CONFKEY_POLICY, "AllowCertificatesWithNoEKU", set_switch, AT_POLICY(logon.no_eku), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "EnumerateECCCerts", set_switch, AT_POLICY(logon.ecc), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "AllowSignatureOnlyKeys", set_switch, AT_POLICY(logon.signature_only), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "AllowTimeInvalidCertificates", set_switch, AT_POLICY(logon.time_invalid), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "X509HintsNeeded", set_switch, AT_POLICY(logon.hint), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "FilterDuplicateCerts", set_switch, AT_POLICY(logon.filter_duplicates), NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "ForceReadingAllCertificates", check_switch, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "AllowIntegratedUnblock", check_switch, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "IntegratedUnblockPromptString", check_text, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "DisallowPlaintextPin", check_switch, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "ReverseSubject", check_switch, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "EnableScPnP", check_switch, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "ScPnPNotification", check_switch, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "scforceoption", check_switch, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "ScRemoveOption", check_removal, 0, NULL, 0, 0, NULL },
	{ CONFKEY_POLICY, "redirect", set_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_redirect },
	{ CONFKEY_POLICY, "other_card_channels", set_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_other_card_channels },
	{ CONFKEY_POLICY, "card_channels", add_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_channels },
	{ CONFKEY_POLICY, "readers", add_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_readers },
	{ CONFKEY_POLICY, "cards", add_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_cards },
	{ CONFKEY_POLICY, "calls", add_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_calls },
	{ CONFKEY_POLICY, "commands", set_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_commands },
	{ CONFKEY_POLICY, "command_rules", add_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_command_rules },
	{ CONFKEY_POLICY, "secure_messaging", set_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_secure_messaging },
	{ CONFKEY_POLICY, "reader_control", set_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_reader_control },
	{ CONFKEY_POLICY, "refusal", set_filter, offsetof(struct policy, filter), NULL, 0, 0, filter_parse_refusal },

	{ CONFKEY_STORE, "engine", check_word, 0, engines, 0, 0, NULL },
	{ CONFKEY_STORE, "path", set_path, AT_CONFIG(database), NULL, 0, 0, NULL },
	{ CONFKEY_STORE, "durability", set_either, AT_CONFIG(durable_full), durabilities, 0, 0, NULL },
	{ CONFKEY_STORE, "run_dir", set_path, AT_CONFIG(run_dir), NULL, 0, RUN_DIR_MAX, NULL },
	{ CONFKEY_STORE, "control_group", set_group, AT_CONFIG(control_group), NULL, 0, 0, NULL },
	{ CONFKEY_STORE, "view_group", set_group, AT_CONFIG(view_group), NULL, 0, 0, NULL },
	{ CONFKEY_STORE, "system_anchors", set_file, AT_CONFIG(system_anchors), NULL, 0, 0, NULL },
};
/* clang-format on */

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };
_Static_assert((int)KEYS <= CONFKEY_ROWS_MAX,
               "a key is a bit of what was seen");

static const struct key *
find_key(enum confkey_section section, const char *name)
{
	for (size_t i = 0; i < KEYS; i++)
		if (keys[i].section == section &&
		    strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* Notes the row; true: it was noted before. */
static bool
was_seen(struct confkey_seen *seen, size_t row)
{
	uint8_t bit = (uint8_t)(1u << row % 8);
	bool before = (seen->bits[row / 8] & bit) != 0;

	seen->bits[row / 8] |= bit;
	return before;
}

static bool
repeats(const struct key *key)
{
	return key->set == add_filter || key->set == add_hashes;
}

const char *
confkey_set(enum confkey_section section, void *base, const char *name,
            const char *value, unsigned line, struct confkey_seen *seen)
{
	const struct key *key = find_key(section, name);
	const char *wrong;

	if (key == NULL)
		return "no such key in this section";
	if (was_seen(seen, (size_t)(key - keys)) && !repeats(key))
		return "this key was given already";
	if (*value == '\0')
		return "there is no value";
	wrong = key->set(key, base, value);
	if (wrong == NULL && section == CONFKEY_POLICY)
		wrong = policy_note(base, key->name, value, line);
	return wrong;
}

bool
confkey_repeats(const char *name)
{
	const struct key *key = find_key(CONFKEY_POLICY, name);

	return key != NULL && repeats(key);
}

bool
confkey_no_effect(const char *name)
{
	const struct key *key = find_key(CONFKEY_POLICY, name);

	return key != NULL &&
	       (key->set == check_switch || key->set == check_text ||
	        key->set == check_removal);
}

const char *
confkey_name(size_t index, enum confkey_section *section)
{
	if (index >= KEYS)
		return NULL;
	*section = keys[index].section;
	return keys[index].name;
}
