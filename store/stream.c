#include "stream.h"

#include <event2/buffer.h>
#include <json-c/json.h>
#include <string.h>

static void
put_bytes(struct stream *stream, const char *text, size_t len)
{
	if (!stream->failed && evbuffer_add(stream->to, text, len) != 0)
		stream->failed = true;
}

static void
put_text(struct stream *stream, const char *text)
{
	put_bytes(stream, text, strlen(text));
}

/* As text without its last bytes; takes the object. */
static void
put_object(struct stream *stream, struct json_object *object, size_t without)
{
	size_t len = 0;
	const char *text =
	    object != NULL
		? json_object_to_json_string_length(
		      object,
		      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
		      &len)
		: NULL;

	if (text != NULL && len >= without)
		put_bytes(stream, text, len - without);
	else
		stream->failed = true;
	(void)json_object_put(object);
}

void
stream_begin(struct stream *stream, struct evbuffer *to)
{
	*stream = (struct stream){.to = to};
	put_text(stream, "{");
}

static void
close_group(struct stream *stream)
{
	if (stream->in_group)
		put_text(stream, "]}");
	stream->in_group = false;
}

static void
close_array(struct stream *stream)
{
	close_group(stream);
	if (stream->in_array)
		put_text(stream, "]");
}

void
stream_open(struct stream *stream, const char *name)
{
	close_array(stream);
	put_text(stream, stream->in_array ? ",\"" : "\"");
	put_text(stream, name);
	put_text(stream, "\":[");
	stream->in_array = true;
	stream->full = false;
	stream->rows = 0;
	stream->members = 0;
}

/* Is there room for one more?  Else the object goes. */
static bool
has_room(struct stream *stream, bool room, struct json_object *object)
{
	if (!room) {
		stream->full = true;
		stream->truncated = true;
	}
	if (room && !stream->failed)
		return true;
	(void)json_object_put(object);
	return false;
}

bool
stream_put(struct stream *stream, struct json_object *row)
{
	if (!has_room(stream, stream->rows < STREAM_ROWS_MAX, row))
		return false;
	close_group(stream);
	if (stream->rows++ > 0)
		put_text(stream, ",");
	put_object(stream, row, 0);
	return !stream->failed;
}

bool
stream_put_group(struct stream *stream, struct json_object *row,
                 const char *name)
{
	if (!has_room(stream, stream->rows < STREAM_ROWS_MAX, row))
		return false;
	close_group(stream);
	if (stream->rows++ > 0)
		put_text(stream, ",");
	put_object(stream, row, 1); /* its brace comes with the group's end */
	put_text(stream, ",\"");
	put_text(stream, name);
	put_text(stream, "\":[");
	stream->in_group = true;
	stream->group = 0;
	return !stream->failed;
}

bool
stream_put_member(struct stream *stream, struct json_object *member)
{
	if (!has_room(stream, stream->members < STREAM_MEMBERS_MAX, member))
		return false;
	stream->members++;
	if (stream->group++ > 0)
		put_text(stream, ",");
	put_object(stream, member, 0);
	return !stream->failed;
}

static void
put_error(struct stream *stream, const char *error)
{
	put_text(stream, stream->in_array ? ",\"error\":" : "\"error\":");
	put_object(stream, json_object_new_string(error), 0);
}

bool
stream_end(struct stream *stream, const char *error)
{
	close_array(stream);
	if (stream->truncated)
		put_text(stream, ",\"truncated\":true");
	if (error != NULL)
		put_error(stream, error);
	put_text(stream, "}\n");
	return !stream->failed;
}
