/*
 * The values of the configuration: from text into what the daemon uses.  Each
 * function returns NULL, or a literal that says what the value should be; it
 * then leaves its result alone.
 */
#ifndef PROXY_VALUE_H
#define PROXY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

enum {
	VALUE_NAME_MAX = 63,  /* characters of a section's name */
	VALUE_HOST_MAX = 253, /* of a DNS name */
	VALUE_GLOB_STARS = 8, /* more make matching slow */
	VALUE_PORT = 3389     /* where none is given */
};

/* Letters, digits, '.', '-', '_': what may name a target or a policy. */
const char *value_name(const char *text);

/* An absolute path; value_file: of something that is not missing. */
const char *value_path(const char *text);
const char *value_file(const char *text);

/* "0" or "1". */
const char *value_switch(const char *text, bool *value);
const char *value_number(const char *text, uint32_t min, uint32_t max,
                         uint32_t *value);

/* "90", "90s", "15m", "24h", "7d": seconds, at most max of them. */
const char *value_span(const char *text, uint32_t max, uint32_t *seconds);

/* "192.0.2.1:3389" or "[::]:3389"; the port may be left out. */
const char *value_listen(const char *text, struct sockaddr_storage *address,
                         socklen_t *len);

/* "host:port", as above; the texts are the caller's then. */
const char *value_server(const char *text, char **host, char **port);

/* A glob pattern for fnmatch. */
const char *value_glob(const char *text);

/*
 * SHA-256 digests in hexadecimal, colons allowed, blanks or commas between
 * them; at most max of them.
 */
const char *value_digests(const char *text, uint8_t (*digests)[32], size_t max,
                          size_t *count);

/* One digest. */
const char *value_digest(const char *text, uint8_t digest[32]);

const char *value_group(const char *text, gid_t *group);

/*
 * An ordinary file of at most max bytes, and a NUL behind them; the caller's.
 * NULL: errno.
 */
char *value_read_file(const char *path, size_t max, size_t *len);

#endif
