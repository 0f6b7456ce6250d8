/*
 * The test bed of a channel: between a simulated client and a simulated server,
 * with a clock that stands still until it is moved.  It keeps what the keeper
 * would have been told and checks the rule of interleaving on every chunk.
 */
#ifndef TESTS_BED_H
#define TESTS_BED_H

#include "channel.h"
#include "fake_client.h"
#include "fake_server.h"

enum { BED_CHUNK = 200 }; /* small: most messages have several chunks */

struct bed {
	struct channel_config config;
	struct certprop_policy policy;
	struct channel *ch;
	struct fake_client client;
	struct fake_server server;
	uint64_t now_ms;
	uint32_t chunk;     /* in which the fakes cut what they say */
	bool passed_mid[2]; /* by side: a passing message is half through */
	unsigned steps;     /* messages given to the channel so far */
	unsigned stop_at;   /* unless 0: bed_run stops there */

	/* keeper messages: */
	unsigned readers_shown;
	unsigned readers_gone;
	unsigned begins;
	unsigned certs;
	unsigned commits;
	unsigned releases;
	unsigned ends;
	unsigned uses; /* of cards; the last one: */
	struct channel_use use;
	char use_reader[ESC_NAME_SIZE];
	char use_rule[128];
	bool acks; /* answer what needs an answer */
	uint32_t to_ack[64];
	size_t to_ack_count;
	char role[16];
	char reason[128];
};

/* Set config and policy between these two, and the client's ways. */
void bed_init(struct bed *bed);
void bed_start(struct bed *bed);
void bed_clear(struct bed *bed);

/* Hand on messages and due ticks until nothing moves (or bed->stop_at). */
void bed_run(struct bed *bed);

/* Let time pass, deadline by deadline, and run. */
void bed_advance(struct bed *bed, uint64_t ms);

/* Give the channel raw chunks, as a hostile peer could; what passes arrives. */
enum channel_verdict bed_chunk(struct bed *bed, enum channel_side from,
                               uint32_t total, uint32_t flags,
                               struct wire_view data);

/* A whole message, cut by bed->chunk. */
void bed_message(struct bed *bed, enum channel_side from,
                 struct wire_view message);

/*
 * A PIV card of one user, which all tests of a program share: the set-up and
 * the tear-down of their group.
 */
extern struct script_card bed_card;
int bed_make_card(void **state);
int bed_free_card(void **state);

/*
 * A session whose client has bed_card in its reader, and a drive: the server
 * announces, or it is ours to.
 */
void bed_start_relay(struct bed *bed);
void bed_start_own(struct bed *bed);

/* Nothing of ours is left at the client but the watch. */
void bed_assert_at_rest(const struct bed *bed);

/* A request of the server to the drive, in data. */
void bed_drive_request(uint8_t *data, size_t size, struct wire_out *out);

#endif
