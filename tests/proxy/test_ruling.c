/* Which policy is in force: for a user, for his groups, and after a reload. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "groups.h"
#include "ruling.h"

static const char head[] = "[listen]\naddress = 127.0.0.1\n";
static const char desk[] = "[target desk]\naddress = a\n";

static struct event_base *base;
static struct config *config;
static struct ruling *ruling;
static char in_force[64]; /* what on_changed gave last */
static int changed;
static int settled;

static struct config *
parse(const char *target, const char *policies)
{
	struct config_faults faults = {0};
	char text[2048];
	struct config *c;

	(void)snprintf(text, sizeof(text), "%s%s%s", head, target, policies);
	c = config_parse(wire_view_text(text), "F", &faults);
	if (c == NULL)
		print_error("%s\n", faults.text[0]);
	config_faults_clear(&faults);
	assert_non_null(c);
	return c;
}

static void
on_changed(void *arg, const struct policy *policy)
{
	assert_ptr_equal(arg, &changed);
	(void)snprintf(in_force, sizeof(in_force), "%s", policy->certprop.name);
	changed++;
}

static void
on_settled(void *arg)
{
	assert_ptr_equal(arg, &changed);
	settled++;
	(void)event_base_loopbreak(base);
}

static const struct ruling_ops ops = {on_changed, on_settled};

static void
begin(const char *policies)
{
	struct ruling_start start = {.client_addr = "192.0.2.7",
	                             .client_name = "PC"};

	base = event_base_new();
	config = parse(desk, policies);
	start.base = base;
	start.config = config;
	start.target = config_target(config, "desk");
	changed = 0;
	settled = 0;
	ruling = ruling_new(&start, &ops, &changed);
	assert_non_null(ruling);
}

static void
end(void)
{
	ruling_free(ruling);
	config_free(config);
	event_base_free(base);
}

static const char *
now(void)
{
	return ruling_policy(ruling)->certprop.name;
}

/* Where no section asks for groups, the user settles it at once. */
static void
test_user(void **state)
{
	(void)state;
	begin("[policy a]\nmatch_user = alice\n"
	      "[policy b]\nmatch_client = 192.0.2.0/24\n");
	assert_string_equal(now(), "b");
	ruling_identify(ruling, "alice");
	assert_int_equal(settled, 1);
	assert_int_equal(changed, 1);
	assert_string_equal(in_force, "a");
	/* The user of a session stays. */
	ruling_identify(ruling, "bob");
	assert_string_equal(now(), "a");
	assert_int_equal(settled, 1);
	end();
	begin("");
	ruling_identify(ruling, "alice");
	assert_int_equal(settled, 1);
	assert_int_equal(changed, 0);
	end();
}

/* The name service knows root wherever this runs. */
/* The one who was named first was not the user. */
static void
test_another_user(void **state)
{
	(void)state;
	begin("[policy hers]\nmatch_user = alice\n"
	      "[policy his]\nmatch_user = bob\n");
	ruling_identify(ruling, "alice");
	assert_string_equal(in_force, "hers");
	ruling_identify(ruling, "bob"); /* not while she is there */
	assert_string_equal(in_force, "hers");
	ruling_forget(ruling);
	assert_string_equal(in_force, "default");
	assert_int_equal(settled, 1);
	ruling_identify(ruling, "bob");
	assert_string_equal(in_force, "his");
	assert_int_equal(settled, 2);
	end();
}

static void
test_groups(void **state)
{
	(void)state;
	begin("[policy a]\nmatch_group = root\n");
	assert_string_equal(now(), "default");
	ruling_identify(ruling, "root");
	assert_int_equal(settled, 0);
	(void)event_base_dispatch(base);
	assert_int_equal(settled, 1);
	assert_int_equal(changed, 1);
	assert_string_equal(now(), "a");
	end();
}

static void
test_groups_unknown(void **state)
{
	static const char *const strangers[] = {"no-such-user-here",
	                                        "root@elsewhere.example", "@",
	                                        "root@", "@root"};

	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++) {
		begin("[policy a]\nmatch_group = *\n");
		ruling_identify(ruling, strangers[i]);
		(void)event_base_dispatch(base);
		assert_int_equal(settled, 1);
		assert_string_equal(now(), "default");
		end();
	}
}

/* A session may end while the look-up is under way. */
static void
test_groups_dropped(void **state)
{
	(void)state;
	begin("[policy a]\nmatch_group = root\n");
	ruling_identify(ruling, "root");
	end();
}

static void
test_groups_too_long(void **state)
{
	char user[2048];

	(void)state;
	memset(user, 'u', sizeof(user) - 1);
	user[sizeof(user) - 1] = '\0';
	begin("[policy a]\nmatch_group = *\n");
	ruling_identify(ruling, user);
	assert_int_equal(settled, 1);
	assert_string_equal(now(), "default");
	end();
}

static void
test_reload(void **state)
{
	(void)state;
	begin("[policy a]\nmatch_client = 192.0.2.7\n");
	ruling_reload(ruling,
	              parse(desk, "[policy a]\nmatch_client = 192.0.2.7\n"
	                          "CertPropEnabled = 0\n"),
	              2);
	assert_int_equal(changed, 1);
	assert_false(ruling_policy(ruling)->certprop.propagate);
	ruling_reload(ruling,
	              parse("[target desk]\naddress = a\n"
	                    "policy = named\n",
	                    "[policy named]\n"),
	              3);
	assert_string_equal(in_force, "named");
	/* Without its target there is nobody to ask: all stays. */
	ruling_reload(ruling, parse("[target other]\naddress = a\n", ""), 4);
	assert_string_equal(now(), "named");
	assert_int_equal(changed, 2);
	ruling_reload(ruling, parse(desk, ""), 2);
	assert_string_equal(now(), "default");
	end();
}

/* A file that asks for groups, where none did before. */
static void
test_reload_groups(void **state)
{
	(void)state;
	begin("");
	ruling_identify(ruling, "root");
	assert_int_equal(settled, 1);
	ruling_reload(ruling, parse(desk, "[policy a]\nmatch_group = root\n"),
	              2);
	assert_string_equal(now(), "default");
	while (strcmp(now(), "a") != 0)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_int_equal(settled, 1);
	/* They were read once, and count for the next file too. */
	ruling_reload(ruling, parse(desk, "[policy b]\nmatch_group = r*t\n"),
	              3);
	assert_string_equal(now(), "b");
	end();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_user),
	    cmocka_unit_test(test_another_user),
	    cmocka_unit_test(test_groups),
	    cmocka_unit_test(test_groups_unknown),
	    cmocka_unit_test(test_groups_dropped),
	    cmocka_unit_test(test_groups_too_long),
	    cmocka_unit_test(test_reload),
	    cmocka_unit_test(test_reload_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
