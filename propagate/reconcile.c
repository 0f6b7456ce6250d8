#include "reconcile.h"

#include "absent.h"
#include "news.h"
#include "reader.h"

void
reconcile_assert(struct certprop *cp)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		if (cp->readers[i]->applied != NULL)
			reader_assert(cp, cp->readers[i]);
	absent_assert(cp);
}

static void
rescan_all(struct certprop *cp, uint64_t now_ms)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		reader_offer(cp, cp->readers[i], READER_RESCAN, now_ms);
}

static void
switch_all_off(struct certprop *cp, uint64_t now_ms)
{
	for (size_t i = 0; i < cp->reader_count; i++)
		if (cp->readers[i]->state == KEEP_CARD_READING)
			reader_step(cp, cp->readers[i], READER_SWITCHED_OFF,
			            now_ms);
}

/* What ends a claim is part of the claim. */
static bool
claims_differ(const struct certprop_policy *a, const struct certprop_policy *b)
{
	return a->cleanup != b->cleanup || a->user_cleanup != b->user_cleanup ||
	       a->archive_stale != b->archive_stale ||
	       /* The keeper does not know all that makes a card the user's. */
	       (!a->require_match && b->require_match);
}

/* Claims of cards that are gone, and that their withdrawal would end now. */
static unsigned
overdue(const struct certprop_policy *policy)
{
	unsigned parts = 0;

	if (policy->cleanup == KEEP_CLEANUP_REMOVAL)
		parts |= INSERTION_ROOTS;
	if (policy->user_cleanup == KEEP_CLEANUP_REMOVAL)
		parts |= INSERTION_USER;
	return parts;
}

/*
 * The lists that a policy names may have another content at the same address,
 * so all is judged again; what comes out the same is not said again.
 */
void
reconcile(struct certprop *cp, const struct certprop_policy *old,
          uint64_t now_ms)
{
	const struct certprop_policy *policy = &cp->policy;
	bool roots_on = !old->propagate_roots && policy->propagate_roots;

	for (size_t i = 0; i < cp->reader_count; i++)
		if (cp->readers[i]->applied != NULL)
			reader_judge(cp, cp->readers[i], now_ms);
	absent_judge(cp);
	if (claims_differ(old, policy)) {
		reconcile_assert(cp);
		absent_release(cp, overdue(policy));
	}
	if (old->propagate && !policy->propagate)
		switch_all_off(cp, now_ms);
	if (policy->propagate && (!old->propagate || roots_on))
		rescan_all(cp, now_ms);
}
