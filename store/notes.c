#include "notes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct notes_row {
	const char *event;
	char session[ENGINE_ID_SIZE];
	uint8_t hash[ENGINE_HASH_LEN];
	uint8_t *text; /* the user's name, then the detail */
	size_t user_len;
	size_t detail_len;
};

/* NULL: no memory, or as many as there may be. */
static struct notes_row *
new_row(struct notes *notes)
{
	if (notes->count < notes->room)
		return &notes->rows[notes->count];
	size_t room = notes->room == 0 ? 64 : 2 * notes->room;
	struct notes_row *rows = NULL;

	if (room <= NOTES_MAX)
		rows = reallocarray(notes->rows, room, sizeof(*rows));
	if (rows == NULL)
		return NULL;
	notes->rows = rows;
	notes->room = room;
	return &rows[notes->count];
}

static uint8_t *
join(struct wire_view a, struct wire_view b)
{
	size_t size = a.len + b.len;
	uint8_t *bytes = malloc(size > 0 ? size : 1);
	struct wire_out out = wire_out(bytes, bytes != NULL ? size : 0);

	if (bytes == NULL)
		return NULL;
	wire_put_view(&out, a);
	wire_put_view(&out, b);
	return bytes;
}

void
notes_add(struct notes *notes, const struct engine_note *note)
{
	struct notes_row *row = new_row(notes);
	uint8_t *text = row != NULL ? join(note->user, note->detail) : NULL;

	if (text == NULL) {
		notes->lost++;
		return;
	}
	row->event = note->event;
	(void)snprintf(row->session, sizeof(row->session), "%s", note->session);
	memcpy(row->hash, note->hash, sizeof(row->hash));
	row->text = text;
	row->user_len = note->user.len;
	row->detail_len = note->detail.len;
	notes->count++;
}

void
notes_tell(struct notes *notes, const struct engine_listener *listener)
{
	for (size_t i = 0; i < notes->count; i++) {
		const struct notes_row *row = &notes->rows[i];
		struct wire_in in =
		    wire_in(row->text, row->user_len + row->detail_len);
		struct engine_note note = {.event = row->event,
		                           .session = row->session,
		                           .hash = row->hash};

		note.user = wire_bytes(&in, row->user_len);
		note.detail = wire_bytes(&in, row->detail_len);
		listener->on_note(listener->arg, &note);
	}
	if (notes->lost > 0)
		listener->on_lost(listener->arg, notes->lost);
	notes_forget(notes);
}

void
notes_forget(struct notes *notes)
{
	for (size_t i = 0; i < notes->count; i++)
		free(notes->rows[i].text);
	notes->count = 0;
	notes->lost = 0;
}

void
notes_clear(struct notes *notes)
{
	notes_forget(notes);
	free(notes->rows);
	*notes = (struct notes){0};
}
