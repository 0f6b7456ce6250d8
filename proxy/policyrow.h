/*
 * The values of a policy in words, for people: each key with its value, where
 * that is from, and what there is to say about it.
 */
#ifndef PROXY_POLICYROW_H
#define PROXY_POLICYROW_H

#include "policy.h"

struct policyrow {
	const char *key; /* a literal */
	char *value;
	char *origin; /* "default", "section desk, line 12", "{GUID}", ... */
	const char *note; /* a literal; "" */
	bool given;       /* not the default */
};

struct policyrows {
	struct policyrow *items;
	size_t count;
	bool whole; /* memory sufficed */
};

struct policyrows policyrows_of(const struct policy *policy);
void policyrows_clear(struct policyrows *rows);

/* Has before a row with this key, value and origin? */
bool policyrows_have(const struct policyrows *rows,
                     const struct policyrow *row);

/*
 * What a key of a [policy] is when it is not given; "" for a list that is empty
 * then, and for what has no effect; NULL for a match key.
 */
const char *policyrow_default(const char *key);

#endif
