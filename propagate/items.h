/*
 * The certificates of one card that go somewhere: the inside of an insertion.
 * Nobody but insertion includes this.
 */
#ifndef PROPAGATE_ITEMS_H
#define PROPAGATE_ITEMS_H

#include "certificate.h"
#include "certprop.h"
#include "property.h"

enum {
	ITEMS_MAX = KEEP_CERTS_MAX + KEEP_ROOTS_MAX,
	ITEMS_URI_MAX = 40,
	ITEMS_KEY_EXCHANGE = 1,  /* AT_KEYEXCHANGE */
	ITEMS_KEY_SIGNATURE = 2, /* AT_SIGNATURE */
	ITEMS_PIN_NONE = 0,      /* ROLE_EVERYONE */
	ITEMS_PIN_USER = 1,      /* ROLE_USER */
	ITEMS_PIN_ADMIN = 2      /* ROLE_ADMIN */
};

struct item {
	struct certificate *cert;
	enum keep_kind kind;
	const struct card_cert *from; /* where its key is */
	bool host;
	bool logon_eligible;
	char friendly_name[KEEP_TEXT_MAX];
	char uri[ITEMS_URI_MAX];
	uint8_t pin_info[PROPERTY_PIN_LEN]; /* where from->pin is known */
};

struct items {
	struct item *list[ITEMS_MAX];
	size_t count;
	size_t root_count;
};

/* Anchors, intermediates, and what the host trusts already. */
bool items_is_root(enum keep_kind kind);

/*
 * Takes cert; from is borrowed for as long as the items live.  The item, which
 * is an older one where the card holds the same certificate twice: then the
 * better container is its key's.  NULL when memory is short.
 */
struct item *items_add(struct items *items, struct certificate *cert,
                       enum keep_kind kind, const struct card_cert *from,
                       enum card_family family);
void items_clear(struct items *items);

/* Free those for which keep says no. */
typedef bool items_keep(const void *arg, const struct item *item);
void items_filter(struct items *items, items_keep *keep, const void *arg);

/* The columns of the message; its views are borrowed from the item. */
void items_describe(const struct item *item, struct keep_cert *out);

/* The same certificate in the same store; NULL when there is none. */
struct item *items_find(const struct items *items, struct wire_view der,
                        enum keep_kind kind);

#endif
