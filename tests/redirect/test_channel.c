#include "bed.h"
#include "pki.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { PIV_9A = 0x5fc105 };

static struct script_card card;
static struct pki_cert *ca;
static struct pki_cert *user;

static int
setup(void **state)
{
	(void)state;
	ca = pki_ca_new("root", NULL);
	user = pki_user_new("user", ca);
	script_card_init(&card, script_piv_aid);
	(void)script_add_piv(&card, PIV_9A, pki_der(user), SCRIPT_PLAIN);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	script_card_clear(&card);
	pki_cert_free(user);
	pki_cert_free(ca);
	return 0;
}

static struct bed bed;

/* Nothing of ours is left at the client but the watch. */
static void
assert_at_rest(const struct bed *b)
{
	assert_int_equal(fake_pcsc_contexts(&b->client.pcsc), 1);
	assert_int_equal(fake_pcsc_handles(&b->client.pcsc), 0);
	assert_int_equal(fake_pcsc_transactions(&b->client.pcsc), 0);
	assert_int_equal(fake_pcsc_parked(&b->client.pcsc), 1);
	assert_int_equal(b->client.calls_early, 0);
	assert_int_equal(b->client.faults, 0);
	assert_int_equal(b->server.faults, 0);
}

static void
own_role_reads_a_card(void **state)
{
	(void)state;
	bed_init(&bed);
	fake_pcsc_plug(&bed.client.pcsc, 0, "Reader A");
	fake_pcsc_insert(&bed.client.pcsc, 0, &card);
	bed_start(&bed);
	bed_advance(&bed, 5000);
	assert_string_equal(bed.role, "own");
	assert_int_equal(bed.client.announces, 1);
	assert_int_equal(bed.client.accepted, 1);
	assert_int_equal(bed.client.logged_on, 1);
	assert_int_equal(bed.begins, 1);
	assert_int_equal(bed.certs, 1);
	assert_int_equal(bed.commits, 1);
	assert_at_rest(&bed);
	channel_end(bed.ch, "test", bed.now_ms);
	bed_run(&bed);
	assert_int_equal(fake_pcsc_contexts(&bed.client.pcsc), 0);
	assert_int_equal(fake_pcsc_parked(&bed.client.pcsc), 0);
	assert_int_equal(bed.ends, 1);
	bed_clear(&bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(own_role_reads_a_card),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
