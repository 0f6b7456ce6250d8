#include "drdynvc.h"

#include "chunk.h"
#include "log.h"
#include "outlet.h"

#include <stdlib.h>
#include <string.h>

enum {
	ID_FORM = 0x03, /* cbId: the two low bits of the first byte */
	ID_FORM_LAST = 2,
	COMMAND_SHIFT = 4,
	FLAGS_FLOW = 0x20 | 0x40
};

/* CreationStatus is an HRESULT, of which a negative one is a failure. */
#define CREATION_FAILED UINT32_C(0xC0000001)

struct drdynvc {
	struct channel_ops ops; /* only send */
	const struct filter_policy *policy;
	struct chunk_join in; /* from the server */
	struct outlet to_client;
	struct outlet to_server;
	bool begun; /* a first chunk of the server was seen */
};

struct drdynvc *
drdynvc_new(void (*send)(void *arg, enum channel_side to, uint32_t total,
                         uint32_t flags, struct wire_view data),
            void *arg)
{
	struct drdynvc *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->ops.send = send;
	chunk_join_init(&d->in);
	outlet_init(&d->to_client, CHANNEL_CLIENT, &d->ops, arg);
	outlet_init(&d->to_server, CHANNEL_SERVER, &d->ops, arg);
	return d;
}

void
drdynvc_free(struct drdynvc *d)
{
	if (d == NULL)
		return;
	chunk_join_clear(&d->in);
	outlet_clear(&d->to_client);
	outlet_clear(&d->to_server);
	free(d);
}

void
drdynvc_policy(struct drdynvc *d, const struct filter_policy *policy)
{
	d->policy = policy;
}

void
drdynvc_chunk_size(struct drdynvc *d, uint32_t bytes)
{
	if (bytes == 0)
		return;
	d->to_client.chunk_size =
	    bytes < CHANNEL_CHUNK_MAX ? bytes : CHANNEL_CHUNK_MAX;
	d->to_server.chunk_size = d->to_client.chunk_size;
}

bool
drdynvc_is_create(struct wire_view message)
{
	struct wire_in in = wire_in_view(message);

	return message.len > 0 &&
	       wire_u8(&in) >> COMMAND_SHIFT == DRDYNVC_CREATE;
}

/* The name ends with a NUL, or with the message: peers take both. */
static void
read_name(struct wire_in *in, struct drdynvc_create *create)
{
	struct wire_view rest = wire_rest(in);
	const uint8_t *end = NULL;
	size_t len = rest.len;

	if (len > 0)
		end = memchr(rest.data, '\0', len);
	if (end != NULL)
		len = (size_t)(end - rest.data);
	if (len > DRDYNVC_NAME_MAX) {
		wire_fail(in, WIRE_LIMIT);
		return;
	}
	if (len > 0)
		memcpy(create->name, rest.data, len);
	create->name[len] = '\0';
}

bool
drdynvc_create_decode(struct wire_view message, struct drdynvc_create *create)
{
	struct wire_in in = wire_in_view(message);
	uint8_t first = wire_u8(&in);

	memset(create, 0, sizeof(*create));
	create->id_form = first & ID_FORM;
	if (first >> COMMAND_SHIFT != DRDYNVC_CREATE ||
	    create->id_form > ID_FORM_LAST)
		wire_fail(&in, WIRE_VALUE);
	if (create->id_form == 0)
		create->channel = wire_u8(&in);
	else if (create->id_form == 1)
		create->channel = wire_u16(&in);
	else
		create->channel = wire_u32(&in);
	read_name(&in, create);
	return wire_ok(&in);
}

void
drdynvc_failure_encode(struct wire_out *out,
                       const struct drdynvc_create *create)
{
	wire_put_u8(
	    out, (uint8_t)(DRDYNVC_CREATE << COMMAND_SHIFT | create->id_form));
	if (create->id_form == 0)
		wire_put_u8(out, (uint8_t)create->channel);
	else if (create->id_form == 1)
		wire_put_u16(out, (uint16_t)create->channel);
	else
		wire_put_u32(out, create->channel);
	wire_put_u32(out, CREATION_FAILED);
}

static void
say_refused(const struct drdynvc_create *create, const char *rule)
{
	struct log_event ev = log_event(LOG_NOTICE, "dynamic-channel-refused");

	log_text(&ev, "name", create->name);
	log_text(&ev, "rule", rule);
	log_write(&ev);
}

/* A whole create request; what is malformed is dropped without an answer. */
static void
on_create(struct drdynvc *d, struct wire_view message)
{
	struct drdynvc_create create;
	struct filter_decision decision;
	uint8_t data[DRDYNVC_RESPONSE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));

	if (!drdynvc_create_decode(message, &create)) {
		say_refused(&create, "malformed");
		return;
	}
	decision = filter_channel(d->policy, create.name);
	if (decision.verdict == FILTER_ALLOW) {
		(void)outlet_send(&d->to_client, message);
		return;
	}
	say_refused(&create, decision.rule);
	drdynvc_failure_encode(&out, &create);
	(void)outlet_send(&d->to_server, wire_written(&out));
}

static enum channel_verdict
decide(struct drdynvc *d, enum chunk_step *step)
{
	uint32_t total = d->in.total; /* as the first chunk says */
	struct wire_view held;

	if (d->policy != NULL && drdynvc_is_create(chunk_join_seen(&d->in))) {
		*step = chunk_join_own(&d->in);
		return CHANNEL_TAKE;
	}
	held = chunk_join_pass(&d->in);
	if (held.len > 0)
		outlet_pass(&d->to_client, total,
		            CHANNEL_FLAG_FIRST | d->to_client.show, held);
	return CHANNEL_PASS;
}

/*
 * What was under way when we began to look has no first chunk, and is no create
 * request that we could stop; later such a chunk is a fault.
 */
static enum channel_verdict
from_server(struct drdynvc *d, uint32_t total, uint32_t flags,
            struct wire_view data)
{
	enum channel_verdict verdict = CHANNEL_TAKE;
	enum chunk_step step;

	d->begun = d->begun || (flags & CHANNEL_FLAG_FIRST) != 0;
	if (!d->begun)
		return CHANNEL_PASS;
	d->to_client.show = flags & CHANNEL_FLAG_SHOW_PROTOCOL;
	step = chunk_join_take(&d->in, total, flags, data);
	if (step == CHUNK_DECIDE)
		verdict = decide(d, &step);
	else if (step == CHUNK_PASS)
		verdict = CHANNEL_PASS;
	if (step == CHUNK_WHOLE)
		on_create(d, chunk_join_seen(&d->in));
	if (step == CHUNK_FAULT)
		log_note(LOG_WARNING, "drdynvc-fault", chunk_join_why(&d->in));
	return verdict;
}

/* Nothing of ours may stand inside a message of the client. */
static enum channel_verdict
from_client(struct drdynvc *d, uint32_t total, uint32_t flags,
            struct wire_view data)
{
	d->to_server.show = flags & CHANNEL_FLAG_SHOW_PROTOCOL;
	d->to_server.busy = (flags & CHANNEL_FLAG_LAST) == 0;
	if (d->to_server.busy || !outlet_waits(&d->to_server))
		return CHANNEL_PASS;
	outlet_pass(&d->to_server, total, flags, data);
	outlet_flush(&d->to_server);
	return CHANNEL_TAKE;
}

/*
 * SUSPEND and RESUME, [MS-RDPBCGR] 2.2.6.1.1, which come without data.  Any
 * other empty chunk could begin a message for the client and none for us.
 */
static bool
is_flow(uint32_t flags)
{
	return (flags & FLAGS_FLOW) != 0 &&
	       (flags & (CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST)) == 0;
}

enum channel_verdict
drdynvc_chunk(struct drdynvc *d, enum channel_side from, uint32_t total,
              uint32_t flags, struct wire_view data)
{
	if (data.len == 0)
		return is_flow(flags) ? CHANNEL_PASS : CHANNEL_TAKE;
	return from == CHANNEL_SERVER ? from_server(d, total, flags, data)
	                              : from_client(d, total, flags, data);
}
