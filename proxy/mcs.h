/*
 * T.125, as far as a relay needs it: what kind of PDU a frame holds, where its
 * user data is, and the lengths of PER (X.691 10.9) and BER (X.690 8.1.3).
 * Codec only: no I/O, no state.
 *
 * A decoder that may refuse returns NULL, or a literal naming layer and field.
 */
#ifndef PROXY_MCS_H
#define PROXY_MCS_H

#include "wire.h"

enum {
	MCS_BASE_CHANNEL = 1001,   /* what a user id on the wire counts from */
	MCS_SERVER_CHANNEL = 1002, /* the server's user id */
	MCS_DATA_HEAD = 8,    /* bytes of a data PDU before its user data */
	MCS_DATA_MAX = 0x3fff /* user data a two-byte PER length can state */
};

enum mcs_kind {
	MCS_OTHER,
	MCS_CONNECT_INITIAL,
	MCS_CONNECT_RESPONSE,
	MCS_ATTACH_CONFIRM,
	MCS_ULTIMATUM, /* Disconnect Provider Ultimatum */
	MCS_DATA       /* Send Data Request or Indication */
};

/*
 * The start of an MCS PDU.  For MCS_DATA the cursor then stands at the user
 * data, else just behind the tag.
 */
struct mcs_head {
	enum mcs_kind kind;
	uint16_t channel; /* MCS_DATA */
	size_t len;       /* MCS_DATA: of the user data, as the PDU states it */
};

/* False when the bytes do not hold the whole head. */
bool mcs_head_decode(struct wire_in *in, struct mcs_head *head);

/* PER length determinant: one or two bytes, at most 0x7fff. */
size_t mcs_per_length(struct wire_in *in);
void mcs_put_per_length(struct wire_out *out, size_t len);

/* What Connect Initial and Connect Response carry: GCC, in an octet string. */
struct mcs_connect {
	uint8_t result;             /* of a Connect Response; 0 is success */
	struct wire_view user_data; /* borrowed */
	size_t user_data_offset;    /* from where the cursor stood */
};

/* in stands just behind the tag of two bytes, and holds no more than the PDU.
 */
const char *mcs_connect_initial_decode(struct wire_in *in,
                                       struct mcs_connect *connect);
const char *mcs_connect_response_decode(struct wire_in *in,
                                        struct mcs_connect *connect);

/* Attach User Confirm; *user is the client's user channel, 0 when refused. */
const char *mcs_attach_confirm_decode(struct wire_in *in, uint16_t *user);

/* The head of a Send Data Request (from a client) or Indication (to one). */
enum mcs_data_kind { MCS_DATA_REQUEST = 25, MCS_DATA_INDICATION = 26 };
void mcs_data_encode(struct wire_out *out, enum mcs_data_kind kind,
                     uint16_t initiator, uint16_t channel, size_t len);

/* Disconnect Provider Ultimatum, T.125 section 7, Reason. */
enum mcs_reason {
	MCS_DOMAIN_DISCONNECTED,
	MCS_PROVIDER_INITIATED,
	MCS_TOKEN_PURGED,
	MCS_USER_REQUESTED,
	MCS_CHANNEL_PURGED
};

/* From its first byte on; false when it is not whole or the reason is none. */
bool mcs_ultimatum_decode(struct wire_in *in, enum mcs_reason *reason);
void mcs_ultimatum_encode(struct wire_out *out, enum mcs_reason reason);

/* "user-requested", ... */
const char *mcs_reason_name(enum mcs_reason reason);

#endif
