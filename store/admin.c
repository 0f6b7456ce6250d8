#include "admin.h"

#include "document.h"
#include "engine_admin.h"
#include "log.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SCOPES_MAX = 16 };

/* A request under way: fault is a literal, or what the engine said. */
struct order {
	const struct report_source *source;
	const struct request *request;
	struct wire_view body;
	char who[ENGINE_WHO_SIZE];
	struct json_object *document;
	struct json_object *rows;
	const char *fault;
	char *scopes[SCOPES_MAX]; /* whose views may differ now */
	size_t scope_count;
	bool everywhere; /* all views may */
	size_t told;
};

/* More than can be told apart is everywhere. */
static void
touch(struct order *order, struct wire_view scope)
{
	size_t i = 0;

	while (i < order->scope_count &&
	       !wire_view_equal(wire_view_text(order->scopes[i]), scope))
		i++;
	if (i < order->scope_count || order->everywhere)
		return;
	if (i < SCOPES_MAX)
		order->scopes[i] = strndup((const char *)scope.data, scope.len);
	if (i < SCOPES_MAX && order->scopes[i] != NULL)
		order->scope_count++;
	else
		order->everywhere = true;
}

static bool
refuse(struct order *order, const char *fault)
{
	order->fault = fault;
	return false;
}

/* What the engine could not do. */
static bool
failed(struct order *order)
{
	return refuse(order, engine_reason(order->source->engine));
}

static bool
find_root(struct order *order, uint8_t *hash)
{
	switch (engine_find_cert(order->source->engine, order->request->prefix,
	                         hash)) {
	case ENGINE_FOUND_ONE:
		return true;
	case ENGINE_FOUND_NONE:
		return refuse(order, "no card has shown that certificate: "
		                     "give its file");
	case ENGINE_FOUND_MANY:
		return refuse(order, "several certificates have a thumbprint "
		                     "that begins so");
	case ENGINE_FOUND_FAULT:
		break;
	}
	return failed(order);
}

/* The certificate that came with the request, if it is the one named. */
static bool
take_root(struct order *order, uint8_t *hash)
{
	struct wire_in in = wire_in_view(order->body);
	struct keep_msg msg;
	char text[2 * ENGINE_HASH_LEN + 1];

	if (!keep_decode(&in, &msg) || msg.type != KEEP_CERT ||
	    msg.cert.kind != KEEP_ANCHOR)
		return refuse(order, "not a root");
	if (!engine_take_cert(order->source->engine, &msg.cert, hash))
		return failed(order);
	(void)log_hex(text, hash, ENGINE_HASH_LEN);
	if (strcmp(text, order->request->prefix) != 0)
		return refuse(order, "the certificate has another thumbprint");
	return true;
}

/* A card shows other certificates, too: of those none is ever trusted. */
static bool
is_root(struct order *order, const uint8_t *hash)
{
	bool is_ca = false;

	if (!engine_cert_is_ca(order->source->engine, hash, &is_ca))
		return failed(order);
	return is_ca || refuse(order, "not a certification authority");
}

/* NULL, or why there can be no such scope. */
static const char *
judge_scope(struct order *order, const char *scope)
{
	static const char user[] = "user:";
	static const char session[] = "session:";

	if (strcmp(scope, "host") == 0)
		return NULL;
	if (strncmp(scope, user, sizeof(user) - 1) == 0)
		return scope[sizeof(user) - 1] != '\0' ? NULL
		                                       : "a user has a name";
	if (strncmp(scope, session, sizeof(session) - 1) != 0)
		return "a scope is host, user:NAME or session:ID";
	return engine_session_is_known(order->source->engine,
	                               scope + sizeof(session) - 1)
	           ? NULL
	           : "there is no such session; its id is needed in full";
}

static bool
pin(struct order *order)
{
	const struct request *request = order->request;
	uint8_t hash[ENGINE_HASH_LEN];
	struct engine_pinning pinning = {
	    .scope = request->owner,
	    .hash = hash,
	    .who = order->who,
	    .reason = wire_view_text(request->reason),
	};
	struct json_object *row;
	bool changed = false;

	order->fault = judge_scope(order, request->owner);
	if (order->fault != NULL)
		return false;
	if (order->body.len > 0
	        ? !take_root(order, hash)
	        : !find_root(order, hash) || !is_root(order, hash))
		return false;
	if (!engine_pin(order->source->engine, &pinning, &changed))
		return failed(order);
	touch(order, wire_view_text(request->owner));
	row = document_add_object(order->document, "pinned");
	document_add_text(row, "scope", request->owner);
	document_add_hex(row, "sha256", (struct wire_view){hash, sizeof(hash)});
	document_add_bool(row, "changed", changed);
	return row != NULL;
}

static bool
on_unpinned(const struct engine_pin *pin, void *arg)
{
	touch(arg, pin->scope);
	return true;
}

/* Where it is pinned: the views of these scopes lose it. */
static bool
touch_pins(struct order *order, const uint8_t *hash)
{
	char prefix[2 * ENGINE_HASH_LEN + 1];
	const struct engine_filter filter = {
	    .owner = wire_view_text(order->request->owner),
	    .prefix = log_hex(prefix, hash, ENGINE_HASH_LEN),
	};

	return engine_list_pins(order->source->engine, &filter, on_unpinned,
	                        order);
}

static bool
unpin(struct order *order)
{
	const struct request *request = order->request;
	uint8_t hash[ENGINE_HASH_LEN];
	uint32_t removed = 0;
	struct json_object *row;

	if (!find_root(order, hash))
		return false;
	if (!touch_pins(order, hash))
		return failed(order);
	if (!engine_unpin(order->source->engine, request->owner, hash,
	                  order->who, &removed))
		return failed(order);
	if (removed == 0)
		return refuse(order, "it is not pinned there");
	row = document_add_object(order->document, "unpinned");
	document_add_hex(row, "sha256", (struct wire_view){hash, sizeof(hash)});
	document_add_number(row, "removed", removed);
	return row != NULL;
}

/* In transactions of its own, since log-ons end with it. */
static bool
forget_user(struct order *order)
{
	const struct report_source *source = order->source;
	const char *user = order->request->owner;
	struct engine_forgotten forgotten;
	struct json_object *row;

	if (user[0] == '\0')
		return refuse(order, "a user has a name");
	if (source->forget_user == NULL)
		return refuse(order, "nobody can do that here");
	if (!source->forget_user(source->arg, user, order->who, &forgotten))
		return refuse(order, "the store cannot be written now; it is "
		                     "tried again");
	row = document_add_object(order->document, "forgotten");
	document_add_text(row, "user", user);
	document_add_number(row, "entries", forgotten.entries);
	document_add_number(row, "claims", forgotten.claims);
	return row != NULL;
}

static bool
on_changed(const struct engine_changed *changed, void *arg)
{
	struct order *order = arg;
	struct json_object *row = document_add_row(order->rows);
	char scope[ENGINE_USER_SCOPE_SIZE];

	order->told++;
	if (row == NULL)
		return false;
	engine_user_scope(scope, changed->owner);
	if (changed->changed)
		touch(order, wire_view_text(scope));
	document_add_text(row, "store",
	                  changed->store == ENGINE_MY ? "MY" : "REQUEST");
	document_add_view(row, "user", changed->owner);
	document_add_hex(row, "sha256", changed->hash);
	document_add_text(row, "result",
	                  changed->changed ? "changed" : "unchanged");
	return true;
}

static bool
change_one(struct order *order, const struct property_change *change)
{
	size_t before = order->told;

	if (change->hash.len == ENGINE_SHA1_LEN &&
	    order->request->owner[0] == '\0')
		return refuse(order, "a SHA-1 thumbprint needs a user");
	if (!engine_change(order->source->engine,
	                   wire_view_text(order->request->owner), change,
	                   order->who, on_changed, order))
		return failed(order);
	if (order->told > before)
		return true;
	struct json_object *row = document_add_row(order->rows);

	document_add_hex(row, "sha256", change->hash);
	document_add_text(row, "result", "not there");
	return row != NULL;
}

/* All of them or none: the caller rolls back. */
static bool
change(struct order *order)
{
	struct wire_in in = wire_in_view(order->body);
	struct property_change *next = malloc(sizeof(*next));
	size_t count = 0;
	bool ok = next != NULL;

	order->rows = document_add_rows(order->document, "changes");
	ok = ok && order->rows != NULL;
	while (ok && in.left > 0) {
		if (count++ == PROPERTY_CHANGES_MAX)
			ok = refuse(order, "too many changes at once");
		else if (!property_get_change(&in, next))
			ok = refuse(order, "not a change of properties");
		else
			ok = change_one(order, next);
	}
	free(next);
	return ok;
}

static const struct {
	enum request_verb verb;
	bool (*run)(struct order *order);
	bool writes;
} verbs[] = {
    {REQUEST_ROOTS_PIN, pin, true},
    {REQUEST_ROOTS_UNPIN, unpin, true},
    {REQUEST_CERTS_SET, change, true},
    {REQUEST_USERS_FORGET, forget_user, false},
};

enum { VERBS = sizeof(verbs) / sizeof(verbs[0]) };

static size_t
find_verb(enum request_verb verb)
{
	size_t i = 0;

	while (i < VERBS && verbs[i].verb != verb)
		i++;
	return i;
}

bool
admin_serves(enum request_verb verb)
{
	return find_verb(verb) < VERBS;
}

/* The answer speaks of the engine before it forgets what was wrong. */
static struct json_object *
answer_fault(const struct order *order)
{
	char fault[ENGINE_REASON_SIZE + 8] = "out of memory";

	if (order->fault != NULL)
		(void)snprintf(fault, sizeof(fault), "%s", order->fault);
	return report_error(fault);
}

static bool
run_writing(struct order *order, bool (*run)(struct order *order))
{
	struct engine *engine = order->source->engine;

	if (!engine_begin(engine, time(NULL)))
		return failed(order);
	if (run(order) && (engine_commit(engine) || failed(order)))
		return true;
	engine_rollback(engine);
	return false;
}

static void
tell_changed(const struct order *order)
{
	const struct report_source *source = order->source;

	if (order->everywhere) {
		source->on_changed(source->arg, ENGINE_HOST_SCOPE);
		return;
	}
	for (size_t i = 0; i < order->scope_count; i++)
		source->on_changed(source->arg, order->scopes[i]);
}

static void
forget_scopes(struct order *order)
{
	for (size_t i = 0; i < order->scope_count; i++)
		free(order->scopes[i]);
}

struct json_object *
admin_answer(const struct report_source *source, const struct request *request,
             struct wire_view body, uid_t uid)
{
	struct order order = {.source = source,
	                      .request = request,
	                      .body = body,
	                      .document = json_object_new_object()};
	size_t verb = find_verb(request->verb);
	bool ok = order.document != NULL && verb < VERBS;

	(void)snprintf(order.who, sizeof(order.who), "uid %lu",
	               (unsigned long)uid);
	if (ok && verbs[verb].writes)
		ok = run_writing(&order, verbs[verb].run);
	else if (ok)
		ok = verbs[verb].run(&order);
	struct json_object *answer = ok ? order.document : answer_fault(&order);

	if (!ok)
		(void)json_object_put(order.document);
	else if (source->on_changed != NULL)
		tell_changed(&order);
	forget_scopes(&order);
	return answer;
}
