/* Smart card returns of each shape, byte by byte, there and back. */
#include "message.h"

static struct esc_return ret;

static void
long_returns(void **state)
{
	static const uint8_t bytes[] = {
	    HEADERS(8), U32(0x8010000A), /* code: timeout */
	    0,          0,
	    0,          0};

	(void)state;
	message_check_return(IOCTL_RELEASE_CONTEXT, bytes, sizeof(bytes), 4,
	                     &ret);
	assert_true(ret.code == ESC_E_TIMEOUT);
	message_check_return(IOCTL_ACCESS_STARTED_EVENT, bytes, sizeof(bytes),
	                     4, &ret);
}

static void
establish(void **state)
{
	static const uint8_t good[] = {HEADERS(24), U32(0), U32(8),
	                               U32(0x00020000), ID8(0x10)};
	static const uint8_t failed[] = {
	    HEADERS(16), U32(0x8010001D), U32(0), U32(0), 0, 0, 0, 0};
	uint8_t empty[sizeof(failed)];

	(void)state;
	message_check_return(IOCTL_ESTABLISH_CONTEXT, good, sizeof(good), 0,
	                     &ret);
	assert_int_equal(ret.establish.context.len, 8);
	message_check_return(IOCTL_ESTABLISH_CONTEXT, failed, sizeof(failed), 4,
	                     &ret);
	assert_int_equal(ret.establish.context.len, 0);
	/* A success without what it promises. */
	memcpy(empty, failed, sizeof(empty));
	memset(&empty[16], 0, 4);
	assert_int_equal(message_decode_return(IOCTL_ESTABLISH_CONTEXT, empty,
	                                       sizeof(empty), &ret),
	                 WIRE_VALUE);
}

static void
list_readers(void **state)
{
	/* clang-format off */
	static const uint8_t wide[] = {
		HEADERS(32), U32(0),
		U32(12), U32(0x00020000),
		U32(12), 'a', 0, 'b', 0, 0, 0, 'c', 0, 0, 0, 0, 0,
		0, 0, 0, 0};
	static const uint8_t ansi[] = {
		HEADERS(24), U32(0),
		U32(6), U32(0x00020000),
		U32(6), 'a', 'b', 0, 'c', 0, 0,
		0, 0};
	/* clang-format on */
	static const uint8_t none[] = {
	    HEADERS(16), U32(0x8010002E), /* no readers available */
	    U32(0),      U32(0),          /* count 0 and a null pointer */
	    0,           0,
	    0,           0};
	static const uint8_t size[] = {HEADERS(16), U32(0), U32(12), U32(0),
	                               0,           0,      0,       0};

	(void)state;
	message_check_return(IOCTL_LIST_READERS_W, wide, sizeof(wide), 4, &ret);
	assert_int_equal(ret.list.names.count, 2);
	assert_string_equal(ret.list.names.list[0].text, "ab");
	assert_string_equal(ret.list.names.list[1].text, "c");
	message_check_return(IOCTL_LIST_READERS_A, ansi, sizeof(ansi), 2, &ret);
	assert_int_equal(ret.list.names.count, 2);
	assert_string_equal(ret.list.names.list[1].text, "c");
	message_check_return(IOCTL_LIST_READERS_W, none, sizeof(none), 4, &ret);
	assert_true(ret.code == ESC_E_NO_READERS_AVAILABLE);
	assert_int_equal(ret.list.names.count, 0);
	assert_false(ret.list.names.present);
	message_check_return(IOCTL_LIST_READERS_W, size, sizeof(size), 4, &ret);
	assert_int_equal(ret.list.names.size, 12);
	message_check_return(IOCTL_LIST_READER_GROUPS_W, wide, sizeof(wide), 4,
	                     &ret);
}

#define STATE(current, event)                                                  \
	U32(current), U32(event), U32(2), 0x3B, 0x00, 0, 0, 0, 0, 0, 0, 0, 0,  \
	    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  \
	    0, 0, 0, 0

static void
watch(void **state)
{
	static const uint8_t changed[] = {HEADERS(112),     U32(0),
	                                  U32(2),           U32(0x00020000),
	                                  U32(2),           STATE(0x10, 0x22),
	                                  STATE(0x20, 0x20)};
	static const uint8_t timeout[] = {HEADERS(64), U32(0x8010000A),
	                                  U32(1),      U32(0x00020000),
	                                  U32(1),      STATE(0x22, 0x22)};
	static const uint8_t cancelled[] = {
	    HEADERS(16), U32(0x80100002), U32(0), U32(0), 0, 0, 0, 0};
	uint8_t told[sizeof(cancelled)];

	(void)state;
	message_check_return(IOCTL_GET_STATUS_CHANGE_W, changed,
	                     sizeof(changed), 0, &ret);
	assert_int_equal(ret.watch.count, 2);
	assert_int_equal(ret.watch.states[0].event, 0x22);
	assert_int_equal(ret.watch.states[1].atr.len, 2);
	message_check_return(IOCTL_GET_STATUS_CHANGE_A, timeout,
	                     sizeof(timeout), 0, &ret);
	assert_true(ret.code == ESC_E_TIMEOUT);
	assert_int_equal(ret.watch.count, 1);
	message_check_return(IOCTL_GET_STATUS_CHANGE_W, cancelled,
	                     sizeof(cancelled), 4, &ret);
	/* A count without states: in a refusal nothing, in a success a lie. */
	memcpy(told, cancelled, sizeof(told));
	told[20] = 3;
	assert_int_equal(message_decode_return(IOCTL_GET_STATUS_CHANGE_W, told,
	                                       sizeof(told), &ret),
	                 WIRE_OK);
	assert_int_equal(ret.watch.count, 0);
	memset(&told[16], 0, 4);
	assert_int_equal(message_decode_return(IOCTL_GET_STATUS_CHANGE_W, told,
	                                       sizeof(told), &ret),
	                 WIRE_VALUE);
}

/* As FreeRDP 3 sent it: eight bytes of padding behind an object that fits. */
static void
watch_of_freerdp(void **state)
{
	static const uint8_t padded[] = {
	    HEADERS(120),     U32(0), U32(2),
	    U32(0x00020000),  U32(2), STATE(0x0, 0x00010022),
	    STATE(0x0, 0x12), U32(0), U32(0)};

	(void)state;
	assert_int_equal(message_decode_return(IOCTL_GET_STATUS_CHANGE_W,
	                                       padded, sizeof(padded), &ret),
	                 WIRE_OK);
	assert_int_equal(ret.watch.count, 2);
	assert_int_equal(ret.watch.states[0].event, 0x00010022);
}

/* As rdesktop sends it: a length that is too short, a referent of its own. */
static void
establish_of_rdesktop(void **state)
{
	static const uint8_t sent[] = {HEADERS(16), U32(0), U32(4),
	                               U32(1),      U32(4), U32(1),
	                               U32(0),      U32(0), U32(0)};

	(void)state;
	assert_int_equal(message_decode_return(IOCTL_ESTABLISH_CONTEXT, sent,
	                                       sizeof(sent), &ret),
	                 WIRE_OK);
	assert_int_equal(ret.establish.context.len, 4);
	assert_int_equal(ret.establish.context.bytes[0], 1);
}

static void
connect_returns(void **state)
{
	static const uint8_t good[] = {
	    HEADERS(48), U32(0),                    /* code */
	    U32(8),      U32(0x00020000),           /* context */
	    U32(8),      U32(0x00020004),           /* handle */
	    U32(2),      ID8(0x10),       ID8(0x20) /* T=1 */
	};
	static const uint8_t failed[] = {HEADERS(40), U32(0x8010000C),
	                                 U32(8),      U32(0x00020000),
	                                 U32(0),      U32(0),
	                                 U32(0),      ID8(0x10),
	                                 0,           0,
	                                 0,           0};
	uint8_t empty[sizeof(failed)];

	(void)state;
	message_check_return(IOCTL_CONNECT_W, good, sizeof(good), 0, &ret);
	assert_int_equal(ret.connect.handle.card.bytes[0], 0x20);
	assert_int_equal(ret.connect.protocol, ESC_PROTOCOL_T1);
	message_check_return(IOCTL_CONNECT_A, failed, sizeof(failed), 4, &ret);
	assert_int_equal(ret.connect.handle.card.len, 0);
	memcpy(empty, failed, sizeof(empty));
	memset(&empty[16], 0, 4);
	assert_int_equal(
	    message_decode_return(IOCTL_CONNECT_W, empty, sizeof(empty), &ret),
	    WIRE_VALUE);
}

static void
number_returns(void **state)
{
	static const uint8_t bytes[] = {HEADERS(8), U32(0), U32(2)};

	(void)state;
	message_check_return(IOCTL_RECONNECT, bytes, sizeof(bytes), 0, &ret);
	assert_int_equal(ret.number.value, 2);
	message_check_return(IOCTL_GET_TRANSMIT_COUNT, bytes, sizeof(bytes), 0,
	                     &ret);
	message_check_return(IOCTL_GET_DEVICE_TYPE_ID, bytes, sizeof(bytes), 0,
	                     &ret);
}

static void
status(void **state)
{
	/* clang-format off */
	static const uint8_t bytes[] = {
		HEADERS(72), U32(0),
		U32(8), U32(0x00020000), /* names */
		U32(6), U32(2), /* state, T=1 */
		0x3B, 0x80, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* ATR */
		U32(16), /* its length */
		U32(8), 'R', 0, '1', 0, 0, 0, 0, 0,
		0, 0, 0, 0};
	/* clang-format on */

	(void)state;
	message_check_return(IOCTL_STATUS_W, bytes, sizeof(bytes), 4, &ret);
	assert_int_equal(ret.status.names.count, 1);
	assert_string_equal(ret.status.names.list[0].text, "R1");
	assert_int_equal(ret.status.atr.len, 16);
	assert_int_equal(ret.status.state, 6);
}

static void
state_return(void **state)
{
	static const uint8_t bytes[] = {
	    HEADERS(32), U32(0), U32(2), U32(1), U32(3), U32(0x00020000),
	    U32(3),      0x3B,   1,      2,      0,      0,
	    0,           0,      0};
	static const uint8_t none[] = {HEADERS(24), U32(0x80100069),
	                               U32(0),      U32(0),
	                               U32(0),      U32(0),
	                               0,           0,
	                               0,           0};

	(void)state;
	message_check_return(IOCTL_STATE, bytes, sizeof(bytes), 5, &ret);
	assert_int_equal(ret.state.atr.len, 3);
	message_check_return(IOCTL_STATE, none, sizeof(none), 4, &ret);
}

static void
transmit(void **state)
{
	static const uint8_t plain[] = {HEADERS(24),
	                                U32(0),
	                                U32(0), /* code, no PCI */
	                                U32(2),
	                                U32(0x00020000), /* the card's answer */
	                                U32(2),
	                                0x90,
	                                0x00,
	                                0,
	                                0};
	static const uint8_t pci[] = {HEADERS(48),
	                              U32(0),
	                              U32(0x00020000),
	                              U32(2),
	                              U32(0x00020004),
	                              U32(2),
	                              U32(1),
	                              U32(0x00020008), /* T=1, an extra byte */
	                              U32(1),
	                              7,
	                              0,
	                              0,
	                              0,
	                              U32(2),
	                              0x90,
	                              0x00,
	                              0,
	                              0,
	                              0,
	                              0,
	                              0,
	                              0};
	static const uint8_t size[] = {HEADERS(16), U32(0), U32(0), U32(258),
	                               U32(0)};

	(void)state;
	message_check_return(IOCTL_TRANSMIT, plain, sizeof(plain), 2, &ret);
	assert_int_equal(ret.transmit.recv.view.len, 2);
	assert_int_equal(ret.transmit.recv.view.data[0], 0x90);
	message_check_return(IOCTL_TRANSMIT, pci, sizeof(pci), 6, &ret);
	assert_true(ret.transmit.pci_present);
	assert_int_equal(ret.transmit.pci.extra.view.data[0], 7);
	message_check_return(IOCTL_TRANSMIT, size, sizeof(size), 0, &ret);
	assert_false(ret.transmit.recv.present);
	assert_int_equal(ret.transmit.recv.size, 258);
}

static void
data_returns(void **state)
{
	static const uint8_t bytes[] = {
	    HEADERS(24), U32(0), U32(5), U32(0x00020000), U32(5), 1, 2, 3, 4, 5,
	    0,           0,      0};

	(void)state;
	message_check_return(IOCTL_GET_ATTRIB, bytes, sizeof(bytes), 3, &ret);
	assert_int_equal(ret.data.data.view.len, 5);
	message_check_return(IOCTL_CONTROL, bytes, sizeof(bytes), 3, &ret);
	message_check_return(IOCTL_READ_CACHE_W, bytes, sizeof(bytes), 3, &ret);
	message_check_return(IOCTL_GET_READER_ICON, bytes, sizeof(bytes), 3,
	                     &ret);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(long_returns),
	    cmocka_unit_test(establish),
	    cmocka_unit_test(list_readers),
	    cmocka_unit_test(watch),
	    cmocka_unit_test(watch_of_freerdp),
	    cmocka_unit_test(establish_of_rdesktop),
	    cmocka_unit_test(connect_returns),
	    cmocka_unit_test(number_returns),
	    cmocka_unit_test(status),
	    cmocka_unit_test(state_return),
	    cmocka_unit_test(transmit),
	    cmocka_unit_test(data_returns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
