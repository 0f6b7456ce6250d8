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
	SIDES = 2,
	FLAGS_FLOW = 0x20 | 0x40
};

/* CreationStatus is an HRESULT, of which a negative one is a failure. */
#define CREATION_FAILED UINT32_C(0xC0000001)
#define HRESULT_FAILED  UINT32_C(0x80000000)

/* A channel as the server created it. */
struct open_channel {
	uint32_t channel;
	uint8_t id_form;
	bool pending; /* the client has not answered */
	bool shut;    /* closed by us: nothing passes until it is made anew */
	char *name;
};

struct drdynvc {
	struct channel_ops ops; /* only send */
	const struct filter_policy *policy;
	struct chunk_join in[SIDES];
	struct outlet out[SIDES];
	bool begun[SIDES]; /* a first chunk was seen */
	struct open_channel *open;
	size_t count;
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
	for (size_t i = 0; i < SIDES; i++) {
		chunk_join_init(&d->in[i]);
		outlet_init(&d->out[i], (enum channel_side)i, &d->ops, arg);
	}
	return d;
}

void
drdynvc_free(struct drdynvc *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < SIDES; i++) {
		chunk_join_clear(&d->in[i]);
		outlet_clear(&d->out[i]);
	}
	for (size_t i = 0; i < d->count; i++)
		free(d->open[i].name);
	free(d->open);
	free(d);
}

void
drdynvc_chunk_size(struct drdynvc *d, uint32_t bytes)
{
	if (bytes == 0)
		return;
	for (size_t i = 0; i < SIDES; i++)
		d->out[i].chunk_size =
		    bytes < CHANNEL_CHUNK_MAX ? bytes : CHANNEL_CHUNK_MAX;
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

static uint32_t
take_id(struct wire_in *in, uint8_t id_form)
{
	if (id_form == 0)
		return wire_u8(in);
	return id_form == 1 ? wire_u16(in) : wire_u32(in);
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
	create->channel = take_id(&in, create->id_form);
	read_name(&in, create);
	return wire_ok(&in);
}

/* Cmd, cbId and ChannelId, which all messages of a channel begin with. */
static void
put_head(struct wire_out *out, uint8_t command, uint8_t id_form,
         uint32_t channel)
{
	wire_put_u8(out, (uint8_t)(command << COMMAND_SHIFT | id_form));
	if (id_form == 0)
		wire_put_u8(out, (uint8_t)channel);
	else if (id_form == 1)
		wire_put_u16(out, (uint16_t)channel);
	else
		wire_put_u32(out, channel);
}

void
drdynvc_failure_encode(struct wire_out *out,
                       const struct drdynvc_create *create)
{
	put_head(out, DRDYNVC_CREATE, create->id_form, create->channel);
	wire_put_u32(out, CREATION_FAILED);
}

/* ---- which channels are open */

static struct open_channel *
find(struct drdynvc *d, uint32_t channel)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->open[i].channel == channel)
			return &d->open[i];
	}
	return NULL;
}

static void
forget(struct drdynvc *d, struct open_channel *open)
{
	free(open->name);
	*open = d->open[--d->count];
}

/* False: there are too many, or memory is short. */
static bool
note_open(struct drdynvc *d, const struct drdynvc_create *create)
{
	struct open_channel *known = find(d, create->channel);
	struct open_channel *list;
	char *name;

	if (known != NULL)
		forget(d, known);
	if (d->count == DRDYNVC_OPEN_MAX)
		return false;
	list = realloc(d->open, (d->count + 1) * sizeof(*list));
	if (list == NULL)
		return false;
	d->open = list;
	name = strdup(create->name);
	if (name == NULL)
		return false;
	list[d->count++] = (struct open_channel){
	    .channel = create->channel,
	    .id_form = create->id_form,
	    .pending = true,
	    .name = name,
	};
	return true;
}

/* Without a policy all is allowed. */
static struct filter_decision
judge(const struct drdynvc *d, const char *name)
{
	if (d->policy == NULL)
		return (struct filter_decision){FILTER_ALLOW, "", 0};
	return filter_channel(d->policy, name);
}

static void
say(const char *event, const char *name, const char *rule)
{
	struct log_event ev = log_event(LOG_NOTICE, event);

	log_text(&ev, "name", name);
	log_text(&ev, "rule", rule);
	log_write(&ev);
}

/* DYNVC_CLOSE, 2.2.4; a server that still waits for the client hears a no. */
static void
shut(struct drdynvc *d, struct open_channel *open, const char *rule)
{
	struct drdynvc_create create = {.id_form = open->id_form,
	                                .channel = open->channel};
	uint8_t data[DRDYNVC_RESPONSE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));

	say("dynamic-channel-closed", open->name, rule);
	open->shut = true;
	put_head(&out, DRDYNVC_CLOSE, open->id_form, open->channel);
	(void)outlet_send(&d->out[CHANNEL_CLIENT], wire_written(&out));
	if (open->pending) {
		out = wire_out(data, sizeof(data));
		drdynvc_failure_encode(&out, &create);
	}
	(void)outlet_send(&d->out[CHANNEL_SERVER], wire_written(&out));
}

void
drdynvc_policy(struct drdynvc *d, const struct filter_policy *policy)
{
	d->policy = policy;
	for (size_t i = 0; i < d->count; i++) {
		struct open_channel *open = &d->open[i];
		struct filter_decision decision = judge(d, open->name);

		if (decision.verdict == FILTER_REFUSE && !open->shut)
			shut(d, open, decision.rule);
	}
}

/* ---- messages */

/* A whole create request; what is malformed is dropped without an answer. */
static void
on_create(struct drdynvc *d, struct wire_view message)
{
	struct drdynvc_create create;
	struct filter_decision decision;
	uint8_t data[DRDYNVC_RESPONSE_MAX];
	struct wire_out out = wire_out(data, sizeof(data));

	if (!drdynvc_create_decode(message, &create)) {
		say("dynamic-channel-refused", create.name, "malformed");
		return;
	}
	decision = judge(d, create.name);
	if (decision.verdict == FILTER_ALLOW && note_open(d, &create)) {
		(void)outlet_send(&d->out[CHANNEL_CLIENT], message);
		return;
	}
	say("dynamic-channel-refused", create.name,
	    decision.verdict == FILTER_ALLOW ? "too many channels"
	                                     : decision.rule);
	drdynvc_failure_encode(&out, &create);
	(void)outlet_send(&d->out[CHANNEL_SERVER], wire_written(&out));
}

/* The client's CreationStatus: an HRESULT. */
static void
answered(struct drdynvc *d, struct open_channel *open, uint32_t status)
{
	open->pending = false;
	if ((status & HRESULT_FAILED) != 0)
		forget(d, open);
}

/* What a message that only passes tells of its channel; false: it may not. */
static bool
may_pass(struct drdynvc *d, enum channel_side from, struct wire_view message)
{
	struct wire_in in = wire_in_view(message);
	uint8_t first = wire_u8(&in);
	uint8_t command = first >> COMMAND_SHIFT;
	struct open_channel *open;

	if (command != DRDYNVC_CREATE && command != DRDYNVC_DATA_FIRST &&
	    command != DRDYNVC_DATA && command != DRDYNVC_CLOSE &&
	    command != DRDYNVC_DATA_FIRST_COMPRESSED &&
	    command != DRDYNVC_DATA_COMPRESSED)
		return true;
	open = find(d, take_id(&in, first & ID_FORM));
	if (!wire_ok(&in) || open == NULL)
		return true;
	if (open->shut)
		return false;
	if (command == DRDYNVC_CLOSE)
		forget(d, open);
	else if (command == DRDYNVC_CREATE && from == CHANNEL_CLIENT)
		answered(d, open, wire_u32(&in));
	return true;
}

/* What is ours is a create request, or is dropped when it is whole. */
static bool
is_ours(struct drdynvc *d, enum channel_side from, struct wire_view message)
{
	if (from == CHANNEL_SERVER && drdynvc_is_create(message))
		return true;
	return !may_pass(d, from, message);
}

static enum channel_verdict
decide(struct drdynvc *d, enum channel_side from, uint32_t flags,
       struct wire_view data, enum chunk_step *step)
{
	struct chunk_join *join = &d->in[from];
	struct outlet *out = &d->out[1 - from];
	uint32_t total = join->total; /* as the first chunk says */
	struct wire_view held;

	if (is_ours(d, from, chunk_join_seen(join))) {
		*step = chunk_join_own(join);
		return CHANNEL_TAKE;
	}
	held = chunk_join_pass(join);
	if (held.len > 0)
		outlet_pass(out, total, CHANNEL_FLAG_FIRST | out->show, held);
	return outlet_relay(out, join, total, flags, data);
}

static bool
is_guarding(const struct drdynvc *d)
{
	return d->policy != NULL && filter_shuts_doors(d->policy);
}

/*
 * What was under way when we began to look has no first chunk, and is no create
 * request that we could stop; later such a chunk is a fault.  Where no door is
 * shut there is nothing to guard, and a fault is between the peers.
 */
static enum channel_verdict
route(struct drdynvc *d, enum channel_side from, uint32_t total, uint32_t flags,
      struct wire_view data)
{
	struct outlet *out = &d->out[1 - from];
	enum channel_verdict verdict = CHANNEL_TAKE;
	enum chunk_step step;

	d->begun[from] = d->begun[from] || (flags & CHANNEL_FLAG_FIRST) != 0;
	if (!d->begun[from])
		return CHANNEL_PASS;
	out->show = flags & CHANNEL_FLAG_SHOW_PROTOCOL;
	step = chunk_join_take(&d->in[from], total, flags, data);
	if (step == CHUNK_DECIDE)
		verdict = decide(d, from, flags, data, &step);
	else if (step == CHUNK_PASS)
		verdict = outlet_relay(out, &d->in[from], total, flags, data);
	if (step == CHUNK_WHOLE && from == CHANNEL_SERVER &&
	    drdynvc_is_create(chunk_join_seen(&d->in[from])))
		on_create(d, chunk_join_seen(&d->in[from]));
	if (step != CHUNK_FAULT)
		return verdict;
	log_note(is_guarding(d) ? LOG_WARNING : LOG_DEBUG, "drdynvc-fault",
	         chunk_join_why(&d->in[from]));
	outlet_flush(out);
	return is_guarding(d) ? CHANNEL_TAKE : CHANNEL_PASS;
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
	return route(d, from, total, flags, data);
}
