/*
 * Share control PDUs and Client Info: what is read and edited, at every length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "messages.h"
#include "share.h"
#include "sharetext.h"

enum { INFO_UNICODE = 0x10 };

static const struct message_info info_message = {
    .flags = INFO_UNICODE | 0x13b,
    .domain = "CONTOSO",
    .user = "alice",
    .password = "s3cret",
    .address = "192.0.2.7",
};

static uint8_t bytes[8192];

static struct wire_view
build_info(const struct message_info *info)
{
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_info(&out, info);
	assert_true(wire_out_ok(&out));
	return wire_written(&out);
}

static struct wire_view
build_active(uint8_t type, uint32_t flags, uint32_t chunk_size)
{
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	message_active(&out, type, flags, chunk_size);
	assert_true(wire_out_ok(&out));
	return wire_written(&out);
}

static void
test_info(void **state)
{
	struct message_info message = info_message;
	struct share_info info;

	(void)state;
	for (int form = 0; form < 2; form++) {
		struct wire_view data = build_info(&message);

		assert_true(share_is_info(data));
		assert_false(share_is_license(data));
		assert_null(share_info_decode(data, &info));
		sharetext_check(&info.domain, "CONTOSO");
		sharetext_check(&info.user, "alice");
		sharetext_check(&info.client_address, "192.0.2.7");
		message.flags &= ~(uint32_t)INFO_UNICODE;
	}
}

/* Without the extended part there is no address, and that is all. */
static void
test_info_short(void **state)
{
	struct message_info message = info_message;
	struct share_info info;
	struct wire_view data;
	size_t whole;

	(void)state;
	message.address = NULL;
	data = build_info(&message);
	whole = data.len;
	assert_null(share_info_decode(data, &info));
	assert_int_equal(info.client_address.bytes.len, 0);
	data = build_info(&info_message);
	for (size_t cut = 0; cut < whole + 24; cut++) {
		uint8_t *copy = message_copy(data.data, cut);
		struct wire_view view = {copy, cut};
		const char *fault = share_info_decode(view, &info);

		assert_int_equal(fault == NULL, cut == whole);
		free(copy);
	}
}

static void
test_info_limits(void **state)
{
	char name[SHARE_TEXT_MAX + 2];
	struct message_info message = info_message;
	struct share_info info;

	(void)state;
	message.flags = 0;
	message.user = name;
	memset(name, 'u', sizeof(name));
	name[SHARE_TEXT_MAX + 1] = '\0';
	assert_string_equal(share_info_decode(build_info(&message), &info),
	                    "Client Info: user name");
	name[SHARE_TEXT_MAX] = '\0';
	assert_null(share_info_decode(build_info(&message), &info));
	message.domain = name;
	name[SHARE_TEXT_MAX] = 'u';
	assert_string_equal(share_info_decode(build_info(&message), &info),
	                    "Client Info: domain");
}

static void
test_info_encrypted(void **state)
{
	struct wire_view data = build_info(&info_message);
	struct share_info info;

	(void)state;
	bytes[0] |= 8;
	assert_string_equal(share_info_decode(data, &info),
	                    "Client Info: encrypted inside TLS");
}

static void
test_license(void **state)
{
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct wire_view data;

	(void)state;
	message_license(&out);
	data = wire_written(&out);
	assert_true(share_is_license(data));
	assert_false(share_is_info(data));
	for (size_t cut = 0; cut < data.len; cut++)
		assert_false(share_is_license((struct wire_view){bytes, cut}));
}

static void
check_active(uint8_t type)
{
	struct wire_view data = build_active(type, 3, 16256);
	struct share_vc vc;
	size_t tail = type == 1 ? 4 : 0;
	const char *fault;

	fault = type == 1 ? share_demand_decode(data, &vc)
	                  : share_confirm_decode(data, &vc);
	assert_null(fault);
	assert_int_equal(vc.flags, 3);
	assert_int_equal(vc.chunk_size, 16256);
	assert_int_equal(bytes[vc.flags_offset], 3);
	for (size_t cut = 0; cut < data.len - tail; cut++) {
		uint8_t *copy = message_copy(data.data, cut);
		struct wire_view view = {copy, cut};

		fault = type == 1 ? share_demand_decode(view, &vc)
		                  : share_confirm_decode(view, &vc);
		assert_non_null(fault);
		free(copy);
	}
}

static void
test_active(void **state)
{
	struct share_vc vc;

	(void)state;
	check_active(SHARE_DEMAND_ACTIVE);
	check_active(SHARE_CONFIRM_ACTIVE);
	assert_null(share_demand_decode(build_active(1, 1, 0), &vc));
	assert_int_equal(vc.chunk_size, 0);
}

/* The number of sets is not believed: rdesktop states a wrong one. */
static void
test_active_count(void **state)
{
	struct wire_view data = build_active(3, 1, 0);
	struct share_vc vc;

	(void)state;
	assert_int_equal(bytes[20], 2); /* numberCapabilities */
	bytes[20] = 13;
	assert_null(share_confirm_decode(data, &vc));
	assert_int_equal(vc.flags, 1);
	bytes[20] = 0;
	assert_null(share_confirm_decode(data, &vc));
	assert_int_not_equal(vc.flags_offset, 0);
	bytes[34] = 0; /* no set behind the first one, which is all there is */
	bytes[20] = 1;
	assert_null(share_confirm_decode(data, &vc));
	assert_int_equal(vc.flags_offset, 0);
	bytes[20] = 2;
	assert_string_equal(share_confirm_decode(data, &vc),
	                    "capabilities: length of a set");
}

static void
test_active_wrong(void **state)
{
	struct wire_view data = build_active(3, 1, 0);
	struct share_vc vc;

	(void)state;
	assert_int_equal(bytes[26], 8); /* length of the first set */
	bytes[26] = 3;
	assert_string_equal(share_confirm_decode(data, &vc),
	                    "capabilities: length of a set");
	bytes[26] = 8;
	bytes[24] = 0x14; /* a second set of virtual channels */
	assert_string_equal(share_confirm_decode(data, &vc),
	                    "capabilities: two virtual channel sets");
	bytes[24] = 9;
	bytes[34] = 7; /* the last set, too short for its flags */
	assert_string_equal(share_confirm_decode(data, &vc),
	                    "capabilities: flags of the virtual channel set");
}

static void
test_next(void **state)
{
	static const uint8_t flow[] = {0, 0x80, 0x41, 0, 0, 0, 0xea, 3};
	static const uint8_t deactivate[] = {4, 0, 0x16, 0};
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct share_head head;
	struct wire_view pdu;
	struct wire_in in;

	(void)state;
	wire_put_bytes(&out, flow, sizeof(flow));
	wire_put_bytes(&out, deactivate, sizeof(deactivate));
	message_share_data(&out, SHARE_DATA_FONT_MAP);
	wire_put_u16(&out, 3); /* no PDU is that short */
	wire_put_u16(&out, 0);
	in = wire_in_view(wire_written(&out));
	assert_true(share_next(&in, &head, &pdu));
	assert_int_equal(head.type, 0);
	assert_int_equal(pdu.len, 8);
	assert_true(share_next(&in, &head, &pdu));
	assert_int_equal(head.type, 6);
	assert_true(share_next(&in, &head, &pdu));
	assert_int_equal(head.type, SHARE_DATA);
	assert_int_equal(head.data_type, SHARE_DATA_FONT_MAP);
	assert_int_equal(pdu.len, 26);
	assert_false(share_next(&in, &head, &pdu));
}

static void
test_text(void **state)
{
	static const uint8_t wide[] = {'a', 0, 0xac, 0x20, 0, 0, 'b', 0};
	static const uint8_t lone[] = {'a', 0, 0, 0xd8};
	struct share_text text = {true, {wide, sizeof(wide)}};
	char out[8];

	(void)state;
	assert_true(share_text_utf8(&text, out, 5));
	assert_string_equal(out, "a\xe2\x82\xac"); /* up to the zero */
	assert_false(share_text_utf8(&text, out, 4));
	assert_string_equal(out, "");
	text.bytes.len = 3; /* half a unit at the end is not read */
	assert_true(share_text_utf8(&text, out, 2));
	assert_string_equal(out, "a");
	text.bytes = (struct wire_view){lone, sizeof(lone)};
	assert_false(share_text_utf8(&text, out, sizeof(out)));
	assert_string_equal(out, "");
	text.unicode = false;
	text.bytes = wire_view_text("x\xe9");
	assert_true(share_text_utf8(&text, out, 4));
	assert_string_equal(out, "x\xc3\xa9");
	assert_false(share_text_utf8(&text, out, 3));
	text.bytes.len = 0;
	assert_true(share_text_utf8(&text, out, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_info),
	    cmocka_unit_test(test_info_short),
	    cmocka_unit_test(test_info_limits),
	    cmocka_unit_test(test_info_encrypted),
	    cmocka_unit_test(test_license),
	    cmocka_unit_test(test_active),
	    cmocka_unit_test(test_active_count),
	    cmocka_unit_test(test_active_wrong),
	    cmocka_unit_test(test_next),
	    cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
