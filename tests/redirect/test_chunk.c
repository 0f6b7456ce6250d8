/* Chunks of a virtual channel: joined, cut, bounded, and those that lie. */
#include "chunk.h"

#include "channel.h"
#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

enum {
	F = CHANNEL_FLAG_FIRST,
	L = CHANNEL_FLAG_LAST,
	M = 0,
	S = CHANNEL_FLAG_SHOW_PROTOCOL,
	Z = CHANNEL_FLAG_COMPRESSED
};

static uint8_t bytes[CHUNK_MESSAGE_MAX + 2];

static struct wire_view
part(size_t from, size_t len)
{
	struct wire_view view = {&bytes[from], len};

	return view;
}

static void
fill(void)
{
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + i / 256);
}

static void
one_chunk_is_not_copied(void **state)
{
	struct chunk_join join;

	(void)state;
	chunk_join_init(&join);
	assert_true(chunk_join_idle(&join));
	assert_int_equal(chunk_join_take(&join, 40, F | L | S, part(0, 40)),
	                 CHUNK_DECIDE);
	assert_false(chunk_join_idle(&join));
	assert_ptr_equal(chunk_join_seen(&join).data, bytes);
	assert_int_equal(chunk_join_own(&join), CHUNK_WHOLE);
	assert_ptr_equal(chunk_join_seen(&join).data, bytes);
	assert_int_equal(chunk_join_seen(&join).len, 40);
	assert_true(chunk_join_idle(&join));
	chunk_join_clear(&join);
}

/* Every cut of 60 bytes into two and three chunks gives the same message. */
static void
owned_messages_are_joined(void **state)
{
	struct chunk_join join;

	(void)state;
	chunk_join_init(&join);
	for (size_t a = 1; a < 59; a++) {
		enum chunk_step step =
		    chunk_join_take(&join, 60, F, part(0, a));

		assert_int_equal(step, a < 24 ? CHUNK_HELD : CHUNK_DECIDE);
		if (step == CHUNK_DECIDE)
			assert_int_equal(chunk_join_own(&join), CHUNK_HELD);
		step = chunk_join_take(&join, 60, M, part(a, 59 - a));
		if (step == CHUNK_DECIDE)
			step = chunk_join_own(&join);
		assert_int_equal(step, CHUNK_HELD);
		step = chunk_join_take(&join, 60, L, part(59, 1));
		assert_int_equal(step, CHUNK_WHOLE);
		assert_true(
		    wire_view_equal(chunk_join_seen(&join), part(0, 60)));
	}
	chunk_join_clear(&join);
}

/* A header in pieces is kept back, and handed out when the message passes. */
static void
a_passed_message_gives_back_what_was_held(void **state)
{
	struct chunk_join join;
	struct wire_view held;

	(void)state;
	chunk_join_init(&join);
	assert_int_equal(chunk_join_take(&join, 50, F, part(0, 10)),
	                 CHUNK_HELD);
	assert_int_equal(chunk_join_take(&join, 50, M, part(10, 13)),
	                 CHUNK_HELD);
	assert_int_equal(chunk_join_take(&join, 50, M, part(23, 1)),
	                 CHUNK_DECIDE);
	assert_true(wire_view_equal(chunk_join_seen(&join), part(0, 24)));
	held = chunk_join_pass(&join);
	assert_true(wire_view_equal(held, part(0, 23)));
	assert_int_equal(chunk_join_take(&join, 50, M, part(24, 20)),
	                 CHUNK_PASS);
	assert_false(chunk_join_idle(&join));
	assert_int_equal(chunk_join_take(&join, 50, L, part(44, 6)),
	                 CHUNK_PASS);
	assert_true(chunk_join_idle(&join));
	assert_int_equal(chunk_join_take(&join, 30, F | L, part(0, 30)),
	                 CHUNK_DECIDE);
	assert_int_equal(chunk_join_pass(&join).len, 0);
	assert_true(chunk_join_idle(&join));
	chunk_join_clear(&join);
}

static void
a_short_message_is_decided_at_its_end(void **state)
{
	struct chunk_join join;

	(void)state;
	chunk_join_init(&join);
	assert_int_equal(chunk_join_take(&join, 4, F, part(0, 3)), CHUNK_HELD);
	assert_int_equal(chunk_join_take(&join, 4, L, part(3, 1)),
	                 CHUNK_DECIDE);
	assert_int_equal(chunk_join_seen(&join).len, 4);
	assert_int_equal(chunk_join_own(&join), CHUNK_WHOLE);
	assert_true(wire_view_equal(chunk_join_seen(&join), part(0, 4)));
	chunk_join_clear(&join);
}

/* Own a message of that length, in chunks of the largest size. */
static enum chunk_step
own(struct chunk_join *join, uint32_t total)
{
	enum chunk_step step = CHUNK_HELD;
	uint32_t at = 0;

	while (at < total && step == CHUNK_HELD) {
		uint32_t len = total - at < CHANNEL_CHUNK_MAX
		                   ? total - at
		                   : CHANNEL_CHUNK_MAX;
		uint32_t flags =
		    (at == 0 ? F : M) | (at + len == total ? L : M);

		step = chunk_join_take(join, total, flags, part(at, len));
		if (step == CHUNK_DECIDE)
			step = chunk_join_own(join);
		at += len;
	}
	return step;
}

static void
owned_messages_have_a_limit(void **state)
{
	struct chunk_join join;

	(void)state;
	chunk_join_init(&join);
	assert_int_equal(own(&join, CHUNK_MESSAGE_MAX - 1), CHUNK_WHOLE);
	assert_int_equal(own(&join, CHUNK_MESSAGE_MAX), CHUNK_WHOLE);
	assert_true(wire_view_equal(chunk_join_seen(&join),
	                            part(0, CHUNK_MESSAGE_MAX)));
	assert_int_equal(own(&join, CHUNK_MESSAGE_MAX + 1), CHUNK_FAULT);
	assert_string_equal(chunk_join_why(&join), "a message above its limit");
	chunk_join_clear(&join);
}

/* 4 GiB announced: nothing is allocated for it, and it may pass. */
static void
the_announced_total_allocates_nothing(void **state)
{
	struct chunk_join join;

	(void)state;
	chunk_join_init(&join);
	assert_int_equal(chunk_join_take(&join, UINT32_MAX, F, part(0, 1600)),
	                 CHUNK_DECIDE);
	assert_int_equal(chunk_join_pass(&join).len, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
		    chunk_join_take(&join, UINT32_MAX, M, part(0, 1600)),
		    CHUNK_PASS);
	assert_int_equal(join.size, 0);
	chunk_join_reset(&join);
	assert_int_equal(chunk_join_take(&join, UINT32_MAX, F, part(0, 10)),
	                 CHUNK_HELD);
	assert_in_range(join.size, 10, 4096);
	chunk_join_clear(&join);
}

/* What a peer sends, chunk by chunk; the last one is the lie. */
static const struct {
	const char *why;
	bool pass;
	struct {
		uint32_t total;
		uint32_t flags;
		size_t len;
	} chunks[3];
	size_t count;
} lies[] = {
    {"a chunk without FIRST before it", false, {{30, M, 30}}, 1},
    {"a chunk without FIRST before it", false, {{30, L, 30}}, 1},
    {"a chunk without FIRST before it",
     false,
     {{30, F | L, 30}, {30, L, 5}},
     2},
    {"a chunk without FIRST before it", true, {{30, F | L, 30}, {30, M, 5}}, 2},
    {"FIRST within a message", false, {{60, F, 30}, {60, F, 30}}, 2},
    {"FIRST within a message", true, {{60, F, 30}, {60, F, 30}}, 2},
    {"FIRST within a message", false, {{60, F, 3}, {60, F, 30}}, 2},
    {"an empty chunk", false, {{0, F | L, 0}}, 1},
    {"an empty chunk", false, {{60, F, 30}, {60, M, 0}}, 2},
    {"an empty chunk", true, {{60, F, 30}, {60, L, 0}}, 2},
    {"more bytes than announced", false, {{0, F | L, 1}}, 1},
    {"more bytes than announced", false, {{29, F | L, 30}}, 1},
    {"more bytes than announced",
     true,
     {{60, F, 30}, {60, M, 29}, {60, L, 2}},
     3},
    {"fewer bytes than announced", false, {{31, F | L, 30}}, 1},
    {"fewer bytes than announced", true, {{60, F, 30}, {60, L, 29}}, 2},
    {"fewer bytes than announced", false, {{UINT32_MAX, F | L, 30}}, 1},
    {"all bytes but no LAST", false, {{30, F, 30}}, 1},
    {"all bytes but no LAST", true, {{60, F, 30}, {60, M, 30}}, 2},
    {"a compressed chunk", false, {{30, F | L | Z, 30}}, 1},
    {"a compressed chunk", true, {{60, F, 30}, {60, L | Z, 30}}, 2},
};

static void
lies_are_faults(void **state)
{
	struct chunk_join join;

	(void)state;
	chunk_join_init(&join);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		enum chunk_step step = CHUNK_HELD;

		for (size_t j = 0; j < lies[i].count; j++) {
			struct wire_view data =
			    exact_dup(bytes, lies[i].chunks[j].len);

			assert_int_not_equal(step, CHUNK_FAULT);
			step = chunk_join_take(&join, lies[i].chunks[j].total,
			                       lies[i].chunks[j].flags, data);
			if (step == CHUNK_DECIDE && lies[i].pass)
				(void)chunk_join_pass(&join);
			else if (step == CHUNK_DECIDE)
				step = chunk_join_own(&join);
			exact_free(data);
		}
		assert_int_equal(step, CHUNK_FAULT);
		assert_string_equal(chunk_join_why(&join), lies[i].why);
		assert_true(chunk_join_idle(&join));
		assert_int_equal(own(&join, 100), CHUNK_WHOLE);
	}
	chunk_join_clear(&join);
}

static void
check_cut(size_t len, uint32_t size)
{
	struct chunk_cut cut = chunk_cut(part(0, len), size, S);
	struct wire_view data;
	uint32_t flags;
	size_t at = 0;

	while (chunk_cut_next(&cut, &flags, &data)) {
		assert_in_range(data.len, 1, size);
		assert_true(wire_view_equal(data, part(at, data.len)));
		assert_int_equal(flags & F, at == 0 ? F : 0);
		at += data.len;
		assert_int_equal(flags & L, at == len ? L : 0);
		assert_int_equal(flags & ~(uint32_t)(F | L), S);
		if (at < len)
			assert_int_equal(data.len, size);
	}
	assert_int_equal(at, len);
	assert_int_equal(cut.total, len);
}

static void
messages_are_cut(void **state)
{
	(void)state;
	for (size_t len = 0; len < 70; len++)
		for (uint32_t size = 1; size < 35; size++)
			check_cut(len, size);
	check_cut(CHUNK_MESSAGE_MAX, CHANNEL_CHUNK_DEFAULT);
	check_cut(CHUNK_MESSAGE_MAX, CHANNEL_CHUNK_MAX);
	assert_int_equal(chunk_cut(part(0, 9), 0, 0).size,
	                 CHANNEL_CHUNK_DEFAULT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_chunk_is_not_copied),
	    cmocka_unit_test(owned_messages_are_joined),
	    cmocka_unit_test(a_passed_message_gives_back_what_was_held),
	    cmocka_unit_test(a_short_message_is_decided_at_its_end),
	    cmocka_unit_test(owned_messages_have_a_limit),
	    cmocka_unit_test(the_announced_total_allocates_nothing),
	    cmocka_unit_test(lies_are_faults),
	    cmocka_unit_test(messages_are_cut),
	};

	fill();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
