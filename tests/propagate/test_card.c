/*
 * A card of any family, or of none: which one is tried when, and cards that
 * fall silent, answer garbage or answer without end at every step.
 */
#include "apdu.h"
#include "card.h"
#include "pki.h"
#include "script_card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TAG_9A = 0x5fc105, TAG_9C = 0x5fc10a, ANSWER_MAX = 65536 + 2 };

static void
piv_card(struct script_card *card, const struct pki_cert *cert)
{
	script_card_init(card, script_piv_aid);
	(void)script_add_piv(card, TAG_9A, pki_der(cert), SCRIPT_PLAIN);
	(void)script_add_piv(card, TAG_9C, pki_der(cert), SCRIPT_PACKED);
}

static void
gids_card(struct script_card *card, const struct pki_cert *cert)
{
	static const uint8_t id[CARD_ID_LEN] = {7};
	struct wire_view der = pki_der(cert);
	struct wire_view file;
	uint8_t *bag = pki_bag_new(&der, 1, &file.len);

	file.data = bag;
	script_card_init(card, script_gids_aid);
	script_gids_begin(card);
	(void)script_gids_file(card, "", "cardid",
	                       (struct wire_view){id, sizeof(id)},
	                       SCRIPT_PLAIN);
	(void)script_gids_file(card, "mscp", "kxc00", der, SCRIPT_PACKED);
	(void)script_gids_file(card, "mscp", "msroots", file, SCRIPT_PLAIN);
	free(bag);
}

/* The hints change the order in which families are tried, not the outcome. */
static void
test_family_order(void **state)
{
	static const enum card_family hinted[] = {CARD_UNKNOWN, CARD_PIV,
	                                          CARD_GIDS};
	static const unsigned selects[2][3] = {{1, 1, 2}, {2, 2, 1}};
	struct pki_cert *cert = pki_ca_new("Family", NULL);

	(void)state;
	for (size_t kind = 0; kind < 2; kind++) {
		unsigned least = 0;

		for (size_t i = 0; i < 3; i++) {
			struct card_hints hints = {.family = hinted[i]};
			struct script_card card;
			struct card_read *job;
			const struct card_content *content;

			if (kind == 0)
				piv_card(&card, cert);
			else
				gids_card(&card, cert);
			assert_int_equal(script_read_card(&card, &hints, &job),
			                 CARD_DONE);
			content = card_read_content(job);
			assert_int_equal(content->family,
			                 kind == 0 ? CARD_PIV : CARD_GIDS);
			assert_int_equal(content->cert_count, 2 - kind);
			if (i == 0)
				least = content->apdu_count - selects[kind][0];
			assert_int_equal(content->apdu_count,
			                 least + selects[kind][i]);
			card_read_free(job);
			script_card_clear(&card);
		}
	}
	pki_cert_free(cert);
}

static void
test_no_known_application(void **state)
{
	static const uint8_t aid[] = {0xd2, 0x76};
	struct script_card card;
	struct card_read *job;

	(void)state;
	script_card_init(&card, (struct wire_view){aid, sizeof(aid)});
	assert_int_equal(script_read_card(&card, NULL, &job), CARD_FAILED);
	assert_string_equal(card_read_fault(job),
	                    "no application this proxy knows");
	assert_int_equal(card_read_content(job)->apdu_count, 2);
	card_read_free(job);
	script_card_clear(&card);
}

static void
test_extended_is_learned(void **state)
{
	struct pki_cert *cert = pki_ca_new("Learned", NULL);

	(void)state;
	for (int kind = SCRIPT_WHOLE; kind <= SCRIPT_FAILS; kind++) {
		bool works = kind == SCRIPT_WHOLE || kind == SCRIPT_CHAINED;
		struct card_hints hints = {.protocol = 2};
		struct script_card card;
		struct card_read *job;

		piv_card(&card, cert);
		card.extended = (enum script_extended)kind;
		assert_int_equal(script_read_card(&card, &hints, &job),
		                 CARD_DONE);
		assert_int_equal(card_read_content(job)->cert_count, 2);
		hints.length = card_read_content(job)->length;
		assert_int_equal(hints.length, works ? CARD_LENGTH_EXTENDED
		                                     : CARD_LENGTH_SHORT);
		card_read_free(job);
		/* The next read makes use of it. */
		card.extended_tries = 0;
		assert_int_equal(script_read_card(&card, &hints, &job),
		                 CARD_DONE);
		assert_int_equal(card_read_content(job)->cert_count, 2);
		assert_int_equal(card.extended_tries > 0, works);
		card_read_free(job);
		script_card_clear(&card);
	}
	pki_cert_free(cert);
}

static void
test_t0(void **state)
{
	struct pki_cert *cert = pki_ca_new("T=0", NULL);
	struct card_hints hints = {.protocol = 1};
	struct script_card card;
	struct card_read *job;

	(void)state;
	gids_card(&card, cert);
	card.t0 = true;
	assert_int_equal(script_read_card(&card, &hints, &job), CARD_DONE);
	assert_int_equal(card_read_content(job)->cert_count, 1);
	assert_int_equal(card_read_content(job)->root_count, 1);
	assert_int_equal(card.extended_tries, 0);
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
}

/* Give the first steps their answers, then free the job: removal at a step. */
static bool
run_steps(struct script_card *card, unsigned steps)
{
	static const struct card_hints nothing;
	struct card_read *job = card_read_new(&nothing);
	struct wire_view apdu;
	enum card_step step = card_read_start(job, &apdu);

	for (unsigned i = 0; i < steps && step == CARD_SEND; i++)
		step = card_read_answer(job, script_answer(card, apdu), &apdu);
	card_read_free(job);
	return step == CARD_SEND;
}

static void
test_removal_at_every_step(void **state)
{
	struct pki_cert *cert = pki_ca_new("Removed", NULL);
	struct script_card card;

	(void)state;
	piv_card(&card, cert);
	for (unsigned steps = 0; run_steps(&card, steps); steps++)
		assert_in_range(steps, 0, CARD_APDUS_MAX);
	script_card_clear(&card);
	gids_card(&card, cert);
	for (unsigned steps = 0; run_steps(&card, steps); steps++)
		assert_in_range(steps, 0, CARD_APDUS_MAX);
	script_card_clear(&card);
	pki_cert_free(cert);
}

/* A card that goes wrong from one command on. */
struct turning {
	struct script_card *card;
	unsigned good; /* commands that are answered as they should be */
	struct wire_view then;
};

static struct wire_view
turning_answer(void *arg, struct wire_view apdu)
{
	struct turning *t = arg;

	assert_true(apdu_allowed(apdu));
	if (t->good == 0)
		return t->then;
	t->good--;
	return script_answer(t->card, apdu);
}

/* Every end is an end, and no more is sent than is allowed. */
static void
check_turning(struct script_card *card, struct wire_view then)
{
	static const struct card_hints nothing;

	for (unsigned good = 0; good < 30; good++) {
		struct turning t = {card, good, then};
		struct script_peer peer = {turning_answer, &t};
		struct card_read *job = card_read_new(&nothing);
		enum card_step step = script_read(job, peer);

		if (step == CARD_FAILED)
			assert_non_null(card_read_fault(job));
		assert_in_range(card_read_content(job)->apdu_count, 1,
		                CARD_APDUS_MAX);
		assert_in_range(card_read_content(job)->cert_count, 0, 2);
		card_read_free(job);
	}
}

static void
check_both(struct wire_view then)
{
	struct pki_cert *cert = pki_ca_new("Turning", NULL);
	struct script_card card;

	piv_card(&card, cert);
	check_turning(&card, then);
	script_card_clear(&card);
	gids_card(&card, cert);
	check_turning(&card, then);
	script_card_clear(&card);
	pki_cert_free(cert);
}

/* Status words that mean something, alone or behind garbage. */
static void
test_garbage_from_every_step(void **state)
{
	static const uint16_t words[] = {0x9000, 0x6100, 0x6101, 0x61ff, 0x6c00,
	                                 0x6cff, 0x6700, 0x6982, 0x6985, 0x6a80,
	                                 0x6a82, 0x6d00, 0x6e00, 0x6f00, 0x6282,
	                                 0x0000, 0xffff};
	static const size_t lens[] = {0, 1, 2, 16, 255, 256, 257};
	uint8_t bytes[260];

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (size_t j = 0; j < sizeof(lens) / sizeof(lens[0]); j++) {
			struct wire_out out = wire_out(bytes, sizeof(bytes));

			for (size_t k = 0; k < lens[j]; k++)
				wire_put_u8(&out, (uint8_t)(0x53 + k * 31));
			wire_put_u16_be(&out, words[i]);
			check_both(wire_written(&out));
		}
	}
}

static void
test_answers_without_status(void **state)
{
	static const uint8_t byte = 0x61;

	(void)state;
	check_both((struct wire_view){NULL, 0});
	check_both((struct wire_view){&byte, 1});
}

static void
test_answers_of_64_kilobytes(void **state)
{
	static const uint16_t words[] = {0x9000, 0x6100};
	uint8_t *bytes = calloc(1, ANSWER_MAX);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct wire_out out = wire_out(bytes, ANSWER_MAX);

		wire_put_bytes(&out, "\x53\x83\x00\xff\xfb", 5);
		wire_put_zeros(&out, ANSWER_MAX - 7);
		wire_put_u16_be(&out, words[i]);
		check_both(wire_written(&out));
	}
	free(bytes);
}

/* A card that says "more" for ever, to everything but SELECT. */
static struct wire_view
endless_answer(void *arg, struct wire_view apdu)
{
	static const uint8_t ok[] = {0x90, 0x00};
	static const uint8_t more[] = {0x61, 0x00};
	unsigned *count = arg;

	assert_true(apdu_allowed(apdu));
	++*count;
	if (apdu.data[1] == APDU_SELECT)
		return (struct wire_view){ok, sizeof(ok)};
	return (struct wire_view){more, sizeof(more)};
}

static void
test_endless_answers(void **state)
{
	static const struct card_hints nothing;
	unsigned count = 0;
	struct script_peer peer = {endless_answer, &count};
	struct card_read *job = card_read_new(&nothing);
	struct card_hints probing = {.probe_retired = true};

	(void)state;
	/* Six objects of 65 commands each are still below the limit. */
	assert_int_equal(script_read(job, peer), CARD_DONE);
	assert_int_equal(card_read_content(job)->cert_count, 0);
	assert_int_equal(card_read_content(job)->skip_count, 5);
	assert_string_equal(card_read_content(job)->skips[1].reason,
	                    "answers without end");
	card_read_free(job);
	count = 0;
	job = card_read_new(&probing);
	assert_int_equal(script_read(job, peer), CARD_FAILED);
	assert_string_equal(card_read_fault(job), "answers without end");
	assert_int_equal(count, CARD_APDUS_MAX);
	assert_int_equal(card_read_content(job)->apdu_count, CARD_APDUS_MAX);
	card_read_free(job);
}

/* Nothing is kept of a read that failed, and no more is asked. */
static void
test_after_the_end(void **state)
{
	static const uint8_t ok[] = {0x90, 0x00};
	struct pki_cert *cert = pki_ca_new("Ended", NULL);
	struct wire_view answer = {ok, sizeof(ok)};
	struct wire_view apdu;
	struct script_card card;
	struct card_read *job;

	(void)state;
	piv_card(&card, cert);
	assert_int_equal(script_read_card(&card, NULL, &job), CARD_DONE);
	assert_int_equal(card_read_answer(job, answer, &apdu), CARD_DONE);
	assert_int_equal(card_read_content(job)->cert_count, 2);
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
	card_read_free(NULL);
}

static void
test_hints_that_do_not_fit(void **state)
{
	static const uint8_t atr[300] = {0x3b, 0xff};
	struct card_hints hints = {.atr = {atr, sizeof(atr)}};
	struct pki_cert *cert = pki_ca_new("ATR", NULL);
	struct script_card card;
	struct card_read *job;

	(void)state;
	piv_card(&card, cert);
	assert_int_equal(script_read_card(&card, &hints, &job), CARD_DONE);
	assert_int_equal(card_read_content(job)->cert_count, 2);
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
}

static void
test_family_names(void **state)
{
	(void)state;
	assert_string_equal(card_family_name(CARD_UNKNOWN), "");
	assert_string_equal(card_family_name(CARD_PIV), "PIV");
	assert_string_equal(card_family_name(CARD_GIDS), "GIDS");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_family_order),
	    cmocka_unit_test(test_no_known_application),
	    cmocka_unit_test(test_extended_is_learned),
	    cmocka_unit_test(test_t0),
	    cmocka_unit_test(test_removal_at_every_step),
	    cmocka_unit_test(test_garbage_from_every_step),
	    cmocka_unit_test(test_answers_without_status),
	    cmocka_unit_test(test_answers_of_64_kilobytes),
	    cmocka_unit_test(test_endless_answers),
	    cmocka_unit_test(test_after_the_end),
	    cmocka_unit_test(test_hints_that_do_not_fit),
	    cmocka_unit_test(test_family_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
