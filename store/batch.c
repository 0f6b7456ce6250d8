#include "batch.h"

#include <stdlib.h>
#include <string.h>

struct item {
	uint8_t *data;
	size_t len;
};

struct batch {
	struct item begin;
	struct item items[BATCH_ITEMS_MAX];
	size_t count;
	size_t certs; /* of them for the user */
	size_t bytes;
	const char *fault;
};

static bool
copy(struct item *item, struct wire_view bytes)
{
	item->data = malloc(bytes.len > 0 ? bytes.len : 1);
	if (item->data == NULL)
		return false;
	if (bytes.len > 0)
		memcpy(item->data, bytes.data, bytes.len);
	item->len = bytes.len;
	return true;
}

struct batch *
batch_new(struct wire_view begin)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (batch != NULL && !copy(&batch->begin, begin)) {
		free(batch);
		return NULL;
	}
	return batch;
}

void
batch_free(struct batch *batch)
{
	if (batch == NULL)
		return;
	for (size_t i = 0; i < batch->count; i++)
		free(batch->items[i].data);
	free(batch->begin.data);
	free(batch);
}

static bool
is_for_user(enum keep_kind kind)
{
	return kind == KEEP_USER || kind == KEEP_REQUEST;
}

static const char *
find_fault(const struct batch *batch, size_t len, bool for_user)
{
	if (for_user && batch->certs >= KEEP_CERTS_MAX)
		return "too many certificates on the card";
	if (!for_user && batch->count - batch->certs >= KEEP_ROOTS_MAX)
		return "too many roots on the card";
	if (len > BATCH_BYTES_MAX - batch->bytes)
		return "too many bytes on the card";
	return NULL;
}

void
batch_add(struct batch *batch, struct wire_view cert, enum keep_kind kind)
{
	bool for_user = is_for_user(kind);

	if (batch->fault == NULL)
		batch->fault = find_fault(batch, cert.len, for_user);
	if (batch->fault != NULL)
		return;
	if (!copy(&batch->items[batch->count], cert)) {
		batch->fault = "out of memory";
		return;
	}
	batch->count++;
	batch->certs += for_user ? 1 : 0;
	batch->bytes += cert.len;
}

const char *
batch_fault(const struct batch *batch)
{
	return batch->fault;
}

size_t
batch_count(const struct batch *batch)
{
	return batch->count;
}

static bool
decode(const struct item *item, struct keep_msg *msg)
{
	struct wire_in in = wire_in(item->data, item->len);

	return keep_decode(&in, msg);
}

bool
batch_get_begin(const struct batch *batch, struct keep_begin *begin)
{
	struct keep_msg msg;

	if (!decode(&batch->begin, &msg) || msg.type != KEEP_BEGIN)
		return false;
	*begin = msg.begin;
	return true;
}

bool
batch_get_cert(const struct batch *batch, size_t i, struct keep_cert *cert)
{
	struct keep_msg msg;

	if (!decode(&batch->items[i], &msg) || msg.type != KEEP_CERT)
		return false;
	*cert = msg.cert;
	return true;
}
