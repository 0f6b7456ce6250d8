#include "ctlhelp.h"

#include "ctlverb.h"

#include <stdio.h>
#include <string.h>

enum {
	MARGIN = 25, /* where explanations begin */
	USAGE_MAX = 100
};

/*
 * The help.
 */

/* A term, and lines that begin at the margin: beside it, or below. */
static void
print_entry(const char *term, const char *lines)
{
	bool beside = strlen(term) + 1 < MARGIN - 2;

	if (lines[0] == '\0')
		(void)printf("  %s\n", term);
	else if (beside)
		(void)printf("  %-*s", MARGIN - 2, term);
	else
		(void)printf("  %s\n%*s", term, MARGIN, "");
	while (lines[0] != '\0') {
		size_t len = strcspn(lines, "\n");

		(void)printf("%.*s\n", (int)len, lines);
		lines += len;
		if (lines[0] == '\0')
			break;
		(void)printf("%*s", MARGIN, "");
		lines++;
	}
}

static void
print_verb(const struct ctlverb *verb)
{
	char term[USAGE_MAX];

	(void)snprintf(term, sizeof(term), "%s%s%s%s%s", verb->words[0],
	               verb->words[1] != NULL ? " " : "",
	               verb->words[1] != NULL ? verb->words[1] : "",
	               verb->usage[0] != '\0' ? " " : "", verb->usage);
	print_entry(term, verb->help);
}

/* With room for a letter, or without where none of them has one. */
static void
print_option(const struct ctloption_row *row, bool letters)
{
	char letter[8] = "    ";
	char term[USAGE_MAX];

	if (row->letter != 0)
		(void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
	(void)snprintf(term, sizeof(term), "%s--%s%s%s", letters ? letter : "",
	               row->name, row->argument != NULL ? " " : "",
	               row->argument != NULL ? row->argument : "");
	print_entry(term, row->help);
}

bool
ctlhelp_print(void)
{
	(void)printf("Usage: cardproxyctl [OPTION...] COMMAND\n\nCommands:\n");
	for (size_t i = 0; ctlverb_at(i) != NULL; i++)
		if (ctlverb_at(i)->help != NULL)
			print_verb(ctlverb_at(i));
	(void)printf("\nOptions:\n");
	for (int i = 0; i <= CTLOPTION_VERSION; i++)
		print_option(ctloption_row((enum ctloption)i), true);
	(void)printf("\nThe session of \"policy test\":\n");
	print_option(ctloption_row(CTLOPTION_CONFIG), false);
	print_entry("--user USER",
	            "key of the user; without it nobody is known yet");
	for (int i = CTLOPTION_GROUP; i < CTLOPTIONS; i++)
		print_option(ctloption_row((enum ctloption)i), false);
	(void)printf(
	    "\n"
	    "SHA256 is a thumbprint, ID a session's; or its first digits, at "
	    "least four.\n"
	    "\n"
	    "Who may ask: root, the user of the daemon, and the control "
	    "group. The\n"
	    "group looks only: set, import-properties, pin, unpin, purge, "
	    "forget,\n"
	    "backup and check of the running store are for the first two.\n"
	    "\n"
	    "Exit status: 0 done, 1 refused or failed, or a fault was found, "
	    "2 wrong\n"
	    "usage, 3 the daemon is not running.\n");
	return fflush(stdout) == 0;
}

/*
 * The completion.
 */

/* "-s|--socket", as a pattern of the shell. */
static void
print_pattern(const struct ctloption_row *row)
{
	if (row->letter != 0)
		(void)printf("-%c|", row->letter);
	(void)printf("--%s", row->name);
}

/* What may follow an option that has an argument. */
static void
print_values(const struct ctloption_row *row)
{
	static const char *const ways[] = {
	    [CTLOPTION_PATH] = "-f", [CTLOPTION_OWNER] = "-u"};

	(void)printf("\t");
	print_pattern(row);
	(void)printf(")\n");
	if (row->form == CTLOPTION_CHOICE)
		(void)printf("\t\tCOMPREPLY=($(compgen -W '%s' -- \"$cur\"))\n",
		             row->values);
	else if (row->form != CTLOPTION_ANY)
		(void)printf("\t\tCOMPREPLY=($(compgen %s -- \"$cur\"))\n",
		             ways[row->form]);
	(void)printf("\t\treturn ;;\n");
}

static void
print_arguments(void)
{
	for (int i = 0; i < CTLOPTIONS; i++) {
		const struct ctloption_row *row =
		    ctloption_row((enum ctloption)i);

		if (row->form != CTLOPTION_FLAG)
			print_values(row);
	}
}

static void
print_skipped(void)
{
	const char *before = "";

	(void)printf("\t\t");
	for (int i = 0; i < CTLOPTIONS; i++) {
		const struct ctloption_row *row =
		    ctloption_row((enum ctloption)i);

		if (row->form == CTLOPTION_FLAG)
			continue;
		(void)printf("%s", before);
		print_pattern(row);
		before = "|";
	}
	(void)printf(") i=$((i + 1)) ;;\n");
}

static void
print_options(unsigned options)
{
	for (int i = 0; i < CTLOPTIONS; i++)
		if ((options & CTLOPTION_BIT(i)) != 0)
			(void)printf(" --%s",
			             ctloption_row((enum ctloption)i)->name);
}

/* The options of each verb, two words before one. */
static void
print_verb_options(bool of_two)
{
	const struct ctlverb *verb;

	for (size_t i = 0; (verb = ctlverb_at(i)) != NULL; i++) {
		if ((verb->words[1] != NULL) != of_two || verb->options == 0)
			continue;
		(void)printf("\t'%s%s%s '*) more='", verb->words[0],
		             of_two ? " " : "", of_two ? verb->words[1] : "");
		print_options(verb->options);
		(void)printf("' ;;\n");
	}
}

static bool
is_first(size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(ctlverb_at(i)->words[0], ctlverb_at(at)->words[0]) ==
		    0)
			return false;
	return true;
}

static void
print_first_words(void)
{
	(void)printf("\t'') more='");
	for (size_t i = 0; ctlverb_at(i) != NULL; i++)
		if (is_first(i))
			(void)printf(" %s", ctlverb_at(i)->words[0]);
	(void)printf("' ;;\n");
}

static bool
has_second(const char *first)
{
	const struct ctlverb *verb;

	for (size_t i = 0; (verb = ctlverb_at(i)) != NULL; i++)
		if (strcmp(verb->words[0], first) == 0 &&
		    verb->words[1] != NULL)
			return true;
	return false;
}

static void
print_second_words(void)
{
	for (size_t i = 0; ctlverb_at(i) != NULL; i++) {
		const char *first = ctlverb_at(i)->words[0];

		if (!is_first(i) || !has_second(first))
			continue;
		(void)printf("\t'%s ') more='", first);
		for (size_t j = i; ctlverb_at(j) != NULL; j++)
			if (strcmp(ctlverb_at(j)->words[0], first) == 0 &&
			    ctlverb_at(j)->words[1] != NULL)
				(void)printf(" %s", ctlverb_at(j)->words[1]);
		(void)printf("' ;;\n");
	}
}

static void
print_file_verbs(void)
{
	const struct ctlverb *verb;

	for (size_t i = 0; (verb = ctlverb_at(i)) != NULL; i++)
		if (verb->words[1] != NULL &&
		    strstr(verb->usage, "FILE") != NULL)
			(void)printf("\t'%s %s ')\n"
			             "\t\tCOMPREPLY=($(compgen -f -- "
			             "\"$cur\"))\n"
			             "\t\treturn ;;\n",
			             verb->words[0], verb->words[1]);
}

bool
ctlhelp_print_completion(void)
{
	(void)printf("# Completion of cardproxyctl for bash.\n"
	             "_cardproxyctl() {\n"
	             "\tlocal cur=${COMP_WORDS[COMP_CWORD]} said= more= i\n"
	             "\tCOMPREPLY=()\n"
	             "\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n");
	print_arguments();
	(void)printf("\tesac\n"
	             "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	             "\t\tcase ${COMP_WORDS[i]} in\n");
	print_skipped();
	(void)printf("\t\t-*) ;;\n"
	             "\t\t*) said+=\"${COMP_WORDS[i]} \" ;;\n"
	             "\t\tesac\n"
	             "\tdone\n"
	             "\tif [[ $cur == -* ]]; then\n"
	             "\tcase $said in\n");
	print_verb_options(true);
	print_verb_options(false);
	(void)printf("\tesac\n"
	             "\tmore+='");
	print_options(CTLOPTION_EVERYWHERE);
	(void)printf("'\n"
	             "\telse\n"
	             "\tcase $said in\n");
	print_first_words();
	print_second_words();
	print_file_verbs();
	(void)printf("\tesac\n"
	             "\tfi\n"
	             "\tCOMPREPLY=($(compgen -W \"$more\" -- \"$cur\"))\n"
	             "}\n"
	             "complete -F _cardproxyctl cardproxyctl\n");
	return fflush(stdout) == 0;
}
