/*
 * The relay from inside: what relay.c (frames, and what each is), and
 * relay_sequence.c and relay_share.c (what is read and edited in them) share.
 * For these files only.
 */
#ifndef PROXY_RELAY_INSIDE_H
#define PROXY_RELAY_INSIDE_H

#include "relay.h"

#include "gcc.h"
#include "mcs.h"

/* RFC 1006 section 6, X.224 13.7; [MS-RDPBCGR] 2.2.7.1.10. */
enum { RELAY_TPKT_LEN = 4, RELAY_X224_LEN = 3, RELAY_CHUNK_SIZE_MIN = 1600 };

struct relay {
	struct relay_negotiation negotiation;
	struct relay_facts facts;
	struct gcc_client
	    client; /* its views are void once the frame is gone */
	const struct relay_news *news; /* or NULL */
	void *arg;
	bool initial_seen;
	bool response_seen;
	bool dynamic; /* drdynvc is looked at */
	bool plain;   /* the server is to leave share data uncompressed */
	const char *fault;
};

/* The end of a session, for this reason. */
enum relay_verdict relay_refuse(struct relay *r, const char *fault);

/* The one way in which a frame is changed: 32 bits for 32 bits. */
void relay_edit_u32(struct wire_out *frame, size_t offset, uint32_t value);

/* Behind TPKT and X.224. */
struct wire_in relay_mcs_part(const struct wire_out *frame);

/* A cursor over the user data of a frame, and the offset at which it ends. */
struct relay_data {
	struct wire_in in;
	size_t end;
};
bool relay_take_data(const struct wire_out *frame, struct relay_data *data);

/* relay_sequence.c */
enum relay_verdict relay_on_initial(struct relay *r, struct wire_out *frame);
enum relay_verdict relay_on_response(struct relay *r, struct wire_out *frame);
enum relay_verdict relay_on_attach(struct relay *r, struct wire_out *frame);

/* relay_share.c */
bool relay_share_matters(const struct relay *r, enum relay_side from,
                         struct wire_in in, size_t len);
enum relay_verdict relay_on_info(struct relay *r, struct wire_out *frame);
enum relay_verdict relay_on_share(struct relay *r, enum relay_side from,
                                  struct wire_out *frame);

#endif
