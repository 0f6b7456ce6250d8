/*
 * What one card gave, after the rules: which of its certificates go where, with
 * all the columns the keeper wants.  It is kept as long as the session has
 * claims from it, so that it can be said again to a keeper that was restarted.
 */
#ifndef PROPAGATE_INSERTION_H
#define PROPAGATE_INSERTION_H

#include "anchors.h"
#include "certprop.h"

enum {
	INSERTION_ROOT_BYTES_MAX = 256 * 1024, /* of all roots of one card */
	INSERTION_ITEMS_MAX = KEEP_CERTS_MAX + KEEP_ROOTS_MAX
};

/* A certificate, or an object of the card, that was not taken. */
struct insertion_refusal {
	const char *event; /* "root-refused", "cert-refused", "cert-skipped";
	                      "root-preexisting": the host trusts it already */
	const char *slot;
	const char *reason;    /* a literal */
	const uint8_t *sha256; /* 32 bytes, NULL when nothing was read */
};
typedef void insertion_on_refusal(void *arg,
                                  const struct insertion_refusal *refusal);

struct insertion;

/*
 * Judge what was read.  content and anchors, which may be NULL, are only looked
 * at; each refusal is told once.  NULL when memory is short.
 */
struct insertion *insertion_new(const struct card_content *content,
                                const struct certprop_policy *policy,
                                const struct anchors *anchors,
                                insertion_on_refusal *on_refusal, void *arg);
void insertion_free(struct insertion *in);

/* The card it came from. */
const uint8_t *insertion_card_id(const struct insertion *in);
const char *insertion_family(const struct insertion *in);
bool insertion_same_card(const struct insertion *a, const struct insertion *b);

size_t insertion_count(const struct insertion *in);
size_t insertion_root_count(const struct insertion *in);

/* The message body of the certificate at; its views are borrowed from in. */
void insertion_describe(const struct insertion *in, size_t at,
                        struct keep_cert *out);

/* Forget the roots, or all but the roots. */
void insertion_drop_roots(struct insertion *in);
void insertion_keep_roots(struct insertion *in);

#endif
