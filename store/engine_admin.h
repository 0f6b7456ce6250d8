/*
 * What an administrator does to the store: pins, purges, properties, and looks
 * at it as a whole.  The verbs that write stand between engine_begin and
 * engine_commit like those of engine.h, and are audited with who asked.
 */
#ifndef STORE_ENGINE_ADMIN_H
#define STORE_ENGINE_ADMIN_H

#include "engine.h"
#include "property.h"

enum { ENGINE_WHO_SIZE = 24 };

/* The one certificate whose SHA-256 begins with these hexadecimal digits. */
enum engine_found {
	ENGINE_FOUND_NONE,
	ENGINE_FOUND_ONE,
	ENGINE_FOUND_MANY,
	ENGINE_FOUND_FAULT
};
enum engine_found engine_find_cert(struct engine *engine, const char *prefix,
                                   uint8_t hash[ENGINE_HASH_LEN]);

/* Is this a certification authority's?  False: the store failed. */
bool engine_cert_is_ca(struct engine *engine, const uint8_t *hash, bool *is_ca);

/* Is there a session, running or over, with this id? */
bool engine_session_is_known(struct engine *engine, const char *session);

/* Take a certificate in that no card has shown; nothing refers to it yet. */
bool engine_take_cert(struct engine *engine, const struct keep_cert *cert,
                      uint8_t hash[ENGINE_HASH_LEN]);

/*
 * Pin a root that is in the store: no clean-up ends that.  who asked is at most
 * ENGINE_WHO_SIZE with its NUL; *changed is false when it was pinned there.
 */
struct engine_pinning {
	const char *scope; /* "host", "user:NAME", "session:ID" */
	const uint8_t *hash;
	const char *who;
	struct wire_view reason;
};
bool engine_pin(struct engine *engine, const struct engine_pinning *pinning,
                bool *changed);

/* An empty scope: wherever it is pinned.  removed counts the pins. */
bool engine_unpin(struct engine *engine, const char *scope, const uint8_t *hash,
                  const char *who, uint32_t *removed);

/*
 * Forget claims that were kept when their log-ons ended, of one root or, with a
 * NULL hash, of all: a page of them, see engine.h.  purged counts on.
 */
enum engine_slice engine_purge(struct engine *engine, const uint8_t *hash,
                               const char *who, struct engine_claim_key *key,
                               uint32_t *purged);

/*
 * Change the entries of one certificate, the owner's or (empty) all; entries
 * that have these values already are left alone.  Nothing is ever added.
 */
struct engine_changed {
	struct wire_view owner;
	struct wire_view hash;
	enum engine_store store;
	bool changed;
};
typedef bool engine_on_changed(const struct engine_changed *changed, void *arg);
bool engine_change(struct engine *engine, struct wire_view owner,
                   const struct property_change *change, const char *who,
                   engine_on_changed *on_changed, void *arg);

/* The audit, newest first, in pages: see engine.h. */
struct engine_audit_query {
	struct wire_view owner; /* what concerns this user; empty: all */
	int64_t since;
};
struct engine_audit_key {
	bool begun;
	int64_t at;
	int64_t epoch;
	int64_t seq;
	char session[ENGINE_ID_SIZE];
};
struct engine_audit_row {
	int64_t at;
	struct wire_view event;
	struct wire_view session;
	struct wire_view user;
	struct wire_view hash;
	struct wire_view detail;
};
typedef bool engine_on_audit(const struct engine_audit_row *row, void *arg);
enum engine_slice engine_page_audit(struct engine *engine,
                                    const struct engine_audit_query *query,
                                    struct engine_audit_key *key,
                                    engine_on_audit *on_audit, void *arg);

/*
 * Counting in slices, so that a large store answers and goes on working.  The
 * counts are of slightly different moments.
 */
struct engine_census {
	struct engine_stats stats;
	int64_t file_bytes;
	int64_t free_bytes; /* of them: pages to be used again */
	int64_t wal_bytes;
	unsigned slice;
	int64_t last_no;               /* of a certificate, at the beginning */
	struct engine_audit_key audit; /* where the next slice begins */
};
void engine_census_init(struct engine_census *census);
enum engine_slice engine_census_step(struct engine *engine,
                                     struct engine_census *census);

/*
 * A copy of the store while it is written to: the pages go over in slices on
 * the one connection there is, and what changes meanwhile is copied again.  The
 * copy is a file without a name beside the store.
 */
struct engine_copy;
struct engine_copy *engine_copy_new(struct engine *engine, char *reason);
void engine_copy_free(struct engine_copy *copy);

/* At most pages more of it; after ENGINE_BAD engine_copy_reason says why. */
enum engine_slice engine_copy_step(struct engine_copy *copy, int pages);
const char *engine_copy_reason(const struct engine_copy *copy);

/* Its file, as it is; the descriptor is the caller's.  -1: it is taken. */
int engine_copy_dup(const struct engine_copy *copy);

/* Its bytes, once it is done; the descriptor is the caller's. */
int engine_copy_take(struct engine_copy *copy, int64_t *len);

#endif
