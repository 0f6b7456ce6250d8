/* GIDS cards: containers, roots, broken files, and the budget of a read. */
#include "pki.h"
#include "script_card.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MAP_RECORD = 86 };

static const struct card_hints gids_hints = {.family = CARD_GIDS,
                                             .length = CARD_LENGTH_SHORT};
static const uint8_t card_id[CARD_ID_LEN] = {1, 2,  3,  4,  5,  6,  7,  8,
                                             9, 10, 11, 12, 13, 14, 15, 16};

/* A GIDS card as prepared: cardid, cardapps, cardcf and an empty mscp. */
static void
gids_card(struct script_card *card)
{
	static const uint8_t cardcf[6] = {1};
	static const uint8_t apps[8] = "mscp";

	script_card_init(card, script_gids_aid);
	script_gids_begin(card);
	(void)script_gids_file(card, "", "cardid",
	                       (struct wire_view){card_id, sizeof(card_id)},
	                       SCRIPT_PLAIN);
	(void)script_gids_file(card, "", "cardapps",
	                       (struct wire_view){apps, sizeof(apps)},
	                       SCRIPT_PLAIN);
	(void)script_gids_file(card, "", "cardcf",
	                       (struct wire_view){cardcf, sizeof(cardcf)},
	                       SCRIPT_PLAIN);
}

static void
add_map(struct script_card *card, const uint8_t *map, size_t records)
{
	(void)script_gids_file(card, "mscp", "cmapfile",
	                       (struct wire_view){map, records * MAP_RECORD},
	                       SCRIPT_PLAIN);
}

static void
add_roots(struct script_card *card, const struct wire_view *ders, size_t count,
          enum script_packing packing)
{
	struct wire_view file;
	uint8_t *bag = pki_bag_new(ders, count, &file.len);

	file.data = bag;
	(void)script_gids_file(card, "mscp", "msroots", file, packing);
	free(bag);
}

static const struct card_content *
read_card(struct script_card *card, struct card_read **job)
{
	assert_int_equal(script_read_card(card, &gids_hints, job), CARD_DONE);
	return card_read_content(*job);
}

static void
test_certificates_and_containers(void **state)
{
	struct pki_cert *cert = pki_user_new("User", NULL);
	uint8_t map[3 * MAP_RECORD];
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	script_map_record(map, "first", 1);
	memset(&map[MAP_RECORD], 0, MAP_RECORD); /* a hole */
	script_map_record(&map[2 * MAP_RECORD], "third", 3);
	map[2 * MAP_RECORD] = 0xe9; /* e acute */
	gids_card(&card);
	add_map(&card, map, 3);
	(void)script_gids_file(&card, "mscp", "kxc00", pki_der(cert),
	                       SCRIPT_PLAIN);
	(void)script_gids_file(&card, "mscp", "KSC02", pki_der(cert),
	                       SCRIPT_PACKED);
	content = read_card(&card, &job);
	assert_int_equal(content->family, CARD_GIDS);
	assert_memory_equal(content->id, card_id, CARD_ID_LEN);
	assert_int_equal(content->cert_count, 2);
	assert_int_equal(content->skip_count, 0);
	assert_string_equal(content->certs[0].slot, "kxc00");
	assert_string_equal(content->certs[0].container, "first");
	assert_int_equal(content->certs[0].key_spec, 1);
	assert_false(content->certs[0].is_default);
	assert_string_equal(content->certs[1].slot, "ksc02");
	assert_string_equal(content->certs[1].container, "\xc3\xa9hird");
	assert_int_equal(content->certs[1].key_spec, 2);
	assert_true(content->certs[1].is_default);
	assert_true(content->names_itself);
	assert_int_equal(content->certs[1].pin, CARD_PIN_USER);
	assert_non_null(content->certs[0].record);
	assert_memory_equal(content->certs[0].record, map, MAP_RECORD);
	assert_memory_equal(content->certs[1].record, &map[2 * MAP_RECORD],
	                    MAP_RECORD);
	for (size_t i = 0; i < 2; i++)
		assert_true(wire_view_equal(
		    pki_der(cert), (struct wire_view){content->certs[i].der,
		                                      content->certs[i].len}));
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
}

/* What container kxc10 belongs to, with another file and with these valid. */
static void
check_index(const char *other, unsigned valid, const char *container)
{
	struct pki_cert *cert = pki_user_new("Index", NULL);
	uint8_t *map = calloc(17, MAP_RECORD);
	struct script_card card;
	struct card_read *job;
	char name[8];

	(void)snprintf(name, sizeof(name), "c%u", valid);
	script_map_record(&map[valid * MAP_RECORD], name, 1);
	gids_card(&card);
	add_map(&card, map, 17);
	(void)script_gids_file(&card, "mscp", "kxc10", pki_der(cert),
	                       SCRIPT_PLAIN);
	(void)script_gids_file(&card, "mscp", other, pki_der(cert),
	                       SCRIPT_PLAIN);
	assert_string_equal(read_card(&card, &job)->certs[0].container,
	                    container);
	card_read_free(job);
	script_card_clear(&card);
	free(map);
	pki_cert_free(cert);
}

static void
test_hexadecimal_then_decimal(void **state)
{
	(void)state;
	check_index("kxc00", 16, "c16");
	check_index("kxc00", 10, "c10");
	check_index("kxc0a", 10, ""); /* 10 has its own file */
	check_index("ksc0a", 10, "c10");
	check_index("kxc00", 11, "");
}

static void
test_roots(void **state)
{
	struct pki_cert *root = pki_ca_new("Root", NULL);
	struct pki_cert *sub = pki_ca_new("Sub", root);
	struct wire_view ders[2] = {pki_der(root), pki_der(sub)};

	(void)state;
	for (int packing = SCRIPT_PLAIN; packing <= SCRIPT_PACKED; packing++) {
		const struct card_content *content;
		struct script_card card;
		struct card_read *job;

		gids_card(&card);
		add_roots(&card, ders, 2, (enum script_packing)packing);
		content = read_card(&card, &job);
		assert_int_equal(content->root_count, 2);
		assert_int_equal(content->cert_count, 0);
		for (size_t i = 0; i < 2; i++)
			assert_true(wire_view_equal(
			    ders[i],
			    (struct wire_view){content->roots[i].der,
			                       content->roots[i].len}));
		card_read_free(job);
		script_card_clear(&card);
	}
	pki_cert_free(sub);
	pki_cert_free(root);
}

static void
test_no_roots(void **state)
{
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	gids_card(&card);
	add_roots(&card, NULL, 0, SCRIPT_PLAIN);
	content = read_card(&card, &job);
	assert_int_equal(content->root_count + content->skip_count, 0);
	card_read_free(job);
	script_card_clear(&card);
	gids_card(&card);
	(void)script_gids_file(&card, "mscp", "msroots",
	                       (struct wire_view){NULL, 0}, SCRIPT_PLAIN);
	content = read_card(&card, &job);
	assert_int_equal(content->root_count + content->skip_count, 0);
	card_read_free(job);
	script_card_clear(&card);
}

/* The reason for which a certificate file with these bytes is passed over. */
static const char *
reason_for(const char *name, struct wire_view bytes)
{
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;
	const char *reason;

	gids_card(&card);
	(void)script_gids_file(&card, "mscp", name, bytes, SCRIPT_PLAIN);
	content = read_card(&card, &job);
	assert_int_equal(content->cert_count + content->root_count, 0);
	reason = content->skip_count == 0 ? NULL : content->skips[0].reason;
	card_read_free(job);
	script_card_clear(&card);
	return reason;
}

#define FILE_OF(...)                                                           \
	(struct wire_view)                                                     \
	{                                                                      \
		(const uint8_t[]){__VA_ARGS__},                                \
		    sizeof((const uint8_t[]){__VA_ARGS__})                     \
	}

static void
test_broken_files(void **state)
{
	(void)state;
	assert_null(reason_for("kxc00", (struct wire_view){NULL, 0}));
	assert_string_equal(reason_for("kxc00", FILE_OF(2, 0, 0, 0)),
	                    "is not a certificate");
	assert_string_equal(reason_for("kxc00", FILE_OF(0x30, 0x00, 0x00)),
	                    "has bytes after the certificate");
	assert_string_equal(reason_for("kxc00", FILE_OF(1, 0, 4, 0, 1, 2, 3)),
	                    "does not inflate");
	assert_string_equal(reason_for("kxc00", FILE_OF(1, 0, 1, 0x40, 1)),
	                    "is larger than a certificate may be");
	assert_string_equal(reason_for("msroots", FILE_OF(0x30, 0x00)),
	                    "the root file is not a bag of certificates");
	assert_string_equal(reason_for("msroots", FILE_OF(1, 0, 9, 0, 1)),
	                    "does not inflate");
}

/* The length in front of the packed bytes must be the one they have. */
static void
check_declared(int wrong)
{
	struct pki_cert *cert = pki_user_new("Declared", NULL);
	uint8_t file[1024];
	struct wire_out out = wire_out(file, sizeof(file));
	size_t len;
	uint8_t *packed = script_deflate(pki_der(cert), SCRIPT_ZLIB, &len);

	wire_put_u16(&out, 1);
	wire_put_u16(&out, (uint16_t)((int)pki_der(cert).len + wrong));
	wire_put_bytes(&out, packed, len);
	assert_string_equal(reason_for("kxc00", wire_written(&out)),
	                    wrong > 0 ? "does not inflate to the length it says"
	                              : "inflates beyond its limit");
	free(packed);
	pki_cert_free(cert);
}

static void
test_declared_length(void **state)
{
	(void)state;
	check_declared(1);
	check_declared(-1);
}

static void
test_other_names_are_left_alone(void **state)
{
	struct script_card card;
	struct card_read *job;
	struct wire_view none = {NULL, 0};

	(void)state;
	gids_card(&card);
	(void)script_gids_file(&card, "mscp", "kxcg0", none, SCRIPT_PLAIN);
	(void)script_gids_file(&card, "mscp", "kxc000", none, SCRIPT_PLAIN);
	(void)script_gids_file(&card, "mscp", "kyc00", none, SCRIPT_PLAIN);
	(void)script_gids_file(&card, "other", "kxc00", none, SCRIPT_PLAIN);
	(void)script_gids_file(&card, "", "msroots", none, SCRIPT_PLAIN);
	(void)read_card(&card, &job);
	/* SELECT, table and cardid */
	assert_int_equal(card_read_content(job)->apdu_count, 3);
	card_read_free(job);
	script_card_clear(&card);
}

static void
test_certificate_limit(void **state)
{
	struct pki_cert *cert = pki_user_new("Limit", NULL);
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;
	char name[9];

	(void)state;
	gids_card(&card);
	for (unsigned i = 0; i <= CARD_CERTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "kxc%02x", i & 0xff);
		(void)script_gids_file(&card, "mscp", name, pki_der(cert),
		                       SCRIPT_PLAIN);
	}
	content = read_card(&card, &job);
	assert_int_equal(content->cert_count, CARD_CERTS_MAX);
	assert_int_equal(content->skip_count, 1);
	assert_string_equal(content->skips[0].slot, "kxc20");
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
}

static void
check_table(struct wire_view table, uint16_t status, const char *fault)
{
	struct script_card card;
	struct card_read *job;

	script_card_init(&card, script_gids_aid);
	script_add(&card, 0xa000, 0xdf1f, table)->status = status;
	assert_int_equal(script_read_card(&card, &gids_hints, &job),
	                 CARD_FAILED);
	assert_string_equal(card_read_fault(job), fault);
	card_read_free(job);
	script_card_clear(&card);
}

static void
test_no_table(void **state)
{
	struct wire_view table = FILE_OF(0xdf, 0x1f, 0x01, 0x02);

	(void)state;
	check_table(table, 0, "the file table is broken");
	check_table(table, 0x6a82, "no file table on the card");
	check_table(table, 0x6982, "the file table cannot be read");
}

/* Every truncation of the table: files that are not named are not read. */
static void
test_every_truncation_of_the_table(void **state)
{
	struct pki_cert *cert = pki_user_new("Table", NULL);
	struct script_card card;
	size_t whole;

	(void)state;
	gids_card(&card);
	(void)script_gids_file(&card, "mscp", "kxc00", pki_der(cert),
	                       SCRIPT_PLAIN);
	whole = card.objects[0].len;
	for (size_t len = 6; len <= whole; len++) {
		const struct card_content *content;
		struct card_read *job;

		card.objects[0].len = len;
		card.objects[0].data[4] = (uint8_t)(len - 5);
		content = read_card(&card, &job);
		assert_int_equal(content->cert_count, len == whole);
		card_read_free(job);
	}
	script_card_clear(&card);
	pki_cert_free(cert);
}

/*
 * The price of a whole read with four certificates and two roots: SELECT,
 * table (2), cardid, map (2), four certificates (4 each, packed), root file.
 */
static unsigned
cost(const struct card_hints *hints, enum script_packing roots_packing)
{
	struct pki_spec spec = {
	    .name = "Budget", .key = PKI_RSA2048, .pad = 200, .plain_pad = 400};
	struct pki_cert *cert = pki_cert_new(&spec, NULL);
	struct pki_spec root_spec = {
	    .name = "Root", .key = PKI_RSA2048, .pad = 200, .plain_pad = 100};
	struct pki_cert *root = pki_cert_new(&root_spec, NULL);
	struct wire_view ders[2] = {pki_der(root), pki_der(root)};
	uint8_t map[4 * MAP_RECORD];
	struct script_card card;
	struct card_read *job;
	unsigned count;

	gids_card(&card);
	for (size_t i = 0; i < 4; i++)
		script_map_record(&map[i * MAP_RECORD],
		                  "0f6c3b5e-8d1a-4a7e-9b1e-3f5d2c7a9e01",
		                  i == 0 ? 3 : 1);
	add_map(&card, map, 4);
	for (unsigned i = 0; i < 4; i++) {
		char name[9];

		(void)snprintf(name, sizeof(name), "kxc%02x", i & 0xff);
		(void)script_gids_file(&card, "mscp", name, pki_der(cert),
		                       SCRIPT_PACKED);
	}
	add_roots(&card, ders, 2, roots_packing);
	assert_int_equal(script_read_card(&card, hints, &job), CARD_DONE);
	assert_int_equal(card_read_content(job)->cert_count, 4);
	assert_int_equal(card_read_content(job)->root_count, 2);
	assert_string_equal(card_read_content(job)->certs[3].container,
	                    "0f6c3b5e-8d1a-4a7e-9b1e-3f5d2c7a9e01");
	count = card_read_content(job)->apdu_count;
	assert_int_equal(count, card.commands);
	(void)printf("GIDS, 4 certificates of %zu bytes (file %zu), root file "
	             "%zu: %u commands\n",
	             pki_der(cert).len, card.objects[5].len,
	             card.objects[card.count - 1].len, count);
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(root);
	pki_cert_free(cert);
	return count;
}

static void
test_budget(void **state)
{
	static const struct card_hints nothing;

	(void)state;
	assert_in_range(cost(&gids_hints, SCRIPT_PLAIN), 1, 31);
	assert_in_range(cost(&gids_hints, SCRIPT_PACKED), 1, 31);
	/* The first time: PIV was tried. */
	assert_in_range(cost(&nothing, SCRIPT_PLAIN), 1, 32);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_certificates_and_containers),
	    cmocka_unit_test(test_hexadecimal_then_decimal),
	    cmocka_unit_test(test_roots),
	    cmocka_unit_test(test_no_roots),
	    cmocka_unit_test(test_broken_files),
	    cmocka_unit_test(test_declared_length),
	    cmocka_unit_test(test_other_names_are_left_alone),
	    cmocka_unit_test(test_certificate_limit),
	    cmocka_unit_test(test_no_table),
	    cmocka_unit_test(test_every_truncation_of_the_table),
	    cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
