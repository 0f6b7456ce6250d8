/*
 * A TLS client that lives on: it reads what it trusts once, as OpenSSL's
 * defaults say (SSL_CERT_DIR), and for each line on its input connects anew and
 * prints "trusted" or "refused", with OpenSSL's reason.
 *
 * usage: tlsclient HOST:PORT ADDRESS
 */
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static SSL_CTX *
new_context(const char *address)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_set_default_verify_paths(ctx) != 1 ||
	    X509_VERIFY_PARAM_set1_ip_asc(SSL_CTX_get0_param(ctx), address) !=
	        1)
		abort();
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	return ctx;
}

static void
try_once(SSL_CTX *ctx, char *peer)
{
	BIO *bio = BIO_new_ssl_connect(ctx);
	SSL *ssl = NULL;
	bool connected;

	if (bio == NULL || BIO_get_ssl(bio, &ssl) != 1)
		abort();
	(void)BIO_set_conn_hostname(bio, peer);
	connected = BIO_do_connect(bio) == 1;
	(void)printf("%s %s\n", connected ? "trusted" : "refused",
	             X509_verify_cert_error_string(SSL_get_verify_result(ssl)));
	(void)fflush(stdout);
	BIO_free_all(bio);
}

int
main(int argc, char **argv)
{
	SSL_CTX *ctx;

	if (argc != 3)
		return 2;
	ctx = new_context(argv[2]);
	for (int c; (c = getchar()) != EOF;)
		if (c == '\n')
			try_once(ctx, argv[1]);
	SSL_CTX_free(ctx);
	return 0;
}
