/*
 * "roots purge": claims that were kept when their log-ons ended are forgotten,
 * a page of them in one transaction.  Who goes away meanwhile has had done what
 * was done by then.
 */
#ifndef STORE_PURGE_H
#define STORE_PURGE_H

#include "engine_admin.h"
#include "report.h"

#include <sys/types.h>

struct json_object;

struct purge {
	const struct report_source *source;
	const struct request *request;
	char who[ENGINE_WHO_SIZE];
	bool begun;
	bool one; /* of one root */
	uint8_t hash[ENGINE_HASH_LEN];
	struct engine_claim_key key;
	uint32_t purged;
	char fault[ENGINE_REASON_SIZE];
};

/* uid, who asked, goes to the audit; the rest is borrowed. */
void purge_init(struct purge *purge, const struct report_source *source,
                const struct request *request, uid_t uid);

/* One page more; after ENGINE_BAD purge->fault says why. */
enum engine_slice purge_step(struct purge *purge);

/* What was done.  NULL: no memory. */
struct json_object *purge_answer(const struct purge *purge);

#endif
