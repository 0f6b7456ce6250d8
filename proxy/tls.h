/*
 * TLS of both legs: contexts, the proxy's own certificate, and the check of the
 * server's.  TLS 1.2 and 1.3; no renegotiation, compression, tickets or early
 * data.  Verification (name, address, purpose, chain) is OpenSSL's.
 */
#ifndef PROXY_TLS_H
#define PROXY_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

enum { TLS_PIN_LEN = 32 }; /* SHA-256 of a certificate's DER */

/* How the server's certificate is judged. */
enum tls_verify { TLS_VERIFY_CA, TLS_VERIFY_PIN, TLS_VERIFY_NONE };

/*
 * The context towards clients, with the certificate chain and key of two PEM
 * files.  NULL: *why says which file and why; a literal or a static buffer.
 */
SSL_CTX *tls_server_context(const char *certificate, const char *key,
                            int min_version, const char **why);

/*
 * The context towards servers.  ca_file: PEM bundle for TLS_VERIFY_CA, NULL for
 * the system's.  NULL: *why as above.
 */
SSL_CTX *tls_client_context(enum tls_verify verify, const char *ca_file,
                            int min_version, const char **why);

/*
 * One connection to a server.  name: the DNS name or IP address its certificate
 * must carry (checked for TLS_VERIFY_CA only, also sent as SNI).
 */
SSL *tls_client_new(SSL_CTX *ctx, enum tls_verify verify, const char *name);

/*
 * One handshake in memory: OpenSSL fills its caches, and every process that is
 * forked afterwards shares them instead of filling its own.
 */
void tls_warm_up(SSL_CTX *server);

/*
 * After the handshake: is the server's certificate one of these pins?  *digest
 * becomes its SHA-256, for the log.
 */
bool tls_pinned(const SSL *ssl, const uint8_t (*pins)[TLS_PIN_LEN],
                size_t count, uint8_t digest[TLS_PIN_LEN]);

/*
 * Make sure that a self-signed ECDSA P-256 certificate and its key are in these
 * two files (the key 0600), making both when one is missing.  False: *why.
 */
bool tls_ensure_self_signed(const char *certificate, const char *key,
                            const char **why);

#endif
