/*
 * The messages of the channel: announces, capabilities, devices, completions.
 */
#include "rdpefs.h"

#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Every message that is decoded, in the forms its struct may have. */
union message {
	struct rdpefs_announce announce;
	struct rdpefs_client_name name;
	struct rdpefs_caps caps;
	struct rdpefs_devices devices;
	struct rdpefs_removal removal;
	struct rdpefs_reply reply;
	struct rdpefs_request request;
	struct rdpefs_completion completion;
};

static bool
decode(struct wire_in *in, uint16_t packet, union message *m)
{
	switch (packet) {
	case RDPEFS_SERVER_ANNOUNCE:
	case RDPEFS_CLIENT_ID_CONFIRM:
		return rdpefs_announce_decode(in, &m->announce);
	case RDPEFS_CLIENT_NAME:
		return rdpefs_client_name_decode(in, &m->name);
	case RDPEFS_SERVER_CAPABILITY:
	case RDPEFS_CLIENT_CAPABILITY:
		return rdpefs_caps_decode(in, &m->caps);
	case RDPEFS_DEVICE_LIST_ANNOUNCE:
		return rdpefs_devices_decode(in, &m->devices);
	case RDPEFS_DEVICE_LIST_REMOVE:
		return rdpefs_removal_decode(in, &m->removal);
	case RDPEFS_DEVICE_REPLY:
		return rdpefs_reply_decode(in, &m->reply);
	case RDPEFS_DEVICE_REQUEST:
		return rdpefs_request_decode(in, &m->request);
	case RDPEFS_DEVICE_COMPLETION:
		return rdpefs_completion_decode(in, &m->completion);
	default:
		return wire_ok(in);
	}
}

static void
encode(struct wire_out *out, uint16_t packet, const union message *m)
{
	switch (packet) {
	case RDPEFS_SERVER_ANNOUNCE:
	case RDPEFS_CLIENT_ID_CONFIRM:
		rdpefs_announce_encode(out, packet, &m->announce);
		break;
	case RDPEFS_CLIENT_NAME:
		rdpefs_client_name_encode(out, &m->name);
		break;
	case RDPEFS_SERVER_CAPABILITY:
	case RDPEFS_CLIENT_CAPABILITY:
		rdpefs_caps_encode(out, packet, &m->caps);
		break;
	case RDPEFS_DEVICE_LIST_ANNOUNCE:
		rdpefs_devices_encode(out, &m->devices);
		break;
	case RDPEFS_DEVICE_LIST_REMOVE:
		rdpefs_removal_encode(out, &m->removal);
		break;
	case RDPEFS_DEVICE_REPLY:
		rdpefs_reply_encode(out, &m->reply);
		break;
	case RDPEFS_DEVICE_REQUEST:
		rdpefs_request_encode(out, &m->request);
		break;
	case RDPEFS_DEVICE_COMPLETION:
		rdpefs_completion_encode(out, &m->completion);
		break;
	default:
		rdpefs_logged_on_encode(out);
	}
}

static enum wire_fault
decode_all(struct wire_view view, uint16_t *packet, union message *m)
{
	struct wire_in in = wire_in_view(view);
	struct rdpefs_header header;

	*packet = 0;
	if (rdpefs_header_decode(&in, &header)) {
		*packet = header.packet;
		(void)decode(&in, header.packet, m);
	}
	if (wire_ok(&in) && in.left > 0)
		return WIRE_VALUE;
	return in.fault;
}

/*
 * What is decoded is encoded to the same bytes, and each cut before fixed (the
 * bytes it must have) is a fault.
 */
static void
check(const uint8_t *data, size_t len, size_t fixed, union message *m)
{
	uint8_t room[512];
	struct wire_out out = wire_out(room, sizeof(room));
	struct wire_view copy;
	uint16_t packet;

	for (size_t n = 0; n < len; n++) {
		copy = exact_dup(data, n);
		assert_int_equal(decode_all(copy, &packet, m) == WIRE_OK,
		                 n >= fixed);
		exact_free(copy);
	}
	copy = exact_dup(data, len);
	assert_int_equal(decode_all(copy, &packet, m), WIRE_OK);
	encode(&out, packet, m);
	exact_free(copy);
	assert_true(wire_out_ok(&out));
	assert_int_equal(out.len, len);
	assert_memory_equal(room, data, len);
	/* For the caller to look at: views into bytes that stay. */
	assert_int_equal(decode_all((struct wire_view){data, len}, &packet, m),
	                 WIRE_OK);
}

static void
announces(void **state)
{
	static const uint8_t server[] = {
	    U16(0x4472), U16(0x496E), /* core, server announce */
	    U16(1), U16(0xC),         /* version */
	    U32(0x01020304)           /* client id */
	};
	static const uint8_t client[] = {U16(0x4472), U16(0x4343), U16(1),
	                                 U16(0xD), U32(0xFFFFFFFF)};
	union message m;

	(void)state;
	check(server, sizeof(server), sizeof(server), &m);
	assert_int_equal(m.announce.major, 1);
	assert_int_equal(m.announce.minor, 12);
	assert_int_equal(m.announce.client_id, 0x01020304);
	check(client, sizeof(client), sizeof(client), &m);
	assert_int_equal(m.announce.minor, 13);
}

static void
client_names(void **state)
{
	static const uint8_t bytes[] = {
	    U16(0x4472), U16(0x434E), /* core, client name */
	    U32(1),      U32(0),      /* Unicode, code page */
	    U32(6),      'p',         0, 'c', 0, 0, 0};
	union message m;

	(void)state;
	check(bytes, sizeof(bytes), sizeof(bytes), &m);
	assert_true(m.name.wide);
	assert_int_equal(m.name.name.len, 6);
}

static void
client_names_have_a_limit(void **state)
{
	uint8_t bytes[16 + RDPEFS_NAME_MAX + 1] = {0};

	(void)state;
	for (uint32_t len = RDPEFS_NAME_MAX - 1; len <= RDPEFS_NAME_MAX + 1;
	     len++) {
		struct wire_out out = wire_out(bytes, sizeof(bytes));
		struct wire_in in = wire_in(&bytes[4], len + 12);
		struct rdpefs_client_name name;

		wire_put_u32(&out, 0x434E4472);
		wire_put_zeros(&out, 8);
		wire_put_u32(&out, len);
		assert_int_equal(rdpefs_client_name_decode(&in, &name),
		                 len <= RDPEFS_NAME_MAX);
	}
}

/* As Windows asks: general, printer, port, drive, smart card. */
static const uint8_t server_caps[] = {
    U16(0x4472), U16(0x5350),         /* core, server capability */
    U16(5),      U16(0),              /* five sets, padding */
    U16(1),      U16(44),     U32(2), /* general, version 2 */
    U32(2),      U32(0),      U16(1),
    U16(0xC),            /* OS, its version, ours */
    U32(0xFFFF), U32(0), /* IRPs */
    U32(7),      U32(1),      U32(0),
    U32(2),                           /* extended PDUs, flags, special */
    U16(2),      U16(8),      U32(1), /* printer */
    U16(3),      U16(8),      U32(1), /* port */
    U16(4),      U16(8),      U32(2), /* drive */
    U16(5),      U16(8),      U32(1)  /* smart card */
};

static void
capabilities(void **state)
{
	struct rdpefs_general general;
	union message m;

	(void)state;
	check(server_caps, sizeof(server_caps), sizeof(server_caps), &m);
	assert_int_equal(m.caps.count, 5);
	assert_int_equal(rdpefs_caps_extended(&m.caps), 7);
	assert_true(rdpefs_general_decode(
	    rdpefs_caps_find(&m.caps, RDPEFS_CAP_GENERAL), &general));
	assert_int_equal(general.minor, 0xC);
	assert_int_equal(general.special_type_count, 2);
	assert_true(rdpefs_caps_remove(&m.caps, RDPEFS_CAP_SMARTCARD));
	assert_false(rdpefs_caps_remove(&m.caps, RDPEFS_CAP_SMARTCARD));
	assert_int_equal(m.caps.count, 4);
	assert_null(rdpefs_caps_find(&m.caps, RDPEFS_CAP_SMARTCARD));
	assert_true(rdpefs_caps_add_smartcard(&m.caps));
	assert_true(rdpefs_caps_add_smartcard(&m.caps));
	assert_int_equal(m.caps.count, 5);
	assert_true(rdpefs_caps_remove(&m.caps, RDPEFS_CAP_GENERAL));
	assert_int_equal(rdpefs_caps_extended(&m.caps), 0);
}

/* Taken out and put back, the request is what it was. */
static void
the_smart_card_set_can_be_cleared_and_set(void **state)
{
	struct wire_in in = wire_in(&server_caps[4], sizeof(server_caps) - 4);
	uint8_t room[128];
	struct wire_out out = wire_out(room, sizeof(room));
	struct rdpefs_caps caps;

	(void)state;
	assert_true(rdpefs_caps_decode(&in, &caps));
	assert_true(rdpefs_caps_remove(&caps, RDPEFS_CAP_SMARTCARD));
	rdpefs_caps_encode(&out, RDPEFS_SERVER_CAPABILITY, &caps);
	assert_int_equal(out.len, sizeof(server_caps) - 8);
	assert_int_equal(room[4], 4);
	assert_true(rdpefs_caps_add_smartcard(&caps));
	out = wire_out(room, sizeof(room));
	rdpefs_caps_encode(&out, RDPEFS_SERVER_CAPABILITY, &caps);
	assert_int_equal(out.len, sizeof(server_caps));
	assert_memory_equal(room, server_caps, sizeof(server_caps));
}

static void
capability_sets_are_checked(void **state)
{
	uint8_t bytes[sizeof(server_caps)];
	uint16_t packet;
	union message m;

	(void)state;
	memcpy(bytes, server_caps, sizeof(bytes));
	bytes[10] = 7; /* shorter than its own header */
	assert_int_equal(
	    decode_all((struct wire_view){bytes, sizeof(bytes)}, &packet, &m),
	    WIRE_VALUE);
	bytes[10] = 0;
	assert_int_equal(
	    decode_all((struct wire_view){bytes, sizeof(bytes)}, &packet, &m),
	    WIRE_VALUE);
	bytes[11] = 0xFF; /* longer than all there is */
	assert_int_equal(
	    decode_all((struct wire_view){bytes, sizeof(bytes)}, &packet, &m),
	    WIRE_SHORT);
	memcpy(bytes, server_caps, sizeof(bytes));
	bytes[10] = 8; /* a general set without its fields */
	bytes[4] = 1;
	assert_int_equal(decode_all((struct wire_view){bytes, 16}, &packet, &m),
	                 WIRE_OK);
	assert_int_equal(rdpefs_caps_extended(&m.caps), 0);
}

static void
capability_sets_have_a_limit(void **state)
{
	uint8_t bytes[8 + 8 * (RDPEFS_CAPS_MAX + 1)];

	(void)state;
	for (uint16_t n = RDPEFS_CAPS_MAX - 1; n <= RDPEFS_CAPS_MAX + 1; n++) {
		struct wire_out out = wire_out(bytes, sizeof(bytes));
		union message m;
		uint16_t packet;

		wire_put_u32(&out, 0x53504472);
		wire_put_u16(&out, n);
		wire_put_u16(&out, 0);
		for (uint16_t i = 0; i < n; i++) {
			wire_put_u32(&out, 9 | 8 << 16);
			wire_put_u32(&out, 1);
		}
		assert_int_equal(decode_all(wire_written(&out), &packet, &m),
		                 n <= RDPEFS_CAPS_MAX ? WIRE_OK : WIRE_LIMIT);
		if (n <= RDPEFS_CAPS_MAX)
			assert_int_equal(rdpefs_caps_add_smartcard(&m.caps),
			                 n < RDPEFS_CAPS_MAX);
	}
}

static void
our_own_capabilities(void **state)
{
	uint8_t room[128];
	struct wire_out out = wire_out(room, sizeof(room));
	union message m;
	uint16_t packet;

	(void)state;
	rdpefs_own_caps_encode(&out);
	assert_true(wire_out_ok(&out));
	assert_int_equal(decode_all(wire_written(&out), &packet, &m), WIRE_OK);
	assert_int_equal(packet, RDPEFS_SERVER_CAPABILITY);
	assert_int_equal(m.caps.count, 2);
	assert_non_null(rdpefs_caps_find(&m.caps, RDPEFS_CAP_SMARTCARD));
	assert_int_equal(rdpefs_caps_extended(&m.caps),
	                 RDPEFS_EXT_DEVICE_REMOVE | RDPEFS_EXT_USER_LOGGED_ON);
}

static void
device_lists(void **state)
{
	static const uint8_t bytes[] = {
	    U16(0x4472), U16(0x4441), /* core, device list */
	    U32(3),                   /* three devices */
	    U32(0x20),   U32(1),      /* a smart card device */
	    'S',         'C',
	    'A',         'R',
	    'D',         0,
	    0,           0,      /* its name */
	    U32(0),              /* no data */
	    U32(8),      U32(2), /* a drive */
	    'C',         ':',
	    0,           0,
	    0,           0,
	    0,           0,
	    U32(3),      'C',
	    ':',         0,
	    U32(0x20),   U32(0xFFFFFFFF), /* one more card device */
	    'S',         'C',
	    'A',         'R',
	    'D',         '2',
	    0,           0,
	    U32(0)};
	union message m;

	(void)state;
	check(bytes, sizeof(bytes), sizeof(bytes), &m);
	assert_int_equal(m.devices.count, 3);
	assert_int_equal(m.devices.list[0].type, RDPEFS_DEVICE_SMARTCARD);
	assert_memory_equal(m.devices.list[0].dos_name, "SCARD", 6);
	assert_int_equal(m.devices.list[1].data.len, 3);
	assert_int_equal(m.devices.list[2].id, UINT32_MAX);
}

static void
device_lists_have_a_limit(void **state)
{
	uint8_t bytes[8 + 20 * (RDPEFS_DEVICES_MAX + 1)] = {0};

	(void)state;
	for (uint32_t n = RDPEFS_DEVICES_MAX - 1; n <= RDPEFS_DEVICES_MAX + 1;
	     n++) {
		struct wire_out out = wire_out(bytes, sizeof(bytes));
		struct wire_in in = wire_in(bytes, 8 + 20 * (size_t)n);
		enum wire_fault want =
		    n <= RDPEFS_DEVICES_MAX ? WIRE_OK : WIRE_LIMIT;
		union message m;
		uint16_t packet;

		wire_put_u32(&out, 0x44414472);
		wire_put_u32(&out, n);
		assert_int_equal(decode_all(wire_rest(&in), &packet, &m), want);
		in = wire_in(bytes, 8 + 4 * (size_t)n);
		wire_set_u16(&out, 2, 0x444D);
		assert_int_equal(decode_all(wire_rest(&in), &packet, &m), want);
	}
}

/* CVE-2022-23480: the length of a device's data is a lie. */
static void
device_data_is_checked(void **state)
{
	static const uint8_t bytes[] = {U16(0x4472),
	                                U16(0x4441),
	                                U32(1),
	                                U32(8),
	                                U32(2),
	                                'C',
	                                ':',
	                                0,
	                                0,
	                                0,
	                                0,
	                                0,
	                                0,
	                                U32(0xFFFFFFFF),
	                                'C',
	                                ':',
	                                0};
	struct wire_view copy = exact_dup(bytes, sizeof(bytes));
	union message m;
	uint16_t packet;

	(void)state;
	assert_int_equal(decode_all(copy, &packet, &m), WIRE_LIMIT);
	exact_free(copy);
}

static void
removals_and_replies(void **state)
{
	static const uint8_t removal[] = {U16(0x4472), U16(0x444D), U32(2),
	                                  U32(7), U32(9)};
	static const uint8_t reply[] = {U16(0x4472), U16(0x6472), U32(1),
	                                U32(0xC0000001)};
	static const uint8_t logged_on[] = {U16(0x4472), U16(0x554C)};
	union message m;

	(void)state;
	check(removal, sizeof(removal), sizeof(removal), &m);
	assert_int_equal(m.removal.count, 2);
	assert_int_equal(m.removal.ids[1], 9);
	check(reply, sizeof(reply), sizeof(reply), &m);
	assert_true(m.reply.result == RDPEFS_STATUS_UNSUCCESSFUL);
	check(logged_on, sizeof(logged_on), sizeof(logged_on), &m);
}

static const uint8_t request[] = {
    U16(0x4472), U16(0x4952),               /* core, device request */
    U32(1),      U32(0),      U32(5),       /* device, file, id */
    U32(0xE),    U32(0),                    /* device control */
    U32(2048),   U32(4),      U32(0x900E0), /* output, input, IOCTL */
    0,           0,           0,
    0,           0,           0,
    0,           0,           0,
    0,           0,           0,
    0,           0,           0,
    0,           0,           0,
    0,           0,           1,
    2,           3,           4 /* input */
};

static void
requests(void **state)
{
	uint8_t room[128];
	struct wire_out out = wire_out(room, sizeof(room));
	struct rdpefs_control control;
	struct wire_in in;
	union message m;

	(void)state;
	check(request, sizeof(request), RDPEFS_REQUEST_LEN, &m);
	assert_int_equal(m.request.completion_id, 5);
	assert_int_equal(request[RDPEFS_REQUEST_ID_AT], 5);
	assert_int_equal(m.request.major, RDPEFS_IRP_DEVICE_CONTROL);
	in = wire_in_view(m.request.body);
	assert_true(rdpefs_control_decode(&in, &control));
	assert_int_equal(control.code, 0x900E0);
	assert_int_equal(control.output_len, 2048);
	assert_int_equal(control.input.len, 4);
	rdpefs_control_encode(&out, &m.request, &control);
	assert_int_equal(out.len, sizeof(request));
	assert_memory_equal(room, request, sizeof(request));
	for (size_t n = 0; n < m.request.body.len; n++) {
		struct wire_view copy = exact_dup(m.request.body.data, n);

		in = wire_in_view(copy);
		assert_false(rdpefs_control_decode(&in, &control));
		exact_free(copy);
	}
}

static void
completions(void **state)
{
	static const uint8_t bytes[] = {
	    U16(0x4472), U16(0x4943),           /* core, device completion */
	    U32(1),      U32(5),      U32(0),   /* device, id, status */
	    U32(3),      7,           8,      9 /* output */
	};
	uint8_t room[128];
	struct wire_out out = wire_out(room, sizeof(room));
	struct wire_view output;
	struct wire_in in;
	union message m;

	(void)state;
	check(bytes, sizeof(bytes), RDPEFS_COMPLETION_LEN, &m);
	assert_int_equal(bytes[RDPEFS_COMPLETION_ID_AT], 5);
	in = wire_in_view(m.completion.body);
	assert_true(rdpefs_output_decode(&in, &output));
	assert_true(wire_done(&in));
	assert_int_equal(output.len, 3);
	rdpefs_output_encode(&out, &m.completion, output);
	assert_int_equal(out.len, sizeof(bytes));
	assert_memory_equal(room, bytes, sizeof(bytes));
	for (size_t n = 0; n < m.completion.body.len; n++) {
		struct wire_view copy = exact_dup(m.completion.body.data, n);

		in = wire_in_view(copy);
		assert_int_equal(rdpefs_output_decode(&in, &output), n == 0);
		assert_int_equal(output.len, 0);
		exact_free(copy);
	}
}

static void
packets_have_names(void **state)
{
	(void)state;
	assert_string_equal(rdpefs_packet_name(RDPEFS_DEVICE_REPLY),
	                    "device reply");
	assert_string_equal(rdpefs_packet_name(0), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(announces),
	    cmocka_unit_test(client_names),
	    cmocka_unit_test(client_names_have_a_limit),
	    cmocka_unit_test(capabilities),
	    cmocka_unit_test(the_smart_card_set_can_be_cleared_and_set),
	    cmocka_unit_test(capability_sets_are_checked),
	    cmocka_unit_test(capability_sets_have_a_limit),
	    cmocka_unit_test(our_own_capabilities),
	    cmocka_unit_test(device_lists),
	    cmocka_unit_test(device_lists_have_a_limit),
	    cmocka_unit_test(device_data_is_checked),
	    cmocka_unit_test(removals_and_replies),
	    cmocka_unit_test(requests),
	    cmocka_unit_test(completions),
	    cmocka_unit_test(packets_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
