#include "listing_private.h"

#include "certrow.h"
#include "document.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static listing_part list_certs;
static listing_part export_certs;
static listing_part list_audit;

enum { PARTS_MAX = 3 };

/* A part without a name goes on with the array of the one before. */
static const struct row {
	enum request_verb verb;
	struct {
		const char *name;
		listing_part *page;
	} parts[PARTS_MAX];
} rows[] = {
    /* clang-format off */
	{ REQUEST_CERTS,         {{ "certs", list_certs }} },
	{ REQUEST_CERTS_EXPORT,  {{ "certs", export_certs }} },
	{ REQUEST_AUDIT,         {{ "audit", list_audit }} },
	{ REQUEST_ROOTS,         {{ "roots", listing_roots },
	                          { "pins", listing_pins }} },
	{ REQUEST_ROOTS_EXPORT,  {{ "roots", listing_roots },
	                          { "pins", listing_pins }} },
	{ REQUEST_ROOTS_EXPLAIN, {{ "roots", listing_roots },
	                          { "pins", listing_pins },
	                          { "detached", listing_detached }} },
	{ REQUEST_SESSIONS,      {{ "sessions", listing_sessions },
	                          { NULL, listing_sessions_detached }} },
	{ REQUEST_SESSIONS_SHOW, {{ "sessions", listing_sessions },
	                          { NULL, listing_sessions_detached },
	                          { "readers", listing_readers }} },
	{ REQUEST_READERS,       {{ "readers", listing_readers }} },
	{ REQUEST_ENV,           {{ "sessions", listing_environments }} },
    /* clang-format on */
};

static const struct row *
find_row(enum request_verb verb)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].verb == verb)
			return &rows[i];
	return NULL;
}

bool
listing_serves(enum request_verb verb)
{
	return find_row(verb) != NULL;
}

struct listing *
listing_new(const struct report_source *source, const struct request *request,
            struct evbuffer *to)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (listing == NULL)
		return NULL;
	listing->source = source;
	listing->request = request;
	stream_begin(&listing->stream, to);
	return listing;
}

void
listing_free(struct listing *listing)
{
	free(listing);
}

static enum engine_slice
end(struct listing *listing, const char *error)
{
	return stream_end(&listing->stream, error) ? ENGINE_DONE : ENGINE_BAD;
}

static void
next_part(struct listing *listing)
{
	listing->part++;
	listing->started = false;
	listing->number = 0;
	listing->session[0] = '\0';
}

static void
start_part(struct listing *listing, const char *name)
{
	if (!listing->started && name != NULL)
		stream_open(&listing->stream, name);
	listing->started = true;
}

enum engine_slice
listing_step(struct listing *listing)
{
	const struct row *row = find_row(listing->request->verb);
	size_t part = listing->part;

	if (row == NULL)
		return ENGINE_BAD;
	if (part == PARTS_MAX || row->parts[part].page == NULL)
		return end(listing, NULL);
	start_part(listing, row->parts[part].name);
	enum engine_slice slice = row->parts[part].page(listing);

	if (listing->stream.failed)
		return ENGINE_BAD;
	if (slice == ENGINE_DONE || listing->stream.full)
		next_part(listing);
	else if (slice == ENGINE_BAD)
		return end(listing, engine_reason(listing->source->engine));
	return ENGINE_MORE;
}

/*
 * Certificates.
 */

static bool
on_entry(const struct engine_entry *entry, void *arg)
{
	struct listing *listing = arg;
	struct json_object *row = json_object_new_object();

	if (row != NULL)
		certrow_add(row, entry);
	return stream_put(&listing->stream, row);
}

static bool
on_export(const struct engine_entry *entry, void *arg)
{
	struct listing *listing = arg;
	struct json_object *row = json_object_new_object();

	if (row != NULL) {
		certrow_add(row, entry);
		certrow_add_export(row, entry);
	}
	return stream_put(&listing->stream, row);
}

static enum engine_slice
page_certs(struct listing *listing, engine_on_entry *each)
{
	struct engine_filter filter = {
	    .owner = wire_view_text(listing->request->owner),
	    .prefix = listing->request->prefix,
	};

	return engine_page_entries(listing->source->engine, &filter,
	                           &listing->entry, each, listing);
}

static enum engine_slice
list_certs(struct listing *listing)
{
	return page_certs(listing, on_entry);
}

static enum engine_slice
export_certs(struct listing *listing)
{
	return page_certs(listing, on_export);
}

/*
 * The audit.
 */

static bool
on_audit(const struct engine_audit_row *audit, void *arg)
{
	struct listing *listing = arg;
	struct json_object *row = json_object_new_object();
	char event[64];

	if (row == NULL)
		return stream_put(&listing->stream, NULL);
	(void)snprintf(event, sizeof(event), "%.*s", (int)audit->event.len,
	               (const char *)audit->event.data);
	document_add_number(row, "at", audit->at);
	document_add_text(row, "event", event);
	document_add_event(row, event);
	document_add_view(row, "session", audit->session);
	document_add_view(row, "user", audit->user);
	document_add_hex(row, "sha256", audit->hash);
	document_add_view(row, "detail", audit->detail);
	return stream_put(&listing->stream, row);
}

static enum engine_slice
list_audit(struct listing *listing)
{
	struct engine_audit_query query = {
	    .owner = wire_view_text(listing->request->owner),
	    .since = listing->request->since,
	};

	return engine_page_audit(listing->source->engine, &query,
	                         &listing->audit, on_audit, listing);
}
