/*
 * The calls that name two things: the cache's, and those that move readers
 * between groups.  Byte by byte, and their limits.
 */
#include "message.h"

static struct esc_call call;
static uint8_t room[MESSAGE_ROOM];

/* clang-format off */
#define UUID 0xA0, 0xA1, 0xA2, 0xA3, 0xA4, 0xA5, 0xA6, 0xA7, \
	0xA8, 0xA9, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF

static const uint8_t read_wide[] = {
	HEADERS(80),
	U32(0x00020000),                      /* name */
	U32(8), U32(0x00020004),              /* context */
	U32(0x00020008),                      /* card */
	U32(7), U32(1), U32(0xFFFFFFFF),      /* freshness, size only, any */
	U32(3), U32(0), U32(3), 'C', 0, '1', 0, 0, 0, 0, 0,
	ID8(0x10),
	UUID,
	0, 0, 0, 0,
};

static const uint8_t read_ansi[] = {
	HEADERS(72),
	U32(0x00020000), U32(8), U32(0x00020004), U32(0x00020008),
	U32(7), U32(0), U32(64),
	U32(3), U32(0), U32(3), 'C', '1', 0, 0,
	ID8(0x10),
	UUID,
};

static const uint8_t write_wide[] = {
	HEADERS(88),
	U32(0x00020000),                      /* name */
	U32(8), U32(0x00020004),              /* context */
	U32(0x00020008),                      /* card */
	U32(9),                               /* freshness */
	U32(5), U32(0x0002000C),              /* data */
	U32(2), U32(0), U32(2), 'C', 0, 0, 0,
	ID8(0x10),
	UUID,
	U32(5), 1, 2, 3, 4, 5, 0, 0, 0,
	0, 0, 0, 0,
};

static const uint8_t write_ansi[] = {
	HEADERS(64),
	U32(0x00020000), U32(8), U32(0x00020004), U32(0), /* no card */
	U32(9), U32(4), U32(0x00020008),
	U32(2), U32(0), U32(2), 'C', 0, 0, 0,
	ID8(0x10),
	U32(4), 1, 2, 3, 4,
};

static const uint8_t pair_wide[] = {
	HEADERS(64),
	U32(8), U32(0x00020000),              /* context */
	U32(0x00020004), U32(0x00020008),     /* reader, other */
	ID8(0x10),
	U32(2), U32(0), U32(2), 'R', 0, 0, 0,
	U32(3), U32(0), U32(3), 'G', 0, '1', 0, 0, 0,
	0, 0,
};

static const uint8_t pair_ansi[] = {
	HEADERS(64),
	U32(8), U32(0x00020000), U32(0x00020004), U32(0x00020008),
	ID8(0x10),
	U32(2), U32(0), U32(2), 'R', 0, 0, 0,
	U32(4), U32(0), U32(4), 'G', '1', '2', 0,
	0, 0, 0, 0,
};

static const uint8_t one_ansi[] = {
	HEADERS(40),
	U32(8), U32(0x00020000), U32(0x00020004),
	ID8(0x10),
	U32(4), U32(0), U32(4), 'G', '1', '2', 0,
};

static const uint8_t one_wide[] = {
	HEADERS(40),
	U32(8), U32(0x00020000), U32(0x00020004),
	ID8(0x10),
	U32(2), U32(0), U32(2), 'G', 0, 0, 0,
};
/* clang-format on */

static void
cache_is_read(void **state)
{
	(void)state;
	message_check_call(IOCTL_READ_CACHE_W, read_wide, sizeof(read_wide), 4,
	                   &call);
	assert_string_equal(call.read_cache.lookup.text, "C1");
	assert_true(call.read_cache.card.present);
	assert_int_equal(call.read_cache.card.bytes[15], 0xAF);
	assert_int_equal(call.read_cache.freshness, 7);
	assert_int_equal(call.read_cache.data_null, 1);
	assert_int_equal(call.read_cache.data_len, ESC_AUTOALLOCATE);
	message_check_call(IOCTL_READ_CACHE_A, read_ansi, sizeof(read_ansi), 0,
	                   &call);
	assert_string_equal(call.read_cache.lookup.text, "C1");
	assert_int_equal(call.read_cache.context.bytes[7], 0x17);
	assert_int_equal(call.read_cache.data_len, 64);
}

static void
cache_is_written(void **state)
{
	(void)state;
	message_check_call(IOCTL_WRITE_CACHE_W, write_wide, sizeof(write_wide),
	                   7, &call);
	assert_string_equal(call.write_cache.lookup.text, "C");
	assert_int_equal(call.write_cache.freshness, 9);
	assert_int_equal(call.write_cache.data.view.len, 5);
	assert_int_equal(call.write_cache.data.view.data[4], 5);
	message_check_call(IOCTL_WRITE_CACHE_A, write_ansi, sizeof(write_ansi),
	                   0, &call);
	assert_false(call.write_cache.card.present);
	assert_int_equal(call.write_cache.data.view.len, 4);
}

static void
readers_and_groups(void **state)
{
	static const uint32_t pairs[] = {IOCTL_INTRODUCE_READER_A,
	                                 IOCTL_ADD_READER_TO_GROUP_A,
	                                 IOCTL_REMOVE_READER_FROM_GROUP_A};
	static const uint32_t ones[] = {IOCTL_INTRODUCE_READER_GROUP_A,
	                                IOCTL_FORGET_READER_GROUP_A,
	                                IOCTL_FORGET_READER_A};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		message_check_call(pairs[i] + 4, pair_wide, sizeof(pair_wide),
		                   2, &call);
		assert_string_equal(call.pair.reader.text, "R");
		assert_string_equal(call.pair.other.text, "G1");
		message_check_call(pairs[i], pair_ansi, sizeof(pair_ansi), 4,
		                   &call);
		assert_string_equal(call.pair.other.text, "G12");
		message_check_call(ones[i], one_ansi, sizeof(one_ansi), 0,
		                   &call);
		assert_string_equal(call.reader.reader.text, "G12");
		message_check_call(ones[i] + 4, one_wide, sizeof(one_wide), 0,
		                   &call);
		assert_string_equal(call.reader.reader.text, "G");
	}
}

/* A WriteCacheA call with that many bytes of data. */
static enum wire_fault
written(uint32_t len, bool present)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);

	ndr_put_pointer(&out, false);
	ndr_put_u32(&out, 0);
	ndr_put_pointer(&out, false);
	ndr_put_pointer(&out, false);
	ndr_put_u32(&out, 0);
	ndr_put_u32(&out, len);
	ndr_put_pointer(&out, present);
	if (present) {
		ndr_put_array(&out, len);
		wire_put_zeros(&wire, len);
	}
	ndr_end(&out);
	assert_true(wire_out_ok(&wire));
	return message_decode_call(IOCTL_WRITE_CACHE_A, room, wire.len, &call);
}

static void
an_entry_has_a_limit(void **state)
{
	struct wire_out out;
	uint8_t byte = 1;

	(void)state;
	assert_int_equal(written(0, false), WIRE_OK);
	assert_int_equal(written(0, true), WIRE_OK);
	assert_int_equal(written(1, false), WIRE_VALUE);
	for (uint32_t n = ESC_DATA_MAX - 1; n <= ESC_DATA_MAX + 1; n++)
		assert_int_equal(written(n, true),
		                 n <= ESC_DATA_MAX ? WIRE_OK : WIRE_LIMIT);
	memset(&call, 0, sizeof(call));
	call.write_cache.data.present = true;
	call.write_cache.data.view = (struct wire_view){&byte, 1};
	call.write_cache.data.view.len = ESC_DATA_MAX + 1;
	out = wire_out(room, sizeof(room));
	ioctl_call_encode(ioctl_find(IOCTL_WRITE_CACHE_A), &out, &call);
	assert_int_equal(out.fault, WIRE_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cache_is_read),
	    cmocka_unit_test(cache_is_written),
	    cmocka_unit_test(readers_and_groups),
	    cmocka_unit_test(an_entry_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
