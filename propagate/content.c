#include "content.h"
#include "inflate.h"
#include "rootbag.h"
#include "tlv.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONTENT_PACKED = 0x0001,        /* 01 00, little-endian */
	CONTENT_ROOTS_MAX = 1024 * 1024 /* bytes of the root file, inflated */
};

static const char roots_slot[] = "msroots";

static void
clear_certs(struct card_cert *certs, size_t *count)
{
	for (size_t i = 0; i < *count; i++) {
		free(certs[i].der);
		free(certs[i].enrollment);
		free(certs[i].record);
		memset(&certs[i], 0, sizeof(certs[i]));
	}
	*count = 0;
}

void
content_clear(struct card_content *content)
{
	clear_certs(content->certs, &content->cert_count);
	clear_certs(content->roots, &content->root_count);
}

void
content_skip(struct card_content *content, const char *slot, const char *reason)
{
	struct card_skip *skip;

	if (content->skip_count == CARD_CERTS_MAX)
		return;
	skip = &content->skips[content->skip_count++];
	(void)snprintf(skip->slot, sizeof(skip->slot), "%.7s", slot);
	skip->reason = reason;
}

/* A literal when this is not the DER of one certificate. */
static const char *
check_der(struct wire_view der)
{
	struct wire_in in = wire_in_view(der);

	if (der.len > CARD_CERT_MAX)
		return "is larger than a certificate may be";
	(void)tlv_expect(&in, TLV_SEQUENCE, TLV_DER);
	if (!wire_ok(&in))
		return "is not a certificate";
	return in.left > 0 ? "has bytes after the certificate" : NULL;
}

/* Takes der, a block of its own. */
static void
take(struct card_content *content, const struct card_cert *like, uint8_t *der,
     size_t len)
{
	struct wire_view view = {der, len};
	const char *fault = check_der(view);
	struct card_cert *cert;

	if (fault == NULL && content->cert_count == CARD_CERTS_MAX)
		fault = "too many certificates";
	if (fault != NULL) {
		content_skip(content, like->slot, fault);
		free(der);
		return;
	}
	cert = &content->certs[content->cert_count++];
	*cert = *like;
	cert->der = der;
	cert->len = len;
}

static uint8_t *
dup_bytes(struct wire_view bytes)
{
	uint8_t *copy = malloc(bytes.len > 0 ? bytes.len : 1);
	struct wire_out out = wire_out(copy, copy == NULL ? 0 : bytes.len);

	wire_put_view(&out, bytes);
	return copy;
}

void
content_add_plain(struct card_content *content, const struct card_cert *like,
                  struct wire_view der)
{
	const char *fault = check_der(der);
	uint8_t *copy = fault == NULL ? dup_bytes(der) : NULL;

	if (copy != NULL) {
		take(content, like, copy, der.len);
		return;
	}
	content_skip(content, like->slot, fault == NULL ? "no memory" : fault);
}

void
content_add_packed(struct card_content *content, const struct card_cert *like,
                   struct wire_view packed)
{
	uint8_t *der;
	size_t len;
	enum inflate_error error =
	    inflate_member(packed, CARD_CERT_MAX, &der, &len);

	if (error == INFLATE_OK)
		take(content, like, der, len);
	else
		content_skip(content, like->slot, inflate_error_text(error));
}

/* 01 00 and the length of what follows, once inflated. */
static bool
open_packed(struct wire_view file, struct wire_view *packed, size_t *declared)
{
	struct wire_in in = wire_in_view(file);
	uint16_t mark = wire_u16(&in);

	*declared = wire_u16(&in);
	*packed = wire_rest(&in);
	return wire_ok(&in) && mark == CONTENT_PACKED;
}

/* A literal when it does not inflate to exactly the declared length. */
static const char *
inflate_file(struct wire_view packed, size_t declared, uint8_t **out)
{
	enum inflate_error error;
	size_t len;

	error = inflate_member(packed, declared, out, &len);
	if (error != INFLATE_OK)
		return inflate_error_text(error);
	if (len == declared)
		return NULL;
	free(*out);
	*out = NULL;
	return "does not inflate to the length it says";
}

void
content_add_file(struct card_content *content, const struct card_cert *like,
                 struct wire_view file)
{
	struct wire_view packed;
	size_t declared;
	const char *fault;
	uint8_t *der;

	if (!open_packed(file, &packed, &declared)) {
		content_add_plain(content, like, file);
		return;
	}
	if (declared > CARD_CERT_MAX) {
		content_skip(content, like->slot,
		             "is larger than a certificate may be");
		return;
	}
	fault = inflate_file(packed, declared, &der);
	if (fault == NULL)
		take(content, like, der, declared);
	else
		content_skip(content, like->slot, fault);
}

static const char *
copy_roots(struct card_content *content, const struct rootbag *bag)
{
	for (size_t i = 0; i < bag->count; i++)
		if (bag->certs[i].len > CARD_CERT_MAX)
			return "the root file holds too large a certificate";
	for (size_t i = 0; i < bag->count; i++) {
		struct card_cert *root = &content->roots[i];

		memset(root, 0, sizeof(*root));
		memcpy(root->slot, roots_slot, sizeof(roots_slot));
		root->der = dup_bytes(bag->certs[i]);
		root->len = bag->certs[i].len;
		content->root_count = i + 1;
		if (root->der == NULL) {
			clear_certs(content->roots, &content->root_count);
			return "no memory";
		}
	}
	return NULL;
}

static void
add_bag(struct card_content *content, struct wire_view bytes)
{
	struct rootbag bag;
	const char *fault = rootbag_parse(bytes, &bag);

	clear_certs(content->roots, &content->root_count);
	if (fault == NULL)
		fault = copy_roots(content, &bag);
	if (fault != NULL)
		content_skip(content, roots_slot, fault);
}

void
content_add_roots(struct card_content *content, struct wire_view file)
{
	struct wire_view bytes = file;
	struct wire_view packed;
	uint8_t *room = NULL;
	const char *fault = NULL;
	size_t declared;

	_Static_assert(UINT16_MAX < CONTENT_ROOTS_MAX, "16 bits of length");
	if (open_packed(file, &packed, &declared)) {
		fault = inflate_file(packed, declared, &room);
		bytes.data = room;
		bytes.len = declared;
	}
	if (fault != NULL)
		content_skip(content, roots_slot, fault);
	else
		add_bag(content, bytes);
	free(room);
}

static bool
digest_all(EVP_MD_CTX *ctx, const struct card_content *content,
           struct wire_view atr)
{
	bool ok = EVP_DigestUpdate(ctx, atr.data, atr.len) == 1;

	for (size_t i = 0; i < content->cert_count; i++)
		ok = ok && EVP_DigestUpdate(ctx, content->certs[i].der,
		                            content->certs[i].len) == 1;
	for (size_t i = 0; i < content->root_count; i++)
		ok = ok && EVP_DigestUpdate(ctx, content->roots[i].der,
		                            content->roots[i].len) == 1;
	return ok;
}

void
content_set_record(struct card_content *content, struct wire_view record)
{
	struct card_cert *cert;

	if (content->cert_count == 0 || record.len != CARD_RECORD_LEN)
		return;
	cert = &content->certs[content->cert_count - 1];
	free(cert->record);
	cert->record = dup_bytes(record);
}

void
content_ensure_id(struct card_content *content, struct wire_view atr)
{
	static const uint8_t none[CARD_ID_LEN];
	uint8_t digest[EVP_MAX_MD_SIZE] = {0};
	EVP_MD_CTX *ctx;

	content->names_itself = memcmp(content->id, none, CARD_ID_LEN) != 0;
	if (content->names_itself)
		return;
	ctx = EVP_MD_CTX_new();
	if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
	    digest_all(ctx, content, atr) &&
	    EVP_DigestFinal_ex(ctx, digest, NULL) == 1)
		memcpy(content->id, digest, CARD_ID_LEN);
	EVP_MD_CTX_free(ctx);
}

/* What is in from is borrowed; its blocks become blocks of our own. */
static bool
own_cert(struct card_cert *cert)
{
	struct wire_view der = {cert->der, cert->len};
	struct wire_view enrollment = {cert->enrollment, cert->enrollment_len};
	struct wire_view record = {cert->record, CARD_RECORD_LEN};

	cert->der = dup_bytes(der);
	if (cert->enrollment != NULL)
		cert->enrollment = dup_bytes(enrollment);
	if (cert->record != NULL)
		cert->record = dup_bytes(record);
	return cert->der != NULL &&
	       (enrollment.data == NULL || cert->enrollment != NULL) &&
	       (record.data == NULL || cert->record != NULL);
}

static bool
own_certs(const struct card_cert *from, size_t from_count, size_t max,
          struct card_cert *to, size_t *count)
{
	bool ok = true;

	for (*count = 0; ok && *count < from_count && *count < max;) {
		to[*count] = from[*count];
		ok = own_cert(&to[*count]);
		(*count)++;
	}
	return ok;
}

struct card_content *
content_dup(const struct card_content *content)
{
	struct card_content *copy = calloc(1, sizeof(*copy));

	if (copy == NULL)
		return NULL;
	copy->family = content->family;
	copy->length = content->length;
	memcpy(copy->id, content->id, sizeof(copy->id));
	copy->names_itself = content->names_itself;
	memcpy(copy->skips, content->skips, sizeof(copy->skips));
	copy->skip_count = content->skip_count;
	copy->apdu_count = content->apdu_count;
	if (own_certs(content->certs, content->cert_count, CARD_CERTS_MAX,
	              copy->certs, &copy->cert_count) &&
	    own_certs(content->roots, content->root_count, CARD_ROOTS_MAX,
	              copy->roots, &copy->root_count))
		return copy;
	content_clear(copy);
	free(copy);
	return NULL;
}
