#include "ground.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1024 * 1024, PATH_SIZE = PATH_MAX + 64 };

/* No view below these. */
static const char *const closed[] = {
    "/etc",
    "/usr",
    "/lib",
    "/boot",
    "/var/lib/ca-certificates",
    "/var/lib/sss",
    "/var/lib/krb5kdc",
    "/var/kerberos",
};

/* These may not lead to views: who may log in, and what everybody trusts. */
static const char *const leading[] = {
    "/etc/ssl",
    "/etc/ssl/certs",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/etc/pki",
    "/etc/pki/nssdb",
    "/etc/pki/ca-trust",
    "/etc/pki/ca-trust/source/anchors",
    "/etc/sssd/pki",
    "/etc/sssd/pki/sssd_auth_ca_db.pem",
    "/etc/pam_pkcs11",
    "/etc/pam_pkcs11/cacerts",
    "/etc/krb5kdc",
};

/* These may not name views; a directory stands for the files in it. */
static const char *const naming[] = {
    "/etc/sssd/sssd.conf",
    "/etc/sssd/conf.d",
    "/etc/pam_pkcs11/pam_pkcs11.conf",
    "/etc/pam.d",
    "/etc/krb5kdc/kdc.conf",
    "/var/kerberos/krb5kdc/kdc.conf",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* Without links, as far as it exists. */
static void
resolve(const char *path, char real[static PATH_SIZE])
{
	char head[PATH_SIZE];
	char found[PATH_MAX];
	char *slash = NULL;

	(void)snprintf(head, sizeof(head), "%s", path);
	while (realpath(head, found) == NULL) {
		slash = strrchr(head, '/');
		if (slash == NULL || slash == head) {
			(void)snprintf(real, PATH_SIZE, "%s", path);
			return;
		}
		*slash = '\0';
	}
	(void)snprintf(real, PATH_SIZE, "%s%s",
	               strcmp(found, "/") == 0 ? "" : found,
	               path + strlen(head));
}

static bool
is_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

/* A whole file, or "" when it cannot be read; the caller frees it. */
static char *
read_text(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *text = calloc(1, TEXT_MAX + 1);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && text != NULL && len < TEXT_MAX &&
	       (n = read(fd, text + len, TEXT_MAX - len)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		(void)close(fd);
	return text;
}

/* The views, that is; the control socket may be named. */
static bool
names_views(const char *file, const char *dir)
{
	static const char *const views[] = {"session", "host"};
	char *text = read_text(file);
	char name[PATH_SIZE + 16];
	bool found = false;

	for (size_t i = 0; text != NULL && i < COUNT(views); i++) {
		(void)snprintf(name, sizeof(name), "%s/%s", dir, views[i]);
		found |= strstr(text, name) != NULL;
	}
	free(text);
	return found;
}

static bool
is_named(const char *path, const char *dir, char where[static PATH_SIZE])
{
	DIR *entries = opendir(path);
	const struct dirent *entry;
	bool found = false;

	(void)snprintf(where, PATH_SIZE, "%s", path);
	if (entries == NULL)
		return names_views(path, dir);
	while (!found && (entry = readdir(entries)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(where, PATH_SIZE, "%s/%s", path, entry->d_name);
		found = names_views(where, dir);
	}
	(void)closedir(entries);
	return found;
}

bool
ground_is_safe(const char *path, const char *root,
               char reason[static GROUND_REASON_SIZE])
{
	char real[PATH_SIZE];
	char other[PATH_SIZE];
	char place[PATH_SIZE];

	resolve(path, real);
	for (size_t i = 0; i < COUNT(closed); i++) {
		(void)snprintf(place, sizeof(place), "%s%s", root, closed[i]);
		if (is_below(real, place) || is_below(path, place)) {
			(void)snprintf(reason, GROUND_REASON_SIZE,
			               "%.200s is no place for what a card "
			               "brings",
			               place);
			return false;
		}
	}
	for (size_t i = 0; i < COUNT(leading); i++) {
		(void)snprintf(place, sizeof(place), "%s%s", root, leading[i]);
		resolve(place, other);
		if (is_below(other, real)) {
			(void)snprintf(reason, GROUND_REASON_SIZE,
			               "%.200s leads there", place);
			return false;
		}
	}
	for (size_t i = 0; i < COUNT(naming); i++) {
		(void)snprintf(place, sizeof(place), "%s%s", root, naming[i]);
		if (is_named(place, path, other) ||
		    is_named(place, real, other)) {
			(void)snprintf(reason, GROUND_REASON_SIZE,
			               "%.200s names it", other);
			return false;
		}
	}
	return true;
}
