/*
 * The log-ons of this host, as its session manager (logind or elogind) lists
 * them: a watch on the loop, through libsystemd.  Only log-ons of users are
 * told, not greeters and lock screens.
 *
 * Without libsystemd at build time, or without a session manager when it is
 * opened, there is no watch, and hostlogon_missing says why.
 */
#ifndef PROXY_HOSTLOGON_H
#define PROXY_HOSTLOGON_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* More log-ons than this at a time are not looked at; the log says so. */
enum { HOSTLOGON_MAX = 4096, HOSTLOGON_ID_MAX = 64, HOSTLOGON_TEXT_MAX = 128 };

/* Texts are empty where the session manager says nothing. */
struct hostlogon_entry {
	char id[HOSTLOGON_ID_MAX];        /* its name for the log-on, "c2" */
	char user[HOSTLOGON_TEXT_MAX];    /* name of the account */
	char service[HOSTLOGON_TEXT_MAX]; /* of PAM: "xrdp-sesman", "sshd" */
	char display[HOSTLOGON_TEXT_MAX]; /* of X11: ":10" */
	uid_t uid;
	pid_t leader; /* 0: not known */
	bool remote;
	int64_t since; /* seconds since the epoch; 0: not known */
};

struct hostlogon_ops {
	/* Borrowed.  Those that are there already come from hostlogon_new. */
	void (*on_new)(void *arg, const struct hostlogon_entry *entry);
	/*
	 * It has ended: its user logged off, also when programs of it linger
	 * (the state "closing").  A lost session manager ends nothing.
	 */
	void (*on_gone)(void *arg, const struct hostlogon_entry *entry);
};

struct hostlogon;

/* NULL: there is a session manager to be watched; else why there is none. */
const char *hostlogon_missing(void);

/*
 * Watch from now on; ops is borrowed.  NULL: hostlogon_missing says why, or
 * there is no memory.  Do not free it from inside its callbacks.
 */
struct hostlogon *hostlogon_new(struct event_base *base,
                                const struct hostlogon_ops *ops, void *arg);
void hostlogon_free(struct hostlogon *h);

/* One that is there, by its id; NULL: none.  Borrowed until the next turn. */
const struct hostlogon_entry *hostlogon_find(const struct hostlogon *h,
                                             const char *id);

/* All that are there, to look only; borrowed. */
void hostlogon_each(const struct hostlogon *h,
                    void (*each)(void *arg,
                                 const struct hostlogon_entry *entry),
                    void *arg);

#endif
