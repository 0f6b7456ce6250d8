/* Accounts of the host are looked up in a process that may die. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "accountbed.h"

struct bed {
	enum account_presence presence;
	bool looked;
	struct event_base *base;
	struct account *account;
	unsigned changes;
	char last[64];
};

static void
on_change(void *arg, const char *user)
{
	struct bed *bed = arg;

	bed->changes++;
	(void)snprintf(bed->last, sizeof(bed->last), "%s", user);
	(void)event_base_loopbreak(bed->base);
}

static void
on_look(void *arg, const char *user, uid_t uid, enum account_presence presence)
{
	struct bed *bed = arg;

	(void)uid;
	bed->looked = true;
	bed->presence = presence;
	(void)snprintf(bed->last, sizeof(bed->last), "%s", user);
}

static int
bed_make(void **state)
{
	static const struct account_ops ops = {on_change, on_look};
	struct bed *bed = calloc(1, sizeof(*bed));
	const char *file = accountbed_init();

	bed->base = event_base_new();
	bed->account = account_new(bed->base, file, &ops, bed);
	*state = bed;
	return bed->account != NULL ? 0 : -1;
}

static int
bed_remove(void **state)
{
	struct bed *bed = *state;

	account_free(bed->account);
	accountbed_clear();
	event_base_free(bed->base);
	free(bed);
	return 0;
}

/* Run the loop until a key's user id changes; the process answers or dies. */
static void
await(struct bed *bed)
{
	unsigned before = bed->changes;

	while (bed->changes == before)
		assert_int_equal(event_base_loop(bed->base, EVLOOP_ONCE), 0);
}

static void
test_known_user(void **state)
{
	struct bed *bed = *state;

	/* Nothing blocks: the first answer is that nothing is known yet. */
	assert_int_equal(account_find(bed->account, "daemon"), ACCOUNT_NONE);
	await(bed);
	assert_string_equal(bed->last, "daemon");
	assert_int_equal(account_find(bed->account, "daemon"), 1);
	assert_int_equal(bed->changes, 1);
}

/* A name in a domain is not the name alone. */
static void
test_user_of_a_domain_is_somebody_else(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(account_find(bed->account, "daemon@x.test"),
	                 ACCOUNT_NONE);
	assert_int_equal(account_find(bed->account, "root"), ACCOUNT_NONE);
	await(bed); /* answers come in the order of the questions */
	assert_string_equal(bed->last, "root");
	assert_int_equal(account_find(bed->account, "root"), 0);
	assert_int_equal(account_find(bed->account, "daemon@x.test"),
	                 ACCOUNT_NONE);
}

static void
test_no_name(void **state)
{
	struct bed *bed = *state;
	char name[ACCOUNT_NAME_MAX + 1];

	memset(name, 'a', sizeof(name));
	name[ACCOUNT_NAME_MAX] = '\0';
	assert_int_equal(account_find(bed->account, ""), ACCOUNT_NONE);
	assert_int_equal(account_find(bed->account, name), ACCOUNT_NONE);
}

/* The only child of this test. */
static pid_t
find_process(void)
{
	char path[64];
	pid_t pid = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%d/children",
	               (int)getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	(void)fclose(f);
	return pid;
}

static void
test_process_that_died_is_replaced(void **state)
{
	struct bed *bed = *state;

	(void)account_find(bed->account, "daemon");
	await(bed);
	assert_int_equal(kill(find_process(), SIGKILL), 0);
	/* Its end is seen, or the next question finds it. */
	assert_int_equal(event_base_loop(bed->base, EVLOOP_ONCE), 0);
	(void)account_find(bed->account, "root");
	await(bed);
	assert_int_equal(account_find(bed->account, "root"), 0);
}

static enum account_presence
look(struct bed *bed, const char *user, uid_t uid)
{
	bed->looked = false;
	assert_true(account_look(bed->account, user, uid));
	assert_int_equal(account_looks(bed->account), 1);
	while (!bed->looked)
		assert_int_equal(event_base_loop(bed->base, EVLOOP_ONCE), 0);
	assert_int_equal(account_looks(bed->account), 0);
	return bed->presence;
}

static void
test_gone_is_what_the_file_has_no_more(void **state)
{
	struct bed *bed = *state;

	accountbed_add("ann", 54001);
	assert_int_equal(look(bed, "ann", 54001), ACCOUNT_THERE);
	assert_string_equal(bed->last, "ann");
	/* Another account of the name: the old one is no more. */
	assert_int_equal(look(bed, "ann", 54002), ACCOUNT_GONE);
	accountbed_remove("ann");
	assert_int_equal(look(bed, "ann", 54001), ACCOUNT_GONE);
	/* It has another name now. */
	accountbed_add("anna", 54001);
	assert_int_equal(look(bed, "ann", 54001), ACCOUNT_UNCLEAR);
}

static void
test_outage_is_no_removal(void **state)
{
	struct bed *bed = *state;

	accountbed_add("ann", 54001);
	(void)account_find(bed->account, "ann");
	await(bed);
	assert_true(account_is_own(bed->account, "ann"));
	accountbed_remove("ann");
	accountbed_break("ann");
	assert_int_equal(look(bed, "ann", 54001), ACCOUNT_UNCLEAR);
	assert_int_equal(account_find(bed->account, "ann"), 54001);
	accountbed_break(NULL);
	assert_int_equal(look(bed, "ann", 54001), ACCOUNT_GONE);
	/* Without the file nobody is gone. */
	accountbed_unlink();
	assert_int_equal(look(bed, "nobody-at-all", 54001), ACCOUNT_UNCLEAR);
	/* A directory's account is none of the host's own. */
	(void)account_find(bed->account, "daemon");
	await(bed);
	assert_int_equal(account_find(bed->account, "daemon"), 1);
	assert_false(account_is_own(bed->account, "daemon"));
}

static void
test_look_that_is_lost_is_told(void **state)
{
	struct bed *bed = *state;

	assert_int_equal(look(bed, "daemon", 1), ACCOUNT_THERE);
	pid_t pid = find_process();

	assert_int_equal(kill(pid, SIGSTOP), 0);
	bed->looked = false;
	assert_true(account_look(bed->account, "daemon", 1));
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (!bed->looked)
		assert_int_equal(event_base_loop(bed->base, EVLOOP_ONCE), 0);
	assert_int_equal(bed->presence, ACCOUNT_UNCLEAR);
	assert_int_equal(account_looks(bed->account), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_known_user, bed_make,
	                                    bed_remove),
	    cmocka_unit_test_setup_teardown(
		test_user_of_a_domain_is_somebody_else, bed_make, bed_remove),
	    cmocka_unit_test_setup_teardown(test_no_name, bed_make, bed_remove),
	    cmocka_unit_test_setup_teardown(test_process_that_died_is_replaced,
	                                    bed_make, bed_remove),
	    cmocka_unit_test_setup_teardown(
		test_gone_is_what_the_file_has_no_more, bed_make, bed_remove),
	    cmocka_unit_test_setup_teardown(test_outage_is_no_removal, bed_make,
	                                    bed_remove),
	    cmocka_unit_test_setup_teardown(test_look_that_is_lost_is_told,
	                                    bed_make, bed_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
