/*
 * Reading all certificates of one card: a step machine that gives an APDU out
 * and takes the card's answer in.  It does no I/O, knows no reader and no time,
 * and does not know that the card is remote.
 *
 * It tries the families it knows in turn (PIV, then GIDS), follows 61xx and
 * 6Cxx, tries extended length once, and is bounded in steps, bytes and objects
 * whatever the card answers.  It can only SELECT, GET DATA, READ BINARY and GET
 * RESPONSE: no function builds VERIFY or a command that writes.
 */
#ifndef PROPAGATE_CARD_H
#define PROPAGATE_CARD_H

#include "wire.h"

enum {
	CARD_ATR_MAX = 36,
	CARD_ID_LEN = 16,
	CARD_RECORD_LEN = 86, /* bytes of one record of a container map */
	CARD_NAME_MAX = 40,   /* characters of a container's name */
	CARD_APDUS_MAX = 512, /* of one read */
	CARD_CHAIN_MAX = 64,  /* GET RESPONSE steps for one object */
	CARD_OBJECT_MAX =
	    128 * 1024, /* bytes of one object as the card gives it */
	CARD_ROOTS_OBJECT_MAX = 256 * 1024, /* of the root file, compressed */
	CARD_CERT_MAX = 16 * 1024, /* bytes of one certificate, inflated */
	CARD_CERTS_MAX = 32,
	CARD_ROOTS_MAX = 64
};

/* CRYPT_MACHINE_KEYSET and NCRYPT_MACHINE_KEY_FLAG: a key of the computer. */
enum { CARD_MACHINE_KEYSET = 0x20 };

/* Which PIN a key asks for, as its family says; never the PIN. */
enum card_pin {
	CARD_PIN_UNKNOWN,
	CARD_PIN_NONE,  /* the key may be used without */
	CARD_PIN_USER,  /* once, then the card remembers */
	CARD_PIN_ALWAYS /* the user's, before each use */
};

enum card_family { CARD_UNKNOWN, CARD_PIV, CARD_GIDS };
enum card_length {
	CARD_LENGTH_UNKNOWN,
	CARD_LENGTH_SHORT,
	CARD_LENGTH_EXTENDED
};

/* What is known before a read; all zero is allowed. */
struct card_hints {
	struct wire_view atr;
	uint32_t protocol;       /* 1 T=0, 2 T=1, 0 not known */
	enum card_family family; /* learned for this ATR */
	enum card_length length; /* learned for this reader and ATR */
	bool probe_retired;      /* PIV: ask for all 20 retired slots */
};

/* One certificate as found on the card, not yet looked into. */
struct card_cert {
	uint8_t *der;
	size_t len;
	char slot[8];                          /* "9A", "82", "kxc00" */
	char container[CARD_NAME_MAX * 3 + 1]; /* UTF-8; "" if none is named */
	uint32_t key_spec;                     /* 1 exchange, 2 signature */
	uint32_t index;                        /* of the container */
	bool is_default;                       /* of the default container */
	enum card_pin pin;
	uint8_t *record; /* of the container, CARD_RECORD_LEN, freed as der is;
	                    or NULL */
	/* What only a provider can say; no file of a card holds it. */
	uint32_t prov_flags; /* CARD_MACHINE_KEYSET */
	bool placeholder;    /* stands for an enrolment that is pending */
	uint8_t *enrollment; /* property 26, freed as der is; or NULL */
	size_t enrollment_len;
};

/* An object that was passed over, and why: literals only. */
struct card_skip {
	char slot[8];
	const char *reason; /* "needs a PIN", "does not inflate", ... */
};

struct card_content {
	enum card_family family;
	enum card_length length; /* as learned by this read */
	uint8_t id[CARD_ID_LEN]; /* cardid or CHUID GUID; else a digest */
	bool names_itself;       /* it is none */
	struct card_cert certs[CARD_CERTS_MAX];
	size_t cert_count;
	struct card_cert roots[CARD_ROOTS_MAX]; /* members of the root bag */
	size_t root_count;
	struct card_skip skips[CARD_CERTS_MAX];
	size_t skip_count;
	unsigned apdu_count; /* commands that went to the card */
};

enum card_step {
	CARD_SEND,  /* send *apdu, give its answer to card_read_answer */
	CARD_DONE,  /* all was read: card_read_content */
	CARD_FAILED /* card_read_fault says why */
};

struct card_read;

/* A new read; NULL when memory is short. */
struct card_read *card_read_new(const struct card_hints *hints);
void card_read_free(struct card_read *job);

/* The first step.  *apdu is borrowed until the next call. */
enum card_step card_read_start(struct card_read *job, struct wire_view *apdu);

/* The card's answer with its two status bytes; then the next step. */
enum card_step card_read_answer(struct card_read *job, struct wire_view answer,
                                struct wire_view *apdu);

/* Owned by the job; the caller may read it until card_read_free. */
const struct card_content *card_read_content(const struct card_read *job);

/* A literal: "no application this proxy knows", "answers without end", ... */
const char *card_read_fault(const struct card_read *job);

const char *card_family_name(enum card_family family);

#endif
