/*
 * What one read of a card teaches the next, and how many cards are remembered.
 */
#include "certprop_bench.h"

#include <stdio.h>

/* What was learned. */

static void
test_hints(void **state)
{
	struct bench *b = *state;

	b->policy.probe_retired = true;
	bench_start_present(b);
	assert_int_equal(b->hints.family, CARD_UNKNOWN);
	assert_int_equal(b->hints.length, CARD_LENGTH_UNKNOWN);
	assert_true(b->hints.probe_retired);
	assert_true(wire_view_equal(b->hints.atr, wire_view_text("atr")));
	bench_insert(b, 2);
	bench_pass(b, SETTLED);
	assert_int_equal(b->hints.family, CARD_PIV);
	assert_int_equal(b->hints.length, CARD_LENGTH_EXTENDED);
	bench_deliver(b, READER);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	bench_pass(b, SETTLED);
	assert_int_equal(b->hints.family, CARD_PIV);
	assert_int_equal(b->hints.length, CARD_LENGTH_UNKNOWN);
	bench_deliver(b, OTHER);
	bench_show(b, OTHER, CERTPROP_PRESENT, 2, "unknown");
	bench_pass(b, SETTLED);
	assert_int_equal(b->hints.family, CARD_UNKNOWN);
}

static void
test_more_atrs_than_are_remembered(void **state)
{
	struct bench *b = *state;
	char atr[16];

	bench_start(b);
	bench_log_on(b);
	for (uint16_t i = 1; i <= 40; i++) {
		(void)snprintf(atr, sizeof(atr), "atr%u", i);
		bench_show(b, READER, CERTPROP_PRESENT, i, atr);
		bench_pass(b, CERTPROP_READ_EVERY_MS);
		bench_deliver(b, READER);
		bench_forget(b);
	}
	bench_show(b, READER, CERTPROP_PRESENT, 41, "atr40");
	bench_pass(b, CERTPROP_READ_EVERY_MS);
	assert_int_equal(b->hints.family, CARD_PIV);
	bench_deliver(b, READER);
	bench_show(b, READER, CERTPROP_PRESENT, 42, "atr1");
	bench_pass(b, CERTPROP_READ_EVERY_MS);
	assert_int_equal(b->hints.family, CARD_UNKNOWN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH(test_hints),
	    BENCH(test_more_atrs_than_are_remembered),
	};

	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
