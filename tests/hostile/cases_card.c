/*
 * Cards that attack whoever reads them: answers without end, and data that is
 * too much, too large or of a kind nobody should take.
 */
/* Keys nobody should have are made with the older functions alone. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "adversary.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "content.h"

enum {
	BAG_MAX = 320 * 1024,
	CERT_MAX = 64 * 1024,
	REFUSAL_MS = 50,       /* for a root file of any content ... */
	SANITIZER_SLOWNESS = 5 /* ... times this under sanitizers */
};

static void
let_read(struct client *c)
{
	client_run(c, 350, 8000);
}

/* ---- answers that no card gives */

enum answers {
	ANSWERS_61,      /* more, more, more */
	ANSWERS_61_DATA, /* the same, with data */
	ANSWERS_6C,      /* another length, please */
	ANSWERS_64K,
	ANSWERS_ONE_BYTE,
	ANSWERS_NOTHING,
	ANSWERS_PIN
};

static struct wire_view
make_answer(enum answers answers)
{
	static uint8_t data[66560];

	memset(data, 0x53, sizeof(data));
	switch (answers) {
	case ANSWERS_61:
		return (struct wire_view){(const uint8_t *)"\x61\x10", 2};
	case ANSWERS_61_DATA:
		memcpy(data + 256, "\x61\0", 2);
		return (struct wire_view){data, 258};
	case ANSWERS_6C:
		return (struct wire_view){(const uint8_t *)"\x6c\x20", 2};
	case ANSWERS_64K:
		memcpy(data + 65536, "\x90\0", 2);
		return (struct wire_view){data, 65538};
	case ANSWERS_ONE_BYTE:
		return (struct wire_view){data, 1};
	case ANSWERS_NOTHING:
		return (struct wire_view){data, 0};
	case ANSWERS_PIN:
		return (struct wire_view){(const uint8_t *)"\x69\x82", 2};
	}
	return (struct wire_view){data, 0};
}

static bool
answer_badly(struct client *c, uint32_t id, const struct ioctl *row,
             struct esc_return *ret)
{
	(void)id;
	if (row->code != IOCTL_TRANSMIT)
		return false;
	c->count++;
	ret->code = 0;
	ret->transmit.recv.view = make_answer((enum answers)c->at->n);
	ret->transmit.recv.present = true;
	ret->transmit.recv.size = (uint32_t)ret->transmit.recv.view.len;
	return false;
}

static void
bad_answers(struct client *c)
{
	fake_pcsc_insert(&c->fake.pcsc, 0, &c->card);
	c->on_call = answer_badly;
}

static void
count_answers(struct client *c)
{
	let_read(c);
	if (c->count > 512)
		adversary_complain(c, "more than 512 commands");
}

/* ---- files of a GIDS card */

static void
add_file(struct client *c, const char *name, struct wire_view bytes)
{
	(void)script_gids_file(&c->card, "mscp", name, bytes, SCRIPT_PLAIN);
}

/* A file above what two bytes of length can say. */
static void
add_long_file(struct client *c, const char *name, struct wire_view bytes)
{
	struct script_object *object = script_gids_file(
	    &c->card, "mscp", name, (struct wire_view){(const uint8_t *)"x", 1},
	    SCRIPT_PLAIN);
	size_t size = bytes.len + 8;
	struct wire_out out;

	free(object->data);
	object->data = malloc(size);
	if (object->data == NULL)
		abort();
	out = wire_out(object->data, size);
	wire_put_u16_be(&out, (uint16_t)object->tag);
	wire_put_u8(&out, 0x83);
	wire_put_u8(&out, (uint8_t)(bytes.len >> 16));
	wire_put_u16_be(&out, (uint16_t)bytes.len);
	wire_put_view(&out, bytes);
	object->len = out.len;
}

/* DER lengths of three bytes, whatever they are. */
static void
put_head(struct wire_out *out, uint8_t tag, size_t len)
{
	wire_put_u8(out, tag);
	if (len > 0xffff) {
		wire_put_u8(out, 0x83);
		wire_put_u8(out, (uint8_t)(len >> 16));
		wire_put_u16_be(out, (uint16_t)len);
	} else if (len > 0xff) {
		wire_put_u8(out, 0x82);
		wire_put_u16_be(out, (uint16_t)len);
	} else {
		if (len > 0x7f)
			wire_put_u8(out, 0x81);
		wire_put_u8(out, (uint8_t)len);
	}
}

static size_t
head_len(size_t len)
{
	return len > 0xffff ? 5 : len > 0xff ? 4 : len > 0x7f ? 3 : 2;
}

/* SignedData around what stands for its certificates. */
static struct wire_view
make_bag(struct wire_view certs)
{
	static uint8_t bytes[BAG_MAX];
	static const uint8_t oid[] = {6,    9,    0x2a, 0x86, 0x48, 0x86,
	                              0xf7, 0x0d, 1,    7,    2};
	static const uint8_t start[] = {2,    1,    1,    0x31, 0,    0x30,
	                                0x0b, 6,    9,    0x2a, 0x86, 0x48,
	                                0x86, 0xf7, 0x0d, 1,    7,    1};
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	size_t data = sizeof(start) + head_len(certs.len) + certs.len + 2;
	size_t content = head_len(data) + data;
	size_t info = sizeof(oid) + head_len(content) + content;

	put_head(&out, 0x30, info);
	wire_put_bytes(&out, oid, sizeof(oid));
	put_head(&out, 0xa0, content);
	put_head(&out, 0x30, data);
	wire_put_bytes(&out, start, sizeof(start));
	put_head(&out, 0xa0, certs.len);
	wire_put_view(&out, certs);
	wire_put_bytes(&out, "\x31", 2);
	if (!wire_out_ok(&out))
		abort();
	return wire_written(&out);
}

/* How long the proxy thinks after the last answer. */
static bool
clock_read(struct client *c, uint32_t id, const struct ioctl *row,
           struct esc_return *ret)
{
	uint64_t now = end_now_ms();

	(void)id;
	(void)ret;
	if (row->code == IOCTL_TRANSMIT)
		c->mark_ms = now;
	if (row->code == IOCTL_END_TRANSACTION)
		c->count = (unsigned)(now - c->mark_ms);
	return false;
}

static void
begin_gids(struct client *c)
{
	script_gids_begin(&c->card);
	c->card.extended = SCRIPT_WHOLE;
	fake_pcsc_insert(&c->fake.pcsc, 0, &c->card);
	c->on_call = clock_read;
}

/* That many empty SEQUENCEs as members. */
static void
many_roots(struct client *c)
{
	static uint8_t certs[BAG_MAX];
	struct wire_out out = wire_out(certs, sizeof(certs));

	begin_gids(c);
	for (unsigned i = 0; i < c->at->n; i++)
		wire_put_bytes(&out, "\x30", 2);
	add_long_file(c, "msroots", make_bag(wire_written(&out)));
}

static void
judge_time(struct client *c)
{
	unsigned long before = adversary_memory();
	unsigned long after;

	let_read(c);
	after = adversary_memory();
	if (c->card.commands < 4)
		adversary_complain(c, "the file was not read");
	if (c->count > REFUSAL_MS * SANITIZER_SLOWNESS) {
		(void)printf("    %u ms\n", c->count);
		adversary_complain(c, "too long for a refusal");
	}
	if (after > before + 4096)
		adversary_complain(c, "memory for a refusal");
}

/* 01 00, the length, and zlib data that unfolds to more. */
static void
put_packed(struct wire_out *out, size_t says, struct wire_view bytes)
{
	size_t len;
	uint8_t *data = script_deflate(bytes, SCRIPT_ZLIB, &len);

	wire_put_u16(out, 1);
	wire_put_u16(out, (uint16_t)says);
	wire_put_bytes(out, data, len);
	free(data);
}

static void
roots_bomb(struct client *c)
{
	static const uint8_t zeros[16 << 20];
	static uint8_t bytes[CERT_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	begin_gids(c);
	put_packed(&out, 0xffff, (struct wire_view){zeros, sizeof(zeros)});
	add_file(c, "msroots", wire_written(&out));
}

static void
cert_bomb(struct client *c)
{
	static const uint8_t zeros[16 << 20];
	static uint8_t bytes[CERT_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));

	begin_gids(c);
	put_packed(&out, 0x4000, (struct wire_view){zeros, sizeof(zeros)});
	add_file(c, "kxc00", wire_written(&out));
}

/* PIV: { 53 { 70 gzip, 71 01, FE } } in slot 9A, 16 MiB of zeros inside. */
static void
piv_bomb(struct client *c)
{
	static const uint8_t zeros[16 << 20];
	static uint8_t bytes[CERT_MAX];
	struct wire_out out = wire_out(bytes, sizeof(bytes));
	size_t len;
	uint8_t *data = script_deflate((struct wire_view){zeros, sizeof(zeros)},
	                               SCRIPT_GZIP, &len);

	script_card_init(&c->card, script_piv_aid);
	put_head(&out, 0x70, len);
	wire_put_bytes(&out, data, len);
	wire_put_bytes(&out, "\x71\1\1\xfe", 5);
	free(data);
	(void)script_add_wrapped(&c->card, 0x3fff, 0x5fc105, 0x53,
	                         wire_written(&out));
	c->card.extended = SCRIPT_WHOLE;
	c->on_call = clock_read;
	fake_pcsc_insert(&c->fake.pcsc, 0, &c->card);
}

/* ---- certificates */

static EVP_PKEY *
small_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	if (key == NULL)
		abort();
	return key;
}

static EVP_PKEY *
huge_rsa(unsigned bits)
{
	BIGNUM *n = BN_new(), *e = BN_new();
	RSA *rsa = RSA_new();
	EVP_PKEY *key = EVP_PKEY_new();

	if (BN_rand(n, (int)bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) != 1 ||
	    BN_set_word(e, 65537) != 1 || RSA_set0_key(rsa, n, e, NULL) != 1 ||
	    EVP_PKEY_assign_RSA(key, rsa) != 1)
		abort();
	return key;
}

static EVP_PKEY *
explicit_curve(void)
{
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EVP_PKEY *key = EVP_PKEY_new();

	EC_KEY_set_asn1_flag(ec, OPENSSL_EC_EXPLICIT_CURVE);
	if (EC_KEY_generate_key(ec) != 1 ||
	    EVP_PKEY_assign_EC_KEY(key, ec) != 1)
		abort();
	return key;
}

static void
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	if (extension == NULL || X509_add_ext(cert, extension, -1) != 1)
		abort();
	X509_EXTENSION_free(extension);
}

/* Issued by the very same key, as it says. */
static void
add_own_keyid(X509 *cert)
{
	static const uint8_t id[] = {1, 2, 3, 4, 5, 6, 7, 8};
	AUTHORITY_KEYID *keyid = AUTHORITY_KEYID_new();

	keyid->keyid = ASN1_OCTET_STRING_new();
	if (ASN1_OCTET_STRING_set(keyid->keyid, id, sizeof(id)) != 1 ||
	    X509_add1_ext_i2d(cert, NID_subject_key_identifier, keyid->keyid, 0,
	                      0) != 1 ||
	    X509_add1_ext_i2d(cert, NID_authority_key_identifier, keyid, 0,
	                      0) != 1)
		abort();
	AUTHORITY_KEYID_free(keyid);
}

static void
add_names(X509 *cert, unsigned count)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();

	for (unsigned i = 0; i < count; i++) {
		GENERAL_NAME *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();

		if (ASN1_STRING_set(text, "a", 1) != 1)
			abort();
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
		(void)sk_GENERAL_NAME_push(names, name);
	}
	if (X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) != 1)
		abort();
	GENERAL_NAMES_free(names);
}

/* For that key, by that signer, valid from days before to days after now. */
static X509 *
make_cert(EVP_PKEY *key, long from, long to)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	if (X509_set_version(cert, 2) != 1 ||
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 4711) != 1 ||
	    X509_gmtime_adj(X509_getm_notBefore(cert), from * 86400) == NULL ||
	    X509_gmtime_adj(X509_getm_notAfter(cert), to * 86400) == NULL ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	                               (const unsigned char *)"hostile", -1, -1,
	                               0) != 1 ||
	    X509_set_issuer_name(cert, name) != 1 ||
	    X509_set_pubkey(cert, key) != 1)
		abort();
	return cert;
}

static struct wire_view
sign(X509 *cert, EVP_PKEY *signer, const EVP_MD *digest)
{
	static uint8_t der[CERT_MAX * 2];
	uint8_t *at = der;
	int len;

	if (X509_sign(cert, signer, digest) == 0)
		abort();
	len = i2d_X509(cert, &at);
	X509_free(cert);
	return (struct wire_view){der, (size_t)len};
}

enum users {
	USERS_RSA_65536,
	USERS_CURVE,
	USERS_SANS,
	USERS_10000_SANS,
	USERS_GARBAGE
};

static void
bad_user(struct client *c)
{
	EVP_PKEY *signer = small_key();
	EVP_PKEY *key = c->at->n == USERS_RSA_65536 ? huge_rsa(65536)
	                : c->at->n == USERS_CURVE   ? explicit_curve()
	                                            : small_key();
	X509 *cert = make_cert(key, -1, 1);
	struct wire_view der;

	if (c->at->n == USERS_SANS)
		add_names(cert, 3000);
	if (c->at->n == USERS_10000_SANS)
		add_names(cert, 10000);
	begin_gids(c);
	der = sign(cert, signer, EVP_sha256());
	if (c->at->n == USERS_GARBAGE)
		der.len = 40;
	if (der.len > 0xffff)
		abort();
	add_file(c, "kxc00", der);
	EVP_PKEY_free(key);
	EVP_PKEY_free(signer);
}

enum roots {
	ROOTS_EXPIRED,
	ROOTS_1024,
	ROOTS_MD5,
	ROOTS_NO_CA,
	ROOTS_FORGED,
	ROOTS_RSA_65536
};

static EVP_PKEY *
root_key(unsigned n)
{
	switch ((enum roots)n) {
	case ROOTS_1024:
		return EVP_RSA_gen(1024);
	case ROOTS_RSA_65536:
		return huge_rsa(65536);
	case ROOTS_MD5:
		return EVP_RSA_gen(2048);
	case ROOTS_EXPIRED:
	case ROOTS_NO_CA:
	case ROOTS_FORGED:
		break;
	}
	return small_key();
}

static void
bad_root(struct client *c)
{
	EVP_PKEY *key = root_key(c->at->n);
	EVP_PKEY *other = small_key();
	bool forged = c->at->n == ROOTS_FORGED || c->at->n == ROOTS_RSA_65536;
	long to = c->at->n == ROOTS_EXPIRED ? -10 : 10;
	X509 *cert = make_cert(key, -20, to);

	add_extension(cert, NID_basic_constraints,
	              c->at->n == ROOTS_NO_CA ? "critical,CA:FALSE"
	                                      : "critical,CA:TRUE");
	add_extension(cert, NID_key_usage, "critical,keyCertSign,cRLSign");
	add_own_keyid(cert);
	begin_gids(c);
	add_file(
	    c, "msroots",
	    make_bag(sign(cert, forged ? other : key,
	                  c->at->n == ROOTS_MD5 ? EVP_md5() : EVP_sha256())));
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* Nothing of it may be in the store while the session lives. */
static void
let_nothing_in(struct client *c)
{
	let_read(c);
	if (c->card.commands < 4)
		adversary_complain(c, "the card was not read");
	adversary_look_stores(c);
}

static const char unread[] = "card-read-failed";

/* clang-format off */
#define ANSWERS(name, what, n) {name, STAGE_ACTIVE, FATE_LIVES, unread, what, count_answers, bad_answers, n, NULL, NULL, 0}
#define SKIPPED(name, what, run, prepare, n) {name, STAGE_ACTIVE, FATE_LIVES, "cert-skipped", what, run, prepare, n, NULL, NULL, 0}
#define REFUSED(name, event, what, prepare, n) {name, STAGE_ACTIVE, FATE_LIVES, event, what, let_nothing_in, prepare, n, NULL, NULL, 0}

const struct adversary_case cases_card[] = {
	ANSWERS("card-61", "", ANSWERS_61),
	{"card-61-data", STAGE_ACTIVE, FATE_LIVES, "card-read", "certs=0 roots=0 kept=0", count_answers, bad_answers, ANSWERS_61_DATA, NULL, NULL, 0},
	ANSWERS("card-6c", "", ANSWERS_6C),
	ANSWERS("card-64k", "", ANSWERS_64K),
	ANSWERS("card-one-byte", "answer without status", ANSWERS_ONE_BYTE),
	ANSWERS("card-nothing", "answer without status", ANSWERS_NOTHING),
	ANSWERS("card-pin", "", ANSWERS_PIN),
	SKIPPED("roots-100000", "slot=msroots", judge_time, many_roots, 100000),
	SKIPPED("roots-65", "too many certificates", judge_time, many_roots, 65),
	SKIPPED("roots-bomb", "inflate", judge_time, roots_bomb, 0),
	SKIPPED("cert-bomb", "inflate", judge_time, cert_bomb, 0),
	SKIPPED("piv-bomb", "inflate", judge_time, piv_bomb, 0),
	REFUSED("user-rsa-65536", "cert-refused", "", bad_user, USERS_RSA_65536),
	REFUSED("user-curve", "cert-refused", "", bad_user, USERS_CURVE),
	REFUSED("user-3000-names", "cert-refused", "", bad_user, USERS_SANS),
	REFUSED("user-10000-names", "cert-skipped", "slot=kxc00", bad_user, USERS_10000_SANS),
	REFUSED("user-garbage", "cert-skipped", "not a certificate", bad_user, USERS_GARBAGE),
	/* Dates are for those who verify, as on Windows: it is taken, and leaves with the session. */
	{"root-expired", STAGE_ACTIVE, FATE_LIVES, "card-read", "reader=mallory", let_read, bad_root, ROOTS_EXPIRED, NULL, NULL, 0},
	REFUSED("root-1024", "root-refused", "key too weak", bad_root, ROOTS_1024),
	REFUSED("root-md5", "root-refused", "broken digest", bad_root, ROOTS_MD5),
	REFUSED("root-no-ca", "root-refused", "not a certification authority", bad_root, ROOTS_NO_CA),
	REFUSED("root-forged", "root-refused", "self-signature does not verify", bad_root, ROOTS_FORGED),
	REFUSED("root-rsa-65536", "root-refused", "RSA key above 8192 bits", bad_root, ROOTS_RSA_65536),
	{.name = NULL},
};
/* clang-format on */
