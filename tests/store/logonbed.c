#include "logonbed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

int
logonbed_new(void **state)
{
	struct keeperbed *bed;

	(void)keeperbed_new(state);
	bed = *state;
	bed->config.boot_id = "11111111111111111111111111111111";
	return 0;
}

int
logonbed_run(void **state)
{
	(void)logonbed_new(state);
	keeperbed_start(*state);
	return 0;
}

int
logonbed_stop(void **state)
{
	assert_int_equal(keeperbed_stop(*state), KEEPER_EXIT_OK);
	keeperbed_clear(*state);
	return 0;
}

void
logonbed_user_named(int session, const char *user, const char *name)
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

int
logonbed_log_on(struct keeperbed *bed, uint8_t number, const char *user,
                const char *name)
{
	int session = keeperbed_attach(bed, number, false);

	logonbed_user_named(session, user, name);
	return session;
}

struct keep_ack
logonbed_insert(int session, uint32_t seq, enum keep_cleanup cleanup)
{
	keeperbed_begin(session, 1, LOGONBED_CARD, cleanup);
	keeperbed_cert(session, KEEP_USER, LOGONBED_CERT);
	keeperbed_cert(session, KEEP_ANCHOR, LOGONBED_ROOT);
	return keeperbed_commit(session, seq);
}

static void
release(int session, uint32_t seq, uint32_t reader, bool all)
{
	struct keep_msg msg = {.type = KEEP_RELEASE, .seq = seq};

	msg.release.reader = reader;
	memset(msg.release.card_id, LOGONBED_CARD, sizeof(msg.release.card_id));
	msg.release.roots = all;
	msg.release.user = all;
	keeperbed_say(session, &msg);
	assert_true(keeperbed_answer(session, seq, NULL, 0).ok);
}

void
logonbed_withdraw(int session, uint32_t seq, enum keep_cleanup cleanup)
{
	release(session, seq, 1, cleanup == KEEP_CLEANUP_REMOVAL);
}

void
logonbed_release(int session, uint32_t seq, uint32_t reader)
{
	release(session, seq, reader, true);
}

void
logonbed_sync_all(int session, uint32_t seq)
{
	struct keep_msg msg = {.type = KEEP_SYNCED, .seq = seq};

	keeperbed_say(session, &msg);
	assert_true(keeperbed_answer(session, seq, NULL, 0).ok);
}

void
logonbed_end(int session, enum keep_end how, uint32_t grace_s,
             uint32_t max_age_s)
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

void
logonbed_host_logs_off(struct keeperbed *bed, const char *name)
{
	struct keep_msg msg = {.type = KEEP_LOGOFF};

	msg.logoff.host_session = wire_view_text(name);
	msg.logoff.reason = wire_view_text("the host says so");
	keeperbed_say(bed->gate, &msg);
}

int
logonbed_ask(const struct keeperbed *bed, const char *sql)
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
