#include "roster.h"

#include <string.h>

void
roster_clear(struct roster *roster)
{
	if (roster->clock > 0) /* else nothing was ever noted */
		memset(roster, 0, sizeof(*roster));
}

struct roster_reader *
roster_at(struct roster *roster, uint8_t reader)
{
	return reader < ROSTER_READERS_MAX ? &roster->readers[reader] : NULL;
}

/* A free place, else the one that was not asked for the longest. */
static uint8_t
make_room(struct roster *roster)
{
	uint8_t oldest = 0;

	for (uint8_t i = 1; i < ROSTER_READERS_MAX; i++) {
		if (roster->readers[i].used < roster->readers[oldest].used)
			oldest = i;
	}
	for (size_t i = 0; i < ROSTER_HANDLES_MAX; i++) {
		if (roster->handles[i].reader == oldest)
			roster->handles[i].opened = 0;
	}
	return oldest;
}

uint8_t
roster_reader(struct roster *roster, const struct esc_name *name)
{
	uint8_t at = 0;

	if (!name->present || name->text[0] == '\0')
		return ROSTER_NONE;
	while (at < ROSTER_READERS_MAX &&
	       (roster->readers[at].used == 0 ||
	        strcmp(roster->readers[at].name.text, name->text) != 0))
		at++;
	if (at == ROSTER_READERS_MAX) {
		at = make_room(roster);
		memset(&roster->readers[at], 0, sizeof(roster->readers[at]));
		roster->readers[at].name = *name;
	}
	roster->readers[at].used = ++roster->clock;
	return at;
}

void
roster_note_atr(struct roster_reader *reader, const struct esc_atr *atr)
{
	if (atr->len == reader->atr.len &&
	    memcmp(atr->bytes, reader->atr.bytes, atr->len) == 0)
		return;
	reader->atr = *atr;
	command_apps_forget(&reader->apps);
}

void
roster_note_state(struct roster_reader *reader, uint32_t event,
                  const struct esc_atr *atr)
{
	static const struct esc_atr none = {.len = 0};
	uint32_t counters = (event ^ reader->event) >> 16;

	if ((event & (ESC_STATE_PRESENT | ESC_STATE_EMPTY)) == 0)
		return;
	/* Taken out and put in between two looks: it was reset at least. */
	if (counters != 0 || (event & ESC_STATE_EMPTY) != 0)
		command_apps_forget(&reader->apps);
	reader->event = event;
	roster_note_atr(reader, (event & ESC_STATE_PRESENT) != 0 ? atr : &none);
}

static bool
equal(const struct esc_handle *a, const struct esc_handle *b)
{
	return esc_id_equal(&a->card, &b->card) &&
	       esc_id_equal(&a->context, &b->context);
}

static size_t
find(const struct roster *roster, const struct esc_handle *id)
{
	size_t at = 0;

	while (at < ROSTER_HANDLES_MAX && (roster->handles[at].opened == 0 ||
	                                   !equal(&roster->handles[at].id, id)))
		at++;
	return at;
}

const struct roster_handle *
roster_find(const struct roster *roster, const struct esc_handle *id)
{
	size_t at = find(roster, id);

	return at < ROSTER_HANDLES_MAX ? &roster->handles[at] : NULL;
}

static bool
is_held(const struct roster *roster, uint8_t reader)
{
	for (size_t i = 0; i < ROSTER_HANDLES_MAX; i++) {
		if (roster->handles[i].opened != 0 &&
		    roster->handles[i].reader == reader)
			return true;
	}
	return false;
}

/* The first to connect may have powered the card: nothing is selected. */
void
roster_open(struct roster *roster, const struct esc_handle *id, uint8_t reader)
{
	size_t at = find(roster, id);

	if (reader < ROSTER_READERS_MAX && !is_held(roster, reader))
		command_apps_forget(&roster->readers[reader].apps);
	if (at == ROSTER_HANDLES_MAX) {
		at = 0;
		for (size_t i = 1; i < ROSTER_HANDLES_MAX; i++) {
			if (roster->handles[i].opened <
			    roster->handles[at].opened)
				at = i;
		}
	}
	roster->handles[at] =
	    (struct roster_handle){++roster->clock, *id, reader};
}

void
roster_close(struct roster *roster, const struct esc_handle *id)
{
	size_t at = find(roster, id);

	if (at < ROSTER_HANDLES_MAX)
		roster->handles[at].opened = 0;
}

void
roster_close_context(struct roster *roster, const struct esc_id *context)
{
	for (size_t i = 0; i < ROSTER_HANDLES_MAX; i++) {
		if (esc_id_equal(&roster->handles[i].id.context, context))
			roster->handles[i].opened = 0;
	}
}

const struct command_app *
roster_app(const struct roster_reader *reader, uint8_t channel)
{
	if (reader == NULL || reader->changing > 0 ||
	    channel >= COMMAND_CHANNELS || !reader->apps.list[channel].known)
		return NULL;
	return &reader->apps.list[channel];
}
