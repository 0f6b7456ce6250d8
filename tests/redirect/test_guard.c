/*
 * A server under a policy: what is refused does not exist for it, and each call
 * is answered once.
 */
#include "bed.h"
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { DEVICE = 1, ASK_ID = 500, PARK_ID = 900 };

static struct bed bed;
static struct script_card card;
static struct filter_policy policy;
static struct esc_call call;
static struct esc_return ret;
static struct esc_handle held;

/* Both readers, the card in A, a server that has a context. */
static void
start(void)
{
	script_card_init(&card, script_piv_aid);
	bed_init(&bed);
	bed.config.role = CHANNEL_RELAY;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_plug(&bed.client.pcsc, 1, "Reader B");
	fake_pcsc_insert(&bed.client.pcsc, 0, &card);
	bed_start(&bed);
	channel_filter(bed.ch, &policy, bed.now_ms);
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	fake_server_establish(&bed.server, DEVICE, 7);
	bed_run(&bed);
}

static void
stop(void)
{
	bed_clear(&bed);
	script_card_clear(&card);
	filter_policy_clear(&policy);
}

/* Readers that the propagation machine is told of. */
static unsigned
shown(void)
{
	unsigned count = 0;

	for (size_t i = 0; i < CERTPROP_READERS_MAX; i++)
		count += bed.ch->sight.readers[i].used &&
		         bed.ch->sight.readers[i].shown;
	return count;
}

static void
begin_call(enum esc_form form)
{
	memset(&call, 0, sizeof(call));
	call.form = form;
}

/* Make the call; its return is in ret, its code is returned. */
static uint32_t
ask(enum ioctl_code code)
{
	unsigned before = fake_server_answers(&bed.server, ASK_ID);
	struct wire_view output = {bed.server.last, 0};

	fake_server_call(&bed.server, DEVICE, ASK_ID, code, &call);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, ASK_ID), before + 1);
	output.len = bed.server.last_len;
	assert_int_equal(ioctl_return_decode(ioctl_find(code), output, &ret),
	                 WIRE_OK);
	return ret.code;
}

static uint32_t
connect_to(const char *reader, enum ioctl_code code)
{
	begin_call(code == IOCTL_CONNECT_W ? ESC_WIDE : ESC_ANSI);
	call.connect.context = bed.server.context;
	call.connect.reader.present = true;
	strcpy(call.connect.reader.text, reader);
	call.connect.share_mode = ESC_SHARE_SHARED;
	call.connect.protocols = ESC_PROTOCOL_TX;
	if (ask(code) != 0)
		return ret.code;
	held = ret.connect.handle;
	begin_call(ESC_ANSI);
	call.hcard.handle = held;
	return ask(IOCTL_BEGIN_TRANSACTION);
}

static uint32_t
transmit(const void *apdu, size_t len)
{
	begin_call(ESC_ANSI);
	call.transmit.handle = held;
	call.transmit.send_pci.protocol = ESC_PROTOCOL_T1;
	call.transmit.send = (struct wire_view){apdu, len};
	call.transmit.recv_len = 258;
	return ask(IOCTL_TRANSMIT);
}

static const uint8_t select_full[] = {0, 0xA4, 4, 0, 9,    0xA0, 0, 0,
                                      3, 8,    0, 0, 0x10, 0,    0};

#define TRANSMIT(...)                                                          \
	transmit((const uint8_t[]){__VA_ARGS__},                               \
	         sizeof((const uint8_t[]){__VA_ARGS__}))

static uint32_t
state_of(const char *reader, uint32_t current, uint32_t timeout_ms)
{
	begin_call(ESC_WIDE);
	call.watch.context = bed.server.context;
	call.watch.timeout_ms = timeout_ms;
	call.watch.count = 1;
	call.watch.states[0].reader.present = true;
	strcpy(call.watch.states[0].reader.text, reader);
	call.watch.states[0].current = current;
	return ask(IOCTL_GET_STATUS_CHANGE_W);
}

static uint32_t
list(enum ioctl_code code, uint32_t names_null, uint32_t chars)
{
	begin_call(code == IOCTL_LIST_READERS_W ? ESC_WIDE : ESC_ANSI);
	call.list.context = bed.server.context;
	call.list.names_null = names_null;
	call.list.chars = chars;
	return ask(code);
}

/* Without a policy all passes, and its use is told. */
static void
all_is_allowed(void **state)
{
	(void)state;
	filter_policy_init(&policy);
	start();
	assert_int_equal(bed.begins, 1);
	assert_int_equal(list(IOCTL_LIST_READERS_W, 0, ESC_AUTOALLOCATE), 0);
	assert_int_equal(ret.list.names.count, 2);
	assert_int_equal(connect_to("Reader A", IOCTL_CONNECT_W), 0);
	assert_int_equal(bed.uses, 2);
	assert_string_equal(bed.use_reader, "Reader A");
	assert_int_equal(transmit(select_full, sizeof(select_full)), 0);
	assert_string_equal(bed.use.call, "Transmit");
	assert_string_equal(bed.use.command, "SELECT");
	assert_int_equal(bed.use.status_word, 0x9000);
	assert_int_equal(bed.use.send_len, sizeof(select_full));
	assert_int_equal(bed.use.decision, FILTER_ALLOW);
	assert_int_equal(bed.use.pin_tries, CHANNEL_PIN_UNKNOWN);
	stop();
}

static void
refused_readers_do_not_exist(void **state)
{
	unsigned connects;

	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_readers(&policy, "deny *B"));
	start();
	assert_int_equal(shown(), 1);
	assert_int_equal(list(IOCTL_LIST_READERS_W, 0, ESC_AUTOALLOCATE), 0);
	assert_int_equal(ret.list.names.count, 1);
	assert_string_equal(ret.list.names.list[0].text, "Reader A");
	assert_int_equal(list(IOCTL_LIST_READERS_A, 0, ESC_AUTOALLOCATE), 0);
	assert_int_equal(ret.list.names.count, 1);
	/* only the size, and a buffer that is too small */
	assert_int_equal(list(IOCTL_LIST_READERS_W, 1, 0), 0);
	assert_false(ret.list.names.present);
	assert_int_equal(ret.list.names.size, 20);
	assert_int_equal(list(IOCTL_LIST_READERS_A, 1, 0), 0);
	assert_int_equal(ret.list.names.size, 10);
	assert_int_equal(list(IOCTL_LIST_READERS_A, 0, 9),
	                 ESC_E_INSUFFICIENT_BUFFER);
	assert_int_equal(list(IOCTL_LIST_READERS_A, 0, 10), 0);
	connects = fake_pcsc_count(&bed.client.pcsc, IOCTL_CONNECT_A);
	assert_int_equal(connect_to("Reader B", IOCTL_CONNECT_A),
	                 ESC_E_UNKNOWN_READER);
	assert_string_equal(bed.use_rule, "readers: deny *B");
	assert_int_equal(bed.use.decision, FILTER_REFUSE);
	assert_int_equal(connect_to("reader b", IOCTL_CONNECT_W),
	                 ESC_E_UNKNOWN_READER);
	assert_int_equal(fake_pcsc_count(&bed.client.pcsc, IOCTL_CONNECT_A),
	                 connects);
	assert_int_equal(state_of("Reader B", 0, 0), ESC_E_UNKNOWN_READER);
	assert_int_equal(connect_to("Reader A", IOCTL_CONNECT_A), 0);
	stop();
}

static void
no_reader_is_left(void **state)
{
	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_readers(&policy, "deny *"));
	start();
	assert_int_equal(shown(), 0);
	assert_int_equal(list(IOCTL_LIST_READERS_W, 0, ESC_AUTOALLOCATE),
	                 ESC_E_NO_READERS_AVAILABLE);
	assert_int_equal(list(IOCTL_LIST_READERS_A, 1, 0),
	                 ESC_E_NO_READERS_AVAILABLE);
	/* the pseudo reader stays */
	fake_server_park(&bed.server, DEVICE, PARK_ID);
	bed_run(&bed);
	assert_int_equal(fake_pcsc_parked(&bed.client.pcsc), 2);
	/* another policy: they come into sight */
	channel_filter(bed.ch, NULL, bed.now_ms);
	bed_advance(&bed, 5000);
	assert_int_equal(shown(), 2);
	assert_int_equal(bed.begins, 1);
	assert_int_equal(list(IOCTL_LIST_READERS_W, 0, ESC_AUTOALLOCATE), 0);
	assert_int_equal(ret.list.names.count, 2);
	/* and out of it */
	channel_filter(bed.ch, &policy, bed.now_ms);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.readers_gone, 2);
	stop();
}

static void
refused_cards_are_not_there(void **state)
{
	uint32_t told;
	struct esc_call cancel;

	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_cards(&policy, "deny 3B 00*"));
	start();
	assert_int_equal(bed.begins, 0);
	assert_int_equal(state_of("Reader A", 0, 0), 0);
	told = ret.watch.states[0].event;
	assert_true((told & ESC_STATE_EMPTY) != 0);
	assert_true((told & ESC_STATE_PRESENT) == 0);
	assert_int_equal(ret.watch.states[0].atr.len, 0);
	assert_int_equal(connect_to("Reader A", IOCTL_CONNECT_W),
	                 ESC_E_NO_SMARTCARD);
	assert_string_equal(bed.use_rule, "cards: deny 3B 00*");
	/* waiting for a card is waiting: no answer, and no loop */
	begin_call(ESC_WIDE);
	call.watch.context = bed.server.context;
	call.watch.timeout_ms = ESC_INFINITE;
	call.watch.count = 1;
	call.watch.states[0].reader.present = true;
	strcpy(call.watch.states[0].reader.text, "Reader A");
	call.watch.states[0].current = told & ~(uint32_t)ESC_STATE_CHANGED;
	fake_server_call(&bed.server, DEVICE, PARK_ID,
	                 IOCTL_GET_STATUS_CHANGE_W, &call);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID), 0);
	assert_int_equal(fake_pcsc_parked(&bed.client.pcsc), 2);
	/* it can be cancelled */
	memset(&cancel, 0, sizeof(cancel));
	cancel.context.context = bed.server.context;
	fake_server_call(&bed.server, DEVICE, PARK_ID + 1, IOCTL_CANCEL,
	                 &cancel);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID), 1);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID + 1), 1);
	/* that card may come and go: nothing the server could see changes */
	fake_server_call(&bed.server, DEVICE, PARK_ID,
	                 IOCTL_GET_STATUS_CHANGE_W, &call);
	bed_run(&bed);
	fake_pcsc_remove(&bed.client.pcsc, 0);
	bed_run(&bed);
	fake_pcsc_insert(&bed.client.pcsc, 0, &card);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID), 1);
	assert_int_equal(fake_pcsc_parked(&bed.client.pcsc), 2);
	/* under another policy the next change is one */
	channel_filter(bed.ch, NULL, bed.now_ms);
	fake_pcsc_remove(&bed.client.pcsc, 0);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID), 2);
	assert_int_equal(bed.server.faults, 0);
	stop();
}

/* A wait that is over in the meantime ends, and one with an end has it. */
static void
waits_for_nothing_end(void **state)
{
	struct esc_call cancel;

	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_cards(&policy, "deny 3B 00*"));
	start();
	fake_pcsc_remove(&bed.client.pcsc, 0);
	bed_run(&bed);
	assert_int_equal(state_of("Reader A", 0, 0), 0);
	begin_call(ESC_WIDE);
	call.watch.context = bed.server.context;
	call.watch.timeout_ms = ESC_INFINITE;
	call.watch.count = 1;
	call.watch.states[0].reader.present = true;
	strcpy(call.watch.states[0].reader.text, "Reader A");
	call.watch.states[0].current =
	    ret.watch.states[0].event & ~(uint32_t)ESC_STATE_CHANGED;
	fake_server_call(&bed.server, DEVICE, PARK_ID,
	                 IOCTL_GET_STATUS_CHANGE_W, &call);
	bed_run(&bed);
	/* the client has answered, and has not seen this, which ends it */
	fake_pcsc_insert(&bed.client.pcsc, 0, &card);
	memset(&cancel, 0, sizeof(cancel));
	cancel.context.context = bed.server.context;
	fake_server_call(&bed.server, DEVICE, PARK_ID + 1, IOCTL_CANCEL,
	                 &cancel);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID), 1);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID + 1), 1);
	/* only a look: it is told that the time is up, and nothing changed */
	call.watch.timeout_ms = 0;
	assert_int_equal(ask(IOCTL_GET_STATUS_CHANGE_W), ESC_E_TIMEOUT);
	assert_int_equal(ret.watch.count, 1);
	assert_true((ret.watch.states[0].event & ESC_STATE_EMPTY) != 0);
	assert_true((ret.watch.states[0].event & ESC_STATE_CHANGED) == 0);
	stop();
}

/* One that waits while its client begins anew, or is gone. */
static void
waits_are_freed(void **state)
{
	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_cards(&policy, "deny 3B 00*"));
	start();
	for (unsigned i = 0; i < FAKE_PARKED_MAX - 1; i++)
		fake_server_park(&bed.server, DEVICE, PARK_ID + i);
	bed_run(&bed);
	stop();
}

/* Whose cache it is cannot be told: it has nothing, and takes nothing. */
static void
no_cache_of_refused_cards(void **state)
{
	unsigned calls;

	(void)state;
	filter_policy_init(&policy);
	start();
	begin_call(ESC_WIDE);
	call.read_cache.context = bed.server.context;
	call.read_cache.lookup =
	    (struct esc_name){"Cached_ContainerInfo", true};
	call.read_cache.card.present = true;
	calls = bed.client.pcsc.calls;
	(void)ask(IOCTL_READ_CACHE_W);
	assert_int_equal(bed.client.pcsc.calls, calls + 1);
	assert_null(filter_parse_cards(&policy, "deny 3F*"));
	channel_filter(bed.ch, &policy, bed.now_ms);
	calls = bed.client.pcsc.calls;
	assert_int_equal(ask(IOCTL_READ_CACHE_W), ESC_W_CACHE_ITEM_NOT_FOUND);
	begin_call(ESC_ANSI);
	call.write_cache.context = bed.server.context;
	call.write_cache.lookup = (struct esc_name){"x", true};
	call.write_cache.card.present = true;
	assert_int_equal(ask(IOCTL_WRITE_CACHE_A), ESC_W_CACHE_ITEM_TOO_BIG);
	assert_int_equal(bed.client.pcsc.calls, calls);
	assert_string_equal(bed.use_rule, "cards: whose cache is not known");
	stop();
}

/* The card becomes a refused one while the server holds it. */
static void
a_card_refused_later(void **state)
{
	(void)state;
	filter_policy_init(&policy);
	start();
	assert_int_equal(connect_to("Reader A", IOCTL_CONNECT_W), 0);
	assert_null(filter_parse_cards(&policy, "allow 3F*"));
	channel_filter(bed.ch, &policy, bed.now_ms);
	bed_advance(&bed, 1000);
	assert_int_equal(TRANSMIT(0, 0xA4, 4, 0), ESC_W_REMOVED_CARD);
	begin_call(ESC_WIDE);
	call.status.handle = held;
	assert_int_equal(ask(IOCTL_STATUS_W), ESC_W_REMOVED_CARD);
	/* it can be given back */
	begin_call(ESC_ANSI);
	call.hcard.handle = held;
	assert_int_equal(ask(IOCTL_DISCONNECT), 0);
	assert_int_equal(fake_pcsc_handles(&bed.client.pcsc), 0);
	stop();
}

static void
refused_commands_do_not_arrive(void **state)
{
	unsigned commands;

	(void)state;
	filter_policy_init(&policy);
	policy.commands = FILTER_USE;
	start();
	assert_int_equal(connect_to("Reader A", IOCTL_CONNECT_W), 0);
	assert_int_equal(transmit(select_full, sizeof(select_full)), 0);
	commands = card.commands;
	assert_int_equal(TRANSMIT(0, 0xDB, 0x3F, 0xFF, 1, 0), ESC_E_NO_ACCESS);
	assert_string_equal(bed.use_rule, "commands use: PUT DATA");
	assert_string_equal(bed.use.command, "PUT DATA");
	assert_int_equal(bed.use.ins, 0xDB);
	assert_string_equal(bed.use_reader, "Reader A");
	assert_int_equal(TRANSMIT(0x10, 0xDB, 0x3F, 0xFF, 1, 0),
	                 ESC_E_NO_ACCESS);
	assert_int_equal(TRANSMIT(0, 0x87, 3, 0x9B), ESC_E_NO_ACCESS);
	assert_int_equal(TRANSMIT(0), ESC_E_NO_ACCESS);
	policy.refusal = FILTER_REFUSE_STATUS_WORD;
	assert_int_equal(TRANSMIT(0, 0xDB, 0x3F, 0xFF, 1, 0), 0);
	assert_int_equal(ret.transmit.recv.view.len, 2);
	assert_int_equal(ret.transmit.recv.view.data[0], 0x69);
	assert_int_equal(ret.transmit.recv.view.data[1], 0x82);
	assert_int_equal(bed.use.status_word, 0x6982);
	assert_int_equal(bed.use.decision, FILTER_REFUSE);
	assert_int_equal(card.commands, commands);
	/* a handle that nobody gave out, and what a reader does itself */
	policy.refusal = FILTER_REFUSE_CODE;
	held.card.bytes[0] ^= 0x55;
	assert_int_equal(TRANSMIT(0, 0xA4, 4, 0), ESC_E_NO_ACCESS);
	assert_string_equal(bed.use_rule, "calls: unknown handle");
	begin_call(ESC_ANSI);
	call.control.handle = held;
	call.control.code = 0x312000;
	assert_int_equal(ask(IOCTL_CONTROL), ESC_E_NO_ACCESS);
	stop();
}

/* From the next call on, whatever was opened before. */
static void
reload_in_the_middle(void **state)
{
	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_calls(&policy, "deny *transmit*"));
	start();
	assert_int_equal(connect_to("Reader A", IOCTL_CONNECT_W), 0);
	assert_int_equal(TRANSMIT(0, 0xA4, 4, 0), ESC_E_NO_ACCESS);
	assert_string_equal(bed.use_rule, "calls: deny *transmit*");
	channel_filter(bed.ch, NULL, bed.now_ms);
	assert_int_equal(transmit(select_full, sizeof(select_full)), 0);
	channel_filter(bed.ch, &policy, bed.now_ms);
	assert_int_equal(TRANSMIT(0, 0xA4, 4, 0), ESC_E_NO_ACCESS);
	channel_filter(bed.ch, NULL, bed.now_ms);
	filter_policy_clear(&policy);
	policy.redirect = false;
	channel_filter(bed.ch, &policy, bed.now_ms);
	assert_int_equal(TRANSMIT(0, 0xA4, 4, 0), ESC_E_NO_SERVICE);
	bed_advance(&bed, 1000);
	assert_string_equal(bed.role, "none");
	channel_filter(bed.ch, NULL, bed.now_ms);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_int_equal(transmit(select_full, sizeof(select_full)), 0);
	stop();
}

/* As group policies do: the section is the same, a value in it is not. */
static void
changed_in_its_place(void **state)
{
	(void)state;
	filter_policy_init(&policy);
	start();
	assert_int_equal(connect_to("Reader A", IOCTL_CONNECT_W), 0);
	for (int turn = 0; turn < 2; turn++) {
		policy.redirect = false;
		channel_filter(bed.ch, &policy, bed.now_ms);
		bed_advance(&bed, 1000);
		assert_string_equal(bed.role, "none");
		policy.redirect = true;
		channel_filter(bed.ch, &policy, bed.now_ms);
		bed_advance(&bed, 5000);
		assert_string_equal(bed.role, "relay");
	}
	stop();
}

/* A refusal overtakes nothing that was answered, and waits for nothing. */
static void
each_call_is_answered_once(void **state)
{
	(void)state;
	filter_policy_init(&policy);
	assert_null(filter_parse_calls(&policy, "deny GetReaderIcon"));
	start();
	fake_server_park(&bed.server, DEVICE, PARK_ID);
	begin_call(ESC_WIDE);
	call.reader.context = bed.server.context;
	call.reader.reader.present = true;
	strcpy(call.reader.reader.text, "Reader A");
	for (uint32_t i = 0; i < 20; i++)
		fake_server_call(&bed.server, DEVICE, PARK_ID + 1 + i % 2,
		                 IOCTL_GET_READER_ICON, &call);
	bed_run(&bed);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID + 1), 10);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID + 2), 10);
	assert_int_equal(fake_server_answers(&bed.server, PARK_ID), 0);
	assert_int_equal(bed.server.faults, 0);
	stop();
}

static void
without_redirection_no_capability(void **state)
{
	(void)state;
	filter_policy_init(&policy);
	policy.redirect = false;
	start();
	assert_int_equal(bed.server.cards, 0);
	assert_int_equal(bed.client.accepted, 1); /* by us, not by it */
	assert_int_equal(bed.client.pcsc.calls, 0);
	assert_string_equal(bed.role, "none");
	assert_string_equal(bed.reason, "policy");
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_is_allowed),
	    cmocka_unit_test(refused_readers_do_not_exist),
	    cmocka_unit_test(no_reader_is_left),
	    cmocka_unit_test(refused_cards_are_not_there),
	    cmocka_unit_test(waits_for_nothing_end),
	    cmocka_unit_test(waits_are_freed),
	    cmocka_unit_test(no_cache_of_refused_cards),
	    cmocka_unit_test(a_card_refused_later),
	    cmocka_unit_test(refused_commands_do_not_arrive),
	    cmocka_unit_test(reload_in_the_middle),
	    cmocka_unit_test(changed_in_its_place),
	    cmocka_unit_test(each_call_is_answered_once),
	    cmocka_unit_test(without_redirection_no_capability),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
