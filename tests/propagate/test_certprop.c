/*
 * The states of a session and of its cards, step by step, and the bounds on
 * what a busy reader can cause.
 */
#include "certprop_bench.h"

#include <stdio.h>
#include <string.h>

/* The session's states. */

static void
test_first_news_is_the_state(void **state)
{
	struct bench *b = *state;

	b->cp = certprop_new(&b->policy, &bench_ops, b);
	assert_int_equal(certprop_session_state(b->cp), KEEP_PRELOGON);
	assert_string_equal(b->state, "");
	assert_int_equal(certprop_deadline(b->cp), 0);
	certprop_tick(b->cp, 0);
	assert_string_equal(b->state, "prelogon ");
	assert_true(certprop_deadline(b->cp) == UINT64_MAX);
}

static void
test_nothing_is_read_before_log_on(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_insert(b, 1);
	bench_pass(b, 10000);
	assert_string_equal(b->asked, "");
	assert_true(certprop_deadline(b->cp) == UINT64_MAX);
	assert_string_equal(b->cards, "7:empty 7:settling");
	bench_log_on(b);
	assert_int_equal(certprop_session_state(b->cp), KEEP_WATCHING);
	assert_string_equal(b->asked, "read:7");
	assert_string_equal(b->state, "watching alice@EXAMPLE");
}

static void
test_user_is_kept(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	certprop_user(b->cp, "", "claimed", "", b->now);
	assert_int_equal(certprop_session_state(b->cp), KEEP_PRELOGON);
	bench_log_on(b);
	certprop_user(b->cp, "mallory", "claimed", "", b->now);
	certprop_role(b->cp, "relay", "");
	assert_string_equal(b->state, "watching alice@EXAMPLE");
	bench_log_on(b);
	assert_string_equal(b->state, "watching alice@EXAMPLE");
}

static void
test_end(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	bench_insert(b, 2);
	bench_pass(b, SETTLED);
	bench_forget(b);
	certprop_end(b->cp, KEEP_END_LOGOFF, "disconnected", b->now);
	assert_string_equal(b->asked, "cancel:7");
	assert_string_equal(b->told, "end");
	assert_string_equal(b->state, "ending alice@EXAMPLE");
	/* Nothing is said and nothing is done any more. */
	bench_take_out(b, 3);
	bench_deliver(b, READER);
	bench_refuse(b, CERTPROP_RETRY);
	bench_change(b);
	certprop_role(b->cp, "own", "");
	certprop_reassert(b->cp, b->now);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	certprop_reader_gone(b->cp, READER, b->now);
	certprop_end(b->cp, KEEP_END_LOGOFF, "again", b->now);
	bench_log_on(b);
	bench_pass(b, 1000);
	assert_true(certprop_deadline(b->cp) == UINT64_MAX);
	assert_string_equal(b->told, "end");
}

static void
test_end_before_log_on(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	certprop_end(b->cp, KEEP_END_LOGOFF, "disconnected", b->now);
	assert_int_equal(certprop_session_state(b->cp), KEEP_ENDING);
	assert_string_equal(b->told, "end");
}

/* The card's states. */

static void
test_insert_read_apply(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_log_on(b);
	bench_insert(b, 1);
	assert_true(certprop_deadline(b->cp) == b->now + SETTLED);
	bench_pass(b, SETTLED - 1);
	assert_string_equal(b->asked, "");
	bench_insert(b, 1); /* the same again does not start anew */
	bench_pass(b, 1);
	assert_string_equal(b->asked, "read:7");
	assert_true(certprop_deadline(b->cp) == UINT64_MAX);
	assert_string_equal(b->told, "");
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL);
	assert_int_equal(b->cleanup, KEEP_CLEANUP_LOGOFF);
	assert_string_equal(b->cards, "7:empty 7:settling 7:reading 7:present");
	assert_string_equal(b->news, "card-inserted card-read");
	bench_deliver(b, READER); /* nobody asked */
	assert_string_equal(b->told, USUAL);
}

static void
test_withdrawn_while_settling(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_log_on(b);
	bench_insert(b, 1);
	bench_pass(b, 100);
	bench_take_out(b, 2);
	bench_pass(b, 1000);
	assert_string_equal(b->asked, "");
	assert_string_equal(b->told, "");
	assert_string_equal(b->cards, "7:empty 7:settling 7:empty");
}

static void
test_withdrawn_while_reading(void **state)
{
	struct bench *b = *state;

	bench_start_inserted(b);
	bench_take_out(b, 2);
	assert_string_equal(b->asked, "read:7 cancel:7");
	bench_deliver(b, READER); /* it was on its way */
	assert_string_equal(b->told, "");
}

static void
test_backoff_then_failed(void **state)
{
	static const uint64_t waits[] = {100, 300, 1000, 3000};
	struct bench *b = *state;

	bench_start_inserted(b);
	for (size_t i = 0; i < 4; i++) {
		bench_refuse(b, CERTPROP_RETRY);
		assert_true(certprop_deadline(b->cp) == b->now + waits[i]);
		bench_forget(b);
		bench_pass(b, waits[i] - 1);
		assert_string_equal(b->asked, "");
		bench_pass(b, 1);
		assert_string_equal(b->asked, "read:7");
	}
	bench_refuse(b, CERTPROP_RETRY);
	assert_non_null(strstr(b->cards, "7:failed"));
	assert_string_equal(b->news, "card-read-failed");
	assert_true(certprop_deadline(b->cp) == UINT64_MAX);
	bench_insert(b, 1); /* no change of state */
	bench_pass(b, 60000);
	bench_forget(b);
	bench_insert(b,
	             2); /* another insertion: all attempts are there again */
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "read:7");
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL);
}

static void
test_permanent_failure(void **state)
{
	struct bench *b = *state;

	bench_start_inserted(b);
	bench_refuse(b, CERTPROP_PERMANENT);
	bench_pass(b, 10000);
	assert_string_equal(b->asked, "read:7");
	assert_string_equal(b->told, "");
	bench_take_out(b, 2);
	assert_string_equal(b->news,
	                    "card-inserted card-read-failed card-removed");
	assert_string_equal(b->cards,
	                    "7:empty 7:settling 7:reading 7:failed 7:empty");
}

static void
test_failed_is_tried_when_no_longer_busy(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_log_on(b);
	bench_show(b, READER, CERTPROP_BUSY, 1, "atr");
	bench_pass(b, SETTLED);
	bench_refuse(b, CERTPROP_PERMANENT);
	bench_forget(b);
	bench_insert(b, 1);
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "read:7");
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL);
	/* A card that is well known is not read for that. */
	bench_show(b, READER, CERTPROP_BUSY, 1, "atr");
	bench_insert(b, 1);
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "read:7");
}

static void
test_failure_within_the_request(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	b->fail_at_once = true;
	bench_log_on(b);
	bench_insert(b, 1);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "read:7 read:8");
	assert_true(certprop_deadline(b->cp) == UINT64_MAX);
}

static void
test_swap_by_counter_and_by_atr(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	bench_forget(b);
	bench_insert(b, 2);
	assert_string_equal(b->told, "release:7+roots");
	assert_string_equal(b->cards, "7:empty 7:settling");
	bench_pass(b, SETTLED);
	bench_usual_card(b, 0xb2);
	bench_deliver(b, READER);
	bench_forget(b);
	bench_show(b, READER, CERTPROP_PRESENT, 2, "another");
	assert_string_equal(b->told, "release:7+roots");
	assert_string_equal(b->cards, "7:empty 7:settling");
}

static void
test_swap_while_reading(void **state)
{
	struct bench *b = *state;

	bench_start_inserted(b);
	bench_insert(b, 2);
	assert_string_equal(b->asked, "read:7 cancel:7");
	bench_deliver(b, READER); /* of the card before */
	assert_string_equal(b->told, "");
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL);
}

/* A card that changed its id without a change of state is two cards. */
static void
test_other_card_at_rescan(void **state)
{
	struct bench *b = *state;

	b->policy.propagate_roots = false;
	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	b->policy.propagate_roots = true;
	bench_change(b);
	bench_pass(b, SETTLED);
	bench_forget(b);
	bench_usual_card(b, 0xb2);
	bench_deliver(b, READER);
	assert_string_equal(b->told,
	                    "release:7+roots begin:7/b2 user(CN=User) "
	                    "anchor(CN=Root) intermediate(CN=Sub) commit");
}

static void
test_removal(void **state)
{
	static const struct {
		enum keep_cleanup cleanup;
		const char *told;
	} cases[] = {
	    {KEEP_CLEANUP_NONE, "release:7"},
	    {KEEP_CLEANUP_REMOVAL, "release:7+roots"},
	    {KEEP_CLEANUP_LOGOFF, "release:7"},
	};
	struct bench *b = *state;

	for (size_t i = 0; i < 3; i++) {
		certprop_free(b->cp);
		b->policy.cleanup = cases[i].cleanup;
		bench_start_present(b);
		assert_int_equal(b->cleanup, cases[i].cleanup);
		bench_forget(b);
		bench_take_out(b, 2);
		assert_string_equal(b->told, cases[i].told);
		assert_string_equal(b->news, "card-removed");
	}
}

static void
test_reader_gone(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	bench_forget(b);
	certprop_reader_gone(b->cp, READER, b->now);
	assert_string_equal(b->told, "release:7+roots");
	assert_string_equal(b->cards, "7:empty 7:gone");
	bench_insert(b, 3); /* unknown now */
	certprop_reader_gone(b->cp, READER, b->now);
	certprop_reader_added(b->cp, OTHER, "Reader 0", b->now);
	certprop_reader_added(b->cp, OTHER, "Reader 0", b->now);
	assert_string_equal(b->cards, "7:empty 7:gone 8:empty");
}

static void
test_reader_gone_while_reading(void **state)
{
	struct bench *b = *state;

	bench_start_inserted(b);
	certprop_reader_gone(b->cp, READER, b->now);
	assert_string_equal(b->asked, "read:7 cancel:7");
	bench_deliver(b, READER);
	assert_string_equal(b->told, "");
}

static void
test_number_of_readers(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	for (uint32_t i = 1; i < CERTPROP_READERS_MAX; i++)
		certprop_reader_added(b->cp, 100 + i, "R", b->now);
	assert_non_null(strstr(b->cards, "115:empty"));
	certprop_reader_added(b->cp, 200, "R", b->now);
	assert_null(strstr(b->cards, "200:empty"));
}

/* Two readers. */

static void
test_one_read_at_a_time(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_log_on(b);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	b->now += 1;
	bench_insert(b, 1);
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "read:8");
	/* Who gives up goes to the end of the queue. */
	certprop_card_failed(b->cp, OTHER, CERTPROP_RETRY, "busy", b->now);
	assert_string_equal(b->asked, "read:8 read:7");
	bench_pass(b, 100);
	assert_string_equal(b->asked, "read:8 read:7");
	bench_deliver(b, READER);
	assert_string_equal(b->asked, "read:8 read:7 read:8");
}

static void
test_one_card_in_two_readers(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	bench_pass(b, SETTLED);
	bench_forget(b);
	bench_deliver(b, OTHER);
	assert_non_null(strstr(b->told, "begin:8/a1"));
	assert_string_equal(b->news, "card-read duplicate-card");
	bench_forget(b);
	/* The claim of one reader ends, that of the other stands. */
	bench_take_out(b, 2);
	assert_string_equal(b->told, "release:7+roots");
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, "begin:8/a1 user(CN=User) anchor(CN=Root) "
	                             "intermediate(CN=Sub) commit synced");
}

static void
test_token_bucket(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_log_on(b);
	for (uint16_t i = 1; i <= CERTPROP_READ_BURST; i++) {
		b->asked[0] = '\0';
		bench_insert(b, i);
		bench_pass(b, SETTLED);
		assert_string_equal(b->asked, "read:7");
		bench_deliver(b, READER);
		b->told[0] = '\0';
	}
	/* 2.5 s have passed, which is one more. */
	for (uint16_t i = 0; i < 2; i++) {
		b->asked[0] = '\0';
		bench_insert(b, (uint16_t)(50 + i));
		bench_pass(b, SETTLED);
		if (i == 0) {
			assert_string_equal(b->asked, "read:7");
			bench_deliver(b, READER);
		}
	}
	assert_string_equal(b->asked, "");
	assert_true(certprop_deadline(b->cp) > b->now);
	assert_true(certprop_deadline(b->cp) <=
	            b->now + CERTPROP_READ_EVERY_MS);
	b->now = certprop_deadline(b->cp);
	bench_pass(b, 0);
	assert_string_equal(b->asked, "read:7");
}

/* A thousand insertions in a second do not become thousands of messages. */
static void
test_flapping_is_bounded(void **state)
{
	struct bench *b = *state;
	size_t len;

	bench_start(b);
	bench_log_on(b);
	for (uint16_t i = 1; i <= 1000; i++) {
		bench_insert(b, i);
		bench_pass(b, 1);
	}
	len = strlen(b->cards);
	assert_true(len < 2000);
	assert_string_equal(b->asked, "");
	assert_string_equal(b->news, "");
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "read:7");
	bench_pass(b, 1000); /* and what it came to is said */
	assert_string_equal(b->cards + strlen(b->cards) - 9, "7:reading");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH(test_first_news_is_the_state),
	    BENCH(test_nothing_is_read_before_log_on),
	    BENCH(test_user_is_kept),
	    BENCH(test_end),
	    BENCH(test_end_before_log_on),
	    BENCH(test_insert_read_apply),
	    BENCH(test_withdrawn_while_settling),
	    BENCH(test_withdrawn_while_reading),
	    BENCH(test_backoff_then_failed),
	    BENCH(test_permanent_failure),
	    BENCH(test_failed_is_tried_when_no_longer_busy),
	    BENCH(test_failure_within_the_request),
	    BENCH(test_swap_by_counter_and_by_atr),
	    BENCH(test_swap_while_reading),
	    BENCH(test_other_card_at_rescan),
	    BENCH(test_removal),
	    BENCH(test_reader_gone),
	    BENCH(test_reader_gone_while_reading),
	    BENCH(test_number_of_readers),
	    BENCH(test_one_read_at_a_time),
	    BENCH(test_one_card_in_two_readers),
	    BENCH(test_token_bucket),
	    BENCH(test_flapping_is_bounded),
	};

	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
