#include "relaybed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The client asked for NLA, the server was asked for TLS only. */
static const struct relay_negotiation negotiation = {
    .client_requested = 0x0b,
    .server_requested = 3,
    .client_selected = 1,
    .server_selected = 2,
};

const struct message_info relaybed_info = {
    .flags = 0x10,
    .domain = "CONTOSO",
    .user = "alice",
    .password = "s3cret",
    .address = "192.0.2.7",
};

struct message relaybed_message;

enum relay_verdict
relaybed_look(struct relay *r, enum relay_side from, struct relay_chunk *chunk)
{
	uint8_t *copy =
	    message_copy(relaybed_message.bytes, relaybed_message.len);
	struct wire_view head = {copy, relaybed_message.len};
	enum relay_verdict verdict;
	size_t len;

	assert_int_equal(relay_peek(r, from, head, &len), RELAY_LOOK);
	assert_int_equal(len, relaybed_message.len);
	verdict = relay_frame(r, from, copy, relaybed_message.len, chunk);
	if (verdict == RELAY_FORWARD)
		memcpy(relaybed_message.bytes, copy, relaybed_message.len);
	if (verdict == RELAY_CHUNK) /* the frame stays: views into message */
		chunk->data.data = relaybed_message.bytes +
		                   relaybed_message.len - chunk->data.len;
	free(copy);
	return verdict;
}

void
relaybed_forward(struct relay *r, enum relay_side from)
{
	struct relay_chunk chunk;

	assert_int_equal(relaybed_look(r, from, &chunk), RELAY_FORWARD);
}

void
relaybed_refused(struct relay *r, enum relay_side from, const char *fault)
{
	struct relay_chunk chunk;

	assert_int_equal(relaybed_look(r, from, &chunk), RELAY_REFUSE);
	assert_string_equal(relay_fault(r), fault);
}

void
relaybed_passed(const struct relay *r, enum relay_side from)
{
	struct wire_view head = {relaybed_message.bytes, relaybed_message.len};
	size_t len;

	assert_int_equal(relay_peek(r, from, head, &len), RELAY_PASS);
	assert_int_equal(len, relaybed_message.len);
}

void
relaybed_build_data(enum relay_side from, uint16_t channel,
                    struct wire_view data)
{
	bool client = from == RELAY_CLIENT;

	message_data(&relaybed_message, client ? 0x64 : 0x68,
	             client ? 1008 : 1002, channel, data);
}

void
relaybed_build_info(const struct message_info *info)
{
	uint8_t bytes[4096];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_info(&out, info);
	relaybed_build_data(RELAY_CLIENT, 1003, wire_written(&out));
}

void
relaybed_build_active(enum relay_side from, uint32_t flags, uint32_t chunk_size)
{
	uint8_t bytes[256];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_active(&out, from == RELAY_SERVER ? 1 : 3, flags, chunk_size);
	relaybed_build_data(from, 1003, wire_written(&out));
}

void
relaybed_build_share_data(enum relay_side from, uint8_t type)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_share_data(&out, type);
	relaybed_build_data(from, 1003, wire_written(&out));
}

void
relaybed_build_chunk(enum relay_side from, uint32_t flags, size_t data_len)
{
	uint8_t bytes[20000];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	wire_put_u32(&out, (uint32_t)data_len + 7);
	wire_put_u32(&out, flags);
	for (size_t i = 0; i < data_len; i++)
		wire_put_u8(&out, (uint8_t)i);
	relaybed_build_data(from, 1005, wire_written(&out));
}

struct relay *
relaybed_start(void)
{
	struct relay *r = relay_new(&negotiation);

	assert_non_null(r);
	return r;
}

struct relay *
relaybed_connected(const struct message_sides *sides)
{
	struct relay *r = relaybed_start();

	message_connect_initial(&relaybed_message, sides);
	relaybed_forward(r, RELAY_CLIENT);
	message_connect_response(&relaybed_message, sides);
	relaybed_forward(r, RELAY_SERVER);
	return r;
}

struct relay *
relaybed_informed(void)
{
	struct relay *r = relaybed_connected(&message_sides);

	message_attach_confirm(&relaybed_message, 1008);
	relaybed_forward(r, RELAY_SERVER);
	relaybed_build_info(&relaybed_info);
	relaybed_forward(r, RELAY_CLIENT);
	return r;
}

void
relaybed_assert_same(const struct message *want)
{
	assert_int_equal(relaybed_message.len, want->len);
	assert_memory_equal(relaybed_message.bytes, want->bytes, want->len);
}
