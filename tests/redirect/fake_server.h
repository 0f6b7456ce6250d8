/*
 * A simulated server of the rdpdr channel: once told to, it announces, goes
 * through the start, accepts devices, and makes smart card calls with
 * completion ids of its own choice.
 */
#ifndef TESTS_FAKE_SERVER_H
#define TESTS_FAKE_SERVER_H

#include "chunk.h"
#include "fake_queue.h"
#include "ioctl.h"
#include "rdpefs.h"

enum { FAKE_ANSWERS_MAX = 8192, FAKE_SERVER_ID = 0x5E21E2 };

struct fake_server {
	struct chunk_join in;
	struct fake_queue out;
	bool refuses; /* devices, in its replies */
	bool silent;  /* does not reply to announces of devices */

	unsigned replies; /* of the client to our announces */
	unsigned names;
	unsigned devices; /* device announces: entries, ... */
	unsigned cards;   /* ... of them smart cards */
	unsigned lists;
	unsigned removals;
	unsigned faults;
	struct fake_answer {
		uint32_t device;
		uint32_t id;
		uint32_t status;
		size_t len; /* of the body */
	} answers[FAKE_ANSWERS_MAX];
	size_t answer_count;
	uint8_t last[8192]; /* the output of the last one, as far as it fits */
	size_t last_len;
	struct esc_id context;    /* of the last EstablishContext answered */
	uint32_t establish_id;    /* the id it was made with */
	struct fake_queue others; /* whole messages of any other kind */
};

void fake_server_init(struct fake_server *server);
void fake_server_clear(struct fake_server *server);
void fake_server_take(struct fake_server *server, uint32_t total,
                      uint32_t flags, struct wire_view data);

void fake_server_announce(struct fake_server *server);
void fake_server_call(struct fake_server *server, uint32_t device, uint32_t id,
                      enum ioctl_code code, const struct esc_call *call);

/* Short calls: EstablishContext, and GetStatusChange in its context, which
 * parks. */
void fake_server_establish(struct fake_server *server, uint32_t device,
                           uint32_t id);
void fake_server_park(struct fake_server *server, uint32_t device, uint32_t id);

/* How many answers came with this id. */
unsigned fake_server_answers(const struct fake_server *server, uint32_t id);

#endif
