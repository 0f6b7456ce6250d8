/*
 * "cardproxyctl policy test": which [policy] a session would get, with which
 * values, and why.  It reads a configuration by itself and needs no daemon.
 * "cardproxyctl policy show": what a daemon has in force.
 */
#ifndef PROXY_CTLPOLICY_H
#define PROXY_CTLPOLICY_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

enum { CTLPOLICY_GROUPS_MAX = 64 };

/* The session, as it is described; NULL: not known, or not given. */
struct ctlpolicy_session {
	const char *config; /* path of the file */
	const char *user;
	const char *groups[CTLPOLICY_GROUPS_MAX];
	size_t group_count;
	const char *client_addr;
	const char *client_name;
	const char *target; /* NULL: the only one there is */
	const char *time;   /* "2026-11-23 09:00", local; NULL: now */
};

/*
 * The answer, as the daemon's are; with "error" when the description makes no
 * sense.  NULL: the file has faults, which are printed, or no memory.
 */
struct json_object *ctlpolicy_test(const struct ctlpolicy_session *session);

/*
 * "policy show": what is in force, as the daemon wrote it down in this file; of
 * one section, or of all.  NULL: errno.
 */
struct json_object *ctlpolicy_show(const char *path, const char *section);

/* Both answers, for people; false: there was nothing to show. */
bool ctlpolicy_print_test(struct json_object *document);
bool ctlpolicy_print_in_force(struct json_object *document);

#endif
