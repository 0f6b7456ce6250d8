#include "ctloption.h"

#include <getopt.h>
#include <stdio.h>

static const struct ctloption_row rows[CTLOPTIONS] = {
    /* clang-format off */
	[CTLOPTION_SOCKET] = { "socket", 's', CTLOPTION_PATH, "PATH", NULL,
	    "control socket, instead of\n/run/cardproxy/control.sock" },
	[CTLOPTION_JSON] = { "json", 'j', CTLOPTION_FLAG, NULL, NULL,
	    "JSON as the daemon gives it" },
	[CTLOPTION_USER] = { "user", 'u', CTLOPTION_OWNER, "USER", NULL,
	    "of this user only" },
	[CTLOPTION_SCOPE] = { "scope", 'S', CTLOPTION_ANY, "SCOPE", NULL,
	    "of this scope only, such as session:ID" },
	[CTLOPTION_FORMAT] = { "format", 0, CTLOPTION_CHOICE, "FORMAT", "pem p7b sst",
	    "of certs export and roots export" },
	[CTLOPTION_REASON] = { "reason", 0, CTLOPTION_ANY, "TEXT", NULL,
	    "of a pin" },
	[CTLOPTION_SINCE] = { "since", 0, CTLOPTION_ANY, "TIME", NULL,
	    "\"2026-11-23 09:00\", local, or seconds" },
	[CTLOPTION_HELP] = { "help", 'h', CTLOPTION_FLAG, NULL, NULL,
	    "this text" },
	[CTLOPTION_VERSION] = { "version", 'V', CTLOPTION_FLAG, NULL, NULL,
	    "the version" },
	[CTLOPTION_CONFIG] = { "config", 0, CTLOPTION_PATH, "FILE", NULL,
	    "configuration, instead of\n/etc/cardproxy/cardproxyd.conf" },
	[CTLOPTION_GROUP] = { "group", 0, CTLOPTION_ANY, "GROUP", NULL,
	    "a group of the user; may be repeated" },
	[CTLOPTION_CLIENT] = { "client", 0, CTLOPTION_ANY, "ADDRESS", NULL,
	    "IP address of the client" },
	[CTLOPTION_CLIENT_NAME] = { "client-name", 0, CTLOPTION_ANY, "NAME", NULL,
	    "what the client calls itself" },
	[CTLOPTION_TARGET] = { "target", 0, CTLOPTION_ANY, "NAME", NULL,
	    "the target, where there are several" },
	[CTLOPTION_TIME] = { "time", 0, CTLOPTION_ANY, "TIME", NULL,
	    "\"2026-11-23 09:00\", local, instead of now" },
    /* clang-format on */
};

enum { NO_LETTER = 256 /* and the option, as getopt_long tells it */ };

const struct ctloption_row *
ctloption_row(enum ctloption option)
{
	return &rows[option];
}

bool
ctloption_given(const struct ctloption_values *values, enum ctloption option)
{
	return (values->given & CTLOPTION_BIT(option)) != 0;
}

/* What getopt_long wants: longs has one more than there are options. */
static void
describe(struct option *longs, char letters[2 * CTLOPTIONS + 1])
{
	size_t used = 0;

	for (int i = 0; i < CTLOPTIONS; i++) {
		bool flag = rows[i].form == CTLOPTION_FLAG;

		longs[i] = (struct option){
		    .name = rows[i].name,
		    .has_arg = flag ? no_argument : required_argument,
		    .val = NO_LETTER + i,
		};
		if (rows[i].letter == 0)
			continue;
		letters[used++] = rows[i].letter;
		if (!flag)
			letters[used++] = ':';
	}
	letters[used] = '\0';
	longs[CTLOPTIONS] = (struct option){0};
}

/* CTLOPTIONS: none of them. */
static enum ctloption
option_of(int told)
{
	int i = 0;

	if (told >= NO_LETTER)
		return (enum ctloption)(told - NO_LETTER);
	while (i < CTLOPTIONS && rows[i].letter != told)
		i++;
	return (enum ctloption)i;
}

static const char *
take(struct ctloption_values *values, enum ctloption option, const char *text)
{
	values->given |= CTLOPTION_BIT(option);
	values->text[option] = text;
	if (option != CTLOPTION_GROUP)
		return NULL;
	if (values->group_count == CTLPOLICY_GROUPS_MAX)
		return "too many groups";
	values->groups[values->group_count++] = text;
	return NULL;
}

const char *
ctloption_parse(int argc, char **argv, struct ctloption_values *values,
                int *next)
{
	char letters[2 * CTLOPTIONS + 1];
	struct option longs[CTLOPTIONS + 1];
	const char *fault = NULL;
	int told;

	describe(longs, letters);
	*values = (struct ctloption_values){0};
	values->text[CTLOPTION_SOCKET] = "/run/cardproxy/control.sock";
	values->text[CTLOPTION_CONFIG] = "/etc/cardproxy/cardproxyd.conf";
	while (fault == NULL &&
	       (told = getopt_long(argc, argv, letters, longs, NULL)) >= 0) {
		enum ctloption option = option_of(told);

		fault = option < CTLOPTIONS ? take(values, option, optarg) : "";
	}
	*next = optind;
	return fault;
}
