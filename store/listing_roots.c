#include "listing_private.h"

#include "certrow.h"
#include "document.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

static const char *
cleanup_name(enum keep_cleanup cleanup)
{
	switch (cleanup) {
	case KEEP_CLEANUP_NONE:
		return "none";
	case KEEP_CLEANUP_REMOVAL:
		return "removal";
	case KEEP_CLEANUP_LOGOFF:
		return "logoff";
	}
	return "unknown";
}

static void
add_holder(struct json_object *row, const struct engine_claim *claim)
{
	document_add_view(row, "session", claim->session);
	document_add_view(row, "user", claim->user);
	document_add_view(row, "client_name", claim->client_name);
	document_add_view(row, "client_addr", claim->client_addr);
	document_add_view(row, "target", claim->target);
	document_add_number(row, "reader", claim->reader);
	document_add_view(row, "reader_name", claim->reader_name);
	document_add_card_id(row, claim->card_id);
	document_add_view(row, "family", claim->family);
	document_add_text(row, "ends_on", cleanup_name(claim->ends_on));
	if (claim->has_first)
		document_add_text(row, "cleanup_at_insert",
		                  cleanup_name(claim->cleanup_at_insert));
	document_add_number(row, "policy_generation", claim->policy_generation);
	document_add_bool(row, "preexisting", claim->kind == KEEP_PREEXISTING);
	document_add_text(row, "state", claim->live ? "live" : "kept");
	document_add_bool(row, "card_present", claim->present);
	document_add_number(row, "created_at", claim->created_at);
}

/* Of what is claimed. */
static const char *
kind_name(enum keep_kind kind)
{
	switch (kind) {
	case KEEP_ANCHOR:
		return "anchor";
	case KEEP_INTERMEDIATE:
		return "intermediate";
	case KEEP_PREEXISTING:
		return "preexisting";
	case KEEP_USER:
	case KEEP_REQUEST:
		break;
	}
	return "unknown";
}

/* Where software of that session finds a root that is present. */
static void
add_visible(struct json_object *root, const struct report_source *source,
            const struct engine_claim *claim)
{
	bool anchor = claim->kind == KEEP_ANCHOR;
	char path[512];

	if (!claim->live || claim->kind == KEEP_PREEXISTING)
		return;
	(void)snprintf(path, sizeof(path), "%s/session/%.*s/%s",
	               source->run_dir, (int)claim->session.len,
	               (const char *)claim->session.data,
	               anchor ? "certs" : "intermediates");
	document_add_text(root, "visible_in", path);
}

/* Claims come ordered by root: is this one of the root before? */
static bool
is_of_root(const struct engine_claim_key *root,
           const struct engine_claim *claim)
{
	return wire_view_equal(wire_view_text(root->scope), claim->scope) &&
	       wire_view_equal(
		   (struct wire_view){root->hash, sizeof(root->hash)},
		   claim->hash);
}

static void
set_root(struct engine_claim_key *root, const struct engine_claim *claim)
{
	(void)snprintf(root->scope, sizeof(root->scope), "%.*s",
	               (int)claim->scope.len, (const char *)claim->scope.data);
	if (claim->hash.len == sizeof(root->hash))
		memcpy(root->hash, claim->hash.data, sizeof(root->hash));
}

static void
on_der(struct wire_view der, void *arg)
{
	certrow_add_pem(arg, der);
}

/* An export has the certificate as well. */
static void
add_certificate(struct listing *listing, struct json_object *row,
                struct wire_view hash)
{
	if (listing->request->verb == REQUEST_ROOTS_EXPORT)
		(void)engine_read_cert(listing->source->engine, hash, on_der,
		                       row);
}

static bool
put_root(struct listing *listing, const struct engine_claim *claim)
{
	struct json_object *root = json_object_new_object();

	if (root != NULL) {
		document_add_view(root, "scope", claim->scope);
		document_add_hex(root, "sha256", claim->hash);
		document_add_view(root, "subject", claim->subject);
		document_add_number(root, "not_after", claim->not_after);
		document_add_text(root, "kind", kind_name(claim->kind));
		document_add_text(root, "state",
		                  claim->live ? "present" : "kept");
		add_visible(root, listing->source, claim);
		add_certificate(listing, root, claim->hash);
	}
	set_root(&listing->root, claim);
	return stream_put_group(&listing->stream, root, "holders");
}

static bool
on_claim(const struct engine_claim *claim, void *arg)
{
	struct listing *listing = arg;
	struct json_object *holder = NULL;

	if (!is_of_root(&listing->root, claim) && !put_root(listing, claim))
		return false;
	holder = json_object_new_object();
	if (holder != NULL)
		add_holder(holder, claim);
	return stream_put_member(&listing->stream, holder);
}

static struct engine_filter
filter_of(const struct listing *listing)
{
	return (struct engine_filter){
	    .owner = wire_view_text(listing->request->owner),
	    .prefix = listing->request->prefix,
	};
}

enum engine_slice
listing_roots(struct listing *listing)
{
	struct engine_filter filter = filter_of(listing);

	return engine_page_claims(listing->source->engine, &filter,
	                          &listing->claim, on_claim, listing);
}

static bool
on_pin(const struct engine_pin *pin, void *arg)
{
	struct listing *listing = arg;
	struct json_object *row = json_object_new_object();

	if (row != NULL) {
		document_add_view(row, "scope", pin->scope);
		document_add_hex(row, "sha256", pin->hash);
		document_add_view(row, "subject", pin->subject);
		document_add_view(row, "pinned_by", pin->pinned_by);
		document_add_view(row, "reason", pin->reason);
		document_add_number(row, "pinned_at", pin->pinned_at);
		add_certificate(listing, row, pin->hash);
	}
	return stream_put(&listing->stream, row);
}

enum engine_slice
listing_pins(struct listing *listing)
{
	struct engine_filter filter = filter_of(listing);

	return engine_page_pins(listing->source->engine, &filter, &listing->pin,
	                        on_pin, listing);
}

/* Log-ons that nobody is connected to: what ends their claims, and when. */
static bool
on_session(const struct engine_session *session, void *arg)
{
	struct listing *listing = arg;

	if (session->detached_at == 0)
		return true;
	struct json_object *row = json_object_new_object();

	if (row != NULL) {
		document_add_view(row, "session", session->session);
		document_add_view(row, "user", session->user);
		document_add_number(row, "detached_at", session->detached_at);
		document_add_number(row, "grace_until", session->grace_until);
		document_add_number(row, "expires_at", session->expires_at);
	}
	return stream_put(&listing->stream, row);
}

enum engine_slice
listing_detached(struct listing *listing)
{
	return engine_page_sessions(listing->source->engine, listing->session,
	                            on_session, listing);
}
