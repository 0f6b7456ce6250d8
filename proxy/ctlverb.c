#include "ctlverb.h"

#include "ctlaudit.h"
#include "ctlcert.h"
#include "ctlenv.h"
#include "ctlexport.h"
#include "ctlroot.h"
#include "ctlsession.h"
#include "ctlstore.h"

#include <string.h>

enum {
	USER = CTLOPTION_BIT(CTLOPTION_USER),
	SCOPE = CTLOPTION_BIT(CTLOPTION_SCOPE),
	FORMAT = CTLOPTION_BIT(CTLOPTION_FORMAT),
	REASON = CTLOPTION_BIT(CTLOPTION_REASON),
	SINCE = CTLOPTION_BIT(CTLOPTION_SINCE)
};

static const struct ctlverb verbs[] = {
    /* clang-format off */
	{ { "sessions" },         NULL,       CTLVERB_PLAIN,  0, ctlsession_list,
	  "", "the remote sessions that are attached" },
	{ { "sessions", "show" }, "ID",       CTLVERB_PLAIN,  0, ctlsession_show,
	  "ID", "everything about one of them" },
	{ { "readers" },          NULL,       CTLVERB_PLAIN,  0, ctlsession_readers,
	  "", "their readers and the cards in them" },
	{ { "certs" },            NULL,       CTLVERB_PLAIN,  USER, ctlcert_list,
	  "[--user U]", "propagated certificates of users" },
	{ { "certs", "export" },  "[SHA256]", CTLVERB_EXPORT, USER | FORMAT, ctlexport_pem,
	  "[--user U] [--format pem|p7b|sst] [SHA256]",
	  "the same as files of certificates" },
	{ { "certs", "set" },     "SHA256",   CTLVERB_SET,    USER, ctlcert_changes,
	  "SHA256 [--user U] NAME=VALUE...",
	  "set friendly-name, description, archived or\n"
	  "enhkey-usage; an empty value takes it away" },
	{ { "certs", "import-properties" }, "FILE", CTLVERB_IMPORT, USER, ctlcert_changes,
	  "[--user U] FILE", "the same from an .sst or JSON file; adds none" },
	{ { "roots" },            NULL,       CTLVERB_PLAIN,  SCOPE, ctlroot_list,
	  "[--scope S]", "card roots, and how many hold them" },
	{ { "roots", "export" },  "[SCOPE]",  CTLVERB_PLAIN,  FORMAT, ctlexport_pem,
	  "[--format pem|p7b|sst] [SCOPE]",
	  "the same as files of certificates, each once" },
	{ { "roots", "explain" }, "SHA256",   CTLVERB_PLAIN,  0, ctlroot_explain,
	  "SHA256", "who holds a root, since when, what ends it" },
	{ { "env" },              "[ID]",     CTLVERB_PLAIN,  USER, ctlenv_show,
	  "[--user U] [ID]", "the variables of a session, for a shell" },
	{ { "roots", "pin" },     "SHA256",   CTLVERB_PIN,    SCOPE | REASON, ctlroot_pinned,
	  "[--scope S] [--reason R] SHA256|FILE",
	  "have it in a scope until it is unpinned: host,\n"
	  "user:NAME or session:ID; FILE is PEM or DER" },
	{ { "roots", "unpin" },   "SHA256",   CTLVERB_UNPIN,  SCOPE, ctlroot_pinned,
	  "[--scope S] SHA256", "" },
	{ { "roots", "purge" },   "[SHA256]", CTLVERB_PLAIN,  0, ctlroot_purged,
	  "[SHA256]", "forget what is kept of ended log-ons" },
	{ { "users", "forget" },  "USER",     CTLVERB_PLAIN,  0, ctlcert_forgotten,
	  "USER", "end a user's log-ons and forget what is theirs;\n"
	          "pins stay" },
	{ { "audit" },            NULL,       CTLVERB_AUDIT,  USER | SINCE, ctlaudit_list,
	  "[--user U] [--since T]", "what happened to the store, newest first" },
	{ { "watch" },            NULL,       CTLVERB_WATCH,  0, ctlaudit_event,
	  "", "events, as they happen" },
	{ { "store", "stats" },   NULL,       CTLVERB_PLAIN,  0, ctlstore_stats,
	  "", "figures of the store; also: stats" },
	{ { "stats" },            NULL,       CTLVERB_PLAIN,  0, ctlstore_stats,
	  "", NULL },
	{ { "store", "backup" },  "FILE",     CTLVERB_BACKUP, 0, NULL,
	  "FILE", "a copy of it, while it is in use" },
	{ { "store", "check" },   "[FILE]",   CTLVERB_CHECK,  0, NULL,
	  "[FILE]", "is it sound, or is that backup?" },
	{ { "policy", "test" },   NULL,       CTLVERB_POLICY, USER | CTLOPTION_DESCRIBING,
	  ctlpolicy_print_test,
	  "", "which [policy] a session would get, and why" },
	{ { "policy", "show" },   "[ID]",     CTLVERB_IN_FORCE, 0, ctlpolicy_print_in_force,
	  "[ID]", "the values in force and their origins, of a\n"
	          "session or of all sections" },
	{ { "completion", "bash" }, NULL,     CTLVERB_COMPLETION, 0, NULL,
	  "", "what a shell needs to complete all this" },
    /* clang-format on */
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

const struct ctlverb *
ctlverb_at(size_t i)
{
	return i < VERBS ? &verbs[i] : NULL;
}

static bool
matches(const struct ctlverb *verb, char **words, int count)
{
	int needed = verb->words[1] != NULL ? 2 : 1;

	return count >= needed && strcmp(words[0], verb->words[0]) == 0 &&
	       (needed == 1 || strcmp(words[1], verb->words[1]) == 0);
}

const struct ctlverb *
ctlverb_find(char **words, int count)
{
	const struct ctlverb *found = NULL;

	for (size_t i = 0; i < VERBS; i++)
		if (matches(&verbs[i], words, count) &&
		    (found == NULL || found->words[1] == NULL))
			found = &verbs[i];
	return found;
}

bool
ctlverb_is_second(const char *word)
{
	for (size_t i = 0; i < VERBS; i++)
		if (verbs[i].words[1] != NULL &&
		    strcmp(word, verbs[i].words[1]) == 0)
			return true;
	return false;
}

enum ctloption
ctlverb_misfit(const struct ctlverb *verb,
               const struct ctloption_values *values)
{
	unsigned allowed = verb->options | CTLOPTION_EVERYWHERE;
	int i = 0;

	while (i < CTLOPTIONS &&
	       (values->given & ~allowed & CTLOPTION_BIT(i)) == 0)
		i++;
	return (enum ctloption)i;
}
