/*
 * A card without a reader: one application that answers SELECT, GET DATA and
 * GET RESPONSE from a table of data objects, as [ISO 7816-4] has it.  What is
 * in the table is for virtual_piv.c and virtual_gids.c to say.
 *
 * No PIN is ever needed.  A VERIFY is refused and counted, since none of the
 * programs under test may send one.
 */
#ifndef VIRTUAL_CARD_H
#define VIRTUAL_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

enum {
	VIRTUAL_OBJECTS_MAX = 96,
	VIRTUAL_OBJECT_MAX = 64 * 1024, /* bytes of one data object */
	VIRTUAL_ANSWER_MAX = 64 * 1024 + 2,
	VIRTUAL_AID_MAX = 16,
	VIRTUAL_ID_LEN = 16,
	VIRTUAL_ATR_MAX = 33
};

/* What GET DATA finds: P1 P2 name the file, the tag list the object. */
struct virtual_object {
	uint16_t file;
	uint32_t tag;
	uint8_t *data; /* the whole answer, with its outer tag; owned */
	size_t len;
};

/* How the card's transport behaves. */
struct virtual_limits {
	size_t chunk;    /* most bytes of one short answer, 1 to 256 */
	size_t extended; /* most of an extended one; 0 refuses with 6700 */
};

struct virtual_card {
	uint8_t aid[VIRTUAL_AID_MAX];
	size_t aid_len;
	size_t aid_min; /* a SELECT may leave out what follows */
	uint8_t fci[64];
	size_t fci_len;
	uint8_t atr[VIRTUAL_ATR_MAX];
	size_t atr_len;
	struct virtual_object objects[VIRTUAL_OBJECTS_MAX];
	size_t object_count;
	struct virtual_limits limits;
	bool selected;
	struct wire_view pending; /* what GET RESPONSE gives next */
	unsigned verify_count;
};

/* Without its objects; its limits and its count of VERIFY stay. */
void virtual_card_clear(struct virtual_card *card);

/* Power on or reset: nothing is selected, nothing is pending. */
void virtual_card_reset(struct virtual_card *card);

/*
 * Add an object: outer tag, length, value.  outer is 1, 2 or 3 bytes; 0 adds
 * the value as it is.  The value is copied.  False when the table is full.
 */
bool virtual_card_add(struct virtual_card *card, uint16_t file, uint32_t tag,
                      uint32_t outer, struct wire_view value);

/* An ATR of T=1 whose historical bytes carry this name of four letters. */
void virtual_card_set_atr(struct virtual_card *card, const char *name);

/* Answer one command APDU: data and the status word are written to out. */
void virtual_card_run(struct virtual_card *card, struct wire_view apdu,
                      struct wire_out *out);

/* Write tag, length and value, [ISO 7816-4] 5.2.2; the tag has 1-3 bytes. */
void virtual_tlv(struct wire_out *out, uint32_t tag, struct wire_view value);

/*
 * Read a file of at most VIRTUAL_OBJECT_MAX bytes; NULL when there is none.
 * The caller frees it.
 */
uint8_t *virtual_file_read(const char *dir, const char *name, size_t *len);

/*
 * The 16 bytes that name the card: the hexadecimal digits in the file "guid",
 * else the hash of the directory's name.
 */
void virtual_card_id(const char *dir, uint8_t id[VIRTUAL_ID_LEN]);

#endif
