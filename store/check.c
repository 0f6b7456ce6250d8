#include "check.h"

#include "log.h"
#include "schema.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HASH_LEN = 32, SHA1_LEN = 20 };

struct check {
	struct sqlite3 *db;
	struct check_summary *summary;
	check_on_fault *on_fault;
	void *arg;
};

/* Each gives a row with a text for each fault. */
static const struct {
	const char *what;
	const char *query;
} rules[] = {
    {"the file is damaged", "PRAGMA integrity_check(100)"},
    {"a row refers to nothing",
     "SELECT \"table\" || ' row ' || rowid FROM pragma_foreign_key_check"},
    {"an entry of the user that neither a claim nor its own mark keeps",
     "SELECT e.owner || ' ' || lower(hex(e.sha256)) FROM entry e"
     " WHERE e.store IN (1, 2) AND e.kept = 0 AND NOT EXISTS"
     " (SELECT 1 FROM claim c WHERE c.scope = 'user:' || e.owner"
     " AND c.sha256 = e.sha256)"},
    {"a root that nobody claims",
     "SELECT e.owner || ' ' || lower(hex(e.sha256)) FROM entry e"
     " WHERE e.store = 3 AND NOT EXISTS (SELECT 1 FROM claim c"
     " WHERE c.scope = e.owner AND c.sha256 = e.sha256)"},
    {"a claim of a log-on that is over",
     "SELECT c.scope || ' ' || lower(hex(c.sha256)) FROM claim c"
     " JOIN session s ON s.session_id = c.session_id"
     " WHERE s.ended_at IS NOT NULL AND c.kept = 0"},
    {"a claim kept of a log-on that goes on",
     "SELECT c.scope || ' ' || lower(hex(c.sha256)) FROM claim c"
     " JOIN session s ON s.session_id = c.session_id"
     " WHERE s.ended_at IS NULL AND c.kept = 1"},
    {"a claim in the scope of another log-on",
     "SELECT scope || ' of ' || session_id FROM claim"
     " WHERE scope LIKE 'session:%' AND scope <> 'session:' || session_id"},
    {"an entry of an unknown store",
     "SELECT owner FROM entry WHERE store NOT IN (1, 2, 3)"},
    {"a user's certificate in the scope of a host or a log-on",
     "SELECT scope FROM claim WHERE kind < 3 AND scope NOT LIKE 'user:%'"},
    {"a root in the scope of a user",
     "SELECT scope FROM claim WHERE kind >= 3 AND scope LIKE 'user:%'"},
    {"an entry under the number of another certificate",
     "SELECT e.owner || ' ' || lower(hex(e.sha256)) FROM entry e"
     " JOIN cert c ON c.no = e.cert_no WHERE c.sha256 <> e.sha256"},
    {"a claim under the number of another certificate",
     "SELECT m.scope || ' ' || lower(hex(m.sha256)) FROM claim m"
     " JOIN cert c ON c.no = m.cert_no WHERE c.sha256 <> m.sha256"},
    {"a pin of a certificate that is not there",
     "SELECT r.scope || ' ' || lower(hex(r.sha256)) FROM root_pin r"
     " WHERE NOT EXISTS (SELECT 1 FROM cert c WHERE c.sha256 = r.sha256)"},
};

static void
tell(struct check *check, const char *what, const char *detail)
{
	if (check->summary->faults++ < CHECK_FAULTS_MAX)
		check->on_fault(check->arg, what, detail);
}

/* A query that fails is a fault of the file, too. */
static void
apply_rule(struct check *check, const char *what, const char *query)
{
	struct sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(check->db, query, -1, &statement, NULL);

	while (result == SQLITE_OK || result == SQLITE_ROW) {
		result = sqlite3_step(statement);
		if (result != SQLITE_ROW)
			break;
		const char *text =
		    (const char *)sqlite3_column_text(statement, 0);

		if (text == NULL || strcmp(text, "ok") != 0)
			tell(check, what, text != NULL ? text : "");
	}
	(void)sqlite3_finalize(statement);
	if (result != SQLITE_DONE)
		tell(check, what, sqlite3_errmsg(check->db));
}

static bool
is_hash_of(struct sqlite3_stmt *statement, int column, const EVP_MD *type,
           size_t len)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	const void *der = sqlite3_column_blob(statement, 2);
	size_t der_len = (size_t)sqlite3_column_bytes(statement, 2);

	return der != NULL &&
	       (size_t)sqlite3_column_bytes(statement, column) == len &&
	       EVP_Digest(der, der_len, hash, NULL, type, NULL) == 1 &&
	       memcmp(hash, sqlite3_column_blob(statement, column), len) == 0;
}

/* Every certificate is what its thumbprints say. */
static void
check_hashes(struct check *check)
{
	static const char what[] = "a certificate with another thumbprint";
	struct sqlite3_stmt *statement = NULL;
	int result =
	    sqlite3_prepare_v2(check->db, "SELECT sha256, sha1, der FROM cert",
	                       -1, &statement, NULL);

	while (result == SQLITE_OK || result == SQLITE_ROW) {
		char text[2 * HASH_LEN + 1] = "";

		result = sqlite3_step(statement);
		if (result != SQLITE_ROW)
			break;
		check->summary->certs++;
		if (is_hash_of(statement, 0, EVP_sha256(), HASH_LEN) &&
		    is_hash_of(statement, 1, EVP_sha1(), SHA1_LEN))
			continue;
		if (sqlite3_column_bytes(statement, 0) == HASH_LEN)
			(void)log_hex(text, sqlite3_column_blob(statement, 0),
			              HASH_LEN);
		tell(check, what, text);
	}
	(void)sqlite3_finalize(statement);
	if (result != SQLITE_DONE)
		tell(check, what, sqlite3_errmsg(check->db));
}

static int64_t
count(struct check *check, const char *query)
{
	struct sqlite3_stmt *statement = NULL;
	int64_t number = 0;

	if (sqlite3_prepare_v2(check->db, query, -1, &statement, NULL) ==
	        SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return number;
}

static void
check_all(struct check *check)
{
	struct check_summary *sum = check->summary;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		apply_rule(check, rules[i].what, rules[i].query);
	check_hashes(check);
	sum->entries = count(check, "SELECT count(*) FROM entry");
	sum->claims = count(check, "SELECT count(*) FROM claim");
	sum->pins = count(check, "SELECT count(*) FROM root_pin");
	sum->orphans = count(
	    check, "SELECT count(*) FROM cert c WHERE NOT EXISTS"
		   " (SELECT 1 FROM entry e WHERE e.cert_no = c.no)"
		   " AND NOT EXISTS"
		   " (SELECT 1 FROM claim m WHERE m.cert_no = c.no)"
		   " AND NOT EXISTS"
		   " (SELECT 1 FROM root_pin r WHERE r.sha256 = c.sha256)");
}

/* NULL, or why this is no store of this version. */
static const char *
judge_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum schema_file file =
	    fd >= 0 ? schema_inspect(fd) : SCHEMA_FILE_FAILED;

	if (fd >= 0)
		(void)close(fd);
	switch (file) {
	case SCHEMA_FILE_OURS:
		return NULL;
	case SCHEMA_FILE_OLDER:
		return "made by an earlier version of cardproxy";
	case SCHEMA_FILE_NEWER:
		return "made by a newer version of cardproxy";
	case SCHEMA_FILE_NEW:
	case SCHEMA_FILE_FOREIGN:
		return "not a store of cardproxy";
	case SCHEMA_FILE_FAILED:
		break;
	}
	return strerror(errno);
}

/*
 * Immutable: no journal is looked for, none is made, nothing is locked.  The
 * path becomes part of a URI.
 */
static bool
open_copy(struct check *check, const char *path)
{
	int flags =
	    SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
	char *uri = sqlite3_mprintf("file:%s", "");
	bool ok;

	for (const char *c = path; uri != NULL && *c != '\0'; c++) {
		bool plain = strchr("?#%", *c) == NULL;
		char *more =
		    plain ? sqlite3_mprintf("%s%c", uri, *c)
			  : sqlite3_mprintf("%s%%%02x", uri, (unsigned char)*c);

		sqlite3_free(uri);
		uri = more;
	}
	char *full =
	    uri != NULL ? sqlite3_mprintf("%s?immutable=1", uri) : NULL;

	ok = full != NULL &&
	     sqlite3_open_v2(full, &check->db, flags, NULL) == SQLITE_OK;
	sqlite3_free(full);
	sqlite3_free(uri);
	return ok;
}

bool
check_file(const char *path, struct check_summary *summary,
           check_on_fault *on_fault, void *arg, char reason[CHECK_REASON_SIZE])
{
	struct check check = {
	    .summary = summary, .on_fault = on_fault, .arg = arg};
	const char *fault = judge_file(path);
	bool ok = fault == NULL && open_copy(&check, path);

	*summary = (struct check_summary){0};
	(void)snprintf(reason, CHECK_REASON_SIZE, "%s",
	               fault != NULL ? fault : sqlite3_errmsg(check.db));
	if (ok)
		check_all(&check);
	(void)sqlite3_close(check.db);
	return ok;
}
