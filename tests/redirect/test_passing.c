/*
 * What goes through the channel between two peers that are not simulated: each
 * message is given as it is, and what reaches the other side is compared with
 * it byte for byte.
 */
#include "channel.h"
#include "devices.h"
#include "ioctl.h"
#include "rdpefs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { CARD = 4, DRIVE = 9, PRINTER = 11, ROOM = 8192, NAME_ROOM = 96 };

/* One message that is under way: what was said, and what came out. */
static struct {
	struct channel *ch;
	uint8_t got[2][ROOM]; /* the last one, by the side it went to */
	size_t len[2];
	unsigned count[2];
	char reason[NAME_ROOM];
} bed;

static struct esc_call call;
static struct esc_return ret;

static void
on_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
        struct wire_view data)
{
	struct wire_out out = wire_out(bed.got[to], ROOM);

	(void)arg;
	assert_int_equal(total, data.len);
	assert_int_equal(flags & 3, CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST);
	wire_put_view(&out, data);
	bed.len[to] = out.len;
	bed.count[to]++;
}

static void
on_keeper(void *arg, const struct keep_msg *msg)
{
	(void)arg;
	if (msg->type == KEEP_STATE)
		(void)snprintf(bed.reason, sizeof(bed.reason), "%.*s",
		               (int)msg->state.reason.len,
		               (const char *)msg->state.reason.data);
}

static void
start(void)
{
	static const struct channel_ops ops = {.send = on_send,
	                                       .tell_keeper = on_keeper};
	static const struct channel_config config = {.role = CHANNEL_RELAY};
	static struct certprop_policy policy;

	memset(&bed, 0, sizeof(bed));
	certprop_policy_defaults(&policy);
	bed.ch = channel_new(&config, &policy, &ops, NULL);
	assert_non_null(bed.ch);
	channel_activated(bed.ch, 0);
}

static void
stop(void)
{
	channel_free(bed.ch);
}

static enum channel_verdict
say(enum channel_side from, const struct wire_out *message)
{
	assert_true(wire_out_ok(message));
	return channel_chunk(bed.ch, from, (uint32_t)message->len,
	                     CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST,
	                     wire_written(message), 0);
}

/* It arrives, as one message and as it is; ours may follow it. */
static void
passes(enum channel_side from, const struct wire_out *message)
{
	enum channel_side to = 1 - from;
	unsigned before = bed.count[to];

	if (say(from, message) == CHANNEL_PASS)
		return;
	assert_int_equal(bed.count[to], before + 1);
	assert_int_equal(bed.len[to], message->len);
	assert_memory_equal(bed.got[to], wire_written(message).data,
	                    message->len);
}

#define MESSAGE(name)                                                          \
	uint8_t name##_bytes[ROOM];                                            \
	struct wire_out name = wire_out(name##_bytes, sizeof(name##_bytes))

static void
announce(enum channel_side from, uint16_t major)
{
	const struct rdpefs_announce words = {
	    .major = major, .minor = 0xC, .client_id = 5};
	MESSAGE(out);

	rdpefs_announce_encode(&out,
	                       from == CHANNEL_SERVER
	                           ? RDPEFS_SERVER_ANNOUNCE
	                           : RDPEFS_CLIENT_ID_CONFIRM,
	                       &words);
	passes(from, &out);
}

static void
server_caps(void)
{
	MESSAGE(out);

	rdpefs_own_caps_encode(&out);
	passes(CHANNEL_SERVER, &out);
}

static void
logged_on(void)
{
	MESSAGE(out);

	rdpefs_logged_on_encode(&out);
	passes(CHANNEL_SERVER, &out);
}

static struct rdpefs_device
device(enum rdpefs_device_type type, uint32_t id, const char *data)
{
	return (struct rdpefs_device){
	    .type = type,
	    .id = id,
	    .dos_name = "NAME1",
	    .data = {(const uint8_t *)data, strlen(data)},
	};
}

static void
devices(size_t count, const struct rdpefs_device *list)
{
	struct rdpefs_devices words = {.count = count};
	MESSAGE(out);

	memcpy(words.list, list, count * sizeof(*list));
	rdpefs_devices_encode(&out, &words);
	passes(CHANNEL_CLIENT, &out);
}

static enum channel_verdict
reply(uint32_t id)
{
	const struct rdpefs_reply words = {.device_id = id};
	MESSAGE(out);

	rdpefs_reply_encode(&out, &words);
	return say(CHANNEL_SERVER, &out);
}

static void
accept(uint32_t id)
{
	const struct rdpefs_reply words = {.device_id = id};
	MESSAGE(out);

	rdpefs_reply_encode(&out, &words);
	passes(CHANNEL_SERVER, &out);
}

static void
begin(void)
{
	const struct rdpefs_device card =
	    device(RDPEFS_DEVICE_SMARTCARD, CARD, "");

	start();
	announce(CHANNEL_SERVER, 1);
	announce(CHANNEL_CLIENT, 1);
	server_caps();
	devices(1, &card);
	(void)reply(CARD); /* then our own calls begin */
}

/* The id that the client knows the server's last request by. */
static uint32_t
client_id(void)
{
	struct wire_in in =
	    wire_in(bed.got[CHANNEL_CLIENT], bed.len[CHANNEL_CLIENT]);

	wire_skip(&in, RDPEFS_REQUEST_ID_AT);
	return wire_u32(&in);
}

/* A call of the server; how the client knows it. */
static uint32_t
ask(enum ioctl_code code, uint32_t id, uint32_t output_len)
{
	const struct rdpefs_request request = {.device_id = CARD,
	                                       .completion_id = id};
	struct rdpefs_control control = {.output_len = output_len,
	                                 .code = code};
	unsigned before = bed.count[CHANNEL_CLIENT];
	MESSAGE(body);
	MESSAGE(out);

	ioctl_call_encode(ioctl_find(code), &body, &call);
	control.input = wire_written(&body);
	rdpefs_control_encode(&out, &request, &control);
	assert_int_equal(say(CHANNEL_SERVER, &out), CHANNEL_TAKE);
	assert_int_equal(bed.count[CHANNEL_CLIENT], before + 1);
	return client_id();
}

/* The client's answer; the server gets it under its own id. */
static struct rdpefs_completion
complete(uint32_t id, uint32_t status, enum ioctl_code code)
{
	struct rdpefs_completion words = {
	    .device_id = CARD, .completion_id = id, .status = status};
	unsigned before = bed.count[CHANNEL_SERVER];
	struct rdpefs_completion told;
	struct wire_in in;
	MESSAGE(body);
	MESSAGE(out);

	if (status == RDPEFS_STATUS_SUCCESS)
		ioctl_return_encode(ioctl_find(code), &body, &ret);
	rdpefs_output_encode(&out, &words, wire_written(&body));
	assert_int_equal(say(CHANNEL_CLIENT, &out), CHANNEL_TAKE);
	assert_int_equal(bed.count[CHANNEL_SERVER], before + 1);
	in = wire_in(bed.got[CHANNEL_SERVER], bed.len[CHANNEL_SERVER]);
	wire_skip(&in, RDPEFS_HEADER_LEN);
	assert_true(rdpefs_completion_decode(&in, &told));
	assert_int_equal(bed.len[CHANNEL_SERVER], out.len);
	return told;
}

/* [MS-RDPEFS] says after; servers say it before the capabilities, too. */
static void
logged_on_before_and_after(void **state)
{
	const struct rdpefs_device card =
	    device(RDPEFS_DEVICE_SMARTCARD, CARD, "");

	(void)state;
	start();
	announce(CHANNEL_SERVER, 1);
	logged_on();
	announce(CHANNEL_CLIENT, 1);
	server_caps();
	devices(1, &card);
	logged_on();
	(void)reply(CARD);
	assert_int_equal(bed.count[CHANNEL_CLIENT] > 0, 1);
	logged_on();
	/* the client says it all again, and the server nothing */
	devices(1, &card);
	memset(&call, 0, sizeof(call));
	(void)ask(IOCTL_ESTABLISH_CONTEXT, 3, 256);
	assert_string_equal(bed.reason, "");
	stop();
}

static void
lists_in_parts(void **state)
{
	const struct rdpefs_device parts[] = {
	    device(RDPEFS_DEVICE_DRIVE, DRIVE, "C:"),
	    device(RDPEFS_DEVICE_PRINTER, PRINTER, "a printer's own data"),
	    device(RDPEFS_DEVICE_SMARTCARD, CARD, ""),
	    device(RDPEFS_DEVICE_SERIAL, 12, "COM1"),
	};

	(void)state;
	start();
	announce(CHANNEL_SERVER, 1);
	announce(CHANNEL_CLIENT, 1);
	server_caps();
	devices(1, parts);
	assert_string_equal(bed.reason, "the client announced no card device");
	accept(DRIVE);
	devices(2, parts + 1);
	assert_string_equal(bed.reason, "");
	accept(PRINTER);
	(void)reply(CARD);
	devices(1, parts + 3);
	accept(12);
	assert_string_equal(bed.reason, "");
	memset(&call, 0, sizeof(call));
	(void)ask(IOCTL_ESTABLISH_CONTEXT, 3, 256);
	stop();
}

/* One request to a device and its answer, with bytes of their own. */
static void
exchange(uint32_t id, enum rdpefs_major major)
{
	static const uint8_t bytes[] = "what is printed, 1234";
	const struct rdpefs_request request = {
	    .device_id = id,
	    .file_id = 7,
	    .completion_id = 0x40000000 + id, /* of the range of ours */
	    .major = major,
	    .body = {bytes, sizeof(bytes)},
	};
	const struct rdpefs_completion completion = {
	    .device_id = id,
	    .completion_id = request.completion_id,
	    .body = {bytes, sizeof(bytes)},
	};
	MESSAGE(out);

	rdpefs_request_encode(&out, &request);
	passes(CHANNEL_SERVER, &out);
	out = wire_out(out_bytes, sizeof(out_bytes));
	rdpefs_completion_encode(&out, &completion);
	passes(CHANNEL_CLIENT, &out);
}

/* The four words of [MS-RDPEPC] and what it calls PAKID_PRN. */
static void
printers_and_ports_pass(void **state)
{
	const struct rdpefs_device list[] = {
	    device(RDPEFS_DEVICE_SERIAL, 20, "COM1"),
	    device(RDPEFS_DEVICE_PARALLEL, 21, "LPT1"),
	    device(RDPEFS_DEVICE_PRINTER, 22, "driver, name, cached"),
	    device(RDPEFS_DEVICE_DRIVE, 23, "C:"),
	};
	static const uint16_t packets[] = {0x5043, 0x5543}; /* of printers */

	(void)state;
	begin();
	devices(4, list);
	for (uint32_t id = 20; id < 24; id++) {
		accept(id);
		exchange(id, RDPEFS_IRP_CREATE);
		exchange(id, RDPEFS_IRP_WRITE);
		exchange(id, RDPEFS_IRP_READ);
		exchange(id, RDPEFS_IRP_DEVICE_CONTROL);
		exchange(id, RDPEFS_IRP_CLOSE);
	}
	for (size_t i = 0; i < 2; i++) {
		MESSAGE(out);

		wire_put_u16(&out, 0x5052); /* RDPDR_CTYP_PRN */
		wire_put_u16(&out, packets[i]);
		wire_put_u32(&out, 22);
		wire_put_zeros(&out, 40);
		passes(CHANNEL_SERVER, &out);
		passes(CHANNEL_CLIENT, &out);
	}
	assert_string_equal(bed.reason, "");
	stop();
}

/* The answer to a Cancel comes before that of what it cancels. */
static void
a_cancel_is_answered_first(void **state)
{
	uint32_t parked, cancel;
	struct rdpefs_completion told;

	(void)state;
	begin();
	memset(&call, 0, sizeof(call));
	call.watch.context = (struct esc_id){{1, 2, 3, 4}, 4};
	call.watch.timeout_ms = ESC_INFINITE;
	parked = ask(IOCTL_GET_STATUS_CHANGE_A, 41, 2048);
	memset(&call, 0, sizeof(call));
	call.context.context = (struct esc_id){{1, 2, 3, 4}, 4};
	cancel = ask(IOCTL_CANCEL, 42, 2048);
	assert_int_not_equal(parked, cancel);
	memset(&ret, 0, sizeof(ret));
	told = complete(cancel, 0, IOCTL_CANCEL);
	assert_int_equal(told.completion_id, 42);
	ret.code = ESC_E_CANCELLED;
	told = complete(parked, 0, IOCTL_GET_STATUS_CHANGE_A);
	assert_int_equal(told.completion_id, 41);
	/* and a Cancel whose call is not there yet */
	cancel = ask(IOCTL_CANCEL, 41, 2048);
	memset(&call, 0, sizeof(call));
	call.watch.context = (struct esc_id){{1, 2, 3, 4}, 4};
	parked = ask(IOCTL_GET_STATUS_CHANGE_A, 41, 2048);
	memset(&ret, 0, sizeof(ret));
	assert_int_equal(complete(cancel, 0, IOCTL_CANCEL).completion_id, 41);
	assert_int_equal(
	    complete(parked, 0, IOCTL_GET_STATUS_CHANGE_A).completion_id, 41);
	stop();
}

/* A server that has not room enough is told so, without data, and asks again */
static void
an_answer_that_is_too_small(void **state)
{
	struct rdpefs_completion told;
	struct wire_view output;
	struct wire_in in;

	(void)state;
	begin();
	memset(&call, 0, sizeof(call));
	call.list.context = (struct esc_id){{1, 2, 3, 4}, 4};
	call.list.chars = ESC_AUTOALLOCATE;
	told = complete(ask(IOCTL_LIST_READERS_A, 51, 16),
	                (uint32_t)RDPEFS_STATUS_BUFFER_TOO_SMALL,
	                IOCTL_LIST_READERS_A);
	assert_int_equal(told.completion_id, 51);
	assert_int_equal(told.status, RDPEFS_STATUS_BUFFER_TOO_SMALL);
	memset(&ret, 0, sizeof(ret));
	ret.list.names.present = true;
	ret.list.names.count = 1;
	strcpy(ret.list.names.list[0].text, "Reader A");
	told = complete(ask(IOCTL_LIST_READERS_A, 51, 2048), 0,
	                IOCTL_LIST_READERS_A);
	assert_int_equal(told.completion_id, 51);
	assert_int_equal(told.status, 0);
	in = wire_in_view(told.body);
	assert_true(rdpefs_output_decode(&in, &output));
	memset(&ret, 0, sizeof(ret));
	assert_int_equal(
	    ioctl_return_decode(ioctl_find(IOCTL_LIST_READERS_A), output, &ret),
	    WIRE_OK);
	assert_string_equal(ret.list.names.list[0].text, "Reader A");
	stop();
}

/* What the log has to say of one message of the server. */
static void
logged(const struct wire_out *message, char *text, size_t size)
{
	FILE *file = tmpfile();
	int kept = dup(STDERR_FILENO);

	assert_non_null(file);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	(void)say(CHANNEL_SERVER, message);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	(void)close(kept);
	rewind(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	(void)fclose(file);
}

/* A call of the server that does not decode: the log says which field. */
static void
a_call_that_cannot_be_read(void **state)
{
	const struct rdpefs_request request = {.device_id = CARD,
	                                       .completion_id = 61};
	struct rdpefs_control control = {.output_len = 256,
	                                 .code = IOCTL_TRANSMIT};
	char text[2048];
	MESSAGE(body);
	MESSAGE(out);

	(void)state;
	begin();
	memset(&call, 0, sizeof(call));
	call.transmit.handle =
	    (struct esc_handle){{{1, 2, 3, 4}, 4}, {{1, 2, 3, 4}, 4}};
	call.transmit.send = (struct wire_view){out_bytes, 5};
	ioctl_call_encode(ioctl_find(IOCTL_TRANSMIT), &body, &call);
	wire_set_u32(&body, 16, 17); /* cbContext: its limit is 16 */
	control.input = wire_written(&body);
	rdpefs_control_encode(&out, &request, &control);
	logged(&out, text, sizeof(text));
	assert_non_null(strstr(text, "call-malformed"));
	assert_non_null(strstr(text, "Transmit_Call: pbContext"));
	assert_non_null(strstr(text, "16"));
	stop();
}

/* Said with its field; what is not a card goes on. */
static void
another_version(void **state)
{
	static const char why[] =
	    "another version of the channel: VersionMajor: ";
	const struct rdpefs_device drive =
	    device(RDPEFS_DEVICE_DRIVE, DRIVE, "C:");

	(void)state;
	for (int side = CHANNEL_CLIENT; side <= CHANNEL_SERVER; side++) {
		for (uint16_t major = 0; major < 3; major += 2) {
			start();
			announce(CHANNEL_SERVER,
			         side == CHANNEL_SERVER ? major : 1);
			announce(CHANNEL_CLIENT,
			         side == CHANNEL_CLIENT ? major : 1);
			assert_memory_equal(bed.reason, why, strlen(why));
			server_caps();
			devices(1, &drive);
			accept(DRIVE);
			exchange(DRIVE, RDPEFS_IRP_WRITE);
			stop();
		}
	}
}

/* One after the other: 64 smart card devices, and one more. */
static void
devices_have_a_limit(void **state)
{
	(void)state;
	start();
	announce(CHANNEL_SERVER, 1);
	announce(CHANNEL_CLIENT, 1);
	server_caps();
	for (uint32_t i = 0; i <= DEVICES_MAX; i++) {
		struct rdpefs_devices words = {.count = 1};
		MESSAGE(out);

		words.list[0] = device(RDPEFS_DEVICE_SMARTCARD, 100 + i, "");
		rdpefs_devices_encode(&out, &words);
		/* slowly: it is no flood of announces */
		(void)channel_chunk(bed.ch, CHANNEL_CLIENT, (uint32_t)out.len,
		                    CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST,
		                    wire_written(&out), UINT64_C(2000) * i);
		assert_string_equal(bed.reason,
		                    i < DEVICES_MAX ? "" : "too many devices");
	}
	stop();
}

/* Entries of one list: 63, 64 and 65, where the last is a fault. */
static void
a_list_has_a_limit(void **state)
{
	(void)state;
	for (uint32_t n = DEVICES_MAX - 1; n <= DEVICES_MAX + 1; n++) {
		MESSAGE(out);

		start();
		announce(CHANNEL_SERVER, 1);
		announce(CHANNEL_CLIENT, 1);
		wire_put_u16(&out, 0x4472);
		wire_put_u16(&out, RDPEFS_DEVICE_LIST_ANNOUNCE);
		wire_put_u32(&out, n);
		for (uint32_t i = 0; i < n; i++) {
			wire_put_u32(&out, RDPEFS_DEVICE_SMARTCARD);
			wire_put_u32(&out, 100 + i);
			wire_put_zeros(&out, 8);
			wire_put_u32(&out, 0);
		}
		(void)say(CHANNEL_CLIENT, &out);
		if (n <= DEVICES_MAX)
			assert_string_equal(bed.reason, "");
		else
			assert_non_null(strstr(bed.reason, "device list"));
		stop();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(logged_on_before_and_after),
	    cmocka_unit_test(lists_in_parts),
	    cmocka_unit_test(printers_and_ports_pass),
	    cmocka_unit_test(a_cancel_is_answered_first),
	    cmocka_unit_test(an_answer_that_is_too_small),
	    cmocka_unit_test(a_call_that_cannot_be_read),
	    cmocka_unit_test(another_version),
	    cmocka_unit_test(devices_have_a_limit),
	    cmocka_unit_test(a_list_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
