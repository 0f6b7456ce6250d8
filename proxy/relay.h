/*
 * What the relay knows of one RDP connection once both legs speak TLS: it
 * frames the two streams, looks into the few PDUs it must understand, makes the
 * length-preserving edits, and hands out the chunks of the rdpdr channel, and
 * of drdynvc where it is asked to.  All else is relayed unseen.  It does no
 * I/O.
 *
 * Looked into, [MS-RDPBCGR]: MCS Connect Initial and Response
 * (2.2.1.3, 2.2.1.4), Attach User Confirm, Client Info (2.2.1.11), Demand
 * Active and Confirm Active (2.2.1.13), the Font Map PDU (2.2.1.22), rdpdr's
 * virtual channel PDUs (2.2.6.1), and, where somebody wants the news, Save
 * Session Info (2.2.10.1), Set Error Info (2.2.5.1) and MCS Disconnect Provider
 * Ultimatum.
 *
 * Edited: CS_CORE serverSelectedProtocol, SC_CORE clientRequestedProtocols
 * (where the two legs negotiated different things), the flags of the
 * multitransport blocks, the compression bits of the virtual channel capability
 * set, the COMPRESS options of rdpdr in CS_NET, and, where the server's word on
 * the log-on is to be read, the compression bits of Client Info.
 */
#ifndef PROXY_RELAY_H
#define PROXY_RELAY_H

#include "logoninfo.h"
#include "mcs.h"
#include "share.h"
#include "wire.h"

enum relay_side { RELAY_CLIENT, RELAY_SERVER };

enum {
	RELAY_HEAD = 32,           /* bytes of a frame that decide about it */
	RELAY_FRAME_MAX = 65535,   /* a TPKT; fast-path has at most 0x7FFF */
	RELAY_CHUNK_OVERHEAD = 32, /* TPKT, X.224, MCS and channel headers */
	RELAY_CHANNELS_MAX = 31,
	RELAY_TEXT_MAX = 512 + 1 /* bytes of UTF-8 taken from the client */
};

/* What the two legs agreed on, where they differ. */
struct relay_negotiation {
	uint32_t client_requested; /* as the client asked us */
	uint32_t server_requested; /* as we asked the server */
	uint32_t client_selected;  /* what we told the client */
	uint32_t server_selected;  /* what the server told us */
};

/* Learned from the connection sequence; texts are UTF-8 and untrusted. */
struct relay_facts {
	char client_name[RELAY_TEXT_MAX];
	char user[RELAY_TEXT_MAX];
	char domain[RELAY_TEXT_MAX];
	char client_address[RELAY_TEXT_MAX]; /* as the client states it */
	uint16_t io_channel;
	uint16_t message_channel; /* 0: none */
	uint16_t rdpdr_channel;   /* 0: the client did not ask for it */
	uint16_t drdynvc_channel; /* the same */
	uint16_t user_channel;    /* of the client, from Attach User Confirm */
	uint32_t chunk_size;      /* VCChunkSize of the server, or 1600 */
	bool show_protocol;       /* CHANNEL_OPTION_SHOW_PROTOCOL of rdpdr */
	bool info_seen;           /* user and domain are set */
	bool activated;           /* the server sent a Font Map PDU */
};

struct relay;

struct relay *relay_new(const struct relay_negotiation *negotiation);
void relay_free(struct relay *r);
const struct relay_facts *relay_facts(const struct relay *r);

/*
 * What the relay reads and does not keep: told while the frame is at hand, from
 * inside relay_frame.  All of it is borrowed and all texts are untrusted.
 */
struct relay_news {
	/* The Client Info PDU, with the password. */
	void (*on_credentials)(void *arg, const struct share_info *info);
	void (*on_logon)(void *arg, const struct logoninfo *info);
	void (*on_error_info)(void *arg, uint32_t code);
	/* One of the two could not be read and was relayed; why is a literal.
	 */
	void (*on_unread)(void *arg, const char *why);
	/* A side says that it ends the connection. */
	void (*on_ultimatum)(void *arg, enum relay_side from,
	                     enum mcs_reason reason);
};
void relay_tell(struct relay *r, const struct relay_news *news, void *arg);

/*
 * Before Client Info: let the client offer the server no compression of share
 * data, which would hide from us who logged on.
 */
void relay_want_plain_share(struct relay *r);

/*
 * Look at the next frame of a stream: head is what is there of it, at most
 * RELAY_HEAD bytes are looked at.  *len becomes the length of the whole frame.
 */
enum relay_peek {
	RELAY_MORE, /* too few bytes to tell */
	RELAY_PASS, /* relay *len bytes as they come, also before all are there
	             */
	RELAY_LOOK, /* collect the whole frame, then relay_frame */
	RELAY_UNFRAMED /* neither TPKT nor fast-path, or above a limit */
};
enum relay_peek relay_peek(const struct relay *r, enum relay_side from,
                           struct wire_view head, size_t *len);

/* A chunk of rdpdr, or of drdynvc, inside a frame. */
struct relay_chunk {
	uint32_t total;
	uint32_t flags;
	struct wire_view data; /* borrowed from the frame */
	bool dynamic;          /* of drdynvc */
};

/* From now on hand out the chunks of drdynvc, too. */
void relay_look_at_dynamic(struct relay *r);

/*
 * A whole frame that was to be looked at.  It may be edited in place; its
 * length never changes.
 */
enum relay_verdict {
	RELAY_FORWARD, /* relay the frame */
	RELAY_CHUNK,   /* it is such a chunk: *chunk, relay it or consume it
	                */
	RELAY_REFUSE   /* relay_fault says what is wrong: end the session */
};
enum relay_verdict relay_frame(struct relay *r, enum relay_side from,
                               uint8_t *frame, size_t len,
                               struct relay_chunk *chunk);

/* A literal: "GCC: channel count above 31", ... */
const char *relay_fault(const struct relay *r);

/*
 * Wrap a chunk into a frame for a side: TPKT, X.224 data, MCS send data request
 * (to the server, with the client's user id) or indication (to the client, from
 * the server's 1002), channel header.
 */
void relay_wrap(const struct relay *r, enum relay_side to,
                const struct relay_chunk *chunk, struct wire_out *out);

/* MCS Disconnect Provider Ultimatum, as one whole frame of RELAY_ULTIMATUM. */
enum { RELAY_ULTIMATUM = 9 };
void relay_ultimatum(struct wire_out *out, enum mcs_reason reason);

#endif
