/*
 * Certificate propagation of one remote session: the logic of Windows'
 * Certificate Propagation Service, as a state machine.  It is told who the user
 * is, which readers and cards come and go and what was read from a card; it
 * decides what goes into which store and what leaves it, and says so in keeper
 * messages.  It does no I/O and takes its time from the caller.
 *
 * Session states: PRELOGON (no authenticated user: readers are watched, nothing
 * is read) -> WATCHING -> ENDING.  Card states of a reader: EMPTY -> SETTLING
 * -> READING -> PRESENT, and FAILED, MUTE.
 */
#ifndef PROPAGATE_CERTPROP_H
#define PROPAGATE_CERTPROP_H

#include "anchors.h"
#include "card.h"
#include "keep.h"

enum { CERTPROP_HASH_LEN = 32 };

/* SHA-256 thumbprints an administrator wrote down. */
struct certprop_hashes {
	uint8_t (*hash)[CERTPROP_HASH_LEN];
	size_t count;
};

/* How a card says whose it is (CardUserMatch); bits. */
enum {
	CERTPROP_MATCH_UPN = 1,
	CERTPROP_MATCH_EMAIL = 2,
	CERTPROP_MATCH_MAP = 4 /* the administrator's list says so */
};
struct cardmap;

/*
 * SmartCardCredentialProvider: what makes a certificate fit for a log-on.  It
 * is a flag of the entry and never keeps a certificate back.
 */
struct certprop_logon {
	bool no_eku;            /* AllowCertificatesWithNoEKU, default off */
	bool ecc;               /* EnumerateECCCerts, default off */
	bool signature_only;    /* AllowSignatureOnlyKeys, default off */
	bool time_invalid;      /* AllowTimeInvalidCertificates, default off */
	bool hint;              /* X509HintsNeeded: also without a UPN, off */
	bool filter_duplicates; /* FilterDuplicateCerts, default on */
};

/* The three CertProp values, the redirection switch, and what we add. */
struct certprop_policy {
	char name[64];        /* of the [policy] section, or "default" */
	uint32_t generation;  /* of what is in force; 0: nobody counts */
	bool propagate;       /* CertPropEnabled, default on */
	bool propagate_roots; /* EnableRootCertificatePropagation, default on */
	bool ineffective;     /* somebody asks for roots and propagation is off:
	                         worth a warning */
	enum keep_cleanup cleanup; /* RootCertificateCleanupOption, default 2 */
	bool redirect;             /* fEnableSmartCard, default on */
	bool allow_weak_roots;     /* default off */
	bool skip_expired;         /* default off, as Windows */
	bool propagate_device; /* PIV 9E and the like as user certs, default off
	                        */
	bool probe_retired;    /* PIV: ask for all retired slots, default off */
	/* UserCertificateCleanupOption, default 0: they stay, as on Windows */
	enum keep_cleanup user_cleanup;
	bool archive_stale;        /* ArchiveStale, default off */
	bool refuse_machine_like;  /* RefuseMachineLike, default on */
	bool require_match;        /* RequireCardMatchesUser, default off */
	unsigned match;            /* default UPN and e-mail */
	const struct cardmap *map; /* borrowed, or NULL */
	const struct certprop_hashes
	    *allowed;                       /* AllowedRootHashes; NULL: any */
	const struct certprop_hashes *host; /* HostRootHashes; NULL: none */
	enum keep_purpose purpose;          /* RootPurpose, default client */
	uint32_t grace_s;   /* DisconnectGraceSeconds, default 0 */
	uint32_t max_age_s; /* MaxClaimAge, default 24 h */
	struct certprop_logon logon;
};
void certprop_policy_defaults(struct certprop_policy *policy);

/* What the keeper judges by under it; borrowed from policy. */
void certprop_rules(const struct certprop_policy *policy,
                    struct keep_rules *rules);

enum {
	CERTPROP_READERS_MAX = 16,
	CERTPROP_SETTLE_MS = 250, /* a card must stay this long before a read */
	CERTPROP_READ_BURST = 10, /* reads at once, then one each */
	CERTPROP_READ_EVERY_MS = 2000
};

/* What the machine asks for; arg is the caller's. */
struct certprop_ops {
	/*
	 * Read the card in this reader, with these hints; ends in
	 * certprop_card_read or certprop_card_failed.  One at a time.
	 */
	void (*read_card)(void *arg, uint32_t reader,
	                  const struct card_hints *hints);
	/* Forget that read: no answer is wanted. */
	void (*cancel_read)(void *arg, uint32_t reader);
	/* A message for the keeper; everything in it is borrowed. */
	void (*tell_keeper)(void *arg, const struct keep_msg *msg);
};

struct certprop;

/*
 * NULL when memory is short.  policy is copied; ops must outlive the machine.
 * Nothing is told here, since the caller's HELLO goes first: STATE is told with
 * the first news, or with the certprop_tick that certprop_deadline asks for.
 */
struct certprop *certprop_new(const struct certprop_policy *policy,
                              const struct certprop_ops *ops, void *arg);
void certprop_free(struct certprop *cp);

/*
 * The trust anchors of the host, from now on: borrowed, NULL for none.  A root
 * of a card that is one of them is only kept on record, one that has the name
 * or the key of one is refused.
 */
void certprop_anchors(struct certprop *cp, const struct anchors *anchors);

/*
 * The user is known: owner key, where that came from ("claimed"), and what the
 * server or the host calls the log-on ("rdp:7", "logind:c2", or "").
 */
void certprop_user(struct certprop *cp, const char *user, const char *source,
                   const char *host_session, uint64_t now_ms);

/* The log-on is over, the connection is not: nothing is read any more. */
void certprop_logoff(struct certprop *cp, const char *reason, uint64_t now_ms);

/* Shown in "sessions": which half of the channel we play, or why none. */
void certprop_role(struct certprop *cp, const char *role, const char *reason);

/* A reader appeared (instance never reused in a session), or went away. */
void certprop_reader_added(struct certprop *cp, uint32_t reader,
                           const char *name, uint64_t now_ms);
void certprop_reader_gone(struct certprop *cp, uint32_t reader,
                          uint64_t now_ms);

/*
 * The state of a reader as GetStatusChange gave it.  counter is the high half
 * of the state word: a changed counter or ATR with a card still present is a
 * removal and an insertion.
 */
enum certprop_presence {
	CERTPROP_EMPTY,
	CERTPROP_PRESENT,
	CERTPROP_MUTE,
	CERTPROP_BUSY /* present, in exclusive use */
};
void certprop_card_state(struct certprop *cp, uint32_t reader,
                         enum certprop_presence presence, uint16_t counter,
                         struct wire_view atr, uint64_t now_ms);

/* The end of a read.  content is borrowed. */
void certprop_card_read(struct certprop *cp, uint32_t reader,
                        const struct card_content *content, uint64_t now_ms);

/* retry: a sharing violation or a race; else nothing before the next change. */
enum certprop_failure { CERTPROP_RETRY, CERTPROP_PERMANENT };
void certprop_card_failed(struct certprop *cp, uint32_t reader,
                          enum certprop_failure failure, const char *reason,
                          uint64_t now_ms);

/* The keeper's answer to a COMMIT, RELEASE or SYNCED. */
void certprop_acked(struct certprop *cp, uint32_t seq,
                    const struct keep_ack *ack, uint64_t now_ms);

/*
 * The keeper was restarted and knows nothing: say again state, readers and
 * what every present card holds, then SYNCED.  (HELLO is the caller's.)
 */
void certprop_reassert(struct certprop *cp, uint64_t now_ms);

/* A reload gave the session another policy. */
void certprop_policy_changed(struct certprop *cp,
                             const struct certprop_policy *policy,
                             uint64_t now_ms);

/* The connection ends, and how; END goes to the keeper. */
void certprop_end(struct certprop *cp, enum keep_end how, const char *reason,
                  uint64_t now_ms);

/* When certprop_tick wants to be called, UINT64_MAX: never. */
uint64_t certprop_deadline(const struct certprop *cp);
void certprop_tick(struct certprop *cp, uint64_t now_ms);

enum keep_session_state certprop_session_state(const struct certprop *cp);

#endif
