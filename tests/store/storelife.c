#include "storelife.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ANSWER_MS = 10000,
	HASH_LEN = 32,
	ROOT_FIRST = STORELIFE_CERTS / 2, /* the others are users' */
	READER = 1
};

static const char *const users[STORELIFE_USERS] = {"ada@example", "bob", "eve"};

uint64_t
storelife_random(struct storelife *life)
{
	uint64_t z = life->seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static unsigned
below(struct storelife *life, unsigned limit)
{
	return (unsigned)(storelife_random(life) % limit);
}

void
storelife_begin(struct storelife *life, struct keeperbed *bed, uint64_t seed)
{
	life->bed = bed;
	life->seed = seed;
	life->dead = false;
	for (size_t i = 0; i < STORELIFE_SESSIONS; i++)
		life->sessions[i].fd = -1;
}

/* False, and the keeper counts as dead, when there is no answer. */
static bool
hear(struct storelife *life, int fd, struct keep_ack *ack)
{
	uint8_t buffer[4096];
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct keep_msg msg;
	ssize_t len = -1;

	if (poll(&ready, 1, ANSWER_MS) == 1)
		len = recv(fd, buffer, sizeof(buffer), 0);
	if (len <= 0) {
		life->dead = true;
		return false;
	}
	struct wire_in in = wire_in(buffer, (size_t)len);

	assert_true(keep_decode(&in, &msg));
	assert_int_equal(msg.type, KEEP_ACK);
	assert_int_equal(msg.seq, life->seq);
	*ack = msg.ack;
	if (ack->ok)
		life->acknowledged++;
	else
		life->refused++;
	/* A refusal is never silent. */
	assert_true(ack->ok || ack->reason.len > 0);
	return true;
}

/* A fact that is only said is no longer certain, one acknowledged is. */
static void
settle(enum storelife_fact *fact, bool acknowledged, bool there)
{
	if (acknowledged)
		*fact = there ? STORELIFE_PRESENT : STORELIFE_ABSENT;
	else if (*fact != (there ? STORELIFE_PRESENT : STORELIFE_ABSENT))
		*fact = STORELIFE_MAYBE;
}

static void
attach(struct storelife *life, size_t slot)
{
	uint8_t number = ++life->next_number;
	int fd = keeperbed_attach(life->bed, number, false);

	life->sessions[slot].fd = fd;
	life->sessions[slot].number = number;
	memset(life->sessions[slot].left, 0, sizeof(life->sessions[slot].left));
	life->sessions[slot].user = (uint8_t)below(life, STORELIFE_USERS);
	keeperbed_user(fd, users[life->sessions[slot].user]);
}

/* One card: one to three certificates of its user, and a root. */
static void
propagate(struct storelife *life, size_t slot)
{
	static const enum keep_cleanup cleanups[] = {
	    KEEP_CLEANUP_NONE, KEEP_CLEANUP_REMOVAL, KEEP_CLEANUP_LOGOFF};
	int fd = life->sessions[slot].fd;
	enum keep_cleanup cleanup = cleanups[below(life, 3)];
	uint8_t first = (uint8_t)below(life, ROOT_FIRST - 3);
	uint8_t count = (uint8_t)(1 + below(life, 3));
	uint8_t root = (uint8_t)(ROOT_FIRST + below(life, ROOT_FIRST));
	struct keep_msg commit = {.type = KEEP_COMMIT, .seq = ++life->seq};
	struct keep_ack ack = {0};

	keeperbed_begin(fd, READER, first, cleanup);
	for (uint8_t i = 0; i < count; i++)
		keeperbed_cert(fd, KEEP_USER, (uint8_t)(first + i));
	keeperbed_cert(fd, KEEP_ANCHOR, root);
	keeperbed_say(fd, &commit);
	(void)hear(life, fd, &ack);
	for (uint8_t i = 0; i < count; i++)
		settle(&life->my[life->sessions[slot].user][first + i], ack.ok,
		       true);
	if (cleanup == KEEP_CLEANUP_NONE) {
		settle(&life->kept[root], ack.ok, true);
		life->sessions[slot].left[first] |= UINT32_C(1) << root;
	}
	/* The same card may have claimed the same root before, for ever. */
	else if (life->kept[root] == STORELIFE_PRESENT)
		life->kept[root] = STORELIFE_MAYBE;
}

/* Roots that are asked for go, also those that were to stay. */
static void
release(struct storelife *life, size_t slot)
{
	struct keep_msg msg = {.type = KEEP_RELEASE, .seq = ++life->seq};
	uint8_t card = (uint8_t)below(life, ROOT_FIRST - 3);
	struct keep_ack ack;

	for (uint8_t root = ROOT_FIRST; root < STORELIFE_CERTS; root++)
		if ((life->sessions[slot].left[card] >> root & 1) != 0)
			life->kept[root] = STORELIFE_MAYBE;
	msg.release.reader = READER;
	memset(msg.release.card_id, card, sizeof(msg.release.card_id));
	msg.release.roots = true;
	keeperbed_say(life->sessions[slot].fd, &msg);
	(void)hear(life, life->sessions[slot].fd, &ack);
}

static void
leave(struct storelife *life, size_t slot)
{
	struct keep_msg msg = {.type = KEEP_END};

	msg.over.reason = wire_view_text("log-off");
	if (below(life, 2) == 0)
		keeperbed_say(life->sessions[slot].fd, &msg);
	(void)close(life->sessions[slot].fd);
	life->sessions[slot].fd = -1;
}

void
storelife_greet(struct storelife *life)
{
	if (life->sessions[0].fd < 0)
		attach(life, 0);
	propagate(life, 0);
}

void
storelife_run(struct storelife *life, unsigned steps)
{
	while (steps-- > 0 && !life->dead) {
		size_t slot = below(life, STORELIFE_SESSIONS);

		if (life->sessions[slot].fd < 0)
			attach(life, slot);
		switch (below(life, 6)) {
		case 0:
			leave(life, slot);
			break;
		case 1:
			release(life, slot);
			break;
		default:
			propagate(life, slot);
			break;
		}
	}
}

void
storelife_end(struct storelife *life)
{
	for (size_t i = 0; i < STORELIFE_SESSIONS; i++) {
		if (life->sessions[i].fd >= 0)
			(void)close(life->sessions[i].fd);
		life->sessions[i].fd = -1;
	}
}

/*
 * Afterwards, without the keeper.
 */

static int64_t
ask(sqlite3 *db, const char *question, const char *text, uint8_t number)
{
	sqlite3_stmt *statement;
	uint8_t hash[HASH_LEN];
	int64_t answer;

	keeperbed_hash(number, hash);
	assert_int_equal(sqlite3_prepare_v2(db, question, -1, &statement, NULL),
	                 SQLITE_OK);
	if (text != NULL)
		(void)sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
	(void)sqlite3_bind_blob(statement, 2, hash, sizeof(hash),
	                        SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return answer;
}

static void
check_sound(sqlite3 *db)
{
	sqlite3_stmt *statement;

	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1,
	                                    &statement, NULL),
	                 SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(statement, 0),
	                    "ok");
	(void)sqlite3_finalize(statement);
	assert_int_equal(
	    ask(db, "SELECT count(*) FROM pragma_foreign_key_check", NULL, 0),
	    0);
}

static void
check_fact(enum storelife_fact fact, int64_t count, bool durable)
{
	if (fact == STORELIFE_ABSENT)
		assert_int_equal(count, 0);
	else if (fact == STORELIFE_PRESENT && durable)
		assert_true(count > 0);
}

void
storelife_check(const struct storelife *life, bool durable)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(life->bed->database, &db,
	                                 SQLITE_OPEN_READWRITE, NULL),
	                 SQLITE_OK);
	check_sound(db);
	for (size_t u = 0; u < STORELIFE_USERS; u++)
		for (uint8_t c = 0; c < STORELIFE_CERTS; c++)
			check_fact(life->my[u][c],
			           ask(db,
			               "SELECT count(*) FROM entry WHERE"
			               " store = 1 AND owner = ?1"
			               " AND sha256 = ?2",
			               users[u], c),
			           durable);
	for (uint8_t c = 0; c < STORELIFE_CERTS; c++)
		check_fact(life->kept[c],
		           ask(db,
		               "SELECT count(*) FROM claim"
		               " WHERE ends_on = 0 AND sha256 = ?2",
		               NULL, c),
		           durable);
	/* Nobody is there: no trust is left over, and nothing without owner. */
	assert_int_equal(
	    ask(db, "SELECT count(*) FROM claim WHERE ends_on <> 0", NULL, 0),
	    0);
	assert_int_equal(ask(db,
	                     "SELECT count(*) FROM session"
	                     " WHERE ended_at IS NULL",
	                     NULL, 0),
	                 0);
	(void)sqlite3_close(db);
}
