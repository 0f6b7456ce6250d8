/* What waits for a client has a limit. */
#include "outlet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static uint8_t bytes[OUTLET_QUEUE_MAX + 1];
static size_t sent;

static void
on_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
        struct wire_view data)
{
	(void)arg;
	(void)flags;
	assert_int_equal(to, CHANNEL_CLIENT);
	assert_true(data.len <= total);
	sent += data.len;
}

static const struct channel_ops ops = {.send = on_send};

static struct wire_view
message(size_t len)
{
	return (struct wire_view){bytes, len};
}

/* What waits for the end of a message that passes is bounded. */
static void
the_queue_has_a_limit(void **state)
{
	(void)state;
	for (size_t len = OUTLET_QUEUE_MAX - 1; len <= OUTLET_QUEUE_MAX + 1;
	     len++) {
		bool fits = len <= OUTLET_QUEUE_MAX;
		struct outlet outlet;

		outlet_init(&outlet, CHANNEL_CLIENT, &ops, NULL);
		outlet.busy = true;
		sent = 0;
		assert_true(outlet_send(&outlet, message(1000)));
		assert_int_equal(outlet_send(&outlet, message(len - 1000)),
		                 fits);
		assert_int_equal(sent, 0);
		outlet_flush(&outlet);
		assert_int_equal(sent, fits ? len : 1000);
		/* and it is empty again */
		assert_false(outlet_waits(&outlet));
		outlet.busy = true;
		assert_true(outlet_send(&outlet, message(OUTLET_QUEUE_MAX)));
		assert_false(outlet_send(&outlet, message(1)));
		outlet_clear(&outlet);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_queue_has_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
