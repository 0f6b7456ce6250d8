/*
 * The verbs of cardproxyctl: each is found, explained, completed, and becomes a
 * line that the keeper reads.
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

#include "ctlhelp.h"
#include "ctlline.h"
#include "ctlverb.h"
#include "request.h"

enum { TEXT_MAX = 16 * 1024 };

/* What a function writes to standard output, in text. */
static void
capture(bool (*print)(void), char text[TEXT_MAX])
{
	FILE *file = tmpfile();
	int old = dup(STDOUT_FILENO);

	assert_non_null(file);
	(void)fflush(stdout);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	bool ok = print();

	(void)fflush(stdout);
	assert_true(dup2(old, STDOUT_FILENO) >= 0);
	(void)close(old);
	assert_true(ok);
	rewind(file);
	size_t len = fread(text, 1, TEXT_MAX - 1, file);

	text[len] = '\0';
	(void)fclose(file);
}

static const struct ctlverb *
find(const char *first, const char *second)
{
	char one[32], two[32];
	char *words[] = {one, two};

	(void)snprintf(one, sizeof(one), "%s", first);
	(void)snprintf(two, sizeof(two), "%s", second != NULL ? second : "");
	return ctlverb_find(words, second != NULL ? 2 : 1);
}

/* The options as if they had been given. */
static struct ctloption_values
parse(int argc, char **argv)
{
	struct ctloption_values values;
	int next = 0;

	assert_null(ctloption_parse(argc, argv, &values, &next));
	return values;
}

static void
test_every_verb_is_found_and_explained(void **state)
{
	const struct ctlverb *verb;
	char help[TEXT_MAX];

	(void)state;
	capture(ctlhelp_print, help);
	for (size_t i = 0; (verb = ctlverb_at(i)) != NULL; i++) {
		char line[64];

		assert_ptr_equal(find(verb->words[0], verb->words[1]), verb);
		(void)snprintf(line, sizeof(line), "\n  %s%s%s", verb->words[0],
		               verb->words[1] != NULL ? " " : "",
		               verb->words[1] != NULL ? verb->words[1] : "");
		if (verb->help != NULL)
			assert_non_null(strstr(help, line));
	}
	assert_null(find("certs2", NULL));
	assert_null(find("policy", "bake"));
	assert_string_equal(find("certs", "bake")->words[0], "certs");
}

/* Each option of the help stands in one row, and each is in the help. */
static void
test_options(void **state)
{
	char text[] = "x", name[64], help[TEXT_MAX];
	char *argv[] = {text, NULL, text, NULL};

	(void)state;
	capture(ctlhelp_print, help);
	for (int i = 0; i < CTLOPTIONS; i++) {
		const struct ctloption_row *row =
		    ctloption_row((enum ctloption)i);
		bool flag = row->form == CTLOPTION_FLAG;

		(void)snprintf(name, sizeof(name), "--%s", row->name);
		assert_non_null(strstr(help, name));
		argv[1] = name;
		optind = 0;
		struct ctloption_values values = parse(flag ? 2 : 3, argv);

		assert_int_equal(values.given, CTLOPTION_BIT(i));
		if (!flag)
			assert_string_equal(values.text[i], "x");
	}
}

static void
test_an_option_of_another_verb(void **state)
{
	struct ctloption_values values = {0};

	(void)state;
	values.given =
	    CTLOPTION_BIT(CTLOPTION_JSON) | CTLOPTION_BIT(CTLOPTION_USER);
	assert_int_equal(ctlverb_misfit(find("certs", NULL), &values),
	                 CTLOPTIONS);
	assert_int_equal(ctlverb_misfit(find("roots", NULL), &values),
	                 CTLOPTION_USER);
	values.given = CTLOPTION_BIT(CTLOPTION_GROUP);
	assert_int_equal(ctlverb_misfit(find("policy", "test"), &values),
	                 CTLOPTIONS);
	assert_int_equal(ctlverb_misfit(find("policy", "show"), &values),
	                 CTLOPTION_GROUP);
}

/* The line, as the keeper reads it. */
static struct request
ask(const char *first, const char *second,
    const struct ctloption_values *values, const char *argument,
    const struct ctlimport *import)
{
	static const struct ctlimport none;
	char line[REQUEST_LINE_MAX];
	struct wire_out out = wire_out(line, sizeof(line));
	struct request request;

	assert_true(ctlline_put(&out, find(first, second), values, argument,
	                        import != NULL ? import : &none));
	assert_int_equal(line[out.len - 1], '\n');
	out.len--;
	assert_null(request_parse(wire_written(&out), &request));
	return request;
}

static void
test_lines_are_what_the_keeper_reads(void **state)
{
	/* What would be a verb, nothing, a separator, a code. */
	static const char *const users[] = {"alice", "export", "-",       "set",
	                                    "a b",   "%41",    "\xc3\xa9"};
	struct ctloption_values values = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		values.text[CTLOPTION_USER] = users[i];
		struct request r = ask("certs", NULL, &values, NULL, NULL);

		assert_int_equal(r.verb, REQUEST_CERTS);
		assert_string_equal(r.owner, users[i]);
		r = ask("certs", "export", &values, "abCD", NULL);
		assert_int_equal(r.verb, REQUEST_CERTS_EXPORT);
		assert_string_equal(r.owner, users[i]);
		assert_string_equal(r.prefix, "abcd");
	}
	values = (struct ctloption_values){0};
	struct request r = ask("certs", "export", &values, "abcd", NULL);

	assert_string_equal(r.owner, "");
	assert_string_equal(r.prefix, "abcd");
}

static void
test_lines_with_more(void **state)
{
	struct ctloption_values values = {0};
	struct ctlimport import = {.len = 77};
	struct request r;

	(void)state;
	(void)snprintf(import.sha256, sizeof(import.sha256), "beef");
	r = ask("roots", "pin", &values, "file.pem", &import);
	assert_int_equal(r.verb, REQUEST_ROOTS_PIN);
	assert_string_equal(r.owner, "host");
	assert_string_equal(r.prefix, "beef");
	assert_int_equal(r.body, 77);
	values.text[CTLOPTION_REASON] = "why not";
	r = ask("roots", "pin", &values, "cafe", NULL);
	assert_string_equal(r.prefix, "cafe");
	assert_string_equal(r.reason, "why not");
	assert_int_equal(r.body, 0);
	values.text[CTLOPTION_SINCE] = "1700000000";
	r = ask("audit", NULL, &values, NULL, NULL);
	assert_int_equal(r.since, 1700000000);
}

static void
test_no_line_of_a_time_that_is_none(void **state)
{
	static const struct ctlimport none;
	static const char *const times[] = {"noon", "-5", "2026-13-01",
	                                    "2026-01-01 09:00 x"};
	struct ctloption_values values = {0};
	char line[REQUEST_LINE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct wire_out out = wire_out(line, sizeof(line));

		values.text[CTLOPTION_SINCE] = times[i];
		assert_false(ctlline_put(&out, find("audit", NULL), &values,
		                         NULL, &none));
	}
}

/* What bash offers behind these words, the last of which is begun. */
static void
complete(const char *words, char offered[TEXT_MAX])
{
	static const char ask_bash[] =
	    "COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n"
	    "_cardproxyctl\n"
	    "echo \" ${COMPREPLY[*]} \"\n";
	char script[] = "/tmp/test_ctlverb_XXXXXX";
	char text[TEXT_MAX], command[64];
	int fd = mkstemp(script);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;

	assert_non_null(file);
	capture(ctlhelp_print_completion, text);
	(void)fputs(text, file);
	(void)fprintf(file, ask_bash, words);
	assert_int_equal(fclose(file), 0);
	(void)snprintf(command, sizeof(command), "bash --norc %s", script);
	file = popen(command, "r");
	assert_non_null(file);
	size_t len = fread(offered, 1, TEXT_MAX - 1, file);

	offered[len] = '\0';
	assert_int_equal(pclose(file), 0);
	(void)unlink(script);
}

static void
test_bash_completes_the_verbs(void **state)
{
	const struct ctlverb *verb;
	char offered[TEXT_MAX], words[64], wanted[64];

	(void)state;
	for (size_t i = 0; (verb = ctlverb_at(i)) != NULL; i++) {
		bool two = verb->words[1] != NULL;

		(void)snprintf(words, sizeof(words), "cardproxyctl %s ''",
		               two ? verb->words[0] : "");
		complete(words, offered);
		(void)snprintf(wanted, sizeof(wanted), " %s ",
		               verb->words[two ? 1 : 0]);
		assert_non_null(strstr(offered, wanted));
	}
}

static void
test_bash_completes_the_options(void **state)
{
	char offered[TEXT_MAX];

	(void)state;
	complete("cardproxyctl -s /x roots pin --", offered);
	assert_non_null(strstr(offered, " --reason "));
	assert_non_null(strstr(offered, " --json "));
	assert_null(strstr(offered, " --since "));
	complete("cardproxyctl certs export --format ''", offered);
	assert_string_equal(offered, " pem p7b sst \n");
	complete("cardproxyctl store check /etc/passw", offered);
	assert_non_null(strstr(offered, " /etc/passwd "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_verb_is_found_and_explained),
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_an_option_of_another_verb),
	    cmocka_unit_test(test_lines_are_what_the_keeper_reads),
	    cmocka_unit_test(test_lines_with_more),
	    cmocka_unit_test(test_no_line_of_a_time_that_is_none),
	    cmocka_unit_test(test_bash_completes_the_verbs),
	    cmocka_unit_test(test_bash_completes_the_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
