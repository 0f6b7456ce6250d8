/*
 * The accounts of this host: which user id belongs to a user's key, as the name
 * service switch says.  That may ask a directory over the network and take its
 * time, so a process of our own asks, one for all keys; who wants to know gets
 * what is known by now and is told when there is more.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include <event2/event.h>
#include <sys/types.h>

enum {
	ACCOUNT_NAME_MAX = 512,
	ACCOUNTS_MAX = 4096,    /* keys that are remembered */
	ACCOUNT_PATIENCE_S = 5, /* of one look-up, then another process asks */
	ACCOUNT_FRESH_S = 300   /* then it is asked for again */
};

#define ACCOUNT_NONE ((uid_t)-1)

struct account;

/* The user id of this key has changed; ask for it. */
typedef void account_on_change(void *arg, const char *user);

/* NULL: no memory.  No process is started before the first question. */
struct account *account_new(struct event_base *base, account_on_change *change,
                            void *arg);
void account_free(struct account *account);

/*
 * The user id of a user's key: of "user@domain" as it is, else of
 * "domain\user", never of "user" alone, who may be somebody else. ACCOUNT_NONE:
 * this host does not know the user, or not yet.
 */
uid_t account_find(struct account *account, const char *user);

#endif
