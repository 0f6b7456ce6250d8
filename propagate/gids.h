/*
 * The Generic Identity Device Specification (GIDS) card edge: its file table,
 * which files to ask for, in which order, and what their bytes hold.  Knows no
 * APDU and sends nothing.
 *
 * Order: file table, cardid, container map, certificates, root file.
 */
#ifndef PROPAGATE_GIDS_H
#define PROPAGATE_GIDS_H

#include "exchange.h"

/* Where a file is: the file id and the tag of its data object. */
struct gids_file {
	bool present;
	uint16_t file;
	uint16_t tag;
};

/* A certificate file, kxcNN or kscNN. */
struct gids_cert {
	struct gids_file at;
	char name[8];
	uint32_t key_spec;
	unsigned hex; /* NN as hexadecimal: the container's index */
	unsigned
	    decimal; /* NN as some older writers meant it; hex if it is none */
};

enum gids_phase {
	GIDS_TABLE,
	GIDS_ID,
	GIDS_MAP,
	GIDS_CERTS,
	GIDS_ROOTS,
	GIDS_END
};

struct gids {
	enum gids_phase phase;
	unsigned index; /* within the phase */
	struct gids_file id;
	struct gids_file map;
	struct gids_file roots;
	struct gids_cert certs[CARD_CERTS_MAX];
	unsigned cert_count;
	uint8_t *records; /* of the container map */
	size_t records_len;
};

void gids_init(struct gids *gids);
void gids_clear(struct gids *gids);

/* The command that makes GIDS the current application. */
void gids_select(struct exchange_want *want);

/* The next object; false: all was asked for. */
bool gids_next(struct gids *gids, struct exchange_want *want);

/* What came of it.  NULL, or a literal that ends the read. */
const char *gids_take(struct gids *gids, const struct exchange_result *result,
                      struct card_content *content);

#endif
