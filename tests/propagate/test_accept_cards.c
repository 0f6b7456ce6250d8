/* The acceptance list, numbers 9 to 16: what is read from cards. */
#include "accept.h"

#include "gids.h"
#include "pki.h"
#include "script_card.h"

#include <stdlib.h>
#include <string.h>

enum { MAP_RECORD = 86, TAG_ROOTS = 0x5fff11 };

/* DF1F, 141 bytes: the documented file table of a new card. */
static const uint8_t sample[] = {0xdf, 0x1f, 0x81, 0x8d, 0x01,
                                 /* mscp, a directory: no object, A000 */
                                 'm', 's', 'c', 'p', 0, 0, 0, 0, 0, /**/
                                 0, 0, 0, 0, 0, 0, 0, 0, 0,         /**/
                                 0, 0, 0, 0, 0, 0, 0x00, 0xa0, 0, 0,
                                 /* cardid: DF20, A012 */
                                 0, 0, 0, 0, 0, 0, 0, 0, 0,             /**/
                                 'c', 'a', 'r', 'd', 'i', 'd', 0, 0, 0, /**/
                                 0, 0, 0x20, 0xdf, 0, 0, 0x12, 0xa0, 0, 0,
                                 /* cardapps: DF21, A010 */
                                 0, 0, 0, 0, 0, 0, 0, 0, 0,                 /**/
                                 'c', 'a', 'r', 'd', 'a', 'p', 'p', 's', 0, /**/
                                 0, 0, 0x21, 0xdf, 0, 0, 0x10, 0xa0, 0, 0,
                                 /* cardcf: DF22, A010 */
                                 0, 0, 0, 0, 0, 0, 0, 0, 0,             /**/
                                 'c', 'a', 'r', 'd', 'c', 'f', 0, 0, 0, /**/
                                 0, 0, 0x22, 0xdf, 0, 0, 0x10, 0xa0, 0, 0,
                                 /* mscp cmapfile: DF23, A010 */
                                 'm', 's', 'c', 'p', 0, 0, 0, 0, 0,         /**/
                                 'c', 'm', 'a', 'p', 'f', 'i', 'l', 'e', 0, /**/
                                 0, 0, 0x23, 0xdf, 0, 0, 0x10, 0xa0, 0, 0};
_Static_assert(sizeof(sample) == 4 + 141, "the sample has 141 bytes");

static void
test_sample_file_table(void **state)
{
	struct exchange_result table = {.outcome = EXCHANGE_OK,
	                                .data = {sample, sizeof(sample)}};
	struct card_content content = {.family = CARD_GIDS};
	struct exchange_want want;
	struct gids gids;

	(void)state;
	gids_init(&gids);
	assert_true(gids_next(&gids, &want));
	assert_int_equal(want.file, 0xa000);
	assert_memory_equal(want.name, "\xdf\x1f", 2);
	assert_null(gids_take(&gids, &table, &content));
	/* The two of the five that say something to us are where they are. */
	assert_true(gids.id.present && gids.map.present);
	assert_int_equal(gids.id.file, 0xa012);
	assert_int_equal(gids.id.tag, 0xdf20);
	assert_int_equal(gids.map.file, 0xa010);
	assert_int_equal(gids.map.tag, 0xdf23);
	assert_false(gids.roots.present);
	assert_int_equal(gids.cert_count, 0);
	assert_true(gids_next(&gids, &want));
	assert_int_equal(want.file, 0xa012);
	assert_memory_equal(want.name, "\xdf\x20", 2);
	gids_clear(&gids);
}

/* The same bytes on a card, which then says who it is and holds nothing. */
static void
test_sample_card(void **state)
{
	static const uint8_t id[CARD_ID_LEN] = {0xa0, 1, 2, 3};
	struct wire_view table = {sample, sizeof(sample)};
	struct wire_view card_id = {id, sizeof(id)};
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	script_card_init(&card, script_gids_aid);
	(void)script_add(&card, 0xa000, 0xdf1f, table);
	(void)script_add_wrapped(&card, 0xa012, 0xdf20, 0xdf20, card_id);
	assert_int_equal(script_read_card(&card, NULL, &job), CARD_DONE);
	content = card_read_content(job);
	assert_int_equal(content->family, CARD_GIDS);
	assert_memory_equal(content->id, id, sizeof(id));
	assert_int_equal(content->cert_count + content->root_count, 0);
	assert_int_equal(content->skip_count, 0);
	card_read_free(job);
	script_card_clear(&card);
}

/* A GIDS card with nothing on it yet. */
static void
gids_card(struct script_card *card)
{
	static const uint8_t id[CARD_ID_LEN] = {0xa1};

	script_card_init(card, script_gids_aid);
	script_gids_begin(card);
	(void)script_gids_file(card, "", "cardid",
	                       (struct wire_view){id, sizeof(id)},
	                       SCRIPT_PLAIN);
}

static const struct card_content *
read_card(struct script_card *card, struct card_read **job)
{
	assert_int_equal(script_read_card(card, NULL, job), CARD_DONE);
	return card_read_content(*job);
}

static void
assert_der(const struct card_cert *got, const struct pki_cert *cert)
{
	struct wire_view der = {got->der, got->len};

	assert_true(wire_view_equal(der, pki_der(cert)));
}

static void
test_compressed_and_plain(void **state)
{
	struct pki_cert *cert = pki_user_new("User", NULL);
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	gids_card(&card);
	(void)script_gids_file(&card, "mscp", "kxc00", pki_der(cert),
	                       SCRIPT_PLAIN);
	(void)script_gids_file(&card, "mscp", "kxc01", pki_der(cert),
	                       SCRIPT_PACKED);
	content = read_card(&card, &job);
	assert_int_equal(content->cert_count, 2);
	assert_der(&content->certs[0], cert);
	assert_der(&content->certs[1], cert);
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
}

/* 01 00 2c 01 and 300 times A, as documented: no certificate, but no end. */
static void
test_documented_packing(void **state)
{
	static const uint8_t file[] = {0x01, 0x00, 0x2c, 0x01, 0x78, 0x9c,
	                               0x73, 0x74, 0x1c, 0x05, 0xc4, 0x02,
	                               0x00, 0xcb, 0x9e, 0x4c, 0x2d};
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	gids_card(&card);
	(void)script_gids_file(&card, "mscp", "kxc00",
	                       (struct wire_view){file, sizeof(file)},
	                       SCRIPT_PLAIN);
	content = read_card(&card, &job);
	assert_int_equal(content->skip_count, 1);
	/* It inflated: what is wrong is only what it is. */
	assert_string_equal(content->skips[0].reason, "is not a certificate");
	card_read_free(job);
	script_card_clear(&card);
}

/* The field after 01 00, one more and one less than is there. */
static void
test_length_field(void **state)
{
	struct pki_cert *cert = pki_user_new("User", NULL);
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	for (int by = -1; by <= 1; by += 2) {
		struct script_object *object;

		gids_card(&card);
		object = script_gids_file(&card, "mscp", "kxc00", pki_der(cert),
		                          SCRIPT_PACKED);
		(void)script_gids_file(&card, "mscp", "kxc01", pki_der(cert),
		                       SCRIPT_PLAIN);
		/* DF21 82 llll 0100 LLLL */
		object->data[7] = (uint8_t)(object->data[7] + by);
		content = read_card(&card, &job);
		assert_int_equal(content->skip_count, 1);
		assert_string_equal(content->skips[0].slot, "kxc00");
		assert_int_equal(content->cert_count, 1);
		assert_string_equal(content->certs[0].slot, "kxc01");
		card_read_free(job);
		script_card_clear(&card);
	}
	pki_cert_free(cert);
}

/* A root and an intermediate, as msroots has them; free() the bag. */
static uint8_t *
bag_new(const struct pki_cert *root, const struct pki_cert *sub, size_t *len)
{
	struct wire_view ders[2] = {pki_der(root), pki_der(sub)};

	return pki_bag_new(ders, 2, len);
}

static void
test_msroots(void **state)
{
	struct pki_cert *root = pki_ca_new("Root", NULL);
	struct pki_cert *sub = pki_ca_new("Sub", root);
	struct wire_view bag = {NULL, 0};

	(void)state;
	bag.data = bag_new(root, sub, &bag.len);
	for (int packing = SCRIPT_PLAIN; packing <= SCRIPT_PACKED; packing++) {
		const struct card_content *content;
		struct script_card card;
		struct card_read *job;

		gids_card(&card);
		(void)script_gids_file(&card, "mscp", "msroots", bag,
		                       (enum script_packing)packing);
		content = read_card(&card, &job);
		assert_int_equal(content->root_count, 2);
		assert_der(&content->roots[0], root);
		assert_der(&content->roots[1], sub);
		card_read_free(job);
		script_card_clear(&card);
	}
	free((void *)(uintptr_t)bag.data);
	pki_cert_free(sub);
	pki_cert_free(root);
}

/* A PIV token that says it is a YubiKey, or does not. */
static void
piv_card(struct script_card *card, bool vendor)
{
	static const uint8_t yubi[] = {0x61, 0x0a, 0x50, 0x08, 'Y', 'u',
	                               'b',  'i',  'K',  'e',  'y', ' '};

	script_card_init(card, script_piv_aid);
	if (vendor)
		card->selected = (struct wire_view){yubi, sizeof(yubi)};
}

/* file in as many parts as there are tags, from 5FFF11 on. */
static void
add_parts(struct script_card *card, const char *tags, struct wire_view file)
{
	size_t count = strlen(tags);
	struct wire_in in = wire_in_view(file);

	for (size_t i = 0; i < count; i++) {
		size_t len = i + 1 < count ? file.len / count : in.left;
		struct wire_view part = wire_bytes(&in, len);
		uint8_t *value = malloc(part.len + 4);
		struct wire_out out = wire_out(value, part.len + 4);

		assert_non_null(value);
		wire_put_u8(&out, tags[i] == '3' ? 0x83 : 0x82);
		wire_put_u8(&out, 0x82);
		wire_put_u16_be(&out, (uint16_t)part.len);
		wire_put_view(&out, part);
		(void)script_add_wrapped(card, 0x3fff, TAG_ROOTS + (uint32_t)i,
		                         0x53, wire_written(&out));
		free(value);
	}
}

static size_t
roots_in_parts(bool vendor, const char *tags, struct wire_view bag)
{
	struct script_card card;
	struct card_read *job;
	size_t count;

	piv_card(&card, vendor);
	add_parts(&card, tags, bag);
	count = read_card(&card, &job)->root_count;
	card_read_free(job);
	script_card_clear(&card);
	return count;
}

static void
test_roots_in_parts(void **state)
{
	struct pki_cert *root = pki_ca_new("Root", NULL);
	struct pki_cert *sub = pki_ca_new("Sub", root);
	struct wire_view bag = {NULL, 0};

	(void)state;
	bag.data = bag_new(root, sub, &bag.len);
	assert_int_equal(roots_in_parts(true, "2", bag), 2);
	assert_int_equal(roots_in_parts(true, "332", bag), 2);
	assert_int_equal(roots_in_parts(true, "33332", bag), 2);
	assert_int_equal(roots_in_parts(true, "33333", bag), 0);
	assert_int_equal(roots_in_parts(true, "33", bag), 0);
	/* These objects are the vendor's: nobody else is asked for them. */
	assert_int_equal(roots_in_parts(false, "332", bag), 0);
	free((void *)(uintptr_t)bag.data);
	pki_cert_free(sub);
	pki_cert_free(root);
}

/* Every command of a read, and whether one could ask for a PIN or write. */
struct trace {
	struct script_card *card;
	unsigned commands;
	unsigned others;
};

static struct wire_view
on_command(void *arg, struct wire_view apdu)
{
	struct trace *trace = arg;
	uint8_t ins = apdu.len > 1 ? apdu.data[1] : 0;

	trace->commands++;
	if (apdu.len < 4 || apdu.data[0] != 0x00 ||
	    (ins != 0xa4 && ins != 0xb0 && ins != 0xc0 && ins != 0xcb))
		trace->others++;
	return script_answer(trace->card, apdu);
}

/* Whatever every object answers, a PIN is not what is tried next. */
static void
test_no_verify(void **state)
{
	static const uint16_t statuses[] = {0,      0x6982, 0x6983, 0x6985,
	                                    0x63c3, 0x6a82, 0x6f00};
	static const struct card_hints all = {.probe_retired = true};
	struct pki_cert *cert = pki_user_new("User", NULL);

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(statuses) / sizeof(statuses[0]);
	     i++) {
		struct script_card card;
		struct trace trace = {&card, 0, 0};
		struct script_peer peer = {on_command, &trace};
		struct card_read *job = card_read_new(&all);

		if (i % 2 == 0) {
			piv_card(&card, true);
			(void)script_add_piv(&card, 0x5fc105, pki_der(cert),
			                     SCRIPT_PLAIN);
		} else {
			gids_card(&card);
			(void)script_gids_file(&card, "mscp", "kxc00",
			                       pki_der(cert), SCRIPT_PLAIN);
		}
		for (size_t k = i % 2; k < card.count; k++)
			card.objects[k].status = statuses[i / 2];
		assert_int_equal(script_read(job, peer), CARD_DONE);
		assert_true(trace.commands > 2);
		assert_int_equal(trace.others, 0);
		card_read_free(job);
		script_card_clear(&card);
	}
	pki_cert_free(cert);
}

static void
test_object_behind_a_pin(void **state)
{
	struct pki_cert *cert = pki_user_new("User", NULL);
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	gids_card(&card);
	script_gids_file(&card, "mscp", "kxc00", pki_der(cert), SCRIPT_PLAIN)
	    ->status = 0x6982;
	(void)script_gids_file(&card, "mscp", "kxc01", pki_der(cert),
	                       SCRIPT_PLAIN);
	content = read_card(&card, &job);
	assert_int_equal(content->cert_count, 1);
	assert_string_equal(content->certs[0].slot, "kxc01");
	assert_int_equal(content->skip_count, 1);
	assert_string_equal(content->skips[0].slot, "kxc00");
	card_read_free(job);
	script_card_clear(&card);

	piv_card(&card, false);
	script_add_piv(&card, 0x5fc105, pki_der(cert), SCRIPT_PLAIN)->status =
	    0x6982;
	(void)script_add_piv(&card, 0x5fc10b, pki_der(cert), SCRIPT_PLAIN);
	content = read_card(&card, &job);
	assert_int_equal(content->cert_count, 1);
	assert_string_equal(content->certs[0].slot, "9D");
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
}

static void
test_holes_keep_indices(void **state)
{
	struct pki_cert *cert = pki_user_new("User", NULL);
	uint8_t map[4 * MAP_RECORD] = {0};
	const struct card_content *content;
	struct script_card card;
	struct card_read *job;

	(void)state;
	script_map_record(&map[1 * MAP_RECORD], "one", 1);
	script_map_record(&map[3 * MAP_RECORD], "three", 3);
	gids_card(&card);
	(void)script_gids_file(&card, "mscp", "cmapfile",
	                       (struct wire_view){map, sizeof(map)},
	                       SCRIPT_PLAIN);
	(void)script_gids_file(&card, "mscp", "kxc03", pki_der(cert),
	                       SCRIPT_PLAIN);
	(void)script_gids_file(&card, "mscp", "kxc01", pki_der(cert),
	                       SCRIPT_PLAIN);
	content = read_card(&card, &job);
	assert_int_equal(content->cert_count, 2);
	assert_string_equal(content->certs[0].container, "three");
	assert_int_equal(content->certs[0].index, 3);
	assert_true(content->certs[0].is_default);
	assert_string_equal(content->certs[1].container, "one");
	assert_int_equal(content->certs[1].index, 1);
	card_read_free(job);
	script_card_clear(&card);
	pki_cert_free(cert);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    ACCEPT("certprop-09", test_sample_file_table, NULL, NULL),
	    ACCEPT("certprop-09", test_sample_card, NULL, NULL),
	    ACCEPT("certprop-10", test_compressed_and_plain, NULL, NULL),
	    ACCEPT("certprop-10", test_documented_packing, NULL, NULL),
	    ACCEPT("certprop-11", test_length_field, NULL, NULL),
	    ACCEPT("certprop-12", test_msroots, NULL, NULL),
	    ACCEPT("certprop-13", test_roots_in_parts, NULL, NULL),
	    ACCEPT("certprop-14", test_no_verify, NULL, NULL),
	    ACCEPT("certprop-15", test_object_behind_a_pin, NULL, NULL),
	    ACCEPT("certprop-16", test_holes_keep_indices, NULL, NULL),
	};

	accept_only(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
