/*
 * Log-ons that outlive their connections: what ends with what, in every cell of
 * the cleanup table, who resumes whom, and what a keeper that was killed knows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "keeperbed.h"

/* A certificate in personal/ is two files, itself and what is known of it. */
enum { ROOT = 20, CERT = 10, CARD = 0xc1, OF_CERT = 2 };

static int
set_up(void **state)
{
	static struct keeperbed bed;

	keeperbed_init(&bed);
	keeperbed_user_cleanup(KEEP_CLEANUP_NONE);
	bed.config.boot_id = "11111111111111111111111111111111";
	*state = &bed;
	return 0;
}

static int
tear_down(void **state)
{
	keeperbed_clear(*state);
	return 0;
}

/* STATE of a user whose log-on the server calls by this name. */
static void
user_named(int session, const char *user, const char *name)
{
	struct keep_msg msg = {.type = KEEP_STATE};

	msg.state.state = user[0] != '\0' ? KEEP_WATCHING : KEEP_PRELOGON;
	msg.state.user = wire_view_text(user);
	msg.state.source = wire_view_text("claimed");
	msg.state.policy = wire_view_text("default");
	msg.state.role = wire_view_text("relay");
	msg.state.host_session = wire_view_text(name);
	keeperbed_say(session, &msg);
}

static int
log_on(struct keeperbed *bed, uint8_t number, const char *user,
       const char *name)
{
	int session = keeperbed_attach(bed, number, false);

	user_named(session, user, name);
	return session;
}

static struct keep_ack
insert(int session, uint32_t seq, enum keep_cleanup cleanup)
{
	keeperbed_begin(session, 1, CARD, cleanup);
	keeperbed_cert(session, KEEP_USER, CERT);
	keeperbed_cert(session, KEEP_ANCHOR, ROOT);
	return keeperbed_commit(session, seq);
}

static void
withdraw(int session, uint32_t seq, enum keep_cleanup cleanup)
{
	struct keep_msg msg = {.type = KEEP_RELEASE, .seq = seq};

	msg.release.reader = 1;
	memset(msg.release.card_id, CARD, sizeof(msg.release.card_id));
	msg.release.roots = cleanup == KEEP_CLEANUP_REMOVAL;
	msg.release.user = cleanup == KEEP_CLEANUP_REMOVAL;
	keeperbed_say(session, &msg);
	assert_true(keeperbed_answer(session, seq, NULL, 0).ok);
}

static void
sync_all(int session, uint32_t seq)
{
	struct keep_msg msg = {.type = KEEP_SYNCED, .seq = seq};

	keeperbed_say(session, &msg);
	assert_true(keeperbed_answer(session, seq, NULL, 0).ok);
}

static void
end(int session, enum keep_end how, uint32_t grace_s, uint32_t max_age_s)
{
	struct keep_msg msg = {.type = KEEP_END};

	msg.over.how = how;
	msg.over.grace_s = grace_s;
	msg.over.max_age_s = max_age_s;
	msg.over.reason = wire_view_text("test");
	keeperbed_say(session, &msg);
	assert_true(keeperbed_is_closed(session));
	(void)close(session);
}

static void
host_logs_off(struct keeperbed *bed, const char *name)
{
	struct keep_msg msg = {.type = KEEP_LOGOFF};

	msg.logoff.host_session = wire_view_text(name);
	msg.logoff.reason = wire_view_text("the host says so");
	keeperbed_say(bed->gate, &msg);
}

/* A number out of the store of a keeper that does not run. */
static int
ask(const struct keeperbed *bed, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(bed->database, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	int value = sqlite3_column_int(statement, 0);

	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(db);
	return value;
}

/*
 * The events of the cleanup table.  Each begins with a log-on of session 1
 * whose card is inserted; what is open afterwards is closed by the keeper's
 * end.
 */
static void
on_withdrawal(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	withdraw(session, 2, cleanup);
}

static void
on_disconnect(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	end(session, KEEP_END_DISCONNECT, 0, 0);
}

/* Within the grace, and without the card: it is missed at SYNCED. */
static void
on_reconnect(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)cleanup;
	end(session, KEEP_END_DISCONNECT, 600, 0);
	session = log_on(bed, 2, "alice", "rdp:7");
	sync_all(session, 1);
}

static void
on_logoff(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	end(session, KEEP_END_LOGOFF, 0, 0);
}

static void
on_user_gone(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	user_named(session, "", "");
	sync_all(session, 2);
}

static void
on_host_logoff(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)session;
	(void)cleanup;
	host_logs_off(bed, "rdp:7");
}

static void
on_host_logoff_detached(struct keeperbed *bed, int session,
                        enum keep_cleanup cleanup)
{
	(void)cleanup;
	end(session, KEEP_END_DISCONNECT, 600, 0);
	host_logs_off(bed, "rdp:7");
}

static void
on_age(struct keeperbed *bed, int session, enum keep_cleanup cleanup)
{
	(void)bed;
	(void)cleanup;
	end(session, KEEP_END_DISCONNECT, 600, 1);
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
	end(session, KEEP_END_DISCONNECT, 0, 0);
	/* An answer of another says that all of it is written. */
	session = keeperbed_attach(bed, 9, false);
	sync_all(session, 1);
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

/* Anchors in the view afterwards, -1: there is no view; rows that are kept. */
// clang-format off
static const struct cell {
	const char *name;
	void (*event)(struct keeperbed *bed, int session,
	              enum keep_cleanup cleanup);
	int anchors[3]; /* by option */
	bool ends;      /* the log-on: with option 0 the row is kept */
} cells[] = {
	{ "withdrawal",           on_withdrawal,           {  1,  0,  1 }, false },
	{ "disconnect",           on_disconnect,           {  1,  0,  1 }, false },
	{ "reconnect",            on_reconnect,            {  1,  0,  1 }, false },
	{ "keeper killed",        on_keeper_killed,        {  1,  0,  1 }, false },
	{ "log-off",              on_logoff,               { -1, -1, -1 }, true  },
	{ "user gone",            on_user_gone,            { -1, -1, -1 }, true  },
	{ "host's log-off",       on_host_logoff,          { -1, -1, -1 }, true  },
	{ "the same, detached",   on_host_logoff_detached, { -1, -1, -1 }, true  },
	{ "age",                  on_age,                  { -1, -1, -1 }, true  },
	{ "crash",                on_crash,                { -1, -1, -1 }, true  },
	{ "new gate",             on_new_gate,             { -1, -1, -1 }, true  },
	{ "session lost",         on_session_lost,         { -1, -1, -1 }, true  },
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
	int session = log_on(&bed, 1, "alice", "rdp:7");

	assert_true(insert(session, 1, cleanup).ok);
	cell->event(&bed, session, cleanup);
	assert_true(
	    keeperbed_wait_files(&bed, 1, "anchors", cell->anchors[cleanup]));
	if (!cell->ends)
		assert_true(keeperbed_wait_files(
		    &bed, 1, "personal",
		    cleanup == KEEP_CLEANUP_REMOVAL ? 0 : OF_CERT));
	keeperbed_kill(&bed);
	if (cell->ends) {
		assert_int_equal(ask(&bed, "SELECT count(*) FROM claim"),
		                 cleanup == KEEP_CLEANUP_NONE ? 1 : 0);
		assert_int_equal(
		    ask(&bed, "SELECT count(*) FROM claim WHERE kept = 1"),
		    cleanup == KEEP_CLEANUP_NONE ? 1 : 0);
		assert_int_equal(
		    ask(&bed, "SELECT count(*) FROM entry WHERE store = 1"),
		    cleanup == KEEP_CLEANUP_NONE ? 1 : 0);
	}
	keeperbed_clear(&bed);
}

static void
test_cleanup_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		for (int option = 0; option <= 2; option++)
			play(&cells[i], (enum keep_cleanup)option);
}

static void
test_grace_ends(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = log_on(bed, 1, "alice", "");

	assert_true(insert(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	end(session, KEEP_END_DISCONNECT, 1, 0);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", 0));
	assert_int_equal(keeperbed_files(bed, 1, "personal"), OF_CERT);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), -1);
}

/* The other client's card is another: the old root goes, its own comes. */
static void
test_resumed_from_another_client(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = log_on(bed, 1, "alice", "");

	assert_true(insert(session, 1, KEEP_CLEANUP_REMOVAL).ok);
	end(session, KEEP_END_DISCONNECT, 600, 0);
	session = log_on(bed, 2, "alice", "rdp:7");
	keeperbed_begin(session, 1, 0xc2, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_ANCHOR, 21);
	assert_true(keeperbed_commit(session, 1).ok);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 2);
	sync_all(session, 2);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), -1);
	(void)close(session);
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(ask(bed, "SELECT count(*) FROM session"), 1);
}

static void
test_same_card_again_is_refreshed(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	for (uint8_t number = 1; number <= 4; number++) {
		int session = log_on(bed, number, "alice", "rdp:7");
		struct keep_ack ack = insert(session, 1, KEEP_CLEANUP_LOGOFF);

		assert_int_equal(ack.added, number == 1 ? 2 : 0);
		sync_all(session, 2);
		end(session, KEEP_END_DISCONNECT, 0, 0);
	}
	assert_true(keeperbed_wait_files(bed, 1, "anchors", 1));
	keeperbed_kill(bed);
	assert_int_equal(ask(bed, "SELECT count(*) FROM claim"), 2);
}

static void
test_who_resumes_whom(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	end(log_on(bed, 1, "alice", "rdp:1"), KEEP_END_DISCONNECT, 0, 0);
	end(log_on(bed, 2, "alice", "rdp:2"), KEEP_END_DISCONNECT, 0, 0);
	/* Another user, another name, no name and two to choose from. */
	int others[] = {log_on(bed, 3, "bob", "rdp:1"),
	                log_on(bed, 4, "alice", "rdp:3"),
	                log_on(bed, 5, "alice", "")};

	for (uint8_t i = 0; i < 3; i++) {
		sync_all(others[i], 1);
		assert_int_equal(
		    keeperbed_files(bed, (uint8_t)(3 + i), "anchors"), 0);
	}
	int right = log_on(bed, 6, "alice", "rdp:2");

	sync_all(right, 1);
	assert_int_equal(keeperbed_files(bed, 6, "anchors"), -1);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), 0);
	keeperbed_kill(bed);
}

/* Two log-ons of one user with one card: each backs its own. */
static void
test_other_log_on_keeps_the_entry(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_user_cleanup(KEEP_CLEANUP_REMOVAL);
	keeperbed_start(bed);
	int one = log_on(bed, 1, "alice", "rdp:1");
	int two = log_on(bed, 2, "alice", "rdp:2");

	assert_true(insert(one, 1, KEEP_CLEANUP_REMOVAL).ok);
	assert_true(insert(two, 1, KEEP_CLEANUP_REMOVAL).ok);
	withdraw(one, 2, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 0);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), 1);
	assert_int_equal(keeperbed_files(bed, 1, "personal"), OF_CERT);
	end(one, KEEP_END_LOGOFF, 0, 0);
	assert_true(keeperbed_wait_files(bed, 1, "personal", -1));
	assert_int_equal(keeperbed_files(bed, 2, "personal"), OF_CERT);
	(void)close(two);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
	assert_int_equal(ask(bed, "SELECT count(*) FROM entry"), 0);
}

/* What the host ended is not begun again by a session that repeats itself. */
static void
test_host_logoff_is_final(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = log_on(bed, 1, "alice", "rdp:7");

	assert_true(insert(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	host_logs_off(bed, "rdp:7");
	assert_true(keeperbed_wait_files(bed, 1, "anchors", -1));
	user_named(session, "alice", "rdp:7");
	assert_false(insert(session, 2, KEEP_CLEANUP_LOGOFF).ok);
	user_named(session, "alice", "rdp:8");
	assert_true(insert(session, 3, KEEP_CLEANUP_LOGOFF).ok);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
host_cert(int session, uint8_t number)
{
	struct keep_msg msg = {.type = KEEP_CERT};
	uint8_t der[300];

	memset(der, number, sizeof(der));
	msg.cert.kind = KEEP_ANCHOR;
	msg.cert.host = true;
	msg.cert.der = (struct wire_view){der, sizeof(der)};
	msg.cert.key_alg = wire_view_text("RSA");
	keeperbed_say(session, &msg);
}

static void
test_host_scope_is_a_claim_more(void **state)
{
	struct keeperbed *bed = *state;
	char path[256];

	keeperbed_start(bed);
	int session = log_on(bed, 1, "alice", "");

	(void)snprintf(path, sizeof(path), "ls %s/host/certs/* >/dev/null 2>&1",
	               bed->run_dir);
	keeperbed_begin(session, 1, CARD, KEEP_CLEANUP_REMOVAL);
	host_cert(session, ROOT);
	assert_true(keeperbed_commit(session, 1).ok);
	assert_int_equal(system(path), 0);
	/* Not allowed any more: the host's claim goes, the log-on's stays. */
	keeperbed_begin(session, 1, CARD, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_ANCHOR, ROOT);
	assert_true(keeperbed_commit(session, 2).ok);
	assert_int_not_equal(system(path), 0);
	assert_int_equal(keeperbed_files(bed, 1, "anchors"), 1);
	keeperbed_begin(session, 1, CARD, KEEP_CLEANUP_REMOVAL);
	host_cert(session, ROOT);
	assert_true(keeperbed_commit(session, 3).ok);
	withdraw(session, 4, KEEP_CLEANUP_REMOVAL);
	assert_int_not_equal(system(path), 0);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
test_host_names_own_nothing(void **state)
{
	struct keeperbed *bed = *state;

	keeperbed_start(bed);
	int session = log_on(bed, 1, "host", "");

	assert_int_equal(insert(session, 1, KEEP_CLEANUP_LOGOFF).refused, 1);
	(void)close(session);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_cleanup_table),
	    CASE(test_grace_ends),
	    CASE(test_resumed_from_another_client),
	    CASE(test_same_card_again_is_refreshed),
	    CASE(test_who_resumes_whom),
	    CASE(test_other_log_on_keeps_the_entry),
	    CASE(test_host_logoff_is_final),
	    CASE(test_host_scope_is_a_claim_more),
	    CASE(test_host_names_own_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
