#include "mirror.h"

#include "properties.h"

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
	for (size_t i = 0; i < wanted->count; i++) {
		free((void *)(uintptr_t)wanted->items[i].der.data);
		free((void *)(uintptr_t)wanted->items[i].json.data);
		free((void *)(uintptr_t)wanted->items[i].pkcs11_uri.data);
	}
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

/* A copy that clear() frees; NULL data: no memory. */
static struct wire_view
copy(struct wire_view bytes)
{
	uint8_t *data = malloc(bytes.len > 0 ? bytes.len : 1);

	if (data != NULL && bytes.len > 0)
		memcpy(data, bytes.data, bytes.len);
	return (struct wire_view){data, data != NULL ? bytes.len : 0};
}

/* NULL: no memory, or not a hash. */
static struct view_item *
want(struct wanted *wanted, enum keep_kind kind, struct wire_view hash,
     struct wire_view der)
{
	struct view_item *item = new_item(wanted);
	struct wire_view own = copy(der);

	if (item == NULL || own.data == NULL || hash.len != VIEW_SHA256_LEN) {
		free((void *)(uintptr_t)own.data);
		return NULL;
	}
	*item = (struct view_item){.kind = kind, .der = own};
	memcpy(item->sha256, hash.data, hash.len);
	wanted->count++;
	return item;
}

static bool
on_root(const struct engine_root *root, void *arg)
{
	struct view_item *item = want(arg, root->kind, root->hash, root->der);

	if (item != NULL)
		item->subject_hash = root->subject_hash;
	return item != NULL;
}

static bool
on_entry(const struct engine_entry *entry, void *arg)
{
	struct view_item *item;
	char *json;

	if (entry->store != ENGINE_MY)
		return true;
	item = want(arg, KEEP_USER, entry->hash, entry->der);
	json = properties_text(entry);
	if (item == NULL || json == NULL) {
		free(json);
		return false;
	}
	item->json = wire_view_text(json);
	item->pkcs11_uri = copy(entry->pkcs11_uri);
	return item->pkcs11_uri.data != NULL;
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
	struct engine_filter filter = {.owner = wire_view_text(user)};

	return filter.owner.len == 0 ||
	       engine_list_entries(engine, &filter, on_entry, wanted);
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
		                   wanted.count, style, NULL);

		ok = error == VIEW_OK;
		*reason = view_error_name(error);
	}
	clear(&wanted);
	return ok;
}

bool
mirror_show_host(struct engine *engine, int run_dirfd, const char **reason)
{
	struct wanted wanted = {0};
	bool ok = engine_presence(engine, "host", on_root, &wanted);

	*reason = "store: the wanted certificates could not be read";
	if (ok) {
		/* Each one was allowed by its thumbprint, for whatever use. */
		enum view_error error =
		    view_reconcile_host(run_dirfd, wanted.items, wanted.count,
		                        KEEP_PURPOSE_ANY, NULL);

		ok = error == VIEW_OK;
		*reason = view_error_name(error);
	}
	clear(&wanted);
	return ok;
}
