/*
 * What the commands of cardproxyctl show answers with: the values of a JSON row
 * and tables with aligned columns, on standard output.  All text is encoded
 * first: what a card says cannot move a cursor or forge a line.
 */
#ifndef PROXY_CTLTABLE_H
#define PROXY_CTLTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;

enum {
	CTLTABLE_CELL_MAX = 64, /* characters shown of one value */
	CTLTABLE_TIME_SIZE = 24
};

/* A text as it came, not to be shown as it is; "" when it is not there. */
const char *ctltable_text(struct json_object *row, const char *key);
int64_t ctltable_number(struct json_object *row, const char *key);

/* The array under a key; NULL when there is none, which counts 0. */
struct json_object *ctltable_rows(struct json_object *document,
                                  const char *key);
size_t ctltable_count(struct json_object *rows);

/* Both return out. */
char *ctltable_time(char out[CTLTABLE_TIME_SIZE], int64_t seconds);
char *ctltable_printable(char out[CTLTABLE_CELL_MAX + 1],
                         struct json_object *row, const char *key);

enum ctltable_form {
	CTLTABLE_TEXT,
	CTLTABLE_NUMBER,
	CTLTABLE_TIME,
	CTLTABLE_DATE,
	CTLTABLE_HASH, /* its first digits */
	CTLTABLE_COUNT /* of an array's elements */
};

enum { CTLTABLE_COLUMNS_MAX = 8 };

struct ctltable_column {
	const char *title;
	const char *key;
	enum ctltable_form form;
};

/* One value; "-" when it is empty. */
void ctltable_cell(char out[CTLTABLE_CELL_MAX + 1], struct json_object *row,
                   const struct ctltable_column *column);

/* The rows under key; false: there are none of that name. */
bool ctltable_print(struct json_object *document, const char *key,
                    const struct ctltable_column *columns, size_t count);

#define CTLTABLE_LENGTH(columns) (sizeof(columns) / sizeof((columns)[0]))

#endif
