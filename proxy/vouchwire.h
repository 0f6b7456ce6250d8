/*
 * The words between a session and the voucher: one message, one datagram of a
 * SOCK_SEQPACKET pair.  Encoding and decoding, no I/O.
 *
 * Numbers are little-endian, a text is its u16 length and its bytes.  What is
 * decoded borrows from the datagram: who wipes the datagram has wiped all.
 */
#ifndef PROXY_VOUCHWIRE_H
#define PROXY_VOUCHWIRE_H

#include "wire.h"

enum {
	VOUCH_USER_MAX = 256,     /* bytes of an account's name */
	VOUCH_PASSWORD_MAX = 512, /* PAM_MAX_RESP_SIZE, with its NUL */
	VOUCH_CLIENT_MAX = 64,    /* an address as text */
	VOUCH_MESSAGE_MAX = 1024
};

enum vouch_type {
	VOUCH_ATTACH = 1, /* gate: a session's pair comes along */
	VOUCH_QUESTION,   /* session */
	VOUCH_ANSWER      /* voucher */
};

enum vouch_reason {
	VOUCH_ACCEPTED, /* the account's password, and it may log on */
	VOUCH_DENIED,   /* name or password is wrong: which is not told */
	VOUCH_ACCOUNT,  /* expired, locked, or not from here or now */
	VOUCH_LIMITED,  /* the client has failed too often: not checked */
	VOUCH_BUSY,     /* too many checks at a time: not checked */
	VOUCH_LATE,     /* PAM took too long */
	VOUCH_FAILED,   /* PAM is not set up, or one of its modules broke */
	VOUCH_ABSENT    /* there is no voucher; never sent */
};

struct vouch_msg {
	enum vouch_type type;
	union {
		struct wire_view client; /* ATTACH */
		struct {
			struct wire_view user;
			struct wire_view password;
		} question;
		struct {
			enum vouch_reason reason;
			struct wire_view account; /* with ACCEPTED only */
		} answer;
	};
};

/* What a text must be: some bytes, at most max of them, without a NUL. */
bool vouch_text_allowed(struct wire_view text, size_t max);

/* Encode; out->fault says that a text was empty, too long or had a NUL. */
void vouch_encode(struct wire_out *out, const struct vouch_msg *msg);

/*
 * Decode one whole datagram; false when a byte is missing, left over or not
 * allowed (in->fault says how).
 */
bool vouch_decode(struct wire_in *in, struct vouch_msg *msg);

/* "accepted", "denied", ...: for logs and for the state of a session. */
const char *vouch_reason_name(enum vouch_reason reason);

#endif
