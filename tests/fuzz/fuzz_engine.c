/*
 * Log-ons, cards and administrators in any order, each input in one transaction
 * that is rolled back.  After every step what must hold of the rows is asked
 * for in SQL of its own, and compared with what the engine says.
 */
#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_admin.h"
#include "engine_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	NOW = 1700000000,
	STEPS_MAX = 48,
	LOGONS = 4,
	USERS = 2,
	READERS = 2,
	CARDS = 3, /* the first does not say who it is */
	CERTS = 6,
	HELD_MAX = 5
};

struct logon {
	char id[ENGINE_ID_SIZE];
	char connection[ENGINE_ID_SIZE];
	const char *user; /* NULL: not known */
	bool live;
	bool connected;
};

struct world {
	struct engine *engine;
	struct logon logons[LOGONS];
	unsigned ids; /* so far */
	uint8_t hashes[CERTS][ENGINE_HASH_LEN];
	bool known[CERTS];
	struct wire_in in;
};

static const char *const users[USERS] = {"alice", "bob"};

static void
need(bool ok, const char *what)
{
	if (ok)
		return;
	(void)fprintf(stderr, "fuzz_engine: %s\n", what);
	abort();
}

/* Opened once; it has no name any more, so nothing stays. */
static struct engine *
open_engine(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	static struct engine *engine;
	char reason[ENGINE_REASON_SIZE];
	enum engine_error error;
	char dir[] = "/tmp/fuzz_engine.XXXXXX";
	char path[64];
	char name[80];

	if (engine != NULL)
		return engine;
	need(mkdtemp(dir) != NULL, "no directory");
	(void)snprintf(path, sizeof(path), "%s/store", dir);
	engine = engine_open(path, false, NOW, &error, reason);
	need(engine != NULL, reason);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		(void)unlink(name);
	}
	(void)rmdir(dir);
	return engine;
}

static unsigned
below(struct world *w, unsigned limit)
{
	return wire_u8(&w->in) % limit;
}

/*
 * What is never there.
 */

static const struct {
	const char *what;
	const char *query;
} never[] = {
    {"a claim without its log-on",
     "SELECT 1 FROM claim c WHERE NOT EXISTS (SELECT 1 FROM session s"
     " WHERE s.session_id = c.session_id)"},
    {"a claim for another user than the log-on's",
     "SELECT 1 FROM claim c JOIN session s ON s.session_id = c.session_id"
     " WHERE c.kind < 3 AND c.scope IS NOT 'user:' || s.user_key"},
    {"a claim in the scope of another log-on",
     "SELECT 1 FROM claim c WHERE c.kind >= 3 AND c.scope <> 'host'"
     " AND c.scope <> 'session:' || c.session_id"},
    {"an entry of somebody who never logged on",
     "SELECT 1 FROM entry e WHERE e.store < 3 AND NOT EXISTS"
     " (SELECT 1 FROM session s WHERE s.user_key = e.owner)"},
    {"an entry that nothing keeps",
     "SELECT 1 FROM entry e WHERE e.store < 3 AND e.kept = 0 AND NOT EXISTS"
     " (SELECT 1 FROM claim c WHERE c.scope = 'user:' || e.owner"
     " AND c.sha256 = e.sha256 AND c.kind = e.store)"},
    {"a root that nobody claims",
     "SELECT 1 FROM entry e WHERE e.store = 3 AND NOT EXISTS"
     " (SELECT 1 FROM claim c WHERE c.scope = e.owner"
     " AND c.sha256 = e.sha256)"},
    {"a claim without its entry",
     "SELECT 1 FROM claim c WHERE NOT EXISTS (SELECT 1 FROM entry e"
     " WHERE e.sha256 = c.sha256 AND e.store = min(c.kind, 3)"
     " AND e.owner = CASE WHEN c.kind < 3 THEN substr(c.scope, 6)"
     " ELSE c.scope END)"},
    {"a claim of a log-on that is over",
     "SELECT 1 FROM claim c JOIN session s ON s.session_id = c.session_id"
     " WHERE s.ended_at IS NOT NULL AND (c.kept = 0 OR c.present = 1)"},
    {"a claim kept of a log-on that goes on",
     "SELECT 1 FROM claim c JOIN session s ON s.session_id = c.session_id"
     " WHERE s.ended_at IS NULL AND c.kept = 1"},
    {"a card of a log-on that nobody is connected to",
     "SELECT 1 FROM claim c JOIN session s ON s.session_id = c.session_id"
     " WHERE s.detached_at IS NOT NULL AND c.present = 1"},
    {"an entry of another certificate than its number's",
     "SELECT 1 FROM entry e JOIN cert c ON c.no = e.cert_no"
     " WHERE c.sha256 <> e.sha256"},
    {"a claim of another certificate than its number's",
     "SELECT 1 FROM claim m JOIN cert c ON c.no = m.cert_no"
     " WHERE c.sha256 <> m.sha256"},
    {"a reference to nothing", "SELECT 1 FROM pragma_foreign_key_check"},
};

static int64_t
ask(struct world *w, const char *query, const char *text)
{
	struct sqlite3_stmt *statement = NULL;
	int64_t value = 0;

	need(sqlite3_prepare_v2(w->engine->sql.db, query, -1, &statement,
	                        NULL) == SQLITE_OK,
	     query);
	if (text != NULL)
		(void)sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) == SQLITE_ROW)
		value = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return value;
}

static bool
on_present(const struct engine_root *root, void *arg)
{
	int64_t *count = arg;

	need(root->kind == KEEP_ANCHOR || root->kind == KEEP_INTERMEDIATE,
	     "a mere record is present");
	(*count)++;
	return true;
}

/* No root without a claim of a log-on that lives, or a pin. */
static void
check_presence(struct world *w, const struct logon *logon)
{
	static const char roots[] =
	    "SELECT count(*) FROM (SELECT sha256 FROM claim"
	    " WHERE 'session:' || session_id = ?1 AND scope = ?1"
	    " AND kind IN (3, 4) AND session_id IN (SELECT session_id"
	    " FROM session WHERE ended_at IS NULL) UNION"
	    " SELECT sha256 FROM root_pin WHERE scope IN (?1, 'host')"
	    " OR scope = (SELECT 'user:' || user_key FROM session"
	    " WHERE 'session:' || session_id = ?1))";
	char scope[ENGINE_SCOPE_SIZE];
	int64_t present = 0;

	engine_scope(scope, logon->id);
	need(engine_presence(w->engine, scope, on_present, &present),
	     "presence");
	need(present == ask(w, roots, scope), "another presence");
}

static bool
on_claim(const struct engine_claim *claim, void *arg)
{
	(void)claim;
	(*(int64_t *)arg)++;
	return true;
}

static bool
on_entry(const struct engine_entry *entry, void *arg)
{
	(void)entry;
	(*(int64_t *)arg)++;
	return true;
}

static void
check_lists(struct world *w)
{
	int64_t claims = 0;
	int64_t entries = 0;

	need(engine_list_claims(w->engine, NULL, on_claim, &claims) &&
	         engine_list_entries(w->engine, NULL, on_entry, &entries),
	     "a list");
	need(claims == ask(w, "SELECT count(*) FROM claim WHERE kind >= 3",
	                   NULL) &&
	         entries ==
	             ask(w, "SELECT count(*) FROM entry WHERE store < 3", NULL),
	     "a list of another length");
}

static void
check(struct world *w)
{
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		need(ask(w, never[i].query, NULL) == 0, never[i].what);
	for (size_t i = 0; i < LOGONS; i++)
		if (w->logons[i].id[0] != '\0')
			check_presence(w, &w->logons[i]);
	check_lists(w);
}

/*
 * The steps.
 */

static void
log_on(struct world *w, struct logon *logon)
{
	const struct keep_hello hello = {.started_at = NOW};

	if (!logon->live) {
		(void)snprintf(logon->id, sizeof(logon->id), "%032x", ++w->ids);
		logon->user = NULL;
	}
	(void)snprintf(logon->connection, sizeof(logon->connection), "%032x",
	               ++w->ids);
	need(engine_session_start(w->engine, logon->id, logon->connection,
	                          &hello),
	     "start");
	logon->live = true;
	logon->connected = true;
}

/* A log-on is one user's for all its life. */
static void
name_user(struct world *w, struct logon *logon)
{
	struct keep_state state = {.state = KEEP_WATCHING};

	if (logon->user == NULL)
		logon->user = users[below(w, USERS)];
	state.user = wire_view_text(logon->user);
	need(engine_session_state(w->engine, logon->id, &state), "state");
}

static struct engine_origin
take_origin(struct world *w, const struct logon *logon,
            uint8_t card[KEEP_CARD_ID_LEN])
{
	struct engine_origin origin = {.session = logon->id,
	                               .connection = logon->connection};

	origin.reader = 1 + below(w, READERS);
	memset(card, (int)below(w, CARDS), KEEP_CARD_ID_LEN);
	origin.card_id = (struct wire_view){card, KEEP_CARD_ID_LEN};
	return origin;
}

/* The first certificates are of users, the others roots. */
static struct keep_cert
make_cert(unsigned number, unsigned flavour, uint8_t der[32])
{
	static const enum keep_kind owned[] = {KEEP_USER, KEEP_REQUEST};
	static const enum keep_kind roots[] = {KEEP_ANCHOR, KEEP_INTERMEDIATE,
	                                       KEEP_PREEXISTING};
	bool user = number < CERTS / 2;

	memset(der, (int)(0x30 + number), 32);
	return (struct keep_cert){.kind = user ? owned[flavour % 2]
	                                       : roots[flavour % 3],
	                          .der = {der, 32},
	                          .host = (flavour & 8) != 0};
}

static bool
put(struct world *w, const struct engine_origin *origin,
    const struct logon *logon, const struct keep_cert *cert,
    enum keep_cleanup cleanup, uint8_t *hash)
{
	bool root = cert->kind >= KEEP_ANCHOR;
	struct engine_change change = {0};

	need(engine_put(w->engine, origin,
	                root ? (struct wire_view){0}
	                     : wire_view_text(logon->user),
	                cert, cleanup, hash, &change) < ENGINE_LIMIT,
	     "put");
	if (!root || !cert->host || cert->kind == KEEP_PREEXISTING)
		return false;
	need(engine_put_host(w->engine, origin, cert, cleanup, &change) <
	         ENGINE_LIMIT,
	     "put for the host");
	return true;
}

/* All that a card holds. */
static void
propagate(struct world *w, struct logon *logon)
{
	uint8_t card[KEEP_CARD_ID_LEN];
	struct engine_origin origin = take_origin(w, logon, card);
	unsigned count = below(w, HELD_MAX + 1);
	unsigned flags = wire_u8(&w->in);
	uint8_t hashes[HELD_MAX][ENGINE_HASH_LEN];
	bool host[HELD_MAX];
	struct engine_change change = {0};

	for (unsigned i = 0; i < count; i++) {
		unsigned number = below(w, CERTS);
		uint8_t der[32];
		struct keep_cert cert = make_cert(number, wire_u8(&w->in), der);

		host[i] = put(w, &origin, logon, &cert,
		              (enum keep_cleanup)(flags % 3), hashes[i]);
		memcpy(w->hashes[number], hashes[i], ENGINE_HASH_LEN);
		w->known[number] = true;
	}
	const struct engine_held held = {hashes[0], host, count,
	                                 (flags & 0x80) != 0};

	need(engine_held_only(w->engine, &origin, wire_view_text(logon->user),
	                      &held, &change),
	     "held");
}

static void
release(struct world *w, const struct logon *logon)
{
	uint8_t card[KEEP_CARD_ID_LEN];
	struct engine_origin origin = take_origin(w, logon, card);
	unsigned flags = wire_u8(&w->in);
	struct engine_change change = {0};

	need(engine_release(w->engine, &origin, (flags & 1) != 0,
	                    (flags & 2) != 0, &change),
	     "release");
}

static void
detach(struct world *w, struct logon *logon)
{
	struct engine_change change = {0};
	int64_t grace = below(w, 2) != 0 ? NOW + 5 : 0;

	need(engine_session_detach(w->engine, logon->id, logon->connection,
	                           grace, 0, &change),
	     "detach");
	logon->connected = false;
}

static void
end(struct world *w, struct logon *logon)
{
	struct engine_change change = {0};

	need(engine_session_end(w->engine, logon->id,
	                        (enum engine_end)(1 + below(w, 6)),
	                        wire_view_text("over"), &change),
	     "end");
	logon->live = false;
}

/* All has been asserted again; or nobody came, for the grace. */
static void
go_on(struct world *w, const struct logon *logon)
{
	struct engine_change change = {0};

	need(logon->connected
	         ? engine_session_synced(w->engine, logon->id,
	                                 logon->connection, &change)
	         : engine_session_released(w->engine, logon->id, &change),
	     "synced");
}

static void
pin(struct world *w, const struct logon *logon)
{
	unsigned number = below(w, CERTS);
	char scope[ENGINE_SCOPE_SIZE] = "host";
	uint32_t removed = 0;
	bool changed = false;
	unsigned where = wire_u8(&w->in);

	if (!w->known[number])
		return;
	if (where % 3 == 1)
		engine_scope(scope, logon->id);
	else if (where % 3 == 2)
		(void)snprintf(scope, sizeof(scope), "user:%s", users[0]);
	const struct engine_pinning pinning = {
	    scope, w->hashes[number], "uid 0", {0}};

	need((where & 0x80) != 0
	         ? engine_unpin(w->engine, scope, w->hashes[number], "uid 0",
	                        &removed)
	         : engine_pin(w->engine, &pinning, &changed),
	     "pin");
}

static void
clean(struct world *w)
{
	struct engine_claim_key key = {0};
	uint32_t purged = 0;
	bool more = true;

	if (below(w, 2) != 0) {
		need(engine_purge(w->engine, NULL, "uid 0", &key, &purged) ==
		         ENGINE_DONE,
		     "purge");
		need(ask(w, "SELECT count(*) FROM claim WHERE kept = 1",
		         NULL) == 0,
		     "a claim was not purged");
	}
	while (more)
		need(engine_sweep(w->engine, &more), "sweep");
	for (unsigned i = 0; i < CERTS; i++)
		w->known[i] = false; /* or so it may be */
}

static void
step(struct world *w)
{
	unsigned what = below(w, 12);
	struct logon *logon = &w->logons[below(w, LOGONS)];

	/* Who says something of a log-on is connected to it. */
	if (what == 0 || !logon->live || (what < 7 && !logon->connected))
		log_on(w, logon);
	if (what == 1 || (logon->user == NULL && what < 6))
		name_user(w, logon);
	if (what == 2 || what == 3 || what == 4)
		propagate(w, logon);
	else if (what == 5 || what == 6)
		release(w, logon);
	else if (what == 7)
		detach(w, logon);
	else if (what == 8)
		end(w, logon);
	else if (what == 9)
		go_on(w, logon);
	else if (what == 10)
		pin(w, logon);
	else if (what == 11)
		clean(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {.engine = open_engine()};

	world.in = wire_in(data, size);
	need(engine_begin(world.engine, NOW), "begin");
	for (int i = 0; i < STEPS_MAX && world.in.left > 0; i++) {
		step(&world);
		check(&world);
	}
	engine_rollback(world.engine);
	return 0;
}
