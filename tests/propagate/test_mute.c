/*
 * A card that does not answer: it is still there and nothing of it ends, but no
 * key of it is available until it answers again.
 */
#include "certprop_bench.h"

#include <string.h>

/* No part ends. */
#define HUSH "release:7"

static void
bench_fall_silent(struct bench *b)
{
	bench_show(b, READER, CERTPROP_MUTE, 1, "");
}

static void
test_mute(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_log_on(b);
	bench_fall_silent(b);
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "");
	bench_insert(b, 1); /* it answers after all */
	bench_pass(b, SETTLED);
	bench_fall_silent(b);
	assert_string_equal(b->asked, "read:7 cancel:7");
	bench_take_out(b, 2);
	assert_string_equal(b->cards,
	                    "7:empty 7:mute 7:settling 7:reading 7:mute "
	                    "7:empty");
	bench_insert(b, 3);
	bench_show(b, READER, CERTPROP_MUTE, 3, "");
	bench_take_out(b, 4);
	assert_string_equal(b->told, "");
}

/* A card that falls silent is still there: its claims stay. */
static void
test_mute_keeps_what_was_applied(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	bench_forget(b);
	bench_fall_silent(b);
	assert_string_equal(b->told, HUSH);
	bench_insert(b, 1);
	assert_string_equal(b->told, HUSH);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	assert_string_equal(b->told, HUSH " " USUAL);
	bench_forget(b);
	bench_fall_silent(b);
	bench_take_out(b, 2);
	assert_string_equal(b->told, HUSH " release:7+roots");
}

static void
test_failed_and_mute(void **state)
{
	struct bench *b = *state;

	bench_start_inserted(b);
	bench_refuse(b, CERTPROP_PERMANENT);
	bench_fall_silent(b);
	assert_non_null(strstr(b->cards, "7:failed 7:mute"));
}

/* It answers for a moment, and nothing was said in between. */
static void
test_mute_is_told_once(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	bench_forget(b);
	bench_fall_silent(b);
	bench_insert(b, 1);
	bench_fall_silent(b);
	assert_string_equal(b->told, HUSH);
	bench_insert(b, 1);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	bench_fall_silent(b);
	assert_string_equal(b->told, HUSH " " USUAL " " HUSH);
}

static void
test_mute_is_told_to_another_keeper(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	bench_fall_silent(b);
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, USUAL " " HUSH " synced");
}

/* The keeper ends what is absent by the rules: so it hears that this is not. */
static void
test_mute_is_no_removal_under_another_policy(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_LOGOFF;
	bench_start_present(b);
	bench_fall_silent(b);
	bench_forget(b);
	bench_change(b);
	assert_string_equal(b->told, USUAL " " HUSH);
	bench_forget(b);
	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_change(b);
	assert_string_equal(b->told, USUAL " " USUAL " " HUSH);
	assert_int_equal(b->cleanup, KEEP_CLEANUP_REMOVAL);
}

/* Nothing is read then, but what was read before counts again. */
static void
test_mute_answers_while_propagation_is_off(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	bench_fall_silent(b);
	b->policy.propagate = false;
	bench_change(b);
	bench_forget(b);
	bench_insert(b, 1);
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "");
	assert_string_equal(b->told, USUAL);
}

/* Of a card that is not the user's there is nothing to take back. */
static void
test_mute_stranger(void **state)
{
	struct bench *b = *state;

	b->policy.require_match = true;
	b->policy.match = 0;
	bench_start_present(b);
	assert_string_equal(b->told, "");
	bench_fall_silent(b);
	assert_string_equal(b->told, "");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    BENCH(test_mute),
	    BENCH(test_mute_keeps_what_was_applied),
	    BENCH(test_failed_and_mute),
	    BENCH(test_mute_is_told_once),
	    BENCH(test_mute_is_told_to_another_keeper),
	    BENCH(test_mute_is_no_removal_under_another_policy),
	    BENCH(test_mute_answers_while_propagation_is_off),
	    BENCH(test_mute_stranger),
	};

	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
