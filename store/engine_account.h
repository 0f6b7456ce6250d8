/*
 * Owners that are accounts of this host, and what becomes of their rows when
 * the account is no more.  An owner that never was one of the host's own has no
 * row here, and is nobody's to remove.  The verbs that write stand between
 * engine_begin and engine_commit like those of engine.h.
 */
#ifndef STORE_ENGINE_ACCOUNT_H
#define STORE_ENGINE_ACCOUNT_H

#include "engine.h"

enum {
	ENGINE_FORGET_MAX = 256 /* log-ons whose claims go in a transaction */
};

/* What an owner lost. */
struct engine_forgotten {
	uint32_t entries; /* of any store */
	uint32_t claims;
	bool more; /* not all yet: once more */
};

/*
 * This owner logged on here, and is this account of the host's.  Where the name
 * was another account's before, that one is gone, and with it what others than
 * this log-on have left.
 */
bool engine_account_known(struct engine *engine, struct wire_view owner,
                          int64_t uid, const char *session,
                          struct engine_change *change);

/* Each with an owner after this one, in order; at most count. */
typedef void engine_on_account(void *arg, struct wire_view owner, int64_t uid);
bool engine_list_accounts(struct engine *engine, struct wire_view after,
                          int64_t count, engine_on_account *on_account,
                          void *arg);

/*
 * The account was looked for, and is there or is not.  *gone: it was missing
 * already in a look that is at least so many seconds old.
 */
bool engine_account_looked(struct engine *engine, struct wire_view owner,
                           int64_t uid, bool there, int64_t seconds,
                           bool *gone);

/*
 * Forget all that is an owner's: claims of every log-on, live or kept, of roots
 * and of certificates, the entries of MY and REQUEST with all properties, and
 * that there is such an account.  Pins stay: they are an administrator's.  The
 * log-ons have ended by then.  who is for the audit.
 */
bool engine_forget_owner(struct engine *engine, struct wire_view owner,
                         const char *who, struct engine_forgotten *forgotten,
                         struct engine_change *change);

#endif
