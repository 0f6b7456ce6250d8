/*
 * The keys of the configuration, a row for each: its section, its name, the
 * field it fills and how its text is read.  To add a key is to add a field and
 * a row.
 */
#ifndef PROXY_CONFKEY_H
#define PROXY_CONFKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum confkey_section {
	CONFKEY_DAEMON, /* fills a struct config */
	CONFKEY_LISTEN, /* a struct config_listener */
	CONFKEY_TARGET, /* a struct config_target */
	CONFKEY_TLS,    /* a struct config */
	CONFKEY_POLICY, /* a struct policy */
	CONFKEY_STORE,  /* a struct config */
	CONFKEY_SECTIONS
};

/* The keys a section had: a bit for each row.  All zeros: none. */
enum { CONFKEY_ROWS_MAX = 512 };
struct confkey_seen {
	uint8_t bits[CONFKEY_ROWS_MAX / 8];
};

/*
 * Fill one field of base, which is what the section fills.  *seen remembers
 * the keys this section had.  NULL, or a literal that says what is wrong.
 */
const char *confkey_set(enum confkey_section section, void *base,
                        const char *name, const char *value, unsigned line,
                        struct confkey_seen *seen);

/* May this key of a policy stand there several times, each adding to it? */
bool confkey_repeats(const char *name);

/*
 * Is this key known here for its name only?  Windows has it, and nothing of
 * what we do depends on it.
 */
bool confkey_no_effect(const char *name);

/* All keys, by index, for tests and documentation; NULL after the last. */
const char *confkey_name(size_t index, enum confkey_section *section);

#endif
