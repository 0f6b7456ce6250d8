/* Devices that a policy hides and shows, and faults that name a field. */
#include "bed.h"
#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bed bed;
static struct filter_policy closed;
static struct filter_policy open;

static int
setup(void **state)
{
	filter_policy_init(&open);
	filter_policy_init(&closed);
	assert_null(filter_parse_redirect(&closed, "no"));
	return bed_make_card(state);
}

static int
teardown(void **state)
{
	filter_policy_clear(&open);
	filter_policy_clear(&closed);
	return bed_free_card(state);
}

/* A session without redirection, at rest; the client has a card. */
static void
start_closed(bool own)
{
	bed_init(&bed);
	bed.config.role = own ? CHANNEL_OWN : CHANNEL_RELAY;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed.client.pcsc, 0, &bed_card);
	bed_start(&bed);
	channel_filter(bed.ch, &closed, bed.now_ms);
	if (!own)
		fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.reason, "policy");
	assert_int_equal(bed.client.pcsc.calls, 0);
	assert_int_equal(bed.server.cards, 0);
	assert_int_equal(bed.client.accepted, 1);
}

static void
a_hidden_device_is_shown(void **state)
{
	(void)state;
	start_closed(false);
	channel_filter(bed.ch, &open, bed.now_ms);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason, "");
	assert_int_equal(bed.server.cards, 1);
	assert_int_equal(bed.certs, 1);
	/* The client was answered when it was hidden, and not again. */
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.refused, 0);
	fake_server_establish(&bed.server, 1, 7);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, 7), 1);
	assert_int_equal(bed.client.faults + bed.server.faults, 0);
	bed_clear(&bed);
}

static void
a_hidden_device_is_taken_in_the_own_role(void **state)
{
	(void)state;
	start_closed(true);
	channel_filter(bed.ch, &open, bed.now_ms);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "own");
	assert_string_equal(bed.reason, "");
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.client.accepted, 1);
	bed_clear(&bed);
}

/* What the server says of it then is no news for the client. */
static void
a_shown_device_may_be_refused(void **state)
{
	(void)state;
	start_closed(false);
	bed.server.refuses = true;
	channel_filter(bed.ch, &open, bed.now_ms);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.reason,
	                    "the server refused the device (status c0000001)");
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.refused, 0);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
}

static void
a_hidden_device_may_go(void **state)
{
	(void)state;
	start_closed(false);
	fake_client_remove(&bed.client, 1);
	bed_run(&bed);
	assert_int_equal(bed.server.removals, 0);
	channel_filter(bed.ch, &open, bed.now_ms);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.server.cards, 0);
	/* Plugged in again it is as any other: the server's answer counts. */
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.server.cards, 1);
	assert_int_equal(bed.client.accepted, 2);
	assert_int_equal(bed.certs, 1);
	bed_clear(&bed);
}

/* There and back: the server keeps its device, and its calls are refused. */
static void
a_policy_comes_and_goes(void **state)
{
	(void)state;
	start_closed(false);
	for (unsigned i = 0; i < 3; i++) {
		channel_filter(bed.ch, &open, bed.now_ms);
		bed_advance(&bed, 5000);
		assert_string_equal(bed.reason, "");
		channel_filter(bed.ch, &closed, bed.now_ms);
		bed_advance(&bed, 5000);
		assert_string_equal(bed.reason, "policy");
	}
	assert_int_equal(bed.server.cards, 1);
	bed_clear(&bed);
}

static void
give(enum channel_side from, uint16_t packet, const void *body, size_t len)
{
	uint8_t data[128];
	struct wire_out out = wire_out(data, sizeof(data));

	wire_put_u16(&out, RDPEFS_CORE);
	wire_put_u16(&out, packet);
	wire_put_bytes(&out, body, len);
	bed_message(&bed, from, wire_written(&out));
	bed_run(&bed);
}

static void
a_fault_names_its_field(void **state)
{
	static const struct {
		enum channel_side from;
		uint16_t packet;
		uint8_t body[40];
		size_t len;
		const char *reason;
	} rows[] = {
	    {CHANNEL_CLIENT,
	     RDPEFS_DEVICE_LIST_ANNOUNCE,
	     {U32(65)},
	     4,
	     "malformed device list: DeviceCount: above its limit"},
	    {CHANNEL_CLIENT,
	     RDPEFS_DEVICE_LIST_ANNOUNCE,
	     {U32(1), U32(0x20), U32(1), 0, 0, 0, 0, 0, 0, 0, 0, U32(9)},
	     24,
	     "malformed device list: DeviceData: too short"},
	    {CHANNEL_CLIENT,
	     RDPEFS_DEVICE_COMPLETION,
	     {U32(1), U32(2)},
	     8,
	     "malformed completion: IoStatus: too short"},
	    {CHANNEL_SERVER,
	     RDPEFS_DEVICE_REQUEST,
	     {U32(1), U32(2)},
	     8,
	     "malformed device request: CompletionId: too short"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bed_init(&bed);
		bed_start(&bed);
		fake_server_announce(&bed.server);
		bed_advance(&bed, 5000);
		give(rows[i].from, rows[i].packet, rows[i].body, rows[i].len);
		assert_string_equal(bed.reason, rows[i].reason);
		bed_clear(&bed);
	}
}

static void
a_fault_of_the_own_role_names_its_field(void **state)
{
	static const uint8_t caps[] = {U16(1), U16(0), U16(5), U16(4), U32(1)};

	(void)state;
	bed_init(&bed);
	bed.config.role = CHANNEL_OWN;
	bed_start(&bed);
	bed_advance(&bed, 5000);
	give(CHANNEL_CLIENT, RDPEFS_CLIENT_CAPABILITY, caps, sizeof(caps));
	assert_string_equal(bed.reason, "malformed capabilities: "
	                                "CapabilityLength: not an allowed "
	                                "value");
	bed_clear(&bed);
}

/* Answer our parked call with these bytes. */
static void
answer_parked(struct wire_view output)
{
	uint8_t data[256];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_completion completion = {.device_id = 1};

	for (size_t i = 0; i < FAKE_PARKED_MAX; i++) {
		if (bed.client.pcsc.parked[i].used)
			completion.completion_id = bed.client.pcsc.parked[i].id;
	}
	fake_pcsc_reset(&bed.client.pcsc);
	rdpefs_output_encode(&out, &completion, output);
	bed_message(&bed, CHANNEL_CLIENT, wire_written(&out));
	bed_run(&bed);
}

/* It is told while it lasts: the next attempt is answered as it should be. */
static void
an_answer_that_cannot_be_read_is_told(void **state)
{
	static const uint8_t output[] = {
	    0x01,   0x10,   U16(8),  U32(0xCCCCCCCC), U32(16),
	    U32(0), U32(0), U32(65), U32(0x20000),    U32(65),
	};

	(void)state;
	bed_init(&bed);
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	bed_start(&bed);
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.reason, "");
	answer_parked((struct wire_view){output, sizeof(output)});
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason, "GetStatusChange_Return: "
	                                "rgReaderStates: above its limit of "
	                                "64");
	bed_advance(&bed, 60000);
	assert_string_equal(bed.reason, "");
	assert_int_equal(fake_pcsc_parked(&bed.client.pcsc), 1);
	bed_clear(&bed);
}

/* The server's ReleaseContext as it comes; returns what the client gets. */
static struct wire_view
relayed(const uint8_t *input, size_t len)
{
	uint8_t data[128];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_request request = {
	    .device_id = 1, .file_id = 9, .completion_id = 3};
	struct rdpefs_control control = {.output_len = 2048,
	                                 .code = IOCTL_RELEASE_CONTEXT,
	                                 .input = {input, len}};
	struct wire_view got;

	rdpefs_control_encode(&out, &request, &control);
	bed.client.hold_file = 9;
	bed_message(&bed, CHANNEL_SERVER, wire_written(&out));
	bed_run(&bed);
	assert_true(fake_queue_get(&bed.client.others, &got));
	return got;
}

/* Byte for byte but for the id, unless padding is missing: then that too. */
static void
a_call_is_padded(void **state)
{
	static const uint8_t input[] = {
	    0x01,    0x10,   U16(8), U32(0xCCCCCCCC),
	    U32(12), U32(0), U32(4), U32(0x20000),
	    U32(4),  5,      6,      7,
	    8,       0,      0,      0,
	    0,       0,      0,      0,
	    0,       0,      0,      0,
	    0,       0,
	};
	enum { HEAD = RDPEFS_REQUEST_LEN + RDPEFS_CONTROL_LEN, OBJECT = 16 };

	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	for (size_t object = 15; object <= 25; object++) {
		uint8_t call[sizeof(input)];
		size_t want = OBJECT + (object + 7) / 8 * 8;
		struct wire_out out = wire_out(call, sizeof(call));
		struct wire_view got;
		struct wire_in in;

		wire_put_bytes(&out, input, OBJECT + object);
		wire_set_u32(&out, 8, (uint32_t)object);
		got = relayed(call, OBJECT + object);
		/* what does not decode is not touched */
		if (object < 16)
			want = OBJECT + object;
		assert_int_equal(got.len, HEAD + want);
		in = wire_in_view(got);
		wire_skip(&in, 28);
		assert_int_equal(wire_u32(&in), want);
		wire_skip(&in, HEAD - 32 + 8);
		assert_int_equal(wire_u32(&in), want - OBJECT);
		wire_skip(&in, 4);
		assert_memory_equal(in.next, input + OBJECT, object);
		exact_free(got);
	}
	bed_clear(&bed);
}

/* xrdp gives the names of all readers one referent; FreeRDP 3 dies of that. */
static void
a_referent_is_used_once(void **state)
{
	static struct esc_call call;
	static struct esc_call seen;
	uint8_t data[1024];
	uint8_t input[512];
	struct wire_out body = wire_out(input, sizeof(input));
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_request request = {
	    .device_id = 1, .file_id = 9, .completion_id = 3};
	struct rdpefs_control control = {.output_len = 2048,
	                                 .code = IOCTL_GET_STATUS_CHANGE_W};
	const struct ioctl *row = ioctl_find(control.code);
	struct wire_view got;
	struct wire_in in;

	(void)state;
	bed_init(&bed);
	bed_start(&bed);
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	call.form = ESC_WIDE;
	call.watch.count = 2;
	strcpy(call.watch.states[0].reader.text, "Reader A");
	strcpy(call.watch.states[1].reader.text, "Reader B");
	call.watch.states[0].reader.present = true;
	call.watch.states[1].reader.present = true;
	ioctl_call_encode(row, &body, &call);
	/* headers, an empty context, timeout, count, pointer, count */
	wire_set_u32(&body, 16 + 24 + 52, 0x00020004);
	control.input = wire_written(&body);
	assert_int_equal(ioctl_call_decode(row, control.input, &seen), WIRE_OK);
	assert_true(seen.aliased);
	rdpefs_control_encode(&out, &request, &control);
	bed.client.hold_file = 9;
	bed_message(&bed, CHANNEL_SERVER, wire_written(&out));
	bed_run(&bed);
	assert_true(fake_queue_get(&bed.client.others, &got));
	in = wire_in_view(got);
	wire_skip(&in, RDPEFS_REQUEST_LEN + RDPEFS_CONTROL_LEN);
	assert_int_equal(ioctl_call_decode(row, wire_rest(&in), &seen),
	                 WIRE_OK);
	assert_false(seen.aliased);
	assert_string_equal(seen.watch.states[1].reader.text, "Reader B");
	exact_free(got);
	bed_clear(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_hidden_device_is_shown),
	    cmocka_unit_test(a_hidden_device_is_taken_in_the_own_role),
	    cmocka_unit_test(a_shown_device_may_be_refused),
	    cmocka_unit_test(a_hidden_device_may_go),
	    cmocka_unit_test(a_policy_comes_and_goes),
	    cmocka_unit_test(a_fault_names_its_field),
	    cmocka_unit_test(a_fault_of_the_own_role_names_its_field),
	    cmocka_unit_test(a_call_is_padded),
	    cmocka_unit_test(a_referent_is_used_once),
	    cmocka_unit_test(an_answer_that_cannot_be_read_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
