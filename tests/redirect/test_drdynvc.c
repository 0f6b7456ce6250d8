/* Dynamic channels that are refused, in any cut, while all else passes. */
#include "drdynvc.h"
#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { BOTH = CHANNEL_FLAG_FIRST | CHANNEL_FLAG_LAST };

static struct filter_policy policy;
static struct {
	unsigned count;
	enum channel_side to;
	uint32_t flags;
	uint8_t data[64];
	size_t len;
} sent;

static void
on_send(void *arg, enum channel_side to, uint32_t total, uint32_t flags,
        struct wire_view data)
{
	(void)arg;
	assert_true(data.len <= total && data.len <= sizeof(sent.data));
	sent.count++;
	sent.to = to;
	sent.flags = flags;
	sent.len = data.len;
	memcpy(sent.data, data.data, data.len);
}

static struct drdynvc *
shut(void)
{
	struct drdynvc *d = drdynvc_new(on_send, NULL);

	memset(&sent, 0, sizeof(sent));
	filter_policy_init(&policy);
	policy.doors = FILTER_DOORS_SHUT;
	assert_non_null(d);
	drdynvc_policy(d, &policy);
	return d;
}

static enum channel_verdict
give(struct drdynvc *d, enum channel_side from, uint32_t total, uint32_t flags,
     const char *text, size_t len)
{
	struct wire_view chunk = exact_dup(text, len);
	enum channel_verdict verdict =
	    drdynvc_chunk(d, from, total, flags, chunk);

	exact_free(chunk);
	return verdict;
}

#define GIVE(d, from, total, flags, text)                                      \
	give(d, from, total, flags, text, sizeof(text) - 1)

static void
refused_names(void **state)
{
	static const uint8_t one[] = {0x10, 5, 1, 0, 0, 0xC0};
	static const uint8_t two[] = {0x11, 5, 1, 1, 0, 0, 0xC0};
	static const uint8_t four[] = {0x12, 5, 1, 2, 3, 1, 0, 0, 0xC0};
	struct drdynvc *d = shut();

	(void)state;
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, BOTH, "\x10\x05URBDRC\0"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.to, CHANNEL_SERVER);
	assert_int_equal(sent.flags, BOTH);
	assert_int_equal(sent.len, sizeof(one));
	assert_memory_equal(sent.data, one, sizeof(one));
	/* the priority bits, the longer ids, a name without an end */
	assert_int_equal(
	    GIVE(d, CHANNEL_SERVER, 9, BOTH, "\x1D\x05\x01PNPDR\0"),
	    CHANNEL_TAKE);
	assert_memory_equal(sent.data, two, sizeof(two));
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 21, BOTH,
	                      "\x12\x05\x01\x02\x03webauthn_channel"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.len, sizeof(four));
	assert_memory_equal(sent.data, four, sizeof(four));
	assert_int_equal(sent.count, 3);
	drdynvc_free(d);
}

static void
all_else_passes(void **state)
{
	struct drdynvc *d = shut();

	(void)state;
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 4, BOTH, "\x50\0\2\0"),
	                 CHANNEL_PASS);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 5, BOTH, "\x30\x05xyz"),
	                 CHANNEL_PASS);
	assert_int_equal(sent.count, 0);
	/* a name that is allowed comes whole, from us */
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 7, BOTH,
	                      "\x10\x05"
	                      "ECHO\0"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.to, CHANNEL_CLIENT);
	assert_int_equal(sent.len, 7);
	drdynvc_policy(d, NULL);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, BOTH, "\x10\x05URBDRC\0"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.to, CHANNEL_CLIENT);
	assert_int_equal(sent.len, 9);
	drdynvc_free(d);
}

static void
cut_into_chunks(void **state)
{
	struct drdynvc *d = shut();

	(void)state;
	/* begun in the middle of a message */
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 99, 0, "tail"), CHANNEL_PASS);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, CHANNEL_FLAG_FIRST, "\x10"),
	                 CHANNEL_TAKE);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, 0, "\x05URB"),
	                 CHANNEL_TAKE);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, CHANNEL_FLAG_LAST, "DRC\0"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.to, CHANNEL_SERVER);
	assert_int_equal(sent.count, 1);
	/* later a chunk without a first one is a fault */
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, 0, "tail"), CHANNEL_TAKE);
	drdynvc_free(d);
}

static void
not_inside_a_message_of_the_client(void **state)
{
	static const char data[30] = "\x30\x05";
	struct drdynvc *d = shut();

	(void)state;
	assert_int_equal(
	    give(d, CHANNEL_CLIENT, 30, CHANNEL_FLAG_FIRST, data, 26),
	    CHANNEL_PASS);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, BOTH, "\x10\x05URBDRC\0"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.count, 0);
	assert_int_equal(GIVE(d, CHANNEL_CLIENT, 30, CHANNEL_FLAG_LAST, "cdef"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.count, 2);
	assert_int_equal(sent.len, 6);
	drdynvc_free(d);
}

/* One channel that the client answered with this status, and no policy yet. */
static struct drdynvc *
opened(const char *create, size_t len, const char *status)
{
	struct drdynvc *d = shut();

	drdynvc_policy(d, NULL);
	assert_int_equal(
	    give(d, CHANNEL_SERVER, (uint32_t)len, BOTH, create, len),
	    CHANNEL_TAKE);
	assert_int_equal(sent.to, CHANNEL_CLIENT);
	if (status != NULL)
		assert_int_equal(give(d, CHANNEL_CLIENT, 6, BOTH, status, 6),
		                 CHANNEL_PASS);
	sent.count = 0;
	return d;
}

#define URBDRC    "\x10\x05URBDRC\0", 9
#define SUCCEEDED "\x10\x05\0\0\0\0"
#define FAILED    "\x10\x05\1\0\0\xC0"

/* Closed both ways; what is still said in it goes nowhere. */
static void
an_open_channel_is_closed(void **state)
{
	struct drdynvc *d = opened(URBDRC, SUCCEEDED);

	(void)state;
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 5, BOTH, "\x30\x05xyz"),
	                 CHANNEL_PASS);
	drdynvc_policy(d, &policy);
	assert_int_equal(sent.count, 2);
	assert_int_equal(sent.to, CHANNEL_SERVER);
	assert_int_equal(sent.len, 2);
	assert_memory_equal(sent.data, "\x40\x05", 2);
	drdynvc_policy(d, &policy);
	assert_int_equal(sent.count, 2);
	for (int side = 0; side < 2; side++) {
		enum channel_side from = (enum channel_side)side;

		assert_int_equal(GIVE(d, from, 5, BOTH, "\x30\x05xyz"),
		                 CHANNEL_TAKE);
		assert_int_equal(
		    GIVE(d, from, 8, CHANNEL_FLAG_FIRST, "\x24\x05\x09xyz"),
		    CHANNEL_TAKE);
		assert_int_equal(GIVE(d, from, 8, CHANNEL_FLAG_LAST, "ab"),
		                 CHANNEL_TAKE);
		assert_int_equal(GIVE(d, from, 5, BOTH, "\x70\x05xyz"),
		                 CHANNEL_TAKE);
		assert_int_equal(GIVE(d, from, 2, BOTH, "\x40\x05"),
		                 CHANNEL_TAKE);
		assert_int_equal(GIVE(d, from, 5, BOTH, "\x30\x06xyz"),
		                 CHANNEL_PASS);
	}
	assert_int_equal(sent.count, 2);
	/* The number is free for another channel. */
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 7, BOTH,
	                      "\x10\x05"
	                      "ECHO\0"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.to, CHANNEL_CLIENT);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 5, BOTH, "\x30\x05xyz"),
	                 CHANNEL_PASS);
	drdynvc_free(d);
}

/* The server still waits: it hears that there was none. */
static void
a_channel_being_opened_is_closed(void **state)
{
	static const uint8_t failed[] = {0x10, 5, 1, 0, 0, 0xC0};
	struct drdynvc *d = opened(URBDRC, NULL);

	(void)state;
	drdynvc_policy(d, &policy);
	assert_int_equal(sent.count, 2);
	assert_int_equal(sent.len, sizeof(failed));
	assert_memory_equal(sent.data, failed, sizeof(failed));
	assert_int_equal(give(d, CHANNEL_CLIENT, 6, BOTH, SUCCEEDED, 6),
	                 CHANNEL_TAKE);
	drdynvc_free(d);
}

static void
what_is_gone_is_not_closed(void **state)
{
	struct drdynvc *d = opened(URBDRC, FAILED);

	(void)state;
	drdynvc_policy(d, &policy);
	assert_int_equal(sent.count, 0);
	drdynvc_free(d);
	d = opened(URBDRC, SUCCEEDED);
	assert_int_equal(GIVE(d, CHANNEL_CLIENT, 2, BOTH, "\x40\x05"),
	                 CHANNEL_PASS);
	drdynvc_policy(d, &policy);
	assert_int_equal(sent.count, 0);
	drdynvc_free(d);
	d = opened("\x10\x05"
	           "ECHO\0",
	           7, SUCCEEDED);
	drdynvc_policy(d, &policy);
	assert_int_equal(sent.count, 0);
	drdynvc_free(d);
}

/* Up to the limit each is known, and closed; one more is not opened. */
static void
open_channels_have_a_limit(void **state)
{
	struct drdynvc *d = shut();

	(void)state;
	drdynvc_policy(d, NULL);
	for (unsigned i = 0; i <= DRDYNVC_OPEN_MAX; i++) {
		uint8_t create[] = {0x11, (uint8_t)i, (uint8_t)(i >> 8),
		                    'p',  'n',        'p',
		                    'd',  'r',        0};

		assert_int_equal(give(d, CHANNEL_SERVER, sizeof(create), BOTH,
		                      (const char *)create, sizeof(create)),
		                 CHANNEL_TAKE);
		assert_int_equal(sent.to, i < DRDYNVC_OPEN_MAX
		                              ? CHANNEL_CLIENT
		                              : CHANNEL_SERVER);
	}
	sent.count = 0;
	drdynvc_policy(d, &policy);
	assert_int_equal(sent.count, 2 * DRDYNVC_OPEN_MAX);
	drdynvc_free(d);
}

/* What begins a message for the client must begin one for us. */
static void
empty_chunks(void **state)
{
	struct drdynvc *d = shut();

	(void)state;
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 0, 0x20, ""), CHANNEL_PASS);
	assert_int_equal(GIVE(d, CHANNEL_CLIENT, 0, 0x40, ""), CHANNEL_PASS);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 90, CHANNEL_FLAG_FIRST,
	                      "\x30\x05 data of more than twenty-four bytes"),
	                 CHANNEL_PASS);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, CHANNEL_FLAG_FIRST, ""),
	                 CHANNEL_TAKE);
	assert_int_equal(
	    GIVE(d, CHANNEL_SERVER, 9, CHANNEL_FLAG_FIRST | 0x20, ""),
	    CHANNEL_TAKE);
	/* a first chunk inside another message, and what follows it */
	assert_int_equal(
	    GIVE(d, CHANNEL_SERVER, 9, CHANNEL_FLAG_FIRST, "\x10\x05URBDRC"),
	    CHANNEL_TAKE);
	assert_int_equal(GIVE(d, CHANNEL_SERVER, 9, CHANNEL_FLAG_LAST, "\0"),
	                 CHANNEL_TAKE);
	assert_int_equal(sent.count, 0);
	drdynvc_free(d);
}

static void
truncated_and_too_long(void **state)
{
	static const char whole[] = "\x12\x05\x01\x02\x03URBDRC";
	struct drdynvc_create create;
	char name[DRDYNVC_NAME_MAX + 4];

	(void)state;
	for (size_t len = 0; len < sizeof(whole); len++) {
		struct wire_view view = exact_dup(whole, len);

		assert_int_equal(drdynvc_create_decode(view, &create),
		                 len >= 5);
		exact_free(view);
	}
	assert_string_equal(create.name, "URBDRC");
	assert_int_equal(create.channel, 0x03020105);
	memset(name, 'x', sizeof(name));
	name[0] = 0x10;
	assert_true(drdynvc_create_decode(
	    (struct wire_view){(uint8_t *)name, DRDYNVC_NAME_MAX + 2},
	    &create));
	assert_false(drdynvc_create_decode(
	    (struct wire_view){(uint8_t *)name, DRDYNVC_NAME_MAX + 3},
	    &create));
	name[0] = 0x13;
	assert_false(drdynvc_create_decode(
	    (struct wire_view){(uint8_t *)name, 20}, &create));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refused_names),
	    cmocka_unit_test(all_else_passes),
	    cmocka_unit_test(cut_into_chunks),
	    cmocka_unit_test(not_inside_a_message_of_the_client),
	    cmocka_unit_test(an_open_channel_is_closed),
	    cmocka_unit_test(a_channel_being_opened_is_closed),
	    cmocka_unit_test(what_is_gone_is_not_closed),
	    cmocka_unit_test(open_channels_have_a_limit),
	    cmocka_unit_test(empty_chunks),
	    cmocka_unit_test(truncated_and_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
