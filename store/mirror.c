#include "mirror.h"

#include <stdlib.h>
#include <string.h>

/* Copies of rows, which the engine lends for a moment only. */
struct wanted {
	struct view_item *items;
	size_t count;
	size_t room;
};

static void
clear(struct wanted *wanted)
{
	/* The bytes are ours; only the view is promised not to write them. */
	for (size_t i = 0; i < wanted->count; i++)
		free((void *)(uintptr_t)wanted->items[i].der.data);
	free(wanted->items);
}

static struct view_item *
new_item(struct wanted *wanted)
{
	if (wanted->count < wanted->room)
		return &wanted->items[wanted->count];
	size_t room = wanted->room == 0 ? 16 : 2 * wanted->room;
	struct view_item *items =
	    reallocarray(wanted->items, room, sizeof(*items));

	if (items == NULL)
		return NULL;
	wanted->items = items;
	wanted->room = room;
	return &wanted->items[wanted->count];
}

static bool
want(struct wanted *wanted, enum keep_kind kind, struct wire_view hash,
     uint32_t subject_hash, struct wire_view der)
{
	struct view_item *item = new_item(wanted);
	uint8_t *copy = malloc(der.len > 0 ? der.len : 1);

	if (item == NULL || copy == NULL || hash.len != VIEW_SHA256_LEN) {
		free(copy);
		return false;
	}
	memcpy(copy, der.data, der.len);
	*item = (struct view_item){
	    .kind = kind, .subject_hash = subject_hash, .der = {copy, der.len}};
	memcpy(item->sha256, hash.data, hash.len);
	wanted->count++;
	return true;
}

static bool
on_root(const struct engine_root *root, void *arg)
{
	return want(arg, root->kind, root->hash, root->subject_hash, root->der);
}

static bool
on_entry(const struct engine_entry *entry, void *arg)
{
	return entry->store != ENGINE_MY ||
	       want(arg, KEEP_USER, entry->hash, 0, entry->der);
}

static bool
gather(struct engine *engine, const char *session, const char *user,
       struct wanted *wanted)
{
	char scope[ENGINE_SCOPE_SIZE];

	engine_scope(scope, session);
	if (!engine_presence(engine, scope, on_root, wanted))
		return false;
	/* An empty owner would list everybody's. */
	return user == NULL || user[0] == '\0' ||
	       engine_list_entries(engine, wire_view_text(user), on_entry,
	                           wanted);
}

bool
mirror_show(struct engine *engine, int run_dirfd, const char *session,
            const char *user, const struct view_style *style,
            const char **reason)
{
	struct wanted wanted = {0};
	bool ok = gather(engine, session, user, &wanted);

	*reason = "store: the wanted certificates could not be read";
	if (ok) {
		enum view_error error =
		    view_reconcile(run_dirfd, session, wanted.items,
		                   wanted.count, style->group, NULL);

		ok = error == VIEW_OK;
		*reason = view_error_name(error);
	}
	clear(&wanted);
	return ok;
}
