/*
 * The PC/SC of a simulated client: readers, scripted cards, contexts, handles,
 * transactions and parked GetStatusChange calls.  It answers decoded calls, can
 * be told to refuse or swallow the n-th one, and keeps an account of what was
 * not given back.
 */
#ifndef TESTS_FAKE_PCSC_H
#define TESTS_FAKE_PCSC_H

#include "ioctl.h"
#include "script_card.h"

enum {
	FAKE_READERS_MAX = 17,
	FAKE_CONTEXTS_MAX = 32,
	FAKE_HANDLES_MAX = 32,
	FAKE_PARKED_MAX = 8,
	FAKE_LOG_MAX = 4096
};

struct fake_reader {
	char name[64];
	bool plugged;
	bool mute;
	struct script_card *card; /* NULL: empty */
	uint16_t counter;
};

/* How the plug and play reader is treated. */
enum fake_pnp {
	FAKE_PNP,         /* as pcsc-lite does */
	FAKE_PNP_UNKNOWN, /* an error for the whole call */
	FAKE_PNP_FLAGGED, /* state UNKNOWN in its entry */
	FAKE_PNP_NOISY    /* it always says that something changed */
};

struct fake_pcsc {
	/* How an answer leaves: id is that of the call. */
	void (*answer)(void *arg, uint32_t id, const struct ioctl *row,
	               const struct esc_return *ret);
	void *arg;

	struct fake_reader readers[FAKE_READERS_MAX];
	enum fake_pnp pnp;
	uint16_t pnp_events;
	uint32_t establish_code; /* unless 0, the answer to EstablishContext */
	bool service_waits;      /* AccessStartedEvent is not answered */

	/* The call with this number (from 1) is refused with the code, ... */
	unsigned refuse_at;
	uint32_t refuse_code;
	unsigned swallow_at; /* ... or never answered, ... */
	unsigned hook_at;    /* ... or, before it is answered, this happens. */
	void (*hook)(void *arg);
	void *hook_arg;
	/* The same for a chosen IOCTL: all of them are refused. */
	uint32_t refuse_ioctl;

	struct fake_context {
		bool used;
		uint32_t id;
	} contexts[FAKE_CONTEXTS_MAX];
	uint32_t last_id;
	struct fake_handle {
		bool used;
		uint32_t id;
		uint32_t context;
		size_t reader;
		uint16_t counter; /* of the card it was made for */
		bool transaction;
	} handles[FAKE_HANDLES_MAX];
	struct fake_parked {
		bool used;
		uint32_t id;
		const struct ioctl *row;
		struct esc_call *call;
	} parked[FAKE_PARKED_MAX];

	unsigned calls;
	uint32_t log[FAKE_LOG_MAX]; /* the IOCTL of each */
};

void fake_pcsc_init(struct fake_pcsc *pcsc);
void fake_pcsc_clear(struct fake_pcsc *pcsc);

void fake_pcsc_call(struct fake_pcsc *pcsc, uint32_t id,
                    const struct ioctl *row, const struct esc_call *call);

/* Contexts, handles and parked calls are gone; nothing is answered. */
void fake_pcsc_reset(struct fake_pcsc *pcsc);

/* What a user does. */
void fake_pcsc_plug(struct fake_pcsc *pcsc, size_t reader, const char *name);
void fake_pcsc_unplug(struct fake_pcsc *pcsc, size_t reader);
void fake_pcsc_insert(struct fake_pcsc *pcsc, size_t reader,
                      struct script_card *card);
void fake_pcsc_remove(struct fake_pcsc *pcsc, size_t reader);

/* What is held at this moment. */
unsigned fake_pcsc_contexts(const struct fake_pcsc *pcsc);
unsigned fake_pcsc_handles(const struct fake_pcsc *pcsc);
unsigned fake_pcsc_transactions(const struct fake_pcsc *pcsc);
unsigned fake_pcsc_parked(const struct fake_pcsc *pcsc);

/* How often a call was made. */
unsigned fake_pcsc_count(const struct fake_pcsc *pcsc, uint32_t code);

#endif
