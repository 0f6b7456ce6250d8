/* Whose card it is, which roots it may bring, and what is fit for a log-on. */
#include "insertion.h"

#include "cardmap.h"
#include "certprop_bench.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Whose card it is. */

/* Is a card of this person's, and no other, taken as alice@EXAMPLE's? */
static bool
is_taken(struct bench *b, const struct bench_person *who)
{
	struct pki_cert *cert = bench_person(who);

	b->content.cert_count = 0;
	bench_add_cert(b, cert, "9A");
	bench_start_again(b);
	b->content.cert_count = 0;
	pki_cert_free(cert);
	return b->told[0] != '\0';
}

static void
test_match_by_name(void **state)
{
	static const struct bench_person upn = {.name = "A",
	                                        .upn = "Alice@example"};
	static const struct bench_person mail = {
	    .name = "A", .upn = "", .email = "alice@EXAMPLE"};
	static const struct bench_person others[] = {
	    {.name = "alice@EXAMPLE", .upn = ""},
	    {.name = "A", .upn = "alice"},
	    {.name = "A", .upn = "alice@EXAMPLE.test"},
	    {.name = "A", .upn = "bob@EXAMPLE", .email = "bob@EXAMPLE"},
	};
	struct bench *b = *state;

	b->policy.require_match = true;
	assert_true(is_taken(b, &upn));
	assert_true(is_taken(b, &mail));
	for (size_t i = 0; i < 4; i++)
		assert_false(is_taken(b, &others[i]));
	b->policy.match = CERTPROP_MATCH_EMAIL;
	assert_false(is_taken(b, &upn));
	assert_true(is_taken(b, &mail));
	b->policy.match = 0;
	assert_false(is_taken(b, &mail));
	b->policy.require_match = false;
	assert_true(is_taken(b, &others[3]));
}

static void
no_fault(void *arg, unsigned line, const char *what)
{
	(void)arg;
	(void)line;
	fail_msg("%s", what);
}

static void
test_match_by_map(void **state)
{
	static const struct bench_person bob = {.name = "Bob",
	                                        .upn = "bob@other.test"};
	struct bench *b = *state;
	struct cardmap *map = cardmap_parse(
	    wire_view_text("alice@EXAMPLE = upn:bob@other.test\n"), no_fault,
	    NULL);

	b->policy.require_match = true;
	b->policy.map = map;
	assert_false(is_taken(b, &bob)); /* the list is not asked */
	b->policy.match |= CERTPROP_MATCH_MAP;
	assert_true(is_taken(b, &bob));
	b->policy.map = NULL;
	assert_false(is_taken(b, &bob));
	certprop_free(b->cp);
	b->cp = NULL;
	cardmap_free(map);
}

/* Of somebody else's card nothing is taken, and it is said once. */
static void
test_card_of_another(void **state)
{
	struct bench *b = *state;

	b->policy.require_match = true;
	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	assert_string_equal(b->told, "");
	assert_string_equal(b->news,
	                    "card-inserted card-read card-not-of-user");
	assert_string_equal(b->card_reason,
	                    "no certificate on the card is the user's");
	assert_non_null(strstr(b->cards, "7:present"));
	assert_int_equal(b->scans, 1);
	bench_forget(b);
	bench_change(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, "synced");
	assert_string_equal(b->news, "");
	bench_forget(b);
	bench_take_out(b, 2);
	assert_string_equal(b->told, "");
	bench_insert(b, 3);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	assert_non_null(strstr(b->news, "card-not-of-user"));
}

static void
test_card_without_a_person(void **state)
{
	struct bench *b = *state;

	b->policy.require_match = true;
	b->content.cert_count = 0;
	bench_start_present(b);
	assert_string_equal(b->told, "");
	assert_string_equal(b->card_reason,
	                    "no certificate on the card names a user");
}

/* Section 10.3: a rule that changes is a rule at once. */
static void
test_match_required_meanwhile(void **state)
{
	static const char *const released[] = {
	    "release:7+roots", "release:7+roots+user", "release:7+roots+user"};
	struct bench *b = *state;

	for (int user = 0; user < 3; user++) {
		b->policy.require_match = false;
		b->policy.user_cleanup = (enum keep_cleanup)user;
		bench_start_again(b);
		bench_forget(b);
		b->policy.require_match = true;
		bench_change(b);
		assert_string_equal(b->told, released[user]);
		assert_string_equal(b->news, "card-not-of-user");
		bench_forget(b);
		b->policy.require_match = false;
		bench_change(b);
		assert_string_equal(b->told, USUAL);
		assert_string_equal(b->card_reason, "");
		assert_string_equal(b->asked, "");
	}
}

/* Also for what is left of a card that is gone. */
static void
test_match_required_of_absent_cards(void **state)
{
	struct bench *b = *state;

	b->policy.user_cleanup = KEEP_CLEANUP_LOGOFF;
	bench_start_present(b);
	bench_take_out(b, 2);
	bench_forget(b);
	b->policy.require_match = true;
	bench_change(b);
	assert_string_equal(b->told, "release:7+roots+user");
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, "synced");
}

/* A card of somebody else's speaks for no other. */
static void
test_withheld_twin(void **state)
{
	static const struct bench_person alice = {.name = "A",
	                                          .upn = "alice@EXAMPLE"};
	struct pki_cert *cert = bench_person(&alice);
	struct bench *b = *state;

	b->policy.require_match = true;
	b->content.cert_count = 0;
	bench_add_cert(b, cert, "9A");
	bench_start_present(b);
	assert_non_null(strstr(b->told, "user(CN=A)"));
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	bench_pass(b, SETTLED);
	bench_usual_card(b, 0xa1);
	bench_deliver(b, OTHER);
	bench_forget(b);
	bench_take_out(b, 2);
	assert_string_equal(b->told, "release:7");
	pki_cert_free(cert);
}

/* Which roots are taken. */

static struct certprop_hashes
hashes_of(uint8_t (*room)[CERTPROP_HASH_LEN], const struct pki_cert *cert)
{
	struct wire_view der = pki_der(cert);
	struct certprop_hashes list = {room, 1};

	(void)SHA256(der.data, der.len, room[0]);
	return list;
}

static void
test_allowed_roots(void **state)
{
	uint8_t room[1][CERTPROP_HASH_LEN];
	struct certprop_hashes root = hashes_of(room, bench_made.root);
	struct certprop_hashes none = {NULL, 0};
	struct bench *b = *state;

	b->policy.allowed = &root;
	bench_start_again(b);
	assert_string_equal(b->told, USUAL);
	/* An intermediate trusts nobody. */
	b->policy.allowed = &none;
	bench_start_again(b);
	assert_string_equal(b->told, "begin:7/a1 user(CN=User) "
	                             "intermediate(CN=Sub) commit");
	assert_non_null(strstr(b->news, "root-refused"));
	certprop_free(b->cp);
	b->cp = NULL;
}

/* Trust that is taken back ends whatever the clean-up says, and at once. */
static void
test_allowed_roots_change(void **state)
{
	uint8_t room[1][CERTPROP_HASH_LEN];
	struct certprop_hashes list = hashes_of(room, bench_made.root);
	struct bench *b = *state;

	for (int cleanup = 0; cleanup < 3; cleanup++) {
		b->policy.cleanup = (enum keep_cleanup)cleanup;
		b->policy.allowed = &list;
		list.count = 1;
		bench_start_again(b);
		bench_forget(b);
		bench_change(b);
		assert_string_equal(b->told, "");
		list.count = 0; /* at the same address */
		bench_change(b);
		assert_string_equal(b->told,
		                    "release:7+roots begin:7/a1 user(CN=User) "
		                    "intermediate(CN=Sub) commit");
		assert_string_equal(b->news, "root-refused");
		bench_forget(b);
		list.count = 1;
		bench_change(b);
		assert_string_equal(b->told, USUAL);
	}
	certprop_free(b->cp);
	b->cp = NULL;
}

static void
test_absent_roots_change(void **state)
{
	uint8_t room[1][CERTPROP_HASH_LEN];
	struct certprop_hashes list = hashes_of(room, bench_made.root);
	struct bench *b = *state;

	b->policy.allowed = &list;
	bench_start_present(b);
	bench_take_out(b, 2);
	bench_forget(b);
	list.count = 0;
	bench_change(b);
	assert_string_equal(b->told, "release:7+roots begin:7/a1 "
	                             "intermediate(CN=Sub) commit");
	assert_string_equal(b->news, "");
	certprop_free(b->cp);
	b->cp = NULL;
}

static void
test_host_roots(void **state)
{
	uint8_t room[1][CERTPROP_HASH_LEN];
	struct certprop_hashes root = hashes_of(room, bench_made.root);
	struct certprop_hashes none = {NULL, 0};
	struct bench *b = *state;

	bench_start_present(b);
	assert_string_equal(b->host, "");
	bench_forget(b);
	b->policy.host = &root;
	bench_change(b);
	assert_string_equal(b->told, USUAL);
	assert_string_equal(b->host, "CN=Root");
	bench_forget(b);
	b->policy.host = &none;
	bench_change(b);
	assert_string_equal(b->told, USUAL);
	assert_string_equal(b->host, "");
	/* An intermediate is never for the host. */
	root = hashes_of(room, bench_made.sub);
	b->policy.host = &root;
	bench_change(b);
	assert_string_equal(b->host, "");
	certprop_free(b->cp);
	b->cp = NULL;
}

/* With propagation off nothing new comes, and what is forbidden goes. */
static void
test_lists_while_off(void **state)
{
	uint8_t room[1][CERTPROP_HASH_LEN];
	struct certprop_hashes list = hashes_of(room, bench_made.root);
	struct bench *b = *state;

	list.count = 0;
	b->policy.allowed = &list;
	bench_start_present(b);
	b->policy.propagate = false;
	bench_change(b);
	bench_forget(b);
	list.count = 1;
	bench_change(b);
	assert_string_equal(b->told, "");
	certprop_free(b->cp);
	b->cp = NULL;
}

/* Fitness for a log-on. */

struct fitness {
	struct bench_person who;
	uint32_t key_spec;
	struct certprop_logon needs; /* what must be allowed for it */
};

static bool
is_fit(struct bench *b, const struct fitness *f,
       const struct certprop_logon *rules)
{
	struct pki_cert *cert = bench_person(&f->who);

	b->content.cert_count = b->content.root_count = 0;
	bench_add_cert(b, cert, "9A");
	b->content.certs[0].key_spec = f->key_spec;
	b->policy.logon = *rules;
	bench_start_again(b);
	assert_non_null(strstr(b->told, "user("));
	b->content.cert_count = 0;
	pki_cert_free(cert);
	return b->fit[0] != '\0';
}

#define FIT .name = "A", .upn = "a@b", .key = PKI_RSA2048

static void
test_each_rule_of_a_log_on(void **state)
{
	const struct fitness rows[] = {
	    {{FIT}, 1, {0}},
	    {{FIT, .purposes = "clientAuth"}, 1, {.no_eku = true}},
	    {{FIT, .purposes = "anyExtendedKeyUsage"}, 1, {.no_eku = true}},
	    {{.name = "A", .upn = "a@b"}, 1, {.ecc = true}},
	    {{FIT}, 2, {.signature_only = true}},
	    {{FIT, .not_after = time(NULL) - DAY}, 1, {.time_invalid = true}},
	    {{FIT, .not_after = time(NULL) + 5 * DAY},
	     1,
	     {.time_invalid = true}},
	    {{.name = "A", .upn = "", .key = PKI_RSA2048}, 1, {.hint = true}},
	};
	static const struct certprop_logon none;
	const struct fitness never = {
	    {FIT, .purposes = "emailProtection"}, 1, {0}};
	const struct certprop_logon all = {true, true, true, true, true, false};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(is_fit(b, &rows[i], &rows[i].needs));
		if (i > 0)
			assert_false(is_fit(b, &rows[i], &none));
	}
	assert_false(is_fit(b, &never, &all));
}

/* Re-judged without a read, and nothing is kept back for it. */
static void
test_fitness_changes(void **state)
{
	static const struct bench_person curve = {.name = "Curve",
	                                          .upn = "a@b"};
	struct pki_cert *cert = bench_person(&curve);
	struct bench *b = *state;

	b->content.cert_count = b->content.root_count = 0;
	bench_add_cert(b, cert, "9A");
	bench_start_present(b);
	assert_string_equal(b->fit, "");
	bench_forget(b);
	b->policy.logon.ecc = true;
	bench_change(b);
	assert_string_equal(b->told, "begin:7/a1 user(CN=Curve) commit");
	assert_string_equal(b->fit, "CN=Curve");
	assert_string_equal(b->asked, "");
	pki_cert_free(cert);
}

#define T_MAJOR_1 "300b06062a0304050607020101"
#define T_MAJOR_2 "300b06062a0304050607020102"
#define T_OTHER   "300b06062a0304050608020101"

/* Two of one template, version and name: which is fit. */
static const char *
fit_of_two(struct bench *b, const struct bench_person *first,
           const struct bench_person *second, int preferred)
{
	struct pki_cert *certs[2] = {bench_person(first), bench_person(second)};

	b->content.cert_count = b->content.root_count = 0;
	for (int i = 0; i < 2; i++) {
		bench_add_cert(b, certs[i], "9A");
		b->content.certs[i].is_default = i == preferred;
		b->content.certs[i].index = (uint32_t)i;
	}
	bench_start_again(b);
	b->content.cert_count = 0;
	for (int i = 0; i < 2; i++)
		pki_cert_free(certs[i]);
	return b->fit;
}

static void
test_duplicates(void **state)
{
	const struct bench_person a = {FIT, .template = T_MAJOR_1,
	                               .not_after = time(NULL) + DAY};
	struct bench_person later = a, major = a, other = a, who = a, free = a;
	struct bench *b = *state;

	later.name = major.name = other.name = who.name = free.name = "B";
	later.not_after += DAY / 2;
	major.template = T_MAJOR_2;
	other.template = T_OTHER;
	who.upn = "c@d";
	free.template = NULL;
	assert_string_equal(fit_of_two(b, &a, &later, -1), "CN=B");
	assert_string_equal(fit_of_two(b, &later, &a, -1), "CN=B");
	assert_string_equal(fit_of_two(b, &a, &later, 0), "CN=A");
	assert_string_equal(fit_of_two(b, &a, &later, 1), "CN=B");
	assert_string_equal(fit_of_two(b, &a, &major, -1), "CN=A CN=B");
	assert_string_equal(fit_of_two(b, &a, &other, -1), "CN=A CN=B");
	assert_string_equal(fit_of_two(b, &a, &who, -1), "CN=A CN=B");
	assert_string_equal(fit_of_two(b, &free, &free, -1), "CN=B CN=B");
	b->policy.logon.filter_duplicates = false;
	assert_string_equal(fit_of_two(b, &a, &later, -1), "CN=A CN=B");
}

/* Claims and their ends. */

static void
test_container_order(void **state)
{
	struct bench *b = *state;

	b->content.root_count = 0;
	bench_add_cert(b, bench_made.user, "kxc05");
	bench_add_cert(b, bench_made.user, "ksc01");
	bench_add_cert(b, bench_made.user, "kxc01");
	bench_add_cert(b, bench_made.user, "kxc03");
	b->content.certs[0].index = 7;
	b->content.certs[1].index = 5;
	b->content.certs[2].index = b->content.certs[3].index = 1;
	b->content.certs[2].key_spec = 2;
	b->content.certs[4].index = 3;
	bench_start_again(b);
	assert_string_equal(b->keys, "kxc01");
	b->content.certs[4].is_default = true;
	bench_start_again(b);
	assert_string_equal(b->keys, "kxc03");
}

static void
test_stale_only_after_a_whole_read(void **state)
{
	struct bench *b = *state;

	bench_start_again(b);
	assert_false(b->archive_stale);
	b->policy.archive_stale = true;
	bench_change(b);
	assert_true(b->archive_stale);
	b->content.skips[0].reason = "needs a PIN";
	b->content.skip_count = 1;
	bench_start_again(b);
	assert_false(b->archive_stale);
	/* Nor is anything of a card that is gone. */
	b->content.skip_count = 0;
	bench_start_again(b);
	bench_take_out(b, 2);
	certprop_reassert(b->cp, b->now);
	assert_false(b->archive_stale);
}

/* What ends at log-off is said again of a card that is gone; keys are not. */
static void
test_user_cleanup_of_absent_cards(void **state)
{
	struct bench *b = *state;

	b->policy.user_cleanup = KEEP_CLEANUP_LOGOFF;
	bench_start_present(b);
	bench_take_out(b, 2);
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, USUAL " release:7 synced");
	bench_forget(b);
	b->policy.user_cleanup = KEEP_CLEANUP_REMOVAL;
	bench_change(b);
	assert_string_equal(b->told, USUAL " release:7 release:7+user");
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, USUAL_ROOTS " synced");
}

static void
test_user_cleanup_changes(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	for (int user = 2; user >= 0; user--) {
		bench_forget(b);
		b->policy.user_cleanup = (enum keep_cleanup)user;
		bench_change(b);
		assert_int_equal(b->user_cleanup, user);
		if (user > 0)
			assert_string_equal(b->told, USUAL);
	}
	bench_take_out(b, 2);
	assert_non_null(strstr(b->told, "commit release:7"));
	assert_null(strstr(b->told, "+user"));
}

/* A reload that changes nothing says nothing. */
static void
test_quiet_reload(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.old, "9D");
	bench_start_present(b);
	bench_forget(b);
	bench_change(b);
	assert_string_equal(b->told, "");
	assert_string_equal(b->news, "");
	assert_string_equal(b->cards, "");
	b->policy.skip_expired = true;
	bench_change(b);
	assert_string_equal(b->told, USUAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH(test_match_by_name),
	    BENCH(test_match_by_map),
	    BENCH(test_card_of_another),
	    BENCH(test_card_without_a_person),
	    BENCH(test_match_required_meanwhile),
	    BENCH(test_match_required_of_absent_cards),
	    BENCH(test_withheld_twin),
	    BENCH(test_allowed_roots),
	    BENCH(test_allowed_roots_change),
	    BENCH(test_absent_roots_change),
	    BENCH(test_host_roots),
	    BENCH(test_lists_while_off),
	    BENCH(test_each_rule_of_a_log_on),
	    BENCH(test_fitness_changes),
	    BENCH(test_duplicates),
	    BENCH(test_container_order),
	    BENCH(test_stale_only_after_a_whole_read),
	    BENCH(test_user_cleanup_of_absent_cards),
	    BENCH(test_user_cleanup_changes),
	    BENCH(test_quiet_reload),
	};

	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
