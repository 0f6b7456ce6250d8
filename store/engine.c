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
#include <unistd.h>

static const struct wire_view nothing;

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

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
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

/* Is the file ours, or new?  Made with its final mode when it is not there. */
static enum engine_error
inspect_file(const char *path, bool *is_new, char *reason)
{
	int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum schema_file file =
	    fd < 0 ? SCHEMA_FILE_FAILED : schema_inspect(fd);
	enum engine_error error = ENGINE_FOREIGN;

	*is_new = file == SCHEMA_FILE_NEW;
	switch (file) {
	case SCHEMA_FILE_OURS:
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
configure(struct engine *engine, bool is_new, bool full)
{
	struct sql *sql = &engine->sql;

	return sqlite3_db_config(sql->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) ==
	           SQLITE_OK &&
	       sql_exec(sql, "PRAGMA locking_mode=EXCLUSIVE;"
	                     "PRAGMA trusted_schema=OFF;"
	                     "PRAGMA cell_size_check=ON;"
	                     "PRAGMA foreign_keys=ON;") &&
	       (!is_new || schema_create(sql)) &&
	       sql_exec(sql, "PRAGMA journal_mode=WAL;") &&
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
	bool is_new = false;

	*error = ENGINE_BROKEN;
	(void)snprintf(reason, ENGINE_REASON_SIZE, "out of memory");
	if (engine == NULL)
		return NULL;
	engine->lock_fd = take_lock(path, error, reason);
	if (engine->lock_fd < 0)
		goto fail;
	*error = inspect_file(path, &is_new, reason);
	if (*error != ENGINE_OK)
		goto fail;
	if (open_database(engine, path) && configure(engine, is_new, full) &&
	    begin_epoch(engine, now))
		return engine;
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

bool
engine_begin(struct engine *engine, int64_t now)
{
	engine->now = now;
	return sql_exec(&engine->sql, "BEGIN IMMEDIATE");
}

bool
engine_commit(struct engine *engine)
{
	return sql_exec(&engine->sql, "COMMIT");
}

/* The reason of what failed before must outlive the rollback. */
void
engine_rollback(struct engine *engine)
{
	char reason[SQL_REASON_MAX];

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

bool
engine_audit(struct engine *engine, const char *session, const char *event,
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

static bool
session_is_known(struct engine *engine, const char *session)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_FIND);

	sql_put_string(&call, session);
	bool known = sql_row(&call);

	(void)sql_end(&call);
	return known;
}

bool
engine_session_start(struct engine *engine, const char *session,
                     const struct keep_hello *hello)
{
	bool known = session_is_known(engine, session);
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_START);

	sql_put_string(&call, session);
	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->epoch);
	sql_put_text(&call, hello->target);
	sql_put_text(&call, hello->client_name);
	sql_put_text(&call, hello->client_addr);
	sql_put_int(&call, hello->started_at);
	return sql_run(&call) &&
	       (known || engine_audit(engine, session, "session-start", nothing,
	                              hello->client_addr));
}

bool
engine_session_state(struct engine *engine, const char *session,
                     const struct keep_state *state)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_STATE);

	sql_put_string(&call, session);
	sql_put_text(&call, state->user);
	sql_put_text(&call, state->source);
	sql_put_text(&call, state->policy);
	return sql_run(&call);
}

static bool
drop_older_epochs(struct engine *engine, const char *session)
{
	struct sql_call call =
	    sql_call(&engine->sql, STATEMENT_CLAIM_DROP_EPOCHS);

	sql_put_string(&call, session);
	sql_put_int(&call, engine->epoch);
	return sql_run(&call);
}

bool
engine_session_synced(struct engine *engine, const char *session,
                      uint32_t *removed)
{
	return drop_older_epochs(engine, session) &&
	       engine_drop_unclaimed(engine, session, removed);
}

/* A statement whose only value is a session. */
static bool
run_for_session(struct engine *engine, enum statement which,
                const char *session)
{
	struct sql_call call = sql_call(&engine->sql, which);

	sql_put_string(&call, session);
	return sql_run(&call);
}

static bool
mark_ended(struct engine *engine, const char *session, struct wire_view reason)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_END);

	sql_put_string(&call, session);
	sql_put_int(&call, engine->now);
	sql_put_text(&call, reason);
	return sql_run(&call);
}

bool
engine_session_end(struct engine *engine, const char *session,
                   struct wire_view reason, uint32_t *removed)
{
	return run_for_session(engine, STATEMENT_CLAIM_DROP_SESSION, session) &&
	       run_for_session(engine, STATEMENT_CLAIM_KEEP, session) &&
	       engine_drop_unclaimed(engine, session, removed) &&
	       mark_ended(engine, session, reason) &&
	       engine_audit(engine, session, "session-end", nothing, reason);
}

/* One session of an older epoch; false when there is none (or a fault). */
static bool
find_stale(struct engine *engine, char session[ENGINE_ID_SIZE], bool *ok)
{
	struct sql_call call = sql_call(&engine->sql, STATEMENT_SESSION_STALE);
	bool found = false;

	sql_put_string(&call, engine->proxy_id);
	sql_put_int(&call, engine->epoch);
	if (sql_row(&call)) {
		struct wire_view id = sql_get_view(&call);

		found = id.len == ENGINE_ID_SIZE - 1;
		if (found)
			memcpy(session, id.data, id.len);
		session[ENGINE_ID_SIZE - 1] = '\0';
	}
	*ok = sql_end(&call);
	return *ok && found;
}

bool
engine_end_others(struct engine *engine, const char *reason, uint32_t *ended)
{
	char session[ENGINE_ID_SIZE];
	uint32_t removed = 0;
	bool ok = true;

	*ended = 0;
	while (ok && find_stale(engine, session, &ok)) {
		ok = engine_session_end(engine, session, wire_view_text(reason),
		                        &removed);
		(*ended)++;
	}
	return ok;
}

static bool
sweep_before(struct engine *engine, enum statement which, int64_t days)
{
	struct sql_call call = sql_call(&engine->sql, which);

	sql_put_int(&call, engine->now - days * 24 * 60 * 60);
	return sql_run(&call);
}

bool
engine_sweep(struct engine *engine)
{
	struct sql_call certs = sql_call(&engine->sql, STATEMENT_SWEEP_CERTS);

	return sql_run(&certs) &&
	       sweep_before(engine, STATEMENT_SWEEP_SESSIONS,
	                    ENGINE_SESSION_DAYS) &&
	       sweep_before(engine, STATEMENT_SWEEP_AUDIT, ENGINE_AUDIT_DAYS);
}
