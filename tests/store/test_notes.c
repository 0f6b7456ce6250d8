/*
 * What is told of single certificates: by the engine, once it is durable, and
 * to who watches.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "engine_admin.h"
#include "keeperbed.h"
#include "notes.h"

enum { NOW = 1700000000, WAIT_MS = 10000, CARDS = 96 };

static const char session_a[] = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a";
static const uint8_t card_id[KEEP_CARD_ID_LEN] = {7};

/* An engine whose notes are written down: "event:user:first byte of hash". */
struct desk {
	char dir[64];
	char path[96];
	struct engine *engine;
	struct engine_listener listener;
	struct engine_change change;
	bool wanted;
	char told[4096];
	size_t lost;
};

static bool
wants(void *arg)
{
	const struct desk *desk = arg;

	return desk->wanted;
}

static void
on_note(void *arg, const struct engine_note *note)
{
	struct desk *desk = arg;
	size_t len = strlen(desk->told);

	(void)snprintf(desk->told + len, sizeof(desk->told) - len, "%s:%.*s ",
	               note->event, (int)note->user.len,
	               (const char *)note->user.data);
}

static void
on_lost(void *arg, size_t count)
{
	struct desk *desk = arg;

	desk->lost += count;
}

static int
set_up(void **state)
{
	const struct keep_hello hello = {.started_at = NOW};
	static struct desk desk;
	char reason[ENGINE_REASON_SIZE];
	enum engine_error error;

	memset(&desk, 0, sizeof(desk));
	(void)snprintf(desk.dir, sizeof(desk.dir), "/tmp/notes.XXXXXX");
	assert_non_null(mkdtemp(desk.dir));
	(void)snprintf(desk.path, sizeof(desk.path), "%s/store.db", desk.dir);
	desk.engine = engine_open(desk.path, false, NOW, &error, reason);
	assert_non_null(desk.engine);
	desk.listener =
	    (struct engine_listener){wants, on_note, on_lost, &desk};
	desk.wanted = true;
	engine_listen(desk.engine, &desk.listener);
	assert_true(engine_begin(desk.engine, NOW));
	assert_true(
	    engine_session_start(desk.engine, session_a, session_a, &hello));
	assert_true(engine_commit(desk.engine));
	assert_string_equal(desk.told, "");
	*state = &desk;
	return 0;
}

static int
tear_down(void **state)
{
	struct desk *desk = *state;
	char lock[128];

	engine_close(desk->engine);
	(void)snprintf(lock, sizeof(lock), "%s.lock", desk->path);
	(void)unlink(lock);
	(void)unlink(desk->path);
	return rmdir(desk->dir);
}

static struct keep_cert
make_cert(enum keep_kind kind, const char *der)
{
	return (struct keep_cert){.kind = kind,
	                          .der = wire_view_text(der),
	                          .subject = wire_view_text("CN=somebody")};
}

static void
put(struct desk *desk, enum keep_kind kind, const char *der, const char *name)
{
	bool of_user = kind == KEEP_USER || kind == KEEP_REQUEST;
	const struct engine_origin origin = {
	    .session = session_a,
	    .connection = session_a,
	    .reader = 1,
	    .reader_name = wire_view_text("reader"),
	    .card_id = {card_id, sizeof(card_id)},
	};
	struct keep_cert cert = make_cert(kind, der);
	uint8_t hash[ENGINE_HASH_LEN];

	cert.container = wire_view_text(name);
	assert_int_not_equal(engine_put(desk->engine, &origin,
	                                wire_view_text(of_user ? "alice" : ""),
	                                &cert, KEEP_CLEANUP_REMOVAL, hash,
	                                &desk->change),
	                     ENGINE_FAULT);
}

static void
release(struct desk *desk)
{
	const struct engine_origin origin = {
	    .session = session_a,
	    .connection = session_a,
	    .reader = 1,
	    .reader_name = wire_view_text("reader"),
	    .card_id = {card_id, sizeof(card_id)},
	};

	assert_true(
	    engine_release(desk->engine, &origin, true, true, &desk->change));
}

static void
begin(struct desk *desk)
{
	desk->told[0] = '\0';
	assert_true(engine_begin(desk->engine, NOW));
}

static void
commit(struct desk *desk, const char *told)
{
	assert_string_equal(desk->told, "");
	assert_true(engine_commit(desk->engine));
	assert_string_equal(desk->told, told);
}

static void
test_a_card_comes_and_goes(void **state)
{
	struct desk *desk = *state;

	begin(desk);
	put(desk, KEEP_USER, "one", "a");
	put(desk, KEEP_ANCHOR, "two", "a");
	put(desk, KEEP_PREEXISTING, "three", "a");
	commit(desk, "cert-added:alice root-claimed: root-present: "
	             "root-preexisting: ");
	begin(desk); /* the same again is no news */
	put(desk, KEEP_USER, "one", "a");
	put(desk, KEEP_ANCHOR, "two", "a");
	commit(desk, "");
	begin(desk);
	put(desk, KEEP_USER, "one", "b");
	commit(desk, "cert-replaced:alice ");
	begin(desk); /* of a mere record only the release */
	release(desk);
	assert_true(engine_commit(desk->engine));
	assert_non_null(strstr(desk->told, "root-removed:"));
	assert_null(
	    strstr(strstr(desk->told, "root-removed:") + 1, "root-removed:"));
	assert_non_null(strstr(desk->told, "root-released:"));
	assert_non_null(strstr(desk->told, "cert-deleted:alice"));
}

static void
test_what_is_rolled_back_is_not_told(void **state)
{
	struct desk *desk = *state;

	begin(desk);
	put(desk, KEEP_USER, "one", "a");
	engine_rollback(desk->engine);
	begin(desk);
	put(desk, KEEP_USER, "two", "a");
	commit(desk, "cert-added:alice ");
}

static void
test_nobody_listens(void **state)
{
	struct desk *desk = *state;

	desk->wanted = false;
	begin(desk);
	put(desk, KEEP_USER, "one", "a");
	commit(desk, "");
	desk->wanted = true;
	begin(desk);
	commit(desk, "");
}

static void
test_limits_are_told(void **state)
{
	struct desk *desk = *state;
	char der[32];

	desk->wanted = false;
	begin(desk);
	for (int i = 0; i < ENGINE_OWNER_CERTS; i++) {
		(void)snprintf(der, sizeof(der), "root %d", i);
		put(desk, KEEP_ANCHOR, der, "a");
		(void)snprintf(der, sizeof(der), "cert %d", i);
		put(desk, KEEP_USER, der, "a");
	}
	commit(desk, "");
	desk->wanted = true;
	begin(desk);
	put(desk, KEEP_ANCHOR, "another", "a");
	put(desk, KEEP_USER, "one more", "a");
	commit(desk, "root-refused: cert-refused:alice ");
}

static void
test_an_administrator_is_told_of(void **state)
{
	struct desk *desk = *state;
	uint8_t hash[ENGINE_HASH_LEN];
	struct keep_cert cert = make_cert(KEEP_ANCHOR, "pinned");
	struct engine_pinning pinning = {
	    .scope = "host", .hash = hash, .who = "uid 0"};
	uint32_t removed = 0;
	bool changed = false;

	begin(desk);
	assert_true(engine_take_cert(desk->engine, &cert, hash));
	assert_true(engine_pin(desk->engine, &pinning, &changed));
	assert_true(
	    engine_unpin(desk->engine, "host", hash, "uid 0", &removed));
	commit(desk, "root-pinned: root-unpinned: ");
}

static void
test_there_is_an_end_to_notes(void **state)
{
	static const uint8_t hash[ENGINE_HASH_LEN];
	struct desk *desk = *state;
	const struct engine_note note = {.event = "x",
	                                 .session = session_a,
	                                 .hash = hash,
	                                 .user = wire_view_text("u")};
	struct notes notes = {0};

	for (size_t i = 0; i < NOTES_MAX + 5; i++)
		notes_add(&notes, &note);
	assert_int_equal(notes.count, NOTES_MAX);
	notes_tell(&notes, &desk->listener);
	assert_int_equal(desk->lost, 5);
	assert_int_equal(notes.count, 0);
	notes_add(&notes, &note);
	assert_int_equal(notes.count, 1);
	notes_clear(&notes);
	assert_int_equal(notes.count, 0);
}

/*
 * Watching.
 */

static FILE *
watch(const struct keeperbed *bed)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	FILE *file = fd >= 0 ? fdopen(fd, "r+") : NULL;

	assert_non_null(file);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	               bed->control);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_true(fputs("watch\n", file) >= 0 && fflush(file) == 0);
	return file;
}

static const char *
text_of(struct json_object *row, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(row, key, &value)
	           ? json_object_get_string(value)
	           : "";
}

static struct json_object *
next(FILE *watcher)
{
	char line[4096];
	struct json_object *row;

	assert_non_null(fgets(line, sizeof(line), watcher));
	row = json_tokener_parse(line);
	assert_non_null(row);
	return row;
}

/* All that a card may hold at once. */
static void
insert(int session, uint8_t first, uint32_t seq)
{
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_REMOVAL);
	for (uint8_t i = 0; i < CARDS; i++)
		keeperbed_cert(session,
		               i < KEEP_CERTS_MAX ? KEEP_USER : KEEP_ANCHOR,
		               (uint8_t)(first + i));
	assert_true(keeperbed_commit(session, seq).ok);
}

/* The watcher is there once its answer has been: one who asked later has one.
 */
static void
settle(const struct keeperbed *bed)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char bytes[512];

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	               bed->control);
	assert_int_equal(
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(send(fd, "readers\n", 8, MSG_NOSIGNAL), 8);
	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
	(void)close(fd);
}

static void
test_a_watcher_sees_each_certificate(void **state)
{
	struct keeperbed bed;
	unsigned certs = 0, claimed = 0, present = 0;

	(void)state;
	keeperbed_init(&bed);
	keeperbed_start(&bed);
	int session = keeperbed_attach(&bed, 1, false);

	keeperbed_user(session, "alice");
	/* It listens once it has answered anything. */
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_REMOVAL);
	assert_true(keeperbed_commit(session, 99).ok);
	FILE *watcher = watch(&bed);

	settle(&bed);
	insert(session, 1, 1);
	for (bool more = true; more;) {
		struct json_object *row = next(watcher);
		const char *event = text_of(row, "event");

		more = strcmp(event, "commit") != 0;
		if (strcmp(event, "cert-added") == 0) {
			certs++;
			assert_string_equal(text_of(row, "windows_event"),
			                    "1006");
			assert_string_equal(text_of(row, "user"), "alice");
			assert_int_equal(strlen(text_of(row, "sha256")), 64);
			assert_string_equal(text_of(row, "session"),
			                    "01010101010101010101010101010101");
		}
		claimed += strcmp(event, "root-claimed") == 0;
		present += strcmp(event, "root-present") == 0;
		(void)json_object_put(row);
	}
	assert_int_equal(certs, KEEP_CERTS_MAX);
	assert_int_equal(claimed, CARDS - KEEP_CERTS_MAX);
	assert_int_equal(present, CARDS - KEEP_CERTS_MAX);
	(void)fclose(watcher);
	(void)close(session);
	assert_int_equal(keeperbed_stop(&bed), KEEPER_EXIT_OK);
	keeperbed_clear(&bed);
}

/* It reads nothing for a long time: it misses some, is told so, and stays. */
static void
test_a_slow_watcher_stays(void **state)
{
	enum { ROUNDS = 20 };
	struct keeperbed bed;
	unsigned told = 0, missed = 0, commits = 0;

	(void)state;
	keeperbed_init(&bed);
	keeperbed_start(&bed);
	int session = keeperbed_attach(&bed, 1, false);

	keeperbed_user(session, "alice");
	/* It listens once it has answered anything. */
	keeperbed_begin(session, 1, 0xc1, KEEP_CLEANUP_REMOVAL);
	assert_true(keeperbed_commit(session, 99).ok);
	FILE *watcher = watch(&bed);

	settle(&bed);
	for (uint32_t i = 0; i < ROUNDS; i++)
		insert(session, i % 2 == 0 ? 1 : 120, i + 1);
	while (missed == 0) {
		struct json_object *row = next(watcher);
		const char *event = text_of(row, "event");

		commits += strcmp(event, "commit") == 0;
		told += strncmp(event, "root-", 5) == 0;
		if (strcmp(event, "events-missed") == 0)
			missed =
			    (unsigned)strtoul(text_of(row, "count"), NULL, 10);
		(void)json_object_put(row);
	}
	assert_int_equal(commits, ROUNDS); /* none of these is missed */
	assert_true(told > 0);
	insert(session, 1, ROUNDS + 1); /* and now it hears all again */
	for (told = 0; told < CARDS - KEEP_CERTS_MAX;) {
		struct json_object *row = next(watcher);

		told += strcmp(text_of(row, "event"), "root-present") == 0;
		(void)json_object_put(row);
	}
	(void)fclose(watcher);
	(void)close(session);
	assert_int_equal(keeperbed_stop(&bed), KEEPER_EXIT_OK);
	keeperbed_clear(&bed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_a_card_comes_and_goes),
	    TEST(test_what_is_rolled_back_is_not_told),
	    TEST(test_nobody_listens),
	    TEST(test_limits_are_told),
	    TEST(test_an_administrator_is_told_of),
	    TEST(test_there_is_an_end_to_notes),
	    cmocka_unit_test(test_a_watcher_sees_each_certificate),
	    cmocka_unit_test(test_a_slow_watcher_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
