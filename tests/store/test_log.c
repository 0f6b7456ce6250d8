/* Log lines: no text from outside leaves its field, in either form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <unistd.h>

#include "log.h"

#define ID "0123456789abcdef0123456789abcdef"

static int saved_stderr = -1;
static int reading = -1;

/* Standard error becomes a pipe that nobody has filled yet. */
static int
capture(void **state)
{
	int ends[2];

	(void)state;
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -1;
	reading = ends[0];
	saved_stderr = dup(STDERR_FILENO);
	if (saved_stderr < 0 || dup2(ends[1], STDERR_FILENO) < 0)
		return -1;
	(void)close(ends[1]);
	log_setup(LOG_INFO, LOG_PLAIN);
	log_identity("session", ID);
	return fcntl(reading, F_SETFL, O_NONBLOCK);
}

static int
release(void **state)
{
	(void)state;
	(void)dup2(saved_stderr, STDERR_FILENO);
	(void)close(saved_stderr);
	(void)close(reading);
	return 0;
}

/* What was logged: exactly one line of printable ASCII, or nothing. */
static char *
logged(char *out, size_t size)
{
	ssize_t len = read(reading, out, size - 1);

	if (len <= 0) {
		out[0] = '\0';
		return out;
	}
	out[len] = '\0';
	assert_true(len <= LOG_LINE_MAX);
	assert_int_equal(out[len - 1], '\n');
	for (ssize_t i = 0; i < len - 1; i++)
		assert_in_range(out[i], 0x20, 0x7e);
	out[len - 1] = '\0';
	return out;
}

static void
test_plain_line(void **state)
{
	struct log_event ev = log_event(LOG_WARNING, "root-refused");
	char line[2048];

	(void)state;
	log_text(&ev, "reader", "Yubico YubiKey");
	log_text(&ev, "rule", "size");
	log_number(&ev, "bits", INT64_MIN);
	log_id(&ev, "sha256", "\x00\xff\x10", 3);
	log_text(&ev, "none", NULL);
	log_write(&ev);
	(void)logged(line, sizeof(line));
	/* 2026-11-22T15:39:49.123Z */
	assert_int_equal(line[10], 'T');
	assert_int_equal(line[23], 'Z');
	assert_string_equal(
	    &line[24], " warning session/01234567 root-refused "
		       "reader=\"Yubico YubiKey\" rule=size "
		       "bits=-9223372036854775808 sha256=00ff10 none=\"\"");
}

static void
test_level_is_obeyed(void **state)
{
	struct log_event ev = log_event(LOG_DEBUG, "noise");
	char line[2048];

	(void)state;
	assert_false(log_enabled(LOG_DEBUG));
	log_text(&ev, "a", "b");
	log_number(&ev, "n", 1);
	log_write(&ev);
	assert_string_equal(logged(line, sizeof(line)), "");
	log_setup(LOG_ERROR, LOG_PLAIN);
	log_note(LOG_WARNING, "noise", "x");
	assert_string_equal(logged(line, sizeof(line)), "");
	log_note(LOG_ERROR, "trouble", "x");
	assert_non_null(strstr(logged(line, sizeof(line)), " trouble what=x"));
}

static const struct {
	const char *text;
	const char *encoded;
} hostile[] = {
    {"a\nb", "a%0Ab"},
    {"\r\x1b[2J\x07", "%0D%1B[2J%07"},
    {"\x9b\x33m", "%9B3m"},                             /* C1, 8-bit CSI */
    {"\xff\xc0\xaf\xed\xa0\x80", "%FF%C0%AF%ED%A0%80"}, /* no UTF-8 */
    {"\xe2\x80\xae"
     "gpj",
     "%E2%80%AEgpj"}, /* bidi override */
    {"\x7f", "%7F"},
    {"100%41", "100%2541"}, /* reads back as one thing only */
    {"\" level=error x=\"", "\\\" level=error x=\\\""},
    {"a\\", "a\\\\"},
};

static void
test_hostile_text_stays_one_field(void **state)
{
	char line[2048];
	char wanted[128];

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		log_note(LOG_INFO, "x", hostile[i].text);
		(void)logged(line, sizeof(line));
		(void)snprintf(wanted, sizeof(wanted), " x what=%s",
		               hostile[i].encoded);
		if (strpbrk(hostile[i].text, " \"\\=") != NULL)
			(void)snprintf(wanted, sizeof(wanted), " x what=\"%s\"",
			               hostile[i].encoded);
		assert_string_equal(
		    &line[24 + strlen(" info session/01234567")], wanted);
	}
}

static void
test_nul_and_empty(void **state)
{
	struct log_event ev = log_event(LOG_INFO, "x");
	struct wire_view nul = {(const uint8_t *)"a\0b", 3};
	struct wire_view nothing = {NULL, 0};
	char line[2048];

	(void)state;
	log_view(&ev, "nul", nul);
	log_view(&ev, "empty", nothing);
	log_write(&ev);
	assert_non_null(
	    strstr(logged(line, sizeof(line)), " nul=a%00b empty=\"\""));
}

/* 64 KiB of each byte there is, many times: one line, and a later field. */
static void
test_long_text_is_cut(void **state)
{
	enum { LEN = 64 * 1024 };
	uint8_t *data = malloc(LEN);
	struct wire_view text = {data, LEN};
	char line[2048];

	(void)state;
	assert_non_null(data);
	for (int byte = 0; byte < 256; byte++) {
		struct log_event ev = log_event(LOG_INFO, "long");

		memset(data, byte, LEN);
		log_view(&ev, "text", text);
		log_number(&ev, "after", byte);
		for (int i = 0; i < 9; i++)
			log_view(&ev, "more", text);
		log_write(&ev);
		(void)logged(line, sizeof(line));
		assert_non_null(strstr(line, "..."));
		assert_non_null(strstr(line, " after="));
	}
	free(data);
}

static void
test_json_is_one_object(void **state)
{
	struct json_object *object;
	struct json_object *value;
	char line[2048];

	(void)state;
	log_setup(LOG_INFO, LOG_JSON);
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		struct log_event ev = log_event(LOG_INFO, "x");

		log_text(&ev, "text", hostile[i].text);
		log_number(&ev, "number", -5);
		log_write(&ev);
		object = json_tokener_parse(logged(line, sizeof(line)));
		assert_non_null(object);
		assert_true(json_object_object_get_ex(object, "id", &value));
		assert_string_equal(json_object_get_string(value), ID);
		assert_true(json_object_object_get_ex(object, "text", &value));
		assert_true(
		    json_object_object_get_ex(object, "number", &value));
		assert_int_equal(json_object_get_int(value), -5);
		(void)json_object_put(object);
	}
}

static void
test_json_survives_a_full_line(void **state)
{
	struct log_event ev;
	struct json_object *object;
	char line[2048];

	(void)state;
	log_setup(LOG_INFO, LOG_JSON);
	for (size_t count = 0; count < 60; count++) {
		ev = log_event(LOG_INFO, "x");
		log_text(&ev, "q", "\"\\\"\\\"\\\"\\\"");
		for (size_t i = 0; i < count; i++)
			log_text(&ev, "key", "0123456789\"0123456789");
		log_write(&ev);
		object = json_tokener_parse(logged(line, sizeof(line)));
		assert_non_null(object);
		(void)json_object_put(object);
	}
}

static void
test_identifier_is_bounded(void **state)
{
	uint8_t id[64] = {0xab};
	struct log_event ev = log_event(LOG_INFO, "x");
	char line[2048];

	(void)state;
	log_id(&ev, "id", id, sizeof(id));
	log_write(&ev);
	(void)logged(line, sizeof(line));
	assert_int_equal(strlen(strstr(line, "id=") + 3), 72);
}

/* A log that nobody reads costs lines, not time, and says how many. */
static void
test_full_pipe_drops_and_counts(void **state)
{
	char line[2048];
	char *junk = malloc(1 << 20);

	(void)state;
	assert_non_null(junk);
	for (int i = 0; i < 5000; i++)
		log_note(LOG_INFO, "flood", "0123456789012345678901234567890");
	assert_true(read(reading, junk, 1 << 20) > 0);
	free(junk);
	log_note(LOG_INFO, "after", "x");
	assert_non_null(
	    strstr(logged(line, sizeof(line)), " after what=x dropped="));
	log_note(LOG_INFO, "after", "x");
	assert_null(strstr(logged(line, sizeof(line)), "dropped"));
}

static void
test_printable_never_cuts_a_code(void **state)
{
	struct wire_view text = wire_view_text("ab\n\ncdef");
	const char *whole = "ab%0A%0Acdef";
	char out[32];

	(void)state;
	for (size_t size = 1; size <= sizeof(out); size++) {
		char *heap = malloc(size);

		assert_non_null(heap);
		assert_ptr_equal(log_printable(heap, size, text), heap);
		assert_true(strlen(heap) < size);
		if (size > strlen(whole)) {
			assert_string_equal(heap, whole);
		} else if (size > 3) {
			size_t kept = strlen(heap) - 3;

			assert_string_equal(&heap[kept], "...");
			assert_memory_equal(heap, whole, kept);
			assert_true(kept != 3 && kept != 4 && kept != 6 &&
			            kept != 7);
		}
		free(heap);
	}
	out[0] = 'x';
	(void)log_printable(out, 0, text);
	assert_int_equal(out[0], 'x');
}

static void
test_hex(void **state)
{
	char out[7];

	(void)state;
	assert_string_equal(log_hex(out, "\x00\x9f\xf0", 3), "009ff0");
	assert_string_equal(log_hex(out, NULL, 0), "");
}

#define captured(test) cmocka_unit_test_setup_teardown(test, capture, release)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    captured(test_plain_line),
	    captured(test_level_is_obeyed),
	    captured(test_hostile_text_stays_one_field),
	    captured(test_nul_and_empty),
	    captured(test_long_text_is_cut),
	    captured(test_json_is_one_object),
	    captured(test_json_survives_a_full_line),
	    captured(test_identifier_is_bounded),
	    captured(test_full_pipe_drops_and_counts),
	    cmocka_unit_test(test_printable_never_cuts_a_code),
	    cmocka_unit_test(test_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
