/*
 * The table of calls: its order, its codecs, its refusals, and faults that name
 * their field.
 */
#include "ioctl.h"

#include "message.h"

static uint8_t room[MESSAGE_ROOM];

/* Rising codes four apart by definition: CTL_CODE of a file system device. */
static void
rows_are_in_order(void **state)
{
	(void)state;
	assert_int_equal(ioctl_row_count, 48);
	for (size_t i = 0; i < ioctl_row_count; i++) {
		const struct ioctl *row = &ioctl_rows[i];

		assert_int_equal(row->code & 0xFFFF0003, 0x00090000);
		assert_true(i == 0 || row->code > ioctl_rows[i - 1].code);
		assert_ptr_equal(ioctl_find(row->code), row);
		assert_string_equal(ioctl_name(row->code), row->name);
		assert_non_null(row->decode_return);
		assert_non_null(row->encode_return);
		assert_non_null(row->decode_call);
		assert_non_null(row->encode_call);
	}
}

/* The form follows from the name, where there are two. */
static void
forms_follow_names(void **state)
{
	(void)state;
	for (size_t i = 1; i < ioctl_row_count; i++) {
		const struct ioctl *a = &ioctl_rows[i - 1];
		const struct ioctl *w = &ioctl_rows[i];
		size_t len = strlen(w->name);

		if (w->name[len - 1] != 'W' || strlen(a->name) != len ||
		    strncmp(a->name, w->name, len - 1) != 0)
			continue;
		assert_int_equal(a->name[len - 1], 'A');
		assert_int_equal(a->form, ESC_ANSI);
		assert_int_equal(w->form, ESC_WIDE);
		assert_true(a->decode_call == w->decode_call);
		assert_true(a->decode_return == w->decode_return);
		assert_int_equal(w->code, a->code + 4);
	}
}

static void
an_unknown_code_has_no_row(void **state)
{
	static const uint32_t codes[] = {0,          0x00090010, 0x00090013,
	                                 0x00090015, 0x00090030, 0x0009010C,
	                                 0x00313520, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_null(ioctl_find(codes[i]));
		assert_string_equal(ioctl_name(codes[i]), "unknown");
	}
}

/* Every row can say no, in a return its own decoder takes. */
static void
every_row_has_a_refusal(void **state)
{
	static struct esc_return ret;

	(void)state;
	for (size_t i = 0; i < ioctl_row_count; i++) {
		struct wire_out out = wire_out(room, sizeof(room));
		uint32_t code = 0;

		ioctl_refusal_encode(&ioctl_rows[i], &out, ESC_E_NO_ACCESS);
		assert_true(wire_out_ok(&out));
		assert_int_equal(out.len % 8, 0);
		assert_int_equal(ioctl_return_code(wire_written(&out), &code),
		                 WIRE_OK);
		assert_true(code == ESC_E_NO_ACCESS);
		assert_int_equal(message_decode_return(ioctl_rows[i].code, room,
		                                       out.len, &ret),
		                 WIRE_OK);
		assert_true(ret.code == ESC_E_NO_ACCESS);
	}
}

/* Every row takes an empty call of its own. */
static void
every_codec_has_both_halves(void **state)
{
	static struct esc_call call;

	(void)state;
	for (size_t i = 0; i < ioctl_row_count; i++) {
		struct wire_out out = wire_out(room, sizeof(room));

		memset(&call, 0, sizeof(call));
		ioctl_call_encode(&ioctl_rows[i], &out, &call);
		assert_true(wire_out_ok(&out));
		assert_int_equal(message_decode_call(ioctl_rows[i].code, room,
		                                     out.len, &call),
		                 WIRE_OK);
		assert_int_equal(call.form, ioctl_rows[i].form);
	}
}

/* As FreeRDP writes a failed EstablishContext; no success may be so short. */
static void
a_refusal_may_be_its_code_alone(void **state)
{
	static const uint8_t no[] = {HEADERS(8), U32(0x8010001D), U32(0)};
	static const uint8_t yes[] = {HEADERS(8), U32(0), U32(0)};
	static struct esc_return ret;

	(void)state;
	for (size_t i = 0; i < ioctl_row_count; i++) {
		const struct ioctl *row = &ioctl_rows[i];

		assert_int_equal(
		    message_decode_return(row->code, no, sizeof(no), &ret),
		    WIRE_OK);
		assert_true(ret.code == ESC_E_NO_SERVICE);
		assert_int_equal(
		    message_decode_return(row->code, yes, sizeof(yes), &ret) ==
			WIRE_OK,
		    row->decode_return == esc_long_return_decode ||
			row->decode_return == esc_number_return_decode);
	}
}

static void
a_return_code_is_read_alone(void **state)
{
	static const uint8_t bytes[] = {HEADERS(8), U32(0x80100002), U32(0)};
	uint32_t code;

	(void)state;
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct wire_view copy = exact_dup(bytes, n);

		assert_int_equal(ioctl_return_code(copy, &code) == WIRE_OK,
		                 n == sizeof(bytes));
		exact_free(copy);
	}
	assert_true(code == ESC_E_CANCELLED);
}

/* Written behind what is there already: alignment starts with the object. */
static void
an_encoder_appends(void **state)
{
	static struct esc_return ret;
	struct wire_out out = wire_out(room, sizeof(room));
	struct wire_in in;

	(void)state;
	wire_put_bytes(&out, "123", 3);
	ioctl_refusal_encode(ioctl_find(IOCTL_CONNECT_W), &out,
	                     ESC_E_NO_ACCESS);
	in = wire_in_view(wire_written(&out));
	wire_skip(&in, 3);
	assert_int_equal(ioctl_return_decode(ioctl_find(IOCTL_CONNECT_W),
	                                     wire_rest(&in), &ret),
	                 WIRE_OK);
}

static const struct {
	bool call;
	uint32_t code;
	uint32_t words[8];
	size_t count;
	const char *text;
} troubles[] = {
    {false,
     IOCTL_TRANSMIT,
     {0, 0, 66561, 0x20000},
     4,
     "Transmit_Return: pbRecvBuffer: above its limit of 66560"},
    {false,
     IOCTL_TRANSMIT,
     {0, 0, 4, 0x20000, 5},
     5,
     "Transmit_Return: pbRecvBuffer: not an allowed value"},
    {false,
     IOCTL_TRANSMIT,
     {0, 0, 4, 0x20000, 4},
     5,
     "Transmit_Return: pbRecvBuffer: too short"},
    {false,
     IOCTL_TRANSMIT,
     {0, 0, 0},
     3,
     "Transmit_Return: pbRecvBuffer: too short"},
    {false,
     IOCTL_CONNECT_W,
     {0, 0, 0, 0, 0, 1},
     6,
     "Connect_Return: pbHandle: not an allowed value"},
    {false,
     IOCTL_LIST_READERS_A,
     {0, 4, 0x20000, 4, 0x61616161},
     5,
     "ListReaders_Return: mszReaders: not an allowed value"},
    {true,
     IOCTL_ESTABLISH_CONTEXT,
     {0},
     0,
     "EstablishContext_Call: dwScope: too short"},
    {true,
     IOCTL_RELEASE_CONTEXT,
     {17, 0x20000},
     2,
     "ReleaseContext_Call: pbContext: above its limit of 16"},
    {true,
     IOCTL_RELEASE_CONTEXT,
     {0, 0, 0, 0, 0, 0, 0, 0},
     8,
     "ReleaseContext_Call: the padding: not an allowed value"},
    {true, IOCTL_CONNECT_W, {0, 0, 0, 2, 3}, 5, ""},
};

static void
trouble_names_its_field(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(troubles) / sizeof(troubles[0]); i++) {
		struct wire_out wire = wire_out(room, sizeof(room));
		struct ndr_out out = ndr_begin(&wire);
		char text[IOCTL_TROUBLE_SIZE];

		for (size_t j = 0; j < troubles[i].count; j++)
			ndr_put_u32(&out, troubles[i].words[j]);
		wire_set_u32(&wire, 8, (uint32_t)(4 * troubles[i].count));
		if (troubles[i].call)
			ioctl_call_trouble(ioctl_find(troubles[i].code),
			                   wire_written(&wire), text);
		else
			ioctl_return_trouble(ioctl_find(troubles[i].code),
			                     wire_written(&wire), text);
		assert_string_equal(text, troubles[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rows_are_in_order),
	    cmocka_unit_test(forms_follow_names),
	    cmocka_unit_test(an_unknown_code_has_no_row),
	    cmocka_unit_test(every_row_has_a_refusal),
	    cmocka_unit_test(every_codec_has_both_halves),
	    cmocka_unit_test(a_refusal_may_be_its_code_alone),
	    cmocka_unit_test(a_return_code_is_read_alone),
	    cmocka_unit_test(an_encoder_appends),
	    cmocka_unit_test(trouble_names_its_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
