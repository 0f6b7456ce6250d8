/*
 * The trust anchors that the host has already: what an administrator installed
 * is neither added again for a card nor imitated by one.  A table of digests
 * that is filled once and then only looked at, so that processes can share it.
 * It does no I/O.
 */
#ifndef PROPAGATE_ANCHORS_H
#define PROPAGATE_ANCHORS_H

#include "wire.h"

#include <openssl/x509.h>

enum {
	ANCHORS_MAX = 4096, /* a distribution has about 150 */
	ANCHORS_DIGEST_LEN = 32
};

/* What an anchor is known by, each a SHA-256. */
struct anchors_id {
	uint8_t cert[ANCHORS_DIGEST_LEN]; /* of its DER */
	/*
	 * Of its name as programs compare names: neither the kind of string nor
	 * upper and lower case nor the number of blanks make it another one.
	 */
	uint8_t subject[ANCHORS_DIGEST_LEN];
	uint8_t key[ANCHORS_DIGEST_LEN]; /* of its public key, without the
	                                    parameters, which may be absent */
};

/* False when memory is short, or name or key do not decode. */
bool anchors_identify(const X509 *x509, struct anchors_id *id);

struct anchors;

/* An empty table, NULL when memory is short. */
struct anchors *anchors_new(void);
void anchors_free(struct anchors *anchors);

/*
 * Add one certificate; a second time it makes no difference.  BROKEN and FULL
 * leave the table as it was.
 */
enum anchors_result {
	ANCHORS_ADDED,
	ANCHORS_BROKEN, /* not one whole certificate */
	ANCHORS_FULL,   /* ANCHORS_MAX are there */
	ANCHORS_ENOMEM
};
enum anchors_result anchors_add(struct anchors *anchors, struct wire_view der);

size_t anchors_count(const struct anchors *anchors);

/*
 * Is this one of them, or another certificate that has the name or the key of
 * one?  What is the same is never only similar.  A NULL table is empty.
 */
enum anchors_match {
	ANCHORS_NONE,
	ANCHORS_SAME,
	ANCHORS_SAME_SUBJECT,
	ANCHORS_SAME_KEY
};
enum anchors_match anchors_find(const struct anchors *anchors,
                                const struct anchors_id *id);

#endif
