/* What becomes of a user's rows when the account is removed, or is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "accountbed.h"
#include "logonbed.h"

enum { ALICE = 54001, BOB, CAROL, DAVE, TRIES = 300, TRY_MS = 50 };

static const char *const here[] = {"desktop", NULL};
static const char *const nowhere[] = {"elsewhere", NULL};

static int
set_up(void **state)
{
	static struct keeperbed bed;

	keeperbed_init(&bed);
	bed.config.local_targets = here;
	bed.config.account_s = 1;
	bed.config.account_file = accountbed_init();
	keeperbed_user_cleanup(KEEP_CLEANUP_NONE);
	*state = &bed;
	return 0;
}

static int
tear_down(void **state)
{
	keeperbed_clear(*state);
	accountbed_clear();
	return 0;
}

/* A count in the answer to a request; -1: it was refused. */
static int
ask(const struct keeperbed *bed, const char *line, const char *rows)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct json_object *document = NULL, *array = NULL;
	char *text = NULL;
	size_t size = 0;
	int count = -1;
	FILE *daemon;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	               bed->control);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	daemon = fdopen(fd, "r+");
	assert_non_null(daemon);
	assert_true(fputs(line, daemon) >= 0);
	assert_int_equal(fflush(daemon), 0);
	assert_true(getline(&text, &size, daemon) > 0);
	document = json_tokener_parse(text);
	if (json_object_object_get_ex(document, rows, &array))
		count = json_object_is_type(array, json_type_array)
		            ? (int)json_object_array_length(array)
		            : 1;
	(void)json_object_put(document);
	(void)fclose(daemon);
	free(text);
	return count;
}

/* A user that PAM found right, at the target of every connection here. */
static int
log_on(struct keeperbed *bed, uint8_t number, const char *user)
{
	struct keep_msg msg = {.type = KEEP_STATE};
	int session = keeperbed_attach(bed, number, false);

	msg.state.state = KEEP_WATCHING;
	msg.state.user = wire_view_text(user);
	msg.state.source = wire_view_text("pam");
	msg.state.policy = wire_view_text("default");
	msg.state.role = wire_view_text("relay");
	keeperbed_say(session, &msg);
	return session;
}

/* The link is made as the account is known: from then on it is on record. */
static void
await_known(const struct keeperbed *bed, uid_t uid)
{
	char path[160];
	int i = 0;

	(void)snprintf(path, sizeof(path), "%s/user/%u", bed->run_dir,
	               (unsigned)uid);
	while (i++ < TRIES && access(path, F_OK) != 0)
		(void)poll(NULL, 0, TRY_MS);
	assert_true(i <= TRIES);
}

static bool
await_certs(const struct keeperbed *bed, const char *line, int count)
{
	int i = 0;

	while (i++ < TRIES && ask(bed, line, "certs") != count)
		(void)poll(NULL, 0, TRY_MS);
	return i <= TRIES;
}

/* Under this option, with the log-on going on or over. */
static void
remove_account(struct keeperbed *bed, enum keep_cleanup cleanup, bool live)
{
	int alice, bob;

	accountbed_add("alice", ALICE);
	accountbed_add("bob", BOB);
	keeperbed_start(bed);
	alice = log_on(bed, 1, "alice");
	bob = log_on(bed, 2, "bob");
	assert_true(logonbed_insert(alice, 1, cleanup).ok);
	assert_true(logonbed_insert(bob, 1, cleanup).ok);
	keeperbed_attached_all(bed);
	await_known(bed, ALICE);
	await_known(bed, BOB);
	if (!live)
		logonbed_end(alice, KEEP_END_LOGOFF, 0, 0);
	assert_true(await_certs(bed, "certs alice\n", 1));
	accountbed_remove("alice");
	assert_true(await_certs(bed, "certs alice\n", 0));
	assert_int_equal(keeperbed_files(bed, 1, "certs"), -1);
	/* Somebody else has the same certificate and the same root. */
	assert_int_equal(ask(bed, "certs bob\n", "certs"), 1);
	assert_true(keeperbed_files(bed, 2, "certs") > 0);
	if (live)
		(void)close(alice);
	(void)close(bob);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(
	    logonbed_ask(bed, "SELECT count(*) FROM claim c JOIN session s ON "
	                      "s.session_id = c.session_id "
	                      "WHERE s.user_key = 'alice'"),
	    0);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM account"), 1);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM audit WHERE "
	                                   "event = 'user-forgotten'"),
	                 1);
}

static void
test_removed_under_none(void **state)
{
	remove_account(*state, KEEP_CLEANUP_NONE, true);
}

static void
test_removed_under_none_after_log_off(void **state)
{
	remove_account(*state, KEEP_CLEANUP_NONE, false);
}

static void
test_removed_under_removal(void **state)
{
	remove_account(*state, KEEP_CLEANUP_REMOVAL, true);
}

static void
test_removed_under_logoff(void **state)
{
	remove_account(*state, KEEP_CLEANUP_LOGOFF, true);
}

/*
 * Who cannot be asked about, who never was an account here, and who has another
 * name now stay, while somebody who was removed is noticed in the same passes.
 */
static void
test_others_stay(void **state)
{
	static const char *const names[] = {"alice", "bob", "carol", "dave"};
	struct keeperbed *bed = *state;
	int sessions[4];

	accountbed_add("alice", ALICE);
	accountbed_add("bob", BOB);
	accountbed_add("dave", DAVE);
	keeperbed_start(bed);
	for (uint8_t i = 0; i < 4; i++) {
		sessions[i] = log_on(bed, i + 1, names[i]);
		assert_true(
		    logonbed_insert(sessions[i], 1, KEEP_CLEANUP_LOGOFF).ok);
	}
	keeperbed_attached_all(bed);
	await_known(bed, ALICE);
	await_known(bed, BOB);
	await_known(bed, DAVE);
	accountbed_break("alice");
	accountbed_remove("alice");
	accountbed_add("davy", DAVE);
	accountbed_remove("dave");
	accountbed_remove("bob");
	assert_true(await_certs(bed, "certs bob\n", 0));
	assert_int_equal(ask(bed, "certs alice\n", "certs"), 1);
	assert_int_equal(ask(bed, "certs carol\n", "certs"), 1);
	assert_int_equal(ask(bed, "certs dave\n", "certs"), 1);
	/* The service is back, and says what it could not say before. */
	accountbed_break(NULL);
	assert_true(await_certs(bed, "certs alice\n", 0));
	assert_int_equal(ask(bed, "certs dave\n", "certs"), 1);
	for (size_t i = 0; i < 4; i++)
		(void)close(sessions[i]);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

/* Of a target elsewhere nobody is an account here, whatever the name. */
static void
test_elsewhere_is_not_here(void **state)
{
	struct keeperbed *bed = *state;
	int session;

	accountbed_add("alice", ALICE);
	bed->config.local_targets = nowhere;
	keeperbed_start(bed);
	session = log_on(bed, 1, "alice");
	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	/* An answer after the next turns: the account was looked up. */
	assert_true(logonbed_insert(session, 2, KEEP_CLEANUP_LOGOFF).ok);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM account"), 0);
}

/* A new account of the same name has nothing of the old one's. */
static void
test_another_account_of_the_name(void **state)
{
	struct keeperbed *bed = *state;
	int session;

	accountbed_add("alice", ALICE);
	keeperbed_start(bed);
	session = log_on(bed, 1, "alice");
	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_NONE).ok);
	keeperbed_attached_all(bed);
	await_known(bed, ALICE);
	logonbed_end(session, KEEP_END_LOGOFF, 0, 0);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM entry"), 2);

	accountbed_add("alice", CAROL);
	keeperbed_start(bed);
	session = log_on(bed, 2, "alice");
	keeperbed_begin(session, 1, 0xc2, KEEP_CLEANUP_NONE);
	keeperbed_cert(session, KEEP_USER, 77);
	assert_true(keeperbed_commit(session, 1).ok);
	keeperbed_attached_all(bed);
	await_known(bed, CAROL);
	assert_true(await_certs(bed, "certs alice\n", 1));
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM claim"), 0);
	assert_int_equal(logonbed_ask(bed, "SELECT uid FROM account"), CAROL);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM audit WHERE "
	                                   "event = 'user-replaced'"),
	                 1);
}

/* An administrator says so, of anybody; and pins are not the user's. */
static void
test_users_forget(void **state)
{
	struct keeperbed *bed = *state;
	int session;

	keeperbed_start(bed);
	session = log_on(bed, 1, "zoe@corp.test");
	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_NONE).ok);
	keeperbed_attached_all(bed);
	assert_int_equal(ask(bed, "certs zoe@corp.test\n", "certs"), 1);
	assert_int_equal(ask(bed, "users forget -\n", "forgotten"), -1);
	assert_int_equal(ask(bed, "users forget zoe@corp.test\n", "forgotten"),
	                 1);
	assert_int_equal(ask(bed, "certs zoe@corp.test\n", "certs"), 0);
	assert_int_equal(ask(bed, "roots\n", "roots"), 0);
	assert_int_equal(keeperbed_files(bed, 1, "certs"), -1);
	/* Once more: there is nothing left, and that is no fault. */
	assert_int_equal(ask(bed, "users forget zoe@corp.test\n", "forgotten"),
	                 1);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM entry"), 0);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM claim"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_removed_under_none),
	    TEST(test_removed_under_none_after_log_off),
	    TEST(test_removed_under_removal),
	    TEST(test_removed_under_logoff),
	    TEST(test_others_stay),
	    TEST(test_elsewhere_is_not_here),
	    TEST(test_another_account_of_the_name),
	    TEST(test_users_forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
