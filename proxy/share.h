/*
 * What is said on the I/O channel, as far as the relay needs it: the Client
 * Info PDU ([MS-RDPBCGR] 2.2.1.11), the share control and data headers
 * (2.2.8.1.1.1), the virtual channel capability set of Demand and Confirm
 * Active (2.2.1.13, 2.2.7.1.10), and the Font Map PDU (2.2.1.22).  Codec only:
 * no I/O, no state.
 *
 * A decoder that may refuse returns NULL, or a literal naming PDU and field.
 */
#ifndef PROXY_SHARE_H
#define PROXY_SHARE_H

#include "wire.h"

enum { SHARE_TEXT_MAX = 1024 }; /* bytes of one text of Client Info */

/* Flags of the virtual channel capability set. */
#define SHARE_VC_COMPRESSED_TO_CLIENT   1u /* VCCAPS_COMPR_SC */
#define SHARE_VC_COMPRESSED_FROM_CLIENT 2u /* VCCAPS_COMPR_CS_8K */

/*
 * A text as the client wrote it: UTF-16LE, or one byte a character.  It may
 * hold its terminator.
 */
struct share_text {
	bool unicode;
	struct wire_view bytes; /* borrowed */
};

/*
 * As UTF-8 up to its terminator or its end; out is always terminated.  False,
 * and out empty, when it is not valid UTF-16 or does not fit.
 */
bool share_text_utf8(const struct share_text *text, char *out, size_t size);

/*
 * Flags of Client Info: share data may be compressed, with at most this type;
 * the password is a card's PIN.
 */
#define SHARE_INFO_COMPRESSION      0x80u
#define SHARE_INFO_COMPRESSION_TYPE 0x1e00u
#define SHARE_INFO_PASSWORD_IS_PIN  0x40000u

/* The password is borrowed as the others are; what else there is, skipped. */
struct share_info {
	size_t flags_offset; /* from the start of the user data */
	uint32_t flags;
	struct share_text domain;
	struct share_text user;
	struct share_text password;
	struct share_text client_address; /* empty without the extended part */
};

/* Does this user data start with a security header that says SEC_INFO_PKT? */
bool share_is_info(struct wire_view data);
const char *share_info_decode(struct wire_view data, struct share_info *info);

/*
 * Licensing has a security header and no share control header, and is told
 * apart by its own length ([MS-RDPELE] 2.2.2.1).
 */
bool share_is_license(struct wire_view data);

/* pduType, without the version, and pduType2. */
enum {
	SHARE_DEMAND_ACTIVE = 1,
	SHARE_CONFIRM_ACTIVE = 3,
	SHARE_DATA = 7,
	SHARE_DATA_SAVE_SESSION_INFO = 0x26,
	SHARE_DATA_FONT_MAP = 0x28,
	SHARE_DATA_SET_ERROR_INFO = 0x2f
};

/* The start of a share PDU: at most SHARE_HEAD bytes are looked at. */
enum { SHARE_HEAD = 15 };
struct share_head {
	size_t len;        /* totalLength */
	uint8_t type;      /* 0: a flow PDU */
	uint8_t data_type; /* pduType2 when type is SHARE_DATA, or 0 */
};
bool share_head_decode(struct wire_in *in, struct share_head *head);

/*
 * Take the next share PDU out of user data that may hold several: *pdu is all
 * of it.  False at the end, and where the bytes are none.
 */
bool share_next(struct wire_in *in, struct share_head *head,
                struct wire_view *pdu);

/*
 * The body of a share data PDU, behind its header of 18 bytes.  A compressed
 * one cannot be read: its history is that of all the desktop before it.
 */
enum share_body { SHARE_BODY_PLAIN, SHARE_BODY_COMPRESSED, SHARE_BODY_NONE };
enum share_body share_body_decode(struct wire_view pdu, struct wire_in *body);

/* The virtual channel capability set; offset counts from the PDU's start. */
struct share_vc {
	size_t flags_offset; /* 0: there is no such set */
	uint32_t flags;
	uint32_t chunk_size; /* VCChunkSize, or 0 */
};
const char *share_demand_decode(struct wire_view pdu, struct share_vc *vc);
const char *share_confirm_decode(struct wire_view pdu, struct share_vc *vc);

#endif
