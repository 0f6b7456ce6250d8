#include "chunk.h"

#include "channel.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SIZE = 4096 };

void
chunk_join_init(struct chunk_join *join)
{
	static const struct chunk_join none = {.state = CHUNK_IDLE};

	*join = none;
}

/* What was joined may have held a PIN: no copy of it outlives its use. */
static void
wipe(struct chunk_join *join)
{
	if (join->len > 0)
		explicit_bzero(join->data, join->len);
	join->len = 0;
	join->held = 0;
}

void
chunk_join_clear(struct chunk_join *join)
{
	wipe(join);
	free(join->data);
	chunk_join_init(join);
}

void
chunk_join_reset(struct chunk_join *join)
{
	wipe(join);
	join->state = CHUNK_IDLE;
}

static enum chunk_step
fault(struct chunk_join *join, const char *why)
{
	chunk_join_reset(join);
	join->why = why;
	return CHUNK_FAULT;
}

/* Room for need bytes in all.  Not realloc, which leaves a copy behind. */
static bool
grow(struct chunk_join *join, size_t need)
{
	size_t size = join->size == 0 ? FIRST_SIZE : join->size;
	uint8_t *data;

	if (need <= join->size)
		return true;
	while (size < need)
		size *= 2;
	data = malloc(size);
	if (data == NULL)
		return false;
	if (join->len > 0) {
		memcpy(data, join->data, join->len);
		explicit_bzero(join->data, join->len);
	}
	free(join->data);
	join->data = data;
	join->size = size;
	return true;
}

/* Collect the chunk in hand. */
static bool
keep(struct chunk_join *join)
{
	size_t len = join->len + join->chunk.len;
	struct wire_out out;

	if (!grow(join, len))
		return false;
	out = wire_out(join->data, join->size);
	out.len = join->len;
	wire_put_view(&out, join->chunk);
	join->len = out.len;
	return wire_out_ok(&out);
}

/* What the header says must fit what came before; NULL when it does. */
static const char *
check(struct chunk_join *join, uint32_t flags)
{
	bool first = (flags & CHANNEL_FLAG_FIRST) != 0;

	if ((flags & CHANNEL_FLAG_COMPRESSED) != 0)
		return "a compressed chunk";
	if (join->chunk.len == 0)
		return "an empty chunk";
	if (first && join->state != CHUNK_IDLE)
		return "FIRST within a message";
	if (!first && join->state == CHUNK_IDLE)
		return "a chunk without FIRST before it";
	return NULL;
}

/* Count the chunk in hand; the announced total must hold to the byte. */
static const char *
count(struct chunk_join *join)
{
	if (join->chunk.len > join->total - join->got)
		return "more bytes than announced";
	join->got += (uint32_t)join->chunk.len;
	if (join->last && join->got < join->total)
		return "fewer bytes than announced";
	if (!join->last && join->got == join->total)
		return "all bytes but no LAST";
	return NULL;
}

/* Still not known whose it is: wait for the header, or let the caller look. */
static enum chunk_step
take_undecided(struct chunk_join *join)
{
	bool enough = join->got >= CHUNK_DECIDE_LEN || join->last;

	join->held = join->len;
	if (enough && join->held == 0)
		return CHUNK_DECIDE;
	if (!keep(join))
		return fault(join, "out of memory");
	return enough ? CHUNK_DECIDE : CHUNK_HELD;
}

static enum chunk_step
take_owned(struct chunk_join *join)
{
	if (!keep(join))
		return fault(join, "out of memory");
	if (!join->last)
		return CHUNK_HELD;
	join->state = CHUNK_IDLE;
	return CHUNK_WHOLE;
}

enum chunk_step
chunk_join_take(struct chunk_join *join, uint32_t total, uint32_t flags,
                struct wire_view data)
{
	const char *why;

	join->chunk = data;
	join->last = (flags & CHANNEL_FLAG_LAST) != 0;
	why = check(join, flags);
	if (why != NULL)
		return fault(join, why);
	if (join->state == CHUNK_IDLE) {
		wipe(join);
		join->state = CHUNK_UNDECIDED;
		join->total = total;
		join->got = 0;
	}
	why = count(join);
	if (why != NULL)
		return fault(join, why);
	if (join->state == CHUNK_UNDECIDED)
		return take_undecided(join);
	if (join->state == CHUNK_OWNING)
		return take_owned(join);
	if (join->last)
		join->state = CHUNK_IDLE;
	return CHUNK_PASS;
}

struct wire_view
chunk_join_seen(const struct chunk_join *join)
{
	struct wire_view view = {join->data, join->len};

	return join->len == 0 ? join->chunk : view;
}

enum chunk_step
chunk_join_own(struct chunk_join *join)
{
	if (join->total > CHUNK_MESSAGE_MAX)
		return fault(join, "a message above its limit");
	if (join->last) {
		join->state = CHUNK_IDLE;
		return CHUNK_WHOLE;
	}
	join->state = CHUNK_OWNING;
	if (join->len == 0 && !keep(join))
		return fault(join, "out of memory");
	return CHUNK_HELD;
}

struct wire_view
chunk_join_pass(struct chunk_join *join)
{
	struct wire_view held = {join->data, join->held};

	join->state = join->last ? CHUNK_IDLE : CHUNK_PASSING;
	return held;
}

bool
chunk_join_idle(const struct chunk_join *join)
{
	return join->state == CHUNK_IDLE;
}

const char *
chunk_join_why(const struct chunk_join *join)
{
	return join->why == NULL ? "nothing" : join->why;
}

struct chunk_cut
chunk_cut(struct wire_view message, uint32_t size, uint32_t flags)
{
	struct chunk_cut cut = {
	    .left = wire_in_view(message),
	    .total = (uint32_t)message.len,
	    .size = size == 0 ? CHANNEL_CHUNK_DEFAULT : size,
	    .flags = flags,
	};

	return cut;
}

bool
chunk_cut_next(struct chunk_cut *cut, uint32_t *flags, struct wire_view *data)
{
	size_t len = cut->left.left < cut->size ? cut->left.left : cut->size;
	bool first = cut->left.left == cut->total;

	if (len == 0)
		return false;
	*data = wire_bytes(&cut->left, len);
	*flags = cut->flags;
	if (first)
		*flags |= CHANNEL_FLAG_FIRST;
	if (cut->left.left == 0)
		*flags |= CHANNEL_FLAG_LAST;
	return true;
}
