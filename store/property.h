/*
 * The properties of a certificate, by the numbers of wincrypt.h: how Windows
 * lays out their values, whose word counts for each, and the changes that an
 * administrator asks the keeper for.
 */
#ifndef STORE_PROPERTY_H
#define STORE_PROPERTY_H

#include "wire.h"

enum property {
	PROPERTY_KEY_PROVIDER = 2, /* CRYPT_KEY_PROV_INFO */
	PROPERTY_SHA1 = 3,
	PROPERTY_MD5 = 4,
	PROPERTY_KEY_CONTEXT = 5,
	PROPERTY_KEY_SPEC = 6,
	PROPERTY_ENHKEY_USAGE = 9, /* DER: SEQUENCE OF OBJECT IDENTIFIER */
	PROPERTY_FRIENDLY_NAME = 11,
	PROPERTY_DESCRIPTION = 13,
	PROPERTY_SIGNATURE_HASH = 15,
	PROPERTY_SMART_CARD_DATA = 16,
	PROPERTY_ARCHIVED = 19,
	PROPERTY_KEY_ID = 20,
	PROPERTY_AUTO_ENROLL = 21,
	PROPERTY_PUBKEY_PARAMETERS = 22,
	PROPERTY_SUBJECT_KEY_HASH = 25,
	PROPERTY_ENROLLMENT = 26,
	PROPERTY_DATE_STAMP = 27,
	PROPERTY_RENEWAL = 64,
	PROPERTY_REQUEST_ORIGINATOR = 71,
	PROPERTY_ROOT_INFO = 76, /* CRYPT_SMART_CARD_ROOT_INFO[] */
	PROPERTY_NCRYPT_KEY = 78,
	PROPERTY_CEP = 87,
	PROPERTY_PIN_ID = 90,
	PROPERTY_PIN_INFO = 91,
	PROPERTY_READER = 101,
	PROPERTY_READER_NOT_REMOVABLE = 106, /* a BOOL */
	PROPERTY_SHA256 = 107
};

/* Who may say what a property holds. */
enum property_origin {
	PROPERTY_COMPUTED, /* follows from the certificate */
	PROPERTY_CARD,     /* the card or its session: never imported */
	PROPERTY_ADMIN,    /* the user or an administrator, a column of ours */
	PROPERTY_EXTRA     /* anything else: kept as it came */
};

enum property_origin property_origin(uint32_t number);

/* A text is UTF-16LE with a NUL behind it; of another form it is a fault. */
void property_put_text(struct wire_out *out, struct wire_view utf8);
bool property_get_text(struct wire_view value, struct wire_out *utf8);

/* FILETIME, from seconds since 1970; PROPERTY_DATE_STAMP. */
void property_put_time(struct wire_out *out, int64_t seconds);
bool property_get_time(struct wire_view value, int64_t *seconds);

/*
 * PROPERTY_KEY_PROVIDER as it is serialised: seven numbers of 32 bits in which
 * offsets from the value's first byte stand for pointers, then the texts.
 * Parameters (rgProvParam) are not written, and refused when read.
 */
struct property_key {
	struct wire_view container; /* UTF-8; after reading: UTF-16LE */
	struct wire_view provider;
	uint32_t type;
	uint32_t flags;
	uint32_t key_spec;
};
void property_put_key(struct wire_out *out, const struct property_key *key);
bool property_get_key(struct wire_view value, struct property_key *key);

/*
 * PROPERTY_ENROLLMENT: the id of the request, then three texts, each a count of
 * characters with its NUL and the characters.
 */
struct property_enrollment {
	uint32_t request_id;
	struct wire_view ca_dns; /* UTF-8; after reading: UTF-16LE */
	struct wire_view ca_name;
	struct wire_view display;
};
void property_put_enrollment(struct wire_out *out,
                             const struct property_enrollment *enrollment);
bool property_get_enrollment(struct wire_view value,
                             struct property_enrollment *enrollment);

/*
 * PROPERTY_PIN_INFO: the PIN_INFO of the minidriver specification, nine numbers
 * of 32 bits.  Which PIN it is says PROPERTY_PIN_ID: 0 none at all, 1 the
 * user's, 2 the administrator's; sets have a bit for each.
 */
enum { PROPERTY_PIN_LEN = 36 };
enum property_pin_type { PROPERTY_PIN_TEXT = 0, PROPERTY_PIN_EMPTY = 3 };
enum property_pin_purpose {
	PROPERTY_PIN_AUTHENTICATION = 0,
	PROPERTY_PIN_SIGNATURE = 1,
	PROPERTY_PIN_PRIMARY = 5
};
enum property_pin_cache {
	PROPERTY_PIN_CACHED = 0,
	PROPERTY_PIN_ALWAYS_ASKED = 3
};
struct property_pin {
	uint32_t type;
	uint32_t purpose;
	uint32_t may_change;  /* set of PINs */
	uint32_t may_unblock; /* set of PINs */
	uint32_t cache;
	uint32_t cache_info;
	uint32_t flags;
};
void property_put_pin(struct wire_out *out, const struct property_pin *pin);
bool property_get_pin(struct wire_view value, struct property_pin *pin);

/* PROPERTY_ROOT_INFO: for each holder a card's GUID and a log-on's LUID. */
enum {
	PROPERTY_CARD_LEN = 16,
	PROPERTY_LUID_LEN = 8,
	PROPERTY_HOLDERS_MAX = 1024
};
void property_put_holder(struct wire_out *out, const uint8_t *card,
                         const uint8_t *luid);
bool property_get_holder(struct wire_in *in, struct wire_view *card,
                         struct wire_view *luid);

/*
 * What is to be changed of one certificate's entries.  In a change an empty
 * text takes the property away.
 */
enum {
	PROPERTY_SET_NAME = 1,
	PROPERTY_SET_DESCRIPTION = 2,
	PROPERTY_SET_ARCHIVED = 4,
	PROPERTY_SET_USAGE = 8,
	PROPERTY_SET_ALL = 15,

	PROPERTY_TEXT_MAX = 1024,   /* bytes of UTF-8 */
	PROPERTY_EXTRAS_MAX = 32,   /* of one certificate */
	PROPERTY_EXTRA_MAX = 2048,  /* bytes of one */
	PROPERTY_CHANGES_MAX = 1024 /* in one transaction */
};

struct property_extra {
	uint32_t number;
	struct wire_view value; /* empty: take it away */
};

struct property_change {
	struct wire_view hash; /* SHA-256 or SHA-1 */
	uint32_t set;          /* PROPERTY_SET_*: which are said */
	struct wire_view friendly_name;
	struct wire_view description;
	struct wire_view enhkey_usage; /* identifiers with a blank between */
	bool archived;
	struct property_extra extras[PROPERTY_EXTRAS_MAX];
	size_t extra_count;
};

/* One after the other, until nothing is left over. */
void property_put_change(struct wire_out *out,
                         const struct property_change *change);
bool property_get_change(struct wire_in *in, struct property_change *change);

#endif
