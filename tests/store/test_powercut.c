/*
 * The power goes at any call of the store, and any of what was not synchronised
 * is lost: the keeper that comes next finds a sound store with all that was
 * acknowledged, no trust that is left over, and nobody else's certificates.
 *
 * usage: test_powercut [FIRST [COUNT]]: seeds
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "losingdisk.h"
#include "scratch.h"
#include "storelife.h"

enum {
	STEPS = 30,
	LIVES = 8,      /* of one store, one power cut each */
	CALLS_MAX = 700 /* the cut comes before that */
};

static unsigned first_seed = 1;
static unsigned seed_count = 250;

static void
install(void *arg)
{
	losingdisk_install(arg);
}

/* The run directory is on tmpfs. */
static void
forget_run_dir(const struct keeperbed *bed)
{
	(void)scratch_remove(bed->run_dir);
}

/* A keeper that begins anew, nobody attached, and ends in order. */
static void
recover(struct keeperbed *bed)
{
	bed->prepare = NULL;
	keeperbed_start(bed);
	keeperbed_attached_all(bed);
	assert_int_equal(keeperbed_stop(bed), KEEPER_EXIT_OK);
}

static void
live_and_die(struct storelife *life, struct losingdisk *disk, unsigned seed)
{
	struct keeperbed *bed = life->bed;

	storelife_begin(life, bed, seed);
	losingdisk_reset(disk);
	losingdisk_kill_at(disk,
	                   1 + (uint32_t)(storelife_random(life) % CALLS_MAX));
	bed->prepare = install;
	bed->prepare_arg = disk;
	keeperbed_start(bed);
	keeperbed_attached_all(bed);
	storelife_run(life, STEPS);
	keeperbed_kill(bed);
	storelife_end(life);
	(void)losingdisk_cut(disk, seed);
	forget_run_dir(bed);
	recover(bed);
}

static void
live_often(unsigned first, unsigned count)
{
	struct keeperbed bed;
	struct storelife life;
	struct losingdisk *disk;

	keeperbed_init(&bed);
	bed.config.durable_full = true;
	memset(&life, 0, sizeof(life));
	life.bed = &bed;
	disk = losingdisk_new(bed.database);
	for (unsigned i = 0; i < count; i++) {
		live_and_die(&life, disk, first + i);
		storelife_check(&life, true);
	}
	losingdisk_free(disk);
	keeperbed_clear(&bed);
}

static void
test_nothing_acknowledged_is_lost(void **state)
{
	(void)state;
	for (unsigned done = 0; done < seed_count; done += LIVES) {
		unsigned left = seed_count - done;

		live_often(first_seed + done, left < LIVES ? left : LIVES);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_acknowledged_is_lost),
	};

	if (argc > 1)
		first_seed = (unsigned)strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seed_count = (unsigned)strtoul(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
