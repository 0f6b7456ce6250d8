/*
 * cardproxyctl: what the daemon knows, for operators.  The verbs are rows of
 * ctlverb.c, and what shows their answers has the noun as its name.
 */
#include "ctlask.h"
#include "ctlexport.h"
#include "ctlhelp.h"
#include "ctlstore.h"
#include "request.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ctlask_status
misuse(const char *what)
{
	(void)fprintf(stderr, "cardproxyctl: %s; see --help\n", what);
	return CTLASK_USAGE;
}

/*
 * The policy.
 */

/* The file lies beside the socket. */
static enum ctlask_status
show_in_force(const struct ctlverb *verb,
              const struct ctloption_values *options,
              struct json_object *session)
{
	const char *socket = options->text[CTLOPTION_SOCKET];
	const char *slash = strrchr(socket, '/');
	struct json_object *document, *name = NULL;
	enum ctlask_status status = CTLASK_REFUSED;
	char *path;

	if (session != NULL)
		(void)json_object_object_get_ex(session, "policy", &name);
	if (asprintf(&path, "%.*spolicy",
	             slash == NULL ? 0 : (int)(slash - socket) + 1, socket) < 0)
		return CTLASK_REFUSED;
	document = ctlpolicy_show(
	    path, session == NULL ? NULL : json_object_get_string(name));
	if (document == NULL) {
		status = ctlask_no_daemon(path);
	} else {
		if (session != NULL)
			(void)json_object_object_add(document, "session",
			                             json_object_get(session));
		status = ctlask_show(document, verb,
		                     ctloption_given(options, CTLOPTION_JSON));
	}
	free(path);
	return status;
}

static enum ctlask_status
show_session_policy(const struct ctlverb *verb,
                    const struct ctloption_values *options, const char *id)
{
	struct json_object *answer =
	    ctlask_fetch(options->text[CTLOPTION_SOCKET], "sessions show", id);
	struct json_object *error = NULL, *rows = NULL;
	enum ctlask_status status = CTLASK_REFUSED;

	if (answer == NULL)
		return CTLASK_REFUSED;
	if (json_object_object_get_ex(answer, "error", &error))
		status = ctlask_refusal(error);
	else if (json_object_object_get_ex(answer, "sessions", &rows) &&
	         json_object_array_length(rows) > 0)
		status = show_in_force(verb, options,
		                       json_object_array_get_idx(rows, 0));
	(void)json_object_put(answer);
	return status;
}

/* What needs no daemon. */
static enum ctlask_status
explain_policy(const struct ctlverb *verb,
               const struct ctloption_values *options)
{
	struct ctlpolicy_session session = {
	    .config = options->text[CTLOPTION_CONFIG],
	    .user = options->text[CTLOPTION_USER],
	    .group_count = options->group_count,
	    .client_addr = options->text[CTLOPTION_CLIENT],
	    .client_name = options->text[CTLOPTION_CLIENT_NAME],
	    .target = options->text[CTLOPTION_TARGET],
	    .time = options->text[CTLOPTION_TIME],
	};
	struct json_object *document;

	memcpy(session.groups, options->groups, sizeof(session.groups));
	document = ctlpolicy_test(&session);
	return document == NULL
	           ? CTLASK_REFUSED
	           : ctlask_show(document, verb,
	                         ctloption_given(options, CTLOPTION_JSON));
}

/*
 * The command line.
 */

/* Thumbprints are looked up by the daemon, all else is a file. */
static bool
is_thumbprint(const char *word)
{
	size_t len = strlen(word);

	return len >= REQUEST_HASH_MIN && len <= REQUEST_HASH_MAX &&
	       word[strspn(word, "0123456789abcdefABCDEF")] == '\0';
}

/* What is sent behind the line; words are those after the command. */
static bool
prepare(const struct ctlverb *verb, struct ctlimport *import, char **words,
        int count)
{
	switch (verb->shape) {
	case CTLVERB_SET:
		return ctlimport_words(import, words[0], words + 1, count - 1);
	case CTLVERB_IMPORT:
		return ctlimport_file(import, words[0]);
	case CTLVERB_PIN:
		return is_thumbprint(words[0]) ||
		       ctlimport_root(import, words[0]);
	case CTLVERB_PLAIN:
	case CTLVERB_EXPORT:
	case CTLVERB_WATCH:
	case CTLVERB_UNPIN:
	case CTLVERB_AUDIT:
	case CTLVERB_BACKUP:
	case CTLVERB_CHECK:
	case CTLVERB_POLICY:
	case CTLVERB_IN_FORCE:
	case CTLVERB_COMPLETION:
		break;
	}
	return true;
}

static void
tell_passed(const struct ctlimport *import)
{
	if (import->passed > 0)
		(void)fprintf(stderr,
		              "cardproxyctl: %zu properties that only a card "
		              "may bring were passed over\n",
		              import->passed);
}

static enum ctlask_status
serve_command(const struct ctlverb *verb,
              const struct ctloption_values *options, char **words, int count)
{
	const char *argument = count > 0 ? words[0] : NULL;
	struct ctlimport import = {.data = NULL};
	enum ctlask_status status = CTLASK_REFUSED;

	if (verb->shape == CTLVERB_COMPLETION)
		return ctlhelp_print_completion() ? CTLASK_DONE
		                                  : CTLASK_REFUSED;
	if (verb->shape == CTLVERB_POLICY)
		return explain_policy(verb, options);
	if (verb->shape == CTLVERB_IN_FORCE)
		return argument == NULL
		           ? show_in_force(verb, options, NULL)
		           : show_session_policy(verb, options, argument);
	if (verb->shape == CTLVERB_CHECK && argument != NULL)
		return ctlstore_check(argument,
		                      ctloption_given(options, CTLOPTION_JSON))
		           ? CTLASK_DONE
		           : CTLASK_REFUSED;
	if (prepare(verb, &import, words, count)) {
		tell_passed(&import);
		status = ctlask(verb, options, argument, &import);
	}
	free(import.data);
	if (status == CTLASK_USAGE)
		return misuse("not a time, or a name that is too long");
	return status;
}

/* The verb, as an export of this format shows it. */
static bool
choose_format(struct ctlverb *verb, const char *format)
{
	if (format == NULL || strcmp(format, "pem") == 0)
		return true;
	if (strcmp(format, "p7b") == 0)
		verb->show = ctlexport_p7b;
	else if (strcmp(format, "sst") == 0)
		verb->show = ctlexport_sst;
	else
		return false;
	return true;
}

static enum ctlask_status
refuse_option(enum ctloption option)
{
	(void)fprintf(stderr,
	              "cardproxyctl: --%s does not belong to this command; "
	              "see --help\n",
	              ctloption_row(option)->name);
	return CTLASK_USAGE;
}

/* NULL, or what is wrong with the number of words behind the verb. */
static const char *
judge_count(const struct ctlverb *verb, int count)
{
	if (verb->shape == CTLVERB_SET)
		return count < 2 ? "a thumbprint and NAME=VALUE are needed"
		                 : NULL;
	if (count > (verb->argument != NULL ? 1 : 0))
		return "too many words";
	if (count < 1 && verb->argument != NULL && verb->argument[0] != '[')
		return "a thumbprint, an id, a user or a file is missing";
	return NULL;
}

static enum ctlask_status
run_command(char **words, int count, const struct ctloption_values *options)
{
	const struct ctlverb *found = ctlverb_find(words, count);

	if (found == NULL)
		return misuse(count > 0 ? "no such command" : "no command");
	struct ctlverb verb = *found;
	enum ctloption misfit = ctlverb_misfit(&verb, options);
	int used = verb.words[1] != NULL ? 2 : 1;
	const char *fault = judge_count(&verb, count - used);

	if (misfit != CTLOPTIONS)
		return refuse_option(misfit);
	if (!choose_format(&verb, options->text[CTLOPTION_FORMAT]))
		return misuse("a format is pem, p7b or sst");
	if (fault != NULL)
		return misuse(fault);
	return serve_command(&verb, options, words + used, count - used);
}

int
main(int argc, char **argv)
{
	struct ctloption_values options;
	int next = 0;
	const char *fault = ctloption_parse(argc, argv, &options, &next);

	if (fault != NULL)
		return (int)(fault[0] != '\0' ? misuse(fault) : CTLASK_USAGE);
	if (ctloption_given(&options, CTLOPTION_HELP))
		return (int)(ctlhelp_print() ? CTLASK_DONE : CTLASK_REFUSED);
	if (ctloption_given(&options, CTLOPTION_VERSION)) {
		(void)printf("cardproxyctl " CARDPROXY_VERSION "\n");
		return CTLASK_DONE;
	}
	return (int)run_command(argv + next, argc - next, &options);
}
