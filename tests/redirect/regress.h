/*
 * Defects that neighbours had, each against what we have in that place: a row
 * with the defect's name, what it was, what must happen here, and a function
 * that sees to it.
 *
 * usage: PROGRAM [NAME]; without a name all of them.
 */
#ifndef TESTS_REDIRECT_REGRESS_H
#define TESTS_REDIRECT_REGRESS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct regress {
	const char *id;
	const char *what;
	const char *verdict;
	bool (*holds)(void);
};

static inline int
regress_main(const struct regress *rows, size_t count, int argc, char **argv)
{
	int failed = 0;
	int run = 0;

	for (size_t i = 0; i < count; i++) {
		if (argc > 1 && strcmp(argv[1], rows[i].id) != 0)
			continue;
		run++;
		if (rows[i].holds())
			continue;
		failed++;
		(void)fprintf(stderr, "%s: %s; here: %s: does not hold\n",
		              rows[i].id, rows[i].what, rows[i].verdict);
	}
	(void)printf("%d held, %d failed\n", run - failed, failed);
	return failed != 0 || run == 0;
}

#endif
