/* What the relay tells and does not keep: credentials, log-on, ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "relaybed.h"

enum { INFO_FLAGS = 0x10 | 0x100 | 0x80 | 0x600 }; /* RDP 6.1 compression */

static char told[1024]; /* a word for each piece of news */

static void
add(const char *what, const char *text)
{
	size_t len = strlen(told);

	(void)snprintf(told + len, sizeof(told) - len, "%s(%s)", what, text);
}

static void
add_text(const char *what, const struct share_text *text)
{
	char utf8[64];

	assert_true(share_text_utf8(text, utf8, sizeof(utf8)));
	add(what, utf8);
}

static void
add_number(const char *what, uint32_t number)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", number);
	add(what, text);
}

static void
on_credentials(void *arg, const struct share_info *info)
{
	(void)arg;
	add_text("user", &info->user);
	add_text("password", &info->password);
}

static void
on_logon(void *arg, const struct logoninfo *info)
{
	(void)arg;
	add_text("logon", &info->user);
	add_number("session", info->session_id);
}

static void
on_error_info(void *arg, uint32_t code)
{
	(void)arg;
	add_number("error", code);
}

static void
on_unread(void *arg, const char *why)
{
	(void)arg;
	add("unread", why);
}

static void
on_ultimatum(void *arg, enum relay_side from, enum mcs_reason reason)
{
	(void)arg;
	add(from == RELAY_SERVER ? "server" : "client",
	    mcs_reason_name(reason));
}

static const struct relay_news news = {on_credentials, on_logon, on_error_info,
                                       on_unread, on_ultimatum};

static void
build_info(void)
{
	const struct message_info info = {.flags = INFO_FLAGS,
	                                  .domain = "",
	                                  .user = "alice",
	                                  .password = "pw",
	                                  .address = "192.0.2.7"};
	uint8_t bytes[4096];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_info(&out, &info);
	relaybed_build_data(RELAY_CLIENT, 1003, wire_written(&out));
}

static uint32_t
info_flags(void)
{
	struct wire_in in =
	    wire_in(relaybed_message.bytes, relaybed_message.len);

	wire_skip(&in, 7 + 7 + 1 + 8); /* TPKT to CodePage, long PER length */
	return wire_u32(&in);
}

static struct relay *
connected(bool listen)
{
	const struct relay_negotiation negotiation = {1, 1, 1, 1};
	struct relay *r = relay_new(&negotiation);

	assert_non_null(r);
	told[0] = '\0';
	if (listen)
		relay_tell(r, &news, NULL);
	message_connect_initial(&relaybed_message, &message_sides);
	relaybed_forward(r, RELAY_CLIENT);
	message_connect_response(&relaybed_message, &message_sides);
	relaybed_forward(r, RELAY_SERVER);
	return r;
}

static struct relay *
informed(bool listen)
{
	struct relay *r = connected(listen);

	build_info();
	relaybed_forward(r, RELAY_CLIENT);
	told[0] = '\0';
	return r;
}

static void
build_logon(uint32_t type, uint8_t compressed)
{
	const struct message_logon logon = {type, "CONTOSO", "alice", 7, 3};
	uint8_t bytes[2048];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_logon(&out, &logon);
	assert_true(wire_out_ok(&out));
	bytes[MESSAGE_COMPRESSED_TYPE] = compressed;
	relaybed_build_data(RELAY_SERVER, 1003, wire_written(&out));
}

static void
build_error(uint32_t code)
{
	uint8_t bytes[64];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_error_info(&out, code);
	relaybed_build_data(RELAY_SERVER, 1003, wire_written(&out));
}

static void
test_credentials(void **state)
{
	struct relay *r = connected(true);

	(void)state;
	build_info();
	relaybed_forward(r, RELAY_CLIENT);
	assert_string_equal(told, "user(alice)password(pw)");
	assert_string_equal(relay_facts(r)->user, "alice");
	assert_int_equal(info_flags(), INFO_FLAGS);
	build_info();
	told[0] = '\0';
	relaybed_forward(r, RELAY_CLIENT); /* a second one is none */
	assert_string_equal(told, "");
	relay_free(r);
}

/* No compression is offered, and nothing else is changed. */
static void
test_plain_share(void **state)
{
	struct relay *r = connected(true);
	static struct message before;

	(void)state;
	relay_want_plain_share(r);
	build_info();
	before = relaybed_message;
	relaybed_forward(r, RELAY_CLIENT);
	assert_int_equal(info_flags(), 0x110);
	for (size_t i = 0; i < relaybed_message.len; i++)
		if (i < 23 || i >= 27)
			assert_int_equal(relaybed_message.bytes[i],
			                 before.bytes[i]);
	relay_free(r);
}

static void
test_logon(void **state)
{
	static const char *const want[] = {
	    "logon(alice)session(7)", "logon(alice)session(7)",
	    "logon()session(0)", "logon()session(0)",
	    "unread(Save Session Info: type)"};
	struct relay *r = informed(true);

	(void)state;
	for (uint32_t type = 0; type < 5; type++) {
		told[0] = '\0';
		build_logon(type, 0);
		relaybed_forward(r, RELAY_SERVER);
		assert_string_equal(told, want[type]);
	}
	relay_free(r);
}

/* Its history is the whole desktop's: it passes, and the session hears. */
static void
test_compressed(void **state)
{
	struct relay *r = informed(true);

	(void)state;
	build_logon(0, 0x20 | 1);
	relaybed_forward(r, RELAY_SERVER);
	assert_string_equal(told, "unread(Save Session Info: compressed)");
	told[0] = '\0';
	build_logon(0, 1); /* a type alone compresses nothing */
	relaybed_forward(r, RELAY_SERVER);
	assert_string_equal(told, "logon(alice)session(7)");
	relay_free(r);
}

static void
test_error(void **state)
{
	struct relay *r = informed(true);

	(void)state;
	build_error(12);
	relaybed_forward(r, RELAY_SERVER);
	assert_string_equal(told, "error(12)");
	relay_free(r);
}

/* Both in one frame, as servers do. */
static void
test_joined(void **state)
{
	const struct message_logon logon = {1, "", "bob", 3, 0};
	struct relay *r = informed(true);
	uint8_t bytes[2048];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	(void)state;
	message_logon(&out, &logon);
	message_error_info(&out, 2);
	relaybed_build_data(RELAY_SERVER, 1003, wire_written(&out));
	relaybed_forward(r, RELAY_SERVER);
	assert_string_equal(told, "logon(bob)session(3)error(2)");
	relay_free(r);
}

/* A client that says such things is not believed. */
static void
test_client_says(void **state)
{
	struct relay *r = informed(true);
	size_t len;

	(void)state;
	build_logon(0, 0);
	relaybed_message.bytes[7] = 0x64;
	assert_int_equal(relay_peek(r, RELAY_CLIENT,
	                            (struct wire_view){relaybed_message.bytes,
	                                               relaybed_message.len},
	                            &len),
	                 RELAY_PASS);
	assert_string_equal(told, "");
	relay_free(r);
}

/* Where nobody wants to know, the PDUs are not even looked at. */
static void
test_nobody(void **state)
{
	struct relay *r = informed(false);
	size_t len;

	(void)state;
	build_error(12);
	assert_int_equal(relay_peek(r, RELAY_SERVER,
	                            (struct wire_view){relaybed_message.bytes,
	                                               relaybed_message.len},
	                            &len),
	                 RELAY_PASS);
	relay_free(r);
}

static void
test_ultimatum(void **state)
{
	struct relay *r = informed(true);
	struct wire_out out;

	(void)state;
	for (int from = RELAY_CLIENT; from <= RELAY_SERVER; from++) {
		out = wire_out(relaybed_message.bytes, RELAY_ULTIMATUM);
		relay_ultimatum(&out, MCS_PROVIDER_INITIATED);
		assert_true(wire_out_ok(&out));
		relaybed_message.len = out.len;
		relaybed_forward(r, (enum relay_side)from);
	}
	assert_string_equal(
	    told, "client(provider-initiated)server(provider-initiated)");
	relay_free(r);
}

/* Cut anywhere and framed anew: refused, or told, never more than is there. */
static void
test_truncated(void **state)
{
	static struct message whole;
	struct relay *r = informed(true);
	struct relay_chunk chunk;

	(void)state;
	build_logon(1, 0);
	whole = relaybed_message;
	for (size_t cut = 7; cut < whole.len; cut++) {
		uint8_t *copy = message_copy(whole.bytes, cut);

		copy[2] = (uint8_t)(cut >> 8);
		copy[3] = (uint8_t)cut;
		told[0] = '\0';
		assert_int_equal(
		    relay_frame(r, RELAY_SERVER, copy, cut, &chunk),
		    RELAY_REFUSE);
		assert_string_equal(told, "");
		free(copy);
	}
	relay_free(r);
}

/* The share PDU alone cut short: it passes, and says what is missing. */
static void
test_truncated_inside(void **state)
{
	const struct message_logon logon = {1, "CONTOSO", "alice", 7, 0};
	struct relay *r = informed(true);
	uint8_t bytes[2048];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	size_t whole;

	(void)state;
	message_logon(&out, &logon);
	whole = out.len;
	for (size_t cut = 15; cut < whole; cut++) {
		wire_set_u16(&out, 0, (uint16_t)cut);
		relaybed_build_data(RELAY_SERVER, 1003,
		                    (struct wire_view){bytes, cut});
		told[0] = '\0';
		relaybed_forward(r, RELAY_SERVER);
		assert_int_equal(strncmp(told, "unread(", 7), 0);
	}
	relay_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_credentials),
	    cmocka_unit_test(test_plain_share),
	    cmocka_unit_test(test_logon),
	    cmocka_unit_test(test_compressed),
	    cmocka_unit_test(test_error),
	    cmocka_unit_test(test_joined),
	    cmocka_unit_test(test_client_says),
	    cmocka_unit_test(test_nobody),
	    cmocka_unit_test(test_ultimatum),
	    cmocka_unit_test(test_truncated),
	    cmocka_unit_test(test_truncated_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
