/*
 * Which [policy] is in force in one session: chosen when the session begins
 * (nobody is known yet), again when the user and his groups are known, after a
 * reload, and each minute where a section looks at the time.  Each change is
 * one event of the log, with the values that changed and where they are from.
 */
#ifndef PROXY_RULING_H
#define PROXY_RULING_H

#include <event2/event.h>

#include "config.h"

struct ruling_start {
	struct event_base *base;
	/* The three outlive the ruling; group policies are changed in it. */
	struct config *config;
	const struct config_target *target;
	const char *client_addr;
	const char *client_name; /* copied */
};

struct ruling_ops {
	/*
	 * Another policy is in force from now on; what was borrowed from the
	 * one before is gone when this returns.
	 */
	void (*on_changed)(void *arg, const struct policy *policy);
	/* The user's groups count now: after ruling_identify, once. */
	void (*on_settled)(void *arg);
};

struct ruling;

/* NULL: no memory.  No callback is called before it returns. */
struct ruling *ruling_new(const struct ruling_start *start,
                          const struct ruling_ops *ops, void *arg);
void ruling_free(struct ruling *ruling);

const struct policy *ruling_policy(const struct ruling *ruling);

/* Of what is in force, as "policy show" has it. */
uint32_t ruling_generation(const struct ruling *ruling);

/*
 * The user is known, by this key.  The groups are read once, and only where a
 * section asks for them; on_settled is called here, or when they are there.
 */
void ruling_identify(struct ruling *ruling, const char *user);

/*
 * That was not the user: until the next ruling_identify nobody is known, and
 * what sections say of users fits nobody.
 */
void ruling_forget(struct ruling *ruling);

/*
 * A new file, taken, and the number of what is in force with it.  The group
 * policies are read here.
 */
void ruling_reload(struct ruling *ruling, struct config *config,
                   uint32_t generation);

/* The group policies have changed, the file has not. */
void ruling_refresh(struct ruling *ruling, uint32_t generation);

#endif
