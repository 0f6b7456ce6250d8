/*
 * Reading a card through the channel, with every call refused, swallowed,
 * cancelled, or the card gone in it.
 */
#include "desk.h"
#include "pki.h"
#include "reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PIV_9A = 0x5fc105, READER = 5, APDU_MS = 5000, CARD_MS = 20000 };

static struct {
	unsigned good;
	unsigned failed;
	size_t certs;
	enum certprop_failure failure;
	const char *reason;
} seen;

static struct desk desk;
static struct reading reading;
static struct script_card card;
static struct pki_cert *user;
static const struct esc_name name = {.text = "A", .present = true};

static void
on_read(void *arg, uint32_t reader, const struct card_content *content,
        uint64_t now_ms)
{
	(void)arg;
	(void)now_ms;
	assert_int_equal(reader, READER);
	assert_false(reading_busy(&reading));
	seen.good++;
	seen.certs = content->cert_count;
}

static void
on_failed(void *arg, uint32_t reader, enum certprop_failure failure,
          const char *reason, uint64_t now_ms)
{
	(void)arg;
	(void)now_ms;
	assert_int_equal(reader, READER);
	assert_false(reading_busy(&reading));
	assert_non_null(reason);
	seen.failed++;
	seen.failure = failure;
	seen.reason = reason;
}

static const struct reading_ops ops = {on_read, on_failed};

static int
setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	desk_init(&desk);
	reading_init(&reading, &desk.calls, &ops, NULL, APDU_MS, CARD_MS);
	script_card_init(&card, script_piv_aid);
	(void)script_add_piv(&card, PIV_9A, pki_der(user), SCRIPT_PLAIN);
	fake_pcsc_plug(&desk.client.pcsc, 0, "A");
	fake_pcsc_insert(&desk.client.pcsc, 0, &card);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	reading_stop(&reading);
	desk_clear(&desk);
	script_card_clear(&card);
	return 0;
}

static void
again(void)
{
	(void)teardown(NULL);
	(void)setup(NULL);
}

static int
make_user(void **state)
{
	(void)state;
	user = pki_user_new("user", NULL);
	return 0;
}

static int
free_user(void **state)
{
	(void)state;
	pki_cert_free(user);
	return 0;
}

static struct fake_pcsc *
pcsc(void)
{
	return &desk.client.pcsc;
}

static void
begin(void)
{
	static const struct card_hints hints = {.protocol = 0};

	reading_start(&reading, READER, &name, &hints, desk.now_ms);
}

/* To the end, letting deadlines pass. */
static void
finish(void)
{
	desk_run(&desk);
	while (reading_busy(&reading)) {
		assert_true(reading_deadline(&reading) != UINT64_MAX);
		if (desk.now_ms < reading_deadline(&reading))
			desk.now_ms = reading_deadline(&reading);
		reading_tick(&reading, desk.now_ms);
		desk_run(&desk);
	}
}

static void
assert_given_back(void)
{
	assert_false(reading_busy(&reading));
	assert_null(reading.job);
	assert_int_equal(fake_pcsc_contexts(pcsc()), 0);
	assert_int_equal(fake_pcsc_handles(pcsc()), 0);
	assert_int_equal(fake_pcsc_transactions(pcsc()), 0);
}

/* The number of calls of an undisturbed read. */
static unsigned
calls_of_a_read(void)
{
	begin();
	finish();
	assert_int_equal(seen.good, 1);
	return pcsc()->calls;
}

static void
a_card_is_read(void **state)
{
	(void)state;
	(void)calls_of_a_read();
	assert_int_equal(seen.certs, 1);
	assert_given_back();
	assert_int_equal(fake_pcsc_count(pcsc(), IOCTL_BEGIN_TRANSACTION), 1);
	assert_int_equal(fake_pcsc_count(pcsc(), IOCTL_END_TRANSACTION), 1);
}

static void
codes_are_judged(void **state)
{
	static const struct {
		uint32_t ioctl;
		uint32_t code;
		enum certprop_failure failure;
	} rows[] = {
	    {IOCTL_CONNECT_W, ESC_E_SHARING_VIOLATION, CERTPROP_RETRY},
	    {IOCTL_CONNECT_W, ESC_E_NO_SMARTCARD, CERTPROP_RETRY},
	    {IOCTL_CONNECT_W, ESC_W_UNRESPONSIVE_CARD, CERTPROP_PERMANENT},
	    {IOCTL_CONNECT_W, ESC_W_UNPOWERED_CARD, CERTPROP_PERMANENT},
	    {IOCTL_CONNECT_W, ESC_E_PROTO_MISMATCH, CERTPROP_PERMANENT},
	    {IOCTL_BEGIN_TRANSACTION, ESC_E_SHARING_VIOLATION, CERTPROP_RETRY},
	    {IOCTL_BEGIN_TRANSACTION, ESC_W_RESET_CARD, CERTPROP_RETRY},
	    {IOCTL_TRANSMIT, ESC_W_RESET_CARD, CERTPROP_RETRY},
	    {IOCTL_TRANSMIT, ESC_W_REMOVED_CARD, CERTPROP_RETRY},
	    {IOCTL_TRANSMIT, ESC_F_INTERNAL_ERROR, CERTPROP_RETRY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		again();
		pcsc()->refuse_ioctl = rows[i].ioctl;
		pcsc()->refuse_code = rows[i].code;
		begin();
		finish();
		assert_int_equal(seen.failed, 1);
		assert_int_equal(seen.failure, rows[i].failure);
		assert_given_back();
	}
}

/* Whatever call is refused, the end is one answer and nothing held. */
static void
every_call_may_be_refused(void **state)
{
	unsigned calls = calls_of_a_read();

	(void)state;
	for (unsigned at = 1; at <= calls; at++) {
		again();
		pcsc()->refuse_at = at;
		pcsc()->refuse_code = ESC_W_RESET_CARD;
		begin();
		finish();
		assert_int_equal(seen.good + seen.failed, 1);
		assert_int_equal(seen.failed, at + 3 <= calls);
		assert_int_equal(fake_pcsc_transactions(pcsc()), 0);
		if (at != calls) /* the release itself was refused */
			assert_int_equal(fake_pcsc_contexts(pcsc()), 0);
	}
}

/* No answer: it is interrupted and given back; what follows may answer. */
static void
every_call_may_be_swallowed(void **state)
{
	unsigned calls = calls_of_a_read();

	(void)state;
	for (unsigned at = 1; at <= calls; at++) {
		again();
		pcsc()->swallow_at = at;
		begin();
		finish();
		assert_int_equal(seen.good + seen.failed, 1);
		assert_true(desk.now_ms <= 1000 + APDU_MS);
		assert_int_equal(fake_pcsc_transactions(pcsc()), 0);
		if (at + 3 > calls)
			continue; /* given back by what was swallowed */
		assert_int_equal(seen.failed, 1);
		assert_int_equal(seen.failure, CERTPROP_RETRY);
		assert_int_equal(fake_pcsc_handles(pcsc()), 0);
	}
}

static void
pull_card(void *arg)
{
	fake_pcsc_remove(arg, 0);
}

static void
every_call_may_see_the_card_go(void **state)
{
	unsigned calls = calls_of_a_read();

	(void)state;
	for (unsigned at = 1; at <= calls; at++) {
		again();
		pcsc()->hook_at = at;
		pcsc()->hook = pull_card;
		pcsc()->hook_arg = pcsc();
		begin();
		finish();
		assert_int_equal(seen.good + seen.failed, 1);
		assert_int_equal(seen.failed, at + 3 <= calls);
		if (seen.failed > 0)
			assert_int_equal(seen.failure, CERTPROP_RETRY);
		assert_given_back();
	}
}

static void
cancelled_at_every_call(void **state)
{
	unsigned calls = calls_of_a_read();

	(void)state;
	for (unsigned at = 0; at < calls - 1; at++) {
		again();
		begin();
		for (unsigned i = 0; i < at; i++)
			assert_true(desk_step(&desk));
		reading_cancel(&reading, desk.now_ms);
		finish();
		assert_int_equal(seen.good + seen.failed, 0);
		assert_given_back();
	}
}

static void
ended_at_every_call(void **state)
{
	unsigned calls = calls_of_a_read();

	(void)state;
	for (unsigned at = 1; at < calls - 1; at++) {
		again();
		begin();
		for (unsigned i = 0; i < at; i++)
			assert_true(desk_step(&desk));
		reading_end(&reading);
		desk_run(&desk);
		assert_int_equal(seen.good + seen.failed, 0);
		assert_given_back();
	}
}

static void
stopped_at_every_call(void **state)
{
	unsigned calls = calls_of_a_read();

	(void)state;
	for (unsigned at = 0; at < calls - 1; at++) {
		unsigned made;

		again();
		begin();
		for (unsigned i = 0; i < at; i++)
			assert_true(desk_step(&desk));
		calls_close(&desk.calls);
		reading_stop(&reading);
		made = pcsc()->calls;
		desk_run(&desk);
		assert_int_equal(pcsc()->calls, made);
		assert_false(reading_busy(&reading));
	}
}

/* A slow line: the card is given up between objects, and read to its end. */
static void
long_reads_yield(void **state)
{
	unsigned transmits;

	(void)state;
	(void)calls_of_a_read();
	transmits = fake_pcsc_count(pcsc(), IOCTL_TRANSMIT);
	again();
	desk.call_ms = 800;
	begin();
	finish();
	assert_int_equal(seen.good, 1);
	assert_int_equal(seen.certs, 1);
	assert_given_back();
	assert_true(fake_pcsc_count(pcsc(), IOCTL_BEGIN_TRANSACTION) > 2);
	assert_int_equal(fake_pcsc_count(pcsc(), IOCTL_BEGIN_TRANSACTION),
	                 fake_pcsc_count(pcsc(), IOCTL_END_TRANSACTION));
	/* Only the application was selected again, each time. */
	assert_true(fake_pcsc_count(pcsc(), IOCTL_TRANSMIT) <=
	            transmits +
	                fake_pcsc_count(pcsc(), IOCTL_BEGIN_TRANSACTION));
}

/* So slow that the card's own deadline comes first. */
static void
the_card_has_a_deadline(void **state)
{
	(void)state;
	desk.call_ms = 4000;
	begin();
	for (;;) {
		if (desk.now_ms >= reading_deadline(&reading))
			reading_tick(&reading, desk.now_ms);
		if (!desk_step(&desk))
			break;
	}
	finish();
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.failure, CERTPROP_RETRY);
	assert_string_equal(seen.reason, "card takes too long");
	assert_given_back();
}

static void
a_card_that_says_nothing(void **state)
{
	(void)state;
	script_card_clear(&card);
	script_card_init(&card, script_gids_aid);
	card.aid = (struct wire_view){(const uint8_t *)"none", 4};
	begin();
	finish();
	assert_int_equal(seen.failed, 1);
	assert_int_equal(seen.failure, CERTPROP_PERMANENT);
	assert_given_back();
}

/* A client that answers nothing, for ever: our calls run out, no more. */
static void
a_dead_client_is_bounded(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		begin();
		while (reading_busy(&reading)) {
			desk.now_ms = reading_deadline(&reading);
			reading_tick(&reading, desk.now_ms);
		}
	}
	assert_int_equal(seen.failed, 50);
	assert_true(mux_outstanding(desk.mux, MUX_OWN) <= MUX_OWN_MAX);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(a_card_is_read),
	    TEST(codes_are_judged),
	    TEST(every_call_may_be_refused),
	    TEST(every_call_may_be_swallowed),
	    TEST(every_call_may_see_the_card_go),
	    TEST(cancelled_at_every_call),
	    TEST(ended_at_every_call),
	    TEST(stopped_at_every_call),
	    TEST(long_reads_yield),
	    TEST(the_card_has_a_deadline),
	    TEST(a_card_that_says_nothing),
	    TEST(a_dead_client_is_bounded),
	};

	return cmocka_run_group_tests(tests, make_user, free_user);
}
