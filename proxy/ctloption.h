/*
 * The options of cardproxyctl: one row for each, from which the command line is
 * read and the help and the completion are made.
 */
#ifndef PROXY_CTLOPTION_H
#define PROXY_CTLOPTION_H

#include <stdbool.h>
#include <stddef.h>

#include "ctlpolicy.h"

enum ctloption {
	CTLOPTION_SOCKET,
	CTLOPTION_JSON,
	CTLOPTION_USER,
	CTLOPTION_SCOPE,
	CTLOPTION_FORMAT,
	CTLOPTION_REASON,
	CTLOPTION_SINCE,
	CTLOPTION_HELP,
	CTLOPTION_VERSION,
	/* The session of "policy test". */
	CTLOPTION_CONFIG,
	CTLOPTION_GROUP,
	CTLOPTION_CLIENT,
	CTLOPTION_CLIENT_NAME,
	CTLOPTION_TARGET,
	CTLOPTION_TIME,
	CTLOPTIONS
};

/* What an argument is, for the completion. */
enum ctloption_form {
	CTLOPTION_FLAG, /* there is none */
	CTLOPTION_ANY,
	CTLOPTION_PATH,
	CTLOPTION_OWNER, /* the name of a user */
	CTLOPTION_CHOICE /* one of values, with a blank between */
};

struct ctloption_row {
	const char *name;
	char letter; /* 0: none */
	enum ctloption_form form;
	const char *argument;
	const char *values;
	const char *help; /* lines */
};
const struct ctloption_row *ctloption_row(enum ctloption option);

/* Options are sets of bits. */
#define CTLOPTION_BIT(option) (1U << (option))
#define CTLOPTION_EVERYWHERE                                                   \
	(CTLOPTION_BIT(CTLOPTION_SOCKET) | CTLOPTION_BIT(CTLOPTION_JSON) |     \
	 CTLOPTION_BIT(CTLOPTION_HELP) | CTLOPTION_BIT(CTLOPTION_VERSION))
#define CTLOPTION_DESCRIBING                                                   \
	(CTLOPTION_BIT(CTLOPTION_CONFIG) | CTLOPTION_BIT(CTLOPTION_GROUP) |    \
	 CTLOPTION_BIT(CTLOPTION_CLIENT) |                                     \
	 CTLOPTION_BIT(CTLOPTION_CLIENT_NAME) |                                \
	 CTLOPTION_BIT(CTLOPTION_TARGET) | CTLOPTION_BIT(CTLOPTION_TIME))

/* What was given; texts are borrowed from the command line. */
struct ctloption_values {
	unsigned given; /* set of bits */
	const char *text[CTLOPTIONS];
	const char *groups[CTLPOLICY_GROUPS_MAX];
	size_t group_count;
};

/*
 * Read the command line; the words left are argv[*next] and up.  The socket and
 * the configuration have their defaults without being given.
 *
 * Returns NULL, or what is wrong: "" when it was told already.
 */
const char *ctloption_parse(int argc, char **argv,
                            struct ctloption_values *values, int *next);

bool ctloption_given(const struct ctloption_values *values,
                     enum ctloption option);

#endif
