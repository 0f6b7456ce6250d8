#include "inflate.h"

#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
	INFLATE_WINDOW = 15 + 32, /* zlib: the largest, and either header */
	INFLATE_IN_MAX = 1 << 24  /* far above any object of a card */
};

static enum inflate_error
run(z_stream *z, size_t cap, size_t *len)
{
	int rc = inflate(z, Z_FINISH);

	*len = z->total_out;
	if (rc == Z_MEM_ERROR)
		return INFLATE_MEMORY;
	/* One byte more than allowed was offered: full means too large. */
	if (z->total_out > cap)
		return INFLATE_LARGE;
	if (rc != Z_STREAM_END || z->total_out == 0)
		return INFLATE_BROKEN;
	return z->avail_in > 0 ? INFLATE_TRAILING : INFLATE_OK;
}

static enum inflate_error
inflate_into(struct wire_view packed, uint8_t *room, size_t cap, size_t *len)
{
	z_stream z = {.next_in = packed.data,
	              .avail_in = (uInt)packed.len,
	              .next_out = room,
	              .avail_out = (uInt)cap + 1};
	enum inflate_error error;

	if (inflateInit2(&z, INFLATE_WINDOW) != Z_OK)
		return INFLATE_MEMORY;
	error = run(&z, cap, len);
	(void)inflateEnd(&z);
	return error;
}

enum inflate_error
inflate_member(struct wire_view packed, size_t max, uint8_t **out, size_t *len)
{
	enum inflate_error error;
	size_t cap = max;
	uint8_t *room;

	*out = NULL;
	*len = 0;
	if (packed.len > INFLATE_IN_MAX || max > INFLATE_IN_MAX)
		return INFLATE_LARGE;
	if (packed.len * INFLATE_RATIO_MAX < cap)
		cap = packed.len * INFLATE_RATIO_MAX;
	room = malloc(cap + 1);
	if (room == NULL)
		return INFLATE_MEMORY;
	error = inflate_into(packed, room, cap, len);
	if (error == INFLATE_OK)
		*out = realloc(room, *len);
	if (*out != NULL)
		return INFLATE_OK;
	free(room);
	*len = 0;
	return error == INFLATE_OK ? INFLATE_MEMORY : error;
}

const char *
inflate_error_text(enum inflate_error error)
{
	switch (error) {
	case INFLATE_OK:
		return "ok";
	case INFLATE_BROKEN:
		return "does not inflate";
	case INFLATE_LARGE:
		return "inflates beyond its limit";
	case INFLATE_TRAILING:
		return "has bytes after the compressed data";
	case INFLATE_MEMORY:
		return "no memory";
	}
	return "unknown";
}
