#include "mcs.h"

/* T.125 section 7: choices of DomainMCSPDU, and the tags of ConnectMCSPDU. */
enum {
	CHOICE_ULTIMATUM = 8,
	CHOICE_ATTACH_CONFIRM = 11,
	TAG_CONNECT = 0x7f, /* application class, constructed, long form */
	TAG_CONNECT_INITIAL = 0x65,
	TAG_CONNECT_RESPONSE = 0x66,
	PRIORITY_WHOLE = 0x70 /* high priority, segmentation begin and end */
};

/* X.690, universal tags. */
enum {
	BER_BOOLEAN = 0x01,
	BER_INTEGER = 0x02,
	BER_OCTETS = 0x04,
	BER_ENUMERATED = 0x0a,
	BER_SEQUENCE = 0x30
};

size_t
mcs_per_length(struct wire_in *in)
{
	uint8_t first = wire_u8(in);

	if (!(first & 0x80))
		return first;
	return (size_t)(first & 0x7f) << 8 | wire_u8(in);
}

void
mcs_put_per_length(struct wire_out *out, size_t len)
{
	if (len > MCS_DATA_MAX && wire_out_ok(out))
		out->fault = WIRE_LIMIT;
	if (len < 0x80)
		wire_put_u8(out, (uint8_t)len);
	else
		wire_put_u16_be(out, (uint16_t)(0x8000 | len));
}

static enum mcs_kind
connect_kind(uint8_t tag)
{
	if (tag == TAG_CONNECT_INITIAL)
		return MCS_CONNECT_INITIAL;
	return tag == TAG_CONNECT_RESPONSE ? MCS_CONNECT_RESPONSE : MCS_OTHER;
}

bool
mcs_head_decode(struct wire_in *in, struct mcs_head *head)
{
	static const struct mcs_head other;
	uint8_t first = wire_u8(in);
	unsigned choice = first >> 2;

	*head = other;
	if (first == TAG_CONNECT) {
		head->kind = connect_kind(wire_u8(in));
		return wire_ok(in);
	}
	if (choice == CHOICE_ULTIMATUM)
		head->kind = MCS_ULTIMATUM;
	if (choice == CHOICE_ATTACH_CONFIRM)
		head->kind = MCS_ATTACH_CONFIRM;
	if (choice != MCS_DATA_REQUEST && choice != MCS_DATA_INDICATION)
		return wire_ok(in);
	head->kind = MCS_DATA;
	wire_skip(in, 2); /* initiator */
	head->channel = wire_u16_be(in);
	wire_skip(in, 1); /* priority and segmentation: nobody segments */
	head->len = mcs_per_length(in);
	return wire_ok(in);
}

/*
 * Definite lengths of at most two bytes: a frame has no more than 64 KiB.  That
 * of a whole connect PDU is not compared with its parts, by which receivers go:
 * xrdp's is 2 short where the user data has 128 bytes.
 */
static size_t
ber_length(struct wire_in *in)
{
	uint8_t first = wire_u8(in);

	if (first < 0x80)
		return first;
	if (first == 0x81)
		return wire_u8(in);
	if (first == 0x82)
		return wire_u16_be(in);
	wire_fail(in, WIRE_VALUE);
	return 0;
}

/* The content of the next element, which must have this tag. */
static struct wire_view
ber_element(struct wire_in *in, uint8_t tag)
{
	if (wire_u8(in) != tag)
		wire_fail(in, WIRE_VALUE);
	return wire_bytes(in, ber_length(in));
}

/* The octet string that ends both connect PDUs. */
static void
take_user_data(struct wire_in *in, size_t whole, struct mcs_connect *connect)
{
	connect->user_data = ber_element(in, BER_OCTETS);
	connect->user_data_offset = whole - in->left - connect->user_data.len;
}

/* T.125 section 7, Connect-Initial. */
const char *
mcs_connect_initial_decode(struct wire_in *in, struct mcs_connect *connect)
{
	static const struct mcs_connect empty;
	size_t whole = in->left;

	*connect = empty;
	(void)ber_length(in);
	if (!wire_ok(in))
		return "MCS: length of Connect Initial";
	(void)ber_element(in, BER_OCTETS);   /* calling domain selector */
	(void)ber_element(in, BER_OCTETS);   /* called domain selector */
	(void)ber_element(in, BER_BOOLEAN);  /* upward flag */
	(void)ber_element(in, BER_SEQUENCE); /* target domain parameters */
	(void)ber_element(in, BER_SEQUENCE); /* minimum */
	(void)ber_element(in, BER_SEQUENCE); /* maximum */
	if (!wire_ok(in))
		return "MCS: domain parameters of Connect Initial";
	take_user_data(in, whole, connect);
	return wire_done(in) ? NULL : "MCS: user data of Connect Initial";
}

/* T.125 section 7, Connect-Response. */
const char *
mcs_connect_response_decode(struct wire_in *in, struct mcs_connect *connect)
{
	static const struct mcs_connect empty;
	size_t whole = in->left;
	struct wire_in result;

	*connect = empty;
	(void)ber_length(in);
	if (!wire_ok(in))
		return "MCS: length of Connect Response";
	result = wire_in_view(ber_element(in, BER_ENUMERATED));
	connect->result = wire_u8(&result);
	if (!wire_ok(in) || !wire_done(&result))
		return "MCS: result of Connect Response";
	(void)ber_element(in, BER_INTEGER);  /* called connect id */
	(void)ber_element(in, BER_SEQUENCE); /* domain parameters */
	if (!wire_ok(in))
		return "MCS: domain parameters of Connect Response";
	take_user_data(in, whole, connect);
	return wire_done(in) ? NULL : "MCS: user data of Connect Response";
}

const char *
mcs_attach_confirm_decode(struct wire_in *in, uint16_t *user)
{
	uint8_t result = wire_u8(in);
	uint32_t initiator;

	*user = 0;
	if (!wire_ok(in))
		return "MCS: result of Attach User Confirm";
	if (result != 0)
		return NULL;
	initiator = (uint32_t)wire_u16_be(in) + MCS_BASE_CHANNEL;
	if (!wire_ok(in) || initiator > UINT16_MAX)
		return "MCS: initiator of Attach User Confirm";
	*user = (uint16_t)initiator;
	return NULL;
}

void
mcs_data_encode(struct wire_out *out, enum mcs_data_kind kind,
                uint16_t initiator, uint16_t channel, size_t len)
{
	if (initiator < MCS_BASE_CHANNEL && wire_out_ok(out))
		out->fault = WIRE_VALUE;
	wire_put_u8(out, (uint8_t)(kind << 2));
	wire_put_u16_be(out, (uint16_t)(initiator - MCS_BASE_CHANNEL));
	wire_put_u16_be(out, channel);
	wire_put_u8(out, PRIORITY_WHOLE);
	mcs_put_per_length(out, len);
}

/* A choice of 6 bits, then a reason of 3, filled up with zeros. */
void
mcs_ultimatum_encode(struct wire_out *out, enum mcs_reason reason)
{
	wire_put_u16_be(out, (uint16_t)(CHOICE_ULTIMATUM << 10 | reason << 7));
}

bool
mcs_ultimatum_decode(struct wire_in *in, enum mcs_reason *reason)
{
	unsigned bits = wire_u16_be(in);
	unsigned value = bits >> 7 & 7;

	*reason = MCS_DOMAIN_DISCONNECTED;
	if (!wire_ok(in) || bits >> 10 != CHOICE_ULTIMATUM ||
	    value > MCS_CHANNEL_PURGED)
		return false;
	*reason = (enum mcs_reason)value;
	return true;
}

const char *
mcs_reason_name(enum mcs_reason reason)
{
	switch (reason) {
	case MCS_DOMAIN_DISCONNECTED:
		return "domain-disconnected";
	case MCS_PROVIDER_INITIATED:
		return "provider-initiated";
	case MCS_TOKEN_PURGED:
		return "token-purged";
	case MCS_USER_REQUESTED:
		return "user-requested";
	case MCS_CHANNEL_PURGED:
		return "channel-purged";
	}
	return "?";
}
