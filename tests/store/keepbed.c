#include "keepbed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct keep_msg
keepbed_hello(enum keep_type type)
{
	struct keep_msg msg = {
	    .type = type,
	    .seq = 0x01020304,
	    .hello = {.session = KEEPBED_ID,
	              .pid = 4711,
	              .started_at = 1795362000,
	              .resumed = true,
	              .target = wire_view_text("main"),
	              .client_name = wire_view_text("LAPTOP"),
	              .client_addr = wire_view_text("192.0.2.7")}};

	return msg;
}

struct keep_msg
keepbed_state_news(void)
{
	struct keep_msg msg = {
	    .type = KEEP_STATE,
	    .seq = 2,
	    .state = {.state = KEEP_WATCHING,
	              .user = wire_view_text("ada@example.org"),
	              .source = wire_view_text("claimed"),
	              .policy = wire_view_text("default"),
	              .role = wire_view_text("own"),
	              .reason = wire_view_text("")}};

	return msg;
}

struct keep_msg
keepbed_reader(enum keep_type type)
{
	struct keep_msg msg = {
	    .type = type,
	    .seq = 3,
	    .reader = {.reader = 7,
	               .name = wire_view_text("L\xc3\xa4ser \xe2\x82\xac 00"),
	               .card = KEEP_CARD_PRESENT,
	               .atr = {(const uint8_t *)"\x3b\x80\x80\x00", 4},
	               .card_id = KEEPBED_ID,
	               .family = wire_view_text("PIV"),
	               .reason = wire_view_text("none")}};

	return msg;
}

struct keep_msg
keepbed_begin(void)
{
	struct keep_msg msg = {
	    .type = KEEP_BEGIN,
	    .seq = 4,
	    .begin = {.reader = 7,
	              .reader_name = wire_view_text("Reader 00"),
	              .card_id = KEEPBED_ID,
	              .family = wire_view_text("GIDS"),
	              .cleanup = KEEP_CLEANUP_LOGOFF,
	              .user_cleanup = KEEP_CLEANUP_REMOVAL,
	              .archive_stale = true,
	              .policy = wire_view_text("eng"),
	              .policy_generation = 0x01020304,
	              .card_serial = wire_view_text("4711"),
	              .chuid = wire_view_text(KEEPBED_ID),
	              .removable = KEEP_REMOVABLE_YES}};

	return msg;
}

struct keep_msg
keepbed_cert(void)
{
	struct keep_msg msg = {.type = KEEP_CERT, .seq = 5};
	struct keep_cert body = {
	    .kind = KEEP_ANCHOR,
	    .der = wire_view_text("0\x03\x02\x01\x05"),
	    .subject = wire_view_text("CN=Root"),
	    .issuer = wire_view_text("CN=Root"),
	    .serial = wire_view_text("01"),
	    .not_before = -1,
	    .not_after = INT64_MAX,
	    .ski = wire_view_text("\x01\x02"),
	    .aki = wire_view_text("\x03"),
	    .key_alg = wire_view_text("RSA"),
	    .key_bits = 2048,
	    .subject_hash = 0xdeadbeef,
	    .is_ca = true,
	    .self_issued = true,
	    .logon_eligible = true,
	    .host = true,
	    .upn = wire_view_text("ada@example.org"),
	    .email = wire_view_text("ada@example.org"),
	    .friendly_name = wire_view_text("card"),
	    .prov_name = wire_view_text("KSP"),
	    .prov_type = 1,
	    .prov_flags = 2,
	    .key_spec = 1,
	    .container = wire_view_text("container"),
	    .pkcs11_uri = wire_view_text("pkcs11:id=%01"),
	    .enrollment = {(const uint8_t *)"\0\xff", 2},
	    .card_data = {(const uint8_t *)"k\0", 2},
	    .has_pin = true,
	    .pin_id = 1,
	    .pin_info = {(const uint8_t *)"\6\0", 2},
	};

	msg.cert = body;
	return msg;
}

struct keep_msg
keepbed_release(void)
{
	struct keep_msg msg = {
	    .type = KEEP_RELEASE,
	    .seq = 6,
	    .release = {.reader = 7, .card_id = KEEPBED_ID, .roots = true},
	};

	return msg;
}

struct keep_msg
keepbed_event(enum keep_type type)
{
	struct keep_msg msg = {
	    .type = type,
	    .seq = 7,
	    .event = {.name = wire_view_text("root-refused"),
	              .text = wire_view_text("size")},
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
	             .reason = wire_view_text("the client disconnected")},
	};

	return msg;
}

static struct keep_msg
logoff(void)
{
	struct keep_msg msg = {
	    .type = KEEP_LOGOFF,
	    .logoff = {.host_session = wire_view_text("logind:c2"),
	               .reason = wire_view_text("gone")},
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
	            .reason = wire_view_text("full")},
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

struct keep_msg
keepbed_rules(void)
{
	struct keep_msg msg = {
	    .type = KEEP_RULES,
	    .seq = 10,
	    .rules = {.policy = wire_view_text("eng"),
	              .redirect = true,
	              .cleanup = KEEP_CLEANUP_LOGOFF,
	              .user_cleanup = KEEP_CLEANUP_REMOVAL,
	              .match = true,
	              .match_email = true,
	              .limited = true,
	              .allowed = wire_view_text(
			  KEEPBED_ID KEEPBED_ID KEEPBED_ID KEEPBED_ID),
	              .host = wire_view_text(KEEPBED_ID KEEPBED_ID)},
	};

	return msg;
}

struct keep_msg
keepbed_bare(enum keep_type type)
{
	struct keep_msg msg = {.type = type, .seq = 9};

	return msg;
}

/* One real message of every type there is. */
size_t
keepbed_every_type(struct keep_msg all[static KEEPBED_TYPES])
{
	size_t n = 0;

	all[n++] = keepbed_hello(KEEP_HELLO);
	all[n++] = keepbed_hello(KEEP_ATTACH);
	all[n++] = keepbed_state_news();
	all[n++] = keepbed_reader(KEEP_READER);
	all[n++] = keepbed_reader(KEEP_READER_GONE);
	all[n++] = keepbed_begin();
	all[n++] = keepbed_cert();
	all[n++] = keepbed_bare(KEEP_COMMIT);
	all[n++] = keepbed_release();
	all[n++] = keepbed_bare(KEEP_SYNCED);
	all[n++] = keepbed_event(KEEP_EVENT);
	all[n++] = over();
	all[n++] = logoff();
	all[n++] = usage();
	all[n++] = ack();
	all[n++] = keepbed_bare(KEEP_ATTACHED_ALL);
	all[n++] = keepbed_bare(KEEP_READY);
	all[n++] = keepbed_rules();
	all[n++] = keepbed_bare(KEEP_RULED_ALL);
	return n;
}

size_t
keepbed_encode(uint8_t *data, const struct keep_msg *msg,
               enum wire_fault wanted)
{
	struct wire_out out = wire_out(data, KEEPBED_BIG);

	keep_encode(&out, msg);
	assert_int_equal(out.fault, wanted);
	return out.len;
}

/* Decode an exactly sized copy; the verdict only. */
enum wire_fault
keepbed_verdict(const uint8_t *data, size_t len)
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
