#include "ctltable.h"

#include "log.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HASH_SHOWN = 16 /* digits of a thumbprint, enough to ask again */ };

/*
 * Values.
 */

const char *
ctltable_text(struct json_object *row, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(row, key, &value) || value == NULL)
		return "";
	return json_object_get_string(value);
}

int64_t
ctltable_number(struct json_object *row, const char *key)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(row, key, &value);
	return json_object_get_int64(value);
}

struct json_object *
ctltable_rows(struct json_object *document, const char *key)
{
	struct json_object *rows = NULL;

	if (!json_object_object_get_ex(document, key, &rows) ||
	    !json_object_is_type(rows, json_type_array))
		return NULL;
	return rows;
}

size_t
ctltable_count(struct json_object *rows)
{
	return rows != NULL ? json_object_array_length(rows) : 0;
}

char *
ctltable_time(char out[CTLTABLE_TIME_SIZE], int64_t seconds)
{
	time_t when = (time_t)seconds;
	struct tm parts;

	out[0] = '\0';
	if (localtime_r(&when, &parts) != NULL)
		(void)strftime(out, CTLTABLE_TIME_SIZE, "%Y-%m-%d %H:%M:%S",
		               &parts);
	return out;
}

char *
ctltable_printable(char out[CTLTABLE_CELL_MAX + 1], struct json_object *row,
                   const char *key)
{
	return log_printable(out, CTLTABLE_CELL_MAX + 1,
	                     wire_view_text(ctltable_text(row, key)));
}

/*
 * Tables.
 */

void
ctltable_cell(char out[CTLTABLE_CELL_MAX + 1], struct json_object *row,
              const struct ctltable_column *column)
{
	char when[CTLTABLE_TIME_SIZE];

	switch (column->form) {
	case CTLTABLE_TEXT:
		(void)ctltable_printable(out, row, column->key);
		break;
	case CTLTABLE_NUMBER:
		(void)snprintf(out, CTLTABLE_CELL_MAX + 1, "%lld",
		               (long long)ctltable_number(row, column->key));
		break;
	case CTLTABLE_TIME:
		(void)snprintf(
		    out, CTLTABLE_CELL_MAX + 1, "%s",
		    ctltable_time(when, ctltable_number(row, column->key)));
		break;
	case CTLTABLE_DATE:
		(void)snprintf(
		    out, CTLTABLE_CELL_MAX + 1, "%.10s",
		    ctltable_time(when, ctltable_number(row, column->key)));
		break;
	case CTLTABLE_HASH:
		(void)ctltable_printable(out, row, column->key);
		out[HASH_SHOWN] = '\0';
		break;
	case CTLTABLE_COUNT:
		(void)snprintf(out, CTLTABLE_CELL_MAX + 1, "%zu",
		               ctltable_count(ctltable_rows(row, column->key)));
		break;
	}
	if (out[0] == '\0')
		(void)snprintf(out, CTLTABLE_CELL_MAX + 1, "-");
}

static void
measure(struct json_object *rows, const struct ctltable_column *columns,
        size_t count, int *widths)
{
	char cell[CTLTABLE_CELL_MAX + 1];

	for (size_t c = 0; c < count; c++) {
		widths[c] = (int)strlen(columns[c].title);
		for (size_t i = 0; i < ctltable_count(rows); i++) {
			ctltable_cell(cell, json_object_array_get_idx(rows, i),
			              &columns[c]);
			if ((int)strlen(cell) > widths[c])
				widths[c] = (int)strlen(cell);
		}
	}
}

/* The last column is not padded. */
static void
print_padded(const char *text, int width, bool last)
{
	if (last)
		(void)printf("%s\n", text);
	else
		(void)printf("%-*s  ", width, text);
}

bool
ctltable_print(struct json_object *document, const char *key,
               const struct ctltable_column *columns, size_t count)
{
	struct json_object *rows = ctltable_rows(document, key);
	int widths[CTLTABLE_COLUMNS_MAX];
	char cell[CTLTABLE_CELL_MAX + 1];

	if (rows == NULL)
		return false;
	measure(rows, columns, count, widths);
	for (size_t c = 0; c < count; c++)
		print_padded(columns[c].title, widths[c], c + 1 == count);
	for (size_t i = 0; i < ctltable_count(rows); i++) {
		for (size_t c = 0; c < count; c++) {
			ctltable_cell(cell, json_object_array_get_idx(rows, i),
			              &columns[c]);
			print_padded(cell, widths[c], c + 1 == count);
		}
	}
	if (ctltable_number(document, "truncated") != 0)
		(void)printf("(there are more)\n");
	return true;
}
