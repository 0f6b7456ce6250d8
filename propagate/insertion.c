#include "insertion.h"

#include "cardmap.h"
#include "content.h"
#include "items.h"
#include "log.h"
#include "logon.h"

#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOT_CARD_AUTH "9E"

enum { SLOT_RETIRED_FIRST = 0x82, SLOT_RETIRED_LAST = 0x95 };

struct insertion {
	struct card_content *content;
	struct items items;
	const char *withheld;
	size_t dropped_requests;
	unsigned dropped; /* parts */
	bool with_roots;  /* they were looked at */
	char serial[2 * CARD_ID_LEN + 1];
};

/* One look over the content, and whom it is told. */
struct judgement {
	struct insertion *in;
	const struct certprop_policy *policy;
	const struct anchors *anchors; /* of the host, or NULL */
	const char *user;
	insertion_on_refusal *on_refusal;
	void *arg;
	size_t root_bytes;
	int64_t now;
	bool short_of_memory;
};

static void
tell(const struct judgement *j, const char *event, const struct card_cert *from,
     const char *reason)
{
	uint8_t sha256[SHA256_DIGEST_LENGTH];
	struct insertion_refusal refusal = {event, from->slot, reason, sha256};

	(void)SHA256(from->der, from->len, sha256);
	j->on_refusal(j->arg, &refusal);
}

static bool
is_listed(const struct certprop_hashes *list, const struct card_cert *from)
{
	uint8_t sha256[CERTPROP_HASH_LEN];

	_Static_assert(sizeof(sha256) == SHA256_DIGEST_LENGTH, "SHA-256");
	(void)SHA256(from->der, from->len, sha256);
	for (size_t i = 0; i < list->count; i++)
		if (memcmp(list->hash[i], sha256, sizeof(sha256)) == 0)
			return true;
	return false;
}

/* Takes cert. */
static struct item *
add(struct judgement *j, struct certificate *cert, enum keep_kind kind,
    const struct card_cert *from)
{
	struct item *item =
	    items_add(&j->in->items, cert, kind, from, j->in->content->family);

	j->short_of_memory = j->short_of_memory || item == NULL;
	return item;
}

/*
 * A root that only looks like one of the host's.  An intermediate may: that is
 * how authorities sign each other.
 */
static const char *
imitation(const struct certificate *cert, enum anchors_match match)
{
	if (certificate_class(cert) != CERTIFICATE_ROOT)
		return NULL;
	switch (match) {
	case ANCHORS_SAME_SUBJECT:
		return "has the name of a trust anchor of this host";
	case ANCHORS_SAME_KEY:
		return "has the key of a trust anchor of this host";
	case ANCHORS_NONE:
	case ANCHORS_SAME:
		break;
	}
	return NULL;
}

/* Why this authority is not taken, or NULL. */
static const char *
root_obstacle(const struct judgement *j, const struct certificate *cert,
              enum keep_kind kind, const struct card_cert *from,
              enum anchors_match match)
{
	if (j->in->items.root_count >= KEEP_ROOTS_MAX)
		return "too many roots";
	if (from->len > INSERTION_ROOT_BYTES_MAX - j->root_bytes)
		return "too many bytes of roots";
	/* An intermediate trusts nobody, so it need not be on the list. */
	if (kind == KEEP_ANCHOR && match != ANCHORS_SAME &&
	    j->policy->allowed != NULL && !is_listed(j->policy->allowed, from))
		return "not on the list";
	return imitation(cert, match);
}

/*
 * Takes cert.  What the host trusts already is kept on record only: then no
 * clean-up can take away what an administrator installed.
 */
static void
add_root(struct judgement *j, struct certificate *cert, enum keep_kind kind,
         const struct card_cert *from)
{
	enum anchors_match match =
	    anchors_find(j->anchors, certificate_anchors_id(cert));
	const char *reason = root_obstacle(j, cert, kind, from, match);
	struct item *item;

	if (reason != NULL) {
		tell(j, "root-refused", from, reason);
		certificate_free(cert);
		return;
	}
	if (match == ANCHORS_SAME) {
		tell(j, "root-preexisting", from,
		     "is a trust anchor of this host already");
		kind = KEEP_PREEXISTING;
	}
	j->root_bytes += from->len;
	item = add(j, cert, kind, from);
	if (item != NULL)
		item->host = kind == KEEP_ANCHOR && j->policy->host != NULL &&
		             is_listed(j->policy->host, from);
}

/*
 * Slot 9E of PIV is for doors: it needs no PIN, and names its holder or not.
 */
static bool
is_device(const struct judgement *j, const struct certificate *cert,
          const struct card_cert *from)
{
	struct keep_cert columns;

	if (certificate_class(cert) == CERTIFICATE_DEVICE)
		return true;
	certificate_describe(cert, &columns);
	return j->in->content->family == CARD_PIV &&
	       strcmp(from->slot, SLOT_CARD_AUTH) == 0 &&
	       columns.upn.len == 0 && columns.email.len == 0;
}

/* Why this certificate does not go to the user's store, or NULL. */
static const char *
user_obstacle(const struct judgement *j, const struct certificate *cert,
              const struct card_cert *from)
{
	bool machine_like = certificate_class(cert) == CERTIFICATE_COMPUTER;
	struct keep_cert columns;

	certificate_describe(cert, &columns);
	if ((from->prov_flags & CARD_MACHINE_KEYSET) != 0)
		return "key of the computer";
	if (machine_like && j->policy->refuse_machine_like)
		return "computer certificate";
	if (is_device(j, cert, from) && !j->policy->propagate_device)
		return "device certificate";
	if (j->policy->skip_expired && columns.not_after < j->now)
		return "expired";
	return NULL;
}

static bool
is_retired_slot(const struct judgement *j, const char *slot)
{
	char *end = NULL;
	unsigned long number = strtoul(slot, &end, 16);

	return j->in->content->family == CARD_PIV && *end == '\0' &&
	       number >= SLOT_RETIRED_FIRST && number <= SLOT_RETIRED_LAST;
}

/* Takes cert: an authority that stands beside the user's keys. */
static void
judge_slot_root(struct judgement *j, struct certificate *cert,
                const struct card_cert *from)
{
	bool anchor = certificate_class(cert) == CERTIFICATE_ROOT &&
	              is_retired_slot(j, from->slot);

	if (!j->in->with_roots) {
		tell(j, "cert-skipped", from, "roots are off by policy");
		certificate_free(cert);
		return;
	}
	add_root(j, cert, anchor ? KEEP_ANCHOR : KEEP_INTERMEDIATE, from);
}

/*
 * Takes cert.  A certificate that keeps the place of a pending enrolment is a
 * request; a real one that came of an enrolment is not.
 */
static void
judge_user(struct judgement *j, struct certificate *cert,
           const struct card_cert *from)
{
	enum certificate_class class = certificate_class(cert);
	const char *reason = user_obstacle(j, cert, from);
	bool request = class == CERTIFICATE_REQUEST || from->placeholder;

	if (reason != NULL) {
		tell(j, "cert-skipped", from, reason);
		certificate_free(cert);
		return;
	}
	if (class == CERTIFICATE_COMPUTER)
		tell(j, "cert-machine-like", from,
		     "looks like a computer's certificate");
	(void)add(j, cert, request ? KEEP_REQUEST : KEEP_USER, from);
}

static void
refuse_slot(struct judgement *j, const struct certificate *cert,
            const struct card_cert *from)
{
	bool request = from->placeholder || from->enrollment_len > 0;

	if (request)
		j->in->dropped_requests++;
	tell(j, request ? "request-dropped" : "cert-refused", from,
	     certificate_fault(cert));
}

static void
judge_slot(struct judgement *j, const struct card_cert *from)
{
	struct wire_view der = {from->der, from->len};
	struct certificate *cert = certificate_new(der, CERTIFICATE_FROM_SLOT,
	                                           j->policy->allow_weak_roots);

	if (cert == NULL) {
		j->short_of_memory = true;
		return;
	}
	switch (certificate_class(cert)) {
	case CERTIFICATE_REFUSED:
		refuse_slot(j, cert, from);
		certificate_free(cert);
		return;
	case CERTIFICATE_ROOT:
	case CERTIFICATE_INTERMEDIATE:
		judge_slot_root(j, cert, from);
		return;
	case CERTIFICATE_USER:
	case CERTIFICATE_COMPUTER:
	case CERTIFICATE_DEVICE:
	case CERTIFICATE_REQUEST:
		judge_user(j, cert, from);
		return;
	}
}

static void
judge_root(struct judgement *j, const struct card_cert *from)
{
	struct wire_view der = {from->der, from->len};
	struct certificate *cert = certificate_new(
	    der, CERTIFICATE_FROM_ROOT_BAG, j->policy->allow_weak_roots);

	if (cert == NULL) {
		j->short_of_memory = true;
		return;
	}
	if (certificate_class(cert) == CERTIFICATE_REFUSED) {
		tell(j, "root-refused", from, certificate_fault(cert));
		certificate_free(cert);
		return;
	}
	add_root(j, cert,
	         certificate_class(cert) == CERTIFICATE_ROOT
	             ? KEEP_ANCHOR
	             : KEEP_INTERMEDIATE,
	         from);
}

/*
 * Does this certificate say that the card is the user's?  A name counts whole,
 * domain and all: where the log-on has another domain than the certificates
 * have, or none, the administrator's list is the bridge.
 */
static bool
names_user(const struct judgement *j, const struct item *item)
{
	const struct certprop_policy *policy = j->policy;
	struct wire_view user = wire_view_text(j->user);
	struct keep_cert cert;

	if (item->kind != KEEP_USER || user.len == 0)
		return false;
	certificate_describe(item->cert, &cert);
	if ((policy->match & CERTPROP_MATCH_UPN) != 0 &&
	    cardmap_same_name(cert.upn, user))
		return true;
	if ((policy->match & CERTPROP_MATCH_EMAIL) != 0 &&
	    cardmap_same_name(cert.email, user))
		return true;
	return (policy->match & CERTPROP_MATCH_MAP) != 0 &&
	       cardmap_lists(policy->map, user, &cert);
}

/* RequireCardMatchesUser: of a card that is not the user's nothing is taken. */
static void
judge_holder(struct judgement *j)
{
	struct items *items = &j->in->items;
	bool any = false;

	if (!j->policy->require_match)
		return;
	for (size_t i = 0; i < items->count; i++) {
		any = any || items->list[i]->kind == KEEP_USER;
		if (names_user(j, items->list[i]))
			return;
	}
	j->in->withheld = any ? "no certificate on the card is the user's"
	                      : "no certificate on the card names a user";
	items_clear(items);
}

static void
judge(struct judgement *j)
{
	const struct card_content *content = j->in->content;

	for (size_t i = 0; i < content->cert_count; i++)
		judge_slot(j, &content->certs[i]);
	for (size_t i = 0; j->in->with_roots && i < content->root_count; i++)
		judge_root(j, &content->roots[i]);
	for (size_t i = 0; i < content->skip_count && i < CARD_CERTS_MAX; i++) {
		struct insertion_refusal refusal = {
		    "cert-skipped", content->skips[i].slot,
		    content->skips[i].reason, NULL};

		j->on_refusal(j->arg, &refusal);
	}
	judge_holder(j);
	logon_judge(&j->in->items, &j->policy->logon, j->now);
}

static void
name_serial(struct insertion *in)
{
	const struct card_content *content = in->content;

	if (content->family == CARD_GIDS && content->names_itself)
		(void)log_hex(in->serial, content->id, CARD_ID_LEN);
}

static struct insertion *
judge_new(const struct card_content *content, bool with_roots,
          const struct insertion_terms *terms, insertion_on_refusal *on_refusal,
          void *arg)
{
	struct insertion *in = calloc(1, sizeof(*in));
	struct judgement j = {.in = in,
	                      .policy = terms->policy,
	                      .anchors = terms->anchors,
	                      .user = terms->user,
	                      .on_refusal = on_refusal,
	                      .arg = arg,
	                      .now = time(NULL)};

	if (in == NULL)
		return NULL;
	in->with_roots = with_roots;
	in->content = content_dup(content);
	if (in->content != NULL) {
		name_serial(in);
		judge(&j);
	}
	if (in->content != NULL && !j.short_of_memory)
		return in;
	insertion_free(in);
	return NULL;
}

struct insertion *
insertion_new(const struct card_content *content,
              const struct insertion_terms *terms,
              insertion_on_refusal *on_refusal, void *arg)
{
	return judge_new(content, terms->policy->propagate_roots, terms,
	                 on_refusal, arg);
}

static bool
was_there(const void *arg, const struct item *item)
{
	const struct insertion *old = arg;
	struct keep_cert columns;

	certificate_describe(item->cert, &columns);
	return items_find(&old->items, columns.der, item->kind) != NULL;
}

struct insertion *
insertion_again(const struct insertion *old,
                const struct insertion_terms *terms,
                insertion_on_refusal *on_refusal, void *arg)
{
	const struct certprop_policy *policy = terms->policy;
	/* Without a clean-up what was switched off meanwhile stays as well. */
	bool with_roots =
	    old->with_roots &&
	    (policy->propagate_roots || policy->cleanup == KEEP_CLEANUP_NONE);
	struct insertion *in =
	    judge_new(old->content, with_roots, terms, on_refusal, arg);

	if (in == NULL)
		return NULL;
	insertion_drop(in, old->dropped);
	if (!policy->propagate)
		items_filter(&in->items, was_there, old);
	return in;
}

void
insertion_free(struct insertion *in)
{
	if (in == NULL)
		return;
	items_clear(&in->items);
	if (in->content != NULL)
		content_clear(in->content);
	free(in->content);
	free(in);
}

const uint8_t *
insertion_card_id(const struct insertion *in)
{
	return in->content->id;
}

const char *
insertion_family(const struct insertion *in)
{
	return card_family_name(in->content->family);
}

/*
 * A card of GIDS has no number but its cardid, which PKCS#11 modules show as
 * the token's serial number.  PIV has none that may be asked for.
 */
struct wire_view
insertion_card_serial(const struct insertion *in)
{
	return wire_view_text(in->serial);
}

struct wire_view
insertion_chuid(const struct insertion *in)
{
	const struct card_content *content = in->content;
	struct wire_view chuid = {content->id, sizeof(content->id)};

	if (content->family != CARD_PIV || !content->names_itself)
		chuid.len = 0;
	return chuid;
}

bool
insertion_same_card(const struct insertion *a, const struct insertion *b)
{
	return memcmp(a->content->id, b->content->id, CARD_ID_LEN) == 0;
}

bool
insertion_is_complete(const struct insertion *in)
{
	return in->content->skip_count == 0;
}

const char *
insertion_withheld(const struct insertion *in)
{
	return in->withheld;
}

size_t
insertion_dropped_requests(const struct insertion *in)
{
	return in->dropped_requests;
}

size_t
insertion_count(const struct insertion *in)
{
	return in->items.count;
}

size_t
insertion_root_count(const struct insertion *in)
{
	return in->items.root_count;
}

void
insertion_describe(const struct insertion *in, size_t at, struct keep_cert *out)
{
	items_describe(in->items.list[at], out);
}

static bool
same_item(const struct insertion *a, const struct insertion *b, size_t at)
{
	struct keep_cert ca, cb;

	insertion_describe(a, at, &ca);
	insertion_describe(b, at, &cb);
	return ca.kind == cb.kind && ca.host == cb.host &&
	       ca.logon_eligible == cb.logon_eligible &&
	       ca.key_spec == cb.key_spec &&
	       wire_view_equal(ca.container, cb.container) &&
	       wire_view_equal(ca.der, cb.der);
}

bool
insertion_same(const struct insertion *a, const struct insertion *b)
{
	if (a->items.count != b->items.count || a->withheld != b->withheld)
		return false;
	for (size_t i = 0; i < a->items.count; i++)
		if (!same_item(a, b, i))
			return false;
	return true;
}

bool
insertion_lost_roots(const struct insertion *old, const struct insertion *now)
{
	for (size_t i = 0; i < old->items.count; i++)
		if (items_is_root(old->items.list[i]->kind) &&
		    !was_there(now, old->items.list[i]))
			return true;
	return false;
}

static bool
is_kept(const void *arg, const struct item *item)
{
	const struct insertion *in = arg;
	unsigned part =
	    items_is_root(item->kind) ? INSERTION_ROOTS : INSERTION_USER;

	return (in->dropped & part) == 0;
}

void
insertion_drop(struct insertion *in, unsigned parts)
{
	in->dropped |= parts;
	items_filter(&in->items, is_kept, in);
}
