/* What the calls and returns share: names, ids, ATRs, and each limit. */
#include "message.h"
#include "utf16.h"

static struct esc_call call;
static struct esc_return ret;
static uint8_t room[MESSAGE_ROOM];

/* A ListReaders return with these bytes as its multistring. */
static enum wire_fault
list(enum esc_form form, const void *text, size_t len)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);
	struct wire_view view = {text, len};

	ndr_put_u32(&out, 0);
	ndr_put_u32(&out, (uint32_t)len);
	ndr_put_pointer(&out, true);
	ndr_put_bytes(&out, view);
	ndr_end(&out);
	assert_true(wire_out_ok(&wire));
	return message_decode_return(form == ESC_WIDE ? IOCTL_LIST_READERS_W
	                                              : IOCTL_LIST_READERS_A,
	                             room, wire.len, &ret);
}

/* A ConnectA or ConnectW call with these characters as its name. */
static enum wire_fault
name(enum esc_form form, const void *text, size_t count)
{
	size_t unit = form == ESC_WIDE ? 2 : 1;
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);

	ndr_put_pointer(&out, true);
	ndr_put_u32(&out, 0);
	ndr_put_pointer(&out, false);
	ndr_put_u32(&out, ESC_SHARE_SHARED);
	ndr_put_u32(&out, ESC_PROTOCOL_TX);
	ndr_put_string(&out, (uint32_t)count);
	wire_put_bytes(&wire, text, count * unit);
	ndr_end(&out);
	assert_true(wire_out_ok(&wire));
	return message_decode_call(form == ESC_WIDE ? IOCTL_CONNECT_W
	                                            : IOCTL_CONNECT_A,
	                           room, wire.len, &call);
}

static void
multistrings_end_properly(void **state)
{
	(void)state;
	assert_int_equal(list(ESC_ANSI, "", 0), WIRE_OK);
	assert_int_equal(ret.list.names.count, 0);
	assert_int_equal(list(ESC_ANSI, "\0", 1), WIRE_OK);
	assert_int_equal(list(ESC_ANSI, "\0\0", 2), WIRE_OK);
	assert_int_equal(ret.list.names.count, 0);
	assert_int_equal(list(ESC_ANSI, "a\0\0", 3), WIRE_OK);
	assert_int_equal(list(ESC_ANSI, "a\0", 2), WIRE_OK);
	assert_int_equal(ret.list.names.count, 1);
	assert_int_equal(list(ESC_ANSI, "a\0\0\0\0", 5), WIRE_OK);
	assert_int_equal(list(ESC_ANSI, "a", 1), WIRE_VALUE);
	assert_int_equal(list(ESC_ANSI, "a\0b", 3), WIRE_VALUE);
	assert_int_equal(list(ESC_ANSI, "a\0\0b\0\0", 6), WIRE_VALUE);
	assert_int_equal(list(ESC_WIDE, "a\0\0\0\0\0", 6), WIRE_OK);
	assert_int_equal(list(ESC_WIDE, "a\0\0\0\0", 5), WIRE_VALUE);
	assert_int_equal(list(ESC_WIDE, "a\0\0", 3), WIRE_VALUE);
	assert_int_equal(list(ESC_WIDE, "a\0", 2), WIRE_VALUE);
	assert_int_equal(list(ESC_WIDE, "\0\xD8\0\0\0\0", 6), WIRE_VALUE);
}

static void
a_list_has_sixteen_names_at_most(void **state)
{
	uint8_t text[2 * (ESC_NAMES_MAX + 1) + 1] = {0};

	(void)state;
	for (size_t n = ESC_NAMES_MAX - 1; n <= ESC_NAMES_MAX + 1; n++) {
		for (size_t i = 0; i < n; i++)
			text[2 * i] = (uint8_t)('a' + i);
		assert_int_equal(list(ESC_ANSI, text, 2 * n + 1), WIRE_OK);
		assert_int_equal(ret.list.names.count,
		                 n <= ESC_NAMES_MAX ? n : ESC_NAMES_MAX);
		assert_int_equal(ret.list.names.ignored, n > ESC_NAMES_MAX);
		assert_int_equal(ret.list.names.list[ESC_NAMES_MAX - 2].text[0],
		                 'a' + ESC_NAMES_MAX - 2);
	}
}

static void
a_multistring_has_a_limit(void **state)
{
	static uint8_t zeros[ESC_TEXT_MAX + 1];

	(void)state;
	assert_int_equal(list(ESC_ANSI, zeros, ESC_TEXT_MAX - 1), WIRE_OK);
	assert_int_equal(list(ESC_ANSI, zeros, ESC_TEXT_MAX), WIRE_OK);
	assert_int_equal(list(ESC_ANSI, zeros, ESC_TEXT_MAX + 1), WIRE_LIMIT);
}

/* 128 characters, be they one, two or three bytes of UTF-8, or half a pair. */
static void
names_have_a_limit(void **state)
{
	static const char *const letters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC"};
	uint8_t text[3 * (ESC_NAME_MAX + 1) + 2];
	uint8_t wide[2 * (ESC_NAME_MAX + 1) + 2];

	(void)state;
	for (size_t l = 0; l < 3; l++)
		for (size_t n = ESC_NAME_MAX - 1; n <= ESC_NAME_MAX + 1; n++) {
			struct wire_out out = wire_out(text, sizeof(text));
			struct wire_out to = wire_out(wide, sizeof(wide));
			struct wire_in in;
			enum wire_fault want =
			    n <= ESC_NAME_MAX ? WIRE_OK : WIRE_LIMIT;

			for (size_t i = 0; i < n; i++)
				wire_put_view(&out, wire_view_text(letters[l]));
			in = wire_in_view(wire_written(&out));
			assert_true(utf16_from_utf8(&in, &to));
			wire_put_u8(&out, 0);
			wire_put_u16(&to, 0);
			assert_int_equal(name(ESC_ANSI, text, out.len), want);
			assert_int_equal(name(ESC_WIDE, wide, to.len / 2),
			                 want);
			if (want == WIRE_OK)
				assert_string_equal(call.connect.reader.text,
				                    (const char *)text);
			wire_put_u8(&out, 0);
			wire_put_u16(&to, 0);
			assert_int_equal(list(ESC_ANSI, text, out.len),
			                 WIRE_OK);
			assert_int_equal(ret.list.names.ignored,
			                 want != WIRE_OK);
			assert_int_equal(list(ESC_WIDE, wide, to.len), WIRE_OK);
			assert_int_equal(ret.list.names.ignored,
			                 want != WIRE_OK);
			assert_int_equal(ret.list.names.count, want == WIRE_OK);
		}
}

static void
names_end_properly(void **state)
{
	(void)state;
	assert_int_equal(name(ESC_ANSI, "a", 2), WIRE_OK);
	assert_int_equal(name(ESC_ANSI, "a\0", 3), WIRE_OK); /* as xrdp does */
	assert_string_equal(call.connect.reader.text, "a");
	assert_int_equal(name(ESC_ANSI, "", 1), WIRE_OK);
	assert_string_equal(call.connect.reader.text, "");
	assert_true(call.connect.reader.present);
	assert_int_equal(name(ESC_ANSI, "", 0), WIRE_VALUE);
	assert_int_equal(name(ESC_ANSI, "a", 1), WIRE_VALUE);
	assert_int_equal(name(ESC_ANSI, "a\0b", 4), WIRE_VALUE);
	assert_int_equal(name(ESC_WIDE, "a\0\0\0\0", 3), WIRE_OK);
	assert_int_equal(name(ESC_WIDE, "a\0", 1), WIRE_VALUE);
	assert_int_equal(name(ESC_WIDE, "\0\xDC\0", 2), WIRE_VALUE);
}

/* Bytes of an unknown code page are Latin-1, and come out as UTF-8. */
static void
names_of_a_code_page_become_utf8(void **state)
{
	(void)state;
	assert_int_equal(name(ESC_ANSI, "Lesege\xE4r\xFFt", 11), WIRE_OK);
	assert_string_equal(call.connect.reader.text,
	                    "Lesege\xC3\xA4r\xC3\xBFt");
}

static void
ids_have_a_limit(void **state)
{
	static const uint8_t bytes[ESC_ID_MAX + 1] = {1, 2, 3};

	(void)state;
	for (uint32_t n = 1; n <= ESC_ID_MAX + 1; n++) {
		struct wire_out wire = wire_out(room, sizeof(room));
		struct ndr_out out = ndr_begin(&wire);
		struct wire_view view = {bytes, n};

		ndr_put_u32(&out, n);
		ndr_put_pointer(&out, true);
		ndr_put_bytes(&out, view);
		ndr_end(&out);
		assert_int_equal(
		    message_decode_call(IOCTL_CANCEL, room, wire.len, &call),
		    n <= ESC_ID_MAX ? WIRE_OK : WIRE_LIMIT);
		if (n <= ESC_ID_MAX)
			assert_int_equal(call.context.context.len, n);
	}
}

/* A length without bytes is a lie; no length needs none. */
static void
ids_may_be_null_only_when_empty(void **state)
{
	static const uint8_t none[] = {HEADERS(8), U32(0), U32(0)};
	static const uint8_t empty[] = {HEADERS(16), U32(0), U32(7), U32(0),
	                                U32(0)};
	static const uint8_t lie[] = {HEADERS(8), U32(4), U32(0)};
	struct esc_id a = {{1, 2}, 2};
	struct esc_id b = {{1, 2, 3}, 3};

	(void)state;
	assert_int_equal(
	    message_decode_call(IOCTL_CANCEL, none, sizeof(none), &call),
	    WIRE_OK);
	assert_int_equal(
	    message_decode_call(IOCTL_CANCEL, empty, sizeof(empty), &call),
	    WIRE_OK);
	assert_int_equal(
	    message_decode_call(IOCTL_CANCEL, lie, sizeof(lie), &call),
	    WIRE_VALUE);
	assert_true(esc_id_equal(&a, &a));
	assert_false(esc_id_equal(&a, &b));
}

static void
a_shared_referent_is_a_fault(void **state)
{
	static const uint8_t bytes[] = {
	    HEADERS(48), U32(8), U32(5), U32(8), U32(5), /* the same twice */
	    U32(0),      ID8(1), ID8(9), 0,      0,      0, 0};
	uint8_t two[sizeof(bytes)];

	(void)state;
	assert_int_equal(
	    message_decode_call(IOCTL_DISCONNECT, bytes, sizeof(bytes), &call),
	    WIRE_VALUE);
	memcpy(two, bytes, sizeof(two));
	two[16 + 4] = 1; /* neither in sequence nor rising: fine */
	assert_int_equal(
	    message_decode_call(IOCTL_DISCONNECT, two, sizeof(two), &call),
	    WIRE_OK);
}

/* A return of GetStatusChange with n states, whose ATRs claim len bytes. */
static enum wire_fault
states(uint32_t n, uint32_t len)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);

	ndr_put_u32(&out, 0);
	ndr_put_u32(&out, n);
	ndr_put_pointer(&out, true);
	ndr_put_array(&out, n);
	for (uint32_t i = 0; i < n; i++) {
		ndr_put_u32(&out, 0);
		ndr_put_u32(&out, 0);
		ndr_put_u32(&out, len);
		wire_put_zeros(&wire, ESC_ATR_MAX);
	}
	ndr_end(&out);
	return message_decode_return(IOCTL_GET_STATUS_CHANGE_W, room, wire.len,
	                             &ret);
}

static void
states_and_atrs_have_limits(void **state)
{
	(void)state;
	assert_int_equal(states(ESC_STATES_MAX - 1, 0), WIRE_OK);
	assert_int_equal(states(ESC_STATES_MAX, 0), WIRE_OK);
	assert_int_equal(states(ESC_STATES_MAX + 1, 0), WIRE_LIMIT);
	assert_int_equal(states(1, ESC_ATR_MAX - 1), WIRE_OK);
	assert_int_equal(states(1, ESC_ATR_MAX), WIRE_OK);
	assert_int_equal(ret.watch.states[0].atr.len, ESC_ATR_MAX);
	assert_int_equal(states(1, ESC_ATR_MAX + 1), WIRE_LIMIT);
}

/* The most a server may ask for: 64 readers, each with a name. */
static void
a_call_may_watch_sixty_four_readers(void **state)
{
	const struct ioctl *row = ioctl_find(IOCTL_GET_STATUS_CHANGE_W);
	struct wire_out out = wire_out(room, sizeof(room));
	static struct esc_call wanted;

	(void)state;
	memset(&wanted, 0, sizeof(wanted));
	wanted.form = ESC_WIDE;
	wanted.watch.context.len = ESC_ID_MAX;
	wanted.watch.count = ESC_STATES_MAX;
	for (size_t i = 0; i < ESC_STATES_MAX; i++) {
		memset(wanted.watch.states[i].reader.text, 'x', ESC_NAME_MAX);
		wanted.watch.states[i].reader.present = i % 2 == 0;
	}
	ioctl_call_encode(row, &out, &wanted);
	assert_true(wire_out_ok(&out));
	assert_int_equal(message_decode_call(IOCTL_GET_STATUS_CHANGE_W, room,
	                                     out.len, &call),
	                 WIRE_OK);
	assert_int_equal(call.watch.count, ESC_STATES_MAX);
	assert_string_equal(call.watch.states[62].reader.text,
	                    wanted.watch.states[62].reader.text);
	assert_false(call.watch.states[63].reader.present);
	wanted.watch.count++;
	out = wire_out(room, sizeof(room));
	ioctl_call_encode(row, &out, &wanted);
	assert_int_equal(out.fault, WIRE_LIMIT);
}

/* What a decoder refuses, its encoder does not write. */
static void
buffers_have_limits(void **state)
{
	static uint8_t bytes[ESC_BUFFER_MAX + 1];
	static const uint32_t codes[] = {IOCTL_TRANSMIT, IOCTL_CONTROL};

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t n = ESC_BUFFER_MAX - 1; n <= ESC_BUFFER_MAX + 1;
		     n++) {
			struct wire_out out = wire_out(room, sizeof(room));
			enum wire_fault want =
			    n <= ESC_BUFFER_MAX ? WIRE_OK : WIRE_LIMIT;
			struct wire_view view = {bytes, n};

			memset(&call.transmit, 0, sizeof(call.transmit));
			if (codes[i] == IOCTL_TRANSMIT) {
				call.transmit.send = view;
			} else {
				call.control.input.present = true;
				call.control.input.view = view;
			}
			ioctl_call_encode(ioctl_find(codes[i]), &out, &call);
			assert_int_equal(out.fault, want);
			if (want == WIRE_OK)
				assert_int_equal(
				    message_decode_call(codes[i], room, out.len,
				                        &call),
				    WIRE_OK);
		}
}

/* A return that tells a length and sends nothing, for each limit. */
static enum wire_fault
told(uint32_t code, uint32_t before, uint32_t len)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);

	for (uint32_t i = 0; i < before; i++)
		ndr_put_u32(&out, 0);
	ndr_put_u32(&out, len);
	ndr_put_u32(&out, 0);
	ndr_end(&out);
	return message_decode_return(code, room, wire.len, &ret);
}

static void
told_lengths_have_limits(void **state)
{
	(void)state;
	assert_int_equal(told(IOCTL_TRANSMIT, 2, ESC_BUFFER_MAX), WIRE_OK);
	assert_int_equal(told(IOCTL_TRANSMIT, 2, ESC_BUFFER_MAX + 1),
	                 WIRE_LIMIT);
	assert_int_equal(told(IOCTL_GET_ATTRIB, 1, ESC_BUFFER_MAX), WIRE_OK);
	assert_int_equal(told(IOCTL_GET_ATTRIB, 1, ESC_BUFFER_MAX + 1),
	                 WIRE_LIMIT);
	assert_int_equal(told(IOCTL_STATE, 3, ESC_ATR_MAX), WIRE_OK);
	assert_int_equal(told(IOCTL_STATE, 3, ESC_ATR_MAX + 1), WIRE_LIMIT);
}

/* Its array has 32 bytes, not 36: the length stands behind it. */
static void
a_status_has_a_shorter_atr(void **state)
{
	(void)state;
	for (uint8_t n = ESC_STATUS_ATR_LEN - 1; n <= ESC_STATUS_ATR_LEN + 1;
	     n++) {
		struct wire_out out = wire_out(room, sizeof(room));

		ioctl_refusal_encode(ioctl_find(IOCTL_STATUS_W), &out,
		                     ESC_W_REMOVED_CARD);
		room[16 + 20 + ESC_STATUS_ATR_LEN] = n;
		assert_int_equal(
		    message_decode_return(IOCTL_STATUS_W, room, out.len, &ret),
		    n <= ESC_STATUS_ATR_LEN ? WIRE_OK : WIRE_LIMIT);
	}
}

static void
extra_bytes_have_a_limit(void **state)
{
	static uint8_t bytes[ESC_EXTRA_MAX + 1];

	(void)state;
	for (size_t n = ESC_EXTRA_MAX - 1; n <= ESC_EXTRA_MAX + 1; n++) {
		struct wire_out out = wire_out(room, sizeof(room));

		memset(&ret.transmit, 0, sizeof(ret.transmit));
		ret.transmit.pci_present = true;
		ret.transmit.pci.extra.present = true;
		ret.transmit.pci.extra.view = (struct wire_view){bytes, n};
		ioctl_return_encode(ioctl_find(IOCTL_TRANSMIT), &out, &ret);
		assert_int_equal(out.fault,
		                 n <= ESC_EXTRA_MAX ? WIRE_OK : WIRE_LIMIT);
		if (n > ESC_EXTRA_MAX)
			continue;
		assert_int_equal(
		    message_decode_return(IOCTL_TRANSMIT, room, out.len, &ret),
		    WIRE_OK);
		room[16 + 20] = 1; /* cbExtraBytes: 1,025 */
		room[16 + 21] = 4;
		assert_int_equal(
		    message_decode_return(IOCTL_TRANSMIT, room, out.len, &ret),
		    WIRE_LIMIT);
	}
}

static void
what_is_no_name_is_not_written(void **state)
{
	const struct ioctl *row = ioctl_find(IOCTL_CONNECT_W);
	struct wire_out out = wire_out(room, sizeof(room));

	(void)state;
	memset(&call.connect, 0, sizeof(call.connect));
	call.form = ESC_WIDE;
	call.connect.reader.present = true;
	memcpy(call.connect.reader.text, "\xC3(", 3);
	ioctl_call_encode(row, &out, &call);
	assert_int_equal(out.fault, WIRE_VALUE);
	memset(call.connect.reader.text, 'a', ESC_NAME_MAX + 1);
	out = wire_out(room, sizeof(room));
	ioctl_call_encode(row, &out, &call);
	assert_int_equal(out.fault, WIRE_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(multistrings_end_properly),
	    cmocka_unit_test(a_list_has_sixteen_names_at_most),
	    cmocka_unit_test(a_multistring_has_a_limit),
	    cmocka_unit_test(names_have_a_limit),
	    cmocka_unit_test(names_end_properly),
	    cmocka_unit_test(names_of_a_code_page_become_utf8),
	    cmocka_unit_test(ids_have_a_limit),
	    cmocka_unit_test(ids_may_be_null_only_when_empty),
	    cmocka_unit_test(a_shared_referent_is_a_fault),
	    cmocka_unit_test(states_and_atrs_have_limits),
	    cmocka_unit_test(a_call_may_watch_sixty_four_readers),
	    cmocka_unit_test(buffers_have_limits),
	    cmocka_unit_test(told_lengths_have_limits),
	    cmocka_unit_test(a_status_has_a_shorter_atr),
	    cmocka_unit_test(extra_bytes_have_a_limit),
	    cmocka_unit_test(what_is_no_name_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
