#include "rootbag.h"
#include "tlv.h"

/* 1.2.840.113549.1.7.2, RFC 2315 section 14 */
static const uint8_t signed_data_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf7,
                                          0x0d, 0x01, 0x07, 0x02};

/* ContentInfo down to the fields of SignedData, RFC 2315 section 7 and 9.1. */
static struct wire_in
open_signed_data(struct wire_view bytes)
{
	struct wire_view want = {signed_data_oid, sizeof(signed_data_oid)};
	struct wire_in in = wire_in_view(bytes);
	struct wire_in info =
	    wire_in_view(tlv_expect(&in, TLV_SEQUENCE, TLV_DER));
	struct wire_view oid = tlv_expect(&info, TLV_OID, TLV_DER);
	struct wire_in content =
	    wire_in_view(tlv_expect(&info, TLV_CONTEXT_0, TLV_DER));
	struct wire_in data =
	    wire_in_view(tlv_expect(&content, TLV_SEQUENCE, TLV_DER));

	if (!wire_done(&in) || !wire_done(&info) || !wire_done(&content) ||
	    !wire_view_equal(oid, want))
		wire_fail(&data, WIRE_VALUE);
	return data;
}

/*
 * The implicit [0] of SignedData; empty when it is not there.  What follows it
 * must be an optional [1] and the set of signers, and the end.
 */
static struct wire_in
open_certificates(struct wire_in *data)
{
	struct wire_in certs = wire_in(NULL, 0);
	struct tlv next;

	(void)tlv_expect(data, TLV_INTEGER, TLV_DER);
	(void)tlv_expect(data, TLV_SET, TLV_DER);
	(void)tlv_expect(data, TLV_SEQUENCE, TLV_DER);
	next = tlv_next(data, TLV_DER);
	if (next.tag == TLV_CONTEXT_0) {
		certs = wire_in_view(next.value);
		next = tlv_next(data, TLV_DER);
	}
	if (next.tag == TLV_CONTEXT_1)
		next = tlv_next(data, TLV_DER);
	if (next.tag != TLV_SET || data->left > 0)
		wire_fail(data, WIRE_VALUE);
	return certs;
}

static const char *
count_members(struct wire_in certs, size_t *count)
{
	*count = 0;
	while (wire_ok(&certs) && certs.left > 0) {
		struct tlv member = tlv_next(&certs, TLV_DER);

		if (wire_ok(&certs) && member.tag != TLV_SEQUENCE)
			return "the root file holds more than certificates";
		if (++*count > ROOTBAG_MAX)
			return "the root file holds too many certificates";
	}
	return wire_ok(&certs) ? NULL : "the root file is broken";
}

const char *
rootbag_parse(struct wire_view bytes, struct rootbag *bag)
{
	struct wire_in data = open_signed_data(bytes);
	struct wire_in certs = open_certificates(&data);
	const char *fault;
	size_t count;

	bag->count = 0;
	if (bytes.len == 0)
		return NULL;
	if (!wire_ok(&data))
		return "the root file is not a bag of certificates";
	fault = count_members(certs, &count);
	if (fault != NULL)
		return fault;
	for (size_t i = 0; i < count; i++) {
		bag->certs[i] = tlv_next(&certs, TLV_DER).whole;
		if (!tlv_is_der(bag->certs[i]))
			return "the root file holds a broken certificate";
	}
	bag->count = count;
	return NULL;
}
