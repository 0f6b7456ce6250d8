/*
 * Policies that hold from the beginning or change meanwhile, and what the
 * keeper's answers do.
 */
#include "certprop_bench.h"

#include <stdio.h>
#include <string.h>

/* Policies. */

static void
test_propagation_off(void **state)
{
	struct bench *b = *state;

	b->policy.propagate = false;
	bench_start_inserted(b);
	assert_string_equal(b->asked, "");
	assert_string_equal(b->cards, "7:empty 7:settling 7:present");
	assert_string_equal(b->news, "");
	/* Said once, and only where somebody asks for roots. */
	b->policy.ineffective = true;
	bench_change(b);
	assert_string_equal(b->news, "policy-ineffective");
	bench_change(b);
	bench_take_out(b, 2);
	assert_string_equal(b->told, "");
	assert_string_equal(b->news, "policy-ineffective");
}

static void
test_redirection_off(void **state)
{
	struct bench *b = *state;

	b->policy.redirect = false;
	bench_start_inserted(b);
	assert_int_equal(certprop_session_state(b->cp), KEEP_PRELOGON);
	assert_string_equal(b->reason,
	                    "smart card redirection is off by policy");
	assert_string_equal(b->asked, "");
	b->policy.redirect = true;
	bench_change(b);
	assert_string_equal(b->reason, "");
	assert_string_equal(b->asked, "read:7");
}

static void
test_redirection_blocked_meanwhile(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	bench_forget(b);
	b->policy.redirect = false;
	bench_change(b);
	assert_string_equal(b->told, "release:7+roots");
	assert_string_equal(b->cards, "7:empty 7:settling");
	assert_int_equal(certprop_session_state(b->cp), KEEP_PRELOGON);
	bench_pass(b, 10000);
	assert_string_equal(b->asked, "");
	b->policy.redirect = true;
	bench_change(b);
	bench_deliver(b, READER);
	assert_string_equal(b->told, "release:7+roots " USUAL);
}

static void
test_propagation_switched(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	bench_forget(b);
	b->policy.propagate = false;
	bench_change(b);
	assert_string_equal(b->told, "");
	b->policy.propagate = true;
	bench_change(b);
	bench_pass(b, SETTLED);
	assert_string_equal(b->asked, "read:7");
	b->policy.propagate = false;
	bench_change(b); /* while it reads */
	assert_string_equal(b->asked, "read:7 cancel:7");
	bench_take_out(b, 2);
	assert_string_equal(b->told, "release:7");
}

static void
test_roots_switched_off(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	bench_pass(b, SETTLED);
	bench_usual_card(b, 0xb2);
	bench_deliver(b, OTHER);
	bench_show(b, OTHER, CERTPROP_EMPTY, 2, "");
	bench_forget(b);
	b->policy.propagate_roots = false;
	bench_change(b);
	assert_string_equal(b->told,
	                    "release:7+roots " USUAL_USER " release:8+roots");
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, USUAL_USER " synced");
	bench_forget(b);
	bench_usual_card(b, 0xa1);
	b->policy.propagate_roots = true;
	bench_change(b);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL);
}

static void
test_roots_switched_off_without_cleanup(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_NONE;
	bench_start_present(b);
	bench_forget(b);
	b->policy.propagate_roots = false;
	bench_change(b);
	assert_string_equal(b->told, "");
}

static void
test_cleanup_tightened(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	bench_take_out(b, 2);
	bench_insert(b, 3);
	bench_pass(b, SETTLED);
	bench_usual_card(b, 0xb2);
	bench_deliver(b, READER);
	bench_forget(b);
	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_change(b);
	/* What stands stands under the new rule; what is gone goes. */
	assert_string_equal(b->told, "begin:7/b2 user(CN=User) anchor(CN=Root) "
	                             "intermediate(CN=Sub) commit " USUAL_ROOTS
	                             " release:7+roots");
	assert_int_equal(b->cleanup, KEEP_CLEANUP_REMOVAL);
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_null(strstr(b->told, "begin:7/a1"));
}

static void
test_cleanup_loosened(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	bench_forget(b);
	b->policy.cleanup = KEEP_CLEANUP_NONE;
	bench_change(b);
	assert_string_equal(b->told, USUAL);
	assert_int_equal(b->cleanup, KEEP_CLEANUP_NONE);
	bench_take_out(b, 2);
	assert_string_equal(b->told, USUAL " release:7");
}

/* A keeper that was restarted. */

static void
test_reassert(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->cards, "7:present");
	assert_string_equal(b->told, USUAL " synced");
	bench_take_out(b, 2);
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->cards, "7:empty");
	assert_string_equal(b->told, USUAL_ROOTS " synced");
	/* The card comes back and speaks for itself. */
	bench_insert(b, 3);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, USUAL " synced");
}

static void
test_reassert_before_log_on_and_while_reading(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, "synced");
	bench_log_on(b);
	bench_insert(b, 1);
	bench_pass(b, SETTLED);
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, "");
	assert_string_equal(b->asked, "");
	/* What is present is known only now. */
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL);
	assert_int_equal(b->scans, 1);
}

static void
test_number_of_absent_cards(void **state)
{
	struct bench *b = *state;
	unsigned told;

	bench_start(b);
	bench_log_on(b);
	for (uint8_t i = 1; i <= 9; i++) {
		bench_usual_card(b, i);
		bench_insert(b, i);
		bench_pass(b, CERTPROP_READ_EVERY_MS);
		bench_deliver(b, READER);
		bench_take_out(b, i);
		bench_forget(b);
	}
	certprop_reassert(b->cp, b->now);
	assert_non_null(strstr(b->told, "begin:7/02"));
	assert_non_null(strstr(b->told, "begin:7/09"));
	/* Not all are remembered: what is not, the keeper judges by the rules.
	 */
	bench_forget(b);
	told = b->rules_told;
	b->policy.propagate_roots = false;
	certprop_policy_changed(b->cp, &b->policy, b->now);
	assert_int_equal(b->rules_told, told + 1);
	assert_false(b->rules.roots);
}

/* Once there is a user, again to another keeper, and when it changes. */
static void
test_rules_are_told(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start(b);
	certprop_reassert(b->cp, b->now);
	assert_int_equal(b->rules_told, 0);
	bench_log_on(b);
	assert_int_equal(b->rules_told, 1);
	assert_int_equal(b->rules.cleanup, KEEP_CLEANUP_REMOVAL);
	assert_true(b->rules.roots && b->rules.redirect);
	assert_false(b->rules.limited || b->rules.match);
	certprop_role(b->cp, "own", "");
	assert_int_equal(b->rules_told, 1);
	certprop_reassert(b->cp, b->now);
	assert_int_equal(b->rules_told, 2);
	b->policy.redirect = false;
	certprop_policy_changed(b->cp, &b->policy, b->now);
	assert_int_equal(b->rules_told, 3);
	assert_false(b->rules.redirect);
	certprop_logoff(b->cp, "test", b->now);
	certprop_policy_changed(b->cp, &b->policy, b->now);
	assert_int_equal(b->rules_told, 3);
}

static void
test_acks(void **state)
{
	struct bench *b = *state;
	struct keep_ack ack = {.ok = true, .added = 3};

	bench_start_present(b);
	bench_forget(b);
	certprop_acked(b->cp, b->commit_seq, &ack, b->now);
	assert_string_equal(b->cards, "");
	ack.ok = false;
	ack.reason = wire_view_text("disk full");
	certprop_acked(b->cp, b->commit_seq, &ack, b->now);
	assert_string_equal(b->cards, "7:present");
	certprop_acked(b->cp, 0, &ack, b->now);
	assert_string_equal(b->cards, "7:present");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH(test_propagation_off),
	    BENCH(test_redirection_off),
	    BENCH(test_redirection_blocked_meanwhile),
	    BENCH(test_propagation_switched),
	    BENCH(test_roots_switched_off),
	    BENCH(test_roots_switched_off_without_cleanup),
	    BENCH(test_cleanup_tightened),
	    BENCH(test_cleanup_loosened),
	    BENCH(test_reassert),
	    BENCH(test_reassert_before_log_on_and_while_reading),
	    BENCH(test_number_of_absent_cards),
	    BENCH(test_rules_are_told),
	    BENCH(test_acks),
	};

	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
