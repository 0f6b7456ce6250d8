#include "piv.h"
#include "atr.h"
#include "content.h"
#include "tlv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PIV_ANY_FILE = 0x3fff,
	PIV_OBJECT = 0x53,
	PIV_CERTIFICATE = 0x70,
	PIV_CERT_INFO = 0x71,
	PIV_PACKED = 0x81, /* bits of CertInfo: 01, or 80 on old cards */
	PIV_GUID = 0x34,
	PIV_KEYS_ON_CARD = 0xc1,
	PIV_TAG_CHUID = 0x5fc102,
	PIV_TAG_HISTORY = 0x5fc10c,
	PIV_TAG_RETIRED = 0x5fc10d, /* of slot 82; the others follow */
	PIV_TAG_ROOTS = 0x5fff11,   /* YubiKey; the other parts follow */
	PIV_SLOT_RETIRED = 0x82,
	PIV_ROOTS_MORE = 0x83,
	PIV_ROOTS_LAST = 0x82,
	PIV_EXCHANGE = 1,
	PIV_SIGNATURE = 2
};

/* A right-truncated AID: the version stays open. */
static const uint8_t piv_aid[] = {0xa0, 0x00, 0x00, 0x03, 0x08,
                                  0x00, 0x00, 0x10, 0x00};

/* SP 800-73 part 1, table 3 */
static const struct {
	char slot[8];
	uint32_t tag;
	uint32_t key_spec;
	bool is_default;
	enum card_pin pin; /* table 4b */
} mains[] = {
    {"9A", 0x5fc105, PIV_EXCHANGE, true, CARD_PIN_USER},
    {"9C", 0x5fc10a, PIV_SIGNATURE, false, CARD_PIN_ALWAYS},
    {"9D", 0x5fc10b, PIV_EXCHANGE, false, CARD_PIN_USER},
    {"9E", 0x5fc101, PIV_EXCHANGE, false, CARD_PIN_NONE},
};

enum { PIV_MAINS = sizeof(mains) / sizeof(mains[0]) };

void
piv_init(struct piv *piv, bool vendor, bool probe_retired)
{
	memset(piv, 0, sizeof(*piv));
	piv->vendor = vendor;
	piv->retired = vendor || probe_retired ? PIV_RETIRED_MAX : 0;
}

void
piv_clear(struct piv *piv)
{
	free(piv->roots);
	piv->roots = NULL;
	piv->roots_len = 0;
}

void
piv_select(struct exchange_want *want)
{
	memset(want, 0, sizeof(*want));
	want->ins = APDU_SELECT;
	memcpy(want->name, piv_aid, sizeof(piv_aid));
	want->name_len = sizeof(piv_aid);
	want->limit = CARD_OBJECT_MAX;
	want->enough = 1; /* what names the vendor is in the first answer */
}

bool
piv_is_vendor(struct wire_view atr, struct wire_view selected)
{
	static const char *const names[] = {"Yubi", "PivApplet", "Token2",
	                                    "TOKEN2"};
	struct wire_view historical = atr_historical(atr);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (atr_holds_text(historical, names[i]) ||
		    atr_holds_text(selected, names[i]))
			return true;
	return false;
}

static void
want_object(struct exchange_want *want, uint32_t tag)
{
	struct wire_out out = wire_out(want->name, sizeof(want->name));

	memset(want, 0, sizeof(*want));
	want->ins = APDU_GET_DATA;
	want->file = PIV_ANY_FILE;
	wire_put_u8(&out, (uint8_t)(tag >> 16));
	wire_put_u16_be(&out, (uint16_t)tag);
	want->name_len = out.len;
	want->limit = CARD_OBJECT_MAX;
	want->large = true;
}

/* Move on to the first phase that has something left to ask for. */
static void
settle(struct piv *piv)
{
	const unsigned counts[] = {
	    [PIV_CHUID] = 1,
	    [PIV_HISTORY] = 1,
	    [PIV_MAIN] = PIV_MAINS,
	    [PIV_RETIRED] = piv->retired,
	    [PIV_ROOTS] = piv->vendor ? PIV_ROOT_PARTS : 0,
	};

	while (piv->phase != PIV_END && piv->index >= counts[piv->phase]) {
		piv->phase++;
		piv->index = 0;
	}
}

bool
piv_next(struct piv *piv, struct exchange_want *want)
{
	settle(piv);
	switch (piv->phase) {
	case PIV_CHUID:
		/* The GUID is near its start: leave the signature there. */
		want_object(want, PIV_TAG_CHUID);
		want->large = false;
		want->enough = 1;
		return true;
	case PIV_HISTORY:
		want_object(want, PIV_TAG_HISTORY);
		want->large = false;
		return true;
	case PIV_MAIN:
		want_object(want, mains[piv->index].tag);
		return true;
	case PIV_RETIRED:
		want_object(want, PIV_TAG_RETIRED + piv->index);
		return true;
	case PIV_ROOTS:
		want_object(want, PIV_TAG_ROOTS + piv->index);
		return true;
	case PIV_END:
		break;
	}
	return false;
}

/* The value of the 53 object; empty when there is none. */
static struct wire_view
object_value(struct wire_view data)
{
	struct wire_in in = wire_in_view(data);

	return tlv_expect(&in, PIV_OBJECT, TLV_BER);
}

/*
 * The prefix of a CHUID: its object says a length that is not all there, so the
 * headers are read and the rest taken as it came.
 */
static void
take_chuid(struct wire_view data, struct card_content *content)
{
	struct wire_in in = wire_in_view(data);
	struct wire_view guid;
	struct wire_out id = wire_out(content->id, sizeof(content->id));

	if (wire_u8(&in) != PIV_OBJECT || tlv_head(data) == 0)
		return;
	wire_skip(&in, tlv_head(data) - 1);
	if (tlv_find(wire_rest(&in), PIV_GUID, &guid) &&
	    guid.len == CARD_ID_LEN)
		wire_put_view(&id, guid);
}

/* Certificates on the card take the lowest key references. */
static void
take_history(struct piv *piv, struct wire_view data)
{
	struct wire_view value;
	struct wire_in in;
	unsigned count;

	if (!tlv_find(object_value(data), PIV_KEYS_ON_CARD, &value))
		return;
	in = wire_in_view(value);
	count = wire_u8(&in);
	if (count > PIV_RETIRED_MAX)
		count = PIV_RETIRED_MAX;
	if (count > piv->retired)
		piv->retired = count;
}

static void
take_certificate(const struct card_cert *like, struct wire_view data,
                 struct card_content *content)
{
	struct wire_in in = wire_in_view(data);
	struct wire_view object = tlv_expect(&in, PIV_OBJECT, TLV_BER);
	struct wire_view cert;
	struct wire_view info;
	struct wire_in flags;

	if (wire_ok(&in) && object.len == 0)
		return; /* an emptied slot */
	if (!tlv_find(object, PIV_CERTIFICATE, &cert)) {
		content_skip(content, like->slot, "is not a PIV certificate");
		return;
	}
	if (cert.len == 0)
		return;
	if (!tlv_find(object, PIV_CERT_INFO, &info))
		info = wire_view_text("");
	flags = wire_in_view(info);
	if ((wire_u8(&flags) & PIV_PACKED) != 0)
		content_add_packed(content, like, cert);
	else
		content_add_plain(content, like, cert);
}

static struct card_cert
describe_slot(const struct piv *piv)
{
	struct card_cert like = {.key_spec = PIV_EXCHANGE,
	                         .pin = CARD_PIN_USER};

	if (piv->phase == PIV_MAIN) {
		memcpy(like.slot, mains[piv->index].slot, sizeof(like.slot));
		like.key_spec = mains[piv->index].key_spec;
		like.is_default = mains[piv->index].is_default;
		like.pin = mains[piv->index].pin;
		like.index = piv->index;
	} else {
		(void)snprintf(like.slot, sizeof(like.slot), "%02X",
		               PIV_SLOT_RETIRED + piv->index);
		like.index = PIV_MAINS + piv->index;
	}
	return like;
}

static const char *
append_roots(struct piv *piv, struct wire_view part)
{
	struct wire_out out;
	uint8_t *grown;

	if (part.len > CARD_ROOTS_OBJECT_MAX - piv->roots_len)
		return "is larger than its limit";
	if (part.len == 0)
		return NULL;
	grown = realloc(piv->roots, piv->roots_len + part.len);
	if (grown == NULL)
		return "no memory";
	piv->roots = grown;
	out = wire_out(piv->roots, piv->roots_len + part.len);
	out.len = piv->roots_len;
	wire_put_view(&out, part);
	piv->roots_len = out.len;
	return NULL;
}

/* One part: 83 and more follow, or 82 and it was the last. */
static void
take_roots(struct piv *piv, struct wire_view data, struct card_content *content)
{
	struct wire_in in = wire_in_view(object_value(data));
	struct tlv part = tlv_next(&in, TLV_BER);
	bool last = part.tag == PIV_ROOTS_LAST;
	const char *fault = append_roots(piv, part.value);
	struct wire_view all = {piv->roots, piv->roots_len};

	if (!wire_ok(&in) || (!last && part.tag != PIV_ROOTS_MORE) ||
	    (!last && piv->index + 1 == PIV_ROOT_PARTS))
		fault = "is not a root file in parts";
	if (fault != NULL)
		content_skip(content, "msroots", fault);
	else if (last)
		content_add_roots(content, all);
	if (fault != NULL || last)
		piv->index = PIV_ROOT_PARTS;
}

static void
take_data(struct piv *piv, struct wire_view data, struct card_content *content)
{
	struct card_cert like;

	switch (piv->phase) {
	case PIV_CHUID:
		take_chuid(data, content);
		break;
	case PIV_HISTORY:
		take_history(piv, data);
		break;
	case PIV_MAIN:
	case PIV_RETIRED:
		like = describe_slot(piv);
		take_certificate(&like, data, content);
		break;
	case PIV_ROOTS:
		take_roots(piv, data, content);
		break;
	case PIV_END:
		break;
	}
}

static void
take_fault(const struct piv *piv, const char *reason,
           struct card_content *content)
{
	struct card_cert like;

	switch (piv->phase) {
	case PIV_CHUID: /* the id is then a digest */
	case PIV_END:
		break;
	case PIV_HISTORY:
		content_skip(content, "history", reason);
		break;
	case PIV_MAIN:
	case PIV_RETIRED:
		like = describe_slot(piv);
		content_skip(content, like.slot, reason);
		break;
	case PIV_ROOTS:
		content_skip(content, "msroots", reason);
		break;
	}
}

const char *
piv_take(struct piv *piv, const struct exchange_result *result,
         struct card_content *content)
{
	if (result->outcome == EXCHANGE_OK)
		take_data(piv, result->data, content);
	else if (result->outcome == EXCHANGE_FAULT)
		take_fault(piv, result->reason, content);
	/* A part that is not there: what came before is no root file. */
	if (piv->phase == PIV_ROOTS && result->outcome != EXCHANGE_OK)
		piv->index = PIV_ROOT_PARTS;
	piv->index++;
	return NULL;
}
