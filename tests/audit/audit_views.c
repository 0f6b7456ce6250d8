#include "auditor.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 512, FILES_MAX = 512 };

/* Where the certificates of one question lie in a view. */
struct folder {
	const char *path; /* below the view */
	const char *question;
};

#define OF_SCOPE                                                               \
	"SELECT lower(hex(sha256)) FROM root_pin WHERE scope = ?1"             \
	" UNION SELECT lower(hex(sha256)) FROM claim"                          \
	" WHERE scope = ?1 AND kind = 3 AND kept = 0"
#define OF_USER                                                                \
	"SELECT lower(hex(e.sha256)) FROM entry e JOIN session s"              \
	" ON s.user_key = e.owner WHERE 'session:' || s.session_id = ?1"       \
	" AND e.store = 1 AND e.archived = 0"

static const struct folder folders[] = {
    {"certs", OF_SCOPE},
    {"anchors", OF_SCOPE},
    {"trust/anchors", OF_SCOPE},
    {"intermediates",
     "SELECT lower(hex(sha256)) FROM claim WHERE scope = ?1 AND kind = 4"
     " AND kept = 0 EXCEPT SELECT lower(hex(sha256)) FROM claim"
     " WHERE scope = ?1 AND kind = 3"},
    {"personal", OF_USER},
};

/* Names of "<sha256>.pem" files: in the folder, or wanted by the store. */
struct names {
	char text[FILES_MAX][AUDITOR_HASH_TEXT + 1];
	size_t count;
};

static void
add_name(struct names *names, const char *text)
{
	if (names->count < FILES_MAX)
		(void)snprintf(names->text[names->count++],
		               AUDITOR_HASH_TEXT + 1, "%.*s", AUDITOR_HASH_TEXT,
		               text);
}

static bool
has_name(const struct names *names, const char *text)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->text[i], text) == 0)
			return true;
	return false;
}

/* The content is what the name says, however it is wrapped. */
static bool
is_genuine(const char *path, const char *name)
{
	FILE *f = fopen(path, "re");
	X509 *x509 = f != NULL ? PEM_read_X509_AUX(f, NULL, NULL, NULL) : NULL;
	uint8_t hash[EVP_MAX_MD_SIZE];
	char text[AUDITOR_HASH_TEXT + 1] = "";

	if (x509 != NULL && X509_digest(x509, EVP_sha256(), hash, NULL) == 1)
		for (size_t i = 0; i < AUDITOR_HASH_TEXT / 2; i++)
			(void)snprintf(&text[2 * i], 3, "%02x", hash[i]);
	X509_free(x509);
	if (f != NULL)
		(void)fclose(f);
	return strcmp(text, name) == 0;
}

static bool
is_certificate_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == AUDITOR_HASH_TEXT &&
	       strcmp(name + AUDITOR_HASH_TEXT, ".pem") == 0;
}

/* A name that a writer leaves only while it writes. */
static bool
is_unfinished(const char *name)
{
	return name[0] == '.' && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static void
read_folder(struct auditor *a, const char *path, struct names *names)
{
	DIR *dir = opendir(path);
	char file[PATH_SIZE + 300];
	struct stat st;

	names->count = 0;
	if (dir == NULL)
		return;
	for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		(void)snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		if (is_unfinished(e->d_name))
			auditor_violation(a, "I8", "left over: %s", file);
		if (lstat(file, &st) == 0 && S_ISLNK(st.st_mode) &&
		    access(file, F_OK) != 0)
			auditor_violation(a, "I1", "leads nowhere: %s", file);
		if (!is_certificate_name(e->d_name))
			continue;
		add_name(names, e->d_name);
		if (!is_genuine(file, names->text[names->count - 1]))
			auditor_violation(a, "I3", "is not its name: %s", file);
	}
	(void)closedir(dir);
}

static void
on_wanted(struct auditor *a, const char *text, void *arg)
{
	(void)a;
	add_name(arg, text);
}

static void
compare(struct auditor *a, const char *path, const struct names *found,
        const struct names *wanted)
{
	for (size_t i = 0; i < found->count; i++)
		if (!has_name(wanted, found->text[i]))
			auditor_violation(a, "I1",
			                  "shown without reason: %s/%s", path,
			                  found->text[i]);
	for (size_t i = 0; i < wanted->count; i++)
		if (!has_name(found, wanted->text[i]))
			auditor_violation(a, "I3", "not shown: %s/%s", path,
			                  wanted->text[i]);
}

static void
audit_folder(struct auditor *a, const char *view, const char *scope,
             const struct folder *folder)
{
	static struct names found, wanted;
	char path[PATH_SIZE + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", view, folder->path);
	read_folder(a, path, &found);
	wanted.count = 0;
	audit_store_each(a, folder->question, scope, on_wanted, &wanted);
	compare(a, path, &found, &wanted);
}

static void
audit_view(struct auditor *a, const char *id)
{
	char view[PATH_SIZE];
	char scope[AUDITOR_ID_LEN + 16];
	struct stat st;

	a->views++;
	(void)snprintf(view, sizeof(view), "%s/session/%.*s", a->run_dir,
	               AUDITOR_ID_LEN, id);
	(void)snprintf(scope, sizeof(scope), "session:%.*s", AUDITOR_ID_LEN,
	               id);
	if (stat(view, &st) == 0 && (st.st_mode & S_IRWXO) != 0)
		auditor_violation(a, "I7", "open to everybody: %s", view);
	if (audit_store_ask(a,
	                    "SELECT count(*) FROM session WHERE session_id = ?1"
	                    " AND ended_at IS NULL",
	                    id) != 1)
		auditor_violation(a, "I1", "a view of no live log-on: %s",
		                  view);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		audit_folder(a, view, scope, &folders[i]);
}

static void
audit_host(struct auditor *a)
{
	static const struct folder host[] = {{"certs", OF_SCOPE},
	                                     {"trust/anchors", OF_SCOPE}};
	char view[PATH_SIZE];

	(void)snprintf(view, sizeof(view), "%s/host", a->run_dir);
	if (a->stopped || access(view, F_OK) != 0)
		return;
	for (size_t i = 0; i < sizeof(host) / sizeof(host[0]); i++)
		audit_folder(a, view, "host", &host[i]);
}

void
audit_views(struct auditor *a)
{
	char path[PATH_SIZE];
	DIR *dir;

	(void)snprintf(path, sizeof(path), "%s/session", a->run_dir);
	dir = opendir(path);
	for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL;
	     e = readdir(dir)) {
		if (is_unfinished(e->d_name))
			auditor_violation(a, "I8", "left over: %s/%s", path,
			                  e->d_name);
		if (strlen(e->d_name) != AUDITOR_ID_LEN)
			continue;
		if (a->stopped)
			auditor_violation(a, "I1",
			                  "a view without a daemon: %s/%s",
			                  path, e->d_name);
		else
			audit_view(a, e->d_name);
	}
	if (dir != NULL)
		(void)closedir(dir);
	audit_host(a);
}
