/*
 * A whole channel between two peers that say anything.  The first byte is the
 * configuration; then one record after the other: a byte of what it is, two of
 * its length, and its bytes as one chunk, or as time that passes.
 */
#include "channel.h"

enum {
	RECORDS_MAX = 512,
	SERVER = 0x01, /* else from the client */
	FIRST = 0x02,
	LAST = 0x04,
	TOTAL = 0x08, /* its first two bytes are the total, not its length */
	TIME = 0x10,  /* its length in milliseconds passes */
	ACK = 0x20,   /* the keeper answers with that number */
	COMPRESSED = 0x40,
	USER = 0x80 /* the user becomes known */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
        struct wire_view data)
{
	(void)arg;
	(void)to;
	if (data.len == 0 || data.len > total ||
	    flags > CHANNEL_FLAG_COMPRESSED)
		__builtin_trap();
}

static void
on_keeper(void *arg, const struct keep_msg *msg)
{
	(void)arg;
	(void)msg;
}

static const struct channel_ops ops = {.send = on_send,
                                       .tell_keeper = on_keeper};

static void
give_chunk(struct channel *ch, unsigned kind, struct wire_in in, uint64_t now)
{
	uint32_t flags = 0;
	uint32_t total = (uint32_t)in.left;

	if ((kind & FIRST) != 0)
		flags |= CHANNEL_FLAG_FIRST;
	if ((kind & LAST) != 0)
		flags |= CHANNEL_FLAG_LAST;
	if ((kind & COMPRESSED) != 0)
		flags |= CHANNEL_FLAG_COMPRESSED;
	if ((kind & TOTAL) != 0)
		total = wire_u16(&in);
	(void)channel_chunk(
	    ch, (kind & SERVER) != 0 ? CHANNEL_SERVER : CHANNEL_CLIENT, total,
	    flags, wire_rest(&in), now);
}

static void
give_record(struct channel *ch, struct wire_in *in, uint64_t *now)
{
	static const struct keep_ack ack = {.ok = true};
	unsigned kind = wire_u8(in);
	uint16_t len = wire_u16(in);

	if ((kind & TIME) != 0)
		*now += len;
	else if ((kind & ACK) != 0)
		certprop_acked(channel_certprop(ch), len, &ack, *now);
	else if ((kind & USER) != 0)
		certprop_user(channel_certprop(ch), "user", "claimed", "",
		              *now);
	else
		give_chunk(ch, kind, wire_sub(in, len), *now);
	for (int i = 0; i < 16 && channel_deadline(ch) <= *now; i++)
		channel_tick(ch, *now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_in in = wire_in(data, size);
	unsigned how = wire_u8(&in);
	struct channel_config config = {
	    .role = (enum channel_role_setting)(how % 3),
	    .own_after_ms = 1000,
	};
	struct certprop_policy policy;
	struct filter_policy filter;
	uint64_t now = 1000;
	struct channel *ch;

	filter_policy_init(&filter);
	(void)filter_parse_readers(&filter, "deny *B | allow *");
	(void)filter_parse_cards(&filter, "deny 3B00*");
	filter.commands = FILTER_USE;
	certprop_policy_defaults(&policy);
	policy.redirect = (how & 0x80) == 0;
	ch = channel_new(&config, &policy, &ops, NULL);
	if (ch == NULL)
		goto out;
	if ((how & 0x20) != 0)
		channel_filter(ch, &filter, now);
	channel_activated(ch, now);
	for (int i = 0; i < RECORDS_MAX && in.left > 0; i++)
		give_record(ch, &in, &now);
	if ((how & 0x40) != 0)
		channel_end(ch, KEEP_END_LOGOFF, "end", now);
	channel_free(ch);
out:
	filter_policy_clear(&filter);
	return 0;
}
