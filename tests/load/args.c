#include "args.h"

#include <assert.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>

static void
put(const struct arg *arg, const char *value)
{
	if (arg->text != NULL)
		*arg->text = value;
	else if (arg->port != NULL)
		*arg->port = (uint16_t)strtoul(value, NULL, 10);
	else if (arg->number != NULL)
		*arg->number = (unsigned)strtoul(value, NULL, 10);
	else if (arg->large != NULL)
		*arg->large = strtoull(value, NULL, 10);
	else
		*arg->flag = true;
}

int
args_take(int argc, char **argv, const struct arg *rows)
{
	struct option options[ARGS_MAX + 1] = {0};
	int row = 0;
	int found;

	for (size_t i = 0; rows[i].name != NULL; i++) {
		assert(i < ARGS_MAX);
		options[i].name = rows[i].name;
		options[i].has_arg =
		    rows[i].flag != NULL ? no_argument : required_argument;
	}
	while ((found = getopt_long(argc, argv, "", options, &row)) == 0)
		put(&rows[row], optarg);
	return found == -1 ? optind : -1;
}
