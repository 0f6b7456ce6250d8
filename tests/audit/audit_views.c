/* The views: of a log-on, and of the host. */
#include "auditor.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * What is trusted in a scope: what somebody pinned there or, in a log-on, for
 * all of them or for its user; and what a card of a live log-on claims.
 */
#define PINNED                                                                 \
	"SELECT sha256 FROM root_pin WHERE scope IN (?1, 'host') OR scope ="   \
	" (SELECT 'user:' || user_key FROM session"                            \
	" WHERE 'session:' || session_id = ?1)"
#define CLAIMED(kind)                                                          \
	"SELECT sha256 FROM claim WHERE scope = ?1 AND kind = " kind           \
	" AND session_id IN " AUDITOR_LIVE
#define NAMES(of) "SELECT lower(hex(sha256)) FROM (" of ")"
#define TRUSTED   PINNED " UNION " CLAIMED("3")

static const char trusted[] = NAMES(TRUSTED);
static const char vouching[] = NAMES(CLAIMED("4") " EXCEPT SELECT * FROM"
                                                  " (" TRUSTED ")");
static const char own[] =
    "SELECT lower(hex(e.sha256)) FROM entry e JOIN session s"
    " ON s.user_key = e.owner WHERE 'session:' || s.session_id = ?1"
    " AND e.store = 1 AND e.archived = 0";

/* By the path that stays; all other texts name the view itself. */
#define USER_MODULE "p11-kit-user.module"

static const struct audit_folder session_folders[] = {
    {"certs", trusted, .hashed = true},
    {"anchors", trusted, false, false},
    {"trust/anchors", trusted, false, false},
    {"intermediates", vouching, false, false},
    {"personal", own, .personal = true},
};
static const struct audit_folder host_folders[] = {
    {"certs", trusted, .hashed = true},
    {"trust/anchors", trusted, false, false},
};

/*
 * All that is in a directory, beside what the folders are checked for.  A kill
 * leaves "policy.new" until the next start.
 */
static const char *const in_run[] = {
    "control.sock", "policy", "policy.new", "session", "user", "host", NULL};
static const char *const in_session[] = {
    "certs", "anchors",   "intermediates",        "personal",
    "trust", "krb5.conf", "p11-kit-trust.module", USER_MODULE,
    NULL};
static const char *const in_host[] = {"certs", "trust", NULL};
static const char *const in_trust[] = {"anchors", NULL};

static void
on_known(struct auditor *a, const char *path, const char *name, void *arg)
{
	const char *const *known = arg;

	while (*known != NULL && strcmp(*known, name) != 0)
		known++;
	if (*known == NULL)
		auditor_violation(a, "I8", "left over: %s/%s", path, name);
}

static void
check_names(struct auditor *a, const char *path, const char *const *known)
{
	/* Only read; the callback's argument has no const. */
	audit_each_name(a, path, on_known, (void *)(uintptr_t)known);
}

static void
audit_trust(struct auditor *a, const char *view)
{
	char path[AUDITOR_PATH + 8];

	(void)snprintf(path, sizeof(path), "%s/trust", view);
	audit_directory(a, path, 0755, AUDITOR_NOBODY);
	check_names(a, path, in_trust);
}

/* Where a path of the run directory ends. */
static size_t
path_length(const char *at)
{
	return strcspn(at, " \t\r\n\"':;,");
}

static bool
is_path(const char *at, const char *path)
{
	return path_length(at) == strlen(path) &&
	       strncmp(at, path, strlen(path)) == 0;
}

/*
 * A text names no path of the run directory but those of its own view, or its
 * user's link, and the host's; Kerberos is told of anchors only while there are
 * some.
 */
static void
audit_text(struct auditor *a, const char *view, const char *name, uid_t user,
           size_t anchors)
{
	char path[AUDITOR_PATH + 32];
	char link[AUDITOR_PATH];
	char host[AUDITOR_PATH];
	char text[64 * 1024] = "";
	bool stays = strcmp(name, USER_MODULE) == 0;
	unsigned named = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", view, name);
	(void)snprintf(link, sizeof(link), "%s/user/%lu/trust", a->run_dir,
	               (unsigned long)user);
	(void)snprintf(host, sizeof(host), "%s/host/trust", a->run_dir);
	audit_file(a, path);
	f = fopen(path, "re");
	if (f == NULL)
		return;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	for (const char *at = text; (at = strstr(at, a->run_dir)) != NULL;
	     at += path_length(at), named++)
		if (!is_path(at, host) &&
		    (stays ? !is_path(at, link)
		           : strncmp(at, view, strlen(view)) != 0 ||
		                 at[strlen(view)] != '/'))
			auditor_violation(a, "I7", "names another's: %s", path);
	if (strcmp(name, "krb5.conf") == 0 && (named > 0) != (anchors > 0))
		auditor_violation(a, anchors > 0 ? "I3" : "I1",
		                  "%u of %zu anchors are named: %s", named,
		                  anchors, path);
}

static void
audit_view(struct auditor *a, const char *id)
{
	char view[AUDITOR_PATH];
	char scope[AUDITOR_ID_LEN + 16];
	uid_t user = audit_session_user(a, id);
	size_t anchors = 0;

	a->views++;
	(void)snprintf(view, sizeof(view), "%s/session/%.*s", a->run_dir,
	               AUDITOR_ID_LEN, id);
	(void)snprintf(scope, sizeof(scope), "session:%.*s", AUDITOR_ID_LEN,
	               id);
	if (audit_store_ask(a,
	                    "SELECT count(*) FROM session"
	                    " WHERE session_id = ?1"
	                    " AND session_id IN " AUDITOR_LIVE,
	                    id) != 1)
		auditor_violation(a, "I1", "a view of no live log-on: %s",
		                  view);
	audit_directory(a, view, 0750, user);
	check_names(a, view, in_session);
	audit_trust(a, view);
	for (size_t i = sizeof(session_folders) / sizeof(session_folders[0]);
	     i-- > 0;)
		anchors =
		    audit_folder(a, view, scope, user, &session_folders[i]);
	audit_text(a, view, "krb5.conf", user, anchors);
	audit_text(a, view, "p11-kit-trust.module", user, anchors);
	audit_text(a, view, USER_MODULE, user, anchors);
}

static void
on_view(struct auditor *a, const char *path, const char *name, void *arg)
{
	(void)arg;
	if (strspn(name, "0123456789abcdef") != AUDITOR_ID_LEN ||
	    name[AUDITOR_ID_LEN] != '\0')
		auditor_violation(a, "I8", "left over: %s/%s", path, name);
	else if (a->stopped)
		auditor_violation(a, "I1", "a view without a daemon: %s/%s",
		                  path, name);
	else
		audit_view(a, name);
}

/* Each bound log-on has its view. */
static void
on_logon(struct auditor *a, const char *id, void *arg)
{
	char view[AUDITOR_PATH];

	(void)arg;
	(void)snprintf(view, sizeof(view), "%s/session/%s", a->run_dir, id);
	if (access(view, F_OK) != 0)
		auditor_violation(a, "I3", "a log-on without a view: %s", id);
}

/* Pins outlive the daemon; what cards claim does not. */
static void
audit_host(struct auditor *a)
{
	char view[AUDITOR_PATH];

	(void)snprintf(view, sizeof(view), "%s/host", a->run_dir);
	audit_directory(a, view, 0755, AUDITOR_NOBODY);
	check_names(a, view, in_host);
	audit_trust(a, view);
	for (size_t i = 0; i < sizeof(host_folders) / sizeof(host_folders[0]);
	     i++)
		(void)audit_folder(a, view, "host", AUDITOR_NOBODY,
		                   &host_folders[i]);
}

void
audit_views(struct auditor *a)
{
	char path[AUDITOR_PATH];
	struct stat st;

	if (lstat(a->run_dir, &st) != 0)
		return;
	a->owner = st.st_uid;
	a->group = st.st_gid;
	audit_directory(a, a->run_dir, 0755, AUDITOR_NOBODY);
	check_names(a, a->run_dir, in_run);
	(void)snprintf(path, sizeof(path), "%s/session", a->run_dir);
	audit_directory(a, path, 0711, AUDITOR_NOBODY);
	audit_each_name(a, path, on_view, NULL);
	if (!a->stopped)
		audit_store_each(a,
		                 "SELECT session_id FROM session"
		                 " WHERE user_key IS NOT NULL"
		                 " AND session_id IN " AUDITOR_LIVE,
		                 NULL, on_logon, NULL);
	audit_host(a);
}
