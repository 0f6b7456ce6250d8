/* Rules of a policy: subnets, times of day, each key, and their order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"

static const char head[] = "[listen]\naddress = 127.0.0.1\n"
			   "[target desk]\naddress = a\n"
			   "[target lab]\naddress = b\npolicy = named\n";

static struct config *
parse(const char *policies)
{
	struct config_faults faults = {0};
	char text[4096];
	struct config *config;

	(void)snprintf(text, sizeof(text), "%s%s", head, policies);
	config = config_parse(wire_view_text(text), "F", &faults);
	if (config == NULL)
		print_error("%s\n", faults.text[0]);
	config_faults_clear(&faults);
	assert_non_null(config);
	return config;
}

/* "2026-11-23 09:00" */
static struct tm
local_time(const char *text)
{
	struct tm when = {.tm_isdst = -1};

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &when));
	return when;
}

static bool
in_subnet(const char *range, const char *address)
{
	struct subnet subnet;

	assert_null(subnet_parse(range, &subnet));
	return subnet_contains(&subnet, address);
}

static void
test_subnet(void **state)
{
	(void)state;
	assert_true(in_subnet("192.0.2.0/24", "192.0.2.0"));
	assert_true(in_subnet("192.0.2.0/24", "192.0.2.255"));
	assert_false(in_subnet("192.0.2.0/24", "192.0.3.0"));
	assert_false(in_subnet("192.0.2.0/24", "192.0.1.255"));
	assert_true(in_subnet("192.0.2.128/25", "192.0.2.128"));
	assert_false(in_subnet("192.0.2.128/25", "192.0.2.127"));
	assert_true(in_subnet("192.0.2.4/31", "192.0.2.5"));
	assert_false(in_subnet("192.0.2.4/31", "192.0.2.6"));
	assert_true(in_subnet("192.0.2.1", "192.0.2.1"));
	assert_false(in_subnet("192.0.2.1", "192.0.2.2"));
	assert_true(in_subnet("0.0.0.0/0", "255.255.255.255"));
	assert_false(in_subnet("0.0.0.0/0", "::1"));
	assert_false(in_subnet("::/0", "192.0.2.1"));
	assert_true(in_subnet("::/0", "2001:db8::1"));
	assert_true(in_subnet("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(in_subnet("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(in_subnet("2001:db8::1", "2001:0DB8::1"));
	assert_true(in_subnet("fe80::/10", "fe80::1%eth0"));
	assert_false(in_subnet("0.0.0.0/0", "somewhere"));
	assert_false(in_subnet("0.0.0.0/0", ""));
}

/* One client has one address, whatever socket it came through. */
static void
test_subnet_mapped(void **state)
{
	(void)state;
	assert_true(in_subnet("192.0.2.0/24", "::ffff:192.0.2.7"));
	assert_false(in_subnet("192.0.2.0/24", "::ffff:192.0.3.7"));
	assert_true(in_subnet("::ffff:192.0.2.0/120", "192.0.2.7"));
	assert_true(in_subnet("::ffff:0.0.0.0/96", "192.0.2.7"));
	assert_false(in_subnet("::/0", "::ffff:192.0.2.7"));
}

static void
test_subnet_faults(void **state)
{
	static const char *const bad[] = {
	    "",           "/8",        "192.0.2.0/",    "192.0.2.0/33",
	    "::/129",     "192.0.2",   "192.0.2.0/-1",  "192.0.2.0/ 8",
	    "::g",        "1.2.3.4/9", "::/1 ",         "192.0.2.0/24/24",
	    "2001::1/64", "host/8",    "192.0.2.0/0x8", "::ffff:192.0.2.1/100",
	    " 192.0.2.0",
	};
	struct subnet subnet;
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(subnet_parse(bad[i], &subnet));
	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_non_null(subnet_parse(text, &subnet));
	assert_null(subnet_parse("10.0.0.0/8", &subnet));
	assert_false(subnet_contains(&subnet, text));
}

static bool
in_span(const char *text, const char *when)
{
	struct timespan span;
	struct tm tm = local_time(when);

	assert_null(timespan_parse(text, &span));
	return timespan_contains(&span, &tm);
}

/* 2026-11-23 is a Monday. */
static void
test_timespan(void **state)
{
	static const char office[] = "mon-fri 08:00-18:00";

	(void)state;
	assert_false(in_span(office, "2026-11-23 07:59"));
	assert_true(in_span(office, "2026-11-23 08:00"));
	assert_true(in_span(office, "2026-11-23 17:59"));
	assert_false(in_span(office, "2026-11-23 18:00"));
	assert_true(in_span(office, "2026-11-27 12:00"));
	assert_false(in_span(office, "2026-11-28 12:00"));
	assert_false(in_span(office, "2026-11-22 12:00"));
	assert_true(in_span("Sat", "2026-11-28 00:00"));
	assert_true(in_span("sat", "2026-11-28 23:59"));
	assert_false(in_span("sat", "2026-11-29 00:00"));
	assert_true(in_span("fri-mon", "2026-11-29 12:00"));
	assert_true(in_span("fri-mon", "2026-11-23 12:00"));
	assert_false(in_span("fri-mon", "2026-11-24 12:00"));
	assert_true(in_span("mon-mon", "2026-11-23 12:00"));
	assert_false(in_span("mon-mon", "2026-11-24 12:00"));
	assert_true(in_span("12:00-24:00", "2026-11-24 23:59"));
	assert_false(in_span("12:00-24:00", "2026-11-25 00:00"));
}

static void
test_timespan_midnight(void **state)
{
	static const char night[] = "22:00-06:00";
	static const char friday[] = "fri 22:00-06:00";

	(void)state;
	assert_true(in_span(night, "2026-11-23 22:00"));
	assert_true(in_span(night, "2026-11-23 05:59"));
	assert_false(in_span(night, "2026-11-23 06:00"));
	assert_false(in_span(night, "2026-11-23 21:59"));
	/* The night belongs to the day on which it begins. */
	assert_true(in_span(friday, "2026-11-27 22:00"));
	assert_true(in_span(friday, "2026-11-28 05:59"));
	assert_false(in_span(friday, "2026-11-28 22:00"));
	assert_false(in_span(friday, "2026-11-27 05:59"));
	assert_true(in_span("sat 22:00-06:00", "2026-11-29 01:00"));
	assert_true(in_span("22:00-00:00", "2026-11-23 23:59"));
	assert_false(in_span("22:00-00:00", "2026-11-23 00:00"));
}

static bool
in_span_at(const char *text, time_t at)
{
	struct timespan span;
	struct tm tm;

	assert_null(timespan_parse(text, &span));
	assert_non_null(localtime_r(&at, &tm));
	return timespan_contains(&span, &tm);
}

/*
 * Berlin, 2026: on March 29 the clock goes from 02:00 to 03:00, 01:00 UTC; on
 * October 25 from 03:00 back to 02:00, 01:00 UTC.  Both are Sundays.
 */
static void
test_timespan_clock_change(void **state)
{
	enum { HOUR = 3600 };
	const time_t spring = 1774746000; /* 2026-03-29 01:00:00 UTC */
	const time_t autumn = 1792890000; /* 2026-10-25 01:00:00 UTC */

	(void)state;
	assert_int_equal(setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1), 0);
	tzset();
	assert_true(in_span_at("sun 01:00-03:00", spring - 1));
	assert_false(in_span_at("sun 01:00-03:00", spring));
	assert_true(in_span_at("sun 03:00-04:00", spring));
	assert_false(in_span_at("sun 02:00-03:00", spring - 1));
	assert_false(in_span_at("sun 02:00-03:00", spring));
	assert_true(in_span_at("sat 22:00-06:00", spring + 2 * HOUR));
	assert_false(in_span_at("sat 22:00-06:00", spring + 3 * HOUR));
	/* The hour from two to three is there twice, and both count. */
	assert_true(in_span_at("sun 02:00-03:00", autumn - 1));
	assert_true(in_span_at("sun 02:00-03:00", autumn));
	assert_false(in_span_at("sun 02:00-03:00", autumn + HOUR));
	assert_true(in_span_at("sat 22:00-06:00", autumn + 4 * HOUR - 1));
	assert_false(in_span_at("sat 22:00-06:00", autumn + 4 * HOUR));
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	tzset();
}

static void
test_timespan_faults(void **state)
{
	static const char *const bad[] = {
	    "",
	    "-",
	    "monday",
	    "mon-",
	    "mon-xyz",
	    "mon -fri",
	    "mon,fri",
	    "8:00-18:00",
	    "08:00",
	    "08:00-",
	    "08:00-18",
	    "08:00-18:60",
	    "08:00-24:01",
	    "24:00-08:00",
	    "25:00-26:00",
	    "08:00-08:00",
	    "08:00-18:00 mon",
	    "mon 08:00-18:00x",
	    "08.00-18.00",
	};
	struct timespan span;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(timespan_parse(bad[i], &span));
}

/* A session that fits everything below. */
static const char *const groups[] = {"staff", "Card Users"};

static struct policy_subject
subject(void)
{
	struct policy_subject s = {.user = "alice@example.org",
	                           .groups = groups,
	                           .group_count = 2,
	                           .client_addr = "192.0.2.7",
	                           .client_name = "KIOSK-7",
	                           .target = "desk"};

	s.when = local_time("2026-11-23 09:00");
	return s;
}

static void
test_each_key(void **state)
{
	static const struct {
		const char *line;
		const char *misfit; /* NULL: it fits */
	} cases[] = {
	    {"match_user = alice@example.org", NULL},
	    {"match_user = bob | ALICE@*", NULL},
	    {"match_user = alice", "match_user"},
	    {"match_user = alice@example.or?", NULL},
	    {"match_group = staff", NULL},
	    {"match_group = none | card users", NULL},
	    {"match_group = card*", NULL},
	    {"match_group = sta", "match_group"},
	    {"match_client = 10.0.0.0/8 | 192.0.2.0/24", NULL},
	    {"match_client = 10.0.0.0/8", "match_client"},
	    {"match_client_name = kiosk-*", NULL},
	    {"match_client_name = kiosk", "match_client_name"},
	    {"match_target = lab | desk", NULL},
	    {"match_target = lab", "match_target"},
	    {"match_time = tue | mon 08:00-10:00", NULL},
	    {"match_time = sat-sun", "match_time"},
	    {"match_user = *\nmatch_target = desk", NULL},
	    {"match_target = lab\nmatch_user = bob", "match_user"},
	    {"match_user = *\nmatch_target = lab", "match_target"},
	};
	struct policy_subject s = subject();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[256];
		struct config *c;
		const char *misfit;

		(void)snprintf(text, sizeof(text),
		               "[policy named]\n[policy x]\n%s\n",
		               cases[i].line);
		c = parse(text);
		misfit = policy_misfit(&c->policies.items[1], &s);
		if (cases[i].misfit == NULL)
			assert_null(misfit);
		else
			assert_string_equal(misfit, cases[i].misfit);
		config_free(c);
	}
}

/* What is not known fits nothing that asks for it. */
static void
test_unknown(void **state)
{
	static const char text[] = "[policy named]\n"
				   "[policy u]\nmatch_user = *\n"
				   "[policy g]\nmatch_group = *\n"
				   "[policy c]\nmatch_client = ::/0\n"
				   "[policy n]\nmatch_client_name = *\n"
				   "[policy t]\nmatch_target = *\n";
	struct config *c = parse(text);
	struct policy_subject s = {.target = NULL};

	(void)state;
	for (size_t i = 1; i < c->policies.count; i++)
		assert_non_null(policy_misfit(&c->policies.items[i], &s));
	s = subject();
	s.user = NULL;
	assert_non_null(policy_misfit(&c->policies.items[1], &s));
	assert_non_null(policy_misfit(&c->policies.items[2], &s));
	config_free(c);
}

static const char *
select_for(const struct config *c, const char *target,
           const struct policy_subject *s, enum policy_choice *choice)
{
	return policy_select(&c->policies, config_target(c, target)->policy, s,
	                     choice)
	    ->certprop.name;
}

static void
test_order(void **state)
{
	static const char text[] = "[policy named]\n"
				   "[policy default]\nCertPropEnabled = 0\n"
				   "[policy none]\n"
				   "[policy one]\nmatch_user = alice*\n"
				   "[policy two]\nmatch_user = *\n"
				   "[policy three]\nmatch_client = 0.0.0.0/0\n";
	struct config *c = parse(text);
	struct policy_subject s = subject();
	enum policy_choice choice;

	(void)state;
	assert_string_equal(select_for(c, "desk", &s, &choice), "one");
	assert_int_equal(choice, POLICY_MATCHED);
	s.user = "bob";
	assert_string_equal(select_for(c, "desk", &s, &choice), "two");
	s.user = NULL;
	assert_string_equal(select_for(c, "desk", &s, &choice), "three");
	s.client_addr = "::1";
	assert_string_equal(select_for(c, "desk", &s, &choice), "default");
	assert_int_equal(choice, POLICY_DEFAULT);
	s = subject();
	assert_string_equal(select_for(c, "lab", &s, &choice), "named");
	assert_int_equal(choice, POLICY_NAMED);
	config_free(c);
}

static void
test_builtin(void **state)
{
	struct config *c =
	    parse("[policy named]\n[policy x]\nmatch_user = bob\n");
	struct policy_subject s = subject();
	enum policy_choice choice;
	const struct policy *p = policy_select(&c->policies, NULL, &s, &choice);

	(void)state;
	assert_ptr_equal(p, &c->policies.builtin);
	assert_int_equal(choice, POLICY_DEFAULT);
	assert_true(p->certprop.propagate);
	assert_true(p->certprop.redirect);
	assert_false(policy_list_asks_groups(&c->policies));
	assert_false(policy_list_asks_time(&c->policies));
	config_free(c);
	c = parse("[policy named]\nmatch_group = a\nmatch_time = mon\n");
	assert_true(policy_list_asks_groups(&c->policies));
	assert_true(policy_list_asks_time(&c->policies));
	config_free(c);
}

static void
test_lists(void **state)
{
	struct policy_words words = {.count = 0};
	struct policy policy;
	char text[256] = "a";
	char word[300];

	(void)state;
	for (size_t i = 1; i < POLICY_WORDS_MAX; i++)
		(void)strcat(text, "|a");
	policy_init(&policy, "x");
	assert_null(policy_take_globs(&policy.match.users, text));
	assert_int_equal(policy.match.users.count, POLICY_WORDS_MAX);
	policy_clear(&policy);
	(void)strcat(text, "|a");
	assert_non_null(policy_take_globs(&policy.match.users, text));
	policy_clear(&policy);
	memset(word, 'w', sizeof(word));
	word[256] = '\0';
	assert_non_null(policy_take_globs(&words, word));
	word[255] = '\0';
	assert_null(policy_take_globs(&words, word));
	assert_int_equal(words.count, 1);
	free(words.text[0]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_subnet),
	    cmocka_unit_test(test_subnet_mapped),
	    cmocka_unit_test(test_subnet_faults),
	    cmocka_unit_test(test_timespan),
	    cmocka_unit_test(test_timespan_midnight),
	    cmocka_unit_test(test_timespan_clock_change),
	    cmocka_unit_test(test_timespan_faults),
	    cmocka_unit_test(test_each_key),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_builtin),
	    cmocka_unit_test(test_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
