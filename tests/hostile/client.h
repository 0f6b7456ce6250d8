/*
 * A client with a simulated card, over real TLS: it goes by the book as far as
 * it is told to, and then answers what it is asked.
 */
#ifndef TESTS_HOSTILE_CLIENT_H
#define TESTS_HOSTILE_CLIENT_H

#include "end.h"
#include "fake_client.h"

enum stage {
	STAGE_TCP,    /* connected */
	STAGE_TLS,    /* the negotiation is done */
	STAGE_ACTIVE, /* up to the Font Map PDU; rdpdr is answered from here */
	STAGE_CARD    /* the proxy watches our reader */
};

struct adversary_case;

struct client {
	struct end end;
	struct fake_client fake;
	struct script_card card; /* for reader 0 */
	const struct adversary_case *at;
	const char *user;
	/* A call to be answered; false: as the fake would. */
	bool (*on_call)(struct client *c, uint32_t id, const struct ioctl *row,
	                struct esc_return *ret);
	/* An answer just written, to be spoilt. */
	void (*on_output)(struct client *c, const struct ioctl *row,
	                  uint8_t *output, size_t *len);
	unsigned count; /* for a case's own use */
	uint64_t mark_ms;
};

/* A reader of that user's name, and an empty GIDS card that is not in it. */
void client_init(struct client *c, const char *user);
void client_clear(struct client *c);

/* Connect to a port of 127.0.0.1; false: the stage is not reached. */
bool client_reach(struct client *c, enum stage stage, uint16_t port);

/* The watch is parked, and nothing is being read. */
bool client_is_watched(const struct client *c);

/* Let the fake answer until nothing came for quiet_ms, at most max_ms. */
void client_run(struct client *c, unsigned quiet_ms, unsigned max_ms);

/* A completion with this output, from the card or another device. */
void client_complete(struct client *c, uint32_t device, uint32_t id,
                     uint32_t status, struct wire_view output);

/* A message of rdpdr: packet id, then the body. */
void client_core(struct client *c, uint16_t packet, struct wire_view body);

#endif
