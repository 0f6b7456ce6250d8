/* What is done apart: it ends before the call returns, away from our heap. */
#include "apart.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sanitized.h"

enum { PIECES = 64, PIECE_SIZE = 2048 };

static void
count(void *arg)
{
	unsigned *done = arg;

	(*done)++;
}

static void
test_done_when_it_returns(void **state)
{
	unsigned done = 0;

	(void)state;
	apart_run(count, &done);
	assert_int_equal(done, 1);
	apart_run(count, &done);
	assert_int_equal(done, 2);
}

/* Every other piece stays: between them are holes. */
static void
make_holes(void *arg)
{
	char **pieces = arg;

	for (int i = 0; i < PIECES; i++) {
		pieces[i] = malloc(PIECE_SIZE);
		assert_non_null(pieces[i]);
		memset(pieces[i], i, PIECE_SIZE);
	}
	for (int i = 1; i < PIECES; i += 2)
		free(pieces[i]);
}

/* The sanitizer's allocator has no arenas. */
static void
assert_elsewhere(char *const *pieces, const char *later)
{
#ifndef SANITIZED
	assert_false((uintptr_t)later > (uintptr_t)pieces[0] &&
	             (uintptr_t)later < (uintptr_t)pieces[PIECES - 2]);
#else
	(void)pieces;
	assert_non_null(later);
#endif
}

static void
test_holes_are_not_filled(void **state)
{
	char *pieces[PIECES];
	char *later[PIECES];

	(void)state;
	apart_run(make_holes, pieces);
	for (int i = 0; i < PIECES; i++) {
		later[i] = malloc(PIECE_SIZE);
		assert_non_null(later[i]);
		assert_elsewhere(pieces, later[i]);
	}
	for (int i = 0; i < PIECES; i++)
		free(later[i]);
	for (int i = 0; i < PIECES; i += 2) {
		assert_int_equal(pieces[i][PIECE_SIZE - 1], i);
		free(pieces[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_done_when_it_returns),
	    cmocka_unit_test(test_holes_are_not_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
