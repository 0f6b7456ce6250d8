/*
 * A simulated client of the rdpdr channel: it joins the chunks it is sent, goes
 * through the start as real clients do, announces its devices and lets
 * fake_pcsc answer the smart card calls.  What it says waits in a queue.
 */
#ifndef TESTS_FAKE_CLIENT_H
#define TESTS_FAKE_CLIENT_H

#include "chunk.h"
#include "fake_pcsc.h"
#include "fake_queue.h"
#include "rdpefs.h"

enum { FAKE_DRIVE = 77 }; /* id of the drive it announces, too */

struct fake_client {
	struct chunk_join in;
	struct fake_queue out;
	struct fake_pcsc pcsc;
	struct rdpefs_device cards[4]; /* what it announces as smart cards */
	size_t card_count;
	bool has_drive;
	bool announces_twice;  /* once more after USER_LOGGEDON, as FreeRDP */
	uint32_t extended_pdu; /* what it says it can do */
	bool keeps_client_id;  /* answers announces with an id of its own */
	uint32_t hold_file;    /* unless 0, calls with this FileId are kept */

	unsigned announces;       /* server announces seen */
	uint32_t server_id;       /* ClientId of the last one */
	unsigned logged_on;       /* USER_LOGGEDON seen */
	unsigned accepted;        /* device replies: success */
	unsigned refused;         /* ... and failure */
	unsigned calls_early;     /* calls before the device was accepted */
	unsigned faults;          /* chunks or messages that made no sense */
	struct fake_queue others; /* whole messages: for no smart card, kept */
};

void fake_client_init(struct fake_client *client);
void fake_client_clear(struct fake_client *client);

/* One chunk to the client. */
void fake_client_take(struct fake_client *client, uint32_t total,
                      uint32_t flags, struct wire_view data);

/* Things a client says by itself. */
void fake_client_announce(struct fake_client *client);
void fake_client_remove(struct fake_client *client, uint32_t device);
void fake_client_complete(struct fake_client *client, uint32_t device,
                          uint32_t id);

#endif
