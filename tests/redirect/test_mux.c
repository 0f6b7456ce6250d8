/*
 * Completion ids: each answer finds its call, also after duplicates and resets.
 */
#include "mux.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { CARD = 1, OTHER = 2, IOCTL = 0x900d0 };

static uint32_t
add(struct mux *mux, enum mux_owner owner, uint32_t origin)
{
	uint32_t id = 0;

	assert_true(mux_add(mux, owner, CARD, origin, IOCTL, &id));
	assert_true(mux_in_range(id));
	return id;
}

static void
ids_come_back(void **state)
{
	struct mux *mux = mux_new();
	uint32_t a = add(mux, MUX_SERVER, 7);
	uint32_t b = add(mux, MUX_OWN, 3);
	struct mux_irp irp;

	(void)state;
	assert_int_not_equal(a, b);
	assert_int_equal(mux_complete(mux, CARD, b, &irp), MUX_FOUND);
	assert_int_equal(irp.owner, MUX_OWN);
	assert_int_equal(irp.origin, 3);
	assert_int_equal(mux_complete(mux, CARD, a, &irp), MUX_FOUND);
	assert_int_equal(irp.owner, MUX_SERVER);
	assert_int_equal(irp.origin, 7);
	assert_int_equal(irp.ioctl, IOCTL);
	assert_int_equal(mux_outstanding(mux, MUX_SERVER), 0);
	assert_int_equal(mux_outstanding(mux, MUX_OWN), 0);
	mux_free(mux);
}

/* The server used one id twice at once; each answer finds its own request. */
static void
duplicate_ids_are_survived(void **state)
{
	struct mux *mux = mux_new();
	uint32_t parked = 0;
	uint32_t transmit = 0;
	struct mux_irp irp;

	(void)state;
	assert_true(mux_add(mux, MUX_SERVER, CARD, 2, 0x900a4, &parked));
	assert_true(mux_add(mux, MUX_SERVER, CARD, 2, 0x900d0, &transmit));
	assert_int_equal(mux_complete(mux, CARD, transmit, &irp), MUX_FOUND);
	assert_int_equal(irp.origin, 2);
	assert_int_equal(irp.ioctl, 0x900d0);
	assert_int_equal(mux_complete(mux, CARD, parked, &irp), MUX_FOUND);
	assert_int_equal(irp.ioctl, 0x900a4);
	mux_free(mux);
}

static void
answers_to_nothing_are_counted(void **state)
{
	struct mux *mux = mux_new();
	uint32_t id = add(mux, MUX_SERVER, 7);
	struct mux_irp irp;

	(void)state;
	assert_int_equal(mux_complete(mux, CARD, 7, &irp), MUX_UNKNOWN);
	assert_int_equal(mux_complete(mux, OTHER, id, &irp), MUX_UNKNOWN);
	assert_int_equal(mux_complete(mux, CARD, id, &irp), MUX_FOUND);
	assert_int_equal(mux_complete(mux, CARD, id, &irp), MUX_UNKNOWN);
	assert_int_equal(mux_unknown_count(mux), 3);
	assert_int_equal(mux_late_count(mux), 0);
	mux_free(mux);
}

static void
void_ids_are_late(void **state)
{
	struct mux *mux = mux_new();
	uint32_t old = add(mux, MUX_SERVER, 7);
	uint32_t fresh;
	struct mux_irp irp;

	(void)state;
	mux_void(mux);
	assert_int_equal(mux_complete(mux, CARD, old, &irp), MUX_LATE);
	fresh = add(mux, MUX_SERVER, 7);
	assert_int_not_equal(fresh, old);
	assert_int_equal(mux_complete(mux, CARD, fresh, &irp), MUX_FOUND);
	assert_int_equal(mux_complete(mux, CARD, fresh, &irp), MUX_UNKNOWN);
	assert_int_equal(mux_late_count(mux), 1);
	mux_free(mux);
}

/* Given up ids are excused once; those of the server stay. */
static void
dropped_ids_are_late(void **state)
{
	struct mux *mux = mux_new();
	uint32_t ours = add(mux, MUX_OWN, 0);
	uint32_t theirs = add(mux, MUX_SERVER, 7);
	struct mux_irp irp;

	(void)state;
	mux_drop_own(mux);
	assert_int_equal(mux_complete(mux, CARD, ours, &irp), MUX_LATE);
	assert_int_equal(mux_complete(mux, CARD, ours, &irp), MUX_UNKNOWN);
	assert_int_equal(mux_complete(mux, CARD, theirs, &irp), MUX_FOUND);
	mux_free(mux);
}

static void
limits_hold(void **state)
{
	struct mux *mux = mux_new();
	uint32_t id;
	struct mux_irp irp;

	(void)state;
	for (unsigned i = 0; i < MUX_OWN_MAX; i++)
		(void)add(mux, MUX_OWN, i);
	assert_false(mux_add(mux, MUX_OWN, CARD, 0, IOCTL, &id));
	for (unsigned i = 0; i < MUX_SERVER_MAX; i++)
		(void)add(mux, MUX_SERVER, i);
	assert_false(mux_add(mux, MUX_SERVER, CARD, 0, IOCTL, &id));
	assert_true(mux_take(mux, MUX_SERVER, &irp));
	assert_int_equal(irp.origin, 0);
	(void)add(mux, MUX_SERVER, 5);
	assert_false(mux_add(mux, MUX_SERVER, CARD, 0, IOCTL, &id));
	mux_void(mux);
	assert_false(mux_take(mux, MUX_SERVER, &irp));
	(void)add(mux, MUX_SERVER, 5);
	mux_free(mux);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_come_back),
	    cmocka_unit_test(duplicate_ids_are_survived),
	    cmocka_unit_test(answers_to_nothing_are_counted),
	    cmocka_unit_test(void_ids_are_late),
	    cmocka_unit_test(dropped_ids_are_late),
	    cmocka_unit_test(limits_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
