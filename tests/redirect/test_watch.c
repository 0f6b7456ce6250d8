/*
 * Watching readers at all kinds of clients: cards come, go, are mute, and the
 * service fails.
 */
#include "desk.h"
#include "watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SEEN_MAX = 64 };

/* What the watch told, by the number of the reader. */
static struct {
	unsigned added;
	unsigned gone;
	unsigned told;
	struct {
		char name[64];
		bool there;
		enum certprop_presence presence;
		uint16_t counter;
		size_t atr_len;
	} readers[SEEN_MAX];
} seen;

static struct desk desk;
static struct watch watch;
static struct script_card card;

static void
on_added(void *arg, uint32_t reader, const char *name, uint64_t now_ms)
{
	(void)arg;
	(void)now_ms;
	assert_true(reader < SEEN_MAX);
	assert_false(seen.readers[reader].there);
	assert_int_equal(seen.readers[reader].name[0], 0); /* never used */
	seen.added++;
	seen.readers[reader].there = true;
	strncpy(seen.readers[reader].name, name, 63);
}

static void
on_gone(void *arg, uint32_t reader, uint64_t now_ms)
{
	(void)arg;
	(void)now_ms;
	assert_true(seen.readers[reader].there);
	seen.gone++;
	seen.readers[reader].there = false;
}

static void
on_card(void *arg, uint32_t reader, enum certprop_presence presence,
        uint16_t counter, struct wire_view atr, uint64_t now_ms)
{
	(void)arg;
	(void)now_ms;
	assert_true(seen.readers[reader].there);
	seen.told++;
	seen.readers[reader].presence = presence;
	seen.readers[reader].counter = counter;
	seen.readers[reader].atr_len = atr.len;
}

static const struct watch_ops ops = {on_added, on_gone, on_card};

static int
setup(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	desk_init(&desk);
	watch_init(&watch, &desk.calls, &ops, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	desk_clear(&desk);
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
	watch_start(&watch, desk.now_ms);
	desk_run(&desk);
}

/* Let time pass until nothing is due. */
static void
advance(uint64_t ms)
{
	uint64_t end = desk.now_ms + ms;

	desk_run(&desk);
	while (watch_deadline(&watch) <= end) {
		if (desk.now_ms < watch_deadline(&watch))
			desk.now_ms = watch_deadline(&watch);
		watch_tick(&watch, desk.now_ms);
		desk_run(&desk);
	}
	desk.now_ms = end;
}

static void
assert_parked(void)
{
	assert_int_equal(watch.state, WATCH_PARKED);
	assert_int_equal(fake_pcsc_contexts(pcsc()), 1);
	assert_int_equal(fake_pcsc_parked(pcsc()), 1);
	assert_true(watch_deadline(&watch) == UINT64_MAX);
}

static void
no_reader_is_waited_for(void **state)
{
	unsigned calls;

	(void)state;
	begin();
	assert_parked();
	calls = pcsc()->calls;
	advance(3600 * 1000);
	assert_int_equal(pcsc()->calls, calls); /* no polling */
	fake_pcsc_plug(pcsc(), 0, "A");
	desk_run(&desk);
	assert_int_equal(seen.added, 1);
	assert_string_equal(seen.readers[1].name, "A");
	assert_int_equal(seen.readers[1].presence, CERTPROP_EMPTY);
	assert_parked();
}

static void
a_card_comes_and_goes(void **state)
{
	(void)state;
	fake_pcsc_plug(pcsc(), 0, "A");
	begin();
	assert_int_equal(seen.told, 1);
	fake_pcsc_insert(pcsc(), 0, &card);
	desk_run(&desk);
	assert_int_equal(seen.readers[1].presence, CERTPROP_PRESENT);
	assert_int_equal(seen.readers[1].counter, 1);
	assert_int_equal(seen.readers[1].atr_len, 2);
	fake_pcsc_remove(pcsc(), 0);
	desk_run(&desk);
	assert_int_equal(seen.readers[1].presence, CERTPROP_EMPTY);
	assert_int_equal(seen.readers[1].counter, 2);
	assert_int_equal(seen.readers[1].atr_len, 0);
	assert_int_equal(seen.told, 3);
	assert_parked();
}

/* Taken out and put in again while an answer was under way. */
static void
a_quick_change_shows_in_the_counter(void **state)
{
	(void)state;
	fake_pcsc_plug(pcsc(), 0, "A");
	fake_pcsc_insert(pcsc(), 0, &card);
	begin();
	fake_pcsc_remove(pcsc(), 0);
	fake_pcsc_insert(pcsc(), 0, &card);
	desk_run(&desk);
	assert_int_equal(seen.readers[1].presence, CERTPROP_PRESENT);
	assert_int_equal(seen.readers[1].counter, 3);
	assert_parked();
}

static void
a_mute_card_is_told(void **state)
{
	(void)state;
	fake_pcsc_plug(pcsc(), 0, "A");
	pcsc()->readers[0].mute = true;
	fake_pcsc_insert(pcsc(), 0, &card);
	begin();
	assert_int_equal(seen.readers[1].presence, CERTPROP_MUTE);
}

static void
many_readers(void **state)
{
	char name[] = "Reader 0";

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		name[7] = (char)('0' + i);
		fake_pcsc_plug(pcsc(), i, name);
	}
	begin();
	assert_int_equal(seen.added, 8);
	assert_int_equal(seen.told, 8);
	fake_pcsc_unplug(pcsc(), 3);
	desk_run(&desk);
	assert_int_equal(seen.gone, 1);
	assert_false(seen.readers[4].there);
	fake_pcsc_insert(pcsc(), 5, &card);
	desk_run(&desk);
	assert_int_equal(seen.readers[6].presence, CERTPROP_PRESENT);
	fake_pcsc_plug(pcsc(), 3, "Reader 3");
	desk_run(&desk);
	assert_int_equal(seen.added, 9);
	assert_true(seen.readers[9].there); /* a new number */
	assert_parked();
}

static void
a_list_of_sixteen(void **state)
{
	char name[] = "Reader a";

	(void)state;
	for (size_t i = 0; i < FAKE_READERS_MAX; i++) {
		name[7] = (char)('a' + i);
		fake_pcsc_plug(pcsc(), i, name);
	}
	begin();
	assert_int_equal(seen.added, CERTPROP_READERS_MAX);
	assert_parked();
}

static void
without_pnp(enum fake_pnp pnp)
{
	pcsc()->pnp = pnp;
	fake_pcsc_plug(pcsc(), 0, "A");
	begin();
	assert_int_equal(seen.added, 1);
	assert_false(watch.pnp);
	assert_parked();
	fake_pcsc_plug(pcsc(), 1, "B");
	desk_run(&desk);
	assert_int_equal(seen.added, 1); /* nobody says so */
	fake_pcsc_insert(pcsc(), 0, &card);
	desk_run(&desk);
	assert_int_equal(seen.added, 2); /* asked again at the next wake-up */
	assert_parked();
}

static void
a_client_without_pnp(void **state)
{
	(void)state;
	without_pnp(FAKE_PNP_UNKNOWN);
}

static void
a_client_that_flags_pnp(void **state)
{
	(void)state;
	without_pnp(FAKE_PNP_FLAGGED);
}

/* It must not become a busy loop. */
static void
a_client_with_noisy_pnp(void **state)
{
	(void)state;
	without_pnp(FAKE_PNP_NOISY);
	assert_true(pcsc()->calls < 40);
}

static void
neither_reader_nor_pnp(void **state)
{
	(void)state;
	pcsc()->pnp = FAKE_PNP_UNKNOWN;
	begin();
	assert_int_equal(watch.state, WATCH_DEAF);
	assert_int_equal(fake_pcsc_contexts(pcsc()), 0);
	assert_true(watch_deadline(&watch) == UINT64_MAX);
}

static void
a_service_that_is_down_is_waited_for(void **state)
{
	(void)state;
	pcsc()->establish_code = ESC_E_NO_SERVICE;
	pcsc()->service_waits = true;
	fake_pcsc_plug(pcsc(), 0, "A");
	begin();
	assert_int_equal(watch.state, WATCH_WAITING);
	advance(3600 * 1000);
	assert_int_equal(watch.state, WATCH_STARTING);
	assert_int_equal(fake_pcsc_count(pcsc(), IOCTL_ESTABLISH_CONTEXT), 1);
	assert_int_equal(fake_pcsc_count(pcsc(), IOCTL_ACCESS_STARTED_EVENT),
	                 1);
}

/* The answer to AccessStartedEvent comes at once, but nothing gets better. */
static void
retries_are_bounded(void **state)
{
	(void)state;
	pcsc()->establish_code = ESC_E_NO_SERVICE;
	begin();
	advance(3600 * 1000);
	assert_int_equal(watch.state, WATCH_DEAF);
	assert_int_equal(fake_pcsc_count(pcsc(), IOCTL_ESTABLISH_CONTEXT),
	                 1 + WATCH_RETRIES_MAX);
}

static void
the_service_comes_back(void **state)
{
	(void)state;
	pcsc()->establish_code = ESC_E_SERVICE_STOPPED;
	fake_pcsc_plug(pcsc(), 0, "A");
	begin();
	advance(2500);
	pcsc()->establish_code = 0;
	advance(60 * 1000);
	assert_int_equal(seen.added, 1);
	assert_parked();
}

/* Each call of the way may fail, or go unanswered; it comes right again. */
static void
every_call_may_fail(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 8; at++) {
		for (unsigned swallow = 0; swallow <= 1; swallow++) {
			(void)teardown(NULL);
			(void)setup(NULL);
			fake_pcsc_plug(pcsc(), 0, "A");
			pcsc()->refuse_at = swallow ? 0 : at;
			pcsc()->refuse_code = ESC_F_INTERNAL_ERROR;
			pcsc()->swallow_at = swallow ? at : 0;
			begin();
			advance(120 * 1000);
			fake_pcsc_insert(pcsc(), 0, &card);
			advance(120 * 1000);
			if (swallow && at >= 4)
				continue; /* as good as parked, for ever */
			assert_parked();
			assert_int_equal(seen.added - seen.gone, 1);
		}
	}
}

static void
stopping_drops_all_readers(void **state)
{
	(void)state;
	fake_pcsc_plug(pcsc(), 0, "A");
	fake_pcsc_plug(pcsc(), 1, "B");
	begin();
	calls_close(&desk.calls);
	watch_stop(&watch, desk.now_ms);
	assert_int_equal(seen.gone, 2);
	assert_true(watch_deadline(&watch) == UINT64_MAX);
}

static void
the_end_gives_the_context_back(void **state)
{
	(void)state;
	fake_pcsc_plug(pcsc(), 0, "A");
	begin();
	watch_end(&watch);
	desk_run(&desk);
	assert_int_equal(fake_pcsc_contexts(pcsc()), 0);
	assert_int_equal(fake_pcsc_parked(pcsc()), 0);
	assert_int_equal(seen.gone, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(no_reader_is_waited_for),
	    TEST(a_card_comes_and_goes),
	    TEST(a_quick_change_shows_in_the_counter),
	    TEST(a_mute_card_is_told),
	    TEST(many_readers),
	    TEST(a_list_of_sixteen),
	    TEST(a_client_without_pnp),
	    TEST(a_client_that_flags_pnp),
	    TEST(a_client_with_noisy_pnp),
	    TEST(neither_reader_nor_pnp),
	    TEST(a_service_that_is_down_is_waited_for),
	    TEST(retries_are_bounded),
	    TEST(the_service_comes_back),
	    TEST(every_call_may_fail),
	    TEST(stopping_drops_all_readers),
	    TEST(the_end_gives_the_context_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
