/*
 * Requests on the control socket: verbs, arguments, privileges, and every
 * truncation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

#define HASH_TEXT                                                              \
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static const char *
parse(const char *line, struct request *request)
{
	size_t len = strlen(line);
	uint8_t *exact = malloc(len > 0 ? len : 1);

	assert_non_null(exact);
	memcpy(exact, line, len);
	const char *fault =
	    request_parse((struct wire_view){exact, len}, request);

	free(exact);
	return fault;
}

static void
test_each_verb(void **state)
{
	static const struct {
		const char *line;
		enum request_verb verb;
	} rows[] = {
	    {"sessions", REQUEST_SESSIONS},
	    {"readers", REQUEST_READERS},
	    {"certs", REQUEST_CERTS},
	    {"certs export", REQUEST_CERTS_EXPORT},
	    {"roots", REQUEST_ROOTS},
	    {"roots explain abcd", REQUEST_ROOTS_EXPLAIN},
	    {"roots export", REQUEST_ROOTS_EXPORT},
	    {"sessions show abcd", REQUEST_SESSIONS_SHOW},
	    {"watch", REQUEST_WATCH},
	    {"stats", REQUEST_STATS},
	    {"store stats", REQUEST_STATS},
	    {"store backup", REQUEST_STORE_BACKUP},
	    {"roots purge", REQUEST_ROOTS_PURGE},
	    {"roots unpin - abcd", REQUEST_ROOTS_UNPIN},
	    {"certs set - 17", REQUEST_CERTS_SET},
	    {"audit", REQUEST_AUDIT},
	};
	struct request request;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(parse(rows[i].line, &request));
		assert_int_equal(request.verb, rows[i].verb);
		assert_string_equal(request.owner, "");
	}
}

static void
test_arguments(void **state)
{
	struct request request;

	(void)state;
	assert_null(parse("certs alice@example", &request));
	assert_string_equal(request.owner, "alice@example");
	assert_null(parse("certs %65xport", &request));
	assert_int_equal(request.verb, REQUEST_CERTS);
	assert_string_equal(request.owner, "export");
	assert_null(parse("certs export a%20b%25 ABCDEF", &request));
	assert_string_equal(request.owner, "a b%");
	assert_string_equal(request.prefix, "abcdef");
	assert_null(parse("certs export - 0123", &request));
	assert_string_equal(request.owner, "");
	assert_null(parse("roots session:0101", &request));
	assert_string_equal(request.owner, "session:0101");
	assert_null(parse("roots pin user:a%20b ABCD why%20not 99", &request));
	assert_int_equal(request.verb, REQUEST_ROOTS_PIN);
	assert_string_equal(request.owner, "user:a b");
	assert_string_equal(request.prefix, "abcd");
	assert_string_equal(request.reason, "why not");
	assert_int_equal(request.body, 99);
	assert_null(parse("roots pin host abcd -", &request));
	assert_string_equal(request.reason, "");
	assert_int_equal(request.body, 0);
	assert_null(parse("certs set - 1048576", &request));
	assert_int_equal(request.body, REQUEST_BODY_MAX);
	assert_null(parse("audit alice 4294967295", &request));
	assert_string_equal(request.owner, "alice");
	assert_int_equal(request.since, UINT32_MAX);
}

/* What changes the store, or copies all of it, is not for everybody. */
static void
test_privileges(void **state)
{
	static const enum request_verb changing[] = {
	    REQUEST_ROOTS_PIN, REQUEST_ROOTS_UNPIN,  REQUEST_ROOTS_PURGE,
	    REQUEST_CERTS_SET, REQUEST_STORE_BACKUP,
	};
	static const enum request_verb looking[] = {
	    REQUEST_SESSIONS, REQUEST_CERTS, REQUEST_CERTS_EXPORT,
	    REQUEST_ROOTS,    REQUEST_AUDIT, REQUEST_STATS,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
		assert_true(request_is_privileged(changing[i]));
	for (size_t i = 0; i < sizeof(looking) / sizeof(looking[0]); i++)
		assert_false(request_is_privileged(looking[i]));
}

static void
test_refusals(void **state)
{
	static const char *const lines[] = {
	    "",
	    " ",
	    "session",
	    "sessions now",
	    "certs  alice",
	    "certs %",
	    "certs %4",
	    "certs %zz",
	    "certs a%00b",
	    "certs a\tb",
	    "certs export alice abc",
	    "certs export alice abcg",
	    "certs export alice abcd more",
	    "certs a b",
	    "roots explain",
	    "roots explain abc",
	    "sessions show",
	    "sessions show xyzw",
	    "roots explain abcd abcd",
	    "roots explain " HASH_TEXT "0",
	    "a b c d e f g",
	    "roots pin host",
	    "roots pin host abcd why x",
	    "roots pin host abcd why 1 2",
	    "roots unpin abcd",
	    "roots purge abc",
	    "certs set alice",
	    "certs set alice 1048577",
	    "certs set alice -1",
	    "certs set alice ",
	    "audit alice 4294967296",
	    "audit alice 99999999999999999999",
	    "store",
	    "store check",
	    "store stats now",
	};
	struct request request;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		assert_non_null(parse(lines[i], &request));
}

static void
test_limits(void **state)
{
	char line[REQUEST_LINE_MAX + 2];
	struct request request;

	(void)state;
	memset(line, 'a', sizeof(line));
	memcpy(line, "certs ", 6);
	line[6 + KEEP_TEXT_MAX] = '\0';
	assert_null(parse(line, &request));
	assert_int_equal(strlen(request.owner), KEEP_TEXT_MAX);
	line[6 + KEEP_TEXT_MAX] = 'a';
	line[6 + KEEP_TEXT_MAX + 1] = '\0';
	assert_non_null(parse(line, &request));

	/* A name of one byte short of the line, and one byte more. */
	memset(line, 'a', sizeof(line));
	line[REQUEST_LINE_MAX] = '\0';
	assert_string_equal(parse(line, &request), "not a request");
	line[REQUEST_LINE_MAX] = 'a';
	line[REQUEST_LINE_MAX + 1] = '\0';
	assert_string_equal(parse(line, &request), "the request is too long");
}

static void
test_every_truncation(void **state)
{
	static const char line[] = "roots pin user:a%40example%20x abcdef01 "
				   "because%20so 123";
	struct request request;

	(void)state;
	for (size_t len = 0; len < sizeof(line); len++) {
		char part[sizeof(line)];

		memcpy(part, line, len);
		part[len] = '\0';
		(void)parse(part, &request);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_verb),
	    cmocka_unit_test(test_arguments),
	    cmocka_unit_test(test_privileges),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_every_truncation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
