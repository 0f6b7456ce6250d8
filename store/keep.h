/*
 * The words between a session, the gate and the keeper: one message, one
 * datagram of a SOCK_SEQPACKET pair.  This module encodes and decodes them; it
 * does no I/O.
 *
 * A session says HELLO first (also to a keeper that was restarted), then tells
 * its news.  What is to be stored comes as one BEGIN, any number of CERT and
 * one COMMIT; the keeper answers each COMMIT, RELEASE and SYNCED with one ACK
 * of the same seq, after it is durable and the trust view shows it.
 *
 * The numbers are little-endian, a text or a blob is its u16 or u32 length and
 * its bytes.  A decoded message borrows from the datagram.
 */
#ifndef STORE_KEEP_H
#define STORE_KEEP_H

#include "wire.h"

enum {
	KEEP_VERSION = 1,
	KEEP_ID_LEN = 16,         /* a session's id, random */
	KEEP_CARD_ID_LEN = 16,    /* a card's GUID */
	KEEP_TEXT_MAX = 1024,     /* bytes of UTF-8 in one text */
	KEEP_DER_MAX = 16 * 1024, /* bytes of one certificate */
	KEEP_MESSAGE_MAX = 64 * 1024,
	KEEP_CERTS_MAX = 32,  /* certificates of one card, roots not counted */
	KEEP_ROOTS_MAX = 64,  /* authorities of one card, of all kinds */
	KEEP_HASH_LEN = 32,   /* SHA-256 of a certificate */
	KEEP_HASHES_MAX = 256 /* in one list of a policy */
};

enum keep_type {
	KEEP_HELLO = 1,   /* session: who I am */
	KEEP_STATE,       /* session: user, state, role or reason changed */
	KEEP_READER,      /* session: a reader is there, or its card changed */
	KEEP_READER_GONE, /* session */
	KEEP_BEGIN,       /* session: what follows was read from this card */
	KEEP_CERT,        /* session: one certificate of it */
	KEEP_COMMIT,      /* session: apply it, in one transaction */
	KEEP_RELEASE,     /* session: a card was withdrawn, or is silent */
	KEEP_SYNCED, /* session: all that is present has been asserted again */
	KEEP_EVENT,  /* session: news for "cardproxyctl watch" */
	KEEP_END,    /* session: its connection is over, and how */
	KEEP_USAGE,  /* session: its counters, for display */
	KEEP_RULES,  /* session, gate: what a policy says of what stands */
	KEEP_ACK = 64,     /* keeper: answer to COMMIT, RELEASE and SYNCED */
	KEEP_ATTACH = 96,  /* gate: a session's pair comes with this datagram */
	KEEP_ATTACHED_ALL, /* gate: every live session has been attached */
	KEEP_LOGOFF,       /* gate: the host says that a log-on is over */
	KEEP_READY,        /* keeper, to the gate: it serves */
	KEEP_RULED_ALL     /* gate: RULES of every section have been said */
};

/* The state machine of certificate propagation, for display. */
enum keep_session_state {
	KEEP_NONE,
	KEEP_PRELOGON,
	KEEP_WATCHING,
	KEEP_DETACHED,
	KEEP_ENDING
};

/* Where a certificate goes. */
enum keep_kind {
	KEEP_USER = 1,     /* the user's Personal store, MY */
	KEEP_REQUEST,      /* the user's REQUEST store */
	KEEP_ANCHOR,       /* SMARTCARDROOT, a trust anchor */
	KEEP_INTERMEDIATE, /* SMARTCARDROOT, for path building only */
	KEEP_PREEXISTING   /* trusted by the host already: on record only */
};

/*
 * What ends a claim (RootCertificateCleanupOption, and for the user's own
 * certificates UserCertificateCleanupOption).
 */
enum keep_cleanup {
	KEEP_CLEANUP_NONE = 0,
	KEEP_CLEANUP_REMOVAL = 1, /* card removal; log-off ends it too */
	KEEP_CLEANUP_LOGOFF = 2
};

/* Can this reader be taken away?  A redirected one leaves with its client. */
enum keep_removable {
	KEEP_REMOVABLE_UNKNOWN,
	KEEP_REMOVABLE_NO,
	KEEP_REMOVABLE_YES
};

/*
 * What a connection's end means for its log-on.  A disconnected one may come
 * back; a pair that closes without END is a crash, and ends as a log-off does.
 */
enum keep_end { KEEP_END_LOGOFF, KEEP_END_DISCONNECT };

/* What the roots of a session's view are trusted for (RootPurpose). */
enum keep_purpose {
	KEEP_PURPOSE_CLIENT,
	KEEP_PURPOSE_SERVER,
	KEEP_PURPOSE_ANY
};

enum keep_card_state {
	KEEP_CARD_EMPTY,
	KEEP_CARD_SETTLING,
	KEEP_CARD_READING,
	KEEP_CARD_PRESENT,
	KEEP_CARD_FAILED,
	KEEP_CARD_MUTE
};

/* HELLO and ATTACH. */
struct keep_hello {
	uint8_t session[KEEP_ID_LEN];
	uint32_t pid;
	int64_t started_at;      /* seconds since the epoch */
	bool resumed;            /* the keeper was restarted meanwhile */
	struct wire_view target; /* name of the [target] section */
	struct wire_view client_name;
	struct wire_view client_addr;
};

struct keep_state {
	enum keep_session_state state;
	struct wire_view
	    user; /* owner key "user@domain" or "user", empty: none */
	struct wire_view source; /* of the identity: "claimed", ... */
	struct wire_view policy; /* name of the section in force */
	struct wire_view role;   /* "none", "relay", "own" */
	struct wire_view reason; /* why there is no card, or empty */
	/*
	 * What the server or its host calls the log-on, "rdp:7" or "logind:c2":
	 * with the user and the target, what a reconnection is known by.
	 */
	struct wire_view host_session;
	enum keep_purpose purpose; /* of the view */
};

struct keep_reader {
	uint32_t reader; /* instance, unique in the session, never reused */
	struct wire_view name; /* UTF-8, as redirected */
	enum keep_card_state card;
	struct wire_view atr;              /* at most 36 bytes */
	uint8_t card_id[KEEP_CARD_ID_LEN]; /* zeros: not known */
	struct wire_view family;           /* "PIV", "GIDS" or empty */
	struct wire_view reason;           /* of a failure, or empty */
};

struct keep_begin {
	uint32_t reader;
	struct wire_view reader_name;
	uint8_t card_id[KEEP_CARD_ID_LEN];
	struct wire_view family;
	enum keep_cleanup cleanup;      /* of the roots that follow */
	enum keep_cleanup user_cleanup; /* of the others */
	bool archive_stale;         /* archive what the card no longer holds */
	struct wire_view policy;    /* name of the section in force */
	uint32_t policy_generation; /* of what is in force; 0: not known */
	struct wire_view card_serial; /* as text, or empty */
	struct wire_view chuid; /* GUID of a PIV CHUID, KEEP_CARD_ID_LEN; or
	                           empty */
	enum keep_removable removable; /* the reader */
};

/*
 * One certificate, with all the columns: the keeper stores them as they are
 * and never parses DER.  It computes both thumbprints itself.
 */
struct keep_cert {
	enum keep_kind kind;
	struct wire_view der;
	struct wire_view subject; /* RFC 2253 text */
	struct wire_view issuer;
	struct wire_view serial; /* hexadecimal text */
	int64_t not_before;      /* seconds since the epoch */
	int64_t not_after;
	struct wire_view ski; /* raw bytes, may be empty */
	struct wire_view aki;
	struct wire_view key_alg; /* "RSA", "EC", "ED25519" */
	uint32_t key_bits;
	uint32_t subject_hash; /* X509_NAME_hash_ex, for the hashed directory */
	bool is_ca;
	bool self_issued;
	bool logon_eligible;
	bool host; /* a root for the whole host: an administrator allowed it */
	struct wire_view upn;
	struct wire_view email;
	/* Properties of origin card: */
	struct wire_view friendly_name;
	struct wire_view prov_name;
	uint32_t prov_type;
	uint32_t prov_flags;
	uint32_t key_spec; /* 1 exchange, 2 signature, 0 not known */
	struct wire_view container;
	struct wire_view pkcs11_uri;
	struct wire_view enrollment; /* property 26 as given, or empty */
	struct wire_view card_data;  /* property 16: the card's own record of
	                                the container, or empty */
	/* Which PIN guards the key, never the PIN: property 90, and 91. */
	bool has_pin;
	uint32_t pin_id;
	struct wire_view pin_info; /* PIN_INFO as serialised, or empty */
};

/* Without roots and user nothing ends, but no key of the card is available. */
struct keep_release {
	uint32_t reader;
	uint8_t card_id[KEEP_CARD_ID_LEN];
	bool roots; /* drop this reader's claims on the card's roots */
	bool
	    user; /* and its user certificates (UserCertificateCleanupOption) */
};

struct keep_event {
	struct wire_view name;
	struct wire_view text; /* already printable */
};

struct keep_over {
	enum keep_end how;
	uint32_t grace_s; /* disconnected: cards count as removed after this */
	uint32_t max_age_s; /* disconnected: as log-off after this, 0: never */
	struct wire_view reason;
};

struct keep_logoff {
	struct wire_view host_session;
	struct wire_view reason;
};

/*
 * What the keeper judges by whatever a log-on still has: of cards that are
 * gone, of earlier connections, of nobody's.  From a session: for its log-on,
 * after the STATE that names the user, and whenever it changes.  From the gate:
 * one section after the other, then RULED_ALL; they count for the log-ons that
 * nobody is connected to, by the section that was in force; one that is not
 * among them propagates no roots.
 */
struct keep_rules {
	struct wire_view policy; /* name of the section */
	bool redirect;           /* no: cards count as removed */
	bool roots; /* no: roots end now, but those that end never */
	enum keep_cleanup cleanup;
	enum keep_cleanup user_cleanup;
	bool match;       /* RequireCardMatchesUser, by what a name is found: */
	bool match_upn;   /* in the certificates */
	bool match_email; /* in the certificates, too */
	bool limited;     /* anchors are those of allowed, and no others */
	struct wire_view allowed; /* KEEP_HASH_LEN each */
	struct wire_view host; /* the same: may be in the scope of the host */
};

/* Since the session began: what the server and programs did with cards. */
struct keep_usage {
	uint64_t calls;    /* to readers and cards */
	uint64_t commands; /* APDUs among them */
	uint64_t refused;  /* by policy, of either */
	uint64_t sent;     /* bytes of APDUs to cards */
	uint64_t received; /* and from them */
};

struct keep_ack {
	bool ok;
	uint32_t added;   /* entries that were new */
	uint32_t updated; /* entries that changed */
	uint32_t unchanged;
	uint32_t removed;
	uint32_t refused;
	struct wire_view reason; /* of a failure */
};

struct keep_msg {
	enum keep_type type;
	uint32_t seq; /* chosen by the session, repeated in the ACK */
	union {
		struct keep_hello hello; /* HELLO, ATTACH */
		struct keep_state state;
		struct keep_reader reader; /* READER, READER_GONE */
		struct keep_begin begin;
		struct keep_cert cert;
		struct keep_release release;
		struct keep_event event;
		struct keep_over over; /* END */
		struct keep_logoff logoff;
		struct keep_usage usage;
		struct keep_rules rules;
		struct keep_ack ack;
	};
};

/* Encode; out->fault says that it did not fit or a text was too long. */
void keep_encode(struct wire_out *out, const struct keep_msg *msg);

/*
 * Decode one whole datagram; false when a byte is missing, left over or not
 * allowed (in->fault says how).  msg borrows from the datagram.
 */
bool keep_decode(struct wire_in *in, struct keep_msg *msg);

/* "hello", "commit", ... */
const char *keep_type_name(enum keep_type type);
const char *keep_session_state_name(enum keep_session_state state);
const char *keep_card_state_name(enum keep_card_state state);

#endif
