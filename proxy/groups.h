/*
 * The groups of a user on this host, by name, as its name service switch gives
 * them.  That may ask a directory over the network and take its time, so a
 * short-lived process asks; the loop goes on meanwhile.
 */
#ifndef PROXY_GROUPS_H
#define PROXY_GROUPS_H

#include <event2/event.h>
#include <stddef.h>

enum {
	GROUPS_MAX = 1024,
	GROUPS_BYTES_MAX = 64 * 1024, /* of all names */
	GROUPS_MS = 5000              /* then the answer is given up */
};

struct groups;

/*
 * The answer, once.  names is empty and why says the reason when there is
 * none; else why is NULL.
 */
typedef void groups_found(void *arg, const struct groups *groups,
                          const char *why);

/*
 * Ask for the groups of a user's key: of "user@domain" as it is, else of
 * "domain\user", never of "user" alone, who may be somebody else.  NULL: no
 * process or no memory for it.
 */
struct groups *groups_ask(struct event_base *base, const char *user,
                          groups_found *found, void *arg);

/* The names, as long as groups is; none before the answer. */
const char *const *groups_names(const struct groups *groups, size_t *count);
void groups_free(struct groups *groups);

#endif
