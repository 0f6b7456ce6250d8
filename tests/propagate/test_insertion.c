#include "certprop_bench.h"

#include <stdio.h>
#include <string.h>

/* What goes where. */

static void
read_once(struct bench *b)
{
	certprop_free(b->cp);
	bench_forget(b);
	bench_start_present(b);
}

static void
test_expired(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.old, "9D");
	read_once(b);
	assert_non_null(strstr(b->told, "user(CN=Old)"));
	b->policy.skip_expired = true;
	read_once(b);
	assert_null(strstr(b->told, "CN=Old"));
	assert_non_null(strstr(b->told, "user(CN=User)"));
	assert_non_null(strstr(b->news, "cert-skipped"));
}

static void
test_computer_never(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.computer, "9D");
	b->policy.propagate_device = true;
	read_once(b);
	assert_string_equal(b->told, USUAL);
	assert_non_null(strstr(b->news, "cert-skipped"));
}

static void
test_device(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.door, "9C");
	bench_add_cert(b, bench_made.nobody, "9E");
	read_once(b);
	assert_string_equal(b->told, USUAL);
	b->policy.propagate_device = true;
	read_once(b);
	assert_non_null(strstr(b->told, "user(CN=Door)"));
	assert_non_null(strstr(b->told, "user(CN=Nobody)"));
}

static void
test_roots_off(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.root, "82");
	b->policy.propagate_roots = false;
	read_once(b);
	assert_string_equal(b->told, USUAL_USER);
}

static void
test_authorities_in_slots(void **state)
{
	struct bench *b = *state;

	b->content.root_count = 0;
	b->content.cert_count = 0;
	bench_add_cert(b, bench_made.root, "82");
	bench_add_cert(b, bench_made.sub, "83");
	read_once(b);
	assert_string_equal(b->told, "begin:7/a1 anchor(CN=Root) "
	                             "intermediate(CN=Sub) commit");
	(void)snprintf(b->content.certs[0].slot, 8, "9A");
	read_once(b);
	assert_string_equal(b->told, "begin:7/a1 intermediate(CN=Root) "
	                             "intermediate(CN=Sub) commit");
	(void)snprintf(b->content.certs[0].slot, 8, "82");
	b->content.family = CARD_GIDS;
	read_once(b);
	assert_null(strstr(b->told, "anchor"));
}

static void
test_refusals_are_news(void **state)
{
	struct bench *b = *state;

	bench_add_root(b, bench_made.user);
	b->content.certs[1] = b->content.certs[0];
	b->content.certs[1].len -= 1;
	b->content.cert_count = 2;
	b->content.skips[0].reason = "needs a PIN";
	b->content.skip_count = 1;
	read_once(b);
	assert_string_equal(b->told, USUAL);
	assert_string_equal(b->news, "card-inserted cert-refused root-refused "
	                             "cert-skipped card-read");
}

/* One certificate in two containers is one entry. */
static void
test_twins_on_a_card(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.user, "9D");
	bench_add_root(b, bench_made.root);
	read_once(b);
	assert_string_equal(b->told, USUAL);
}

static void
test_empty_card(void **state)
{
	struct bench *b = *state;

	b->content.cert_count = b->content.root_count = 0;
	read_once(b);
	assert_string_equal(b->told, "begin:7/a1 commit");
	bench_take_out(b, 2);
	assert_string_equal(b->told, "begin:7/a1 commit release:7");
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, "synced");
}

static void
test_as_many_as_allowed(void **state)
{
	struct bench *b = *state;

	b->content.root_count = b->content.cert_count = 0;
	for (size_t i = 0; i < CARD_ROOTS_MAX; i++)
		bench_add_root(b, bench_made.root);
	for (size_t i = 0; i < CARD_CERTS_MAX; i++)
		bench_add_cert(b, bench_made.user, "9A");
	b->content.skip_count = CARD_CERTS_MAX;
	for (size_t i = 0; i < CARD_CERTS_MAX; i++)
		b->content.skips[i].reason = "empty";
	read_once(b);
	assert_string_equal(b->told,
	                    "begin:7/a1 user(CN=User) anchor(CN=Root) commit");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH(test_expired),
	    BENCH(test_computer_never),
	    BENCH(test_device),
	    BENCH(test_roots_off),
	    BENCH(test_authorities_in_slots),
	    BENCH(test_refusals_are_news),
	    BENCH(test_twins_on_a_card),
	    BENCH(test_empty_card),
	    BENCH(test_as_many_as_allowed),
	};

	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
