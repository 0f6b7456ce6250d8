/*
 * What the files of the listing share: listing.c (its course, certificates, the
 * audit), listing_roots.c (claims and pins), listing_sessions.c (connections,
 * log-ons, readers).
 */
#ifndef STORE_LISTING_PRIVATE_H
#define STORE_LISTING_PRIVATE_H

#include "engine_admin.h"
#include "listing.h"
#include "stream.h"

struct listing {
	const struct report_source *source;
	const struct request *request;
	struct stream stream;
	size_t part;  /* of the answer */
	bool started; /* that part */
	/* Where each kind of part goes on. */
	struct engine_entry_key entry;
	struct engine_claim_key claim;
	struct engine_claim_key root; /* that holders are added to */
	struct engine_pin_key pin;
	struct engine_audit_key audit;
	char session[ENGINE_ID_SIZE];
	uint64_t number; /* of a connection or a log-on */
};

/* One page of a part. */
typedef enum engine_slice listing_part(struct listing *listing);

listing_part listing_roots;
listing_part listing_pins;
listing_part listing_detached;
listing_part listing_sessions;
listing_part listing_sessions_detached;
listing_part listing_readers;
listing_part listing_environments;

#endif
