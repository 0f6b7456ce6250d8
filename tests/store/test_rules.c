/*
 * What a policy takes back, of whatever a log-on still has: without a
 * connection, from an earlier one, of a card that is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "enginebed.h"
#include "logonbed.h"

/* Nothing is taken back, and roots stay until log-off. */
static struct keep_rules
usual(void)
{
	struct keep_rules rules = {.policy = wire_view_text("default"),
	                           .redirect = true,
	                           .roots = true,
	                           .cleanup = KEEP_CLEANUP_LOGOFF,
	                           .match_upn = true};

	return rules;
}

static void
say(int to, const struct keep_rules *rules)
{
	struct keep_msg msg = {.type = KEEP_RULES, .rules = *rules};

	keeperbed_say(to, &msg);
}

static void
say_all(struct keeperbed *bed, const struct keep_rules *rules)
{
	struct keep_msg msg = {.type = KEEP_RULED_ALL};

	say(bed->gate, rules);
	keeperbed_say(bed->gate, &msg);
}

static int
roots(const struct keeperbed *bed)
{
	return keeperbed_files(bed, 1, "anchors");
}

static bool
wait_roots(const struct keeperbed *bed, int count)
{
	return keeperbed_wait_files(bed, 1, "anchors", count);
}

/* Whatever was said before has been done: somebody else has an answer. */
static void
let_pass(struct keeperbed *bed)
{
	int other = keeperbed_attach(bed, 250, false);

	for (uint32_t seq = 1; seq <= 3; seq++)
		logonbed_sync_all(other, seq);
	(void)close(other);
}

/* A log-on with the card's root, and its connection goes. */
static void
leave(struct keeperbed *bed, enum keep_cleanup cleanup, uint32_t grace_s)
{
	int session = logonbed_log_on(bed, 1, "alice", "rdp:1");

	assert_true(logonbed_insert(session, 1, cleanup).ok);
	logonbed_end(session, KEEP_END_DISCONNECT, grace_s, 0);
	assert_int_equal(roots(bed), 1);
}

static void
test_detached_roots_off(void **state)
{
	struct keep_rules rules = usual();

	leave(*state, KEEP_CLEANUP_LOGOFF, 0);
	say_all(*state, &rules);
	let_pass(*state);
	assert_int_equal(roots(*state), 1);
	rules.roots = false;
	say_all(*state, &rules);
	assert_true(wait_roots(*state, 0));
}

/* The option says that they stay, and so they do (10.3). */
static void
test_detached_roots_off_no_cleanup(void **state)
{
	struct keep_rules rules = usual();

	leave(*state, KEEP_CLEANUP_NONE, 0);
	rules.roots = false;
	rules.cleanup = KEEP_CLEANUP_NONE;
	say_all(*state, &rules);
	let_pass(*state);
	assert_int_equal(roots(*state), 1);
	rules.cleanup = KEEP_CLEANUP_LOGOFF;
	say_all(*state, &rules);
	assert_true(wait_roots(*state, 0));
}

static void
test_detached_section_gone(void **state)
{
	struct keep_rules rules = usual();

	leave(*state, KEEP_CLEANUP_LOGOFF, 0);
	rules.policy = wire_view_text("another");
	say_all(*state, &rules);
	assert_true(wait_roots(*state, 0));
}

/* It is told to a new keeper, too, and to a log-on that is left later. */
static void
test_detached_before_and_after(void **state)
{
	struct keeperbed *bed = *state;
	struct keep_rules rules = usual();

	leave(bed, KEEP_CLEANUP_LOGOFF, 0);
	let_pass(bed);
	keeperbed_kill(bed);
	keeperbed_start(bed);
	keeperbed_attached_all(bed);
	rules.roots = false;
	say_all(bed, &rules);
	assert_true(wait_roots(bed, 0));
	int session = logonbed_log_on(bed, 2, "bob", "rdp:2");

	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	assert_int_equal(keeperbed_files(bed, 2, "anchors"), 1);
	logonbed_end(session, KEEP_END_DISCONNECT, 0, 0);
	assert_true(keeperbed_wait_files(bed, 2, "anchors", 0));
}

static void
test_detached_not_listed(void **state)
{
	struct keep_rules rules = usual();
	uint8_t hash[2][KEEP_HASH_LEN], der[300];

	leave(*state, KEEP_CLEANUP_LOGOFF, 0);
	memset(der, LOGONBED_ROOT, sizeof(der));
	memset(hash[0], 7, sizeof(hash[0]));
	(void)SHA256(der, sizeof(der), hash[1]);
	rules.limited = true;
	rules.allowed = (struct wire_view){hash[0], sizeof(hash)};
	say_all(*state, &rules);
	let_pass(*state);
	assert_int_equal(roots(*state), 1);
	rules.allowed.len = KEEP_HASH_LEN;
	say_all(*state, &rules);
	assert_true(wait_roots(*state, 0));
}

static void
test_detached_cleanup(void **state)
{
	struct keep_rules rules = usual();

	leave(*state, KEEP_CLEANUP_LOGOFF, 0);
	rules.cleanup = KEEP_CLEANUP_REMOVAL;
	say_all(*state, &rules);
	assert_true(wait_roots(*state, 0));
}

/* The grace that runs is not cut short, and what it ends is what is said. */
static void
test_detached_cleanup_in_grace(void **state)
{
	struct keep_rules rules = usual();

	leave(*state, KEEP_CLEANUP_LOGOFF, 2);
	rules.cleanup = KEEP_CLEANUP_REMOVAL;
	say_all(*state, &rules);
	let_pass(*state);
	assert_int_equal(roots(*state), 1);
	assert_true(wait_roots(*state, 0));
}

static void
test_detached_no_redirection(void **state)
{
	struct keep_rules rules = usual();

	leave(*state, KEEP_CLEANUP_REMOVAL, 600);
	rules.cleanup = KEEP_CLEANUP_REMOVAL;
	say_all(*state, &rules);
	let_pass(*state);
	assert_int_equal(roots(*state), 1);
	rules.redirect = false;
	say_all(*state, &rules);
	assert_true(wait_roots(*state, 0));
}

static void
named_cert(int session, const char *upn)
{
	struct keep_msg msg = {.type = KEEP_CERT};
	uint8_t der[300];

	memset(der, LOGONBED_CERT, sizeof(der));
	msg.cert.kind = KEEP_USER;
	msg.cert.der = (struct wire_view){der, sizeof(der)};
	msg.cert.key_alg = wire_view_text("RSA");
	msg.cert.upn = wire_view_text(upn);
	keeperbed_say(session, &msg);
}

static void
leave_named(struct keeperbed *bed, const char *upn)
{
	int session = logonbed_log_on(bed, 1, "alice@lab", "rdp:1");

	keeperbed_begin(session, 1, LOGONBED_CARD, KEEP_CLEANUP_LOGOFF);
	named_cert(session, upn);
	keeperbed_cert(session, KEEP_ANCHOR, LOGONBED_ROOT);
	assert_true(keeperbed_commit(session, 1).ok);
	logonbed_end(session, KEEP_END_DISCONNECT, 0, 0);
	assert_int_equal(roots(bed), 1);
}

static void
test_detached_card_of_user(void **state)
{
	struct keep_rules rules = usual();

	leave_named(*state, "Alice@LAB");
	rules.match = true;
	say_all(*state, &rules);
	let_pass(*state);
	assert_int_equal(roots(*state), 1);
}

static void
test_detached_card_of_another(void **state)
{
	struct keep_rules rules = usual();

	leave_named(*state, "bob@lab");
	rules.match = true;
	say_all(*state, &rules);
	assert_true(wait_roots(*state, 0));
}

/* The session knows of a list that we do not: what it let pass stays. */
static void
test_detached_card_was_looked_at(void **state)
{
	struct keeperbed *bed = *state;
	struct keep_rules rules = usual();
	int session = logonbed_log_on(bed, 1, "alice", "rdp:1");

	rules.match = true;
	say(session, &rules);
	assert_true(logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF).ok);
	logonbed_end(session, KEEP_END_DISCONNECT, 0, 0);
	say_all(bed, &rules);
	let_pass(bed);
	assert_int_equal(roots(bed), 1);
}

/* More than one slice, and nobody connected is asked. */
static void
test_many_detached(void **state)
{
	struct keeperbed *bed = *state;
	struct keep_rules rules = usual();
	char name[16];

	for (uint8_t i = 1; i <= 140; i++) {
		(void)snprintf(name, sizeof(name), "rdp:%u", i);
		int session = logonbed_log_on(bed, i, "alice", name);

		assert_true(
		    logonbed_insert(session, 1, KEEP_CLEANUP_LOGOFF).ok);
		if (i == 140) {
			rules.roots = false;
			say_all(bed, &rules);
			for (uint8_t k = 1; k < i; k++)
				assert_true(
				    keeperbed_wait_files(bed, k, "anchors", 0));
			assert_int_equal(keeperbed_files(bed, i, "anchors"), 1);
			(void)close(session);
		} else {
			logonbed_end(session, KEEP_END_DISCONNECT, 0, 0);
		}
	}
}

/* Back without the card: the machine knows nothing of it. */
static int
resume_without_card(struct keeperbed *bed)
{
	leave(bed, KEEP_CLEANUP_LOGOFF, 0);
	return logonbed_log_on(bed, 2, "alice", "rdp:1");
}

static void
test_resumed_roots_off(void **state)
{
	struct keep_rules rules = usual();
	int session = resume_without_card(*state);

	say(session, &rules);
	logonbed_sync_all(session, 1);
	assert_int_equal(roots(*state), 1);
	rules.roots = false;
	say(session, &rules);
	assert_true(wait_roots(*state, 0));
	(void)close(session);
}

/* Said at once it waits for the look at the readers, later it does not. */
static void
test_resumed_cleanup(void **state)
{
	for (int later = 0; later < 2; later++) {
		struct keep_rules rules = usual();
		int session = resume_without_card(*state);

		if (later == 1)
			logonbed_sync_all(session, 1);
		rules.cleanup = KEEP_CLEANUP_REMOVAL;
		say(session, &rules);
		if (later == 0) {
			let_pass(*state);
			assert_int_equal(roots(*state), 1);
			logonbed_sync_all(session, 2);
		}
		assert_true(wait_roots(*state, 0));
		logonbed_end(session, KEEP_END_LOGOFF, 0, 0);
		assert_true(wait_roots(*state, -1));
	}
}

/* More cards than the machine remembers: all are reached. */
static void
test_nine_cards_withdrawn(void **state)
{
	struct keeperbed *bed = *state;
	struct keep_rules rules = usual();
	int session = logonbed_log_on(bed, 1, "alice", "rdp:1");

	for (uint8_t i = 1; i <= 9; i++) {
		struct keep_msg msg = {.type = KEEP_RELEASE, .seq = 2u * i + 1};

		keeperbed_begin(session, 1, i, KEEP_CLEANUP_LOGOFF);
		keeperbed_cert(session, KEEP_ANCHOR, (uint8_t)(100 + i));
		assert_true(keeperbed_commit(session, 2u * i).ok);
		msg.release.reader = 1;
		memset(msg.release.card_id, i, sizeof(msg.release.card_id));
		keeperbed_say(session, &msg);
		assert_true(keeperbed_answer(session, msg.seq, NULL, 0).ok);
	}
	assert_int_equal(roots(bed), 9);
	rules.roots = false;
	say(session, &rules);
	assert_true(wait_roots(bed, 0));
	(void)close(session);
}

static void
put(struct enginebed *bed, enum keep_kind kind, const char *owner,
    enum keep_cleanup cleanup)
{
	static const uint8_t card[KEEP_CARD_ID_LEN] = {1};
	const struct engine_origin origin = {
	    .session = ENGINEBED_A,
	    .connection = ENGINEBED_A,
	    .reader = 1,
	    .card_id = {card, sizeof(card)},
	};
	struct keep_cert cert = {.kind = kind,
	                         .der = wire_view_text(owner),
	                         .key_alg = wire_view_text("RSA")};
	uint8_t hash[ENGINE_HASH_LEN];

	if (kind == KEEP_ANCHOR)
		cert.der = wire_view_text("a root");
	assert_int_equal(engine_put(bed->engine, &origin, wire_view_text(owner),
	                            &cert, cleanup, hash, &bed->change),
	                 ENGINE_ADDED);
}

/* Rules that change nothing write nothing. */
static void
test_nothing_is_written(void **state)
{
	struct enginebed *bed = *state;
	struct keep_rules said = usual();
	struct engine_rules rules = {
	    .rules = &said, .user = "alice", .connection = "", .settled = true};
	int64_t written;

	enginebed_begin(bed);
	put(bed, KEEP_ANCHOR, "", KEEP_CLEANUP_LOGOFF);
	put(bed, KEEP_USER, "alice", KEEP_CLEANUP_NONE);
	enginebed_commit(bed);
	written = engine_written(bed->engine);
	enginebed_begin(bed);
	assert_true(engine_session_judge(bed->engine, ENGINEBED_A, &rules,
	                                 &bed->change));
	enginebed_commit(bed);
	assert_int_equal(engine_written(bed->engine), written);
	said.cleanup = KEEP_CLEANUP_REMOVAL;
	enginebed_begin(bed);
	assert_true(engine_session_judge(bed->engine, ENGINEBED_A, &rules,
	                                 &bed->change));
	enginebed_commit(bed);
	assert_true(engine_written(bed->engine) > written);
}

#define CASE(name)                                                             \
	cmocka_unit_test_setup_teardown(name, logonbed_run, logonbed_stop)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CASE(test_detached_roots_off),
	    CASE(test_detached_roots_off_no_cleanup),
	    CASE(test_detached_section_gone),
	    CASE(test_detached_before_and_after),
	    CASE(test_detached_not_listed),
	    CASE(test_detached_cleanup),
	    CASE(test_detached_cleanup_in_grace),
	    CASE(test_detached_no_redirection),
	    CASE(test_detached_card_of_user),
	    CASE(test_detached_card_of_another),
	    CASE(test_detached_card_was_looked_at),
	    CASE(test_many_detached),
	    CASE(test_resumed_roots_off),
	    CASE(test_resumed_cleanup),
	    CASE(test_nine_cards_withdrawn),
	    ENGINEBED_OPEN(test_nothing_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
