/*
 * The acceptance list of certificate propagation, where the keeper decides:
 * each cell of the cleanup table, and the log-ons that outlive their
 * connections.  The cell "user account removed" has no event here: nobody tells
 * the keeper that an account is gone.
 */
#include "accept.h"
#include "logonbed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The events of the cleanup table.  Each begins with a log-on of session 1
 * whose card is inserted; what is open afterwards is closed by the keeper's
 * end.
 */
static void
on_withdrawal(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	logonbed_withdraw(session, 2, cleanup);
}

static void
on_disconnect(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	logonbed_end(session, KEEP_END_DISCONNECT, 0, 0);
}

/* Within the grace, and without the card: it is missed at SYNCED. */
static void
on_reconnect(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)cleanup;
	logonbed_end(session, KEEP_END_DISCONNECT, 600, 0);
	session = logonbed_log_on(bed, 2, "alice", "rdp:7");
	logonbed_sync_all(session, 1);
}

static void
on_logoff(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	logonbed_end(session, KEEP_END_LOGOFF, 0, 0);
}

static void
on_user_gone(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	logonbed_user_named(session, "", "");
	logonbed_sync_all(session, 2);
}

static void
on_host_logoff(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)session;
	(void)cleanup;
	logonbed_host_logs_off(bed, "rdp:7");
}

static void
on_host_logoff_detached(struct keeperbed *bed, int session,
                        enum keep_cleanup cleanup)
{
	(void)cleanup;
	logonbed_end(session, KEEP_END_DISCONNECT, 600, 0);
	logonbed_host_logs_off(bed, "rdp:7");
}

static void
on_age(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	logonbed_end(session, KEEP_END_DISCONNECT, 600, 1);
}

static void
on_crash(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	(void)close(session);
}

static void
on_keeper_killed(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)cleanup;
	logonbed_end(session, KEEP_END_DISCONNECT, 0, 0);
	/* An answer of another says that all of it is written. */
	session = keeperbed_attach(bed, 9, false);
	logonbed_sync_all(session, 1);
	keeperbed_kill(bed);
	(void)close(session);
	keeperbed_start(bed);
	keeperbed_attached_all(bed);
}

static void
on_new_gate(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	bed->config.boot_id = "22222222222222222222222222222222";
	on_keeper_killed(bed, session, cleanup);
}

static void
on_session_lost(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)cleanup;
	keeperbed_kill(bed);
	(void)close(session);
	keeperbed_start(bed);
	keeperbed_attached_all(bed);
}

enum {
	WITHDRAWAL,
	DISCONNECT,
	RECONNECT,
	KEEPER_KILLED,
	LOG_OFF,
	USER_GONE,
	HOST_LOG_OFF,
	HOST_LOG_OFF_DETACHED,
	AGE,
	CRASH,
	NEW_GATE,
	SESSION_LOST
};

/* Anchors in the view afterwards, -1: there is no view; rows that are kept. */
// clang-format off
static struct cell {
	const char *name;
	void (*event)(struct keeperbed *bed, int session,
	              enum keep_cleanup cleanup);
	int anchors[3]; /* by option */
	bool ends;      /* the log-on: with option 0 the row is kept */
} cells[] = {
	[WITHDRAWAL] = { "withdrawal",           on_withdrawal,           {  1,  0,  1 }, false },
	[DISCONNECT] = { "disconnect",           on_disconnect,           {  1,  0,  1 }, false },
	[RECONNECT] = { "reconnect",            on_reconnect,            {  1,  0,  1 }, false },
	[KEEPER_KILLED] = { "keeper killed",        on_keeper_killed,        {  1,  0,  1 }, false },
	[LOG_OFF] = { "log-off",              on_logoff,               { -1, -1, -1 }, true  },
	[USER_GONE] = { "user gone",            on_user_gone,            { -1, -1, -1 }, true  },
	[HOST_LOG_OFF] = { "host's log-off",       on_host_logoff,          { -1, -1, -1 }, true  },
	[HOST_LOG_OFF_DETACHED] = { "the same, detached",   on_host_logoff_detached, { -1, -1, -1 }, true  },
	[AGE] = { "age",                  on_age,                  { -1, -1, -1 }, true  },
	[CRASH] = { "crash",                on_crash,                { -1, -1, -1 }, true  },
	[NEW_GATE] = { "new gate",             on_new_gate,             { -1, -1, -1 }, true  },
	[SESSION_LOST] = { "session lost",         on_session_lost,         { -1, -1, -1 }, true  },
};
// clang-format on

static void
play(const struct cell *cell, enum keep_cleanup cleanup)
{
	struct keeperbed bed;

	print_message("%s, option %d\n", cell->name, cleanup);
	keeperbed_init(&bed);
	bed.config.boot_id = "11111111111111111111111111111111";
	keeperbed_user_cleanup(cleanup);
	keeperbed_start(&bed);
	keeperbed_attached_all(&bed);
	int session = logonbed_log_on(&bed, 1, "alice", "rdp:7");

	assert_true(logonbed_insert(session, 1, cleanup).ok);
	cell->event(&bed, session, cleanup);
	assert_true(
	    keeperbed_wait_files(&bed, 1, "anchors", cell->anchors[cleanup]));
	if (!cell->ends)
		assert_true(keeperbed_wait_files(
		    &bed, 1, "personal",
		    cleanup == KEEP_CLEANUP_REMOVAL ? 0 : LOGONBED_FILES));
	keeperbed_kill(&bed);
	if (cell->ends) {
		assert_int_equal(
		    logonbed_ask(&bed, "SELECT count(*) FROM claim"),
		    cleanup == KEEP_CLEANUP_NONE ? 1 : 0);
		assert_int_equal(
		    logonbed_ask(&bed,
		                 "SELECT count(*) FROM claim WHERE kept = 1"),
		    cleanup == KEEP_CLEANUP_NONE ? 1 : 0);
		assert_int_equal(
		    logonbed_ask(&bed,
		                 "SELECT count(*) FROM entry WHERE store = 1"),
		    cleanup == KEEP_CLEANUP_NONE ? 1 : 0);
	}
	keeperbed_clear(&bed);
}

static void
test_cell(void **state)
{
	for (int option = 0; option <= 2; option++)
		play(*state, (enum keep_cleanup)option);
}

static void
test_one_root_of_two_readers(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = logonbed_log_on(bed, 1, "alice", "");

	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	keeperbed_begin(session, 2, LOGONBED_CARD, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_ANCHOR, LOGONBED_ROOT);
	assert_true(keeperbed_commit(session, 2).ok);
	logonbed_withdraw(session, 3, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	logonbed_release(session, 4, 2);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

/* One card in the sessions of two users, which is handed over. */
static void
test_withdrawal_in_one_session(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int one = logonbed_log_on(bed, 1, "alice", "rdp:1");
	int two = logonbed_log_on(bed, 2, "bob", "rdp:1");

	assert_true(logonbed_insert(one, 1, KEEP_CLEANUP_REMOVAL).ok);
	assert_true(logonbed_insert(two, 1, KEEP_CLEANUP_REMOVAL).ok);
	logonbed_withdraw(one, 2, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), 1);
	logonbed_end(one, KEEP_END_LOGOFF, 0, 0);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), 1);
	keeperbed_kill(bed);
	assert_int_equal(
	    logonbed_ask(bed, "SELECT count(*) FROM claim WHERE kind = 3"), 1);
}

static void
test_anchor_is_of_its_session(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int one = logonbed_log_on(bed, 1, "alice", "rdp:1");
	int two = logonbed_log_on(bed, 2, "bob", "rdp:2");
	int same = logonbed_log_on(bed, 3, "alice", "rdp:3");

	assert_true(logonbed_insert(one, 1, KEEP_CLEANUP_LOGOFF).ok);
	logonbed_sync_all(two, 1);
	logonbed_sync_all(same, 1);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), 0);
	assert_int_equal(keeperbed_files(bed, 3, "anchors"), 0);
	keeperbed_kill(bed);
	assert_int_equal(
	    logonbed_ask(
		bed, "SELECT count(DISTINCT scope) FROM claim WHERE kind = 3"),
	    1);
}

/* What the host trusts already is on record, and in no view at any time. */
static void
test_record_of_the_host(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	for (uint8_t option = 0; option <= 2; option++) {
		uint8_t number = (uint8_t)(option + 1);
		int session = logonbed_log_on(bed, number, "alice", "");

		keeperbed_begin(session, 1, LOGONBED_CARD,
		                (enum keep_cleanup)option);
		keeperbed_cert(session, KEEP_PREEXISTING, LOGONBED_ROOT);
		assert_true(keeperbed_commit(session, 1).ok);
		assert_int_equal(keeperbed_files(bed, number, "anchors"), 0);
		logonbed_withdraw(session, 2, (enum keep_cleanup)option);
		assert_int_equal(keeperbed_files(bed, number, "anchors"), 0);
		logonbed_end(session, KEEP_END_LOGOFF, 0, 0);
		assert_true(keeperbed_wait_files(bed, number, "anchors", -1));
	}
	keeperbed_kill(bed);
	assert_int_equal(
	    logonbed_ask(bed, "SELECT count(*) FROM claim WHERE kind <> 5"), 0);
}

/*
 * Before anybody is known nothing goes into a Personal store, and nothing is
 * left to resume.  (That a session reads no card then is the machine's part.)
 */
static void
test_nobody(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = logonbed_log_on(bed, 1, "", "");

	assert_int_equal(
	    logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF).refused, 2);
	logonbed_end(session, KEEP_END_DISCONNECT, 600, 0);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	keeperbed_kill(bed);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM claim"), 0);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM entry"), 0);
}

/*
 * The states of a log-on, as far as the keeper decides them: nobody, watching,
 * detached and back, detached and ended; a channel that comes before the user,
 * and a connection that outlives its user.
 */
static void
test_states(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = logonbed_log_on(bed, 1, "", "");

	logonbed_user_named(session, "alice",
	                    "rdp:7"); /* PRELOGON -> WATCHING */
	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	for (uint8_t number = 2; number <= 4; number++) {
		logonbed_end(session, KEEP_END_DISCONNECT, 0,
		             0); /* -> DETACHED */
		assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
		session = logonbed_log_on(bed, number, "", "");
		logonbed_user_named(session, "alice",
		                    "rdp:7"); /* -> WATCHING */
		logonbed_sync_all(session, 1);
		assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
		assert_int_equal(keeperbed_files(bed, number, "anchors"), -1);
	}
	logonbed_user_named(session, "", ""); /* WATCHING -> ENDING */
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	logonbed_user_named(session, "bob", "rdp:8"); /* and another log-on */
	assert_true(logonbed_insert(session, 2, KEEP_CLEANUP_LOGOFF).ok);
	logonbed_end(session, KEEP_END_DISCONNECT, 0, 0);
	logonbed_host_logs_off(bed, "rdp:8"); /* DETACHED -> ENDING */
	session = logonbed_log_on(bed, 9, "bob", "rdp:8");
	logonbed_sync_all(session, 1);
	assert_int_equal(keeperbed_files(bed, 9, "anchors"), 0);
	keeperbed_kill(bed);
	assert_int_equal(
	    logonbed_ask(bed, "SELECT count(*) FROM claim WHERE kept = 0"), 0);
}

static void
test_grace_ends(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = logonbed_log_on(bed, 1, "alice", "");

	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	logonbed_end(session, KEEP_END_DISCONNECT, 1, 0);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", 0));
	assert_int_equal(keeperbed_files(bed, 1, "personal"), LOGONBED_FILES);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), -1);
}

/* The other client's card is another: the old root goes, its own comes. */
static void
test_resumed_from_another_client(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = logonbed_log_on(bed, 1, "alice", "");

	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	logonbed_end(session, KEEP_END_DISCONNECT, 600, 0);
	session = logonbed_log_on(bed, 2, "alice", "rdp:7");
	keeperbed_begin(session, 1, 0xc2, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_ANCHOR, 21);
	assert_true(keeperbed_commit(session, 1).ok);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 2);
	logonbed_sync_all(session, 2);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), -1);
	(void)close(session);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM session"), 1);
}

static void
test_same_card_again_is_refreshed(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	for (uint8_t number = 1; number <= 4; number++) {
		int session = logonbed_log_on(bed, number, "alice", "rdp:7");
		struct keep_ack ack =
		    logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF);

		assert_int_equal(ack.added, number == 1 ? 2 : 0);
		logonbed_sync_all(session, 2);
		logonbed_end(session, KEEP_END_DISCONNECT, 0, 0);
	}
	assert_true(keeperbed_wait_files(bed, 1, "anchors", 1));
	keeperbed_kill(bed);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM claim"), 2);
}

/* Two log-ons of one user with one card: each backs its own. */
static void
test_other_log_on_keeps_the_entry(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_user_cleanup(KEEP_CLEANUP_REMOVAL);
	keeperbed_start(bed);
	int one = logonbed_log_on(bed, 1, "alice", "rdp:1");
	int two = logonbed_log_on(bed, 2, "alice", "rdp:2");

	assert_true(logonbed_insert(one, 1, KEEP_CLEANUP_REMOVAL).ok);
	assert_true(logonbed_insert(two, 1, KEEP_CLEANUP_REMOVAL).ok);
	logonbed_withdraw(one, 2, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), LOGONBED_FILES);
	logonbed_end(one, KEEP_END_LOGOFF, 0, 0);
	assert_true(keeperbed_wait_files(bed, 1, "personal", -1));
	assert_int_equal(keeperbed_files(bed, 2, "personal"), LOGONBED_FILES);
	(void)close(two);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(logonbed_ask(bed, "SELECT count(*) FROM entry"), 0);
}

#define BED(number, test) ACCEPT(number, test, logonbed_new, keeperbed_free)
#define CELL(number, row)                                                      \
	{                                                                      \
		number " " #row, test_cell, NULL, NULL, &cells[row]            \
	}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    CELL("certprop-01-store", LOG_OFF),
	    CELL("certprop-04-store", WITHDRAWAL),
	    CELL("certprop-04-store", DISCONNECT),
	    CELL("certprop-04-store", RECONNECT),
	    CELL("certprop-04-store", LOG_OFF),
	    CELL("certprop-04-store", USER_GONE),
	    CELL("certprop-04-store", HOST_LOG_OFF),
	    CELL("certprop-04-store", HOST_LOG_OFF_DETACHED),
	    CELL("certprop-04-store", AGE),
	    BED("certprop-22-store", test_nobody),
	    CELL("certprop-23-store", WITHDRAWAL),
	    BED("certprop-24-store", test_one_root_of_two_readers),
	    BED("certprop-25-store", test_withdrawal_in_one_session),
	    BED("certprop-26-store", test_other_log_on_keeps_the_entry),
	    CELL("certprop-27-store", DISCONNECT),
	    CELL("certprop-27-store", RECONNECT),
	    BED("certprop-27-store", test_grace_ends),
	    BED("certprop-27-store", test_resumed_from_another_client),
	    BED("certprop-27-store", test_same_card_again_is_refreshed),
	    CELL("certprop-28-store", KEEPER_KILLED),
	    CELL("certprop-28-store", CRASH),
	    CELL("certprop-28-store", NEW_GATE),
	    CELL("certprop-28-store", SESSION_LOST),
	    BED("certprop-30-store", test_record_of_the_host),
	    BED("certprop-33-store", test_anchor_is_of_its_session),
	    BED("certprop-states-store", test_states),
	};

	accept_only(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
