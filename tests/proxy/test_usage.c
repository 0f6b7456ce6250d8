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
static struct usage_call
verify(uint16_t sw)
{
	return (struct usage_call){.reader = "Virtual Reader",
	                           .atr = {atr, sizeof(atr)},
	                           .asker = "server",
	                           .call = "Transmit",
	                           .is_command = true,
	                           .header = {0x00, 0x20, 0x00, 0x80},
	                           .sent = 13,
	                           .received = 2,
	                           .answered = true,
	                           .sw = sw,
	                           .ms = 12,
	                           .rule = "commands full"};
}

static void
test_event(void **state)
{
	struct usage_call call = verify(0x9000);

	(void)state;
	usage_user(usage, "alice");
	usage_note(usage, &call, 0);
	assert_int_equal(told, 1);
	assert_string_equal(names[0], "card-use");
	assert_string_equal(
	    texts[0],
	    "user=alice client=192.0.2.7 target=desk reader=\"Virtual Reader\" "
	    "atr=3b01 asker=server call=Transmit cla_ins_p1p2=00200080 sent=13 "
	    "received=2 sw=9000 ms=12 decision=allow rule=\"commands full\"");
}

static void
test_other_call(void **state)
{
	struct usage_call call = {.call = "Connect",
	                          .asker = "server",
	                          .refused = true,
	                          .rule = "calls: deny Connect"};

	(void)state;
	usage_note(usage, &call, 0);
	assert_string_equal(texts[0],
	                    "client=192.0.2.7 target=desk asker=server "
	                    "call=Connect ms=0 decision=refuse "
	                    "rule=\"calls: deny Connect\"");
}

/* What a client calls its reader stays inside its quotes. */
static void
test_untrusted(void **state)
{
	struct usage_call call = verify(0x9000);
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
		uint16_t sw;
		uint8_t ins;
		uint32_t sent;
		const char *name; /* NULL: none */
		const char *end;
	} cases[] = {
	    {0x9000, 0x20, 13, NULL, NULL},
	    {0x63c2, 0x20, 13, "pin-retries",
	     " left=2 because=\"a wrong PIN\""},
	    {0x63cf, 0x24, 21, "pin-retries",
	     " left=15 because=\"a wrong PIN\""},
	    {0x63c3, 0x20, 4, "pin-retries",
	     " left=3 because=\"it was asked for\""},
	    {0x63c3, 0x20, 5, "pin-retries",
	     " left=3 because=\"it was asked for\""},
	    {0x63c0, 0x20, 13, "pin-blocked", " asker=server"},
	    {0x6983, 0x20, 4, "pin-blocked", " asker=server"},
	    {0x6983, 0x2c, 21, "pin-blocked", " asker=server"},
	    {0x6983, 0x87, 21, NULL, NULL},
	    {0x63c2, 0xb0, 5, NULL, NULL},
	    {0x6982, 0x20, 13, NULL, NULL},
	    {0x6300, 0x20, 13, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct usage_call call = verify(cases[i].sw);

		call.header[1] = cases[i].ins;
		call.sent = cases[i].sent;
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

/* A refused command was not seen by the card, and one may stay unanswered. */
static void
test_no_answer(void **state)
{
	struct usage_call call = verify(0x6983);

	(void)state;
	call.refused = true;
	usage_note(usage, &call, 0);
	call.refused = false;
	call.answered = false;
	usage_note(usage, &call, 0);
	assert_int_equal(told, 2);
	assert_null(strstr(texts[1], " sw="));
}

static void
test_counters(void **state)
{
	struct usage_call call = verify(0x9000);
	struct usage_call other = {.call = "Connect"};

	(void)state;
	usage_note(usage, &call, 0);
	usage_note(usage, &other, 0);
	call.refused = true;
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
	struct usage_call call = verify(0x9000);

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
