/*
 * The [policy NAME] sections: which sessions each is for, and the choice of one
 * for a session.  In the order of the file the first section matches whose
 * match keys all fit; a target's "policy = NAME" wins over that; what nothing
 * matches gets [policy default], else the built-in values.
 *
 * A section without match keys is chosen by name only.  While the user is not
 * known no section with match_user or match_group matches, so the section that
 * is left over should be the tightest.
 */
#ifndef PROXY_POLICY_H
#define PROXY_POLICY_H

#include <time.h>

#include "certprop.h"
#include "filter.h"
#include "resolver.h"
#include "subnet.h"
#include "timespan.h"

enum {
	POLICY_WORDS_MAX = 32,  /* in one list */
	POLICY_GIVEN_MAX = 256, /* lines of a section */
	POLICY_HASHES_MAX = 256 /* thumbprints in one list */
};

/* Words of a list; they are the list's. */
struct policy_words {
	char *text[POLICY_WORDS_MAX];
	size_t count;
};

/* What was not given has no words and fits always. */
struct policy_match {
	struct policy_words users;        /* globs on the user's key */
	struct policy_words groups;       /* globs on any of the groups */
	struct policy_words client_names; /* globs */
	struct policy_words targets;      /* globs */
	struct subnet clients[POLICY_WORDS_MAX];
	size_t client_count;
	struct timespan times[POLICY_WORDS_MAX];
	size_t time_count;
};

/* One line of a section, as it was written. */
struct policy_given {
	const char *key; /* a literal */
	char *text;
	unsigned line;
};

struct policy {
	struct policy_match match;
	struct certprop_policy own;      /* as the section says */
	struct certprop_policy certprop; /* in force; also has the name */
	struct resolved resolved; /* where the values in force are from */
	struct filter_policy filter;
	struct certprop_hashes allowed; /* what certprop borrows */
	struct certprop_hashes host;
	bool host_scope;            /* RootScope = host */
	struct cardmap *map;        /* CardUserMap, or NULL */
	char fault[96];             /* what policy_take_card_map says */
	unsigned line;              /* of its header */
	struct policy_given *given; /* for people */
	size_t given_count;
};

struct policy_list {
	struct policy *items; /* in the order of the file */
	size_t count;
	struct policy builtin; /* where there is no [policy default] */
	uint32_t generation;   /* of what is in force, from 1 on */
};

/* What the machine says, for policy_list_resolve; all borrowed. */
struct policy_machine {
	const struct resolver_gpo *gpos;
	size_t count;
	bool allow_loosening;
};

/* A session, as far as it is known; all borrowed. */
struct policy_subject {
	const char *user; /* key of the user; NULL: not known yet */
	const char *const *groups;
	size_t group_count;
	const char *client_addr; /* as text */
	const char *client_name; /* what the client says of itself */
	const char *target;      /* name of the section */
	struct tm when;          /* local */
};

void policy_init(struct policy *policy, const char *name);
void policy_clear(struct policy *policy);

/*
 * Lists, '|' between the words.  NULL, or a literal that says what it should
 * be; the result is then to be cleared by its owner.
 */
const char *policy_take_globs(struct policy_words *words, const char *text);
const char *policy_take_clients(struct policy_match *match, const char *text);
const char *policy_take_times(struct policy_match *match, const char *text);

/* SHA-256 thumbprints, added to the list. */
const char *policy_take_hashes(struct certprop_hashes *hashes,
                               const char *text);

/* CardUserMatch: "upn | email | map". */
const char *policy_take_card_match(unsigned *match, const char *text);

/* CardUserMap: reads the file; what it gives back may be policy->fault. */
const char *policy_take_card_map(struct policy *policy, const char *path);

/* Remember a line that was taken; NULL, or "memory is short" and the like. */
const char *policy_note(struct policy *policy, const char *key,
                        const char *text, unsigned line);

/*
 * After the last line: NULL, or what its keys say against each other.  The two
 * names of the switch, fEnableSmartCard and redirect, become one: the tighter.
 */
const char *policy_finish(struct policy *policy);

/*
 * Put what the machine says under and over all sections: certprop, resolved and
 * filter.redirect of each are made anew.  It may be done again with another
 * machine; the names of its objects must live as long as the list or until
 * then.
 */
void policy_list_resolve(struct policy_list *list,
                         const struct policy_machine *machine);

/* Has it any match key?  Do any of the list look at groups, or at the time? */
bool policy_has_match(const struct policy *policy);
bool policy_list_asks_groups(const struct policy_list *list);
bool policy_list_asks_time(const struct policy_list *list);

/*
 * The first match key of a section that does not fit; NULL: all of them do
 * (also when there are none).
 */
const char *policy_misfit(const struct policy *policy,
                          const struct policy_subject *subject);

/* By name, NULL if there is none. */
const struct policy *policy_find(const struct policy_list *list,
                                 const char *name);

/* How a section came to be chosen. */
enum policy_choice {
	POLICY_NAMED,   /* by the target */
	POLICY_MATCHED, /* by its keys */
	POLICY_DEFAULT, /* [policy default], or the built-in values */
};

/* named is the target's choice or NULL; choice may be NULL.  Never NULL. */
const struct policy *policy_select(const struct policy_list *list,
                                   const char *named,
                                   const struct policy_subject *subject,
                                   enum policy_choice *choice);

#endif
