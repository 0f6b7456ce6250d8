/*
 * The guard and its roster without a channel around them: what is known of an
 * application, of a handle and of a PIN, call by call.
 */
#include "guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "roster.h"

static struct filter_policy policy;
static struct esc_call call;
static struct esc_return ret;
static struct esc_handle held;

static void
begin_call(enum esc_form form)
{
	memset(&call, 0, sizeof(call));
	call.form = form;
}

static struct channel_use last;

static void
keep_use(void *arg, const struct channel_use *use)
{
	(void)arg;
	last = *use;
}

static enum guard_step
give(struct guard *guard, uint32_t id, const void *apdu, size_t len)
{
	uint8_t data[512];
	struct wire_out out = wire_out(data, sizeof(data));
	struct rdpefs_control control = {2048, IOCTL_TRANSMIT, {NULL, 0}};
	struct wire_view changed;
	enum guard_step step;

	begin_call(ESC_ANSI);
	call.transmit.handle = held;
	call.transmit.send = (struct wire_view){apdu, len};
	ioctl_call_encode(ioctl_find(IOCTL_TRANSMIT), &out, &call);
	control.input = wire_written(&out);
	step = guard_call(guard, &control, 1000, &changed);
	if (step != GUARD_REFUSE)
		guard_sent(guard, id);
	return step;
}

static void
take(struct guard *guard, uint32_t id, uint16_t status)
{
	uint8_t data[256];
	uint8_t bytes[2] = {(uint8_t)(status >> 8), (uint8_t)status};
	struct wire_out out = wire_out(data, sizeof(data));
	struct wire_view changed;

	memset(&ret, 0, sizeof(ret));
	ret.transmit.recv.present = true;
	ret.transmit.recv.view = (struct wire_view){bytes, 2};
	ioctl_return_encode(ioctl_find(IOCTL_TRANSMIT), &out, &ret);
	assert_int_equal(
	    guard_return(guard, id, wire_written(&out), 1030, &changed),
	    GUARD_PASS);
}

static struct guard *
guard_with_handle(void)
{
	struct guard *guard = guard_new(keep_use, NULL);
	const struct ioctl *row = ioctl_find(IOCTL_CONNECT_W);

	assert_non_null(guard);
	guard_policy(guard, &policy);
	begin_call(ESC_WIDE);
	call.connect.reader.present = true;
	strcpy(call.connect.reader.text, "R");
	guard_note_call(guard, CHANNEL_BY_SERVER, 1, row, &call, 0);
	memset(&ret, 0, sizeof(ret));
	held = (struct esc_handle){{{1, 2, 3, 4}, 4}, {{5, 6, 7, 8}, 4}};
	ret.connect.handle = held;
	guard_note_return(guard, 1, &ret, 0);
	return guard;
}

static const uint8_t select_piv[] = {0, 0xA4, 4, 0, 5, 0xA0, 0, 0, 3, 8};
static const uint8_t select_pgp[] = {0,    0xA4, 4, 0,    6, 0xD2,
                                     0x76, 0,    1, 0x24, 1};
static const uint8_t read_key[] = {0, 0x47, 0x81, 0, 2, 0xB6, 0, 0};
static const uint8_t verify[] = {0,   0x20, 0,    0x80, 8,    '1', '2',
                                 '3', '4',  0xFF, 0xFF, 0xFF, 0xFF};

/* While a SELECT is under way nobody knows the application. */
static void
selection_under_way(void **state)
{
	struct guard *guard;

	(void)state;
	filter_policy_init(&policy);
	policy.commands = FILTER_USE;
	guard = guard_with_handle();
	assert_int_equal(give(guard, 1, read_key, 8), GUARD_REFUSE);
	assert_int_equal(give(guard, 2, select_pgp, 11), GUARD_PASS);
	assert_int_equal(give(guard, 3, read_key, 8), GUARD_REFUSE);
	take(guard, 2, 0x9000);
	assert_int_equal(give(guard, 3, read_key, 8), GUARD_PASS);
	take(guard, 3, 0x9000);
	assert_int_equal(give(guard, 4, select_piv, 10), GUARD_PASS);
	assert_int_equal(give(guard, 5, read_key, 8), GUARD_REFUSE);
	take(guard, 4, 0x6A82);
	assert_int_equal(give(guard, 5, read_key, 8), GUARD_PASS);
	take(guard, 5, 0x9000);
	/* an answer that never comes, then a new start */
	assert_int_equal(give(guard, 6, select_pgp, 11), GUARD_PASS);
	guard_drop(guard, 6);
	assert_int_equal(give(guard, 7, read_key, 8), GUARD_REFUSE);
	guard_reset(guard);
	assert_int_equal(give(guard, 8, select_pgp, 11), GUARD_REFUSE);
	guard_free(guard);
}

/* rdesktop's Connect answer names the card alone; later calls name both. */
static void
handle_without_context(void **state)
{
	struct guard *guard = guard_new(keep_use, NULL);
	const struct ioctl *row = ioctl_find(IOCTL_CONNECT_W);

	(void)state;
	assert_non_null(guard);
	filter_policy_init(&policy);
	policy.commands = FILTER_USE;
	guard_policy(guard, &policy);
	held = (struct esc_handle){{{1, 2, 3, 4}, 4}, {{5, 6, 7, 8}, 4}};
	begin_call(ESC_WIDE);
	call.connect.reader.present = true;
	strcpy(call.connect.reader.text, "R");
	call.connect.context = held.context;
	guard_note_call(guard, CHANNEL_BY_SERVER, 1, row, &call, 0);
	memset(&ret, 0, sizeof(ret));
	ret.connect.handle.card = held.card;
	guard_note_return(guard, 1, &ret, 0);
	assert_int_equal(give(guard, 2, select_pgp, 11), GUARD_PASS);
	guard_free(guard);
}

static void
pin_tries_are_told(void **state)
{
	static const struct {
		uint16_t status;
		int tries;
	} rows[] = {
	    {0x9000, CHANNEL_PIN_UNKNOWN},
	    {0x63C2, 2},
	    {0x63C0, 0},
	    {0x6983, CHANNEL_PIN_BLOCKED},
	    {0x6300, CHANNEL_PIN_UNKNOWN},
	};
	struct guard *guard;

	(void)state;
	filter_policy_init(&policy);
	guard = guard_with_handle();
	for (uint32_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(give(guard, i, verify, sizeof(verify)),
		                 GUARD_PASS);
		take(guard, i, rows[i].status);
		assert_int_equal(last.pin_tries, rows[i].tries);
		assert_int_equal(last.status_word, rows[i].status);
		assert_int_equal(last.elapsed_ms, 30);
		assert_string_equal(last.command, "VERIFY");
	}
	policy.commands = FILTER_READ_ONLY;
	assert_int_equal(give(guard, 9, verify, sizeof(verify)), GUARD_REFUSE);
	guard_free(guard);
}

/* More handles than can be remembered: the oldest is not known any more. */
static void
handles_are_bounded(void **state)
{
	struct roster *roster = calloc(1, sizeof(*roster));
	struct esc_name name = {"R", true};
	struct esc_handle id = {{{1}, 4}, {{0}, 4}};
	uint8_t reader;

	(void)state;
	assert_non_null(roster);
	reader = roster_reader(roster, &name);
	for (unsigned i = 0; i <= ROSTER_HANDLES_MAX; i++) {
		id.card.bytes[0] = (uint8_t)i;
		roster_open(roster, &id, reader);
	}
	assert_non_null(roster_find(roster, &id));
	id.card.bytes[0] = 0;
	assert_null(roster_find(roster, &id));
	id.card.bytes[0] = 1;
	assert_non_null(roster_find(roster, &id));
	id.context.bytes[0] = 2;
	assert_null(roster_find(roster, &id));
	id.context.bytes[0] = 1;
	for (unsigned i = 0; i < ROSTER_READERS_MAX; i++) {
		name.text[0] = (char)('a' + (char)i);
		(void)roster_reader(roster, &name);
	}
	assert_null(roster_find(roster, &id));
	free(roster);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(selection_under_way),
	    cmocka_unit_test(handle_without_context),
	    cmocka_unit_test(pin_tries_are_told),
	    cmocka_unit_test(handles_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
