/*
 * The file that says whose cards are whose: what matches, and faults with their
 * lines.
 */
#include "cardmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* SHA-256 of the two bytes 30 00. */
#define HASH "e4f60d0aa6d7f3d3b6a6494b1c861b99f649c6f9ec51abaf201b20f297327c95"

#define HASH_UPPER                                                             \
	"E4F60D0AA6D7F3D3B6A6494B1C861B99F649C6F9EC51ABAF201B20F297327C95"
#define HASH_TAIL                                                              \
	"f60d0aa6d7f3d3b6a6494b1c861b99f649c6f9ec51abaf201b20f297327c95"

struct faults {
	char text[4096];
	unsigned count;
};

static void
on_fault(void *arg, unsigned line, const char *what)
{
	struct faults *f = arg;
	size_t used = strlen(f->text);

	f->count++;
	(void)snprintf(f->text + used, sizeof(f->text) - used, "%u: %s\n", line,
	               what);
}

static struct cardmap *
parse(const char *text, struct faults *f)
{
	memset(f, 0, sizeof(*f));
	return cardmap_parse(wire_view_text(text), on_fault, f);
}

static const uint8_t der[] = {0x30, 0x00};

static struct keep_cert
alice(void)
{
	struct keep_cert cert = {
	    .der = {der, sizeof(der)},
	    .upn = wire_view_text("alice@example.test"),
	    .email = wire_view_text("a.smith@example.test"),
	    .subject = wire_view_text("CN=Alice\\; Smith,O=Example"),
	    .issuer = wire_view_text("CN=Sub"),
	    .serial = wire_view_text("002a"),
	};

	return cert;
}

static bool
lists(const char *text, const char *user)
{
	struct faults f;
	struct cardmap *map = parse(text, &f);
	struct keep_cert cert = alice();
	bool found = cardmap_lists(map, wire_view_text(user), &cert);

	assert_non_null(map);
	cardmap_free(map);
	return found;
}

static void
test_each_kind(void **state)
{
	(void)state;
	assert_true(lists("bob = upn:Alice@EXAMPLE.test\n", "bob"));
	assert_true(lists("bob = mail: a.smith@example.test", "BOB"));
	assert_true(lists("bob=subject:CN=Alice\\; Smith,O=Example", "bob"));
	assert_true(lists("bob = issuer+serial:CN=Sub;2A", "bob"));
	assert_true(lists("bob = issuer+serial:CN=Sub ; 00002a\r\n", "bob"));
	assert_false(lists("bob = upn:alice@example.tes", "bob"));
	assert_false(lists("bob = mail:alice@example.test", "bob"));
	assert_false(lists("bob = subject:CN=alice\\; smith,O=Example", "bob"));
	assert_false(lists("bob = issuer+serial:CN=Sub;2a0", "bob"));
	assert_false(lists("bob = issuer+serial:CN=Su;2a", "bob"));
	assert_false(lists("bobby = upn:alice@example.test", "bob"));
	assert_false(lists("", "bob"));
}

static void
test_by_hash(void **state)
{
	(void)state;
	assert_true(lists("bob = sha256:" HASH, "bob"));
	assert_true(lists("bob = SHA256: " HASH_UPPER, "bob"));
	assert_false(lists("eve = sha256:" HASH, "bob"));
	assert_false(lists("bob = sha256:00" HASH_TAIL, "bob"));
}

static void
test_empty_names_match_nothing(void **state)
{
	struct faults f;
	struct cardmap *map = parse("bob = upn:x", &f);
	struct keep_cert nobody = {.der = {der, sizeof(der)}};

	(void)state;
	assert_false(cardmap_lists(map, wire_view_text("bob"), &nobody));
	assert_false(cardmap_lists(NULL, wire_view_text("bob"), &nobody));
	assert_int_equal(cardmap_count(NULL), 0);
	cardmap_free(map);
	cardmap_free(NULL);
}

static void
test_faults_have_lines(void **state)
{
	struct faults f;

	(void)state;
	assert_null(parse("# fine\n\nbob = upn:x\nbob\n = upn:x\nbob = door:1\n"
	                  "bob = upn:\nbob = sha256:12\nbob = sha256:" HASH
	                  "0\n"
	                  "bob = issuer+serial:CN=x\nbob = issuer+serial:;1\n"
	                  "bob = issuer+serial:CN=x;1g\nbob = upn:\x7f\n",
	                  &f));
	assert_string_equal(
	    f.text,
	    "4: a line is USER = KIND:VALUE\n5: a line is USER = KIND:VALUE\n"
	    "6: the kind is sha256, upn, mail, subject or issuer+serial\n"
	    "7: the value is missing\n8: sha256: takes 64 hexadecimal digits\n"
	    "9: sha256: takes 64 hexadecimal digits\n"
	    "10: issuer+serial: takes DN;HEX\n"
	    "11: issuer+serial: takes DN;HEX\n"
	    "12: issuer+serial: takes DN;HEX\n13: control characters\n");
}

static void
test_limits(void **state)
{
	struct faults f = {.count = 0};
	size_t size = CARDMAP_BYTES_MAX + 1;
	char *text = malloc(size);
	struct wire_view view = {(const uint8_t *)text, size};
	struct wire_out out = wire_out(text, size);
	struct cardmap *map;

	(void)state;
	assert_non_null(text);
	memset(text, '\n', size);
	assert_null(cardmap_parse(view, on_fault, &f));
	assert_string_equal(f.text, "0: larger than 16 MiB\n");
	for (unsigned i = 0; i < CARDMAP_LINES_MAX; i++)
		wire_put_view(&out, wire_view_text("a=upn:b\n"));
	map = cardmap_parse(wire_written(&out), on_fault, &f);
	assert_int_equal(cardmap_count(map), CARDMAP_LINES_MAX);
	cardmap_free(map);
	for (unsigned i = 0; i < 2 * CARDMAP_FAULTS_MAX; i++)
		wire_put_view(&out, wire_view_text("a=upn:b\n"));
	memset(&f, 0, sizeof(f));
	assert_null(cardmap_parse(wire_written(&out), on_fault, &f));
	assert_int_equal(f.count, CARDMAP_FAULTS_MAX);
	free(text);
}

static void
test_length_of_a_value(void **state)
{
	struct faults f;
	char line[KEEP_TEXT_MAX + 64];

	(void)state;
	for (size_t over = 0; over < 2; over++) {
		struct cardmap *map;

		memset(line, 'x', sizeof(line));
		memcpy(line, "bob=upn:", 8);
		line[8 + KEEP_TEXT_MAX + over] = '\0';
		map = parse(line, &f);
		assert_int_equal(map != NULL, over == 0);
		cardmap_free(map);
	}
}

/* Every start of a list, in a block of exactly its size. */
static void
test_truncations(void **state)
{
	static const char text[] =
	    "# list\nalice = sha256:" HASH "\r\nalice = upn:a@b\n"
	    "alice = mail:a@b\nalice = subject:CN=a\n"
	    "alice = issuer+serial:CN=Sub;2a\n";
	struct keep_cert cert = alice();

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		uint8_t *exact = malloc(len > 0 ? len : 1);
		struct wire_view view = {exact, len};
		struct faults f = {.count = 0};
		struct cardmap *map;

		assert_non_null(exact);
		memcpy(exact, text, len);
		map = cardmap_parse(view, on_fault, &f);
		free(exact); /* the map has its own */
		assert_int_equal(map == NULL, f.count > 0);
		if (len == sizeof(text) - 1)
			assert_true(
			    cardmap_lists(map, wire_view_text("alice"), &cert));
		cardmap_free(map);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_kind),
	    cmocka_unit_test(test_by_hash),
	    cmocka_unit_test(test_empty_names_match_nothing),
	    cmocka_unit_test(test_faults_have_lines),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_length_of_a_value),
	    cmocka_unit_test(test_truncations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
