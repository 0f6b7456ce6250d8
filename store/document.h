/*
 * The parts of a JSON answer.  Texts may hold anything: json-c escapes them.
 * Short of memory a field is missing, and nothing else happens.
 */
#ifndef STORE_DOCUMENT_H
#define STORE_DOCUMENT_H

#include "wire.h"

struct json_object;

void document_add_view(struct json_object *to, const char *key,
                       struct wire_view text);
void document_add_text(struct json_object *to, const char *key,
                       const char *text);
void document_add_number(struct json_object *to, const char *key,
                         int64_t value);
void document_add_bool(struct json_object *to, const char *key, bool value);

/* At most 64 bytes, in hexadecimal. */
void document_add_hex(struct json_object *to, const char *key,
                      struct wire_view bytes);

/* "card_id"; of a card that does not say who it is, that is empty. */
void document_add_card_id(struct json_object *to, struct wire_view id);

/* A new array or object under the key; NULL: no memory. */
struct json_object *document_add_rows(struct json_object *to, const char *key);
struct json_object *document_add_object(struct json_object *to,
                                        const char *key);

/* A new object at the end of the rows; NULL: no memory. */
struct json_object *document_add_row(struct json_object *rows);

/*
 * "windows_event" and "windows_source": the event of Windows that an auditor
 * knows for ours, where there is one.
 */
void document_add_event(struct json_object *to, const char *event);

/* Its number alone; 0: there is none. */
int64_t document_windows_event(const char *event);

#endif
