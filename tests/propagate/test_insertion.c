/* What of a card goes where, what is left out, and the news about it. */
#include "insertion.h"

#include "certprop_bench.h"
#include "property.h"

#include <stdio.h>
#include <string.h>

/* What goes where. */

static void
test_expired(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.old, "9D");
	bench_start_again(b);
	assert_non_null(strstr(b->told, "user(CN=Old)"));
	b->policy.skip_expired = true;
	bench_start_again(b);
	assert_null(strstr(b->told, "CN=Old"));
	assert_non_null(strstr(b->told, "user(CN=User)"));
	assert_non_null(strstr(b->news, "cert-skipped"));
}

static void
test_machine_like(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.computer, "9D");
	assert_true(b->policy.refuse_machine_like);
	b->policy.refuse_machine_like = false;
	bench_start_again(b);
	assert_non_null(strstr(b->told, "user(CN=Computer)"));
	assert_non_null(strstr(b->news, "cert-machine-like"));
	b->policy.propagate_device = true;
	b->policy.refuse_machine_like = true;
	bench_start_again(b);
	assert_string_equal(b->told, USUAL);
	assert_non_null(strstr(b->news, "cert-skipped"));
}

static void
test_device(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.door, "9C");
	bench_add_cert(b, bench_made.nobody, "9E");
	bench_start_again(b);
	assert_string_equal(b->told, USUAL);
	b->policy.propagate_device = true;
	bench_start_again(b);
	assert_non_null(strstr(b->told, "user(CN=Door)"));
	assert_non_null(strstr(b->told, "user(CN=Nobody)"));
}

static void
test_roots_off(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.root, "82");
	b->policy.propagate_roots = false;
	bench_start_again(b);
	assert_string_equal(b->told, USUAL_USER);
}

static void
test_authorities_in_slots(void **state)
{
	struct bench *b = *state;

	b->content.root_count = 0;
	b->content.cert_count = 0;
	bench_add_cert(b, bench_made.root, "82");
	bench_add_cert(b, bench_made.sub, "83");
	bench_start_again(b);
	assert_string_equal(b->told, "begin:7/a1 anchor(CN=Root) "
	                             "intermediate(CN=Sub) commit");
	(void)snprintf(b->content.certs[0].slot, 8, "9A");
	bench_start_again(b);
	assert_string_equal(b->told, "begin:7/a1 intermediate(CN=Root) "
	                             "intermediate(CN=Sub) commit");
	(void)snprintf(b->content.certs[0].slot, 8, "82");
	b->content.family = CARD_GIDS;
	bench_start_again(b);
	assert_null(strstr(b->told, "anchor"));
}

static void
test_refusals_are_news(void **state)
{
	struct bench *b = *state;

	bench_add_root(b, bench_made.user);
	b->content.certs[1] = b->content.certs[0];
	b->content.certs[1].len -= 1;
	b->content.cert_count = 2;
	b->content.skips[0].reason = "needs a PIN";
	b->content.skip_count = 1;
	bench_start_again(b);
	assert_string_equal(b->told, USUAL);
	assert_string_equal(b->news, "card-inserted cert-refused root-refused "
	                             "cert-skipped card-read");
}

/* One certificate in two containers is one entry. */
static void
test_twins_on_a_card(void **state)
{
	struct bench *b = *state;

	bench_add_cert(b, bench_made.user, "9D");
	bench_add_root(b, bench_made.root);
	bench_start_again(b);
	assert_string_equal(b->told, USUAL);
}

static void
test_empty_card(void **state)
{
	struct bench *b = *state;

	b->content.cert_count = b->content.root_count = 0;
	bench_start_again(b);
	assert_string_equal(b->told, "begin:7/a1 commit");
	bench_take_out(b, 2);
	assert_string_equal(b->told, "begin:7/a1 commit release:7");
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_string_equal(b->told, "synced");
}

static void
test_as_many_as_allowed(void **state)
{
	struct bench *b = *state;

	b->content.root_count = b->content.cert_count = 0;
	for (size_t i = 0; i < CARD_ROOTS_MAX; i++)
		bench_add_root(b, bench_made.root);
	for (size_t i = 0; i < CARD_CERTS_MAX; i++)
		bench_add_cert(b, bench_made.user, "9A");
	b->content.skip_count = CARD_CERTS_MAX;
	for (size_t i = 0; i < CARD_CERTS_MAX; i++)
		b->content.skips[i].reason = "empty";
	bench_start_again(b);
	assert_string_equal(b->told,
	                    "begin:7/a1 user(CN=User) anchor(CN=Root) commit");
}

/* What is refused, counted and remembered. */
struct refusals {
	size_t count;
	const char *reason;
};

static void
on_refusal(void *arg, const struct insertion_refusal *refusal)
{
	struct refusals *to = arg;

	to->count++;
	to->reason = refusal->reason;
}

/* What the card of the bench gives, of a host with these anchors. */
static struct insertion *
judge(struct bench *b, const struct anchors *anchors, struct refusals *to)
{
	struct insertion_terms terms = {&b->policy, anchors, "alice@EXAMPLE"};
	struct insertion *in =
	    insertion_new(&b->content, &terms, on_refusal, to);

	assert_non_null(in);
	return in;
}

static void
assert_text(struct wire_view view, const char *text)
{
	assert_true(wire_view_equal(view, wire_view_text(text)));
}

static struct pki_cert *
with_logon(void)
{
	static const struct pki_ext exts[] = {
	    {"keyUsage", "critical,digitalSignature"},
	    {"extendedKeyUsage", "1.3.6.1.4.1.311.20.2.2"},
	    {"subjectAltName", "otherName:1.3.6.1.4.1.311.20.2.3;"
	                       "UTF8:user@example.test"},
	    {"subjectKeyIdentifier", "hash"},
	    {NULL, NULL},
	};
	struct pki_spec spec = {
	    .name = "Logon", .key = PKI_RSA2048, .exts = exts};

	return pki_cert_new(&spec, bench_made.sub);
}

static void
test_key_columns(void **state)
{
	struct bench *b = *state;
	struct pki_cert *logon = with_logon();
	struct refusals none = {0, NULL};
	struct insertion *in;
	struct keep_cert cert;

	b->content.cert_count = 0;
	bench_add_cert(b, logon, "9A");
	in = judge(b, NULL, &none);
	assert_int_equal(insertion_count(in), 3);
	assert_int_equal(insertion_root_count(in), 2);
	insertion_describe(in, 0, &cert);
	assert_text(cert.friendly_name, "PIV: Logon");
	assert_text(cert.prov_name,
	            "Microsoft Smart Card Key Storage Provider");
	assert_int_equal(cert.prov_type, 0);
	assert_text(cert.container, "9A");
	assert_int_equal(cert.key_spec, 1);
	assert_text(cert.pkcs11_uri, "pkcs11:id=%01;type=private");
	assert_true(cert.logon_eligible);
	insertion_describe(in, 1, &cert);
	assert_int_equal(cert.prov_name.len + cert.container.len, 0);
	insertion_free(in);

	/* The signature half of a named container. */
	b->content.certs[0].key_spec = 2;
	(void)snprintf(b->content.certs[0].container,
	               sizeof(b->content.certs[0].container), "{guid}");
	in = judge(b, NULL, &none);
	insertion_describe(in, 0, &cert);
	assert_text(cert.container, "{guid}");
	assert_int_equal(cert.key_spec, 2);
	assert_false(cert.logon_eligible);
	insertion_free(in);
	assert_int_equal(none.count, 0);
	pki_cert_free(logon);
}

/* The default container wins, else an exchange key, else the first. */
static void
test_best_container(void **state)
{
	struct bench *b = *state;
	struct refusals none = {0, NULL};
	struct insertion *in;
	struct keep_cert cert;

	b->content.root_count = 0;
	b->content.certs[0].key_spec = 2;
	bench_add_cert(b, bench_made.user, "9C");
	bench_add_cert(b, bench_made.user, "9D");
	in = judge(b, NULL, &none);
	assert_int_equal(insertion_count(in), 1);
	insertion_describe(in, 0, &cert);
	assert_text(cert.container, "9C");
	insertion_free(in);
	/* Its pointer changes with it. */
	b->content.certs[2].is_default = true;
	b->content.certs[2].index = 2;
	in = judge(b, NULL, &none);
	insertion_describe(in, 0, &cert);
	assert_text(cert.container, "9D");
	assert_text(cert.pkcs11_uri, "pkcs11:id=%03;type=private");
	insertion_free(in);
}

static void
test_bytes_of_roots(void **state)
{
	static const struct pki_ext exts[] = {
	    {"basicConstraints", "critical,CA:TRUE"},
	    {NULL, NULL},
	};
	struct pki_spec spec = {.name = "Fat", .exts = exts, .pad = 15000};
	struct pki_cert *fat[18];
	struct bench *b = *state;
	struct refusals seen = {0, NULL};
	struct insertion *in;

	b->content.root_count = 0;
	for (size_t i = 0; i < 18; i++) {
		fat[i] = pki_cert_new(&spec, NULL);
		bench_add_root(b, fat[i]);
	}
	in = judge(b, NULL, &seen);
	assert_int_equal(insertion_root_count(in), 17);
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.reason, "too many bytes of roots");
	insertion_free(in);
	for (size_t i = 0; i < 18; i++)
		pki_cert_free(fat[i]);
}

static void
test_number_of_roots(void **state)
{
	struct bench *b = *state;
	struct pki_cert *roots[KEEP_ROOTS_MAX];
	struct refusals seen = {0, NULL};
	struct insertion *in;

	b->content.root_count = 0;
	for (size_t i = 0; i < KEEP_ROOTS_MAX; i++) {
		roots[i] = pki_ca_new("One of many", NULL);
		bench_add_root(b, roots[i]);
	}
	in = judge(b, NULL, &seen);
	assert_int_equal(insertion_root_count(in), KEEP_ROOTS_MAX);
	assert_int_equal(seen.count, 0);
	insertion_free(in);
	/* One more, in a slot. */
	bench_add_cert(b, bench_made.root, "82");
	in = judge(b, NULL, &seen);
	assert_int_equal(insertion_root_count(in), KEEP_ROOTS_MAX);
	assert_string_equal(seen.reason, "too many roots");
	insertion_free(in);
	for (size_t i = 0; i < KEEP_ROOTS_MAX; i++)
		pki_cert_free(roots[i]);
}

static void
test_weak_roots(void **state)
{
	static const struct pki_ext exts[] = {
	    {"basicConstraints", "critical,CA:TRUE"},
	    {NULL, NULL},
	};
	struct pki_spec spec = {
	    .name = "Weak", .key = PKI_RSA1024, .exts = exts};
	struct pki_cert *weak = pki_cert_new(&spec, NULL);
	struct bench *b = *state;
	struct refusals seen = {0, NULL};
	struct insertion *in;

	b->content.root_count = 0;
	bench_add_root(b, weak);
	in = judge(b, NULL, &seen);
	assert_int_equal(insertion_root_count(in), 0);
	assert_int_equal(seen.count, 1);
	insertion_free(in);
	b->policy.allow_weak_roots = true;
	in = judge(b, NULL, &seen);
	assert_int_equal(insertion_root_count(in), 1);
	insertion_free(in);
	pki_cert_free(weak);
}

/* A session on a host that has this anchor, with the card read. */
static void
read_on_host(struct bench *b, const struct pki_cert *anchor)
{
	struct anchors *anchors = anchors_new();

	assert_non_null(anchors);
	assert_int_equal(anchors_add(anchors, pki_der(anchor)), ANCHORS_ADDED);
	certprop_free(b->cp);
	bench_forget(b);
	bench_start(b);
	certprop_anchors(b->cp, anchors);
	bench_log_on(b);
	bench_insert(b, 1);
	bench_pass(b, SETTLED);
	bench_deliver(b, READER);
	certprop_anchors(b->cp, NULL);
	anchors_free(anchors);
}

/* What the host trusts already is a record, and goes as roots go. */
static void
test_preexisting(void **state)
{
	struct bench *b = *state;

	read_on_host(b, bench_made.root);
	assert_string_equal(b->told,
	                    "begin:7/a1 user(CN=User) preexisting(CN=Root) "
	                    "intermediate(CN=Sub) commit");
	assert_non_null(strstr(b->news, "root-preexisting"));
	bench_forget(b);
	certprop_reassert(b->cp, b->now);
	assert_non_null(strstr(b->told, "preexisting(CN=Root)"));
	b->policy.propagate_roots = false;
	bench_change(b);
	assert_non_null(strstr(b->told, "release:7+roots " USUAL_USER));
	/* Nor is there anything to say where roots are off. */
	read_on_host(b, bench_made.root);
	assert_string_equal(b->told, USUAL_USER);
	assert_null(strstr(b->news, "root-preexisting"));
}

static void
test_preexisting_intermediate(void **state)
{
	struct bench *b = *state;

	read_on_host(b, bench_made.sub);
	assert_string_equal(b->told, "begin:7/a1 user(CN=User) anchor(CN=Root) "
	                             "preexisting(CN=Sub) commit");
}

static void
test_imitated_name(void **state)
{
	struct bench *b = *state;
	struct pki_cert *real = pki_ca_new("Root", NULL);
	struct pki_cert *sub = pki_ca_new("Sub", NULL);

	read_on_host(b, real);
	assert_string_equal(b->told, "begin:7/a1 user(CN=User) "
	                             "intermediate(CN=Sub) commit");
	assert_non_null(strstr(b->news, "root-refused"));
	/* In a slot beside the keys as well. */
	b->content.root_count = 0;
	bench_add_cert(b, bench_made.root, "82");
	bench_add_cert(b, bench_made.root, "9D");
	read_on_host(b, real);
	assert_string_equal(b->told, USUAL_USER);
	/* An authority that another one vouches for may. */
	bench_usual_card(b, 0xa1);
	read_on_host(b, sub);
	assert_string_equal(b->told, USUAL);
	pki_cert_free(sub);
	pki_cert_free(real);
}

static void
test_imitation_is_told(void **state)
{
	struct pki_cert *name = pki_ca_new("Root", NULL);
	struct pki_cert *key = pki_ca_new("Key", NULL);
	struct anchors *anchors = anchors_new();
	struct bench *b = *state;
	struct refusals seen = {0, NULL};
	unsigned char *der = NULL;
	int len;

	b->content.root_count = 1;
	assert_int_equal(anchors_add(anchors, pki_der(name)), ANCHORS_ADDED);
	insertion_free(judge(b, anchors, &seen));
	assert_int_equal(seen.count, 1);
	assert_string_equal(seen.reason,
	                    "has the name of a trust anchor of this host");
	anchors_free(anchors);

	anchors = anchors_new();
	assert_int_equal(
	    X509_set_pubkey(pki_x509(key), pki_pkey(bench_made.root)), 1);
	len = i2d_X509(pki_x509(key), &der);
	assert_true(len > 0);
	assert_int_equal(
	    anchors_add(anchors, (struct wire_view){der, (size_t)len}),
	    ANCHORS_ADDED);
	insertion_free(judge(b, anchors, &seen));
	assert_int_equal(seen.count, 2);
	assert_string_equal(seen.reason,
	                    "has the key of a trust anchor of this host");
	OPENSSL_free(der);
	anchors_free(anchors);
	pki_cert_free(key);
	pki_cert_free(name);
}

static void
test_pending_request(void **state)
{
	struct pki_spec spec = {.name = "Pending"};
	struct pki_cert *made = pki_cert_new(&spec, NULL);
	struct bench *b = *state;
	struct card_cert *cert = &b->content.certs[0];

	/* Nobody's signature: what a key waits under. */
	b->content.cert_count = b->content.root_count = 0;
	bench_add_cert(b, made, "9A");
	cert->der[cert->len - 1] ^= 1;
	bench_start_again(b);
	assert_string_equal(b->told, "begin:7/a1 request(CN=Pending) commit");
	pki_cert_free(made);
}

static void
ignore_refusal(void *arg, const struct insertion_refusal *refusal)
{
	(void)arg;
	(void)refusal;
}

/* Judge this content; what becomes of its first certificate goes to cert. */
static struct insertion *
judge_first(const struct card_content *content, struct keep_cert *cert)
{
	struct certprop_policy policy;
	const struct insertion_terms terms = {.policy = &policy, .user = "u"};
	struct insertion *in;

	certprop_policy_defaults(&policy);
	in = insertion_new(content, &terms, ignore_refusal, NULL);
	assert_non_null(in);
	assert_true(insertion_count(in) > 0);
	insertion_describe(in, 0, cert);
	return in;
}

/* What the card says of itself, and who guards its keys; never more. */
static void
test_card_columns(void **state)
{
	static uint8_t record[CARD_RECORD_LEN] = {'k'};
	struct bench *b = *state;
	struct card_content *content = &b->content;
	struct keep_cert cert;
	struct property_pin pin;
	struct insertion *in;

	content->family = CARD_PIV;
	in = judge_first(content, &cert);
	assert_int_equal(insertion_chuid(in).len, 0); /* a digest is no GUID */
	assert_int_equal(insertion_card_serial(in).len, 0);
	assert_false(cert.has_pin);
	assert_int_equal(cert.pin_info.len + cert.card_data.len, 0);
	insertion_free(in);

	content->names_itself = true;
	content->certs[0].pin = CARD_PIN_ALWAYS;
	in = judge_first(content, &cert);
	assert_int_equal(insertion_chuid(in).len, CARD_ID_LEN);
	assert_int_equal(insertion_card_serial(in).len, 0);
	assert_true(cert.has_pin && cert.pin_id == 1);
	assert_true(property_get_pin(cert.pin_info, &pin));
	assert_int_equal(pin.cache, PROPERTY_PIN_ALWAYS_ASKED);
	insertion_free(in);

	content->family = CARD_GIDS;
	content->certs[0].pin = CARD_PIN_NONE;
	content->certs[0].record = record;
	in = judge_first(content, &cert);
	content->certs[0].record = NULL; /* it has its own */
	assert_int_equal(insertion_chuid(in).len, 0);
	assert_int_equal(insertion_card_serial(in).len, 2 * CARD_ID_LEN);
	assert_true(cert.has_pin && cert.pin_id == 0);
	assert_true(property_get_pin(cert.pin_info, &pin));
	assert_int_equal(pin.type, PROPERTY_PIN_EMPTY);
	assert_true(wire_view_equal(
	    cert.card_data, (struct wire_view){record, sizeof(record)}));
	insertion_free(in);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    BENCH(test_expired),
	    BENCH(test_machine_like),
	    BENCH(test_device),
	    BENCH(test_roots_off),
	    BENCH(test_authorities_in_slots),
	    BENCH(test_refusals_are_news),
	    BENCH(test_twins_on_a_card),
	    BENCH(test_empty_card),
	    BENCH(test_as_many_as_allowed),
	    BENCH(test_key_columns),
	    BENCH(test_card_columns),
	    BENCH(test_best_container),
	    BENCH(test_bytes_of_roots),
	    BENCH(test_number_of_roots),
	    BENCH(test_weak_roots),
	    BENCH(test_preexisting),
	    BENCH(test_preexisting_intermediate),
	    BENCH(test_imitated_name),
	    BENCH(test_imitation_is_told),
	    BENCH(test_pending_request),
	};

	return cmocka_run_group_tests(tests, bench_make_all, bench_free_all);
}
