/*
 * The store behind its verbs, on SQLite: certificates, the entries of the
 * stores, claims on roots and the sessions they belong to.  It keeps rows and
 * answers queries; it knows no socket, no view and no loop.
 *
 * A root is never counted: it is present in a scope when it is pinned there or
 * a claim of a live session names it, and engine_presence() asks just that.  A
 * claim of kind KEEP_PREEXISTING is a mere record: it makes nothing present.  A
 * session is live while its row has no end and the epoch of the running keeper.
 *
 * All verbs that write stand between engine_begin and engine_commit.  After one
 * has failed the only way on is engine_rollback; engine_reason says why.
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "keep.h"

struct engine;

enum {
	ENGINE_HASH_LEN = 32, /* SHA-256 of the DER, the key of a certificate */
	ENGINE_SHA1_LEN = 20,
	ENGINE_ID_SIZE = 2 * KEEP_ID_LEN + 1, /* a session's id as text */
	ENGINE_SCOPE_SIZE = 48,               /* "session:<id>" */
	ENGINE_REASON_SIZE = 200,
	ENGINE_OWNER_CERTS = 256,             /* certificates of one owner */
	ENGINE_OWNER_BYTES = 4 * 1024 * 1024, /* and their DER together */
	ENGINE_SESSION_DAYS = 30,             /* an ended session is listed */
	ENGINE_AUDIT_DAYS = 180
};

enum engine_store { ENGINE_MY = 1, ENGINE_REQUEST, ENGINE_SMARTCARDROOT };

enum engine_error {
	ENGINE_OK,
	ENGINE_FOREIGN, /* not our file, or from a later version: left alone */
	ENGINE_IN_USE,  /* another daemon has it */
	ENGINE_BROKEN,  /* it cannot be opened or made */
	ENGINE_FAILED   /* it cannot be written now: full, an I/O error */
};

/* What became of one certificate. */
enum engine_result {
	ENGINE_ADDED,
	ENGINE_UPDATED,
	ENGINE_UNCHANGED, /* nothing was written */
	ENGINE_LIMIT,     /* its owner has as many as are allowed */
	ENGINE_FAULT      /* the store failed: roll back */
};

/* The session and the card something was read from; views are borrowed. */
struct engine_origin {
	const char *session; /* hexadecimal id */
	uint32_t reader;
	struct wire_view reader_name;
	struct wire_view card_id; /* KEEP_CARD_ID_LEN bytes */
	struct wire_view family;
};

/*
 * Open the store at path, make it when there is no file, and begin a new epoch.
 * One daemon at a time: the lock file "<path>.lock" and SQLite's own exclusive
 * mode both say so.
 *
 * full    synchronous=FULL: a commit survives a power cut, not only a crash
 * reason  at least ENGINE_REASON_SIZE; filled when NULL is returned
 */
struct engine *engine_open(const char *path, bool full, int64_t now,
                           enum engine_error *error, char *reason);
void engine_close(struct engine *engine);

const char *engine_reason(const struct engine *engine);
int64_t engine_epoch(const struct engine *engine);

/* Rows written so far; for tests and "stats". */
int64_t engine_written(const struct engine *engine);

/* now is the time of everything in the transaction, seconds since 1970. */
bool engine_begin(struct engine *engine, int64_t now);
bool engine_commit(struct engine *engine);
void engine_rollback(struct engine *engine);

/*
 * The session is there: a new row, or an older one adopted into this epoch.
 * What an adopted session claimed before stays until engine_session_synced.
 */
bool engine_session_start(struct engine *engine, const char *session,
                          const struct keep_hello *hello);
bool engine_session_state(struct engine *engine, const char *session,
                          const struct keep_state *state);

/* It has asserted all that is present: claims of older epochs end. */
bool engine_session_synced(struct engine *engine, const char *session,
                           uint32_t *removed);

/*
 * It is over: its claims end, but those that end never are marked as kept.
 * removed counts the roots that are no longer there.
 */
bool engine_session_end(struct engine *engine, const char *session,
                        struct wire_view reason, uint32_t *removed);

/* End every session that this epoch has not started or adopted. */
bool engine_end_others(struct engine *engine, const char *reason,
                       uint32_t *ended);

/*
 * Add a certificate, or let the entry inherit what is new: one entry for each
 * certificate, the union of the properties.  What a user or an administrator
 * set stays; of what comes from the card the last word counts.
 *
 * hash  ENGINE_HASH_LEN bytes, filled
 */
enum engine_result
engine_put_entry(struct engine *engine, enum engine_store store,
                 struct wire_view owner, const struct engine_origin *origin,
                 const struct keep_cert *cert, uint8_t *hash);

/* Claim the root with this hash for the session's scope. */
bool engine_put_claim(struct engine *engine, const struct engine_origin *origin,
                      const uint8_t *hash, enum keep_kind kind,
                      enum keep_cleanup cleanup);

/*
 * Drop the claims of (session, reader, card), all but those on the count roots
 * in hashes (ENGINE_HASH_LEN bytes each), and the entries nobody claims now.
 */
bool engine_drop_claims(struct engine *engine,
                        const struct engine_origin *origin,
                        const uint8_t *hashes, size_t count, uint32_t *removed);

/* Remove the user's MY entries that were read from this card in this reader. */
bool engine_drop_user(struct engine *engine, const struct engine_origin *origin,
                      struct wire_view owner, uint32_t *removed);

/* Forget what nothing refers to any more, and what is too old to be listed. */
bool engine_sweep(struct engine *engine);

/* A session's scope, "session:<id>". */
void engine_scope(char scope[ENGINE_SCOPE_SIZE], const char *session);

/*
 * The queries.  Each calls back for every row, in a fixed order; the row and
 * its views live for that call only.  A callback that returns false ends the
 * query, which then returns false too.
 */
struct engine_root {
	struct wire_view hash;
	struct wire_view der;
	uint32_t subject_hash;
	enum keep_kind kind;
};
typedef bool engine_on_root(const struct engine_root *root, void *arg);
bool engine_presence(struct engine *engine, const char *scope,
                     engine_on_root *on_root, void *arg);

struct engine_entry {
	enum engine_store store;
	struct wire_view owner;
	struct wire_view hash;
	struct wire_view sha1;
	struct wire_view der;
	struct wire_view subject;
	struct wire_view issuer;
	struct wire_view serial;
	int64_t not_before;
	int64_t not_after;
	struct wire_view key_alg;
	int64_t key_bits;
	struct wire_view upn;
	struct wire_view email;
	struct wire_view friendly_name;
	struct wire_view prov_name;
	struct wire_view container;
	struct wire_view pkcs11_uri;
	struct wire_view reader_name;
	struct wire_view card_id;
	struct wire_view family;
	bool logon_eligible;
	int64_t created_at;
	int64_t updated_at;
	struct wire_view session;
};
typedef bool engine_on_entry(const struct engine_entry *entry, void *arg);

/* Entries of MY and REQUEST; an empty owner lists all owners. */
bool engine_list_entries(struct engine *engine, struct wire_view owner,
                         engine_on_entry *on_entry, void *arg);

struct engine_claim {
	struct wire_view scope;
	struct wire_view hash;
	struct wire_view subject;
	int64_t not_after;
	struct wire_view session;
	struct wire_view user;
	struct wire_view client_name;
	struct wire_view client_addr;
	struct wire_view target;
	int64_t reader;
	struct wire_view reader_name;
	struct wire_view card_id;
	struct wire_view family;
	enum keep_kind kind;
	enum keep_cleanup ends_on;
	bool live; /* its session runs now */
	bool
	    kept; /* its session is over, the policy keeps the root on record */
	int64_t created_at;
};
typedef bool engine_on_claim(const struct engine_claim *claim, void *arg);

/* An empty scope lists all. */
bool engine_list_claims(struct engine *engine, struct wire_view scope,
                        engine_on_claim *on_claim, void *arg);

struct engine_pin {
	struct wire_view scope;
	struct wire_view hash;
	struct wire_view subject; /* empty: never seen on a card */
	struct wire_view pinned_by;
	struct wire_view reason;
	int64_t pinned_at;
};
typedef bool engine_on_pin(const struct engine_pin *pin, void *arg);
bool engine_list_pins(struct engine *engine, struct wire_view scope,
                      engine_on_pin *on_pin, void *arg);

struct engine_stats {
	int64_t certs;
	int64_t entries;
	int64_t claims;
	int64_t pins;
	int64_t live_sessions;
	int64_t audit;
};
bool engine_stats(struct engine *engine, struct engine_stats *stats);

#endif
