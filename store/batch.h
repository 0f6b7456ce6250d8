/*
 * What was read from one card and waits for its COMMIT: a copy of the BEGIN and
 * CERT datagrams, bounded in number and in bytes.
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include "keep.h"

enum {
	BATCH_ITEMS_MAX = KEEP_CERTS_MAX + KEEP_ROOTS_MAX,
	BATCH_BYTES_MAX = 2 * 1024 * 1024
};

struct batch;

/* begin is the BEGIN datagram, copied.  NULL: no memory. */
struct batch *batch_new(struct wire_view begin);
void batch_free(struct batch *batch);

/*
 * Add a copy of a CERT datagram of this kind.  What is above a limit or has no
 * memory is left out, and batch_fault tells: a batch is applied whole or not.
 */
void batch_add(struct batch *batch, struct wire_view cert, enum keep_kind kind);

/* NULL, or why this batch must not be applied. */
const char *batch_fault(const struct batch *batch);

size_t batch_count(const struct batch *batch);

/* Decode again; what is filled borrows from the batch. */
bool batch_get_begin(const struct batch *batch, struct keep_begin *begin);
bool batch_get_cert(const struct batch *batch, size_t i,
                    struct keep_cert *cert);

#endif
