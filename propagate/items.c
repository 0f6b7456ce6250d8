#include "items.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROVIDER "Microsoft Smart Card Key Storage Provider"

bool
items_is_root(enum keep_kind kind)
{
	return kind == KEEP_ANCHOR || kind == KEEP_INTERMEDIATE ||
	       kind == KEEP_PREEXISTING;
}

static void
item_free(struct item *item)
{
	certificate_free(item->cert);
	free(item);
}

void
items_clear(struct items *items)
{
	for (size_t i = 0; i < items->count; i++)
		item_free(items->list[i]);
	memset(items, 0, sizeof(*items));
}

struct item *
items_find(const struct items *items, struct wire_view der, enum keep_kind kind)
{
	struct keep_cert other;

	for (size_t i = 0; i < items->count; i++) {
		certificate_describe(items->list[i]->cert, &other);
		if (items->list[i]->kind == kind &&
		    wire_view_equal(other.der, der))
			return items->list[i];
	}
	return NULL;
}

static void
name_friendly(struct item *item, enum card_family family)
{
	struct wire_view name = certificate_common_name(item->cert);
	const char *label = card_family_name(family);
	struct wire_out out =
	    wire_out(item->friendly_name, sizeof(item->friendly_name) - 1);

	wire_put_view(&out, wire_view_text(label));
	if (name.len == 0)
		return;
	wire_put_view(&out, wire_view_text(": "));
	wire_put_view(&out, name);
}

/*
 * RFC 7512, by the identifier (CKA_ID) under which PKCS#11 modules list the
 * key: of PIV the number of its slot, 9A being 1 and 82 being 5, as in OpenSC
 * and ykcs11; of GIDS that of its container, as in OpenSC.
 */
static void
name_uri(struct item *item, enum card_family family)
{
	unsigned id = item->from->index + (family == CARD_PIV ? 1 : 0);

	if (family == CARD_UNKNOWN || id > UINT8_MAX)
		item->uri[0] = '\0';
	else
		(void)snprintf(item->uri, sizeof(item->uri),
		               "pkcs11:id=%%%02X;type=private", id);
}

/*
 * Who guards the key, as the minidrivers of Windows describe it: PIN 1 is the
 * user's, and who may unblock it is PIN 2, the administrator's.
 */
static const struct property_pin pins[] = {
    [CARD_PIN_UNKNOWN] = {0},
    [CARD_PIN_NONE] = {.type = PROPERTY_PIN_EMPTY},
    [CARD_PIN_USER] = {.purpose = PROPERTY_PIN_PRIMARY,
                       .may_change = 1 << ITEMS_PIN_USER,
                       .may_unblock = 1 << ITEMS_PIN_ADMIN},
    [CARD_PIN_ALWAYS] = {.purpose = PROPERTY_PIN_PRIMARY,
                         .may_change = 1 << ITEMS_PIN_USER,
                         .may_unblock = 1 << ITEMS_PIN_ADMIN,
                         .cache = PROPERTY_PIN_ALWAYS_ASKED},
};

static void
describe_pin(struct item *item)
{
	struct wire_out out = wire_out(item->pin_info, sizeof(item->pin_info));

	property_put_pin(&out, &pins[item->from->pin]);
}

static void
name_key(struct item *item, const struct card_cert *from,
         enum card_family family)
{
	item->from = from;
	name_uri(item, family);
	describe_pin(item);
}

static void
put_pin(const struct item *item, struct keep_cert *out)
{
	enum card_pin pin = item->from->pin;

	if (pin == CARD_PIN_UNKNOWN)
		return;
	out->has_pin = true;
	out->pin_id = pin == CARD_PIN_NONE ? ITEMS_PIN_NONE : ITEMS_PIN_USER;
	out->pin_info.data = item->pin_info;
	out->pin_info.len = sizeof(item->pin_info);
}

/*
 * Which container wins when several hold one certificate: the default one, then
 * the lowest, then its exchange key.
 */
static bool
is_better(const struct card_cert *from, const struct card_cert *than)
{
	if (from->is_default != than->is_default)
		return from->is_default;
	if (from->index != than->index)
		return from->index < than->index;
	return than->key_spec == ITEMS_KEY_SIGNATURE &&
	       from->key_spec != ITEMS_KEY_SIGNATURE;
}

struct item *
items_add(struct items *items, struct certificate *cert, enum keep_kind kind,
          const struct card_cert *from, enum card_family family)
{
	struct keep_cert columns;
	struct item *item;

	certificate_describe(cert, &columns);
	item = items_find(items, columns.der, kind);
	if (item != NULL) {
		if (is_better(from, item->from))
			name_key(item, from, family);
		certificate_free(cert);
		return item;
	}
	item = items->count < ITEMS_MAX ? calloc(1, sizeof(*item)) : NULL;
	if (item == NULL) {
		certificate_free(cert);
		return NULL;
	}
	item->cert = cert;
	item->kind = kind;
	name_key(item, from, family);
	if (!items_is_root(kind))
		name_friendly(item, family);
	items->root_count += items_is_root(kind) ? 1 : 0;
	items->list[items->count++] = item;
	return item;
}

void
items_filter(struct items *items, items_keep *keep, const void *arg)
{
	size_t kept = 0;

	items->root_count = 0;
	for (size_t i = 0; i < items->count; i++) {
		struct item *item = items->list[i];

		if (!keep(arg, item)) {
			item_free(item);
			continue;
		}
		items->root_count += items_is_root(item->kind) ? 1 : 0;
		items->list[kept++] = item;
	}
	items->count = kept;
}

void
items_describe(const struct item *item, struct keep_cert *out)
{
	const struct card_cert *from = item->from;

	certificate_describe(item->cert, out);
	out->kind = item->kind;
	out->host = item->host;
	out->logon_eligible = item->logon_eligible;
	if (items_is_root(item->kind))
		return;
	out->friendly_name = wire_view_text(item->friendly_name);
	out->prov_name = wire_view_text(PROVIDER);
	out->prov_flags = from->prov_flags;
	out->key_spec = from->key_spec;
	/* Without a container map the slot is what leads to the key. */
	out->container = wire_view_text(
	    from->container[0] != '\0' ? from->container : from->slot);
	out->pkcs11_uri = wire_view_text(item->uri);
	put_pin(item, out);
	out->card_data.data = from->record;
	out->card_data.len = from->record != NULL ? CARD_RECORD_LEN : 0;
	if (from->enrollment_len <= KEEP_TEXT_MAX) {
		out->enrollment.data = from->enrollment;
		out->enrollment.len = from->enrollment_len;
	}
}
