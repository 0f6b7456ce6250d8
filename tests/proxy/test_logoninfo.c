/* Save Session Info PDUs of either kind, and names that do not fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "errorinfo.h"
#include "logoninfo.h"
#include "messages.h"
#include "sharetext.h"

enum { HEADER = 18 }; /* of share data */

static uint8_t bytes[8192];

static struct wire_view
build(const struct message_logon *logon)
{
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_view view;

	message_logon(&out, logon);
	assert_true(wire_out_ok(&out));
	view = wire_written(&out);
	return (struct wire_view){view.data + HEADER, view.len - HEADER};
}

static const char *
decode(struct wire_view body, struct logoninfo *info)
{
	struct wire_in in = wire_in_view(body);

	return logoninfo_decode(&in, info);
}

/* needed: the bytes without which it is no such PDU. */
static void
check_cuts(struct wire_view whole, size_t needed)
{
	struct logoninfo info;

	for (size_t cut = 0; cut <= whole.len; cut++) {
		uint8_t *copy = message_copy(whole.data, cut);
		const char *fault =
		    decode((struct wire_view){copy, cut}, &info);

		assert_int_equal(fault == NULL, cut >= needed);
		free(copy);
	}
}

static void
test_names(void **state)
{
	struct message_logon logon = {0, "CONTOSO", "alice", 7, 0};
	struct logoninfo info;

	(void)state;
	for (logon.type = 0; logon.type < 2; logon.type++) {
		struct wire_view body = build(&logon);

		assert_null(decode(body, &info));
		assert_int_equal(info.kind, logon.type);
		assert_int_equal(info.session_id, 7);
		sharetext_check(&info.domain, "CONTOSO");
		sharetext_check(&info.user, "alice");
		check_cuts(body, body.len);
	}
}

/* Nothing at all where a name should be: a client died of that. */
static void
test_names_empty(void **state)
{
	struct message_logon logon = {0, NULL, NULL, 7, 0};
	struct logoninfo info;

	(void)state;
	for (logon.type = 0; logon.type < 2; logon.type++) {
		struct wire_view body = build(&logon);

		assert_null(decode(body, &info));
		sharetext_check(&info.domain, "");
		sharetext_check(&info.user, "");
		check_cuts(body, body.len);
	}
}

/* A length that is odd, or leaves its field, names nobody. */
static void
test_names_lengths(void **state)
{
	static const struct {
		uint32_t type;
		size_t offset; /* of the length */
		uint32_t len;
		const char *fault;
	} cases[] = {
	    {0, 4, 52, NULL},
	    {0, 4, 54, "Save Session Info: domain"},
	    {0, 4, 51, "Save Session Info: domain"},
	    {0, 4, 0xfffffffe, "Save Session Info: domain"},
	    {0, 60, 512, NULL},
	    {0, 60, 514, "Save Session Info: user name"},
	    {0, 60, 511, "Save Session Info: user name"},
	    {1, 14, 15, "Save Session Info: domain"},
	    {1, 14, 30, "Save Session Info: domain"},
	    {1, 14, 0x80000000, "Save Session Info: domain"},
	    {1, 18, 14, "Save Session Info: user name"},
	    {1, 18, 11, "Save Session Info: user name"},
	    {1, 18, 10, NULL},
	    {1, 4, 2, "Save Session Info: the fixed fields"}, /* Version */
	    {4, 0, 4, "Save Session Info: type"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message_logon logon = {cases[i].type, "CONTOSO", "alice",
		                              7, 0};
		struct wire_view body = build(&logon);
		struct wire_out out = {bytes + HEADER, body.len, body.len,
		                       WIRE_OK};
		struct logoninfo info;
		const char *fault;

		if (cases[i].offset == 4 && cases[i].type == 1)
			wire_set_u16(&out, 4, (uint16_t)cases[i].len);
		else
			wire_set_u32(&out, cases[i].offset, cases[i].len);
		fault = decode(body, &info);
		if (cases[i].fault == NULL)
			assert_null(fault);
		else
			assert_string_equal(fault, cases[i].fault);
	}
}

/* Version 2 sets no limit of its own; ours is that of all texts. */
static void
test_names_limit(void **state)
{
	char name[SHARE_TEXT_MAX / 2 + 1];
	struct message_logon logon = {1, "", name, 7, 0};
	struct logoninfo info;

	(void)state;
	memset(name, 'u', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_string_equal(decode(build(&logon), &info),
	                    "Save Session Info: user name");
	name[sizeof(name) - 2] = '\0';
	assert_null(decode(build(&logon), &info));
	assert_int_equal(info.user.bytes.len, SHARE_TEXT_MAX);
}

static void
test_plain(void **state)
{
	struct message_logon logon = {2, NULL, NULL, 0, 0};
	struct logoninfo info;

	(void)state;
	assert_null(decode(build(&logon), &info));
	assert_int_equal(info.kind, LOGONINFO_PLAIN);
	assert_int_equal(info.user.bytes.len, 0);
	check_cuts(build(&logon), 4); /* the rest is padding */
}

static void
test_extended(void **state)
{
	static const size_t needed[] = {10, 42, 22, 54};
	struct message_logon logon = {3, NULL, NULL, 9, 0};
	struct logoninfo info;

	(void)state;
	for (logon.fields = 0; logon.fields < 4; logon.fields++) {
		struct wire_view body = build(&logon);
		size_t need = needed[logon.fields];

		assert_null(decode(body, &info));
		assert_int_equal(info.has_cookie, logon.fields & 1);
		assert_int_equal(info.logon_id, logon.fields & 1 ? 9 : 0);
		assert_int_equal(info.has_error, logon.fields >> 1);
		assert_int_equal(info.error_type,
		                 logon.fields & 2 ? 0xfffffffe : 0);
		assert_int_equal(info.user.bytes.len, 0);
		check_cuts((struct wire_view){body.data, need}, need);
	}
}

/* A cookie of another length or version is not understood. */
static void
test_extended_cookie(void **state)
{
	static const size_t offsets[] = {10, 14, 18};
	const struct message_logon logon = {3, NULL, NULL, 9, 1};
	struct logoninfo info;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct wire_view body = build(&logon);

		bytes[HEADER + offsets[i]] = 2;
		assert_string_equal(decode(body, &info),
		                    "Save Session Info: auto-reconnect cookie");
		assert_false(info.has_cookie);
	}
}

static void
test_error(void **state)
{
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	uint32_t code;

	(void)state;
	message_error_info(&out, 0x0c);
	for (size_t cut = 0; cut <= 4; cut++) {
		uint8_t *copy = message_copy(bytes + HEADER, cut);
		struct wire_in in = wire_in(copy, cut);

		assert_int_equal(logoninfo_error_decode(&in, &code), cut == 4);
		assert_int_equal(code, cut == 4 ? 0x0c : 0);
		free(copy);
	}
}

/* What ends a log-on, what only a connection, and what they are called. */
static void
test_error_ends(void **state)
{
	static const struct {
		uint32_t code;
		enum errorinfo_end end;
		const char *name;
	} cases[] = {
	    {0, ERRORINFO_NONE, "none"},
	    {1, ERRORINFO_DISCONNECT, "disconnect-by-administrator"},
	    {2, ERRORINFO_LOGOFF, "logoff-by-administrator"},
	    {5, ERRORINFO_DISCONNECT, "replaced-by-another-connection"},
	    {0x0b, ERRORINFO_DISCONNECT, "disconnect-by-user"},
	    {0x0c, ERRORINFO_LOGOFF, "logoff-by-user"},
	    {0x17, ERRORINFO_LOGOFF, "winlogon-crash"},
	    {0x105, ERRORINFO_DISCONNECT, "licensing"},
	    {0x402, ERRORINFO_DISCONNECT, "connection-broker"},
	    {0x10c9, ERRORINFO_DISCONNECT, "protocol"},
	    {0x0d, ERRORINFO_DISCONNECT, "other"},
	    {0xffffffff, ERRORINFO_DISCONNECT, "other"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(errorinfo_end(cases[i].code), cases[i].end);
		assert_string_equal(errorinfo_name(cases[i].code),
		                    cases[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_names_empty),
	    cmocka_unit_test(test_names_lengths),
	    cmocka_unit_test(test_names_limit),
	    cmocka_unit_test(test_plain),
	    cmocka_unit_test(test_extended),
	    cmocka_unit_test(test_extended_cookie),
	    cmocka_unit_test(test_error),
	    cmocka_unit_test(test_error_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
