#include "engine_private.h"

#include "log.h"
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { LOCK_TRIES = 50, LOCK_PAUSE_NS = 20 * 1000 * 1000 };

/*
 * A keeper that was killed may have left a child that is about to close what it
 * inherited: who holds the lock for longer is another daemon.
 */
static bool
lock_soon(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};

	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK)
			return false;
		(void)nanosleep(&pause, NULL);
	}
	errno = EWOULDBLOCK;
	return false;
}

/* The lock file, held; or -1 and a reason. */
static int
take_lock(const char *path, enum engine_error *error, char *reason)
{
	char name[PATH_MAX];

	*error = ENGINE_BROKEN;
	if (snprintf(name, sizeof(name), "%s.lock", path) >=
	    (int)sizeof(name)) {
		(void)snprintf(reason, ENGINE_REASON_SIZE, "path too long");
		return -1;
	}
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 && lock_soon(fd))
		return fd;
	if (fd >= 0 && errno == EWOULDBLOCK) {
		*error = ENGINE_IN_USE;
		(void)snprintf(reason, ENGINE_REASON_SIZE,
		               "another daemon has this store open");
	} else {
		(void)snprintf(reason, ENGINE_REASON_SIZE, "lock file: %s",
		               strerror(errno));
	}
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

/* Is the file ours, or new?  It is made with its final mode when it is not
 * there. */
static enum engine_error
inspect_file(const char *path, char *reason)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum schema_file file =
	    fd < 0 ? SCHEMA_FILE_FAILED : schema_inspect(fd);
	enum engine_error error = ENGINE_FOREIGN;

	switch (file) {
	case SCHEMA_FILE_OURS:
	case SCHEMA_FILE_OLDER:
	case SCHEMA_FILE_NEW:
		error = ENGINE_OK;
		break;
	case SCHEMA_FILE_NEWER:
		(void)snprintf(reason, ENGINE_REASON_SIZE,
		               "made by a newer version of cardproxy");
		break;
	case SCHEMA_FILE_FOREIGN:
		(void)snprintf(reason, ENGINE_REASON_SIZE,
		               "not a store of cardproxy; left as it is");
		break;
	case SCHEMA_FILE_FAILED:
		error = ENGINE_BROKEN;
		(void)snprintf(reason, ENGINE_REASON_SIZE, "%s",
		               strerror(errno));
		break;
	}
	if (fd >= 0)
		(void)close(fd);
	return error;
}

/* Settings of the one connection; exclusive mode comes before WAL. */
static bool
configure(struct engine *engine, bool full)
{
	struct sql *sql = &engine->sql;

	return sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) ==
	           SQLITE_OK &&
	       sql_exec(sql, "PRAGMA locking_mode=EXCLUSIVE;"
	                     "PRAGMA trusted_schema=OFF;"
	                     "PRAGMA cell_size_check=ON;"
	                     "PRAGMA cache_size=-131072;"
	                     "PRAGMA foreign_keys=OFF;") &&
	       schema_ready(sql) &&
	       sql_exec(sql, "PRAGMA foreign_keys=ON;"
	                     "PRAGMA journal_mode=WAL;"
	                     "PRAGMA wal_autocheckpoint=16000;") &&
	       sql_exec(sql, full ? "PRAGMA synchronous=FULL;"
	                          : "PRAGMA synchronous=NORMAL;");
}

static bool
find_proxy(struct engine *engine)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_PROXY_FIND);

	if (sql_row(&call)) {
		struct wire_view id = sql_get_view(&call);

		if (id.len == sizeof(engine->proxy_id) - 1)
			memcpy(engine->proxy_id, id.data, id.len);
	}
	return sql_end(&call);
}

static bool
add_proxy(struct engine *engine)
{
	uint8_t id[KEEP_ID_LEN];
	char host[256] = "";

	if (RAND_bytes(id, sizeof(id)) != 1)
		return false;
	(void)log_hex(engine->proxy_id, id, sizeof(id));
	(void)gethostname(host, sizeof(host) - 1);

	struct sql_call call = sql_call(&engine->sql, STATEMENT_PROXY_ADD);

	sql_put_string(&call, engine->proxy_id);
	sql_put_string(&call, host);
	sql_put_int(&call, engine->now);
	sql_put_string(&call, CARDPROXY_VERSION);
	return sql_run(&call);
}

static bool
next_epoch(struct engine *engine)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_PROXY_NEXT_EPOCH);

	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->now);
	sql_put_string(&call, CARDPROXY_VERSION);
	while (sql_row(&call))
		engine->epoch = sql_get_int(&call);
	return sql_end(&call);
}

/* Each start is an epoch of its own: what older ones left is recognised. */
static bool
begin_epoch(struct engine *engine, int64_t now)
{
	return engine_begin(engine, now) && find_proxy(engine) &&
	       (engine->proxy_id[0] != '\0' || add_proxy(engine)) &&
	       next_epoch(engine) && engine->epoch > 0 && engine_commit(engine);
}

/* Numbers of insertions grow over all epochs. */
static void
begin_insertions(struct engine *engine)
{
	engine->inserted = engine->epoch << 32;
}

static bool
open_database(struct engine *engine, const char *path)
{
	struct sqlite3 *db = NULL;
	int flags =
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	bool opened = sqlite3_open_v2(path, &db, flags, NULL) == SQLITE_OK;

	/* Also after a failure there is a handle to be closed. */
	return sql_init(&engine->sql, db, statement_texts, STATEMENTS) &&
	       opened;
}

/* What kept us from beginning: will a later attempt fare better? */
static enum engine_error
judge(const struct engine *engine)
{
	switch (sqlite3_errcode(engine->sql.db) & 0xff) {
	case SQLITE_BUSY:
		return ENGINE_IN_USE;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_NOMEM:
		return ENGINE_FAILED;
	default:
		return ENGINE_BROKEN;
	}
}

struct engine *
engine_open(const char *path, bool full, int64_t now, enum engine_error *error,
            char *reason)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	*error = ENGINE_BROKEN;
	(void)snprintf(reason, ENGINE_REASON_SIZE, "out of memory");
	if (engine == NULL)
		return NULL;
	engine->lock_fd = take_lock(path, error, reason);
	if (engine->lock_fd < 0)
		goto fail;
	*error = inspect_file(path, reason);
	if (*error != ENGINE_OK)
		goto fail;
	if (open_database(engine, path) && configure(engine, full) &&
	    begin_epoch(engine, now)) {
		begin_insertions(engine);
		return engine;
	}
	*error = judge(engine);
	(void)snprintf(reason, ENGINE_REASON_SIZE, "%s", engine->sql.reason);
fail:
	engine_close(engine);
	return NULL;
}

void
engine_close(struct engine *engine)
{
	if (engine == NULL)
		return;
	sql_clear(&engine->sql);
	notes_clear(&engine->notes);
	if (engine->lock_fd >= 0)
		(void)close(engine->lock_fd);
	free(engine);
}

const char *
engine_reason(const struct engine *engine)
{
	return engine->sql.reason;
}

int64_t
engine_epoch(const struct engine *engine)
{
	return engine->epoch;
}

int64_t
engine_written(const struct engine *engine)
{
	return sql_written(&engine->sql);
}

int64_t
engine_commits(const struct engine *engine)
{
	return engine->commits;
}

bool
engine_begin(struct engine *engine, int64_t now)
{
	const struct engine_listener *listener = engine->listener;

	engine->now = now;
	engine->noting = listener != NULL && listener->wants(listener->arg);
	return sql_exec(&engine->sql, "BEGIN IMMEDIATE");
}

bool
engine_commit(struct engine *engine)
{
	bool ok = sql_exec(&engine->sql, "COMMIT");

	engine->commits += ok ? 1 : 0;
	if (ok && engine->noting)
		notes_tell(&engine->notes, engine->listener);
	return ok;
}

/* The reason of what failed before must outlive the rollback. */
void
engine_rollback(struct engine *engine)
{
	char reason[SQL_REASON_MAX];

	notes_forget(&engine->notes);
	if (!sql_in_transaction(&engine->sql))
		return;
	memcpy(reason, engine->sql.reason, sizeof(reason));
	(void)sql_exec(&engine->sql, "ROLLBACK");
	memcpy(engine->sql.reason, reason, sizeof(reason));
}

void
engine_scope(char scope[ENGINE_SCOPE_SIZE], const char *session)
{
	(void)snprintf(scope, ENGINE_SCOPE_SIZE, "session:%s", session);
}

void
engine_user_scope(char scope[ENGINE_USER_SCOPE_SIZE], struct wire_view owner)
{
	(void)snprintf(scope, ENGINE_USER_SCOPE_SIZE, "user:%.*s",
	               (int)owner.len, (const char *)owner.data);
}

void
engine_listen(struct engine *engine, const struct engine_listener *listener)
{
	engine->listener = listener;
}

void
engine_tell(struct engine *engine, const struct engine_note *note)
{
	if (engine->noting)
		notes_add(&engine->notes, note);
}

static bool
write_audit(struct engine *engine, const char *session, const char *event,
            struct wire_view hash, struct wire_view detail)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_AUDIT);

	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->epoch);
	sql_put_string(&call, session);
	sql_put_int(&call, engine->now);
	sql_put_string(&call, event);
	sql_put_blob(&call, hash);
	sql_put_text(&call, detail);
	return sql_run(&call);
}

bool
engine_audit_note(struct engine *engine, const struct engine_note *note)
{
	engine_tell(engine, note);
	return write_audit(engine, note->session, note->event,
	                   (struct wire_view){note->hash, ENGINE_HASH_LEN},
	                   note->detail.len > 0 ? note->detail : note->user);
}

bool
engine_audit(struct engine *engine, const char *session, const char *event,
             struct wire_view hash, struct wire_view detail)
{
	const struct engine_note note = {.event = event,
	                                 .session = session,
	                                 .hash = hash.data,
	                                 .detail = detail};

	if (hash.len == ENGINE_HASH_LEN)
		engine_tell(engine, &note);
	return write_audit(engine, session, event, hash, detail);
}

bool
engine_audit_entry(struct engine *engine, const char *session,
                   const char *event, struct wire_view hash,
                   struct wire_view owner)
{
	const struct engine_note note = {.event = event,
	                                 .session = session,
	                                 .hash = hash.data,
	                                 .user = owner};

	return hash.len == ENGINE_HASH_LEN && engine_audit_note(engine, &note);
}

static bool
sweep_before(struct engine *engine, enum statement which, int64_t days,
             bool *more)
{
	struct sql_call call = sql_call(&engine->sql, which);

	sql_put_int(&call, engine->now - days * 24 * 60 * 60);
	sql_put_int(&call, ENGINE_SWEEP_SLICE);
	bool ok = sql_run(&call);

	*more |= ok && sql_changes(&engine->sql) >= ENGINE_SWEEP_SLICE;
	return ok;
}

/* The last hash of the next slice; false also when it is the end. */
static bool
next_slice(struct engine *engine, uint8_t last[ENGINE_HASH_LEN], bool *ok)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SWEEP_SLICE);
	bool found = false;

	sql_put_blob(&call, (struct wire_view){engine->swept, ENGINE_HASH_LEN});
	sql_put_int(&call, ENGINE_SWEEP_SLICE);
	if (sql_row(&call)) {
		struct wire_view hash = sql_get_view(&call);

		found = hash.len == ENGINE_HASH_LEN;
		if (found)
			memcpy(last, hash.data, ENGINE_HASH_LEN);
	}
	*ok = sql_end(&call);
	return *ok && found;
}

/* A pass over all certificates goes on where the last slice ended. */
static bool
sweep_certs(struct engine *engine, bool *more)
{
	uint8_t last[ENGINE_HASH_LEN];
	bool ok = true;

	if (!next_slice(engine, last, &ok)) {
		memset(engine->swept, 0, sizeof(engine->swept));
		return ok;
	}
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SWEEP_CERTS);

	sql_put_blob(&call, (struct wire_view){engine->swept, ENGINE_HASH_LEN});
	sql_put_blob(&call, (struct wire_view){last, ENGINE_HASH_LEN});
	ok = sql_run(&call);
	memcpy(engine->swept, last, sizeof(last));
	*more = true;
	return ok;
}

bool
engine_sweep(struct engine *engine, bool *more)
{
	*more = false;
	return sweep_certs(engine, more) &&
	       sweep_before(engine, STATEMENT_SWEEP_SESSIONS,
	                    ENGINE_SESSION_DAYS, more) &&
	       sweep_before(engine, STATEMENT_SWEEP_AUDIT, ENGINE_AUDIT_DAYS,
	                    more);
}
