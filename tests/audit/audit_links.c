/* The links to users' views: each leads to a log-on of that user. */
#include "auditor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TO_VIEW "../session/"

/* The name is a user id as one is written; AUDITOR_NOBODY: it is not. */
static uid_t
parse_user(const char *name)
{
	char text[24];
	char *end = NULL;
	unsigned long user;

	errno = 0;
	user = strtoul(name, &end, 10);
	(void)snprintf(text, sizeof(text), "%lu", user);
	return errno == 0 && *end == '\0' && strcmp(text, name) == 0 &&
	               user < AUDITOR_NOBODY
	           ? (uid_t)user
	           : AUDITOR_NOBODY;
}

/* The id of the log-on a link leads to; false: it leads elsewhere. */
static bool
read_target(const char *path, char id[AUDITOR_ID_LEN + 1])
{
	static const size_t skipped = sizeof(TO_VIEW) - 1;
	char target[sizeof(TO_VIEW) + AUDITOR_ID_LEN + 1];
	ssize_t len = readlink(path, target, sizeof(target));

	if (len != (ssize_t)(skipped + AUDITOR_ID_LEN) ||
	    memcmp(target, TO_VIEW, skipped) != 0)
		return false;
	memcpy(id, target + skipped, AUDITOR_ID_LEN);
	id[AUDITOR_ID_LEN] = '\0';
	return strspn(id, "0123456789abcdef") == AUDITOR_ID_LEN;
}

static bool
is(struct auditor *a, const char *condition, const char *id)
{
	char question[1024];

	(void)snprintf(question, sizeof(question),
	               "SELECT count(*) FROM session WHERE session_id = ?1"
	               " AND %s",
	               condition);
	return audit_store_ask(a, question, id) == 1;
}

static void
check_logon(struct auditor *a, const char *path, uid_t user, const char *id)
{
	if (!is(a, "session_id IN " AUDITOR_LIVE, id))
		auditor_violation(a, "I1", "leads to no live log-on: %s", path);
	else if (audit_session_user(a, id) != user)
		auditor_violation(a, "I7", "leads to another user's: %s", path);
	else if (!is(a, "coalesce(identity_source, '') NOT IN ('', 'claimed')",
	             id))
		auditor_violation(a, "I7", "leads to a name nobody proved: %s",
		                  path);
}

static void
on_link(struct auditor *a, const char *path, const char *name, void *arg)
{
	char link[AUDITOR_PATH + 300];
	char id[AUDITOR_ID_LEN + 1];
	uid_t user = parse_user(name);

	(void)arg;
	a->links++;
	(void)snprintf(link, sizeof(link), "%s/%s", path, name);
	if (user == AUDITOR_NOBODY)
		auditor_violation(a, "I8", "left over: %s", link);
	else if (!read_target(link, id))
		auditor_violation(a, "I7", "leads elsewhere: %s", link);
	else if (a->stopped)
		auditor_violation(a, "I1", "a link without a daemon: %s", link);
	else
		check_logon(a, link, user, id);
}

void
audit_links(struct auditor *a)
{
	char path[AUDITOR_PATH];

	(void)snprintf(path, sizeof(path), "%s/user", a->run_dir);
	audit_directory(a, path, 0711, AUDITOR_NOBODY);
	audit_each_name(a, path, on_link, NULL);
}
