/*
 * What is known of the client's readers, their cards, and who holds them: from
 * a handle to its reader, from a reader to the ATR of its card and to the
 * applications selected on it.  An application belongs to the card, not to a
 * handle: two handles of one card share it, our own among them.
 *
 * Both tables are bounded; the oldest gives way, and is then not known.
 */
#ifndef REDIRECT_ROSTER_H
#define REDIRECT_ROSTER_H

#include "command.h"
#include "esc.h"

enum {
	ROSTER_READERS_MAX = 32,
	ROSTER_HANDLES_MAX = 64,
	ROSTER_NONE = 0xFF /* no reader */
};

struct roster_reader {
	struct esc_name name;
	uint64_t used;  /* when it was last asked for; 0: free */
	uint32_t event; /* state as the client last told it, 0: never */
	struct esc_atr atr;
	struct command_apps apps;
	/* Calls under way that may change the application: while there are any
	 * nobody knows which one it is. */
	unsigned changing;
};

struct roster_handle {
	uint64_t opened; /* 0: free */
	struct esc_handle id;
	uint8_t reader; /* or ROSTER_NONE */
};

struct roster {
	struct roster_reader readers[ROSTER_READERS_MAX];
	struct roster_handle handles[ROSTER_HANDLES_MAX];
	uint64_t clock; /* counts uses */
};

void roster_clear(struct roster *roster);

/* The number of a reader, added when it is new; ROSTER_NONE without a name. */
uint8_t roster_reader(struct roster *roster, const struct esc_name *name);

/* NULL for ROSTER_NONE. */
struct roster_reader *roster_at(struct roster *roster, uint8_t reader);

/* The client told its state: event bits and ATR of GetStatusChange. */
void roster_note_state(struct roster_reader *reader, uint32_t event,
                       const struct esc_atr *atr);
/* ... and the ATR of a Status. */
void roster_note_atr(struct roster_reader *reader, const struct esc_atr *atr);

/* Connect was answered; Disconnect was asked for; ReleaseContext was. */
void roster_open(struct roster *roster, const struct esc_handle *id,
                 uint8_t reader);
void roster_close(struct roster *roster, const struct esc_handle *id);
void roster_close_context(struct roster *roster, const struct esc_id *context);

/* NULL: not known. */
const struct roster_handle *roster_find(const struct roster *roster,
                                        const struct esc_handle *id);

/* The application on a logical channel, NULL when it is not known. */
const struct command_app *roster_app(const struct roster_reader *reader,
                                     uint8_t channel);

#endif
