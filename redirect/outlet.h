/*
 * The way out to one side of the channel: messages are cut into chunks and
 * sent, or kept in order while a message that only passes is on its way there,
 * since nothing may stand between its first and its last chunk.
 */
#ifndef REDIRECT_OUTLET_H
#define REDIRECT_OUTLET_H

#include "channel.h"
#include "chunk.h"

enum { OUTLET_QUEUE_MAX = 256 * 1024 }; /* bytes kept */

struct outlet_message;

struct outlet {
	const struct channel_ops *ops;
	void *arg;
	enum channel_side to;
	uint32_t chunk_size;
	uint32_t
	    show;  /* CHANNEL_FLAG_SHOW_PROTOCOL as the source sets it, or 0 */
	bool busy; /* a passing message is half through */
	struct outlet_message *first;
	struct outlet_message *last;
	size_t kept;
};

void outlet_init(struct outlet *outlet, enum channel_side to,
                 const struct channel_ops *ops, void *arg);
void outlet_clear(struct outlet *outlet);

/*
 * Send a message, now or when it may be.  False: it was dropped, since too much
 * is waiting or memory is short.
 */
bool outlet_send(struct outlet *outlet, struct wire_view message);

/* Something waits for the end of a passing message. */
bool outlet_waits(const struct outlet *outlet);

/* One chunk of a passing message, as it came. */
void outlet_pass(struct outlet *outlet, uint32_t total, uint32_t flags,
                 struct wire_view data);

/*
 * A chunk that join says belongs to a message that passes.  Its last chunk is
 * sent by us when something waits for it, so that the order is ours to keep.
 */
enum channel_verdict outlet_relay(struct outlet *outlet,
                                  const struct chunk_join *join, uint32_t total,
                                  uint32_t flags, struct wire_view data);

/* No passing message is under way any more: send what waits. */
void outlet_flush(struct outlet *outlet);

#endif
