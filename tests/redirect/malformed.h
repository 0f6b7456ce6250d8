/*
 * Good messages, one of every shape.  What makes them bad is in
 * malformed_rows.h.
 */
#ifndef TESTS_REDIRECT_MALFORMED_H
#define TESTS_REDIRECT_MALFORMED_H

#include "exact.h"
#include "ioctl.h"

struct malformed_base {
	const char *name;
	bool call;
	uint32_t code;
	const uint8_t *object;
	size_t len;
};

/* clang-format off */
static const uint8_t malformed_establish[] = {
	U32(2),
	0, 0, 0, 0,
};
static const uint8_t malformed_context[] = {
	U32(8), U32(0x20000),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	0, 0, 0, 0,
};
static const uint8_t malformed_groups[] = {
	U32(8), U32(0x20000), U32(0), U32(50),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	0, 0, 0, 0,
};
static const uint8_t malformed_list[] = {
	U32(8), U32(0x20000), U32(12), U32(0x20004), U32(0), U32(0),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	U32(12), 'a', 0, 'b', 0, 0, 0, 'c', 0, 0, 0, 0, 0,
	0, 0, 0, 0,
};
static const uint8_t malformed_list_a[] = {
	U32(8), U32(0x20000), U32(6), U32(0x20004), U32(0), U32(0),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	U32(6), 'a', 'b', 0, 'c', 0, 0,
	0, 0,
};
static const uint8_t malformed_watch[] = {
	U32(8), U32(0x20000), U32(0), U32(1), U32(0x20004),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	U32(1), U32(0x20008), U32(0), U32(0), U32(2), 59, 128, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0,
	U32(3), U32(0), U32(3), 'R', 0, 49, 0, 0, 0,
	0, 0, 0, 0, 0, 0,
};
static const uint8_t malformed_connect[] = {
	U32(0x20000), U32(8), U32(0x20004), U32(2), U32(3),
	U32(3), U32(0), U32(3), 'R', 0, 49, 0, 0, 0,
	0, 0, U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	0, 0, 0, 0,
};
static const uint8_t malformed_connect_a[] = {
	U32(0x20000), U32(8), U32(0x20004), U32(2), U32(3),
	U32(4), U32(0), U32(4), 'R', 49, 50, 0,
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
};
static const uint8_t malformed_reconnect[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004), U32(2), U32(3), U32(1),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
	0, 0, 0, 0,
};
static const uint8_t malformed_hcard[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004), U32(1),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
	0, 0, 0, 0,
};
static const uint8_t malformed_state[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004), U32(0), U32(36),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
};
static const uint8_t malformed_status[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004), U32(0), U32(0), U32(32),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
	0, 0, 0, 0,
};
static const uint8_t malformed_transmit[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004), U32(2), U32(2),
	U32(0x20008), U32(5), U32(0x2000C), U32(0x20010), U32(0), U32(0x102),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
	U32(2), 7, 8,
	0, 0, U32(5), 0, 164, 4, 0, 0,
	0, 0, 0, U32(2), U32(2), U32(0x20014), U32(2), 5, 6,
	0, 0,
};
static const uint8_t malformed_control[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004), U32(0x313520), U32(3),
	U32(0x20008), U32(0), U32(0x100),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
	U32(3), 1, 2, 3,
	0, 0, 0, 0, 0,
};
static const uint8_t malformed_attrib[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004), U32(0x90303), U32(0),
	U32(36),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
	0, 0, 0, 0,
};
static const uint8_t malformed_set_attrib[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004), U32(0x7A007), U32(4),
	U32(0x20008),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
	U32(4), 1, 2, 3, 4,
	0, 0, 0, 0,
};
static const uint8_t malformed_count[] = {
	U32(8), U32(0x20000), U32(8), U32(0x20004),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
};
static const uint8_t malformed_icon[] = {
	U32(8), U32(0x20000), U32(0x20004),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	U32(2), U32(0), U32(2), 'R', 0, 0, 0,
};
static const uint8_t malformed_pair[] = {
	U32(8), U32(0x20000), U32(0x20004), U32(0x20008),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	U32(4), U32(0), U32(4), 'R', 49, 50, 0,
	U32(2), U32(0), U32(2), 'G', 0,
	0, 0, 0, 0, 0, 0,
};
static const uint8_t malformed_locate[] = {
	U32(8), U32(0x20000), U32(4), U32(0x20004), U32(1), U32(0x20008),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	U32(4), 'a', 'b', 0, 0,
	U32(1), U32(0x2000C), U32(0), U32(0), U32(2), 59, 128, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0,
	U32(4), U32(0), U32(4), 'R', 49, 50, 0,
	0, 0, 0, 0,
};
static const uint8_t malformed_masks[] = {
	U32(8), U32(0x20000), U32(1), U32(0x20004), U32(0), U32(0),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	U32(1), U32(2), 59, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0,
};
static const uint8_t malformed_read_cache[] = {
	U32(0x20000), U32(8), U32(0x20004), U32(0x20008), U32(7), U32(0),
	U32(64),
	U32(2), U32(0), U32(2), 'C', 0, 0, 0,
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
};
static const uint8_t malformed_write_cache[] = {
	U32(0x20000), U32(8), U32(0x20004), U32(0x20008), U32(7), U32(4),
	U32(0x2000C),
	U32(4), U32(0), U32(4), 'C', 49, 50, 0,
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
	0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	U32(4), 1, 2, 3, 4,
};
static const uint8_t malformed_r_long[] = {
	U32(0),
	0, 0, 0, 0,
};
static const uint8_t malformed_r_establish[] = {
	U32(0), U32(8), U32(0x20000),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23,
};
static const uint8_t malformed_r_list[] = {
	U32(0), U32(12), U32(0x20000),
	U32(12), 'a', 0, 'b', 0, 0, 0, 'c', 0, 0, 0, 0, 0,
	0, 0, 0, 0,
};
static const uint8_t malformed_r_watch[] = {
	U32(0), U32(1), U32(0x20000),
	U32(1), U32(0), U32(32), U32(2), 59, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0,
};
static const uint8_t malformed_r_connect[] = {
	U32(0), U32(8), U32(0x20000), U32(8), U32(0x20004), U32(2),
	U32(8), 16, 17, 18, 19, 20, 21, 22, 23, U32(8), 32, 33, 34, 35, 36,
	37, 38, 39,
};
static const uint8_t malformed_r_number[] = {
	U32(0), U32(2),
};
static const uint8_t malformed_r_state[] = {
	U32(0), U32(2), U32(2), U32(2), U32(0x20000),
	U32(2), 59, 128,
	0, 0, 0, 0, 0, 0,
};
static const uint8_t malformed_r_status[] = {
	U32(0), U32(12), U32(0x20000), U32(2), U32(2), 59, 128, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, U32(2),
	U32(12), 'a', 0, 'b', 0, 0, 0, 'c', 0, 0, 0, 0, 0,
};
static const uint8_t malformed_r_transmit[] = {
	U32(0), U32(0x20000), U32(2), U32(0x20004),
	U32(2), U32(2), U32(0x20008), U32(2), 7, 8,
	0, 0, U32(2), 144, 0,
	0, 0, 0, 0, 0, 0,
};
static const uint8_t malformed_r_data[] = {
	U32(0), U32(3), U32(0x20000),
	U32(3), 1, 2, 3,
	0, 0, 0, 0, 0,
};

#define BASE(name, call, code) \
	{ #name, call, IOCTL_##code, malformed_##name, \
	  sizeof(malformed_##name) }

static const struct malformed_base malformed_bases[] = {
	BASE(establish, true, ESTABLISH_CONTEXT),
	BASE(context, true, CANCEL),
	BASE(groups, true, LIST_READER_GROUPS_W),
	BASE(list, true, LIST_READERS_W),
	BASE(list_a, true, LIST_READERS_A),
	BASE(watch, true, GET_STATUS_CHANGE_W),
	BASE(connect, true, CONNECT_W),
	BASE(connect_a, true, CONNECT_A),
	BASE(reconnect, true, RECONNECT),
	BASE(hcard, true, DISCONNECT),
	BASE(state, true, STATE),
	BASE(status, true, STATUS_W),
	BASE(transmit, true, TRANSMIT),
	BASE(control, true, CONTROL),
	BASE(attrib, true, GET_ATTRIB),
	BASE(set_attrib, true, SET_ATTRIB),
	BASE(count, true, GET_TRANSMIT_COUNT),
	BASE(icon, true, GET_READER_ICON),
	BASE(pair, true, ADD_READER_TO_GROUP_A),
	BASE(locate, true, LOCATE_CARDS_A),
	BASE(masks, true, LOCATE_CARDS_BY_ATR_W),
	BASE(read_cache, true, READ_CACHE_W),
	BASE(write_cache, true, WRITE_CACHE_A),
	BASE(r_long, false, CANCEL),
	BASE(r_establish, false, ESTABLISH_CONTEXT),
	BASE(r_list, false, LIST_READERS_W),
	BASE(r_watch, false, GET_STATUS_CHANGE_W),
	BASE(r_connect, false, CONNECT_W),
	BASE(r_number, false, RECONNECT),
	BASE(r_state, false, STATE),
	BASE(r_status, false, STATUS_W),
	BASE(r_transmit, false, TRANSMIT),
	BASE(r_data, false, GET_ATTRIB),
};
/* clang-format on */

#endif
