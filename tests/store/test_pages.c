/* Lists come in pages: whatever their length, each row once and in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_admin.h"
#include "listing.h"
#include "purge.h"
#include "stream.h"

enum { NOW = 1700000000, LOGONS = 130, ROOTS = 10, OWNED = 7 };

struct bed {
	char dir[32];
	char path[64];
	struct engine *engine;
	struct report_source source;
	struct peer_list peers;
};

static void
make_id(char id[ENGINE_ID_SIZE], unsigned number)
{
	(void)snprintf(id, ENGINE_ID_SIZE, "%032x", number);
}

static struct keep_cert
make_cert(uint8_t der[64], enum keep_kind kind, unsigned number)
{
	memset(der, 0x5a, 64);
	memcpy(der, &number, sizeof(number));
	return (struct keep_cert){.kind = kind, .der = {der, 64}};
}

/* A log-on of its own user, with roots that are kept, one for the host. */
static void
fill_logon(struct bed *bed, unsigned number)
{
	static const uint8_t card[KEEP_CARD_ID_LEN] = {1};
	const struct keep_hello hello = {.started_at = NOW};
	struct engine_change change = {0};
	uint8_t hash[ENGINE_HASH_LEN];
	char id[ENGINE_ID_SIZE];
	char user[32];
	uint8_t der[64];

	make_id(id, number);
	(void)snprintf(user, sizeof(user), "user%u", number);
	const struct keep_state state = {.user = wire_view_text(user)};
	const struct engine_origin origin = {
	    .session = id, .connection = id, .card_id = {card, sizeof(card)}};

	assert_true(engine_session_start(bed->engine, id, id, &hello));
	assert_true(engine_session_state(bed->engine, id, &state));
	for (unsigned i = 0; i < ROOTS + OWNED; i++) {
		bool root = i < ROOTS;
		struct keep_cert cert = make_cert(
		    der, root ? KEEP_ANCHOR : KEEP_USER, root ? i : i * number);

		assert_true(engine_put(bed->engine, &origin,
		                       root ? (struct wire_view){0}
		                            : wire_view_text(user),
		                       &cert, KEEP_CLEANUP_NONE, hash,
		                       &change) < ENGINE_LIMIT);
		if (i == 0)
			assert_true(engine_put_host(bed->engine, &origin, &cert,
			                            KEEP_CLEANUP_NONE,
			                            &change) < ENGINE_LIMIT);
	}
	assert_true(engine_session_end(bed->engine, id, ENGINE_END_LOGOFF,
	                               wire_view_text("filled"), &change));
}

static int
set_up(void **state)
{
	static struct bed bed;
	char reason[ENGINE_REASON_SIZE];
	enum engine_error error;

	(void)snprintf(bed.dir, sizeof(bed.dir), "/tmp/pages.XXXXXX");
	assert_non_null(mkdtemp(bed.dir));
	(void)snprintf(bed.path, sizeof(bed.path), "%s/store.db", bed.dir);
	bed.engine = engine_open(bed.path, false, NOW, &error, reason);
	assert_non_null(bed.engine);
	assert_true(engine_begin(bed.engine, NOW));
	for (unsigned i = 1; i <= LOGONS; i++)
		fill_logon(&bed, i);
	assert_true(engine_commit(bed.engine));
	TAILQ_INIT(&bed.peers);
	bed.source = (struct report_source){
	    .engine = bed.engine, .peers = &bed.peers, .run_dir = "/run"};
	*state = &bed;
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
	struct bed *bed = *state;
	char path[96];

	engine_close(bed->engine);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", bed->path,
		               suffixes[i]);
		(void)unlink(path);
	}
	return rmdir(bed->dir);
}

/* The whole answer; steps counts how many it came in. */
static struct json_object *
list(const struct bed *bed, const char *line, size_t *steps)
{
	struct evbuffer *to = evbuffer_new();
	struct request request;
	enum engine_slice slice = ENGINE_MORE;

	assert_null(request_parse(wire_view_text(line), &request));
	assert_true(listing_serves(request.verb));
	struct listing *listing = listing_new(&bed->source, &request, to);

	for (*steps = 0; slice == ENGINE_MORE; (*steps)++) {
		size_t before = evbuffer_get_length(to);

		slice = listing_step(listing);
		/* No step alone may be what a client has to wait for. */
		assert_true(evbuffer_get_length(to) - before < 512 * 1024);
	}
	assert_int_equal(slice, ENGINE_DONE);
	assert_int_equal(evbuffer_add(to, "", 1), 0);
	struct json_object *document =
	    json_tokener_parse((char *)evbuffer_pullup(to, -1));

	assert_non_null(document);
	listing_free(listing);
	evbuffer_free(to);
	return document;
}

static struct json_object *
rows(struct json_object *document, const char *name)
{
	struct json_object *array = NULL;

	assert_true(json_object_object_get_ex(document, name, &array));
	return array;
}

static const char *
text(struct json_object *array, size_t i, const char *key)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(
	    json_object_array_get_idx(array, i), key, &value));
	return json_object_get_string(value);
}

static void
test_certs(void **state)
{
	size_t steps = 0;
	struct json_object *document = list(*state, "certs", &steps);
	struct json_object *certs = rows(document, "certs");

	/* Number times nothing is the same one for each of them. */
	assert_int_equal(json_object_array_length(certs), LOGONS * OWNED);
	assert_true(steps > LOGONS);
	for (size_t i = 1; i < LOGONS * OWNED; i++)
		assert_true(strcmp(text(certs, i - 1, "user"),
		                   text(certs, i, "user")) <= 0);
	(void)json_object_put(document);
}

/* The same certificate of many users, by its thumbprint, over two pages. */
static void
test_certs_of_a_thumbprint(void **state)
{
	enum { SHARERS = 450 };
	struct bed *bed = *state;
	uint8_t hash[ENGINE_HASH_LEN];
	struct engine_change change = {0};
	char line[96] = "certs export - ";
	char id[ENGINE_ID_SIZE];
	uint8_t der[64];
	size_t steps = 0;

	make_id(id, 1);
	const struct engine_origin origin = {
	    .session = id, .connection = id, .card_id = {der, 16}};

	assert_true(engine_begin(bed->engine, NOW));
	for (unsigned i = 0; i < SHARERS; i++) {
		struct keep_cert cert = make_cert(der, KEEP_USER, 0xffffff);
		char user[32];

		(void)snprintf(user, sizeof(user), "sharer%u", i);
		assert_int_equal(engine_put(bed->engine, &origin,
		                            wire_view_text(user), &cert,
		                            KEEP_CLEANUP_NONE, hash, &change),
		                 ENGINE_ADDED);
	}
	assert_true(engine_commit(bed->engine));
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(line + strlen(line), 3, "%02x", hash[i]);
	struct json_object *document = list(bed, line, &steps);
	struct json_object *certs = rows(document, "certs");

	assert_int_equal(json_object_array_length(certs), SHARERS);
	assert_true(steps > SHARERS / ENGINE_PAGE);
	for (size_t i = 1; i < SHARERS; i++)
		assert_true(strcmp(text(certs, i - 1, "user"),
		                   text(certs, i, "user")) < 0);
	(void)json_object_put(document);
}

/* One root of the host with a holder for each log-on, and ten for each. */
static void
test_roots(void **state)
{
	size_t steps = 0;
	struct json_object *document = list(*state, "roots", &steps);
	struct json_object *roots = rows(document, "roots");
	size_t holders = 0;

	assert_int_equal(json_object_array_length(roots), 1 + LOGONS * ROOTS);
	assert_true(steps > LOGONS * ROOTS / ENGINE_PAGE_SCAN);
	assert_string_equal(text(roots, 0, "scope"), "host");
	for (size_t i = 0; i < 1 + LOGONS * ROOTS; i++) {
		size_t count = json_object_array_length(
		    rows(json_object_array_get_idx(roots, i), "holders"));

		assert_int_equal(count, i == 0 ? LOGONS : 1);
		holders += count;
	}
	assert_int_equal(holders, LOGONS * (ROOTS + 1));
	(void)json_object_put(document);

	/* Of one scope, and of one root everywhere. */
	document = list(
	    *state, "roots session:00000000000000000000000000000007", &steps);
	roots = rows(document, "roots");
	assert_int_equal(json_object_array_length(roots), ROOTS);
	char line[64];

	(void)snprintf(line, sizeof(line), "roots explain %.16s",
	               text(roots, 3, "sha256"));
	(void)json_object_put(document);
	document = list(*state, line, &steps);
	size_t count = json_object_array_length(rows(document, "roots"));

	assert_true(count == LOGONS || count == LOGONS + 1);
	(void)json_object_put(document);
}

/* All of it is of one second. */
static void
test_audit(void **state)
{
	struct bed *bed = *state;
	struct engine_census census;
	enum engine_slice slice = ENGINE_MORE;
	size_t steps = 0;
	struct json_object *document = list(bed, "audit", &steps);
	struct json_object *audit = rows(document, "audit");
	size_t count = json_object_array_length(audit);

	engine_census_init(&census);
	while (slice == ENGINE_MORE)
		slice = engine_census_step(bed->engine, &census);
	assert_int_equal(slice, ENGINE_DONE);
	assert_true(count < STREAM_ROWS_MAX && steps > count / ENGINE_PAGE);
	assert_int_equal(count, census.stats.audit);
	(void)json_object_put(document);

	document = list(bed, "audit user7", &steps);
	audit = rows(document, "audit");
	assert_true(json_object_array_length(audit) > 0);
	assert_true(json_object_array_length(audit) < count / LOGONS * 2);
	(void)json_object_put(document);
	document = list(bed, "audit - 1700000001", &steps);
	assert_int_equal(json_object_array_length(rows(document, "audit")), 0);
	(void)json_object_put(document);
}

static void
test_purge(void **state)
{
	struct bed *bed = *state;
	struct request request;
	struct purge purge;
	enum engine_slice slice = ENGINE_MORE;
	size_t steps = 0;

	assert_null(request_parse(wire_view_text("roots purge"), &request));
	purge_init(&purge, &bed->source, &request, 0);
	for (; slice == ENGINE_MORE; steps++) {
		uint32_t before = purge.purged;

		slice = purge_step(&purge);
		assert_true(purge.purged - before <= ENGINE_PAGE);
	}
	assert_int_equal(slice, ENGINE_DONE);
	assert_int_equal(purge.purged, LOGONS * (ROOTS + 1));
	struct json_object *document = list(bed, "roots", &steps);

	assert_int_equal(json_object_array_length(rows(document, "roots")), 0);
	(void)json_object_put(document);
	/* Of users nothing went. */
	document = list(bed, "certs user7", &steps);
	assert_int_equal(json_object_array_length(rows(document, "certs")),
	                 OWNED);
	(void)json_object_put(document);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_certs), TEST(test_certs_of_a_thumbprint),
	    TEST(test_roots), TEST(test_audit),
	    TEST(test_purge),
	};

	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
