#include "purge.h"

#include "document.h"

#include <json-c/json.h>
#include <stdio.h>
#include <time.h>

void
purge_init(struct purge *purge, const struct report_source *source,
           const struct request *request, uid_t uid)
{
	*purge = (struct purge){.source = source, .request = request};
	purge->one = request->prefix[0] != '\0';
	(void)snprintf(purge->who, sizeof(purge->who), "uid %lu",
	               (unsigned long)uid);
}

static enum engine_slice
refuse(struct purge *purge, const char *fault)
{
	(void)snprintf(purge->fault, sizeof(purge->fault), "%s", fault);
	return ENGINE_BAD;
}

static enum engine_slice
find_root(struct purge *purge)
{
	struct engine *engine = purge->source->engine;

	switch (engine_find_cert(engine, purge->request->prefix, purge->hash)) {
	case ENGINE_FOUND_ONE:
		return ENGINE_MORE;
	case ENGINE_FOUND_NONE:
		return refuse(purge, "no card has shown that certificate");
	case ENGINE_FOUND_MANY:
		return refuse(purge, "several certificates have a thumbprint "
		                     "that begins so");
	case ENGINE_FOUND_FAULT:
		break;
	}
	return refuse(purge, engine_reason(engine));
}

static enum engine_slice
purge_page(struct purge *purge)
{
	struct engine *engine = purge->source->engine;
	enum engine_slice slice = ENGINE_BAD;
	uint32_t purged = purge->purged;

	if (engine_begin(engine, time(NULL)))
		slice = engine_purge(engine, purge->one ? purge->hash : NULL,
		                     purge->who, &purge->key, &purged);
	if (slice != ENGINE_BAD && engine_commit(engine)) {
		purge->purged = purged;
		return slice;
	}
	(void)refuse(purge, engine_reason(engine));
	engine_rollback(engine);
	return ENGINE_BAD;
}

enum engine_slice
purge_step(struct purge *purge)
{
	if (purge->begun || !purge->one)
		return purge_page(purge);
	purge->begun = true;
	return find_root(purge);
}

struct json_object *
purge_answer(const struct purge *purge)
{
	struct json_object *document = json_object_new_object();
	struct json_object *row =
	    document != NULL ? document_add_object(document, "purged") : NULL;

	if (row != NULL)
		document_add_number(row, "claims", purge->purged);
	return document;
}
