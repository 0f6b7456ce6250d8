/* cardproxyctl import: roots and serialised stores, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctlimport.h"
#include "ctlroot.h"
#include "request.h"
#include "sst.h"

enum { FILE_MAX = 64 * 1024, TEXT_MAX = 4096 };

static const char hash[] =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/* A file with these bytes; the caller removes it. */
static void
make_file(char path[64], const void *bytes, size_t len)
{
	FILE *file;
	int fd;

	(void)snprintf(path, 64, "/tmp/test_ctlimport.XXXXXX");
	fd = mkstemp(path);
	file = fd >= 0 ? fdopen(fd, "w") : NULL;
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

/* Standard error, from here to what is told of it. */
static FILE *told_file;
static int told_before;

static void
listen_begin(void)
{
	told_file = tmpfile();
	told_before = dup(STDERR_FILENO);
	assert_non_null(told_file);
	assert_true(dup2(fileno(told_file), STDERR_FILENO) >= 0);
}

static void
listen_end(char text[TEXT_MAX])
{
	(void)fflush(stderr);
	assert_true(dup2(told_before, STDERR_FILENO) >= 0);
	(void)close(told_before);
	rewind(told_file);
	text[fread(text, 1, TEXT_MAX - 1, told_file)] = '\0';
	(void)fclose(told_file);
}

/* What an import makes of these bytes, and what it says. */
struct result {
	struct ctlimport import;
	char path[64];
	char told[TEXT_MAX];
	bool ok;
};

typedef bool import_path(struct ctlimport *import, const char *path);

static struct result
take(import_path *with, const void *bytes, size_t len)
{
	struct result r = {0};

	make_file(r.path, bytes, len);
	listen_begin();
	r.ok = with(&r.import, r.path);
	listen_end(r.told);
	(void)unlink(r.path);
	return r;
}

/* Refused, with the file and these words in what is told. */
static void
assert_refused(struct result *r, const char *words)
{
	assert_false(r->ok);
	if (strstr(r->told, words) == NULL || strstr(r->told, r->path) == NULL)
		fail_msg("'%s' is not told of %s: %s", words, r->path, r->told);
	free(r->import.data);
}

static struct property_change
first_change(const struct ctlimport *import)
{
	struct wire_in in = wire_in(import->data, import->len);
	struct property_change change;

	assert_true(property_get_change(&in, &change));
	assert_true(wire_done(&in));
	return change;
}

/*
 * Roots.
 */

static void
test_a_root(void **state)
{
	struct result r =
	    take(ctlimport_root, ctlroot_pem, sizeof(ctlroot_pem) - 1);

	(void)state;
	assert_true(r.ok);
	assert_string_equal(r.told, "");
	assert_int_equal(strlen(r.import.sha256), 64);
	assert_true(r.import.len > 0);
	free(r.import.data);
}

static void
test_what_is_no_root(void **state)
{
	static uint8_t large[FILE_MAX];
	struct result r = take(ctlimport_root, "", 0);

	(void)state;
	assert_refused(&r, "no certificate in it");
	r = take(ctlimport_root, ctlroot_pem, sizeof(ctlroot_pem) / 2);
	assert_refused(&r, "no certificate in it");
	r = take(ctlimport_root, large, sizeof(large));
	assert_refused(&r, "no certificate in it");
	listen_begin();
	r.ok = ctlimport_root(&r.import, "/nowhere/at all");
	listen_end(r.told);
	assert_false(r.ok);
	assert_non_null(strstr(r.told, "/nowhere/at all: cannot be opened"));
	free(r.import.data);
}

/*
 * Serialised stores.
 */

/* One certificate with a name, a usage, a property of nobody's and the card's.
 */
static size_t
make_store(uint8_t bytes[FILE_MAX])
{
	static const uint8_t usage[] = {0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06,
	                                0x01, 0x05, 0x05, 0x07, 0x03, 0x02};
	static const uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x07};
	uint8_t name[64];
	struct wire_out text = wire_out(name, sizeof(name));
	struct wire_out out = wire_out(bytes, FILE_MAX);

	property_put_text(&text, wire_view_text("Mine"));
	sst_put_start(&out);
	sst_put_property(&out, PROPERTY_FRIENDLY_NAME, wire_written(&text));
	sst_put_property(&out, PROPERTY_ENHKEY_USAGE,
	                 (struct wire_view){usage, sizeof(usage)});
	sst_put_property(&out, PROPERTY_ARCHIVED, (struct wire_view){0});
	sst_put_property(&out, PROPERTY_KEY_PROVIDER,
	                 (struct wire_view){der, sizeof(der)});
	sst_put_property(&out, 0x8001, (struct wire_view){der, sizeof(der)});
	sst_put_certificate(&out, (struct wire_view){der, sizeof(der)});
	sst_put_end(&out);
	assert_true(wire_out_ok(&out));
	return out.len;
}

static void
test_a_serialised_store(void **state)
{
	static uint8_t bytes[FILE_MAX];
	struct result r = take(ctlimport_file, bytes, make_store(bytes));
	struct property_change change;

	(void)state;
	assert_true(r.ok);
	assert_int_equal(r.import.passed, 1);
	change = first_change(&r.import);
	assert_int_equal(change.set, PROPERTY_SET_NAME | PROPERTY_SET_USAGE |
	                                 PROPERTY_SET_ARCHIVED);
	assert_true(
	    wire_view_equal(change.friendly_name, wire_view_text("Mine")));
	assert_true(wire_view_equal(change.enhkey_usage,
	                            wire_view_text("1.3.6.1.5.5.7.3.2")));
	assert_true(change.archived);
	assert_int_equal(change.extra_count, 1);
	assert_int_equal(change.extras[0].number, 0x8001);
	assert_int_equal(change.hash.len, 32);
	free(r.import.data);
}

/* Whatever is missing at its end, it is refused, and the file is named. */
static void
test_every_truncation_of_a_store(void **state)
{
	static uint8_t bytes[FILE_MAX];
	size_t len = make_store(bytes);

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		struct result r = take(ctlimport_file, bytes, cut);

		assert_refused(&r, "");
	}
}

static void
test_more_behind_the_end(void **state)
{
	static uint8_t bytes[FILE_MAX];
	size_t len = make_store(bytes);
	struct result r = take(ctlimport_file, bytes, len + 1);

	(void)state;
	assert_refused(&r, "more behind its end");
}

/* A store whose only property is this one. */
static struct result
take_property(uint32_t number, const uint8_t *value, size_t len)
{
	static uint8_t bytes[FILE_MAX];
	static const uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x07};
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	sst_put_start(&out);
	sst_put_certificate(&out, (struct wire_view){der, sizeof(der)});
	sst_put_property(&out, number, (struct wire_view){value, len});
	sst_put_certificate(&out, (struct wire_view){der, sizeof(der)});
	sst_put_end(&out);
	assert_true(wire_out_ok(&out));
	return take(ctlimport_file, bytes, out.len);
}

/* A fault of a property is told with its number and its certificate's. */
static void
test_a_broken_property(void **state)
{
	static const uint8_t odd[3] = {'a', 0, 'b'};
	static const uint8_t no_usage[4] = {0x30, 0x05, 0x06, 0x01};
	static uint8_t long_text[2 * PROPERTY_TEXT_MAX + 4];
	static uint8_t long_extra[PROPERTY_EXTRA_MAX + 1];
	struct result r = take_property(PROPERTY_FRIENDLY_NAME, odd, 3);

	(void)state;
	assert_refused(&r, "certificate 2: property 11");
	r = take_property(PROPERTY_ENHKEY_USAGE, no_usage, sizeof(no_usage));
	assert_refused(&r, "certificate 2: property 9");
	memset(long_text, 'a', sizeof(long_text));
	r = take_property(PROPERTY_DESCRIPTION, long_text, sizeof(long_text));
	assert_refused(&r, "certificate 2: property 13");
	r = take_property(0x8001, long_extra, sizeof(long_extra));
	assert_refused(&r, "certificate 2: property 32769");
	r = take_property(0x8001, long_extra, sizeof(long_extra) - 1);
	assert_true(r.ok);
	free(r.import.data);
}

static void
test_too_many_properties(void **state)
{
	static uint8_t bytes[FILE_MAX];
	static const uint8_t der[] = {0x30, 0x03, 0x02, 0x01, 0x07};
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	sst_put_start(&out);
	for (uint32_t i = 0; i <= PROPERTY_EXTRAS_MAX; i++)
		sst_put_property(&out, 0x8001 + i,
		                 (struct wire_view){der, sizeof(der)});
	sst_put_certificate(&out, (struct wire_view){der, sizeof(der)});
	sst_put_end(&out);
	struct result r = take(ctlimport_file, bytes, out.len);

	assert_refused(&r, "certificate 1: property 32801");
}

static void
test_nothing_to_set(void **state)
{
	static const uint8_t value[4];
	struct result r = take_property(PROPERTY_SHA1, value, sizeof(value));

	(void)state;
	assert_refused(&r, "no property that can be set");
}

/*
 * JSON.
 */

static struct result
take_json(const char *format, const char *text)
{
	char json[TEXT_MAX];
	int len = snprintf(json, sizeof(json), format, text);

	return take(ctlimport_file, json, (size_t)len);
}

static void
test_json(void **state)
{
	struct result r =
	    take_json("{\"certs\":[{\"sha256\":\"%s\",\"friendly_name\":\"A\","
	              "\"description\":\"\",\"archived\":\"stale\"}]}",
	              hash);
	struct property_change change;

	(void)state;
	assert_true(r.ok);
	change = first_change(&r.import);
	assert_int_equal(change.set, PROPERTY_SET_NAME |
	                                 PROPERTY_SET_DESCRIPTION |
	                                 PROPERTY_SET_ARCHIVED);
	assert_int_equal(change.hash.len, 32);
	assert_int_equal(change.hash.data[31], 0x1f);
	assert_false(change.archived);
	assert_int_equal(change.description.len, 0);
	free(r.import.data);
	r = take_json("[{\"sha1\":\"%.40s\",\"friendly_name\":\"B\"}]", hash);
	assert_true(r.ok);
	assert_int_equal(first_change(&r.import).hash.len, 20);
	free(r.import.data);
}

/* Each is told with the row it is in. */
static void
test_json_that_is_not_right(void **state)
{
	static const struct {
		const char *json;
		const char *told;
	} cases[] = {
	    {"hello %s", "neither"},
	    {"{\"certs\":[{\"sha256\":\"%s\"", "neither"},
	    {"{\"certs\":7,\"more\":\"%s\"}", "neither"},
	    {"\"%s\"", "neither"},
	    {"[\"%s\"]", "row 1: "},
	    {"[{\"sha256\":7},\"%s\"]", "row 1: "},
	    {"[{\"sha256\":\"%s\"},{\"friendly_name\":\"A\"}]",
	     "row 2: no thumbprint"},
	    {"[{\"sha256\":\"%.10s\",\"friendly_name\":\"A\"}]",
	     "row 1: not a whole thumbprint"},
	    {"[{\"sha256\":\"%s00\"}]", "row 1: not a whole thumbprint"},
	    {"[{\"sha256\":\"zz%s\"}]", "row 1: not a whole thumbprint"},
	    {"[{\"sha256\":\"%s\",\"archived\":\"maybe\"}]",
	     "row 1: archived is yes or no"},
	    {"[{\"sha256\":\"%s\",\"friendly_name\":null}]",
	     "no property that can be set"},
	    {"[] %s", "neither"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r = take_json(cases[i].json, hash);

		assert_refused(&r, cases[i].told);
	}
}

static void
test_a_text_that_is_too_long(void **state)
{
	static char text[PROPERTY_TEXT_MAX + 2];
	struct result r;

	(void)state;
	memset(text, 'a', PROPERTY_TEXT_MAX + 1);
	char *json = NULL;
	int len =
	    asprintf(&json, "[{\"sha256\":\"%s\",\"friendly_name\":\"%s\"}]",
	             hash, text);

	assert_true(len > 0);
	r = take(ctlimport_file, json, (size_t)len);
	free(json);
	assert_refused(&r, "row 1: ");
}

/*
 * Words.
 */

static struct result
take_words(const char *sha256, const char *first, const char *second)
{
	struct result r = {0};
	char one[TEXT_MAX], two[TEXT_MAX];
	char *words[] = {one, two};

	(void)snprintf(one, sizeof(one), "%s", first);
	(void)snprintf(two, sizeof(two), "%s", second != NULL ? second : "");
	listen_begin();
	r.ok =
	    ctlimport_words(&r.import, sha256, words, second != NULL ? 2 : 1);
	listen_end(r.told);
	return r;
}

static void
test_words(void **state)
{
	struct result r =
	    take_words(hash, "friendly-name=My=card", "archived=yes");
	struct property_change change;

	(void)state;
	assert_true(r.ok);
	change = first_change(&r.import);
	assert_true(change.archived);
	assert_true(
	    wire_view_equal(change.friendly_name, wire_view_text("My=card")));
	free(r.import.data);
}

static void
test_words_that_are_not_right(void **state)
{
	static const struct {
		const char *sha256;
		const char *word;
		const char *told;
	} cases[] = {
	    {"abcd", "archived=yes", "abcd: not a whole thumbprint"},
	    {"xyz", "archived=yes", "xyz: not a whole thumbprint"},
	    {hash, "archived", "archived: not a property that can be set"},
	    {hash, "archived=maybe", "maybe: archived is yes or no"},
	    {hash, "colour=red", "colour: not a property that can be set"},
	    {hash, "=red", ": not a property that can be set"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct result r =
		    take_words(cases[i].sha256, cases[i].word, NULL);

		assert_false(r.ok);
		assert_non_null(strstr(r.told, cases[i].told));
		free(r.import.data);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_root),
	    cmocka_unit_test(test_what_is_no_root),
	    cmocka_unit_test(test_a_serialised_store),
	    cmocka_unit_test(test_every_truncation_of_a_store),
	    cmocka_unit_test(test_more_behind_the_end),
	    cmocka_unit_test(test_a_broken_property),
	    cmocka_unit_test(test_too_many_properties),
	    cmocka_unit_test(test_nothing_to_set),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_json_that_is_not_right),
	    cmocka_unit_test(test_a_text_that_is_too_long),
	    cmocka_unit_test(test_words),
	    cmocka_unit_test(test_words_that_are_not_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
