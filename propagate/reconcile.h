/*
 * A session under another policy: what stands is judged again and said again,
 * what a policy switched off goes or stays as the clean-up options say, and
 * what it switched on is read.
 */
#ifndef PROPAGATE_RECONCILE_H
#define PROPAGATE_RECONCILE_H

#include "machine.h"

/* cp has the new policy already; of old only the values count. */
void reconcile(struct certprop *cp, const struct certprop_policy *old,
               uint64_t now_ms);

/* All that stands, said once more: a keeper takes it as it takes it first. */
void reconcile_assert(struct certprop *cp);

#endif
