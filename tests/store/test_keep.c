/*
 * The keeper's messages: there and back, byte by byte, every truncation, every
 * buffer too short.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keepbed.h"

static uint8_t buffer[KEEPBED_BIG];
static uint8_t again[KEEPBED_BIG];

/* What was said is what is heard: it encodes to the same bytes again. */
static void
test_round_trip(void **state)
{
	struct keep_msg all[KEEPBED_TYPES];
	size_t count = keepbed_every_type(all);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t len = keepbed_encode(buffer, &all[i], WIRE_OK);
		struct wire_in in = wire_in(buffer, len);
		struct keep_msg msg;

		assert_true(keep_decode(&in, &msg));
		assert_int_equal(msg.type, all[i].type);
		assert_int_equal(msg.seq, all[i].seq);
		assert_int_equal(keepbed_encode(again, &msg, WIRE_OK), len);
		assert_memory_equal(buffer, again, len);
		assert_string_not_equal(keep_type_name(msg.type), "unknown");
	}
}

static void
test_fields_arrive(void **state)
{
	struct keep_msg said = keepbed_cert();
	size_t len = keepbed_encode(buffer, &said, WIRE_OK);
	struct wire_in in = wire_in(buffer, len);
	struct keep_msg msg;

	(void)state;
	assert_true(keep_decode(&in, &msg));
	assert_int_equal(msg.cert.kind, KEEP_ANCHOR);
	assert_true(wire_view_equal(msg.cert.der, said.cert.der));
	assert_true(msg.cert.not_before == -1);
	assert_true(msg.cert.not_after == INT64_MAX);
	assert_int_equal(msg.cert.subject_hash, 0xdeadbeef);
	assert_true(msg.cert.is_ca && msg.cert.logon_eligible);
	assert_true(wire_view_equal(msg.cert.enrollment, said.cert.enrollment));
	assert_true(
	    wire_view_equal(msg.cert.container, wire_view_text("container")));

	assert_true(wire_view_equal(msg.cert.card_data, said.cert.card_data));
	assert_true(msg.cert.has_pin && msg.cert.pin_id == 1);
	assert_true(wire_view_equal(msg.cert.pin_info, said.cert.pin_info));

	said = keepbed_begin();
	len = keepbed_encode(buffer, &said, WIRE_OK);
	in = wire_in(buffer, len);
	assert_true(keep_decode(&in, &msg));
	assert_true(wire_view_equal(msg.begin.policy, wire_view_text("eng")));
	assert_int_equal(msg.begin.policy_generation, 0x01020304);
	assert_true(
	    wire_view_equal(msg.begin.card_serial, wire_view_text("4711")));
	assert_true(
	    wire_view_equal(msg.begin.chuid, wire_view_text(KEEPBED_ID)));
	assert_int_equal(msg.begin.removable, KEEP_REMOVABLE_YES);

	said = keepbed_reader(KEEP_READER);
	len = keepbed_encode(buffer, &said, WIRE_OK);
	in = wire_in(buffer, len);
	assert_true(keep_decode(&in, &msg));
	assert_memory_equal(msg.reader.card_id, KEEPBED_ID, KEEP_CARD_ID_LEN);
	assert_int_equal(msg.reader.card, KEEP_CARD_PRESENT);
	assert_int_equal(msg.reader.atr.len, 4);
}

/* The layout itself, byte by byte: processes of two versions may meet. */
static void
test_release_byte_by_byte(void **state)
{
	static const uint8_t wanted[] = {
	    1,                                         /* version */
	    8,                                         /* KEEP_RELEASE */
	    6,   0,   0,   0,                          /* seq */
	    7,   0,   0,   0,                          /* reader */
	    '0', '1', '2', '3', '4', '5', '6', '7',    /* card_id */
	    '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 1, /* roots */
	    0,                                         /* user */
	};
	struct keep_msg msg = keepbed_release();

	(void)state;
	assert_int_equal(keepbed_encode(buffer, &msg, WIRE_OK), sizeof(wanted));
	assert_memory_equal(buffer, wanted, sizeof(wanted));
}

static void
test_rules_byte_by_byte(void **state)
{
	static const uint8_t head[] = {
	    1,                    /* version */
	    13,                   /* KEEP_RULES */
	    10, 0, 0,   0,        /* seq */
	    3,  0, 'e', 'n', 'g', /* policy */
	    1,  0,                /* redirect, roots */
	    2,  1,                /* cleanup, user_cleanup */
	    1,  0, 1,             /* match, match_upn, match_email */
	    1,                    /* limited */
	    2,  0,                /* allowed: that many of 32 bytes */
	};
	struct keep_msg msg = keepbed_rules();
	size_t hash = KEEP_HASH_LEN;

	(void)state;
	assert_int_equal(keepbed_encode(buffer, &msg, WIRE_OK),
	                 sizeof(head) + 2 * hash + 2 + hash);
	assert_memory_equal(buffer, head, sizeof(head));
	assert_memory_equal(buffer + sizeof(head), KEEPBED_ID, 16);
	assert_int_equal(buffer[sizeof(head) + 2 * hash], 1);
}

static void
test_every_truncation_is_refused(void **state)
{
	struct keep_msg all[KEEPBED_TYPES];
	size_t count = keepbed_every_type(all);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t len = keepbed_encode(buffer, &all[i], WIRE_OK);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(keepbed_verdict(buffer, cut),
			                     WIRE_OK);
		assert_int_equal(keepbed_verdict(buffer, len), WIRE_OK);
		buffer[len] = 0; /* and a byte too many */
		assert_int_equal(keepbed_verdict(buffer, len + 1), WIRE_VALUE);
	}
}

/* No room: the encoder says so at every size, and writes nothing outside. */
static void
test_every_short_buffer_is_reported(void **state)
{
	struct keep_msg all[KEEPBED_TYPES];
	size_t count = keepbed_every_type(all);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t len = keepbed_encode(buffer, &all[i], WIRE_OK);

		for (size_t size = 0; size < len; size++) {
			uint8_t *heap = malloc(size + (size == 0));
			struct wire_out out = wire_out(heap, size);

			assert_non_null(heap);
			keep_encode(&out, &all[i]);
			assert_int_equal(out.fault, WIRE_FULL);
			free(heap);
		}
	}
}

static void
test_unknown_type_and_version(void **state)
{
	struct keep_msg msg = keepbed_bare(KEEP_COMMIT);
	size_t len = keepbed_encode(buffer, &msg, WIRE_OK);
	unsigned known = 0;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		buffer[1] = (uint8_t)type;
		known += keepbed_verdict(buffer, len) == WIRE_OK;
	}
	/* COMMIT, SYNCED, ATTACHED_ALL, READY, RULED_ALL */
	assert_int_equal(known, 5);
	buffer[1] = KEEP_COMMIT;
	buffer[0] = KEEP_VERSION + 1;
	assert_int_equal(keepbed_verdict(buffer, len), WIRE_VALUE);
	msg.type = (enum keep_type)(KEEP_RULES + 1);
	(void)keepbed_encode(buffer, &msg, WIRE_VALUE);
	assert_string_equal(keep_type_name(msg.type), "unknown");
}

static void
test_names(void **state)
{
	(void)state;
	for (int i = KEEP_NONE; i <= KEEP_ENDING; i++)
		assert_string_not_equal(
		    keep_session_state_name((enum keep_session_state)i),
		    "unknown");
	for (int i = KEEP_CARD_EMPTY; i <= KEEP_CARD_MUTE; i++)
		assert_string_not_equal(
		    keep_card_state_name((enum keep_card_state)i), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_fields_arrive),
	    cmocka_unit_test(test_release_byte_by_byte),
	    cmocka_unit_test(test_rules_byte_by_byte),
	    cmocka_unit_test(test_every_truncation_is_refused),
	    cmocka_unit_test(test_every_short_buffer_is_reported),
	    cmocka_unit_test(test_unknown_type_and_version),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
