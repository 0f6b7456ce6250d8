/*
 * The path that stays for a user: it leads to the log-on he has now, and to
 * none but his.
 */
#include "userlink.h"

#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ONE "0123456789abcdef0123456789abcdef"
#define TWO "fedcba9876543210fedcba9876543210"

static char dir[32];
static int run_dirfd;

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/userlink.XXXXXX");
	assert_non_null(mkdtemp(dir));
	run_dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(run_dirfd >= 0);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)close(run_dirfd);
	return scratch_remove(dir);
}

static void
test_leads(void **state)
{
	char id[VIEW_ID_TEXT_LEN + 1];
	char target[64] = "";

	(void)state;
	assert_false(userlink_get(run_dirfd, 1000, id));
	assert_int_equal(userlink_set(run_dirfd, 1000, ONE), VIEW_OK);
	assert_true(userlink_get(run_dirfd, 1000, id));
	assert_string_equal(id, ONE);
	assert_true(
	    readlinkat(run_dirfd, "user/1000", target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "../session/" ONE);
	assert_int_equal(userlink_set(run_dirfd, 1000, TWO), VIEW_OK);
	assert_true(userlink_get(run_dirfd, 1000, id));
	assert_string_equal(id, TWO);
	assert_false(userlink_get(run_dirfd, 1001, id));
}

/* Who ends takes only what leads to him. */
static void
test_clear(void **state)
{
	char id[VIEW_ID_TEXT_LEN + 1];

	(void)state;
	userlink_clear(run_dirfd, 1000, ONE);
	assert_int_equal(userlink_set(run_dirfd, 1000, TWO), VIEW_OK);
	userlink_clear(run_dirfd, 1000, ONE);
	assert_true(userlink_get(run_dirfd, 1000, id));
	userlink_clear(run_dirfd, 1000, TWO);
	assert_false(userlink_get(run_dirfd, 1000, id));
}

/* What is no link of ours is replaced, and leads nobody anywhere. */
static void
test_foreign(void **state)
{
	char id[VIEW_ID_TEXT_LEN + 1];

	(void)state;
	assert_int_equal(mkdirat(run_dirfd, "user", 0700), 0);
	assert_int_equal(symlinkat("/etc", run_dirfd, "user/1000"), 0);
	assert_false(userlink_get(run_dirfd, 1000, id));
	assert_int_equal(userlink_set(run_dirfd, 1000, ONE), VIEW_OK);
	assert_true(userlink_get(run_dirfd, 1000, id));
}

static bool
is_one(const char *id, void *arg)
{
	(void)arg;
	return strcmp(id, ONE) == 0;
}

static void
on_link(uid_t user, const char *id, void *arg)
{
	char(*seen)[128] = arg;
	char line[64];

	(void)snprintf(line, sizeof(line), "%lu=%.4s ", (unsigned long)user,
	               id);
	(void)strncat(*seen, line, sizeof(*seen) - strlen(*seen) - 1);
}

/* What is none of ours is passed over. */
static void
test_each(void **state)
{
	char seen[128] = "";

	(void)state;
	userlink_each(run_dirfd, on_link, &seen);
	assert_string_equal(seen, "");
	assert_int_equal(userlink_set(run_dirfd, 1000, ONE), VIEW_OK);
	assert_int_equal(symlinkat("../session/" ONE, run_dirfd, "user/01000"),
	                 0);
	assert_int_equal(symlinkat("../session/" ONE, run_dirfd, "user/-1"), 0);
	assert_int_equal(symlinkat("/etc", run_dirfd, "user/1002"), 0);
	userlink_each(run_dirfd, on_link, &seen);
	assert_string_equal(seen, "1000=0123 ");
	assert_int_equal(userlink_set(run_dirfd, 1001, TWO), VIEW_OK);
	seen[0] = '\0';
	userlink_each(run_dirfd, on_link, &seen);
	assert_int_equal(strlen(seen), strlen("1000=0123 1001=fedc "));
	assert_non_null(strstr(seen, "1001=fedc "));
}

static void
test_prune(void **state)
{
	char id[VIEW_ID_TEXT_LEN + 1];

	(void)state;
	userlink_prune(run_dirfd, is_one, NULL);
	assert_int_equal(userlink_set(run_dirfd, 1000, ONE), VIEW_OK);
	assert_int_equal(userlink_set(run_dirfd, 1001, TWO), VIEW_OK);
	assert_int_equal(symlinkat("/etc", run_dirfd, "user/1002"), 0);
	userlink_prune(run_dirfd, is_one, NULL);
	assert_true(userlink_get(run_dirfd, 1000, id));
	assert_false(userlink_get(run_dirfd, 1001, id));
	assert_int_equal(
	    faccessat(run_dirfd, "user/1002", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

#define LINK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    LINK(test_leads), LINK(test_clear), LINK(test_foreign),
	    LINK(test_each),  LINK(test_prune),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
