/*
 * The first bytes of an RDP connection: preconnection blob ([MS-RDPEPS] 2.2.1),
 * TPKT (RFC 1006), and the X.224 connection request and confirm with the RDP
 * negotiation in them ([MS-RDPBCGR] 2.2.1.1, 2.2.1.2).  Codec only: no I/O.
 */
#ifndef PROXY_X224_H
#define PROXY_X224_H

#include "wire.h"

enum {
	X224_REQUEST_MAX =
	    4096, /* bytes of a connection request with its TPKT */
	X224_COOKIE_MAX =
	    256, /* bytes of a cookie or routing token we look at */
	X224_CONFIRM_LEN = 19 /* bytes of a confirm or failure we write */
};

/* requestedProtocols and selectedProtocol. */
enum {
	X224_PROTOCOL_RDP = 0,
	X224_PROTOCOL_SSL = 1,
	X224_PROTOCOL_HYBRID = 2,
	X224_PROTOCOL_RDSTLS = 4,
	X224_PROTOCOL_HYBRID_EX = 8,
	X224_PROTOCOL_RDSAAD = 16
};

/* failureCode of RDP_NEG_FAILURE, [MS-RDPBCGR] 2.2.1.2.2. */
enum x224_failure {
	X224_SSL_REQUIRED = 1,
	X224_SSL_NOT_ALLOWED = 2,
	X224_SSL_CERT_NOT_ON_SERVER = 3,
	X224_INCONSISTENT_FLAGS = 4,
	X224_HYBRID_REQUIRED = 5,
	X224_SSL_WITH_USER_AUTH_REQUIRED = 6
};

/*
 * How many bytes does the message at the start of data have?  Preconnection
 * blobs and TPKT.  0: more bytes are needed to tell; X224_NOT_RDP: neither, or
 * above its limit.
 */
#define X224_NOT_RDP ((size_t)-1)
size_t x224_message_len(struct wire_view data);

/* Is this message a preconnection blob, version 1 or 2? */
bool x224_is_preconnection(struct wire_view message);

struct x224_request {
	struct wire_view token; /* cookie or routing token without CR LF */
	struct wire_view user;  /* of "Cookie: mstshash=", or empty */
	bool negotiates;        /* an RDP_NEG_REQ was there */
	uint8_t flags;
	uint32_t protocols; /* requestedProtocols, 0 without RDP_NEG_REQ */
	size_t
	    protocols_offset; /* of requestedProtocols in the message, or 0 */
};

/* Decode one whole connection request (TPKT included); views are borrowed. */
bool x224_request_decode(struct wire_in *in, struct x224_request *request);

struct x224_confirm {
	enum {
		X224_PLAIN,
		X224_RESPONSE,
		X224_FAILURE
	} kind; /* PLAIN: legacy */
	uint8_t flags;
	uint32_t value; /* selectedProtocol or failureCode */
};
bool x224_confirm_decode(struct wire_in *in, struct x224_confirm *confirm);

/* Write a connection confirm with a response or a failure: X224_CONFIRM_LEN. */
void x224_confirm_encode(struct wire_out *out,
                         const struct x224_confirm *confirm);

/* "SSL_REQUIRED_BY_SERVER", ... */
const char *x224_failure_name(uint32_t code);

#endif
