/* LocateCards and LocateCardsByATR, byte by byte, and their limits. */
#include "message.h"

static struct esc_call call;
static uint8_t room[MESSAGE_ROOM];

/* clang-format off */
#define Z8 0, 0, 0, 0, 0, 0, 0, 0
#define Z32 Z8, Z8, Z8, Z8

static const uint8_t cards_wide[] = {
	HEADERS(128),
	U32(8), U32(0x00020000),       /* context */
	U32(12), U32(0x00020004),      /* cards: bytes */
	U32(1), U32(0x00020008),       /* states */
	ID8(0x10),
	U32(12), 'a', 0, 'b', 0, 0, 0, 'c', 0, 0, 0, 0, 0,
	U32(1),                        /* count of the array */
	U32(0x0002000C),               /* its reader's name */
	U32(0x10), U32(0x20),          /* current, event */
	U32(2), 0x3B, 0x00, Z32, 0, 0, /* its ATR, 36 bytes */
	U32(2), U32(0), U32(2), 'R', 0, 0, 0,
	0, 0, 0, 0,
};

static const uint8_t cards_ansi[] = {
	HEADERS(120),
	U32(8), U32(0x00020000), U32(4), U32(0x00020004),
	U32(1), U32(0x00020008),
	ID8(0x10),
	U32(4), 'a', 'b', 0, 0,
	U32(1), U32(0x0002000C), U32(0), U32(0), U32(0), Z32, 0, 0, 0, 0,
	U32(2), U32(0), U32(2), 'R', 0, 0, 0, /* one NUL, two of padding */
	0, 0, 0, 0,
};

static const uint8_t masks_wide[] = {
	HEADERS(192),
	U32(8), U32(0x00020000),             /* context */
	U32(1), U32(0x00020004),             /* masks */
	U32(1), U32(0x00020008),             /* states */
	ID8(0x10),
	U32(1),                              /* count of the masks */
	U32(2), 0x3B, 0x80, Z32, 0, 0,       /* ATR */
	0xFF, 0xF0, Z32, 0, 0,               /* its mask */
	U32(1),                              /* count of the states */
	U32(0x0002000C), U32(0x10), U32(0), U32(0), Z32, 0, 0, 0, 0,
	U32(2), U32(0), U32(2), 'R', 0, 0, 0,
	0, 0, 0, 0,
};

static const uint8_t masks_ansi[] = {
	HEADERS(120),
	U32(8), U32(0x00020000), U32(1), U32(0x00020004), U32(0), U32(0),
	ID8(0x10),
	U32(1),
	U32(3), 0x3B, 0x80, 0x01, Z32, 0,
	0xFF, 0xFF, 0xFF, Z32, 0,
	0, 0, 0, 0,
};
/* clang-format on */

static void
cards_by_name(void **state)
{
	(void)state;
	message_check_call(IOCTL_LOCATE_CARDS_W, cards_wide, sizeof(cards_wide),
	                   4, &call);
	assert_int_equal(call.locate.cards.view.len, 12);
	assert_int_equal(call.locate.count, 1);
	assert_int_equal(call.locate.states[0].current, 0x10);
	assert_int_equal(call.locate.states[0].event, 0x20);
	assert_int_equal(call.locate.states[0].atr.len, 2);
	assert_string_equal(call.locate.states[0].reader.text, "R");
	message_check_call(IOCTL_LOCATE_CARDS_A, cards_ansi, sizeof(cards_ansi),
	                   6, &call);
	assert_int_equal(call.locate.cards.view.len, 4);
	assert_string_equal(call.locate.states[0].reader.text, "R");
}

static void
cards_by_atr(void **state)
{
	struct esc_mask mask;

	(void)state;
	message_check_call(IOCTL_LOCATE_CARDS_BY_ATR_W, masks_wide,
	                   sizeof(masks_wide), 4, &call);
	assert_int_equal(call.locate.masks.count, 1);
	assert_true(esc_masks_at(&call.locate.masks, 0, &mask));
	assert_int_equal(mask.atr.len, 2);
	assert_int_equal(mask.atr.bytes[1], 0x80);
	assert_int_equal(mask.mask[1], 0xF0);
	assert_false(esc_masks_at(&call.locate.masks, 1, &mask));
	message_check_call(IOCTL_LOCATE_CARDS_BY_ATR_A, masks_ansi,
	                   sizeof(masks_ansi), 4, &call);
	assert_int_equal(call.locate.count, 0);
	assert_true(esc_masks_at(&call.locate.masks, 0, &mask));
	assert_int_equal(mask.atr.len, 3);
}

/* A call with count masks, the last of which claims an ATR of len bytes. */
static enum wire_fault
masks(uint32_t count, uint32_t len, uint32_t array)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);

	ndr_put_u32(&out, 0);
	ndr_put_pointer(&out, false);
	ndr_put_u32(&out, count);
	ndr_put_pointer(&out, true);
	ndr_put_u32(&out, 0);
	ndr_put_pointer(&out, false);
	ndr_put_array(&out, array);
	for (uint32_t i = 0; i < count; i++) {
		wire_put_u32(&wire, i + 1 == count ? len : 1);
		wire_put_zeros(&wire, 72);
	}
	ndr_end(&out);
	assert_true(wire_out_ok(&wire));
	return message_decode_call(IOCTL_LOCATE_CARDS_BY_ATR_W, room, wire.len,
	                           &call);
}

static void
masks_have_limits(void **state)
{
	(void)state;
	for (uint32_t n = ESC_MASKS_MAX - 1; n <= ESC_MASKS_MAX + 1; n++)
		assert_int_equal(masks(n, 2, n),
		                 n <= ESC_MASKS_MAX ? WIRE_OK : WIRE_LIMIT);
	for (uint32_t n = ESC_ATR_MAX - 1; n <= ESC_ATR_MAX + 1; n++)
		assert_int_equal(masks(3, n, 3),
		                 n <= ESC_ATR_MAX ? WIRE_OK : WIRE_LIMIT);
	assert_int_equal(masks(3, 2, 2), WIRE_VALUE);
	assert_int_equal(masks(3, 2, 4), WIRE_VALUE);
}

/* A count that points nowhere is a lie, for each of the lists. */
static void
counts_without_lists_are_refused(void **state)
{
	static const uint8_t lies[3][NDR_HEADERS_LEN + 24] = {
	    {HEADERS(24), U32(4), U32(0)},
	    {HEADERS(24), U32(0), U32(0), U32(4)},
	    {HEADERS(24), U32(0), U32(0), U32(0), U32(0), U32(4)},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(message_decode_call(IOCTL_LOCATE_CARDS_W,
		                                     lies[i], sizeof(lies[i]),
		                                     &call),
		                 WIRE_VALUE);
		assert_int_equal(
		    message_decode_call(IOCTL_LOCATE_CARDS_BY_ATR_A, lies[i],
		                        sizeof(lies[i]), &call),
		    WIRE_VALUE);
	}
}

static void
encoders_keep_the_limits(void **state)
{
	struct esc_mask mask = {.atr = {.len = ESC_ATR_MAX + 1}};
	const struct ioctl *row = ioctl_find(IOCTL_LOCATE_CARDS_BY_ATR_A);
	struct wire_out out = wire_out(room, sizeof(room));

	(void)state;
	esc_mask_put(&out, &mask);
	assert_int_equal(out.fault, WIRE_LIMIT);
	out = wire_out(room, sizeof(room));
	mask.atr.len = ESC_ATR_MAX;
	esc_mask_put(&out, &mask);
	assert_int_equal(out.len, ESC_MASK_LEN);
	memset(&call, 0, sizeof(call));
	call.locate.masks = (struct esc_masks){wire_written(&out), 2};
	out = wire_out(room + 4096, sizeof(room) - 4096);
	ioctl_call_encode(row, &out, &call);
	assert_int_equal(out.fault, WIRE_LIMIT);
	call.locate.masks.count = 1;
	call.locate.count = ESC_STATES_MAX + 1;
	out = wire_out(room + 4096, sizeof(room) - 4096);
	ioctl_call_encode(row, &out, &call);
	assert_int_equal(out.fault, WIRE_LIMIT);
}

/* The names of cards end as other multistrings do. */
static void
card_names_end_properly(void **state)
{
	uint8_t bytes[sizeof(cards_wide)];

	(void)state;
	memcpy(bytes, cards_wide, sizeof(bytes));
	bytes[NDR_HEADERS_LEN + 24 + 12 + 4 + 4] = 'x'; /* the first NUL */
	assert_int_equal(message_decode_call(IOCTL_LOCATE_CARDS_W, bytes,
	                                     sizeof(bytes), &call),
	                 WIRE_OK);
	bytes[NDR_HEADERS_LEN + 24 + 12 + 4 + 8] = 'x';
	bytes[NDR_HEADERS_LEN + 24 + 12 + 4 + 10] = 'x';
	assert_int_equal(message_decode_call(IOCTL_LOCATE_CARDS_W, bytes,
	                                     sizeof(bytes), &call),
	                 WIRE_VALUE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cards_by_name),
	    cmocka_unit_test(cards_by_atr),
	    cmocka_unit_test(masks_have_limits),
	    cmocka_unit_test(counts_without_lists_are_refused),
	    cmocka_unit_test(encoders_keep_the_limits),
	    cmocka_unit_test(card_names_end_properly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
