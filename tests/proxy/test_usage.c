/* What the use of cards is reported as, and that a flood of it is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "usage.h"

static struct event_base *base;
static struct usage *usage;
static struct keep_usage counters; /* what the keeper was told last */
static int told_counters;
static char names[256][32];
static char texts[256][KEEP_TEXT_MAX + 1];
static int told;

/* What is told must fit its message. */
static void
tell_keeper(void *arg, const struct keep_msg *msg)
{
	static uint8_t datagram[4096];
	struct wire_out out = wire_out(datagram, sizeof(datagram));

	assert_ptr_equal(arg, &counters);
	keep_encode(&out, msg);
	assert_true(wire_out_ok(&out));
	if (msg->type == KEEP_USAGE) {
		counters = msg->usage;
		told_counters++;
		return;
	}
	assert_int_equal(msg->type, KEEP_EVENT);
	assert_true(told < 256);
	memcpy(names[told], msg->event.name.data, msg->event.name.len);
	names[told][msg->event.name.len] = '\0';
	memcpy(texts[told], msg->event.text.data, msg->event.text.len);
	texts[told][msg->event.text.len] = '\0';
	told++;
}

static int
set_up(void **state)
{
	struct usage_start start = {.client = "192.0.2.7",
	                            .target = "desk",
	                            .tell_keeper = tell_keeper,
	                            .arg = &counters};

	(void)state;
	base = event_base_new();
	start.base = base;
	usage = usage_new(&start);
	told = 0;
	told_counters = 0;
	return usage == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	usage_free(usage);
	event_base_free(base);
	return 0;
}

static const uint8_t atr[] = {0x3b, 0x01};

/* VERIFY of a PIN of eight bytes. */
static struct channel_use
verify(uint16_t sw, int pin_tries)
{
	return (struct channel_use){.reader = "Virtual Reader",
	                            .atr = {atr, sizeof(atr)},
	                            .asker = CHANNEL_BY_SERVER,
	                            .call = "Transmit",
	                            .command = "VERIFY",
	                            .ins = 0x20,
	                            .p2 = 0x80,
	                            .send_len = 13,
	                            .receive_len = 2,
	                            .status_word = sw,
	                            .elapsed_ms = 12,
	                            .pin_tries = pin_tries,
	                            .rule = "commands full"};
}

static void
test_event(void **state)
{
	struct channel_use call = verify(0x9000, CHANNEL_PIN_UNKNOWN);

	(void)state;
	usage_user(usage, "alice");
	usage_note(usage, &call, 0);
	assert_int_equal(told, 1);
	assert_string_equal(names[0], "card-use");
	assert_string_equal(
	    texts[0],
	    "user=alice client=192.0.2.7 target=desk reader=\"Virtual Reader\" "
	    "atr=3b01 asker=server call=Transmit command=VERIFY "
	    "cla_ins_p1p2=00200080 sent=13 "
	    "received=2 sw=9000 ms=12 decision=allow rule=\"commands full\"");
}

static void
test_other_call(void **state)
{
	struct channel_use call = {.call = "ReleaseStartedEvent",
	                           .asker = CHANNEL_BY_PROGRAM,
	                           .reader = "",
	                           .command = "",
	                           .code = 0x80100027,
	                           .pin_tries = CHANNEL_PIN_UNKNOWN,
	                           .decision = FILTER_REFUSE,
	                           .rule = "calls: deny Rel*"};

	(void)state;
	usage_note(usage, &call, 0);
	assert_string_equal(texts[0],
	                    "client=192.0.2.7 target=desk asker=program "
	                    "call=ReleaseStartedEvent code=80100027 ms=0 "
	                    "decision=refuse rule=\"calls: deny Rel*\"");
}

/* What a client calls its reader stays inside its quotes. */
static void
test_untrusted(void **state)
{
	struct channel_use call = verify(0x9000, CHANNEL_PIN_UNKNOWN);
	char name[400];

	(void)state;
	call.reader = "x\" decision=\"allow\n%";
	usage_note(usage, &call, 0);
	assert_non_null(
	    strstr(texts[0], " reader=\"x%22 decision=%22allow%0A%25\" atr="));
	memset(name, '"', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	call.reader = name;
	call.rule = name;
	usage_note(usage, &call, 0);
	assert_non_null(strstr(texts[1], " decision=allow"));
}

static void
test_pins(void **state)
{
	static const struct {
		int tries;
		uint32_t sent;
		const char *name; /* NULL: none */
		const char *end;
	} cases[] = {
	    {CHANNEL_PIN_UNKNOWN, 13, NULL, NULL},
	    {2, 13, "pin-retries", " left=2 because=\"a wrong PIN\""},
	    {15, 21, "pin-retries", " left=15 because=\"a wrong PIN\""},
	    {3, 4, "pin-retries", " left=3 because=\"it was asked for\""},
	    {3, 5, "pin-retries", " left=3 because=\"it was asked for\""},
	    {CHANNEL_PIN_BLOCKED, 13, "pin-blocked", " asker=server"},
	    {CHANNEL_PIN_BLOCKED, 4, "pin-blocked", " asker=server"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct channel_use call = verify(0x63c2, cases[i].tries);

		call.send_len = cases[i].sent;
		told = 0;
		usage_note(usage, &call, 1000 * i);
		assert_int_equal(told, cases[i].name == NULL ? 1 : 2);
		if (cases[i].name == NULL)
			continue;
		assert_string_equal(names[1], cases[i].name);
		assert_non_null(strstr(texts[1], cases[i].end));
		assert_non_null(strstr(texts[1], "reader=\"Virtual Reader\""));
	}
}

static void
test_no_answer(void **state)
{
	struct channel_use call = verify(0, CHANNEL_PIN_UNKNOWN);

	(void)state;
	usage_note(usage, &call, 0);
	assert_int_equal(told, 1);
	assert_null(strstr(texts[0], " sw="));
}

static void
test_counters(void **state)
{
	struct channel_use call = verify(0x9000, CHANNEL_PIN_UNKNOWN);
	struct channel_use other = {.reader = "",
	                            .call = "Connect",
	                            .command = "",
	                            .pin_tries = CHANNEL_PIN_UNKNOWN};

	(void)state;
	usage_note(usage, &call, 0);
	usage_note(usage, &other, 0);
	call.decision = FILTER_REFUSE;
	usage_note(usage, &call, 0);
	assert_int_equal(told_counters, 0);
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_int_equal(told_counters, 1);
	assert_int_equal(counters.calls, 3);
	assert_int_equal(counters.commands, 2);
	assert_int_equal(counters.refused, 1);
	assert_int_equal(counters.sent, 13);
	assert_int_equal(counters.received, 2);
	/* Nothing new, nothing to say: the loop has no event left. */
	assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 1);
	usage_say_again(usage);
	assert_int_equal(told_counters, 2);
}

static void
test_flood(void **state)
{
	struct channel_use call = verify(0x9000, CHANNEL_PIN_UNKNOWN);

	(void)state;
	for (int i = 0; i < USAGE_TOLD_BURST + 10; i++)
		usage_note(usage, &call, 5);
	assert_int_equal(told, USAGE_TOLD_BURST);
	usage_note(usage, &call, 5 + USAGE_TOLD_EVERY_MS);
	assert_int_equal(told, USAGE_TOLD_BURST + 2);
	assert_string_equal(names[USAGE_TOLD_BURST], "card-use-left-out");
	assert_string_equal(texts[USAGE_TOLD_BURST], "10 events");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(test_event), TEST(test_other_call), TEST(test_untrusted),
	    TEST(test_pins),  TEST(test_no_answer),  TEST(test_counters),
	    TEST(test_flood),
	};

	log_setup(LOG_ERROR, LOG_PLAIN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
