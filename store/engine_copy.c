#include "engine_admin.h"

#include "engine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Left free on the store's disk: a copy must not fill it. */
static const uint64_t copy_spare = UINT64_C(64) * 1024 * 1024;

struct engine_copy {
	struct sqlite3 *to;
	struct sqlite3_backup *backup;
	int fd; /* the file again; -1: taken */
	char reason[ENGINE_REASON_SIZE];
};

/* "main" of the one connection: its path, as it was opened. */
static const char *
store_path(const struct engine *engine)
{
	return sqlite3_db_filename(engine->sql.db, "main");
}

bool
engine_wal_stat(const struct engine *engine, struct stat *stat_of)
{
	char path[PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s-wal", store_path(engine));

	return len > 0 && len < (int)sizeof(path) && stat(path, stat_of) == 0;
}

static bool
has_room(const char *path, char *reason)
{
	struct statvfs disk;
	struct stat file;

	if (stat(path, &file) != 0 || statvfs(path, &disk) != 0) {
		(void)snprintf(reason, ENGINE_REASON_SIZE, "%s",
		               strerror(errno));
		return false;
	}
	if ((uint64_t)disk.f_bavail * disk.f_frsize >=
	    (uint64_t)file.st_size + copy_spare)
		return true;
	(void)snprintf(reason, ENGINE_REASON_SIZE,
	               "no room for a copy on the disk of the store");
	return false;
}

/*
 * A file for us alone.  SQLite opens it by its name, which then goes: whatever
 * happens to us, nothing stays.  Without a journal nothing else is made.
 */
static bool
open_file(struct engine_copy *copy, const char *store, char *reason)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	char path[PATH_MAX];
	bool ok = snprintf(path, sizeof(path), "%s.copy.XXXXXX", store) <
	          (int)sizeof(path);

	copy->fd = ok ? mkostemp(path, O_CLOEXEC) : -1;
	if (copy->fd < 0) {
		(void)snprintf(reason, ENGINE_REASON_SIZE, "%s",
		               ok ? strerror(errno) : "path too long");
		return false;
	}
	ok = sqlite3_open_v2(path, &copy->to, flags, NULL) == SQLITE_OK &&
	     sqlite3_exec(copy->to,
	                  "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
	                  "PRAGMA locking_mode=EXCLUSIVE;",
	                  NULL, NULL, NULL) == SQLITE_OK;
	(void)unlink(path);
	if (!ok)
		(void)snprintf(reason, ENGINE_REASON_SIZE, "%s",
		               sqlite3_errmsg(copy->to));
	return ok;
}

struct engine_copy *
engine_copy_new(struct engine *engine, char *reason)
{
	struct engine_copy *copy = calloc(1, sizeof(*copy));

	(void)snprintf(reason, ENGINE_REASON_SIZE, "out of memory");
	if (copy == NULL)
		return NULL;
	copy->fd = -1;
	if (!has_room(store_path(engine), reason) ||
	    !open_file(copy, store_path(engine), reason))
		goto fail;
	copy->backup =
	    sqlite3_backup_init(copy->to, "main", engine->sql.db, "main");
	if (copy->backup != NULL)
		return copy;
	(void)snprintf(reason, ENGINE_REASON_SIZE, "%s",
	               sqlite3_errmsg(copy->to));
fail:
	engine_copy_free(copy);
	return NULL;
}

void
engine_copy_free(struct engine_copy *copy)
{
	if (copy == NULL)
		return;
	if (copy->backup != NULL)
		(void)sqlite3_backup_finish(copy->backup);
	(void)sqlite3_close(copy->to);
	if (copy->fd >= 0)
		(void)close(copy->fd);
	free(copy);
}

/* The last page is over: the copy is whole only if this succeeds, too. */
static enum engine_slice
finish(struct engine_copy *copy)
{
	int result = sqlite3_backup_finish(copy->backup);

	copy->backup = NULL;
	if (result == SQLITE_OK)
		return ENGINE_DONE;
	(void)snprintf(copy->reason, sizeof(copy->reason), "%s",
	               sqlite3_errstr(result));
	return ENGINE_BAD;
}

enum engine_slice
engine_copy_step(struct engine_copy *copy, int pages)
{
	int result;

	if (copy->backup == NULL)
		return ENGINE_BAD;
	result = sqlite3_backup_step(copy->backup, pages);
	if (result == SQLITE_OK || result == SQLITE_BUSY ||
	    result == SQLITE_LOCKED)
		return ENGINE_MORE;
	if (result == SQLITE_DONE)
		return finish(copy);
	(void)snprintf(copy->reason, sizeof(copy->reason), "%s",
	               sqlite3_errstr(result));
	return ENGINE_BAD;
}

const char *
engine_copy_reason(const struct engine_copy *copy)
{
	return copy->reason;
}

int
engine_copy_dup(const struct engine_copy *copy)
{
	return copy->fd >= 0 ? fcntl(copy->fd, F_DUPFD_CLOEXEC, 0) : -1;
}

int
engine_copy_take(struct engine_copy *copy, int64_t *len)
{
	struct stat file;
	int fd = copy->fd;

	if (fd < 0 || copy->backup != NULL || fstat(fd, &file) != 0)
		return -1;
	*len = file.st_size;
	copy->fd = -1;
	return fd;
}
