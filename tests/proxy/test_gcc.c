/* The GCC blocks of a connection: names, channels, and their limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "gcc.h"
#include "messages.h"

static uint8_t bytes[4096];

/* GCC around the blocks of one side; in bytes. */
static struct wire_view
build(const struct message_sides *sides, bool client)
{
	uint8_t block_bytes[2048];
	struct wire_out blocks = wire_out(block_bytes, sizeof(block_bytes));
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	if (client)
		message_client_blocks(&blocks, sides);
	else
		message_server_blocks(&blocks, sides);
	assert_true(wire_out_ok(&blocks));
	if (client)
		message_gcc_request(&out, wire_written(&blocks));
	else
		message_gcc_response(&out, wire_written(&blocks));
	assert_true(wire_out_ok(&out));
	return wire_written(&out);
}

static uint32_t
u32_at(size_t offset)
{
	struct wire_in in = wire_in(bytes, sizeof(bytes));

	wire_skip(&in, offset);
	return wire_u32(&in);
}

static const char *
client_fault(const struct message_sides *sides)
{
	struct gcc_client client;
	const char *fault = gcc_client_decode(build(sides, true), &client);

	return fault == NULL ? "" : fault;
}

static const char *
server_fault(const struct message_sides *sides)
{
	struct gcc_server server;
	const char *fault = gcc_server_decode(build(sides, false), &server);

	return fault == NULL ? "" : fault;
}

static void
test_client(void **state)
{
	struct wire_view data = build(&message_sides, true);
	struct gcc_client client;

	(void)state;
	assert_null(gcc_client_decode(data, &client));
	assert_memory_equal(client.client_name.data, "W\0O\0R\0K\0", 8);
	assert_int_equal(client.selected_protocol, 1);
	assert_int_equal(u32_at(client.selected_offset), 1);
	assert_int_equal(u32_at(client.multitransport_offset), 0x305);
	assert_int_equal(client.channel_count, 3);
	assert_int_equal(client.rdpdr_index, 1);
	assert_int_equal(client.rdpdr_options, 0x80e00000);
	assert_int_equal(u32_at(client.rdpdr_offset), 0x80e00000);
	for (size_t cut = 0; cut < data.len; cut++) {
		uint8_t *copy = message_copy(data.data, cut);

		assert_non_null(
		    gcc_client_decode((struct wire_view){copy, cut}, &client));
		free(copy);
	}
}

static void
test_server(void **state)
{
	struct wire_view data = build(&message_sides, false);
	struct gcc_server server;

	(void)state;
	assert_null(gcc_server_decode(data, &server));
	assert_int_equal(server.requested_protocols, 3);
	assert_int_equal(u32_at(server.requested_offset), 3);
	assert_int_equal(u32_at(server.multitransport_offset), 0x105);
	assert_int_equal(server.io_channel, 1003);
	assert_int_equal(server.message_channel, 1007);
	assert_int_equal(server.channel_count, 3);
	assert_int_equal(server.channels[0], 1004);
	assert_int_equal(server.channels[2], 1006);
	for (size_t cut = 0; cut < data.len; cut++) {
		uint8_t *copy = message_copy(data.data, cut);

		assert_non_null(
		    gcc_server_decode((struct wire_view){copy, cut}, &server));
		free(copy);
	}
}

/* Old clients and servers leave the optional fields out. */
static void
test_optional(void **state)
{
	struct message_sides sides = message_sides;
	struct gcc_client client;
	struct gcc_server server;

	(void)state;
	sides.has_selected = false;
	sides.has_requested = false;
	sides.message_channel = 0;
	assert_null(gcc_client_decode(build(&sides, true), &client));
	assert_int_equal(client.selected_offset, 0);
	assert_int_equal(client.rdpdr_index, 1);
	assert_null(gcc_server_decode(build(&sides, false), &server));
	assert_int_equal(server.requested_offset, 0);
	assert_int_equal(server.message_channel, 0);
}

static void
test_channels_limit(void **state)
{
	struct message_sides sides = message_sides;
	struct message_channel other = {"other", 0, 2000};

	(void)state;
	for (size_t i = 3; i < 32; i++)
		sides.channels[i] = other;
	sides.channel_count = 30;
	assert_string_equal(client_fault(&sides), "");
	sides.channel_count = 31;
	assert_string_equal(client_fault(&sides), "");
	assert_string_equal(server_fault(&sides), "");
	sides.channel_count = 32;
	assert_string_equal(client_fault(&sides),
	                    "GCC: channel count of CS_NET above 31");
	assert_string_equal(server_fault(&sides),
	                    "GCC: channel count of SC_NET above 31");
}

static void
test_names(void **state)
{
	static const struct {
		const char *name;
		bool match;
	} cases[] = {{"rdpdr", true},   {"RdPdR", true},     {"rdpd", false},
	             {"rdpdrx", false}, {"rdpdrxyz", false}, {"", false}};
	struct message_sides sides = message_sides;
	struct gcc_client client;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		sides.channels[1].name = cases[i].name;
		assert_null(gcc_client_decode(build(&sides, true), &client));
		assert_int_equal(client.rdpdr_offset != 0, cases[i].match);
	}
	sides.channels[1].name = "rdpdr";
	sides.channels[2].name = "RDPDR";
	assert_string_equal(client_fault(&sides),
	                    "GCC: CS_NET names rdpdr twice");
}

static void
test_io_channel(void **state)
{
	struct message_sides sides = message_sides;

	(void)state;
	sides.io_channel = 0;
	assert_string_equal(server_fault(&sides), "GCC: I/O channel is 0");
}

/* One block of a type, at the end of the others, and what is said of it. */
static const char *
with_block(bool client, uint16_t type, uint16_t len, size_t body)
{
	uint8_t block_bytes[2048];
	struct wire_out blocks = wire_out(block_bytes, sizeof(block_bytes));
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct gcc_client c;
	struct gcc_server s;
	const char *fault;

	if (client)
		message_client_blocks(&blocks, &message_sides);
	else
		message_server_blocks(&blocks, &message_sides);
	wire_put_u16(&blocks, type);
	wire_put_u16(&blocks, len);
	for (size_t i = 0; i < body; i++)
		wire_put_u8(&blocks, 1);
	if (client)
		message_gcc_request(&out, wire_written(&blocks));
	else
		message_gcc_response(&out, wire_written(&blocks));
	assert_true(wire_out_ok(&out));
	fault = client ? gcc_client_decode(wire_written(&out), &c)
	               : gcc_server_decode(wire_written(&out), &s);
	return fault == NULL ? "" : fault;
}

static void
test_blocks(void **state)
{
	(void)state;
	assert_string_equal(with_block(true, 0xc0ff, 4, 0), "");
	assert_string_equal(with_block(true, 0xc0ff, 5, 1), "");
	assert_string_equal(with_block(true, 0xc0ff, 3, 0),
	                    "GCC: length of a client's block");
	assert_string_equal(with_block(true, 0xc0ff, 6, 1),
	                    "GCC: length of a client's block");
	assert_string_equal(with_block(true, 0xc003, 8, 4),
	                    "GCC: a second CS_NET");
	assert_string_equal(with_block(true, 0xc001, 4, 0),
	                    "GCC: a second CS_CORE");
	assert_string_equal(with_block(true, 0xc00a, 8, 4),
	                    "GCC: a second CS_MULTITRANSPORT");
	assert_string_equal(with_block(false, 0x0cff, 4, 0), "");
	assert_string_equal(with_block(false, 0x0cff, 0, 0),
	                    "GCC: length of a server's block");
	assert_string_equal(with_block(false, 0x0c03, 8, 4),
	                    "GCC: a second SC_NET");
	assert_string_equal(with_block(false, 0x0c01, 12, 8),
	                    "GCC: a second SC_CORE");
	assert_string_equal(with_block(false, 0x0c04, 4, 0),
	                    "GCC: SC_MCS_MSGCHANNEL is too short");
	assert_string_equal(with_block(false, 0x0c08, 8, 4),
	                    "GCC: a second SC_MULTITRANSPORT");
}

static void
test_empty(void **state)
{
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct gcc_client client;
	struct gcc_server server;

	(void)state;
	message_gcc_request(&out, (struct wire_view){NULL, 0});
	assert_string_equal(gcc_client_decode(wire_written(&out), &client),
	                    "GCC: no CS_CORE");
	assert_string_equal(gcc_server_decode(wire_written(&out), &server),
	                    "GCC: Conference Create Response");
	out = wire_out(bytes, sizeof(bytes));
	message_gcc_response(&out, (struct wire_view){NULL, 0});
	assert_string_equal(gcc_server_decode(wire_written(&out), &server),
	                    "GCC: no SC_NET");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_client),
	    cmocka_unit_test(test_server),
	    cmocka_unit_test(test_optional),
	    cmocka_unit_test(test_channels_limit),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_io_channel),
	    cmocka_unit_test(test_blocks),
	    cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
