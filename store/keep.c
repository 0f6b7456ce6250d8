#include "keep.h"

enum {
	ATR_MAX = 36, /* bytes on the wire, [MS-RDPESC] 2.2.4 */
	PID_MAX = INT32_MAX
};

/* The well-formed sequences of UTF-8, RFC 3629; a NUL is no text. */
// clang-format off
static const struct utf8 {
	uint8_t first, last; /* of the lead byte */
	uint8_t tail;        /* bytes that follow */
	uint8_t low, high;   /* of the first of them */
} sequences[] = {
	{ 0x01, 0x7f, 0, 0x00, 0x00 },
	{ 0xc2, 0xdf, 1, 0x80, 0xbf },
	{ 0xe0, 0xe0, 2, 0xa0, 0xbf },
	{ 0xe1, 0xec, 2, 0x80, 0xbf },
	{ 0xed, 0xed, 2, 0x80, 0x9f }, /* no surrogates */
	{ 0xee, 0xef, 2, 0x80, 0xbf },
	{ 0xf0, 0xf0, 3, 0x90, 0xbf },
	{ 0xf1, 0xf3, 3, 0x80, 0xbf },
	{ 0xf4, 0xf4, 3, 0x80, 0x8f },
};
// clang-format on

static bool
skip_character(struct wire_in *in)
{
	uint8_t lead = wire_u8(in);

	for (size_t i = 0; i < sizeof(sequences) / sizeof(*sequences); i++) {
		const struct utf8 *seq = &sequences[i];
		uint8_t low = seq->low;
		uint8_t high = seq->high;

		if (lead < seq->first || lead > seq->last)
			continue;
		for (uint8_t tail = 0; tail < seq->tail; tail++) {
			uint8_t byte = wire_u8(in);

			if (byte < low || byte > high)
				return false;
			low = 0x80;
			high = 0xbf;
		}
		return wire_ok(in);
	}
	return false;
}

/*
 * What is no text here would be cut in one place and kept whole in another, or
 * make the output of a table unreadable.
 */
static bool
is_text(struct wire_view text)
{
	struct wire_in in = wire_in_view(text);

	while (in.left > 0) {
		if (!skip_character(&in))
			return false;
	}
	return true;
}

/* Writing: what keep.h does not allow is a fault before it leaves. */

static void
out_fail(struct wire_out *out, enum wire_fault fault)
{
	if (out->fault == WIRE_OK)
		out->fault = fault;
}

static void
put_blob(struct wire_out *out, struct wire_view blob, size_t max)
{
	if (blob.len > max) {
		out_fail(out, WIRE_LIMIT);
		return;
	}
	wire_put_u16(out, (uint16_t)blob.len);
	wire_put_view(out, blob);
}

static void
put_text(struct wire_out *out, struct wire_view text)
{
	if (!is_text(text))
		out_fail(out, WIRE_VALUE);
	put_blob(out, text, KEEP_TEXT_MAX);
}

static void
put_bool(struct wire_out *out, bool value)
{
	wire_put_u8(out, value ? 1 : 0);
}

static void
put_time(struct wire_out *out, int64_t value)
{
	wire_put_u64(out, (uint64_t)value);
}

/* Reading: the mirror, with the same limits. */

static struct wire_view
get_blob(struct wire_in *in, size_t max)
{
	uint16_t len = wire_u16(in);

	if (len > max)
		wire_fail(in, WIRE_LIMIT);
	return wire_bytes(in, len);
}

static struct wire_view
get_text(struct wire_in *in)
{
	struct wire_view text = get_blob(in, KEEP_TEXT_MAX);

	if (!is_text(text))
		wire_fail(in, WIRE_VALUE);
	return text;
}

static uint8_t
get_enum(struct wire_in *in, uint8_t first, uint8_t last)
{
	uint8_t value = wire_u8(in);

	if (value >= first && value <= last)
		return value;
	wire_fail(in, WIRE_VALUE);
	return first;
}

static bool
get_bool(struct wire_in *in)
{
	return get_enum(in, 0, 1) != 0;
}

static int64_t
get_time(struct wire_in *in)
{
	return (int64_t)wire_u64(in);
}

static void
get_id(struct wire_in *in, uint8_t *id, size_t len)
{
	for (size_t i = 0; i < len; i++)
		id[i] = wire_u8(in);
}

/* One pair for each body; the fields stand in the order of keep.h. */

static void
put_hello(struct wire_out *out, const struct keep_hello *hello)
{
	wire_put_bytes(out, hello->session, KEEP_ID_LEN);
	wire_put_u32(out, hello->pid);
	put_time(out, hello->started_at);
	put_bool(out, hello->resumed);
	put_text(out, hello->target);
	put_text(out, hello->client_name);
	put_text(out, hello->client_addr);
}

static void
get_hello(struct wire_in *in, struct keep_hello *hello)
{
	get_id(in, hello->session, KEEP_ID_LEN);
	hello->pid = wire_count(in, PID_MAX);
	hello->started_at = get_time(in);
	hello->resumed = get_bool(in);
	hello->target = get_text(in);
	hello->client_name = get_text(in);
	hello->client_addr = get_text(in);
}

static void
put_state(struct wire_out *out, const struct keep_state *state)
{
	wire_put_u8(out, (uint8_t)state->state);
	put_text(out, state->user);
	put_text(out, state->source);
	put_text(out, state->policy);
	put_text(out, state->role);
	put_text(out, state->reason);
	put_text(out, state->host_session);
	wire_put_u8(out, (uint8_t)state->purpose);
}

static void
get_state(struct wire_in *in, struct keep_state *state)
{
	state->state = get_enum(in, KEEP_NONE, KEEP_ENDING);
	state->user = get_text(in);
	state->source = get_text(in);
	state->policy = get_text(in);
	state->role = get_text(in);
	state->reason = get_text(in);
	state->host_session = get_text(in);
	state->purpose = get_enum(in, KEEP_PURPOSE_CLIENT, KEEP_PURPOSE_ANY);
}

static void
put_reader(struct wire_out *out, const struct keep_reader *reader)
{
	wire_put_u32(out, reader->reader);
	put_text(out, reader->name);
	wire_put_u8(out, (uint8_t)reader->card);
	put_blob(out, reader->atr, ATR_MAX);
	wire_put_bytes(out, reader->card_id, KEEP_CARD_ID_LEN);
	put_text(out, reader->family);
	put_text(out, reader->reason);
}

static void
get_reader(struct wire_in *in, struct keep_reader *reader)
{
	reader->reader = wire_u32(in);
	reader->name = get_text(in);
	reader->card = get_enum(in, KEEP_CARD_EMPTY, KEEP_CARD_MUTE);
	reader->atr = get_blob(in, ATR_MAX);
	get_id(in, reader->card_id, KEEP_CARD_ID_LEN);
	reader->family = get_text(in);
	reader->reason = get_text(in);
}

/* All of it or nothing. */
static void
put_chuid(struct wire_out *out, struct wire_view chuid)
{
	if (chuid.len != 0 && chuid.len != KEEP_CARD_ID_LEN)
		out_fail(out, WIRE_VALUE);
	put_blob(out, chuid, KEEP_CARD_ID_LEN);
}

static struct wire_view
get_chuid(struct wire_in *in)
{
	struct wire_view chuid = get_blob(in, KEEP_CARD_ID_LEN);

	if (chuid.len != 0 && chuid.len != KEEP_CARD_ID_LEN)
		wire_fail(in, WIRE_VALUE);
	return chuid;
}

static void
put_begin(struct wire_out *out, const struct keep_begin *begin)
{
	wire_put_u32(out, begin->reader);
	put_text(out, begin->reader_name);
	wire_put_bytes(out, begin->card_id, KEEP_CARD_ID_LEN);
	put_text(out, begin->family);
	wire_put_u8(out, (uint8_t)begin->cleanup);
	wire_put_u8(out, (uint8_t)begin->user_cleanup);
	put_bool(out, begin->archive_stale);
	put_text(out, begin->policy);
	wire_put_u32(out, begin->policy_generation);
	put_text(out, begin->card_serial);
	put_chuid(out, begin->chuid);
	wire_put_u8(out, (uint8_t)begin->removable);
}

static void
get_begin(struct wire_in *in, struct keep_begin *begin)
{
	begin->reader = wire_u32(in);
	begin->reader_name = get_text(in);
	get_id(in, begin->card_id, KEEP_CARD_ID_LEN);
	begin->family = get_text(in);
	begin->cleanup = get_enum(in, KEEP_CLEANUP_NONE, KEEP_CLEANUP_LOGOFF);
	begin->user_cleanup =
	    get_enum(in, KEEP_CLEANUP_NONE, KEEP_CLEANUP_LOGOFF);
	begin->archive_stale = get_bool(in);
	begin->policy = get_text(in);
	begin->policy_generation = wire_u32(in);
	begin->card_serial = get_text(in);
	begin->chuid = get_chuid(in);
	begin->removable =
	    get_enum(in, KEEP_REMOVABLE_UNKNOWN, KEEP_REMOVABLE_YES);
}

static void
put_der(struct wire_out *out, struct wire_view der)
{
	if (der.len == 0 || der.len > KEEP_DER_MAX) {
		out_fail(out, WIRE_LIMIT);
		return;
	}
	wire_put_u32(out, (uint32_t)der.len);
	wire_put_view(out, der);
}

/* A certificate without a byte would be stored as one: refused. */
static struct wire_view
get_der(struct wire_in *in)
{
	uint32_t len = wire_count(in, KEEP_DER_MAX);

	if (len == 0)
		wire_fail(in, WIRE_LIMIT);
	return wire_bytes(in, len);
}

/* What was read in the certificate itself. */
static void
put_cert_facts(struct wire_out *out, const struct keep_cert *cert)
{
	wire_put_u8(out, (uint8_t)cert->kind);
	put_der(out, cert->der);
	put_text(out, cert->subject);
	put_text(out, cert->issuer);
	put_text(out, cert->serial);
	put_time(out, cert->not_before);
	put_time(out, cert->not_after);
	put_blob(out, cert->ski, KEEP_TEXT_MAX);
	put_blob(out, cert->aki, KEEP_TEXT_MAX);
	put_text(out, cert->key_alg);
	wire_put_u32(out, cert->key_bits);
	wire_put_u32(out, cert->subject_hash);
	put_bool(out, cert->is_ca);
	put_bool(out, cert->self_issued);
	put_bool(out, cert->logon_eligible);
	put_bool(out, cert->host);
	put_text(out, cert->upn);
	put_text(out, cert->email);
}

static void
get_cert_facts(struct wire_in *in, struct keep_cert *cert)
{
	cert->kind = get_enum(in, KEEP_USER, KEEP_PREEXISTING);
	cert->der = get_der(in);
	cert->subject = get_text(in);
	cert->issuer = get_text(in);
	cert->serial = get_text(in);
	cert->not_before = get_time(in);
	cert->not_after = get_time(in);
	cert->ski = get_blob(in, KEEP_TEXT_MAX);
	cert->aki = get_blob(in, KEEP_TEXT_MAX);
	cert->key_alg = get_text(in);
	cert->key_bits = wire_u32(in);
	cert->subject_hash = wire_u32(in);
	cert->is_ca = get_bool(in);
	cert->self_issued = get_bool(in);
	cert->logon_eligible = get_bool(in);
	cert->host = get_bool(in);
	cert->upn = get_text(in);
	cert->email = get_text(in);
}

/* What the card adds: the properties of the certificate context. */
static void
put_cert(struct wire_out *out, const struct keep_cert *cert)
{
	put_cert_facts(out, cert);
	put_text(out, cert->friendly_name);
	put_text(out, cert->prov_name);
	wire_put_u32(out, cert->prov_type);
	wire_put_u32(out, cert->prov_flags);
	wire_put_u32(out, cert->key_spec);
	put_text(out, cert->container);
	put_text(out, cert->pkcs11_uri);
	put_blob(out, cert->enrollment, KEEP_TEXT_MAX);
	put_blob(out, cert->card_data, KEEP_TEXT_MAX);
	put_bool(out, cert->has_pin);
	wire_put_u32(out, cert->pin_id);
	put_blob(out, cert->pin_info, KEEP_TEXT_MAX);
}

static void
get_cert(struct wire_in *in, struct keep_cert *cert)
{
	get_cert_facts(in, cert);
	cert->friendly_name = get_text(in);
	cert->prov_name = get_text(in);
	cert->prov_type = wire_u32(in);
	cert->prov_flags = wire_u32(in);
	cert->key_spec = wire_u32(in);
	cert->container = get_text(in);
	cert->pkcs11_uri = get_text(in);
	cert->enrollment = get_blob(in, KEEP_TEXT_MAX);
	cert->card_data = get_blob(in, KEEP_TEXT_MAX);
	cert->has_pin = get_bool(in);
	cert->pin_id = wire_u32(in);
	cert->pin_info = get_blob(in, KEEP_TEXT_MAX);
}

static void
put_release(struct wire_out *out, const struct keep_release *release)
{
	wire_put_u32(out, release->reader);
	wire_put_bytes(out, release->card_id, KEEP_CARD_ID_LEN);
	put_bool(out, release->roots);
	put_bool(out, release->user);
}

static void
get_release(struct wire_in *in, struct keep_release *release)
{
	release->reader = wire_u32(in);
	get_id(in, release->card_id, KEEP_CARD_ID_LEN);
	release->roots = get_bool(in);
	release->user = get_bool(in);
}

static void
put_event(struct wire_out *out, const struct keep_event *event)
{
	put_text(out, event->name);
	put_text(out, event->text);
}

static void
get_event(struct wire_in *in, struct keep_event *event)
{
	event->name = get_text(in);
	event->text = get_text(in);
}

static void
put_over(struct wire_out *out, const struct keep_over *over)
{
	wire_put_u8(out, (uint8_t)over->how);
	wire_put_u32(out, over->grace_s);
	wire_put_u32(out, over->max_age_s);
	put_text(out, over->reason);
}

static void
get_over(struct wire_in *in, struct keep_over *over)
{
	over->how = get_enum(in, KEEP_END_LOGOFF, KEEP_END_DISCONNECT);
	over->grace_s = wire_u32(in);
	over->max_age_s = wire_u32(in);
	over->reason = get_text(in);
}

static void
put_logoff(struct wire_out *out, const struct keep_logoff *logoff)
{
	put_text(out, logoff->host_session);
	put_text(out, logoff->reason);
}

static void
get_logoff(struct wire_in *in, struct keep_logoff *logoff)
{
	logoff->host_session = get_text(in);
	logoff->reason = get_text(in);
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
		out_fail(out, WIRE_LIMIT);
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
	put_text(out, rules->policy);
	put_bool(out, rules->redirect);
	put_bool(out, rules->roots);
	wire_put_u8(out, (uint8_t)rules->cleanup);
	wire_put_u8(out, (uint8_t)rules->user_cleanup);
	put_bool(out, rules->match);
	put_bool(out, rules->match_upn);
	put_bool(out, rules->match_email);
	put_bool(out, rules->limited);
	put_hashes(out, rules->allowed);
	put_hashes(out, rules->host);
}

static void
get_rules(struct wire_in *in, struct keep_rules *rules)
{
	rules->policy = get_text(in);
	rules->redirect = get_bool(in);
	rules->roots = get_bool(in);
	rules->cleanup = get_enum(in, KEEP_CLEANUP_NONE, KEEP_CLEANUP_LOGOFF);
	rules->user_cleanup =
	    get_enum(in, KEEP_CLEANUP_NONE, KEEP_CLEANUP_LOGOFF);
	rules->match = get_bool(in);
	rules->match_upn = get_bool(in);
	rules->match_email = get_bool(in);
	rules->limited = get_bool(in);
	rules->allowed = get_hashes(in);
	rules->host = get_hashes(in);
}

static void
put_ack(struct wire_out *out, const struct keep_ack *ack)
{
	put_bool(out, ack->ok);
	wire_put_u32(out, ack->added);
	wire_put_u32(out, ack->updated);
	wire_put_u32(out, ack->unchanged);
	wire_put_u32(out, ack->removed);
	wire_put_u32(out, ack->refused);
	put_text(out, ack->reason);
}

static void
get_ack(struct wire_in *in, struct keep_ack *ack)
{
	ack->ok = get_bool(in);
	ack->added = wire_u32(in);
	ack->updated = wire_u32(in);
	ack->unchanged = wire_u32(in);
	ack->removed = wire_u32(in);
	ack->refused = wire_u32(in);
	ack->reason = get_text(in);
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
		put_reader(out, &msg->reader);
		return;
	case KEEP_BEGIN:
		put_begin(out, &msg->begin);
		return;
	case KEEP_CERT:
		put_cert(out, &msg->cert);
		return;
	case KEEP_RELEASE:
		put_release(out, &msg->release);
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
	out_fail(out, WIRE_VALUE);
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
		get_reader(in, &msg->reader);
		return;
	case KEEP_BEGIN:
		get_begin(in, &msg->begin);
		return;
	case KEEP_CERT:
		get_cert(in, &msg->cert);
		return;
	case KEEP_RELEASE:
		get_release(in, &msg->release);
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
