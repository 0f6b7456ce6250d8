/*
 * An answer of many rows, as it leaves: arrays of rows under their names, each
 * row written as text at once, so that nothing is held but what the buffer
 * waits to have taken.
 */
#ifndef STORE_STREAM_H
#define STORE_STREAM_H

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;
struct json_object;

enum {
	STREAM_ROWS_MAX = 10000,    /* of one array; more is "truncated" */
	STREAM_MEMBERS_MAX = 100000 /* of the groups of one array */
};

struct stream {
	struct evbuffer *to; /* borrowed */
	size_t rows;         /* of this array */
	size_t members;      /* of all groups of this array */
	size_t group;        /* of the group that is open */
	bool in_array;
	bool in_group;
	bool full; /* this array takes no more */
	bool truncated;
	bool failed; /* no memory */
};

void stream_begin(struct stream *stream, struct evbuffer *to);

/* The next array; the one before ends. */
void stream_open(struct stream *stream, const char *name);

/* A row, taken; false when the array is full, or without memory. */
bool stream_put(struct stream *stream, struct json_object *row);

/*
 * A row that ends with an array of its own, under this name: what is put into
 * the group goes there, until the next row.
 */
bool stream_put_group(struct stream *stream, struct json_object *row,
                      const char *name);
bool stream_put_member(struct stream *stream, struct json_object *member);

/*
 * All of it, and the end of the line; error may be NULL, its text is escaped.
 * False: it could not be written whole.
 */
bool stream_end(struct stream *stream, const char *error);

#endif
