/*
 * What the files of the engine share: engine.c (its life and transactions),
 * engine_session.c (log-ons), engine_rules.c (under another policy),
 * engine_write.c (entries and claims), engine_drop.c (their ends),
 * engine_list.c (the queries).
 */
#ifndef STORE_ENGINE_PRIVATE_H
#define STORE_ENGINE_PRIVATE_H

#include "engine.h"
#include "notes.h"
#include "sql.h"
#include "statements.h"

struct stat;

struct engine {
	struct sql sql;
	int lock_fd; /* holds the flock for as long as we live */
	char proxy_id[ENGINE_ID_SIZE];
	int64_t epoch;
	int64_t now;                    /* of the transaction */
	int64_t inserted;               /* the last number of an insertion */
	uint8_t swept[ENGINE_HASH_LEN]; /* so far, in this pass */
	struct engine_stats stats;      /* counted at stats_ms, when that is */
	int64_t stats_ms;               /* costly; 0: count anew */
	int64_t commits;                /* so far */
	const struct engine_listener *listener; /* NULL: nobody */
	bool noting;                            /* in this transaction */
	struct notes notes;
};

/* One row of the audit; hash and detail may be empty. */
bool engine_audit(struct engine *engine, const char *session, const char *event,
                  struct wire_view hash, struct wire_view detail);

/* The same of a note; without a detail the row has the user. */
bool engine_audit_note(struct engine *engine, const struct engine_note *note);

/* The same of a user's entry. */
bool engine_audit_entry(struct engine *engine, const char *session,
                        const char *event, struct wire_view hash,
                        struct wire_view owner);

/* Only tell, once the transaction is durable. */
void engine_tell(struct engine *engine, const struct engine_note *note);

/* Zeros stand for a card that does not say who it is. */
bool engine_is_unknown_card(struct wire_view card_id);

enum { ENGINE_RECORDS_MAX = 64 };

/* Whose claims a statement dropped or changed. */
struct engine_touched {
	bool session; /* in the log-on's own scope */
	bool host;
	bool user;
	size_t owner_len;
	char owner[KEEP_TEXT_MAX]; /* of the user: a log-on has one */
	/* Mere records of roots that the host trusts anyway. */
	size_t record_count;
	uint8_t records[ENGINE_RECORDS_MAX][ENGINE_HASH_LEN];
};

/* Run a statement that tells scope, certificate and kind of each claim. */
bool engine_run_touching(struct sql_call *call, struct engine_touched *touched);

/* Entries that nothing backs any more go, keys are looked for elsewhere. */
bool engine_settle(struct engine *engine, const char *session,
                   const struct engine_touched *touched,
                   struct engine_change *change);

/*
 * Entries of the owner go that the statement, of owner and scope, deletes and
 * tells; dropped counts on.
 */
bool engine_drop_entries(struct engine *engine, enum statement statement,
                         const char *session, struct wire_view owner,
                         uint32_t *dropped);

/* The certificate itself, unless it is there; hash is its SHA-256. */
bool engine_put_cert(struct engine *engine, const struct keep_cert *cert,
                     const uint8_t *hash);

/* The scopes of users come behind it, those of roots before it. */
#define ENGINE_LAST_ROOT_SCOPE "user"

/*
 * The last key of a page of so many claims, up to the end of last_scope;
 * ENGINE_DONE: it is the last page.
 */
enum engine_slice engine_claims_end(struct engine *engine,
                                    const struct engine_claim_key *key,
                                    const char *last_scope, int64_t rows,
                                    struct engine_claim_key *last);
/* The first ten values of a statement on such a page. */
void engine_put_claim_page(struct sql_call *call,
                           const struct engine_claim_key *key,
                           const struct engine_claim_key *last);
/* Its next five columns. */
void engine_read_claim_key(struct sql_call *call, struct engine_claim_key *key);

/* The journal's file; false when there is none. */
bool engine_wal_stat(const struct engine *engine, struct stat *stat_of);

#endif
