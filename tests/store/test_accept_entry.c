/*
 * The acceptance list of certificate propagation, where the store decides: what
 * a certificate that comes again does to its entry, and which store it enters.
 */
#include "accept.h"
#include "engine_admin.h"
#include "enginebed.h"

#include <openssl/sha.h>
#include <string.h>

enum { CARDS = 2 };

static const uint8_t card_ids[CARDS][KEEP_CARD_ID_LEN] = {{1}, {2}};
/* Property 26: a request's number and three empty names. */
static const uint8_t enrollment[] = {7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1,
                                     0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0};

/* What alice has: entries in each store, and the last one. */
struct seen {
	int my;
	int request;
	bool enrollment; /* in all of them */
	char name[64];
	char container[64];
	uint8_t card;
};

static void
copy_text(char out[64], struct wire_view text)
{
	assert_true(text.len < 64);
	memset(out, 0, 64);
	if (text.len > 0)
		memcpy(out, text.data, text.len);
}

static bool
on_entry(const struct engine_entry *entry, void *arg)
{
	const struct wire_view property = {enrollment, sizeof(enrollment)};
	struct seen *seen = arg;

	seen->my += entry->store == ENGINE_MY;
	seen->request += entry->store == ENGINE_REQUEST;
	seen->enrollment =
	    seen->enrollment && wire_view_equal(entry->enrollment, property);
	copy_text(seen->name, entry->friendly_name);
	copy_text(seen->container, entry->container);
	seen->card = entry->card_id.len > 0 ? entry->card_id.data[0] : 0;
	return true;
}

static struct seen
look(struct enginebed *bed)
{
	const struct engine_filter filter = {.owner = wire_view_text("alice")};
	struct seen seen = {.enrollment = true};

	assert_true(engine_list_entries(bed->engine, &filter, on_entry, &seen));
	return seen;
}

static struct keep_cert
cert(const char *der, const char *container)
{
	return (struct keep_cert){
	    .kind = KEEP_USER,
	    .der = wire_view_text(der),
	    .key_alg = wire_view_text("RSA"),
	    .key_bits = 2048,
	    .prov_name = wire_view_text("KSP"),
	    .container = wire_view_text(container),
	    .friendly_name = wire_view_text("the card's name for it"),
	};
}

/* Alice's card of that number shows a certificate. */
static enum engine_result
show(struct enginebed *bed, int card, const struct keep_cert *c)
{
	const struct engine_origin from = {
	    .session = ENGINEBED_A,
	    .connection = ENGINEBED_A,
	    .reader = 1,
	    .reader_name = wire_view_text("Reader"),
	    .card_id = {card_ids[card], KEEP_CARD_ID_LEN},
	    .family = wire_view_text("GIDS"),
	};
	uint8_t hash[ENGINE_HASH_LEN];

	enginebed_begin(bed);
	enum engine_result result =
	    engine_put(bed->engine, &from, wire_view_text("alice"), c,
	               KEEP_CLEANUP_NONE, hash, &bed->change);

	enginebed_commit(bed);
	return result;
}

static bool
on_changed(const struct engine_changed *told, void *arg)
{
	int *count = arg;

	*count += told->changed;
	return true;
}

/* As "cardproxyctl certs set" does it. */
static void
name_it(struct enginebed *bed, const char *der, const char *name)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];
	struct property_change change = {.hash = {hash, sizeof(hash)},
	                                 .set = PROPERTY_SET_NAME,
	                                 .friendly_name = wire_view_text(name)};
	int count = 0;

	(void)SHA256((const uint8_t *)der, strlen(der), hash);
	enginebed_begin(bed);
	assert_true(engine_change(bed->engine, wire_view_text("alice"), &change,
	                          "root", on_changed, &count));
	enginebed_commit(bed);
	assert_int_equal(count, 1);
}

/* One entry; what a person set stays, where the key is follows the card. */
static void
test_twice(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert c = cert("der", "one");

	assert_int_equal(show(bed, 0, &c), ENGINE_ADDED);
	assert_string_equal(look(bed).name, "the card's name for it");
	name_it(bed, "der", "her own name");
	assert_int_equal(show(bed, 0, &c), ENGINE_UNCHANGED);
	c.container = wire_view_text("two");
	assert_int_equal(show(bed, 0, &c), ENGINE_UPDATED);
	struct seen seen = look(bed);

	assert_int_equal(seen.my + seen.request, 1);
	assert_string_equal(seen.name, "her own name");
	assert_string_equal(seen.container, "two");
	assert_int_equal(seen.card, card_ids[0][0]);
	c.container = wire_view_text("three");
	assert_int_equal(show(bed, 1, &c), ENGINE_UPDATED);
	seen = look(bed);
	assert_int_equal(seen.my + seen.request, 1);
	assert_string_equal(seen.name, "her own name");
	assert_string_equal(seen.container, "three");
	assert_int_equal(seen.card, card_ids[1][0]);
}

/* Pending: Request alone, however often.  Issued: Personal, and it says of
 * what. */
static void
test_requests(void **state)
{
	struct enginebed *bed = *state;
	struct keep_cert pending = cert("placeholder", "one");
	struct keep_cert issued = cert("issued", "two");

	pending.kind = KEEP_REQUEST;
	pending.enrollment = (struct wire_view){enrollment, sizeof(enrollment)};
	issued.enrollment = pending.enrollment;
	assert_int_equal(show(bed, 0, &pending), ENGINE_ADDED);
	assert_int_equal(show(bed, 0, &pending), ENGINE_UNCHANGED);
	struct seen seen = look(bed);

	assert_int_equal(seen.request, 1);
	assert_int_equal(seen.my, 0);
	assert_true(seen.enrollment);
	assert_int_equal(show(bed, 0, &issued), ENGINE_ADDED);
	seen = look(bed);
	assert_int_equal(seen.request, 1);
	assert_int_equal(seen.my, 1);
	assert_true(seen.enrollment);
	/* What is there stays, whether the card says nothing or another. */
	issued.enrollment = (struct wire_view){0};
	assert_int_equal(show(bed, 0, &issued), ENGINE_UNCHANGED);
	issued.enrollment = wire_view_text("another");
	assert_int_equal(show(bed, 0, &issued), ENGINE_UNCHANGED);
	assert_true(look(bed).enrollment);
}

#define ENTRY(number, test)                                                    \
	ACCEPT(number, test, enginebed_new_open, enginebed_free)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    ENTRY("certprop-18-store", test_twice),
	    ENTRY("certprop-20-store", test_requests),
	};

	accept_only(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
