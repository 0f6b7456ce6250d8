/*
 * Commands to a card, ISO/IEC 7816-4: the only place that builds them.  It can
 * build SELECT, GET DATA, READ BINARY and GET RESPONSE and nothing else: there
 * is no function that verifies a PIN, changes it, or writes.
 */
#ifndef PROPAGATE_APDU_H
#define PROPAGATE_APDU_H

#include "wire.h"

enum {
	APDU_MAX = 40,      /* bytes of the longest command built here */
	APDU_DATA_MAX = 16, /* bytes of its data: an AID, a list of tags */
	APDU_SHORT_NE = 256,
	/* Java Card keeps Ne in a signed 16-bit number: never "all there is".
	 */
	APDU_EXTENDED_NE = 0x0c00
};

enum apdu_ins {
	APDU_SELECT = 0xa4,
	APDU_READ_BINARY = 0xb0,
	APDU_GET_RESPONSE = 0xc0,
	APDU_GET_DATA = 0xcb
};

/* How the length of the answer is asked for. */
enum apdu_form {
	APDU_SHORT,
	APDU_SHORT_T0, /* T=0: with data there is no Le, the card says 61xx */
	APDU_EXTENDED
};

/* A command, and how many bytes its answer may have besides the status. */
struct apdu {
	uint8_t bytes[APDU_MAX];
	size_t len;
	size_t le_at; /* where a short Le is, or would be */
	size_t ne;
};

/* Status words, ISO/IEC 7816-4 section 5.6. */
enum {
	APDU_OK = 0x9000,
	APDU_MORE = 0x61,  /* high byte: that many bytes are waiting */
	APDU_EXACT = 0x6c, /* high byte: ask again with this Le */
	APDU_END_OF_FILE = 0x6282,
	APDU_SECURITY = 0x6982,
	APDU_BAD_DATA = 0x6a80,
	APDU_NO_FILE = 0x6a82,
	APDU_NO_DATA = 0x6a88
};

/* May this command leave for the card?  Class 00 and one of apdu_ins. */
bool apdu_allowed(struct wire_view command);

/* What all others are made by; false for any other instruction. */
bool apdu_build(struct apdu *apdu, uint8_t ins, uint16_t p1p2,
                struct wire_view data, enum apdu_form form);

/* SELECT by application identifier; first occurrence, with its answer. */
struct apdu apdu_select(struct wire_view aid, enum apdu_form form);

/* GET DATA of the object with this tag (1 to 3 bytes) in a file (3FFF: any). */
struct apdu apdu_get_data(uint16_t file, struct wire_view tag,
                          enum apdu_form form);

/* READ BINARY of the selected file, from offset (15 bits). */
struct apdu apdu_read_binary(uint16_t offset, enum apdu_form form);

/* GET RESPONSE; waiting is the low byte of 61xx, 0 meaning 256 or more. */
struct apdu apdu_get_response(uint8_t waiting);

/* The same short command with the Le that 6Cxx asked for. */
void apdu_set_le(struct apdu *apdu, uint8_t le);

#endif
