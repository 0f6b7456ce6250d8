/* The acceptance list, numbers 17 to 31: as far as the machine decides them. */
#include "accept.h"

#include "certprop_bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RULE(number, test) ACCEPT(number, test, bench_new, bench_free)

static const uint8_t property[] = {1, 0, 0, 0, 1, 0, 0, 0, 0, 0};

/* Everything on the card goes; fit for a log-on is only what Windows takes. */
static void
test_all_certificates(void **state)
{
	static const struct bench_person good = {
	    .name = "Good", .upn = "a@example.test", .key = PKI_RSA2048};
	static const struct bench_person curve = {.name = "Curve",
	                                          .upn = "a@example.test"};
	static const struct bench_person nameless = {
	    .name = "Nameless", .upn = "", .key = PKI_RSA2048};
	struct bench_person old = good, sign = good;
	struct bench *b = *state;
	struct pki_cert *all[5];

	old.name = "Old";
	old.not_after = time(NULL) - DAY;
	sign.name = "Sign";
	all[0] = bench_person(&good);
	all[1] = bench_person(&curve);
	all[2] = bench_person(&nameless);
	all[3] = bench_person(&old);
	all[4] = bench_person(&sign);
	b->content.cert_count = b->content.root_count = 0;
	for (size_t i = 0; i < 5; i++)
		bench_add_cert(b, all[i], "9D");
	b->content.certs[4].key_spec = 2;
	bench_start_present(b);
	assert_string_equal(b->told,
	                    "begin:7/a1 user(CN=Good) user(CN=Curve) "
	                    "user(CN=Nameless) user(CN=Old) user(CN=Sign) "
	                    "commit");
	assert_string_equal(b->fit, "CN=Good");
	for (size_t i = 0; i < 5; i++)
		pki_cert_free(all[i]);
}

/* The same is said twice, and where the key is as it is now. */
static void
test_insert_twice(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	assert_string_equal(b->told, USUAL);
	assert_string_equal(b->keys, "9A");
	bench_take_out(b, 2);
	bench_forget(b);
	(void)snprintf(b->content.certs[0].container, 8, "moved");
	bench_insert(b, 3);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL);
	assert_string_equal(b->keys, "moved");
}

static void
test_machine_keyset(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.nobody, "9D");
	b->content.certs[0].prov_flags = CARD_MACHINE_KEYSET;
	bench_start_present(b);
	assert_null(strstr(b->told, "CN=User"));
	assert_non_null(strstr(b->told, "user(CN=Nobody)"));
	assert_non_null(strstr(b->news, "cert-skipped"));
}

/* A placeholder is nobody's signature, or what the provider calls one. */
static void
test_requests(void **state)
{
	struct pki_spec spec = {.name = "Pending"};
	struct pki_cert *pending = pki_cert_new(&spec, NULL);
	struct pki_cert *marked = pki_cert_new(&spec, NULL);
	struct bench *b = *state;

	b->content.cert_count = b->content.root_count = 0;
	bench_add_cert(b, pending, "9A");
	bench_add_cert(b, marked, "9D");
	bench_add_cert(b, bench_made.user, "9C");
	b->content.certs[0].der[b->content.certs[0].len - 1] ^= 1;
	b->content.certs[1].placeholder = true;
	for (size_t i = 0; i < 3; i++) {
		b->content.certs[i].enrollment = (uint8_t *)(uintptr_t)property;
		b->content.certs[i].enrollment_len = sizeof(property);
	}
	bench_start_present(b);
	assert_string_equal(b->told, "begin:7/a1 request(CN=Pending) "
	                             "request(CN=Pending) user(CN=User) "
	                             "commit");
	assert_int_equal(b->enrollments, 3);
	pki_cert_free(pending);
	pki_cert_free(marked);
}

/* A request without a key is no request. */
static void
test_empty_request(void **state)
{
	static uint8_t none[] = {0x30, 0x03, 0x02, 0x01, 0x00};
	struct bench *b = *state;

	bench_add_cert(b, bench_made.user, "9D");
	b->content.certs[1].der = none;
	b->content.certs[1].len = sizeof(none);
	b->content.certs[1].enrollment = (uint8_t *)(uintptr_t)property;
	b->content.certs[1].enrollment_len = sizeof(property);
	bench_start_present(b);
	assert_string_equal(b->told, USUAL);
	assert_non_null(strstr(b->news, "request-dropped"));
}

static void
test_card_is_there_first(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_insert(b, 1);
	bench_pass(b, 5000);
	bench_log_on(b);
	assert_string_equal(b->asked, "read:7");
	bench_deliver(b, READER);
	assert_string_equal(b->told, USUAL);
}

static void
test_nothing_before_the_log_on(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	bench_insert(b, 1);
	bench_pass(b, 60000);
	bench_insert(b, 2);
	bench_pass(b, 60000);
	assert_string_equal(b->asked, "");
	assert_string_equal(b->told, "");
	assert_string_equal(b->card_reason,
	                    "nothing is read before the log-on");
}

/* Roots by their option, what is the user's by its own. */
static void
test_withdrawal(void **state)
{
	static const char *const told[3][3] = {
	    {"release:7", "release:7+user", "release:7"},
	    {"release:7+roots", "release:7+roots+user", "release:7+roots"},
	    {"release:7", "release:7+user", "release:7"},
	};
	struct bench *b = *state;

	for (int roots = 0; roots < 3; roots++)
		for (int user = 0; user < 3; user++) {
			certprop_free(b->cp);
			b->policy.cleanup = (enum keep_cleanup)roots;
			b->policy.user_cleanup = (enum keep_cleanup)user;
			bench_start_present(b);
			assert_int_equal(b->cleanup, roots);
			assert_int_equal(b->user_cleanup, user);
			bench_forget(b);
			bench_take_out(b, 2);
			assert_string_equal(b->told, told[roots][user]);
		}
}

/* Only the claims of the one reader end; nothing of the card goes. */
static void
test_same_card_twice(void **state)
{
	struct bench *b = *state;

	for (int cleanup = 0; cleanup < 3; cleanup++) {
		certprop_free(b->cp);
		bench_forget(b);
		b->policy.cleanup = (enum keep_cleanup)cleanup;
		bench_start_present(b);
		certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
		bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
		bench_pass(b, SETTLED);
		bench_forget(b);
		bench_deliver(b, OTHER);
		assert_string_equal(b->news, "card-read duplicate-card");
		bench_forget(b);
		bench_take_out(b, 2);
		assert_string_equal(b->told, "release:7+roots");
		bench_forget(b);
		certprop_reassert(b->cp, b->now);
		assert_string_equal(b->told,
		                    "begin:8/a1 user(CN=User) anchor(CN=Root) "
		                    "intermediate(CN=Sub) commit synced");
		bench_forget(b);
		bench_show(b, OTHER, CERTPROP_EMPTY, 2, "");
		assert_string_equal(b->told, cleanup == KEEP_CLEANUP_REMOVAL
		                                 ? "release:8+roots"
		                                 : "release:8");
	}
}

/* It is warned of once, however often the cards are read. */
static void
test_same_card_is_told_once(void **state)
{
	struct bench *b = *state;

	bench_start_present(b);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	bench_pass(b, SETTLED);
	bench_deliver(b, OTHER);
	bench_forget(b);
	b->policy.propagate_roots = false;
	bench_change(b);
	b->policy.propagate_roots = true;
	bench_change(b);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	bench_deliver(b, OTHER);
	assert_null(strstr(b->news, "duplicate-card"));
	bench_forget(b);
	b->policy.propagate = false;
	bench_change(b);
	b->policy.propagate = true;
	bench_change(b);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	bench_deliver(b, OTHER);
	assert_null(strstr(b->news, "duplicate-card"));
}

/* The lost connection says how it ended; the next one says when it saw all. */
static void
test_reconnection(void **state)
{
	struct bench *b = *state;

	b->policy.grace_s = 30;
	bench_start_present(b);
	bench_forget(b);
	certprop_end(b->cp, KEEP_END_DISCONNECT, "connection lost", b->now);
	assert_string_equal(b->told, "end");
	assert_int_equal(b->over.how, KEEP_END_DISCONNECT);
	assert_int_equal(b->over.grace_s, 30);
	assert_int_equal(b->over.max_age_s, DAY);

	certprop_free(b->cp);
	b->ended = false;
	bench_forget(b);
	b->cp = certprop_new(&b->policy, &bench_ops, b);
	certprop_reader_added(b->cp, OTHER, "Reader 0", b->now);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	certprop_user(b->cp, "alice@EXAMPLE", "credssp", "rdp:2", b->now);
	assert_string_equal(b->host_session, "rdp:2");
	bench_pass(b, SETTLED);
	assert_string_equal(b->told, "");
	bench_usual_card(b, 0xb2);
	bench_deliver(b, OTHER);
	assert_string_equal(b->told, "begin:8/b2 user(CN=User) anchor(CN=Root) "
	                             "intermediate(CN=Sub) commit synced");
}

static void
test_swap_between_polls(void **state)
{
	struct bench *b = *state;

	b->policy.cleanup = KEEP_CLEANUP_REMOVAL;
	bench_start_present(b);
	bench_forget(b);
	bench_usual_card(b, 0xb2);
	bench_insert(b, 3); /* still present, but counted twice */
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	assert_string_equal(b->told,
	                    "release:7+roots begin:7/b2 user(CN=User) "
	                    "anchor(CN=Root) intermediate(CN=Sub) commit");
	assert_string_equal(b->news, "card-removed card-inserted card-read");
}

/* It is on record only, whatever ends claims. */
static void
test_anchor_of_the_host(void **state)
{
	struct anchors *anchors = anchors_new();
	struct bench *b = *state;

	assert_int_equal(anchors_add(anchors, pki_der(bench_made.root)),
	                 ANCHORS_ADDED);
	for (int cleanup = 0; cleanup < 3; cleanup++) {
		certprop_free(b->cp);
		bench_forget(b);
		b->policy.cleanup = (enum keep_cleanup)cleanup;
		bench_start(b);
		certprop_anchors(b->cp, anchors);
		bench_log_on(b);
		bench_insert(b, 1);
		bench_pass(b, SETTLED);
		bench_deliver(b, READER);
		assert_string_equal(
		    b->told, "begin:7/a1 user(CN=User) preexisting(CN=Root) "
			     "intermediate(CN=Sub) commit");
	}
	certprop_free(b->cp);
	b->cp = NULL;
	anchors_free(anchors);
}

static void
test_helper_crash(void **state)
{
	struct bench *b = *state;

	bench_start(b);
	certprop_reader_added(b->cp, OTHER, "Reader 1", b->now);
	bench_log_on(b);
	bench_insert(b, 1);
	bench_show(b, OTHER, CERTPROP_PRESENT, 1, "atr");
	bench_pass(b, SETTLED);
	certprop_card_failed(b->cp, READER, CERTPROP_PERMANENT,
	                     "the reader helper died", b->now);
	assert_string_equal(b->asked, "read:7 read:8");
	bench_deliver(b, OTHER);
	assert_string_equal(b->told, "begin:8/a1 user(CN=User) anchor(CN=Root) "
	                             "intermediate(CN=Sub) commit");
	assert_non_null(strstr(b->cards, "7:failed"));
	assert_non_null(strstr(b->cards, "8:present"));
	assert_int_equal(b->scans, 1);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    RULE("certprop-17", test_all_certificates),
	    RULE("certprop-18", test_insert_twice),
	    RULE("certprop-19", test_machine_keyset),
	    RULE("certprop-20", test_requests),
	    RULE("certprop-20", test_empty_request),
	    RULE("certprop-21", test_card_is_there_first),
	    RULE("certprop-22", test_nothing_before_the_log_on),
	    RULE("certprop-23-machine", test_withdrawal),
	    RULE("certprop-24", test_same_card_twice),
	    RULE("certprop-24", test_same_card_is_told_once),
	    RULE("certprop-27-machine", test_reconnection),
	    RULE("certprop-29", test_swap_between_polls),
	    RULE("certprop-30", test_anchor_of_the_host),
	    RULE("certprop-31-machine", test_helper_crash),
	};

	accept_only(argc, argv);
	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
