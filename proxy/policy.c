#include "policy.h"

#include "cardmap.h"
#include "value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_MAX = 255 };

static const char default_name[] = "default";

void
policy_init(struct policy *policy, const char *name)
{
	memset(policy, 0, sizeof(*policy));
	certprop_policy_defaults(&policy->own);
	filter_policy_init(&policy->filter);
	(void)snprintf(policy->own.name, sizeof(policy->own.name), "%s", name);
	policy->certprop = policy->own;
}

static void
clear_words(struct policy_words *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->text[i]);
	words->count = 0;
}

void
policy_clear(struct policy *policy)
{
	clear_words(&policy->match.users);
	clear_words(&policy->match.groups);
	clear_words(&policy->match.client_names);
	clear_words(&policy->match.targets);
	filter_policy_clear(&policy->filter);
	cardmap_free(policy->map);
	policy->map = NULL;
	free(policy->allowed.hash);
	free(policy->host.hash);
	policy->allowed = (struct certprop_hashes){NULL, 0};
	policy->host = (struct certprop_hashes){NULL, 0};
	for (size_t i = 0; i < policy->given_count; i++)
		free(policy->given[i].text);
	free(policy->given);
	policy->given = NULL;
	policy->given_count = 0;
}

const char *
policy_note(struct policy *policy, const char *key, const char *text,
            unsigned line)
{
	struct policy_given *given;
	char *copy;

	if (policy->given_count == POLICY_GIVEN_MAX)
		return "want at most 256 lines in a section";
	given = reallocarray(policy->given, policy->given_count + 1,
	                     sizeof(*given));
	copy = given == NULL ? NULL : strdup(text);
	if (given != NULL)
		policy->given = given;
	if (copy == NULL)
		return "memory is short";
	given[policy->given_count++] = (struct policy_given){key, copy, line};
	return NULL;
}

/* What the lists say; they stay where they are. */
static const char *
lend_lists(struct policy *policy)
{
	if (policy->allowed.count > 0)
		policy->own.allowed = &policy->allowed;
	if (policy->host_scope)
		policy->own.host = &policy->host;
	policy->own.map = policy->map;
	if ((policy->own.match & CERTPROP_MATCH_MAP) != 0 &&
	    policy->map == NULL)
		return "CardUserMatch = map needs CardUserMap";
	if (policy->host_scope && policy_has_match(policy))
		return "RootScope = host takes no match keys: it is for the "
		       "whole host";
	return policy->host_scope && policy->host.count == 0
	           ? "RootScope = host needs HostRootHashes"
	           : NULL;
}

const char *
policy_finish(struct policy *policy)
{
	const char *wrong = lend_lists(policy);
	bool redirect = policy->own.redirect && policy->filter.redirect;

	policy->own.redirect = redirect;
	policy->filter.redirect = redirect;
	policy->certprop = policy->own;
	if (strcmp(policy->own.name, default_name) == 0 &&
	    policy_has_match(policy))
		return "the default section takes no match keys";
	return wrong != NULL ? wrong : filter_policy_check(&policy->filter);
}

/* In which lines the section gives which setting. */
static void
find_lines(const struct policy *policy, unsigned lines[SETTINGS_IN_FORCE])
{
	for (size_t i = 0; i < policy->given_count; i++) {
		const struct policy_given *given = &policy->given[i];
		enum setting setting = setting_find(given->key);

		if (strcmp(given->key, "redirect") == 0)
			setting = SETTING_REDIRECT; /* its other name */
		if (setting < SETTINGS_IN_FORCE)
			lines[setting] = given->line;
	}
}

static void
resolve(struct policy *policy, const struct policy_machine *machine)
{
	unsigned lines[SETTINGS_IN_FORCE] = {0};
	const struct resolver_input input = {.gpos = machine->gpos,
	                                     .gpo_count = machine->count,
	                                     .own = &policy->own,
	                                     .lines = lines,
	                                     .allow_loosening =
	                                         machine->allow_loosening};

	find_lines(policy, lines);
	resolver_run(&input, &policy->resolved, &policy->certprop);
	policy->filter.redirect = policy->certprop.redirect;
}

void
policy_list_resolve(struct policy_list *list,
                    const struct policy_machine *machine)
{
	for (size_t i = 0; i < list->count; i++)
		resolve(&list->items[i], machine);
	resolve(&list->builtin, machine);
}

/*
 * Lists.
 */

/*
 * The word at *text, without the blanks around it; *text moves behind it.  A
 * comma would silently make one word of two.
 */
static const char *
take_word(const char **text, char word[WORD_MAX + 1])
{
	const char *start = *text + strspn(*text, " \t");
	size_t len = strcspn(start, "|");

	*text = start + len + (start[len] == '|' ? 1 : 0);
	while (len > 0 && strchr(" \t", start[len - 1]) != NULL)
		len--;
	if (len == 0)
		return "there is nothing before or after a '|'";
	if (len > WORD_MAX)
		return "a word is too long";
	if (memchr(start, ',', len) != NULL)
		return "want '|' between the words, and no comma";
	memcpy(word, start, len);
	word[len] = '\0';
	return NULL;
}

/* What takes one word of a list; NULL, or what it should be. */
typedef const char *take_one(void *to, const char *word);

static const char *
take_list(const char *text, take_one *take, void *to)
{
	char word[WORD_MAX + 1];
	const char *wrong = NULL;
	bool more = true;

	for (size_t i = 0; wrong == NULL && more; i++) {
		more = strchr(text, '|') != NULL;
		if (i == POLICY_WORDS_MAX)
			return "want at most 32 words";
		wrong = take_word(&text, word);
		if (wrong == NULL)
			wrong = take(to, word);
	}
	return wrong;
}

static const char *
take_glob(void *to, const char *word)
{
	struct policy_words *words = to;
	const char *wrong = value_glob(word);

	if (wrong != NULL)
		return wrong;
	words->text[words->count] = strdup(word);
	if (words->text[words->count] == NULL)
		return "memory is short";
	words->count++;
	return NULL;
}

const char *
policy_take_globs(struct policy_words *words, const char *text)
{
	return take_list(text, take_glob, words);
}

static const char *
take_client(void *to, const char *word)
{
	struct policy_match *match = to;
	const char *wrong =
	    subnet_parse(word, &match->clients[match->client_count]);

	if (wrong == NULL)
		match->client_count++;
	return wrong;
}

const char *
policy_take_clients(struct policy_match *match, const char *text)
{
	return take_list(text, take_client, match);
}

static const char *
take_time(void *to, const char *word)
{
	struct policy_match *match = to;
	const char *wrong =
	    timespan_parse(word, &match->times[match->time_count]);

	if (wrong == NULL)
		match->time_count++;
	return wrong;
}

const char *
policy_take_times(struct policy_match *match, const char *text)
{
	return take_list(text, take_time, match);
}

static const char *
take_hash(void *to, const char *word)
{
	struct certprop_hashes *hashes = to;
	void *grown;

	if (hashes->count == POLICY_HASHES_MAX)
		return "want at most 256 thumbprints";
	grown = reallocarray(hashes->hash, hashes->count + 1,
	                     sizeof(*hashes->hash));
	if (grown == NULL)
		return "memory is short";
	hashes->hash = grown;
	if (value_digest(word, hashes->hash[hashes->count]) != NULL)
		return "want SHA-256 thumbprints of 64 hexadecimal digits";
	hashes->count++;
	return NULL;
}

const char *
policy_take_hashes(struct certprop_hashes *hashes, const char *text)
{
	return take_list(text, take_hash, hashes);
}

static const char *
take_card_match(void *to, const char *word)
{
	static const struct {
		const char *word;
		unsigned bit;
	} ways[] = {{"upn", CERTPROP_MATCH_UPN},
	            {"email", CERTPROP_MATCH_EMAIL},
	            {"map", CERTPROP_MATCH_MAP}};
	unsigned *match = to;

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (strcmp(ways[i].word, word) != 0)
			continue;
		*match |= ways[i].bit;
		return NULL;
	}
	return "want upn, email and map, '|' between them";
}

const char *
policy_take_card_match(unsigned *match, const char *text)
{
	unsigned found = 0;
	const char *wrong = take_list(text, take_card_match, &found);

	if (wrong == NULL)
		*match = found;
	return wrong;
}

/* The first fault is told. */
static void
on_map_fault(void *arg, unsigned line, const char *what)
{
	struct policy *policy = arg;

	if (policy->fault[0] == '\0')
		(void)snprintf(policy->fault, sizeof(policy->fault),
		               "line %u of the file: %s", line, what);
}

const char *
policy_take_card_map(struct policy *policy, const char *path)
{
	const char *wrong = value_file(path);
	char *data;
	size_t len;

	if (wrong != NULL)
		return wrong;
	data = value_read_file(path, CARDMAP_BYTES_MAX, &len);
	if (data == NULL)
		return "this file cannot be read, or is too long";
	policy->map =
	    cardmap_parse((struct wire_view){(const uint8_t *)data, len},
	                  on_map_fault, policy);
	free(data);
	return policy->map == NULL ? policy->fault : NULL;
}

/*
 * Matching.
 */

static bool
fits(const struct policy_words *words, const char *text)
{
	for (size_t i = 0; i < words->count && text != NULL; i++)
		if (globs_match(words->text[i], text))
			return true;
	return false;
}

static bool
fits_user(const struct policy_match *match, const struct policy_subject *s)
{
	return match->users.count == 0 || fits(&match->users, s->user);
}

static bool
fits_group(const struct policy_match *match, const struct policy_subject *s)
{
	if (match->groups.count == 0)
		return true;
	for (size_t i = 0; i < s->group_count && s->user != NULL; i++)
		if (fits(&match->groups, s->groups[i]))
			return true;
	return false;
}

static bool
fits_client(const struct policy_match *match, const struct policy_subject *s)
{
	if (match->client_count == 0)
		return true;
	for (size_t i = 0; i < match->client_count && s->client_addr != NULL;
	     i++)
		if (subnet_contains(&match->clients[i], s->client_addr))
			return true;
	return false;
}

static bool
fits_client_name(const struct policy_match *match,
                 const struct policy_subject *s)
{
	return match->client_names.count == 0 ||
	       fits(&match->client_names, s->client_name);
}

static bool
fits_target(const struct policy_match *match, const struct policy_subject *s)
{
	return match->targets.count == 0 || fits(&match->targets, s->target);
}

static bool
fits_time(const struct policy_match *match, const struct policy_subject *s)
{
	if (match->time_count == 0)
		return true;
	for (size_t i = 0; i < match->time_count; i++)
		if (timespan_contains(&match->times[i], &s->when))
			return true;
	return false;
}

static const struct {
	const char *key;
	bool (*fits)(const struct policy_match *match,
	             const struct policy_subject *subject);
} keys[] = {
    {"match_user", fits_user},     {"match_group", fits_group},
    {"match_client", fits_client}, {"match_client_name", fits_client_name},
    {"match_target", fits_target}, {"match_time", fits_time},
};

const char *
policy_misfit(const struct policy *policy, const struct policy_subject *subject)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!keys[i].fits(&policy->match, subject))
			return keys[i].key;
	return NULL;
}

bool
policy_has_match(const struct policy *policy)
{
	const struct policy_match *m = &policy->match;

	return m->users.count + m->groups.count + m->client_count +
	           m->client_names.count + m->targets.count + m->time_count >
	       0;
}

bool
policy_list_asks_groups(const struct policy_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].match.groups.count > 0)
			return true;
	return false;
}

bool
policy_list_asks_time(const struct policy_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].match.time_count > 0)
			return true;
	return false;
}

/*
 * The choice.
 */

const struct policy *
policy_find(const struct policy_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].certprop.name, name) == 0)
			return &list->items[i];
	return NULL;
}

static const struct policy *
first_match(const struct policy_list *list,
            const struct policy_subject *subject)
{
	for (size_t i = 0; i < list->count; i++)
		if (policy_has_match(&list->items[i]) &&
		    policy_misfit(&list->items[i], subject) == NULL)
			return &list->items[i];
	return NULL;
}

const struct policy *
policy_select(const struct policy_list *list, const char *named,
              const struct policy_subject *subject, enum policy_choice *choice)
{
	const struct policy *found =
	    named != NULL ? policy_find(list, named) : NULL;
	enum policy_choice how = POLICY_NAMED;

	if (found == NULL) {
		how = POLICY_MATCHED;
		found = first_match(list, subject);
	}
	if (found == NULL) {
		how = POLICY_DEFAULT;
		found = policy_find(list, default_name);
	}
	if (choice != NULL)
		*choice = how;
	return found != NULL ? found : &list->builtin;
}
