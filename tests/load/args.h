/*
 * The options of a program: a row for each, and where its value goes.
 */
#ifndef TESTS_LOAD_ARGS_H
#define TESTS_LOAD_ARGS_H

#include <stdbool.h>
#include <stdint.h>

enum { ARGS_MAX = 15 };

/* One of these is set; numbers are decimal, a flag takes no value. */
struct arg {
	const char *name; /* without the two dashes */
	const char **text;
	uint16_t *port;
	unsigned *number;
	unsigned long long *large;
	bool *flag;
};

/*
 * Take all options; the rows end with one without a name.  Returns the index of
 * the first argument that is none (options are moved before those), or -1 for
 * an unknown one or a missing value, which getopt(3) has told on stderr.
 */
int args_take(int argc, char **argv, const struct arg *rows);

#endif
