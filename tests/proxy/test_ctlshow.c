/*
 * What cardproxyctl makes of an answer: variables for a shell, figures, and a
 * backup that arrives as a file; and of a command line that is not one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "ctlenv.h"
#include "ctloption.h"
#include "ctlstore.h"
#include "scratch.h"

enum { TEXT_MAX = 4096 };

/* What goes to a descriptor between begin and end. */
struct capture {
	int fd;
	int before;
	FILE *file;
};

static struct capture
capture_begin(int fd)
{
	struct capture c = {fd, dup(fd), tmpfile()};

	assert_non_null(c.file);
	(void)fflush(NULL);
	assert_true(dup2(fileno(c.file), fd) >= 0);
	return c;
}

static void
capture_end(struct capture *c, char text[TEXT_MAX])
{
	(void)fflush(NULL);
	assert_true(dup2(c->before, c->fd) >= 0);
	(void)close(c->before);
	rewind(c->file);
	text[fread(text, 1, TEXT_MAX - 1, c->file)] = '\0';
	(void)fclose(c->file);
}

/* What a function shows of a document, and what it complains of. */
struct shown {
	char text[TEXT_MAX];
	char told[TEXT_MAX];
	bool ok;
};

static struct shown
show(bool (*how)(struct json_object *document), const char *json)
{
	struct json_object *document = json_tokener_parse(json);
	struct shown shown;
	struct capture out, err;

	assert_non_null(document);
	out = capture_begin(STDOUT_FILENO);
	err = capture_begin(STDERR_FILENO);
	shown.ok = how(document);
	capture_end(&err, shown.told);
	capture_end(&out, shown.text);
	(void)json_object_put(document);
	return shown;
}

/*
 * The variables.
 */

static void
test_variables_of_one_session(void **state)
{
	struct shown shown =
	    show(ctlenv_show,
	         "{\"sessions\":[{\"id\":\"a\",\"env\":"
	         "{\"SSL_CERT_DIR\":\"/run/x/certs:/etc\",\"A\":\"\"}}]}");

	(void)state;
	assert_true(shown.ok);
	assert_string_equal(shown.text,
	                    "export SSL_CERT_DIR='/run/x/certs:/etc'\n"
	                    "export A=''\n");
}

/* Whatever a value holds, a shell reads it as it is, and does nothing else. */
static void
test_a_shell_reads_any_value(void **state)
{
	static const char value[] = "a'b; touch $(x) `y` \"\\ \n*'";
	struct json_object *text = json_object_new_string(value);
	char json[512], got[512];
	struct shown shown;
	FILE *shell;

	(void)state;
	(void)snprintf(json, sizeof(json),
	               "{\"sessions\":[{\"env\":{\"V\":%s}}]}",
	               json_object_to_json_string(text));
	(void)json_object_put(text);
	shown = show(ctlenv_show, json);
	assert_true(shown.ok);
	assert_int_equal(setenv("LINES_OF_OURS", shown.text, 1), 0);
	shell = popen("eval \"$LINES_OF_OURS\"; printf '%s' \"$V\"", "r");
	assert_non_null(shell);
	got[fread(got, 1, sizeof(got) - 1, shell)] = '\0';
	assert_int_equal(pclose(shell), 0);
	assert_string_equal(got, value);
}

static void
test_no_variables_or_of_several(void **state)
{
	struct shown shown = show(ctlenv_show, "{\"sessions\":[]}");

	(void)state;
	assert_false(shown.ok);
	assert_non_null(strstr(shown.told, "there is no such session"));
	shown = show(ctlenv_show, "{}");
	assert_false(shown.ok);
	shown = show(ctlenv_show,
	             "{\"sessions\":[{\"env\":{\"A\":\"1\"}},{\"env\":{}}]}");
	assert_false(shown.ok);
	assert_string_equal(shown.text, "");
	assert_non_null(strstr(shown.told, "several sessions"));
	shown = show(ctlenv_show, "{\"sessions\":[{\"id\":\"a\"}]}");
	assert_false(shown.ok);
	assert_string_equal(shown.text, "");
}

/*
 * The store.
 */

static char dir[32];

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/ctlshow.XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return scratch_remove(dir);
}

/* A backup of so many bytes is announced, and these are sent. */
static struct shown
receive(int announced, const char *sent, const char *path)
{
	char json[64];
	struct json_object *document;
	FILE *daemon = tmpfile();
	struct shown shown;
	struct capture out, err;

	(void)snprintf(json, sizeof(json), "{\"backup\":{\"bytes\":%d}}",
	               announced);
	document = json_tokener_parse(json);
	assert_non_null(document);
	assert_non_null(daemon);
	(void)fputs(sent, daemon);
	rewind(daemon);
	out = capture_begin(STDOUT_FILENO);
	err = capture_begin(STDERR_FILENO);
	shown.ok = ctlstore_receive(document, daemon, path);
	capture_end(&err, shown.told);
	capture_end(&out, shown.text);
	(void)fclose(daemon);
	(void)json_object_put(document);
	return shown;
}

static size_t
count_files(void)
{
	char command[64], text[16] = "";
	FILE *file;

	(void)snprintf(command, sizeof(command), "ls -A %s | wc -l", dir);
	file = popen(command, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	(void)pclose(file);
	return strtoul(text, NULL, 10);
}

static void
test_a_backup(void **state)
{
	char path[64], text[16] = "";
	struct shown shown;
	struct stat st;
	FILE *file;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/backup", dir);
	shown = receive(5, "hello and more", path);
	assert_true(shown.ok);
	assert_non_null(strstr(shown.text, "5 bytes"));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_int_equal(fread(text, 1, sizeof(text), file), 5);
	(void)fclose(file);
	assert_int_equal(count_files(), 1);
}

/* There is no file then, not even a part of one. */
static void
test_a_backup_that_breaks_off(void **state)
{
	char path[64];
	struct shown shown;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/backup", dir);
	shown = receive(500, "hello", path);
	assert_false(shown.ok);
	assert_non_null(strstr(shown.told, path));
	assert_non_null(strstr(shown.told, "broke off"));
	shown = receive(0, "hello", path);
	assert_false(shown.ok);
	assert_non_null(strstr(shown.told, "sent nothing"));
	shown = receive(-5, "hello", path);
	assert_false(shown.ok);
	assert_int_equal(count_files(), 0);
}

static void
test_a_backup_never_replaces(void **state)
{
	char path[64];
	struct shown shown;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/backup", dir);
	assert_true(receive(5, "first", path).ok);
	shown = receive(6, "second", path);
	assert_false(shown.ok);
	assert_non_null(strstr(shown.told, "File exists"));
	assert_int_equal(count_files(), 1);
	shown = receive(5, "hello", "/nowhere/at/all");
	assert_false(shown.ok);
	assert_non_null(strstr(shown.told, "/nowhere/at/all"));
}

static bool
check_stats(struct json_object *document)
{
	return ctlstore_stats(document);
}

static void
test_figures(void **state)
{
	struct shown shown = show(check_stats, "{\"stats\":{\"certs\":7}}");

	(void)state;
	assert_true(shown.ok);
	assert_string_equal(shown.text, "certs      7\n");
	assert_false(show(check_stats, "{}").ok);
}

static void
test_a_check_of_no_store(void **state)
{
	char path[64], told[TEXT_MAX];
	struct capture err;
	FILE *file;
	bool ok;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s/text", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	(void)fputs("this is no database, and never was one\n", file);
	(void)fclose(file);
	err = capture_begin(STDERR_FILENO);
	ok = ctlstore_check(path, false) || ctlstore_check("/nowhere", false);
	capture_end(&err, told);
	assert_false(ok);
	assert_non_null(strstr(told, path));
	assert_non_null(strstr(told, "/nowhere: "));
}

/*
 * The command line.
 */

static const char *
parse(int argc, char **argv)
{
	struct ctloption_values values;
	struct capture err = capture_begin(STDERR_FILENO);
	char told[TEXT_MAX];
	const char *fault;
	int next;

	optind = 0;
	fault = ctloption_parse(argc, argv, &values, &next);
	capture_end(&err, told);
	return fault;
}

static void
test_options_that_are_none(void **state)
{
	char name[] = "cardproxyctl", unknown[] = "--colour",
	     alone[] = "--user", flag[] = "--json=yes", letter[] = "-x";
	char *words[] = {unknown, alone, flag, letter};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char *argv[] = {name, words[i], NULL};

		assert_string_equal(parse(2, argv), "");
	}
}

static void
test_as_many_groups_as_there_is_room_for(void **state)
{
	static char option[] = "--group=g", name[] = "cardproxyctl";
	static char *argv[CTLPOLICY_GROUPS_MAX + 3];

	(void)state;
	argv[0] = name;
	for (int i = 1; i <= CTLPOLICY_GROUPS_MAX + 1; i++)
		argv[i] = option;
	assert_null(parse(CTLPOLICY_GROUPS_MAX + 1, argv));
	assert_string_equal(parse(CTLPOLICY_GROUPS_MAX + 2, argv),
	                    "too many groups");
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_variables_of_one_session),
	    cmocka_unit_test(test_a_shell_reads_any_value),
	    cmocka_unit_test(test_no_variables_or_of_several),
	    ON_DISK(test_a_backup),
	    ON_DISK(test_a_backup_that_breaks_off),
	    ON_DISK(test_a_backup_never_replaces),
	    cmocka_unit_test(test_figures),
	    ON_DISK(test_a_check_of_no_store),
	    cmocka_unit_test(test_options_that_are_none),
	    cmocka_unit_test(test_as_many_groups_as_there_is_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
