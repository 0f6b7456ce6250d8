/*
 * What cardproxyctl sends behind a line: the root of a file that is to be
 * pinned, and changes of properties.  Files are parsed here, so that the keeper
 * need not.  Faults are told on standard error.
 */
#ifndef PROXY_CTLIMPORT_H
#define PROXY_CTLIMPORT_H

#include "property.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ctlimport {
	uint8_t *data; /* to be freed */
	size_t len;
	char sha256[65]; /* of a root */
	size_t passed;   /* properties that are not anybody's to import */
};

/* A PEM or DER file with one certificate that a card could bring as a root. */
bool ctlimport_root(struct ctlimport *import, const char *path);

/* A serialised store of Windows, or JSON as "certs export --json" writes it. */
bool ctlimport_file(struct ctlimport *import, const char *path);

/* Words such as "friendly-name=My card", "archived=yes". */
bool ctlimport_words(struct ctlimport *import, const char *sha256, char **words,
                     int count);

#endif
