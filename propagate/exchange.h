/*
 * Getting one object from a card: the command, the chain of 61xx, the right
 * length after 6Cxx, and extended length when it is worth a try.  What was
 * learned about extended length stays for the objects that follow.
 */
#ifndef PROPAGATE_EXCHANGE_H
#define PROPAGATE_EXCHANGE_H

#include "apdu.h"
#include "card.h"

/* One object, as asked for. */
struct exchange_want {
	enum apdu_ins ins; /* APDU_SELECT or APDU_GET_DATA */
	uint16_t file;     /* GET DATA: 3FFF, or the file of GIDS */
	uint8_t name[APDU_DATA_MAX - 2]; /* an AID or a tag */
	size_t name_len;
	size_t limit;  /* bytes; a longer object is passed over */
	size_t enough; /* stop at that many bytes; 0: the whole object */
	bool large;    /* worth extended length */
	bool cautious; /* but not on trial: only where the ATR announces it */
};

enum exchange_outcome {
	EXCHANGE_OK,
	EXCHANGE_ABSENT,
	EXCHANGE_FAULT /* reason is set: needs a PIN, is too large, ... */
};

struct exchange_result {
	enum exchange_outcome outcome;
	struct wire_view data; /* borrowed until the next begin */
	const char *reason;    /* a literal, or NULL */
};

enum exchange_step { EXCHANGE_SEND, EXCHANGE_DONE };

struct exchange {
	enum apdu_form plain;    /* the short form of this protocol */
	bool may_extend;         /* extended length may be tried */
	bool announced;          /* the ATR says that it works */
	enum card_length length; /* as learned */

	struct exchange_want want;
	enum apdu_form form; /* of the object under way */
	struct apdu sent;    /* the command to be sent, or last sent */
	unsigned chain;      /* GET RESPONSE steps so far */
	bool corrected;      /* 6Cxx was followed for this command */
	uint8_t *data;
	size_t len;
	struct exchange_result result;
};

/* Protocol, learned length and ATR are taken from the hints. */
void exchange_init(struct exchange *ex, const struct card_hints *hints);
void exchange_clear(struct exchange *ex);

/* Begin an object: ex->sent is the first command. */
void exchange_begin(struct exchange *ex, const struct exchange_want *want);

/* The answer to ex->sent; then send ex->sent again, or see ex->result. */
enum exchange_step exchange_answer(struct exchange *ex,
                                   struct wire_view answer);

#endif
