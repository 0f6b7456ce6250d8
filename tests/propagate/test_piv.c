/*
 * PIV cards: slots, the card's id, roots in parts, broken objects, and the
 * budget of a read.
 */
#include "piv.h"
#include "pki.h"
#include "script_card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	TAG_CHUID = 0x5fc102,
	TAG_HISTORY = 0x5fc10c,
	TAG_9A = 0x5fc105,
	TAG_9C = 0x5fc10a,
	TAG_9D = 0x5fc10b,
	TAG_9E = 0x5fc101,
	TAG_82 = 0x5fc10d,
	TAG_ROOTS = 0x5fff11
};

static const struct card_hints short_hints = {.family = CARD_PIV,
                                              .length = CARD_LENGTH_SHORT};

/* The answer of a PivApplet to SELECT, shortened to its label. */
static const uint8_t applet[] = {0x61, 0x0d, 0x50, 0x0b, 'P', 'i', 'v', 'A',
                                 'p',  'p',  'l',  'e',  't', ' ', 'v'};

static struct pki_cert *
cert_new(const char *name)
{
	struct pki_spec spec = {.name = name};

	return pki_cert_new(&spec, NULL);
}

static void
assert_cert(const struct card_content *content, size_t at, const char *slot,
            const struct pki_cert *cert)
{
	struct wire_view got = {content->certs[at].der, content->certs[at].len};

	assert_true(at < content->cert_count);
	assert_string_equal(content->certs[at].slot, slot);
	assert_true(wire_view_equal(got, pki_der(cert)));
}

static void
assert_skip(const struct card_content *content, const char *slot,
            const char *reason)
{
	assert_int_equal(content->skip_count, 1);
	assert_string_equal(content->skips[0].slot, slot);
	assert_string_equal(content->skips[0].reason, reason);
}

/* A card with one certificate in 9A. */
static struct pki_cert *
card_with_one(struct script_card *card, enum script_packing packing)
{
	struct pki_cert *cert = cert_new("Main");

	script_card_init(card, script_piv_aid);
	(void)script_add_piv(card, TAG_9A, pki_der(cert), packing);
	return cert;
}

static void
test_main_slots(void **state)
{
	static const uint32_t tags[] = {TAG_9A, TAG_9C, TAG_9D, TAG_9E};
	static const char *const slots[] = {"9A", "9C", "9D", "9E"};
	static const enum card_pin pins[] = {CARD_PIN_USER, CARD_PIN_ALWAYS,
	                                     CARD_PIN_USER, CARD_PIN_NONE};
	struct pki_cert *certs[4];
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	script_card_init(&card, script_piv_aid);
	for (size_t i = 0; i < 4; i++) {
		certs[i] = cert_new(slots[i]);
		(void)script_add_piv(&card, tags[i], pki_der(certs[i]),
		                     i % 2 == 0 ? SCRIPT_PLAIN : SCRIPT_PACKED);
	}
	assert_int_equal(script_read_card(&card, NULL, &job), CARD_DONE);
	content = card_read_content(job);
	assert_int_equal(content->family, CARD_PIV);
	assert_int_equal(content->cert_count, 4);
	assert_int_equal(content->skip_count, 0);
	for (size_t i = 0; i < 4; i++) {
		assert_cert(content, i, slots[i], certs[i]);
		assert_int_equal(content->certs[i].key_spec, i == 1 ? 2 : 1);
		assert_int_equal(content->certs[i].is_default, i == 0);
		assert_int_equal(content->certs[i].pin, pins[i]);
		assert_null(content->certs[i].record); /* PIV has no map */
		pki_cert_free(certs[i]);
	}
	card_read_free(job);
	script_card_clear(&card);
}

/* 30 FASC-N, 34 GUID, 35 date, then a long signature that is left there. */
static void
test_card_id_from_the_prefix(void **state)
{
	uint8_t chuid[1200] = {0x30, 0x19};
	struct script_card card;
	struct card_read *job;

	(void)state;
	chuid[27] = 0x34;
	chuid[28] = 16;
	for (size_t i = 0; i < 16; i++)
		chuid[29 + i] = (uint8_t)(0xa0 + i);
	memcpy(&chuid[45], "\x3e\x82\x04\x7d", 4);
	script_card_init(&card, script_piv_aid);
	(void)script_add_wrapped(&card, 0x3fff, TAG_CHUID, 0x53,
	                         (struct wire_view){chuid, sizeof(chuid)});
	assert_int_equal(script_read_card(&card, &short_hints, &job),
	                 CARD_DONE);
	assert_memory_equal(card_read_content(job)->id, &chuid[29], 16);
	assert_true(card_read_content(job)->names_itself);
	/* SELECT, CHUID, Key History, four slots */
	assert_int_equal(card_read_content(job)->apdu_count, 7);
	card_read_free(job);
	script_card_clear(&card);
}

static void
test_digest_when_there_is_no_guid(void **state)
{
	static const uint8_t none[CARD_ID_LEN];
	struct script_card card;
	struct pki_cert *cert = card_with_one(&card, SCRIPT_PLAIN);
	struct card_read *one;
	struct card_read *two;

	(void)state;
	assert_int_equal(script_read_card(&card, NULL, &one), CARD_DONE);
	assert_int_equal(script_read_card(&card, NULL, &two), CARD_DONE);
	assert_memory_not_equal(card_read_content(one)->id, none, 16);
	assert_memory_equal(card_read_content(one)->id,
	                    card_read_content(two)->id, 16);
	card_read_free(one);
	card_read_free(two);
	pki_cert_free(cert);
	script_card_clear(&card);
}

static size_t
count_retired(uint8_t on_card, struct wire_view selected, bool probe)
{
	struct card_hints hints = short_hints;
	uint8_t history[] = {0xc1, 0x01, on_card, 0xc2, 0x01, 0x00, 0xfe, 0x00};
	struct pki_cert *cert = cert_new("Retired");
	struct script_card card;
	struct card_read *job;
	size_t count;

	hints.probe_retired = probe;
	script_card_init(&card, script_piv_aid);
	card.selected = selected;
	(void)script_add_wrapped(&card, 0x3fff, TAG_HISTORY, 0x53,
	                         (struct wire_view){history, sizeof(history)});
	for (uint32_t i = 0; i < PIV_RETIRED_MAX; i++)
		(void)script_add_piv(&card, TAG_82 + i, pki_der(cert),
		                     SCRIPT_PLAIN);
	assert_int_equal(script_read_card(&card, &hints, &job), CARD_DONE);
	count = card_read_content(job)->cert_count;
	if (count > 0)
		assert_cert(card_read_content(job), 0, "82", cert);
	if (count == PIV_RETIRED_MAX)
		assert_cert(card_read_content(job), 19, "95", cert);
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
	return count;
}

static void
test_retired_slots(void **state)
{
	struct wire_view none = {NULL, 0};
	struct wire_view vendor = {applet, sizeof(applet)};

	(void)state;
	assert_int_equal(count_retired(0, none, false), 0);
	assert_int_equal(count_retired(3, none, false), 3);
	assert_int_equal(count_retired(20, none, false), 20);
	assert_int_equal(count_retired(21, none, false), 20);
	assert_int_equal(count_retired(255, none, false), 20);
	assert_int_equal(count_retired(0, none, true), 20);
	/* Such a card does not count for itself. */
	assert_int_equal(count_retired(0, vendor, false), 20);
}

static void
test_needs_a_pin(void **state)
{
	struct script_card card;
	struct pki_cert *cert = card_with_one(&card, SCRIPT_PLAIN);
	struct card_read *job;

	(void)state;
	(void)script_add_piv(&card, TAG_9E, pki_der(cert), SCRIPT_PLAIN);
	card.objects[0].status = 0x6982;
	assert_int_equal(script_read_card(&card, NULL, &job), CARD_DONE);
	assert_int_equal(card_read_content(job)->cert_count, 1);
	assert_cert(card_read_content(job), 0, "9E", cert);
	assert_skip(card_read_content(job), "9A",
	            "needs a PIN or a contact interface");
	card_read_free(job);
	pki_cert_free(cert);
	script_card_clear(&card);
}

/* Give 9A this object; returns the reason it was skipped, or NULL. */
static const char *
reason_for(struct wire_view object)
{
	struct script_card card;
	struct card_read *job;
	const struct card_content *content;
	const char *reason;

	script_card_init(&card, script_piv_aid);
	(void)script_add(&card, 0x3fff, TAG_9A, object);
	assert_int_equal(script_read_card(&card, NULL, &job), CARD_DONE);
	content = card_read_content(job);
	assert_int_equal(content->cert_count, 0);
	reason = content->skip_count == 0 ? NULL : content->skips[0].reason;
	card_read_free(job);
	script_card_clear(&card);
	return reason;
}

#define OBJECT(...)                                                            \
	(struct wire_view)                                                     \
	{                                                                      \
		(const uint8_t[]){__VA_ARGS__},                                \
		    sizeof((const uint8_t[]){__VA_ARGS__})                     \
	}

static void
test_broken_objects(void **state)
{
	(void)state;
	assert_null(reason_for(OBJECT(0x53, 0x00)));
	assert_null(reason_for(OBJECT(0x53, 0x02, 0x70, 0x00)));
	assert_string_equal(reason_for(OBJECT(0x54, 0x02, 0x70, 0x00)),
	                    "is not a PIV certificate");
	assert_string_equal(reason_for(OBJECT(0x53, 0x80, 0, 0)),
	                    "is not a PIV certificate");
	assert_string_equal(reason_for(OBJECT(0x53, 0x02, 0x71, 0x00)),
	                    "is not a PIV certificate");
	assert_string_equal(reason_for(OBJECT(0x53, 0x05, 0x70, 0x03, 1, 2, 3)),
	                    "is not a certificate");
	assert_string_equal(
	    reason_for(OBJECT(0x53, 0x05, 0x70, 0x03, 0x30, 0, 0)),
	    "has bytes after the certificate");
	assert_string_equal(reason_for(OBJECT(0x53, 0x08, 0x70, 0x03, 1, 2, 3,
	                                      0x71, 0x01, 0x01)),
	                    "does not inflate");
	assert_string_equal(reason_for(OBJECT(0x53, 0x08, 0x70, 0x03, 1, 2, 3,
	                                      0x71, 0x01, 0x80)),
	                    "does not inflate");
	assert_string_equal(reason_for(OBJECT(0x53, 0x20, 0x70, 0x03, 1, 2)),
	                    "is cut short");
}

/* Every truncation of a real object: no certificate, or exactly the right one.
 */
static void
test_every_truncation(void **state)
{
	struct script_card card;
	struct pki_cert *cert = card_with_one(&card, SCRIPT_PLAIN);
	size_t whole = card.objects[0].len;

	(void)state;
	for (size_t len = 0; len < whole; len++) {
		struct card_read *job;

		card.objects[0].len = len;
		assert_int_equal(script_read_card(&card, &short_hints, &job),
		                 CARD_DONE);
		assert_int_equal(card_read_content(job)->cert_count, 0);
		card_read_free(job);
	}
	pki_cert_free(cert);
	script_card_clear(&card);
}

/* A SEQUENCE of exactly len bytes, of noise that does not compress. */
static uint8_t *
sequence_new(size_t len)
{
	uint8_t *der = malloc(len);
	struct wire_out out = wire_out(der, len);
	uint32_t seed = 1;

	wire_put_u16_be(&out, 0x3082);
	wire_put_u16_be(&out, (uint16_t)(len - 4));
	while (out.len < len) {
		seed = seed * 1103515245 + 12345;
		wire_put_u8(&out, (uint8_t)(seed >> 16));
	}
	return der;
}

static void
check_size(size_t len, enum script_packing packing)
{
	uint8_t *der = sequence_new(len);
	bool fits = len <= CARD_CERT_MAX;
	struct script_card card;
	struct card_read *job;

	script_card_init(&card, script_piv_aid);
	(void)script_add_piv(&card, TAG_9A, (struct wire_view){der, len},
	                     packing);
	card.extended = SCRIPT_WHOLE;
	assert_int_equal(script_read_card(&card, NULL, &job), CARD_DONE);
	assert_int_equal(card_read_content(job)->cert_count, fits);
	assert_int_equal(card_read_content(job)->skip_count, !fits);
	card_read_free(job);
	script_card_clear(&card);
	free(der);
}

static void
test_size_limit(void **state)
{
	(void)state;
	for (size_t len = CARD_CERT_MAX - 1; len <= CARD_CERT_MAX + 1; len++) {
		check_size(len, SCRIPT_PLAIN);
		check_size(len, SCRIPT_PACKED);
	}
}

/* A card of a vendor with its root file in parts; part tags as given. */
static void
read_roots(const char *tags, struct wire_view file, struct card_read **job)
{
	size_t parts = strlen(tags);
	struct wire_in in = wire_in_view(file);
	struct script_card card;

	script_card_init(&card, script_piv_aid);
	card.selected.data = applet;
	card.selected.len = sizeof(applet);
	for (size_t i = 0; i < parts; i++) {
		size_t len = i + 1 == parts ? in.left : file.len / parts;
		struct wire_view part = wire_bytes(&in, len);
		uint8_t *value = malloc(part.len + 4);
		struct wire_out out = wire_out(value, part.len + 4);

		wire_put_u8(&out, (uint8_t)(0x80 | (tags[i] - '0')));
		wire_put_u8(&out, 0x82);
		wire_put_u16_be(&out, (uint16_t)part.len);
		wire_put_view(&out, part);
		(void)script_add_wrapped(&card, 0x3fff, TAG_ROOTS + (uint32_t)i,
		                         0x53, wire_written(&out));
		free(value);
	}
	assert_int_equal(script_read_card(&card, &short_hints, job), CARD_DONE);
	script_card_clear(&card);
}

static void
test_roots_in_parts(void **state)
{
	static const char *const good[] = {"2", "32", "33332"};
	static const char *const bad[] = {"4", "34", "33333"};
	struct pki_cert *root = pki_ca_new("Root", NULL);
	struct wire_view der = pki_der(root);
	struct wire_view file;
	struct card_read *job;
	uint8_t *bag = pki_bag_new(&der, 1, &file.len);

	(void)state;
	file.data = bag;
	for (size_t i = 0; i < 3; i++) {
		read_roots(good[i], file, &job);
		assert_int_equal(card_read_content(job)->root_count, 1);
		assert_string_equal(card_read_content(job)->roots[0].slot,
		                    "msroots");
		assert_int_equal(card_read_content(job)->skip_count, 0);
		card_read_free(job);
		read_roots(bad[i], file, &job);
		assert_int_equal(card_read_content(job)->root_count, 0);
		assert_skip(card_read_content(job), "msroots",
		            "is not a root file in parts");
		card_read_free(job);
	}
	read_roots("33", file, &job); /* the last part is missing */
	assert_int_equal(card_read_content(job)->root_count, 0);
	card_read_free(job);
	free(bag);
	pki_cert_free(root);
}

static void
test_vendor_by_atr(void **state)
{
	static const uint8_t yubikey[] = {0x3b, 0xf8, 0x13, 0x00, 0x00, 0x81,
	                                  0x31, 0xfe, 0x15, 0x59, 0x75, 0x62,
	                                  0x69, 0x6b, 0x65, 0x79, 0x34, 0xd4};
	struct wire_view atr = {yubikey, sizeof(yubikey)};
	struct wire_view none = {NULL, 0};
	struct wire_view selected = {applet, sizeof(applet)};

	(void)state;
	assert_true(piv_is_vendor(atr, none));
	assert_true(piv_is_vendor(none, selected));
	assert_false(piv_is_vendor(none, none));
}

/*
 * The price of a whole read: SELECT, CHUID, Key History and the certificates.
 * A certificate costs one command for each 256 bytes, or one with extended
 * length, so the budget of 24 holds up to 1270 bytes each.
 */
static unsigned
cost(size_t pad, const struct card_hints *hints, enum script_extended extended)
{
	static const uint32_t tags[] = {TAG_9A, TAG_9C, TAG_9D, TAG_9E};
	static const uint8_t history[] = {0xc1, 1, 0, 0xc2, 1, 0, 0xfe, 0};
	struct pki_spec spec = {
	    .name = "Budget", .key = PKI_RSA2048, .pad = pad};
	struct pki_cert *issuer = pki_cert_new(&spec, NULL);
	struct script_card card;
	struct card_read *job;
	unsigned count;

	script_card_init(&card, script_piv_aid);
	card.extended = extended;
	(void)script_add_wrapped(&card, 0x3fff, TAG_HISTORY, 0x53,
	                         (struct wire_view){history, sizeof(history)});
	for (size_t i = 0; i < 4; i++)
		(void)script_add_piv(&card, tags[i], pki_der(issuer),
		                     SCRIPT_PLAIN);
	assert_int_equal(script_read_card(&card, hints, &job), CARD_DONE);
	assert_int_equal(card_read_content(job)->cert_count, 4);
	count = card_read_content(job)->apdu_count;
	assert_int_equal(count, card.commands);
	(void)printf("PIV, 4 certificates of %zu bytes: %u commands\n",
	             pki_der(issuer).len, count);
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(issuer);
	return count;
}

static void
test_budget(void **state)
{
	static const struct card_hints nothing;

	(void)state;
	assert_in_range(cost(520, &short_hints, SCRIPT_REFUSES), 1, 24);
	assert_in_range(cost(520, &nothing, SCRIPT_REFUSES), 1, 24);
	assert_in_range(cost(520, &nothing, SCRIPT_WHOLE), 1, 8);
	assert_in_range(cost(1100, &nothing, SCRIPT_WHOLE), 1, 8);
	/* Four times 1.9 kB cannot come in less than 32 short answers. */
	assert_in_range(cost(1100, &short_hints, SCRIPT_REFUSES), 1, 35);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_main_slots),
	    cmocka_unit_test(test_card_id_from_the_prefix),
	    cmocka_unit_test(test_digest_when_there_is_no_guid),
	    cmocka_unit_test(test_retired_slots),
	    cmocka_unit_test(test_needs_a_pin),
	    cmocka_unit_test(test_broken_objects),
	    cmocka_unit_test(test_every_truncation),
	    cmocka_unit_test(test_size_limit),
	    cmocka_unit_test(test_roots_in_parts),
	    cmocka_unit_test(test_vendor_by_atr),
	    cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
