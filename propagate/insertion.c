#include "insertion.h"

#include "certificate.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PROVIDER       "Microsoft Smart Card Key Storage Provider"
#define SLOT_CARD_AUTH "9E"

enum {
	KEY_SIGNATURE = 2, /* AT_SIGNATURE */
	URI_MAX = 256,
	SLOT_RETIRED_FIRST = 0x82,
	SLOT_RETIRED_LAST = 0x95
};

struct item {
	struct certificate *cert;
	enum keep_kind kind;
	uint32_t key_spec;
	bool is_default;
	char container[sizeof(((struct card_cert *)NULL)->container)];
	char friendly_name[KEEP_TEXT_MAX];
	char uri[URI_MAX];
};

struct insertion {
	uint8_t card_id[CARD_ID_LEN];
	enum card_family family;
	struct item *items[INSERTION_ITEMS_MAX];
	size_t count;
	size_t root_count;
};

/* One look over the content, and whom it is told. */
struct judgement {
	struct insertion *in;
	const struct card_content *content;
	const struct certprop_policy *policy;
	const struct anchors *anchors; /* of the host, or NULL */
	insertion_on_refusal *on_refusal;
	void *arg;
	size_t root_bytes;
	int64_t now;
	bool short_of_memory;
};

static bool
is_root_kind(enum keep_kind kind)
{
	return kind == KEEP_ANCHOR || kind == KEEP_INTERMEDIATE ||
	       kind == KEEP_PREEXISTING;
}

static void
item_free(struct item *item)
{
	if (item == NULL)
		return;
	certificate_free(item->cert);
	free(item);
}

static void
refuse(const struct judgement *j, const char *event,
       const struct card_cert *from, const char *reason)
{
	uint8_t sha256[SHA256_DIGEST_LENGTH];
	struct insertion_refusal refusal = {event, from->slot, reason, sha256};

	(void)SHA256(from->der, from->len, sha256);
	j->on_refusal(j->arg, &refusal);
}

/* The same certificate in the same store. */
static struct item *
find_twin(const struct insertion *in, const struct keep_cert *columns,
          enum keep_kind kind)
{
	struct keep_cert other;

	for (size_t i = 0; i < in->count; i++) {
		certificate_describe(in->items[i]->cert, &other);
		if (in->items[i]->kind == kind &&
		    wire_view_equal(other.der, columns->der))
			return in->items[i];
	}
	return NULL;
}

static void
name_key(struct item *item, const struct card_cert *from)
{
	item->key_spec = from->key_spec;
	item->is_default = from->is_default;
	/* Without a container map the slot is what leads to the key. */
	(void)snprintf(item->container, sizeof(item->container), "%s",
	               from->container[0] != '\0' ? from->container
	                                          : from->slot);
}

static void
name_friendly(struct item *item, enum card_family family)
{
	struct wire_view name = certificate_common_name(item->cert);
	const char *label = card_family_name(family);
	struct wire_out out =
	    wire_out(item->friendly_name, sizeof(item->friendly_name) - 1);

	wire_put_view(&out, wire_view_text(label));
	if (name.len == 0)
		return;
	wire_put_view(&out, wire_view_text(": "));
	wire_put_view(&out, name);
}

/* RFC 7512, by the identifier under which PKCS#11 modules list the key. */
static void
name_uri(struct item *item)
{
	struct keep_cert columns;
	struct wire_out out = wire_out(item->uri, sizeof(item->uri) - 1);
	struct wire_in ski;

	certificate_describe(item->cert, &columns);
	if (columns.ski.len == 0)
		return;
	wire_put_view(&out, wire_view_text("pkcs11:id="));
	ski = wire_in_view(columns.ski);
	while (ski.left > 0) {
		char escape[4];

		(void)snprintf(escape, sizeof(escape), "%%%02X", wire_u8(&ski));
		wire_put_view(&out, wire_view_text(escape));
	}
	wire_put_view(&out, wire_view_text(";type=cert"));
	if (!wire_out_ok(&out))
		item->uri[0] = '\0';
}

/*
 * Which container wins when several hold one certificate: the default one, then
 * an exchange key; else the first, which is the lowest.
 */
static bool
is_better(const struct card_cert *from, const struct item *than)
{
	if (from->is_default != than->is_default)
		return from->is_default;
	return than->key_spec == KEY_SIGNATURE &&
	       from->key_spec != KEY_SIGNATURE;
}

/* Takes cert. */
static void
add(struct judgement *j, struct certificate *cert, enum keep_kind kind,
    const struct card_cert *from)
{
	struct insertion *in = j->in;
	struct keep_cert columns;
	struct item *item;

	certificate_describe(cert, &columns);
	item = find_twin(in, &columns, kind);
	if (item != NULL) {
		if (is_better(from, item))
			name_key(item, from);
		certificate_free(cert);
		return;
	}
	item = calloc(1, sizeof(*item));
	if (item == NULL) {
		certificate_free(cert);
		j->short_of_memory = true;
		return;
	}
	item->cert = cert;
	item->kind = kind;
	if (!is_root_kind(kind)) {
		name_key(item, from);
		name_friendly(item, in->family);
		name_uri(item);
	}
	in->root_count += is_root_kind(kind) ? 1 : 0;
	in->items[in->count++] = item;
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
              const struct card_cert *from, enum anchors_match match)
{
	if (j->in->root_count >= KEEP_ROOTS_MAX)
		return "too many roots";
	if (from->len > INSERTION_ROOT_BYTES_MAX - j->root_bytes)
		return "too many bytes of roots";
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
	const char *reason = root_obstacle(j, cert, from, match);

	if (reason != NULL) {
		refuse(j, "root-refused", from, reason);
		certificate_free(cert);
		return;
	}
	if (match == ANCHORS_SAME) {
		refuse(j, "root-preexisting", from,
		       "is a trust anchor of this host already");
		kind = KEEP_PREEXISTING;
	}
	j->root_bytes += from->len;
	add(j, cert, kind, from);
}

/* Why this certificate does not go to the user's store, or NULL. */
static const char *
user_obstacle(const struct judgement *j, const struct certificate *cert,
              const struct card_cert *from)
{
	enum certificate_class class = certificate_class(cert);
	struct keep_cert columns;
	bool device;

	certificate_describe(cert, &columns);
	/* Slot 9E is for doors: it needs no PIN, and names its holder or not.
	 */
	device = class == CERTIFICATE_DEVICE ||
	         (j->in->family == CARD_PIV &&
	          strcmp(from->slot, SLOT_CARD_AUTH) == 0 &&
	          columns.upn.len == 0 && columns.email.len == 0);
	if (class == CERTIFICATE_COMPUTER)
		return "computer certificate";
	if (device && !j->policy->propagate_device)
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

	return j->in->family == CARD_PIV && *end == '\0' &&
	       number >= SLOT_RETIRED_FIRST && number <= SLOT_RETIRED_LAST;
}

/* Takes cert: an authority that stands beside the user's keys. */
static void
judge_slot_root(struct judgement *j, struct certificate *cert,
                const struct card_cert *from)
{
	bool anchor = certificate_class(cert) == CERTIFICATE_ROOT &&
	              is_retired_slot(j, from->slot);

	if (!j->policy->propagate_roots) {
		refuse(j, "cert-skipped", from, "roots are off by policy");
		certificate_free(cert);
		return;
	}
	add_root(j, cert, anchor ? KEEP_ANCHOR : KEEP_INTERMEDIATE, from);
}

/* Takes cert. */
static void
judge_user(struct judgement *j, struct certificate *cert,
           const struct card_cert *from)
{
	const char *reason = user_obstacle(j, cert, from);
	bool request = certificate_class(cert) == CERTIFICATE_REQUEST;

	if (reason != NULL) {
		refuse(j, "cert-skipped", from, reason);
		certificate_free(cert);
		return;
	}
	add(j, cert, request ? KEEP_REQUEST : KEEP_USER, from);
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
		refuse(j, "cert-refused", from, certificate_fault(cert));
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
		refuse(j, "root-refused", from, certificate_fault(cert));
		certificate_free(cert);
		return;
	}
	add_root(j, cert,
	         certificate_class(cert) == CERTIFICATE_ROOT
	             ? KEEP_ANCHOR
	             : KEEP_INTERMEDIATE,
	         from);
}

static void
judge(struct judgement *j)
{
	const struct card_content *content = j->content;

	for (size_t i = 0; i < content->cert_count && i < CARD_CERTS_MAX; i++)
		judge_slot(j, &content->certs[i]);
	for (size_t i = 0; j->policy->propagate_roots &&
	                   i < content->root_count && i < CARD_ROOTS_MAX;
	     i++)
		judge_root(j, &content->roots[i]);
	for (size_t i = 0; i < content->skip_count && i < CARD_CERTS_MAX; i++) {
		struct insertion_refusal refusal = {
		    "cert-skipped", content->skips[i].slot,
		    content->skips[i].reason, NULL};

		j->on_refusal(j->arg, &refusal);
	}
}

struct insertion *
insertion_new(const struct card_content *content,
              const struct certprop_policy *policy,
              const struct anchors *anchors, insertion_on_refusal *on_refusal,
              void *arg)
{
	struct insertion *in = calloc(1, sizeof(*in));
	struct judgement j = {.in = in,
	                      .content = content,
	                      .policy = policy,
	                      .anchors = anchors,
	                      .on_refusal = on_refusal,
	                      .arg = arg,
	                      .now = time(NULL)};

	if (in == NULL)
		return NULL;
	memcpy(in->card_id, content->id, sizeof(in->card_id));
	in->family = content->family;
	judge(&j);
	if (!j.short_of_memory)
		return in;
	insertion_free(in);
	return NULL;
}

void
insertion_free(struct insertion *in)
{
	if (in == NULL)
		return;
	for (size_t i = 0; i < in->count; i++)
		item_free(in->items[i]);
	free(in);
}

const uint8_t *
insertion_card_id(const struct insertion *in)
{
	return in->card_id;
}

const char *
insertion_family(const struct insertion *in)
{
	return card_family_name(in->family);
}

bool
insertion_same_card(const struct insertion *a, const struct insertion *b)
{
	return memcmp(a->card_id, b->card_id, sizeof(a->card_id)) == 0;
}

size_t
insertion_count(const struct insertion *in)
{
	return in->count;
}

size_t
insertion_root_count(const struct insertion *in)
{
	return in->root_count;
}

void
insertion_describe(const struct insertion *in, size_t at, struct keep_cert *out)
{
	const struct item *item = in->items[at];

	certificate_describe(item->cert, out);
	out->kind = item->kind;
	if (is_root_kind(item->kind))
		return;
	out->friendly_name = wire_view_text(item->friendly_name);
	out->prov_name = wire_view_text(PROVIDER);
	out->key_spec = item->key_spec;
	out->container = wire_view_text(item->container);
	out->pkcs11_uri = wire_view_text(item->uri);
	/* The sign-in passes over the signature half of a container. */
	if (item->key_spec == KEY_SIGNATURE)
		out->logon_eligible = false;
}

/* Keep the items that are roots, or those that are not. */
static void
keep_only(struct insertion *in, bool roots)
{
	size_t kept = 0;

	for (size_t i = 0; i < in->count; i++) {
		if (is_root_kind(in->items[i]->kind) == roots)
			in->items[kept++] = in->items[i];
		else
			item_free(in->items[i]);
	}
	in->count = kept;
	in->root_count = roots ? kept : 0;
}

void
insertion_drop_roots(struct insertion *in)
{
	keep_only(in, false);
}

void
insertion_keep_roots(struct insertion *in)
{
	keep_only(in, true);
}
