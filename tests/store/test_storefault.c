/*
 * The disk is full, read-only or broken at any call of the store: sessions
 * live, each refusal has a reason, no trust is in a view without its claim, and
 * when the disk is well again the keeper goes on without help.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "losingdisk.h"
#include "storelife.h"

enum { STEPS = 12, HEAL_TRIES = 100, HEAL_WAIT_US = 100 * 1000 };

static uint32_t stride = 7; /* calls from one try to the next */

static void
install(void *arg)
{
	losingdisk_install(arg);
}

static void
start(struct keeperbed *bed, struct losingdisk *disk)
{
	losingdisk_reset(disk);
	bed->prepare = install;
	bed->prepare_arg = disk;
	keeperbed_start(bed);
	keeperbed_attached_all(bed);
}

/* How many calls a life without faults makes, its start included. */
static uint32_t
count_calls(uint64_t seed, uint32_t *of_start)
{
	struct keeperbed bed;
	struct storelife life;
	struct losingdisk *disk;
	uint32_t calls;

	keeperbed_init(&bed);
	memset(&life, 0, sizeof(life));
	disk = losingdisk_new(bed.database);
	start(&bed, disk);
	storelife_begin(&life, &bed, seed);
	storelife_greet(&life);
	*of_start = losingdisk_calls(disk);
	storelife_run(&life, STEPS);
	calls = losingdisk_calls(disk);
	storelife_end(&life);
	assert_int_equal(keeperbed_stop(&bed), KEEPER_EXIT_OK);
	losingdisk_free(disk);
	keeperbed_clear(&bed);
	return calls;
}

/* Once the disk is well a new session is served, soon and without help. */
static void
expect_service(struct storelife *life)
{
	uint32_t before = life->acknowledged;

	for (unsigned i = 0; i < HEAL_TRIES; i++) {
		storelife_run(life, STEPS);
		assert_false(life->dead);
		if (life->acknowledged > before)
			return;
		(void)usleep(HEAL_WAIT_US);
	}
	fail_msg("nothing is stored although the disk is well");
}

/* The ends that could not be written are tried again each second. */
static void
wait_for_ends(const struct keeperbed *bed)
{
	for (uint8_t number = 1; number < UINT8_MAX; number++)
		assert_true(keeperbed_wait_files(bed, number, "certs", -1));
}

static void
fall_ill_at(uint64_t seed, uint32_t call, uint32_t count, int code)
{
	struct keeperbed bed;
	struct storelife life;
	struct losingdisk *disk;

	keeperbed_init(&bed);
	memset(&life, 0, sizeof(life));
	disk = losingdisk_new(bed.database);
	start(&bed, disk);
	storelife_begin(&life, &bed, seed);
	storelife_greet(&life); /* it has started well */
	losingdisk_fail(disk, call, count, code);
	storelife_run(&life, STEPS);
	assert_false(life.dead);
	losingdisk_fail(disk, 0, 0, 0);
	expect_service(&life);
	storelife_end(&life);
	wait_for_ends(&bed);
	assert_int_equal(keeperbed_stop(&bed), KEEPER_EXIT_OK);
	bed.prepare = NULL;
	keeperbed_start(&bed);
	keeperbed_attached_all(&bed);
	assert_int_equal(keeperbed_stop(&bed), KEEPER_EXIT_OK);
	storelife_check(&life, true);
	losingdisk_free(disk);
	keeperbed_clear(&bed);
}

/* At every call of a life: this one fails, and this one and all that follow. */
static void
sweep(uint64_t seed, int code)
{
	uint32_t first = 0;
	uint32_t calls = count_calls(seed, &first);

	assert_true(calls > first);
	for (uint32_t call = first; call <= calls; call += stride) {
		fall_ill_at(seed, call, 1, code);
		fall_ill_at(seed, call, UINT32_MAX, code);
	}
}

static void
test_disk_full(void **state)
{
	(void)state;
	sweep(1, SQLITE_FULL);
}

static void
test_io_error(void **state)
{
	(void)state;
	sweep(2, SQLITE_IOERR);
}

static void
test_read_only(void **state)
{
	(void)state;
	sweep(3, SQLITE_READONLY);
}

/*
 * The card is out of its reader, and that cannot be written: nobody trusts its
 * root meanwhile, and the view is back, without it, when the disk is well.
 */
static void
test_failed_removal_is_hidden(void **state)
{
	struct keep_msg release = {.type = KEEP_RELEASE, .seq = 2};
	struct keeperbed bed;
	struct losingdisk *disk;

	(void)state;
	release.release.reader = 1;
	release.release.roots = true;
	memset(release.release.card_id, 0xc1, KEEP_CARD_ID_LEN);
	keeperbed_init(&bed);
	disk = losingdisk_new(bed.database);
	start(&bed, disk);
	int session = keeperbed_attach(&bed, 1, false);

	keeperbed_user(session, "alice");
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_REMOVAL);
	keeperbed_cert(session, KEEP_ANCHOR, 20);
	assert_true(keeperbed_commit(session, 1).ok);
	assert_int_equal(keeperbed_files(&bed, 1, "anchors"), 1);
	losingdisk_fail(disk, losingdisk_calls(disk) + 1, UINT32_MAX,
	                SQLITE_FULL);
	keeperbed_say(session, &release);
	assert_false(keeperbed_answer(session, 2, NULL, 0).ok);
	assert_true(losingdisk_failures(disk) > 0);
	assert_int_equal(keeperbed_files(&bed, 1, "anchors"), -1);
	assert_int_equal(keeperbed_files(&bed, 1, "certs"), -1);
	losingdisk_fail(disk, 0, 0, 0);
	assert_true(keeperbed_wait_files(&bed, 1, "anchors", 0));
	(void)close(session);
	assert_int_equal(keeperbed_stop(&bed), KEEPER_EXIT_OK);
	losingdisk_free(disk);
	keeperbed_clear(&bed);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_disk_full),
	    cmocka_unit_test(test_io_error),
	    cmocka_unit_test(test_read_only),
	    cmocka_unit_test(test_failed_removal_is_hidden),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (argc > 2)
		stride = (uint32_t)strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
