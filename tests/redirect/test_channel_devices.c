/*
 * Devices that come, go, are refused or hidden, and what is told of them.
 */
#include "bed.h"
#include "inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct bed bed;

static void
a_device_is_removed_and_comes_again(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	fake_client_remove(&bed.client, 1);
	fake_pcsc_reset(&bed.client.pcsc);
	bed_advance(&bed, 1000);
	assert_int_equal(bed.server.removals, 1);
	assert_int_equal(bed.readers_gone, 1);
	bed.client.has_drive = false;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.certs, 2);
	bed_assert_at_rest(&bed);
	bed_clear(&bed);
}

/* FreeRDP says it again after USER_LOGGEDON; xrdp ignores that. */
static void
a_device_is_announced_twice(void **state)
{
	(void)state;
	bed_init(&bed);
	bed.client.announces_twice = true;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed.client.pcsc, 0, &bed_card);
	bed_start(&bed);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.client.accepted, 2);
	assert_int_equal(bed.certs, 1);
	bed_assert_at_rest(&bed);
	bed_clear(&bed);
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	bed.server.silent = true;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_int_equal(bed.server.cards, 2);
	assert_int_equal(bed.readers_gone, 0);
	bed_assert_at_rest(&bed);
	bed_clear(&bed);
}

/* A flood of announces ends in a fault, after as many as are allowed. */
static void
announces_without_end(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed_advance(&bed, 5000);
	for (unsigned i = 1; i < CHANNEL_CHURN_BURST; i++)
		fake_client_announce(&bed.client);
	bed_run(&bed);
	assert_string_equal(bed.role, "relay");
	fake_client_announce(&bed.client);
	fake_client_announce(&bed.client);
	bed_run(&bed);
	assert_string_equal(bed.role, "none");
	assert_string_equal(bed.reason, "announces without end");
	bed_clear(&bed);
}

static void
the_first_of_several_devices_is_used(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed.client.cards[1] = bed.client.cards[0];
	bed.client.cards[1].id = 2;
	bed.client.card_count = 2;
	bed_advance(&bed, 5000);
	assert_int_equal(bed.server.cards, 2);
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.client.others.count, 0);
	/* The first goes: the second takes its place. */
	fake_client_remove(&bed.client, 1);
	bed_advance(&bed, 1000);
	assert_true(bed.client.others.count > 0);
	bed_clear(&bed);
}

static void
policy_hides_the_device(void **state)
{
	(void)state;
	bed_init(&bed);
	bed.config.role = CHANNEL_AUTO;
	bed.policy.redirect = false;
	bed.client.has_drive = true;
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	bed_start(&bed);
	fake_server_announce(&bed.server);
	bed_advance(&bed, 60000);
	assert_string_equal(bed.role, "none");
	assert_non_null(strstr(bed.reason, "policy"));
	assert_int_equal(bed.server.lists, 1);
	assert_int_equal(bed.server.devices, 1);
	assert_int_equal(bed.server.cards, 0);
	assert_int_equal(bed.server.faults, 0);
	assert_int_equal(bed.client.accepted, 2);
	fake_client_remove(&bed.client, 1);
	bed_run(&bed);
	assert_int_equal(bed.server.removals, 0);
	fake_client_remove(&bed.client, FAKE_DRIVE);
	bed_run(&bed);
	assert_int_equal(bed.server.removals, 1);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
}

static void
policy_holds_in_the_own_role(void **state)
{
	(void)state;
	bed_init(&bed);
	bed.policy.redirect = false;
	bed_start(&bed);
	bed_advance(&bed, 60000);
	assert_string_equal(bed.role, "none");
	assert_non_null(strstr(bed.reason, "policy"));
	assert_int_equal(bed.client.refused, 0);
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed_clear(&bed);
}

static const char no_card[] = "the client announced no card device";

/* The client has a drive only, and plugs the card device in later. */
static void
assert_told_of_no_card(const char *role)
{
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, role);
	assert_string_equal(bed.reason, no_card);
	assert_int_equal(bed.client.pcsc.calls, 0);
	bed.client.card_count = 1;
	bed.client.has_drive = false;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, role);
	assert_string_equal(bed.reason, "");
	assert_int_equal(bed.certs, 1);
	/* A list of other devices takes no card away. */
	bed.client.card_count = 0;
	bed.client.has_drive = true;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.reason, "");
	bed_assert_at_rest(&bed);
}

static void
no_card_device_is_told(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed.client.card_count = 0;
	assert_told_of_no_card("relay");
	bed_clear(&bed);
	bed_start_own(&bed);
	bed.client.card_count = 0;
	assert_told_of_no_card("own");
	/* The server takes over, and the client has a drive only once more. */
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason, no_card);
	bed_clear(&bed);
}

static void
a_refused_device_is_told(void **state)
{
	(void)state;
	bed_start_relay(&bed);
	bed.server.refuses = true;
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason,
	                    "the server refused the device (status c0000001)");
	assert_int_equal(bed.client.pcsc.calls, 0);
	/* Said once more, and taken. */
	bed.server.refuses = false;
	fake_client_announce(&bed.client);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.reason, "");
	assert_int_equal(bed.certs, 1);
	bed_clear(&bed);
	/* The channel starts anew: the refusal is of the past. */
	bed_start_relay(&bed);
	bed.server.refuses = true;
	bed_advance(&bed, 5000);
	assert_int_not_equal(bed.reason[0], 0);
	bed.server.silent = true;
	fake_server_announce(&bed.server);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "relay");
	assert_string_equal(bed.reason, "");
	bed_clear(&bed);
}

static void
the_own_role_refuses_drives(void **state)
{
	(void)state;
	bed_start_own(&bed);
	bed.client.extended_pdu = 0;
	bed_advance(&bed, 5000);
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.refused, 1);
	assert_int_equal(bed.client.logged_on, 0);
	assert_int_equal(bed.server.lists, 0);
	bed_assert_at_rest(&bed);
	bed_clear(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_device_is_removed_and_comes_again),
	    cmocka_unit_test(a_device_is_announced_twice),
	    cmocka_unit_test(announces_without_end),
	    cmocka_unit_test(the_first_of_several_devices_is_used),
	    cmocka_unit_test(policy_hides_the_device),
	    cmocka_unit_test(policy_holds_in_the_own_role),
	    cmocka_unit_test(no_card_device_is_told),
	    cmocka_unit_test(a_refused_device_is_told),
	    cmocka_unit_test(the_own_role_refuses_drives),
	};

	return cmocka_run_group_tests(tests, bed_make_card, bed_free_card);
}
