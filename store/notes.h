/*
 * What a transaction did to single certificates, held until it is known whether
 * it counts.  Bounded: what is more is only counted.
 */
#ifndef STORE_NOTES_H
#define STORE_NOTES_H

#include "engine.h"

enum { NOTES_MAX = 16 * 1024 /* of one transaction */ };

struct notes_row;

struct notes {
	struct notes_row *rows;
	size_t count;
	size_t room;
	size_t lost; /* there was no room, or no memory */
};

/* A copy is kept; its event is a literal. */
void notes_add(struct notes *notes, const struct engine_note *note);

/* Tell all, in their order, and forget them. */
void notes_tell(struct notes *notes, const struct engine_listener *listener);

void notes_forget(struct notes *notes);

/* Free what it holds. */
void notes_clear(struct notes *notes);

#endif
