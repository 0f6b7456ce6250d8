/* Who is let in when many come: by source, by listener, and at random. */
#include "admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gate.h"

enum { TRIES = 4000 };

/* How many of TRIES connections are refused. */
static unsigned
refused(struct admission_load load)
{
	unsigned count = 0;

	for (int i = 0; i < TRIES; i++)
		count += admission_refuse(&load) != NULL;
	return count;
}

static void
test_few(void **state)
{
	(void)state;
	assert_int_equal(refused((struct admission_load){0}), 0);
	assert_int_equal(
	    refused((struct admission_load){.starting = GATE_START_FREE - 1}),
	    0);
}

/* Within five standard deviations. */
static void
assert_percent(unsigned starting, unsigned percent)
{
	unsigned count = refused((struct admission_load){.starting = starting});
	unsigned wanted = TRIES * percent / 100;

	assert_in_range(count, wanted - 160, wanted + 160);
}

static void
test_random_drop(void **state)
{
	(void)state;
	assert_percent(GATE_START_FREE, GATE_START_RATE);
	assert_percent(GATE_START_FREE + 1, GATE_START_RATE);
	assert_percent((GATE_START_FREE + GATE_START_FULL) / 2,
	               (GATE_START_RATE + 100) / 2);
	assert_true(refused((struct admission_load){
			.starting = GATE_START_FULL - 1}) < TRIES);
}

static void
test_full(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++)
		assert_int_equal(refused((struct admission_load){
				     .starting = GATE_START_FULL + more}),
		                 TRIES);
	assert_int_equal(
	    refused((struct admission_load){.starting = UINT32_MAX}), TRIES);
}

static void
test_source(void **state)
{
	struct admission_load load = {.starting = GATE_START_SOURCE};

	(void)state;
	load.of_source = GATE_START_SOURCE - 1;
	assert_int_equal(refused(load), 0);
	load.of_source = GATE_START_SOURCE;
	assert_string_equal(
	    admission_refuse(&load),
	    "too many unfinished connections from this address");
	load.of_source = GATE_START_SOURCE + 1;
	assert_int_equal(refused(load), TRIES);
}

static void
test_listener(void **state)
{
	const struct admission_load load = {.full = true};

	(void)state;
	assert_string_equal(admission_refuse(&load),
	                    "the listener has its max_sessions");
	assert_int_equal(refused(load), TRIES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_few),      cmocka_unit_test(test_random_drop),
	    cmocka_unit_test(test_full),     cmocka_unit_test(test_source),
	    cmocka_unit_test(test_listener),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
