/* A directory of certificates: what is wanted is there, and nothing else. */
#include "auditor.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 512, SUBJECT_TEXT = 8 };

/* Thumbprints: of a folder's files, or wanted by the store. */
struct names {
	char text[FILES_MAX][AUDITOR_HASH_TEXT + 1];
	size_t count;
};

struct walk {
	const struct audit_folder *folder;
	const char *rule; /* of what is there and should not be */
	struct names found;
	struct names wanted;
	struct names linked;
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
		if (strncmp(names->text[i], text, AUDITOR_HASH_TEXT) == 0)
			return true;
	return false;
}

static void
on_wanted(struct auditor *a, const char *text, void *arg)
{
	struct walk *walk = arg;

	(void)a;
	add_name(&walk->wanted, text);
}

static bool
is_of_certificate(const char *name, const char *ending)
{
	return strspn(name, "0123456789abcdef") == AUDITOR_HASH_TEXT &&
	       strcmp(name + AUDITOR_HASH_TEXT, ending) == 0;
}

static X509 *
read_certificate(const char *path)
{
	FILE *f = fopen(path, "re");
	X509 *x509 = f != NULL ? PEM_read_X509_AUX(f, NULL, NULL, NULL) : NULL;

	if (f != NULL)
		(void)fclose(f);
	return x509;
}

/* The content is what the name says, however it is wrapped. */
static bool
is_genuine(const char *path, const char *name)
{
	X509 *x509 = read_certificate(path);
	uint8_t hash[EVP_MAX_MD_SIZE];
	char text[AUDITOR_HASH_TEXT + 1] = "";

	if (x509 != NULL && X509_digest(x509, EVP_sha256(), hash, NULL) == 1)
		for (size_t i = 0; i < AUDITOR_HASH_TEXT / 2; i++)
			(void)snprintf(&text[2 * i], 3, "%02x", hash[i]);
	X509_free(x509);
	return strncmp(text, name, AUDITOR_HASH_TEXT) == 0;
}

/* "<subject>.<number>", and it leads to a certificate with that subject. */
static bool
is_link_of(const char *file, const char *name, char target[AUDITOR_PATH])
{
	ssize_t len = readlink(file, target, AUDITOR_PATH - 1);
	char subject[SUBJECT_TEXT + 1];
	X509 *x509;

	if (len <= 0)
		return false;
	target[len] = '\0';
	if (!is_of_certificate(target, ".pem"))
		return false;
	x509 = read_certificate(file);
	(void)snprintf(subject, sizeof(subject), "%08lx",
	               x509 != NULL ? X509_subject_name_hash(x509) : 0);
	X509_free(x509);
	return strspn(name, "0123456789abcdef") == SUBJECT_TEXT &&
	       strncmp(name, subject, SUBJECT_TEXT) == 0 &&
	       name[SUBJECT_TEXT] == '.' &&
	       name[SUBJECT_TEXT + 1 +
	            strspn(name + SUBJECT_TEXT + 1, "0123456789")] == '\0';
}

static void
check_link(struct auditor *a, const char *file, const char *name,
           struct walk *walk)
{
	char target[AUDITOR_PATH];

	if (!walk->folder->hashed || !is_link_of(file, name, target))
		auditor_violation(a, "I1", "leads astray: %s", file);
	else
		add_name(&walk->linked, target);
}

/* What is known of a user's certificate names it, and no other. */
static bool
tells_of(const char *path, const char *name)
{
	char wanted[AUDITOR_HASH_TEXT + 16];
	char text[4096] = "";
	FILE *f = fopen(path, "re");

	(void)snprintf(wanted, sizeof(wanted), "\"sha256\":\"%.*s\"",
	               AUDITOR_HASH_TEXT, name);
	if (f == NULL)
		return false;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	(void)fclose(f);
	return strstr(text, wanted) != NULL;
}

static void
check_certificate(struct auditor *a, const char *file, const char *name,
                  struct walk *walk)
{
	audit_file(a, file);
	if (!has_name(&walk->wanted, name))
		auditor_violation(a, walk->rule, "shown without reason: %s",
		                  file);
	if (is_of_certificate(name, ".json")) {
		if (!tells_of(file, name))
			auditor_violation(a, "I3", "of another: %s", file);
	} else if (is_of_certificate(name, ".pem")) {
		add_name(&walk->found, name);
		if (!is_genuine(file, name))
			auditor_violation(a, "I3", "is not its name: %s", file);
	}
}

static void
on_name(struct auditor *a, const char *path, const char *name, void *arg)
{
	struct walk *walk = arg;
	char file[AUDITOR_PATH + 300];
	struct stat st;

	(void)snprintf(file, sizeof(file), "%s/%s", path, name);
	if (lstat(file, &st) == 0 && S_ISLNK(st.st_mode))
		check_link(a, file, name, walk);
	else if (is_of_certificate(name, ".pem") ||
	         (walk->folder->personal &&
	          (is_of_certificate(name, ".json") ||
	           is_of_certificate(name, ".uri.pem"))))
		check_certificate(a, file, name, walk);
	else
		auditor_violation(a, "I8", "left over: %s", file);
}

static void
check_missing(struct auditor *a, const char *path, const struct walk *walk)
{
	for (size_t i = 0; i < walk->wanted.count; i++) {
		if (!has_name(&walk->found, walk->wanted.text[i]))
			auditor_violation(a, "I3", "not shown: %s/%s", path,
			                  walk->wanted.text[i]);
		else if (walk->folder->hashed &&
		         !has_name(&walk->linked, walk->wanted.text[i]))
			auditor_violation(a, "I3", "no link to: %s/%s", path,
			                  walk->wanted.text[i]);
	}
}

size_t
audit_folder(struct auditor *a, const char *view, const char *scope, uid_t user,
             const struct audit_folder *folder)
{
	static struct walk walk;
	char path[AUDITOR_PATH + 32];

	walk.folder = folder;
	walk.rule = folder->personal ? "I7" : "I1";
	walk.found.count = walk.wanted.count = walk.linked.count = 0;
	(void)snprintf(path, sizeof(path), "%s/%s", view, folder->path);
	audit_directory(a, path, folder->personal ? 0700 : 0755,
	                folder->personal ? user : AUDITOR_NOBODY);
	audit_store_each(a, folder->question, scope, on_wanted, &walk);
	audit_each_name(a, path, on_name, &walk);
	check_missing(a, path, &walk);
	return walk.wanted.count;
}
