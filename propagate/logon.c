#include "logon.h"

#include "cardmap.h"

#include <string.h>

static bool
has_purpose(const struct certificate_logon *facts,
            const struct certprop_logon *rules)
{
	return facts->smart_card_logon || (rules->no_eku && facts->lax_purpose);
}

static bool
has_key(const struct certificate_logon *facts,
        const struct certprop_logon *rules)
{
	return facts->key == CERTIFICATE_KEY_RSA ||
	       (rules->ecc && facts->key == CERTIFICATE_KEY_EC);
}

static bool
is_fit(const struct item *item, const struct certprop_logon *rules, int64_t now)
{
	const struct certificate_logon *facts =
	    certificate_logon_facts(item->cert);
	struct keep_cert c;

	certificate_describe(item->cert, &c);
	if (item->kind != KEEP_USER)
		return false;
	if (!rules->time_invalid && (now < c.not_before || now > c.not_after))
		return false;
	if (!rules->signature_only &&
	    item->from->key_spec == ITEMS_KEY_SIGNATURE)
		return false;
	if (!rules->hint && c.upn.len == 0)
		return false;
	return facts->signs && has_purpose(facts, rules) &&
	       has_key(facts, rules);
}

/* From the same template, for the same name. */
static bool
are_duplicates(const struct item *a, const struct item *b)
{
	const struct certificate_logon *fa = certificate_logon_facts(a->cert);
	const struct certificate_logon *fb = certificate_logon_facts(b->cert);
	struct keep_cert ca, cb;

	certificate_describe(a->cert, &ca);
	certificate_describe(b->cert, &cb);
	return fa->template_len > 0 && fa->template_len == fb->template_len &&
	       memcmp(fa->template_id, fb->template_id, fa->template_len) ==
	           0 &&
	       fa->template_major == fb->template_major &&
	       cardmap_same_name(ca.upn, cb.upn);
}

/* The one that Windows took when it knew of one container only. */
static bool
is_first_choice(const struct item *item)
{
	return item->from->is_default &&
	       item->from->key_spec == ITEMS_KEY_EXCHANGE;
}

static bool
is_preferred(const struct item *item, const struct item *to)
{
	struct keep_cert a, b;

	if (is_first_choice(item) != is_first_choice(to))
		return is_first_choice(item);
	certificate_describe(item->cert, &a);
	certificate_describe(to->cert, &b);
	return a.not_after > b.not_after;
}

static void
filter_duplicates(struct items *items)
{
	for (size_t i = 0; i < items->count; i++)
		for (size_t k = i + 1; k < items->count; k++) {
			struct item *a = items->list[i], *b = items->list[k];

			if (!a->logon_eligible || !b->logon_eligible ||
			    !are_duplicates(a, b))
				continue;
			if (is_preferred(b, a))
				a->logon_eligible = false;
			else
				b->logon_eligible = false;
		}
}

void
logon_judge(struct items *items, const struct certprop_logon *rules,
            int64_t now)
{
	for (size_t i = 0; i < items->count; i++)
		items->list[i]->logon_eligible =
		    is_fit(items->list[i], rules, now);
	if (rules->filter_duplicates)
		filter_duplicates(items);
}
