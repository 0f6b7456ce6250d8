/*
 * Hundreds of calls of the server are with the client at once, beside our own:
 * each gets its answer, and none gets another's.
 */
#include "bed.h"
#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum {
	READERS = 8, /* a context of the server for each */
	CALLS = 200,
	CARDS_FIRST = 4, /* readers that get a card before any answer */
	KEPT_FILE = 900, /* FileId of the calls that the client keeps */
	PIV_9A = 0x5fc105
};

/* One call of the server, as it was made and as it arrived. */
struct call {
	size_t reader;
	const struct ioctl *row;
	uint32_t id;             /* the server's */
	uint32_t client_id;      /* what the client knows it by */
	struct wire_view asked;  /* the whole request */
	struct wire_view answer; /* the output that belongs to it */
	bool answered;
};

static struct bed bed;
static struct call calls[CALLS];

/* ---- what is asked and what is answered; all of it has the number in it */

static struct esc_id
make_id(size_t kind, size_t number)
{
	struct esc_id id = {.len = 8};
	struct wire_out out = wire_out(id.bytes, sizeof(id.bytes));

	wire_put_u32(&out, (uint32_t)kind);
	wire_put_u32(&out, (uint32_t)number);
	return id;
}

static void
set_reader(struct esc_name *name, size_t reader)
{
	name->present = true;
	(void)snprintf(name->text, sizeof(name->text), "Reader %zu", reader);
}

/* Four bytes of an APDU or of its answer. */
static struct wire_view
four_bytes(uint8_t first, size_t number, uint8_t last)
{
	static uint8_t bytes[4];

	bytes[0] = first;
	bytes[1] = (uint8_t)(number >> 8);
	bytes[2] = (uint8_t)number;
	bytes[3] = last;
	return (struct wire_view){bytes, sizeof(bytes)};
}

static struct esc_handle
make_handle(size_t reader, size_t number)
{
	return (struct esc_handle){make_id('c', reader), make_id('h', number)};
}

static void
ask_watch(struct esc_call *call, size_t reader, size_t number)
{
	call->watch.context = make_id('c', reader);
	call->watch.timeout_ms = ESC_INFINITE;
	call->watch.count = 1;
	set_reader(&call->watch.states[0].reader, reader);
	call->watch.states[0].current = (uint32_t)number << 16;
}

static void
tell_watch(struct esc_return *ret, size_t reader, size_t number)
{
	(void)reader;
	ret->watch.count = 1;
	ret->watch.states[0].current = (uint32_t)number << 16;
	ret->watch.states[0].event =
	    ((uint32_t)number + 1) << 16 | ESC_STATE_EMPTY | ESC_STATE_CHANGED;
}

static void
ask_status(struct esc_call *call, size_t reader, size_t number)
{
	call->status.handle = make_handle(reader, number);
	call->status.chars = ESC_AUTOALLOCATE;
	call->status.atr_len = ESC_STATUS_ATR_LEN;
}

static void
tell_status(struct esc_return *ret, size_t reader, size_t number)
{
	ret->status.names.present = true;
	ret->status.names.count = 1;
	set_reader(&ret->status.names.list[0], reader);
	ret->status.state = 6;
	ret->status.protocol = ESC_PROTOCOL_T1;
	ret->status.atr.len = 2;
	ret->status.atr.bytes[0] = (uint8_t)(number >> 8);
	ret->status.atr.bytes[1] = (uint8_t)number;
}

static void
ask_transmit(struct esc_call *call, size_t reader, size_t number)
{
	call->transmit.handle = make_handle(reader, number);
	call->transmit.send_pci.protocol = ESC_PROTOCOL_T1;
	call->transmit.send = four_bytes(0x80, number, 0);
	call->transmit.recv_len = 258;
}

static void
tell_transmit(struct esc_return *ret, size_t reader, size_t number)
{
	(void)reader;
	ret->transmit.recv.present = true;
	ret->transmit.recv.view = four_bytes(0x61, number, 0x90);
	ret->transmit.recv.size = 4;
}

static void
ask_connect(struct esc_call *call, size_t reader, size_t number)
{
	(void)number;
	set_reader(&call->connect.reader, reader);
	call->connect.context = make_id('c', reader);
	call->connect.share_mode = ESC_SHARE_SHARED;
	call->connect.protocols = ESC_PROTOCOL_TX;
}

static void
tell_connect(struct esc_return *ret, size_t reader, size_t number)
{
	ret->connect.handle = make_handle(reader, number);
	ret->connect.protocol = ESC_PROTOCOL_T1;
}

static const struct {
	enum ioctl_code code;
	void (*ask)(struct esc_call *call, size_t reader, size_t number);
	void (*tell)(struct esc_return *ret, size_t reader, size_t number);
} kinds[] = {
    {IOCTL_GET_STATUS_CHANGE_W, ask_watch, tell_watch},
    {IOCTL_STATUS_W, ask_status, tell_status},
    {IOCTL_TRANSMIT, ask_transmit, tell_transmit},
    {IOCTL_CONNECT_W, ask_connect, tell_connect},
};

/* Equal ids, ids of the range that our own calls have, and plain ones. */
static uint32_t
choose_id(size_t number)
{
	if (number % 5 == 0)
		return 7;
	if (number % 5 == 1)
		return UINT32_C(0x40000000) + (uint32_t)number;
	return 1000 + (uint32_t)number;
}

static struct wire_view
make_request(const struct call *call, const struct esc_call *asked)
{
	uint8_t input[2048];
	uint8_t data[4096];
	struct wire_out body = wire_out(input, sizeof(input));
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_request request = {
	    .device_id = 1,
	    .file_id = KEPT_FILE,
	    .completion_id = call->id,
	};
	struct rdpefs_control control = {
	    .output_len = 2048,
	    .code = call->row->code,
	};

	ioctl_call_encode(call->row, &body, asked);
	assert_true(wire_out_ok(&body));
	control.input = wire_written(&body);
	rdpefs_control_encode(&out, &request, &control);
	assert_true(wire_out_ok(&out));
	return exact_dup(out.data, out.len);
}

static void
make_call(size_t number)
{
	static struct esc_call asked;
	static struct esc_return told;
	struct call *call = &calls[number];
	size_t kind = (number / READERS + number) % 4;
	uint8_t output[2048];
	struct wire_out out = wire_out(output, sizeof(output));

	memset(&asked, 0, sizeof(asked));
	memset(&told, 0, sizeof(told));
	*call = (struct call){.reader = number % READERS};
	call->row = ioctl_find(kinds[kind].code);
	call->id = choose_id(number);
	asked.form = told.form = call->row->form;
	kinds[kind].ask(&asked, call->reader, number);
	kinds[kind].tell(&told, call->reader, number);
	call->asked = make_request(call, &asked);
	ioctl_return_encode(call->row, &out, &told);
	assert_true(wire_out_ok(&out));
	call->answer = exact_dup(out.data, out.len);
}

/* ---- the life of the calls */

static void
start(void)
{
	bed_init(&bed);
	bed.config.role = CHANNEL_AUTO;
	bed.client.hold_file = KEPT_FILE;
	for (size_t i = 0; i < READERS; i++) {
		struct esc_name name;

		set_reader(&name, i);
		fake_pcsc_plug(&bed.client.pcsc, i, name.text);
	}
	bed_start(&bed);
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_int_equal(bed.server.cards, 1);
}

/* A few messages and no more: what is under way goes on beside the next. */
static void
run_a_little(void)
{
	bed.now_ms += 10;
	bed.stop_at = bed.steps + 2;
	bed_run(&bed);
	bed.stop_at = 0;
}

/* All leave the server, and cards are put in meanwhile. */
static void
issue_all(void)
{
	for (size_t i = 0; i < CALLS; i++) {
		make_call(i);
		fake_queue_put(&bed.server.out, calls[i].asked);
		if (i % (CALLS / CARDS_FIRST) == 0)
			fake_pcsc_insert(&bed.client.pcsc,
			                 i / (CALLS / CARDS_FIRST), &bed_card);
		run_a_little();
	}
}

/* The same message, but for the completion id. */
static void
assert_arrived(const struct call *call, struct wire_view got)
{
	struct wire_in a = wire_in_view(call->asked);
	struct wire_in b = wire_in_view(got);

	assert_true(wire_view_equal(wire_bytes(&a, RDPEFS_REQUEST_ID_AT),
	                            wire_bytes(&b, RDPEFS_REQUEST_ID_AT)));
	assert_int_equal(wire_u32(&a), call->id);
	assert_int_equal(wire_u32(&b), call->client_id);
	assert_true(wire_view_equal(wire_rest(&a), wire_rest(&b)));
}

/* The client got each as it left, in order, under an id of its own. */
static void
receive_all(void)
{
	assert_int_equal(bed.client.others.count, CALLS);
	for (size_t i = 0; i < CALLS; i++) {
		struct wire_view got;
		struct wire_in in;

		assert_true(fake_queue_get(&bed.client.others, &got));
		in = wire_in_view(got);
		wire_skip(&in, RDPEFS_REQUEST_ID_AT);
		calls[i].client_id = wire_u32(&in);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(calls[j].client_id,
			                     calls[i].client_id);
		assert_arrived(&calls[i], got);
		exact_free(got);
	}
}

/* The next to be answered: of any reader, but the oldest of that one. */
static struct call *
choose_call(uint32_t *seed)
{
	*seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
	for (size_t turn = 0; turn < READERS; turn++) {
		size_t reader = ((*seed >> 16) + turn) % READERS;

		for (size_t i = reader; i < CALLS; i += READERS) {
			if (!calls[i].answered)
				return &calls[i];
		}
	}
	return NULL;
}

static void
answer(struct call *call)
{
	uint8_t data[4096];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_completion completion = {
	    .device_id = 1,
	    .completion_id = call->client_id,
	};

	rdpefs_output_encode(&out, &completion, call->answer);
	assert_true(wire_out_ok(&out));
	call->answered = true;
	fake_queue_put(&bed.client.out, wire_written(&out));
}

/* The newest answer at the server, and that it is no more than one more. */
static void
assert_answered(const struct call *call, size_t count)
{
	const struct fake_answer *got = &bed.server.answers[count - 1];

	assert_int_equal(bed.server.answer_count, count);
	assert_int_equal(got->id, call->id);
	assert_int_equal(got->device, 1);
	assert_int_equal(got->status, RDPEFS_STATUS_SUCCESS);
	assert_int_equal(bed.server.last_len, call->answer.len);
	assert_memory_equal(bed.server.last, call->answer.data,
	                    call->answer.len);
}

/* Returns after how many of the answers we were in the middle of a read. */
static unsigned
answer_all(uint32_t seed)
{
	unsigned mixed = 0;

	for (size_t count = 1; count <= CALLS; count++) {
		struct call *call = choose_call(&seed);

		if (count % (CALLS / CARDS_FIRST) == 1)
			fake_pcsc_insert(&bed.client.pcsc,
			                 CARDS_FIRST +
			                     count / (CALLS / CARDS_FIRST),
			                 &bed_card);
		assert_non_null(call);
		answer(call);
		/* One of ours may be in front of it. */
		for (int i = 0; i < 2 && bed.server.answer_count < count; i++)
			run_a_little();
		assert_answered(call, count);
		mixed += fake_pcsc_handles(&bed.client.pcsc) > 0;
	}
	assert_null(choose_call(&seed));
	return mixed;
}

static void
clear_all(void)
{
	for (size_t i = 0; i < CALLS; i++) {
		exact_free(calls[i].asked);
		exact_free(calls[i].answer);
	}
	bed_clear(&bed);
}

/* Each answer went to the server, and our own calls came back to us. */
static void
assert_all_served(void)
{
	assert_string_equal(bed.role, "relay");
	assert_int_equal(bed.server.answer_count, CALLS);
	assert_int_equal(bed.server.others.count, 0);
	assert_int_equal(bed.client.others.count, 0);
	bed_assert_at_rest(&bed);
}

/*
 * A session with 8 readers and 200 calls in flight keeps order and loses none.
 */
static void
many_calls_in_flight(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 3; seed++) {
		start();
		issue_all();
		/* With all of them open, cards are seen and read. */
		bed_advance(&bed, 5000);
		assert_int_equal(bed.certs, CARDS_FIRST);
		assert_int_equal(bed.server.answer_count, 0);
		receive_all();
		assert_in_range(answer_all(seed), READERS, CALLS);
		bed_advance(&bed, 20000);
		assert_int_equal(bed.certs, READERS);
		assert_all_served();
		clear_all();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(many_calls_in_flight),
	};

	return cmocka_run_group_tests(tests, bed_make_card, bed_free_card);
}
