/*
 * Cards for tests, without a reader: data objects behind a SELECT, GET DATA and
 * GET RESPONSE, with the ways real cards have of answering them.  The commands
 * it gets are checked: one that is not allowed ends the test program.
 */
#ifndef TESTS_SCRIPT_CARD_H
#define TESTS_SCRIPT_CARD_H

#include "card.h"

/* What a GET DATA of extended length meets. */
enum script_extended {
	SCRIPT_WHOLE,   /* the whole object, as many bytes as asked for */
	SCRIPT_CHAINED, /* taken, but 255 bytes and 61xx all the same */
	SCRIPT_REFUSES, /* 6700 */
	SCRIPT_EMPTY,   /* no bytes and 9000 */
	SCRIPT_CUTS,    /* the first 256 bytes and 9000 */
	SCRIPT_EXACT,   /* 6Cxx */
	SCRIPT_NO_INS,  /* 6D00 */
	SCRIPT_NO_CLA,  /* 6E00 */
	SCRIPT_FAILS    /* the reader gives up: no answer at all */
};

enum { SCRIPT_OBJECTS_MAX = 48 };

struct script_object {
	uint16_t file;
	uint32_t tag;
	uint16_t status; /* 0: 9000 */
	uint8_t *data;
	size_t len;
};

struct script_card {
	struct wire_view aid;      /* of its one application, truncated */
	struct wire_view selected; /* what SELECT answers */
	enum script_extended extended;
	size_t chunk;    /* 250, 255 or 256; 0 means 256 */
	bool t0;         /* case 4 answers 61xx, then GET RESPONSE */
	bool says_exact; /* 6Cxx when Le is not the length left */
	struct script_object objects[SCRIPT_OBJECTS_MAX];
	size_t count;
	/* how it went */
	unsigned commands;
	unsigned extended_tries;
	bool current;
	struct wire_view pending;
	uint8_t *answer;
};

extern const struct wire_view script_piv_aid;
extern const struct wire_view script_gids_aid;

void script_card_init(struct script_card *card, struct wire_view aid);
void script_card_clear(struct script_card *card);

/* A data object as it is; data is copied. */
struct script_object *script_add(struct script_card *card, uint16_t file,
                                 uint32_t tag, struct wire_view data);

/* The same, wrapped in a tag of one or two bytes. */
struct script_object *script_add_wrapped(struct script_card *card,
                                         uint16_t file, uint32_t tag,
                                         uint32_t wrap, struct wire_view value);

/* PIV: { 53 { 70 cert, 71 info, FE } }; packed: with gzip. */
enum script_packing { SCRIPT_PLAIN, SCRIPT_PACKED };
struct script_object *script_add_piv(struct script_card *card, uint32_t tag,
                                     struct wire_view der,
                                     enum script_packing packing);

/*
 * GIDS: a file and its record in the table, which must have been begun.
 * packed: 01 00, length, zlib.
 */
void script_gids_begin(struct script_card *card);
struct script_object *script_gids_file(struct script_card *card,
                                       const char *dir, const char *name,
                                       struct wire_view bytes,
                                       enum script_packing packing);

/* One record of a container map at index; record has 86 bytes. */
void script_map_record(uint8_t *record, const char *name, uint8_t flags);

/* The answer to a command; an exact block, valid until the next. */
struct wire_view script_answer(void *card, struct wire_view apdu);

/* Whoever answers commands: a card, or something that only looks like one. */
struct script_peer {
	struct wire_view (*answer)(void *arg, struct wire_view apdu);
	void *arg;
};

/* Run a read to its end. */
enum card_step script_read(struct card_read *job, struct script_peer peer);

/* The same with a new job for these hints; *job is to be freed. */
enum card_step script_read_card(struct script_card *card,
                                const struct card_hints *hints,
                                struct card_read **job);

/* gzip (or zlib) data of bytes; free() it. */
enum script_wrap { SCRIPT_ZLIB = 15, SCRIPT_GZIP = 15 + 16 };
uint8_t *script_deflate(struct wire_view bytes, enum script_wrap wrap,
                        size_t *len);

#endif
