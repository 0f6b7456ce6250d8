/*
 * Long answers in each of the ways a card gives them, and cards that never come
 * to an end.
 */
#include "exchange.h"
#include "script_card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { OBJECT_TAG = 0x5fc105 };

/* A PIV card with one object of this many bytes, wrapped in 53. */
static void
card_with(struct script_card *card, size_t len)
{
	uint8_t *bytes = malloc(len);

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7);
	script_card_init(card, script_piv_aid);
	card->current = true;
	(void)script_add_wrapped(card, 0x3fff, OBJECT_TAG, 0x53,
	                         (struct wire_view){bytes, len});
	free(bytes);
}

static struct exchange_want
want_large(void)
{
	struct exchange_want want = {.ins = APDU_GET_DATA,
	                             .file = 0x3fff,
	                             .name = {0x5f, 0xc1, 0x05},
	                             .name_len = 3,
	                             .limit = CARD_OBJECT_MAX,
	                             .large = true};

	return want;
}

/* Exchange one object; the caller clears ex. */
static void
exchange_one(struct exchange *ex, const struct exchange_want *want,
             struct script_card *card)
{
	enum exchange_step step = EXCHANGE_SEND;

	exchange_begin(ex, want);
	while (step == EXCHANGE_SEND) {
		struct wire_view apdu = {ex->sent.bytes, ex->sent.len};

		step = exchange_answer(ex, script_answer(card, apdu));
	}
}

static void
assert_whole(const struct exchange *ex, const struct script_card *card)
{
	assert_int_equal(ex->result.outcome, EXCHANGE_OK);
	assert_int_equal(ex->result.data.len, card->objects[0].len);
	assert_memory_equal(ex->result.data.data, card->objects[0].data,
	                    ex->result.data.len);
}

/* What each way of meeting extended length costs and teaches. */
static void
check_extended(enum script_extended kind, unsigned commands,
               enum card_length learned)
{
	static const struct card_hints hints;
	struct exchange_want want = want_large();
	struct script_card card;
	struct exchange ex;

	card_with(&card, 1000); /* 1004 bytes: four short answers */
	card.extended = kind;
	exchange_init(&ex, &hints);
	exchange_one(&ex, &want, &card);
	assert_whole(&ex, &card);
	assert_int_equal(card.commands, commands);
	assert_int_equal(card.extended_tries, 1);
	assert_int_equal(ex.length, learned);
	/* Learned: short is not tried again, extended is kept. */
	exchange_one(&ex, &want, &card);
	assert_whole(&ex, &card);
	assert_int_equal(card.extended_tries,
	                 learned == CARD_LENGTH_EXTENDED ? 2 : 1);
	exchange_clear(&ex);
	script_card_clear(&card);
}

static void
test_extended_ways(void **state)
{
	(void)state;
	check_extended(SCRIPT_WHOLE, 1, CARD_LENGTH_EXTENDED);
	check_extended(SCRIPT_CHAINED, 4, CARD_LENGTH_EXTENDED);
	check_extended(SCRIPT_REFUSES, 1 + 4, CARD_LENGTH_SHORT);
	check_extended(SCRIPT_EMPTY, 1 + 4, CARD_LENGTH_SHORT);
	check_extended(SCRIPT_CUTS, 1 + 4, CARD_LENGTH_SHORT);
	check_extended(SCRIPT_EXACT, 1 + 4, CARD_LENGTH_SHORT);
	check_extended(SCRIPT_NO_INS, 1 + 4, CARD_LENGTH_SHORT);
	check_extended(SCRIPT_NO_CLA, 1 + 4, CARD_LENGTH_SHORT);
	check_extended(SCRIPT_FAILS, 1 + 4, CARD_LENGTH_SHORT);
}

/* An object above 0C00 goes on with 61xx. */
static void
test_extended_and_more(void **state)
{
	static const struct card_hints hints = {.length = CARD_LENGTH_EXTENDED};
	struct exchange_want want = want_large();
	struct script_card card;
	struct exchange ex;

	(void)state;
	card_with(&card, 3400);
	card.extended = SCRIPT_WHOLE;
	exchange_init(&ex, &hints);
	exchange_one(&ex, &want, &card);
	assert_whole(&ex, &card);
	assert_int_equal(card.commands, 3); /* 3072 + 256 + 76 */
	exchange_clear(&ex);
	script_card_clear(&card);
}

static void
check_short(struct script_card *card, const struct card_hints *hints,
            unsigned commands)
{
	struct exchange_want want = want_large();
	struct exchange ex;

	exchange_init(&ex, hints);
	exchange_one(&ex, &want, card);
	assert_whole(&ex, card);
	assert_int_equal(card->commands, commands);
	assert_int_equal(card->extended_tries, 0);
	exchange_clear(&ex);
	script_card_clear(card);
}

static void
test_short_ways(void **state)
{
	static const struct card_hints known = {.length = CARD_LENGTH_SHORT};
	static const struct card_hints t0 = {.protocol = 1,
	                                     .length = CARD_LENGTH_EXTENDED};
	static const size_t chunks[] = {250, 255, 256};
	struct script_card card;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		card_with(&card, 1000);
		card.chunk = chunks[i];
		check_short(&card, &known, i == 0 ? 5 : 4);
	}
	card_with(&card, 1000);
	card.t0 = true; /* never extended, and one more for the length */
	check_short(&card, &t0, 5);
	card_with(&card, 100);
	card.says_exact = true;
	check_short(&card, &known, 2);
}

/* An ATR that says so forbids extended length. */
static void
test_atr_forbids(void **state)
{
	static const uint8_t atr[] = {0x3b, 0x85, 0x01, 0x80,
	                              0x73, 0xc0, 0x21, 0x80};
	static const struct card_hints hints = {.atr = {atr, sizeof(atr)}};
	struct script_card card;

	(void)state;
	card_with(&card, 1000);
	card.extended = SCRIPT_WHOLE;
	check_short(&card, &hints, 4);
}

/* No trial: it is announced, or it has worked before. */
static void
test_cautious(void **state)
{
	static const uint8_t yes[] = {0x3b, 0x85, 0x01, 0x80,
	                              0x73, 0xc0, 0x21, 0xc0};
	static const struct card_hints hints[] = {
	    {.length = CARD_LENGTH_UNKNOWN},
	    {.length = CARD_LENGTH_SHORT, .atr = {yes, sizeof(yes)}},
	    {.length = CARD_LENGTH_UNKNOWN, .atr = {yes, sizeof(yes)}},
	    {.length = CARD_LENGTH_EXTENDED},
	};
	struct exchange_want want = want_large();

	(void)state;
	want.cautious = true;
	for (size_t i = 0; i < 4; i++) {
		struct script_card card;
		struct exchange ex;

		card_with(&card, 1000);
		card.extended = SCRIPT_WHOLE;
		exchange_init(&ex, &hints[i]);
		exchange_one(&ex, &want, &card);
		assert_whole(&ex, &card);
		assert_int_equal(card.extended_tries, i < 2 ? 0 : 1);
		assert_int_equal(card.commands, i < 2 ? 4 : 1);
		exchange_clear(&ex);
		script_card_clear(&card);
	}
}

static void
check_status(uint16_t status, enum exchange_outcome outcome, unsigned commands)
{
	static const struct card_hints hints;
	struct exchange_want want = want_large();
	struct script_card card;
	struct exchange ex;

	card_with(&card, 10);
	card.objects[0].status = status;
	exchange_init(&ex, &hints);
	exchange_one(&ex, &want, &card);
	assert_int_equal(ex.result.outcome, outcome);
	assert_int_equal(card.commands, commands);
	exchange_clear(&ex);
	script_card_clear(&card);
}

static void
test_status(void **state)
{
	(void)state;
	check_status(0x6a82, EXCHANGE_ABSENT, 1);
	check_status(0x6a88, EXCHANGE_ABSENT, 1);
	check_status(0x6a80, EXCHANGE_ABSENT, 2);
	check_status(0x6982, EXCHANGE_FAULT, 1);
	check_status(0x6985, EXCHANGE_FAULT, 2);
	check_status(0x6c10, EXCHANGE_FAULT, 3);
}

/* Answers made by hand: the step after each. */
static enum exchange_step
give(struct exchange *ex, size_t len, uint16_t status)
{
	uint8_t *bytes = calloc(1, len + 2);
	struct wire_out out = wire_out(bytes, len + 2);
	enum exchange_step step;

	wire_put_zeros(&out, len);
	wire_put_u16_be(&out, status);
	/* An object that says it is larger than it will ever be. */
	if (len >= 5)
		memcpy(bytes, "\x53\x83\x01\x00\x00", 5);
	step = exchange_answer(ex, wire_written(&out));
	free(bytes);
	return step;
}

static void
begin_short(struct exchange *ex, size_t limit)
{
	static const struct card_hints hints = {.length = CARD_LENGTH_SHORT};
	struct exchange_want want = want_large();

	want.limit = limit;
	exchange_init(ex, &hints);
	exchange_begin(ex, &want);
}

static void
test_endless_chain(void **state)
{
	struct exchange ex;

	(void)state;
	begin_short(&ex, CARD_OBJECT_MAX);
	for (unsigned i = 0; i < CARD_CHAIN_MAX; i++)
		assert_int_equal(give(&ex, 0, 0x6100), EXCHANGE_SEND);
	assert_int_equal(give(&ex, 0, 0x6100), EXCHANGE_DONE);
	assert_string_equal(ex.result.reason, "answers without end");
	exchange_clear(&ex);
}

static void
test_endless_corrections(void **state)
{
	struct exchange ex;

	(void)state;
	begin_short(&ex, CARD_OBJECT_MAX);
	assert_int_equal(give(&ex, 0, 0x6c20), EXCHANGE_SEND);
	assert_int_equal(ex.sent.bytes[ex.sent.len - 1], 0x20);
	assert_int_equal(give(&ex, 0, 0x6c21), EXCHANGE_DONE);
	assert_int_equal(ex.result.outcome, EXCHANGE_FAULT);
	exchange_clear(&ex);
}

static void
test_limits(void **state)
{
	struct exchange ex;

	(void)state;
	begin_short(&ex, 65536 + 5); /* exactly what the object says */
	assert_int_equal(give(&ex, 256, 0x6100), EXCHANGE_SEND);
	exchange_clear(&ex);
	begin_short(&ex, 65536 + 4);
	assert_int_equal(give(&ex, 256, 0x6100), EXCHANGE_DONE);
	assert_string_equal(ex.result.reason, "is larger than its limit");
	exchange_clear(&ex);
	begin_short(&ex, 100);
	assert_int_equal(give(&ex, 101, 0x9000), EXCHANGE_DONE);
	assert_string_equal(ex.result.reason, "is larger than its limit");
	exchange_clear(&ex);
}

static void
test_more_than_asked_for(void **state)
{
	struct exchange ex;

	(void)state;
	begin_short(&ex, CARD_OBJECT_MAX);
	assert_int_equal(give(&ex, 257, 0x6100), EXCHANGE_DONE);
	assert_int_equal(ex.result.outcome, EXCHANGE_FAULT);
	exchange_clear(&ex);
	begin_short(&ex, CARD_OBJECT_MAX);
	assert_int_equal(give(&ex, 256, 0x6110), EXCHANGE_SEND);
	assert_int_equal(give(&ex, 17, 0x9000), EXCHANGE_DONE);
	assert_int_equal(ex.result.outcome, EXCHANGE_FAULT);
	exchange_clear(&ex);
}

static void
test_answers_without_status(void **state)
{
	static const uint8_t byte = 0x90;
	struct exchange ex;

	(void)state;
	for (size_t len = 0; len < 2; len++) {
		begin_short(&ex, CARD_OBJECT_MAX);
		assert_int_equal(
		    exchange_answer(&ex, (struct wire_view){&byte, len}),
		    EXCHANGE_DONE);
		assert_int_equal(ex.result.outcome, EXCHANGE_FAULT);
		exchange_clear(&ex);
	}
}

static void
test_object_cut_short(void **state)
{
	struct exchange ex;

	(void)state;
	begin_short(&ex, CARD_OBJECT_MAX);
	assert_int_equal(give(&ex, 200, 0x9000), EXCHANGE_DONE);
	assert_string_equal(ex.result.reason, "is cut short");
	exchange_clear(&ex);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_extended_ways),
	    cmocka_unit_test(test_extended_and_more),
	    cmocka_unit_test(test_short_ways),
	    cmocka_unit_test(test_atr_forbids),
	    cmocka_unit_test(test_cautious),
	    cmocka_unit_test(test_status),
	    cmocka_unit_test(test_endless_chain),
	    cmocka_unit_test(test_endless_corrections),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_more_than_asked_for),
	    cmocka_unit_test(test_answers_without_status),
	    cmocka_unit_test(test_object_cut_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
