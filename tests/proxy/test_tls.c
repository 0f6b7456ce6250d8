/*
 * TLS on both legs: which certificates, names and versions do, and which do
 * not.
 */
#include "tls.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "authority.h"
#include "scratch.h"

static char dir[] = "/tmp/test_tls.XXXXXX";
static char ca_file[64];
static struct authority ca;
static struct authority other_ca;

/* Two ends and what lies between them. */
struct pair {
	SSL *server;
	SSL *client;
};

static void
pair_open(struct pair *p, SSL_CTX *server, SSL *client)
{
	BIO *a, *b;

	p->server = SSL_new(server);
	p->client = client;
	assert_non_null(p->server);
	assert_non_null(p->client);
	assert_int_equal(BIO_new_bio_pair(&a, 65536, &b, 65536), 1);
	SSL_set_bio(p->server, a, a);
	SSL_set_bio(p->client, b, b);
	SSL_set_accept_state(p->server);
	SSL_set_connect_state(p->client);
}

static void
pair_close(struct pair *p)
{
	SSL_free(p->server);
	SSL_free(p->client);
	ERR_clear_error();
}

static bool
pair_shake(struct pair *p)
{
	int server = 0;
	int client = 0;

	for (int i = 0; i < 20 && (server != 1 || client != 1); i++) {
		client = SSL_do_handshake(p->client);
		server = SSL_do_handshake(p->server);
	}
	return server == 1 && client == 1;
}

static SSL_CTX *
client_context(enum tls_verify verify)
{
	const char *why = NULL;
	SSL_CTX *ctx =
	    tls_client_context(verify, ca_file, TLS1_2_VERSION, &why);

	assert_non_null(ctx);
	return ctx;
}

/* What OpenSSL makes of this certificate when we expect that name. */
static long
verify_result(const struct authority *server, enum tls_verify verify,
              const char *name)
{
	SSL_CTX *server_ctx = authority_server(server);
	SSL_CTX *client_ctx = client_context(verify);
	struct pair p;
	long result;
	bool ok;

	pair_open(&p, server_ctx, tls_client_new(client_ctx, verify, name));
	ok = pair_shake(&p);
	result = SSL_get_verify_result(p.client);
	if (verify == TLS_VERIFY_CA)
		assert_int_equal(ok, result == X509_V_OK);
	else
		assert_true(ok);
	pair_close(&p);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	return result;
}

enum issuer { BY_CA, BY_OTHER, BY_ITSELF };

static const struct {
	const char *what;
	struct authority_wish wish;
	enum issuer by;
	const char *name; /* expected */
	long result;
} matrix[] = {
    /* clang-format off */
	{ "the right name", {0}, BY_CA, AUTHORITY_NAME, X509_V_OK },
	{ "in other letters", {0}, BY_CA, "DESK.Example.COM", X509_V_OK },
	{ "one of several", { .names = "DNS:a.test,DNS:desk.example.com" },
	  BY_CA, AUTHORITY_NAME, X509_V_OK },
	{ "a wildcard", { .names = "DNS:*.example.com" },
	  BY_CA, AUTHORITY_NAME, X509_V_OK },
	{ "an address", { .names = "IP:192.0.2.7" },
	  BY_CA, "192.0.2.7", X509_V_OK },
	{ "an address of IPv6", { .names = "IP:2001:db8::7" },
	  BY_CA, "2001:db8::7", X509_V_OK },
	{ "an RSA key", { .rsa_bits = 2048 }, BY_CA, AUTHORITY_NAME, X509_V_OK },

	{ "another name", { .names = "DNS:other.example.com" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
	{ "a common name only", { .names = "" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
	{ "a common name beside another SAN",
	  { .names = "DNS:other.example.com" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
	{ "a wildcard two labels deep", { .names = "DNS:*.example.com" },
	  BY_CA, "a.desk.example.com", X509_V_ERR_HOSTNAME_MISMATCH },
	{ "a wildcard for the name itself", { .names = "DNS:*.example.com" },
	  BY_CA, "example.com", X509_V_ERR_HOSTNAME_MISMATCH },
	{ "part of a wildcard", { .names = "DNS:d*.example.com" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
	{ "a wildcard in the middle", { .names = "DNS:desk.*.com" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
	{ "a suffix", { .names = "DNS:esk.example.com" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
	{ "a longer name", { .names = "DNS:desk.example.com.evil.test" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
	{ "a NUL in the name", { .nul_in_name = true },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_HOSTNAME_MISMATCH },
	{ "an address as a name", { .names = "DNS:192.0.2.7" },
	  BY_CA, "192.0.2.7", X509_V_ERR_IP_ADDRESS_MISMATCH },
	{ "an address as a common name",
	  { .names = "", .common_name = "192.0.2.7" },
	  BY_CA, "192.0.2.7", X509_V_ERR_IP_ADDRESS_MISMATCH },
	{ "another address", { .names = "IP:192.0.2.8" },
	  BY_CA, "192.0.2.7", X509_V_ERR_IP_ADDRESS_MISMATCH },

	{ "expired", { .from_days = -30, .until_days = -1 },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_CERT_HAS_EXPIRED },
	{ "not yet valid", { .from_days = 2 },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_CERT_NOT_YET_VALID },
	{ "self-signed", {0}, BY_ITSELF, AUTHORITY_NAME,
	  X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT },
	{ "an unknown issuer", {0}, BY_OTHER, AUTHORITY_NAME,
	  X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY },
	{ "for clients only", { .usage = "clientAuth" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_INVALID_PURPOSE },
	{ "signed with SHA-1", { .digest = "SHA1" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_CA_MD_TOO_WEAK },
	{ "signed with MD5", { .digest = "MD5" },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_CA_MD_TOO_WEAK },
	{ "a key of 1024 bits", { .rsa_bits = 1024 },
	  BY_CA, AUTHORITY_NAME, X509_V_ERR_EE_KEY_TOO_SMALL },
    /* clang-format on */
};

static void
test_matrix(void **state)
{
	static const struct authority *const issuers[] = {&ca, &other_ca, NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(matrix) / sizeof(matrix[0]); i++) {
		struct authority server;
		long result;

		authority_issue(&server, issuers[matrix[i].by],
		                &matrix[i].wish);
		result = verify_result(&server, TLS_VERIFY_CA, matrix[i].name);
		if (result != matrix[i].result)
			fail_msg("%s: %s", matrix[i].what,
			         X509_verify_cert_error_string(result));
		authority_clear(&server);
	}
}

/* A pin says all: neither issuer nor name nor date count beside it. */
static void
test_pins(void **state)
{
	const struct authority_wish wish = {
	    .names = "DNS:other.test", .until_days = -1, .from_days = -3};
	uint8_t pins[2][TLS_PIN_LEN] = {{0}};
	const uint8_t(*list)[TLS_PIN_LEN] = (const uint8_t(*)[TLS_PIN_LEN])pins;
	uint8_t digest[TLS_PIN_LEN];
	struct authority server;
	SSL_CTX *server_ctx;
	SSL_CTX *client_ctx = client_context(TLS_VERIFY_PIN);
	struct pair p;

	(void)state;
	authority_issue(&server, NULL, &wish);
	server_ctx = authority_server(&server);
	pair_open(&p, server_ctx,
	          tls_client_new(client_ctx, TLS_VERIFY_PIN, AUTHORITY_NAME));
	assert_false(tls_pinned(p.client, list, 2, digest)); /* too early */
	assert_true(pair_shake(&p));
	assert_false(tls_pinned(p.client, list, 2, digest));
	memcpy(pins[1], digest, TLS_PIN_LEN);
	assert_false(tls_pinned(p.client, list, 0, digest));
	assert_false(tls_pinned(p.client, list, 1, digest));
	assert_true(tls_pinned(p.client, list, 2, digest));
	pins[1][TLS_PIN_LEN - 1] ^= 1;
	assert_false(tls_pinned(p.client, list, 2, digest));
	pair_close(&p);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	authority_clear(&server);
}

static void
test_server_name(void **state)
{
	SSL_CTX *ctx = client_context(TLS_VERIFY_NONE);
	SSL *ssl = tls_client_new(ctx, TLS_VERIFY_NONE, AUTHORITY_NAME);

	(void)state;
	assert_string_equal(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
	                    AUTHORITY_NAME);
	SSL_free(ssl);
	ssl = tls_client_new(ctx, TLS_VERIFY_NONE, "192.0.2.7");
	assert_null(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
	SSL_free(ssl);
	SSL_CTX_free(ctx);
}

/*
 * Our server.
 */

static SSL_CTX *
our_server(int min_version)
{
	static char certificate[64];
	static char key[64];
	const char *why = "";
	struct authority server;
	SSL_CTX *ctx;

	(void)snprintf(certificate, sizeof(certificate), "%s/cert", dir);
	(void)snprintf(key, sizeof(key), "%s/key", dir);
	authority_issue(&server, &ca, &(struct authority_wish){0});
	authority_write(&server, certificate, key);
	authority_clear(&server);
	ctx = tls_server_context(certificate, key, min_version, &why);
	assert_string_equal(why, "");
	assert_non_null(ctx);
	return ctx;
}

/* A client of these versions, as lax as can be. */
static SSL *
lax_client(int min, int max)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl;

	SSL_CTX_set_security_level(ctx, 0);
	(void)SSL_CTX_set_min_proto_version(ctx, min);
	(void)SSL_CTX_set_max_proto_version(ctx, max);
	ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	return ssl;
}

static bool
accepts(int min_version, int min, int max)
{
	SSL_CTX *ctx = our_server(min_version);
	struct pair p;
	bool ok;

	pair_open(&p, ctx, lax_client(min, max));
	ok = pair_shake(&p);
	pair_close(&p);
	SSL_CTX_free(ctx);
	return ok;
}

static void
test_versions(void **state)
{
	(void)state;
	assert_false(accepts(TLS1_2_VERSION, TLS1_VERSION, TLS1_VERSION));
	assert_false(accepts(TLS1_2_VERSION, TLS1_VERSION, TLS1_1_VERSION));
	assert_true(accepts(TLS1_2_VERSION, TLS1_VERSION, TLS1_2_VERSION));
	assert_true(accepts(TLS1_2_VERSION, TLS1_3_VERSION, TLS1_3_VERSION));
	assert_false(accepts(TLS1_3_VERSION, TLS1_VERSION, TLS1_2_VERSION));
	assert_true(accepts(TLS1_3_VERSION, TLS1_2_VERSION, TLS1_3_VERSION));
}

/* And our client takes no old server. */
static void
test_old_server(void **state)
{
	struct authority server;
	SSL_CTX *server_ctx;
	SSL_CTX *client_ctx = client_context(TLS_VERIFY_NONE);
	struct pair p;

	(void)state;
	authority_issue(&server, &ca, &(struct authority_wish){0});
	server_ctx = authority_server(&server);
	(void)SSL_CTX_set_max_proto_version(server_ctx, TLS1_1_VERSION);
	pair_open(&p, server_ctx,
	          tls_client_new(client_ctx, TLS_VERIFY_NONE, AUTHORITY_NAME));
	assert_false(pair_shake(&p));
	pair_close(&p);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
	authority_clear(&server);
}

static void
pass(SSL *from, SSL *to)
{
	char text[8] = "";

	assert_int_equal(SSL_write(from, "ping", 4), 4);
	assert_int_equal(SSL_read(to, text, sizeof(text)), 4);
	assert_string_equal(text, "ping");
}

static void
test_no_renegotiation(void **state)
{
	SSL_CTX *ctx = our_server(TLS1_2_VERSION);
	char byte;
	struct pair p;

	(void)state;
	pair_open(&p, ctx, lax_client(TLS1_2_VERSION, TLS1_2_VERSION));
	assert_true(pair_shake(&p));
	pass(p.client, p.server);
	assert_int_equal(SSL_renegotiate(p.client), 1);
	(void)SSL_do_handshake(p.client);
	assert_true(SSL_read(p.server, &byte, 1) <= 0);
	assert_int_not_equal(SSL_do_handshake(p.client), 1);
	pair_close(&p);
	SSL_CTX_free(ctx);
}

/* Nothing by which a session could be taken up again. */
static void
test_no_resumption(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	SSL_CTX *ctx = our_server(TLS1_2_VERSION);
	struct pair p;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		SSL_SESSION *session;

		pair_open(&p, ctx, lax_client(versions[i], versions[i]));
		assert_true(pair_shake(&p));
		pass(p.server, p.client);
		session = SSL_get1_session(p.client);
		assert_false(SSL_SESSION_has_ticket(session));
		pair_close(&p);

		pair_open(&p, ctx, lax_client(versions[i], versions[i]));
		(void)SSL_set_session(p.client, session);
		assert_true(pair_shake(&p));
		assert_false(SSL_session_reused(p.client));
		assert_int_equal(SSL_get_early_data_status(p.client),
		                 SSL_EARLY_DATA_NOT_SENT);
		pair_close(&p);
		SSL_SESSION_free(session);
	}
	SSL_CTX_free(ctx);
}

/*
 * Files.
 */

static void
refused_files(const char *certificate, const char *key, const char *named)
{
	const char *why = NULL;

	assert_null(tls_server_context(certificate, key, TLS1_2_VERSION, &why));
	assert_non_null(why);
	if (strstr(why, named) == NULL)
		fail_msg("%s is not named: %s", named, why);
}

static void
test_bad_files(void **state)
{
	char a[2][64], b[2][64], empty[64];
	const char *why = NULL;
	struct authority one, two;
	FILE *f;

	(void)state;
	for (int i = 0; i < 2; i++) {
		(void)snprintf(a[i], sizeof(a[i]), "%s/a%d", dir, i);
		(void)snprintf(b[i], sizeof(b[i]), "%s/b%d", dir, i);
	}
	(void)snprintf(empty, sizeof(empty), "%s/empty", dir);
	f = fopen(empty, "w");
	(void)fclose(f);
	authority_issue(&one, &ca, &(struct authority_wish){0});
	authority_issue(&two, &ca, &(struct authority_wish){0});
	authority_write(&one, a[0], a[1]);
	authority_write(&two, b[0], b[1]);
	authority_clear(&one);
	authority_clear(&two);
	refused_files("/nonexistent/cert", a[1], "/nonexistent/cert");
	refused_files(a[0], "/nonexistent/key", "/nonexistent/key");
	refused_files(empty, a[1], empty);
	refused_files(a[0], empty, empty);
	refused_files(a[0], b[1], b[1]); /* of another certificate */
	assert_null(
	    tls_client_context(TLS_VERIFY_CA, empty, TLS1_2_VERSION, &why));
	assert_non_null(strstr(why, empty));
}

static void
test_self_signed(void **state)
{
	char certificate[64], key[64];
	const char *why = NULL;
	struct stat first, again;
	X509 *cert;
	SSL_CTX *ctx;

	(void)state;
	(void)snprintf(certificate, sizeof(certificate), "%s/own-cert", dir);
	(void)snprintf(key, sizeof(key), "%s/own-key", dir);
	assert_true(tls_ensure_self_signed(certificate, key, &why));
	assert_int_equal(stat(key, &first), 0);
	assert_int_equal(first.st_mode & 0777, 0600);
	ctx = tls_server_context(certificate, key, TLS1_2_VERSION, &why);
	assert_non_null(ctx);
	cert = SSL_CTX_get0_certificate(ctx);
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(cert)), 1);
	assert_int_equal(X509_check_purpose(cert, X509_PURPOSE_SSL_SERVER, 0),
	                 1);
	SSL_CTX_free(ctx);

	assert_true(tls_ensure_self_signed(certificate, key, &why));
	assert_int_equal(stat(key, &again), 0);
	assert_int_equal(first.st_ino, again.st_ino);

	assert_int_equal(unlink(certificate), 0); /* as after a crash */
	assert_true(tls_ensure_self_signed(certificate, key, &why));
	ctx = tls_server_context(certificate, key, TLS1_2_VERSION, &why);
	assert_non_null(ctx);
	SSL_CTX_free(ctx);

	assert_false(
	    tls_ensure_self_signed("/nonexistent/c", "/nonexistent/k", &why));
	assert_non_null(strstr(why, "/nonexistent/c"));
}

static int
open_all(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(ca_file, sizeof(ca_file), "%s/ca", dir);
	authority_open(&ca, "root");
	authority_open(&other_ca, "root of others");
	authority_write(&ca, ca_file, NULL);
	return 0;
}

static int
close_all(void **state)
{
	(void)state;
	authority_clear(&ca);
	authority_clear(&other_ca);
	return scratch_remove(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_matrix),
	    cmocka_unit_test(test_pins),
	    cmocka_unit_test(test_server_name),
	    cmocka_unit_test(test_versions),
	    cmocka_unit_test(test_old_server),
	    cmocka_unit_test(test_no_renegotiation),
	    cmocka_unit_test(test_no_resumption),
	    cmocka_unit_test(test_bad_files),
	    cmocka_unit_test(test_self_signed),
	};

	return cmocka_run_group_tests(tests, open_all, close_all);
}
