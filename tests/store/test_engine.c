/*
 * The engine alone: what a second reading of a card changes, the limits of a
 * user, and roots that are present by their claims.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "enginebed.h"

static const struct wire_view nothing;
static const uint8_t card_one[KEEP_CARD_ID_LEN] = {1};

static struct engine_origin
origin(const char *session, uint32_t reader, const char *reader_name)
{
	return (struct engine_origin){
	    .session = session,
	    .connection = session,
	    .reader = reader,
	    .reader_name = wire_view_text(reader_name),
	    .card_id = {card_one, sizeof(card_one)},
	    .family = wire_view_text("PIV"),
	};
}

static struct keep_cert
cert(const char *der)
{
	return (struct keep_cert){
	    .kind = KEEP_USER,
	    .der = wire_view_text(der),
	    .subject = wire_view_text("CN=alice"),
	    .not_before = ENGINEBED_NOW - 1,
	    .not_after = ENGINEBED_NOW + 1,
	    .key_alg = wire_view_text("RSA"),
	    .key_bits = 2048,
	};
}

/* Put alice's certificate in MY, in a transaction of its own. */
static enum engine_result
put_from(struct enginebed *bed, const struct engine_origin *from,
         const struct keep_cert *c)
{
	struct engine_change change = {0};
	uint8_t hash[ENGINE_HASH_LEN];

	assert_true(engine_begin(bed->engine, ENGINEBED_NOW + 5));
	enum engine_result result =
	    engine_put(bed->engine, from, wire_view_text("alice"), c,
	               KEEP_CLEANUP_NONE, hash, &change);

	enginebed_commit(bed);
	return result;
}

static enum engine_result
put(struct enginebed *bed, const struct keep_cert *c, const char *reader_name)
{
	struct engine_origin from = origin(ENGINEBED_A, 1, reader_name);

	return put_from(bed, &from, c);
}

static void
test_added_once(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert c = cert("der");

	assert_int_equal(put(bed, &c, "Reader"), ENGINE_ADDED);
	assert_int_equal(put(bed, &c, "Reader"), ENGINE_UNCHANGED);
	assert_int_equal(enginebed_look(bed).count, 1);
}

static void
test_unchanged_writes_nothing(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert c = cert("der");

	c.container = wire_view_text("one");
	c.friendly_name = wire_view_text("my key");
	c.prov_name = wire_view_text("KSP");
	assert_int_equal(put(bed, &c, "Reader"), ENGINE_ADDED);
	int64_t before = engine_written(bed->engine);

	assert_int_equal(put(bed, &c, "Reader"), ENGINE_UNCHANGED);
	assert_int_equal(engine_written(bed->engine), before);
}

static void
test_new_card_property_wins(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert c = cert("der");

	c.container = wire_view_text("one");
	assert_int_equal(put(bed, &c, "Reader A"), ENGINE_ADDED);
	c.container = wire_view_text("two");
	assert_int_equal(put(bed, &c, "Reader B"), ENGINE_UPDATED);
	struct enginebed_entry seen = enginebed_look(bed);

	assert_string_equal(seen.container, "two");
	assert_string_equal(seen.reader_name, "Reader B");
	c.logon_eligible = true;
	assert_int_equal(put(bed, &c, "Reader B"), ENGINE_UPDATED);
	assert_true(enginebed_look(bed).logon_eligible);
}

static void
test_what_the_card_says_of_itself_and_its_pins(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert c = cert("der");
	struct engine_origin from = origin(ENGINEBED_A, 1, "Reader");

	assert_int_equal(put_from(bed, &from, &c), ENGINE_ADDED);
	struct enginebed_entry seen = enginebed_look(bed);

	/* Nobody said so: nothing is there, not even a zero. */
	assert_string_equal(seen.card_serial, "");
	assert_int_equal(seen.chuid_len + seen.card_data_len, 0);
	assert_false(seen.has_pin || seen.has_removable);
	c.has_pin = true; /* PIN 0 is one, too */
	c.pin_info = wire_view_text("pin info");
	c.card_data = wire_view_text("record");
	from.card_serial = wire_view_text("4711");
	from.chuid = (struct wire_view){card_one, sizeof(card_one)};
	from.removable = KEEP_REMOVABLE_YES;
	from.policy = wire_view_text("eng");
	assert_int_equal(put_from(bed, &from, &c), ENGINE_UPDATED);
	seen = enginebed_look(bed);
	assert_string_equal(seen.card_serial, "4711");
	assert_string_equal(seen.policy, "eng");
	assert_int_equal(seen.chuid_len, KEEP_CARD_ID_LEN);
	assert_int_equal(seen.card_data_len, 6);
	assert_int_equal(seen.pin_info_len, 8);
	assert_true(seen.has_pin && seen.pin_id == 0);
	assert_true(seen.has_removable && seen.removable);
	int64_t before = engine_written(bed->engine);

	assert_int_equal(put_from(bed, &from, &c), ENGINE_UNCHANGED);
	assert_int_equal(engine_written(bed->engine), before);
}

static void
test_absent_card_property_loses_nothing(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert c = cert("der");

	c.container = wire_view_text("one");
	c.prov_name = wire_view_text("KSP");
	c.prov_type = 3;
	assert_int_equal(put(bed, &c, "Reader"), ENGINE_ADDED);
	c.container = (struct wire_view){0};
	c.prov_name = (struct wire_view){0};
	c.prov_type = 0;
	assert_int_equal(put(bed, &c, "Reader"), ENGINE_UNCHANGED);
	assert_string_equal(enginebed_look(bed).container, "one");
	assert_string_equal(enginebed_look(bed).prov_name, "KSP");
}

static void
test_old_user_property_wins(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert c = cert("der");

	assert_int_equal(put(bed, &c, "Reader"), ENGINE_ADDED);
	c.friendly_name = wire_view_text("first");
	assert_int_equal(put(bed, &c, "Reader"), ENGINE_UPDATED);
	c.friendly_name = wire_view_text("second");
	assert_int_equal(put(bed, &c, "Reader"), ENGINE_UNCHANGED);
	assert_string_equal(enginebed_look(bed).friendly_name, "first");
	assert_int_equal(enginebed_look(bed).created_at, ENGINEBED_NOW + 5);
}

static void
test_renewed_is_another(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert one = cert("der one");
	struct keep_cert two = cert("der two");

	assert_int_equal(put(bed, &one, "Reader"), ENGINE_ADDED);
	assert_int_equal(put(bed, &two, "Reader"), ENGINE_ADDED);
	assert_int_equal(enginebed_look(bed).count, 2);
}

static void
test_number_of_certificates_of_a_user(void **state)
{
	struct enginebed *bed = *state;
	char der[16];

	for (int i = 0; i < ENGINE_OWNER_CERTS; i++) {
		(void)snprintf(der, sizeof(der), "der %d", i);
		struct keep_cert c = cert(der);

		assert_int_equal(put(bed, &c, "Reader"), ENGINE_ADDED);
	}
	struct keep_cert more = cert("one more");
	struct keep_cert known = cert("der 7");

	assert_int_equal(put(bed, &more, "Reader"), ENGINE_LIMIT);
	assert_int_equal(put(bed, &known, "Other reader"), ENGINE_UPDATED);
	assert_int_equal(enginebed_look(bed).count, ENGINE_OWNER_CERTS);
}

static void
test_bytes_of_a_user(void **state)
{
	enum { LEN = 256 * 1024, FIT = ENGINE_OWNER_BYTES / LEN };
	struct enginebed *bed = *state;
	char *der = calloc(1, LEN);
	struct keep_cert c = cert("");

	assert_non_null(der);
	for (int i = 0; i < FIT; i++) {
		der[0] = (char)i;
		c.der = (struct wire_view){(const uint8_t *)der, LEN};
		assert_int_equal(put(bed, &c, "Reader"), ENGINE_ADDED);
	}
	c.der = wire_view_text("x");
	assert_int_equal(put(bed, &c, "Reader"), ENGINE_LIMIT);
	free(der);
}

static bool
count_root(const struct engine_root *root, void *arg)
{
	int *count = arg;

	assert_int_equal(root->hash.len, ENGINE_HASH_LEN);
	(*count)++;
	return true;
}

static int
present(struct enginebed *bed, const char *session)
{
	char scope[ENGINE_SCOPE_SIZE];
	int count = 0;

	engine_scope(scope, session);
	assert_true(engine_presence(bed->engine, scope, count_root, &count));
	return count;
}

static void
claim_as(struct enginebed *bed, const char *session, uint32_t reader,
         enum keep_kind kind, enum keep_cleanup cleanup)
{
	struct engine_origin from = origin(session, reader, "Reader");
	struct keep_cert c = cert("root");
	struct engine_change change = {0};
	uint8_t hash[ENGINE_HASH_LEN];

	c.kind = kind;
	enginebed_begin(bed);
	assert_true(engine_put(bed->engine, &from, nothing, &c, cleanup, hash,
	                       &change) <= ENGINE_UNCHANGED);
	enginebed_commit(bed);
}

static void
claim(struct enginebed *bed, const char *session, uint32_t reader,
      enum keep_cleanup cleanup)
{
	claim_as(bed, session, reader, KEEP_ANCHOR, cleanup);
}

static uint32_t
drop(struct enginebed *bed, const char *session, uint32_t reader)
{
	struct engine_origin from = origin(session, reader, "Reader");
	struct engine_change change = {0};

	enginebed_begin(bed);
	assert_true(engine_release(bed->engine, &from, true, false, &change));
	enginebed_commit(bed);
	return change.removed;
}

static void
test_presence_is_a_query(void **state)
{
	struct enginebed *bed = *state;

	claim(bed, ENGINEBED_A, 1, KEEP_CLEANUP_REMOVAL);
	claim(bed, ENGINEBED_A, 2, KEEP_CLEANUP_REMOVAL);
	claim(bed, ENGINEBED_B, 1, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(present(bed, ENGINEBED_A), 1);
	assert_int_equal(drop(bed, ENGINEBED_A, 1), 0);
	assert_int_equal(present(bed, ENGINEBED_A), 1);
	assert_int_equal(drop(bed, ENGINEBED_A, 1), 0);
	assert_int_equal(present(bed, ENGINEBED_A), 1);
	assert_int_equal(drop(bed, ENGINEBED_A, 2), 1);
	assert_int_equal(present(bed, ENGINEBED_A), 0);
	assert_int_equal(present(bed, ENGINEBED_B), 1);
}

static bool
on_preexisting(const struct engine_claim *claim, void *arg)
{
	assert_int_equal(claim->kind, KEEP_PREEXISTING);
	assert_true(claim->live);
	(*(int *)arg)++;
	return true;
}

/* What the host trusts already is on record and is shown to nobody. */
static void
test_preexisting_is_never_present(void **state)
{
	struct enginebed *bed = *state;
	int listed = 0;

	claim_as(bed, ENGINEBED_A, 1, KEEP_PREEXISTING, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(present(bed, ENGINEBED_A), 0);
	assert_true(
	    engine_list_claims(bed->engine, NULL, on_preexisting, &listed));
	assert_int_equal(listed, 1);
	/* An anchor from another reader counts, and is not held by it. */
	claim(bed, ENGINEBED_A, 2, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(present(bed, ENGINEBED_A), 1);
	assert_int_equal(drop(bed, ENGINEBED_A, 2), 0);
	assert_int_equal(present(bed, ENGINEBED_A), 0);
	assert_int_equal(drop(bed, ENGINEBED_A, 1), 1);
}

static void
end(struct enginebed *bed, const char *session, struct engine_change *change)
{
	enginebed_begin(bed);
	assert_true(engine_session_end(bed->engine, session, ENGINE_END_LOGOFF,
	                               wire_view_text("log-off"), change));
	enginebed_commit(bed);
}

static void
sweep(struct enginebed *bed)
{
	bool more = true;

	while (more) {
		enginebed_begin(bed);
		assert_true(engine_sweep(bed->engine, &more));
		enginebed_commit(bed);
	}
}

static void
test_claim_without_end_is_kept_on_record(void **state)
{
	struct enginebed *bed = *state;
	struct engine_change change = {0};
	struct engine_stats stats;

	claim(bed, ENGINEBED_A, 1, KEEP_CLEANUP_NONE);
	end(bed, ENGINEBED_A, &change);
	sweep(bed);
	assert_int_equal(change.removed, 0);
	assert_int_equal(present(bed, ENGINEBED_A), 0);
	assert_true(engine_stats(bed->engine, &stats));
	assert_int_equal(stats.claims, 1);
	assert_int_equal(stats.live_sessions, 1);
}

struct first {
	int count;
	int64_t generation;
	enum keep_cleanup at_insert;
	enum keep_cleanup ends_on;
};

static bool
on_first(const struct engine_claim *claim, void *arg)
{
	struct first *first = arg;

	first->count++;
	assert_true(claim->has_first);
	first->generation = claim->policy_generation;
	first->at_insert = claim->cleanup_at_insert;
	first->ends_on = claim->ends_on;
	return true;
}

static struct first
put_root(struct enginebed *bed, uint32_t generation, enum keep_cleanup cleanup)
{
	struct keep_cert c = cert("root");
	struct engine_origin from = origin(ENGINEBED_A, 1, "Reader");
	struct engine_change change = {0};
	uint8_t hash[ENGINE_HASH_LEN];
	struct first first = {0};

	c.kind = KEEP_ANCHOR;
	from.policy_generation = generation;
	enginebed_begin(bed);
	assert_int_not_equal(
	    engine_put(bed->engine, &from, nothing, &c, cleanup, hash, &change),
	    ENGINE_FAULT);
	enginebed_commit(bed);
	assert_true(engine_list_claims(bed->engine, NULL, on_first, &first));
	assert_int_equal(first.count, 1);
	return first;
}

/* What was in force as the card came; what ends it is the word of now. */
static void
test_first_policy_of_a_claim(void **state)
{
	struct enginebed *bed = *state;
	struct engine_origin from = origin(ENGINEBED_A, 1, "Reader");
	struct engine_change change = {0};
	struct first first = put_root(bed, 3, KEEP_CLEANUP_NONE);

	assert_int_equal(first.generation, 3);
	assert_int_equal(first.at_insert, KEEP_CLEANUP_NONE);
	first = put_root(bed, 4, KEEP_CLEANUP_LOGOFF);
	assert_int_equal(first.generation, 3);
	assert_int_equal(first.at_insert, KEEP_CLEANUP_NONE);
	assert_int_equal(first.ends_on, KEEP_CLEANUP_LOGOFF);
	enginebed_begin(bed);
	assert_true(engine_release(bed->engine, &from, false, false, &change));
	enginebed_commit(bed);
	first = put_root(bed, 5, KEEP_CLEANUP_REMOVAL);
	assert_int_equal(first.generation, 5);
	assert_int_equal(first.at_insert, KEEP_CLEANUP_REMOVAL);
}

static void
test_older_epoch_does_not_count(void **state)
{
	struct keep_hello hello = {.started_at = ENGINEBED_NOW};
	struct enginebed *bed = *state;
	struct engine_change change = {0};
	uint32_t count = 0;

	claim(bed, ENGINEBED_A, 1, KEEP_CLEANUP_REMOVAL);
	claim(bed, ENGINEBED_B, 1, KEEP_CLEANUP_LOGOFF);
	int64_t epoch = engine_epoch(bed->engine);

	enginebed_reopen(bed);
	assert_int_equal(engine_epoch(bed->engine), epoch + 1);
	assert_int_equal(present(bed, ENGINEBED_A), 0);

	enginebed_begin(bed);
	assert_true(engine_session_start(bed->engine, ENGINEBED_A, ENGINEBED_A,
	                                 &hello));
	assert_true(engine_end_others(bed->engine, "gone", &count, &change));
	enginebed_commit(bed);
	assert_int_equal(count, 1);
	assert_int_equal(present(bed, ENGINEBED_A), 1);
	assert_int_equal(present(bed, ENGINEBED_B), 0);

	change = (struct engine_change){0};
	enginebed_begin(bed);
	assert_true(engine_session_synced(bed->engine, ENGINEBED_A, ENGINEBED_A,
	                                  &change));
	enginebed_commit(bed);
	sweep(bed);
	assert_int_equal(change.removed, 1);
	assert_int_equal(present(bed, ENGINEBED_A), 0);
	struct engine_stats stats;

	assert_true(engine_stats(bed->engine, &stats));
	assert_int_equal(stats.certs, 0);
}

static void
test_rollback_leaves_no_half(void **state)
{
	struct engine_origin from = origin(ENGINEBED_A, 1, "Reader");
	struct enginebed *bed = *state;
	struct keep_cert c = cert("der");
	struct engine_change change = {0};
	uint8_t hash[ENGINE_HASH_LEN];

	enginebed_begin(bed);
	assert_int_equal(engine_put(bed->engine, &from, wire_view_text("alice"),
	                            &c, KEEP_CLEANUP_NONE, hash, &change),
	                 ENGINE_ADDED);
	engine_rollback(bed->engine);
	assert_int_equal(enginebed_look(bed).count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ENGINEBED_OPEN(test_added_once),
	    ENGINEBED_OPEN(test_unchanged_writes_nothing),
	    ENGINEBED_OPEN(test_new_card_property_wins),
	    ENGINEBED_OPEN(test_what_the_card_says_of_itself_and_its_pins),
	    ENGINEBED_OPEN(test_absent_card_property_loses_nothing),
	    ENGINEBED_OPEN(test_first_policy_of_a_claim),
	    ENGINEBED_OPEN(test_old_user_property_wins),
	    ENGINEBED_OPEN(test_renewed_is_another),
	    ENGINEBED_OPEN(test_number_of_certificates_of_a_user),
	    ENGINEBED_OPEN(test_bytes_of_a_user),
	    ENGINEBED_OPEN(test_presence_is_a_query),
	    ENGINEBED_OPEN(test_preexisting_is_never_present),
	    ENGINEBED_OPEN(test_claim_without_end_is_kept_on_record),
	    ENGINEBED_OPEN(test_older_epoch_does_not_count),
	    ENGINEBED_OPEN(test_rollback_leaves_no_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
