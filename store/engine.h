/*
 * The store behind its verbs, on SQLite: certificates, the entries of the
 * stores, claims on them and the log-ons they belong to.  It keeps rows and
 * answers queries; it knows no socket, no view and no loop.
 *
 * A session here is a log-on: it may outlive the connection that brought it,
 * and be resumed by another.  A claim says that a card of a log-on holds a
 * certificate; each is (scope, certificate, log-on, reader, card) and none is
 * ever counted:
 *
 * - a root is present in a scope when it is pinned there or a claim of a live
 *   log-on names it, and engine_presence() asks just that; a claim of kind
 *   KEEP_PREEXISTING is a mere record and makes nothing present;
 * - a user's entry is there while a claim backs it or it is kept (it was once
 *   propagated to stay, or imported); its key is available while a claim of a
 *   live log-on has its card in a reader.
 *
 * A log-on is live while its row has no end and the epoch of the running
 * keeper.
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
	ENGINE_ID_SIZE = 2 * KEEP_ID_LEN + 1,       /* a session's id as text */
	ENGINE_SCOPE_SIZE = 48,                     /* "session:<id>" */
	ENGINE_USER_SCOPE_SIZE = KEEP_TEXT_MAX + 8, /* "user:<owner>" */
	ENGINE_REASON_SIZE = 200,
	ENGINE_OWNER_CERTS = 256,             /* certificates of one owner */
	ENGINE_OWNER_BYTES = 4 * 1024 * 1024, /* and their DER together */
	ENGINE_SESSION_DAYS = 30,             /* an ended session is listed */
	ENGINE_AUDIT_DAYS = 180,
	ENGINE_SWEEP_SLICE = 250, /* rows looked at in one transaction */
	ENGINE_PAGE = 200,        /* rows of a list, in one call */
	ENGINE_PAGE_SCAN = 500    /* keys looked at for them */
};

/* What counts for every log-on of this host, as the administrator allowed. */
#define ENGINE_HOST_SCOPE "host"

enum engine_store { ENGINE_MY = 1, ENGINE_REQUEST, ENGINE_SMARTCARDROOT };

enum engine_error {
	ENGINE_OK,
	ENGINE_FOREIGN, /* not our file, or from a later version: left alone */
	ENGINE_IN_USE,  /* another daemon has it */
	ENGINE_BROKEN,  /* it cannot be opened or made */
	ENGINE_FAILED   /* it cannot be written now: full, an I/O error */
};

enum engine_archived {
	ENGINE_SHOWN,
	ENGINE_ARCHIVED,      /* by a user or an administrator */
	ENGINE_ARCHIVED_STALE /* its only card no longer holds it */
};

/* How a log-on ended. */
enum engine_end {
	ENGINE_END_LOGOFF = 1, /* its connection said so */
	ENGINE_END_CRASH,      /* its connection vanished */
	ENGINE_END_HOST,       /* the host said so */
	ENGINE_END_EXPIRED,    /* disconnected for too long */
	ENGINE_END_RESTART,    /* the daemon was started anew */
	ENGINE_END_RESUMED     /* it was no log-on: another was resumed */
};

/* What became of one certificate. */
enum engine_result {
	ENGINE_ADDED,
	ENGINE_UPDATED,
	ENGINE_UNCHANGED, /* nothing was written */
	ENGINE_LIMIT,     /* its owner has as many as are allowed */
	ENGINE_FAULT      /* the store failed: roll back */
};

/* The log-on and the card something was read from; views are borrowed. */
struct engine_origin {
	const char *session;    /* hexadecimal id */
	const char *connection; /* that says so */
	uint32_t reader;
	struct wire_view reader_name;
	struct wire_view card_id; /* KEEP_CARD_ID_LEN bytes */
	struct wire_view family;
	struct wire_view card_serial;
	struct wire_view chuid;
	enum keep_removable removable;
	struct wire_view policy; /* in force, and its generation */
	uint32_t policy_generation;
};

/* What a verb did to what is shown; each adds to what is there. */
struct engine_change {
	uint32_t removed; /* entries of any store */
	bool user;        /* entries of a user, or which key is available */
	bool host;        /* the scope of the host */
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
int64_t engine_commits(const struct engine *engine);

/* now is the time of everything in the transaction, seconds since 1970. */
bool engine_begin(struct engine *engine, int64_t now);
bool engine_commit(struct engine *engine);
void engine_rollback(struct engine *engine);

/*
 * The keeper runs for the gate with this boot id: log-ons that are detached go
 * on in this epoch if the last one did, too.  All others wait for
 * engine_session_start.
 */
bool engine_boot(struct engine *engine, const char *boot_id);

/*
 * The log-on is there, and this connection speaks for it: a new row, or one
 * adopted into this epoch or resumed.  What others asserted stays until
 * engine_session_synced.
 */
bool engine_session_start(struct engine *engine, const char *session,
                          const char *connection,
                          const struct keep_hello *hello);
bool engine_session_state(struct engine *engine, const char *session,
                          const struct keep_state *state);

/*
 * The connection has asserted all that is present: claims that others asserted
 * and that end with their card end, and no other card of theirs is present.
 */
bool engine_session_synced(struct engine *engine, const char *session,
                           const char *connection,
                           struct engine_change *change);

/*
 * Nobody is connected any more, unless another connection has taken over: no
 * card is present.  Times are absolute, expires_at 0 is never; with a grace
 * that is over by now this is an engine_session_released, too.
 */
bool engine_session_detach(struct engine *engine, const char *session,
                           const char *connection, int64_t grace_until,
                           int64_t expires_at, struct engine_change *change);

/* The grace is over: claims that end with their card end. */
bool engine_session_released(struct engine *engine, const char *session,
                             struct engine_change *change);

/*
 * It is over: its claims end, but those on roots that end never are marked as
 * kept.
 */
bool engine_session_end(struct engine *engine, const char *session,
                        enum engine_end how, struct wire_view reason,
                        struct engine_change *change);

/*
 * Judge all that the log-on has by what its policy says now: what that takes
 * back ends, and what ends the others is as it says.  Of cards that are present
 * at connection the session itself says what became of them.
 */
struct engine_rules {
	const struct keep_rules *rules; /* NULL: the section is gone */
	const char *user;               /* owner key */
	const char *connection;         /* that speaks for it, or "" */
	/* What was not asserted by now is not there: a card's removal is over.
	 */
	bool settled;
	/* The same cards were the user's by the rules before these. */
	bool matched;
};
bool engine_session_judge(struct engine *engine, const char *session,
                          const struct engine_rules *rules,
                          struct engine_change *change);

/*
 * What from holds is of the log-on into from now on; the last word of from
 * counts.  from is to be ended next.
 */
bool engine_session_merge(struct engine *engine, const char *from,
                          const char *into);

/* End every log-on that this epoch has not started or adopted. */
bool engine_end_others(struct engine *engine, const char *reason,
                       uint32_t *ended, struct engine_change *change);

/*
 * A card of this log-on holds this certificate: an entry of the user (owner
 * key; KEEP_USER, KEEP_REQUEST), of the log-on's scope (the other kinds) or of
 * the host's, and the claim that backs it.
 *
 * One entry for each certificate, the union of the properties: what a user or
 * an administrator set stays; of what comes from the card the last word counts,
 * and of two cards that of the one inserted last.
 *
 * owner  empty: the scope of the log-on
 * hash   ENGINE_HASH_LEN bytes, filled
 */
enum engine_result engine_put(struct engine *engine,
                              const struct engine_origin *origin,
                              struct wire_view owner,
                              const struct keep_cert *cert,
                              enum keep_cleanup cleanup, uint8_t *hash,
                              struct engine_change *change);

/* The same for the host's scope, after engine_put. */
enum engine_result engine_put_host(struct engine *engine,
                                   const struct engine_origin *origin,
                                   const struct keep_cert *cert,
                                   enum keep_cleanup cleanup,
                                   struct engine_change *change);

/*
 * A batch was all that the card in this reader holds: its claims on other roots
 * end, unless they end never; on other certificates of the user they end with
 * archive, else their key is not available any more.  With archive a kept entry
 * whose only card this was is archived.
 *
 * hashes  count of them, ENGINE_HASH_LEN bytes each
 * owner   of the user's certificates, empty: none
 */
struct engine_held {
	const uint8_t *hashes;
	const bool *host; /* of each: in the scope of the host, too */
	size_t count;
	bool archive;
};
bool engine_held_only(struct engine *engine, const struct engine_origin *origin,
                      struct wire_view owner, const struct engine_held *held,
                      struct engine_change *change);

/*
 * The card left this reader, or does not answer any more.  roots and user say
 * whose claims end with that; the others stay, and the key is not available.
 */
bool engine_release(struct engine *engine, const struct engine_origin *origin,
                    bool roots, bool user, struct engine_change *change);

/*
 * Forget what nothing refers to any more, and what is too old to be listed: one
 * slice of it.  more is set while there are others.
 */
bool engine_sweep(struct engine *engine, bool *more);

/* The scope of a log-on, "session:<id>", and of a user, "user:<owner>". */
void engine_scope(char scope[ENGINE_SCOPE_SIZE], const char *session);
void engine_user_scope(char scope[ENGINE_USER_SCOPE_SIZE],
                       struct wire_view owner);

/*
 * What became of one certificate, told once it is durable and in the order it
 * happened: "cert-added", "cert-replaced", "cert-archived", "cert-changed",
 * "cert-deleted", "cert-refused" of users' certificates, "root-claimed",
 * "root-preexisting", "root-present", "root-released", "root-removed",
 * "root-refused", "root-pinned", "root-unpinned", "root-purged" of roots.
 */
struct engine_note {
	const char *event;   /* a literal */
	const char *session; /* the log-on, or "admin" */
	const uint8_t *hash;
	struct wire_view user;   /* whose entry it is; empty: a root */
	struct wire_view detail; /* the reader, the scope, who asked */
};
struct engine_listener {
	bool (*wants)(void *arg); /* asked as a transaction begins */
	void (*on_note)(void *arg, const struct engine_note *note);
	void (*on_lost)(void *arg, size_t count); /* too many to be told */
	void *arg;
};
/* Borrowed for as long as the engine lives; it must not write to the store. */
void engine_listen(struct engine *engine,
                   const struct engine_listener *listener);

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
/* What a list is narrowed to; empty or NULL: not by this. */
struct engine_filter {
	struct wire_view owner; /* of entries; the scope, of claims and pins */
	const char *prefix;     /* of the hash, lower-case hexadecimal */
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
	struct wire_view ski;
	struct wire_view description;
	struct wire_view enhkey_usage;
	enum engine_archived archived;
	bool kept;          /* stays without a card and a log-on */
	bool key_available; /* its card is in a reader now */
	/* prov_type, prov_flags, key_spec mean nothing without a prov_name */
	uint32_t prov_type;
	uint32_t prov_flags;
	uint32_t key_spec;
	struct wire_view enrollment;
	int64_t date_stamp;
	bool has_reader_removable;
	bool reader_removable;
	struct wire_view smart_card_data;
	struct wire_view card_serial;
	struct wire_view chuid;
	struct wire_view request_originator;
	struct wire_view cep;
	struct wire_view auto_enroll;
	struct wire_view policy;
	struct wire_view extra_properties; /* JSON object, or empty */
	bool has_pin;
	uint32_t pin_id; /* which PIN, as the minidrivers of Windows count */
	struct wire_view pin_info;
};
typedef bool engine_on_entry(const struct engine_entry *entry, void *arg);

/*
 * Lists of any length come in pages: a call looks at a bounded number of rows
 * and moves its key, which is all zeros at the beginning.  The rows of two
 * pages are of two moments.  ENGINE_MORE: there are others; ENGINE_BAD: the
 * store failed, or the callback ended it.
 */
enum engine_slice { ENGINE_MORE, ENGINE_DONE, ENGINE_BAD };

/* Entries of MY and REQUEST; filter may be NULL. */
bool engine_list_entries(struct engine *engine,
                         const struct engine_filter *filter,
                         engine_on_entry *on_entry, void *arg);

/* A page is what one owner has, or so many entries with that beginning. */
struct engine_entry_key {
	char owner[KEEP_TEXT_MAX + 1];
	uint8_t hash[ENGINE_HASH_LEN];
	int64_t store;
};
enum engine_slice engine_page_entries(struct engine *engine,
                                      const struct engine_filter *filter,
                                      struct engine_entry_key *key,
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
	bool live;    /* its log-on goes on */
	bool kept;    /* its log-on is over, the root is kept on record */
	bool present; /* the card is in the reader */
	int64_t created_at;
	int64_t policy_generation; /* at the insertion; 0: not known */
	bool has_first;
	enum keep_cleanup cleanup_at_insert; /* where has_first */
};
typedef bool engine_on_claim(const struct engine_claim *claim, void *arg);

/*
 * Claims on roots; with a filter for the scope of a user those on the user's
 * certificates.  filter may be NULL.
 */
bool engine_list_claims(struct engine *engine,
                        const struct engine_filter *filter,
                        engine_on_claim *on_claim, void *arg);

struct engine_claim_key {
	char scope[ENGINE_USER_SCOPE_SIZE];
	uint8_t hash[ENGINE_HASH_LEN];
	char session[ENGINE_ID_SIZE];
	int64_t reader;
	uint8_t card_id[KEEP_CARD_ID_LEN];
};
enum engine_slice engine_page_claims(struct engine *engine,
                                     const struct engine_filter *filter,
                                     struct engine_claim_key *key,
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
bool engine_list_pins(struct engine *engine, const struct engine_filter *filter,
                      engine_on_pin *on_pin, void *arg);

struct engine_pin_key {
	char scope[ENGINE_USER_SCOPE_SIZE];
	uint8_t hash[ENGINE_HASH_LEN];
};
enum engine_slice engine_page_pins(struct engine *engine,
                                   const struct engine_filter *filter,
                                   struct engine_pin_key *key,
                                   engine_on_pin *on_pin, void *arg);

/* The certificate itself; nothing is called when there is none. */
typedef void engine_on_der(struct wire_view der, void *arg);
bool engine_read_cert(struct engine *engine, struct wire_view hash,
                      engine_on_der *on_der, void *arg);

/* A log-on that has no end. */
struct engine_session {
	struct wire_view session;
	struct wire_view connection; /* empty: nobody is connected */
	struct wire_view user;
	struct wire_view source;
	struct wire_view target;
	struct wire_view host_session;
	struct wire_view client_name;
	struct wire_view client_addr;
	struct wire_view policy;
	enum keep_purpose purpose;
	int64_t started_at;
	int64_t detached_at; /* 0: it is not */
	int64_t grace_until; /* 0: over, or not detached */
	int64_t expires_at;  /* 0: never */
	bool live;
};
typedef bool engine_on_session(const struct engine_session *session, void *arg);
bool engine_list_sessions(struct engine *engine, engine_on_session *on_session,
                          void *arg);

/* Those after this id, which may be empty; it is moved. */
enum engine_slice engine_page_sessions(struct engine *engine,
                                       char after[ENGINE_ID_SIZE],
                                       engine_on_session *on_session,
                                       void *arg);

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
