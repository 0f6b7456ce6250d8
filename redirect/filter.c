#include "filter.h"

#include <stdio.h>
#include <string.h>

enum {
	/* Which features a reader has: Windows' code, and pcsc-lite's. */
	GET_FEATURE_REQUEST = 0x00313520,
	GET_FEATURE_REQUEST_LITE = 0x42000D48,
	CALL_NAME_MAX = 64
};

/* USB, plug and play of two ages, and WebAuthn: all can carry a card. */
static const char *const doors[] = {
    "urbdrc",
    "PNPDR*",
    "FileRedirectorChannel",
    "WebAuthN_Channel",
};

void
filter_policy_init(struct filter_policy *policy)
{
	*policy = (struct filter_policy){
	    .redirect = true,
	    .refusal_code = ESC_E_NO_ACCESS,
	};
}

void
filter_policy_clear(struct filter_policy *policy)
{
	globs_clear(&policy->channels);
	globs_clear(&policy->readers);
	atrmask_clear(&policy->cards);
	globs_clear(&policy->calls);
	command_rules_clear(&policy->custom);
	filter_policy_init(policy);
}

const char *
filter_parse_readers(struct filter_policy *policy, const char *text)
{
	return globs_parse(&policy->readers, "readers", text);
}

const char *
filter_parse_cards(struct filter_policy *policy, const char *text)
{
	return atrmask_parse(&policy->cards, "cards", text);
}

const char *
filter_parse_calls(struct filter_policy *policy, const char *text)
{
	return globs_parse(&policy->calls, "calls", text);
}

const char *
filter_parse_channels(struct filter_policy *policy, const char *text)
{
	return globs_parse(&policy->channels, "card_channels", text);
}

const char *
filter_parse_command_rules(struct filter_policy *policy, const char *text)
{
	return command_rules_parse(&policy->custom, "commands", text);
}

/* The place of a word in a list of count words; count when it is not there. */
static size_t
word(const char *text, const char *const *words, size_t count)
{
	size_t i = 0;

	while (i < count && strcmp(text, words[i]) != 0)
		i++;
	return i;
}

const char *
filter_parse_commands(struct filter_policy *policy, const char *text)
{
	static const char *const words[] = {"full", "use", "read-only",
	                                    "custom"};
	size_t at = word(text, words, 4);

	if (at == 4)
		return "not full, use, read-only or custom";
	policy->commands = (enum filter_commands)at;
	return NULL;
}

static const char *
parse_choice(const char *text, const char *no, const char *yes,
             const char *wrong, bool *value)
{
	if (strcmp(text, no) != 0 && strcmp(text, yes) != 0)
		return wrong;
	*value = strcmp(text, yes) == 0;
	return NULL;
}

const char *
filter_parse_secure_messaging(struct filter_policy *policy, const char *text)
{
	return parse_choice(text, "refuse", "allow", "not allow or refuse",
	                    &policy->secure_messaging);
}

const char *
filter_parse_reader_control(struct filter_policy *policy, const char *text)
{
	return parse_choice(text, "refuse", "allow", "not allow or refuse",
	                    &policy->reader_control);
}

const char *
filter_parse_redirect(struct filter_policy *policy, const char *text)
{
	return parse_choice(text, "no", "yes", "not yes or no",
	                    &policy->redirect);
}

const char *
filter_parse_other_card_channels(struct filter_policy *policy, const char *text)
{
	static const char *const words[] = {"as-redirect", "yes", "no"};
	size_t at = word(text, words, 3);

	if (at == 3)
		return "not yes, no or as-redirect";
	policy->doors = (enum filter_doors)at;
	return NULL;
}

const char *
filter_parse_refusal(struct filter_policy *policy, const char *text)
{
	static const char *const words[] = {"no-access", "security-violation",
	                                    "status-word"};
	size_t at = word(text, words, 3);

	if (at == 3)
		return "not no-access, security-violation or status-word";
	policy->refusal =
	    at == 2 ? FILTER_REFUSE_STATUS_WORD : FILTER_REFUSE_CODE;
	policy->refusal_code =
	    at == 0 ? ESC_E_NO_ACCESS : ESC_W_SECURITY_VIOLATION;
	return NULL;
}

const char *
filter_policy_check(const struct filter_policy *policy)
{
	if (policy->commands == FILTER_CUSTOM && policy->custom.count == 0)
		return "commands = custom without command_rules";
	if (policy->commands != FILTER_CUSTOM && policy->custom.count > 0)
		return "command_rules without commands = custom";
	return NULL;
}

static struct filter_decision
allow(const char *rule)
{
	return (struct filter_decision){FILTER_ALLOW, rule, ESC_S_SUCCESS};
}

static struct filter_decision
refuse(const char *rule, uint32_t code)
{
	return (struct filter_decision){FILTER_REFUSE, rule, code};
}

/* A list's verdict; what is said where none of its rules matched. */
static struct filter_decision
decide(struct globs_verdict verdict, const char *unmatched, uint32_t code)
{
	const char *rule = verdict.rule != NULL ? verdict.rule : unmatched;

	return verdict.allow ? allow(rule) : refuse(rule, code);
}

struct filter_decision
filter_reader(const struct filter_policy *policy, const char *name)
{
	return decide(globs_judge(&policy->readers, name),
	              "readers: no rule matches", ESC_E_UNKNOWN_READER);
}

struct filter_decision
filter_card(const struct filter_policy *policy, struct wire_view atr)
{
	if (atr.len == 0)
		return allow("cards: no card");
	return decide(atrmask_judge(&policy->cards, atr),
	              "cards: no rule matches", ESC_E_NO_SMARTCARD);
}

bool
filter_needs_reader(const struct filter_policy *policy)
{
	return policy->readers.count > 0;
}

bool
filter_needs_card(const struct filter_policy *policy)
{
	return policy->cards.count > 0;
}

/* The name that both forms of a call share: "Connect" for "ConnectW". */
static void
put_name(const struct ioctl *row, char *name)
{
	size_t len;

	(void)snprintf(name, CALL_NAME_MAX, "%s", row->name);
	len = strlen(name);
	if (len > 0 && (name[len - 1] == 'A' || name[len - 1] == 'W'))
		name[len - 1] = '\0';
}

/* What cannot be named cannot be judged: only a policy of "all" lets it be. */
static struct filter_decision
judge_unknown(const struct filter_policy *policy)
{
	if (policy->commands == FILTER_FULL && policy->calls.count == 0 &&
	    !filter_needs_reader(policy) && !filter_needs_card(policy))
		return allow("calls: all");
	return refuse("calls: unknown", policy->refusal_code);
}

struct filter_decision
filter_call(const struct filter_policy *policy, const struct ioctl *row)
{
	char name[CALL_NAME_MAX];

	if (row == NULL)
		return judge_unknown(policy);
	if (policy->calls.count == 0)
		return allow("calls: all");
	put_name(row, name);
	return decide(globs_judge(&policy->calls, name),
	              "calls: no rule matches", policy->refusal_code);
}

struct filter_decision
filter_command(const struct filter_policy *policy,
               const struct command *command, const struct command_app *app)
{
	uint32_t code = policy->refusal_code;
	struct command_meaning meaning;

	if (policy->commands == FILTER_FULL)
		return allow("commands full");
	if (command->hidden && !policy->secure_messaging)
		return refuse("secure_messaging: refuse", code);
	if (policy->commands == FILTER_CUSTOM)
		return decide(
		    command_rules_judge(&policy->custom, command, app),
		    "commands custom: no rule matches", code);
	meaning = command_meaning(command, app);
	if (policy->commands == FILTER_READ_ONLY)
		return meaning.kind == COMMAND_READS
		           ? allow(meaning.rule_read_only)
		           : refuse(meaning.rule_read_only, code);
	return meaning.kind == COMMAND_READS || meaning.kind == COMMAND_USES
	           ? allow(meaning.rule_use)
	           : refuse(meaning.rule_use, code);
}

struct filter_decision
filter_apdu(const struct filter_policy *policy, struct wire_view apdu,
            const struct command_app *app, struct command_meaning *meaning)
{
	struct command command;

	if (!command_decode(apdu, &command)) {
		if (meaning != NULL)
			*meaning =
			    (struct command_meaning){COMMAND_OTHER, "", "", ""};
		return policy->commands == FILTER_FULL
		           ? allow("commands full")
		           : refuse("commands: malformed",
		                    policy->refusal_code);
	}
	if (meaning != NULL)
		*meaning = command_meaning(&command, app);
	return filter_command(policy, &command, app);
}

struct filter_decision
filter_control(const struct filter_policy *policy, uint32_t code)
{
	if (policy->commands == FILTER_FULL || policy->reader_control)
		return allow("reader_control: allow");
	if (code == GET_FEATURE_REQUEST || code == GET_FEATURE_REQUEST_LITE)
		return allow("reader_control: asking for features");
	return refuse("reader_control: refuse", policy->refusal_code);
}

struct filter_decision
filter_set_attrib(const struct filter_policy *policy)
{
	if (policy->commands == FILTER_FULL || policy->reader_control)
		return allow("reader_control: allow");
	return refuse("reader_control: refuse", policy->refusal_code);
}

bool
filter_shuts_doors(const struct filter_policy *policy)
{
	return policy->doors == FILTER_DOORS_SHUT ||
	       (policy->doors == FILTER_DOORS_AS_REDIRECT && !policy->redirect);
}

struct filter_decision
filter_channel(const struct filter_policy *policy, const char *name)
{
	if (!filter_shuts_doors(policy))
		return allow("other_card_channels: yes");
	if (policy->channels.count > 0)
		return decide(globs_judge(&policy->channels, name),
		              "card_channels: no rule matches",
		              policy->refusal_code);
	for (size_t i = 0; i < sizeof(doors) / sizeof(doors[0]); i++) {
		if (globs_match(doors[i], name))
			return refuse("other_card_channels: no",
			              policy->refusal_code);
	}
	return allow("other_card_channels: not one of them");
}
