/* Defects of neighbours, for the decoders of redirect/: one message at a time.
 */
#include "regress.h"

#include "message.h"
#include "rdpefs.h"
#include "utf16.h"

static struct esc_call call;
static struct esc_return ret;
static uint8_t room[MESSAGE_ROOM];

#define HANDLE      U32(8), U32(0x00020000), U32(8), U32(0x00020004)
#define HANDLE_DATA ID8(0x10), ID8(0x20)
#define CALL_OF(code, bytes)                                                   \
	message_decode_call(code, bytes, sizeof(bytes), &call)
#define RETURN_OF(code, bytes)                                                 \
	message_decode_return(code, bytes, sizeof(bytes), &ret)

/* ---- smart card calls and returns */

/* clang-format off */
static bool
set_attrib_length(void)
{
	static const uint8_t more[] = {
		HEADERS(64), HANDLE, U32(0x0007A007), U32(0x7FFF),
		U32(0x00020008), HANDLE_DATA, U32(4), 1, 2, 3, 4, 0, 0, 0, 0};
	static const uint8_t fewer[] = {
		HEADERS(64), HANDLE, U32(0x0007A007), U32(2),
		U32(0x00020008), HANDLE_DATA, U32(4), 1, 2, 3, 4, 0, 0, 0, 0};

	return CALL_OF(IOCTL_SET_ATTRIB, more) != WIRE_OK &&
	       CALL_OF(IOCTL_SET_ATTRIB, fewer) != WIRE_OK;
}

static bool
padding_past_the_end(void)
{
	static const uint8_t bytes[] = {
		HEADERS(59), HANDLE, U32(0x0007A007), U32(3),
		U32(0x00020008), HANDLE_DATA, U32(3), 1, 2, 3};

	return CALL_OF(IOCTL_SET_ATTRIB, bytes) == WIRE_OK &&
	       call.set_attrib.data.view.len == 3;
}

static bool
aliased_referent(void)
{
	static const uint8_t bytes[] = {
		HEADERS(48), U32(8), U32(0x00020000), U32(8), U32(0x00020000),
		U32(0), HANDLE_DATA, 0, 0, 0, 0};

	return CALL_OF(IOCTL_DISCONNECT, bytes) == WIRE_VALUE;
}

static bool
atr_too_long(void)
{
	static const uint8_t bytes[NDR_HEADERS_LEN + 64] = {
		HEADERS(64), U32(0), U32(1), U32(0x00020000), U32(1), U32(0),
		U32(0x20), U32(37), 0x3B};

	return RETURN_OF(IOCTL_GET_STATUS_CHANGE_W, bytes) == WIRE_LIMIT;
}

static bool
name_without_end(void)
{
	static const uint8_t bytes[] = {
		HEADERS(40), U32(8), U32(0x00020000), U32(0x00020004),
		ID8(0x10), U32(2), U32(0), U32(2), 'R', 0, 'S', 0};

	return CALL_OF(IOCTL_GET_READER_ICON, bytes) == WIRE_VALUE;
}

static bool
empty_handle(void)
{
	static const uint8_t bytes[] = {
		HEADERS(24), U32(0x8010000C), U32(0), U32(0), U32(0), U32(0),
		U32(0)};
	struct wire_out out = wire_out(room, sizeof(room));

	if (RETURN_OF(IOCTL_CONNECT_W, bytes) != WIRE_OK ||
	    ret.connect.handle.card.len != 0)
		return false;
	ioctl_return_encode(ioctl_find(IOCTL_CONNECT_W), &out, &ret);
	return out.len == sizeof(bytes) && memcmp(room, bytes, out.len) == 0;
}

static bool
handle_without_array(void)
{
	static const uint8_t bytes[] = {
		HEADERS(32), U32(0x8010000C), U32(0), U32(0), U32(0), U32(0),
		U32(0), U32(0), U32(0)};

	return RETURN_OF(IOCTL_CONNECT_W, bytes) == WIRE_OK &&
	       ret.connect.handle.card.len == 0;
}

static bool
aligned_by_bytes(void)
{
	static const uint8_t bytes[] = {
		HEADERS(56), U32(0x00020000), U32(8), U32(0x00020004), U32(2),
		U32(3), U32(3), U32(0), U32(3), 'R', 0, '1', 0, 0, 0, 0, 0,
		ID8(0x10), 0, 0, 0, 0};

	return CALL_OF(IOCTL_CONNECT_W, bytes) == WIRE_OK &&
	       call.connect.context.len == 8 &&
	       call.connect.context.bytes[0] == 0x10;
}

static bool
states_of_a_timeout(void)
{
	static const uint8_t bytes[NDR_HEADERS_LEN + 64] = {
		HEADERS(64), U32(0x8010000A), U32(1), U32(0x00020000), U32(1),
		U32(0x10), U32(0x20), U32(1), 0x3B};

	return RETURN_OF(IOCTL_GET_STATUS_CHANGE_W, bytes) == WIRE_OK &&
	       ret.code == ESC_E_TIMEOUT && ret.watch.count == 1;
}

static bool
no_readers(void)
{
	static const uint8_t bytes[] = {
		HEADERS(16), U32(0x8010002E), U32(0), U32(0), U32(0)};
	struct wire_out out = wire_out(room, sizeof(room));

	memset(&ret, 0, sizeof(ret));
	ret.code = ESC_E_NO_READERS_AVAILABLE;
	ret.form = ESC_WIDE;
	ioctl_return_encode(ioctl_find(IOCTL_LIST_READERS_W), &out, &ret);
	return out.len == sizeof(bytes) && memcmp(room, bytes, out.len) == 0 &&
	       RETURN_OF(IOCTL_LIST_READERS_W, bytes) == WIRE_OK;
}

static bool
status_atr_is_its_own(void)
{
	static const uint8_t bytes[] = {
		HEADERS(56), U32(0), U32(0), U32(0), U32(2), U32(2),
		0x3B, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, U32(33)};

	return RETURN_OF(IOCTL_STATUS_W, bytes) == WIRE_LIMIT;
}

static bool
failed_establish(void)
{
	static const uint8_t bytes[] = {HEADERS(8), U32(0x8010001D), U32(0)};

	return RETURN_OF(IOCTL_ESTABLISH_CONTEXT, bytes) == WIRE_OK &&
	       ret.code == ESC_E_NO_SERVICE && ret.establish.context.len == 0;
}

static bool
success_without_context(void)
{
	static const uint8_t bytes[] = {HEADERS(16), U32(0), U32(0), U32(0),
		U32(0)};

	return RETURN_OF(IOCTL_ESTABLISH_CONTEXT, bytes) != WIRE_OK;
}

static bool
answer_length_lies(void)
{
	static const uint8_t bytes[] = {
		HEADERS(24), U32(0), U32(0), U32(0x10000), U32(0x00020000),
		U32(0x10000), 0x90, 0, 0, 0};
	static const uint8_t huge[] = {
		HEADERS(24), U32(0), U32(0), U32(0xFFFFFFFF), U32(0x00020000),
		U32(0xFFFFFFFF), 0x90, 0, 0, 0};

	return RETURN_OF(IOCTL_TRANSMIT, bytes) == WIRE_SHORT &&
	       RETURN_OF(IOCTL_TRANSMIT, huge) == WIRE_LIMIT;
}

static bool
read_cache_wide(void)
{
	static const uint8_t bytes[] = {
		HEADERS(64), U32(0x00020000), U32(8), U32(0x00020004), U32(0),
		U32(7), U32(0), U32(0), U32(3), U32(0), U32(3),
		'C', 0, '1', 0, 0, 0, 0, 0, ID8(0x10), 0, 0, 0, 0};

	return CALL_OF(IOCTL_READ_CACHE_W, bytes) == WIRE_OK &&
	       strcmp(call.read_cache.lookup.text, "C1") == 0;
}

static bool
locate_context(void)
{
	static const uint8_t bytes[] = {
		HEADERS(40), U32(8), U32(0x00020000), U32(0), U32(0), U32(0),
		U32(0), ID8(0x10), 0, 0, 0, 0};

	return CALL_OF(IOCTL_LOCATE_CARDS_A, bytes) == WIRE_OK &&
	       call.locate.context.len == 8;
}
/* clang-format on */

static bool
unset_bytes_stay_here(void)
{
	static uint8_t other[512];

	for (size_t i = 0; i < ioctl_row_count; i++) {
		struct wire_out a = wire_out(room, sizeof(other));
		struct wire_out b = wire_out(other, sizeof(other));

		memset(room, 0xAA, sizeof(other));
		memset(other, 0x55, sizeof(other));
		ioctl_refusal_encode(&ioctl_rows[i], &a, ESC_E_NO_ACCESS);
		ioctl_refusal_encode(&ioctl_rows[i], &b, ESC_E_NO_ACCESS);
		if (!wire_view_equal(wire_written(&a), wire_written(&b)))
			return false;
	}
	return true;
}

/* ---- rdpdr */

static bool
device_list_lies(void)
{
	static const uint8_t count[] = {U32(0xFFFFFFFF), U32(0x20), U32(1)};
	static const uint8_t data[] = {U32(1), U32(0x20), U32(1), 'S',
	                               'C',    'A',       'R',    'D',
	                               0,      0,         0,      U32(0x10)};
	static struct rdpefs_devices devices;
	struct wire_in in = wire_in(count, sizeof(count));

	if (rdpefs_devices_decode(&in, &devices) || in.fault != WIRE_LIMIT)
		return false;
	in = wire_in(data, sizeof(data));
	return !rdpefs_devices_decode(&in, &devices) && in.fault == WIRE_SHORT;
}

static bool
caps_of(uint16_t len)
{
	uint8_t bytes[] = {U16(1), U16(0), U16(5), U16(len), U32(1)};
	struct wire_view copy = exact_dup(bytes, sizeof(bytes));
	struct wire_in in = wire_in_view(copy);
	struct rdpefs_caps caps;
	bool good = rdpefs_caps_decode(&in, &caps);

	exact_free(copy);
	return good;
}

static bool
capability_length(void)
{
	return caps_of(8) && !caps_of(7) && !caps_of(0) && !caps_of(9) &&
	       !caps_of(0xFFFF);
}

static bool
control_cut(uint32_t input_len, size_t cut)
{
	uint8_t bytes[36] = {U32(2048), U32(0), U32(0x00090014)};
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	struct rdpefs_control control;
	struct wire_view copy;
	struct wire_in in;
	bool good;

	wire_put_u32(&out, 2048);
	wire_put_u32(&out, input_len);
	copy = exact_dup(bytes, sizeof(bytes) - cut);
	in = wire_in_view(copy);
	good = rdpefs_control_decode(&in, &control);
	exact_free(copy);
	return good;
}

static bool
request_cut_short(void)
{
	for (size_t cut = 1; cut <= 36; cut++)
		if (control_cut(4, cut))
			return false;
	return control_cut(4, 0);
}

static bool
request_reads_on(void)
{
	return !control_cut(5, 0) && !control_cut(0xFFFFFFFF, 0);
}

static bool
reply_cut_short(void)
{
	static const uint8_t bytes[] = {U32(1), U32(0)};

	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct wire_view copy = exact_dup(bytes, len);
		struct wire_in in = wire_in_view(copy);
		struct rdpefs_reply reply;
		bool good = rdpefs_reply_decode(&in, &reply);

		exact_free(copy);
		if (good != (len == sizeof(bytes)))
			return false;
	}
	return true;
}

/* ---- text */

static bool
text_grows(void)
{
	uint8_t wide[2 * ESC_NAME_MAX];
	uint8_t text[ESC_NAME_SIZE];
	struct wire_in in;
	struct wire_out out = wire_out(text, sizeof(text));
	struct wire_out small = wire_out(text, sizeof(wide));

	for (size_t i = 0; i < sizeof(wide); i += 2) {
		wide[i] = 0xAC;
		wide[i + 1] = 0x20; /* three bytes of UTF-8 each */
	}
	in = wire_in(wide, sizeof(wide));
	if (!utf16_to_utf8(&in, &out) || out.len != 3 * ESC_NAME_MAX)
		return false;
	in = wire_in(wide, sizeof(wide));
	return !utf16_to_utf8(&in, &small) && small.len <= sizeof(wide);
}

static bool
odd_text(void)
{
	static const uint8_t odd[] = {'a', 0, 'b'};
	static const uint8_t lone[] = {0x00, 0xD8};
	uint8_t text[16];
	struct wire_out out = wire_out(text, sizeof(text));
	struct wire_in in = wire_in(odd, sizeof(odd));

	if (utf16_to_utf8(&in, &out))
		return false;
	out = wire_out(text, sizeof(text));
	in = wire_in(lone, sizeof(lone));
	return !utf16_to_utf8(&in, &out);
}

/* clang-format off */
static const struct regress rows[] = {
	/* id, what it was, what must be here, check */
	{ "regress-CVE-2026-22855", "FreeRDP: length of SetAttrib is not its array's", "refused", set_attrib_length },
	{ "regress-CVE-2010-0407", "pcsc-lite: length of SET_ATTRIB trusted", "refused", set_attrib_length },
	{ "regress-CVE-2009-4901", "pcsc-lite: length of SET_ATTRIB once more", "refused", set_attrib_length },
	{ "regress-CVE-2026-27015", "FreeRDP: padding skipped past the end", "read, to its end and no further", padding_past_the_end },
	{ "regress-CVE-2026-44422", "FreeRDP: a referent used twice", "refused", aliased_referent },
	{ "regress-FREERDP-12928", "FreeRDP: cbAtr beyond the array", "refused", atr_too_long },
	{ "regress-FREERDP-8223c5a", "FreeRDP: string scan off by one", "refused", name_without_end },
	{ "regress-FREERDP-8a101e8", "FreeRDP: capability length unchecked", "refused", capability_length },
	{ "regress-CVE-2018-8791", "rdesktop: rdpdr reads what was not sent", "refused", reply_cut_short },
	{ "regress-FREERDP-4453bb5", "FreeRDP: empty handles there, not back", "comes back as it is", empty_handle },
	{ "regress-FREERDP-13208", "mstsc: a failed Connect has a null handle", "read as none", empty_handle },
	{ "regress-FREERDP-4374e30", "FreeRDP: array of a handle that is null", "read as padding", handle_without_array },
	{ "regress-FREERDP-bd425df", "FreeRDP: aligned by elements", "aligned by bytes", aligned_by_bytes },
	{ "regress-FREERDP-1802c26", "FreeRDP: states of a timeout dropped", "read", states_of_a_timeout },
	{ "regress-FREERDP-7214", "FreeRDP: empty list with a pointer", "count 0 and null", no_readers },
	{ "regress-FREERDP-2799", "FreeRDP: no readers as success", "its own code, relayed", no_readers },
	{ "regress-FREERDP-2648", "FreeRDP: the caller's cbAtrLen used", "at most the array", status_atr_is_its_own },
	{ "regress-FREERDP-9480", "FreeRDP: context of LocateCards", "read", locate_context },
	{ "regress-FREERDP-5994", "FreeRDP: ReadCacheW garbled", "read", read_cache_wide },
	{ "regress-FREERDP-establish", "FreeRDP: a failed EstablishContext ends early", "read as a refusal", failed_establish },
	{ "regress-default-success", "status that defaults to success", "a success without what it promises is refused", success_without_context },
	{ "regress-CVE-2016-0749", "SPICE: length of a card message trusted", "refused", answer_length_lies },
	{ "regress-CVE-2010-4530", "CCID driver: sign of a length", "refused", answer_length_lies },
	{ "regress-CVE-2022-39282", "FreeRDP: unset bytes to the server", "every byte written is set", unset_bytes_stay_here },
	{ "regress-CVE-2022-41877", "FreeRDP: no check of the input's length", "refused", request_cut_short },
	{ "regress-CVE-2020-11089", "FreeRDP: over-read of an IRP", "refused", request_reads_on },
	{ "regress-CVE-2022-23480", "xrdp: device list announce overflows", "refused", device_list_lies },
	{ "regress-CVE-2025-68670", "xrdp: UTF-16 grows as UTF-8", "bounded by the room", text_grows },
	{ "regress-CVE-2018-20177", "rdesktop: rdp_in_unistr", "refused", odd_text },
};
/* clang-format on */

int
main(int argc, char **argv)
{
	return regress_main(rows, sizeof(rows) / sizeof(rows[0]), argc, argv);
}
