/* The store, as a copy: what it answers, and that its hashes are true. */
#include "auditor.h"

#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_TRIES = 20, COPY_PAUSE_US = 20 * 1000, PATH_SIZE = 512 };

static char copy_dir[64];

static void
copy_path(char path[PATH_SIZE], const char *ending)
{
	(void)snprintf(path, PATH_SIZE, "%s/copy%s", copy_dir, ending);
}

static bool
copy_file(const char *from, const char *to)
{
	char buffer[65536];
	FILE *in = fopen(from, "rbe");
	FILE *out = in != NULL ? fopen(to, "wbe") : NULL;
	bool ok = out != NULL;
	size_t len;

	while (ok && (len = fread(buffer, 1, sizeof(buffer), in)) > 0)
		ok = fwrite(buffer, 1, len, out) == len;
	if (in != NULL)
		(void)fclose(in);
	return out != NULL && fclose(out) == 0 && ok;
}

static bool
same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * The daemon holds its store exclusively, so the auditor reads a copy: one that
 * neither file changed under.
 */
static bool
copy_at_rest(const char *database)
{
	static const char *const endings[] = {"", "-wal"};
	struct stat before[2] = {0};
	struct stat after[2] = {0};
	char from[PATH_SIZE];
	char to[PATH_SIZE];

	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(from, sizeof(from), "%s%s", database,
		               endings[i]);
		(void)stat(from, &before[i]);
	}
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(from, sizeof(from), "%s%s", database,
		               endings[i]);
		copy_path(to, endings[i]);
		(void)unlink(to);
		if (!copy_file(from, to) && i == 0)
			return false;
		(void)stat(from, &after[i]);
	}
	return same(&before[0], &after[0]) && same(&before[1], &after[1]);
}

static void
remove_copy(void)
{
	static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
	char path[PATH_SIZE];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		copy_path(path, endings[i]);
		(void)unlink(path);
	}
	(void)rmdir(copy_dir);
}

bool
audit_store_open(struct auditor *a)
{
	char path[PATH_SIZE];
	bool copied = false;

	(void)snprintf(copy_dir, sizeof(copy_dir), "/tmp/auditor.XXXXXX");
	if (mkdtemp(copy_dir) == NULL)
		return false;
	for (unsigned i = 0; i < COPY_TRIES && !copied; i++) {
		copied = copy_at_rest(a->database);
		if (!copied)
			(void)usleep(COPY_PAUSE_US);
	}
	copy_path(path, "");
	if (copied && sqlite3_open_v2(path, &a->db, SQLITE_OPEN_READWRITE,
	                              NULL) == SQLITE_OK)
		return true;
	(void)sqlite3_close(a->db);
	a->db = NULL;
	remove_copy();
	return false;
}

void
audit_store_close(struct auditor *a)
{
	(void)sqlite3_close(a->db);
	a->db = NULL;
	remove_copy();
}

static sqlite3_stmt *
prepare(struct auditor *a, const char *question, const char *text)
{
	sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(a->db, question, -1, &statement, NULL) !=
	    SQLITE_OK) {
		auditor_violation(a, "I3", "the store does not answer: %s",
		                  sqlite3_errmsg(a->db));
		return NULL;
	}
	if (text != NULL)
		(void)sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC);
	return statement;
}

int64_t
audit_store_ask(struct auditor *a, const char *question, const char *text)
{
	sqlite3_stmt *statement = prepare(a, question, text);
	int64_t answer = -1;

	if (statement != NULL && sqlite3_step(statement) == SQLITE_ROW)
		answer = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return answer;
}

void
audit_store_each(struct auditor *a, const char *question, const char *text,
                 audit_on_text *on_text, void *arg)
{
	sqlite3_stmt *statement = prepare(a, question, text);

	while (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
		const unsigned char *value = sqlite3_column_text(statement, 0);

		on_text(a, value != NULL ? (const char *)value : "", arg);
	}
	(void)sqlite3_finalize(statement);
}

static void
on_fault(struct auditor *a, const char *text, void *arg)
{
	const char *const *rule = arg;

	auditor_violation(a, rule[0], "%s: %s", rule[1], text);
}

/* Certificates are known by their own hash. */
static void
audit_hashes(struct auditor *a)
{
	sqlite3_stmt *statement =
	    prepare(a, "SELECT sha256, sha1, der FROM cert", NULL);
	uint8_t hash[EVP_MAX_MD_SIZE];

	while (statement != NULL && sqlite3_step(statement) == SQLITE_ROW) {
		const void *der = sqlite3_column_blob(statement, 2);
		size_t len = (size_t)sqlite3_column_bytes(statement, 2);

		a->certs++;
		if (sqlite3_column_bytes(statement, 0) != 32 ||
		    EVP_Digest(der, len, hash, NULL, EVP_sha256(), NULL) != 1 ||
		    memcmp(hash, sqlite3_column_blob(statement, 0), 32) != 0)
			auditor_violation(a, "I3",
			                  "a certificate is not its SHA-256");
		if (sqlite3_column_bytes(statement, 1) != 20 ||
		    EVP_Digest(der, len, hash, NULL, EVP_sha1(), NULL) != 1 ||
		    memcmp(hash, sqlite3_column_blob(statement, 1), 20) != 0)
			auditor_violation(a, "I3",
			                  "a certificate is not its SHA-1");
	}
	(void)sqlite3_finalize(statement);
}

/* What must give no row.  ends_on: 1 removal, 2 log-off, 0 never. */
static const struct {
	const char *rule[2];
	const char *question;
} rules[] = {
    /* clang-format off */
	{ { "I3", "integrity" },
	  "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'" },
	{ { "I3", "a row refers to nothing" },
	  "SELECT \"table\" FROM pragma_foreign_key_check" },
	{ { "I1", "a root in force without a live log-on or a record of it" },
	  "SELECT hex(sha256) || ' of ' || session_id FROM claim"
	  " WHERE kind IN (3, 4) AND ends_on <> 0 AND session_id NOT IN " AUDITOR_LIVE },
	{ { "I1", "kept after its session, but not meant to be" },
	  "SELECT hex(sha256) FROM claim WHERE kept <> 0 AND ends_on <> 0" },
	{ { "I1", "a root that ends with its card, and the card is gone" },
	  "SELECT hex(c.sha256) || ' of ' || c.session_id FROM claim c"
	  " JOIN session s ON s.session_id = c.session_id"
	  " WHERE c.kind IN (3, 4) AND c.ends_on = 1 AND c.present = 0"
	  " AND c.session_id IN " AUDITOR_LIVE " AND (s.detached_at IS NULL"
	  " OR coalesce(s.grace_until, 0) < unixepoch() - 1)" },
	{ { "I1", "a disconnected log-on is too old" },
	  "SELECT session_id FROM session WHERE detached_at IS NOT NULL"
	  " AND ended_at IS NULL AND expires_at < unixepoch() - 1"
	  " AND session_id IN " AUDITOR_LIVE },
	{ { "I1", "a root of a log-on without a user" },
	  "SELECT hex(c.sha256) FROM claim c JOIN session s"
	  " ON s.session_id = c.session_id WHERE c.kind IN (3, 4)"
	  " AND s.ended_at IS NULL AND s.user_key IS NULL" },
	{ { "I3", "an entry of no store" },
	  "SELECT hex(sha256) FROM entry WHERE store NOT IN (1, 2, 3)" },
	{ { "I3", "an entry under the number of another certificate" },
	  "SELECT hex(e.sha256) || ' of ' || e.owner FROM entry e"
	  " JOIN cert c ON c.no = e.cert_no WHERE c.sha256 <> e.sha256" },
	{ { "I3", "a claim under the number of another certificate" },
	  "SELECT hex(m.sha256) || ' for ' || m.scope FROM claim m"
	  " JOIN cert c ON c.no = m.cert_no WHERE c.sha256 <> m.sha256" },
	{ { "I3", "an entry that nothing backs" },
	  "SELECT hex(e.sha256) || ' of ' || e.owner FROM entry e"
	  " WHERE e.store <> 3 AND e.kept = 0 AND NOT EXISTS"
	  " (SELECT 1 FROM claim c WHERE c.scope = 'user:' || e.owner"
	  " AND c.sha256 = e.sha256)" },
	{ { "I7", "a certificate claimed for another user than the log-on's" },
	  "SELECT hex(c.sha256) || ' for ' || c.scope FROM claim c"
	  " JOIN session s ON s.session_id = c.session_id"
	  " WHERE c.scope LIKE 'user:%' AND s.user_key IS NOT NULL"
	  " AND c.scope <> 'user:' || s.user_key" },
	{ { "I7", "a root claimed for another log-on's scope" },
	  "SELECT hex(sha256) || ' in ' || scope FROM claim"
	  " WHERE scope LIKE 'session:%' AND scope <> 'session:' || session_id" },
    /* clang-format on */
};

/*
 * Files of the store's directory, and who may read them.  A kill leaves what
 * was being made of a certificate until the next start.
 */
static void
on_store_file(struct auditor *a, const char *path, const char *name, void *arg)
{
	static const struct {
		const char *name; /* after a '*': after the database's own */
		mode_t mode;
	} files[] = {{"*", 0600},
	             {"*-wal", 0600},
	             {"*-shm", 0600},
	             {"*-journal", 0600},
	             {"*.lock", 0600},
	             {"tls-certificate.pem", 0644},
	             {"tls-key.pem", 0600},
	             {"tls-key.pem.new", 0600},
	             {"tls-certificate.pem.new", 0644}};
	const char *base = arg;
	char known[PATH_SIZE];
	char file[PATH_SIZE + 300];
	struct stat st;

	(void)snprintf(file, sizeof(file), "%s/%s", path, name);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(known, sizeof(known), "%s%s",
		               files[i].name[0] == '*' ? base : "",
		               files[i].name + (files[i].name[0] == '*'));
		if (strcmp(known, name) != 0)
			continue;
		if (lstat(file, &st) == 0 &&
		    (!S_ISREG(st.st_mode) ||
		     (st.st_mode & 07777 & ~files[i].mode) != 0))
			auditor_violation(a, "I7", "open to others: %s", file);
		return;
	}
	auditor_violation(a, "I8", "left over: %s", file);
}

static void
audit_store_files(struct auditor *a)
{
	char path[PATH_SIZE];
	char *slash;

	(void)snprintf(path, sizeof(path), "%s", a->database);
	slash = strrchr(path, '/');
	if (slash == NULL)
		return;
	*slash = '\0';
	audit_each_name(a, path, on_store_file, slash + 1);
}

void
audit_store(struct auditor *a)
{
	audit_store_files(a);
	audit_hashes(a);
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const char *rule[2] = {rules[i].rule[0], rules[i].rule[1]};

		audit_store_each(a, rules[i].question, NULL, on_fault, rule);
	}
	a->entries =
	    (unsigned)audit_store_ask(a, "SELECT count(*) FROM entry", NULL);
	a->claims =
	    (unsigned)audit_store_ask(a, "SELECT count(*) FROM claim", NULL);
	a->sessions = (unsigned)audit_store_ask(
	    a, "SELECT count(*) FROM " AUDITOR_LIVE, NULL);
	a->connected = (unsigned)audit_store_ask(
	    a,
	    "SELECT count(*) FROM session WHERE connection IS NOT NULL"
	    " AND session_id IN " AUDITOR_LIVE,
	    NULL);
}
