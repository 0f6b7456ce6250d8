/* Log-ons that come and go on one connection, and the end of the first scan. */
#include "certprop_bench.h"

#include <stdio.h>
#include <string.h>

/* Log-ons that come and go on one connection. */

static void
test_host_session(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	certprop_user(b->cp, "alice@EXAMPLE", "pam", "", b->now);
	assert_string_equal(b->host_session, "");
	certprop_user(b->cp, "alice@EXAMPLE", "server", "rdp:7", b->now);
	assert_string_equal(b->host_session, "rdp:7");
	/* Who does not know does not unsay it. */
	certprop_user(b->cp, "alice@EXAMPLE", "pam", "", b->now);
	assert_string_equal(b->host_session, "rdp:7");
	certprop_user(b->cp, "alice@EXAMPLE", "server", "rdp:8", b->now);
	assert_string_equal(b->host_session, "rdp:8");
	certprop_user(b->cp, "mallory", "server", "rdp:9", b->now);
	assert_string_equal(b->host_session, "rdp:8");
}

static void
test_log_off(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	bench_forget(b);
	certprop_logoff(b->cp, "the server says so", b->now);
	assert_int_equal(certprop_session_state(b->cp), KEEP_PRELOGON);
	assert_string_equal(b->state, "prelogon ");
	assert_string_equal(b->host_session, "");
	/* The keeper ends the claims of a log-on that has lost its user. */
	assert_string_equal(b->told, "");
	assert_string_equal(b->news, "logged-off");
	assert_string_equal(b->cards, "7:empty 7:settling");
	bench_pass(b, 60000);
	assert_string_equal(b->asked, "");
	assert_true(certprop_deadline(b->cp) == UINT64_MAX);
	certprop_logoff(b->cp, "again", b->now);
	assert_string_equal(b->news, "logged-off");
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, "synced");
}

static void
test_another_user(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	certprop_logoff(b->cp, "over", b->now);
	bench_forget(b);
	bench_pass(b, SETTLED);
	certprop_user(b->cp, "bob@EXAMPLE", "credssp", "rdp:2", b->now);
	assert_string_equal(b->state, "watching bob@EXAMPLE");
	assert_string_equal(b->asked, "read:7");
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL " synced");
	bench_take_out(b, 2);
	assert_string_equal(b->news, "card-inserted card-read card-removed");
}

static void
test_log_off_while_reading(void **state)
{
	struct bench *b = *state;

	bench_start_inserted(b);
	certprop_logoff(b->cp, "over", b->now);
	assert_string_equal(b->asked, "read:7 cancel:7");
	bench_deliver(b, READER);
	assert_string_equal(b->told, "");
	assert_int_equal(b->scans, 0);
	bench_pass(b, 60000);
	assert_int_equal(b->scans, 0);
}

/* Roots of a card that is gone belong to the log-on as well. */
static void
test_log_off_forgets_absent_cards(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	bench_take_out(b, 2);
	certprop_logoff(b->cp, "over", b->now);
	bench_log_on(b);
	bench_forget(b);
	b->scanning = false;
	bench_pass(b, SETTLED);
	certprop_reassert(b->cp, b->now);
	assert_null(strstr(b->told, "begin"));
}

static void
test_log_off_without_redirection(void **state)
{
	struct bench *b = *state;

	b->policy.redirect = false;
	bench_start(b);
	bench_log_on(b);
	assert_string_equal(b->state, "prelogon alice@EXAMPLE");
	certprop_logoff(b->cp, "over", b->now);
	assert_string_equal(b->state, "prelogon ");
}

/* The first look at all readers. */

static void
test_scan_waits_for_readers(void **state)
{
	struct bench *b = *state;

	b->now = 1000;
	b->cp = certprop_new(&b->policy, &bench_ops, b);
	bench_log_on(b);
	assert_true(certprop_deadline(b->cp) == b->now + 10000);
	bench_pass(b, 9999);
	assert_int_equal(b->scans, 0);
	bench_pass(b, 1);
	assert_int_equal(b->scans, 1);
	assert_true(certprop_deadline(b->cp) == UINT64_MAX);
}

/* A reader is empty when that was seen, and none may follow at once. */
static void
test_scan_of_empty_readers(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_log_on(b);
	bench_pass(b, 5000);
	assert_int_equal(b->scans, 0);
	bench_take_out(b, 1);
	bench_pass(b, SETTLED - 1);
	assert_int_equal(b->scans, 0);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_show(b, OTHER, CERTPROP_EMPTY, 1, "");
	bench_pass(b, 1);
	assert_int_equal(b->scans, 0);
	bench_pass(b, SETTLED);
	assert_int_equal(b->scans, 1);
}

static void
test_scan_ends_after_the_last_card(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_log_on(b);
	bench_insert(b, 1);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	assert_int_equal(b->scans, 0);
	bench_pass(b, 20000);
	assert_int_equal(b->scans, 0);
	certprop_card_failed(b->cp, OTHER, CERTPROP_PERMANENT, "x", b->now);
	assert_int_equal(b->scans, 1);
	/* Once: what comes later is not part of it. */
	bench_insert(b, 3);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	assert_int_equal(b->scans, 1);
	assert_null(strstr(b->told, "synced"));
}

/* A card that never stands still keeps nothing of a lost connection alive. */
static void
test_scan_has_an_end(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_log_on(b);
	for (uint16_t i = 1; i <= 600; i++) {
		bench_insert(b, i);
		bench_pass(b, 100);
		bench_forget(b);
	}
	assert_int_equal(b->scans, 1);
}

static void
test_scan_without_redirection(void **state)
{
	struct bench *b = *state;

	b->policy.redirect = false;
	bench_start(b);
	bench_insert(b, 1);
	bench_log_on(b);
	assert_int_equal(b->scans, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH(test_host_session),
	    BENCH(test_log_off),
	    BENCH(test_another_user),
	    BENCH(test_log_off_while_reading),
	    BENCH(test_log_off_forgets_absent_cards),
	    BENCH(test_log_off_without_redirection),
	    BENCH(test_scan_waits_for_readers),
	    BENCH(test_scan_of_empty_readers),
	    BENCH(test_scan_ends_after_the_last_card),
	    BENCH(test_scan_has_an_end),
	    BENCH(test_scan_without_redirection),
	};

	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
