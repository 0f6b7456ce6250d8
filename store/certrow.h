/* A user's certificate as a row of an answer. */
#ifndef STORE_CERTROW_H
#define STORE_CERTROW_H

#include "engine.h"

struct json_object;

/* What a list shows. */
void certrow_add(struct json_object *row, const struct engine_entry *entry);

/* What an export needs more: the certificate as PEM and all properties. */
void certrow_add_export(struct json_object *row,
                        const struct engine_entry *entry);

/* A certificate as PEM. */
void certrow_add_pem(struct json_object *row, struct wire_view der);

#endif
