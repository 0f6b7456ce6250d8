/*
 * The messages: what sessions, the gate and the keeper say of themselves, and
 * the frame around all of them.
 */
#include "keep_private.h"

enum { PID_MAX = INT32_MAX };

/* One pair for each body; the fields stand in the order of keep.h. */

static void
put_hello(struct wire_out *out, const struct keep_hello *hello)
{
	wire_put_bytes(out, hello->session, KEEP_ID_LEN);
	wire_put_u32(out, hello->pid);
	keep_put_time(out, hello->started_at);
	keep_put_bool(out, hello->resumed);
	keep_put_text(out, hello->target);
	keep_put_text(out, hello->client_name);
	keep_put_text(out, hello->client_addr);
}

static void
get_hello(struct wire_in *in, struct keep_hello *hello)
{
	keep_get_id(in, hello->session, KEEP_ID_LEN);
	hello->pid = wire_count(in, PID_MAX);
	hello->started_at = keep_get_time(in);
	hello->resumed = keep_get_bool(in);
	hello->target = keep_get_text(in);
	hello->client_name = keep_get_text(in);
	hello->client_addr = keep_get_text(in);
}

static void
put_state(struct wire_out *out, const struct keep_state *state)
{
	wire_put_u8(out, (uint8_t)state->state);
	keep_put_text(out, state->user);
	keep_put_text(out, state->source);
	keep_put_text(out, state->policy);
	keep_put_text(out, state->role);
	keep_put_text(out, state->reason);
	keep_put_text(out, state->host_session);
	wire_put_u8(out, (uint8_t)state->purpose);
}

static void
get_state(struct wire_in *in, struct keep_state *state)
{
	state->state = keep_get_enum(in, KEEP_NONE, KEEP_ENDING);
	state->user = keep_get_text(in);
	state->source = keep_get_text(in);
	state->policy = keep_get_text(in);
	state->role = keep_get_text(in);
	state->reason = keep_get_text(in);
	state->host_session = keep_get_text(in);
	state->purpose =
	    keep_get_enum(in, KEEP_PURPOSE_CLIENT, KEEP_PURPOSE_ANY);
}

static void
put_event(struct wire_out *out, const struct keep_event *event)
{
	keep_put_text(out, event->name);
	keep_put_text(out, event->text);
}

static void
get_event(struct wire_in *in, struct keep_event *event)
{
	event->name = keep_get_text(in);
	event->text = keep_get_text(in);
}

static void
put_over(struct wire_out *out, const struct keep_over *over)
{
	wire_put_u8(out, (uint8_t)over->how);
	wire_put_u32(out, over->grace_s);
	wire_put_u32(out, over->max_age_s);
	keep_put_text(out, over->reason);
}

static void
get_over(struct wire_in *in, struct keep_over *over)
{
	over->how = keep_get_enum(in, KEEP_END_LOGOFF, KEEP_END_DISCONNECT);
	over->grace_s = wire_u32(in);
	over->max_age_s = wire_u32(in);
	over->reason = keep_get_text(in);
}

static void
put_logoff(struct wire_out *out, const struct keep_logoff *logoff)
{
	keep_put_text(out, logoff->host_session);
	keep_put_text(out, logoff->reason);
}

static void
get_logoff(struct wire_in *in, struct keep_logoff *logoff)
{
	logoff->host_session = keep_get_text(in);
	logoff->reason = keep_get_text(in);
}

static void
put_usage(struct wire_out *out, const struct keep_usage *usage)
{
	wire_put_u64(out, usage->calls);
	wire_put_u64(out, usage->commands);
	wire_put_u64(out, usage->refused);
	wire_put_u64(out, usage->sent);
	wire_put_u64(out, usage->received);
}

static void
get_usage(struct wire_in *in, struct keep_usage *usage)
{
	usage->calls = wire_u64(in);
	usage->commands = wire_u64(in);
	usage->refused = wire_u64(in);
	usage->sent = wire_u64(in);
	usage->received = wire_u64(in);
}

static void
put_hashes(struct wire_out *out, struct wire_view hashes)
{
	size_t count = hashes.len / KEEP_HASH_LEN;

	if (hashes.len % KEEP_HASH_LEN != 0 || count > KEEP_HASHES_MAX) {
		keep_put_fail(out, WIRE_LIMIT);
		return;
	}
	wire_put_u16(out, (uint16_t)count);
	wire_put_view(out, hashes);
}

static struct wire_view
get_hashes(struct wire_in *in)
{
	size_t count = wire_u16(in);

	if (count > KEEP_HASHES_MAX)
		wire_fail(in, WIRE_LIMIT);
	return wire_bytes(in, count * KEEP_HASH_LEN);
}

static void
put_rules(struct wire_out *out, const struct keep_rules *rules)
{
	keep_put_text(out, rules->policy);
	keep_put_bool(out, rules->redirect);
	keep_put_bool(out, rules->roots);
	wire_put_u8(out, (uint8_t)rules->cleanup);
	wire_put_u8(out, (uint8_t)rules->user_cleanup);
	keep_put_bool(out, rules->match);
	keep_put_bool(out, rules->match_upn);
	keep_put_bool(out, rules->match_email);
	keep_put_bool(out, rules->limited);
	put_hashes(out, rules->allowed);
	put_hashes(out, rules->host);
}

static void
get_rules(struct wire_in *in, struct keep_rules *rules)
{
	rules->policy = keep_get_text(in);
	rules->redirect = keep_get_bool(in);
	rules->roots = keep_get_bool(in);
	rules->cleanup =
	    keep_get_enum(in, KEEP_CLEANUP_NONE, KEEP_CLEANUP_LOGOFF);
	rules->user_cleanup =
	    keep_get_enum(in, KEEP_CLEANUP_NONE, KEEP_CLEANUP_LOGOFF);
	rules->match = keep_get_bool(in);
	rules->match_upn = keep_get_bool(in);
	rules->match_email = keep_get_bool(in);
	rules->limited = keep_get_bool(in);
	rules->allowed = get_hashes(in);
	rules->host = get_hashes(in);
}

static void
put_ack(struct wire_out *out, const struct keep_ack *ack)
{
	keep_put_bool(out, ack->ok);
	wire_put_u32(out, ack->added);
	wire_put_u32(out, ack->updated);
	wire_put_u32(out, ack->unchanged);
	wire_put_u32(out, ack->removed);
	wire_put_u32(out, ack->refused);
	keep_put_text(out, ack->reason);
}

static void
get_ack(struct wire_in *in, struct keep_ack *ack)
{
	ack->ok = keep_get_bool(in);
	ack->added = wire_u32(in);
	ack->updated = wire_u32(in);
	ack->unchanged = wire_u32(in);
	ack->removed = wire_u32(in);
	ack->refused = wire_u32(in);
	ack->reason = keep_get_text(in);
}

static void
put_body(struct wire_out *out, const struct keep_msg *msg)
{
	switch (msg->type) {
	case KEEP_HELLO:
	case KEEP_ATTACH:
		put_hello(out, &msg->hello);
		return;
	case KEEP_STATE:
		put_state(out, &msg->state);
		return;
	case KEEP_READER:
	case KEEP_READER_GONE:
		keep_put_reader(out, &msg->reader);
		return;
	case KEEP_BEGIN:
		keep_put_begin(out, &msg->begin);
		return;
	case KEEP_CERT:
		keep_put_cert(out, &msg->cert);
		return;
	case KEEP_RELEASE:
		keep_put_release(out, &msg->release);
		return;
	case KEEP_EVENT:
		put_event(out, &msg->event);
		return;
	case KEEP_END:
		put_over(out, &msg->over);
		return;
	case KEEP_LOGOFF:
		put_logoff(out, &msg->logoff);
		return;
	case KEEP_USAGE:
		put_usage(out, &msg->usage);
		return;
	case KEEP_RULES:
		put_rules(out, &msg->rules);
		return;
	case KEEP_ACK:
		put_ack(out, &msg->ack);
		return;
	case KEEP_COMMIT:
	case KEEP_SYNCED:
	case KEEP_ATTACHED_ALL:
	case KEEP_READY:
	case KEEP_RULED_ALL:
		return;
	}
	keep_put_fail(out, WIRE_VALUE);
}

static void
get_body(struct wire_in *in, struct keep_msg *msg)
{
	switch (msg->type) {
	case KEEP_HELLO:
	case KEEP_ATTACH:
		get_hello(in, &msg->hello);
		return;
	case KEEP_STATE:
		get_state(in, &msg->state);
		return;
	case KEEP_READER:
	case KEEP_READER_GONE:
		keep_get_reader(in, &msg->reader);
		return;
	case KEEP_BEGIN:
		keep_get_begin(in, &msg->begin);
		return;
	case KEEP_CERT:
		keep_get_cert(in, &msg->cert);
		return;
	case KEEP_RELEASE:
		keep_get_release(in, &msg->release);
		return;
	case KEEP_EVENT:
		get_event(in, &msg->event);
		return;
	case KEEP_END:
		get_over(in, &msg->over);
		return;
	case KEEP_LOGOFF:
		get_logoff(in, &msg->logoff);
		return;
	case KEEP_USAGE:
		get_usage(in, &msg->usage);
		return;
	case KEEP_RULES:
		get_rules(in, &msg->rules);
		return;
	case KEEP_ACK:
		get_ack(in, &msg->ack);
		return;
	case KEEP_COMMIT:
	case KEEP_SYNCED:
	case KEEP_ATTACHED_ALL:
	case KEEP_READY:
	case KEEP_RULED_ALL:
		return;
	}
	wire_fail(in, WIRE_VALUE);
}

/* The head: version, type, seq; 6 bytes. */
void
keep_encode(struct wire_out *out, const struct keep_msg *msg)
{
	wire_put_u8(out, KEEP_VERSION);
	wire_put_u8(out, (uint8_t)msg->type);
	wire_put_u32(out, msg->seq);
	put_body(out, msg);
}

bool
keep_decode(struct wire_in *in, struct keep_msg *msg)
{
	static const struct keep_msg empty;

	*msg = empty;
	if (in->left > KEEP_MESSAGE_MAX)
		wire_fail(in, WIRE_LIMIT);
	if (wire_u8(in) != KEEP_VERSION)
		wire_fail(in, WIRE_VALUE);
	msg->type = wire_u8(in);
	msg->seq = wire_u32(in);
	get_body(in, msg);
	if (in->left > 0)
		wire_fail(in, WIRE_VALUE);
	return wire_done(in);
}
