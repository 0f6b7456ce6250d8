/* What backs an entry, and where its key is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "enginebed.h"

/* A card by its number; its reader has the same one. */
struct card {
	uint8_t id[KEEP_CARD_ID_LEN];
	char container[32];
	struct engine_origin origin;
};

static void
make_card(struct card *card, const char *session, const char *connection,
          uint8_t number)
{
	memset(card->id, number, sizeof(card->id));
	(void)snprintf(card->container, sizeof(card->container), "container %d",
	               number);
	card->origin = (struct engine_origin){
	    .session = session,
	    .connection = connection,
	    .reader = number,
	    .reader_name = wire_view_text("Reader"),
	    .card_id = {card->id, sizeof(card->id)},
	};
}

static enum engine_result
put_kind(struct enginebed *bed, const struct card *card, enum keep_kind kind,
         const char *der, enum keep_cleanup cleanup)
{
	const char *owner = kind == KEEP_USER ? "alice" : "";
	const struct keep_cert cert = {
	    .kind = kind,
	    .der = wire_view_text(der),
	    .container = wire_view_text(card->container),
	};
	uint8_t hash[ENGINE_HASH_LEN];

	enginebed_begin(bed);
	enum engine_result result =
	    engine_put(bed->engine, &card->origin, wire_view_text(owner), &cert,
	               cleanup, hash, &bed->change);

	enginebed_commit(bed);
	return result;
}

static enum engine_result
put(struct enginebed *bed, const struct card *card, const char *der,
    enum keep_cleanup cleanup)
{
	return put_kind(bed, card, KEEP_USER, der, cleanup);
}

static void
release(struct enginebed *bed, const struct card *card, bool user)
{
	enginebed_begin(bed);
	assert_true(engine_release(bed->engine, &card->origin, false, user,
	                           &bed->change));
	enginebed_commit(bed);
}

static void
holds_nothing(struct enginebed *bed, const struct card *card, bool archive)
{
	const struct engine_held held = {.archive = archive};

	enginebed_begin(bed);
	assert_true(engine_held_only(bed->engine, &card->origin,
	                             wire_view_text("alice"), &held,
	                             &bed->change));
	enginebed_commit(bed);
}

static void
test_key_is_available_while_the_card_is(void **state)
{
	struct enginebed *bed = *state;
	struct card card;

	make_card(&card, ENGINEBED_A, ENGINEBED_A, 1);
	assert_int_equal(put(bed, &card, "der", KEEP_CLEANUP_NONE),
	                 ENGINE_ADDED);
	assert_true(enginebed_look(bed).key_available);
	assert_true(enginebed_look(bed).kept);
	release(bed, &card, false);
	assert_true(bed->change.user);
	assert_int_equal(enginebed_look(bed).count, 1);
	assert_false(enginebed_look(bed).key_available);
	assert_int_equal(put(bed, &card, "der", KEEP_CLEANUP_NONE),
	                 ENGINE_UNCHANGED);
	assert_true(enginebed_look(bed).key_available);
}

static bool
count_root(const struct engine_root *root, void *arg)
{
	(void)root;
	(*(int *)arg)++;
	return true;
}

static int
count_roots(struct enginebed *bed)
{
	char scope[ENGINE_SCOPE_SIZE];
	int count = 0;

	engine_scope(scope, ENGINEBED_A);
	assert_true(engine_presence(bed->engine, scope, count_root, &count));
	return count;
}

static void
judge(struct enginebed *bed, enum keep_cleanup cleanup)
{
	const struct keep_rules rules = {.redirect = true,
	                                 .roots = true,
	                                 .cleanup = cleanup,
	                                 .user_cleanup = cleanup};
	const struct engine_rules by = {
	    .rules = &rules, .user = "alice", .connection = ENGINEBED_A};

	enginebed_begin(bed);
	assert_true(
	    engine_session_judge(bed->engine, ENGINEBED_A, &by, &bed->change));
	enginebed_commit(bed);
}

/* As a session tells of a card that does not answer: nothing of it ends. */
static void
test_silent_card_keeps_all_but_its_keys(void **state)
{
	struct enginebed *bed = *state;
	struct card card;

	make_card(&card, ENGINEBED_A, ENGINEBED_A, 1);
	(void)put(bed, &card, "der", KEEP_CLEANUP_REMOVAL);
	(void)put_kind(bed, &card, KEEP_ANCHOR, "root", KEEP_CLEANUP_REMOVAL);
	release(bed, &card, false);
	assert_int_equal(bed->change.removed, 0);
	assert_int_equal(enginebed_look(bed).count, 1);
	assert_false(enginebed_look(bed).key_available);
	assert_int_equal(count_roots(bed), 1);
	/* Before other rules it is said again, after them released again. */
	(void)put(bed, &card, "der", KEEP_CLEANUP_REMOVAL);
	(void)put_kind(bed, &card, KEEP_ANCHOR, "root", KEEP_CLEANUP_REMOVAL);
	judge(bed, KEEP_CLEANUP_REMOVAL);
	release(bed, &card, false);
	assert_int_equal(enginebed_look(bed).count, 1);
	assert_int_equal(count_roots(bed), 1);
	assert_false(enginebed_look(bed).key_available);
	/* It answers. */
	(void)put(bed, &card, "der", KEEP_CLEANUP_REMOVAL);
	assert_true(enginebed_look(bed).key_available);
}

static void
test_unbacked_entry_goes_with_its_last_row(void **state)
{
	struct enginebed *bed = *state;
	struct card one;
	struct card two;

	make_card(&one, ENGINEBED_A, ENGINEBED_A, 1);
	make_card(&two, ENGINEBED_B, ENGINEBED_B, 1);
	(void)put(bed, &one, "der", KEEP_CLEANUP_REMOVAL);
	(void)put(bed, &two, "der", KEEP_CLEANUP_REMOVAL);
	release(bed, &one, true);
	assert_int_equal(bed->change.removed, 0);
	assert_true(enginebed_look(bed).key_available);
	release(bed, &two, true);
	assert_int_equal(bed->change.removed, 1);
	assert_int_equal(enginebed_look(bed).count, 0);
}

static void
test_key_is_on_the_card_inserted_last(void **state)
{
	struct enginebed *bed = *state;
	struct card one;
	struct card two;

	make_card(&one, ENGINEBED_A, ENGINEBED_A, 1);
	make_card(&two, ENGINEBED_A, ENGINEBED_A, 2);
	(void)put(bed, &one, "der", KEEP_CLEANUP_NONE);
	(void)put(bed, &two, "der", KEEP_CLEANUP_NONE);
	assert_string_equal(enginebed_look(bed).container, "container 2");
	/* Reading the other again is no insertion. */
	int64_t before = engine_written(bed->engine);

	assert_int_equal(put(bed, &one, "der", KEEP_CLEANUP_NONE),
	                 ENGINE_UNCHANGED);
	assert_int_equal(engine_written(bed->engine), before);
	assert_string_equal(enginebed_look(bed).container, "container 2");
	release(bed, &two, false);
	assert_string_equal(enginebed_look(bed).container, "container 1");
	assert_true(enginebed_look(bed).key_available);
}

static void
test_archived_when_its_only_card_holds_it_no_more(void **state)
{
	struct enginebed *bed = *state;
	struct card card;

	make_card(&card, ENGINEBED_A, ENGINEBED_A, 1);
	(void)put(bed, &card, "der", KEEP_CLEANUP_NONE);
	holds_nothing(bed, &card, false);
	assert_int_equal(enginebed_look(bed).archived, ENGINE_SHOWN);
	assert_false(enginebed_look(bed).key_available);
	(void)put(bed, &card, "der", KEEP_CLEANUP_NONE);
	holds_nothing(bed, &card, true);
	assert_int_equal(enginebed_look(bed).archived, ENGINE_ARCHIVED_STALE);
	/* Here it is again. */
	(void)put(bed, &card, "der", KEEP_CLEANUP_NONE);
	assert_int_equal(enginebed_look(bed).archived, ENGINE_SHOWN);
}

static void
test_not_archived_while_another_card_holds_it(void **state)
{
	struct enginebed *bed = *state;
	struct card one;
	struct card two;

	make_card(&one, ENGINEBED_A, ENGINEBED_A, 1);
	make_card(&two, ENGINEBED_A, ENGINEBED_A, 2);
	(void)put(bed, &one, "der", KEEP_CLEANUP_NONE);
	(void)put(bed, &two, "der", KEEP_CLEANUP_NONE);
	holds_nothing(bed, &two, true);
	assert_int_equal(enginebed_look(bed).archived, ENGINE_SHOWN);
	assert_string_equal(enginebed_look(bed).container, "container 1");
}

/* The same once more: only a connection that is another writes anything. */
static void
test_only_another_connection_writes(void **state)
{
	static const char other[] = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c";
	struct enginebed *bed = *state;
	struct card card;

	make_card(&card, ENGINEBED_A, ENGINEBED_A, 1);
	(void)put(bed, &card, "der", KEEP_CLEANUP_REMOVAL);
	int64_t before = engine_written(bed->engine);

	(void)put(bed, &card, "der", KEEP_CLEANUP_REMOVAL);
	assert_int_equal(engine_written(bed->engine), before);
	card.origin.connection = other;
	assert_int_equal(put(bed, &card, "der", KEEP_CLEANUP_REMOVAL),
	                 ENGINE_UNCHANGED);
	assert_int_equal(engine_written(bed->engine), before + 1);
	enginebed_begin(bed);
	assert_true(engine_session_synced(bed->engine, ENGINEBED_A, other,
	                                  &bed->change));
	assert_int_equal(bed->change.removed, 0);
	assert_true(engine_session_synced(bed->engine, ENGINEBED_A, ENGINEBED_A,
	                                  &bed->change));
	assert_int_equal(bed->change.removed, 1);
	enginebed_commit(bed);
}

/* The connection has asserted nothing again. */
static void
say_synced(struct enginebed *bed, const char *session, const char *connection)
{
	enginebed_begin(bed);
	assert_true(engine_session_synced(bed->engine, session, connection,
	                                  &bed->change));
	enginebed_commit(bed);
}

/* Taken out while no keeper was there, or nobody was connected. */
static void
test_key_of_a_card_that_is_missed_is_not_available(void **state)
{
	static const char other[] = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c";
	struct enginebed *bed = *state;
	struct card card;

	make_card(&card, ENGINEBED_A, ENGINEBED_A, 1);
	(void)put(bed, &card, "der", KEEP_CLEANUP_LOGOFF);
	say_synced(bed, ENGINEBED_A, ENGINEBED_A);
	assert_true(enginebed_look(bed).key_available);

	enginebed_reopen(bed);
	enginebed_start(bed, ENGINEBED_A, ENGINEBED_A);
	assert_true(enginebed_look(bed).key_available);
	say_synced(bed, ENGINEBED_A, ENGINEBED_A);
	assert_int_equal(enginebed_look(bed).count, 1);
	assert_false(enginebed_look(bed).key_available);

	(void)put(bed, &card, "der", KEEP_CLEANUP_LOGOFF);
	enginebed_start(bed, ENGINEBED_A, other);
	assert_true(enginebed_look(bed).key_available);
	say_synced(bed, ENGINEBED_A, other);
	assert_int_equal(enginebed_look(bed).count, 1);
	assert_false(enginebed_look(bed).key_available);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    ENGINEBED_OPEN(test_key_is_available_while_the_card_is),
	    ENGINEBED_OPEN(test_silent_card_keeps_all_but_its_keys),
	    ENGINEBED_OPEN(test_unbacked_entry_goes_with_its_last_row),
	    ENGINEBED_OPEN(test_key_is_on_the_card_inserted_last),
	    ENGINEBED_OPEN(test_archived_when_its_only_card_holds_it_no_more),
	    ENGINEBED_OPEN(test_not_archived_while_another_card_holds_it),
	    ENGINEBED_OPEN(test_only_another_connection_writes),
	    ENGINEBED_OPEN(test_key_of_a_card_that_is_missed_is_not_available),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
