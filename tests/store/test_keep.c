/* The keeper's messages: there and back, every truncation, every limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "keep.h"

enum { BIG = 2 * KEEP_MESSAGE_MAX, TYPES = 24 };

#define ID "0123456789abcdef"

static struct wire_view
text(const char *string)
{
	return wire_view_text(string);
}

static struct keep_msg
hello(enum keep_type type)
{
	struct keep_msg msg = {.type = type,
	                       .seq = 0x01020304,
	                       .hello = {.session = ID,
	                                 .pid = 4711,
	                                 .started_at = 1795362000,
	                                 .resumed = true,
	                                 .target = text("main"),
	                                 .client_name = text("LAPTOP"),
	                                 .client_addr = text("192.0.2.7")}};

	return msg;
}

static struct keep_msg
state_news(void)
{
	struct keep_msg msg = {.type = KEEP_STATE,
	                       .seq = 2,
	                       .state = {.state = KEEP_WATCHING,
	                                 .user = text("ada@example.org"),
	                                 .source = text("claimed"),
	                                 .policy = text("default"),
	                                 .role = text("own"),
	                                 .reason = text("")}};

	return msg;
}

static struct keep_msg
reader(enum keep_type type)
{
	struct keep_msg msg = {
	    .type = type,
	    .seq = 3,
	    .reader = {.reader = 7,
	               .name = text("L\xc3\xa4ser \xe2\x82\xac 00"),
	               .card = KEEP_CARD_PRESENT,
	               .atr = {(const uint8_t *)"\x3b\x80\x80\x00", 4},
	               .card_id = ID,
	               .family = text("PIV"),
	               .reason = text("none")}};

	return msg;
}

static struct keep_msg
begin(void)
{
	struct keep_msg msg = {.type = KEEP_BEGIN,
	                       .seq = 4,
	                       .begin = {.reader = 7,
	                                 .reader_name = text("Reader 00"),
	                                 .card_id = ID,
	                                 .family = text("GIDS"),
	                                 .cleanup = KEEP_CLEANUP_LOGOFF,
	                                 .user_cleanup = KEEP_CLEANUP_REMOVAL,
	                                 .archive_stale = true,
	                                 .policy = text("eng"),
	                                 .policy_generation = 0x01020304,
	                                 .card_serial = text("4711"),
	                                 .chuid = text(ID),
	                                 .removable = KEEP_REMOVABLE_YES}};

	return msg;
}

static struct keep_msg
cert(void)
{
	struct keep_msg msg = {.type = KEEP_CERT, .seq = 5};
	struct keep_cert body = {
	    .kind = KEEP_ANCHOR,
	    .der = text("0\x03\x02\x01\x05"),
	    .subject = text("CN=Root"),
	    .issuer = text("CN=Root"),
	    .serial = text("01"),
	    .not_before = -1,
	    .not_after = INT64_MAX,
	    .ski = text("\x01\x02"),
	    .aki = text("\x03"),
	    .key_alg = text("RSA"),
	    .key_bits = 2048,
	    .subject_hash = 0xdeadbeef,
	    .is_ca = true,
	    .self_issued = true,
	    .logon_eligible = true,
	    .host = true,
	    .upn = text("ada@example.org"),
	    .email = text("ada@example.org"),
	    .friendly_name = text("card"),
	    .prov_name = text("KSP"),
	    .prov_type = 1,
	    .prov_flags = 2,
	    .key_spec = 1,
	    .container = text("container"),
	    .pkcs11_uri = text("pkcs11:id=%01"),
	    .enrollment = {(const uint8_t *)"\0\xff", 2},
	    .card_data = {(const uint8_t *)"k\0", 2},
	    .has_pin = true,
	    .pin_id = 1,
	    .pin_info = {(const uint8_t *)"\6\0", 2},
	};

	msg.cert = body;
	return msg;
}

static struct keep_msg
release(void)
{
	struct keep_msg msg = {
	    .type = KEEP_RELEASE,
	    .seq = 6,
	    .release = {.reader = 7, .card_id = ID, .roots = true},
	};

	return msg;
}

static struct keep_msg
event(enum keep_type type)
{
	struct keep_msg msg = {
	    .type = type,
	    .seq = 7,
	    .event = {.name = text("root-refused"), .text = text("size")},
	};

	return msg;
}

static struct keep_msg
over(void)
{
	struct keep_msg msg = {
	    .type = KEEP_END,
	    .over = {.how = KEEP_END_DISCONNECT,
	             .grace_s = 5,
	             .max_age_s = UINT32_MAX,
	             .reason = text("the client disconnected")},
	};

	return msg;
}

static struct keep_msg
logoff(void)
{
	struct keep_msg msg = {
	    .type = KEEP_LOGOFF,
	    .logoff = {.host_session = text("logind:c2"),
	               .reason = text("gone")},
	};

	return msg;
}

static struct keep_msg
ack(void)
{
	struct keep_msg msg = {
	    .type = KEEP_ACK,
	    .seq = 8,
	    .ack = {.added = 1,
	            .updated = 2,
	            .unchanged = 3,
	            .removed = 4,
	            .refused = UINT32_MAX,
	            .reason = text("full")},
	};

	return msg;
}

static struct keep_msg
usage(void)
{
	struct keep_msg msg = {
	    .type = KEEP_USAGE,
	    .usage = {.calls = 1,
	              .commands = 2,
	              .refused = 3,
	              .sent = UINT64_MAX,
	              .received = UINT64_C(1) << 32},
	};

	return msg;
}

static struct keep_msg
rules(void)
{
	struct keep_msg msg = {
	    .type = KEEP_RULES,
	    .seq = 10,
	    .rules = {.policy = text("eng"),
	              .redirect = true,
	              .cleanup = KEEP_CLEANUP_LOGOFF,
	              .user_cleanup = KEEP_CLEANUP_REMOVAL,
	              .match = true,
	              .match_email = true,
	              .limited = true,
	              .allowed = text(ID ID ID ID),
	              .host = text(ID ID)},
	};

	return msg;
}

static struct keep_msg
bare(enum keep_type type)
{
	struct keep_msg msg = {.type = type, .seq = 9};

	return msg;
}

/* One real message of every type there is. */
static size_t
every_type(struct keep_msg all[static TYPES])
{
	size_t n = 0;

	all[n++] = hello(KEEP_HELLO);
	all[n++] = hello(KEEP_ATTACH);
	all[n++] = state_news();
	all[n++] = reader(KEEP_READER);
	all[n++] = reader(KEEP_READER_GONE);
	all[n++] = begin();
	all[n++] = cert();
	all[n++] = bare(KEEP_COMMIT);
	all[n++] = release();
	all[n++] = bare(KEEP_SYNCED);
	all[n++] = event(KEEP_EVENT);
	all[n++] = over();
	all[n++] = logoff();
	all[n++] = usage();
	all[n++] = ack();
	all[n++] = bare(KEEP_ATTACHED_ALL);
	all[n++] = bare(KEEP_READY);
	all[n++] = rules();
	all[n++] = bare(KEEP_RULED_ALL);
	return n;
}

static size_t
encode(uint8_t *data, const struct keep_msg *msg, enum wire_fault wanted)
{
	struct wire_out out = wire_out(data, BIG);

	keep_encode(&out, msg);
	assert_int_equal(out.fault, wanted);
	return out.len;
}

/* Decode an exactly sized copy; the verdict only. */
static enum wire_fault
verdict(const uint8_t *data, size_t len)
{
	uint8_t *heap = malloc(len + (len == 0));
	struct keep_msg msg;
	struct wire_in in;
	bool good;

	assert_non_null(heap);
	memcpy(heap, data, len);
	in = wire_in(heap, len);
	good = keep_decode(&in, &msg);
	assert_int_equal(good, in.fault == WIRE_OK);
	free(heap);
	return in.fault;
}

static uint8_t buffer[BIG];
static uint8_t again[BIG];

/* What was said is what is heard: it encodes to the same bytes again. */
static void
test_round_trip(void **state)
{
	struct keep_msg all[TYPES];
	size_t count = every_type(all);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t len = encode(buffer, &all[i], WIRE_OK);
		struct wire_in in = wire_in(buffer, len);
		struct keep_msg msg;

		assert_true(keep_decode(&in, &msg));
		assert_int_equal(msg.type, all[i].type);
		assert_int_equal(msg.seq, all[i].seq);
		assert_int_equal(encode(again, &msg, WIRE_OK), len);
		assert_memory_equal(buffer, again, len);
		assert_string_not_equal(keep_type_name(msg.type), "unknown");
	}
}

static void
test_fields_arrive(void **state)
{
	struct keep_msg said = cert();
	size_t len = encode(buffer, &said, WIRE_OK);
	struct wire_in in = wire_in(buffer, len);
	struct keep_msg msg;

	(void)state;
	assert_true(keep_decode(&in, &msg));
	assert_int_equal(msg.cert.kind, KEEP_ANCHOR);
	assert_true(wire_view_equal(msg.cert.der, said.cert.der));
	assert_true(msg.cert.not_before == -1);
	assert_true(msg.cert.not_after == INT64_MAX);
	assert_int_equal(msg.cert.subject_hash, 0xdeadbeef);
	assert_true(msg.cert.is_ca && msg.cert.logon_eligible);
	assert_true(wire_view_equal(msg.cert.enrollment, said.cert.enrollment));
	assert_true(wire_view_equal(msg.cert.container, text("container")));

	assert_true(wire_view_equal(msg.cert.card_data, said.cert.card_data));
	assert_true(msg.cert.has_pin && msg.cert.pin_id == 1);
	assert_true(wire_view_equal(msg.cert.pin_info, said.cert.pin_info));

	said = begin();
	len = encode(buffer, &said, WIRE_OK);
	in = wire_in(buffer, len);
	assert_true(keep_decode(&in, &msg));
	assert_true(wire_view_equal(msg.begin.policy, text("eng")));
	assert_int_equal(msg.begin.policy_generation, 0x01020304);
	assert_true(wire_view_equal(msg.begin.card_serial, text("4711")));
	assert_true(wire_view_equal(msg.begin.chuid, text(ID)));
	assert_int_equal(msg.begin.removable, KEEP_REMOVABLE_YES);

	said = reader(KEEP_READER);
	len = encode(buffer, &said, WIRE_OK);
	in = wire_in(buffer, len);
	assert_true(keep_decode(&in, &msg));
	assert_memory_equal(msg.reader.card_id, ID, KEEP_CARD_ID_LEN);
	assert_int_equal(msg.reader.card, KEEP_CARD_PRESENT);
	assert_int_equal(msg.reader.atr.len, 4);
}

/* The layout itself, byte by byte: processes of two versions may meet. */
static void
test_release_byte_by_byte(void **state)
{
	static const uint8_t wanted[] = {
	    1,                                         /* version */
	    8,                                         /* KEEP_RELEASE */
	    6,   0,   0,   0,                          /* seq */
	    7,   0,   0,   0,                          /* reader */
	    '0', '1', '2', '3', '4', '5', '6', '7',    /* card_id */
	    '8', '9', 'a', 'b', 'c', 'd', 'e', 'f', 1, /* roots */
	    0,                                         /* user */
	};
	struct keep_msg msg = release();

	(void)state;
	assert_int_equal(encode(buffer, &msg, WIRE_OK), sizeof(wanted));
	assert_memory_equal(buffer, wanted, sizeof(wanted));
}

static void
test_rules_byte_by_byte(void **state)
{
	static const uint8_t head[] = {
	    1,                    /* version */
	    13,                   /* KEEP_RULES */
	    10, 0, 0,   0,        /* seq */
	    3,  0, 'e', 'n', 'g', /* policy */
	    1,  0,                /* redirect, roots */
	    2,  1,                /* cleanup, user_cleanup */
	    1,  0, 1,             /* match, match_upn, match_email */
	    1,                    /* limited */
	    2,  0,                /* allowed: that many of 32 bytes */
	};
	struct keep_msg msg = rules();
	size_t hash = KEEP_HASH_LEN;

	(void)state;
	assert_int_equal(encode(buffer, &msg, WIRE_OK),
	                 sizeof(head) + 2 * hash + 2 + hash);
	assert_memory_equal(buffer, head, sizeof(head));
	assert_memory_equal(buffer + sizeof(head), ID, 16);
	assert_int_equal(buffer[sizeof(head) + 2 * hash], 1);
}

static void
test_rules_lists_have_a_limit(void **state)
{
	static const uint8_t hashes[(KEEP_HASHES_MAX + 1) * KEEP_HASH_LEN];
	struct keep_msg msg = rules();
	size_t len;

	(void)state;
	msg.rules.allowed =
	    (struct wire_view){hashes, (size_t)KEEP_HASHES_MAX * KEEP_HASH_LEN};
	msg.rules.host = msg.rules.allowed;
	len = encode(buffer, &msg, WIRE_OK);
	assert_true(len < KEEP_MESSAGE_MAX);
	assert_int_equal(verdict(buffer, len), WIRE_OK);
	buffer[20]++; /* one more than the limit */
	assert_int_equal(verdict(buffer, len), WIRE_LIMIT);
	msg.rules.host.len += KEEP_HASH_LEN;
	(void)encode(buffer, &msg, WIRE_LIMIT);
	msg.rules.host.len = KEEP_HASH_LEN + 1;
	(void)encode(buffer, &msg, WIRE_LIMIT);
}

static void
test_every_truncation_is_refused(void **state)
{
	struct keep_msg all[TYPES];
	size_t count = every_type(all);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t len = encode(buffer, &all[i], WIRE_OK);

		for (size_t cut = 0; cut < len; cut++)
			assert_int_not_equal(verdict(buffer, cut), WIRE_OK);
		assert_int_equal(verdict(buffer, len), WIRE_OK);
		buffer[len] = 0; /* and a byte too many */
		assert_int_equal(verdict(buffer, len + 1), WIRE_VALUE);
	}
}

/* No room: the encoder says so at every size, and writes nothing outside. */
static void
test_every_short_buffer_is_reported(void **state)
{
	struct keep_msg all[TYPES];
	size_t count = every_type(all);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t len = encode(buffer, &all[i], WIRE_OK);

		for (size_t size = 0; size < len; size++) {
			uint8_t *heap = malloc(size + (size == 0));
			struct wire_out out = wire_out(heap, size);

			assert_non_null(heap);
			keep_encode(&out, &all[i]);
			assert_int_equal(out.fault, WIRE_FULL);
			free(heap);
		}
	}
}

static void
test_unknown_type_and_version(void **state)
{
	struct keep_msg msg = bare(KEEP_COMMIT);
	size_t len = encode(buffer, &msg, WIRE_OK);
	unsigned known = 0;

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		buffer[1] = (uint8_t)type;
		known += verdict(buffer, len) == WIRE_OK;
	}
	/* COMMIT, SYNCED, ATTACHED_ALL, READY, RULED_ALL */
	assert_int_equal(known, 5);
	buffer[1] = KEEP_COMMIT;
	buffer[0] = KEEP_VERSION + 1;
	assert_int_equal(verdict(buffer, len), WIRE_VALUE);
	msg.type = (enum keep_type)(KEEP_RULES + 1);
	(void)encode(buffer, &msg, WIRE_VALUE);
	assert_string_equal(keep_type_name(msg.type), "unknown");
}

static uint8_t filler[KEEP_MESSAGE_MAX + 1];

static void
test_text_limit(void **state)
{
	struct wire_view view = {filler, KEEP_TEXT_MAX};
	struct keep_msg msg = event(KEEP_EVENT);
	size_t len;

	(void)state;
	memset(filler, 'a', sizeof(filler));
	for (size_t less = 2; less-- > 0;) {
		view.len = KEEP_TEXT_MAX - less;
		msg.event.text = view;
		len = encode(buffer, &msg, WIRE_OK);
		assert_int_equal(verdict(buffer, len), WIRE_OK);
	}
	/* One over, by hand: the text is the last field. */
	buffer[len] = 'a';
	assert_int_equal(buffer[len - KEEP_TEXT_MAX - 2], 0x00);
	assert_int_equal(buffer[len - KEEP_TEXT_MAX - 1], 0x04);
	buffer[len - KEEP_TEXT_MAX - 2] = 0x01;
	assert_int_equal(verdict(buffer, len + 1), WIRE_LIMIT);
	view.len = KEEP_TEXT_MAX + 1;
	msg.event.text = view;
	(void)encode(buffer, &msg, WIRE_LIMIT);
	view.len = KEEP_MESSAGE_MAX + 1; /* 1 in 16 bits */
	msg.event.text = view;
	(void)encode(buffer, &msg, WIRE_LIMIT);
}

static void
test_der_limit(void **state)
{
	struct keep_msg msg = cert();
	size_t len;

	(void)state;
	msg.cert.der.data = filler;
	msg.cert.der.len = KEEP_DER_MAX;
	len = encode(buffer, &msg, WIRE_OK);
	assert_true(len <= KEEP_MESSAGE_MAX);
	assert_int_equal(verdict(buffer, len), WIRE_OK);
	buffer[7] = 0x01; /* version, type, seq, kind: then the u32 length */
	assert_int_equal(verdict(buffer, len + 1), WIRE_LIMIT);
	msg.cert.der.len = KEEP_DER_MAX + 1;
	(void)encode(buffer, &msg, WIRE_LIMIT);
	msg.cert.der.len = 0;
	(void)encode(buffer, &msg, WIRE_LIMIT);
}

static void
test_atr_limit(void **state)
{
	struct keep_msg msg = reader(KEEP_READER);

	(void)state;
	msg.reader.atr.data = filler;
	msg.reader.atr.len = 36;
	assert_int_equal(verdict(buffer, encode(buffer, &msg, WIRE_OK)),
	                 WIRE_OK);
	msg.reader.atr.len = 37;
	(void)encode(buffer, &msg, WIRE_LIMIT);
}

/* Each column as long as it may be still makes one datagram. */
static void
test_largest_message_fits(void **state)
{
	struct wire_view most = {filler, KEEP_TEXT_MAX};
	struct keep_msg msg = cert();
	struct wire_view *texts[] = {
	    &msg.cert.subject,    &msg.cert.issuer,    &msg.cert.serial,
	    &msg.cert.ski,        &msg.cert.aki,       &msg.cert.key_alg,
	    &msg.cert.upn,        &msg.cert.email,     &msg.cert.friendly_name,
	    &msg.cert.prov_name,  &msg.cert.container, &msg.cert.pkcs11_uri,
	    &msg.cert.enrollment, &msg.cert.card_data, &msg.cert.pin_info,
	};
	size_t len;

	(void)state;
	memset(filler, 'a', sizeof(filler));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		*texts[i] = most;
	msg.cert.der.data = filler;
	msg.cert.der.len = KEEP_DER_MAX;
	len = encode(buffer, &msg, WIRE_OK);
	assert_true(len <= KEEP_MESSAGE_MAX);
	assert_int_equal(verdict(buffer, len), WIRE_OK);
	assert_int_equal(verdict(buffer, KEEP_MESSAGE_MAX + 1), WIRE_LIMIT);
}

static void
test_values_out_of_range(void **state)
{
	struct keep_msg msg = release();
	size_t len = encode(buffer, &msg, WIRE_OK);

	(void)state;
	buffer[len - 1] = 2; /* a bool */
	assert_int_equal(verdict(buffer, len), WIRE_VALUE);
	msg = begin();
	len = encode(buffer, &msg, WIRE_OK);
	buffer[len - 1] = KEEP_REMOVABLE_YES + 1;
	assert_int_equal(verdict(buffer, len), WIRE_VALUE);
	msg = state_news();
	len = encode(buffer, &msg, WIRE_OK);
	buffer[6] = KEEP_ENDING + 1;
	assert_int_equal(verdict(buffer, len), WIRE_VALUE);
	msg = cert();
	len = encode(buffer, &msg, WIRE_OK);
	buffer[6] = 0;
	assert_int_equal(verdict(buffer, len), WIRE_VALUE);
	buffer[6] = KEEP_PREEXISTING + 1;
	assert_int_equal(verdict(buffer, len), WIRE_VALUE);
	msg = hello(KEEP_HELLO);
	len = encode(buffer, &msg, WIRE_OK);
	buffer[6 + KEEP_ID_LEN + 3] = 0x80; /* a pid below zero */
	assert_int_equal(verdict(buffer, len), WIRE_LIMIT);
}

/* The GUID of a CHUID is whole, or it is not there. */
static void
test_chuid_length(void **state)
{
	struct keep_msg msg = begin();
	struct wire_out out = wire_out(buffer, BIG);
	size_t len;

	(void)state;
	msg.begin.chuid.len--;
	(void)encode(buffer, &msg, WIRE_VALUE);
	msg.begin.chuid.len = 0;
	len = encode(buffer, &msg, WIRE_OK);
	assert_int_equal(verdict(buffer, len), WIRE_OK);
	/* And read, where the writer was not ours: one byte, then the reader.
	 */
	keep_encode(&out, &msg);
	wire_set_u16(&out, out.len - 3, 1);
	wire_put_u8(&out, 0);
	assert_int_equal(verdict(buffer, out.len), WIRE_VALUE);
	/* One more than it may have. */
	msg.begin.chuid = text(ID);
	out = wire_out(buffer, BIG);
	keep_encode(&out, &msg);
	wire_set_u16(&out, out.len - 3 - KEEP_CARD_ID_LEN,
	             KEEP_CARD_ID_LEN + 1);
	wire_put_u8(&out, 0);
	assert_int_equal(verdict(buffer, out.len), WIRE_LIMIT);
}

static void
test_text_is_utf8(void **state)
{
	static const char *const good[] = {"",
	                                   "a\x7f",
	                                   "\xc2\x80",
	                                   "\xe0\xa0\x80",
	                                   "\xed\x9f\xbf",
	                                   "\xef\xbf\xbf",
	                                   "\xf0\x90\x80\x80",
	                                   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {
	    "\x80",     /* a tail alone */
	    "\xc0\xaf", /* overlong */
	    "\xc1\xbf",
	    "\xe0\x9f\xbf",
	    "\xf0\x8f\xbf\xbf",
	    "\xed\xa0\x80",     /* a surrogate */
	    "\xf4\x90\x80\x80", /* above U+10FFFF */
	    "\xf5\x80\x80\x80",
	    "\xff",
	    "a\xc3", /* cut */
	    "\xe2\x82",
	    "\xe2\x82!",
	};
	struct wire_view nul = {(const uint8_t *)"a\0b", 3};
	struct keep_msg msg = event(KEEP_EVENT);
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		msg.event.text = text(good[i]);
		len = encode(buffer, &msg, WIRE_OK);
		assert_int_equal(verdict(buffer, len), WIRE_OK);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct wire_out out = wire_out(buffer, BIG);

		msg.event.text = text(bad[i]);
		(void)encode(buffer, &msg, WIRE_VALUE);
		/* And read, where the writer was not ours. */
		msg.event.text = text("");
		keep_encode(&out, &msg);
		wire_set_u16(&out, out.len - 2, (uint16_t)strlen(bad[i]));
		wire_put_view(&out, text(bad[i]));
		assert_int_equal(verdict(buffer, out.len), WIRE_VALUE);
	}
	msg.event.text = nul;
	(void)encode(buffer, &msg, WIRE_VALUE);
}

static void
test_names(void **state)
{
	(void)state;
	for (int i = KEEP_NONE; i <= KEEP_ENDING; i++)
		assert_string_not_equal(
		    keep_session_state_name((enum keep_session_state)i),
		    "unknown");
	for (int i = KEEP_CARD_EMPTY; i <= KEEP_CARD_MUTE; i++)
		assert_string_not_equal(
		    keep_card_state_name((enum keep_card_state)i), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_fields_arrive),
	    cmocka_unit_test(test_release_byte_by_byte),
	    cmocka_unit_test(test_rules_byte_by_byte),
	    cmocka_unit_test(test_rules_lists_have_a_limit),
	    cmocka_unit_test(test_every_truncation_is_refused),
	    cmocka_unit_test(test_every_short_buffer_is_reported),
	    cmocka_unit_test(test_unknown_type_and_version),
	    cmocka_unit_test(test_text_limit),
	    cmocka_unit_test(test_chuid_length),
	    cmocka_unit_test(test_der_limit),
	    cmocka_unit_test(test_atr_limit),
	    cmocka_unit_test(test_largest_message_fits),
	    cmocka_unit_test(test_values_out_of_range),
	    cmocka_unit_test(test_text_is_utf8),
	    cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
