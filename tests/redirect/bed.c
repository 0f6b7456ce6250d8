#include "bed.h"

#include "exact.h"
#include "pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>

enum { PIV_9A = 0x5fc105 };

struct script_card bed_card;
static struct pki_cert *ca;
static struct pki_cert *user;

static void
deliver(struct bed *bed, enum channel_side to, uint32_t total, uint32_t flags,
        struct wire_view data)
{
	if (to == CHANNEL_CLIENT)
		fake_client_take(&bed->client, total, flags, data);
	else
		fake_server_take(&bed->server, total, flags, data);
}

/* Nothing of the channel's own may stand inside a passing message. */
static void
on_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
        struct wire_view data)
{
	struct bed *bed = arg;

	if (bed->passed_mid[to])
		assert_false(flags & CHANNEL_FLAG_FIRST);
	if ((flags & CHANNEL_FLAG_LAST) != 0)
		bed->passed_mid[to] = false;
	deliver(bed, to, total, flags, data);
}

static void
note_state(struct bed *bed, const struct keep_state *state)
{
	(void)snprintf(bed->role, sizeof(bed->role), "%.*s",
	               (int)state->role.len, (const char *)state->role.data);
	(void)snprintf(bed->reason, sizeof(bed->reason), "%.*s",
	               (int)state->reason.len,
	               (const char *)state->reason.data);
}

static void
ask_ack(struct bed *bed, const struct keep_msg *msg)
{
	assert_true(bed->to_ack_count < 64);
	bed->to_ack[bed->to_ack_count++] = msg->seq;
}

static void
on_keeper(void *arg, const struct keep_msg *msg)
{
	struct bed *bed = arg;

	switch (msg->type) {
	case KEEP_STATE:
		note_state(bed, &msg->state);
		break;
	case KEEP_READER:
		bed->readers_shown++;
		break;
	case KEEP_READER_GONE:
		bed->readers_gone++;
		break;
	case KEEP_BEGIN:
		bed->begins++;
		break;
	case KEEP_CERT:
		bed->certs++;
		break;
	case KEEP_COMMIT:
		bed->commits++;
		ask_ack(bed, msg);
		break;
	case KEEP_RELEASE:
		bed->releases++;
		ask_ack(bed, msg);
		break;
	case KEEP_SYNCED:
		ask_ack(bed, msg);
		break;
	case KEEP_END:
		bed->ends++;
		break;
	default:
		break;
	}
}

static void
on_use(void *arg, const struct channel_use *use)
{
	struct bed *bed = arg;

	if (use->asker != CHANNEL_BY_SERVER)
		return;
	bed->uses++;
	bed->use = *use;
	(void)snprintf(bed->use_reader, sizeof(bed->use_reader), "%s",
	               use->reader);
	(void)snprintf(bed->use_rule, sizeof(bed->use_rule), "%s", use->rule);
}

static const struct channel_ops ops = {
    .send = on_send,
    .tell_keeper = on_keeper,
    .on_use = on_use,
};

void
bed_init(struct bed *bed)
{
	memset(bed, 0, sizeof(*bed));
	bed->config = (struct channel_config){
	    .role = CHANNEL_OWN,
	    .own_after_ms = 10000,
	    .apdu_ms = 5000,
	    .card_ms = 20000,
	};
	certprop_policy_defaults(&bed->policy);
	fake_client_init(&bed->client);
	fake_server_init(&bed->server);
	bed->now_ms = 1000000;
	bed->chunk = BED_CHUNK;
}

void
bed_start(struct bed *bed)
{
	bed->ch = channel_new(&bed->config, &bed->policy, &ops, bed);
	assert_non_null(bed->ch);
	channel_chunk_size(bed->ch, 300);
	certprop_user(channel_certprop(bed->ch), "user@example", "claimed", "",
	              bed->now_ms);
	channel_activated(bed->ch, bed->now_ms);
}

void
bed_clear(struct bed *bed)
{
	channel_free(bed->ch);
	fake_client_clear(&bed->client);
	fake_server_clear(&bed->server);
}

enum channel_verdict
bed_chunk(struct bed *bed, enum channel_side from, uint32_t total,
          uint32_t flags, struct wire_view data)
{
	enum channel_side to =
	    from == CHANNEL_CLIENT ? CHANNEL_SERVER : CHANNEL_CLIENT;
	struct wire_view exact = exact_dup(data.data, data.len);
	enum channel_verdict verdict =
	    channel_chunk(bed->ch, from, total, flags, exact, bed->now_ms);

	if (verdict == CHANNEL_PASS) {
		deliver(bed, to, total, flags, exact);
		bed->passed_mid[to] = (flags & CHANNEL_FLAG_LAST) == 0;
	}
	exact_free(exact);
	return verdict;
}

void
bed_message(struct bed *bed, enum channel_side from, struct wire_view message)
{
	struct chunk_cut cut = chunk_cut(message, bed->chunk, 0);
	struct wire_view data;
	uint32_t flags;

	while (chunk_cut_next(&cut, &flags, &data))
		(void)bed_chunk(bed, from, (uint32_t)message.len, flags, data);
	bed->steps++;
}

static bool
may_go_on(const struct bed *bed)
{
	return bed->stop_at == 0 || bed->steps < bed->stop_at;
}

/* One message of each side in turn, so that both are always under way. */
static bool
step(struct bed *bed)
{
	struct wire_view message;
	bool moved = false;

	if (may_go_on(bed) && fake_queue_get(&bed->client.out, &message)) {
		bed_message(bed, CHANNEL_CLIENT, message);
		exact_free(message);
		moved = true;
	}
	if (may_go_on(bed) && fake_queue_get(&bed->server.out, &message)) {
		bed_message(bed, CHANNEL_SERVER, message);
		exact_free(message);
		moved = true;
	}
	return moved;
}

static bool
answer_keeper(struct bed *bed)
{
	struct keep_ack ack = {.ok = true};
	size_t count = bed->to_ack_count;

	bed->to_ack_count = 0;
	for (size_t i = 0; i < count; i++)
		certprop_acked(channel_certprop(bed->ch), bed->to_ack[i], &ack,
		               bed->now_ms);
	return count > 0;
}

void
bed_run(struct bed *bed)
{
	for (unsigned i = 0; i < 100000; i++) {
		bool moved = step(bed);

		if (channel_deadline(bed->ch) <= bed->now_ms &&
		    may_go_on(bed)) {
			channel_tick(bed->ch, bed->now_ms);
			moved = true;
		}
		if (answer_keeper(bed))
			moved = true;
		if (!moved)
			return;
	}
	fail_msg("the channel never comes to rest");
}

void
bed_advance(struct bed *bed, uint64_t ms)
{
	uint64_t end = bed->now_ms + ms;

	bed_run(bed);
	while (bed->now_ms < end) {
		uint64_t due = channel_deadline(bed->ch);

		if (due < bed->now_ms)
			due = bed->now_ms;
		bed->now_ms = due < end ? due : end;
		bed_run(bed);
		if (bed->stop_at != 0 && !may_go_on(bed))
			return;
	}
}

int
bed_make_card(void **state)
{
	(void)state;
	ca = pki_ca_new("root", NULL);
	user = pki_user_new("user", ca);
	script_card_init(&bed_card, script_piv_aid);
	(void)script_add_piv(&bed_card, PIV_9A, pki_der(user), SCRIPT_PLAIN);
	return 0;
}

int
bed_free_card(void **state)
{
	(void)state;
	script_card_clear(&bed_card);
	pki_cert_free(user);
	pki_cert_free(ca);
	return 0;
}

static void
start_as(struct bed *bed, enum channel_role_setting role)
{
	bed_init(bed);
	bed->config.role = role;
	bed->client.has_drive = true;
	fake_pcsc_plug(&bed->client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed->client.pcsc, 0, &bed_card);
	bed_start(bed);
}

void
bed_start_relay(struct bed *bed)
{
	start_as(bed, CHANNEL_AUTO);
	fake_server_announce(&bed->server);
}

void
bed_start_own(struct bed *bed)
{
	start_as(bed, CHANNEL_OWN);
}

void
bed_assert_at_rest(const struct bed *bed)
{
	assert_int_equal(fake_pcsc_contexts(&bed->client.pcsc), 1);
	assert_int_equal(fake_pcsc_handles(&bed->client.pcsc), 0);
	assert_int_equal(fake_pcsc_transactions(&bed->client.pcsc), 0);
	assert_int_equal(fake_pcsc_parked(&bed->client.pcsc), 1);
	assert_int_equal(bed->client.calls_early, 0);
	assert_int_equal(bed->client.faults, 0);
	assert_int_equal(bed->server.faults, 0);
}

void
bed_drive_request(uint8_t *data, size_t size, struct wire_out *out)
{
	struct rdpefs_request request = {
	    .device_id = FAKE_DRIVE,
	    .file_id = 3,
	    .completion_id = 0x40000000, /* of the range of ours */
	    .major = RDPEFS_IRP_WRITE,
	};
	static const uint8_t body[500] = {1, 2, 3};

	request.body = (struct wire_view){body, sizeof(body)};
	*out = wire_out(data, size);
	rdpefs_request_encode(out, &request);
	assert_true(wire_out_ok(out));
}
