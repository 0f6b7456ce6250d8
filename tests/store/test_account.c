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

struct bed {
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

static int
bed_make(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	bed->base = event_base_new();
	bed->account = account_new(bed->base, on_change, bed);
	*state = bed;
	return bed->account != NULL ? 0 : -1;
}

static int
bed_remove(void **state)
{
	struct bed *bed = *state;

	account_free(bed->account);
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
