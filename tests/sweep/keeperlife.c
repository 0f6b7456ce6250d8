#include "keeperlife.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <dirent.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

enum {
	ANSWER_MS = 20000,
	LOOK_MS = 10000,
	LOOK_EVERY_US = 1000,
	HASH_LEN = 32,
	MAX_AGE_S = 3600
};

void
keeperlife_begin(struct keeperlife *life, struct keeperbed *bed)
{
	memset(life, 0, sizeof(*life));
	life->bed = bed;
	for (size_t i = 0; i < KEEPERLIFE_LOGONS; i++)
		life->logons[i].fd = -1;
}

/*
 * Talking to a keeper that may be dead.
 */

static void
notice_death(struct keeperlife *life)
{
	if (!life->dead && waitpid(life->bed->pid, NULL, WNOHANG) == 0)
		return;
	life->dead = true;
	life->bed->pid = 0;
}

/* Is it acknowledged?  A refusal would be a fault of its own. */
static bool
hear(struct keeperlife *life, int fd)
{
	uint8_t buffer[4096];
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	struct keep_msg msg;
	ssize_t len;

	assert_int_equal(poll(&ready, 1, ANSWER_MS), 1);
	len = recv(fd, buffer, sizeof(buffer), 0);
	if (len <= 0) {
		life->dead = true;
		assert_int_equal(waitpid(life->bed->pid, NULL, 0),
		                 life->bed->pid);
		life->bed->pid = 0;
		return false;
	}
	struct wire_in in = wire_in(buffer, (size_t)len);

	assert_true(keep_decode(&in, &msg));
	assert_int_equal(msg.type, KEEP_ACK);
	assert_int_equal(msg.seq, life->seq);
	assert_true(msg.ack.ok);
	life->acks++;
	return true;
}

static void
settle(enum keeperlife_fact *fact, bool acknowledged, bool there)
{
	if (acknowledged)
		*fact = there ? KEEPERLIFE_PRESENT : KEEPERLIFE_ABSENT;
	else if (*fact != (there ? KEEPERLIFE_PRESENT : KEEPERLIFE_ABSENT))
		*fact = KEEPERLIFE_MAYBE;
}

static void
arrive(struct keeperlife *life, size_t who, uint8_t connection,
       const char *user)
{
	struct keeperlife_logon *logon = &life->logons[who];

	if (life->dead)
		return;
	logon->user = user;
	logon->connection = connection;
	if (logon->number == 0)
		logon->number = connection;
	logon->state = KEEPERLIFE_UP;
	logon->fd = keeperbed_attach(life->bed, connection, false);
	keeperbed_user(logon->fd, user);
}

static void
say_card(struct keeperlife *life, struct keeperlife_logon *logon,
         uint32_t reader)
{
	const struct keeperlife_card *card = &logon->cards[reader];
	struct keep_msg commit = {.type = KEEP_COMMIT, .seq = ++life->seq};
	bool stored;

	keeperbed_begin(logon->fd, reader, card->root, card->cleanup);
	keeperbed_cert(logon->fd, KEEP_USER, card->cert);
	keeperbed_cert(logon->fd, KEEP_ANCHOR, card->root);
	keeperbed_say(logon->fd, &commit);
	stored = hear(life, logon->fd);
	settle(&logon->certs[card->cert], stored, true);
	settle(&logon->roots[card->root], stored, true);
}

/* Also a card that is there, read again under another policy. */
static void
insert(struct keeperlife *life, size_t who, uint32_t reader, uint8_t number,
       enum keep_cleanup cleanup)
{
	struct keeperlife_logon *logon = &life->logons[who];

	if (life->dead)
		return;
	logon->cards[reader] =
	    (struct keeperlife_card){.in = true,
	                             .cert = number,
	                             .root = (uint8_t)(number + 1),
	                             .cleanup = cleanup};
	say_card(life, logon, reader);
}

static void
take_out(struct keeperlife *life, size_t who, uint32_t reader)
{
	struct keeperlife_logon *logon = &life->logons[who];
	struct keeperlife_card *card = &logon->cards[reader];
	struct keep_msg msg = {.type = KEEP_RELEASE};
	bool ends = card->cleanup == KEEP_CLEANUP_REMOVAL;

	if (life->dead)
		return;
	card->in = false;
	msg.seq = ++life->seq;
	msg.release.reader = reader;
	msg.release.roots = ends;
	memset(msg.release.card_id, card->root, sizeof(msg.release.card_id));
	keeperbed_say(logon->fd, &msg);
	if (hear(life, logon->fd) && ends)
		logon->roots[card->root] = KEEPERLIFE_ABSENT;
}

/*
 * What is shown.
 */

static bool
shows(const struct keeperbed *bed, uint8_t logon, uint8_t number)
{
	char id[33];
	char stem[2 * HASH_LEN + 1];
	char path[256];
	uint8_t hash[HASH_LEN];

	keeperbed_hash(number, hash);
	keeperbed_id(logon, id);
	(void)log_hex(stem, hash, sizeof(hash));
	(void)snprintf(path, sizeof(path), "%s/session/%s/anchors/%s.pem",
	               bed->run_dir, id, stem);
	return access(path, F_OK) == 0;
}

/* Is this root in force, as far as the sessions know? */
static enum keeperlife_fact
expected(const struct keeperlife_logon *logon, uint8_t root)
{
	enum keeperlife_fact fact = logon->roots[root];

	for (size_t i = 0; i < KEEPERLIFE_READERS; i++) {
		const struct keeperlife_card *card = &logon->cards[i];

		if (card->root != root || fact == KEEPERLIFE_ABSENT)
			continue;
		if (card->in && logon->state == KEEPERLIFE_UP)
			return KEEPERLIFE_PRESENT;
		if (card->cleanup == KEEP_CLEANUP_REMOVAL)
			return KEEPERLIFE_ABSENT;
	}
	/* It may have ended instead of being resumable. */
	return logon->state == KEEPERLIFE_LEAVING && fact == KEEPERLIFE_PRESENT
	           ? KEEPERLIFE_MAYBE
	           : fact;
}

static bool
view_is_right(const struct keeperbed *bed, const struct keeperlife_logon *logon)
{
	bool over = logon->state == KEEPERLIFE_OVER;

	for (uint8_t root = 0; root < KEEPERLIFE_CERTS; root++) {
		enum keeperlife_fact fact =
		    over ? KEEPERLIFE_ABSENT : expected(logon, root);

		if (fact != KEEPERLIFE_MAYBE &&
		    shows(bed, logon->number, root) !=
		        (fact == KEEPERLIFE_PRESENT))
			return false;
	}
	return !over || keeperbed_files(bed, logon->number, "") == -1;
}

/* A view that belongs to none of the log-ons. */
static bool
is_stray(const struct keeperlife *life, const char *name)
{
	char id[33];

	for (size_t i = 0; i < KEEPERLIFE_LOGONS; i++) {
		keeperbed_id(life->logons[i].number, id);
		if (life->logons[i].state != KEEPERLIFE_NONE &&
		    strcmp(name, id) == 0)
			return false;
	}
	return name[0] != '.';
}

/* A life of NULL has no log-ons. */
static bool
has_stray(const struct keeperlife *life, const struct keeperbed *bed)
{
	char path[256];
	bool found = false;
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/session", bed->run_dir);
	dir = opendir(path);
	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL;
	     e = readdir(dir))
		found |= life != NULL ? is_stray(life, e->d_name)
		                      : e->d_name[0] != '.';
	if (dir != NULL)
		(void)closedir(dir);
	return found;
}

static bool
views_are_right(const struct keeperlife *life)
{
	for (size_t i = 0; i < KEEPERLIFE_LOGONS; i++)
		if (life->logons[i].state != KEEPERLIFE_NONE &&
		    !view_is_right(life->bed, &life->logons[i]))
			return false;
	return !has_stray(life, life->bed);
}

static unsigned
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned)(now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void
describe(const struct keeperlife *life)
{
	for (size_t i = 0; i < KEEPERLIFE_LOGONS; i++) {
		const struct keeperlife_logon *logon = &life->logons[i];

		print_error(
		    "log-on %u, state %d, %d files:", logon->number,
		    logon->state,
		    keeperbed_files(life->bed, logon->number, "anchors"));
		for (uint8_t root = 0; root < KEEPERLIFE_CERTS; root++)
			if (logon->roots[root] != KEEPERLIFE_ABSENT ||
			    shows(life->bed, logon->number, root))
				print_error(
				    " root %u %d/%d", root,
				    expected(logon, root),
				    shows(life->bed, logon->number, root));
		print_error("\n");
	}
}

static void
note_wait(struct keeperlife *life, unsigned since)
{
	unsigned waited = now_ms() - since;

	if (waited > life->slowest_ms)
		life->slowest_ms = waited;
}

void
keeperlife_check_views(struct keeperlife *life)
{
	unsigned start = now_ms();

	while (!life->dead && !views_are_right(life)) {
		if (now_ms() - start >= LOOK_MS) {
			describe(life);
			fail_msg("what is shown is not what is in force");
		}
		(void)usleep(LOOK_EVERY_US);
		notice_death(life);
	}
	note_wait(life, start);
}

void
keeperlife_check_no_views(struct keeperlife *life, const struct keeperbed *bed)
{
	unsigned start = now_ms();

	while (has_stray(NULL, bed)) {
		assert_true(now_ms() - start < LOOK_MS);
		(void)usleep(LOOK_EVERY_US);
	}
	note_wait(life, start);
}

/*
 * Ends, which nobody acknowledges: what is shown tells.
 */

static void
hang_up(struct keeperlife_logon *logon)
{
	if (logon->fd >= 0)
		(void)close(logon->fd);
	logon->fd = -1;
}

static void
leave(struct keeperlife *life, size_t who, enum keep_end how)
{
	struct keeperlife_logon *logon = &life->logons[who];
	struct keep_msg msg = {.type = KEEP_END};

	if (life->dead)
		return;
	msg.over.how = how;
	msg.over.max_age_s = MAX_AGE_S;
	msg.over.reason = wire_view_text("the end");
	keeperbed_say(logon->fd, &msg);
	hang_up(logon);
	logon->state =
	    how == KEEP_END_DISCONNECT ? KEEPERLIFE_LEAVING : KEEPERLIFE_OVER;
	keeperlife_check_views(life);
}

/* Without its card's root the keeper has it detached, and in the store. */
static void
disconnect(struct keeperlife *life, size_t who)
{
	struct keeperlife_logon *logon = &life->logons[who];

	leave(life, who, KEEP_END_DISCONNECT);
	if (life->dead)
		return;
	for (size_t i = 0; i < KEEPERLIFE_READERS; i++) {
		if (logon->cards[i].cleanup == KEEP_CLEANUP_REMOVAL)
			logon->roots[logon->cards[i].root] = KEEPERLIFE_ABSENT;
		logon->cards[i].in = false;
	}
	logon->state = KEEPERLIFE_DETACHED;
}

static void
synced(struct keeperlife *life, const struct keeperlife_logon *logon)
{
	struct keep_msg msg = {.type = KEEP_SYNCED, .seq = ++life->seq};

	keeperbed_say(logon->fd, &msg);
	(void)hear(life, logon->fd);
}

static void
crash(struct keeperlife *life, size_t who)
{
	struct keeperlife_logon *logon = &life->logons[who];

	if (life->dead)
		return;
	hang_up(logon);
	logon->state = KEEPERLIFE_OVER;
	keeperlife_check_views(life);
}

/*
 * The story.  Cards are known by the number of their certificate; their root
 * has the next one.
 */

void
keeperlife_fill(struct keeperlife *life)
{
	arrive(life, 0, 1, "alice@example");
	insert(life, 0, 1, 10, KEEP_CLEANUP_LOGOFF);
	arrive(life, 1, 2, "bob");
	insert(life, 1, 1, 12, KEEP_CLEANUP_LOGOFF);
	/* A second card, and the policy changes: there and back. */
	insert(life, 0, 2, 14, KEEP_CLEANUP_LOGOFF);
	insert(life, 0, 2, 14, KEEP_CLEANUP_REMOVAL);
	insert(life, 1, 1, 12, KEEP_CLEANUP_REMOVAL);
	insert(life, 1, 1, 12, KEEP_CLEANUP_LOGOFF);
	take_out(life, 0, 2);
	insert(life, 0, 2, 16, KEEP_CLEANUP_REMOVAL);
	disconnect(life, 0);
	arrive(life, 0, 3, "alice@example");
	insert(life, 0, 1, 10, KEEP_CLEANUP_LOGOFF);
	if (!life->dead)
		synced(life, &life->logons[0]);
	insert(life, 0, 2, 18, KEEP_CLEANUP_REMOVAL);
	take_out(life, 0, 1);
}

void
keeperlife_empty(struct keeperlife *life)
{
	leave(life, 1, KEEP_END_LOGOFF);
	arrive(life, 2, 4, "eve");
	insert(life, 2, 1, 20, KEEP_CLEANUP_REMOVAL);
	crash(life, 2);
	disconnect(life, 0);
}

void
keeperlife_stop(struct keeperlife *life)
{
	if (life->dead)
		return;
	keeperlife_abandon(life);
	for (size_t i = 0; i < KEEPERLIFE_LOGONS; i++)
		if (life->logons[i].state == KEEPERLIFE_DETACHED)
			life->logons[i].state = KEEPERLIFE_LEAVING;
	(void)close(life->bed->gate);
	life->bed->gate = -1;
	assert_int_equal(waitpid(life->bed->pid, NULL, 0), life->bed->pid);
	life->bed->pid = 0;
	life->dead = true;
}

void
keeperlife_abandon(struct keeperlife *life)
{
	for (size_t i = 0; i < KEEPERLIFE_LOGONS; i++) {
		hang_up(&life->logons[i]);
		if (life->logons[i].state == KEEPERLIFE_UP)
			life->logons[i].state = KEEPERLIFE_OVER;
	}
}

/*
 * Afterwards.
 */

static void
assert_again(struct keeperlife *life, struct keeperlife_logon *logon)
{
	for (uint32_t i = 0; i < KEEPERLIFE_READERS && !life->dead; i++)
		if (logon->cards[i].in)
			say_card(life, logon, i);
	if (!life->dead)
		synced(life, logon);
}

void
keeperlife_resume(struct keeperlife *life)
{
	life->dead = false;
	for (size_t i = 0; i < KEEPERLIFE_LOGONS; i++) {
		struct keeperlife_logon *logon = &life->logons[i];

		hang_up(logon);
		if (logon->state == KEEPERLIFE_UP)
			logon->fd = keeperbed_attach(life->bed,
			                             logon->connection, true);
	}
	keeperbed_attached_all(life->bed);
	for (size_t i = 0; i < KEEPERLIFE_LOGONS && !life->dead; i++) {
		if (life->logons[i].state != KEEPERLIFE_UP)
			continue;
		keeperbed_user(life->logons[i].fd, life->logons[i].user);
		assert_again(life, &life->logons[i]);
	}
}

static int64_t
ask(sqlite3 *db, const char *question, const char *text, const uint8_t *hash)
{
	sqlite3_stmt *statement;
	int64_t answer;

	assert_int_equal(sqlite3_prepare_v2(db, question, -1, &statement, NULL),
	                 SQLITE_OK);
	if (text != NULL)
		(void)sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
	if (hash != NULL)
		(void)sqlite3_bind_blob(statement, 2, hash, HASH_LEN,
		                        SQLITE_STATIC);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return answer;
}

static void
check_certs(sqlite3 *db, const struct keeperlife_logon *logon)
{
	uint8_t hash[HASH_LEN];

	for (uint8_t i = 0; i < KEEPERLIFE_CERTS; i++) {
		keeperbed_hash(i, hash);
		int64_t own = ask(db,
		                  "SELECT count(*) FROM entry WHERE store = 1"
		                  " AND owner = ?1 AND sha256 = ?2",
		                  logon->user, hash);

		if (logon->certs[i] == KEEPERLIFE_PRESENT)
			assert_int_equal(own, 1);
		if (logon->certs[i] == KEEPERLIFE_ABSENT)
			assert_int_equal(own, 0);
	}
}

void
keeperlife_check_store(const struct keeperlife *life,
                       const struct keeperbed *bed)
{
	sqlite3 *db;

	assert_false(has_stray(NULL, bed));
	assert_int_equal(
	    sqlite3_open_v2(bed->database, &db, SQLITE_OPEN_READWRITE, NULL),
	    SQLITE_OK);
	for (size_t i = 0; i < KEEPERLIFE_LOGONS; i++)
		if (life->logons[i].user != NULL)
			check_certs(db, &life->logons[i]);
	assert_int_equal(ask(db,
	                     "SELECT count(*) FROM claim WHERE ends_on <> 0",
	                     NULL, NULL),
	                 0);
	assert_int_equal(ask(db,
	                     "SELECT count(*) FROM session"
	                     " WHERE ended_at IS NULL",
	                     NULL, NULL),
	                 0);
	assert_int_equal(ask(db,
	                     "SELECT count(*) FROM pragma_integrity_check"
	                     " WHERE integrity_check <> 'ok'",
	                     NULL, NULL),
	                 0);
	assert_int_equal(ask(db,
	                     "SELECT count(*) FROM pragma_foreign_key_check",
	                     NULL, NULL),
	                 0);
	(void)sqlite3_close(db);
}
