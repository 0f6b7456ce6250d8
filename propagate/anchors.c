#include "anchors.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { ANCHORS_CERT_MAX = 64 * 1024 }; /* bytes; the largest known has 2500 */

struct digest {
	uint8_t bytes[ANCHORS_DIGEST_LEN];
};

/* Sorted and without doubles; room grows by halves. */
struct set {
	struct digest *digests;
	size_t count;
	size_t room;
};

struct anchors {
	struct set certs;
	struct set subjects;
	struct set keys;
};

/*
 * Names.
 */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* In place: lower case, one blank for several, none at the ends. */
static size_t
fold(uint8_t *text, size_t len)
{
	struct wire_in in = wire_in(text, len);
	struct wire_out out = wire_out(text, len);
	bool blank = false;

	while (in.left > 0) {
		uint8_t c = wire_u8(&in);

		if (is_blank(c)) {
			blank = out.len > 0;
			continue;
		}
		/* A blank that waits was read, so there is room for it. */
		if (blank)
			wire_put_u8(&out, ' ');
		blank = false;
		wire_put_u8(&out, lower(c));
	}
	return out.len;
}

/* The same attribute in the form to compare; what is no text stays. */
static bool
add_folded(X509_NAME *to, const X509_NAME_ENTRY *entry, int set)
{
	const ASN1_OBJECT *type = X509_NAME_ENTRY_get_object(entry);
	const ASN1_STRING *value = X509_NAME_ENTRY_get_data(entry);
	unsigned char *text = NULL;
	int len = ASN1_STRING_to_UTF8(&text, value);
	int added;

	if (len < 0)
		return X509_NAME_add_entry_by_OBJ(
			   to, type, ASN1_STRING_type(value),
			   ASN1_STRING_get0_data(value),
			   ASN1_STRING_length(value), -1, set) == 1;
	added =
	    X509_NAME_add_entry_by_OBJ(to, type, V_ASN1_UTF8STRING, text,
	                               (int)fold(text, (size_t)len), -1, set);
	OPENSSL_free(text);
	return added == 1;
}

/* OpenSSL keeps such a form of each name, but for itself. */
static bool
digest_name(const X509_NAME *name, uint8_t *digest)
{
	enum { NEXT = 0, WITH_LAST = -1 };
	X509_NAME *folded = X509_NAME_new();
	bool ok = folded != NULL;
	int last = -1;

	for (int i = 0; ok && i < X509_NAME_entry_count(name); i++) {
		const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
		int set = X509_NAME_ENTRY_set(entry);

		ok = add_folded(folded, entry, set == last ? WITH_LAST : NEXT);
		last = set;
	}
	ok = ok && X509_NAME_digest(folded, EVP_sha256(), digest, NULL) == 1;
	X509_NAME_free(folded);
	return ok;
}

bool
anchors_identify(const X509 *x509, struct anchors_id *id)
{
	const EVP_MD *md = EVP_sha256();

	return X509_digest(x509, md, id->cert, NULL) == 1 &&
	       X509_pubkey_digest(x509, md, id->key, NULL) == 1 &&
	       digest_name(X509_get_subject_name(x509), id->subject);
}

/*
 * The table.
 */

/* The place of this digest, or the one where it belongs. */
static size_t
set_place(const struct set *set, const uint8_t *digest, bool *found)
{
	size_t low = 0;
	size_t high = set->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(set->digests[middle].bytes, digest,
		                   ANCHORS_DIGEST_LEN);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
set_holds(const struct set *set, const uint8_t *digest)
{
	bool found;

	(void)set_place(set, digest, &found);
	return found;
}

static bool
set_reserve(struct set *set)
{
	size_t room = set->room + set->room / 2 + 64;
	struct digest *digests;

	if (set->count < set->room)
		return true;
	digests = reallocarray(set->digests, room, sizeof(*digests));
	if (digests == NULL)
		return false;
	set->digests = digests;
	set->room = room;
	return true;
}

/* There is room. */
static void
set_insert(struct set *set, const uint8_t *digest)
{
	bool found;
	size_t at = set_place(set, digest, &found);

	if (found)
		return;
	memmove(&set->digests[at + 1], &set->digests[at],
	        (set->count - at) * sizeof(set->digests[0]));
	memcpy(set->digests[at].bytes, digest, ANCHORS_DIGEST_LEN);
	set->count++;
}

struct anchors *
anchors_new(void)
{
	return calloc(1, sizeof(struct anchors));
}

void
anchors_free(struct anchors *anchors)
{
	if (anchors == NULL)
		return;
	free(anchors->certs.digests);
	free(anchors->subjects.digests);
	free(anchors->keys.digests);
	free(anchors);
}

static bool
identify(struct wire_view der, struct anchors_id *id)
{
	const uint8_t *next = der.data;
	X509 *x509 = der.len > 0 && der.len <= ANCHORS_CERT_MAX
	                 ? d2i_X509(NULL, &next, (long)der.len)
	                 : NULL;
	bool ok = x509 != NULL && (size_t)(next - der.data) == der.len &&
	          anchors_identify(x509, id);

	X509_free(x509);
	ERR_clear_error();
	return ok;
}

enum anchors_result
anchors_add(struct anchors *anchors, struct wire_view der)
{
	struct anchors_id id;

	if (!identify(der, &id))
		return ANCHORS_BROKEN;
	if (set_holds(&anchors->certs, id.cert))
		return ANCHORS_ADDED;
	if (anchors->certs.count == ANCHORS_MAX)
		return ANCHORS_FULL;
	if (!set_reserve(&anchors->certs) || !set_reserve(&anchors->subjects) ||
	    !set_reserve(&anchors->keys))
		return ANCHORS_ENOMEM;
	set_insert(&anchors->certs, id.cert);
	set_insert(&anchors->subjects, id.subject);
	set_insert(&anchors->keys, id.key);
	return ANCHORS_ADDED;
}

size_t
anchors_count(const struct anchors *anchors)
{
	return anchors->certs.count;
}

enum anchors_match
anchors_find(const struct anchors *anchors, const struct anchors_id *id)
{
	if (anchors == NULL)
		return ANCHORS_NONE;
	if (set_holds(&anchors->certs, id->cert))
		return ANCHORS_SAME;
	if (set_holds(&anchors->subjects, id->subject))
		return ANCHORS_SAME_SUBJECT;
	if (set_holds(&anchors->keys, id->key))
		return ANCHORS_SAME_KEY;
	return ANCHORS_NONE;
}
