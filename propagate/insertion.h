/*
 * What one card gave, after the rules: which of its certificates go where, with
 * all the columns the keeper wants.  It is kept as long as the session has
 * claims from it, so that it can be said again to a keeper that was restarted,
 * and judged again when the rules change.
 */
#ifndef PROPAGATE_INSERTION_H
#define PROPAGATE_INSERTION_H

#include "anchors.h"
#include "certprop.h"

enum {
	INSERTION_ROOT_BYTES_MAX = 256 * 1024, /* of all roots of one card */
	INSERTION_ITEMS_MAX = KEEP_CERTS_MAX + KEEP_ROOTS_MAX
};

/* The two halves of what a card gives; bits. */
enum insertion_part {
	INSERTION_ROOTS = 1, /* for the session's view */
	INSERTION_USER = 2   /* for the user's stores */
};

/* The rules; all of it is borrowed for the call. */
struct insertion_terms {
	const struct certprop_policy *policy;
	const struct anchors *anchors; /* of the host, or NULL */
	const char *user;              /* owner key */
};

/* Something about a certificate, or an object of the card. */
struct insertion_refusal {
	/*
	 * Not taken: "root-refused", "cert-refused", "cert-skipped",
	 * "request-dropped".  Taken: "root-preexisting", since the host trusts
	 * it already; "cert-machine-like".
	 */
	const char *event;
	const char *slot;
	const char *reason;    /* a literal */
	const uint8_t *sha256; /* 32 bytes, NULL when nothing was read */
};
typedef void insertion_on_refusal(void *arg,
                                  const struct insertion_refusal *refusal);

struct insertion;

/*
 * Judge what was read.  content is copied; each refusal is told once.  NULL
 * when memory is short.
 */
struct insertion *insertion_new(const struct card_content *content,
                                const struct insertion_terms *terms,
                                insertion_on_refusal *on_refusal, void *arg);

/*
 * Judge the same card once more, under other terms.  What was dropped stays
 * dropped; roots that were never looked at are not now.  While propagation is
 * off nothing comes that old has not.
 */
struct insertion *insertion_again(const struct insertion *old,
                                  const struct insertion_terms *terms,
                                  insertion_on_refusal *on_refusal, void *arg);
void insertion_free(struct insertion *in);

/* The card it came from. */
const uint8_t *insertion_card_id(const struct insertion *in);
const char *insertion_family(const struct insertion *in);

/* What it says of itself, where its family has such a thing; else empty. */
struct wire_view insertion_card_serial(const struct insertion *in);
struct wire_view insertion_chuid(const struct insertion *in);
bool insertion_same_card(const struct insertion *a, const struct insertion *b);

/* All objects of the card could be read. */
bool insertion_is_complete(const struct insertion *in);

/* Why nothing of this card goes anywhere, a literal; or NULL. */
const char *insertion_withheld(const struct insertion *in);

/* Empty requests, which have no key to wait for. */
size_t insertion_dropped_requests(const struct insertion *in);

size_t insertion_count(const struct insertion *in);
size_t insertion_root_count(const struct insertion *in);

/* The message body of the certificate at; its views are borrowed from in. */
void insertion_describe(const struct insertion *in, size_t at,
                        struct keep_cert *out);

/* The keeper would be told the same of both, of the same card. */
bool insertion_same(const struct insertion *a, const struct insertion *b);

/* Roots of old that now, of the same card, has no more. */
bool insertion_lost_roots(const struct insertion *old,
                          const struct insertion *now);

/* Forget these parts. */
void insertion_drop(struct insertion *in, unsigned parts);

#endif
