/*
 * The accounts of this host: which user id belongs to a user's key, as the name
 * service switch says.  That may ask a directory over the network and take its
 * time, so a process of our own asks, one for all keys; who wants to know gets
 * what is known by now and is told when there is more.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include <event2/event.h>
#include <stdbool.h>
#include <sys/types.h>

enum {
	ACCOUNT_NAME_MAX = 512,
	ACCOUNTS_MAX = 4096,    /* keys that are remembered */
	ACCOUNT_PATIENCE_S = 5, /* of one look-up, then another process asks */
	ACCOUNT_FRESH_S = 300   /* then it is asked for again */
};

/* The host's own accounts, which need no network. */
#define ACCOUNT_FILE "/etc/passwd"

#define ACCOUNT_NONE ((uid_t)-1)

struct account;

/* The user id of this key has changed; ask for it. */
typedef void account_on_change(void *arg, const char *user);

/*
 * Is an account still there that once was?  GONE is said only of one of the
 * host's own that its file has no more, neither by name nor by user id, while
 * every service that was asked said so, too.  That a service cannot be asked is
 * UNCLEAR, and so is an account that has another name now.
 */
enum account_presence { ACCOUNT_THERE, ACCOUNT_GONE, ACCOUNT_UNCLEAR };
typedef void account_on_look(void *arg, const char *user, uid_t uid,
                             enum account_presence presence);

struct account_ops {
	account_on_change *change;
	account_on_look *look; /* may be NULL where nobody looks */
};

/*
 * file is the host's own accounts, borrowed; NULL: ACCOUNT_FILE.  NULL: no
 * memory.  No process is started before the first question.
 */
struct account *account_new(struct event_base *base, const char *file,
                            const struct account_ops *ops, void *arg);
void account_free(struct account *account);

/*
 * The user id of a user's key: of "user@domain" as it is, else of
 * "domain\user", never of "user" alone, who may be somebody else. ACCOUNT_NONE:
 * this host does not know the user, or not yet.
 */
uid_t account_find(struct account *account, const char *user);

/* Is what account_find last said one of the host's own? */
bool account_is_own(const struct account *account, const char *user);

/*
 * Look for an account that had this user id; its on_look is called later.  When
 * the process dies, that is told once, for all that wait: UNCLEAR, of nobody.
 * False: it could not be asked now.
 */
bool account_look(struct account *account, const char *user, uid_t uid);

/* Looks that wait for an answer. */
size_t account_looks(const struct account *account);

#endif
