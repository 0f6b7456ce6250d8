#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SELF_SIGNED_DAYS = 10 * 365 };

/* What went wrong with what, kept until the next failure. */
static const char *
explain(const char *what)
{
	static char text[512];
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	(void)snprintf(text, sizeof(text), "%s: %s", what,
	               reason != NULL ? reason : strerror(errno));
	ERR_clear_error();
	return text;
}

/* What both directions share. */
static bool
set_common(SSL_CTX *ctx, int min_version)
{
	(void)SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
		     SSL_OP_NO_TICKET | SSL_OP_CLEANSE_PLAINTEXT);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	                                SSL_MODE_ENABLE_PARTIAL_WRITE |
	                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_read_ahead(ctx, 1);
	return SSL_CTX_set_num_tickets(ctx, 0) == 1 &&
	       SSL_CTX_set_min_proto_version(ctx, min_version) == 1;
}

SSL_CTX *
tls_server_context(const char *certificate, const char *key, int min_version,
                   const char **why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	ERR_clear_error();
	if (ctx == NULL || !set_common(ctx, min_version)) {
		*why = explain("TLS context");
	} else if (SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1) {
		*why = explain(certificate);
	} else if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) !=
	           1) {
		*why = explain(key);
	} else {
		(void)SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
		return ctx;
	}
	SSL_CTX_free(ctx);
	return NULL;
}

SSL_CTX *
tls_client_context(enum tls_verify verify, const char *ca_file, int min_version,
                   const char **why)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	bool ok;

	ERR_clear_error();
	if (ctx == NULL || !set_common(ctx, min_version)) {
		*why = explain("TLS context");
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (verify != TLS_VERIFY_CA)
		return ctx;
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	ok = ca_file == NULL ? SSL_CTX_set_default_verify_paths(ctx) == 1
	                     : SSL_CTX_load_verify_file(ctx, ca_file) == 1;
	if (ok)
		return ctx;
	*why = explain(ca_file == NULL ? "the system's CA file" : ca_file);
	SSL_CTX_free(ctx);
	return NULL;
}

/* An IP address must be a SAN of type iPAddress, a name one of type dNSName. */
static bool
expect_name(SSL *ssl, const char *name)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	X509_VERIFY_PARAM_set_hostflags(
	    param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
		       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (X509_VERIFY_PARAM_set1_ip_asc(param, name) == 1)
		return true;
	ERR_clear_error();
	return X509_VERIFY_PARAM_set1_host(param, name, 0) == 1;
}

/* SNI carries names only (RFC 6066 section 3). */
static bool
is_address(const char *name)
{
	ASN1_OCTET_STRING *ip = a2i_IPADDRESS(name);

	ASN1_OCTET_STRING_free(ip);
	ERR_clear_error();
	return ip != NULL;
}

/* OpenSSL copies the name, but its macro takes it as writable. */
static bool
send_name(SSL *ssl, const char *name)
{
	char *copy = strdup(name);
	bool ok = copy != NULL && SSL_set_tlsext_host_name(ssl, copy) == 1;

	free(copy);
	return ok;
}

SSL *
tls_client_new(SSL_CTX *ctx, enum tls_verify verify, const char *name)
{
	SSL *ssl = SSL_new(ctx);
	bool ok = ssl != NULL;

	if (ok && !is_address(name))
		ok = send_name(ssl, name);
	if (ok && verify == TLS_VERIFY_CA)
		ok = expect_name(ssl, name);
	if (ok)
		return ssl;
	SSL_free(ssl);
	return NULL;
}

/* Both ends in turn until they are done, then a byte each way. */
static void
shake_hands(SSL *server, SSL *client)
{
	enum { TURNS_MAX = 8 };
	char byte = 0;

	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (int i = 0; i < TURNS_MAX; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	(void)SSL_write(server, &byte, 1);
	(void)SSL_read(client, &byte, 1);
	(void)SSL_write(client, &byte, 1);
	(void)SSL_read(server, &byte, 1);
}

void
tls_warm_up(SSL_CTX *server_ctx)
{
	SSL_CTX *client_ctx = SSL_CTX_new(TLS_client_method());
	SSL *server = SSL_new(server_ctx);
	SSL *client = client_ctx == NULL ? NULL : SSL_new(client_ctx);
	BIO *left = NULL;
	BIO *right = NULL;

	if (server != NULL && client != NULL &&
	    BIO_new_bio_pair(&left, 0, &right, 0) == 1) {
		SSL_set_bio(server, left, left);
		SSL_set_bio(client, right, right);
		shake_hands(server, client);
	}
	SSL_free(server);
	SSL_free(client);
	SSL_CTX_free(client_ctx);
	ERR_clear_error();
}

bool
tls_pinned(const SSL *ssl, const uint8_t (*pins)[TLS_PIN_LEN], size_t count,
           uint8_t digest[TLS_PIN_LEN])
{
	const X509 *cert = SSL_get0_peer_certificate(ssl);
	bool found = false;

	memset(digest, 0, TLS_PIN_LEN);
	if (cert == NULL || X509_digest(cert, EVP_sha256(), digest, NULL) != 1)
		return false;
	for (size_t i = 0; i < count; i++)
		found = found || memcmp(pins[i], digest, TLS_PIN_LEN) == 0;
	return found;
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = ext != NULL && X509_add_ext(cert, ext, -1) == 1;

	X509_EXTENSION_free(ext);
	return ok;
}

/* The name is the host's, as RDP clients show it when they ask. */
static bool
set_names(X509 *cert)
{
	X509_NAME *name = X509_get_subject_name(cert);
	char host[256] = "cardproxy";
	char san[300];

	(void)gethostname(host, sizeof(host) - 1);
	(void)snprintf(san, sizeof(san), "DNS:%s", host);
	host[64] = '\0'; /* ub-common-name */
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	                                  (const unsigned char *)host, -1, -1,
	                                  0) == 1 &&
	       X509_set_issuer_name(cert, name) == 1 &&
	       add_extension(cert, NID_subject_alt_name, san);
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	uint64_t serial = 0;
	bool ok = cert != NULL &&
	          RAND_bytes((unsigned char *)&serial, sizeof(serial)) == 1;

	ok = ok && X509_set_version(cert, X509_VERSION_3) == 1 &&
	     ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
	                             serial >> 1) == 1 &&
	     X509_gmtime_adj(X509_getm_notBefore(cert), -86400) != NULL &&
	     X509_time_adj_ex(X509_getm_notAfter(cert), SELF_SIGNED_DAYS, 0,
	                      NULL) != NULL &&
	     X509_set_pubkey(cert, key) == 1 && set_names(cert) &&
	     add_extension(cert, NID_ext_key_usage, "serverAuth") &&
	     add_extension(cert, NID_key_usage, "critical,digitalSignature") &&
	     X509_sign(cert, key, EVP_sha256()) > 0;
	if (ok)
		return cert;
	X509_free(cert);
	return NULL;
}

/* A whole file or none: written beside its name, then renamed. */
static bool
write_pem(const char *path, mode_t mode, const X509 *cert, const EVP_PKEY *key)
{
	char tmp[4096];
	int fd;
	FILE *f;
	bool ok;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		return false;
	(void)unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
	          mode);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (f == NULL)
		return false;
	ok = cert != NULL
	         ? PEM_write_X509(f, cert) == 1
	         : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1;
	ok = fflush(f) == 0 && fsync(fd) == 0 && ok;
	ok = fclose(f) == 0 && ok;
	return ok && rename(tmp, path) == 0;
}

bool
tls_ensure_self_signed(const char *certificate, const char *key,
                       const char **why)
{
	EVP_PKEY *pkey;
	X509 *cert;
	bool ok;

	if (access(certificate, F_OK) == 0 && access(key, F_OK) == 0)
		return true;
	ERR_clear_error();
	pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	cert = pkey == NULL ? NULL : make_certificate(pkey);
	ok = cert != NULL && write_pem(key, 0600, NULL, pkey) &&
	     write_pem(certificate, 0644, cert, NULL);
	if (!ok)
		*why = explain(certificate);
	X509_free(cert);
	EVP_PKEY_free(pkey);
	return ok;
}
