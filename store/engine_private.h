/*
 * What the files of the engine share: engine.c (its life, transactions and
 * sessions), engine_write.c (entries and claims), engine_list.c (the queries).
 */
#ifndef STORE_ENGINE_PRIVATE_H
#define STORE_ENGINE_PRIVATE_H

#include "engine.h"
#include "sql.h"
#include "statements.h"

struct engine {
	struct sql sql;
	int lock_fd; /* holds the flock for as long as we live */
	char proxy_id[ENGINE_ID_SIZE];
	int64_t epoch;
	int64_t now; /* of the transaction */
};

/* One row of the audit; hash and detail may be empty. */
bool engine_audit(struct engine *engine, const char *session, const char *event,
                  struct wire_view hash, struct wire_view detail);

/* Remove the SMARTCARDROOT entries of a session that no claim names now. */
bool engine_drop_unclaimed(struct engine *engine, const char *session,
                           uint32_t *removed);

#endif
