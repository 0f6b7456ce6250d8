/*
 * A relay, and the one message that is made for it and shown to it, as a
 * session shows frames: from the connection's first PDU as far as a test wants
 * it.
 */
#ifndef TESTS_RELAYBED_H
#define TESTS_RELAYBED_H

#include "messages.h"
#include "relay.h"

/* What is built here is built into this. */
extern struct message relaybed_message;
extern const struct message_info relaybed_info;

/* Nothing has been said; the channel ids are known; the Client Info PDU was. */
struct relay *relaybed_start(void);
struct relay *relaybed_connected(const struct message_sides *sides);
struct relay *relaybed_informed(void);

/*
 * Look as a session does: peek at the head, then hand over an exact copy.  What
 * is forwarded is in the message afterwards; a chunk is a view into it.
 */
enum relay_verdict relaybed_look(struct relay *r, enum relay_side from,
                                 struct relay_chunk *chunk);
/* The same, and this must be the verdict. */
void relaybed_forward(struct relay *r, enum relay_side from);
void relaybed_refused(struct relay *r, enum relay_side from, const char *fault);
/* The head alone says that nobody need look. */
void relaybed_passed(const struct relay *r, enum relay_side from);

/* A data PDU of one side on a channel. */
void relaybed_build_data(enum relay_side from, uint16_t channel,
                         struct wire_view data);
void relaybed_build_info(const struct message_info *info);
void relaybed_build_active(enum relay_side from, uint32_t flags,
                           uint32_t chunk_size);
void relaybed_build_share_data(enum relay_side from, uint8_t type);
/* A chunk of rdpdr with this much data. */
void relaybed_build_chunk(enum relay_side from, uint32_t flags,
                          size_t data_len);

/* The message is now what it would be, had the sides said this. */
void relaybed_assert_same(const struct message *want);

#endif
