/*
 * The verbs of cardproxyctl: one row for each, from which a command line is
 * dispatched and the help and the completion are made.
 */
#ifndef PROXY_CTLVERB_H
#define PROXY_CTLVERB_H

#include "ctloption.h"

struct json_object;

/* How the words become a request, and what becomes of the answer. */
enum ctlverb_shape {
	CTLVERB_PLAIN,
	CTLVERB_EXPORT,
	CTLVERB_SET,    /* SHA256 NAME=VALUE... */
	CTLVERB_IMPORT, /* FILE */
	CTLVERB_PIN,    /* SHA256 or FILE */
	CTLVERB_UNPIN,
	CTLVERB_AUDIT,
	CTLVERB_WATCH,    /* answers until it is ended */
	CTLVERB_BACKUP,   /* FILE */
	CTLVERB_CHECK,    /* FILE: answered here, without the daemon */
	CTLVERB_POLICY,   /* the same */
	CTLVERB_IN_FORCE, /* [ID]: from what the daemon wrote down */
	CTLVERB_COMPLETION
};

/* False: there was nothing to show, or it could not be. */
typedef bool ctlverb_show(struct json_object *document);

/* A word of the command line is a word of the request; then what shows it. */
struct ctlverb {
	const char *words[2];
	const char *argument; /* its name; "[...]" may be left out */
	enum ctlverb_shape shape;
	unsigned options; /* CTLOPTION_BIT: besides those of every verb */
	ctlverb_show *show;
	const char *usage; /* behind the words */
	const char *help;  /* lines; NULL: another name of a verb */
};

/* In the order of the help; NULL: there are no more. */
const struct ctlverb *ctlverb_at(size_t i);

/* Two words before one; NULL: no such verb. */
const struct ctlverb *ctlverb_find(char **words, int count);

/* Is this the second word of a verb? */
bool ctlverb_is_second(const char *word);

/* The first option given that is not this verb's; CTLOPTIONS: none. */
enum ctloption ctlverb_misfit(const struct ctlverb *verb,
                              const struct ctloption_values *values);

#endif
