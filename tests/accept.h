/*
 * The acceptance list of certificate propagation: cases named by their number
 * in it, of which one number may have several.
 *
 * usage: PROGRAM [NUMBER]; "certprop-09" runs the cases of that number.
 */
#ifndef TESTS_ACCEPT_H
#define TESTS_ACCEPT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define ACCEPT(number, test, setup, teardown)                                  \
	{                                                                      \
		number " " #test, test, setup, teardown, NULL                  \
	}

static inline void
accept_only(int argc, char **argv)
{
	static char pattern[64];

	if (argc < 2)
		return;
	(void)snprintf(pattern, sizeof(pattern), "%s *", argv[1]);
	cmocka_set_test_filter(pattern);
}

#endif
