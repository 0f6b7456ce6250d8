#include "mux.h"

#include <stdlib.h>

enum {
	RANGE_BASE = 0x40000000, /* ids are RANGE_BASE + 0..RANGE_MASK */
	RANGE_MASK = 0x3fffffff,
	FIRST_ROOM = 16,
	DROPPED_MAX = 4 * MUX_OWN_MAX
};

struct mux {
	struct mux_irp *irps; /* outstanding, oldest first */
	size_t count;
	size_t room;
	size_t own;      /* of them, ours */
	uint32_t next;   /* number of the next id, within the range */
	uint32_t voided; /* ids given out before this number are void */
	uint32_t dropped[DROPPED_MAX]; /* ids of our own given up, a ring */
	size_t dropped_next;
	uint32_t late;
	uint32_t unknown;
};

struct mux *
mux_new(void)
{
	return calloc(1, sizeof(struct mux));
}

void
mux_free(struct mux *mux)
{
	if (mux == NULL)
		return;
	free(mux->irps);
	free(mux);
}

static bool
is_outstanding(const struct mux *mux, uint32_t id)
{
	for (size_t i = 0; i < mux->count; i++) {
		if (mux->irps[i].id == id)
			return true;
	}
	return false;
}

/* A billion ids pass before one comes again; it may still be parked then. */
static uint32_t
new_id(struct mux *mux)
{
	uint32_t id;

	do {
		id = RANGE_BASE | mux->next;
		mux->next = (mux->next + 1) & RANGE_MASK;
	} while (is_outstanding(mux, id));
	return id;
}

static bool
make_room(struct mux *mux)
{
	if (mux->count < mux->room)
		return true;
	size_t room = mux->room == 0 ? FIRST_ROOM : 2 * mux->room;
	struct mux_irp *irps = realloc(mux->irps, room * sizeof(*irps));

	if (irps == NULL)
		return false;
	mux->irps = irps;
	mux->room = room;
	return true;
}

bool
mux_add(struct mux *mux, enum mux_owner owner, uint32_t device, uint32_t origin,
        uint32_t ioctl, uint32_t *id)
{
	size_t max = owner == MUX_OWN ? MUX_OWN_MAX : MUX_SERVER_MAX;

	if (mux_outstanding(mux, owner) >= max || !make_room(mux))
		return false;
	*id = new_id(mux);
	mux->irps[mux->count++] = (struct mux_irp){
	    .owner = owner,
	    .id = *id,
	    .device = device,
	    .origin = origin,
	    .ioctl = ioctl,
	};
	if (owner == MUX_OWN)
		mux->own++;
	return true;
}

static struct mux_irp
take_at(struct mux *mux, size_t at)
{
	struct mux_irp irp = mux->irps[at];

	for (size_t i = at + 1; i < mux->count; i++)
		mux->irps[i - 1] = mux->irps[i];
	mux->count--;
	if (irp.owner == MUX_OWN)
		mux->own--;
	return irp;
}

bool
mux_in_range(uint32_t id)
{
	return (id & ~(uint32_t)RANGE_MASK) == RANGE_BASE;
}

/* Given out before the last mux_void; what wrapped since counts as unknown. */
static bool
is_void(const struct mux *mux, uint32_t id)
{
	return mux_in_range(id) && (id & RANGE_MASK) < mux->voided;
}

/* Each id given up is excused once: it can be answered once. */
static bool
was_dropped(struct mux *mux, uint32_t id)
{
	if (id == 0)
		return false;
	for (size_t i = 0; i < DROPPED_MAX; i++) {
		if (mux->dropped[i] == id) {
			mux->dropped[i] = 0;
			return true;
		}
	}
	return false;
}

enum mux_match
mux_complete(struct mux *mux, uint32_t device, uint32_t id, struct mux_irp *irp)
{
	for (size_t i = 0; i < mux->count; i++) {
		if (mux->irps[i].id == id && mux->irps[i].device == device) {
			*irp = take_at(mux, i);
			return MUX_FOUND;
		}
	}
	if (is_void(mux, id) || was_dropped(mux, id)) {
		mux->late++;
		return MUX_LATE;
	}
	mux->unknown++;
	return MUX_UNKNOWN;
}

bool
mux_take(struct mux *mux, enum mux_owner owner, struct mux_irp *irp)
{
	for (size_t i = 0; i < mux->count; i++) {
		if (mux->irps[i].owner == owner) {
			*irp = take_at(mux, i);
			return true;
		}
	}
	return false;
}

void
mux_void(struct mux *mux)
{
	mux->count = 0;
	mux->own = 0;
	mux->voided = mux->next;
}

void
mux_drop_own(struct mux *mux)
{
	struct mux_irp irp;

	while (mux_take(mux, MUX_OWN, &irp)) {
		mux->dropped[mux->dropped_next] = irp.id;
		mux->dropped_next = (mux->dropped_next + 1) % DROPPED_MAX;
	}
}

size_t
mux_outstanding(const struct mux *mux, enum mux_owner owner)
{
	return owner == MUX_OWN ? mux->own : mux->count - mux->own;
}

uint32_t
mux_late_count(const struct mux *mux)
{
	return mux->late;
}

uint32_t
mux_unknown_count(const struct mux *mux)
{
	return mux->unknown;
}
