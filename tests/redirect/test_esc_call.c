/* Smart card calls of each shape, byte by byte, there and back. */
#include "message.h"

static struct esc_call call;

/* The headers are part of each table; every multi-byte field is named. */

static void
establish(void **state)
{
	static const uint8_t bytes[] = {HEADERS(8), U32(2), /* scope: system */
	                                0,          0,      0, 0};

	(void)state;
	message_check_call(IOCTL_ESTABLISH_CONTEXT, bytes, sizeof(bytes), 4,
	                   &call);
	assert_int_equal(call.establish.scope, ESC_SCOPE_SYSTEM);
}

static void
context_calls(void **state)
{
	static const uint8_t bytes[] = {
	    HEADERS(24), U32(8), U32(0x00020000), /* context, its pointer */
	    ID8(0x10),   0,      0,
	    0,           0};

	(void)state;
	message_check_call(IOCTL_RELEASE_CONTEXT, bytes, sizeof(bytes), 4,
	                   &call);
	assert_int_equal(call.context.context.len, 8);
	assert_int_equal(call.context.context.bytes[7], 0x17);
	message_check_call(IOCTL_IS_VALID_CONTEXT, bytes, sizeof(bytes), 4,
	                   &call);
	message_check_call(IOCTL_CANCEL, bytes, sizeof(bytes), 4, &call);
}

static void
list_all_readers(void **state)
{
	static const uint8_t bare[] = {
	    HEADERS(40),
	    U32(8),
	    U32(0x00020000), /* context */
	    U32(0),
	    U32(0), /* no groups */
	    U32(0),
	    U32(0xFFFFFFFF), /* names wanted, any size */
	    ID8(0x10),
	    0,
	    0,
	    0,
	    0};

	(void)state;
	message_check_call(IOCTL_LIST_READERS_W, bare, sizeof(bare), 4, &call);
	assert_false(call.list.groups.present);
	assert_int_equal(call.list.chars, ESC_AUTOALLOCATE);
}

static void
list_readers_of_groups(void **state)
{
	static const uint8_t wide[] = {HEADERS(56),
	                               U32(8),
	                               U32(0x00020000), /* context */
	                               U32(12),
	                               U32(0x00020004), /* groups */
	                               U32(1),
	                               U32(0), /* only the size */
	                               ID8(0x10),
	                               U32(12), /* count of groups' bytes */
	                               'a',
	                               0,
	                               'b',
	                               0,
	                               0,
	                               0,
	                               'c',
	                               0,
	                               0,
	                               0,
	                               0,
	                               0,
	                               0,
	                               0,
	                               0,
	                               0};
	static const uint8_t ansi[] = {HEADERS(48),
	                               U32(8),
	                               U32(0x00020000),
	                               U32(6),
	                               U32(0x00020004),
	                               U32(0),
	                               U32(0),
	                               ID8(0x10),
	                               U32(6),
	                               'a',
	                               'b',
	                               0,
	                               'c',
	                               0,
	                               0,
	                               0,
	                               0};

	(void)state;
	message_check_call(IOCTL_LIST_READERS_W, wide, sizeof(wide), 4, &call);
	assert_int_equal(call.list.groups.count, 2);
	assert_string_equal(call.list.groups.list[0].text, "ab");
	assert_string_equal(call.list.groups.list[1].text, "c");
	assert_int_equal(call.list.names_null, 1);
	message_check_call(IOCTL_LIST_READERS_A, ansi, sizeof(ansi), 2, &call);
	assert_int_equal(call.list.groups.count, 2);
	assert_string_equal(call.list.groups.list[0].text, "ab");
}

static void
list_reader_groups(void **state)
{
	static const uint8_t bytes[] = {
	    HEADERS(32), U32(8),  U32(0x00020000), /* context */
	    U32(1),      U32(50),                  /* size, characters */
	    ID8(0x10),   0,       0,
	    0,           0};

	(void)state;
	message_check_call(IOCTL_LIST_READER_GROUPS_W, bytes, sizeof(bytes), 4,
	                   &call);
	assert_int_equal(call.list.chars, 50);
}

/* Two readers: one with a card, and the one that tells of new readers. */
static const uint8_t watch_wide[] = {
    HEADERS(176),
    U32(8),
    U32(0x00020000), /* context */
    U32(0xFFFFFFFF), /* timeout: for ever */
    U32(2),
    U32(0x00020004), /* two states, their pointer */
    ID8(0x10),
    U32(2),          /* count of the array */
    U32(0x00020008), /* first name */
    U32(0x00010022),
    U32(0), /* current, event */
    U32(3),
    0x3B,
    0x80,
    0x01, /* its ATR, 36 bytes */
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    U32(0x0002000C), /* second name */
    U32(0),
    U32(0),
    U32(0), /* no ATR */
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    0,
    U32(2),
    U32(0),
    U32(2),
    'R',
    0,
    0,
    0, /* first name */
    U32(3),
    U32(0),
    U32(3),
    0xE9,
    0,
    'x',
    0,
    0,
    0,
    0,
    0};

static void
watch(void **state)
{
	uint8_t null_name[sizeof(watch_wide)];

	(void)state;
	message_check_call(IOCTL_GET_STATUS_CHANGE_W, watch_wide,
	                   sizeof(watch_wide), 2, &call);
	assert_true(call.watch.timeout_ms == ESC_INFINITE);
	assert_int_equal(call.watch.count, 2);
	assert_string_equal(call.watch.states[0].reader.text, "R");
	assert_int_equal(call.watch.states[0].current, 0x00010022);
	assert_int_equal(call.watch.states[0].atr.len, 3);
	assert_string_equal(call.watch.states[1].reader.text, "\xC3\xA9x");
	/* A null name: what would be its characters is left over, a fault. */
	memcpy(null_name, watch_wide, sizeof(null_name));
	memset(&null_name[16 + 36], 0, 4);
	assert_int_not_equal(message_decode_call(IOCTL_GET_STATUS_CHANGE_W,
	                                         null_name, sizeof(null_name),
	                                         &call),
	                     WIRE_OK);
}

/* xrdp 0.9 gives all names the same referent. */
static void
watch_of_xrdp(void **state)
{
	uint8_t same[sizeof(watch_wide)];

	(void)state;
	memcpy(same, watch_wide, sizeof(same));
	memcpy(&same[16 + 36 + 52], &same[16 + 36], 4);
	assert_int_equal(message_decode_call(IOCTL_GET_STATUS_CHANGE_W, same,
	                                     sizeof(same), &call),
	                 WIRE_OK);
	assert_string_equal(call.watch.states[0].reader.text, "R");
	assert_string_equal(call.watch.states[1].reader.text, "\xC3\xA9x");
}

static void
connect_calls(void **state)
{
	static const uint8_t wide[] = {HEADERS(56),
	                               U32(0x00020000), /* name */
	                               U32(8),
	                               U32(0x00020004), /* context */
	                               U32(2),
	                               U32(3), /* shared, T=0 or T=1 */
	                               U32(3),
	                               U32(0),
	                               U32(3),
	                               'R',
	                               0,
	                               '1',
	                               0,
	                               0,
	                               0,
	                               0,
	                               0, /* name */
	                               ID8(0x10),
	                               0,
	                               0,
	                               0,
	                               0};
	static const uint8_t ansi[] = {HEADERS(48), U32(0x00020000),
	                               U32(8),      U32(0x00020004),
	                               U32(1),      U32(0x10000),
	                               U32(3),      U32(0),
	                               U32(3),      'R',
	                               '1',         0,
	                               0,           ID8(0x10)};

	(void)state;
	message_check_call(IOCTL_CONNECT_W, wide, sizeof(wide), 4, &call);
	assert_string_equal(call.connect.reader.text, "R1");
	assert_int_equal(call.connect.share_mode, ESC_SHARE_SHARED);
	assert_int_equal(call.connect.protocols, ESC_PROTOCOL_TX);
	message_check_call(IOCTL_CONNECT_A, ansi, sizeof(ansi), 0, &call);
	assert_string_equal(call.connect.reader.text, "R1");
	assert_int_equal(call.connect.context.bytes[0], 0x10);
}

#define HANDLE      U32(8), U32(0x00020000), U32(8), U32(0x00020004)
#define HANDLE_DATA ID8(0x10), ID8(0x20)

static void
card_calls(void **state)
{
	static const uint8_t hcard[] = {
	    HEADERS(48), HANDLE, U32(1), /* disposition: reset */
	    HANDLE_DATA, 0,      0,      0, 0};
	static const uint8_t reconnect[] = {
	    HEADERS(56), HANDLE, U32(2), U32(3), U32(1),
	    HANDLE_DATA, 0,      0,      0,      0};
	static const uint8_t count[] = {HEADERS(40), HANDLE, HANDLE_DATA};

	(void)state;
	message_check_call(IOCTL_DISCONNECT, hcard, sizeof(hcard), 4, &call);
	assert_int_equal(call.hcard.disposition, ESC_RESET_CARD);
	assert_int_equal(call.hcard.handle.context.bytes[0], 0x10);
	assert_int_equal(call.hcard.handle.card.bytes[0], 0x20);
	message_check_call(IOCTL_BEGIN_TRANSACTION, hcard, sizeof(hcard), 4,
	                   &call);
	message_check_call(IOCTL_END_TRANSACTION, hcard, sizeof(hcard), 4,
	                   &call);
	message_check_call(IOCTL_RECONNECT, reconnect, sizeof(reconnect), 4,
	                   &call);
	assert_int_equal(call.reconnect.initialization, 1);
	message_check_call(IOCTL_GET_TRANSMIT_COUNT, count, sizeof(count), 0,
	                   &call);
	assert_int_equal(call.handle.handle.card.len, 8);
}

static void
status_calls(void **state)
{
	static const uint8_t status[] = {
	    HEADERS(56),     HANDLE,    U32(1), /* only the size */
	    U32(0xFFFFFFFF), U32(0x20),         /* characters, ATR */
	    HANDLE_DATA,     0,         0,      0, 0};
	static const uint8_t state_call[] = {HEADERS(48), HANDLE, U32(0),
	                                     U32(36), HANDLE_DATA};

	(void)state;
	message_check_call(IOCTL_STATUS_A, status, sizeof(status), 4, &call);
	message_check_call(IOCTL_STATUS_W, status, sizeof(status), 4, &call);
	assert_int_equal(call.status.atr_len, 0x20);
	message_check_call(IOCTL_STATE, state_call, sizeof(state_call), 0,
	                   &call);
	assert_int_equal(call.status.atr_len, 36);
}

static void
transmit(void **state)
{
	/* clang-format off */
	static const uint8_t plain[] = {
		HEADERS(88), HANDLE,
		U32(2), /* T=1 */
		U32(0), U32(0), /* no extra bytes */
		U32(5), U32(0x00020008), /* send */
		U32(0), U32(0), U32(258), /* no PCI, wanted, how much */
		HANDLE_DATA,
		U32(5), 0x00, 0xA4, 0x04, 0x00, 0x00, 0, 0, 0,
		0, 0, 0, 0};
	static const uint8_t extra[] = {
		HEADERS(112), HANDLE,
		U32(1), /* T=0 */
		U32(3), U32(0x00020008), /* extra bytes */
		U32(4), U32(0x0002000C), /* send */
		U32(0x00020010), U32(1), U32(0), /* PCI, only the size */
		HANDLE_DATA,
		U32(3), 7, 8, 9, 0, /* extra bytes */
		U32(4), 0, 0xC0, 0, 0x10, /* send */
		U32(1), U32(2), U32(0x00020014), /* PCI with two more */
		U32(2), 5, 6, 0, 0, 0, 0, 0, 0};
	/* clang-format on */

	(void)state;
	message_check_call(IOCTL_TRANSMIT, plain, sizeof(plain), 7, &call);
	assert_int_equal(call.transmit.send.len, 5);
	assert_int_equal(call.transmit.send.data[1], 0xA4);
	assert_false(call.transmit.recv_pci_present);
	assert_int_equal(call.transmit.recv_len, 258);
	message_check_call(IOCTL_TRANSMIT, extra, sizeof(extra), 6, &call);
	assert_int_equal(call.transmit.send_pci.extra.view.len, 3);
	assert_true(call.transmit.recv_pci_present);
	assert_int_equal(call.transmit.recv_pci.extra.view.len, 2);
	assert_int_equal(call.transmit.recv_null, 1);
}

static void
control_and_attributes(void **state)
{
	static const uint8_t control[] = {HEADERS(72),
	                                  HANDLE,
	                                  U32(0x00313520), /* code */
	                                  U32(1),
	                                  U32(0x00020008), /* input */
	                                  U32(0),
	                                  U32(256),
	                                  HANDLE_DATA,
	                                  U32(1),
	                                  9,
	                                  0,
	                                  0,
	                                  0,
	                                  0,
	                                  0,
	                                  0,
	                                  0};
	static const uint8_t get[] = {
	    HEADERS(56), HANDLE,  U32(0x00090303), /* attribute */
	    U32(0),      U32(36), HANDLE_DATA,     0, 0, 0, 0};
	static const uint8_t set[] = {HEADERS(64),
	                              HANDLE,
	                              U32(0x0007A007),
	                              U32(4),
	                              U32(0x00020008),
	                              HANDLE_DATA,
	                              U32(4),
	                              1,
	                              2,
	                              3,
	                              4,
	                              0,
	                              0,
	                              0,
	                              0};

	(void)state;
	message_check_call(IOCTL_CONTROL, control, sizeof(control), 7, &call);
	assert_int_equal(call.control.input.view.len, 1);
	assert_int_equal(call.control.output_len, 256);
	message_check_call(IOCTL_GET_ATTRIB, get, sizeof(get), 4, &call);
	assert_int_equal(call.attrib.data_len, 36);
	message_check_call(IOCTL_SET_ATTRIB, set, sizeof(set), 4, &call);
	assert_int_equal(call.set_attrib.data.view.len, 4);
}

static void
reader_calls(void **state)
{
	static const uint8_t bytes[] = {
	    HEADERS(40),     U32(8), U32(0x00020000), /* context */
	    U32(0x00020004),                          /* name */
	    ID8(0x10),       U32(2), U32(0),          U32(2), 'R', 0, 0, 0};

	(void)state;
	message_check_call(IOCTL_GET_READER_ICON, bytes, sizeof(bytes), 0,
	                   &call);
	message_check_call(IOCTL_GET_DEVICE_TYPE_ID, bytes, sizeof(bytes), 0,
	                   &call);
	assert_string_equal(call.reader.reader.text, "R");
}

/* Without headers, as no other call. */
static void
event_calls(void **state)
{
	static const uint8_t bytes[] = {U32(0x12345678)};
	uint8_t room[4];
	struct wire_out out = wire_out(room, sizeof(room));

	(void)state;
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(message_decode_call(IOCTL_ACCESS_STARTED_EVENT,
		                                     bytes, n, &call),
		                 WIRE_SHORT);
	assert_int_equal(message_decode_call(IOCTL_ACCESS_STARTED_EVENT, bytes,
	                                     sizeof(bytes), &call),
	                 WIRE_OK);
	assert_int_equal(call.event.value, 0x12345678);
	ioctl_call_encode(ioctl_find(IOCTL_RELEASE_STARTED_EVENT), &out, &call);
	assert_int_equal(out.len, 4);
	assert_memory_equal(room, bytes, 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(establish),
	    cmocka_unit_test(context_calls),
	    cmocka_unit_test(list_all_readers),
	    cmocka_unit_test(list_readers_of_groups),
	    cmocka_unit_test(list_reader_groups),
	    cmocka_unit_test(watch),
	    cmocka_unit_test(watch_of_xrdp),
	    cmocka_unit_test(connect_calls),
	    cmocka_unit_test(card_calls),
	    cmocka_unit_test(status_calls),
	    cmocka_unit_test(transmit),
	    cmocka_unit_test(control_and_attributes),
	    cmocka_unit_test(reader_calls),
	    cmocka_unit_test(event_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
