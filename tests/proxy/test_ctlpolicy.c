/*
 * cardproxyctl policy test: results, defaults, errors, and the program itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "confkey.h"
#include "ctlpolicy.h"
#include "policyrow.h"

enum { TEXT_MAX = 64 * 1024 };

static const char file[] =
    "[listen]\naddress = 127.0.0.1\n"
    "[target desk]\naddress = a\n"
    "[target lab]\naddress = b\npolicy = named\n"
    "[policy named]\nreaders = deny A*\nreaders = deny B*\n"
    "[policy work]\nmatch_group = staff\n"
    "match_time = mon-fri 08:00-18:00\n"
    "[policy kiosk]\nmatch_client = 192.0.2.0/24\n"
    "commands = read-only\n"
    "[policy default]\nredirect = no\n";

static char path[] = "/tmp/test_ctlpolicy_XXXXXX";

static int
write_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, file, strlen(file)), (ssize_t)strlen(file));
	return close(fd);
}

static int
remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static const char *
text_of(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(object, key, &value));
	return json_object_get_string(value);
}

/* What the answer says of a section. */
static const char *
result_of(struct json_object *document, const char *section)
{
	struct json_object *rows = NULL;

	assert_true(json_object_object_get_ex(document, "sections", &rows));
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		struct json_object *row = json_object_array_get_idx(rows, i);

		if (strcmp(text_of(row, "section"), section) == 0)
			return text_of(row, "result");
	}
	return "no such section";
}

static void
expect(struct ctlpolicy_session *session, const char *policy,
       const char *const results[4])
{
	static const char *const sections[] = {"named", "work", "kiosk",
	                                       "default"};
	struct json_object *document;

	session->config = path;
	document = ctlpolicy_test(session);
	assert_non_null(document);
	assert_string_equal(text_of(document, "policy"), policy);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(result_of(document, sections[i]),
		                    results[i]);
	(void)json_object_put(document);
}

static const char no_keys[] = "not tried: it has no match keys";
static const char before[] = "not tried: one before it matched";
static const char other[] = "not tried: the target names another";
static const char needless[] = "not needed: another matched";

static void
test_results(void **state)
{
	struct ctlpolicy_session s = {.target = "desk",
	                              .user = "alice",
	                              .groups = {"users", "staff"},
	                              .group_count = 2,
	                              .client_addr = "192.0.2.7",
	                              .time = "2026-11-23 09:00"};

	(void)state;
	expect(&s, "work",
	       (const char *const[]){no_keys, "in force: it matched", before,
	                             needless});
	s.time = "2026-11-23 18:00";
	expect(&s, "kiosk",
	       (const char *const[]){no_keys, "match_time does not fit",
	                             "in force: it matched", needless});
	s.group_count = 1;
	s.client_addr = NULL;
	expect(&s, "default",
	       (const char *const[]){no_keys, "match_group does not fit",
	                             "match_client does not fit",
	                             "in force: nothing else matched"});
	s.target = "lab";
	expect(&s, "named",
	       (const char *const[]){"in force: the target names it", other,
	                             other, other});
}

/* Groups without a user are nobody's. */
static void
test_no_user(void **state)
{
	struct ctlpolicy_session s = {
	    .groups = {"staff"}, .group_count = 1, .time = "2026-11-23 09:00"};

	(void)state;
	expect(&s, "default",
	       (const char *const[]){no_keys, "match_group does not fit",
	                             "match_client does not fit",
	                             "in force: nothing else matched"});
}

static void
expect_error(struct ctlpolicy_session session, const char *want)
{
	struct json_object *document;

	session.config = path;
	document = ctlpolicy_test(&session);
	assert_string_equal(text_of(document, "error"), want);
	(void)json_object_put(document);
}

static void
test_errors(void **state)
{
	struct ctlpolicy_session s = {.config = "/proc/self/nothing"};

	(void)state;
	assert_null(ctlpolicy_test(&s));
	expect_error((struct ctlpolicy_session){.target = "none"},
	             "there is no such [target]");
	expect_error((struct ctlpolicy_session){.client_addr = "::1/128"},
	             "--client is not an IP address");
	expect_error((struct ctlpolicy_session){.client_addr = "host"},
	             "--client is not an IP address");
	expect_error((struct ctlpolicy_session){.time = "09:00"},
	             "--time is not such as \"2026-11-23 09:00\"");
	expect_error((struct ctlpolicy_session){.time = "2026-11-23 09:00 "},
	             "--time is not such as \"2026-11-23 09:00\"");
}

/* What is said to be the default is what the sample says. */
static void
test_defaults(void **state)
{
	static char sample[TEXT_MAX];
	FILE *f = fopen(CONFIG_SAMPLE, "r");
	enum confkey_section section;
	const char *key;

	(void)state;
	assert_non_null(f);
	sample[fread(sample, 1, sizeof(sample) - 1, f)] = '\0';
	(void)fclose(f);
	for (size_t i = 0; (key = confkey_name(i, &section)) != NULL; i++) {
		const char *text = policyrow_default(key);
		char line[256];

		if (section != CONFKEY_POLICY)
			continue;
		assert_int_equal(text == NULL, strncmp(key, "match_", 6) == 0);
		if (text == NULL || *text == '\0')
			continue;
		(void)snprintf(line, sizeof(line), "\n#%s = %s\n", key, text);
		assert_non_null(strstr(sample, line));
	}
}

/* The program: the words it prints, and its exit status. */
static int
run(const char *options, char *out, size_t size)
{
	char command[1024];
	FILE *f;
	size_t len;

	(void)snprintf(command, sizeof(command),
	               "'%s' policy test --config %s %s 2>&1", CARDPROXYCTL,
	               path, options);
	f = popen(command, "r");
	assert_non_null(f);
	len = fread(out, 1, size - 1, f);
	out[len] = '\0';
	return pclose(f);
}

static void
test_program(void **state)
{
	static char out[TEXT_MAX];

	(void)state;
	assert_int_equal(run("--target lab --user alice --group a --group b "
	                     "--client 192.0.2.7 --client-name PC "
	                     "--time '2026-11-23 09:00'",
	                     out, sizeof(out)),
	                 0);
	assert_non_null(strstr(out, "A session of target lab at Mon "
	                            "2026-11-23 09:00:\n"));
	assert_non_null(strstr(out, "LINE  SECTION  RESULT\n"
	                            "8     named    in force: the target names "
	                            "it\n"));
	assert_non_null(strstr(out, "\nIn force is [policy named]:\n"));
	assert_non_null(strstr(out, "\n  readers = deny A*  (section named, line 9)\n"
	                            "  readers = deny B*  (section named, line 10)\n"
	                            "  commands = full  (default)\n"));
	assert_int_equal(run("--json", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "\"policy\":\"default\""));
	assert_int_not_equal(run("--target none", out, sizeof(out)), 0);
	assert_non_null(strstr(out, "there is no such [target]"));
	assert_int_not_equal(run("--scope x", out, sizeof(out)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_results), cmocka_unit_test(test_no_user),
	    cmocka_unit_test(test_errors),  cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_program),
	};

	return cmocka_run_group_tests(tests, write_file, remove_file);
}
