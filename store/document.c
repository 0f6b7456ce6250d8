#include "document.h"

#include "log.h"

#include <json-c/json.h>
#include <string.h>

void
document_add_view(struct json_object *to, const char *key,
                  struct wire_view text)
{
	(void)json_object_object_add(
	    to, key,
	    json_object_new_string_len((const char *)text.data, (int)text.len));
}

void
document_add_text(struct json_object *to, const char *key, const char *text)
{
	document_add_view(to, key, wire_view_text(text));
}

void
document_add_number(struct json_object *to, const char *key, int64_t value)
{
	(void)json_object_object_add(to, key, json_object_new_int64(value));
}

void
document_add_bool(struct json_object *to, const char *key, bool value)
{
	(void)json_object_object_add(to, key, json_object_new_boolean(value));
}

void
document_add_hex(struct json_object *to, const char *key,
                 struct wire_view bytes)
{
	char text[2 * 64 + 1] = "";

	if (bytes.len <= 64 && bytes.len > 0)
		(void)log_hex(text, bytes.data, bytes.len);
	document_add_text(to, key, text);
}

void
document_add_card_id(struct json_object *to, struct wire_view id)
{
	struct wire_in in = wire_in_view(id);
	uint8_t any = 0;

	while (in.left > 0)
		any |= wire_u8(&in);
	document_add_hex(to, "card_id", any != 0 ? id : (struct wire_view){0});
}

/* It is the parent's then, or nobody's. */
static struct json_object *
hang(struct json_object *to, const char *key, struct json_object *child)
{
	if (child != NULL && json_object_object_add(to, key, child) == 0)
		return child;
	(void)json_object_put(child);
	return NULL;
}

struct json_object *
document_add_rows(struct json_object *to, const char *key)
{
	return hang(to, key, json_object_new_array());
}

struct json_object *
document_add_object(struct json_object *to, const char *key)
{
	return hang(to, key, json_object_new_object());
}

struct json_object *
document_add_row(struct json_object *rows)
{
	struct json_object *row = json_object_new_object();

	if (row != NULL && json_object_array_add(rows, row) == 0)
		return row;
	(void)json_object_put(row);
	return NULL;
}

static const char lifecycle[] = "CertificateServicesClient-Lifecycle-User";
static const char smart_card[] = "SmartCard";

static const struct {
	const char *event;
	int64_t number;
	const char *source;
} windows_events[] = {
    {"cert-added", 1006, lifecycle},
    {"cert-replaced", 1001, lifecycle},
    {"cert-archived", 1005, lifecycle},
    {"cert-deleted", 1004, lifecycle},
    {"cert-expired", 1002, lifecycle},
    {"cert-expiring", 1003, lifecycle},
    {"key-linked", 1008, lifecycle},
    {"key-link-failed", 1009, lifecycle},
    {"reader-unresponsive", 619, smart_card},
    {"card-read-failed", 610, smart_card},
    {"legacy-provider-in-use", 624, "SmartCard Service"},
};

enum { WINDOWS_EVENTS = sizeof(windows_events) / sizeof(windows_events[0]) };

static size_t
find_event(const char *event)
{
	size_t i = 0;

	while (i < WINDOWS_EVENTS &&
	       strcmp(windows_events[i].event, event) != 0)
		i++;
	return i;
}

void
document_add_event(struct json_object *to, const char *event)
{
	size_t i = find_event(event);

	if (i == WINDOWS_EVENTS)
		return;
	document_add_number(to, "windows_event", windows_events[i].number);
	document_add_text(to, "windows_source", windows_events[i].source);
}

int64_t
document_windows_event(const char *event)
{
	size_t i = find_event(event);

	return i < WINDOWS_EVENTS ? windows_events[i].number : 0;
}
