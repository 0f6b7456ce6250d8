/*
 * Commands to a card by class, as far as they are followed through applications
 * and logical channels.
 */
#include "command.h"
#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool
decode(const char *hex, struct command *command)
{
	static uint8_t bytes[512];
	size_t len = 0;
	bool good;

	for (; hex[0] != '\0' && len < sizeof(bytes); hex += 2) {
		char pair[3] = {hex[0], hex[1], '\0'};

		bytes[len++] = (uint8_t)strtoul(pair, NULL, 16);
	}
	struct wire_view view = exact_dup(bytes, len);

	good = command_decode(view, command);
	/* The data stay readable for the caller. */
	if (command->data.len > 0)
		command->data.data = bytes + (command->data.data - view.data);
	exact_free(view);
	return good;
}

/* The seven cases of ISO/IEC 7816-4, and what is none of them. */
static void
cases(void **state)
{
	static const struct {
		const char *hex;
		bool good;
		size_t data;
		uint32_t expected;
	} rows[] = {
	    {"00A40400", true, 0, 0},
	    {"00A4040000", true, 0, 256},
	    {"00A404000A", true, 0, 10},
	    {"00A4040002A000", true, 2, 0},
	    {"00A4040002A00010", true, 2, 16},
	    {"00A40400000010", true, 0, 16},
	    {"00A40400000000", true, 0, 65536},
	    {"00A40400000002A000", true, 2, 0},
	    {"00A40400000002A0000000", true, 2, 65536},
	    {"00A40400000002A0000C00", true, 2, 3072},
	    {"", false, 0, 0},
	    {"00", false, 0, 0},
	    {"00A404", false, 0, 0},
	    {"00A4040003A000", false, 0, 0},
	    {"00A4040002A0001000", false, 0, 0},
	    {"00A404000000", false, 0, 0},
	    {"00A40400000003A000", false, 0, 0},
	    {"00A40400000002A00000", false, 0, 0},
	    {"00A40400000002A000000000", false, 0, 0},
	    {"00A4040000000000", false, 0, 0},
	};
	struct command command;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(decode(rows[i].hex, &command), rows[i].good);
		if (!rows[i].good)
			continue;
		assert_int_equal(command.data.len, rows[i].data);
		assert_int_equal(command.expected, rows[i].expected);
	}
}

static void
classes(void **state)
{
	static const struct {
		const char *hex;
		uint8_t plain;
		uint8_t channel;
		bool chained;
		bool secured;
		bool hidden;
	} rows[] = {
	    {"00A40000", 0x00, 0, false, false, false},
	    {"03A40000", 0x00, 3, false, false, false},
	    {"11A40000", 0x00, 1, true, false, false},
	    {"04A40000", 0x00, 0, false, true, true},
	    {"08A40000", 0x00, 0, false, true, false},
	    {"0CA40000", 0x00, 0, false, true, false},
	    {"1FA40000", 0x00, 3, true, true, false},
	    {"40A40000", 0x00, 4, false, false, false},
	    {"7FA40000", 0x00, 19, true, true, false},
	    {"80CA0000", 0x80, 0, false, false, false},
	    {"84820000", 0x80, 0, false, true, true},
	    {"C2CA0000", 0x80, 6, false, false, false},
	    {"E2CA0000", 0x80, 6, false, true, true},
	    {"20A40000", 0x20, 0, false, false, false},
	    {"90A40000", 0x90, 0, false, false, false},
	    {"FFCA0000", 0xFF, 0, false, false, false},
	    {"00C20000", 0x00, 0, false, false, true},
	    {"00C30000", 0x00, 0, false, false, true},
	};
	struct command command;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(decode(rows[i].hex, &command));
		assert_int_equal(command.plain, rows[i].plain);
		assert_int_equal(command.channel, rows[i].channel);
		assert_int_equal(command.chained, rows[i].chained);
		assert_int_equal(command.secured, rows[i].secured);
		assert_int_equal(command.hidden, rows[i].hidden);
	}
}

static void
note(struct command_apps *apps, const char *hex, const char *answer)
{
	struct command command;
	uint8_t bytes[16];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	assert_true(decode(hex, &command));
	for (; answer[0] != '\0'; answer += 2) {
		char pair[3] = {answer[0], answer[1], '\0'};

		wire_put_u8(&out, (uint8_t)strtoul(pair, NULL, 16));
	}
	command_apps_note(apps, &command, wire_written(&out));
}

#define SELECT_PIV "00A4040005A000000308"
#define SELECT_PGP "00A4040006D27600012401"

static void
applications_are_followed(void **state)
{
	struct command_apps apps;
	const struct command_app *basic = &apps.list[0];

	(void)state;
	command_apps_forget(&apps);
	note(&apps, SELECT_PIV, "9000");
	assert_true(basic->known);
	assert_int_equal(basic->len, 5);
	note(&apps, SELECT_PGP, "6A82"); /* not there: PIV stays */
	assert_int_equal(basic->aid[0], 0xA0);
	note(&apps, SELECT_PGP, "6110");
	assert_int_equal(basic->aid[0], 0xD2);
	note(&apps, "00A40000023F01", "9000"); /* a file within */
	assert_true(basic->known);
	note(&apps, "00A40000023F00", "9000"); /* the top */
	assert_false(basic->known);
	note(&apps, SELECT_PIV, "9000");
	note(&apps, "00A40800023F00", "9000"); /* a path from the top */
	assert_false(basic->known);
	note(&apps, SELECT_PIV, "9000");
	note(&apps, "0CA4040005A000000308", "9000"); /* cannot be read */
	assert_false(basic->known);
	note(&apps, SELECT_PIV, "9000");
	note(&apps, "10A4040005A000000308", "9000"); /* a part of one */
	assert_false(basic->known);
	note(&apps, SELECT_PIV, "9000");
	note(&apps, "00A40400", "9000"); /* the default application */
	assert_false(basic->known);
	note(&apps, SELECT_PIV, "9000");
	note(&apps, "00CA0000", ""); /* no answer: perhaps a reset */
	assert_false(basic->known);
}

static void
channels_have_their_own(void **state)
{
	struct command_apps apps;

	(void)state;
	command_apps_forget(&apps);
	note(&apps, SELECT_PIV, "9000");
	note(&apps, "0070000001", "019000");
	assert_false(apps.list[1].known);
	note(&apps, "01A4040006D27600012401", "9000");
	assert_int_equal(apps.list[1].aid[0], 0xD2);
	assert_int_equal(apps.list[0].aid[0], 0xA0);
	note(&apps, "0170000500", "9000"); /* from 1: begins as it is */
	assert_int_equal(apps.list[5].aid[0], 0xD2);
	note(&apps, "0070800100", "6985");
	assert_true(apps.list[1].known);
	note(&apps, "0070800100", "9000");
	assert_false(apps.list[1].known);
	note(&apps, "00700000", "FF9000"); /* no such channel: nothing */
	note(&apps, "4FA4040005A000000308", "9000");
	assert_true(apps.list[19].known);
}

static enum command_kind
kind(const char *hex, const char *select)
{
	struct command_apps apps;
	struct command command;

	command_apps_forget(&apps);
	if (select != NULL)
		note(&apps, select, "9000");
	assert_true(decode(hex, &command));
	return command_meaning(&command, &apps.list[0]).kind;
}

#define SELECT_GIDS "00A4040009A00000039742544659"
#define SELECT_CAC  "00A4040007A0000000790100"
#define SELECT_ELSE "00A4040005F0000000FF"

/* What means something else in some applications. */
static void
special_meanings(void **state)
{
	(void)state;
	/* PIV: the management key, also while the application is unknown */
	assert_int_equal(kind("0087039B", SELECT_PIV), COMMAND_MANAGES);
	assert_int_equal(kind("0087039B", NULL), COMMAND_MANAGES);
	assert_int_equal(kind("0087039B", "00A4040003A00000"), COMMAND_MANAGES);
	assert_int_equal(kind("0087039B", SELECT_ELSE), COMMAND_USES);
	assert_int_equal(kind("0087079A", SELECT_PIV), COMMAND_USES);
	/* GIDS: the admin key */
	assert_int_equal(kind("00870000", SELECT_GIDS), COMMAND_MANAGES);
	assert_int_equal(kind("00870000", NULL), COMMAND_MANAGES);
	assert_int_equal(kind("00870000", SELECT_PIV), COMMAND_USES);
	assert_int_equal(kind("0022C1A403830180", SELECT_GIDS),
	                 COMMAND_MANAGES);
	assert_int_equal(kind("0022C1A403830181", SELECT_GIDS), COMMAND_USES);
	assert_int_equal(kind("002241B6", SELECT_GIDS), COMMAND_USES);
	assert_int_equal(kind("0022F201", NULL), COMMAND_MANAGES);
	/* OpenPGP: reading a public key */
	assert_int_equal(kind("0047810002B600", SELECT_PGP), COMMAND_READS);
	assert_int_equal(kind("0047800002B600", SELECT_PGP), COMMAND_MANAGES);
	assert_int_equal(kind("0047810002B600", NULL), COMMAND_MANAGES);
	/* PIV with Yubico's additions */
	assert_int_equal(kind("00F7009A", SELECT_PIV), COMMAND_READS);
	assert_int_equal(kind("00FF0000", SELECT_PIV), COMMAND_MANAGES);
	assert_int_equal(kind("00F7009A", NULL), COMMAND_OTHER);
	/* CAC */
	assert_int_equal(kind("8052000002010F", SELECT_CAC), COMMAND_READS);
	assert_int_equal(kind("80420000", SELECT_CAC), COMMAND_USES);
	assert_int_equal(kind("80420000", NULL), COMMAND_OTHER);
	/* GlobalPlatform, readers, unknown classes */
	assert_int_equal(kind("80500000", NULL), COMMAND_MANAGES);
	assert_int_equal(kind("84820100", NULL), COMMAND_MANAGES);
	assert_int_equal(kind("80F28000", NULL), COMMAND_READS);
	assert_int_equal(kind("FFCA0000", NULL), COMMAND_READS);
	assert_int_equal(kind("FFD60000", NULL), COMMAND_OTHER);
	assert_int_equal(kind("90A40000", NULL), COMMAND_OTHER);
}

static void
bad_rules(void **state)
{
	static const char *const texts[] = {
	    "",
	    "allow",
	    "00 A4",
	    "permit 00 A4",
	    "allow 00",
	    "allow 00 A",
	    "allow 00 A4 00 00 00",
	    "allow 00 G4",
	    "allow 00 A4 |",
	    "allow 00 A4 aid=",
	    "allow 00 A4 aid=A0x0",
	    "allow 00 A4 aid=000102030405060708090A0B0C0D0E0F10"};
	struct command_rules rules = {.count = 0};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_non_null(command_rules_parse(&rules, "c", texts[i]));
	command_rules_clear(&rules);
	for (size_t i = 0; i < GLOBS_RULES_MAX; i++)
		assert_null(command_rules_parse(&rules, "c", "deny 00 A4"));
	assert_non_null(command_rules_parse(&rules, "c", "deny 00 A4"));
	command_rules_clear(&rules);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cases),
	    cmocka_unit_test(classes),
	    cmocka_unit_test(applications_are_followed),
	    cmocka_unit_test(channels_have_their_own),
	    cmocka_unit_test(special_meanings),
	    cmocka_unit_test(bad_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
