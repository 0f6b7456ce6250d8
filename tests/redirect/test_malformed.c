/*
 * Malformed messages, each with the verdict it must get: every row of
 * malformed.h, what can be wrong with the headers of each of its messages, the
 * messages of rdpdr, chunks, and each limit with one fewer and one more.
 */
#include "malformed.h"
#include "malformed_rows.h"

#include "chunk.h"
#include "message.h"
#include "rdpefs.h"

enum { COUNT_MIN = 600 };

static uint8_t room[MESSAGE_ROOM + 4096];
static size_t cases;
static size_t wrong;

static void
judge(const char *name, const char *what, enum wire_fault found,
      enum wire_fault wanted)
{
	cases++;
	if (found == wanted)
		return;
	wrong++;
	print_error("%s: %s: %s, not %s\n", name, what, wire_fault_name(found),
	            wire_fault_name(wanted));
}

/* The whole message in room; its length. */
static size_t
build(const struct malformed_base *base)
{
	const uint8_t headers[] = {HEADERS(0)};
	struct wire_out out = wire_out(room, sizeof(room));

	wire_put_bytes(&out, headers, sizeof(headers));
	wire_set_u32(&out, 8, (uint32_t)base->len);
	wire_put_bytes(&out, base->object, base->len);
	return out.len;
}

static void
put(size_t at, size_t width, uint32_t value)
{
	for (size_t i = 0; i < width; i++)
		room[at + i] = (uint8_t)(value >> (8 * i));
}

static const struct malformed_base *
base_of(const char *name)
{
	for (size_t i = 0;
	     i < sizeof(malformed_bases) / sizeof(*malformed_bases); i++)
		if (strcmp(malformed_bases[i].name, name) == 0)
			return &malformed_bases[i];
	fail_msg("no base is called %s", name);
	return NULL;
}

static void
fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(malformed_rows) / sizeof(*malformed_rows);
	     i++) {
		const struct malformed_row *row = &malformed_rows[i];
		const struct malformed_base *base = base_of(row->base);
		size_t len = build(base);

		put(NDR_HEADERS_LEN + row->at, row->width, row->value);
		judge(row->base, row->what,
		      message_decode(base->call, base->code, room, len),
		      row->verdict);
	}
	assert_int_equal(wrong, 0);
}

/* clang-format off */
static const struct {
	size_t at;
	size_t width;
	uint32_t value;
	int grow; /* bytes more, or fewer, than the message has */
	enum wire_fault verdict;
	const char *what;
} header_rows[] = {
	{ 0, 1, 1, 0, WIRE_OK, "as it is" },
	{ 0, 1, 0, 0, WIRE_VALUE, "version 0" },
	{ 0, 1, 2, 0, WIRE_VALUE, "version 2" },
	{ 1, 1, 0x00, 0, WIRE_VALUE, "big-endian" },
	{ 1, 1, 0x11, 0, WIRE_VALUE, "another character set" },
	{ 2, 2, 7, 0, WIRE_VALUE, "a common header of 7 bytes" },
	{ 2, 2, 0, 0, WIRE_VALUE, "a common header of none" },
	{ 2, 2, 0xFFFF, 0, WIRE_VALUE, "a common header of 65535" },
	{ 4, 4, 0, 0, WIRE_OK, "another filler" },
	{ 12, 4, 0xFFFFFFFF, 0, WIRE_OK, "another second filler" },
	{ 8, 4, 0xFFFFFFFF, 0, WIRE_LIMIT, "an object of four billion" },
	{ 8, 4, NDR_OBJECT_MAX + 1, 0, WIRE_LIMIT, "an object above the limit" },
	{ 8, 4, NDR_OBJECT_MAX, 0, WIRE_SHORT, "an object that is not there" },
	{ 0, 1, 1, -9, WIRE_SHORT, "cut by nine bytes" },
	{ 0, 1, 1, 40, WIRE_VALUE, "forty bytes after it" },
};
/* clang-format on */

static void
headers(void **state)
{
	(void)state;
	for (size_t b = 0;
	     b < sizeof(malformed_bases) / sizeof(*malformed_bases); b++)
		for (size_t i = 0;
		     i < sizeof(header_rows) / sizeof(*header_rows); i++) {
			const struct malformed_base *base = &malformed_bases[b];
			size_t len = build(base);

			put(header_rows[i].at, header_rows[i].width,
			    header_rows[i].value);
			memset(room + len, 0, 64);
			len = header_rows[i].grow < 0
			          ? len - (size_t)-header_rows[i].grow
			          : len + (size_t)header_rows[i].grow;
			judge(base->name, header_rows[i].what,
			      message_decode(base->call, base->code, room, len),
			      header_rows[i].verdict);
		}
	assert_int_equal(wrong, 0);
}

/* ---- rdpdr */

static enum wire_fault
decode_rdpefs(uint16_t packet, struct wire_view view)
{
	static struct rdpefs_devices devices;
	struct wire_in in = wire_in_view(view);
	struct rdpefs_completion completion;
	struct rdpefs_client_name name;
	struct rdpefs_announce announce;
	struct rdpefs_removal removal;
	struct rdpefs_control control;
	struct rdpefs_request request;
	struct rdpefs_reply reply;
	struct rdpefs_caps caps;
	struct wire_view output;

	switch (packet) {
	case RDPEFS_SERVER_ANNOUNCE:
		(void)rdpefs_announce_decode(&in, &announce);
		break;
	case RDPEFS_CLIENT_NAME:
		(void)rdpefs_client_name_decode(&in, &name);
		break;
	case RDPEFS_CLIENT_CAPABILITY:
		(void)rdpefs_caps_decode(&in, &caps);
		break;
	case RDPEFS_DEVICE_LIST_ANNOUNCE:
		(void)rdpefs_devices_decode(&in, &devices);
		break;
	case RDPEFS_DEVICE_LIST_REMOVE:
		(void)rdpefs_removal_decode(&in, &removal);
		break;
	case RDPEFS_DEVICE_REPLY:
		(void)rdpefs_reply_decode(&in, &reply);
		break;
	case RDPEFS_DEVICE_REQUEST:
		if (!rdpefs_request_decode(&in, &request))
			break;
		in = wire_in_view(request.body);
		(void)rdpefs_control_decode(&in, &control);
		break;
	default:
		if (!rdpefs_completion_decode(&in, &completion))
			break;
		in = wire_in_view(completion.body);
		(void)rdpefs_output_decode(&in, &output);
		break;
	}
	return in.fault;
}

/* clang-format off */
#define BYTES(...) { __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static const struct {
	uint16_t packet;
	enum wire_fault verdict;
	const char *what;
	uint8_t bytes[80];
	size_t len;
} rdpefs_rows[] = {
	{ RDPEFS_SERVER_ANNOUNCE, WIRE_OK, "as it is",
	  BYTES(U16(1), U16(12), U32(7)) },
	{ RDPEFS_SERVER_ANNOUNCE, WIRE_SHORT, "a client id of three bytes",
	  BYTES(U16(1), U16(12), 1, 2, 3) },
	{ RDPEFS_SERVER_ANNOUNCE, WIRE_SHORT, "only a version",
	  BYTES(U16(1), U16(12)) },
	{ RDPEFS_CLIENT_NAME, WIRE_OK, "as it is",
	  BYTES(U32(1), U32(0), U32(4), 'a', 0, 0, 0) },
	{ RDPEFS_CLIENT_NAME, WIRE_SHORT, "a name that is not there",
	  BYTES(U32(1), U32(0), U32(6), 'a', 0, 0, 0) },
	{ RDPEFS_CLIENT_NAME, WIRE_LIMIT, "a name above the limit",
	  BYTES(U32(1), U32(0), U32(RDPEFS_NAME_MAX + 1), 'a', 0, 0, 0) },
	{ RDPEFS_CLIENT_NAME, WIRE_LIMIT, "a name of four billion",
	  BYTES(U32(1), U32(0), U32(0xFFFFFFFF), 'a', 0, 0, 0) },
	{ RDPEFS_CLIENT_CAPABILITY, WIRE_OK, "as it is",
	  BYTES(U16(1), U16(0), U16(5), U16(8), U32(1)) },
	{ RDPEFS_CLIENT_CAPABILITY, WIRE_VALUE, "a set of seven bytes",
	  BYTES(U16(1), U16(0), U16(5), U16(7), U32(1)) },
	{ RDPEFS_CLIENT_CAPABILITY, WIRE_VALUE, "a set of none",
	  BYTES(U16(1), U16(0), U16(5), U16(0), U32(1)) },
	{ RDPEFS_CLIENT_CAPABILITY, WIRE_SHORT, "a set of nine",
	  BYTES(U16(1), U16(0), U16(5), U16(9), U32(1)) },
	{ RDPEFS_CLIENT_CAPABILITY, WIRE_SHORT, "two sets, and one there",
	  BYTES(U16(2), U16(0), U16(5), U16(8), U32(1)) },
	{ RDPEFS_CLIENT_CAPABILITY, WIRE_LIMIT, "more sets than there may be",
	  BYTES(U16(RDPEFS_CAPS_MAX + 1), U16(0), U16(5), U16(8), U32(1)) },
	{ RDPEFS_CLIENT_CAPABILITY, WIRE_LIMIT, "65535 sets",
	  BYTES(U16(0xFFFF), U16(0), U16(5), U16(8), U32(1)) },
	{ RDPEFS_DEVICE_LIST_ANNOUNCE, WIRE_OK, "as it is",
	  BYTES(U32(1), U32(0x20), U32(1), 'S', 'C', 'A', 'R', 'D', 0, 0, 0, U32(0)) },
	{ RDPEFS_DEVICE_LIST_ANNOUNCE, WIRE_OK, "none", BYTES(U32(0)) },
	{ RDPEFS_DEVICE_LIST_ANNOUNCE, WIRE_SHORT, "two, and one there",
	  BYTES(U32(2), U32(0x20), U32(1), 'S', 'C', 'A', 'R', 'D', 0, 0, 0, U32(0)) },
	{ RDPEFS_DEVICE_LIST_ANNOUNCE, WIRE_SHORT, "data that is not there",
	  BYTES(U32(1), U32(0x20), U32(1), 'S', 'C', 'A', 'R', 'D', 0, 0, 0, U32(1)) },
	{ RDPEFS_DEVICE_LIST_ANNOUNCE, WIRE_LIMIT, "data of four billion",
	  BYTES(U32(1), U32(0x20), U32(1), 'S', 'C', 'A', 'R', 'D', 0, 0, 0, U32(0xFFFFFFFF)) },
	{ RDPEFS_DEVICE_LIST_ANNOUNCE, WIRE_LIMIT, "more devices than there may be",
	  BYTES(U32(RDPEFS_DEVICES_MAX + 1), U32(0x20), U32(1)) },
	{ RDPEFS_DEVICE_LIST_ANNOUNCE, WIRE_LIMIT, "four billion devices",
	  BYTES(U32(0xFFFFFFFF)) },
	{ RDPEFS_DEVICE_LIST_REMOVE, WIRE_OK, "as it is", BYTES(U32(1), U32(1)) },
	{ RDPEFS_DEVICE_LIST_REMOVE, WIRE_SHORT, "two, and one there",
	  BYTES(U32(2), U32(1)) },
	{ RDPEFS_DEVICE_LIST_REMOVE, WIRE_LIMIT, "more than there may be",
	  BYTES(U32(RDPEFS_DEVICES_MAX + 1), U32(1)) },
	{ RDPEFS_DEVICE_REPLY, WIRE_OK, "as it is", BYTES(U32(1), U32(0)) },
	{ RDPEFS_DEVICE_REPLY, WIRE_SHORT, "no result", BYTES(U32(1)) },
	{ RDPEFS_DEVICE_REQUEST, WIRE_OK, "as it is",
	  BYTES(U32(1), U32(1), U32(1), U32(14), U32(0), U32(2048), U32(1),
	        U32(0x90014), U32(0), U32(0), U32(0), U32(0), U32(0), 7) },
	{ RDPEFS_DEVICE_REQUEST, WIRE_SHORT, "input that is not there",
	  BYTES(U32(1), U32(1), U32(1), U32(14), U32(0), U32(2048), U32(2),
	        U32(0x90014), U32(0), U32(0), U32(0), U32(0), U32(0), 7) },
	{ RDPEFS_DEVICE_REQUEST, WIRE_LIMIT, "input above the limit",
	  BYTES(U32(1), U32(1), U32(1), U32(14), U32(0), U32(2048),
	        U32(RDPEFS_DATA_MAX + 1), U32(0x90014), U32(0), U32(0), U32(0),
	        U32(0), U32(0), 7) },
	{ RDPEFS_DEVICE_REQUEST, WIRE_SHORT, "padding cut short",
	  BYTES(U32(1), U32(1), U32(1), U32(14), U32(0), U32(2048), U32(0),
	        U32(0x90014), U32(0)) },
	{ RDPEFS_DEVICE_REQUEST, WIRE_SHORT, "no minor function",
	  BYTES(U32(1), U32(1), U32(1), U32(14)) },
	{ RDPEFS_DEVICE_COMPLETION, WIRE_OK, "as it is",
	  BYTES(U32(1), U32(1), U32(0), U32(1), 7) },
	{ RDPEFS_DEVICE_COMPLETION, WIRE_OK, "a refusal without a body",
	  BYTES(U32(1), U32(1), U32(0xC0000001)) },
	{ RDPEFS_DEVICE_COMPLETION, WIRE_SHORT, "output that is not there",
	  BYTES(U32(1), U32(1), U32(0), U32(2), 7) },
	{ RDPEFS_DEVICE_COMPLETION, WIRE_LIMIT, "output above the limit",
	  BYTES(U32(1), U32(1), U32(0), U32(RDPEFS_DATA_MAX + 1), 7) },
	{ RDPEFS_DEVICE_COMPLETION, WIRE_SHORT, "no status",
	  BYTES(U32(1), U32(1)) },
};
/* clang-format on */

static void
rdpdr(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rdpefs_rows) / sizeof(*rdpefs_rows);
	     i++) {
		struct wire_view copy =
		    exact_dup(rdpefs_rows[i].bytes, rdpefs_rows[i].len);

		judge(rdpefs_packet_name(rdpefs_rows[i].packet),
		      rdpefs_rows[i].what,
		      decode_rdpefs(rdpefs_rows[i].packet, copy),
		      rdpefs_rows[i].verdict);
		exact_free(copy);
	}
	assert_int_equal(wrong, 0);
}

/* ---- each limit, with one fewer and one more */

static enum wire_fault
devices(uint32_t n)
{
	struct wire_out out = wire_out(room, sizeof(room));

	wire_put_u32(&out, n);
	for (uint32_t i = 0; i < n; i++) {
		wire_put_u32(&out, 0x20);
		wire_put_u32(&out, i);
		wire_put_zeros(&out, 12);
	}
	return decode_rdpefs(RDPEFS_DEVICE_LIST_ANNOUNCE, wire_written(&out));
}

static enum wire_fault
removals(uint32_t n)
{
	struct wire_out out = wire_out(room, sizeof(room));

	wire_put_u32(&out, n);
	wire_put_zeros(&out, 4 * (size_t)n);
	return decode_rdpefs(RDPEFS_DEVICE_LIST_REMOVE, wire_written(&out));
}

static enum wire_fault
caps(uint32_t n)
{
	struct wire_out out = wire_out(room, sizeof(room));

	wire_put_u32(&out, n);
	for (uint32_t i = 0; i < n; i++) {
		wire_put_u16(&out, 1);
		wire_put_u16(&out, 8);
		wire_put_u32(&out, 1);
	}
	return decode_rdpefs(RDPEFS_CLIENT_CAPABILITY, wire_written(&out));
}

static enum wire_fault
computer_name(uint32_t n)
{
	struct wire_out out = wire_out(room, sizeof(room));

	wire_put_zeros(&out, 8);
	wire_put_u32(&out, n);
	wire_put_zeros(&out, n);
	return decode_rdpefs(RDPEFS_CLIENT_NAME, wire_written(&out));
}

static enum wire_fault
output(uint32_t n)
{
	struct wire_out out = wire_out(room, sizeof(room));

	wire_put_zeros(&out, 12);
	wire_put_u32(&out, n);
	wire_put_zeros(&out, n);
	return decode_rdpefs(RDPEFS_DEVICE_COMPLETION, wire_written(&out));
}

/* A return that is one counted array: a count, its pointer, its bytes. */
static enum wire_fault
counted(enum ioctl_code code, uint32_t n)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);

	ndr_put_u32(&out, ESC_E_TIMEOUT);
	ndr_put_u32(&out, n);
	ndr_put_pointer(&out, true);
	ndr_put_array(&out, n);
	wire_put_zeros(&wire, n);
	ndr_end(&out);
	return message_decode(false, code, room, wire.len);
}

static enum wire_fault
data(uint32_t n)
{
	return counted(IOCTL_CONTROL, n);
}

static enum wire_fault
names(uint32_t n)
{
	return counted(IOCTL_LIST_READERS_A, n);
}

static enum wire_fault
context(uint32_t n)
{
	return counted(IOCTL_ESTABLISH_CONTEXT, n);
}

/* A Transmit return with n bytes behind its PCI. */
static enum wire_fault
extra(uint32_t n)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);

	ndr_put_u32(&out, 0);
	ndr_put_pointer(&out, true);
	ndr_put_u32(&out, 0);
	ndr_put_pointer(&out, false);
	ndr_put_u32(&out, 2);
	ndr_put_u32(&out, n);
	ndr_put_pointer(&out, true);
	ndr_put_array(&out, n);
	wire_put_zeros(&wire, n);
	ndr_end(&out);
	return message_decode(false, IOCTL_TRANSMIT, room, wire.len);
}

static enum wire_fault
states(uint32_t n)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);

	ndr_put_u32(&out, 0);
	ndr_put_u32(&out, n);
	ndr_put_pointer(&out, true);
	ndr_put_array(&out, n);
	wire_put_zeros(&wire, (size_t)n * (12 + ESC_ATR_MAX));
	ndr_end(&out);
	return message_decode(false, IOCTL_LOCATE_CARDS_W, room, wire.len);
}

/*
 * A list of n readers of one letter, and one reader of n letters.  What is
 * above a limit is left out of the list and no fault of the whole.
 */
static enum wire_fault
list(uint32_t n, uint32_t letters)
{
	struct wire_out wire = wire_out(room, sizeof(room));
	struct ndr_out out = ndr_begin(&wire);
	static struct esc_return ret;
	uint32_t len = n * (letters + 1) + 1;

	ndr_put_u32(&out, 0);
	ndr_put_u32(&out, len);
	ndr_put_pointer(&out, true);
	ndr_put_array(&out, len);
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t j = 0; j < letters; j++)
			wire_put_u8(&wire, 'x');
		wire_put_u8(&wire, 0);
	}
	wire_put_u8(&wire, 0);
	ndr_end(&out);
	assert_int_equal(
	    message_decode_return(IOCTL_LIST_READERS_A, room, wire.len, &ret),
	    WIRE_OK);
	return ret.list.names.ignored == 0 ? WIRE_OK : WIRE_LIMIT;
}

static enum wire_fault
readers(uint32_t n)
{
	return list(n, 1);
}

static enum wire_fault
reader_name(uint32_t n)
{
	return list(1, n);
}

/* What a message of that total gets when we want to own it. */
static enum wire_fault
owned(uint32_t n)
{
	static const uint8_t zeros[CHUNK_DECIDE_LEN];
	struct wire_view first = {zeros, sizeof(zeros)};
	struct chunk_join join;
	enum chunk_step step;

	chunk_join_init(&join);
	step = chunk_join_take(&join, n, 1, first);
	if (step == CHUNK_DECIDE)
		step = chunk_join_own(&join);
	chunk_join_clear(&join);
	return step == CHUNK_FAULT ? WIRE_LIMIT : WIRE_OK;
}

static const struct {
	const char *what;
	uint32_t limit;
	enum wire_fault (*decode)(uint32_t n);
} limits[] = {
    {"devices", RDPEFS_DEVICES_MAX, devices},
    {"devices removed", RDPEFS_DEVICES_MAX, removals},
    {"capability sets", RDPEFS_CAPS_MAX, caps},
    {"bytes of a computer's name", RDPEFS_NAME_MAX, computer_name},
    {"bytes of an output", RDPEFS_DATA_MAX, output},
    {"bytes of an answer", ESC_BUFFER_MAX, data},
    {"bytes of a list", ESC_TEXT_MAX, names},
    {"bytes of a context", ESC_ID_MAX, context},
    {"extra bytes", ESC_EXTRA_MAX, extra},
    {"reader states", ESC_STATES_MAX, states},
    {"readers", ESC_NAMES_MAX, readers},
    {"characters of a name", ESC_NAME_MAX, reader_name},
    {"bytes of an owned message", CHUNK_MESSAGE_MAX, owned},
};

static void
at_the_limits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		uint32_t limit = limits[i].limit;

		judge(limits[i].what, "one fewer", limits[i].decode(limit - 1),
		      WIRE_OK);
		judge(limits[i].what, "the limit", limits[i].decode(limit),
		      WIRE_OK);
		judge(limits[i].what, "one more", limits[i].decode(limit + 1),
		      WIRE_LIMIT);
	}
	assert_int_equal(wrong, 0);
}

static void
there_are_enough(void **state)
{
	(void)state;
	print_message("%zu malformed messages judged\n", cases);
	assert_true(cases >= COUNT_MIN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields),
	    cmocka_unit_test(headers),
	    cmocka_unit_test(rdpdr),
	    cmocka_unit_test(at_the_limits),
	    cmocka_unit_test(there_are_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
