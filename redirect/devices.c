#include "devices.h"

#include <string.h>

static struct devices_entry *
find(struct devices *devices, uint32_t id)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->list[i].id == id)
			return &devices->list[i];
	}
	return NULL;
}

static void
take_at(struct devices *devices, size_t at)
{
	for (size_t i = at + 1; i < devices->count; i++)
		devices->list[i - 1] = devices->list[i];
	devices->count--;
}

/* The memory of a void device gives way to a living one. */
static bool
make_room(struct devices *devices)
{
	if (devices->count < DEVICES_MAX)
		return true;
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->list[i].state == DEVICES_VOID) {
			take_at(devices, i);
			return true;
		}
	}
	return false;
}

bool
devices_set(struct devices *devices, uint32_t id, enum devices_state state)
{
	struct devices_entry *known = find(devices, id);

	if (known != NULL) {
		known->state = state;
		known->answered = false;
		return true;
	}
	if (!make_room(devices))
		return false;
	devices->list[devices->count++] =
	    (struct devices_entry){.id = id, .state = state};
	return true;
}

bool
devices_hide(struct devices *devices, const struct rdpefs_device *device)
{
	struct devices_entry *entry;

	if (!devices_set(devices, device->id, DEVICES_HIDDEN))
		return false;
	entry = find(devices, device->id);
	entry->answered = true;
	memcpy(entry->dos_name, device->dos_name, RDPEFS_DOS_NAME_LEN);
	return true;
}

bool
devices_show(struct devices *devices, struct rdpefs_device *device)
{
	for (size_t i = 0; i < devices->count; i++) {
		struct devices_entry *entry = &devices->list[i];

		if (entry->state != DEVICES_HIDDEN)
			continue;
		entry->state = DEVICES_ANNOUNCED;
		*device = (struct rdpefs_device){
		    .type = RDPEFS_DEVICE_SMARTCARD,
		    .id = entry->id,
		};
		memcpy(device->dos_name, entry->dos_name, RDPEFS_DOS_NAME_LEN);
		return true;
	}
	return false;
}

bool
devices_answered(const struct devices *devices, uint32_t id)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->list[i].id == id)
			return devices->list[i].answered;
	}
	return false;
}

enum devices_state
devices_state(const struct devices *devices, uint32_t id)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->list[i].id == id)
			return devices->list[i].state;
	}
	return DEVICES_UNKNOWN;
}

void
devices_forget(struct devices *devices, uint32_t id)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->list[i].id == id) {
			take_at(devices, i);
			return;
		}
	}
}

void
devices_void(struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		devices->list[i].state = DEVICES_VOID;
}

bool
devices_any(const struct devices *devices)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->list[i].state != DEVICES_VOID)
			return true;
	}
	return false;
}

bool
devices_ready(const struct devices *devices, uint32_t *id)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->list[i].state == DEVICES_READY) {
			*id = devices->list[i].id;
			return true;
		}
	}
	return false;
}
